//! Chores of the workspace. `cargo xtask help` lists them.

use std::error::Error;
use std::path::{Path, PathBuf};

mod c_tests;
mod header;
mod install;
mod python_tests;
mod test;
mod update_data;

const HELP: &str = "\
cargo xtask test [--all]             everything, in Rust, Python and C; with --all a skip is an error
cargo xtask update-data [--check] --from PATH… | --fetch
                                     the tables of indicia-data from public_suffix_list.dat,
                                     tlds-alpha-by-domain.txt and ATT&CK's STIX bundles, wherever they lie
                                     below PATH; shows what changes. --check writes nothing and fails where
                                     a table is stale, --fetch gets the files with curl
cargo xtask generate header          bindings/c/include/indicia.h from its sources
cargo xtask check header             fails where the committed header differs
cargo xtask install --prefix DIR     the C library, its headers, pkg-config and CMake files
cargo xtask test c                   the C and C++ library with gcc, and what else is installed
cargo xtask test python              the wheel in a fresh venv, and its types with mypy";

fn main() -> Result<(), Box<dyn Error>> {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["update-data", rest @ ..] => update_data::run(&root, rest),
        [verb @ ("generate" | "check"), "header"] => header::run(&root, *verb == "check"),
        ["install", "--prefix", prefix] => install::run(&root, Path::new(prefix), install::Profile::Release),
        ["test"] => test::run(&root, false),
        ["test", "--all"] => test::run(&root, true),
        ["test", "c"] => {
            c_tests::run(&root).map(|skipped| skipped.iter().for_each(|s| println!("skipped: {s}")))
        }
        ["test", "python"] => {
            python_tests::run(&root).map(|skipped| skipped.iter().for_each(|s| println!("skipped: {s}")))
        }
        _ => {
            println!("{HELP}");
            Ok(())
        }
    }
}
