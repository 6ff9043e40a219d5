//! Where values end that hold what is a border of all others: registry keys and paths with their slashes, ssdeep hashes
//! with their colons.
//!
//! A path begins with a drive, a variable, a share or a folder that systems have at their root, and is none where a request
//! for a web page is written. A key or path in prose has no end of its own: names in it may hold spaces, and a sentence goes on behind it. In quotes it goes
//! to the closing one. Else a space is part of a name only where a backslash ends the name and each of its words begins
//! with a capital or holds a digit (`Windows NT\`, `Windows x64\`, `Image File Execution Options\`), so that `…\Run and HKLM\…` is two keys.

/// No key or hash is longer.
const MAX: usize = 1024;
/// Words of one name in a key.
const WORDS: usize = 5;

/// The hives by which a key begins.
const HIVES: [&[u8]; 10] = [
    b"HKLM",
    b"HKCU",
    b"HKCR",
    b"HKU",
    b"HKCC",
    b"HKEY_LOCAL_MACHINE",
    b"HKEY_CURRENT_USER",
    b"HKEY_CLASSES_ROOT",
    b"HKEY_USERS",
    b"HKEY_CURRENT_CONFIG",
];

/// The end of the registry key whose hive stands at `start..end`; a hive without a key is none.
pub(super) fn registry_key(text: &[u8], start: usize, end: usize) -> Option<usize> {
    if !HIVES.iter().any(|hive| text[start..end].eq_ignore_ascii_case(hive)) {
        return None;
    }
    let at = end + usize::from(text.get(end) == Some(&b':'));
    if text.get(at) != Some(&b'\\') {
        return None;
    }
    backslash_end(text, start, at)
}

/// The end of what goes on with a backslash at `at` and began at `start`.
fn backslash_end(text: &[u8], start: usize, mut at: usize) -> Option<usize> {
    let limit = text.len().min(start + MAX);
    let quote = start.checked_sub(1).map(|i| text[i]).filter(|b| matches!(b, b'"' | b'\''));
    let closed = quote.and_then(|quote| {
        let line = &text[at..limit];
        let close = line.iter().position(|b| *b == quote || b.is_ascii_control())?;
        (line[close] == quote).then_some(at + close)
    });
    if let Some(mut close) = closed {
        // The backslash in front of an escaped quote is not part of the key.
        while text[close - 1] == b'\\' {
            close -= 1;
        }
        return Some(close).filter(|close| *close > at);
    }
    let first = at;
    // Where backslashes are written twice, a single one is an escape; the end of a line (`\r\n`) is one anyway.
    let twice = text.get(at + 1) == Some(&b'\\');
    while at < limit {
        match text[at] {
            b'\\' if twice && text.get(at + 1) == Some(&b'\\') => at += 2,
            b'\\' if twice || text[at..].starts_with(b"\\r\\n") => break,
            b' ' if goes_on(&text[at..limit]) => at += 1,
            b if b > b' ' && !b"\"<>|,;`*?".contains(&b) && b != 0x7f => at += 1,
            _ => break,
        }
    }
    let key = &text[first..at];
    let last = key.iter().rposition(|b| !matches!(b, b'.' | b':' | b'!' | b'\'' | b')' | b']' | b'\\'))?;
    // A bracket that the key opened is its own.
    let open = key[..=last].iter().rposition(|b| matches!(b, b'(' | b'['));
    let own = key[last + 1..].first().is_some_and(|b| matches!(b, b')' | b']'))
        && open.is_some_and(|open| !key[open..=last].iter().any(|b| matches!(b, b')' | b']')));
    Some(first + last + 1 + usize::from(own))
}

/// The path of Windows whose drive, variable or server stands at `start..end`.
pub(super) fn windows_path(text: &[u8], start: usize, end: usize) -> Option<(usize, usize)> {
    let before = &text[..start];
    let border = |at: usize| {
        at == 0
            || !matches!(text[at - 1], b'\\' | b'/' | b'%' | b':' | b'.' | b'-' | b'_')
                && !text[at - 1].is_ascii_alphanumeric()
    };
    let (from, at) = match &text[end..] {
        [b':', b'\\', ..] if end - start == 1 && text[start].is_ascii_alphabetic() => (start, end + 1),
        [b'%', b'\\', ..] if before.ends_with(b"%") => (start - 1, end + 1),
        [b'\\', ..] => {
            let slashes = before.iter().rev().take_while(|b| **b == b'\\').count();
            (matches!(slashes, 2 | 4)).then_some((start - slashes, end))?
        }
        _ => return None,
    };
    if !border(from) {
        return None;
    }
    // `ntdll.dll+9c524` is a place in a module.
    let to = backslash_end(text, from, at)?;
    let offset = text[from..to].iter().rev().take_while(|b| b.is_ascii_hexdigit()).count();
    let module = text[from..to - offset].strip_suffix(b"+").filter(|_| offset > 0);
    let to = module.map_or(to, |path| from + path.len());
    (to > at + 1).then_some((from, to))
}

