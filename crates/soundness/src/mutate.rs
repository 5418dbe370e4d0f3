//! Programs a little changed: what is nearly right finds what random programs do not. Judges nothing.

use abide_isa::Raw;
use abide_object::{Object, Target};

use crate::build::{CALL, NOTHING, WIDE, is_second};
use crate::random::Random;

/// Changes a few instructions of the functions that the first program of an object reaches; those with
/// relocations stay.
pub fn mutate(object: &mut Object, random: &mut Random) {
    let reached = reached(object);
    for _ in 0..random.below(3) + 1 {
        let Some(of) = reached.get(random.below(reached.len().max(1) as u64) as usize) else {
            return;
        };
        let of = *of;
        let Some(function) = object.functions.get_mut(of) else { return };
        let count = function.slots.len() as u64;
        let at = random.below(count.max(1)) as usize;
        let held = function.relocations.iter().any(|found| found.slot as usize == at);
        let Some(slot) = function.slots.get(at).copied().filter(|_| !held) else { continue };
        // The second half of a wide load goes with the first.
        if is_second(&function.slots, at) || slot.code == WIDE {
            continue;
        }
        let other = function.slots[random.below(count) as usize];
        function.slots[at] = changed(slot, other, random);
    }
}

/// The functions that the first program reaches.
fn reached(object: &Object) -> Vec<usize> {
    let mut found: Vec<usize> =
        object.programs.first().map(|program| program.function.index()).into_iter().collect();
    let mut at = 0;
    while let Some(function) = found.get(at).and_then(|of| object.functions.get(*of)) {
        at += 1;
        for relocation in &function.relocations {
            if let Target::Call(to) | Target::Function(to) = relocation.target
                && !found.contains(&to.index())
            {
                found.push(to.index());
            }
        }
    }
    found
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
        _ if [WIDE, CALL].contains(&other.code) || [5, 6].contains(&(other.code & 7)) => NOTHING,
        _ => other,
    }
}
