//! The bodies of `apis/linux.api`: what the kernel's helpers and kfuncs do, on this host. One body
//! for each definition, found by its label; which of them are served is said by the API file alone.
//!
//! Behaviour follows the kernel's documentation and what kernels were seen to do; where the machine
//! differs (headroom, clocks, the packet always in one piece) the function's comment says so.

mod checksum;
mod config;
mod dynptr;
mod iterator;
mod maps;
mod packet;
mod print;
mod ringbuf;
pub mod skb;
mod system;
pub mod xdp;

pub use config::config;

use crate::Errno;
use crate::body::{Body, Call};
use crate::trap::Trap;

type Raw = fn(&mut Call<'_>) -> Result<u64, Trap>;

/// What each definition does, by label.
const TABLE: &[&[(&str, Raw)]] = &[
    maps::TABLE,
    ringbuf::TABLE,
    system::TABLE,
    packet::TABLE,
    checksum::TABLE,
    dynptr::TABLE,
    iterator::TABLE,
    print::TABLE,
];

/// All bodies of Linux, by the label of their definition. A host takes those that its API has: see
/// [`HostBuilder::linux`](crate::HostBuilder::linux).
pub fn bodies() -> impl Iterator<Item = (&'static str, Body)> {
    TABLE.iter().copied().flatten().map(|(label, body)| (*label, Body::raw(*body)))
}

/// 0 or a negated error number.
fn status(result: Result<(), Errno>) -> u64 {
    match result {
        Ok(()) => 0,
        Err(errno) => errno.register(),
    }
}
