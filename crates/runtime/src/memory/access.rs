//! Loads, stores, atomics and copies, every one checked. The common cases are inlined into the
//! interpreter; everything else, traps included, is out of line.

use abide_isa::AtomicOp;
use abide_maps::Memory;

use super::region::Backing;
use super::{CONTEXT, GuestMemory};
use crate::codes;
use crate::trap::Trap;

/// What is done to memory, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

#[inline(always)]
fn get<const N: usize>(bytes: &[u8]) -> Option<u64> {
    let mut word = [0; 8];
    let array: [u8; N] = bytes.try_into().ok()?;
    if cfg!(target_endian = "little") {
        word[..N].copy_from_slice(&array);
    } else {
        word[8 - N..].copy_from_slice(&array);
    }
    Some(u64::from_ne_bytes(word))
}

#[inline(always)]
fn put<const N: usize>(bytes: &mut [u8], value: u64) {
    let word = value.to_ne_bytes();
    if cfg!(target_endian = "little") {
        bytes.copy_from_slice(&word[..N]);
    } else {
        bytes.copy_from_slice(&word[8 - N..]);
    }
}

#[inline(always)]
fn shared_load<const N: usize>(memory: &Memory, at: usize) -> Option<u64> {
    Some(match N {
        1 => u64::from(memory.load_u8(at)?),
        2 => u64::from(memory.load_u16(at)?),
        4 => u64::from(memory.load_u32(at)?),
        _ => memory.load_u64(at)?,
    })
}

#[inline(always)]
fn shared_store<const N: usize>(memory: &Memory, at: usize, value: u64) -> Option<()> {
    match N {
        1 => memory.store_u8(at, value as u8),
        2 => memory.store_u16(at, value as u16),
        4 => memory.store_u32(at, value as u32),
        _ => memory.store_u64(at, value),
    }
}

impl GuestMemory {
    /// `N` bytes, in the byte order of the machine, zero-extended.
    #[inline(always)]
    pub(crate) fn load<const N: usize>(&self, addr: u64) -> Result<u64, Trap> {
        if let Some(region) = self.region(addr) {
            match &region.backing {
                Backing::Private { base, low, size, .. } => {
                    let at = (addr as u32).wrapping_sub(*low);
                    if u64::from(at) + N as u64 <= u64::from(*size) {
                        let start = base + at as usize;
                        if let Some(value) = self.arena.get(start..start + N).and_then(get::<N>) {
                            return Ok(value);
                        }
                    }
                }
                Backing::Shared(values) if values.readable => {
                    if let Some(at) = values.place(addr as u32, N as u64)
                        && let Some(value) = shared_load::<N>(values.map.memory(), at)
                    {
                        return Ok(value);
                    }
                }
                _ => {}
            }
        }
        self.load_rare(addr, N as u32)
    }

    /// Context fields and the bytes of objects; traps for the rest.
    #[cold]
    #[inline(never)]
    fn load_rare(&self, addr: u64, size: u32) -> Result<u64, Trap> {
        if addr >> 32 == u64::from(CONTEXT)
            && let Some(layout) = self.layout()
        {
            return layout.load(self.context(), self.packet.as_ref(), addr as u32, size);
        }
        if let Some(Backing::Constant(bytes)) = self.region(addr).map(|region| &region.backing) {
            let start = addr as u32 as usize;
            let bytes = bytes.get(start..start.saturating_add(size as usize));
            let value = bytes.and_then(|bytes| match size {
                1 => get::<1>(bytes),
                2 => get::<2>(bytes),
                4 => get::<4>(bytes),
                _ => get::<8>(bytes),
            });
            if let Some(value) = value {
                return Ok(value);
            }
        }
        Err(self.explain(addr, u64::from(size), Access::Read))
    }

