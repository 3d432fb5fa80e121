//! `cargo xtask tidy`: the walls of the house, checked by reading it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::run::{output, run};

mod named;

/// Which of our crates a crate may depend on. Dependencies for tests are free.
const EDGES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("ledger", &[]),
    ("sandbox", &[]),
    ("policy", &["model"]),
    ("scan", &["model"]),
    ("gateway", &["model", "ledger", "policy", "scan"]),
    ("control", &["model", "ledger", "policy", "scan"]),
    ("writ", &["model", "ledger", "sandbox", "policy", "scan", "gateway", "control"]),
    ("testkit", &["model", "ledger"]),
];

/// Libraries that only the named crates may link.
const WALLS: &[(&str, &[&str])] = &[
    ("cedar-policy", &["policy"]),
    ("rusqlite", &["control"]),
    ("tokio", &["gateway", "control", "writ", "testkit"]),
    ("axum", &["control", "writ", "testkit"]),
];

const BANNED_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "manager", "misc", "mod"];
/// Folders at the root that only machines of one kind have.
const MACHINE_ROOTS: &[&str] = &["work", "farm"];
const LONGEST_FILE: usize = 800;

/// Reads the whole house and names everything that is out of place.
pub fn all(root: &Path) -> Result<()> {
    let mut wrong = Vec::new();
    edges(root, &mut wrong)?;
    let files: Vec<String> =
        output(root, "git", &["ls-files", "--cached", "--others", "--exclude-standard"])?
            .lines()
            .map(str::to_owned)
            .collect();
    let mut sources = named::Sources::default();
    for file in &files {
        let Ok(text) = std::fs::read_to_string(root.join(file)) else { continue };
        if file.ends_with(".rs") {
            source(file, &text, &mut wrong);
            sources.read(file, &text);
        }
        if !file.starts_with("xtask/") && !file.ends_with("package-lock.json") {
            machine_paths(file, &text, &mut wrong);
        }
    }
    reason_codes(root, &mut wrong)?;
    documents(root, &mut wrong);
    for document in named::DOCUMENTS {
        let text = std::fs::read_to_string(root.join(document)).unwrap_or_default();
        wrong.extend(sources.missing(document, &text));
    }
    if !wrong.is_empty() {
        bail!("the house is not tidy:\n  {}", wrong.join("\n  "));
    }
    run(root, "cargo", &["fmt", "--all", "--check"])?;
    licences(root)
}

/// Duplicates, licences and sources of every dependency. The tool is built once, into the target folder.
fn licences(root: &Path) -> Result<()> {
    let tools = root.join("target/tools");
    let deny = tools.join("bin/cargo-deny");
    if !deny.is_file() {
        let into = tools.to_string_lossy().into_owned();
        run(root, "cargo", &["install", "--locked", "--debug", "--root", &into, "cargo-deny"])?;
    }
    run(root, "cargo", &["fetch", "--locked"])?;
    run(root, &deny.to_string_lossy(), &["--offline", "check", "bans", "licenses", "sources"])
}

/// Crates depend downwards only, and only the named ones link what is walled in.
fn edges(root: &Path, wrong: &mut Vec<String>) -> Result<()> {
    let text = output(root, "cargo", &["metadata", "--format-version=1", "--no-deps", "--offline"])?;
    let metadata: serde_json::Value =
        serde_json::from_str(&text).context("cargo metadata printed what is no JSON")?;
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        EDGES.iter().map(|(name, below)| (*name, below.iter().copied().collect())).collect();
    for package in metadata
        .get("packages")
        .and_then(serde_json::Value::as_array)
        .context("cargo metadata lists no packages")?
    {
        let name = package["name"].as_str().unwrap_or_default();
        let ours = name.strip_prefix("writ-").unwrap_or(name);
        if ours == "xtask" {
            continue;
        }
        let Some(allowed) = allowed.get(ours) else {
            wrong.push(format!("crate `{name}` has no floor: add it to the edges"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if dependency["kind"].as_str() == Some("dev") {
                continue;
            }
            let target = dependency["name"].as_str().unwrap_or_default();
            if let Some(target) = target.strip_prefix("writ-")
                && !allowed.contains(target)
            {
                wrong.push(format!("crate `{ours}` must not depend on `{target}`: stairs go down"));
            }
            if let Some((_, inside)) = WALLS.iter().find(|(library, _)| *library == target)
                && !inside.contains(&ours)
            {
                wrong.push(format!("crate `{ours}` must not link `{target}`"));
            }
        }
    }
    Ok(())
}

/// Length, name and `unsafe` of one source file.
fn source(file: &str, text: &str, wrong: &mut Vec<String>) {
    let lines = text.lines().count();
    let is_test = file.contains("/tests") || file.ends_with("tests.rs");
    if lines > LONGEST_FILE && !is_test {
        wrong.push(format!("{file} has {lines} lines, at most {LONGEST_FILE}"));
    }
    let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if BANNED_NAMES.contains(&stem) {
        wrong.push(format!("{file} has a name that says nothing"));
    }
    let may_be_unsafe = file.starts_with("crates/sandbox/src/sys") || file.starts_with("xtask/");
    if !may_be_unsafe
        && text.lines().any(|line| code_of(line).contains("unsafe {") || code_of(line).contains("unsafe fn"))
    {
        wrong.push(format!("{file} says unsafe; only crates/sandbox/src/sys may"));
    }
}

fn code_of(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// A path that exists on one machine only has no place in the project.
fn machine_paths(file: &str, text: &str, wrong: &mut Vec<String>) {
    for (number, line) in text.lines().enumerate() {
        let named = MACHINE_ROOTS.iter().any(|root| {
            let path = format!("/{root}/");
            line.match_indices(&path).any(|(at, _)| {
                let before = line.get(..at).and_then(|before| before.chars().next_back());
                before
                    .is_none_or(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | '}')))
            })
        });
        if named {
            wrong.push(format!("{file}:{} names a path of one machine", number + 1));
        }
    }
}

/// Every reason code stands in the specification.
fn reason_codes(root: &Path, wrong: &mut Vec<String>) -> Result<()> {
    let source = std::fs::read_to_string(root.join("crates/model/src/reason.rs"))?;
    let specification = std::fs::read_to_string(root.join("SPECIFICATION.md")).unwrap_or_default();
    let codes = source.lines().filter_map(|line| line.trim().strip_suffix("\",")?.split_once(" = \""));
    for (_, code) in codes {
        if !specification.contains(&format!("`{code}`")) {
            wrong.push(format!("reason code `{code}` is not in SPECIFICATION.md"));
        }
    }
    Ok(())
}

fn documents(root: &Path, wrong: &mut Vec<String>) {
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "SPECIFICATION.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "docs/attacks.md",
        "docs/coverage.md",
    ] {
        if !root.join(document).is_file() {
            wrong.push(format!("{document} is missing"));
        }
    }
}
