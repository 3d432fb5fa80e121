//! What settings, hooks and instructions lead to: the script of a hook, the code of a server, what is imported, and what
//! programs start that git's settings name. Each such file binds like the one that names it.
//!
//! Files are followed from one to the next for a few steps, and never out of the workspace.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::path::{Component, Path, PathBuf};

use writ_model::Binding;

use super::super::repository::Repository;
use super::super::repository::settings::tree_of;
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
/// Paths that such words are looked for at: each folder around a file can be meant.
const MOST_PLACES: usize = 100_000;
/// Of all files that are read, together.
const MOST_BYTES: usize = 16 << 20;
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
    /// Where whoever runs it stands, where that is not a folder around it.
    tree: PathBuf,
}

/// What may still be looked at.
struct Left {
    files: usize,
    words: usize,
    places: usize,
    bytes: usize,
}

/// Places that were looked at. What lies at one is a file, or it is forgotten.
#[derive(Default)]
struct Places {
    seen: HashSet<PathBuf>,
    led: HashSet<PathBuf>,
}

/// Follows what binds in a workspace, and what the settings of its repositories name.
pub(super) fn led(workspace: &Path, units: &[Unit], repository: &Repository) -> Led {
    let mut led = Led { complete: true, ..Led::default() };
    let mut open = VecDeque::new();
    let units_of = units.iter().filter(|unit| !unit.built && is_followed(unit.binding));
    let own = units_of.map(|unit| (workspace.join(&unit.path), unit.binding, workspace.to_owned()));
    let hooks = repository.folders.iter().map(|folder| {
        let tree = tree_of(folder).filter(|tree| tree.starts_with(workspace));
        (folder.join("hooks"), Binding::GitHook, tree.unwrap_or_else(|| workspace.to_owned()))
    });
    // Git starts these in the working tree, wherever they lie.
    let named = repository.named.folders.iter().chain(&repository.named.files);
    let named = named.filter_map(|path| {
        let is_plain = !path.components().any(|part| part == Component::ParentDir);
        let path = if is_plain { path.clone() } else { follow(path)?.end };
        Some((path, Binding::GitHook, workspace.to_owned()))
    });
    for (path, binding, tree) in own.chain(hooks).chain(named) {
        for path in files(workspace, &path, &mut led) {
            open.push_back(Open { path, binding, step: 0, tree: tree.clone() });
        }
    }
    let kept: BTreeSet<&Path> =
        units.iter().filter(|unit| is_kept(unit.binding)).map(|unit| unit.path.as_path()).collect();
    let mut seen = BTreeSet::new();
    let mut places = Places::default();
    let mut left = Left { files: MOST_READ, words: MOST_WORDS, places: MOST_PLACES, bytes: MOST_BYTES };
    while let Some(Open { path, binding, step, tree }) = open.pop_front() {
        let Some(real) = follow(&path).map(|trail| trail.end) else { continue };
        // What a link in the workspace leads to is read where it lies, and there only. A person's own hooks lie elsewhere.
        if !real.starts_with(workspace) && (step > 0 || path.starts_with(workspace)) {
            continue;
        }
        if !seen.insert((real.clone(), path.parent().map(Path::to_owned))) {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(text) = read_text(&real, MAX_BYTES) else { continue };
        let (Some(files), Some(bytes)) = (left.files.checked_sub(1), left.bytes.checked_sub(text.len()))
        else {
            led.complete = false;
            break;
        };
        (left.files, left.bytes) = (files, bytes);
        let mut words: Vec<String> = writ_policy::leads(&name, &text);
        let mut once = HashSet::new();
        words.retain(|word| once.insert(word.clone()));
        for word in words {
            let Some(fewer) = left.words.checked_sub(1) else {
                led.complete = false;
                return led;
            };
            left.words = fewer;
            let at = Spot { workspace, file: &path, tree: &tree };
            let Some(found) = at.placed(&word, &mut places, &mut left) else {
                led.complete = false;
                return led;
            };
            for found in found {
                let Ok(below) = found.strip_prefix(workspace).map(Path::to_owned) else { continue };
                let is_kept = below.ancestors().any(|around| kept.contains(around));
                if !is_kept && !places.led.contains(&below) {
                    if led.units.len() >= MOST_LED {
                        led.complete = false;
                        continue;
                    }
                    places.led.insert(below.clone());
                    led.units.push(Unit { path: below, binding, built: false });
                }
                if step < MOST_STEPS {
                    open.push_back(Open { path: found, binding, step: step + 1, tree: tree.clone() });
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
    let mut found = Vec::new();
    let mut left = MOST_IN_FOLDER;
    let mut open = vec![unit.to_owned()];
    while let Some(path) = open.pop() {
        let is_folder = if path == unit { path.is_dir() } else { is_own_folder(&path) };
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

/// Where a word stands.
struct Spot<'a> {
    workspace: &'a Path,
    file: &'a Path,
    tree: &'a Path,
}

// === impl Spot ===

impl Spot<'_> {
    /// Files of the workspace that a word can mean: from its file's folder, from each folder around it, and from where
    /// whoever runs it stands. Which one is meant depends on that. Nothing where too many places were looked at already.
    fn placed(&self, word: &str, places: &mut Places, left: &mut Left) -> Option<Vec<PathBuf>> {
        let below = word.trim_start_matches('/');
        let whole = std::iter::once(PathBuf::from(word)).filter(|path| path.is_absolute());
        let around = self.file.ancestors().skip(1).take_while(|folder| folder.starts_with(self.workspace));
        let elsewhere = Some(self.tree).filter(|tree| !self.file.starts_with(tree));
        let around = around.chain(elsewhere).map(|folder| folder.join(below));
        let mut found = Vec::new();
        for path in whole.chain(around) {
            // Most words are no files, and the same words stand in many files of one folder.
            if places.seen.contains(&path) {
                continue;
            }
            left.places = left.places.checked_sub(1)?;
            if path.metadata().is_ok_and(|found| found.is_file()) {
                found.extend(self.meant(path));
            } else {
                places.seen.insert(path);
            }
        }
        Some(found)
    }

    /// The file that a path leads to, if it is one that is followed.
    fn meant(&self, path: PathBuf) -> Option<PathBuf> {
        let trail = follow(&path)?;
        let end = &trail.end;
        let is_inside =
            end.starts_with(self.workspace) && end.symlink_metadata().is_ok_and(|found| found.is_file());
        let below = end.strip_prefix(self.workspace).ok()?;
        let is_installed = below.iter().any(|part| INSTALLED.iter().any(|name| part == *name));
        // Written in ordinary work, and told.
        let is_everyday =
            below.to_str().and_then(writ_policy::binds).is_some_and(|binding| !is_kept(binding));
        if !is_inside || is_installed || is_everyday || below.starts_with(".git") {
            return None;
        }
        let has_link = !trail.links.is_empty() && path.starts_with(self.workspace);
        Some(if has_link { path } else { trail.end })
    }
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
            (
                "work/.git/config",
                "[core]\n\thooksPath = ci/hooks\n\tfsmonitor = watch/all --quick\n[include]\n\tpath = ../../own/settings\n",
            ),
            ("work/ci/hooks/pre-commit", "#!/bin/sh\nexec scripts/check.sh\n"),
            ("work/scripts/check.sh", ". lib/deep.sh\n"),
            ("work/lib/deep.sh", ""),
            ("work/watch/all", "#!/bin/sh\n. watch/lib.sh\n"),
            ("work/watch/lib.sh", ""),
            ("own/settings", "[filter \"x\"]\n\tclean = ../own/clean\n[core]\n\thooksPath = ../own/hooks\n"),
            ("own/clean", "#!/bin/sh\nsh scripts/clean.sh ./not/there\n"),
            ("own/hooks/pre-push", "sh scripts/mine.sh\n"),
            ("own/scripts/mine.sh", ""),
            ("work/scripts/clean.sh", ""),
            ("work/scripts/mine.sh", ""),
            ("work/src/main.rs", ""),
        ] {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        std::os::unix::fs::symlink("real.md", work.join("sub/linked.md")).unwrap();
        std::os::unix::fs::symlink("../outside.sh", work.join("out")).unwrap();
        let mut survey = super::super::survey::Survey::before(&work);
        survey.lead(&work, &super::super::super::repository::of(&work, &[], None));
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
            "scripts/check.sh",
            "lib/deep.sh",
            "watch/lib.sh",
            "scripts/clean.sh",
            "scripts/mine.sh",
            "env/.envrc",
        ] {
            assert!(has(name), "{name} {:?}", survey.units);
        }
        let outside = survey.units.iter().filter(|unit| unit.path.to_string_lossy().contains("out"));
        assert_eq!(outside.count(), 0);
        assert!(!has("sub/node_modules/x.md") && !has("src/main.rs"));
    }

    #[test]
    fn attack_hostile_text_holds_nobody_up() {
        let root = tempfile::tempdir().unwrap();
        let work = root.path().canonicalize().unwrap();
        let words: String = (0..2_000).map(|n| format!("tools/{n}/x.sh ")).collect();
        let text = format!("{{\"command\":\"{words}\"}}{}", "[\"x\",".repeat(20_000));
        std::fs::create_dir_all(work.join("tools/1")).unwrap();
        std::fs::write(work.join("tools/1/x.sh"), "").unwrap();
        for number in 0..200 {
            let folder = work.join(format!("a/b/c/{number}/.claude"));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("settings.json"), &text).unwrap();
        }
        let mut survey = super::super::survey::Survey::before(&work);
        survey.lead(&work, &Repository::default());
        // What was found until then is kept, and that it is not all is said.
        assert!(!survey.complete && survey.units.iter().any(|unit| unit.path == Path::new("tools/1/x.sh")));
    }
}