/// Folders at the root of POSIX systems.
const ROOTS: [&[u8]; 22] = [
    b"Applications",
    b"Library",
    b"Users",
    b"bin",
    b"boot",
    b"data",
    b"dev",
    b"etc",
    b"home",
    b"lib",
    b"lib64",
    b"mnt",
    b"opt",
    b"private",
    b"proc",
    b"root",
    b"run",
    b"sbin",
    b"srv",
    b"tmp",
    b"usr",
    b"var",
];

/// The path of a POSIX system whose first name stands at `start..end`.
pub(super) fn posix_path(text: &[u8], start: usize, end: usize) -> Option<(usize, usize)> {
    let before = &text[..start];
    let from = if before.ends_with(b"~/") || before.ends_with(b"~/.") {
        start - if before.ends_with(b"/") { 2 } else { 3 }
    } else if before.ends_with(b"/") && text.get(end) == Some(&b'/') && ROOTS.contains(&&text[start..end]) {
        start - 1
    } else {
        return None;
    };
    let opened = from.checked_sub(1).map(|at| text[at]);
    if !opened.is_none_or(|b| b <= b' ' || b"\"'`(<[=,:>".contains(&b)) {
        return None;
    }
    let limit = text.len().min(from + MAX);
    let length = text[from..limit]
        .iter()
        .take_while(|b| **b > b' ' && **b != 0x7f && !b"\"'`<>|,;:*?()[]{}\\".contains(b))
        .count();
    let path = &text[from..from + length];
    let last = path.iter().rposition(|b| !matches!(b, b'.' | b'!' | b'/'))?;
    let to = from + last + 1;
    // A request: `GET /home/x HTTP/1.1`.
    let method = text[..from]
        .strip_suffix(b" ")
        .map(|before| before.iter().rev().take_while(|b| b.is_ascii_uppercase()).count());
    let requested = method.is_some_and(|n| n >= 3)
        || text[to..].starts_with(b" HTTP/")
        || text[from + length..].starts_with(b"?");
    (to > end && !requested).then_some((from, to))
}

/// Whether the words behind a space belong to a name that a backslash ends.
fn goes_on(text: &[u8]) -> bool {
    let name = text.iter().take_while(|b| b.is_ascii_alphanumeric() || b" .-_()".contains(b)).count();
    let mut words = text[..name].split(|b| *b == b' ').filter(|word| !word.is_empty());
    let capitals =
        |word: &[u8]| word.first().is_some_and(u8::is_ascii_uppercase) || word.iter().any(u8::is_ascii_digit);
    text.get(name) == Some(&b'\\')
        && words.clone().all(capitals)
        && words.clone().count() <= WORDS
        // Another key begins.
        && !words.next_back().is_some_and(|word| HIVES.iter().any(|hive| word.eq_ignore_ascii_case(hive)))
}

/// The end of the ssdeep hash whose block size stands at `start..end`. Times of day and ratios look alike: without a label
/// its two parts have sixteen characters or more together, with letters of both cases.
pub(super) fn ssdeep(text: &[u8], start: usize, end: usize) -> Option<usize> {
    if end - start > 10 || !text[start..end].iter().all(u8::is_ascii_digit) || text.get(end) != Some(&b':') {
        return None;
    }
    let part = |from: usize| {
        let length = text[from.min(text.len())..]
            .iter()
            .take(65)
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
            .count();
        (3..=64).contains(&length).then_some(from + length)
    };
    let colon = part(end + 1)?;
    if text.get(colon) != Some(&b':') {
        return None;
    }
    let close = part(colon + 1)?;
    let hash = &text[end..close];
    let before = &text[start.saturating_sub(16)..start];
    let labelled = before.windows(6).any(|word| word.eq_ignore_ascii_case(b"ssdeep"));
    let shaped = hash.len() >= 18
        && hash.iter().any(u8::is_ascii_lowercase)
        && hash.iter().any(u8::is_ascii_uppercase)
        && text.get(close) != Some(&b':');
    (labelled || shaped).then_some(close)
}

#[cfg(test)]
mod tests {
    use crate::{ExtractOptions, Kind, extract};

    fn values(text: &str) -> Vec<(Kind, String, String)> {
        let found = extract(text.as_bytes(), &ExtractOptions::default());
        found.into_iter().map(|e| (e.kind, e.value, text[e.start..e.end].to_string())).collect()
    }

