//! Externs in `.kconfig`: values of a host's configuration that a program reads like variables.
//!
//! Where they lie is a fact of the object; their values come from a configuration that the caller
//! gives. Looks at no host by itself.

use std::collections::HashMap;

use abide_btf::{Btf, Type, TypeId};
use abide_diag::printable;
use abide_isa::Endian;

use crate::budget::Budget;
use crate::error::{ObjectError, Place, Problem};
use crate::model::{
    Extern, ExternId, ExternKind, KconfigForm, KconfigValue, Map, MapId, MapOrigin, Object, Target,
};

/// The section, and the name of the map.
const SECTION: &str = ".kconfig";
/// `BPF_MAP_TYPE_ARRAY`.
const ARRAY: u32 = 2;
/// `BPF_F_RDONLY_PROG` and `BPF_F_MMAPABLE`.
const FLAGS: u32 = 1 << 7 | 1 << 10;

/// What a host's configuration is.
#[derive(Debug, Clone, Copy)]
pub struct Kconfig<'a> {
    /// Lines `CONFIG_NAME=value`, as in `/boot/config-…`; others are comments.
    pub text: &'a str,
    /// `LINUX_KERNEL_VERSION`: of 6.12.3 `0x060c03`; none if the host is no Linux.
    pub kernel_version: Option<u32>,
    /// `LINUX_HAS_BPF_COOKIE`: whether what is attached can have a cookie.
    pub has_bpf_cookie: bool,
    /// `LINUX_HAS_SYSCALL_WRAPPER`: whether system calls take their arguments in a `struct pt_regs`.
    pub has_syscall_wrapper: bool,
}

/// The map that the externs in `.kconfig` make up, if there are any: the strictest alignment first,
/// then by size, then by name.
pub(crate) fn map(
    btf: &Btf,
    externs: &[Extern],
    budget: &mut Budget,
) -> Result<Option<Map>, ObjectError> {
    let mut values = Vec::new();
    for (number, found) in (0..).zip(externs) {
        let ExternKind::Kconfig { ty: Some(ty) } = found.kind else { continue };
        let error = |what| Problem::Kconfig(what).at(Place::symbol(&found.name));
        let (form, align) = form(btf, ty)
            .ok_or_else(|| error("no value of a configuration has its type".into()))?;
        let size = btf.size_of(ty).and_then(|size| u32::try_from(size).ok());
        let size = size.ok_or_else(|| error("its type is too large".into()))?;
        values.push((align, KconfigValue { id: ExternId(number), offset: 0, size, form }));
    }
    if values.is_empty() {
        return Ok(None);
    }
    values.sort_by(|(align, one), (other_align, other)| {
        let name = |value: &KconfigValue| &externs[value.id.index()].name;
        other_align
            .cmp(align)
            .then(one.size.cmp(&other.size))
            .then_with(|| name(one).cmp(name(other)))
    });
    let mut end = 0_u32;
    for (align, value) in &mut values {
        let place = end.checked_next_multiple_of(*align);
        value.offset = place.unwrap_or(u32::MAX);
        end = value.offset.checked_add(value.size).ok_or_else(|| {
            let what = "all of them together are too large".into();
            Problem::Kconfig(what).at(Place::section(SECTION))
        })?;
    }
    // What its contents will take.
    budget.take(u64::from(end))?;
    Ok(Some(Map {
        name: SECTION.to_owned(),
        origin: MapOrigin::Kconfig(values.into_iter().map(|(_, value)| value).collect()),
        kind: ARRAY,
        key_size: 4,
        value_size: end,
        max_entries: 1,
        flags: FLAGS,
        value_type: btf.by_name(abide_btf::Kind::DataSec, SECTION),
        ..Map::empty()
    }))
}

