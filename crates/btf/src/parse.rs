//! From bytes to a table of 32-bit words with an index of where each type begins.
//!
//! Counts and offsets of the file are not trusted: nothing is allocated beyond the size of the
//! input. The records are checked by [`crate::scan`], what they name and refer to by [`crate::check`]
//! and [`crate::reach`]; nothing else may follow references before that.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::index::Buckets;
use crate::reach::Reach;
use crate::scan::{self, Scan};
use crate::types::{
    Composite, EnumValue, Enumeration, Kind, Linkage, List, Member, Param, Record, SecVar, Type,
    TypeId,
};
use crate::{BtfError, ByteOrder, check};

/// The magic number of `.BTF` and `.BTF.ext`.
pub(crate) const MAGIC: u16 = 0xeb9f;

/// Type information that was read and checked: every id and every name in it exists, sizes are
/// possible, and no type contains itself.
///
/// Split BTF (a kernel module's) goes on counting ids and strings where its base (the kernel's) ends.
/// It holds its base for ever, so that none of its ids can be looked up in another one; see
/// [`Btf::parse_split`].
#[derive(Clone)]
pub struct Btf {
    /// The type records of this file, as numbers of this machine. Every field of every record is
    /// 32 bits wide.
    pub(crate) words: Box<[u32]>,
    /// Where in `words` each type of this file begins; `starts[0]` is not used: it stands for `void`,
    /// or for the last type of the base.
    pub(crate) starts: Box<[u32]>,
    /// The string table of this file. Bytes that are not UTF-8 were replaced by `?`, one for one.
    pub(crate) strings: Box<str>,
    pub(crate) order: ByteOrder,
    pub(crate) base: Option<Base>,
    pub(crate) names: OnceLock<Buckets>,
}

/// What split BTF stands on.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    pub(crate) btf: Arc<Btf>,
    /// How many types it has, those of its own base included.
    pub(crate) types: u32,
    /// How long its strings are, those of its own base included.
    pub(crate) text: u32,
}

impl Base {
    pub(crate) fn new(btf: Arc<Btf>) -> Base {
        let (types, text) = (btf.len() as u32, btf.text_below() + btf.strings.len() as u32);
        Base { btf, types, text }
    }
}

/// The header that `.BTF` and `.BTF.ext` begin with.
pub(crate) struct Header {
    pub(crate) order: ByteOrder,
    pub(crate) len: usize,
}

impl Header {
    /// Reads magic, version, flags and header length; `least` is the shortest header allowed.
    pub(crate) fn read(bytes: &[u8], least: u32) -> Result<Header, BtfError> {
        let Some(magic) = bytes.first_chunk::<2>() else {
            return Err(truncated("the header", 8, bytes));
        };
        let order = match u16::from_le_bytes(*magic) {
            MAGIC => ByteOrder::Little,
            found if found == MAGIC.swap_bytes() => ByteOrder::Big,
            found => return Err(BtfError::Magic { found }),
        };
        let Some(&[_, _, version, flags]) = bytes.first_chunk::<4>() else {
            return Err(truncated("the header", 8, bytes));
        };
        if version != 1 || flags != 0 {
            return Err(BtfError::Version { version, flags });
        }
        let len = word(bytes, 4, order).ok_or_else(|| truncated("the header", 8, bytes))?;
        if len < least || len as usize > bytes.len() {
            return Err(truncated("the header", u64::from(len.max(least)), bytes));
        }
        Ok(Header { order, len: len as usize })
    }

    /// The part of the data whose offset (from the end of the header) and length stand at `at`.
    pub(crate) fn part<'b>(
        &self,
        bytes: &'b [u8],
        at: usize,
        what: &'static str,
    ) -> Result<&'b [u8], BtfError> {
        let field = |at| word(bytes, at, self.order).unwrap_or(0) as usize;
        let (offset, len) = (field(at), field(at + 4));
        let start = self.len.saturating_add(offset);
        let end = start.saturating_add(len);
        bytes.get(start..end).ok_or_else(|| truncated(what, end as u64, bytes))
    }
}

fn truncated(what: &'static str, end: u64, bytes: &[u8]) -> BtfError {
    BtfError::Truncated { what, end, have: bytes.len() as u64 }
}

/// The 32-bit number at a byte offset.
pub(crate) fn word(bytes: &[u8], at: usize, order: ByteOrder) -> Option<u32> {
    Some(order.u32(*bytes.get(at..)?.first_chunk()?))
}

/// A byte table as numbers of this machine.
pub(crate) fn words(bytes: &[u8], order: ByteOrder) -> Box<[u32]> {
    let chunks = bytes.as_chunks::<4>().0.iter();
    match order {
        ByteOrder::Little => chunks.map(|chunk| u32::from_le_bytes(*chunk)).collect(),
        ByteOrder::Big => chunks.map(|chunk| u32::from_be_bytes(*chunk)).collect(),
    }
}