    /// Writes the low `N` bytes of `value`.
    #[inline(always)]
    pub(crate) fn store<const N: usize>(&mut self, addr: u64, value: u64) -> Result<(), Trap> {
        if let Some(region) = self.regions.get((addr >> 32) as usize) {
            match &region.backing {
                Backing::Private { base, low, size, writable: true } => {
                    let at = (addr as u32).wrapping_sub(*low);
                    if u64::from(at) + N as u64 <= u64::from(*size) {
                        let start = base + at as usize;
                        if let Some(bytes) = self.arena.get_mut(start..start + N) {
                            put::<N>(bytes, value);
                            return Ok(());
                        }
                    }
                }
                Backing::Shared(values) if values.writable => {
                    if let Some(at) = values.place(addr as u32, N as u64)
                        && shared_store::<N>(values.map.memory(), at, value).is_some()
                    {
                        return Ok(());
                    }
                }
                _ => {}
            }
        }
        self.store_rare(addr, N as u32, value)
    }

    #[cold]
    #[inline(never)]
    fn store_rare(&mut self, addr: u64, size: u32, value: u64) -> Result<(), Trap> {
        if addr >> 32 == u64::from(CONTEXT)
            && let Some(layout) = self.layout().cloned()
        {
            return layout.store(self.context_mut(), addr as u32, size, value);
        }
        Err(self.explain(addr, u64::from(size), Access::Write))
    }

    /// A number of up to eight bytes, for whoever looks at a run from outside.
    pub(crate) fn peek(&self, addr: u64, size: u32) -> Option<u64> {
        let mut bytes = [0; 8];
        let (start, end) = if cfg!(target_endian = "little") {
            (0, size as usize)
        } else {
            (8 - size as usize, 8)
        };
        self.read(addr, bytes.get_mut(start..end)?).ok()?;
        Some(u64::from_ne_bytes(bytes))
    }

    /// Whether so many bytes are there.
    pub(crate) fn holds(&self, addr: u64, size: u32) -> bool {
        let (offset, size) = (u64::from(addr as u32), u64::from(size));
        match self.region(addr).map(|region| &region.backing) {
            None | Some(Backing::Closed) => false,
            Some(Backing::Private { low, size: all, .. }) => {
                size == 0
                    || offset >= u64::from(*low)
                        && offset + size <= u64::from(*low) + u64::from(*all)
            }
            Some(Backing::Shared(values)) => size == 0 || values.place(addr as u32, size).is_some(),
            Some(Backing::Constant(bytes)) => offset + size <= bytes.len() as u64,
            Some(Backing::Context) => offset + size <= self.context().len() as u64,
        }
    }

    fn aligned(&self, addr: u64, size: u32) -> Result<(), Trap> {
        if addr & u64::from(size - 1) == 0 {
            return Ok(());
        }
        let message = format!("atomic operation of {size} bytes at {}", self.locate(addr));
        Err(Trap::new(&codes::T_MISALIGNED, message)
            .note(format!("its address must be a multiple of {size}")))
    }

    /// An atomic read-modify-write; returns the old value.
    pub(crate) fn atomic(
        &mut self,
        addr: u64,
        size: u32,
        op: AtomicOp,
        operand: u64,
        expected: u64,
    ) -> Result<u64, Trap> {
        self.aligned(addr, size)?;
        if let Some(Backing::Shared(values)) = self.region(addr).map(|region| &region.backing)
            && values.readable
            && values.writable
            && let Some(at) = values.place(addr as u32, u64::from(size))
            && let Some(old) = shared_atomic(values.map.memory(), at, size, op, operand, expected)
        {
            return Ok(old);
        }
        if self.is_context(addr) {
            return Err(Trap::new(
                &codes::T_CONTEXT,
                "atomic operation on the context, which only has loads and stores",
            ));
        }
        // Private memory: nobody else sees it, so that a load and a store are atomic.
        if size == 4 {
            let old = self.load::<4>(addr)?;
            let new = u64::from(combine(op, old as u32, operand as u32, expected as u32));
            self.store::<4>(addr, new)?;
            Ok(old)
        } else {
            let old = self.load::<8>(addr)?;
            self.store::<8>(addr, combine(op, old, operand, expected))?;
            Ok(old)
        }
    }