/// What a type can hold, and its alignment.
fn form(btf: &Btf, ty: TypeId) -> Option<(KconfigForm, u32)> {
    match btf.get(btf.strip(ty))? {
        Type::Int { size: 1, is_bool: true, .. } => Some((KconfigForm::Bool, 1)),
        Type::Int { is_bool: true, .. } => None,
        Type::Int { size: 1, signed, .. } => Some((KconfigForm::Char { signed }, 1)),
        Type::Int { size: size @ (2 | 4 | 8), signed, .. } => {
            Some((KconfigForm::Int { signed }, size))
        }
        Type::Enum(list) if list.name == "libbpf_tristate" && list.size == 4 => {
            Some((KconfigForm::Tristate, 4))
        }
        Type::Enum64(list) if list.name == "libbpf_tristate" => Some((KconfigForm::Tristate, 8)),
        Type::Array { elem, len: 1.., .. } => match form(btf, elem)? {
            (KconfigForm::Char { .. }, _) => Some((KconfigForm::Text, 1)),
            _ => None,
        },
        _ => None,
    }
}

impl Object {
    /// Gives the externs in `.kconfig` the values that they have in a configuration: the map
    /// `.kconfig` becomes read-only data, and what referred to the externs refers to it. Weak ones
    /// that the configuration does not have are 0. Nothing happens to an object without any.
    ///
    /// # Errors
    /// When an extern that is not weak has no value, or has one that its type cannot hold, or when a
    /// line of the configuration is malformed. Then the object is as it was.
    pub fn set_kconfig(&mut self, config: &Kconfig<'_>) -> Result<(), ObjectError> {
        let is_kconfig = |map: &Map| matches!(map.origin, MapOrigin::Kconfig(_));
        let Some(at) = self.maps.iter().position(is_kconfig) else { return Ok(()) };
        let MapOrigin::Kconfig(values) = &self.maps[at].origin else { return Ok(()) };
        let values = values.clone();
        let mut data = Data {
            bytes: vec![0; self.maps[at].value_size as usize],
            endian: self.endian,
            externs: &self.externs,
        };
        data.fill(&values, config)?;
        let bytes = data.bytes;
        let section = SECTION.to_owned();
        self.maps[at].origin = MapOrigin::Data { section, bytes, readonly: true };
        let places: HashMap<ExternId, u32> =
            values.iter().map(|value| (value.id, value.offset)).collect();
        if let Some((btf, id)) = self.btf.as_mut().zip(self.maps[at].value_type) {
            let place =
                |value: &KconfigValue| (self.externs[value.id.index()].name.as_str(), value.offset);
            let named: HashMap<&str, u32> = values.iter().map(place).collect();
            btf.place_section(id, self.maps[at].value_size, |name, _| named.get(name).copied());
        }
        for function in &mut self.functions {
            for relocation in &mut function.relocations {
                if let Target::Extern(id) = relocation.target
                    && let Some(offset) = places.get(&id)
                {
                    let (map, offset) = (MapId(at as u32), u64::from(*offset));
                    relocation.target = Target::Value { map, offset };
                }
            }
        }
        Ok(())
    }
}

/// The contents of the map in the making.
struct Data<'a> {
    bytes: Vec<u8>,
    endian: Endian,
    externs: &'a [Extern],
}

