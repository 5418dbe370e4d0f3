//! Bytes that threads share and that never move: the storage of map values, and the only module of
//! this room that contains `unsafe`. It must not know what the bytes mean.
//!
//! Programs of several threads race on the same bytes by design, as they do in the kernel, so that
//! every access goes through an atomic of the width of the access, relaxed unless said otherwise:
//! an aligned access of 1, 2, 4 or 8 bytes is never torn, an unaligned one is made of smaller ones.
//!
//! One thing is outside of what Rust's memory model defines today: racing atomics of *different*
//! widths on the same bytes. Programs can write that, and native code made from them does; the
//! hardware gives each access its own atomicity, and all compilers for it emit one instruction per
//! relaxed atomic. Nothing in this crate itself mixes widths on the same bytes without a lock.

use std::alloc;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use crate::MapError;

const PAGE: usize = 4096;
const LINE: usize = 64;

/// Zeroed bytes at an address that is fixed for the lifetime of the value, shared between threads.
///
/// The first byte is aligned to a cache line, from 4096 bytes on to a page.
pub struct Memory {
    /// First usable byte, aligned.
    base: NonNull<u8>,
    len: usize,
    /// What the allocator gave, and how to give it back.
    allocation: NonNull<u8>,
    layout: alloc::Layout,
}

// SAFETY: `Memory` owns its allocation; the pointer is not tied to a thread.
unsafe impl Send for Memory {}
// SAFETY: all access through `&Memory` is by atomics (see the module's text).
unsafe impl Sync for Memory {}

impl Memory {
    /// `len` zero bytes. Large ones are taken lazily from the system: pages that are never touched
    /// cost nothing.
    pub fn new(len: usize) -> Result<Memory, MapError> {
        let align = if len >= PAGE { PAGE } else { LINE };
        // `alloc_zeroed` is lazy (calloc) only for the allocator's own alignment, so that more is
        // asked for, and the start moved up to where it is aligned.
        let layout = len
            .checked_add(align)
            .and_then(|size| alloc::Layout::from_size_align(size, 8).ok())
            .ok_or(MapError::NoMemory { bytes: len as u64 })?;
        // SAFETY: the layout has a size of at least `align`, which is not zero.
        let allocation = unsafe { alloc::alloc_zeroed(layout) };
        let allocation =
            NonNull::new(allocation).ok_or(MapError::NoMemory { bytes: len as u64 })?;
        let pad = allocation.addr().get().wrapping_neg() & (align - 1);
        // SAFETY: pad < align, and the allocation has len + align bytes.
        let base = unsafe { allocation.add(pad) };
        Ok(Memory { base, len, allocation, layout })
    }

    /// How many bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The address of the first byte, for native code. The bytes are shared: read or write them
    /// through it only by accesses that may race, and only while the `Memory` lives.
    #[inline]
    pub fn as_ptr(&self) -> *const u8 {
        self.base.as_ptr()
    }

    /// The byte at `off`, if `size` bytes from there are inside.
    #[inline]
    fn at(&self, off: usize, size: usize) -> Option<*mut u8> {
        if off > self.len || self.len - off < size {
            return None;
        }
        // SAFETY: off <= len, so that the pointer stays in the allocation.
        Some(unsafe { self.base.as_ptr().add(off) })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout, and freed only here.
        unsafe { alloc::dealloc(self.allocation.as_ptr(), self.layout) }
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("len", &self.len).finish_non_exhaustive()
    }
}

/// The atomic at `pointer`.
macro_rules! atomic {
    ($atomic:ty, $pointer:expr) => {{
        let pointer: *mut u8 = $pointer;
        // SAFETY: the caller of the macro took `pointer` from `Memory::at` for this width and
        // checked that it is aligned to it; the bytes are initialised, live as long as `&self`, and
        // are accessed by atomics only.
        unsafe { <$atomic>::from_ptr(pointer.cast()) }
    }};
}

