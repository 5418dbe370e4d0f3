//! A map: one of the storages behind the operations that programs and hosts know, with the kernel's
//! rules on keys, flags and errors. Must not know programs, objects or hosts.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::def::MAX_CPUS;
use crate::hash::Seed;
use crate::ring::RingBuf;
use crate::table::{NewValue, Shape, Table};
use crate::{Entries, Errno, Limits, MapDef, MapError, MapKind, Memory, flags};

/// Flags of an update (`BPF_ANY` and its like).
pub mod update_flags {
    /// Create an element or update it.
    pub const ANY: u64 = 0;
    /// Only create.
    pub const NOEXIST: u64 = 1;
    /// Only update.
    pub const EXIST: u64 = 2;
    /// Hold the value's `bpf_spin_lock`; values here have none, so that it is refused.
    pub const LOCK: u64 = 4;
}

/// How the values lie in the map's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Bytes of a value that programs may touch.
    pub value_size: usize,
    /// From one value to the next: the size rounded up to 8.
    pub stride: usize,
    /// How many values there are, per-CPU copies and spare elements included.
    pub count: usize,
}

impl Layout {
    /// Where the value of a slot begins.
    #[inline]
    pub fn offset(&self, slot: Slot) -> usize {
        slot.0 as usize * self.stride
    }

    /// The slot that an offset lies in, and the offset inside its value; `None` outside of all
    /// values, the padding between them included.
    #[inline]
    pub fn slot_at(&self, offset: usize) -> Option<(Slot, usize)> {
        let slot = offset.checked_div(self.stride)?;
        let inside = offset % self.stride;
        (slot < self.count && inside < self.value_size).then_some((Slot(slot as u32), inside))
    }
}

/// Which value, counted from the beginning of the map's memory.
///
/// For a per-CPU map the copies of one CPU lie together: `cpu × (count / cpus) + element`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot(pub u32);

#[derive(Debug)]
enum Storage {
    Array(Memory),
    /// Handle + 1, or 0. The memory is empty: programs have no address of a program.
    Programs(Box<[AtomicU64]>, Memory),
    Hash(Table),
    Ring(RingBuf),
}

/// A map. Share it between threads by reference or `Arc`.
#[derive(Debug)]
pub struct Map {
    def: MapDef,
    layout: Layout,
    cpus: u32,
    frozen: AtomicBool,
    storage: Storage,
}

fn index_of(key: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(key.try_into().ok()?))
}

impl Map {
    /// Checks a definition as the kernel does, then its size against the limit, and allocates.
    pub fn create(def: &MapDef, limits: &Limits) -> Result<Map, MapError> {
        def.check()?;
        if limits.cpus == 0 || limits.cpus > MAX_CPUS {
            return Err(MapError::Cpus { cpus: limits.cpus });
        }
        let value_size = def.value_size as usize;
        let stride = value_size.next_multiple_of(8);
        let copies = if def.kind.is_percpu() { limits.cpus } else { 1 };
        let values = |elements: u64| {
            let count =
                elements.checked_mul(u64::from(copies)).filter(|n| *n < u64::from(u32::MAX));
            let (kind, entries) = (def.kind, def.max_entries);
            count.ok_or(MapError::MaxEntries { kind, entries, too_big: true })
        };
        let within = |needed: u128| {
            let limit = limits.max_bytes;
            if needed > u128::from(limit) { Err(MapError::Limit { needed, limit }) } else { Ok(()) }
        };
        let (storage, count) = match def.kind {
            MapKind::Array | MapKind::PercpuArray => {
                let needed = stride as u128 * u128::from(def.max_entries) * u128::from(copies);
                within(needed)?;
                let bytes = usize::try_from(needed)
                    .map_err(|_| MapError::NoMemory { bytes: limits.max_bytes })?;
                let count = values(u64::from(def.max_entries))?;
                (Storage::Array(Memory::new(bytes)?), count)
            }
            MapKind::ProgArray => {
                let bytes = u64::from(def.max_entries) * 8;
                within(u128::from(bytes))?;
                let mut handles = Vec::new();
                handles
                    .try_reserve_exact(def.max_entries as usize)
                    .map_err(|_| MapError::NoMemory { bytes })?;
                handles.extend((0..def.max_entries).map(|_| AtomicU64::new(0)));
                (Storage::Programs(handles.into_boxed_slice(), Memory::new(0)?), 0)
            }
            MapKind::Hash | MapKind::PercpuHash | MapKind::LruHash | MapKind::LruPercpuHash => {
                let shape = Shape {
                    key_stride: (def.key_size as usize).next_multiple_of(8),
                    value_stride: stride,
                    entries: def.max_entries,
                    spares: if def.kind.is_percpu() { 0 } else { limits.cpus },
                    copies,
                    lru: def.kind.is_lru(),
                };
                within(shape.bytes())?;
                let count = values(shape.nodes())?;
                let fixed = def.flags & flags::ZERO_SEED != 0;
                let seed = if fixed { Seed::fixed() } else { Seed::random() };
                (Storage::Hash(Table::new(shape, seed)?), count)
            }
            MapKind::Ringbuf => {
                within(RingBuf::bytes(def.max_entries))?;
                (Storage::Ring(RingBuf::new(def.max_entries)?), 0)
            }
        };
        let layout = Layout { value_size, stride, count: count as usize };
        let (def, cpus, frozen) = (def.clone(), limits.cpus, AtomicBool::new(false));
        Ok(Map { def, layout, cpus, frozen, storage })
    }

