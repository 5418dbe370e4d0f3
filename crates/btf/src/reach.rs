//! How far types reach: through what is part of them, and along pointers and names. Refuses types
//! that contain themselves, members that end behind their struct, and references to what makes no
//! sense there. That ids and names exist was checked before.

use std::collections::HashMap;

use crate::parse::{count_of, extra_words};
use crate::types::{Kind, TypeId};
use crate::{Btf, BtfError};

/// How deep types may be nested without a pointer between them, and how many pointers and
/// qualifiers may follow one another. Recursion everywhere in this crate is bounded by it. The
/// kernel stops at 32, but its tests hold objects that are nested deeper than that.
const DEPTH: u32 = 256;

/// What is known of a type, in one word, since there are as many as types: how deep it reaches into
/// itself (9 bits), how many pointers and names follow one another from it on (9 bits, plus one), and
/// its size in bytes if that is small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known(u32);

impl Known {
    pub(crate) const NOTHING: Known = Known(0);
    /// That no row of pointers and names goes on from here.
    pub(crate) const END: Known = Known(1 << 9);
    pub(crate) const VOID: Known = Known(1 | Known::END.0);
    /// The size of what is larger, or must be looked at again.
    const LARGE: u32 = (1 << 14) - 1;

    /// Of a type that no other is part of, and that leads to no other.
    pub(crate) fn leaf(size: u32) -> Known {
        Known(1 | Known::END.0 | Known::size_bits(size))
    }

    /// Of a struct whose members reach that deep.
    pub(crate) fn composite(depth: u32, size: u32) -> Known {
        match depth < DEPTH {
            true => Known((depth + 1) | Known::END.0 | Known::size_bits(size)),
            false => Known::END,
        }
    }

    /// Of a pointer to this; the row only if it is known and not too long.
    pub(crate) fn pointer(self) -> Known {
        let row = self.row().filter(|row| *row < DEPTH).map_or(0, |row| row + 2);
        Known(1 | row << 9 | 8 << 18)
    }

    /// Of an array of this, or of a name for it; nothing if not all is known, or too deep.
    pub(crate) fn array(self, len: u32) -> Known {
        match (self.depth(), self.row()) {
            (depth @ 1..DEPTH, Some(row @ 0..DEPTH)) => {
                Known((depth + 1) | (row + 2) << 9 | self.array_size(len) << 18)
            }
            _ => Known::NOTHING,
        }
    }

    fn array_size(self, len: u32) -> u32 {
        match self.size() {
            Known::LARGE => Known::LARGE,
            size => size.saturating_mul(len).min(Known::LARGE),
        }
    }

    /// Where a member of this type ends in a struct, in bytes: `word` is its position, with the width
    /// of a bit field in it if the struct has the flag. `None` if the type must be looked at.
    pub(crate) fn end(self, flag: bool, word: u32) -> Option<u64> {
        let (offset, width) = if flag { (word & 0x00ff_ffff, word >> 24) } else { (word, 0) };
        match (width, self.size()) {
            (1.., _) => Some(u64::from(offset + width).div_ceil(8)),
            (_, Known::LARGE) => None,
            (_, size) => Some(u64::from(offset / 8) + u64::from(size)),
        }
    }

    fn size_bits(size: u32) -> u32 {
        size.min(Known::LARGE) << 18
    }

    /// 0 if it is not known.
    pub(crate) fn depth(self) -> u32 {
        self.0 & 0x1ff
    }

    fn row(self) -> Option<u32> {
        (self.0 >> 9 & 0x1ff).checked_sub(1)
    }

    fn size(self) -> u32 {
        self.0 >> 18
    }
}

/// What is known of all types so far. What [`crate::scan`] left is visited in its order; a type that
/// is needed earlier is worked out there and then, so that each is worked out once.
pub(crate) struct Reach<'a> {
    btf: &'a Btf,
    first: u32,
    own: Vec<Known>,
    /// Of a base only what is asked for.
    base: HashMap<u32, Known>,
}

