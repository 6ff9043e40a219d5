//! A set that is replaced while threads scan with it.

use std::sync::atomic::{AtomicBool, Ordering};

use indicia::{
    BuildOptions, Context, Indicator, IndicatorSet, Kind, Live, LiveFile, Observable, ScanOptions, Scratch,
    SetBuilder, Stamp, Target, Time,
};

/// A set of `count` names, all of which stand in [`text`] behind their own number.
fn set(name: &str, count: usize) -> IndicatorSet {
    let mut builder = SetBuilder::new(BuildOptions::default());
    for n in 0..count {
        let value = Observable::parse_as(Kind::Domain, &format!("{name}{n}.example")).unwrap();
        builder.push(Indicator::new(Target::new(value), Context::default()));
    }
    builder.finish().into()
}

#[test]
fn every_scan_is_of_one_set() {
    const THREADS: usize = 8;
    let sets = [set("a", 3), set("b", 5), set("c", 7)];
    let text: String =
        (0..9).flat_map(|n| ["a", "b", "c"].map(|name| format!("{name}{n}.example\n"))).collect();
    let live = Live::new(sets[0].clone());
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let scanners: Vec<_> = (0..THREADS)
            .map(|_| {
                let (live, stop, text) = (live.clone(), &stop, &text);
                scope.spawn(move || {
                    let mut scratch = Scratch::default();
                    let mut seen = [0u64; 3];
                    while !stop.load(Ordering::Relaxed) {
                        let current = live.current();
                        let mut hits = Vec::new();
                        let _ = current.scan_with(
                            text.as_bytes(),
                            &ScanOptions::default(),
                            &mut scratch,
                            &mut |hit| {
                                hits.push(hit.value.as_bytes()[0]);
                                std::ops::ControlFlow::Continue(())
                            },
                        );
                        let which = usize::from(hits[0] - b'a');
                        assert!(hits.iter().all(|name| *name == hits[0]), "{hits:?}");
                        assert_eq!(hits.len(), 3 + 2 * which);
                        seen[which] += 1;
                    }
                    seen
                })
            })
            .collect();
        for n in 0..1000 {
            let old = live.replace(sets[(n + 1) % 3].clone());
            assert_eq!(old.digest(), sets[n % 3].digest());
            if n % 20 == 0 {
                std::thread::yield_now();
            }
        }
        // Whoever had no turn so far has one.
        std::thread::sleep(std::time::Duration::from_millis(50));
        stop.store(true, Ordering::Relaxed);
        for scanner in scanners {
            let seen = scanner.join().unwrap();
            assert!(seen.iter().sum::<u64>() > 0);
        }
    });
    assert_eq!(live.current().digest(), sets[1].digest());
}

#[test]
fn an_older_file_does_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.ind");
    let save = |set: IndicatorSet, sequence| {
        let stamp = Stamp { sequence, ..Stamp::default() };
        set.stamped(&stamp).unwrap().save(&path).unwrap();
    };
    save(set("a", 3), 7);
    let mut file = LiveFile::open(&path).unwrap();
    save(set("b", 5), 6);
    let error = file.reload_if_changed().unwrap_err();
    assert_eq!(error.reason().slug(), "set-sequence");
    assert_eq!(file.live().current().len(), 3);
    save(set("b", 5), 8);
    assert!(file.reload_if_changed().unwrap());

    // Over is over.
    let over = Stamp { sequence: 9, not_after: Time::from_unix(1_500_000_000), signature: None };
    set("c", 7).stamped(&over).unwrap().save(&path).unwrap();
    file.options().now = Time::from_unix(1_500_000_001);
    assert_eq!(file.reload_if_changed().unwrap_err().reason().slug(), "set-expired");
    file.options().now = Time::from_unix(1_500_000_000);
    assert!(file.reload_if_changed().unwrap());
    assert_eq!(file.live().current().len(), 7);
}

#[test]
fn a_file_is_read_again_when_it_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.ind");
    assert!(LiveFile::open(&path).is_err());
    set("a", 3).save(&path).unwrap();
    let mut file = LiveFile::open(&path).unwrap();
    let live = file.live().clone();
    assert!(!file.reload_if_changed().unwrap());

    set("b", 5).save(&path).unwrap();
    assert_eq!(live.current().len(), 3);
    assert!(file.reload_if_changed().unwrap());
    assert_eq!(live.current().len(), 5);

    // Another file with the same set.
    set("b", 5).save(&path).unwrap();
    assert!(!file.reload_if_changed().unwrap());

    // What cannot be read changes nothing, and is tried again.
    let broken = dir.path().join("broken");
    std::fs::write(&broken, "no set").unwrap();
    std::fs::rename(&broken, &path).unwrap();
    assert!(file.reload_if_changed().is_err());
    assert!(file.reload_if_changed().is_err());
    std::fs::remove_file(&path).unwrap();
    assert!(file.reload_if_changed().is_err());
    assert_eq!(live.current().len(), 5);
    set("c", 7).save(&path).unwrap();
    assert!(file.reload_if_changed().unwrap());
    assert_eq!(live.current().len(), 7);
}