    /// The map behind a program's global data: an array of one element that holds `bytes`. With
    /// `read_only` neither programs nor the host can change it from then on.
    pub fn global(
        name: &str,
        bytes: &[u8],
        read_only: bool,
        limits: &Limits,
    ) -> Result<Map, MapError> {
        let def = MapDef {
            name: name.to_owned(),
            kind: MapKind::Array,
            key_size: 4,
            value_size: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            max_entries: 1,
            flags: if read_only { flags::RDONLY_PROG } else { 0 },
        };
        let map = Map::create(&def, limits)?;
        map.memory().write(0, bytes);
        if read_only {
            map.freeze();
        }
        Ok(map)
    }

    /// What it was created from.
    pub fn def(&self) -> &MapDef {
        &self.def
    }

    /// How its values lie in [`Map::memory`]. A ring buffer and a program array have no values.
    #[inline]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The values; for a ring buffer its records, see [`RingBuf::memory`].
    #[inline]
    pub fn memory(&self) -> &Memory {
        match &self.storage {
            Storage::Array(memory) | Storage::Programs(_, memory) => memory,
            Storage::Hash(table) => table.values(),
            Storage::Ring(ring) => ring.memory(),
        }
    }

    /// How many CPUs it serves.
    pub fn cpus(&self) -> u32 {
        self.cpus
    }

    /// The ring, if it is a ring buffer.
    #[inline]
    pub fn ring(&self) -> Option<&RingBuf> {
        match &self.storage {
            Storage::Ring(ring) => Some(ring),
            _ => None,
        }
    }

    /// Whether programs may read values.
    pub fn program_may_read(&self) -> bool {
        self.def.flags & flags::WRONLY_PROG == 0
    }

    /// Whether programs may write values.
    pub fn program_may_write(&self) -> bool {
        self.def.flags & flags::RDONLY_PROG == 0
    }

    /// From now on the host cannot change it; programs still can, unless they may only read.
    pub fn freeze(&self) {
        self.frozen.store(true, Ordering::Release);
    }

