//! `plain`: the values, one a line; everything else is lost and counted.

use std::io::{self, Write};

use indicia_core::{Context, Indicator, Kind, Match, Observable};

use super::LossReport;

pub(super) fn write(indicator: &Indicator, out: &mut dyn Write, loss: &mut LossReport) -> io::Result<()> {
    let observable = &indicator.target.observable;
    let value = indicator.target.value();
    if observable.kind() == Kind::Other {
        loss.leave_out("kind other");
        return Ok(());
    }
    // A list can only say "this is bad": what is taken back or not for detection must not become that.
    let not_for_detection = |c: &Context| c.extra.get("to_ids").is_some_and(|v| *v == false);
    let silent = |c: &Context| c.revoked == Some(true) || not_for_detection(c);
    if !indicator.contexts.is_empty() && indicator.contexts.iter().all(silent) {
        loss.leave_out("revoked or not for detection");
        return Ok(());
    }
    // Only what is read back as the same value has a place in a list.
    let same = Observable::parse(observable.value())
        .is_ok_and(|again| again.kind() == observable.kind() && again.key() == observable.key());
    let one_line = !value.contains(char::is_control) && !crate::plain::is_comment(&value);
    if !same || !one_line || crate::plain::split_comment(&value).1.is_some() {
        loss.leave_out("not a line of a list");
        return Ok(());
    }
    writeln!(out, "{value}")?;
    loss.written += 1;
    // A bare name is read as itself and all below it.
    let exact_name = observable.kind() == Kind::Domain && indicator.target.match_ == Match::Exact;
    loss.lose(
        "match",
        exact_name || matches!(indicator.target.match_, Match::Prefix | Match::Mask | Match::Pattern),
    );
    loss.lose("group", indicator.group.is_some());
    loss.lose("contexts", indicator.contexts.len() > 1);
    for context in &indicator.contexts {
        loss.lose("role", context.role.is_some());
        loss.lose("feed", context.feed.is_some());
        loss.lose("producer", context.producer.is_some());
        loss.lose("source_id", context.source_id.is_some());
        loss.lose("labels", !context.labels.is_empty());
        loss.lose("threat", context.threat.is_some());
        loss.lose("confidence", context.confidence.is_some());
        loss.lose("first_seen", context.first_seen.is_some());
        loss.lose("last_seen", context.last_seen.is_some());
        loss.lose("valid_from", context.valid_from.is_some());
        loss.lose("valid_until", context.valid_until.is_some());
        loss.lose("revoked", context.revoked.is_some());
        loss.lose("tlp", context.tlp.is_some());
        loss.lose("pap", context.pap.is_some());
        loss.lose("purposes", !context.purposes.is_empty());
        loss.lose("countries", !context.countries.is_empty());
        loss.lose("asn", context.asn.is_some());
        loss.lose("provider", context.provider.is_some());
        loss.lose("references", !context.references.is_empty());
        loss.lose("description", context.description.is_some());
        loss.lose("hops", !context.hops.is_empty());
        loss.lose("extra", !context.extra.is_empty());
    }
    Ok(())
}
