//! `cargo xtask test`: everything a fresh machine needs, then every test.

use std::path::Path;

use anyhow::{Context, Result};

use crate::run::{is_there, output, run};
use crate::{clients, fuzz, tidy};

/// Where property tests take the seed of their inputs from.
const SEED_VARIABLE: &str = "PROPTEST_RNG_SEED";

/// The whole run draws the same inputs each time, so that it fails for what was changed. New inputs are drawn by
/// `cargo nextest run` and by the fuzz targets.
const SEED: &str = "20251109";

/// How much to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Everything,
    /// Without the real clients, without clippy and without the look with fuzz targets.
    Quick,
}

/// Installs what is missing, checks the house, runs the tests.
pub fn all(root: &Path, scope: Scope) -> Result<()> {
    if !is_there("cargo-nextest") {
        run(root, "cargo", &["install", "--locked", "cargo-nextest"])
            .context("the tests run under cargo-nextest")?;
    }
    if !is_there("git") {
        run(root, "apt-get", &["install", "-y", "git"]).context("the tests make real repositories")?;
    }
    if scope == Scope::Everything {
        if !is_there("npm") {
            run(root, "apt-get", &["update"])?;
            run(root, "apt-get", &["install", "-y", "npm"]).context("the real clients are npm packages")?;
        }
        if output(root, "python3", &["-m", "pip", "--version"]).is_err() {
            run(root, "apt-get", &["update"])?;
            run(root, "apt-get", &["install", "-y", "python3-pip"]).context("twine is a Python package")?;
        }
        clients::install(root)?;
    }
    tidy::all(root)?;
    run(root, "cargo", &["build", "--locked", "--workspace", "--all-targets"])?;
    if scope == Scope::Everything {
        let strict = ["--", "-D", "warnings"];
        run(root, "cargo", &[&["clippy", "--locked", "--workspace", "--all-targets"], &strict[..]].concat())?;
        // All fuzz targets, of which the last step builds a few: a change of what they call has to change them too.
        let fuzz =
            ["clippy", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target-dir", "target", "--bins"];
        run(root, "cargo", &[&fuzz, &strict[..]].concat())?;
    }
    let seed =
        format!("{SEED_VARIABLE}={}", std::env::var(SEED_VARIABLE).unwrap_or_else(|_| SEED.to_owned()));
    let mut args = vec![
        &seed,
        "cargo",
        "nextest",
        "run",
        "--profile",
        "whole",
        "--locked",
        "--workspace",
        "--no-fail-fast",
    ];
    if scope == Scope::Quick {
        args.extend(["-E", "not test(/real_client/)"]);
    }
    run(root, "env", &args)?;
    // Last, because it builds everything once more: who broke a test should not wait for it.
    if scope == Scope::Everything { fuzz::smoke(root) } else { Ok(()) }
}
