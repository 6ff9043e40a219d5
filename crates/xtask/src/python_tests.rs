//! `test python`: builds the wheel, installs it into a fresh venv and runs the tests of `bindings/python` there.
//!
//! Needs cargo and python3. maturin comes from the registry that pip uses, into a venv that is kept; without it
//! nothing here can run, and that is said. The wheel is a dev build: it shares what `cargo test` has compiled.

use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const MATURIN: &str = "maturin==1.16.0";
const MYPY: &str = "mypy==2.4.1";
const IDNA: &str = "idna==3.11";

/// Runs everything. Returns what was skipped and why; an error where something fails.
pub fn run(root: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let root = root.canonicalize()?;
    let package = root.join("bindings/python");
    let target = target(&root);
    let work = target.join("python-tests");
    fs::create_dir_all(&work)?;
    let mut skipped = Vec::new();

    let Some(python) = ["python3", "python"].into_iter().find(|p| recent(p)) else {
        return Ok(vec!["all Python tests: there is no python3 of version 3.11 or later".to_string()]);
    };
    let tools = work.join("tools");
    if !python_of(&tools).exists()
        && let Err(error) = command(python, [OsStr::new("-m"), "venv".as_ref(), tools.as_os_str()], &root)
    {
        return Ok(vec![format!("all Python tests: no venv can be made ({error})")]);
    }
    if !install(&tools, MATURIN) {
        return Ok(vec![format!("all Python tests: pip cannot get {MATURIN} from its registry")]);
    }

    let wheels = work.join("wheels");
    remove(&wheels)?;
    let build = Command::new(python_of(&tools))
        .args(["-m", "maturin", "build", "--quiet", "--profile", "dev", "--locked", "--interpreter"])
        .arg(python_of(&tools))
        .arg("--manifest-path")
        .arg(package.join("Cargo.toml"))
        .arg("--out")
        .arg(&wheels)
        .current_dir(&root)
        .env("CARGO_TARGET_DIR", &target)
        .status()?;
    if !build.success() {
        return Err("the wheel does not build".into());
    }
    let wheel = fs::read_dir(&wheels)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|e| e == "whl"))
        .ok_or("maturin made no wheel")?;

    let fresh = work.join("fresh");
    remove(&fresh)?;
    command(python, [OsStr::new("-m"), "venv".as_ref(), fresh.as_os_str()], &root)?;
    let arguments =
        ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index", "--no-deps"];
    let wheel_arguments = arguments.iter().map(OsStr::new).chain([wheel.as_os_str()]);
    command(python_of(&fresh), wheel_arguments, &root)?;
    command(
        python_of(&fresh),
        ["-W", "error", "-m", "unittest", "discover", "-s", "tests", "-t", "tests"],
        &package,
    )?;

    if install(&fresh, IDNA) {
        command(python_of(&fresh), ["tests/differential.py"], &package)?;
    } else {
        skipped
            .push(format!("the comparison with Python's packages: pip cannot get {IDNA} from its registry"));
    }

    if install(&fresh, MYPY) {
        let cache = work.join("mypy");
        let settings = package.join("pyproject.toml");
        let stubtest = ["-m", "mypy.stubtest", "indicia", "--mypy-config-file"];
        command(python_of(&fresh), stubtest.iter().map(OsStr::new).chain([settings.as_os_str()]), &work)?;
        let checked = ["-m", "mypy", "--strict", "examples", "tests/typed.py", "--cache-dir"];
        command(python_of(&fresh), checked.iter().map(OsStr::new).chain([cache.as_os_str()]), &package)?;
    } else {
        skipped.push(format!("the check of the Python types: pip cannot get {MYPY} from its registry"));
    }
    Ok(skipped)
}

/// The example of the README, to be given a feed and a text; `None` where [`run`] could not make its venv.
pub fn ten_lines(root: &Path) -> Result<Option<Command>, Box<dyn Error>> {
    let python = python_of(&target(root).join("python-tests/fresh"));
    if !python.exists() {
        return Ok(None);
    }
    let mut command = Command::new(python);
    command.arg(root.canonicalize()?.join("bindings/python/examples/ten_lines.py"));
    Ok(Some(command))
}

fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

fn recent(python: &str) -> bool {
    let test = "import sys, venv; sys.exit(sys.version_info < (3, 11))";
    Command::new(python)
        .args(["-c", test])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn python_of(venv: &Path) -> PathBuf {
    if cfg!(windows) { venv.join("Scripts/python.exe") } else { venv.join("bin/python") }
}

/// Whether a venv has a requirement, now or already.
fn install(venv: &Path, requirement: &str) -> bool {
    Command::new(python_of(venv))
        .args([
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "--quiet",
            "--retries",
            "1",
            requirement,
        ])
        .status()
        .is_ok_and(|status| status.success())
}

fn remove(folder: &Path) -> std::io::Result<()> {
    if folder.exists() { fs::remove_dir_all(folder) } else { Ok(()) }
}

fn command<A: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = A>,
    folder: &Path,
) -> Result<(), Box<dyn Error>> {
    let mut command = Command::new(program);
    // A backtrace of the panic that a test asks for would only hide what the tests say.
    command.args(arguments).current_dir(folder).env("RUST_BACKTRACE", "0");
    // No compiled files in the source tree.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed: {status}").into()) }
}
