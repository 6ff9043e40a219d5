//! Masks against adblock-rust: the same rules, the same URLs, the same answers?
//!
//! `masks RULES NAMES [COUNT [URLS]]`. RULES has a host or a host with a path a line (urlhaus-filter), NAMES a name a
//! line, last of its cells (Tranco). Of COUNT rules eight in ten are `||host/path`, half of them lines of the list and
//! half a host and a path of two lines; one is `||host^`, and one has a wildcard between two words of a path. Of the URLs
//! nine in ten are on names of NAMES with paths of the list, one is a rule's.

use std::ops::ControlFlow;

use adblock::Engine;
use adblock::lists::ParseOptions;
use adblock::request::Request;
use indicia_core::{
    BuildOptions, Context, Dialect, Guards, Indicator, Kind, Mask, ScanOptions, Scratch, SetBuilder,
};
use indicia_peers::{Contender, medians};

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

/// The host, or host and path, of a line.
fn bare_rule(line: &str) -> &str {
    let line = line.strip_prefix("||").unwrap_or(line);
    let line = line.strip_suffix("$all").unwrap_or(line);
    line.strip_suffix('^').unwrap_or(line)
}

fn lower_host(line: &str) -> String {
    line.split_once('/')
        .map_or(line.to_ascii_lowercase(), |(host, path)| format!("{}/{path}", host.to_ascii_lowercase()))
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, rules, names, rest @ ..] = args.as_slice() else { panic!("masks RULES NAMES [COUNT [URLS]]") };
    let number = |at: usize, default| rest.get(at).map_or(default, |n| n.parse().expect("a number"));
    let (count, url_count): (usize, usize) = (number(0, 111_000), number(1, 100_000));
    let list = std::fs::read_to_string(rules).expect("the rules");
    let names = std::fs::read_to_string(names).expect("the names");
    let plain = |line: &&str| {
        !line.starts_with(['!', '#'])
            && line.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._/".contains(&b))
            && line.contains('.')
    };
    let lines: Vec<&str> = list.lines().map(bare_rule).filter(plain).collect();
    let (with_path, hosts): (Vec<&str>, Vec<&str>) = lines.iter().partition(|line| line.contains('/'));
    let paths: Vec<&str> = with_path.iter().filter_map(|line| Some(line.split_once('/')?.1)).collect();
    let names: Vec<&str> = names.lines().filter_map(|line| line.rsplit(',').next()).filter(plain).collect();

    let mut random = Random(1);
    let mut rules = std::collections::BTreeSet::new();
    while rules.len() < count {
        let path = random.of(&paths);
        let segments: Vec<&str> = path.split('/').filter(|s| s.len() > 4).collect();
        // adblock-rust compares the host of a rule as it is written: capitals there match nothing.
        let host = random.of(&hosts).to_ascii_lowercase();
        rules.insert(match random.below(10) {
            0..=3 => format!("||{}", lower_host(random.of(&with_path))),
            4..=7 => format!("||{host}/{path}"),
            8 => format!("||{host}^"),
            _ if segments.len() < 2 => continue,
            _ if random.below(2) == 0 => format!("/{}/*/{}^", segments[0], segments[segments.len() - 1]),
            _ => format!("||{host}/*/{}", segments[0]),
        });
    }
    let rules: Vec<String> = rules.into_iter().collect();
    let urls: Vec<String> = (0..url_count)
        .map(|n| match n % 10 {
            0 => {
                let rule = &rules[random.below(rules.len())];
                let host = if rule.starts_with("||") { "" } else { "files.example" };
                let rest = rule.trim_start_matches('|').replace('*', "x/y").replace('^', "/");
                format!("http://{host}{rest}")
            }
            _ => format!("https://{}/{}", random.of(&names), random.of(&paths)),
        })
        .collect();
    let text = urls.join("\n");

    let mut builder = SetBuilder::new(BuildOptions::default());
    let mut refused = 0;
    for rule in &rules {
        match Mask::from_dialect(Dialect::Adblock, rule).ok().and_then(|mask| mask.into_target().ok()) {
            Some(target) => builder.push(Indicator::new(target, Context::default())),
            None => refused += 1,
        }
    }
    let always = builder.report().masks_always_tried;
    let set = builder.finish();
    let masks = set.iter().filter(|indicator| indicator.match_() == indicia_core::Match::Mask).count();
    let engine = Engine::from_rules(&rules, ParseOptions::default());
    let options = ScanOptions { guards: Guards::off(), ..ScanOptions::default() };
    let request = |url: &str| Request::new(url, "https://source.example/", "other").expect("a URL");

    let mut scratch = Scratch::default();
    let (mut both, mut ours_only, mut theirs_only) = (0, 0, 0);
    for url in &urls {
        let theirs = engine.check_network_request(&request(url)).matched;
        let ours =
            set.lookup(url, Some(Kind::Url), &options, &mut scratch).is_ok_and(|(_, hits)| !hits.is_empty());
        both += u64::from(ours && theirs);
        ours_only += u64::from(ours && !theirs);
        theirs_only += u64::from(theirs && !ours);
        if ours != theirs && ours_only + theirs_only <= 10 {
            println!("{} only: {url}", if ours { "ours" } else { "adblock" });
        }
    }

    let requests: Vec<Request> = urls.iter().map(|url| request(url)).collect();
    let (mut a, mut b) = (Scratch::default(), Scratch::default());
    let mut contenders = [
        Contender::new("indicia lookup", || {
            let found = |url: &String| {
                set.lookup(url, Some(Kind::Url), &options, &mut a).map_or(0, |(_, hits)| hits.len())
            };
            urls.iter().map(found).sum::<usize>() as u64
        }),
        Contender::new("indicia scan", || {
            let mut hits = 0;
            let _ = set.scan_with(text.as_bytes(), &options, &mut b, &mut |_| {
                hits += 1;
                ControlFlow::Continue(())
            });
            hits
        }),
        Contender::new("adblock-rust", || {
            urls.iter().map(|url| u64::from(engine.check_network_request(&request(url)).matched)).sum()
        }),
        Contender::new("adblock-rust, URLs parsed before", || {
            requests.iter().map(|request| u64::from(engine.check_network_request(request).matched)).sum()
        }),
    ];
    let times = medians(9, &mut contenders);
    println!(
        "{} rules, {refused} refused, {masks} masks, {always} always tried; {} URLs, {} bytes; both {both}, ours only {ours_only}, adblock only {theirs_only}",
        rules.len(),
        urls.len(),
        text.len()
    );
    let mut results = serde_json::Map::new();
    for (contender, time) in contenders.iter().zip(times) {
        let (per_second, megabytes) = (urls.len() as f64 / time * 1e9, text.len() as f64 / time * 1e3);
        println!(
            "{:34} {per_second:>12.0} URL/s {megabytes:>8.1} MB/s {:>8.0} ns a URL",
            contender.name,
            time / urls.len() as f64
        );
        results.insert(
            contender.name.to_string(),
            serde_json::json!({"urls_per_second": per_second.round(), "mb_per_second": (megabytes * 10.0).round() / 10.0}),
        );
    }
    println!(
        "{}",
        serde_json::json!({
            "bench": "masks", "rules": rules.len(), "refused": refused, "masks": masks, "always_tried": always,
            "urls": urls.len(), "bytes": text.len(), "both": both, "ours_only": ours_only, "adblock_only": theirs_only,
            "results": results,
        })
    );
}
