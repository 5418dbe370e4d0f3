//! The hash table under the hash, per-CPU hash and LRU maps: all nodes preallocated, chains of node
//! indices, lookups without a lock. Checks no sizes and no creation flags: `map` does.
//!
//! **Lookups** read a bucket's chain without writing anything shared. Each bucket has a version that
//! is raised whenever a node leaves its chain, before the node can be used again; a lookup that finds
//! the version changed may have followed a node into another chain, and starts over.
//!
//! **Updates** hold the bucket's lock bit. A new element is written completely before it is linked.
//! An update of an existing key does what the kernel's preallocated hash does: it fills a *spare*
//! node, puts it in the old one's place by one store, and keeps the old node as the next spare. So no
//! lookup ever meets a half-written value, and an address from an earlier lookup keeps showing the
//! old value until the spare is used by the next replacing update on the same CPU. Per-CPU elements
//! are updated in place, as in the kernel.
//!
//! **A deleted node** goes to the free list and may be handed out at once, while a program still
//! holds its address: the program then sees the other element's value. The kernel's preallocated
//! hashes do the same; programs are written for it.
//!
//! **LRU** is a clock: a lookup by a program marks its node; who needs room sweeps over the nodes,
//! takes marks away, and evicts the first node without one. (The kernel's lists are approximate too,
//! and can evict long before the map is full; here it is full first.)

use std::sync::atomic::{AtomicU32, Ordering, fence};

use crate::free::{FreeList, NONE};
use crate::hash::Seed;
use crate::map::update_flags;
use crate::spin::Backoff;
use crate::{Errno, MapError, Memory};

/// An element, without its key and value, which are in [`Memory`] by the same index.
#[derive(Debug)]
struct Node {
    /// The next in the chain, or in the free list.
    next: AtomicU32,
    hash: AtomicU32,
    mark: AtomicU32,
}

/// Marks of a node.
const LINKED: u32 = 1;
const USED: u32 = 2;

/// A chain of nodes.
#[derive(Debug)]
struct Bucket {
    /// Bit 0: locked. The others: how many times a node left the chain.
    state: AtomicU32,
    head: AtomicU32,
}

const LOCKED: u32 = 1;
const VERSION: u32 = 2;

/// Holds a bucket's lock.
struct Guard<'a>(&'a Bucket);

impl Bucket {
    fn lock(&self) -> Guard<'_> {
        let mut backoff = Backoff::default();
        loop {
            let state = self.state.load(Ordering::Relaxed);
            let order = (Ordering::Acquire, Ordering::Relaxed);
            if state & LOCKED == 0
                && self.state.compare_exchange_weak(state, state | LOCKED, order.0, order.1).is_ok()
            {
                return Guard(self);
            }
            backoff.wait();
        }
    }
}

impl Guard<'_> {
    /// A node has left the chain: lookups that may stand on it must start over. To be called before
    /// the node is given away.
    fn node_left(&self) {
        // Plain stores will do, here and in `drop`: nobody else writes the state of a locked bucket.
        let state = self.0.state.load(Ordering::Relaxed);
        self.0.state.store(state.wrapping_add(VERSION), Ordering::Release);
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let state = self.0.state.load(Ordering::Relaxed);
        self.0.state.store(state & !LOCKED, Ordering::Release);
    }
}

/// What an update writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NewValue<'a> {
    /// From a program: one value, for its CPU's copy if there are several.
    One(&'a [u8]),
    /// From the host: all copies, each rounded up to the stride.
    Copies(&'a [u8]),
}

/// Sizes of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) key_stride: usize,
    pub(crate) value_stride: usize,
    /// How many elements it holds.
    pub(crate) entries: u32,
    /// Nodes beyond the entries, one for each CPU; none if elements are updated in place.
    pub(crate) spares: u32,
    /// Copies of each value.
    pub(crate) copies: u32,
    pub(crate) lru: bool,
}

impl Shape {
    pub(crate) fn nodes(&self) -> u64 {
        u64::from(self.entries) + u64::from(self.spares)
    }

    fn buckets(&self) -> u64 {
        u64::from(self.entries).next_power_of_two()
    }

