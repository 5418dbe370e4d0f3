//! Making BTF: copying types into a table of one's own, and writing tables as bytes.
//!
//! A builder takes over whole BTFs and renumbers them; it checks everything when it is finished.
//! What is equal is found by [`crate::dedup`].

use std::collections::HashMap;
use std::sync::Arc;

use crate::ext::Section;
use crate::parse::{Base, MAGIC, kind_of};
use crate::record::{Field, field};
use crate::types::{EnumValue, Kind, Linkage, Member, SecVar, TypeId};
use crate::{Btf, BtfError, BtfExt, ByteOrder};

/// Where the types of one BTF went in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdMap(pub(crate) Vec<u32>);

impl IdMap {
    /// The new id; `void` stays, and so does what the map does not know.
    pub fn get(&self, id: TypeId) -> TypeId {
        TypeId(self.0.get(id.0 as usize).copied().unwrap_or(id.0))
    }

    /// This map followed by another.
    #[must_use]
    pub fn then(&self, next: &IdMap) -> IdMap {
        IdMap(self.0.iter().map(|id| next.get(TypeId(*id)).0).collect())
    }
}

/// BTF in the making.
///
/// ```
/// use abide_btf::{Btf, Builder, ByteOrder, Kind};
/// let mut builder = Builder::new();
/// let int = builder.int("int", 4, true);
/// builder.reference(Kind::Ptr, "", int);
/// let btf = builder.finish(ByteOrder::Little)?;
/// assert_eq!(Btf::parse(&btf.encode())?, btf);
/// # Ok::<(), abide_btf::BtfError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Builder {
    pub(crate) words: Vec<u32>,
    /// As in [`Btf`].
    pub(crate) starts: Vec<u32>,
    pub(crate) base: Option<Base>,
    strings: String,
    offsets: HashMap<Box<str>, u32>,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// Without types.
    pub fn new() -> Builder {
        Builder {
            words: Vec::new(),
            starts: vec![0],
            base: None,
            strings: "\0".to_owned(),
            offsets: HashMap::from([("".into(), 0)]),
        }
    }

    /// Split BTF without types of its own yet: ids and strings go on from those of `base`.
    pub fn on(base: &Arc<Btf>) -> Builder {
        let mut builder = Builder { strings: String::new(), ..Builder::new() };
        base.each_string(|text, offset| {
            builder.offsets.entry(text.into()).or_insert(offset);
        });
        builder.base = Some(Base::new(Arc::clone(base)));
        builder
    }

    /// The number of the last type of the base; 0 without one.
    pub(crate) fn types_below(&self) -> u32 {
        self.base.as_ref().map_or(0, |base| base.types)
    }

    fn text_below(&self) -> u32 {
        self.base.as_ref().map_or(0, |base| base.text)
    }

    /// The offset of a string, which is stored once. What follows a NUL is left out.
    pub fn string(&mut self, text: &str) -> u32 {
        let text = text.split('\0').next().unwrap_or_default();
        if let Some(offset) = self.offsets.get(text) {
            return *offset;
        }
        let offset = self.text_below() + self.strings.len() as u32;
        self.strings.push_str(text);
        self.strings.push('\0');
        self.offsets.insert(text.into(), offset);
        offset
    }

    /// The id that the next type will have, for types that refer to later ones.
    pub fn next_id(&self) -> TypeId {
        TypeId(self.types_below() + self.starts.len() as u32)
    }

    /// The words of a type, of the base's too; none of `void` and of what is not there.
    pub(crate) fn record(&self, id: TypeId) -> &[u32] {
        if let Some(own @ 1..) = id.0.checked_sub(self.types_below()) {
            let Some(start) = self.starts.get(own as usize) else { return &[] };
            let end =
                self.starts.get(own as usize + 1).map_or(self.words.len(), |end| *end as usize);
            return &self.words[*start as usize..end];
        }
        self.base.as_ref().and_then(|base| base.btf.whole_record(id)).unwrap_or_default()
    }

    fn push(&mut self, record: &[u32]) -> TypeId {
        let id = self.next_id();
        self.starts.push(self.words.len() as u32);
        self.words.extend_from_slice(record);
        id
    }

    /// An integer that fills its bytes.
    pub fn int(&mut self, name: &str, size: u32, signed: bool) -> TypeId {
        self.encoded_int(
            name,
            size,
            if signed { IntEncoding::Signed } else { IntEncoding::Unsigned },
        )
    }

    /// An integer that fills its bytes and may be more than a number.
    pub fn encoded_int(&mut self, name: &str, size: u32, encoding: IntEncoding) -> TypeId {
        let name = self.string(name);
        let bits = size.saturating_mul(8).min(128);
        self.push(&[name, (Kind::Int as u32) << 24, size, (encoding as u32) << 24 | bits])
    }

    /// A floating-point number.
    pub fn float(&mut self, name: &str, size: u32) -> TypeId {
        let name = self.string(name);
        self.push(&[name, (Kind::Float as u32) << 24, size])
    }

    /// An enum; one of 8 bytes has 64-bit values, of others the lower 32 bits of values count. Without
    /// values it is only declared.
    pub fn enumeration(
        &mut self,
        name: &str,
        size: u32,
        signed: bool,
        values: &[EnumValue<'_>],
    ) -> TypeId {
        let kind = if size == 8 { Kind::Enum64 } else { Kind::Enum };
        let count = values.len() as u32 & 0xff_ffff;
        let mut record =
            vec![self.string(name), (kind as u32) << 24 | u32::from(signed) << 31 | count, size];
        for value in values {
            let bits = value.value.cast_unsigned();
            record.extend([self.string(value.name), bits as u32]);
            if kind == Kind::Enum64 {
                record.push((bits >> 32) as u32);
            }
        }
        self.push(&record)
    }

    /// An enum of which only the size is known.
    pub(crate) fn sized_enum(&mut self, name: &str, size: u32) -> TypeId {
        let name = self.string(name);
        self.push(&[name, (Kind::Enum as u32) << 24, size])
    }

    /// A global variable.
    pub fn variable(&mut self, name: &str, ty: TypeId, linkage: Linkage) -> TypeId {
        let name = self.string(name);
        self.push(&[name, (Kind::Var as u32) << 24, ty.0, linkage.number()])
    }

    /// A tag on a declaration, or on the member or parameter number `component` of it.
    pub fn declaration_tag(&mut self, name: &str, ty: TypeId, component: Option<u32>) -> TypeId {
        let name = self.string(name);
        let component = component.unwrap_or(u32::MAX);
        self.push(&[name, (Kind::DeclTag as u32) << 24, ty.0, component])
    }

    /// A type that is another with something added: a pointer, a typedef, a qualifier, a type tag, or
    /// a function with global linkage. [`Builder::finish`] refuses kinds that are more than that.
    pub fn reference(&mut self, kind: Kind, name: &str, to: TypeId) -> TypeId {
        let name = self.string(name);
        let (number, linkage) = match kind {
            Kind::Func => (kind as u32, 1),
            Kind::Ptr
            | Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::TypeTag => (kind as u32, 0),
            // No kind at all, which is refused in the end.
            _ => (0, 0),
        };
        self.push(&[name, number << 24 | linkage, to.0])
    }

    /// An array of `len` elements.
    pub fn array(&mut self, elem: TypeId, index: TypeId, len: u32) -> TypeId {
        self.push(&[0, (Kind::Array as u32) << 24, 0, elem.0, index.0, len])
    }

    /// A struct or union that is only declared.
    pub fn forward(&mut self, name: &str, is_union: bool) -> TypeId {
        let name = self.string(name);
        self.push(&[name, (Kind::Fwd as u32) << 24 | u32::from(is_union) << 31, 0])
    }

    /// A struct: per member its name, type and offset in bits. For a union, offsets are 0.
    pub fn composite(
        &mut self,
        is_union: bool,
        name: &str,
        size: u32,
        members: &[(&str, TypeId, u32)],
    ) -> TypeId {
        let members: Vec<_> = members
            .iter()
            .map(|(name, ty, offset)| Member {
                name,
                ty: *ty,
                bit_offset: *offset,
                bitfield_size: 0,
            })
            .collect();
        self.packed(is_union, name, size, &members)
    }

    /// A struct or union of which some members may be bit fields. Of the offset of a member 24 bits
    /// count then, and 8 of the width of a bit field.
    pub fn packed(
        &mut self,
        is_union: bool,
        name: &str,
        size: u32,
        members: &[Member<'_>],
    ) -> TypeId {
        let kind = if is_union { Kind::Union } else { Kind::Struct };
        let flag = members.iter().any(|member| member.bitfield_size > 0);
        let count = members.len() as u32 & 0xff_ffff;
        let mut record =
            vec![self.string(name), (kind as u32) << 24 | u32::from(flag) << 31 | count, size];
        for member in members {
            let position = match flag {
                true => member.bitfield_size << 24 | member.bit_offset & 0xff_ffff,
                false => member.bit_offset,
            };
            record.extend([self.string(member.name), member.ty.0, position]);
        }
        self.push(&record)
    }

    /// A prototype.
    pub fn prototype(&mut self, ret: TypeId, params: &[(&str, TypeId)]) -> TypeId {
        let info = (Kind::FuncProto as u32) << 24 | params.len() as u32 & 0xff_ffff;
        let mut record = vec![0, info, ret.0];
        for (name, ty) in params {
            record.extend([self.string(name), ty.0]);
        }
        self.push(&record)
    }

    /// A section and what lies in it.
    pub fn data_section(&mut self, name: &str, size: u32, vars: &[SecVar]) -> TypeId {
        let info = (Kind::DataSec as u32) << 24 | vars.len() as u32 & 0xff_ffff;
        let mut record = vec![self.string(name), info, size];
        record.extend(vars.iter().flat_map(|var| [var.ty.0, var.offset, var.size]));
        self.push(&record)
    }

    /// Says from where a function or a variable can be seen. Other types, and those of a base, stay as
    /// they are.
    pub fn set_linkage(&mut self, id: TypeId, linkage: Linkage) {
        let own = id.0.checked_sub(self.types_below()).filter(|own| *own > 0);
        let Some(start) = own.and_then(|own| self.starts.get(own as usize)) else { return };
        let start = *start as usize;
        let number = linkage.number();
        match kind_of(self.words[start + 1]) {
            Kind::Func => self.words[start + 1] = self.words[start + 1] & !0xffff | number,
            Kind::Var => self.words[start + 3] = number,
            _ => {}
        }
    }

    /// Takes types out. What refers to one of them refers to the type that is named in its place,
    /// which must be one that stays, or `void`. The order of those that stay is kept. Types of a base
    /// stay in any case.
    pub fn replace(&mut self, gone: &HashMap<TypeId, TypeId>) -> IdMap {
        let below = self.types_below();
        let mut kept = Vec::new();
        let mut map: Vec<u32> = (0..self.next_id().0).collect();
        for (id, to) in map.iter_mut().enumerate().skip(below as usize + 1) {
            if !gone.contains_key(&TypeId(id as u32)) {
                kept.push(TypeId(id as u32));
                *to = below + kept.len() as u32;
            }
        }
        for (id, to) in gone {
            if id.0 > below && (id.0 as usize) < map.len() {
                map[id.0 as usize] = map.get(to.0 as usize).copied().unwrap_or(0);
            }
        }
        let map = IdMap(map);
        self.keep(&kept, &map);
        map
    }

    /// Adds all types of another BTF, equal or not; their ids move together. If it stands on the same
    /// base as this, types of that stay what they are; else those of its base are added too.
    pub fn append(&mut self, other: &Btf) -> IdMap {
        let is_shared = match (&self.base, other.base()) {
            (Some(one), Some(other)) => Arc::ptr_eq(&one.btf, other) || one.btf == *other,
            _ => false,
        };
        let below = if is_shared { other.types_below() } else { 0 };
        let shift = self.next_id().0 - 1 - below;
        let moved = |id: u32| if id <= below { id } else { id + shift };
        let map = IdMap((0..=other.len() as u32).map(moved).collect());
        for id in (below + 1..=other.len() as u32).map(TypeId) {
            self.copy(other, id, &map);
        }
        map
    }

    /// Adds a type of another BTF whose references go where the map says.
    pub(crate) fn copy(&mut self, other: &Btf, id: TypeId, map: &IdMap) {
        let Some(record) = other.whole_record(id) else { return };
        self.starts.push(self.words.len() as u32);
        for (index, word) in record.iter().enumerate() {
            let word = match field(record[1], index) {
                Field::Name => self.string(other.name(*word)),
                Field::Type => map.get(TypeId(*word)).0,
                Field::Plain => *word,
            };
            self.words.push(word);
        }
    }

    /// Keeps only these types of those that are not the base's, numbered anew by `map`, and the strings
    /// that they use.
    pub(crate) fn keep(&mut self, kept: &[TypeId], map: &IdMap) {
        let fresh = match &self.base {
            Some(base) => {
                let below = base.text;
                let offsets = std::mem::take(&mut self.offsets);
                let offsets = offsets.into_iter().filter(|(_, offset)| *offset < below).collect();
                Builder {
                    strings: String::new(),
                    offsets,
                    base: self.base.clone(),
                    ..Builder::new()
                }
            }
            None => Builder::new(),
        };
        let old = std::mem::replace(self, fresh);
        for id in kept {
            let mut record = old.record(*id).to_vec();
            let Some(info) = record.get(1).copied() else { continue };
            for (index, word) in record.iter_mut().enumerate() {
                *word = match field(info, index) {
                    Field::Name => self.string(old.text(*word)),
                    Field::Type => map.get(TypeId(*word)).0,
                    Field::Plain => *word,
                };
            }
            self.push(&record);
        }
    }

    fn text(&self, offset: u32) -> &str {
        let Some(own) = offset.checked_sub(self.text_below()) else {
            return self.base.as_ref().map_or("", |base| base.btf.name(offset));
        };
        let rest = self.strings.get(own as usize..).unwrap_or_default();
        rest.split('\0').next().unwrap_or_default()
    }

    /// The finished BTF.
    ///
    /// # Errors
    /// Refuses what [`Btf::parse`] would, and an order that is not the base's.
    pub fn finish(self, order: ByteOrder) -> Result<Btf, BtfError> {
        Btf::new(self.words.into(), self.strings.into(), order, self.base)
    }
}

/// What an integer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntEncoding {
    /// A number from 0.
    Unsigned = 0,
    /// A number that may be negative.
    Signed = 1,
    /// A character.
    Char = 2,
    /// A truth value.
    Bool = 4,
}

