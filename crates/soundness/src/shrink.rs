//! The smallest program that still does the same: instructions become nothing, one after the other. Judges
//! by what it is told.

use abide_object::Object;

use crate::build::{NOTHING, WIDE, is_second};

/// Makes an object smaller as long as `still` holds.
pub fn shrink(object: &Object, mut still: impl FnMut(&Object) -> bool) -> Object {
    let mut best = object.clone();
    loop {
        let mut smaller = false;
        for function in 0..best.functions.len() {
            for at in (0..best.functions[function].slots.len()).rev() {
                let slots = &best.functions[function].slots;
                let wide = slots[at].code == WIDE;
                if slots[at] == NOTHING || is_second(slots, at) {
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
