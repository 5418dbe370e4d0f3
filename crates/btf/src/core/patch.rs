//! Writing an answer into an instruction. What the instruction means is `isa`'s to say.

use abide_isa::{Imm64Kind, Kind, Operand, Raw, decode};

use super::answer::{Answer, Poison, Resize, Resolution};
use super::error::CoreError;

/// The instruction that must not run: a call of a helper that does not exist, whose number
/// (195896080, 0xbad2310) says "bad relo" in the verifier's log. libbpf writes the same.
pub const POISON: Raw = Raw { code: 0x85, dst: 0, src: 0, off: 0, imm: 0x0bad_2310 };

/// What was done with an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patched {
    /// It holds this number now; `before` is what it held.
    Value {
        /// What it held.
        before: i64,
        /// What it holds.
        after: i64,
    },
    /// It cannot run any more.
    Poisoned(Poison),
}

impl Resolution {
    /// Writes the answer into the instruction at `slot`: into the immediate of an arithmetic
    /// instruction or of a 64-bit immediate load, into the offset of a load or store, whose size is
    /// changed too where that is safe.
    ///
    /// # Errors
    /// The instruction holds no number, holds another one than it should, or has no room. Nothing
    /// is changed then.
    pub fn patch(&self, slots: &mut [Raw], slot: usize) -> Result<Patched, CoreError> {
        let here = slots.get_mut(slot..).unwrap_or_default();
        let (old, new, checked, resize) = match self.answer {
            Answer::Poison(why) => return poison(here, why),
            Answer::Value { old, new, checked, resize } => (old, new, checked, resize),
        };
        let insn = decode(here).map_err(|_| {
            CoreError::Instruction("there is no instruction that could be relocated")
        })?;
        let expect = |found: i64| match checked && found.cast_unsigned() != old {
            true => Err(CoreError::Unexpected { found, expected: old.cast_signed() }),
            false => Ok(found),
        };
        let size = match insn.kind() {
            Kind::Alu { src: Operand::Imm, .. } | Kind::Mov { src: Operand::Imm, .. } => {
                let before = expect(insn.imm)?;
                here[0].imm = new as i32;
                return Ok(Patched::Value { before, after: i64::from(here[0].imm) });
            }
            Kind::LdImm64(Imm64Kind::Value) => {
                let before = expect(insn.imm)?;
                here[0].imm = new as i32;
                here[1].imm = (new >> 32) as i32;
                return Ok(Patched::Value { before, after: new.cast_signed() });
            }
            Kind::Load { size, .. }
            | Kind::Store { size, .. }
            | Kind::Atomic { size, .. }
            | Kind::LoadAcquire { size, .. }
            | Kind::StoreRelease { size, .. } => size.bytes(),
            _ => {
                return Err(CoreError::Instruction("the instruction holds no number of this kind"));
            }
        };
        let before = expect(i64::from(insn.off))?;
        let off = i16::try_from(new).map_err(|_| CoreError::TooLarge { value: new })?;
        let mut changed = Raw { off, ..here[0] };
        match resize {
            None => {}
            Some(Resize { safe: false, .. }) => return poison(here, Poison::Resized),
            Some(Resize { local, host, .. }) => {
                let wrong = CoreError::Width { insn: size, local, host };
                let bits = size_bits(host).filter(|_| size == local).ok_or(wrong.clone())?;
                changed.code = changed.code & !SIZE_MASK | bits;
                // Not every instruction exists in every size.
                decode(&[changed]).map_err(|_| wrong)?;
            }
        }
        here[0] = changed;
        Ok(Patched::Value { before, after: i64::from(off) })
    }
}

/// The bits of an opcode that say the size of an access (RFC 9669 §5).
const SIZE_MASK: u8 = 0x18;

fn size_bits(bytes: u32) -> Option<u8> {
    match bytes {
        1 => Some(0x10),
        2 => Some(0x08),
        4 => Some(0x00),
        8 => Some(0x18),
        _ => None,
    }
}

/// Both slots of a 64-bit immediate load, lest a verifier complains of the second one.
fn poison(here: &mut [Raw], why: Poison) -> Result<Patched, CoreError> {
    const LD_IMM64: u8 = 0x18;
    let slots = match here.first().map(|first| first.code) {
        None => return Err(CoreError::Instruction("there is no instruction")),
        Some(LD_IMM64) => 2,
        Some(_) => 1,
    };
    here.iter_mut().take(slots).for_each(|slot| *slot = POISON);
    Ok(Patched::Poisoned(why))
}