/// Plain loads and stores of one width; `$half` is how an unaligned one is put together.
macro_rules! plain {
    ($($bits:literal $type:ident $atomic:ident $load:ident $store:ident, $half:ident $load_half:ident $store_half:ident;)+) => {$(
        #[doc = concat!("The ", $bits, " bits at `off`, in the byte order of the machine; `None` if they are not inside.")]
        #[inline]
        pub fn $load(&self, off: usize) -> Option<$type> {
            const SIZE: usize = size_of::<$type>();
            let pointer = self.at(off, SIZE)?;
            if off % SIZE == 0 {
                return Some(atomic!($atomic, pointer).load(Ordering::Relaxed));
            }
            let (first, second) = (self.$load_half(off)?, self.$load_half(off + SIZE / 2)?);
            let (low, high) = if cfg!(target_endian = "little") { (first, second) } else { (second, first) };
            Some($type::from(low) | ($type::from(high) << ($bits / 2)))
        }

        #[doc = concat!("Writes ", $bits, " bits at `off`; `None`, and nothing written, if they are not inside.")]
        #[inline]
        pub fn $store(&self, off: usize, value: $type) -> Option<()> {
            const SIZE: usize = size_of::<$type>();
            let pointer = self.at(off, SIZE)?;
            if off % SIZE == 0 {
                atomic!($atomic, pointer).store(value, Ordering::Relaxed);
                return Some(());
            }
            let (low, high) = (value as $half, (value >> ($bits / 2)) as $half);
            let (first, second) = if cfg!(target_endian = "little") { (low, high) } else { (high, low) };
            self.$store_half(off, first)?;
            self.$store_half(off + SIZE / 2, second)
        }
    )+};
}

/// Ordered loads and stores: RFC-less Linux instructions `load_acquire` and `store_release`.
macro_rules! ordered {
    ($($bits:literal $type:ident $atomic:ident $load:ident $store:ident;)+) => {$(
        #[doc = concat!("Load-acquire of ", $bits, " bits; `None` if they are not inside or `off` is not aligned.")]
        #[inline]
        pub fn $load(&self, off: usize) -> Option<$type> {
            let pointer = self.at(off, size_of::<$type>())?;
            (off % size_of::<$type>() == 0).then(|| atomic!($atomic, pointer).load(Ordering::Acquire))
        }

        #[doc = concat!("Store-release of ", $bits, " bits; `None` if they are not inside or `off` is not aligned.")]
        #[inline]
        pub fn $store(&self, off: usize, value: $type) -> Option<()> {
            let pointer = self.at(off, size_of::<$type>())?;
            (off % size_of::<$type>() == 0)
                .then(|| atomic!($atomic, pointer).store(value, Ordering::Release))
        }
    )+};
}

/// Read-modify-write of one width, sequentially consistent (RFC 9669, 5.3, and the kernel's
/// full-barrier atomics).
macro_rules! modify {
    ($($bits:literal $type:ident $atomic:ident: $($name:ident = $method:ident $what:literal),+; $cmpxchg:ident;)+) => {$(
        $(
            #[doc = concat!("Atomic ", $what, " on ", $bits, " bits; the old value, or `None` if they are not inside or `off` is not aligned.")]
            #[inline]
            pub fn $name(&self, off: usize, value: $type) -> Option<$type> {
                let pointer = self.at(off, size_of::<$type>())?;
                (off % size_of::<$type>() == 0)
                    .then(|| atomic!($atomic, pointer).$method(value, Ordering::SeqCst))
            }
        )+

        #[doc = concat!("Atomic compare-and-exchange on ", $bits, " bits: writes `new` if the old value is `expected`; the old value in any case, or `None` if they are not inside or `off` is not aligned.")]
        #[inline]
        pub fn $cmpxchg(&self, off: usize, expected: $type, new: $type) -> Option<$type> {
            let pointer = self.at(off, size_of::<$type>())?;
            (off % size_of::<$type>() == 0).then(|| {
                let (success, failure) = (Ordering::SeqCst, Ordering::SeqCst);
                match atomic!($atomic, pointer).compare_exchange(expected, new, success, failure) {
                    Ok(old) | Err(old) => old,
                }
            })
        }
    )+};
}

impl Memory {
    /// The byte at `off`; `None` if it is not inside.
    #[inline]
    pub fn load_u8(&self, off: usize) -> Option<u8> {
        Some(atomic!(AtomicU8, self.at(off, 1)?).load(Ordering::Relaxed))
    }

    /// Writes the byte at `off`; `None` if it is not inside.
    #[inline]
    pub fn store_u8(&self, off: usize, value: u8) -> Option<()> {
        atomic!(AtomicU8, self.at(off, 1)?).store(value, Ordering::Relaxed);
        Some(())
    }

