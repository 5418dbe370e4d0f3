//! The smallest program that still does the same: instructions become nothing, one after the other. Judges
//! by what it is told.

use abide_isa::Raw;
use abide_object::Object;

/// Jumps nowhere.
const NOTHING: Raw = Raw { code: 0x05, dst: 0, src: 0, off: 0, imm: 0 };

/// Makes an object smaller as long as `still` holds.
pub fn shrink(object: &Object, mut still: impl FnMut(&Object) -> bool) -> Object {
    let mut best = object.clone();
    loop {
        let mut smaller = false;
        for function in 0..best.functions.len() {
            for at in (0..best.functions[function].slots.len()).rev() {
                let slots = &best.functions[function].slots;
                let wide = slots[at].code == 0x18;
                let second = at > 0 && slots[at - 1].code == 0x18;
                if slots[at] == NOTHING || second {
                    continue;
                }
                let mut next = best.clone();
                let changed = &mut next.functions[function];
                changed.slots[at] = NOTHING;
                if wide {
                    changed.slots[at + 1] = NOTHING;
                }
                changed.relocations.retain(|found| found.slot as usize != at);
                if still(&next) {
                    best = next;
                    smaller = true;
                }
            }
        }
        if !smaller {
            return best;
        }
    }
}
