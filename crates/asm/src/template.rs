//! The spellings of the instruction table, cut into pieces.
//!
//! Printing fills the holes; the grammar is built from them. What a template means is written in
//! the table's module of `abide-isa`.

/// A place in a template where an operand stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hole {
    Dst,
    Src,
    HalfDst,
    HalfSrc,
    Imm,
    OptionalImm,
    Off,
    Target,
    Relative,
    High,
    Low,
    Module,
}

/// Text that stands for itself, or a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(&'static str),
    Hole(Hole),
}

/// Cuts a template.
///
/// # Panics
/// On a template that is malformed: the table is a constant, and a test cuts all of it.
pub(crate) fn pieces(template: &'static str) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        if open > 0 {
            out.push(Piece::Text(&rest[..open]));
        }
        let close = rest.find('}').expect("a hole of the instruction table ends");
        out.push(Piece::Hole(match &rest[open + 1..close] {
            "d" => Hole::Dst,
            "s" => Hole::Src,
            "wd" => Hole::HalfDst,
            "ws" => Hole::HalfSrc,
            "i" => Hole::Imm,
            "+i" => Hole::OptionalImm,
            "o" => Hole::Off,
            "t" => Hole::Target,
            "r" => Hole::Relative,
            "hi" => Hole::High,
            "lo" => Hole::Low,
            "m" => Hole::Module,
            other => unreachable!("the instruction table has no hole {{{other}}}"),
        }));
        rest = &rest[close + 1..];
    }
    if !rest.is_empty() {
        out.push(Piece::Text(rest));
    }
    out
}