impl Data<'_> {
    fn fill(&mut self, values: &[KconfigValue], config: &Kconfig<'_>) -> Result<(), ObjectError> {
        let externs = self.externs;
        let mut open: HashMap<&str, &KconfigValue> = HashMap::new();
        for value in values {
            open.insert(&externs[value.id.index()].name, value);
        }
        for (name, number) in [
            ("LINUX_KERNEL_VERSION", config.kernel_version),
            ("LINUX_HAS_BPF_COOKIE", Some(u32::from(config.has_bpf_cookie))),
            ("LINUX_HAS_SYSCALL_WRAPPER", Some(u32::from(config.has_syscall_wrapper))),
        ] {
            if let Some(number) = number
                && let Some(value) = open.remove(name)
            {
                self.number(value, u64::from(number))
                    .map_err(|what| Problem::Kconfig(what).at(Place::symbol(name)))?;
            }
        }
        for (line, text) in (1..).zip(config.text.lines()) {
            if !text.starts_with("CONFIG_") {
                continue;
            }
            let error = |name: &str, what: String| {
                let what = format!("line {line} of the configuration: {what}");
                Problem::Kconfig(what).at(Place::symbol(name))
            };
            let Some((name, written)) = text.split_once('=') else {
                return Err(error(text, "there is no `=` in it".into()));
            };
            if written.is_empty() {
                return Err(error(name, "there is no value in it".into()));
            }
            // Of several values the first counts.
            if let Some(value) = open.remove(name) {
                self.write(value, written).map_err(|what| error(name, what))?;
            }
        }
        // In the order of the map, so that it is always the same one.
        let missing = values.iter().map(|value| &externs[value.id.index()]).find_map(|found| {
            let name = found.name.as_str();
            let is_ours = ["CONFIG_", "LINUX_"].iter().any(|family| name.starts_with(family));
            let what = match open.contains_key(name) && !(found.weak && is_ours) {
                false => return None,
                true if name.starts_with("CONFIG_") => {
                    "the configuration does not have it, and it is not weak"
                }
                true => "it is neither a `CONFIG_…` nor a `LINUX_…` that the host knows",
            };
            Some(Problem::Kconfig(what.into()).at(Place::symbol(name)))
        });
        missing.map_or(Ok(()), Err)
    }

    /// Writes a value as a configuration has it.
    fn write(&mut self, value: &KconfigValue, written: &str) -> Result<(), String> {
        let misfit = |what: &str| Err(format!("{} is not {what}", printable(written)));
        match (written, value.form) {
            ("y" | "n", KconfigForm::Bool) => self.store(value, u64::from(written == "y")),
            ("y" | "n" | "m", KconfigForm::Tristate) => {
                let number = match written {
                    "n" => 0,
                    "y" => 1,
                    _ => 2,
                };
                self.store(value, number);
            }
            ("y" | "n" | "m", KconfigForm::Char { .. }) => {
                self.store(value, u64::from(written.as_bytes()[0]));
            }
            (_, KconfigForm::Bool) => return misfit("`y` or `n`, as its type wants"),
            (_, KconfigForm::Tristate) => return misfit("`y`, `n` or `m`, as its type wants"),
            (_, KconfigForm::Text) => {
                let text = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                let Some(text) = text else { return misfit("text in quotes, as its type wants") };
                // What is too long is cut; a NUL ends it in any case.
                let text = &text.as_bytes()[..text.len().min(value.size as usize - 1)];
                let start = value.offset as usize;
                self.bytes[start..start + text.len()].copy_from_slice(text);
            }
            (_, KconfigForm::Int { .. } | KconfigForm::Char { .. }) => match number(written) {
                Some(number) => self.number(value, number)?,
                None => return misfit("a number, as its type wants"),
            },
        }
        Ok(())
    }

    /// Writes a number if its type can hold it.
    fn number(&mut self, value: &KconfigValue, number: u64) -> Result<(), String> {
        let bits = value.size * 8;
        let fits = match value.form {
            KconfigForm::Bool => number <= 1,
            KconfigForm::Tristate | KconfigForm::Text => {
                return Err(format!("{number} is a number, which its type cannot hold"));
            }
            _ if bits == 64 => true,
            KconfigForm::Char { signed: true } | KconfigForm::Int { signed: true } => {
                number.wrapping_add(1 << (bits - 1)) < 1 << bits
            }
            KconfigForm::Char { signed: false } | KconfigForm::Int { signed: false } => {
                number >> bits == 0
            }
        };
        if !fits {
            return Err(format!("{number} does not fit its {} bytes", value.size));
        }
        self.store(value, number);
        Ok(())
    }

    fn store(&mut self, value: &KconfigValue, number: u64) {
        let (start, size) = (value.offset as usize, value.size as usize);
        self.endian.write(number, &mut self.bytes[start..start + size]);
    }
}

/// A number as C writes it: decimal, `0x…`, or `0…` in octal; a sign wraps around.
fn number(text: &str) -> Option<u64> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let (digits, radix) = match (hex, digits.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (digits, 10),
    };
    // `from_str_radix` would take another sign.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let number = u64::from_str_radix(digits, radix).ok()?;
    Some(if is_negative { number.wrapping_neg() } else { number })
}
