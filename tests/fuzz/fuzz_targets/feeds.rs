//! What every reader of feeds must hold, whatever it is given. Shared by the `read_*` targets.

use indicia_feeds::{Format, ReadOptions, Writer, read};

/// Reads `data` and writes what came of it in every format. A record that we wrote ourselves as `jsonl` is read
/// back as the same record.
pub fn read_and_write(format: Format, data: &[u8]) {
    let mut all = Vec::new();
    let Ok(report) = read(format, &mut &data[..], &ReadOptions::default(), &mut |i| all.push(i)) else { return };
    assert_eq!(report.indicators, all.len() as u64);
    assert!(report.examples.iter().all(|r| !r.raw.contains(char::is_control)));
    for to in [Format::Jsonl, Format::Csv, Format::Plain] {
        let mut out = Vec::new();
        let mut writer = Writer::new(to, &mut out).expect("a writer");
        for indicator in &all {
            writer.write(indicator).expect("memory");
        }
        let loss = writer.finish().expect("memory");
        let mut again = Vec::new();
        let report = read(to, &mut &out[..], &ReadOptions::default(), &mut |i| again.push(i)).expect("our own output");
        match to {
            Format::Jsonl => {
                assert_eq!(report.refused_total(), 0, "{:?}", report.examples);
                assert_eq!(again, all);
            }
            Format::Plain => assert_eq!(again.len() as u64, loss.written),
            _ => {}
        }
    }
}
