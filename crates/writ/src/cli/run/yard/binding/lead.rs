//! What settings, hooks and instructions lead to: the script of a hook, the code of a server, what is imported. Each such
//! file binds like the one that names it.
//!
//! Files are followed from one to the next for a few steps, and never out of the workspace.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use writ_model::Binding;

use super::super::trail::follow;
use super::super::walk::entries;
use super::survey::Unit;
use crate::config::read_text;

/// Files that are read.
const MOST_READ: usize = 2_000;
/// Names in one folder of settings that are looked at.
const MOST_IN_FOLDER: usize = 500;
/// Files that are led to.
const MOST_LED: usize = 1_000;
/// Words that are looked for as paths.
const MOST_WORDS: usize = 20_000;
/// Largest file that is read.
const MAX_BYTES: u64 = 256 << 10;
/// Steps from one file to the next, as clients follow imports.
const MOST_STEPS: usize = 5;

/// Below folders of these names lies what installing wrote, and installing writes it again.
const INSTALLED: [&str; 4] = [".venv", "__pycache__", "node_modules", "venv"];

/// Files that were led to.
#[derive(Debug, Default)]
pub(super) struct Led {
    pub(super) units: Vec<Unit>,
    /// Everything was followed.
    pub(super) complete: bool,
    /// Folders that could not be looked into. Relative.
    pub(super) closed: Vec<PathBuf>,
}

/// A file that is to be read, and what it binds.
struct Open {
    path: PathBuf,
    binding: Binding,
    step: usize,
}

/// Follows what binds in a workspace.
pub(super) fn led(workspace: &Path, units: &[Unit]) -> Led {
    let mut led = Led { complete: true, ..Led::default() };
    let mut open = VecDeque::new();
    let hooks = Unit { path: ".git/hooks".into(), binding: Binding::GitHook, built: false };
    for unit in units.iter().chain([&hooks]).filter(|unit| !unit.built && is_followed(unit.binding)) {
        for path in files(workspace, &unit.path, &mut led) {
            open.push_back(Open { path, binding: unit.binding, step: 0 });
        }
    }
    let kept: BTreeSet<&Path> =
        units.iter().filter(|unit| is_kept(unit.binding)).map(|unit| unit.path.as_path()).collect();
    let mut seen = BTreeSet::new();
    let (mut left, mut words) = (MOST_READ, MOST_WORDS);
    while let Some(Open { path, binding, step }) = open.pop_front() {
        // What a link leads to is read where it lies, and there only.
        let Some(real) = follow(&path).map(|trail| trail.end).filter(|end| end.starts_with(workspace)) else {
            continue;
        };
        if !seen.insert((real.clone(), path.parent().map(Path::to_owned))) {
            continue;
        }
        let Some(fewer) = left.checked_sub(1) else {
            led.complete = false;
            break;
        };
        left = fewer;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(text) = read_text(&real, MAX_BYTES) else { continue };
        for word in writ_policy::leads(&name, &text) {
            let Some(fewer) = words.checked_sub(1) else {
                led.complete = false;
                break;
            };
            words = fewer;
            for found in placed(workspace, &path, &word) {
                let Ok(below) = found.strip_prefix(workspace).map(Path::to_owned) else { continue };
                let is_kept = below.ancestors().any(|around| kept.contains(around));
                if !is_kept && !led.units.iter().any(|unit| unit.path == below) {
                    if led.units.len() >= MOST_LED {
                        led.complete = false;
                        continue;
                    }
                    led.units.push(Unit { path: below, binding, built: false });
                }
                if step < MOST_STEPS {
                    open.push_back(Open { path: found, binding, step: step + 1 });
                }
            }
        }
    }
    led
}

/// Whether something is done with such a file before anybody looks at it again. What continuous integration starts is part of
/// ordinary work, as are builds.
const fn is_followed(binding: Binding) -> bool {
    match binding {
        Binding::AgentSettings
        | Binding::EditorTask
        | Binding::Environment
        | Binding::GitHook
        | Binding::Instructions
        | Binding::McpSettings => true,
        Binding::BuildScript
        | Binding::Ci
        | Binding::GitConfig
        | Binding::LockFile
        | Binding::ManifestScripts
        | Binding::Own
        | Binding::PackageSettings
        | Binding::Program
        | Binding::Scheduled
        | Binding::ShellProfile
        | Binding::ToolSettings => false,
    }
}

/// Whether what binds so is kept by itself already.
fn is_kept(binding: Binding) -> bool {
    !matches!(binding, Binding::BuildScript | Binding::LockFile | Binding::ManifestScripts)
}

