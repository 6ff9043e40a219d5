//! What the lists have in common: whom they may name, and what they cannot say.

use indicia_core::{Context, Indicator, Pap, Role};

use super::LossReport;

/// Whether a list that can only say "this is bad" may say it because of this context: not of what is taken back,
/// is not for detection, is somebody to notify or is harmless.
pub(super) fn condemns(context: &Context) -> bool {
    context.revoked != Some(true)
        && !is_not_for_detection(context)
        && !matches!(context.role, Some(Role::Compromised | Role::Victim | Role::Benign))
}

/// Whether the source says that the value is not to be looked for.
pub(super) fn is_not_for_detection(context: &Context) -> bool {
    context.extra.get("to_ids").is_some_and(|v| *v == false)
}

/// What a list is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Whatever its reader does with it, in its own house.
    Own,
    /// Looking for what it names.
    Detect,
    /// Blocking what it names.
    Block,
}

impl Use {
    /// Why a context's markings forbid the list, if they do. No PAP forbids nothing: own use.
    fn forbidden(self, context: &Context) -> Option<&'static str> {
        let allows = |allowed: fn(Pap) -> bool| context.pap.is_none_or(allowed);
        match self {
            _ if context.extra.contains_key(crate::markings::UNKNOWN) => {
                Some("a marking that is not known, and a list cannot carry it (see extra.unknown_markings)")
            }
            Use::Block if !allows(Pap::allows_blocking) => Some(
                "PAP:AMBER or PAP:RED forbids blocking; only what its producer marks PAP:GREEN or CLEAR may be",
            ),
            Use::Detect if !allows(Pap::allows_detection) => Some(
                "PAP:RED forbids handing it to other tools; only what its producer marks PAP:AMBER or less may be",
            ),
            _ => None,
        }
    }
}

/// Whether a list may name the indicator; one that it may not is counted.
pub(super) fn is_listed(indicator: &Indicator, use_: Use, loss: &mut LossReport) -> bool {
    let forbidden = |c: &Context| use_.forbidden(c).is_some();
    if indicator.contexts.is_empty() || indicator.contexts.iter().any(|c| condemns(c) && !forbidden(c)) {
        return true;
    }
    let mut marked = indicator.contexts.iter().filter(|c| condemns(c)).filter_map(|c| use_.forbidden(c));
    if let Some(why) = marked.next() {
        loss.leave_out(why);
        return false;
    }
    let silent = |c: &Context| c.revoked == Some(true) || is_not_for_detection(c);
    loss.leave_out(if indicator.contexts.iter().all(silent) {
        "revoked or not for detection"
    } else {
        "compromised, victim or benign"
    });
    false
}

/// Whether a name can stand in a line without meaning anything else there.
pub(super) fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// Counts what a line does not say of the contexts, but for the fields that it carries.
pub(super) fn lose_contexts(indicator: &Indicator, carried: &[&str], loss: &mut LossReport) {
    loss.lose("group", indicator.group.is_some());
    loss.lose("contexts", indicator.contexts.len() > 1);
    for context in &indicator.contexts {
        lose_context(context, carried, loss);
    }
}

/// Counts the fields of one context that are there and not carried.
pub(super) fn lose_context(context: &Context, carried: &[&str], loss: &mut LossReport) {
    for (field, there) in [
        ("feed", context.feed.is_some()),
        ("producer", context.producer.is_some()),
        ("source_id", context.source_id.is_some()),
        ("role", context.role.is_some()),
        ("labels", !context.labels.is_empty()),
        ("threat", context.threat.is_some()),
        ("confidence", context.confidence.is_some()),
        ("first_seen", context.first_seen.is_some()),
        ("last_seen", context.last_seen.is_some()),
        ("valid_from", context.valid_from.is_some()),
        ("valid_until", context.valid_until.is_some()),
        ("revoked", context.revoked.is_some()),
        ("tlp", context.tlp.is_some()),
        ("pap", context.pap.is_some()),
        ("purposes", !context.purposes.is_empty()),
        ("countries", !context.countries.is_empty()),
        ("asn", context.asn.is_some()),
        ("provider", context.provider.is_some()),
        ("references", !context.references.is_empty()),
        ("description", context.description.is_some()),
        ("hops", !context.hops.is_empty()),
        ("extra", !context.extra.is_empty()),
    ] {
        loss.lose(field, there && !carried.contains(&field));
    }
}
