//! The project's own chores: `cargo xtask test|tidy|bench|fuzz|dist`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool talks to its terminal")]

mod bench;
mod clients;
mod dist;
mod fuzz;
mod run;
mod test;
mod tidy;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

const HELP: &str = "\
cargo xtask COMMAND

  test [--quick]   install what the tests need, check the house, run every test
                   (--quick: leave out the real clients, clippy and the short look with fuzz targets)
  tidy             check the walls of the house: crate edges, file sizes, names, unsafe, documents
  bench [NAME …]   side-by-side benchmarks in one run: classify hook decision append sandbox start;
                   only when named: identity (many minutes) and git, and those that install what they compare with:
                   egress, moat, secrets, workflows
  fuzz [TARGET …] [--seconds N]
                   build fuzz targets and run them over what they found before, a minute each unless said otherwise
  dist             build the program as it is given away: one static file, target/dist/writ
  clients          install the real clients that the end-to-end tests drive
";

fn main() -> Result<()> {
    let root =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent folder")?.to_owned();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["test"] => test::all(&root, test::Scope::Everything),
        ["test", "--quick"] => test::all(&root, test::Scope::Quick),
        ["tidy"] => tidy::all(&root),
        ["bench", names @ ..] => bench::all(&root, names),
        ["fuzz", arguments @ ..] => fuzz::named(&root, arguments),
        ["dist"] => dist::build(&root).map(|place| println!("{}", place.display())),
        ["clients"] => clients::install(&root).map(|place| println!("clients are in {}", place.display())),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        other => bail!("no chore is called `{}`\n\n{HELP}", other.join(" ")),
    }
}