impl Btf {
    /// The bytes of a `.BTF` section, in the byte order of this BTF; those of a base are not in it.
    pub fn encode(&self) -> Vec<u8> {
        let len = self.words.len() as u32 * 4;
        let head = [24, 0, len, len, self.strings.len() as u32];
        let mut out = self.order.head();
        head.iter().chain(&*self.words).for_each(|word| out.extend(self.order.bytes(*word)));
        out.extend(self.strings.as_bytes());
        out
    }
}

impl BtfExt {
    /// The bytes of a `.BTF.ext` section. Names of sections are added to the strings of `builder`,
    /// in whose ids and strings the records are (see [`BtfExt::moved`]).
    pub fn encode(&self, builder: &mut Builder, order: ByteOrder) -> Vec<u8> {
        let functions = table(&self.functions, 2, builder, |it| vec![it.insn_off, it.ty.0]);
        let lines = table(&self.lines, 4, builder, |it| {
            vec![it.insn_off, it.file, it.text, it.line << 10 | it.column & 0x3ff]
        });
        let core = table(&self.core, 4, builder, |it| {
            vec![it.insn_off, it.ty.0, it.access, it.kind as u32]
        });
        let mut head = vec![32];
        let mut at = 0;
        for part in [&functions, &lines, &core] {
            let len = part.len() as u32 * 4;
            head.extend([at, len]);
            at += len;
        }
        let mut out = order.head();
        for word in [head, functions, lines, core].concat() {
            out.extend(order.bytes(word));
        }
        out
    }

