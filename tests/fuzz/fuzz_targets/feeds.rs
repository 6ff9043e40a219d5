//! What every reader of feeds must hold, whatever it is given. Shared by the `read_*` targets.

use indicia_feeds::{Format, ReadOptions, Writer, read};

/// Reads `data` and writes what came of it in every format. A record that we wrote ourselves as `jsonl` is read
/// back as the same record, and a bundle of ours gives the same targets.
pub fn read_and_write(format: Format, data: &[u8]) {
    let mut all = Vec::new();
    let Ok(report) = read(format, &mut &data[..], &ReadOptions::default(), &mut |i| all.push(i)) else { return };
    assert_eq!(report.indicators, all.len() as u64);
    assert!(report.examples.iter().all(|r| !r.raw.contains(char::is_control)));
    for to in Format::ALL.iter().copied().filter(|to| to.is_written()) {
        let mut out = Vec::new();
        let mut writer = Writer::new(to, &mut out).expect("a writer");
        for indicator in &all {
            writer.write(indicator).expect("memory");
        }
        let loss = writer.finish().expect("memory");
        if !to.is_read() {
            continue;
        }
        let mut again = Vec::new();
        let report = read(to, &mut &out[..], &ReadOptions::default(), &mut |i| again.push(i)).expect("our own output");
        match to {
            Format::Jsonl => {
                assert_eq!(report.refused_total(), 0, "{:?}", report.examples);
                assert_eq!(again, all);
            }
            Format::Plain | Format::Hosts => assert_eq!(again.len() as u64, loss.written),
            // Where an indicator has several contexts it comes back as several.
            Format::Stix => {
                assert_eq!(report.refused_total(), 0, "{:?}", report.examples);
                assert_eq!(again.len() as u64, loss.written);
                let whole = loss.is_lossless() && all.iter().all(|i| i.contexts.len() == 1);
                assert!(!whole || again.iter().map(|i| &i.target).eq(all.iter().map(|i| &i.target)));
            }
            _ => {}
        }
    }
}
