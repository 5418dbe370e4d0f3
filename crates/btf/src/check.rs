//! Checks every reference, name and size once, so that nobody else has to. Changes nothing.

use std::collections::HashMap;

use crate::parse::{count_of, extra_words, kind_of};
use crate::types::{Kind, TypeId};
use crate::{Btf, BtfError};

/// How deep types may be nested without a pointer between them, and how many pointers and
/// qualifiers may follow one another. Recursion everywhere in this crate is bounded by it. The
/// kernel stops at 32, but its tests hold objects that are nested deeper than that.
const DEPTH: u32 = 256;

/// Refuses what is malformed. A base was checked before.
pub(crate) fn check(btf: &Btf) -> Result<(), BtfError> {
    base(btf)?;
    for id in btf.own_ids() {
        record(btf, id)?;
    }
    let mut nesting = Nesting { btf, depth: Memo::new(btf) };
    for id in btf.own_ids() {
        nesting.visit(id, 1)?;
    }
    let mut chain = Memo::new(btf);
    for id in btf.own_ids() {
        chains(btf, id, 1, &mut chain)?;
    }
    Ok(())
}

/// What can be seen of a base that this was not made over, and numbers that 32 bits cannot hold.
fn base(btf: &Btf) -> Result<(), BtfError> {
    let wrong = |why| Err(BtfError::Base { id: None, why });
    let Some(base) = &btf.base else { return Ok(()) };
    if base.btf.order != btf.order {
        return wrong("its byte order is another");
    }
    let text = u64::from(base.text) + btf.strings.len() as u64;
    let types = u64::from(base.types) + btf.starts.len() as u64;
    if text.max(types) > u64::from(u32::MAX) {
        return wrong("it is too large to go on from");
    }
    Ok(())
}

/// Whether a string can begin at this offset. In a base every name is a whole string, since split
/// BTF is only made by looking names up there: one that begins inside another is of another base.
fn text(btf: &Btf, id: TypeId, what: &'static str, offset: u32) -> Result<(), BtfError> {
    let Some(own) = offset.checked_sub(btf.text_below()) else {
        let Some(base) = btf.base() else { return Ok(()) };
        let below = base.text_below();
        let is_start = match offset.checked_sub(below) {
            Some(0) => true,
            Some(own) => base.strings.as_bytes().get(own as usize - 1) == Some(&0),
            None => return text(base, id, what, offset),
        };
        let why = "a name begins inside one of its names";
        return if is_start { Ok(()) } else { Err(BtfError::Base { id: Some(id), why }) };
    };
    let own = own as usize;
    if own < btf.strings.len() && btf.strings.is_char_boundary(own) {
        return Ok(());
    }
    Err(BtfError::String { id: Some(id), what, offset })
}

/// The fields of one record: that what they name exists, and is of the right kind.
fn record(btf: &Btf, id: TypeId) -> Result<(), BtfError> {
    let Some(words) = btf.record(id) else { return Ok(()) };
    let (kind, count, flag) = (kind_of(words[1]), count_of(words[1]), words[1] >> 31 != 0);
    let (name, third, rest) = (words[0], words[2], &words[3..3 + extra_words(kind, count)]);
    let text = |what, offset: u32| text(btf, id, what, offset);
    let target = |what, target: u32| type_id(btf, Some(id), what, target);
    let size = |what, value: u32, fits: bool| match fits {
        true => Ok(()),
        false => Err(BtfError::Size { id, what, value: u64::from(value) }),
    };
    text("the name", name)?;
    match kind {
        Kind::Int => {
            size("the size of an integer", third, matches!(third, 1 | 2 | 4 | 8 | 16))?;
            let (bits, offset) = (rest[0] & 0xff, rest[0] >> 16 & 0xff);
            size("the width of an integer in bits", bits, bits + offset <= third * 8)?;
        }
        Kind::Float => {
            size("the size of a number", third, matches!(third, 2 | 4 | 8 | 12 | 16))?;
        }
        Kind::Ptr
        | Kind::Typedef
        | Kind::Volatile
        | Kind::Const
        | Kind::Restrict
        | Kind::TypeTag
        | Kind::Var
        | Kind::DeclTag => target("it", third)?,
        Kind::Fwd => {}
        Kind::Array => {
            target("the element", rest[0])?;
            target("the index", rest[1])?;
        }
        Kind::Struct | Kind::Union => {
            for member in rest.as_chunks::<3>().0 {
                text("the name of a member", member[0])?;
                target("a member", member[1])?;
                let bits = u64::from(if flag { member[2] & 0x00ff_ffff } else { member[2] });
                size("the offset of a member in bits", member[2], bits <= u64::from(third) * 8)?;
            }
        }
        Kind::Enum => {
            // One that is only declared has no values, and from some compilers no size either.
            let is_declared = third == 0 && count == 0;
            size("the size of an enum", third, is_declared || matches!(third, 1 | 2 | 4 | 8))?;
            for value in rest.as_chunks::<2>().0 {
                text("the name of a value", value[0])?;
            }
        }
        Kind::Enum64 => {
            size("the size of an enum", third, matches!(third, 1 | 2 | 4 | 8))?;
            for value in rest.as_chunks::<3>().0 {
                text("the name of a value", value[0])?;
            }
        }
        Kind::Func => {
            target("the prototype", third)?;
            if btf.head(TypeId(third)).map(|(_, kind)| kind) != Some(Kind::FuncProto) {
                let (what, expected) = ("the prototype", "a function prototype");
                return Err(BtfError::Reference { id, what, target: third, expected });
            }
        }
        Kind::FuncProto => {
            target("the result", third)?;
            for param in rest.as_chunks::<2>().0 {
                text("the name of a parameter", param[0])?;
                target("a parameter", param[1])?;
            }
        }
        Kind::DataSec => {
            for var in rest.as_chunks::<3>().0 {
                let what = "a variable";
                target(what, var[0])?;
                let kind = btf.head(TypeId(var[0])).map(|(_, kind)| kind);
                if !matches!(kind, Some(Kind::Var | Kind::Func)) {
                    let expected = "a variable or a function";
                    return Err(BtfError::Reference { id, what, target: var[0], expected });
                }
            }
        }
    }
    Ok(())
}