impl Reach<'_> {
    /// `own` is what [`crate::scan`] knows.
    pub(crate) fn new(btf: &Btf, own: Vec<Known>) -> Reach<'_> {
        Reach { btf, first: btf.types_below() + 1, own, base: HashMap::new() }
    }

    /// Checks all types of this file.
    pub(crate) fn check(&mut self) -> Result<(), BtfError> {
        for number in 0..self.own.len() {
            let known = self.own[number];
            let id = TypeId(self.first + number as u32);
            if known.depth() == 0 {
                self.deepen(id, 1)?;
            }
            if known.row().is_none() {
                self.row(id, 1)?;
            }
        }
        Ok(())
    }

    fn known(&self, id: TypeId) -> Known {
        match id.0.checked_sub(self.first) {
            Some(own) => self.own[own as usize],
            None if id == TypeId::VOID => Known::VOID,
            None => self.base.get(&id.0).copied().unwrap_or(Known::NOTHING),
        }
    }

    fn learn(&mut self, id: TypeId, more: u32) -> Known {
        let known = match id.0.checked_sub(self.first) {
            Some(own) => &mut self.own[own as usize],
            None => self.base.entry(id.0).or_insert(Known::NOTHING),
        };
        known.0 |= more;
        *known
    }

    /// What is known of a type, at least how deep it reaches.
    fn nested(&mut self, id: TypeId, level: u32) -> Result<Known, BtfError> {
        let known = self.known(id);
        if known.depth() > 0 { Ok(known) } else { self.deepen(id, level) }
    }

    /// Works out how deep a type reaches and its size. `level` bounds the recursion: a cycle runs
    /// into the limit.
    fn deepen(&mut self, id: TypeId, level: u32) -> Result<Known, BtfError> {
        let Some((words, kind)) = self.btf.head(id) else { return Ok(Known::VOID) };
        let too_deep = || BtfError::Nesting { id, limit: DEPTH };
        if level > DEPTH {
            return Err(too_deep());
        }
        let (third, rest) = (words[2], &words[3..3 + extra_words(kind, count_of(words[1]))]);
        let (below, size) = match kind {
            Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::TypeTag
            | Kind::Var => {
                let to = self.nested(TypeId(third), level + 1)?;
                (to.depth(), to.size())
            }
            Kind::Array => {
                let element = self.nested(TypeId(rest[0]), level + 1)?;
                (element.depth(), element.array_size(rest[2]))
            }
            Kind::Struct | Kind::Union => {
                let flag = words[1] >> 31 != 0;
                (self.members(id, third, flag, rest.as_chunks::<3>().0, level)?, third)
            }
            Kind::DataSec => {
                let mut deepest = 0;
                for [var, ..] in rest.as_chunks::<3>().0 {
                    let fits = |kind| matches!(kind, Kind::Var | Kind::Func);
                    self.leads_to(id, "a variable", *var, "a variable or a function", fits)?;
                    deepest = deepest.max(self.nested(TypeId(*var), level + 1)?.depth());
                }
                (deepest, third)
            }
            Kind::Func => {
                let fits = |kind| kind == Kind::FuncProto;
                self.leads_to(id, "the prototype", third, "a function prototype", fits)?;
                (0, 0)
            }
            // Of a base.
            Kind::Ptr => (0, 8),
            Kind::Int if self.btf.narrow_int(id).is_some() => (0, Known::LARGE),
            Kind::Int | Kind::Float | Kind::Enum | Kind::Enum64 => (0, third),
            Kind::Fwd | Kind::FuncProto | Kind::DeclTag => (0, 0),
        };
        if below >= DEPTH {
            return Err(too_deep());
        }
        Ok(self.learn(id, (below + 1) | Known::size_bits(size)))
    }

    /// How deep the members of a struct or union reach; none may end behind it.
    fn members(
        &mut self,
        id: TypeId,
        size: u32,
        flag: bool,
        members: &[[u32; 3]],
        level: u32,
    ) -> Result<u32, BtfError> {
        let mut deepest = 0;
        for [_, ty, word] in members {
            let known = self.nested(TypeId(*ty), level + 1)?;
            deepest = deepest.max(known.depth());
            let end = known.end(flag, *word).unwrap_or_else(|| {
                let offset = word & if flag { 0x00ff_ffff } else { u32::MAX };
                // An integer that does not fill its bytes is a bit field.
                let is_narrow = self.btf.narrow_int(TypeId(*ty)).is_some();
                let size = self.btf.size_of(TypeId(*ty)).unwrap_or(0);
                if is_narrow { 0 } else { u64::from(offset / 8).saturating_add(size) }
            });
            if end > u64::from(size) {
                return Err(BtfError::Size { id, what: "the end of a member", value: end });
            }
        }
        Ok(deepest)
    }

    /// Whether a reference leads to what may be there.
    fn leads_to(
        &self,
        id: TypeId,
        what: &'static str,
        target: u32,
        expected: &'static str,
        fits: impl Fn(Kind) -> bool,
    ) -> Result<(), BtfError> {
        match self.btf.head(TypeId(target)) {
            Some((_, kind)) if fits(kind) => Ok(()),
            _ => Err(BtfError::Reference { id, what, target, expected }),
        }
    }

    /// Follows pointers, qualifiers and typedefs, of which no endless row may exist either: printing
    /// `*const *const …` would never end. Bounded by `level`, like [`Reach::deepen`].
    fn row(&mut self, id: TypeId, level: u32) -> Result<u32, BtfError> {
        if let Some(length) = self.known(id).row() {
            return Ok(length);
        }
        let Some((words, kind)) = self.btf.head(id) else { return Ok(0) };
        let next = match kind {
            Kind::Ptr
            | Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::TypeTag
            | Kind::Var => words[2],
            Kind::Array => words[3],
            _ => return Ok(0),
        };
        let length = if level <= DEPTH { self.row(TypeId(next), level + 1)? + 1 } else { u32::MAX };
        if length > DEPTH {
            return Err(BtfError::Nesting { id, limit: DEPTH });
        }
        self.learn(id, (length + 1) << 9);
        Ok(length)
    }
}
