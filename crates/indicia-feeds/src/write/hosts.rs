//! `hosts`: `0.0.0.0 name`, one name a line; everything else is lost and counted.
//!
//! A hosts file hides exactly the names that it lists. A name that was to match below too is written alone, and a
//! name below which only was to match is left out: nothing is hidden that was not listed.

use std::io::{self, Write};

use indicia_core::{Indicator, Kind, Match};

use super::{LossReport, lines};

pub(super) fn write(indicator: &Indicator, out: &mut dyn Write, loss: &mut LossReport) -> io::Result<()> {
    if indicator.target.match_ == Match::Mask {
        loss.leave_out("a mask");
        return Ok(());
    }
    let target = &indicator.target;
    let name = target.observable.value();
    if target.observable.kind() != Kind::Domain || !lines::is_plain_name(name) {
        loss.leave_out("not a name");
        return Ok(());
    }
    if target.below_only {
        loss.leave_out("only names below it");
        return Ok(());
    }
    if crate::hosts::is_own(name) {
        loss.leave_out("a name of every hosts file");
        return Ok(());
    }
    if !lines::is_listed(indicator, lines::Use::Block, loss) {
        return Ok(());
    }
    writeln!(out, "0.0.0.0 {name}")?;
    loss.written += 1;
    loss.lose("match", target.match_ != Match::Exact);
    lines::lose_contexts(indicator, &[], loss);
    Ok(())
}
