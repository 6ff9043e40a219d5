//! `test`: everything that shows that the workspace works, in three languages.
//!
//! A step that needs a program or data that is not here says what it skipped and why; `--all` makes that an error.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::{c_tests, install, python_tests};

type Step = fn(&Path) -> Result<Vec<String>, Box<dyn Error>>;

/// Runs every step; the first that fails ends the run.
pub fn run(root: &Path, all: bool) -> Result<(), Box<dyn Error>> {
    let steps: [(&str, Step); 9] = [
        ("rust", rust),
        ("documentation tests", doc_tests),
        ("readme", readme),
        ("man pages", man_pages),
        ("c", c_tests::run),
        ("python", python_tests::run),
        ("ten lines in three languages", ten_lines),
        ("made-up logs with known hits", workload),
        ("a hand-over, both hops", handover),
    ];
    let mut skipped = Vec::new();
    let count = steps.len();
    for (name, step) in steps {
        println!("== {name}");
        let began = Instant::now();
        skipped.extend(step(root)?);
        println!("== {name}: {:.0} s", began.elapsed().as_secs_f64());
    }
    for what in &skipped {
        println!("skipped: {what}");
    }
    println!("{count} passed, 0 failed, {} skipped", skipped.len());
    if all && !skipped.is_empty() {
        return Err("with --all nothing may be skipped".into());
    }
    Ok(())
}

/// Runs a command from the workspace's root and fails with it.
pub fn call(root: &Path, command: &mut Command) -> Result<(), Box<dyn Error>> {
    command.current_dir(root);
    let status = command.status().map_err(|e| format!("{}: {e}", command.get_program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed: {status}").into()) }
}

fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    if let Some(shared) = shared() {
        command.env("INDICIA_CORPUS", shared.join("corpus"));
    }
    command
}

/// The folder of data beside the project, where it is.
fn shared() -> Option<PathBuf> {
    std::env::var_os("INDICIA_SHARED").map(PathBuf::from).filter(|path| path.is_dir())
}

/// The crates with tests of their own; the bindings have theirs.
const CRATES: [&str; 14] = [
    "-p",
    "indicia-data",
    "-p",
    "indicia-core",
    "-p",
    "indicia-feeds",
    "-p",
    "indicia-exchange",
    "-p",
    "indicia",
    "-p",
    "indicia-cli",
    "-p",
    "xtask",
];

fn rust(root: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let nextest =
        Command::new("cargo").args(["nextest", "--version"]).output().is_ok_and(|o| o.status.success());
    let args: &[&str] = if nextest { &["nextest", "run", "--no-fail-fast"] } else { &["test", "--tests"] };
    call(root, cargo(args).args(CRATES))?;
    Ok(if shared().is_some() {
        vec![]
    } else {
        vec!["the feeds' corpus: INDICIA_SHARED is not set".to_string()]
    })
}

fn doc_tests(root: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    call(root, cargo(&["test", "--doc"]).args(&CRATES[..10]))?;
    Ok(vec![])
}

/// The examples that the README shows are the files that the tests run.
fn readme(root: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let text = std::fs::read_to_string(root.join("README.md"))?;
    for (language, file) in EXAMPLES {
        let example = std::fs::read_to_string(root.join(file))?;
        if !text.contains(&format!("```{language}\n{example}```")) {
            return Err(format!("README.md does not show {file} as it is").into());
        }
    }
    Ok(vec![])
}

/// The man pages are such as mandoc finds nothing in.
fn man_pages(root: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    call(root, cargo(&["run", "--quiet", "-p", "indicia-cli", "--", "man"]).arg(folder.path()))?;
    let mut pages: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder.path())? {
        pages.push(entry?.path());
    }
    if pages.is_empty() {
        return Err("no man page was written".into());
    }
    let Ok(lint) = Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).args(&pages).output() else {
        return Ok(vec!["man pages: mandoc is not here".to_string()]);
    };
    let found = String::from_utf8(lint.stdout)?;
    if !found.is_empty() {
        return Err(format!("mandoc says:\n{found}").into());
    }
    Ok(vec![])
}

const EXAMPLES: [(&str, &str); 3] = [
    ("rust", "crates/indicia/examples/ten_lines.rs"),
    ("python", "bindings/python/examples/ten_lines.py"),
    ("c", "bindings/c/examples/ten_lines.c"),
];

/// The same ten lines give the same output in Rust, Python and C.
fn ten_lines(root: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut skipped = Vec::new();
    let folder = tempfile::tempdir()?;
    let feed = folder.path().join("partner.csv");
    std::fs::copy(root.join("crates/indicia-cli/demo/partner.csv"), &feed)?;
    let text = folder.path().join("access.log");
    std::fs::write(&text, "GET http://www.bad-updates.example/a from 203.0.113.77\n")?;
    let run = |mut command: Command| -> Result<String, Box<dyn Error>> {
        let output = command.arg(&feed).arg(&text).output()?;
        if !output.status.success() {
            return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    };
    let mut rust = cargo(&["run", "--quiet", "-p", "indicia", "--example", "ten_lines", "--"]);
    rust.current_dir(root);
    let expected = run(rust)?;
    if expected.lines().count() != 2 {
        return Err(format!("ten lines in Rust gave {expected:?}").into());
    }
    for (language, command) in [("C", Some(c_program(root)?)), ("Python", python_tests::ten_lines(root)?)] {
        match command {
            Some(command) => {
                let got = run(command)?;
                if got != expected {
                    return Err(format!("ten lines in {language} gave {got:?}, in Rust {expected:?}").into());
                }
            }
            None => skipped.push(format!("ten lines in {language}")),
        }
    }
    Ok(skipped)
}

/// The C example, linked with the static library.
fn c_program(root: &Path) -> Result<Command, Box<dyn Error>> {
    let library = install::build(root, install::Profile::Dev)?.fixed;
    let program = target(root).join("ten_lines");
    let mut compile = Command::new("cc");
    compile.args(["-std=c99", "-Ibindings/c/include", "bindings/c/examples/ten_lines.c"]).arg(library);
    call(root, compile.args(["-lpthread", "-ldl", "-lm", "-o"]).arg(&program))?;
    Ok(Command::new(program))
}

fn workload(root: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let Some(shared) = shared() else {
        return Ok(vec!["made-up logs: INDICIA_SHARED is not set".to_string()]);
    };
    call(root, &mut cargo(&["build", "--release", "-p", "indicia-cli"]))?;
    let binary = target(root).join("release/indicia");
    for endpoints in ["0", "0.3"] {
        let mut check = Command::new("python3");
        check.arg("benches/workload.py").arg("--shared").arg(&shared).arg("--indicia").arg(&binary);
        call(root, check.args(["--bytes", "16M", "--endpoints", endpoints]))?;
    }
    Ok(vec![])
}

/// Companies, an international body and countries, small: every number of every package with the script's own books.
fn handover(root: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    call(root, &mut cargo(&["build", "--release", "-p", "indicia-cli"]))?;
    let mut play = Command::new("python3");
    play.arg("benches/handover.py").arg("--indicia").arg(target(root).join("release/indicia"));
    call(root, play.args(["--scale", "0.02"]))?;
    Ok(vec![])
}

/// Where cargo puts what it builds.
pub fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}
