//! A stream finds what one scan of the whole finds, wherever it is cut.

use std::ops::ControlFlow;

use indicia_core::{AsOf, HitView, IndicatorSet, Level, Refang, Relation, ScanRefang, Scratch, Stream};

use crate::random::{Case, Random};

type Hit = (usize, usize, u32, Relation, String, usize, Vec<u8>);

fn hit(hit: &HitView<'_, '_>) -> Hit {
    let (contexts, raw) = (hit.contexts().count(), hit.raw.to_vec());
    (hit.start, hit.end, hit.indicator.index(), hit.relation, hit.value.to_string(), contexts, raw)
}

fn whole(set: &IndicatorSet, case: &Case, scratch: &mut Scratch) -> Vec<Hit> {
    let mut hits = Vec::new();
    let _ = set.scan_with(&case.text, &case.options, scratch, &mut |view| {
        hits.push(hit(view));
        ControlFlow::Continue(())
    });
    for (start, end, .., raw) in &hits {
        assert!(case.text[*start..*end] == **raw);
    }
    hits
}

/// The hits of a stream whose pieces end at `cuts`.
fn in_pieces(set: &IndicatorSet, case: &Case, scratch: &mut Scratch, cuts: &[usize]) -> Vec<Hit> {
    let (mut stream, mut hits, mut from) = (Stream::new(), Vec::new(), 0);
    let mut found = |view: &HitView<'_, '_>| {
        hits.push(hit(view));
        ControlFlow::Continue(())
    };
    for to in cuts.iter().copied().chain([case.text.len()]) {
        let _ = stream.feed(set, &case.text[from..to], &case.options, scratch, &mut found);
        from = to;
    }
    let _ = stream.finish(set, &case.options, scratch, &mut found);
    hits
}

fn compare(set: &IndicatorSet, case: &Case, scratch: &mut Scratch, whole: &[Hit], cuts: &[usize]) {
    let pieces = in_pieces(set, case, scratch, cuts);
    let text = |hit: &Hit| {
        String::from_utf8_lossy(&case.text[hit.0.saturating_sub(20)..(hit.1 + 20).min(case.text.len())])
            .into_owned()
    };
    for (name, only, other) in [("pieces", &*pieces, whole), ("whole", whole, &*pieces)] {
        for hit in only.iter().filter(|hit| !other.contains(hit)) {
            println!("only {name}: {hit:?} in {:?}", text(hit));
        }
    }
    assert!(pieces == whole, "{scratch:?}, {} bytes, cut at {cuts:?}", case.text.len());
}

/// A case with options that are of other parts of a scan.
fn a_case(random: &mut Random) -> Case {
    let mut case = Case::new(random);
    case.options.refang = ScanRefang(Refang::ALL[random.below(6).min(3)].0);
    if random.one_in(2) {
        case.options.refang = ScanRefang(Refang::Off);
    }
    if random.one_in(4) {
        case.options.filter.as_of = AsOf::Event;
        case.text.splice(..0, *b"2023-12-01T00:00:00Z ");
    }
    case
}

fn scratches() -> Vec<Scratch> {
    Level::available().map(Scratch::with_level).collect()
}

#[test]
fn cut_at_every_place() {
    let mut random = Random::new(super::from_env("INDICIA_TWIN_SEED", 1) + 3_000_000);
    let (mut scratches, mut hits) = (scratches(), 0);
    for _ in 0..super::from_env("INDICIA_STREAM_CASES", 300) {
        let mut case = a_case(&mut random);
        for _ in 0..random.below(6) {
            case.more_text(&mut random);
        }
        let set = super::compile(&case);
        for scratch in &mut scratches {
            let whole = whole(&set, &case, scratch);
            hits += whole.len();
            for cut in 0..=case.text.len() {
                compare(&set, &case, scratch, &whole, &[cut]);
            }
            let every: Vec<usize> = (1..case.text.len()).collect();
            compare(&set, &case, scratch, &whole, &every);
        }
    }
    assert!(hits > 300, "{hits} hits");
}

/// Texts of many windows and blocks: of lines of all lengths, and of one line with no end.
#[test]
fn long_texts_in_random_pieces() {
    let mut random = Random::new(super::from_env("INDICIA_TWIN_SEED", 1) + 4_000_000);
    let (mut scratches, mut hits) = (scratches(), 0);
    for round in 0..super::from_env("INDICIA_STREAM_CASES", 300) / 10 {
        let mut case = a_case(&mut random);
        let size = 40_000 + random.below(200_000);
        while case.text.len() < size {
            case.more_text(&mut random);
        }
        if round % 3 > 0 {
            // A few line ends, or none.
            let kept = if round % 3 == 1 { usize::MAX } else { 200 };
            for byte in case.text.iter_mut().filter(|byte| **byte == b'\n') {
                *byte = if random.one_in(kept) { b'\n' } else { b' ' };
            }
        }
        let set = super::compile(&case);
        for scratch in &mut scratches {
            let whole = whole(&set, &case, scratch);
            hits += whole.len();
            for most in [3, 5_000, 100_000] {
                let (mut cuts, mut at) = (Vec::new(), 0);
                while at < case.text.len() {
                    cuts.push(at);
                    at += random.below(most) + usize::from(most == 3);
                }
                compare(&set, &case, scratch, &whole, &cuts);
            }
        }
    }
    assert!(hits > 10_000, "{hits} hits");
}

#[test]
fn a_break_leaves_the_offsets_right() {
    let mut random = Random::new(5_000_000);
    let case = Case::new(&mut random);
    let set = super::compile(&case);
    let (mut stream, mut scratch, mut seen) = (Stream::new(), Scratch::default(), Vec::new());
    let twice = [&case.text[..], b"\n", &case.text, b"\n"].concat();
    let stop = stream.feed(&set, &twice, &case.options, &mut scratch, &mut |_| ControlFlow::Break(()));
    let whole = whole(&set, &case, &mut scratch);
    assert_eq!(stop.is_break(), !whole.is_empty());
    let _ = stream.feed(&set, &case.text, &case.options, &mut scratch, &mut |_| ControlFlow::Break(()));
    let _ = stream.finish(&set, &case.options, &mut scratch, &mut |view| {
        seen.push(view.start - twice.len());
        ControlFlow::Continue(())
    });
    let last_line = case.text.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    let expected: Vec<usize> = whole.iter().map(|hit| hit.0).filter(|start| *start >= last_line).collect();
    assert_eq!(seen, expected);
}
