//! Several programs of one object, each proved by itself: in as many threads as there are processors.
//! Results come in the order of the programs. Proves nothing itself.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use abide_api::Program;
use abide_object::Object;

use crate::{Options, Proof, Refusal, prove};

/// What [`prove`] says of each program, in their order.
pub fn prove_all(
    programs: Vec<Program>,
    object: &Object,
    options: &Options<'_>,
) -> Vec<Result<Proof, Box<Refusal>>> {
    each(programs, |program| prove(program, object, options))
}

/// Does the same with each item, in several threads, and keeps the order.
pub fn each<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = processors.min(items.len());
    if threads < 2 {
        return items.into_iter().map(work).collect();
    }
    let waiting: Vec<Mutex<Option<T>>> =
        items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let next = AtomicUsize::new(0);
    let mut taken: Vec<(usize, R)> = Vec::new();
    thread::scope(|scope| {
        let indexed = || {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(place) = waiting.get(at) else { return done };
                let item = place.lock().unwrap_or_else(PoisonError::into_inner).take();
                done.extend(item.map(|item| (at, work(item))));
            }
        };
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(indexed)).collect();
        taken = indexed();
        for other in others {
            match other.join() {
                Ok(done) => taken.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    taken.sort_by_key(|(at, _)| *at);
    taken.into_iter().map(|(_, result)| result).collect()
}
