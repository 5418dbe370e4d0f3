//! Several programs of one object, each proved by itself: in as many threads as there are processors.
//! Results come in the order of the programs. Proves nothing itself.

use std::num::NonZeroUsize;
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
    each(programs, None, |program| prove(program, object, options))
}

/// Does the same with each item, on as many threads as there are processors, or on so many; the results
/// are in the order of the items.
pub fn each<T: Send, R: Send>(
    items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator + Send>,
    threads: Option<NonZeroUsize>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let items = items.into_iter();
    let threads = threads.or_else(|| thread::available_parallelism().ok());
    let threads = threads.map_or(1, NonZeroUsize::get).min(items.len());
    if threads < 2 {
        return items.map(work).collect();
    }
    let waiting = Mutex::new(items.enumerate());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let some = || {
        let mut done = Vec::new();
        while let Some((at, item)) = next() {
            done.push((at, work(item)));
        }
        done
    };
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(some)).collect();
        let mut done = some();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
