//! BPF maps for a host in user space: allocated when they are created, values at addresses that never
//! change, usable from any number of threads at once, with the kernel's rules on flags and errors.
//!
//! Values lie in one [`Memory`] per map, in slots of equal [`Layout::stride`]; a lookup gives a
//! [`Slot`]. There are two sides, as in the kernel: programs see one CPU's copy of a per-CPU value
//! ([`Map::lookup`], [`Map::update`], [`Map::delete`]), the host all copies at once ([`Map::get`],
//! [`Map::set`], [`Map::remove`], [`Map::iter`]).
//!
//! This crate must not know programs, objects or hosts.
//!
//! ```
//! use abide_maps::{Errno, Limits, Map, MapDef, MapKind, update_flags};
//!
//! let def = MapDef {
//!     name: "ports".into(),
//!     kind: MapKind::Hash,
//!     key_size: 2,
//!     value_size: 8,
//!     max_entries: 1,
//!     flags: 0,
//! };
//! let map = Map::create(&def, &Limits::default())?;
//! map.set(&80u16.to_be_bytes(), &7u64.to_ne_bytes(), update_flags::ANY).unwrap();
//!
//! let slot = map.lookup(&80u16.to_be_bytes(), 0).unwrap();
//! map.memory().fetch_add_u64(map.layout().offset(slot), 1);
//! assert_eq!(map.get(&80u16.to_be_bytes()), Some(8u64.to_ne_bytes().to_vec()));
//! assert_eq!(map.update(&443u16.to_be_bytes(), &[0; 8], 0, 0), Err(Errno::E2BIG));
//! # Ok::<(), abide_maps::MapError>(())
//! ```

pub mod codes;
mod def;
mod entries;
mod errno;
mod error;
mod free;
mod hash;
mod map;
#[allow(unsafe_code, reason = "shares bytes between threads, at fixed addresses")]
mod memory;
mod ring;
mod spin;
mod table;

pub use def::{Limits, MapDef, MapKind, PAGE_SIZE, flags};
pub use entries::Entries;
pub use errno::Errno;
pub use error::MapError;
pub use map::{Layout, Map, Slot, update_flags};
pub use memory::Memory;
pub use ring::{Record, RingBuf, ring_flags};
