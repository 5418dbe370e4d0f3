//! CO-RE of a whole object: every record resolved against a host, and the code that results.
//!
//! The matching is `abide_btf::core`'s. An object is changed as a whole or not at all.

use std::sync::Arc;

use abide_btf::core::{CoreError, Patched, Poison, Record, Resolution, Resolver, Spec, Target};
use abide_btf::{Btf, ByteOrder};
use abide_diag::{Diagnostic, Report, printable};
use abide_isa::{Endian, Raw};

use crate::codes::O_CORE_POISONED;
use crate::elf;
use crate::error::{ObjectError, Problem};
use crate::model::{CoreRelocation, FunctionId, Object};

/// The types of a host: of a file of bare BTF, as `/sys/kernel/btf/vmlinux` is, or of an ELF file with
/// a section `.BTF`, as kernels are. Those of a module with a `.BTF.base` are read over that.
///
/// # Errors
/// It is neither, or its types are malformed.
pub fn host_types(bytes: &[u8]) -> Result<Btf, ObjectError> {
    let (types, base) = sections(bytes)?;
    Ok(match base {
        Some(base) => Btf::parse_split(types, &Arc::new(Btf::parse(base)?))?,
        None => Btf::parse(types)?,
    })
}

/// The types of a kernel module, over those of its kernel: of a file of bare split BTF, as in
/// `/sys/kernel/btf`, or of an ELF file. One with a `.BTF.base` fits other kernels than the one it was
/// built for, if they have all that it needs.
///
/// # Errors
/// It is neither, its types are malformed, or they do not fit this kernel.
pub fn module_types(bytes: &[u8], kernel: &Arc<Btf>) -> Result<Btf, ObjectError> {
    let (types, base) = sections(bytes)?;
    Ok(match base {
        Some(base) => Btf::parse_split(types, &Arc::new(Btf::parse(base)?))?.rebase(kernel)?,
        None => Btf::parse_split(types, kernel)?,
    })
}

/// Types, and the base that they bring along.
fn sections(bytes: &[u8]) -> Result<(&[u8], Option<&[u8]>), ObjectError> {
    if !bytes.starts_with(b"\x7fELF") {
        return Ok((bytes, None));
    }
    let [types, base] = elf::types(bytes)?;
    Ok((types.ok_or_else(|| Problem::NoTypes.nowhere())?, base.filter(|base| !base.is_empty())))
}

impl Object {
    /// Whether its code could run on a host with these types at all.
    ///
    /// # Errors
    /// They are of a host of the other byte order.
    pub fn fits_host(&self, types: &Btf) -> Result<(), ObjectError> {
        let big = types.order() == ByteOrder::Big;
        match big == (self.endian == Endian::Big) {
            true => Ok(()),
            false => Err(Problem::HostOrder { big }.nowhere()),
        }
    }
}

/// The code of an object for one host, and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Relocated {
    /// What became of each of [`Object::core`], in the same order.
    pub outcomes: Vec<Outcome>,
    /// The code of each function, in the order of [`Object::functions`]. Instructions whose
    /// relocation was refused are as they were.
    code: Vec<Vec<Raw>>,
}

/// What became of a CO-RE relocation.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What it means for the object and on the host, where that is known.
    pub resolution: Option<Resolution>,
    /// What was done with its instruction, or why it is refused.
    pub result: Result<Patched, CoreError>,
}

impl Object {
    /// Resolves all CO-RE relocations against the types of a host.
    ///
    /// The object stays as it is; [`Relocated::apply`] puts the code into it.
    pub fn relocate_core(&self, target: &Target<'_>) -> Relocated {
        let mut code: Vec<Vec<Raw>> =
            self.functions.iter().map(|function| function.slots.clone()).collect();
        let Some(btf) = &self.btf else { return Relocated { outcomes: Vec::new(), code } };
        let mut resolver = Resolver::new(btf, target);
        let mut relocate = |record: &CoreRelocation| {
            let (ty, kind) = (record.ty, record.kind);
            match resolver.resolve(Record { ty, access: &record.access, kind }) {
                Err(error) => Outcome { resolution: None, result: Err(error) },
                Ok(resolution) => {
                    let slots = &mut code[record.function.index()];
                    let result = resolution.patch(slots, record.slot as usize);
                    Outcome { resolution: Some(resolution), result }
                }
            }
        };
        let outcomes = self.core.iter().map(&mut relocate).collect();
        Relocated { outcomes, code }
    }