impl Btf {
    /// Reads and checks the bytes of a `.BTF` section, in whichever byte order they are.
    ///
    /// # Errors
    /// Says which type is malformed, and how.
    pub fn parse(bytes: &[u8]) -> Result<Btf, BtfError> {
        Btf::parse_on(bytes, None)
    }

    /// Reads and checks split BTF, whose ids and strings go on from those of `base`: what a kernel
    /// module has in `.BTF`, over the kernel's own or over the module's `.BTF.base`.
    ///
    /// ```no_run
    /// # use std::sync::Arc;
    /// # use abide_btf::{Btf, Kind};
    /// let kernel = Arc::new(Btf::parse(&std::fs::read("/sys/kernel/btf/vmlinux")?)?);
    /// let module = Btf::parse_split(&std::fs::read("/sys/kernel/btf/xfs")?, &kernel)?;
    /// assert!(module.by_name(Kind::Struct, "task_struct") == kernel.by_name(Kind::Struct, "task_struct"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Btf::parse`]; and if this was not made over `base`, as far as that can be seen: nothing in
    /// the format says what the base is.
    pub fn parse_split(bytes: &[u8], base: &Arc<Btf>) -> Result<Btf, BtfError> {
        let split = Btf::parse_on(bytes, Some(Base::new(Arc::clone(base))))?;
        // Writers of split BTF leave out the empty string, which their base has.
        if split.strings.starts_with('\0') && Btf::parse(bytes).is_ok() {
            return Err(BtfError::Base { id: None, why: "it goes on from no base" });
        }
        Ok(split)
    }

    fn parse_on(bytes: &[u8], base: Option<Base>) -> Result<Btf, BtfError> {
        let header = Header::read(bytes, 24)?;
        let types = header.part(bytes, 8, "the type table")?;
        let strings = header.part(bytes, 16, "the string table")?;
        if types.len() % 4 != 0 {
            return Err(truncated("the last type", types.len() as u64 + 1, types));
        }
        let strings = string_table(strings, base.is_some())?;
        Btf::new(words(types, header.order), strings, header.order, base)
    }

    /// Checks the parts of a BTF and puts them together.
    pub(crate) fn new(
        words: Box<[u32]>,
        strings: Box<str>,
        order: ByteOrder,
        base: Option<Base>,
    ) -> Result<Btf, BtfError> {
        let Scan { starts, most, known } =
            scan::scan(&words, base.as_ref().map_or(0, |base| base.types))?;
        let starts = starts.into();
        let btf = Btf { words, starts, strings, order, base, names: OnceLock::new() };
        check::check(&btf, most)?;
        Reach::new(&btf, known).check()?;
        Ok(btf)
    }

    /// What this stands on, if it is split BTF.
    pub fn base(&self) -> Option<&Arc<Btf>> {
        self.base.as_ref().map(|base| &base.btf)
    }

    /// The number of the last type of the base; 0 without one.
    pub(crate) fn types_below(&self) -> u32 {
        self.base.as_ref().map_or(0, |base| base.types)
    }

    /// How long the strings of the base are; 0 without one.
    pub(crate) fn text_below(&self) -> u32 {
        self.base.as_ref().map_or(0, |base| base.text)
    }

    /// The byte order of the file, which is also that of the values it describes.
    pub fn order(&self) -> ByteOrder {
        self.order
    }

    /// How many types there are, those of a base included, not counting `void`.
    pub fn len(&self) -> usize {
        self.types_below() as usize + self.starts.len() - 1
    }

    /// How many bytes its tables take in a file, those of a base included.
    pub(crate) fn bytes(&self) -> usize {
        let below = self.base().map_or(0, |base| base.bytes());
        below + self.words.len() * 4 + self.strings.len()
    }

