//! Checks every reference, name and size once, so that nobody else has to. Changes nothing.

use crate::parse::{count_of, extra_words, kind_of};
use crate::types::{Kind, TypeId};
use crate::{Btf, BtfError};

/// How deep types may be nested without a pointer between them, and how many pointers and
/// qualifiers may follow one another. Recursion everywhere in this crate is bounded by it. The
/// kernel stops at 32, but its tests hold objects that are nested deeper than that.
const DEPTH: u32 = 256;

/// Refuses what is malformed.
pub(crate) fn check(btf: &Btf) -> Result<(), BtfError> {
    for id in 1..btf.starts.len() as u32 {
        record(btf, TypeId(id))?;
    }
    let mut nesting = Nesting {
        btf,
        depth: vec![0; btf.starts.len()].into(),
        size: vec![None; btf.starts.len()].into(),
    };
    for id in 1..btf.starts.len() as u32 {
        nesting.visit(TypeId(id), 1)?;
    }
    let mut chain = vec![0; btf.starts.len()];
    for id in 1..btf.starts.len() as u32 {
        chains(btf, TypeId(id), 1, &mut chain)?;
    }
    Ok(())
}

/// The fields of one record: that what they name exists, and is of the right kind.
fn record(btf: &Btf, id: TypeId) -> Result<(), BtfError> {
    let start = btf.starts[id.0 as usize] as usize;
    let words = &btf.words[start..];
    let (kind, count, flag) = (kind_of(words[1]), count_of(words[1]), words[1] >> 31 != 0);
    let (name, third, rest) = (words[0], words[2], &words[3..3 + extra_words(kind, count)]);
    let text = |what, offset: u32| match btf.strings.is_char_boundary(offset as usize)
        && (offset as usize) < btf.strings.len()
    {
        true => Ok(()),
        false => Err(BtfError::String { id: Some(id), what, offset }),
    };
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
    if (target as usize) < btf.starts.len() {
        return Ok(());
    }
    Err(BtfError::TypeId { id, what, target, last: btf.len() as u32 })
}

/// Walks along whatever is part of a type itself, and sizes it on the way back.
struct Nesting<'a> {
    btf: &'a Btf,
    /// How deep each type reaches below itself; 0 is not known yet.
    depth: Box<[u16]>,
    /// The size of each type that was visited and has one.
    size: Box<[Option<u64>]>,
}

impl Nesting<'_> {
    /// `level` is bounded, and so is the recursion: a cycle runs into the limit.
    fn visit(&mut self, id: TypeId, level: u32) -> Result<(), BtfError> {
        let Some((start, kind)) = self.btf.head(id) else { return Ok(()) };
        let known = u32::from(self.depth[id.0 as usize]);
        if level + known > DEPTH {
            return Err(BtfError::Nesting { id, limit: DEPTH });
        }
        if known > 0 {
            return Ok(());
        }
        let words = &self.btf.words[start..];
        let (third, flag) = (words[2], words[1] >> 31 != 0);
        let rest = &words[3..3 + extra_words(kind, count_of(words[1]))];
        let mut below = 0;
        let mut inside = |this: &mut Self, id: u32| {
            this.visit(TypeId(id), level + 1)?;
            below = below.max(this.depth[id as usize]);
            Ok(this.size[id as usize])
        };
        let size = match kind {
            Kind::Int | Kind::Float | Kind::Enum | Kind::Enum64 => Some(u64::from(third)),
            Kind::Ptr => Some(8),
            Kind::Fwd | Kind::Func | Kind::FuncProto | Kind::DeclTag => None,
            Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::TypeTag
            | Kind::Var => inside(self, third)?,
            Kind::Array => inside(self, rest[0])?.and_then(|each| each.checked_mul(rest[2].into())),
            Kind::Struct | Kind::Union => {
                for member in rest.as_chunks::<3>().0 {
                    let size = inside(self, member[1])?.unwrap_or(0);
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
                Some(u64::from(third))
            }
            Kind::DataSec => {
                for var in rest.as_chunks::<3>().0 {
                    inside(self, var[0])?;
                }
                Some(u64::from(third))
            }
        };
        self.depth[id.0 as usize] = below + 1;
        self.size[id.0 as usize] = size;
        Ok(())
    }
}

/// Follows pointers, qualifiers and typedefs, of which no endless row may exist either: printing
/// `*const *const …` would never end. Bounded by `level`, like [`Nesting::visit`].
fn chains(btf: &Btf, id: TypeId, level: u32, known: &mut [u16]) -> Result<(), BtfError> {
    let Some((start, kind)) = btf.head(id) else { return Ok(()) };
    let to = match kind {
        Kind::Ptr
        | Kind::Typedef
        | Kind::Volatile
        | Kind::Const
        | Kind::Restrict
        | Kind::TypeTag
        | Kind::Var => btf.words[start + 2],
        Kind::Array => btf.words[start + 3],
        _ => return Ok(()),
    };
    if level + u32::from(known[id.0 as usize]) > DEPTH {
        return Err(BtfError::Nesting { id, limit: DEPTH });
    }
    if known[id.0 as usize] == 0 {
        chains(btf, TypeId(to), level + 1, known)?;
        known[id.0 as usize] = known[to as usize] + 1;
    }
    Ok(())
}
