//! The URL parser: no panic, an href is a fixed point and borrowed, and the crate `url` agrees where it is not behind the
//! standard. `crates/indicia-core/tests/url_twin.rs` says where it is.

#![no_main]

use std::borrow::Cow;

use indicia_core::{Kind, Observable, url};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: (&str, Option<&str>)| {
    let (text, base) = texts;
    let ours = match base {
        Some(base) => url::parse_with_base(text, base),
        None => url::parse(text),
    };
    if let Ok(ours) = &ours {
        let again = url::parse(ours.href()).expect("an href is a URL");
        assert_eq!(again.href(), ours.href(), "no fixed point");
        assert_eq!(
            (
                again.username(),
                again.password(),
                again.host(),
                again.port(),
                again.path(),
                again.query(),
                again.fragment()
            ),
            (
                ours.username(),
                ours.password(),
                ours.host(),
                ours.port(),
                ours.path(),
                ours.query(),
                ours.fragment()
            ),
        );
        assert!(matches!(again.into_href(), Cow::Borrowed(_)), "not borrowed");
        // Whatever the profile takes of it, it takes again.
        if let Ok(first) = Observable::parse_as(Kind::Url, ours.href()) {
            assert_eq!(Observable::parse_as(Kind::Url, first.value()).as_ref(), Ok(&first));
        }
    }
    // Elsewhere the crate is behind in more ways than can be told in short.
    let is_plain = |href: &str| {
        ["http:", "https:", "ws:", "wss:", "ftp:"].iter().any(|scheme| href.starts_with(scheme))
            && !href.contains("xn--")
    };
    if base.is_some() || has_drive(text) {
        return;
    }
    let theirs = ::url::Url::parse(text).ok().map(|url| {
        let href = url.as_str();
        let end = href.find(['?', '#']).unwrap_or(href.len());
        let start = end - url.path().len();
        [&href[..start], &url.path().replace('^', "%5E"), &href[end..]].concat()
    });
    let ours = ours.ok().map(|url| url.href().to_owned());
    if ours.as_deref().or(theirs.as_deref()).is_some_and(is_plain) {
        assert_eq!(ours, theirs, "{text:?}");
    }
});

/// The crate keeps a drive letter in front of `..` in every scheme.
fn has_drive(text: &str) -> bool {
    text.replace(['\t', '\n', '\r'], "")
        .split(['/', '\\'])
        .any(|segment| matches!(segment.as_bytes(), [letter, b':' | b'|'] if letter.is_ascii_alphabetic()))
}