    /// Whether there are no types.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A type; `None` for `void` and for ids that do not exist.
    pub fn get(&self, id: TypeId) -> Option<Type<'_>> {
        self.record(id).map(|record| self.view(record))
    }

    /// Every type with its id, in the order of the file; those of a base come first.
    pub fn iter(&self) -> impl Iterator<Item = (TypeId, Type<'_>)> {
        let below = self.base.as_ref().map(|base| base.btf.ids().filter_map(|id| self.pair(id)));
        below.into_iter().flatten().chain(self.own())
    }

    /// Every type of this file alone, without those of a base.
    pub fn own(&self) -> impl Iterator<Item = (TypeId, Type<'_>)> {
        let first = self.types_below();
        self.starts.iter().enumerate().skip(1).map(move |(number, start)| {
            (TypeId(first + number as u32), self.view(&self.words[*start as usize..]))
        })
    }

    /// The ids of all types, from 1.
    pub(crate) fn ids(&self) -> impl Iterator<Item = TypeId> + use<> {
        (1..=self.len() as u32).map(TypeId)
    }

    /// The ids of the types of this file alone.
    pub(crate) fn own_ids(&self) -> impl Iterator<Item = TypeId> + use<> {
        (self.types_below() + 1..=self.len() as u32).map(TypeId)
    }

    /// Every string with its offset, those of a base first.
    pub(crate) fn each_string(&self, mut each: impl FnMut(&str, u32)) {
        self.strings_with(&mut each);
    }

    fn strings_with(&self, each: &mut dyn FnMut(&str, u32)) {
        if let Some(base) = &self.base {
            base.btf.strings_with(each);
        }
        let mut at = self.text_below();
        for text in self.strings.split_terminator('\0') {
            each(text, at);
            at += text.len() as u32 + 1;
        }
    }

    fn pair(&self, id: TypeId) -> Option<(TypeId, Type<'_>)> {
        Some((id, self.get(id)?))
    }

    /// The string at an offset of the string table.
    pub fn string(&self, offset: u32) -> Option<&str> {
        let Some(own) = offset.checked_sub(self.text_below()) else {
            return self.base.as_ref()?.btf.string(offset);
        };
        let rest = self.strings.get(own as usize..)?;
        // An offset equal to the length leaves an empty rest: that is outside.
        let end = memchr_nul(rest.as_bytes())?;
        rest.get(..end)
    }

    /// The strings from an offset on.
    pub(crate) fn text_at(&self, offset: u32) -> Option<&[u8]> {
        match offset.checked_sub(self.text_below()) {
            Some(own) => self.strings.as_bytes().get(own as usize..),
            None => self.base.as_ref()?.btf.text_at(offset),
        }
    }

    /// The string at an offset that was checked when this was read.
    pub(crate) fn name(&self, offset: u32) -> &str {
        self.string(offset).unwrap_or_default()
    }

    /// The words of a type's record and what follows it; `None` for `void` and for ids that do not
    /// exist.
    pub(crate) fn record(&self, id: TypeId) -> Option<&[u32]> {
        match id.0.checked_sub(self.types_below()) {
            Some(own @ 1..) => self.words.get(*self.starts.get(own as usize)? as usize..),
            _ => self.base.as_ref()?.btf.record(id),
        }
    }

    /// The words of a type's record, to its end.
    pub(crate) fn whole_record(&self, id: TypeId) -> Option<&[u32]> {
        let (record, kind) = self.head(id)?;
        Some(&record[..3 + extra_words(kind, count_of(record[1]))])
    }

    /// The record of a type, as [`Btf::record`], and its kind.
    pub(crate) fn head(&self, id: TypeId) -> Option<(&[u32], Kind)> {
        self.record(id).map(|record| (record, kind_of(record[1])))
    }

    fn view<'a>(&'a self, words: &'a [u32]) -> Type<'a> {
        let (info, third) = (words[1], words[2]);
        let flag = info >> 31 != 0;
        let name = || self.name(words[0]);
        let to = TypeId(third);
        let kind = kind_of(info);
        let rest = &words[3..3 + extra_words(kind, count_of(info))];
        match kind {
            Kind::Int => Type::Int {
                name: name(),
                size: third,
                bits: rest[0] & 0xff,
                offset: rest[0] >> 16 & 0xff,
                signed: rest[0] >> 24 & 1 != 0,
                is_char: rest[0] >> 24 & 2 != 0,
                is_bool: rest[0] >> 24 & 4 != 0,
            },
            Kind::Ptr => Type::Ptr { to },
            Kind::Array => {
                Type::Array { elem: TypeId(rest[0]), index: TypeId(rest[1]), len: rest[2] }
            }
            Kind::Struct | Kind::Union => {
                let members = List::new(self, rest, 3, flag);
                let composite = Composite { name: name(), size: third, members };
                if kind == Kind::Struct { Type::Struct(composite) } else { Type::Union(composite) }
            }
            Kind::Enum => Type::Enum(Enumeration {
                name: name(),
                size: third,
                signed: flag,
                values: List::new(self, rest, 2, flag),
            }),
            Kind::Enum64 => Type::Enum64(Enumeration {
                name: name(),
                size: third,
                signed: flag,
                values: List::new(self, rest, 3, flag),
            }),
            Kind::Fwd => Type::Fwd { name: name(), is_union: flag },
            Kind::Typedef => Type::Typedef { name: name(), to },
            Kind::Volatile => Type::Volatile { to },
            Kind::Const => Type::Const { to },
            Kind::Restrict => Type::Restrict { to },
            Kind::Func => {
                Type::Func { name: name(), proto: to, linkage: Linkage::from_number(info & 0xffff) }
            }
            Kind::FuncProto => Type::FuncProto { ret: to, params: List::new(self, rest, 2, flag) },
            Kind::Var => Type::Var { name: name(), ty: to, linkage: Linkage::from_number(rest[0]) },
            Kind::DataSec => {
                Type::DataSec { name: name(), size: third, vars: List::new(self, rest, 3, flag) }
            }
            Kind::Float => Type::Float { name: name(), size: third },
            Kind::DeclTag => Type::DeclTag {
                name: name(),
                ty: to,
                component: (rest[0] != u32::MAX).then_some(rest[0]),
                attribute: flag,
            },
            Kind::TypeTag => Type::TypeTag { name: name(), to, attribute: flag },
        }
    }
}

