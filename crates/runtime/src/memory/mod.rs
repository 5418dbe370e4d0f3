//! What a program can address: 64-bit guest addresses, resolved and checked at every access.
//!
//! The high half of an address selects a *region*, the low half the offset in it. Regions lie 4 GiB
//! apart, so that no overrun of one reaches another, and a small number is never an address.
//! A stack frame is a region of its own: a pointer into a caller's frame works, an overrun of a frame
//! traps instead of reaching its neighbour, and the frame of a function that returned is not there.
//!
//! Private memory (stack, context, packet) lies in one arena; maps are shared through
//! [`abide_maps::Memory`]. This module knows no instruction and no definition.

mod access;
mod dynamic;
mod packet;
mod region;
mod space;
mod text;

use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) use access::Access;
pub(crate) use region::{Backing, Region, What};
pub(crate) use space::{MapRef, MapSpace};

use crate::context::ContextLayout;

/// Bytes of a stack frame.
pub(crate) const FRAME: u32 = 512;
/// How deep calls nest, the program itself included.
pub(crate) const FRAMES: usize = 8;

/// Region numbers: the high half of an address. 0 and 1 are nobody's, so that neither a small number nor
/// an underrun of the first stack frame is an address of something else.
pub(crate) const STACK: u32 = 2;
pub(crate) const CONTEXT: u32 = STACK + FRAMES as u32;
pub(crate) const PACKET: u32 = CONTEXT + 1;
pub(crate) const FUNCTIONS: u32 = PACKET + 1;
pub(crate) const MAPS: u32 = FUNCTIONS + 1;
/// The first region of map values.
pub(crate) const VALUES: u32 = MAPS + 1;

/// Room before the packet for new headers, as the kernel gives XDP.
pub(crate) const HEADROOM: u32 = 256;
/// Room after the packet.
pub(crate) const TAILROOM: u32 = 320;

/// The guest address of an offset in a region.
#[inline]
pub(crate) const fn address(region: u32, offset: u32) -> u64 {
    (region as u64) << 32 | offset as u64
}

/// Where the packet is in its buffer; offsets into the packet's region.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Packet {
    /// Begin of the metadata, which ends at `data`.
    pub(crate) meta: u32,
    pub(crate) data: u32,
    pub(crate) end: u32,
    /// Of the whole buffer.
    pub(crate) capacity: u32,
}

/// The memory of one run, or of a context between two runs.
#[derive(Debug, Default)]
pub(crate) struct GuestMemory {
    /// Frames, context, packet buffer.
    pub(crate) arena: Vec<u8>,
    /// By region number.
    regions: Vec<Region>,
    /// Region numbers from here on come and go during a run.
    first_dynamic: usize,
    /// Numbers whose memory is gone, oldest first.
    retired: VecDeque<u32>,
    layout: Option<Arc<ContextLayout>>,
    pub(crate) packet: Option<Packet>,
    packet_writable: bool,
}

/// Where the parts of the arena begin.
const CONTEXT_AT: usize = FRAMES * FRAME as usize;

impl GuestMemory {
    /// Memory for programs of a context type, and the maps of a load.
    pub(crate) fn new(layout: Option<Arc<ContextLayout>>, space: &MapSpace) -> Self {
        let size = layout.as_ref().map_or(0, |layout| layout.size() as usize);
        let mut regions = vec![Region::closed(What::Nothing); STACK as usize];
        for frame in 0..FRAMES {
            let base = frame * FRAME as usize;
            regions.push(Region::private(What::Frame, base, 0, 0, true));
        }
        regions.push(match layout {
            Some(_) => Region { what: What::Context, backing: Backing::Context },
            None => Region::closed(What::Nothing),
        });
        regions.push(Region::closed(What::Nothing));
        regions.push(Region::closed(What::Function));
        regions.push(Region::closed(What::Map));
        regions.extend(space.regions().iter().cloned());
        let first_dynamic = regions.len();
        GuestMemory {
            arena: vec![0; CONTEXT_AT + size],
            regions,
            first_dynamic,
            retired: VecDeque::new(),
            packet_writable: layout.as_ref().is_some_and(|layout| layout.packet_writable()),
            layout,
            packet: None,
        }
    }

