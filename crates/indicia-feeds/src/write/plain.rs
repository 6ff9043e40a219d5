//! `plain`: the values, one a line; everything else is lost and counted.

use std::io::{self, Write};

use indicia_core::{Indicator, Kind, Match, Observable};

use super::{LossReport, lines};

pub(super) fn write(indicator: &Indicator, out: &mut dyn Write, loss: &mut LossReport) -> io::Result<()> {
    if indicator.target.match_ == Match::Mask {
        loss.leave_out("a mask");
        return Ok(());
    }
    let observable = &indicator.target.observable;
    let value = indicator.target.value();
    if observable.kind() == Kind::Other {
        loss.leave_out("kind other");
        return Ok(());
    }
    if !lines::is_listed(indicator, lines::Use::Own, loss) {
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
    loss.lose("match", exact_name || matches!(indicator.target.match_, Match::Prefix | Match::Pattern));
    lines::lose_contexts(indicator, &[], loss);
    Ok(())
}
