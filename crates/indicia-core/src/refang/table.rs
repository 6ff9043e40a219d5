//! The table of manglings: how dots, at signs, colons, slashes and the names of schemes are written so that nobody clicks them.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::Refang;

/// What must stand around a notation for it to count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Around {
    /// A letter, digit or bracket on both sides.
    Glued,
    /// A letter or digit on both sides. The notation is an ordinary word or mark, so it counts only where
    /// nothing in the value beside it says otherwise: see [`word_stands`].
    Word,
    /// Anything.
    Free,
    /// The name of a scheme in front, plain or mangled.
    Scheme,
}

pub(super) struct Notation {
    pub(super) written: &'static str,
    pub(super) read: &'static str,
    pub(super) level: Refang,
    pub(super) around: Around,
}

const fn row(written: &'static str, read: &'static str, level: Refang, around: Around) -> Notation {
    Notation { written, read, level, around }
}

use Around::{Free, Glued, Scheme, Word};
use Refang::{Aggressive, Strict, Usual};

/// The table. Matching is case-blind; the longest notation at a place wins. Frequencies in public reports
/// decided what is in it; `tests/vectors/defang/` holds an example of each.
pub(super) const TABLE: &[Notation] = &[
    // dots
    row("[.]", ".", Strict, Glued),
    row("(.)", ".", Strict, Glued),
    row("{.}", ".", Strict, Glued),
    row("[[.]]", ".", Strict, Glued),
    row("<.>", ".", Strict, Glued),
    row("[dot]", ".", Usual, Glued),
    row("(dot)", ".", Usual, Glued),
    row("{dot}", ".", Usual, Glued),
    row("[d]", ".", Usual, Glued),
    row("[punto]", ".", Usual, Glued),
    row("[punkt]", ".", Usual, Glued),
    row("[,]", ".", Usual, Glued),
    row("[]", ".", Usual, Glued),
    row("\\.", ".", Usual, Glued),
    row("^.", ".", Usual, Glued),
    row("[.", ".", Usual, Glued),
    row(".]", ".", Usual, Glued),
    row("[\u{200b}.]", ".", Usual, Glued),
    row("\u{3002}", ".", Usual, Glued),
    row("\u{ff0e}", ".", Usual, Glued),
    row("\u{ff61}", ".", Usual, Glued),
    row(" [.] ", ".", Usual, Glued),
    row(" (.) ", ".", Usual, Glued),
    row(" [dot] ", ".", Usual, Glued),
    row(" (dot) ", ".", Usual, Glued),
    row("[point]", ".", Usual, Glued),
    row("[.[", ".", Usual, Glued),
    row("].]", ".", Usual, Glued),
    row("(.]", ".", Usual, Glued),
    row("[.)", ".", Usual, Glued),
    row("\".\"", ".", Usual, Glued),
    row("'.'", ".", Usual, Glued),
    row(" . ", ".", Usual, Word),
    row(" dot ", ".", Usual, Word),
    row("-dot-", ".", Usual, Word),
    row("_dot_", ".", Usual, Word),
    row(",", ".", Aggressive, Word),
    // at signs
    row("[@]", "@", Strict, Glued),
    row("(@)", "@", Strict, Glued),
    row("{@}", "@", Strict, Glued),
    row("[at]", "@", Usual, Glued),
    row("(at)", "@", Usual, Glued),
    row("{at}", "@", Usual, Glued),
    row("<at>", "@", Usual, Glued),
    row("[arroba]", "@", Usual, Glued),
    row(" @ ", "@", Usual, Glued),
    row(" at ", "@", Usual, Word),
    row("_at_", "@", Usual, Word),
    // colons and slashes
    row("[:]", ":", Strict, Free),
    row("[/]", "/", Strict, Glued),
    row("\\/", "/", Usual, Glued),
    // the separator after a scheme
    row("://", "://", Strict, Free),
    row("[:]//", "://", Strict, Scheme),
    row("[://]", "://", Strict, Scheme),
    row("[:/]/", "://", Strict, Scheme),
    row(":[//]", "://", Strict, Scheme),
    row("[:]/[/]", "://", Strict, Scheme),
    row("[/][/]", "://", Strict, Scheme),
    row("[]://", "://", Strict, Scheme),
    row("://]", "://", Strict, Scheme),
    row(":\\\\", "://", Usual, Scheme),
    row("[:]\\\\", "://", Usual, Scheme),
    row(":\\/\\/", "://", Usual, Scheme),
    row("__", "://", Usual, Scheme),
    row(":// ", "://", Usual, Scheme),
    row(": //", "://", Usual, Scheme),
    row(":///", "://", Usual, Scheme),
    row("%3a%2f%2f", "://", Usual, Scheme),
];

/// Separators that also stand in the path and query of plain URLs (`?u=http%3A%2F%2F…`): they count only where
/// the scheme before them begins a value.
pub(super) const ALSO_PLAIN: [&str; 3] = ["__", ":///", "%3a%2f%2f"];

/// Mangled names of schemes. Square brackets anywhere in a name are dropped first (`h[tt]p`, `[https]`).
pub(super) const SCHEMES: &[(&str, &str, Refang)] = &[
    ("hxxp", "http", Strict),
    ("hxxps", "https", Strict),
    ("h**p", "http", Usual),
    ("h**ps", "https", Usual),
    ("hxtp", "http", Usual),
    ("hxtps", "https", Usual),
    ("htxp", "http", Usual),
    ("htxps", "https", Usual),
    ("httx", "http", Usual),
    ("httxs", "https", Usual),
    ("hpp", "http", Usual),
    ("h00p", "http", Usual),
    ("h00ps", "https", Usual),
    ("h___p", "http", Usual),
    ("xxxx", "http", Usual),
    ("meow", "http", Usual),
    ("meows", "https", Usual),
    ("fxp", "ftp", Usual),
    ("ftx", "ftp", Usual),
];

/// Plain names that a mangled separator may follow.
pub(super) const PLAIN_SCHEMES: [&str; 12] =
    ["http", "https", "ftp", "ftps", "sftp", "ws", "wss", "tcp", "udp", "ldap", "ldaps", "smb"];

/// Finds the notations of the whole table, or of all levels but the last one: that one's comma stands everywhere.
pub(super) fn automaton(level: Refang) -> &'static (AhoCorasick, Vec<&'static Notation>) {
    static MACHINES: [OnceLock<(AhoCorasick, Vec<&Notation>)>; 2] = [const { OnceLock::new() }; 2];
    let most = level.max(Usual);
    MACHINES[usize::from(most == Aggressive)].get_or_init(|| {
        let notations: Vec<_> = TABLE.iter().filter(|n| n.level <= most).collect();
        let machine = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(notations.iter().map(|n| n.written))
            .expect("a fixed table of short literals always builds");
        (machine, notations)
    })
}
