//! The threads that kernels run on, and whose turn it is to use them.
//!
//! Three rules keep callers from waiting for each other for ever:
//!
//! - The threads are the library's own, and one piece of work has them at a time: the next waits its turn outside. A
//!   thread that waits for the parts of a kernel takes other tasks of its pool meanwhile, and cannot come back to the
//!   kernel before they end. Here it finds parts of the same work alone, which wait for nobody. So neither can work that
//!   holds the lock of a graph of gradients come to lie under other work that asks for the same lock.
//! - A task that keeps a thread awake starts before the work does or not at all. So nothing lies under it that the work
//!   could wait for.
//! - A thread of another pool hands its work over and takes nothing else while it waits.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder, Yield};

use super::composed::{composed_wanted, with_composed};
use crate::profile::Recording;

/// As many threads as Rayon's own pool has, whichever pool the first caller is in.
static POOL: LazyLock<ThreadPool> = LazyLock::new(|| {
    let threads = std::thread::spawn(rayon::current_num_threads).join().expect("counting does not panic");
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("taf-worker-{index}"))
        .build()
        .expect("a process that has the threads of one pool gets those of another")
});

static TURNS: Turns = Turns::new();

/// Runs `work` as a task of the kernels' threads. Kernels called from there start at once; from another thread each would
/// be handed over and waited for, which takes as long as a small kernel. The other threads stay awake meanwhile: to wake
/// one for every kernel takes as long again.
///
/// Work of several callers is done one after the other, in the order in which they came; each has all threads. Work that
/// calls this again goes on at once. It must not wait for another thread that calls this, nor for a job of another pool,
/// whose threads may all be waiting here.
///
/// # Panics
/// If `work` does, or if the threads cannot be started.
pub fn on_workers<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    if POOL.current_thread_index().is_some() {
        return work();
    }
    let (composed, recording) = (composed_wanted(), Recording::here());
    let work = move || recording.around(|| with_composed(composed, work));
    if rayon::current_thread_index().is_none() {
        return in_turn(work);
    }
    std::thread::scope(|scope| scope.spawn(|| in_turn(work)).join()).unwrap_or_else(|panic| resume_unwind(panic))
}

fn in_turn<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let _turn = TURNS.wait();
    let stage = &Stage::new();
    POOL.scope(|scope| {
        let here = POOL.current_thread_index();
        let _finish = Finish(stage);
        scope.spawn_broadcast(move |_, other| {
            if Some(other.index()) != here {
                stage.stay_awake();
            }
        });
        stage.begin(POOL.current_num_threads() - 1);
        work()
    })
}

/// Callers in the order in which they came. A mutex alone would hand itself to whoever asks at the right moment.
struct Turns {
    /// Of the caller who came last, and of the one who is served.
    state: Mutex<Tickets>,
    next: Condvar,
}

struct Tickets {
    given: u64,
    served: u64,
}

impl Turns {
    const fn new() -> Self {
        Self { state: Mutex::new(Tickets { given: 0, served: 0 }), next: Condvar::new() }
    }

    fn wait(&self) -> Turn<'_> {
        let mut tickets = self.tickets();
        let mine = tickets.given;
        tickets.given += 1;
        let others_first = |tickets: &mut Tickets| tickets.served != mine;
        drop(self.next.wait_while(tickets, others_first).unwrap_or_else(PoisonError::into_inner));
        Turn(self)
    }

    fn tickets(&self) -> MutexGuard<'_, Tickets> {
        // No line that holds the lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends also when the work panics.
struct Turn<'a>(&'a Turns);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.tickets().served += 1;
        self.0.next.notify_all();
    }
}

/// How far a piece of work is.
struct Stage {
    now: AtomicU8,
    awake: AtomicUsize,
}

const GATHERING: u8 = 0;
const WORKING: u8 = 1;
const FINISHED: u8 = 2;

/// A sleeping thread is awake in about a tenth of this. On a machine with other things to do some may take longer; then
/// the work begins without them, and they wake as its kernels need them.
const LONGEST_GATHERING: Duration = Duration::from_micros(500);

impl Stage {
    fn new() -> Self {
        Self { now: AtomicU8::new(GATHERING), awake: AtomicUsize::new(0) }
    }

    /// Takes the work's tasks as they come; between them the processor goes to whoever else wants it. A thread that comes
    /// too late may already be inside a task of the work, and must not stay.
    fn stay_awake(&self) {
        if self.now.load(Ordering::Acquire) != GATHERING {
            return;
        }
        self.awake.fetch_add(1, Ordering::AcqRel);
        while self.now.load(Ordering::Acquire) != FINISHED {
            if rayon::yield_now() != Some(Yield::Executed) {
                std::thread::yield_now();
            }
        }
    }

    /// Waits until the others are awake, but not long.
    fn begin(&self, others: usize) {
        let start = Instant::now();
        while self.awake.load(Ordering::Acquire) < others && start.elapsed() < LONGEST_GATHERING {
            std::thread::yield_now();
        }
        self.now.store(WORKING, Ordering::Release);
    }
}

/// Says that the work is over, also when it panics.
struct Finish<'a>(&'a Stage);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.now.store(FINISHED, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::sync::Mutex;

    use super::{POOL, Turns, on_workers};
    use crate::profile::{Operation, operation, record};

    #[test]
    fn work_within_work_stays_on_its_thread() {
        let (outer, inner) = on_workers(|| (POOL.current_thread_index(), on_workers(|| POOL.current_thread_index())));
        assert!(outer.is_some());
        assert_eq!(outer, inner);
    }

    #[test]
    fn work_is_part_of_its_callers_measurement() {
        let call = || Operation { name: "test", pass: "forward", layer: String::new(), flops: 0 };
        let ((), profile) = record(|| on_workers(|| operation(call, || ())));
        assert_eq!(profile.operations.len(), 1);
    }

    #[test]
    fn callers_are_served_in_the_order_in_which_they_came() {
        let (turns, served) = (&Turns::new(), &Mutex::new(Vec::new()));
        let first = turns.wait();
        std::thread::scope(|scope| {
            for caller in 1..=4 {
                scope.spawn(move || {
                    let _turn = turns.wait();
                    served.lock().unwrap().push(caller);
                });
                while turns.tickets().given <= caller {
                    std::thread::yield_now();
                }
            }
            drop(first);
        });
        assert_eq!(*served.lock().unwrap(), [1, 2, 3, 4]);
    }

    #[test]
    fn the_next_caller_is_served_after_a_panic() {
        let panic = catch_unwind(|| on_workers(|| std::panic::resume_unwind(Box::new("on purpose"))));
        assert!(panic.is_err());
        assert_eq!(on_workers(|| 3), 3);
    }
}