    plain! {
        16 u16 AtomicU16 load_u16 store_u16, u8 load_u8 store_u8;
        32 u32 AtomicU32 load_u32 store_u32, u16 load_u16 store_u16;
        64 u64 AtomicU64 load_u64 store_u64, u32 load_u32 store_u32;
    }

    ordered! {
        8 u8 AtomicU8 load_acquire_u8 store_release_u8;
        16 u16 AtomicU16 load_acquire_u16 store_release_u16;
        32 u32 AtomicU32 load_acquire_u32 store_release_u32;
        64 u64 AtomicU64 load_acquire_u64 store_release_u64;
    }

    modify! {
        32 u32 AtomicU32: fetch_add_u32 = fetch_add "addition", fetch_or_u32 = fetch_or "or",
            fetch_and_u32 = fetch_and "and", fetch_xor_u32 = fetch_xor "exclusive or",
            xchg_u32 = swap "exchange"; cmpxchg_u32;
        64 u64 AtomicU64: fetch_add_u64 = fetch_add "addition", fetch_or_u64 = fetch_or "or",
            fetch_and_u64 = fetch_and "and", fetch_xor_u64 = fetch_xor "exclusive or",
            xchg_u64 = swap "exchange"; cmpxchg_u64;
    }

    /// Copies bytes out; `None`, and nothing copied, if they are not all inside. Words of eight that
    /// are aligned in the memory are not torn.
    pub fn read(&self, off: usize, out: &mut [u8]) -> Option<()> {
        self.at(off, out.len())?;
        let head = (off.wrapping_neg() & 7).min(out.len());
        let (head, rest) = out.split_at_mut(head);
        let (words, tail) = rest.as_chunks_mut::<8>();
        let mut at = off;
        for byte in head {
            *byte = self.load_u8(at)?;
            at += 1;
        }
        for word in words {
            *word = self.load_u64(at)?.to_ne_bytes();
            at += 8;
        }
        for byte in tail {
            *byte = self.load_u8(at)?;
            at += 1;
        }
        Some(())
    }

    /// Copies bytes in; `None`, and nothing written, if they do not all fit. Words of eight that are
    /// aligned in the memory are not torn.
    pub fn write(&self, off: usize, bytes: &[u8]) -> Option<()> {
        self.at(off, bytes.len())?;
        let head = (off.wrapping_neg() & 7).min(bytes.len());
        let (head, rest) = bytes.split_at(head);
        let (words, tail) = rest.as_chunks::<8>();
        let mut at = off;
        for byte in head {
            self.store_u8(at, *byte)?;
            at += 1;
        }
        for word in words {
            self.store_u64(at, u64::from_ne_bytes(*word))?;
            at += 8;
        }
        for byte in tail {
            self.store_u8(at, *byte)?;
            at += 1;
        }
        Some(())
    }

    /// Sets `len` bytes to `byte`; `None`, and nothing written, if they are not all inside.
    pub fn fill(&self, off: usize, len: usize, byte: u8) -> Option<()> {
        self.at(off, len)?;
        let word = u64::from_ne_bytes([byte; 8]);
        let (mut at, end) = (off, off + len);
        while at < end {
            if at % 8 == 0 && end - at >= 8 {
                self.store_u64(at, word)?;
                at += 8;
            } else {
                self.store_u8(at, byte)?;
                at += 1;
            }
        }
        Some(())
    }

    /// Whether the bytes at `off`, which is a multiple of 8, are these, followed by zeros up to the
    /// next multiple of 8.
    #[inline]
    pub(crate) fn equals_padded(&self, off: usize, bytes: &[u8]) -> bool {
        let (words, tail) = bytes.as_chunks::<8>();
        let mut at = off;
        for word in words {
            if self.load_u64(at) != Some(u64::from_ne_bytes(*word)) {
                return false;
            }
            at += 8;
        }
        tail.is_empty() || self.load_u64(at) == Some(padded_word(tail))
    }

    /// Writes bytes at `off`, which is a multiple of 8, and zeros up to the next multiple of 8.
    pub(crate) fn write_padded(&self, off: usize, bytes: &[u8]) -> Option<()> {
        let (words, tail) = bytes.as_chunks::<8>();
        self.write(off, words.as_flattened())?;
        if tail.is_empty() {
            return Some(());
        }
        self.store_u64(off + words.len() * 8, padded_word(tail))
    }
}