    /// All memory that the table will take.
    pub(crate) fn bytes(&self) -> u128 {
        let values = self.value_stride as u128 * u128::from(self.copies);
        let node = values + self.key_stride as u128 + size_of::<Node>() as u128;
        u128::from(self.nodes()) * node
            + u128::from(self.buckets()) * size_of::<Bucket>() as u128
            + u128::from(self.spares) * 4
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Table {
    shape: Shape,
    seed: Seed,
    mask: u32,
    buckets: Box<[Bucket]>,
    nodes: Box<[Node]>,
    keys: Memory,
    values: Memory,
    free: FreeList,
    spares: Box<[AtomicU32]>,
    /// Where the clock of the LRU stands.
    hand: AtomicU32,
}

fn boxed<T>(count: u64, new: impl Fn(u32) -> T) -> Result<Box<[T]>, MapError> {
    let error = MapError::NoMemory { bytes: count.saturating_mul(size_of::<T>() as u64) };
    let mut items = Vec::new();
    let count = u32::try_from(count).map_err(|_| error.clone())?;
    items.try_reserve_exact(count as usize).map_err(|_| error)?;
    items.extend((0..count).map(new));
    Ok(items.into_boxed_slice())
}

impl Table {
    /// Allocates it; the caller has checked the limit.
    pub(crate) fn new(shape: Shape, seed: Seed) -> Result<Table, MapError> {
        let nodes = shape.nodes() as usize;
        // First what is large and lazy, so that a hopeless size fails before anything is touched.
        let too_large = || MapError::NoMemory { bytes: shape.bytes() as u64 };
        let values = nodes
            .checked_mul(shape.value_stride)
            .and_then(|bytes| bytes.checked_mul(shape.copies as usize))
            .ok_or_else(too_large)?;
        let keys = nodes.checked_mul(shape.key_stride).ok_or_else(too_large)?;
        let table = Table {
            shape,
            seed,
            mask: (shape.buckets() - 1) as u32,
            values: Memory::new(values)?,
            keys: Memory::new(keys)?,
            buckets: boxed(shape.buckets(), |_| Bucket {
                state: AtomicU32::new(0),
                head: AtomicU32::new(NONE),
            })?,
            nodes: boxed(shape.nodes(), |_| Node {
                next: AtomicU32::new(NONE),
                hash: AtomicU32::new(0),
                mark: AtomicU32::new(0),
            })?,
            free: FreeList::new(),
            spares: boxed(u64::from(shape.spares), |cpu| AtomicU32::new(shape.entries + cpu))?,
            hand: AtomicU32::new(0),
        };
        for index in (0..shape.entries).rev() {
            table.release(index);
        }
        Ok(table)
    }

    pub(crate) fn values(&self) -> &Memory {
        &self.values
    }

    pub(crate) fn nodes(&self) -> u32 {
        self.nodes.len() as u32
    }

    /// The value's offset: the copies of one CPU are together.
    fn value_at(&self, index: u32, copy: u32) -> usize {
        (copy as usize * self.nodes.len() + index as usize) * self.shape.value_stride
    }

    #[inline]
    fn node(&self, index: u32) -> &Node {
        &self.nodes[index as usize]
    }

    #[inline]
    fn bucket(&self, hash: u32) -> &Bucket {
        &self.buckets[(hash & self.mask) as usize]
    }

    fn release(&self, index: u32) {
        self.free.push(index, |index| &self.node(index).next);
    }

    #[inline]
    fn is(&self, index: u32, node: &Node, hash: u32, key: &[u8]) -> bool {
        node.hash.load(Ordering::Relaxed) == hash
            && self.keys.equals_padded(index as usize * self.shape.key_stride, key)
    }

    /// The node of a key, found without a lock.
    #[inline]
    fn find(&self, key: &[u8]) -> Option<u32> {
        let hash = self.seed.hash(key);
        let bucket = self.bucket(hash);
        let mut backoff = Backoff::default();
        loop {
            let version = bucket.state.load(Ordering::Acquire) & !LOCKED;
            let found = self.walk(bucket, version, hash, key);
            // Orders the reads of the walk before the second look at the version: if one of them saw
            // a node's next life, this sees the version that was raised before it began (`fill`).
            fence(Ordering::Acquire);
            if bucket.state.load(Ordering::Relaxed) & !LOCKED == version {
                return found;
            }
            backoff.wait();
        }
    }

    #[inline]
    fn walk(&self, bucket: &Bucket, version: u32, hash: u32, key: &[u8]) -> Option<u32> {
        let mut index = bucket.head.load(Ordering::Acquire);
        let mut steps = 0u32;
        while index != NONE {
            let node = self.node(index);
            if self.is(index, node, hash, key) {
                return Some(index);
            }
            index = node.next.load(Ordering::Acquire);
            steps += 1;
            // Astray in the free list or another chain, the way could be long.
            if steps.is_multiple_of(32) && bucket.state.load(Ordering::Relaxed) & !LOCKED != version
            {
                return None;
            }
        }
        None
    }

    /// Where a program finds a key; marks the element as used.
    #[inline]
    pub(crate) fn lookup(&self, key: &[u8]) -> Option<u32> {
        let index = self.find(key)?;
        if self.shape.lru {
            self.touch(index);
        }
        Some(index)
    }

    #[inline]
    fn touch(&self, index: u32) {
        let mark = &self.node(index).mark;
        if mark.load(Ordering::Relaxed) & USED == 0 {
            mark.fetch_or(USED, Ordering::Relaxed);
        }
    }

    /// The link to the first node that passes, and the node, in a locked chain.
    fn find_link<'a>(
        &'a self,
        guard: &Guard<'a>,
        wanted: impl Fn(u32, &Node) -> bool,
    ) -> Option<(&'a AtomicU32, u32)> {
        let mut link = &guard.0.head;
        loop {
            let index = link.load(Ordering::Relaxed);
            if index == NONE {
                return None;
            }
            let node = self.node(index);
            if wanted(index, node) {
                return Some((link, index));
            }
            link = &node.next;
        }
    }

    pub(crate) fn update(
        &self,
        key: &[u8],
        value: NewValue<'_>,
        flags: u64,
        cpu: u32,
    ) -> Result<(), Errno> {
        let hash = self.seed.hash(key);
        let bucket = self.bucket(hash);
        let mut evicted = None;
        let result = loop {
            let guard = bucket.lock();
            if let Some((link, old)) = self.find_link(&guard, |i, node| self.is(i, node, hash, key))
            {
                if flags == update_flags::NOEXIST {
                    break Err(Errno::EEXIST);
                }
                self.overwrite(&guard, link, old, hash, key, value, cpu);
                break Ok(());
            }
            if flags == update_flags::EXIST {
                break Err(Errno::ENOENT);
            }
            let free = evicted.take().or_else(|| self.free.pop(|index| &self.node(index).next));
            if let Some(index) = free {
                self.fill(index, hash, key, value, cpu);
                let node = self.node(index);
                node.mark.store(LINKED, Ordering::Relaxed);
                node.next.store(bucket.head.load(Ordering::Relaxed), Ordering::Relaxed);
                bucket.head.store(index, Ordering::Release);
                break Ok(());
            }
            // Eviction takes another bucket's lock: give this one back, then look again.
            drop(guard);
            if !self.shape.lru {
                break Err(Errno::E2BIG);
            }
            evicted = Some(self.evict());
        };
        if let Some(index) = evicted {
            self.release(index);
        }
        result
    }

    /// Updates the element of a key that exists, at `link`.
    #[allow(
        clippy::too_many_arguments,
        reason = "one step of `update`, with what it has found out"
    )]
    fn overwrite(
        &self,
        guard: &Guard<'_>,
        link: &AtomicU32,
        old: u32,
        hash: u32,
        key: &[u8],
        value: NewValue<'_>,
        cpu: u32,
    ) {
        if self.spares.is_empty() {
            self.write_existing(old, value, cpu);
            if self.shape.lru {
                self.touch(old);
            }
            return;
        }
        let spare = &self.spares[cpu as usize % self.spares.len()];
        let mut backoff = Backoff::default();
        let new = loop {
            // None only while another thread that runs as the same CPU is between here and the end
            // of this function; it waits for no lock on its way.
            match spare.swap(NONE, Ordering::Acquire) {
                NONE => backoff.wait(),
                index => break index,
            }
        };
        self.fill(new, hash, key, value, cpu);
        let (new_node, old_node) = (self.node(new), self.node(old));
        let mark = if self.shape.lru { LINKED | USED } else { LINKED };
        new_node.mark.store(mark, Ordering::Relaxed);
        new_node.next.store(old_node.next.load(Ordering::Relaxed), Ordering::Relaxed);
        link.store(new, Ordering::Release);
        old_node.mark.store(0, Ordering::Relaxed);
        guard.node_left();
        spare.store(old, Ordering::Release);
    }

    /// Writes a node that is in no chain.
    fn fill(&self, index: u32, hash: u32, key: &[u8], value: NewValue<'_>, cpu: u32) {
        // A lookup may still stand on the node. Whoever sees one of the stores below must also see
        // that the node left its chain, which happened before.
        fence(Ordering::Release);
        self.node(index).hash.store(hash, Ordering::Relaxed);
        let inside = self.keys.write_padded(index as usize * self.shape.key_stride, key);
        debug_assert!(inside.is_some(), "keys has room for every node");
        if let NewValue::One(_) = value {
            // A new element starts from zero on the other CPUs.
            for other in (0..self.shape.copies).filter(|other| *other != cpu) {
                self.values.fill(self.value_at(index, other), self.shape.value_stride, 0);
            }
        }
        self.write_existing(index, value, cpu);
    }

    fn write_existing(&self, index: u32, value: NewValue<'_>, cpu: u32) {
        match value {
            NewValue::One(bytes) => {
                let copy = if self.shape.copies == 1 { 0 } else { cpu };
                self.values.write(self.value_at(index, copy), bytes);
            }
            NewValue::Copies(bytes) => {
                for (copy, bytes) in (0..).zip(bytes.chunks(self.shape.value_stride)) {
                    self.values.write(self.value_at(index, copy), bytes);
                }
            }
        }
    }

    pub(crate) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        let hash = self.seed.hash(key);
        let guard = self.bucket(hash).lock();
        let (link, index) = self
            .find_link(&guard, |index, node| self.is(index, node, hash, key))
            .ok_or(Errno::ENOENT)?;
        self.unlink(&guard, link, index);
        drop(guard);
        self.release(index);
        Ok(())
    }

    fn unlink(&self, guard: &Guard<'_>, link: &AtomicU32, index: u32) {
        let node = self.node(index);
        link.store(node.next.load(Ordering::Relaxed), Ordering::Release);
        node.mark.store(0, Ordering::Relaxed);
        guard.node_left();
    }

    /// Takes the element away that the clock says was not used lately.
    ///
    /// In a map smaller than the number of threads, all nodes can be in the hands of others for a
    /// moment. Waiting for them is safe: the caller holds no lock, and who has a node in hand links
    /// or releases it without waiting for another. (The kernel gives up with `ENOMEM`; its threads
    /// are not preempted there, ours are.)
    fn evict(&self) -> u32 {
        let mut backoff = Backoff::default();
        loop {
            for _ in 0..2 * self.nodes.len() {
                let index = self.hand.fetch_add(1, Ordering::Relaxed) % self.nodes();
                let mark = &self.node(index).mark;
                match mark.load(Ordering::Relaxed) {
                    LINKED if self.unlink_node(index) => return index,
                    now if now & USED != 0 => {
                        mark.fetch_and(!USED, Ordering::Relaxed);
                    }
                    _ => {}
                }
            }
            if let Some(index) = self.free.pop(|index| &self.node(index).next) {
                return index;
            }
            backoff.wait();
        }
    }

    /// Takes a node out of its chain, if it is still in one.
    fn unlink_node(&self, index: u32) -> bool {
        let hash = self.node(index).hash.load(Ordering::Relaxed);
        let guard = self.bucket(hash).lock();
        match self.find_link(&guard, |other, _| other == index) {
            Some((link, _)) => {
                self.unlink(&guard, link, index);
                true
            }
            None => false,
        }
    }

    /// A copy of a value: all its copies, each as long as the stride. Does not mark it as used.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let hash = self.seed.hash(key);
        let guard = self.bucket(hash).lock();
        let (_, index) = self.find_link(&guard, |index, node| self.is(index, node, hash, key))?;
        Some(self.copy_value(index))
    }

    fn copy_value(&self, index: u32) -> Vec<u8> {
        let stride = self.shape.value_stride;
        let mut bytes = vec![0; stride * self.shape.copies as usize];
        for (copy, bytes) in (0..).zip(bytes.chunks_mut(stride)) {
            self.values.read(self.value_at(index, copy), bytes);
        }
        bytes
    }

    fn copy_key(&self, index: u32, size: usize) -> Vec<u8> {
        let mut bytes = vec![0; size];
        self.keys.read(index as usize * self.shape.key_stride, &mut bytes);
        bytes
    }

    /// The number of the last chain.
    pub(crate) fn last_chain(&self) -> u32 {
        self.mask
    }

    /// Keys and values of one chain, at one moment; `chain` is at most [`Table::last_chain`].
    pub(crate) fn chain(&self, chain: u32, key_size: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let bucket = self.bucket(chain);
        if bucket.head.load(Ordering::Relaxed) == NONE {
            return Vec::new();
        }
        let _guard = bucket.lock();
        let mut entries = Vec::new();
        let mut index = bucket.head.load(Ordering::Relaxed);
        while index != NONE {
            entries.push((self.copy_key(index, key_size), self.copy_value(index)));
            index = self.node(index).next.load(Ordering::Relaxed);
        }
        entries
    }

    /// The key that follows one in the order of the chains; the first if there is no such key.
    pub(crate) fn next_key(&self, key: Option<&[u8]>, key_size: usize) -> Option<Vec<u8>> {
        let mut from = 0;
        if let Some(key) = key {
            let hash = self.seed.hash(key);
            let guard = self.bucket(hash).lock();
            if let Some((_, index)) = self.find_link(&guard, |i, node| self.is(i, node, hash, key))
            {
                let next = self.node(index).next.load(Ordering::Relaxed);
                if next != NONE {
                    return Some(self.copy_key(next, key_size));
                }
                if hash & self.mask == self.mask {
                    return None;
                }
                from = (hash & self.mask) + 1;
            }
        }
        (from..=self.mask).find_map(|chain| {
            let bucket = self.bucket(chain);
            if bucket.head.load(Ordering::Relaxed) == NONE {
                return None;
            }
            let _guard = bucket.lock();
            let index = bucket.head.load(Ordering::Relaxed);
            (index != NONE).then(|| self.copy_key(index, key_size))
        })
    }
}
