//! `cargo xtask test`: everything a fresh machine needs, then every test.

use std::path::Path;

use anyhow::{Context, Result};

use crate::run::{is_there, run};
use crate::{clients, tidy};

/// How much to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Everything,
    /// Without the real clients and without clippy.
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
        clients::install(root)?;
    }
    tidy::all(root)?;
    run(root, "cargo", &["build", "--locked", "--workspace", "--all-targets"])?;
    match scope {
        Scope::Everything => {
            run(
                root,
                "cargo",
                &["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"],
            )?;
            run(root, "cargo", &["nextest", "run", "--locked", "--workspace", "--no-fail-fast"])
        }
        Scope::Quick => run(
            root,
            "cargo",
            &["nextest", "run", "--locked", "--workspace", "--no-fail-fast", "-E", "not test(/real_client/)"],
        ),
    }
}
