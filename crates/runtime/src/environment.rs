//! What the programs of one load share besides their maps: the clock, random numbers, the trace, each
//! other. Knows no definition.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use crate::image::Image;

/// Where trace output goes.
pub(crate) type Sink = Arc<dyn Fn(&str) + Send + Sync>;

/// Nanoseconds.
pub(crate) type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The services of a host that its bodies use.
pub(crate) struct Services {
    pub(crate) cpus: u32,
    pub(crate) fuel: u64,
    started: Instant,
    clock: Option<Clock>,
    random: AtomicU64,
    sink: Option<Sink>,
    trace: Mutex<String>,
}

/// Trace output that nobody takes is not kept beyond this.
const TRACE_MAX: usize = 1 << 20;

impl Services {
    pub(crate) fn new(cpus: u32, fuel: u64, clock: Option<Clock>, sink: Option<Sink>) -> Self {
        let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), fuel);
        Services {
            cpus,
            fuel,
            started: Instant::now(),
            clock,
            random: AtomicU64::new(seed),
            sink,
            trace: Mutex::new(String::new()),
        }
    }

    /// Nanoseconds on a clock that only goes forward.
    pub(crate) fn now(&self) -> u64 {
        match &self.clock {
            Some(clock) => clock(),
            None => u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX),
        }
    }

    /// Nanoseconds of the calendar, or of the host's own clock if it brought one.
    pub(crate) fn wall(&self) -> u64 {
        match &self.clock {
            Some(clock) => clock(),
            None => std::time::UNIX_EPOCH
                .elapsed()
                .map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)),
        }
    }

    /// The next pseudo-random number (splitmix64).
    pub(crate) fn random(&self) -> u64 {
        let mut word = self.random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    pub(crate) fn print(&self, text: &str) {
        if let Some(sink) = &self.sink {
            return sink(text);
        }
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        if trace.len() + text.len() <= TRACE_MAX {
            trace.push_str(text);
        }
    }

    /// Takes what was printed so far.
    pub(crate) fn take_trace(&self) -> String {
        std::mem::take(&mut *self.trace.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("cpus", &self.cpus).finish_non_exhaustive()
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) services: Arc<Services>,
    /// What the handles in program arrays mean.
    pub(crate) programs: OnceLock<Vec<Arc<Image>>>,
}
