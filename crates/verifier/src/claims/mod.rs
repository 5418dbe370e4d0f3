//! What a proof says of each instruction, handed out so that a run can be compared with it: a state of
//! a run that is in none of the claims of its instruction shows a mistake of the verifier.
//!
//! A claim says of a place no more than the proof relies on: a number that nothing relies on may be
//! anything, for states are compared without it. What it may say is known when the walk is over, so
//! that it is walked twice (`record`). Runs nothing, compares nothing.

mod join;
mod record;

use std::fmt;

use abide_api::Program;
use abide_isa::Reg;
use abide_object::Object;

pub(crate) use record::Recorder;

use crate::domain::Scalar;
use crate::{Examined, Options, Refusal};

/// The claims of a proof.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// By slot of the linked program.
    pub at: Vec<Claimed>,
}

/// What is claimed of one instruction.
#[derive(Debug, Clone, Default)]
pub struct Claimed {
    /// One of these holds whenever the instruction is about to run; none: it is never reached.
    pub claims: Vec<Claim>,
    /// There were more ways here than are kept: nothing is claimed.
    pub open: bool,
}

/// A state of the program, as far as the proof relies on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The running function is the last; the first may be one that is proved by itself.
    pub frames: Vec<FrameClaim>,
    /// How many objects and records are held, at least and at most.
    pub references: (usize, usize),
}

/// One activation of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameClaim {
    /// The slot after the call of the program that entered it.
    pub back: Option<u32>,
    /// In the order of their numbers.
    pub registers: Vec<(Reg, Known)>,
    /// Offset from the frame pointer, size in bytes; upwards.
    pub stack: Vec<(i32, u32, Known)>,
}

/// What is known of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Known {
    /// A number.
    Number {
        /// What it may be.
        num: Scalar,
        /// Numbers of one claim that are linked differ by a constant.
        link: Option<Link>,
    },
    /// A pointer.
    Pointer(Pointer),
}

/// With what a number is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Which others.
    pub id: u32,
    /// How much more it is than they are.
    pub more: i32,
    /// That is so of the low half, and the upper half is 0.
    pub low: bool,
}

/// What is known of a pointer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pointer {
    /// What it points to.
    pub to: Place,
    /// It may be null.
    pub nullable: bool,
    /// The known part of its offset.
    pub offset: i32,
    /// The unknown part of its offset.
    pub variable: Scalar,
    /// So many bytes after the pointer without the known part of its offset are inside of the packet.
    pub inside: u32,
}

/// What a pointer points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The context.
    Context,
    /// The end of the frame of that function, by index in the claim.
    Frame(u8),
    /// A map, by its index in the program.
    Map(u32),
    /// A value of it.
    Value(u32),
    /// The packet.
    Packet,
    /// The metadata before it.
    PacketMeta,
    /// The byte after it.
    PacketEnd,
    /// So many bytes.
    Memory(u32),
    /// The function that begins at this slot.
    Function(u32),
    /// Something of which nothing more is claimed than that it is there.
    Something,
}

/// Proves a program once more, and says what the proof claims.
///
/// # Errors
/// The program is not proved.
pub fn claims(
    program: &Program,
    object: &Object,
    options: &Options<'_>,
) -> Result<Claims, Box<Refusal>> {
    let options = Options { log: false, ..*options };
    let mut recorder = Recorder::default();
    for _ in 0..2 {
        let Examined { result, statistics, log, recorder: kept } =
            crate::examine(program, object, &options, false, Some(Box::new(recorder)));
        if let Err(rejection) = result {
            return Err(Box::new(Refusal { rejection: *rejection, statistics, log }));
        }
        recorder = kept.map_or_else(Recorder::default, |kept| kept.again());
    }
    Ok(recorder.into_claims())
}

impl Claims {
    /// What is claimed of an instruction; `None` if that is nothing.
    pub fn at(&self, slot: u32) -> Option<&[Claim]> {
        let claimed = self.at.get(slot as usize)?;
        if claimed.open { None } else { Some(&claimed.claims) }
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Known::Number { num, link } => {
                scalar(f, num)?;
                match link {
                    None => Ok(()),
                    Some(Link { id, more, low }) => {
                        let half = if *low { ", in its low half," } else { "" };
                        write!(f, "{half} and {more} more than the others of link {id}")
                    }
                }
            }
            Known::Pointer(pointer) => {
                let null = if pointer.nullable { "null, or " } else { "" };
                write!(f, "{null}{:?} + {}", pointer.to, pointer.offset)?;
                if pointer.variable.value() != Some(0) {
                    f.write_str(" + ")?;
                    scalar(f, &pointer.variable)?;
                }
                if pointer.inside > 0 {
                    write!(f, ", {} bytes inside", pointer.inside)?;
                }
                Ok(())
            }
        }
    }
}

/// All that is known of a number, but for what follows from another part.
fn scalar(f: &mut fmt::Formatter<'_>, num: &Scalar) -> fmt::Result {
    if let Some(value) = num.value() {
        return write!(f, "{value:#x}");
    }
    write!(f, "a number {:#x}..={:#x}", num.umin, num.umax)?;
    write!(f, ", signed {}..={}", num.smin, num.smax)?;
    write!(f, ", low half {:#x}..={:#x}", num.umin32, num.umax32)?;
    write!(f, ", signed {}..={}", num.smin32, num.smax32)?;
    write!(f, ", bits {:#x} known as {:#x}", !num.bits.mask, num.bits.value)
}