    /// Where a CO-RE relocation is: the source line if it is known, else the instruction.
    pub fn core_place(&self, record: &CoreRelocation) -> String {
        let function = self.function(record.function);
        let insn = format!("function {}, insn {}", printable(&function.name), record.slot);
        match function.line_at(record.slot) {
            Some(line) => {
                format!("{}:{}:{} ({insn})", printable(&line.file), line.line, line.column)
            }
            None => insn,
        }
    }

    /// The message about a relocation that was refused, or whose instruction cannot run on the host;
    /// `None` if all is well.
    pub fn core_report(&self, record: &CoreRelocation, outcome: &Outcome) -> Option<Diagnostic> {
        let diagnostic = match &outcome.result {
            Ok(Patched::Value { .. }) => return None,
            Ok(Patched::Poisoned(why)) => Diagnostic::warning(
                &O_CORE_POISONED,
                format!("this instruction cannot run on the host: {}", why.why()),
            )
            .help(match why {
                Poison::NoType => "ask first, with bpf_core_type_exists()",
                Poison::NoField => "ask first, with bpf_core_field_exists()",
                Poison::NoValue => "ask first, with bpf_core_enum_value_exists()",
                Poison::Resized => {
                    "read the field with bpf_core_read(), or BPF_CORE_READ_BITFIELD()"
                }
            }),
            Err(error) => error.report(),
        };
        let mut diagnostic = diagnostic.in_place(self.core_place(record));
        diagnostic.notes.extend(self.core_line(record));
        let spec = outcome.resolution.as_ref().map(|resolution| &resolution.local);
        diagnostic.notes.extend(spec.and_then(|spec| self.core_meaning(spec)));
        Some(diagnostic)
    }

    /// What to know of a relocation when there is no host: its source line, and what it is for.
    pub fn core_notes(&self, record: &CoreRelocation) -> Vec<String> {
        let mut notes: Vec<String> = self.core_line(record).into_iter().collect();
        let Some(btf) = &self.btf else { return notes };
        let (ty, access, kind) = (record.ty, record.access.as_str(), record.kind);
        // What it means for the object is known on any host.
        let target = Target::new(btf);
        let resolution = Resolver::new(btf, &target).resolve(Record { ty, access, kind });
        notes.extend(resolution.ok().and_then(|found| self.core_meaning(&found.local)));
        notes
    }

    fn core_line(&self, record: &CoreRelocation) -> Option<String> {
        let line = self.function(record.function).line_at(record.slot)?;
        let text = line.text.trim();
        (!text.is_empty()).then(|| format!("source: `{}`", printable(text)))
    }

    fn core_meaning(&self, spec: &Spec) -> Option<String> {
        let shown = spec.show(self.btf.as_ref()?);
        Some(format!("it means `{shown}` ({} of type {})", spec.numbers(), spec.root))
    }
}

impl Relocated {
    /// The code of a function.
    ///
    /// # Panics
    /// When the id is of another object.
    pub fn code(&self, id: FunctionId) -> &[Raw] {
        &self.code[id.index()]
    }

    /// Puts the code into the object that it was made from. Its instructions that cannot run on the
    /// host are calls of a helper that does not exist; whether they are reached is a verifier's to
    /// say.
    ///
    /// # Errors
    /// Relocations that were refused, by their places in [`Object::core`]; the object is unchanged.
    pub fn apply(self, object: &mut Object) -> Result<(), Vec<(usize, CoreError)>> {
        let refused = |(at, outcome): (usize, Outcome)| Some((at, outcome.result.err()?));
        let refused: Vec<_> = self.outcomes.into_iter().enumerate().filter_map(refused).collect();
        if !refused.is_empty() {
            return Err(refused);
        }
        for (function, code) in object.functions.iter_mut().zip(self.code) {
            function.slots = code;
        }
        Ok(())
    }
}
