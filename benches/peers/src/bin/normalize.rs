//! `normalize IND.csv [CORPUS]`: one value at a time into canonical form, one thread, against the usual crates.
//!
//! A section is a kind of value, with its lists and contenders; each prints a JSON line a list, with nanoseconds a value and how
//! many times as fast indicia is. The file is one of `make_workload.py indicators`; a corpus is any folder, and
//! the URLs in its files are a list of their own.

use indicia_core::{Canonical, Kind, Observable, ipv4, url};
use indicia_peers::{Contender, medians, rows, urls_below};
use serde_json::{Value, json};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let csv = arguments.next().expect("normalize IND.csv [CORPUS]");
    let csv = std::fs::read_to_string(&csv).unwrap_or_else(|e| panic!("{csv}: {e}"));
    let corpus = arguments.next();
    urls(&csv, corpus.as_deref());
    names(&csv);
    addresses(&csv);
}

/// What it takes to get at each value: lists beyond the caches wait for memory, whoever reads them.
fn touch(list: &[String]) -> Contender<'_> {
    Contender::new("reading a byte", || list.iter().map(|v| u64::from(v.as_bytes()[v.len() / 2])).sum())
}

/// ASCII names, as they are and in upper case, and as many as stay in a cache.
fn names(csv: &str) {
    let plain = of_type(csv, "domain", 400_000);
    let upper: Vec<String> = plain.iter().map(|name| name.to_uppercase()).collect();
    let few = plain[..4000.min(plain.len())].to_vec();
    for (name, list) in [("plain", &plain), ("upper case", &upper), ("4,000 in cache", &few)] {
        let ours = |d: &String| Canonical::parse_as(Kind::Domain, d).map_or(0, |d| d.value().len() as u64);
        let mut contenders = [
            Contender::new("indicia", || list.iter().map(ours).sum()),
            Contender::new("idna", || {
                list.iter().map(|d| idna::domain_to_ascii(d).map_or(0, |d| d.len() as u64)).sum()
            }),
            Contender::new("idna, borrowed", || {
                let borrowed = |d: &String| {
                    idna::domain_to_ascii_cow(d.as_bytes(), idna::AsciiDenyList::EMPTY)
                        .map_or(0, |d| d.len() as u64)
                };
                list.iter().map(borrowed).sum()
            }),
            touch(list),
        ];
        report("domain", name, list, &mut contenders);
    }
}

/// The text of an IPv4 address: the address, and the canonical value.
fn addresses(csv: &str) {
    let all = of_type(csv, "ipv4", 200_000);
    let few = all[..4000.min(all.len())].to_vec();
    for (name, list) in [("plain", &all), ("4,000 in cache", &few)] {
        let canonical = |a: &String| Canonical::parse_as(Kind::Ipv4, a).map_or(0, |a| a.value().len() as u64);
        let std = |a: &String| a.parse::<std::net::Ipv4Addr>().map_or(0, |a| u64::from(a.to_bits() & 1));
        let ours = |a: &String| ipv4(a).map_or(0, |a| u64::from(a.to_bits() & 1));
        let mut contenders = [
            Contender::new("indicia", || list.iter().map(ours).sum()),
            Contender::new("std", || list.iter().map(std).sum()),
            Contender::new("indicia, canonical value", || list.iter().map(canonical).sum()),
            touch(list),
        ];
        report("ipv4", name, list, &mut contenders);
    }
}

/// The values of a type in the first columns of the workload's indicators.
fn of_type(csv: &str, name: &str, at_most: usize) -> Vec<String> {
    rows(csv).filter(|(_, kind)| *kind == name).map(|(value, _)| value.to_owned()).take(at_most).collect()
}

fn urls(csv: &str, corpus: Option<&str>) {
    let plain = of_type(csv, "url", 150_000);
    // Upper case, userinfo and dot segments, escapes, A-labels, names outside ASCII.
    let hard: Vec<String> = plain
        .iter()
        .enumerate()
        .map(|(i, url)| match i % 5 {
            0 => url.to_uppercase(),
            1 => url.replacen("://", "://user:pw@", 1) + "/a/../b/./c",
            2 => url.clone() + "%7Ename?q=%41 b",
            3 => url.replacen("://", "://xn--bcher-kva.", 1),
            _ => url.replacen("://", "://b\u{fc}cher.", 1),
        })
        .collect();
    let mut lists = vec![("plain", plain), ("hard", hard)];
    if let Some(corpus) = corpus {
        lists.push(("corpus", urls_below(corpus.as_ref())));
    }
    for (name, list) in &lists {
        let mut contenders = [
            Contender::new("indicia", || {
                list.iter().filter_map(|u| url::parse(u).ok()).map(|u| u.href().len() as u64).sum()
            }),
            Contender::new("url", || {
                list.iter().filter_map(|u| ::url::Url::parse(u).ok()).map(|u| u.as_str().len() as u64).sum()
            }),
            Contender::new("ada-url", || {
                list.iter()
                    .filter_map(|u| ada_url::Url::parse(u.as_str(), None).ok())
                    .map(|u| u.href().len() as u64)
                    .sum()
            }),
            Contender::new("indicia default@1", || {
                list.iter()
                    .filter_map(|u| Observable::parse_as(Kind::Url, u).ok())
                    .map(|u| u.value().len() as u64)
                    .sum()
            }),
        ];
        report("url", name, list, &mut contenders);
    }
}

/// Measures and prints. The first contender is ours.
fn report(section: &str, list: &str, values: &[String], contenders: &mut [Contender<'_>]) {
    const ROUNDS: usize = 11;
    let times = medians(ROUNDS, contenders);
    let count = values.len() as f64;
    let round = |number: f64| (number * 100.0).round() / 100.0;
    let by_name = |figure: &dyn Fn(f64) -> f64| -> Value {
        contenders
            .iter()
            .zip(&times)
            .map(|(c, t)| (c.name.to_owned(), json!(round(figure(*t)))))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let line = json!({
        "date": today(),
        "bench": "normalize",
        "section": section,
        "list": list,
        "values": values.len(),
        "bytes": values.iter().map(String::len).sum::<usize>(),
        "rounds": ROUNDS,
        "ns_per_value": by_name(&|time| time / count),
        "times_as_fast": by_name(&|time| time / times[0]),
    });
    println!("{line}");
}

fn today() -> String {
    let date = std::process::Command::new("date").arg("+%F").output().expect("date");
    String::from_utf8_lossy(&date.stdout).trim().to_owned()
}
