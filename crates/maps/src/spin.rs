//! Waiting for another thread that is expected to be done in some nanoseconds. Knows no data.

use std::hint;
use std::thread;

/// Spins briefly, then gives the CPU away: the thread waited for may not be running.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    rounds: u32,
}

impl Backoff {
    /// Waits a little.
    pub(crate) fn wait(&mut self) {
        self.rounds += 1;
        if self.rounds < 64 && !cfg!(miri) {
            hint::spin_loop();
        } else {
            thread::yield_now();
        }
    }
}
