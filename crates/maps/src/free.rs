//! Indices of nodes that are linked by one number each: the free list of a map. Knows nothing of keys
//! and values.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// No node.
pub(crate) const NONE: u32 = u32::MAX;

/// A lock-free stack of node indices. The caller keeps the links, one for each node, as a node is in
/// one list at a time.
#[derive(Debug)]
pub(crate) struct FreeList {
    /// The top in the low half. The high half counts pushes and pops, so that a top that was popped
    /// and pushed again in the meantime is not taken for unchanged.
    top: AtomicU64,
}

impl FreeList {
    pub(crate) fn new() -> FreeList {
        FreeList { top: AtomicU64::new(u64::from(NONE)) }
    }

    pub(crate) fn push<'a>(&self, index: u32, link: impl Fn(u32) -> &'a AtomicU32) {
        let mut top = self.top.load(Ordering::Relaxed);
        loop {
            // Release: a lookup that still stands on the node and follows this link must see all that
            // was done before, above all that the node has left its chain.
            link(index).store(top as u32, Ordering::Release);
            match self.replace(top, index) {
                Ok(()) => return,
                Err(now) => top = now,
            }
        }
    }

    pub(crate) fn pop<'a>(&self, link: impl Fn(u32) -> &'a AtomicU32) -> Option<u32> {
        let mut top = self.top.load(Ordering::Acquire);
        loop {
            let index = top as u32;
            if index == NONE {
                return None;
            }
            // May be stale, if another thread pops `index` now; then `replace` fails.
            let below = link(index).load(Ordering::Relaxed);
            match self.replace(top, below) {
                Ok(()) => return Some(index),
                Err(now) => top = now,
            }
        }
    }

    fn replace(&self, top: u64, index: u32) -> Result<(), u64> {
        let count = (top >> 32).wrapping_add(1) << 32;
        let new = count | u64::from(index);
        let order = (Ordering::AcqRel, Ordering::Acquire);
        self.top.compare_exchange_weak(top, new, order.0, order.1).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_in_first_out() {
        let links: Vec<_> = (0..4).map(|_| AtomicU32::new(NONE)).collect();
        let link = |index: u32| &links[index as usize];
        let list = FreeList::new();
        for index in [3, 1, 2] {
            list.push(index, link);
        }
        assert_eq!(list.pop(link), Some(2));
        list.push(0, link);
        let rest: Vec<_> = std::iter::from_fn(|| list.pop(link)).collect();
        assert_eq!(rest, [0, 1, 3]);
    }

    #[test]
    fn threads_never_get_the_same_node() {
        let rounds = if cfg!(miri) { 30 } else { 20_000 };
        let links: Vec<_> = (0..8).map(|_| AtomicU32::new(NONE)).collect();
        let owners: Vec<_> = (0..8).map(|_| AtomicU32::new(0)).collect();
        let list = FreeList::new();
        (0..8).for_each(|index| list.push(index, |index| &links[index as usize]));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let link = |index: u32| &links[index as usize];
                    for _ in 0..rounds {
                        let Some(index) = list.pop(link) else { continue };
                        assert_eq!(owners[index as usize].fetch_add(1, Ordering::Relaxed), 0);
                        owners[index as usize].fetch_sub(1, Ordering::Relaxed);
                        list.push(index, link);
                    }
                });
            }
        });
        let link = |index: u32| &links[index as usize];
        assert_eq!(std::iter::from_fn(|| list.pop(link)).count(), 8);
    }
}
