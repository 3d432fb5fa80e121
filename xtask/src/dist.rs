//! `cargo xtask dist`: the program as it is given away.
//!
//! One static file at a fixed address: nothing to load and nothing to move when a hook process starts, which is half of
//! its life otherwise. Measured beside `/bin/true` in one run: 2.1 times as it is built here, 3.3 times linked to the
//! system's libraries.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::run::run;

/// What the linker is told, for Linux with the GNU C library; elsewhere the usual build is taken.
const FLAGS: &str = "[\"-C\", \"target-feature=+crt-static\", \"-C\", \"relocation-model=static\"]";

/// Builds it and says where it is.
pub fn build(root: &Path) -> Result<PathBuf> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let flags = format!("target.{target}.rustflags={FLAGS}");
    let place = root.join("target/dist");
    let folder = place.to_string_lossy().into_owned();
    let built = if cfg!(all(target_os = "linux", target_env = "gnu")) {
        let args =
            ["--config", &flags, "build", "--release", "--locked", "--package", "writ", "--target", &target];
        run(root, "cargo", &[&args[..], &["--target-dir", &folder]].concat())?;
        place.join(target).join("release/writ")
    } else {
        run(
            root,
            "cargo",
            &["build", "--release", "--locked", "--package", "writ", "--target-dir", &folder],
        )?;
        place.join("release/writ")
    };
    let writ = place.join("writ");
    std::fs::copy(&built, &writ).with_context(|| format!("could not copy `{}`", built.display()))?;
    Ok(writ)
}

/// Builds an example in the same way and says where it is.
pub fn example(root: &Path, package: &str, name: &str) -> Result<PathBuf> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let flags = format!("target.{target}.rustflags={FLAGS}");
    let place = root.join("target/dist");
    let folder = place.to_string_lossy().into_owned();
    let args =
        ["--config", &flags, "build", "--release", "--locked", "--package", package, "--example", name];
    run(root, "cargo", &[&args[..], &["--target", &target, "--target-dir", &folder]].concat())?;
    Ok(place.join(target).join("release/examples").join(name))
}
