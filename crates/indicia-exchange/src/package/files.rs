//! The files of a package, one function each.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use indicia_core::{Indicator, Kind, Pap, Time, Tlp, refang};
use indicia_feeds::{FeedError, Format, WriteOptions, Writer, csv_record};

use super::{Head, MANIFEST};
use crate::agreement::{Agreement, Answer, Attribution, Onward, Purpose};
use crate::feedback::Answered;
use crate::plan::{Notice, Plan};
use crate::report::{self, Page};
use crate::{Action, Item};

/// A file with its marking.
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
    pub(super) tlp: Option<Tlp>,
}

impl File {
    fn new(bytes: Vec<u8>, tlp: Option<Tlp>) -> File {
        File { bytes, tlp }
    }
}

type Files = BTreeMap<String, File>;

pub(super) fn of_plan(plan: &Plan, agreement: &Agreement, head: &Head) -> Result<Files, FeedError> {
    let mut files = Files::new();
    let items = &plan.items;
    let tlp = items.iter().filter_map(|item| item.record.contexts[0].tlp).max();
    files.insert("READ-ME-FIRST.txt".into(), File::new(read_me(head, agreement, plan), tlp));
    files.insert("report.html".into(), File::new(page(plan, agreement, head)?, tlp));
    files.insert("for-people.csv".into(), File::new(for_people(items)?, tlp));
    files.insert("response.csv".into(), File::new(response(items)?, tlp));
    let title = format!("{} package {}", agreement.reference(), head.counter);
    for (name, format) in [
        ("indicators.jsonl", Format::Jsonl),
        ("bundle.stix.json", Format::Stix),
        ("event.misp.json", Format::Misp),
    ] {
        let records = items.iter().map(|item| &item.record);
        files.insert(name.into(), File::new(written(format, records, head, &title)?, tlp));
    }
    if !plan.notices.is_empty() {
        files.insert("notices.jsonl".into(), File::new(lines(&plan.notices), None));
    }
    lists(&mut files, items, agreement, head, &title)?;
    Ok(files)
}

pub(super) fn of_notices(notices: &[Notice], head: &Head) -> Files {
    let mut files = Files::new();
    let text = format!(
        "NOTICE FROM {from}\r\n\r\n{n} that you got from {from} under agreement {id} taken back.\r\n\
         notices.jsonl names each by its item id, with the reason.\r\n\r\n\
         1. Check this package: see below.\r\n\
         2. Stop using these items, and take them out of your systems.\r\n\
         3. Tell those to whom you passed them on.\r\n\r\n{check}",
        from = head.from,
        n = if notices.len() == 1 { "One item".to_string() } else { format!("{} items", notices.len()) },
        id = head.agreement.id,
        check = how_to_check(head),
    );
    let text = if notices.len() == 1 {
        text.replace(" taken back.", " is taken back.")
    } else {
        text.replace(" taken back.", " are taken back.")
    };
    files.insert("READ-ME-FIRST.txt".into(), File::new(text.into_bytes(), None));
    files.insert("notices.jsonl".into(), File::new(lines(notices), None));
    files
}

pub(super) fn of_feedback(answers: &[Answered], head: &Head) -> Files {
    let mut files = Files::new();
    let text = format!(
        "ANSWERS FROM {from}\r\n\r\n{n} to items of agreement {id}, in answers.jsonl, each by its item id.\r\n\r\n{check}",
        from = head.from,
        n = if answers.len() == 1 { "One answer".to_string() } else { format!("{} answers", answers.len()) },
        id = head.agreement.id,
        check = how_to_check(head),
    );
    files.insert("READ-ME-FIRST.txt".into(), File::new(text.into_bytes(), None));
    files.insert("answers.jsonl".into(), File::new(lines(answers), None));
    files
}

fn lines<T: serde::Serialize>(all: &[T]) -> Vec<u8> {
    let mut out = Vec::new();
    for one in all {
        // Texts and numbers: there is nothing that JSON could not hold.
        out.extend(serde_json::to_vec(one).unwrap_or_default());
        out.push(b'\n');
    }
    out
}