/// The files of a unit, itself or what lies in it, without links to folders.
fn files(workspace: &Path, unit: &Path, led: &mut Led) -> Vec<PathBuf> {
    let unit = &workspace.join(unit);
    let mut found = Vec::new();
    let mut left = MOST_IN_FOLDER;
    let mut open = vec![unit.to_owned()];
    while let Some(path) = open.pop() {
        let is_folder = if path == *unit { path.is_dir() } else { is_own_folder(&path) };
        if !is_folder {
            if path.extension().is_none_or(|ending| ending != "sample") {
                found.push(path);
            }
            continue;
        }
        let Ok(entries) = entries(&path, left) else {
            led.closed.extend(path.strip_prefix(workspace).map(Path::to_owned));
            continue;
        };
        for (name, _) in entries {
            let Some(fewer) = left.checked_sub(1) else {
                led.complete = false;
                return found;
            };
            left = fewer;
            open.push(path.join(name));
        }
    }
    found
}

fn is_own_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// Files of the workspace that a word in a file can mean: from its folder, and from each folder around it. Which one is meant
/// depends on where somebody stands by then.
fn placed<'a>(workspace: &'a Path, file: &'a Path, word: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
    let below = word.trim_start_matches('/');
    let around = file.ancestors().skip(1).take_while(move |folder| folder.starts_with(workspace));
    let whole = std::iter::once(PathBuf::from(word)).filter(|path| path.is_absolute());
    whole.chain(around.map(move |folder| folder.join(below))).filter_map(move |path| {
        let trail = follow(&path)?;
        let end = &trail.end;
        let is_inside =
            end.starts_with(workspace) && end.symlink_metadata().is_ok_and(|found| found.is_file());
        let below = end.strip_prefix(workspace).ok()?;
        let is_installed = below.iter().any(|part| INSTALLED.iter().any(|name| part == *name));
        // Written in ordinary work, and told.
        let is_everyday =
            below.to_str().and_then(writ_policy::binds).is_some_and(|binding| !is_kept(binding));
        if !is_inside || is_installed || is_everyday || below.starts_with(".git") {
            return None;
        }
        let has_link = !trail.links.is_empty() && path.starts_with(workspace);
        Some(if has_link { path } else { trail.end })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_led_to_is_found_step_by_step_and_not_outside() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let work = root.join("work");
        for (name, text) in [
            (
                "work/.claude/settings.json",
                r#"{"hooks":{"Stop":[{"hooks":[{"command":"$CLAUDE_PROJECT_DIR/tools/a.sh"}]}]}}"#,
            ),
            ("work/.claude/hooks/own.sh", "node ../../tools/deep.js\n"),
            ("work/tools/a.sh", "#!/bin/sh\n. ./tools/b.sh\n"),
            ("work/tools/b.sh", "../outside.sh\nexec tools/b.sh\n./package.json\n"),
            ("work/tools/deep.js", ""),
            ("work/package.json", ""),
            ("outside.sh", ""),
            ("work/sub/CLAUDE.md", "@docs/one.md @../../outside.sh @linked.md @node_modules/x.md @gone.md"),
            ("work/sub/docs/one.md", "@two.md"),
            ("work/sub/docs/two.md", "@one.md"),
            ("work/sub/node_modules/x.md", ""),
            ("work/sub/real.md", ""),
            ("work/.envrc", "source_env env\n. ./out\n"),
            ("work/env/.envrc", ""),
            ("work/.git/hooks/pre-push", "#!/bin/sh\nscripts/push\n"),
            ("work/scripts/push", ""),
            ("work/src/main.rs", ""),
        ] {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        std::os::unix::fs::symlink("real.md", work.join("sub/linked.md")).unwrap();
        std::os::unix::fs::symlink("../outside.sh", work.join("out")).unwrap();
        let survey = super::super::survey::Survey::before(&work);
        assert!(survey.complete);
        let has = |name: &str| survey.units.iter().any(|unit| unit.path == Path::new(name));
        for name in [
            "tools/a.sh",
            "tools/b.sh",
            "tools/deep.js",
            "sub/docs/one.md",
            "sub/docs/two.md",
            "sub/linked.md",
            "scripts/push",
            "env/.envrc",
        ] {
            assert!(has(name), "{name} {:?}", survey.units);
        }
        let outside = survey.units.iter().filter(|unit| unit.path.to_string_lossy().contains("out"));
        assert_eq!(outside.count(), 0);
        assert!(!has("sub/node_modules/x.md") && !has("src/main.rs"));
    }
}