    /// A load that later accesses do not overtake.
    pub(crate) fn load_acquire(&self, addr: u64, size: u32) -> Result<u64, Trap> {
        self.aligned(addr, size)?;
        if let Some(Backing::Shared(values)) = self.region(addr).map(|region| &region.backing)
            && values.readable
            && let Some(at) = values.place(addr as u32, u64::from(size))
        {
            let memory = values.map.memory();
            let value = match size {
                1 => memory.load_acquire_u8(at).map(u64::from),
                2 => memory.load_acquire_u16(at).map(u64::from),
                4 => memory.load_acquire_u32(at).map(u64::from),
                _ => memory.load_acquire_u64(at),
            };
            if let Some(value) = value {
                return Ok(value);
            }
        }
        match size {
            1 => self.load::<1>(addr),
            2 => self.load::<2>(addr),
            4 => self.load::<4>(addr),
            _ => self.load::<8>(addr),
        }
    }

    /// A store that does not overtake earlier accesses.
    pub(crate) fn store_release(&mut self, addr: u64, size: u32, value: u64) -> Result<(), Trap> {
        self.aligned(addr, size)?;
        if let Some(Backing::Shared(values)) = self.region(addr).map(|region| &region.backing)
            && values.writable
            && let Some(at) = values.place(addr as u32, u64::from(size))
        {
            let memory = values.map.memory();
            let done = match size {
                1 => memory.store_release_u8(at, value as u8),
                2 => memory.store_release_u16(at, value as u16),
                4 => memory.store_release_u32(at, value as u32),
                _ => memory.store_release_u64(at, value),
            };
            if done.is_some() {
                return Ok(());
            }
        }
        match size {
            1 => self.store::<1>(addr, value),
            2 => self.store::<2>(addr, value),
            4 => self.store::<4>(addr, value),
            _ => self.store::<8>(addr, value),
        }
    }

    fn is_context(&self, addr: u64) -> bool {
        addr >> 32 == u64::from(CONTEXT) && self.layout().is_some()
    }

    /// Whether all of `size` bytes can be accessed; the trap that a program gets if not.
    pub(crate) fn check(&self, addr: u64, size: u64, access: Access) -> Result<(), Trap> {
        let offset = addr as u32;
        let fits = match self.region(addr).map(|region| &region.backing) {
            Some(Backing::Private { low, size: all, writable, .. }) => {
                (access == Access::Read || *writable)
                    && u64::from(offset.wrapping_sub(*low)) + size <= u64::from(*all)
            }
            Some(Backing::Shared(values)) => {
                (if access == Access::Read { values.readable } else { values.writable })
                    && values.place(offset, size).is_some()
            }
            Some(Backing::Constant(bytes)) => {
                access == Access::Read && u64::from(offset) + size <= bytes.len() as u64
            }
            _ => false,
        };
        if fits && size <= u64::from(u32::MAX) {
            return Ok(());
        }
        Err(self.explain(addr, size, access))
    }

    /// Copies bytes out of guest memory.
    pub(crate) fn read(&self, addr: u64, out: &mut [u8]) -> Result<(), Trap> {
        self.check(addr, out.len() as u64, Access::Read)?;
        let offset = addr as u32;
        let done = match self.region(addr).map(|region| &region.backing) {
            Some(Backing::Private { base, low, .. }) => {
                let start = base + (offset - low) as usize;
                self.arena.get(start..start + out.len()).map(|bytes| out.copy_from_slice(bytes))
            }
            Some(Backing::Shared(values)) => values
                .place(offset, out.len() as u64)
                .and_then(|at| values.map.memory().read(at, out)),
            Some(Backing::Constant(bytes)) => {
                let start = offset as usize;
                bytes.get(start..start + out.len()).map(|bytes| out.copy_from_slice(bytes))
            }
            _ => None,
        };
        done.ok_or_else(|| self.explain(addr, out.len() as u64, Access::Read))
    }

    /// The same, into a vector. The size is checked before anything is allocated.
    pub(crate) fn read_vec(&self, addr: u64, size: u64) -> Result<Vec<u8>, Trap> {
        self.check(addr, size, Access::Read)?;
        let mut out = vec![0; size as usize];
        self.read(addr, &mut out)?;
        Ok(out)
    }

