//! `.cfi_*`: call frames, written as `.debug_frame`.
//!
//! BPF unwinds nothing by them: of each function its extent is written, as LLVM does, and what is
//! said of registers is read and left out.

use abide_diag::{Diagnostic, Span};

use crate::codes;
use crate::object::section::{Fixup, Need, Wanted};
use crate::object::symbols::{Origin, SymbolId};
use crate::object::unit::Unit;
use crate::object::value::{Node, NodeId};

#[derive(Debug, Default)]
pub(super) struct Frames {
    /// A `.cfi_startproc` that has no `.cfi_endproc` yet.
    start: Option<(SymbolId, Origin)>,
    functions: Vec<(SymbolId, SymbolId)>,
    /// Whether `.cfi_sections .debug_frame` is said.
    wanted: bool,
}

impl Unit<'_> {
    pub(super) fn cfi(&mut self, text: &str, name: &Span, operands: &str) {
        let origin = self.origin(name.clone());
        match &text[name.clone()] {
            ".cfi_sections" => self.frame.wanted = operands.contains(".debug_frame"),
            ".cfi_startproc" => {
                if let Some((_, before)) = self.frame.start {
                    let error = Diagnostic::error(&codes::UNCLOSED, "there is no `.cfi_endproc`");
                    self.error_at(before, error, "begins here");
                }
                let symbol = self.here();
                self.frame.start = Some((symbol, origin));
            }
            ".cfi_endproc" => match self.frame.start.take() {
                Some((start, _)) => {
                    let end = self.here();
                    self.frame.functions.push((start, end));
                }
                None => {
                    let message = "there is no `.cfi_startproc` before this";
                    self.error_at(origin, Diagnostic::error(&codes::UNCLOSED, message), "");
                }
            },
            _ => {}
        }
    }

    /// Writes `.debug_frame`.
    pub(super) fn emit_frames(&mut self) {
        if let Some((_, origin)) = self.frame.start {
            let error = Diagnostic::error(&codes::UNCLOSED, "there is no `.cfi_endproc`");
            self.error_at(origin, error, "begins here");
        }
        if !self.frame.wanted || self.frame.functions.is_empty() {
            return;
        }
        let at = self.usual_section(".debug_frame");
        self.section = at;
        self.sections[at as usize].align = 8;
        let base = self.here();
        let big = self.options.endian == abide_isa::Endian::Big;
        let word = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
        let data = &mut self.sections[at as usize].data;
        // The common part: version 4, no augmentation, addresses of eight bytes, no segments, code
        // in units of 8, data in units of -4, the return address in r11, padding.
        data.extend_from_slice(&word(12));
        data.extend_from_slice(&word(u32::MAX));
        data.extend_from_slice(&[4, 0, 8, 0, 8, 0x7c, 11, 0]);
        for (start, end) in std::mem::take(&mut self.frame.functions) {
            let (start_node, end_node) =
                (self.node(Node::Symbol(start)), self.node(Node::Symbol(end)));
            let length = self.subtract(end_node, start_node);
            let section = &mut self.sections[at as usize];
            let fixed = section.data.len() as u64;
            section.data.extend_from_slice(&word(20));
            section.data.extend_from_slice(&[0; 20]);
            let hole = |by: u64, need, wanted| Fixup {
                fixed: fixed + by,
                parts: 0,
                need,
                wanted,
                origin: Origin::default(),
                far: false,
            };
            section.fixups.push(hole(4, Need::Data(4), Wanted::Symbol(base, 0)));
            section.fixups.push(hole(8, Need::Data(8), Wanted::Symbol(start, 0)));
            section.fixups.push(hole(16, Need::Data(8), Wanted::Node(length)));
        }
    }

    fn subtract(&mut self, left: NodeId, right: NodeId) -> NodeId {
        self.node(Node::Binary(crate::operator::Operator::Subtract, left, right))
    }
}
