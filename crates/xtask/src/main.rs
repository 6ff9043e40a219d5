//! Chores of the workspace. `cargo xtask help` lists them.

use std::error::Error;
use std::path::{Path, PathBuf};

mod tables;

const HELP: &str = "cargo xtask generate tables LISTS";

fn main() -> Result<(), Box<dyn Error>> {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["generate", "tables", lists] => tables::generate(&root, Path::new(lists)),
        _ => {
            println!("{HELP}");
            Ok(())
        }
    }
}