    /// Copies bytes into guest memory, where the program itself could write them.
    pub(crate) fn write(&mut self, addr: u64, bytes: &[u8]) -> Result<(), Trap> {
        self.check(addr, bytes.len() as u64, Access::Write)?;
        let offset = addr as u32;
        let done = match self.regions.get((addr >> 32) as usize).map(|region| &region.backing) {
            Some(Backing::Private { base, low, .. }) => {
                let start = base + (offset - low) as usize;
                self.arena
                    .get_mut(start..start + bytes.len())
                    .map(|target| target.copy_from_slice(bytes))
            }
            Some(Backing::Shared(values)) => values
                .place(offset, bytes.len() as u64)
                .and_then(|at| values.map.memory().write(at, bytes)),
            _ => None,
        };
        done.ok_or_else(|| self.explain(addr, bytes.len() as u64, Access::Write))
    }

    /// The bytes of a string up to its NUL, which must come within `limit` bytes and inside the memory.
    pub(crate) fn read_string(&self, addr: u64, limit: usize) -> Result<Vec<u8>, Trap> {
        let mut out = Vec::new();
        for index in 0..limit as u64 {
            let byte = self.load::<1>(addr.wrapping_add(index))? as u8;
            if byte == 0 {
                return Ok(out);
            }
            out.push(byte);
        }
        Err(Trap::argument(format!(
            "no NUL in the first {limit} bytes of the string at {}",
            self.locate(addr)
        )))
    }
}

fn shared_atomic(
    memory: &Memory,
    at: usize,
    size: u32,
    op: AtomicOp,
    operand: u64,
    expected: u64,
) -> Option<u64> {
    if size == 4 {
        let value = operand as u32;
        return Some(u64::from(match op {
            AtomicOp::Add => memory.fetch_add_u32(at, value)?,
            AtomicOp::Or => memory.fetch_or_u32(at, value)?,
            AtomicOp::And => memory.fetch_and_u32(at, value)?,
            AtomicOp::Xor => memory.fetch_xor_u32(at, value)?,
            AtomicOp::Xchg => memory.xchg_u32(at, value)?,
            AtomicOp::Cmpxchg => memory.cmpxchg_u32(at, expected as u32, value)?,
        }));
    }
    match op {
        AtomicOp::Add => memory.fetch_add_u64(at, operand),
        AtomicOp::Or => memory.fetch_or_u64(at, operand),
        AtomicOp::And => memory.fetch_and_u64(at, operand),
        AtomicOp::Xor => memory.fetch_xor_u64(at, operand),
        AtomicOp::Xchg => memory.xchg_u64(at, operand),
        AtomicOp::Cmpxchg => memory.cmpxchg_u64(at, expected, operand),
    }
}

/// What an atomic operation leaves in memory.
fn combine<T>(op: AtomicOp, old: T, operand: T, expected: T) -> T
where
    T: Copy + PartialEq + num::Word,
{
    match op {
        AtomicOp::Add => old.wrapping_add(operand),
        AtomicOp::Or => old.or(operand),
        AtomicOp::And => old.and(operand),
        AtomicOp::Xor => old.xor(operand),
        AtomicOp::Xchg => operand,
        AtomicOp::Cmpxchg if old == expected => operand,
        AtomicOp::Cmpxchg => old,
    }
}

mod num {
    /// The two widths of atomics.
    pub(super) trait Word {
        fn wrapping_add(self, other: Self) -> Self;
        fn or(self, other: Self) -> Self;
        fn and(self, other: Self) -> Self;
        fn xor(self, other: Self) -> Self;
    }

    macro_rules! word {
        ($($type:ty)+) => {$(
            impl Word for $type {
                fn wrapping_add(self, other: Self) -> Self { <$type>::wrapping_add(self, other) }
                fn or(self, other: Self) -> Self { self | other }
                fn and(self, other: Self) -> Self { self & other }
                fn xor(self, other: Self) -> Self { self ^ other }
            }
        )+};
    }
    word!(u32 u64);
}