    /// Whether [`Map::freeze`] was called. With [`Map::program_may_write`] false, the values are
    /// constants.
    pub fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Acquire)
    }

    // ---- What programs do.

    /// The value that a program on `cpu` sees for a key. Marks an LRU element as used.
    #[inline]
    pub fn lookup(&self, key: &[u8], cpu: u32) -> Option<Slot> {
        let element = match &self.storage {
            Storage::Array(_) => index_of(key).filter(|index| *index < self.def.max_entries)?,
            Storage::Hash(table) if key.len() == self.def.key_size as usize => table.lookup(key)?,
            _ => return None,
        };
        if !self.def.kind.is_percpu() {
            return Some(Slot(element));
        }
        self.percpu_slot(element, cpu)
    }

    /// The copy of any CPU; `None` if there is no such key or CPU, or the map is not per-CPU.
    pub fn lookup_percpu(&self, key: &[u8], cpu: u32) -> Option<Slot> {
        if self.def.kind.is_percpu() { self.lookup(key, cpu) } else { None }
    }

    fn percpu_slot(&self, element: u32, cpu: u32) -> Option<Slot> {
        let elements = match &self.storage {
            Storage::Hash(table) => table.nodes(),
            _ => self.def.max_entries,
        };
        (cpu < self.cpus).then(|| Slot(cpu * elements + element))
    }

    /// Creates or updates an element from a program on `cpu`: of a per-CPU map this CPU's copy, and
    /// the others are zero if the element is new.
    ///
    /// `EINVAL` for flags that do not exist or need a lock in the value, and for a key or value of the
    /// wrong size; `EEXIST`, `ENOENT` by the flags; `E2BIG` if a hash is full or an index too large;
    /// `EPERM` if programs may only read; `EINVAL` for a program array; `ENOTSUPP` for a ring buffer.
    pub fn update(&self, key: &[u8], value: &[u8], flags: u64, cpu: u32) -> Result<(), Errno> {
        if !self.program_may_write() {
            return Err(Errno::EPERM);
        }
        if cpu >= self.cpus || value.len() != self.layout.value_size {
            return Err(Errno::EINVAL);
        }
        if matches!(self.storage, Storage::Programs(..)) {
            return Err(Errno::EINVAL);
        }
        self.change(key, NewValue::One(value), flags, cpu)
    }

    fn change(&self, key: &[u8], value: NewValue<'_>, flags: u64, cpu: u32) -> Result<(), Errno> {
        if matches!(self.storage, Storage::Ring(_)) {
            return Err(Errno::ENOTSUPP);
        }
        if key.len() != self.def.key_size as usize
            || flags & !update_flags::LOCK > update_flags::EXIST
        {
            return Err(Errno::EINVAL);
        }
        match &self.storage {
            Storage::Array(memory) => {
                let index = index_of(key).filter(|index| *index < self.def.max_entries);
                let index = index.ok_or(Errno::E2BIG)?;
                if flags & update_flags::NOEXIST != 0 {
                    return Err(Errno::EEXIST);
                }
                if flags & update_flags::LOCK != 0 {
                    return Err(Errno::EINVAL);
                }
                self.write_array(memory, index, value, cpu);
                Ok(())
            }
            Storage::Programs(..) => {
                let NewValue::Copies(bytes) = value else { return Err(Errno::EINVAL) };
                let handle = index_of(bytes).ok_or(Errno::EINVAL)?;
                if flags != update_flags::ANY {
                    return Err(Errno::EINVAL);
                }
                self.set_program(index_of(key).ok_or(Errno::EINVAL)?, Some(handle))
            }
            Storage::Hash(_) if flags & update_flags::LOCK != 0 => Err(Errno::EINVAL),
            Storage::Hash(table) => table.update(key, value, flags, cpu),
            Storage::Ring(_) => Err(Errno::ENOTSUPP),
        }
    }

    fn write_array(&self, memory: &Memory, index: u32, value: NewValue<'_>, cpu: u32) {
        let at = |copy: u32| {
            (copy as usize * self.def.max_entries as usize + index as usize) * self.layout.stride
        };
        match value {
            NewValue::One(bytes) => {
                memory.write(at(if self.def.kind.is_percpu() { cpu } else { 0 }), bytes);
            }
            NewValue::Copies(bytes) => {
                for (copy, bytes) in (0..).zip(bytes.chunks(self.layout.stride)) {
                    memory.write(at(copy), bytes);
                }
            }
        }
    }

    /// Deletes an element from a program. `ENOENT` if there is none; `EINVAL` for arrays, whose
    /// elements always exist; `EPERM` if programs may only read; `ENOTSUPP` for a ring buffer.
    pub fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        if !self.program_may_write() {
            return Err(Errno::EPERM);
        }
        match &self.storage {
            Storage::Programs(..) => Err(Errno::EINVAL),
            _ => self.drop_element(key),
        }
    }

    fn drop_element(&self, key: &[u8]) -> Result<(), Errno> {
        match &self.storage {
            Storage::Ring(_) => Err(Errno::ENOTSUPP),
            _ if key.len() != self.def.key_size as usize => Err(Errno::EINVAL),
            Storage::Array(_) => Err(Errno::EINVAL),
            Storage::Programs(..) => self.set_program(index_of(key).ok_or(Errno::EINVAL)?, None),
            Storage::Hash(table) => table.delete(key),
        }
    }

    /// The program at an index of a program array.
    #[inline]
    pub fn program(&self, index: u32) -> Option<u32> {
        let Storage::Programs(handles, _) = &self.storage else { return None };
        let handle = handles.get(index as usize)?.load(Ordering::Acquire);
        handle.checked_sub(1).map(|handle| handle as u32)
    }

    // ---- What the host does, as a process does it in the kernel by system calls.

    /// Puts a program into a program array, or takes it out. `E2BIG` if the index is too large,
    /// `ENOENT` if there was none to take out, `EPERM` if frozen, `EINVAL` for other maps.
    pub fn set_program(&self, index: u32, program: Option<u32>) -> Result<(), Errno> {
        let Storage::Programs(handles, _) = &self.storage else { return Err(Errno::EINVAL) };
        if self.is_frozen() {
            return Err(Errno::EPERM);
        }
        let handle = handles.get(index as usize).ok_or(Errno::E2BIG)?;
        let new = program.map_or(0, |program| u64::from(program) + 1);
        let old = handle.swap(new, Ordering::AcqRel);
        if new == 0 && old == 0 { Err(Errno::ENOENT) } else { Ok(()) }
    }

    /// A copy of a value; of a per-CPU map all copies one after the other, each rounded up to 8; of a
    /// program array the handle. Does not count as a use for an LRU map.
    pub fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        if key.len() != self.def.key_size as usize {
            return None;
        }
        match &self.storage {
            Storage::Array(_) => {
                let index = index_of(key).filter(|index| *index < self.def.max_entries)?;
                Some(self.read_array(index))
            }
            Storage::Programs(..) => Some(self.program(index_of(key)?)?.to_ne_bytes().to_vec()),
            Storage::Hash(table) => table.get(key).map(|value| self.host_value(value)),
            Storage::Ring(_) => None,
        }
    }

    pub(crate) fn read_array(&self, index: u32) -> Vec<u8> {
        let Layout { stride, .. } = self.layout;
        let copies = if self.def.kind.is_percpu() { self.cpus } else { 1 };
        let mut bytes = vec![0; stride * copies as usize];
        for (copy, bytes) in (0..).zip(bytes.chunks_mut(stride)) {
            let element = copy * self.def.max_entries as usize + index as usize;
            self.memory().read(element * stride, bytes);
        }
        self.host_value(bytes)
    }

    /// Cuts the padding off a value that has no copies.
    pub(crate) fn host_value(&self, mut value: Vec<u8>) -> Vec<u8> {
        if !self.def.kind.is_percpu() {
            value.truncate(self.layout.value_size);
        }
        value
    }

    /// How many bytes [`Map::get`] and [`Map::set`] give and take.
    pub fn host_value_size(&self) -> usize {
        if self.def.kind.is_percpu() {
            self.layout.stride * self.cpus as usize
        } else {
            self.layout.value_size
        }
    }

    /// Creates or updates an element: of a per-CPU map all its copies, in the form that [`Map::get`]
    /// gives them. Errors as for [`Map::update`], but `EPERM` if the map is frozen; the value of a
    /// program array is a handle, with flag `ANY` only.
    pub fn set(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        if self.is_frozen() {
            return Err(Errno::EPERM);
        }
        // The system call refuses this before it looks at the map.
        if flags & update_flags::LOCK != 0 {
            return Err(Errno::EINVAL);
        }
        if value.len() != self.host_value_size() {
            return Err(Errno::EINVAL);
        }
        self.change(key, NewValue::Copies(value), flags, 0)
    }

    /// Deletes an element. Errors as for [`Map::delete`], but `EPERM` if the map is frozen, and a
    /// program can be taken out of a program array.
    pub fn remove(&self, key: &[u8]) -> Result<(), Errno> {
        if self.is_frozen() { Err(Errno::EPERM) } else { self.drop_element(key) }
    }

    /// The key after `key`, in an order that has no meaning; the first if `key` is `None` or absent.
    /// `None` after the last, and for a ring buffer.
    pub fn next_key(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        match &self.storage {
            Storage::Ring(_) => None,
            Storage::Hash(table) => {
                let key_size = self.def.key_size as usize;
                table.next_key(key.filter(|key| key.len() == key_size), key_size)
            }
            Storage::Array(_) | Storage::Programs(..) => {
                let index = key.and_then(index_of).filter(|index| *index < self.def.max_entries);
                let next = index.map_or(0, |index| index + 1);
                (next < self.def.max_entries).then(|| next.to_ne_bytes().to_vec())
            }
        }
    }

    /// Keys and values as [`Map::get`] gives them, chain by chain of a hash: what is there all the
    /// time comes exactly once, what comes and goes meanwhile may or may not. The order has no
    /// meaning. Empty places of a program array are left out.
    pub fn iter(&self) -> Entries<'_> {
        Entries::new(self)
    }

    /// All keys, as [`Map::iter`] gives them.
    pub fn keys(&self) -> impl Iterator<Item = Vec<u8>> {
        self.iter().map(|(key, _)| key)
    }

    pub(crate) fn table(&self) -> Option<&Table> {
        match &self.storage {
            Storage::Hash(table) => Some(table),
            _ => None,
        }
    }
}
