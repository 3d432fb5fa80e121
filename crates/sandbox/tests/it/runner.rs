//! Lists and runs cases the way `cargo test` and `cargo nextest` expect.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, ExitCode};

/// Name and body of a case.
pub type Case = (&'static str, fn());

/// Prefix of a case that runs as an ordinary user although root started the tests.
const AS_USER: &str = "user::";
/// The ordinary user: `nobody`.
const NOBODY: u32 = 65534;

pub fn run(args: &[String], modules: &[&[Case]]) -> ExitCode {
    let root = rustix::process::geteuid().is_root();
    let cases = modules.iter().copied().flatten();
    let mut all: Vec<(String, fn())> = Vec::new();
    for (name, body) in cases {
        all.push(((*name).to_owned(), *body));
        if root && !name.starts_with("root_") {
            all.push((format!("{AS_USER}{name}"), *body));
        }
    }
    all.retain(|(name, _)| root || !name.starts_with("root_"));
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    if has("--list") {
        if !has("--ignored") {
            all.iter().for_each(|(name, _)| println!("{name}: test"));
        }
        return ExitCode::SUCCESS;
    }
    let filters: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &String| {
        filters.is_empty()
            || filters
                .iter()
                .any(|filter| if has("--exact") { name == *filter } else { name.contains(*filter) })
    };
    let mut failed = 0;
    for (name, body) in all.into_iter().filter(|(name, _)| wanted(name)) {
        let passed = match name.strip_prefix(AS_USER) {
            Some(plain) => run_as_user(plain),
            None => catch_unwind(AssertUnwindSafe(body)).is_ok(),
        };
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one case again, from a copy of this binary that an ordinary user can reach.
fn run_as_user(name: &str) -> bool {
    let place = tempfile::Builder::new().prefix("yard-").tempdir().expect("a directory");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).expect("open to all");
    let copy = place.path().join("it");
    let own = fs::read_link("/proc/self/exe").expect("own path");
    if fs::hard_link(&own, &copy).is_err() {
        fs::copy(&own, &copy).expect("a copy");
    }
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).expect("executable by all");
    let home = place.path().join("tmp");
    fs::create_dir(&home).expect("a directory");
    std::os::unix::fs::chown(&home, Some(NOBODY), Some(NOBODY)).expect("given away");
    start_as_user(&copy, &home, name)
}

fn start_as_user(copy: &Path, home: &Path, name: &str) -> bool {
    Command::new(copy)
        .args(["--exact", name])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TMPDIR", home)
        .current_dir(home)
        .uid(NOBODY)
        .gid(NOBODY)
        .status()
        .expect("started as a user")
        .success()
}
