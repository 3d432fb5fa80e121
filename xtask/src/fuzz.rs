//! `cargo xtask fuzz`: builds the fuzz targets with coverage and runs them over what they found before.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::run::{output, run};

/// What libFuzzer needs to see where an input leads. A stable compiler has all of it; only the sanitizers need another, and
/// the parsers are without `unsafe`.
const COVERAGE: &str = "RUSTFLAGS=--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The parsers of what a stranger sends first, for a short look in each whole run of the tests.
const SMOKE: [&str; 5] = ["egress_hello", "egress_window", "git_pkt", "graphql", "request"];

/// Seconds of each target in a short look.
const SMOKE_SECONDS: u32 = 5;

/// Longest input that is tried.
const LONGEST: &str = "-max_len=16384";

/// A short look with the first few targets.
pub fn smoke(root: &Path) -> Result<()> {
    let targets: Vec<String> = SMOKE.iter().map(|target| (*target).to_owned()).collect();
    each(root, &targets, SMOKE_SECONDS)
}

/// `[TARGET …] [--seconds N]`: those targets, or all, for a minute each unless said otherwise.
pub fn named(root: &Path, arguments: &[&str]) -> Result<()> {
    let (mut targets, mut seconds) = (Vec::new(), 60);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if *argument == "--seconds" {
            let said = rest.next().context("`--seconds` wants a number")?;
            seconds = said.parse().with_context(|| format!("`{said}` is no number of seconds"))?;
        } else {
            targets.push((*argument).to_owned());
        }
    }
    let known = known(root)?;
    if let Some(unknown) = targets.iter().find(|target| !known.contains(target)) {
        bail!("no fuzz target is called `{unknown}`; there are {}", known.join(", "));
    }
    each(root, if targets.is_empty() { &known } else { &targets }, seconds)
}

fn each(root: &Path, targets: &[String], seconds: u32) -> Result<()> {
    let (host, place) = (host(root)?, root.join("target/fuzz"));
    let target_dir = place.display().to_string();
    let bins: Vec<&str> = targets.iter().flat_map(|target| ["--bin", target.as_str()]).collect();
    let build =
        ["cargo", "build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target", &host];
    run(root, "env", &[&[COVERAGE], &build[..], &["--target-dir", &target_dir], &bins].concat())?;
    for target in targets {
        // What is found goes to the first folder; what is committed is read besides.
        let found = place.join("found").join(target);
        std::fs::create_dir_all(&found)?;
        let (found, broken) =
            (found.display().to_string(), format!("-artifact_prefix={target_dir}/{target}-"));
        let committed = root.join("fuzz/corpus").join(target);
        let committed = committed.is_dir().then(|| committed.display().to_string());
        let time = format!("-max_total_time={seconds}");
        let program = place.join(&host).join("release").join(target).display().to_string();
        let arguments =
            [found.as_str(), &time, &broken, LONGEST, "-timeout=20", "-rss_limit_mb=4096", "-verbosity=0"];
        println!("fuzz {target}, {seconds} s");
        run(
            root,
            &program,
            &[&arguments[..], &committed.as_deref().into_iter().collect::<Vec<_>>()].concat(),
        )?;
    }
    Ok(())
}

/// All targets, by their files.
fn known(root: &Path) -> Result<Vec<String>> {
    let mut all: Vec<String> = std::fs::read_dir(root.join("fuzz/fuzz_targets"))?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .collect();
    all.sort();
    Ok(all)
}

/// What the compiler builds for unless told otherwise: named, so that the flags are not those of build scripts.
fn host(root: &Path) -> Result<String> {
    let told = output(root, "rustc", &["-vV"])?;
    let line = told.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).context("rustc does not tell its host")
}