/// Whether a type exists.
pub(crate) fn type_id(
    btf: &Btf,
    id: Option<TypeId>,
    what: &'static str,
    target: u32,
) -> Result<(), BtfError> {
    if target as usize <= btf.len() {
        return Ok(());
    }
    Err(BtfError::TypeId { id, what, target, last: btf.len() as u32 })
}

/// How far each type reaches; 0 is not known yet. Of a base only what is asked for is kept.
struct Memo {
    below: u32,
    own: Box<[u16]>,
    base: HashMap<u32, u16>,
}

impl Memo {
    fn new(btf: &Btf) -> Memo {
        let own = vec![0; btf.starts.len()].into();
        Memo { below: btf.types_below(), own, base: HashMap::new() }
    }

    fn get(&self, id: TypeId) -> u16 {
        match id.0.checked_sub(self.below) {
            Some(own @ 1..) => self.own[own as usize],
            _ => self.base.get(&id.0).copied().unwrap_or(0),
        }
    }

    fn set(&mut self, id: TypeId, depth: u16) {
        match id.0.checked_sub(self.below) {
            Some(own @ 1..) => self.own[own as usize] = depth,
            _ => drop(self.base.insert(id.0, depth)),
        }
    }
}

/// Walks along whatever is part of a type itself.
struct Nesting<'a> {
    btf: &'a Btf,
    /// How deep each type reaches below itself.
    depth: Memo,
}

impl Nesting<'_> {
    /// `level` is bounded, and so is the recursion: a cycle runs into the limit. Returns how deep the
    /// type reaches.
    fn visit(&mut self, id: TypeId, level: u32) -> Result<u16, BtfError> {
        let Some((words, kind)) = self.btf.head(id) else { return Ok(0) };
        let known = self.depth.get(id);
        if level + u32::from(known) > DEPTH {
            return Err(BtfError::Nesting { id, limit: DEPTH });
        }
        if known > 0 {
            return Ok(known);
        }
        let (third, flag) = (words[2], words[1] >> 31 != 0);
        let rest = &words[3..3 + extra_words(kind, count_of(words[1]))];
        let mut below = 0;
        match kind {
            Kind::Int
            | Kind::Float
            | Kind::Enum
            | Kind::Enum64
            | Kind::Ptr
            | Kind::Fwd
            | Kind::Func
            | Kind::FuncProto
            | Kind::DeclTag => {}
            Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::TypeTag
            | Kind::Var => below = self.visit(TypeId(third), level + 1)?,
            Kind::Array => below = self.visit(TypeId(rest[0]), level + 1)?,
            Kind::Struct | Kind::Union => {
                for member in rest.as_chunks::<3>().0 {
                    below = below.max(self.visit(TypeId(member[1]), level + 1)?);
                    let size = self.btf.size_of(TypeId(member[1])).unwrap_or(0);
                    let end = if flag && member[2] >> 24 != 0 {
                        (u64::from(member[2] & 0xff_ffff) + u64::from(member[2] >> 24)).div_ceil(8)
                    } else if self.btf.narrow_int(TypeId(member[1])).is_some() {
                        0
                    } else {
                        (u64::from(member[2] & if flag { 0xff_ffff } else { u32::MAX }) / 8)
                            .saturating_add(size)
                    };
                    if end > u64::from(third) {
                        let what = "the end of a member";
                        return Err(BtfError::Size { id, what, value: end });
                    }
                }
            }
            Kind::DataSec => {
                for var in rest.as_chunks::<3>().0 {
                    below = below.max(self.visit(TypeId(var[0]), level + 1)?);
                }
            }
        }
        self.depth.set(id, below + 1);
        Ok(below + 1)
    }
}

/// Follows pointers, qualifiers and typedefs, of which no endless row may exist either: printing
/// `*const *const …` would never end. Bounded by `level`, like [`Nesting::visit`].
fn chains(btf: &Btf, id: TypeId, level: u32, known: &mut Memo) -> Result<u16, BtfError> {
    let Some((record, kind)) = btf.head(id) else { return Ok(0) };
    let to = match kind {
        Kind::Ptr
        | Kind::Typedef
        | Kind::Volatile
        | Kind::Const
        | Kind::Restrict
        | Kind::TypeTag
        | Kind::Var => record[2],
        Kind::Array => record[3],
        _ => return Ok(0),
    };
    let mut length = known.get(id);
    if level + u32::from(length) > DEPTH {
        return Err(BtfError::Nesting { id, limit: DEPTH });
    }
    if length == 0 {
        length = chains(btf, TypeId(to), level + 1, known)? + 1;
        known.set(id, length);
    }
    Ok(length)
}
