//! The ring buffer: records from many producers to one consumer, in the order of their reservation.
//! Knows nothing of programs and of who is woken.
//!
//! Positions count bytes since the beginning and never wrap; a position's place in the memory is its
//! remainder by the size. A record is a header of 8 bytes (the length with two flag bits, then four
//! bytes unused) and the data, rounded up to 8.
//!
//! A record may not be split where the ring ends, as a program gets one address for it. The kernel
//! maps the pages twice in a row; here the memory simply *is* twice the size, and a record that
//! begins before the end runs on beyond it. As all live records together are shorter than the size,
//! at most one of them crosses the end, so that no two ever meet there. What fits, and when the ring
//! is full, is exactly as in the kernel; the second half is touched by crossing records only.
//!
//! The headers lie between the records, as in the kernel. If whoever maps the memory for a program
//! lets it write there, the consumer notices a length that cannot be, and skips what is left.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::{Errno, MapError, Memory};

const HEADER: usize = 8;
const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;
/// The kernel's longest record.
const LENGTH_MAX: u32 = u32::MAX / 4;

/// Flags and questions of the ring buffer helpers.
pub mod ring_flags {
    /// `submit`, `discard`, `output`: do not wake the consumer.
    pub const NO_WAKEUP: u64 = 1;
    /// `submit`, `discard`, `output`: wake the consumer in any case.
    pub const FORCE_WAKEUP: u64 = 2;
    /// `query`: bytes that the consumer has not taken, headers included.
    pub const AVAIL_DATA: u64 = 0;
    /// `query`: the size of the ring.
    pub const RING_SIZE: u64 = 1;
    /// `query`: the consumer's position.
    pub const CONS_POS: u64 = 2;
    /// `query`: the producers' position.
    pub const PROD_POS: u64 = 3;
}

/// A reserved record, to be given back by [`RingBuf::submit`] or [`RingBuf::discard`]; until then the
/// consumer waits at it.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a record that is neither submitted nor discarded blocks the ring"]
pub struct Record {
    offset: usize,
    len: u32,
}

impl Record {
    /// Where its data begins in the ring's memory.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Bytes of data.
    #[allow(clippy::len_without_is_empty, reason = "a size asked for, not a container")]
    pub fn len(&self) -> usize {
        self.len as usize
    }
}

/// See the module.
#[derive(Debug)]
pub struct RingBuf {
    memory: Memory,
    size: u64,
    produced: AtomicU64,
    consumed: AtomicU64,
    /// Held while a record is reserved.
    producer: Mutex<()>,
    /// Held while records are taken.
    consumer: Mutex<()>,
}

fn record_bytes(len: u32) -> u64 {
    (u64::from(len) + HEADER as u64).next_multiple_of(8)
}

impl RingBuf {
    /// The memory that a ring of this size takes.
    pub(crate) fn bytes(size: u32) -> u128 {
        2 * u128::from(size)
    }

    /// `size` is a power of two.
    pub(crate) fn new(size: u32) -> Result<RingBuf, MapError> {
        let bytes = usize::try_from(Self::bytes(size))
            .map_err(|_| MapError::NoMemory { bytes: Self::bytes(size) as u64 })?;
        Ok(RingBuf {
            memory: Memory::new(bytes)?,
            size: u64::from(size),
            produced: AtomicU64::new(0),
            consumed: AtomicU64::new(0),
            producer: Mutex::new(()),
            consumer: Mutex::new(()),
        })
    }

    /// Headers and records: twice as long as the ring (see the module).
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The place of a position in the memory.
    fn place(&self, position: u64) -> usize {
        (position & (self.size - 1)) as usize
    }

    /// Room for `size` bytes. `None` if the ring is too full or will never have it, or for a flag
    /// (the helper takes none). The bytes are what an earlier record left there.
    pub fn reserve(&self, size: u64, flags: u64) -> Option<Record> {
        if flags != 0 {
            return None;
        }
        let len = u32::try_from(size).ok().filter(|len| *len <= LENGTH_MAX)?;
        let bytes = record_bytes(len);
        if bytes > self.size {
            return None;
        }
        let _one = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        let position = self.produced.load(Ordering::Relaxed);
        let consumed = self.consumed.load(Ordering::Acquire);
        // As in the kernel, at least one byte stays free.
        if position + bytes - consumed > self.size - 1 {
            return None;
        }
        let header = self.place(position);
        self.memory.store_u32(header, len | BUSY)?;
        self.memory.store_u32(header + 4, 0)?;
        self.produced.store(position + bytes, Ordering::Release);
        Some(Record { offset: header + HEADER, len })
    }

    /// Gives a record to the consumer. The wake-up flags are of no consequence: the host takes
    /// records when it wants to.
    #[allow(clippy::needless_pass_by_value, reason = "a record can be given back once")]
    pub fn submit(&self, record: Record, _flags: u64) {
        self.commit(&record, 0);
    }

    /// Gives a record back that the consumer is not to see.
    #[allow(clippy::needless_pass_by_value, reason = "a record can be given back once")]
    pub fn discard(&self, record: Record, _flags: u64) {
        self.commit(&record, DISCARDED);
    }

    fn commit(&self, record: &Record, mark: u32) {
        // Releases the data to the consumer, who acquires the header.
        let inside = self.memory.store_release_u32(record.offset - HEADER, record.len | mark);
        debug_assert!(inside.is_some(), "a record comes from `reserve`");
    }