fn how_to_check(head: &Head) -> String {
    format!(
        "HOW TO CHECK IT\r\n\
         By telephone: the sender reads out the first 16 letters and digits of the\r\n\
         SHA-256 digest of {MANIFEST}. On your side they are shown by\r\n\
         \x20   sha256sum {MANIFEST}                      (Linux)\r\n\
         \x20   certutil -hashfile {MANIFEST} SHA256      (Windows)\r\n\
         Use a number that you know from before, not one from this package.\r\n\
         By program: indicia receive, or minisign -V -p KEY.pub -m {MANIFEST} and then\r\n\
         compare each file with its length and digest in {MANIFEST}.\r\n\r\n\
         Package {counter} of agreement {id}@{version}, made {now}, counts until {until}.\r\n",
        counter = head.counter,
        id = head.agreement.id,
        version = head.agreement.version,
        now = head.now,
        until = head.valid_until,
    )
}

fn read_me(head: &Head, agreement: &Agreement, plan: &Plan) -> Vec<u8> {
    let items = &plan.items;
    let count = |action: Action| items.iter().filter(|item| item.action == action).count();
    let mut text = format!(
        "READ ME FIRST\r\n\r\n\
         From {} to {}, under agreement {}.\r\n\
         {} in this package",
        head.from,
        head.to,
        agreement.reference(),
        if items.len() == 1 { "One item is".to_string() } else { format!("{} items are", items.len()) },
    );
    let groups: Vec<String> = [Action::Notify, Action::Block, Action::Detect, Action::Search]
        .into_iter()
        .filter(|action| count(*action) > 0)
        .map(|action| format!("{} to {}", count(action), action.name()))
        .collect();
    text.push_str(&if groups.is_empty() {
        ".\r\n".to_string()
    } else {
        format!(": {}.\r\n", groups.join(", "))
    });
    let government = items.iter().filter(|item| item.government.is_some()).count();
    if government > 0 {
        text.push_str(&format!(
            "{}: see the first table of report.html.\r\n",
            if government == 1 {
                "One item is a host of a government".to_string()
            } else {
                format!("{government} items are hosts of governments")
            }
        ));
    }
    if !plan.notices.is_empty() {
        text.push_str(&format!(
            "{} you got before taken back: see notices.jsonl.\r\n",
            match plan.notices.len() {
                1 => "One item that is".to_string(),
                n => format!("{n} items that are"),
            }
            .replace(" is", "")
            .replace(" are", "")
        ));
    }
    text.push_str(&format!(
        "\r\nTHREE STEPS\r\n\
         1. Check the package: see below.\r\n\
         2. Open report.html. It needs no network and says what to do, in which order.\r\n\
         \x20  for-people.csv holds the same list for a spreadsheet; your systems take\r\n\
         \x20  indicators.jsonl, bundle.stix.json (STIX 2.1) or event.misp.json (MISP).\r\n\
         3. Answer: fill the column \"status\" of response.csv and send it back.\r\n\r\n\
         You may use the items for: {}.\r\n{}\r\n{}\r\n\r\n{}",
        words(&agreement.handling.purposes),
        onward_sentence(agreement),
        attribution_sentence(agreement),
        how_to_check(head)
    ));
    text.into_bytes()
}

fn words(purposes: &BTreeSet<Purpose>) -> String {
    let all: Vec<&str> = purposes.iter().map(|p| p.name()).collect();
    if all.is_empty() { "nothing".to_string() } else { all.join(", ") }
}

fn onward_sentence(agreement: &Agreement) -> String {
    match agreement.handling.onward {
        Onward::None => "Do not pass them on.".to_string(),
        Onward::Consent => "Ask before you pass an item on, each time.".to_string(),
        Onward::Organisation => "Pass them on inside your organisation only.".to_string(),
        Onward::Listed => {
            let all: Vec<&str> = agreement.handling.onward_to.iter().map(String::as_str).collect();
            format!("Pass them on to nobody but {}, as far as their marking lets you.", all.join(", "))
        }
    }
}

fn attribution_sentence(agreement: &Agreement) -> &'static str {
    match agreement.handling.attribution {
        Attribution::May => "You may say where they come from.",
        Attribution::Must => "Say where they come from wherever you use them.",
        Attribution::MustNot => "Do not say where they come from.",
    }
}