    /// The same records for types and strings that went from `from` into `builder`.
    #[must_use]
    pub fn moved(&self, from: &Btf, map: &IdMap, builder: &mut Builder) -> BtfExt {
        let mut out = self.clone();
        out.functions
            .iter_mut()
            .flat_map(|it| &mut it.records)
            .for_each(|it| it.ty = map.get(it.ty));
        for line in out.lines.iter_mut().flat_map(|it| &mut it.records) {
            line.file = builder.string(from.name(line.file));
            line.text = builder.string(from.name(line.text));
        }
        for core in out.core.iter_mut().flat_map(|it| &mut it.records) {
            core.ty = map.get(core.ty);
            core.access = builder.string(from.name(core.access));
        }
        out
    }
}

/// Record size, then per section its name, count and records; nothing at all if there are none, since
/// other readers refuse a table without records.
fn table<T>(
    sections: &[Section<T>],
    width: u32,
    builder: &mut Builder,
    words: impl Fn(&T) -> Vec<u32>,
) -> Vec<u32> {
    let sections = sections.iter().filter(|section| !section.records.is_empty());
    let mut out = Vec::new();
    for section in sections {
        if out.is_empty() {
            out.push(width * 4);
        }
        out.extend([builder.string(&section.name), section.records.len() as u32]);
        section.records.iter().for_each(|record| out.extend(words(record)));
    }
    out
}

impl ByteOrder {
    /// Magic, version and flags.
    fn head(self) -> Vec<u8> {
        let magic = match self {
            ByteOrder::Little => MAGIC.to_le_bytes(),
            ByteOrder::Big => MAGIC.to_be_bytes(),
        };
        vec![magic[0], magic[1], 1, 0]
    }

    fn bytes(self, word: u32) -> [u8; 4] {
        match self {
            ByteOrder::Little => word.to_le_bytes(),
            ByteOrder::Big => word.to_be_bytes(),
        }
    }
}
