//! The C library under a prefix, as a C programmer expects it: shared and static library, headers, pkg-config
//! and CMake files. For Linux; other systems are refused.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How the library is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// As it is shipped.
    Release,
    /// As the tests have built it already.
    Dev,
}

/// Builds the library and writes it under `prefix`.
pub fn run(root: &Path, prefix: &Path, profile: Profile) -> Result<(), Box<dyn Error>> {
    if !cfg!(target_os = "linux") {
        return Err("install knows the names of libraries on Linux only".into());
    }
    let version = env!("CARGO_PKG_VERSION");
    let major = version.split('.').next().unwrap_or(version);
    let built = build(root, profile)?;
    let private = native_libraries(root, profile)?;
    let c = root.join("bindings/c");
    let lib = prefix.join("lib");

    place(&built.shared, &lib.join(format!("libindicia.so.{version}")))?;
    link(&format!("libindicia.so.{version}"), &lib.join(format!("libindicia.so.{major}")))?;
    link(&format!("libindicia.so.{major}"), &lib.join("libindicia.so"))?;
    place(&built.fixed, &lib.join("libindicia.a"))?;
    for header in ["indicia.h", "indicia.hpp"] {
        place(&c.join("include").join(header), &prefix.join("include").join(header))?;
    }
    for (template, path) in [
        ("indicia.pc.in", "pkgconfig/indicia.pc"),
        ("indicia-config.cmake.in", "cmake/indicia/indicia-config.cmake"),
        ("indicia-config-version.cmake.in", "cmake/indicia/indicia-config-version.cmake"),
    ] {
        let text = fs::read_to_string(c.join("packaging").join(template))?
            .replace("@VERSION@", version)
            .replace("@MAJOR@", major)
            .replace("@LIBS_PRIVATE_LIST@", &private.replace(' ', ";"))
            .replace("@LIBS_PRIVATE@", &private);
        let path = lib.join(path);
        fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        fs::write(path, text)?;
    }
    println!("indicia {version} is in {}", prefix.display());
    Ok(())
}

/// The two libraries that a build made.
pub struct Built {
    /// `libindicia.so`.
    pub shared: PathBuf,
    /// `libindicia.a`.
    pub fixed: PathBuf,
}

/// Builds the crate `indicia-c`.
pub fn build(root: &Path, profile: Profile) -> Result<Built, Box<dyn Error>> {
    let output = cargo(root, "build", profile)
        .arg("--message-format=json-render-diagnostics")
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err("the C library does not build".into());
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let message: serde_json::Value = serde_json::from_str(line)?;
        let ours =
            message["target"]["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k == "cdylib"));
        if message["reason"] == "compiler-artifact" && ours && message["target"]["name"] == "indicia" {
            let names = message["filenames"].as_array().into_iter().flatten();
            files = names.filter_map(|name| name.as_str()).map(PathBuf::from).collect();
        }
    }
    let find =
        |extension: &str| files.iter().find(|f| f.extension().is_some_and(|e| e == extension)).cloned();
    Ok(Built {
        shared: find("so").ok_or("cargo names no shared library")?,
        fixed: find("a").ok_or("cargo names no static library")?,
    })
}

/// What a program that links the static library links beside it.
fn native_libraries(root: &Path, profile: Profile) -> Result<String, Box<dyn Error>> {
    let output = cargo(root, "rustc", profile)
        .args(["--crate-type", "staticlib", "--", "--print", "native-static-libs"])
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    match text.lines().find_map(|line| line.trim().strip_prefix("note: native-static-libs: ")) {
        Some(libraries) => {
            // rustc names some twice.
            let mut once: Vec<&str> = Vec::new();
            for library in libraries.split_whitespace().filter(|l| *l != "-lc") {
                if !once.contains(&library) {
                    once.push(library);
                }
            }
            Ok(once.join(" "))
        }
        None => Err(format!("rustc names no native libraries:\n{text}").into()),
    }
}

fn cargo(root: &Path, command: &str, profile: Profile) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([command, "--quiet", "--package", "indicia-c", "--lib"]).current_dir(root);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    cargo
}

/// Copies a file beside its place and renames it: a program that runs keeps the library that it has.
fn place(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to.parent().ok_or("no folder")?)?;
    let mut beside = to.as_os_str().to_os_string();
    beside.push(".new");
    fs::copy(from, &beside).map_err(|e| format!("{}: {e}", from.display()))?;
    fs::rename(&beside, to)?;
    Ok(())
}

fn link(name: &str, at: &Path) -> Result<(), Box<dyn Error>> {
    match fs::remove_file(at) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(name, at)?;
    #[cfg(not(unix))]
    let _ = name;
    Ok(())
}