    #[test]
    fn paths_end_where_a_reader_ends_them() {
        for (text, raw) in [
            (r"dropped C:\Users\Public\update.exe, then", r"C:\Users\Public\update.exe"),
            (r#"("C:\Program Files\a b\x y.dll")"#, r"C:\Program Files\a b\x y.dll"),
            (r"C:\Program Files (x86)\Evil Corp\run.exe and", r"C:\Program Files (x86)\Evil Corp\run.exe"),
            (r#"{"Image":"C:\\Windows\\evil.exe","x":1}"#, r"C:\\Windows\\evil.exe"),
            (r"to %APPDATA%\Evil\run.dll.", r"%APPDATA%\Evil\run.dll"),
            (r"on \\fileserver\share\x.exe", r"\\fileserver\share\x.exe"),
            ("in /tmp/.x/kworker;", "/tmp/.x/kworker"),
            ("and ~/.ssh/authorized_keys.", "~/.ssh/authorized_keys"),
            ("path=/etc/cron.d/evil:", "/etc/cron.d/evil"),
            ("`/Users/Shared/.x.plist`", "/Users/Shared/.x.plist"),
        ] {
            let found = values(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!((found[0].0, found[0].2.as_str()), (Kind::FilePath, raw), "{text}");
            let single = raw.replace(r"\\", r"\");
            assert_eq!(found[0].1, if raw.starts_with(r"\\") { raw } else { &single });
        }
        assert_eq!(values(r"C:\\Windows\\System32\\ntdll.dll+9c524|")[0].1, r"C:\Windows\System32\ntdll.dll");
        for text in [
            "GET /home/index.html HTTP/1.1",
            "\"GET /tmp/x\"",
            "either/or /etc",
            "/tmp/",
            "a/usr/bin/x",
            "C:\\",
            "ABC:\\x",
            "http://bad.invalid7/tmp/x",
            "/home/page?id=1",
        ] {
            assert!(
                values(text).iter().all(|(kind, ..)| *kind != Kind::FilePath),
                "{text}: {:?}",
                values(text)
            );
        }
    }

    #[test]
    fn registry_keys_end_where_a_reader_ends_them() {
        let run = r"HKEY_CURRENT_USER\Software\Run";
        for (text, raw, value) in [
            (r"sets HKCU\Software\Run.", r"HKCU\Software\Run", run),
            (r"(HKCU\Software\Run)", r"HKCU\Software\Run", run),
            (r"sets HKCU\Software\Run and then sleeps", r"HKCU\Software\Run", run),
            (r#""key":"HKCU\\Software\\Run","#, r"HKCU\\Software\\Run", run),
            (r"hkcu:\Software\Run\", r"hkcu:\Software\Run", run),
            (r#"{"m":"Object: HKCU\\Software\\Run\r\nUser: x"}"#, r"HKCU\\Software\\Run", run),
            (
                r"HKLM\Software\Microsoft\Windows NT\CurrentVersion, then",
                r"HKLM\Software\Microsoft\Windows NT\CurrentVersion",
                r"HKEY_LOCAL_MACHINE\Software\Microsoft\Windows NT\CurrentVersion",
            ),
            (r#"add "HKLM\Soft ware\a b" /f"#, r"HKLM\Soft ware\a b", r"HKEY_LOCAL_MACHINE\Soft ware\a b"),
            (r"HKCR\x (1)", r"HKCR\x", r"HKEY_CLASSES_ROOT\x"),
            (r"HKCR\x\(Default)", r"HKCR\x\(Default)", r"HKEY_CLASSES_ROOT\x\(Default)"),
        ] {
            let want = [(Kind::RegistryKey, value.to_string(), raw.to_string())];
            assert_eq!(values(text), want, "{text}");
        }
        let two = values(r"HKCU\A\Run and HKLM\B\Evil.");
        assert_eq!(
            two.iter().map(|(_, _, raw)| raw.as_str()).collect::<Vec<_>>(),
            [r"HKCU\A\Run", r"HKLM\B\Evil"]
        );
        for text in ["HKLM", "HKLM hive", r"HKLM\", r"XHKLM\Software", r"HKCR\r\nUser: x"] {
            assert_eq!(values(text), [], "{text}");
        }
    }

    #[test]
    fn ssdeep_is_no_time_of_day() {
        let hash =
            "96:s4Ud1Lj96tHHlZDrwciQmA+4uy1I0G4HYuL8N3TzS8QsO/wqWXLcMSx:sF1LjEtHHlZDrJzrhuyZvHYm8tKp/RWO";
        for text in [format!("ssdeep: {hash}"), format!("{hash},\"a.exe\""), format!("<b>{hash}</b>")] {
            assert_eq!(values(&text), [(Kind::Ssdeep, hash.to_string(), hash.to_string())], "{text}");
        }
        assert_eq!(values("SSDEEP=3:abc:def").len(), 1);
        for text in
            ["at 12:30:45", "3:abc:def", "24:00:00", "6:AbcdefGhijkl:Mnopq:rst", "5:AbcdefGhijkl:Mnopqrstu"]
        {
            assert_eq!(values(text), [], "{text}");
        }
    }
}
