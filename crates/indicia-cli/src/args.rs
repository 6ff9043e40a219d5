//! The command line. Options take one value and repeat; man pages come from these definitions.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use indicia::feeds::Format as FeedFormat;
use indicia::refang::DefangStyle;
use indicia::{Kind, Match, Pap, Profile, Refang, Role, Rule, Time, Tlp, UnknownProfile};

/// Find threat indicators in data: feeds in every format, one canonical form, every hit with its context.
///
/// A FEED is a file, folder, archive or compiled set, FORMAT:PATH, or a feeds.toml. Data may be compressed
/// (gzip, zstd, xz, bzip2) or packed (tar, zip). Exit status: 0 found or done, 1 nothing found, 2 something
/// could not be read.
#[derive(Debug, Parser)]
#[command(name = "indicia", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) tables: TableOptions,
}

/// Newer tables than those built in.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Newer tables than those built in")]
pub(crate) struct TableOptions {
    /// The Public Suffix List: public_suffix_list.dat of publicsuffix.org
    #[arg(long, global = true, value_name = "FILE")]
    psl: Option<PathBuf>,
    /// Top-level domains: tlds-alpha-by-domain.txt of IANA
    #[arg(long, global = true, value_name = "FILE")]
    tlds: Option<PathBuf>,
    /// Shared hosting: a name, a tab and a class a line
    #[arg(long, global = true, value_name = "FILE")]
    shared_hosting: Option<PathBuf>,
}

impl TableOptions {
    pub(crate) fn files(self) -> indicia::TableFiles {
        indicia::TableFiles {
            public_suffixes: self.psl,
            top_level_domains: self.tlds,
            shared_hosting: self.shared_hosting,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what indicia does, on data inside the program
    Demo,
    /// List the observables that stand in data
    Extract(Extract),
    /// Write values in canonical form
    Normalize(Normalize),
    /// Write values so that they cannot be clicked
    Defang(DefangArgs),
    /// Undo defanging
    Refang(RefangArgs),
    /// Compile feeds into a set
    Compile(Compile),
    /// Find the indicators of feeds in data
    Scan(Scan),
    /// Find what feeds say of single values
    Lookup(Lookup),
    /// Keep what stands in data, each observable once, for feeds that come later
    Observe(Observe),
    /// Read any feed and write it in another format
    Convert(Convert),
    /// Show what a set holds
    Inspect(Inspect),
    /// Write what leads from one set to another
    Delta(DeltaArgs),
    /// Make the new set from the old one and a delta
    Apply(Apply),
    /// Check an agreement, or say in sentences what it permits
    #[command(subcommand)]
    Agreement(AgreementCommand),
    /// Make a pair of keys for signing packages and sets
    Keygen(Keygen),
    /// Share under agreements: one signed package for each recipient
    Share(Share),
    /// Check a package and take what is in it
    Receive(Receive),
    /// Take items back: notices for everybody who got them
    Revoke(Revoke),
    /// Answer: a signed package of what came of the items
    Feedback(Feedback),
    /// Check or print the record of what went out
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Write the man pages into a folder
    #[command(hide = true)]
    Man {
        /// The folder.
        folder: PathBuf,
    },
}

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people: values defanged, control characters escaped.
    Text,
    /// One JSON object a line.
    Jsonl,
    /// RFC 4180, safe for spreadsheets.
    Csv,
    /// Elastic Common Schema, one document a line.
    Ecs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Output {
    /// Form of the output [default: text on a terminal, else jsonl]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<OutputFormat>,
}

impl Output {
    /// The format that holds: text for people, JSON lines for programs.
    pub(crate) fn get(&self) -> OutputFormat {
        use std::io::IsTerminal;
        self.format.unwrap_or(if std::io::stdout().is_terminal() {
            OutputFormat::Text
        } else {
            OutputFormat::Jsonl
        })
    }
}

fn kind(text: &str) -> Result<Kind, String> {
    text.parse().map_err(|_| {
        let names: Vec<&str> = Kind::ALL.iter().map(|k| k.name()).collect();
        format!("not a kind; kinds are {}", names.join(" "))
    })
}

fn profile(text: &str) -> Result<Profile, String> {
    text.parse().map_err(|e: UnknownProfile| e.to_string())
}

fn kind_or_all(text: &str) -> Result<KindArg, String> {
    if text == "all" { Ok(KindArg::All) } else { kind(text).map(KindArg::One) }
}

/// A kind, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KindArg {
    All,
    One(Kind),
}

fn role(text: &str) -> Result<Role, String> {
    text.parse().map_err(|e: indicia::NotARole| e.to_string())
}

fn tlp(text: &str) -> Result<Tlp, String> {
    text.parse().map_err(|_| "not a TLP level; levels are clear green amber amber+strict red".to_string())
}

fn pap(text: &str) -> Result<Pap, String> {
    text.parse().map_err(|_| "not a PAP level; levels are clear green amber red".to_string())
}

fn defang_style(text: &str) -> Result<DefangStyle, String> {
    text.parse().map_err(|_| "styles are usual last-dot draft".to_string())
}

fn rule(text: &str) -> Result<Rule, String> {
    text.parse().map_err(|_| {
        let names: Vec<&str> = Rule::ALL.iter().map(|rule| rule.slug()).collect();
        format!("one of {}", names.join(" "))
    })
}

fn refang_level(text: &str) -> Result<Refang, String> {
    text.parse().map_err(|_| "levels are off strict usual aggressive".to_string())
}

fn feed_format(text: &str) -> Result<FeedFormat, String> {
    FeedFormat::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = FeedFormat::ALL.iter().filter(|f| f.is_read()).map(|f| f.name()).collect();
        format!("not a format; formats that are read are {}", names.join(" "))
    })
}