/// Up to seven bytes, and zeros after them, as a word of the machine.
#[inline]
pub(crate) fn padded_word(bytes: &[u8]) -> u64 {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        // By far the most frequent: a key of one `__u32`.
        let word = u64::from(u32::from_ne_bytes(four));
        return if cfg!(target_endian = "little") { word } else { word << 32 };
    }
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_ne_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeroed_and_aligned() {
        for len in [0, 1, 63, 4095, 4096, 5000] {
            let memory = Memory::new(len).unwrap();
            assert_eq!(memory.as_ptr().addr() % if len >= PAGE { PAGE } else { LINE }, 0);
            let mut bytes = vec![1; len];
            memory.read(0, &mut bytes).unwrap();
            assert!(bytes.iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn nothing_outside_is_reachable() {
        let memory = Memory::new(16).unwrap();
        assert_eq!(memory.load_u8(16), None);
        assert_eq!(memory.load_u16(15), None);
        assert_eq!(memory.load_u64(9), None);
        assert_eq!(memory.load_u64(usize::MAX), None);
        assert_eq!(memory.store_u32(13, 1), None);
        assert_eq!(memory.write(10, &[1; 7]), None);
        assert_eq!(memory.fill(1, 16, 1), None);
        assert_eq!(memory.fill(1, usize::MAX, 1), None);
        assert_eq!(memory.fetch_add_u64(16, 1), None);
        assert_eq!(memory.load_u64(0), Some(0), "a refused store writes nothing");
        assert_eq!(memory.load_u64(8), Some(0));
    }

    #[test]
    fn unaligned_access_agrees_with_bytes() {
        let memory = Memory::new(32).unwrap();
        let bytes: Vec<u8> = (1..=32).collect();
        memory.write(0, &bytes).unwrap();
        for off in 0..24 {
            let word = &bytes[off..off + 8];
            assert_eq!(
                memory.load_u16(off),
                Some(u16::from_ne_bytes(word[..2].try_into().unwrap()))
            );
            assert_eq!(
                memory.load_u32(off),
                Some(u32::from_ne_bytes(word[..4].try_into().unwrap()))
            );
            assert_eq!(memory.load_u64(off), Some(u64::from_ne_bytes(word.try_into().unwrap())));
            let other = Memory::new(32).unwrap();
            other.store_u64(off, u64::from_ne_bytes(word.try_into().unwrap())).unwrap();
            let mut back = [0; 8];
            other.read(off, &mut back).unwrap();
            assert_eq!(back, word);
        }
    }

    #[test]
    fn atomics_return_the_old_value_and_want_alignment() {
        let memory = Memory::new(16).unwrap();
        assert_eq!(memory.fetch_add_u32(4, u32::MAX), Some(0));
        assert_eq!(memory.fetch_add_u32(4, 2), Some(u32::MAX));
        assert_eq!(memory.load_u64(0).map(u64::to_ne_bytes).unwrap()[..4], [0; 4], "no carry");
        assert_eq!(memory.fetch_or_u64(8, 0b1100), Some(0));
        assert_eq!(memory.fetch_and_u64(8, 0b0110), Some(0b1100));
        assert_eq!(memory.fetch_xor_u64(8, 0b0101), Some(0b0100));
        assert_eq!(memory.xchg_u64(8, 7), Some(1));
        assert_eq!(memory.cmpxchg_u64(8, 6, 9), Some(7));
        assert_eq!(memory.cmpxchg_u64(8, 7, 9), Some(7));
        assert_eq!(memory.load_acquire_u64(8), Some(9));
        assert_eq!(memory.fetch_add_u64(4, 1), None);
        assert_eq!(memory.load_acquire_u32(2), None);
        assert_eq!(memory.store_release_u16(1, 2), None);
    }

    #[test]
    fn padded_bytes_compare() {
        let memory = Memory::new(32).unwrap();
        for len in 1..=16 {
            let bytes: Vec<u8> = (0..len).map(|byte| byte + 1).collect();
            memory.fill(8, 16, 0xff).unwrap();
            memory.write_padded(8, &bytes).unwrap();
            assert!(memory.equals_padded(8, &bytes));
            let mut other = bytes.clone();
            *other.last_mut().unwrap() ^= 0x80;
            assert!(!memory.equals_padded(8, &other));
        }
    }
}
