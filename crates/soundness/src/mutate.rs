//! Programs a little changed: what is nearly right finds what random programs do not. Judges nothing.

use abide_isa::Raw;
use abide_object::Object;

use crate::random::Random;

/// Changes a few instructions of the functions of an object; those with relocations stay.
pub fn mutate(object: &mut Object, random: &mut Random) {
    for _ in 0..random.below(3) + 1 {
        let of = random.below(object.functions.len().max(1) as u64) as usize;
        let Some(function) = object.functions.get_mut(of) else { return };
        let count = function.slots.len() as u64;
        let at = random.below(count.max(1)) as usize;
        let held = function.relocations.iter().any(|found| found.slot as usize == at);
        let Some(slot) = function.slots.get(at).copied().filter(|_| !held) else { continue };
        // The second half of a wide load goes with the first.
        let second = at > 0 && function.slots[at - 1].code == 0x18;
        if second || slot.code == 0x18 {
            continue;
        }
        let other = function.slots[random.below(count) as usize];
        function.slots[at] = changed(slot, other, random);
    }
}

fn changed(slot: Raw, other: Raw, random: &mut Random) -> Raw {
    let class = slot.code & 7;
    let jump = class == 5 || class == 6;
    match random.below(10) {
        0 => Raw { imm: random.constant() as i32, ..slot },
        1 => Raw { imm: slot.imm.wrapping_add(random.below(9) as i32 - 4), ..slot },
        2 if !jump => Raw { off: slot.off.wrapping_add(random.below(17) as i16 - 8), ..slot },
        3 => Raw { dst: random.below(11) as u8, ..slot },
        4 => Raw { src: random.below(11) as u8, ..slot },
        // Another operation of the class; another width of it; the other class of the kind.
        5 => Raw { code: slot.code & 0x0f | (random.below(14) as u8) << 4, ..slot },
        6 if class <= 3 => Raw { code: slot.code & !0x18 | (random.below(4) as u8) << 3, ..slot },
        7 => Raw { code: slot.code ^ if jump { 3 } else { 3 & (class & 4) | 3 }, ..slot },
        8 => Raw { code: slot.code ^ 8, ..slot },
        _ if other.code == 0x18
            || other.code == 0x85
            || other.code & 7 >= 5 && other.code & 7 != 7 =>
        {
            // Nothing instead.
            Raw { code: 0x05, dst: 0, src: 0, off: 0, imm: 0 }
        }
        _ => other,
    }
}