fn written_format(text: &str) -> Result<FeedFormat, String> {
    FeedFormat::from_name(text).filter(|f| f.is_written()).ok_or_else(|| {
        let names: Vec<&str> = FeedFormat::ALL.iter().filter(|f| f.is_written()).map(|f| f.name()).collect();
        format!("not a format that is written; those are {}", names.join(" "))
    })
}

fn matching(text: &str) -> Result<Match, String> {
    text.parse().map_err(|_| "not a way to match; ways are exact subdomains network prefix mask".to_string())
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=100.0).contains(&value) => Ok(value),
        _ => Err("a confidence is a number from 0 to 100".to_string()),
    }
}

/// A number of bytes, with K, M, G or T behind it for the powers of 1024.
fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let shift = match unit.to_ascii_uppercase().trim_end_matches('B').trim_end_matches('I') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => 64,
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1u64.checked_shl(shift)?));
    bytes
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "an amount is a number with K, M, G or T, such as 512M".to_string())
}

/// When an indicator must have been valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AsOfArg {
    Now,
    Event,
    At(Time),
}

fn as_of(text: &str) -> Result<AsOfArg, String> {
    match text {
        "now" => Ok(AsOfArg::Now),
        "event" => Ok(AsOfArg::Event),
        time => {
            time.parse().map(AsOfArg::At).map_err(|e: indicia::NotATime| format!("{e}, or `now`, or `event`"))
        }
    }
}

