//! What code that the sessions of a task wrote would do when a call runs it: a script that is started, a hook of git, a
//! build script, tests, and what a test or a build takes in beside them.
//!
//! A call that runs such code carries its effects, which are judged like its own. What is read is what is certain to
//! matter; what code does by other means, the sandbox and the proxies hold.

use std::collections::BTreeSet;
use std::path::Path;

use writ_model::{Action, EffectClass, PackageSource, Resource};

use super::footprint::Footprint;
use super::ground::Ground;
use crate::actions::{Within, actions_of_effects};
use crate::classify::{self, Facts, Sort};

/// Most files of one call that are read, and most bytes of all of them.
const FILES: usize = 256;
const BYTES: usize = 2 << 20;
/// Most effects that a call carries.
const ACTIONS: usize = 32;

/// What a call carries.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub actions: Vec<Action>,
    /// Files that do more than build and test, with their texts.
    pub active: Vec<(String, String)>,
    /// Files that were read and do not.
    pub plain: BTreeSet<String>,
}

/// A file that a call runs, as what.
struct Taken<'a> {
    path: &'a str,
    sort: Sort,
}

impl Carried {
    /// What a call with this footprint carries of the files that were written.
    pub fn of(print: &Footprint, written: &BTreeSet<String>, ground: &Ground<'_>) -> Self {
        let mut carried = Self::default();
        let mut left = BYTES;
        let root = &ground.workspace.root;
        let look = Within { files: ground.files, root };
        let facts = Facts {
            workspace: root.to_str(),
            cwd: root.to_str(),
            home: ground.workspace.home.as_deref().and_then(Path::to_str),
            look: Some(&look),
        };
        for Taken { path, sort } in taken(print, written) {
            let given = print.given.iter().rev().find(|(file, _)| file == path).map(|(_, text)| text.clone());
            let on_disk = || ground.files.text(root, Path::new(path), classify::MAX_LOOK_BYTES);
            let Some(text) = given.or_else(on_disk).filter(|text| text.len() <= left) else { continue };
            left -= text.len();
            let language = classify::language_of(path, &text)
                .or_else(|| print.language_of(path))
                .or_else(|| (sort == Sort::Program).then_some("shell"));
            let Some(language) = language else { continue };
            let effects = classify::of_file(&text, language, sort, &facts);
            if effects.is_empty() {
                carried.plain.insert(path.to_owned());
                continue;
            }
            let shown = Path::new(path).strip_prefix(root).map_or(path.into(), |rest| rest.to_string_lossy());
            for action in actions_of_effects(effects, &shown, ground.workspace, ground.files) {
                let is_new =
                    |other: &Action| other.effect != action.effect || other.resource != action.resource;
                if carried.actions.len() < ACTIONS && carried.actions.iter().all(is_new) {
                    carried.actions.push(action);
                }
            }
            carried.active.push((path.to_owned(), text));
        }
        carried
    }
}

/// A lock file that the session changed itself is no lock file any more: what it names, nobody has looked at.
pub(super) fn unlocked(print: &Footprint, by_hand: &BTreeSet<String>) -> Vec<Action> {
    const MOST: usize = 8;
    let action = |ecosystem: &String| {
        let (path, _) = by_hand.iter().find_map(|path| Some((path, lock_of(path)?))).filter(|_| {
            by_hand.iter().any(|path| lock_of(path).is_some_and(|kind| kind.is_empty() || kind == ecosystem))
        })?;
        let name = path.rsplit('/').next().unwrap_or(path);
        let because = format!("this session changed `{name}` itself, so that nobody knows what it names");
        let resource = Resource::Package {
            name: "*".to_owned(),
            version: String::new(),
            ecosystem: ecosystem.clone(),
            source: PackageSource::Manifest,
        };
        Some(Action { effect: EffectClass::PackageInstall, resource, because: because.as_str().into() })
    };
    print.locked.iter().take(MOST).filter_map(action).collect()
}

