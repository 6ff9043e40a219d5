//! The C and C++ library, tested by compiled programs. A C compiler is all that is needed; what else is
//! installed is used, and what is not is named.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::install;

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// Runs everything; the result is what was skipped and why.
pub fn run(root: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut skipped = Vec::new();
    let mut has = |program: &str, what: &str| {
        let found = exists(program);
        if !found {
            skipped.push(format!("{what}: no {program}"));
        }
        found
    };
    let cc = match ["gcc", "cc"].iter().find(|cc| exists(cc)) {
        Some(cc) => *cc,
        None => return Err("a C compiler is needed: gcc or cc".into()),
    };
    let gxx = has("g++", "C++ with g++");
    let clang = has("clang", "C with clang");
    let clangxx = has("clang++", "C++ with clang++");
    let nm = has("nm", "the exported symbols");
    let valgrind = has("valgrind", "C programs under valgrind");
    let pkg_config = has("pkg-config", "the installed library by pkg-config");
    let cmake = has("cmake", "the installed library by CMake");

    let built = install::build(root, install::Profile::Dev)?;
    let c = root.join("bindings/c");
    let work = built.shared.parent().ok_or("no folder")?.join("c-tests");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;
    let include = format!("-I{}", c.join("include").display());

    for compiler in [Some(cc), clang.then_some("clang")].into_iter().flatten() {
        for standard in ["-std=c99", "-std=c11", "-std=c17"] {
            let mut compile = Command::new(compiler);
            compile.args([standard, "-fsyntax-only", &include]).args(WARNINGS).arg(c.join("tests/header.c"));
            done(&mut compile)?;
        }
    }
    for compiler in [gxx.then_some("g++"), clangxx.then_some("clang++")].into_iter().flatten() {
        for (standard, source) in [
            ("-std=c++17", "tests/header.cpp"),
            ("-std=c++20", "tests/header.cpp"),
            ("-std=c++17", "tests/api.cpp"),
        ] {
            let mut compile = Command::new(compiler);
            compile.args([standard, "-fsyntax-only", &include]).args(WARNINGS).arg(c.join(source));
            done(&mut compile)?;
        }
    }
    println!("the headers compile as C and C++ without a warning");

    if nm {
        let output = Command::new("nm").args(["-D", "--defined-only"]).arg(&built.shared).output()?;
        let text = String::from_utf8(output.stdout)?;
        let names: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
        let foreign: Vec<_> = names.iter().filter(|name| !name.starts_with("indicia_")).collect();
        if !foreign.is_empty() || names.is_empty() {
            return Err(format!("the library exports what is not indicia_*: {foreign:?}").into());
        }
        let header = fs::read_to_string(c.join("include/indicia.h"))?;
        for name in &names {
            if !header.contains(&format!("{name}(")) {
                return Err(format!("the library exports {name}, which the header does not declare").into());
            }
        }
        println!("{} symbols are exported, all indicia_*", names.len());
    }

    let vectors = work.join("default-1.tsv");
    fs::write(&vectors, rows(&fs::read_to_string(root.join("tests/vectors/default-1.jsonl"))?)?)?;
    let profiles = work.join("profiles-1.tsv");
    fs::write(&profiles, profile_rows(&fs::read_to_string(root.join("tests/vectors/profiles-1.jsonl"))?)?)?;
    let feed = work.join("feed.csv");
    let text = work.join("text.log");
    fs::write(&feed, "indicator,type\nbad.example,domain\n192.0.2.0/24,cidr\n")?;
    fs::write(&text, "GET http://www.bad.example/a from 192.0.2.7\n")?;
    let expected = "www.bad.example subdomain feed.csv\n192.0.2.7 network feed.csv\n";

    // Under the names that the linker and the loader look for, as an installed library has them.
    for name in ["libindicia.so", "libindicia.so.0"] {
        fs::copy(&built.shared, work.join(name))?;
    }
    let link =
        vec![format!("-L{}", work.display()), format!("-Wl,-rpath,{}", work.display()), "-lindicia".into()];
    let mut programs: Vec<(&str, &str, &str, PathBuf, Vec<&Path>)> = Vec::new();
    for name in ["vectors", "api", "stream", "threads"] {
        let arguments = match name {
            "vectors" => vec![vectors.as_path(), profiles.as_path()],
            _ => vec![work.as_path()],
        };
        programs.push((cc, "-std=c99", name, c.join(format!("tests/{name}.c")), arguments));
    }
    programs.push((cc, "-std=c99", "ten_lines", c.join("examples/ten_lines.c"), vec![&feed, &text]));
    if gxx {
        programs.push(("g++", "-std=c++17", "api_cpp", c.join("tests/api.cpp"), vec![&work]));
    }
    for (compiler, standard, name, source, arguments) in &programs {
        let program = work.join(name);
        let mut compile = Command::new(compiler);
        compile
            .args([standard, "-g", "-pthread", &include])
            .args(WARNINGS)
            .arg(source)
            .arg("-o")
            .arg(&program)
            .args(&link);
        done(&mut compile)?;
        let output = done(Command::new(&program).args(arguments))?;
        if *name == "ten_lines" && output != expected {
            return Err(format!("the example prints {output:?}, not {expected:?}").into());
        }
        if valgrind {
            let mut check = Command::new("valgrind");
            check.args([
                "--quiet",
                "--error-exitcode=9",
                "--leak-check=full",
                "--errors-for-leak-kinds=definite,indirect",
            ]);
            check.arg(&program).args(arguments);
            if matches!(*name, "api" | "stream") {
                // It is some fifty times slower, and reads beyond an end show at any position.
                check.arg("29");
            }
            if *name == "threads" {
                // One thread at a time, each in its turn.
                check.arg("200");
            }
            done(&mut check)?;
        }
        println!("{name}{}: good", if valgrind { ", also under valgrind" } else { "" });
    }

    let prefix = work.join("prefix");
    install::run(root, &prefix, install::Profile::Dev)?;
    let lib = prefix.join("lib");
    let mut ways: Vec<(&str, Vec<String>)> = vec![(
        "flags",
        vec![
            format!("-I{}", prefix.join("include").display()),
            format!("-L{}", lib.display()),
            "-lindicia".into(),
        ],
    )];
    if pkg_config {
        let flags = |extra: &[&str]| -> Result<Vec<String>, Box<dyn Error>> {
            let mut ask = Command::new("pkg-config");
            ask.args(extra)
                .args(["--cflags", "--libs", "indicia"])
                .env("PKG_CONFIG_PATH", lib.join("pkgconfig"));
            Ok(done(&mut ask)?.split_whitespace().map(str::to_string).collect())
        };
        ways.push(("pkg-config", flags(&[])?));
        let mut fixed = flags(&["--static"])?;
        let at = fixed
            .iter()
            .position(|flag| flag == "-lindicia")
            .ok_or("pkg-config does not name the library")?;
        fixed[at] = "-l:libindicia.a".into();
        ways.push(("pkg-config --static", fixed));
    }
    for (way, flags) in ways {
        let program = work.join("installed");
        let mut compile = Command::new(cc);
        compile.args(["-std=c99"]).args(WARNINGS).arg(c.join("examples/ten_lines.c")).arg("-o").arg(&program);
        done(compile.args(flags).arg(format!("-Wl,-rpath,{}", lib.display())))?;
        if done(Command::new(&program).args([&feed, &text]))? != expected {
            return Err(format!("the example prints something else when linked by {way}").into());
        }
        println!("the installed library links by {way}");
    }
    if cmake {
        let build = work.join("cmake");
        fs::create_dir_all(&build)?;
        fs::write(
            build.join("CMakeLists.txt"),
            format!(
                "cmake_minimum_required(VERSION 3.13)\nproject(t C)\nfind_package(indicia {} REQUIRED)\n\
                 add_executable(a {source})\ntarget_link_libraries(a indicia::indicia)\n\
                 add_executable(b {source})\ntarget_link_libraries(b indicia::static)\n",
                env!("CARGO_PKG_VERSION"),
                source = c.canonicalize()?.join("examples/ten_lines.c").display(),
            ),
        )?;
        let mut configure = Command::new("cmake");
        done(
            configure
                .args(["-S", ".", "-B", "out"])
                .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()))
                .current_dir(&build),
        )?;
        done(Command::new("cmake").args(["--build", "out"]).current_dir(&build))?;
        for program in ["a", "b"] {
            if done(Command::new(build.join("out").join(program)).args([&feed, &text]))? != expected {
                return Err("the example prints something else when linked by CMake".into());
            }
        }
        println!("the installed library links by CMake");
    }
    Ok(skipped)
}

