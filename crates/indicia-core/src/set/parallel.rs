//! Jobs of a build on as many threads as its host allows.

use std::cmp::Reverse;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Something to do, whose result stands where it was told to put it.
pub(super) type Job<'j> = Box<dyn FnOnce() + Send + 'j>;

/// Does all jobs in their order, the calling thread among so many.
pub(super) fn run(threads: usize, jobs: Vec<Job<'_>>) {
    let threads = threads.min(jobs.len());
    let jobs = Mutex::new(jobs.into_iter());
    let work = || {
        loop {
            // The lock is let go before the job is done.
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
            match job {
                Some(job) => job(),
                None => return,
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            // Where the system has no more threads, those that are there do the work.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
}

/// What `work` makes of each item, in the order of the items. The largest are begun first.
pub(super) fn map<T: Send, R: Send>(
    threads: usize,
    items: Vec<T>,
    size: impl Fn(&T) -> usize,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let mut done: Vec<Option<R>> = items.iter().map(|_| None).collect();
    let mut items: Vec<(T, &mut Option<R>)> = items.into_iter().zip(&mut done).collect();
    items.sort_by_key(|(item, _)| Reverse(size(item)));
    let work = &work;
    let jobs =
        items.into_iter().map(|(item, done)| -> Job<'_> { Box::new(move || *done = Some(work(item))) });
    run(threads, jobs.collect());
    done.into_iter().flatten().collect()
}

/// Does two things, at once where there are two threads.
pub(super) fn both<A: Default + Send, B: Default + Send>(
    threads: usize,
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    let (mut of_a, mut of_b) = Default::default();
    run(threads, vec![Box::new(|| of_a = a()), Box::new(|| of_b = b())]);
    (of_a, of_b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        for threads in [0, 1, 2, 5] {
            let items: Vec<usize> = (0..40).map(|i| i * 7 % 40).collect();
            let twice: Vec<usize> = items.iter().map(|i| 2 * i).collect();
            assert_eq!(map(threads, items, |i| *i, |i| 2 * i), twice);
            assert!(map(threads, Vec::<u8>::new(), |_| 0, |i| i).is_empty());
            assert_eq!(both(threads, || 1, || "b"), (1, "b"));
        }
    }
}