    /// Reserves, copies and submits at once: `EINVAL` for an unknown flag, `EAGAIN` if it does not fit.
    pub fn output(&self, data: &[u8], flags: u64) -> Result<(), Errno> {
        if flags & !(ring_flags::NO_WAKEUP | ring_flags::FORCE_WAKEUP) != 0 {
            return Err(Errno::EINVAL);
        }
        let record = self.reserve(data.len() as u64, 0).ok_or(Errno::EAGAIN)?;
        self.memory.write(record.offset, data);
        self.submit(record, flags);
        Ok(())
    }

    /// A position or size, by [`ring_flags`]; 0 for an unknown question.
    pub fn query(&self, question: u64) -> u64 {
        // The consumer's position first: it never passes the producers'.
        let consumed = self.consumed.load(Ordering::Acquire);
        let produced = self.produced.load(Ordering::Acquire);
        match question {
            ring_flags::AVAIL_DATA => produced - consumed,
            ring_flags::RING_SIZE => self.size,
            ring_flags::CONS_POS => consumed,
            ring_flags::PROD_POS => produced,
            _ => 0,
        }
    }

    /// Takes the records that are there, up to the first that is not submitted yet, and returns how
    /// many it gave to `each`. Discarded ones are skipped. While one thread drains, another gets none.
    pub fn drain(&self, mut each: impl FnMut(&[u8])) -> usize {
        let Ok(_one) = self.consumer.try_lock().or_else(|error| match error {
            std::sync::TryLockError::Poisoned(guard) => Ok(guard.into_inner()),
            busy @ std::sync::TryLockError::WouldBlock => Err(busy),
        }) else {
            return 0;
        };
        // Not further than now: with busy producers it would never end.
        let end = self.produced.load(Ordering::Acquire);
        let mut position = self.consumed.load(Ordering::Relaxed);
        let mut data = Vec::new();
        let mut count = 0;
        while position < end {
            let at = self.place(position);
            let Some(header) = self.memory.load_acquire_u32(at) else { break };
            if header & BUSY != 0 {
                break;
            }
            let len = header & !DISCARDED;
            if record_bytes(len) > end - position {
                // Overwritten: where the next one begins is not known.
                self.consumed.store(end, Ordering::Release);
                break;
            }
            position += record_bytes(len);
            let wanted = header & DISCARDED == 0;
            if wanted {
                data.resize(len as usize, 0);
                self.memory.read(at + HEADER, &mut data);
            }
            self.consumed.store(position, Ordering::Release);
            if wanted {
                each(&data);
                count += 1;
            }
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> RingBuf {
        RingBuf::new(4096).unwrap()
    }

    fn drained(ring: &RingBuf) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        ring.drain(|record| records.push(record.to_vec()));
        records
    }

    #[test]
    fn order_is_that_of_reservation_and_a_busy_record_holds_the_rest() {
        let ring = ring();
        let (first, second) = (ring.reserve(4, 0).unwrap(), ring.reserve(9, 0).unwrap());
        ring.memory().write(first.offset(), b"1st!").unwrap();
        ring.memory().write(second.offset(), b"second!!!").unwrap();
        ring.submit(second, 0);
        assert!(drained(&ring).is_empty());
        ring.submit(first, ring_flags::NO_WAKEUP);
        assert_eq!(drained(&ring), [b"1st!".to_vec(), b"second!!!".to_vec()]);
        assert_eq!(ring.query(ring_flags::PROD_POS), 16 + 24);
        assert_eq!(ring.query(ring_flags::AVAIL_DATA), 0);
    }

    #[test]
    fn discarded_records_are_skipped() {
        let ring = ring();
        let record = ring.reserve(100, 0).unwrap();
        ring.output(b"kept", 0).unwrap();
        ring.discard(record, 0);
        assert_eq!(drained(&ring), [b"kept".to_vec()]);
    }

    #[test]
    fn full_as_in_the_kernel() {
        let ring = ring();
        assert!(ring.reserve(8, 1).is_none(), "reserve takes no flags");
        assert!(ring.reserve(4096 - 8, 0).is_none(), "one byte stays free");
        assert!(ring.reserve(u64::MAX, 0).is_none());
        let record = ring.reserve(4096 - 16, 0).unwrap();
        assert_eq!(ring.output(&[], 0), Err(Errno::EAGAIN));
        assert_eq!(ring.output(&[], 4), Err(Errno::EINVAL));
        assert_eq!(ring.query(ring_flags::AVAIL_DATA), 4096 - 8);
        assert_eq!(ring.query(ring_flags::RING_SIZE), 4096);
        assert_eq!(ring.query(9), 0);
        ring.submit(record, 0);
        assert_eq!(drained(&ring).len(), 1);
        assert_eq!(ring.query(ring_flags::CONS_POS), 4096 - 8);
    }

    #[test]
    fn records_are_contiguous_wherever_they_begin() {
        let ring = ring();
        for round in 0..200u32 {
            // 3008 bytes with header: every position modulo the size comes up, and it always fits.
            let data: Vec<u8> = (0..2993 + round % 8).map(|i| (i ^ round) as u8).collect();
            ring.output(&data, 0).unwrap();
            assert_eq!(drained(&ring), [data]);
        }
    }

    #[test]
    fn an_overwritten_header_loses_records_and_nothing_else() {
        let ring = ring();
        ring.output(b"one", 0).unwrap();
        ring.output(b"two", 0).unwrap();
        ring.memory().store_u32(0, 0x3fff_ffff).unwrap();
        assert!(drained(&ring).is_empty());
        ring.output(b"three", 0).unwrap();
        assert_eq!(drained(&ring), [b"three".to_vec()]);
    }

    #[test]
    fn draining_inside_drain_gives_nothing() {
        let ring = ring();
        ring.output(b"one", 0).unwrap();
        assert_eq!(ring.drain(|_| assert_eq!(ring.drain(|_| ()), 0)), 1);
    }
}