fn exists(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Runs a command that must succeed; what it printed.
fn done(command: &mut Command) -> Result<String, Box<dyn Error>> {
    let output = command.output().map_err(|e| format!("{}: {e}", command.get_program().to_string_lossy()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(format!(
            "{command:?}: {}\n{text}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    Ok(text)
}

/// The vectors as lines of kind, refang, raw, kind, value, key, reason with tabs between, so that C needs no
/// parser of JSON. Bytes outside printable ASCII, and `\`, are `\xNN`.
fn rows(jsonl: &str) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    for line in jsonl.lines().filter(|line| !line.trim().is_empty()) {
        let row: Value = serde_json::from_str(line)?;
        let expect = &row["expect"];
        let fields = [
            &row["kind"],
            &row["refang"],
            &row["raw"],
            &expect["kind"],
            &expect["value"],
            &expect["key"],
            &row["error"],
        ];
        line_of(&fields, &mut text)?;
    }
    Ok(text)
}

/// The vectors of the other profiles, likewise: profile, kind, refang, raw, value, reason.
fn profile_rows(jsonl: &str) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    for line in jsonl.lines().filter(|line| !line.trim().is_empty()) {
        let row: Value = serde_json::from_str(line)?;
        let fields = ["profile", "kind", "refang", "raw", "value", "error"].map(|name| &row[name]);
        line_of(&fields, &mut text)?;
    }
    Ok(text)
}

fn line_of(fields: &[&Value], text: &mut String) -> Result<(), Box<dyn Error>> {
    for (at, field) in fields.iter().enumerate() {
        text.push_str(if at > 0 { "\t" } else { "" });
        for byte in field.as_str().unwrap_or_default().bytes() {
            match byte {
                b' '..=b'~' if byte != b'\\' => text.push(char::from(byte)),
                _ => write!(text, "\\x{byte:02x}")?,
            }
        }
    }
    text.push('\n');
    Ok(())
}
