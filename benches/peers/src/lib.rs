//! Timing of several contenders in one run: interleaved, so that what else the machine does falls on all alike.

use std::time::Instant;

/// One contender: its name, and a pass over the whole input that returns something that depends on all of it.
pub struct Contender<'a> {
    /// What is printed.
    pub name: &'a str,
    /// One pass.
    pub pass: Box<dyn FnMut() -> u64 + 'a>,
}

impl<'a> Contender<'a> {
    /// Names a pass.
    pub fn new(name: &'a str, pass: impl FnMut() -> u64 + 'a) -> Contender<'a> {
        Contender { name, pass: Box::new(pass) }
    }
}

/// Runs `rounds` passes of each contender in turn after one to warm up; the median nanoseconds of a pass of each.
pub fn medians(rounds: usize, contenders: &mut [Contender<'_>]) -> Vec<f64> {
    let mut times = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..=rounds {
        for (contender, times) in contenders.iter_mut().zip(&mut times) {
            let began = Instant::now();
            std::hint::black_box((contender.pass)());
            if round > 0 {
                times.push(began.elapsed().as_secs_f64() * 1e9);
            }
        }
    }
    times
        .into_iter()
        .map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        })
        .collect()
}