fn page(plan: &Plan, agreement: &Agreement, head: &Head) -> Result<Vec<u8>, FeedError> {
    let countries: Vec<String> = agreement.recipient.countries.iter().cloned().collect();
    let purposes: Vec<String> = agreement.handling.purposes.iter().map(|p| p.name().to_string()).collect();
    let answers: Vec<Answer> = agreement.feedback.iter().copied().collect();
    let contexts = || plan.items.iter().map(|item| &item.record.contexts[0]);
    let page = Page {
        provider: &agreement.provider.id,
        recipient: &agreement.recipient.party.id,
        countries: &countries,
        agreement: &agreement.reference(),
        legal_reference: &agreement.legal_reference,
        counter: head.counter,
        prepared_at: head.now,
        valid_until: head.valid_until,
        handling: report::Handling {
            tlp: contexts().filter_map(|c| c.tlp).max().unwrap_or(Tlp::Clear),
            pap: contexts().filter_map(|c| c.pap).max(),
            purposes: &purposes,
            onward: &onward_sentence(agreement),
            attribution: attribution_sentence(agreement),
            // The last day; the page says by itself which items have an earlier one.
            delete_by: plan.items.iter().filter_map(|item| item.delete_by).max(),
        },
        answers: &answers,
        items: &plan.items,
        country_name: indicia_data::country::name_of,
    };
    let text = report::render(&page).map_err(|e| FeedError::Io(std::io::Error::other(e)))?;
    Ok(text.into_bytes())
}

fn written<'i>(
    format: Format,
    records: impl Iterator<Item = &'i Indicator>,
    head: &Head,
    title: &str,
) -> Result<Vec<u8>, FeedError> {
    let options = WriteOptions {
        creator: Some(head.from.clone()),
        created: Some(head.now),
        title: Some(title.to_string()),
    };
    let mut out = Vec::new();
    let mut writer = Writer::with_options(format, &options, &mut out)?;
    for record in records {
        writer.write(record)?;
    }
    writer.finish()?;
    Ok(out)
}

/// The bytes that make a spreadsheet read UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

fn for_people(items: &[Item]) -> Result<Vec<u8>, FeedError> {
    const HEADER: [&str; 17] = [
        "what to do",
        "value",
        "kind",
        "port",
        "role",
        "threat",
        "first seen (UTC)",
        "last seen (UTC)",
        "country",
        "country known by",
        "provider",
        "ASN",
        "government",
        "handling",
        "use for",
        "delete by (UTC)",
        "item id",
    ];
    let mut out = BOM.to_vec();
    csv_record(HEADER.iter().map(|name| Cow::Borrowed(*name)), &mut out)?;
    for item in items {
        let context = &item.record.contexts[0];
        let time = |at: Option<Time>| at.map(|at| at.to_string()).unwrap_or_default();
        let codes: Vec<&str> = unique(context.countries.iter().map(|c| c.code.as_str()));
        let basis: Vec<&str> = unique(context.countries.iter().filter_map(|c| c.basis.as_deref()));
        let (value, port) = value_and_port(item);
        let cells: [Cow<'_, str>; 17] = [
            item.action.name().into(),
            value.into(),
            item.record.target.observable.kind().name().into(),
            port.into(),
            context.role.map_or("", |role| role.name()).into(),
            context.threat.clone().unwrap_or_default().into(),
            time(context.first_seen).into(),
            time(context.last_seen).into(),
            codes.join(" ").into(),
            basis.join(" ").into(),
            context.provider.clone().unwrap_or_default().into(),
            context.asn.map(|n| format!("AS{n}")).unwrap_or_default().into(),
            // A suffix that an agreement adds may be of no country.
            match item.government.as_deref() {
                Some("") => "yes".into(),
                country => country.unwrap_or_default().into(),
            },
            marking(item).into(),
            context.purposes.join(" ").into(),
            time(item.delete_by).into(),
            item.id.as_str().into(),
        ];
        // A character that turns the direction of a cell would show another file name, another host.
        csv_record(cells.iter().map(|cell| report::visible(cell).into()), &mut out)?;
    }
    Ok(out)
}

fn unique<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    all.collect::<BTreeSet<&str>>().into_iter().collect()
}

/// The value for people, defanged, without its port, and the port.
fn value_and_port(item: &Item) -> (String, String) {
    let observable = &item.record.target.observable;
    let whole = refang::defang(observable.kind(), observable.value());
    let (defanged, port) = match observable.kind() {
        Kind::Endpoint => whole.rsplit_once(':').unwrap_or((&whole, "")),
        _ => (whole.as_str(), ""),
    };
    let star = if item.record.target.below_only { "*." } else { "" };
    (format!("{star}{defanged}"), port.to_string())
}

fn marking(item: &Item) -> String {
    let context = &item.record.contexts[0];
    let mut marks = Vec::new();
    marks.extend(context.tlp.map(|tlp| format!("TLP:{}", tlp.name().to_uppercase())));
    marks.extend(context.pap.map(|pap| format!("PAP:{}", pap.name().to_uppercase())));
    marks.join(" ")
}