    /// Exchanges the map regions for those of another load.
    pub(crate) fn set_space(&mut self, space: &MapSpace) {
        self.regions.truncate(VALUES as usize);
        self.regions.extend(space.regions().iter().cloned());
        self.first_dynamic = self.regions.len();
        self.retired.clear();
    }

    /// The bytes of the context.
    pub(crate) fn context(&self) -> &[u8] {
        let size = self.layout.as_ref().map_or(0, |layout| layout.size() as usize);
        self.arena.get(CONTEXT_AT..CONTEXT_AT + size).unwrap_or_default()
    }

    /// The bytes of the context.
    pub(crate) fn context_mut(&mut self) -> &mut [u8] {
        let size = self.layout.as_ref().map_or(0, |layout| layout.size() as usize);
        self.arena.get_mut(CONTEXT_AT..CONTEXT_AT + size).unwrap_or_default()
    }

    pub(crate) fn layout(&self) -> Option<&Arc<ContextLayout>> {
        self.layout.as_ref()
    }

    fn packet_at(&self) -> usize {
        (CONTEXT_AT + self.context().len()).next_multiple_of(8)
    }

    /// Puts a packet in, with room before and after it.
    pub(crate) fn set_packet(&mut self, bytes: &[u8]) {
        let at = self.packet_at();
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX - HEADROOM - TAILROOM);
        let bytes = &bytes[..length as usize];
        let capacity = HEADROOM + length + TAILROOM;
        self.arena.resize(at, 0);
        self.arena.resize(at + HEADROOM as usize, 0);
        self.arena.extend_from_slice(bytes);
        self.arena.resize(at + capacity as usize, 0);
        let data = HEADROOM;
        self.set_window(Packet { meta: data, data, end: data + length, capacity });
    }

    /// Moves the bounds of the packet inside its buffer.
    pub(crate) fn set_window(&mut self, packet: Packet) {
        let at = self.packet_at() + packet.meta as usize;
        let size = packet.end - packet.meta;
        self.packet = Some(packet);
        self.regions[PACKET as usize] =
            Region::private(What::Packet, at, packet.meta, size, self.packet_writable);
    }

    /// The packet's bytes.
    pub(crate) fn packet_bytes(&self) -> Option<&[u8]> {
        let Packet { data, end, .. } = self.packet?;
        let at = self.packet_at();
        self.arena.get(at + data as usize..at + end as usize)
    }

    /// The packet's bytes, whether or not the program itself may write them.
    pub(crate) fn packet_bytes_mut(&mut self) -> Option<&mut [u8]> {
        let Packet { data, end, .. } = self.packet?;
        let at = self.packet_at();
        self.arena.get_mut(at + data as usize..at + end as usize)
    }

    /// The whole buffer of the packet.
    pub(crate) fn packet_buffer_mut(&mut self) -> &mut [u8] {
        let capacity = self.packet.map_or(0, |packet| packet.capacity as usize);
        let at = self.packet_at().min(self.arena.len());
        let end = (at + capacity).min(self.arena.len());
        &mut self.arena[at..end]
    }

    /// Makes a stack frame addressable; zeroed if `clear`.
    #[inline]
    pub(crate) fn open_frame(&mut self, frame: usize, clear: bool) {
        if let Backing::Private { size, .. } = &mut self.regions[STACK as usize + frame].backing {
            *size = FRAME;
        }
        if clear {
            let at = frame * FRAME as usize;
            self.arena[at..at + FRAME as usize].fill(0);
        }
    }

    /// Takes a stack frame away.
    #[inline]
    pub(crate) fn close_frame(&mut self, frame: usize) {
        if let Backing::Private { size, .. } = &mut self.regions[STACK as usize + frame].backing {
            *size = 0;
        }
    }

    #[inline]
    pub(crate) fn region(&self, addr: u64) -> Option<&Region> {
        self.regions.get((addr >> 32) as usize)
    }
}
