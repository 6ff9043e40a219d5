//! `man`: a page for the command and one for each of its commands, from the definitions in `args`.

use std::path::Path;
use std::{fs, io};

use clap::{Command, CommandFactory};

use crate::args::Args;

/// The date on the pages: that of the last change of the command line.
const DATE: &str = "2026-11-24";

pub(crate) fn write(folder: &Path) -> io::Result<()> {
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    render(&command, folder)
}

/// The page of a command, and those of the commands below it.
fn render(command: &Command, folder: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        render(below, folder)?;
    }
    let name = command.get_display_name().unwrap_or(command.get_name()).to_string();
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone())
        .title(name.to_uppercase())
        .date(DATE)
        .source(format!("indicia {}", env!("CARGO_PKG_VERSION")))
        .manual("indicia")
        .render(&mut text)?;
    // The generator leaves line breaks beside paragraph breaks, and blanks at the ends of lines.
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut page = String::new();
    for (n, line) in lines.iter().enumerate() {
        let beside =
            |at: Option<usize>| at.and_then(|at| lines.get(at)).is_some_and(|l| matches!(*l, ".sp" | ""));
        if !(*line == ".br" && (beside(n.checked_sub(1)) || beside(Some(n + 1)))) {
            page.push_str(line);
            page.push('\n');
        }
    }
    fs::write(folder.join(format!("{name}.1")), page)
}