/// Of which packages a file is the lock file; empty for any.
pub(super) fn lock_of(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    Some(match name {
        "package-lock.json"
        | "npm-shrinkwrap.json"
        | "pnpm-lock.yaml"
        | "yarn.lock"
        | "bun.lock"
        | "bun.lockb" => "npm",
        "Cargo.lock" => "crates",
        "go.sum" => "go",
        "Gemfile.lock" => "rubygems",
        "composer.lock" => "packagist",
        "packages.lock.json" => "nuget",
        "uv.lock" | "poetry.lock" | "pdm.lock" | "Pipfile.lock" | "pylock.toml" => "pypi",
        _ if name.starts_with("requirements") && name.ends_with(".txt") => "pypi",
        _ if name.ends_with(".lock") => "",
        _ => return None,
    })
}

/// The written files that the call runs, those that it starts first.
fn taken<'a>(print: &'a Footprint, written: &'a BTreeSet<String>) -> Vec<Taken<'a>> {
    let given = || print.given.iter().map(|(path, _)| path);
    let is_written = |path: &&String| written.contains(*path) || given().any(|other| other == *path);
    let mut found: Vec<Taken<'_>> =
        print.runs.iter().filter(is_written).map(|path| Taken { path, sort: Sort::Program }).collect();
    if !print.languages.is_empty() || print.runs_hooks {
        for path in written.iter().chain(given()) {
            let sort = if is_hook(path) || is_tool(path, print) {
                (print.runs_hooks || !is_hook(path)).then_some(Sort::Program)
            } else {
                sort_of(path).filter(|sort| print.takes_in(path, *sort))
            };
            if let Some(sort) = sort
                && found.iter().all(|other| other.path != path)
            {
                found.push(Taken { path, sort });
            }
        }
    }
    found.truncate(FILES);
    found
}

/// A program among the project's own tools, which scripts find by its name.
fn is_tool(path: &str, print: &Footprint) -> bool {
    let below = |folder: &str| path.contains(folder);
    (print.languages.contains("node") && below("/node_modules/.bin/"))
        || (print.languages.contains("python") && (below("/.venv/bin/") || below("/venv/bin/")))
        || (print.languages.contains("php") && below("/vendor/bin/"))
}

fn is_hook(path: &str) -> bool {
    ["/.git/hooks/", "/.husky/", "/.githooks/"].iter().any(|folder| path.contains(folder))
        && !path.ends_with(".sample")
}

/// What a file is to a build or a test that takes it in.
fn sort_of(path: &str) -> Option<Sort> {
    const PROGRAMS: &[&str] = &[
        "build.rs",
        "setup.py",
        "noxfile.py",
        "sitecustomize.py",
        "usercustomize.py",
        "Rakefile",
        "Gemfile",
        ".pnpmfile.cjs",
        ".eslintrc.js",
        ".eslintrc.cjs",
        "gulpfile.js",
        "Gruntfile.js",
        "build.gradle",
        "build.gradle.kts",
        "settings.gradle",
        "settings.gradle.kts",
    ];
    const FOLDERS: &[&str] = &["tests", "test", "__tests__", "spec", "specs", "e2e", "testing"];
    let name = path.rsplit('/').next().unwrap_or(path);
    if PROGRAMS.contains(&name) {
        return Some(Sort::Program);
    }
    let (stem, ending) = name.rsplit_once('.')?;
    if stem.ends_with(".config") || ending == "pth" {
        return Some(Sort::Program);
    }
    let is_test = stem == "conftest"
        || stem.starts_with("test_")
        || ["_test", ".test", ".spec", "_spec", ".setup", "Test", "Tests", "IT", "Spec"]
            .iter()
            .any(|end| stem.ends_with(end))
        || path.split('/').any(|part| FOLDERS.contains(&part));
    classify::language_of(name, "").map(|_| if is_test { Sort::Test } else { Sort::Source })
}