impl fmt::Debug for Btf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Btf")
            .field("types", &self.len())
            .field("strings", &self.strings.len())
            .field("order", &self.order)
            .field("base", &self.base())
            .finish()
    }
}

impl PartialEq for Btf {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words
            && self.strings == other.strings
            && self.order == other.order
            && match (self.base(), other.base()) {
                (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one == other,
                (None, None) => true,
                _ => false,
            }
    }
}

impl Eq for Btf {}

/// The kind in an info word that [`scan::scan`] has accepted.
pub(crate) fn kind_of(info: u32) -> Kind {
    Kind::from_number(info >> 24 & 0x7f).unwrap_or(Kind::Int)
}

/// The count in an info word. The bits above 16 were reserved as zero until kernels used them.
pub(crate) fn count_of(info: u32) -> usize {
    (info & 0x00ff_ffff) as usize
}

/// How many words follow the three that every record has.
pub(crate) fn extra_words(kind: Kind, count: usize) -> usize {
    // A table, since a branch here goes another way at almost every record.
    const EXTRA: [(u8, u8); 32] = {
        let mut table = [(0, 0); 32];
        let mut number = 0;
        while number < Kind::ALL.len() {
            let kind = Kind::ALL[number];
            table[kind as usize] = match kind {
                Kind::Int | Kind::Var | Kind::DeclTag => (1, 0),
                Kind::Array => (3, 0),
                Kind::Struct | Kind::Union | Kind::DataSec | Kind::Enum64 => (0, 3),
                Kind::Enum | Kind::FuncProto => (0, 2),
                _ => (0, 0),
            };
            number += 1;
        }
        table
    };
    let (fixed, each) = EXTRA[kind as usize % EXTRA.len()];
    usize::from(fixed) + usize::from(each) * count
}

/// The string table as text; whatever is not UTF-8 becomes `?`, so that offsets stay as they are.
/// That of split BTF goes on from its base's: it need not begin with the empty string, and may be empty.
fn string_table(bytes: &[u8], is_split: bool) -> Result<Box<str>, BtfError> {
    if is_split && bytes.is_empty() {
        return Ok("".into());
    }
    if !is_split && bytes.first() != Some(&0) {
        return Err(BtfError::Strings("begin"));
    }
    if bytes.last() != Some(&0) {
        return Err(BtfError::Strings("end"));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.into());
    }
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| '?'));
    }
    Ok(out.into())
}

fn memchr_nul(bytes: &[u8]) -> Option<usize> {
    std::ffi::CStr::from_bytes_until_nul(bytes).ok().map(|text| text.count_bytes())
}

impl<'a> Record<'a> for Member<'a> {
    fn read(btf: &'a Btf, words: &[u32], flag: bool) -> Self {
        let (name, ty, offset) = (btf.name(words[0]), TypeId(words[1]), words[2]);
        let (bit_offset, bitfield_size) = if flag {
            (offset & 0x00ff_ffff, offset >> 24)
        } else {
            // Older compilers describe a bit field by an integer type of that many bits.
            match btf.narrow_int(ty) {
                Some((skip, bits)) => (offset.saturating_add(skip), bits),
                None => (offset, 0),
            }
        };
        Member { name, ty, bit_offset, bitfield_size }
    }
}

impl<'a> Record<'a> for EnumValue<'a> {
    fn read(btf: &'a Btf, words: &[u32], flag: bool) -> Self {
        let value = match (words.get(2), flag) {
            (Some(high), _) => (u64::from(words[1]) | u64::from(*high) << 32).cast_signed(),
            (None, true) => i64::from(words[1].cast_signed()),
            (None, false) => i64::from(words[1]),
        };
        EnumValue { name: btf.name(words[0]), value }
    }
}

impl<'a> Record<'a> for Param<'a> {
    fn read(btf: &'a Btf, words: &[u32], _flag: bool) -> Self {
        Param { name: btf.name(words[0]), ty: TypeId(words[1]) }
    }
}

impl Record<'_> for SecVar {
    fn read(_btf: &Btf, words: &[u32], _flag: bool) -> Self {
        SecVar { ty: TypeId(words[0]), offset: words[1], size: words[2] }
    }
}
