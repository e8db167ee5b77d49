use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

/// Finished items each worker may hold ready.
const AHEAD: usize = 2;

/// Results of `work(i)` for each `i` of a range, in this order, computed ahead by worker threads.
///
/// Worker `w` of `n` does every `n`-th item and waits while `AHEAD` of its results have not been fetched, so memory
/// stays bounded and the order never depends on which thread was faster. Dropping the iterator stops the workers.
pub struct Prefetch<T> {
    workers: Vec<Worker<T>>,
    /// How many items have been fetched, and how many there are.
    fetched: usize,
    items: usize,
}

struct Worker<T> {
    /// `None` only while dropping: a worker that waits to send ends when its receiver is gone.
    results: Option<Receiver<T>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Prefetch<T> {
    /// Starts `workers` threads, at least one.
    pub fn new(range: Range<usize>, workers: usize, work: impl Fn(usize) -> T + Send + Sync + 'static) -> Self {
        let count = workers.clamp(1, range.len().max(1));
        let work = Arc::new(work);
        let workers = (0..count).map(|first| Worker::start((range.start + first..range.end).step_by(count), &work));
        Self { workers: workers.collect(), fetched: 0, items: range.len() }
    }
}

impl<T: Send + 'static> Worker<T> {
    fn start(
        items: impl Iterator<Item = usize> + Send + 'static,
        work: &Arc<impl Fn(usize) -> T + Send + Sync + 'static>,
    ) -> Self {
        let (sender, results) = sync_channel(AHEAD);
        let work = work.clone();
        let thread = thread::spawn(move || {
            // A failed send means that nobody fetches any more.
            let _ = items.into_iter().try_for_each(|item| sender.send(work(item)));
        });
        Self { results: Some(results), thread: Some(thread) }
    }
}

impl<T> Iterator for Prefetch<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if self.fetched == self.items {
            return None;
        }
        let count = self.workers.len();
        let worker = &mut self.workers[self.fetched % count];
        self.fetched += 1;
        let item = worker.results.as_ref().and_then(|results| results.recv().ok());
        Some(item.unwrap_or_else(|| worker.resume_panic()))
    }
}

impl<T> Worker<T> {
    /// The worker ended early, which only a panic does: pass it on.
    fn resume_panic(&mut self) -> ! {
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            _ => unreachable!("a worker ends early only by panicking"),
        }
    }
}

impl<T> Drop for Prefetch<T> {
    fn drop(&mut self) {
        self.workers.iter_mut().for_each(|worker| drop(worker.results.take()));
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take() {
                // A panic of an item nobody fetched concerns nobody.
                let _ = thread.join();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Prefetch;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[test]
    fn results_come_in_order_for_any_number_of_workers() {
        for workers in [0, 1, 2, 3, 7, 100] {
            let slow_first = |item: usize| {
                std::thread::sleep(Duration::from_millis(if item.is_multiple_of(3) { 3 } else { 0 }));
                item * item
            };
            let found: Vec<usize> = Prefetch::new(5..25, workers, slow_first).collect();
            assert_eq!(found, (5..25).map(|item| item * item).collect::<Vec<_>>(), "{workers} workers");
        }
        assert_eq!(Prefetch::new(3..3, 2, |item| item).count(), 0);
    }

    #[test]
    fn workers_do_not_run_far_ahead_and_stop_when_dropped() {
        let started = Arc::new(AtomicUsize::new(0));
        let counter = started.clone();
        let mut items = Prefetch::new(0..10_000, 2, move |item| {
            counter.fetch_add(1, Ordering::SeqCst);
            item
        });
        assert_eq!(items.next(), Some(0));
        std::thread::sleep(Duration::from_millis(50));
        drop(items);
        assert!(started.load(Ordering::SeqCst) <= 10, "{} items were begun", started.load(Ordering::SeqCst));
    }

    #[test]
    #[should_panic(expected = "item 3 is bad")]
    fn a_panic_in_a_worker_reaches_the_reader() {
        Prefetch::new(0..6, 2, |item| assert_ne!(item, 3, "item 3 is bad")).count();
    }
}
