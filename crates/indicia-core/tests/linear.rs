//! The longest values take no longer than their length asks for: each kind, each level and each profile on texts made
//! to be slow. The bound is a hundred times what they take in a release build, for machines that are busy.

use std::time::{Duration, Instant};

use indicia_core::explain::explain;
use indicia_core::{Kind, MAX_VALUE_BYTES, Observable, ParseOptions, Profile, Refang};

const PIECES: [&str; 40] = [
    "a", ".", "a.", "1.", "%", "%2", "%25", "%2e", "%2e/", "../", "a/../", "//", "[", "]", "[.]", "xn--",
    "xn--a.", "\u{fc}", "\u{fc}.", "\u{ad}", "\u{200d}", "@", "a@", ":", "1:", "::", "/", "?", "#", "\\",
    "\\ ", "hxxp://", "[dot]", " dot ", "-", "0x1.", "&a=b", "a=b&", "pkg:a/", "{i}*_",
];

const HEADS: [&str; 10] = [
    "",
    "http://a/",
    "http://",
    "hxxps://a[.]b/?",
    "a@",
    "pkg:npm/",
    "pkg:npm/a?",
    "HKLM\\",
    "file:///",
    "tcp://a.b/",
];

#[test]
fn values_of_the_greatest_length() {
    let mut slowest = (Duration::ZERO, String::new());
    for head in HEADS {
        for piece in PIECES {
            let text = head.to_string() + &piece.repeat((MAX_VALUE_BYTES - head.len()) / piece.len());
            let mut time = |what: String, work: &dyn Fn()| {
                let began = Instant::now();
                work();
                let took = began.elapsed();
                if took > slowest.0 {
                    slowest = (took, format!("{what} {head}{piece}"));
                }
            };
            for kind in Kind::ALL {
                time(kind.to_string(), &|| drop(Observable::parse_as(*kind, &text)));
            }
            for refang in [Refang::Strict, Refang::Usual, Refang::Aggressive] {
                let options = ParseOptions { refang, ..ParseOptions::default() };
                time(format!("{refang:?}"), &|| drop(Observable::parse_with(&text, &options)));
            }
            for profile in Profile::ALL {
                let options = ParseOptions { profile: *profile, kind: Some(Kind::Url), refang: Refang::Off };
                time(profile.to_string(), &|| drop(Observable::parse_with(&text, &options)));
            }
            time("explain".into(), &|| drop(explain(&text, &ParseOptions::default())));
        }
    }
    assert!(slowest.0 < Duration::from_millis(2500), "{slowest:?}");
    println!("the slowest: {slowest:?}");
}
