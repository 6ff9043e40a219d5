//! A store of observables as a file of `scan`: what was seen before, against feeds that came later.

use std::io::{self, BufRead};
use std::ops::ControlFlow;

use indicia::store::{Block, Reader, join};
use indicia::{Kind, Profile, Scratch};

use super::{Scanning, Totals};
use crate::hits::Place;
use crate::show;

impl Scanning<'_> {
    /// Joins the blocks of a store, as many at once as there are threads, and writes what they give in order.
    pub(super) fn store(&mut self, path: &str, input: &mut dyn BufRead) -> io::Result<ControlFlow<()>> {
        let mut reader = Reader::new(input)?;
        if self.set.profile() != Profile::Default && self.set.info().kinds.contains_key(Kind::Url.name()) {
            self.bar.suspend(|| {
                let profile = self.set.profile();
                show::message(&format!(
                    "{path}: its URLs follow {}, and those of the feeds {profile}: they are not compared",
                    Profile::Default
                ));
            });
        }
        loop {
            let mut blocks = Vec::with_capacity(self.threads);
            let mut end = Ok(());
            while blocks.len() < self.threads {
                match reader.next_block() {
                    Ok(Some(block)) => blocks.push(block),
                    Ok(None) => break,
                    Err(error) => {
                        end = Err(io::Error::from(error));
                        break;
                    }
                }
            }
            // What was read before an error is looked into all the same.
            let ended = end.is_err() || blocks.len() < self.threads;
            if self.blocks(path, &blocks).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            end?;
            if ended {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }

    fn blocks(&mut self, path: &str, blocks: &[Block]) -> ControlFlow<()> {
        let scanning = &*self;
        let (set, options, style, count) = (scanning.set, scanning.options, scanning.style, scanning.count);
        let job = |block: &Block, scratch: &mut Scratch| {
            let mut out = Vec::new();
            let mut totals = Totals { lines: block.len() as u64, ..Totals::default() };
            totals.bytes = block.iter().map(|observed| observed.value.len() as u64).sum();
            let limits = scratch.limits_reached();
            let _ = join(set, block, options, scratch, &mut |found| {
                if totals.count(found.hit, style) && !count {
                    let place = Place {
                        path,
                        line: found.observed.number,
                        span: (found.start as u64, found.end as u64),
                        raw: &found.observed.value.as_bytes()[found.start..found.end],
                        via: None,
                        line_text: None,
                        seen: Some(found.observed.seen),
                    };
                    // Writing into memory cannot fail.
                    let _ = style.hit(found.hit, &place, &mut out);
                }
                ControlFlow::Continue(())
            });
            totals.limits = scratch.limits_reached() - limits;
            (out, totals)
        };
        let results: Vec<(Vec<u8>, Totals)> = std::thread::scope(|scope| {
            let running: Vec<_> = blocks
                .iter()
                .zip(&mut self.scratches)
                .map(|(block, scratch)| scope.spawn(move || job(block, scratch)))
                .collect();
            running
                .into_iter()
                .map(|r| r.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        self.write_results(results)
    }
}