/// How lines are read.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Fields")]
pub(crate) struct Fields {
    /// Read lines as records, and say in which field a value stands: JSON, Zeek, CSV with a header, W3C, CEF, LEEF,
    /// Windows events. Also finds URLs and endpoints whose parts stand in several fields, and kinds without a shape in
    /// fields that are named for them
    #[arg(long)]
    pub(crate) fields: bool,
    /// Only in fields with this name, or whose name ends with it behind a dot
    #[arg(long = "where", value_name = "FIELD")]
    pub(crate) only: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Extract {
    /// Only observables of this kind; `all` for every kind
    #[arg(long, value_name = "KIND", value_parser = kind_or_all)]
    pub(crate) kind: Vec<KindArg>,
    /// How much defanging is undone: off, strict, usual, aggressive
    #[arg(long, value_name = "LEVEL", default_value = "usual", value_parser = refang_level)]
    pub(crate) refang: Refang,
    /// Also observables inside others: the host of a URL, the domain of an e-mail address
    #[arg(long)]
    pub(crate) nested: bool,
    #[command(flatten)]
    pub(crate) fields: Fields,
    /// Also hashes and URLs that the end of a line cuts, as wrapped texts have them
    #[arg(long)]
    pub(crate) wrapped: bool,
    /// Also what looks like an observable and is refused, with the rule that refuses it
    #[arg(long)]
    pub(crate) explain: bool,
    /// Do not ask this rule against look-alikes; `--explain` names them
    #[arg(long, value_name = "RULE", value_parser = rule)]
    pub(crate) without: Vec<Rule>,
    /// Mark what these MISP warninglists hold, and special addresses, public suffixes, digests of empty files: a file
    /// or a folder of them
    #[arg(long, value_name = "FILE")]
    pub(crate) warninglist: Vec<PathBuf>,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
    #[command(flatten)]
    pub(crate) output: Output,
    /// Files, folders and archives; standard input if none
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Normalize {
    /// Read every value as this kind
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub(crate) kind: Option<Kind>,
    /// The rules that URLs follow: default@1 whatwg@1 safe-browsing-4@1 safe-browsing-5@1 kaspersky@1 zeek@1
    /// verbatim@1
    #[arg(long, value_name = "PROFILE", default_value = indicia::DEFAULT_PROFILE, value_parser = profile)]
    pub(crate) profile: Profile,
    /// How much defanging is undone: off, strict, usual, aggressive
    #[arg(long, value_name = "LEVEL", default_value = "usual", value_parser = refang_level)]
    pub(crate) refang: Refang,
    /// Each step on the way to the value and to the key that is compared: the rule, its source, before and after
    #[arg(long)]
    pub(crate) explain: bool,
    #[command(flatten)]
    pub(crate) output: Output,
    /// Values; the lines of standard input if none
    pub(crate) values: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Values {
    /// Read every value as this kind
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub(crate) kind: Option<Kind>,
    #[command(flatten)]
    pub(crate) output: Output,
    /// Values; the lines of standard input if none
    pub(crate) values: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DefangArgs {
    /// How it is written: usual (hxxp, every separator of the host in brackets), last-dot, draft (the Internet-Draft's)
    #[arg(long, value_name = "STYLE", default_value = "usual", value_parser = defang_style)]
    pub(crate) style: DefangStyle,
    #[command(flatten)]
    pub(crate) values: Values,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RefangArgs {
    /// How much is undone: strict, usual, aggressive
    #[arg(long, value_name = "LEVEL", default_value = "usual", value_parser = refang_level)]
    pub(crate) refang: Refang,
    #[command(flatten)]
    pub(crate) output: Output,
    /// Values; the lines of standard input if none
    pub(crate) values: Vec<String>,
}

/// What is known about a feed beside its content.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "What is known about the feeds")]
pub(crate) struct FeedOptions {
    /// Format of the feeds [default: found by content]
    #[arg(long, value_name = "FORMAT", value_parser = feed_format)]
    pub(crate) from: Option<FeedFormat>,
    /// Name of the feed [default: the name of its file]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Who makes the statements
    #[arg(long, value_name = "WHO")]
    pub(crate) producer: Option<String>,
    /// TLP marking of records that have none or a less restrictive one
    #[arg(long, value_name = "LEVEL", value_parser = tlp)]
    pub(crate) tlp: Option<Tlp>,
    /// PAP marking of records that have none or a less restrictive one
    #[arg(long, value_name = "LEVEL", value_parser = pap)]
    pub(crate) pap: Option<Pap>,
    /// Role of records that have none
    #[arg(long, value_name = "ROLE", value_parser = role)]
    pub(crate) default_role: Option<Role>,
    /// How names and URLs match [default: by format]
    #[arg(long = "match", value_name = "HOW", value_parser = matching)]
    pub(crate) match_: Option<Match>,
    /// A refused record or value is a failure (exit 2), not a count
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Which contexts count.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Filters")]
pub(crate) struct Filters {
    /// Only this role; compromised and victim count only when named
    #[arg(long, value_name = "ROLE", value_parser = role)]
    pub(crate) role: Vec<Role>,
    /// Only this label
    #[arg(long, value_name = "LABEL")]
    pub(crate) label: Vec<String>,
    /// Confidence of at least this (0-100); missing fails
    #[arg(long, value_name = "N", value_parser = percent)]
    pub(crate) min_confidence: Option<f64>,
    /// Marked TLP and not above this; unmarked is hidden
    #[arg(long, value_name = "LEVEL", value_parser = tlp)]
    pub(crate) max_tlp: Option<Tlp>,
    /// Valid at this time: now, a time, or `event` (the time in the line)
    #[arg(long, value_name = "TIME", value_parser = as_of)]
    pub(crate) as_of: Option<AsOfArg>,
    /// Show contexts that their producer took back
    #[arg(long)]
    pub(crate) revoked: bool,
}

/// What becomes of doubted hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Guarded {
    Show,
    Hide,
    Only,
}

/// How indicators match, and which hits are doubted.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Matching")]
pub(crate) struct Matching {
    /// A listed endpoint matches its host with any port
    #[arg(long)]
    pub(crate) ignore_ports: bool,
    /// The host of a listed URL matches wherever it stands
    #[arg(long)]
    pub(crate) url_hosts: bool,
    /// A listed URL matches only with its own scheme
    #[arg(long)]
    pub(crate) strict_scheme: bool,
    /// No hit is doubted
    #[arg(long)]
    pub(crate) no_guard: bool,
    /// MISP warninglists: a file or a folder of them
    #[arg(long, value_name = "FILE")]
    pub(crate) warninglist: Vec<PathBuf>,
    /// Doubted hits [default: hide in text, else show]
    #[arg(long, value_name = "WHAT")]
    pub(crate) guarded: Option<Guarded>,
}

/// What the sets among the feeds must be.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Signed sets")]
pub(crate) struct Trust {
    /// Take only sets that this public key signed, and no other feed
    #[arg(long, value_name = "PUB")]
    pub(crate) key: Option<PathBuf>,
    /// Take no set with a lower sequence than this
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) min_sequence: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Compile {
    /// The set file to write
    #[arg(short, long, value_name = "SET")]
    pub(crate) output: PathBuf,
    /// The rules that URLs follow [default: default@1, or those of the sets]
    #[arg(long, value_name = "PROFILE", value_parser = profile)]
    pub(crate) profile: Option<Profile>,
    /// Sign the set with this secret key. Its passphrase is asked for, or taken from INDICIA_PASSPHRASE
    #[arg(long, value_name = "KEY")]
    pub(crate) sign: Option<PathBuf>,
    /// Which of your sets is the newer one: a larger number each time
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) sequence: u64,
    /// The last second of the set's use; scan and lookup refuse it afterwards
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) not_after: Option<Time>,
    /// Only this role; compromised and victim enter only when named
    #[arg(long, value_name = "ROLE", value_parser = role)]
    pub(crate) role: Vec<Role>,
    /// Hold no more than this of what was read in memory, such as 512M or 2G; the rest waits in temporary files beside the
    /// set. Beside it stand each distinct context and the finished set with its indexes
    #[arg(long, value_name = "N", value_parser = bytes)]
    pub(crate) memory: Option<u64>,
    #[command(flatten)]
    pub(crate) feed_options: FeedOptions,
    /// The feeds
    #[arg(value_name = "FEED", required = true)]
    pub(crate) feeds: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Scan {
    /// A feed
    #[arg(short, long = "feed", value_name = "FEED", required = true)]
    pub(crate) feeds: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) feed_options: FeedOptions,
    #[command(flatten)]
    pub(crate) trust: Trust,
    #[command(flatten)]
    pub(crate) filters: Filters,
    #[command(flatten)]
    pub(crate) matching: Matching,
    #[command(flatten)]
    pub(crate) fields: Fields,
    /// Undo defanging in the data first, and entities of HTML with it: off, strict, usual, aggressive
    #[arg(long, value_name = "LEVEL", default_value = "off", default_missing_value = "usual", num_args = 0..=1, require_equals = true, value_parser = refang_level)]
    pub(crate) refang: Refang,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
    /// Print only how many hits each file has
    #[arg(long, conflicts_with_all = ["only_matching", "line_text"])]
    pub(crate) count: bool,
    /// Print only the text that matched
    #[arg(long)]
    pub(crate) only_matching: bool,
    /// Show the line of each hit
    #[arg(long)]
    pub(crate) line_text: bool,
    /// Print totals by kind, relation and guard on standard error
    #[arg(long)]
    pub(crate) stats: bool,
    #[command(flatten)]
    pub(crate) output: Output,
    /// Files, folders, archives and stores of observables; standard input if none
    pub(crate) files: Vec<PathBuf>,
}

/// Keep what stands in data, each observable once, for feeds that come later.
///
/// The store is a FILE of `scan`: every observable in it that a feed lists is a hit, with the first and the last time
/// that stood in a line with it, and the number of places. What a store holds stays when more is observed into it:
/// observe each log once.
#[derive(Debug, ClapArgs)]
pub(crate) struct Observe {
    /// The store to write, or to add to
    #[arg(short, long, value_name = "STORE")]
    pub(crate) output: PathBuf,
    /// Undo defanging in the data first: off, strict, usual, aggressive
    #[arg(long, value_name = "LEVEL", default_value = "off", default_missing_value = "usual", num_args = 0..=1, require_equals = true, value_parser = refang_level)]
    pub(crate) refang: Refang,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
    /// What all threads hold before they use temporary files beside the store, such as 64M or 2G
    #[arg(long, value_name = "N", default_value = "256M", value_parser = mebibyte_or_more)]
    pub(crate) memory: usize,
    /// Files, folders, archives and other stores; standard input if none
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Lookup {
    /// A feed
    #[arg(short, long = "feed", value_name = "FEED", required = true)]
    pub(crate) feeds: Vec<PathBuf>,
    /// Read every value as this kind
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub(crate) kind: Option<Kind>,
    #[command(flatten)]
    pub(crate) feed_options: FeedOptions,
    #[command(flatten)]
    pub(crate) trust: Trust,
    #[command(flatten)]
    pub(crate) filters: Filters,
    #[command(flatten)]
    pub(crate) matching: Matching,
    #[command(flatten)]
    pub(crate) output: Output,
    /// Values; the lines of standard input if none
    pub(crate) values: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Convert {
    /// Format to write
    #[arg(long, value_name = "FORMAT", value_parser = written_format)]
    pub(crate) to: FeedFormat,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) feed_options: FeedOptions,
    #[command(flatten)]
    pub(crate) filters: Filters,
    /// The feeds
    #[arg(value_name = "FEED", required = true)]
    pub(crate) feeds: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Inspect {
    /// Check that not one byte differs from what `compile` wrote
    #[arg(long)]
    pub(crate) verify: bool,
    /// Check that this public key signed the set, that it is as it was signed, and that its use is not over
    #[arg(long, value_name = "PUB")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: Output,
    /// The set file
    pub(crate) set: PathBuf,
}

/// Write what leads from one set to another.
///
/// The delta holds what changed and names both sets; `apply` makes the new set from the old one and the delta, byte for
/// byte, with its signature. The URLs of both sets must follow one profile.
#[derive(Debug, ClapArgs)]
pub(crate) struct DeltaArgs {
    /// The old set file
    pub(crate) old: PathBuf,
    /// The new set file
    pub(crate) new: PathBuf,
    /// The delta to write
    #[arg(short, long, value_name = "D")]
    pub(crate) output: PathBuf,
}

/// Make the new set from the old one and a delta.
///
/// The result is the new set, byte for byte, or nothing is written: its digest must be the one that the delta names. A
/// signature of the new set comes with it and is checked where the set is used.
#[derive(Debug, ClapArgs)]
pub(crate) struct Apply {
    /// The old set file
    pub(crate) old: PathBuf,
    /// The delta
    pub(crate) delta: PathBuf,
    /// The new set file to write; it may be the old one
    #[arg(short, long, value_name = "NEW")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgreementCommand {
    /// Say what is wrong with an agreement, with line and field
    Check {
        /// Agreements: files, or folders of them
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Say in plain sentences what an agreement permits and what not
    Explain {
        /// Agreements: files, or folders of them
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// As [`bytes`], a mebibyte or more.
fn mebibyte_or_more(text: &str) -> Result<usize, String> {
    let bytes = usize::try_from(bytes(text)?).map_err(|e| e.to_string())?;
    (bytes >= 1 << 20).then_some(bytes).ok_or_else(|| "at least 1M".to_string())
}

fn time(text: &str) -> Result<Time, String> {
    if text == "now" {
        return Ok(crate::feeds::now());
    }
    text.parse().map_err(|e: indicia::NotATime| e.to_string())
}

/// The secret key and the time of a package.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Signing")]
pub(crate) struct Signing {
    /// The secret key that signs. Its passphrase is asked for, or taken from INDICIA_PASSPHRASE
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The time that counts as now
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "now")]
    pub(crate) as_of: Time,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Keygen {
    /// NAME.key and NAME.pub are written
    #[arg(short, long, value_name = "NAME")]
    pub(crate) output: PathBuf,
    /// Leave the secret key open: whoever has the file can sign
    #[arg(long)]
    pub(crate) no_passphrase: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Share {
    /// An agreement, or a folder of them
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) agreement: Vec<PathBuf>,
    /// The record of what went out; begun where it is not there
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// Say what would go out and what not, and why; -o names the plan to write
    #[arg(long, conflicts_with = "plan")]
    pub(crate) dry_run: bool,
    /// Make exactly what this plan says, at its time, or nothing
    #[arg(long, value_name = "PLAN")]
    pub(crate) plan: Option<PathBuf>,
    /// The folder for the packages, or with --dry-run the plan
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Countries of addresses: an MMDB file
    #[arg(long, value_name = "FILE", help_heading = "What is known of addresses")]
    pub(crate) country_mmdb: Option<PathBuf>,
    /// Networks and providers of addresses: an MMDB file
    #[arg(long, value_name = "FILE", help_heading = "What is known of addresses")]
    pub(crate) asn_mmdb: Option<PathBuf>,
    /// Networks whose addresses are in many places at once: a text file, a network a line
    #[arg(long, value_name = "FILE", help_heading = "What is known of addresses")]
    pub(crate) anycast: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) feed_options: FeedOptions,
    /// The feeds
    #[arg(value_name = "FEED", required = true)]
    pub(crate) feeds: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Receive {
    /// The agreement that the package must be made under
    #[arg(long, value_name = "FILE")]
    pub(crate) agreement: PathBuf,
    /// The sender's public key
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// What was received before; begun where it is not there
    #[arg(long, value_name = "FILE")]
    pub(crate) state: PathBuf,
    /// The time that counts as now
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "now")]
    pub(crate) as_of: Time,
    /// The package's folder
    #[arg(value_name = "DIR")]
    pub(crate) package: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Revoke {
    /// The record of what went out
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: PathBuf,
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// The id of an item
    #[arg(long, value_name = "ID", required = true)]
    pub(crate) id: Vec<String>,
    /// Why, as one word: false-positive, correction, deleted …
    #[arg(long, value_name = "WORD", value_parser = word)]
    pub(crate) reason: String,
    /// The folder for the packages
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
}

fn word(text: &str) -> Result<String, String> {
    let fine = !text.is_empty() && text.len() <= 60;
    if fine && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        Ok(text.to_string())
    } else {
        // A sentence could say more than a recipient may know.
        Err("a reason is one word of small letters, digits and hyphens, such as false-positive".to_string())
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Feedback {
    /// The agreement that the items came under, or, to pass answers on, the one with who gave them
    #[arg(long, value_name = "FILE")]
    pub(crate) agreement: PathBuf,
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// The record of what went out: to pass on answers that `receive` printed
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
    /// The folder for the package
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Filled response.csv files, or answers as JSON lines
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Check that no line was changed, taken out or put in
    Verify {
        /// The ledger
        ledger: PathBuf,
    },
    /// Print it, after checking
    Show {
        #[command(flatten)]
        output: Output,
        /// The ledger
        ledger: PathBuf,
    },
}
