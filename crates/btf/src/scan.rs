//! The one walk over all words of a file: where each type begins, whatever can be seen in a record
//! alone, and how far types reach that only lead to types before them. Looks at no name and follows no
//! reference to what comes later; it notes the largest of each.

use crate::BtfError;
use crate::parse::{count_of, extra_words, kind_of};
use crate::reach::Known;
use crate::types::{Kind, TypeId};

/// What was found.
pub(crate) struct Scan {
    /// Where each type begins; the first is not used.
    pub(crate) starts: Vec<u32>,
    pub(crate) most: Most,
    /// How far the types reach, as far as that is known.
    pub(crate) known: Vec<Known>,
}

/// The largest offset of a name and the largest id that any record refers to.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Most {
    pub(crate) name: u32,
    pub(crate) target: u32,
}

impl Most {
    fn name(&mut self, offset: u32) {
        self.name = self.name.max(offset);
    }

    fn target(&mut self, id: u32) {
        self.target = self.target.max(id);
    }
}

/// Walks over the records; the first has the id after `below`.
pub(crate) fn scan(words: &[u32], below: u32) -> Result<Scan, BtfError> {
    // Records of a kernel take 25 bytes on average; the guess saves copying, not correctness.
    let guess = words.len() / 6 + 1;
    let (mut starts, mut known) = (Vec::with_capacity(guess), Vec::with_capacity(guess));
    let mut most = Most::default();
    starts.push(0);
    let mut at = 0;
    while at < words.len() {
        let id = TypeId(below.saturating_add(starts.len() as u32));
        let info = words.get(at + 1).copied().unwrap_or(0x0100_0000);
        let number = info >> 24 & 0x7f;
        let kind = Kind::from_number(number).ok_or(BtfError::Kind { id, kind: number })?;
        let end = at + 3 + extra_words(kind, count_of(info));
        let Some(record) = words.get(at..end) else {
            let (end, have) = (end as u64 * 4, words.len() as u64 * 4);
            return Err(BtfError::Truncated { what: "a type", end, have });
        };
        let before = Before { words, below, starts: &starts, known: &known };
        let this = before.one(id, kind, record, &mut most)?;
        known.push(this);
        starts.push(at as u32);
        at = end;
    }
    Ok(Scan { starts, most, known })
}

/// The types before the one that is looked at.
struct Before<'a> {
    words: &'a [u32],
    below: u32,
    starts: &'a [u32],
    known: &'a [Known],
}

impl Before<'_> {
    /// What is known of one of them.
    #[inline(always)]
    fn known(&self, id: u32) -> Known {
        match self.known.get(id.wrapping_sub(self.below).wrapping_sub(1) as usize) {
            Some(known) => *known,
            None if id == 0 => Known::VOID,
            None => Known::NOTHING,
        }
    }

    /// Sizes and positions in one record, and what is known of its type if it only leads to types
    /// before it. What is not as it should be between types is left for [`crate::reach`] to say.
    #[inline(always)]
    fn one(
        &self,
        id: TypeId,
        kind: Kind,
        record: &[u32],
        most: &mut Most,
    ) -> Result<Known, BtfError> {
        let (third, rest) = (record[2], &record[3..]);
        let size = |what, value: u32, fits: bool| match fits {
            true => Ok(()),
            false => Err(BtfError::Size { id, what, value: u64::from(value) }),
        };
        most.name(record[0]);
        Ok(match kind {
            Kind::Int => {
                size("the size of an integer", third, matches!(third, 1 | 2 | 4 | 8 | 16))?;
                let (bits, offset) = (rest[0] & 0xff, rest[0] >> 16 & 0xff);
                size("the width of an integer in bits", bits, bits + offset <= third * 8)?;
                // One that does not fill its bytes stands for a bit field in a struct.
                if bits == third * 8 { Known::leaf(third) } else { Known::leaf(u32::MAX) }
            }
            Kind::Float => {
                size("the size of a number", third, matches!(third, 2 | 4 | 8 | 12 | 16))?;
                Known::leaf(third)
            }
            Kind::Ptr => {
                most.target(third);
                self.known(third).pointer()
            }
            Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::TypeTag
            | Kind::Var => {
                most.target(third);
                self.known(third).array(1)
            }
            Kind::Array => {
                most.target(rest[0].max(rest[1]));
                self.known(rest[0]).array(rest[2])
            }
            Kind::Struct | Kind::Union => {
                let flag = record[1] >> 31 != 0;
                let mask = if flag { 0x00ff_ffff } else { u32::MAX };
                let (mut offset, mut depth, mut is_known) = (0, 0, true);
                let members = rest.as_chunks::<3>().0;
                for [name, ty, position] in members {
                    most.name(*name);
                    most.target(*ty);
                    offset = offset.max(position & mask);
                    let member = self.known(*ty);
                    depth = depth.max(member.depth());
                    is_known &= member.depth() > 0
                        && member.end(flag, *position).is_some_and(|end| end <= u64::from(third));
                }
                let fits = |offset: u32| u64::from(offset) <= u64::from(third) * 8;
                if !fits(offset) {
                    let mut offsets = members.iter().map(|member| member[2]);
                    let culprit = offsets.find(|word| !fits(word & mask)).unwrap_or(offset);
                    size("the offset of a member in bits", culprit, false)?;
                }
                if is_known { Known::composite(depth, third) } else { Known::END }
            }
            Kind::Enum => {
                // One that is only declared has no values, and from some compilers no size either.
                let is_declared = third == 0 && rest.is_empty();
                size("the size of an enum", third, is_declared || matches!(third, 1 | 2 | 4 | 8))?;
                rest.as_chunks::<2>().0.iter().for_each(|value| most.name(value[0]));
                Known::leaf(third)
            }
            Kind::Enum64 => {
                size("the size of an enum", third, matches!(third, 1 | 2 | 4 | 8))?;
                rest.as_chunks::<3>().0.iter().for_each(|value| most.name(value[0]));
                Known::leaf(third)
            }
            Kind::Fwd => Known::leaf(0),
            Kind::Func => {
                most.target(third);
                let start = self.starts.get(third.wrapping_sub(self.below) as usize);
                let is_before = third > self.below && start.is_some();
                let info = start.and_then(|start| self.words.get(*start as usize + 1));
                let is_proto = info.is_some_and(|info| kind_of(*info) == Kind::FuncProto);
                if is_before && is_proto { Known::leaf(0) } else { Known::END }
            }
            Kind::DeclTag => {
                most.target(third);
                Known::leaf(0)
            }
            Kind::FuncProto => {
                most.target(third);
                for param in rest.as_chunks::<2>().0 {
                    most.name(param[0]);
                    most.target(param[1]);
                }
                Known::leaf(0)
            }
            Kind::DataSec => {
                rest.as_chunks::<3>().0.iter().for_each(|var| most.target(var[0]));
                Known::END
            }
        })
    }
}