fn response(items: &[Item]) -> Result<Vec<u8>, FeedError> {
    let mut out = BOM.to_vec();
    csv_record(["item id", "value", "status"].into_iter().map(Cow::Borrowed), &mut out)?;
    for item in items {
        let (value, port) = value_and_port(item);
        let value = if port.is_empty() { value } else { format!("{value}:{port}") };
        csv_record(
            [item.id.as_str().into(), report::visible(&value).into(), Cow::Borrowed("")].into_iter(),
            &mut out,
        )?;
    }
    Ok(out)
}

/// R12, R17: lists for machines. Nothing in them can say how it is to be handled, so they hold what is CLEAR, or, where
/// the agreement says so, go with a file that does. What is to be notified is in none of them, but for roles that the
/// agreement names.
fn lists(
    files: &mut Files,
    items: &[Item],
    agreement: &Agreement,
    head: &Head,
    title: &str,
) -> Result<(), FeedError> {
    let fits = |item: &&Item| {
        let clear = item.record.contexts[0].tlp == Some(Tlp::Clear);
        clear || agreement.handling.sidecar
    };
    let is_address = |item: &&Item| {
        matches!(item.record.target.observable.kind(), Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::IpRange)
    };
    let is_name = |item: &&Item| item.record.target.observable.kind() == Kind::Domain;
    // R9: somebody to notify only where the agreement names the role; never a government (R10).
    let is_named = |item: &&Item| {
        let context = &item.record.contexts[0];
        item.government.is_none()
            && context.role.is_some_and(|r| r.is_to_notify() && agreement.handling.block_roles.contains(&r))
            && matches!(context.pap, Some(Pap::Clear | Pap::Green))
            && context.purposes.iter().any(|word| word == Purpose::Prevention.name())
    };
    let is_block = |item: &&Item| item.action == Action::Block || is_named(item);
    let block: Vec<&Item> = items.iter().filter(is_block).filter(fits).collect();
    let detect: Vec<&Item> =
        items.iter().filter(|i| matches!(i.action, Action::Block | Action::Detect)).filter(fits).collect();
    let mut handled: BTreeSet<&str> = BTreeSet::new();
    for (name, format, fitting) in [
        ("block-names.rpz", Format::Rpz, block.iter().copied().filter(is_name).collect::<Vec<_>>()),
        ("block-addresses.txt", Format::Plain, block.iter().copied().filter(is_address).collect()),
        ("detect.zeek.intel", Format::Zeek, detect),
    ] {
        let (mut chosen, mut records) = (Vec::new(), Vec::new());
        for item in fitting {
            // A writer of lists leaves out who is to be notified by itself; here the agreement has spoken.
            let mut record = item.record.clone();
            record.contexts[0].role = record.contexts[0].role.filter(|role| !role.is_to_notify());
            // Zeek has no type for endpoints, and so on: a list is for what it can hold.
            let mut none = std::io::sink();
            let mut writer = Writer::new(format, &mut none)?;
            writer.write(&record)?;
            if writer.finish()?.written > 0 {
                chosen.push(item);
                records.push(record);
            }
        }
        if chosen.is_empty() {
            continue;
        }
        let tlp = chosen.iter().filter_map(|item| item.record.contexts[0].tlp).max();
        let bytes = written(format, records.iter(), head, title)?;
        files.insert(name.into(), File::new(bytes, tlp));
        handled.extend(chosen.iter().map(|item| item.id.as_str()));
    }
    if !handled.is_empty() && agreement.handling.sidecar {
        let mut out = BOM.to_vec();
        csv_record(
            ["value", "handling", "use for", "delete by (UTC)", "item id"].into_iter().map(Cow::Borrowed),
            &mut out,
        )?;
        let mut tlp = None;
        for item in items.iter().filter(|item| handled.contains(item.id.as_str())) {
            let context = &item.record.contexts[0];
            tlp = tlp.max(context.tlp);
            let cells: [Cow<'_, str>; 5] = [
                item.record.target.value(),
                marking(item).into(),
                context.purposes.join(" ").into(),
                item.delete_by.map(|at| at.to_string()).unwrap_or_default().into(),
                item.id.as_str().into(),
            ];
            csv_record(cells.into_iter(), &mut out)?;
        }
        files.insert("lists-handling.csv".into(), File::new(out, tlp));
    }
    Ok(())
}
