//! Files and folders that the settings of git name: what they lead to runs, or is obeyed, like the settings themselves.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use writ_policy::{GitNames, git_settings};

/// Largest configuration that is looked at.
const MAX_CONFIG_BYTES: u64 = 1 << 20;
/// Files of settings that one repository may lead to.
const MAX_FILES: usize = 64;
/// Words of one value that are looked at.
const MAX_WORDS: usize = 64;

/// What is named, by its path as it would be opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Named {
    /// Files that git obeys or runs. They may be absent.
    pub(in super::super) files: BTreeSet<PathBuf>,
    /// Folders whose programs git runs. They may be absent.
    pub(in super::super) folders: BTreeSet<PathBuf>,
}

// === impl Named ===

impl Named {
    /// Adds what a file of settings names, and what those name that it includes. `tree` is the working tree, from where
    /// git runs things.
    ///
    /// Conditions of includes count as fulfilled: another branch fulfils others.
    pub(super) fn read(&mut self, file: &Path, tree: &Path, home: Option<&Path>) {
        let mut open = vec![file.to_owned()];
        let mut seen = BTreeSet::new();
        while let Some(file) = open.pop() {
            if seen.len() >= MAX_FILES || !seen.insert(file.clone()) {
                continue;
            }
            let text = text(&file);
            let beside = file.parent().unwrap_or(tree);
            for setting in git_settings(&text) {
                let Some(value) = setting.value.as_deref().filter(|value| !value.is_empty()) else {
                    continue;
                };
                match setting.names() {
                    None => {}
                    Some(GitNames::Settings) => {
                        let path = placed(value, beside, home);
                        open.push(path.clone());
                        self.files.insert(path);
                    }
                    Some(GitNames::Programs) => drop(self.folders.insert(placed(value, tree, home))),
                    Some(GitNames::Words) => self.files.extend(files_in(value, tree, home)),
                }
            }
        }
    }
}

/// Files of settings, with those that they include.
pub(super) fn included(files: Vec<PathBuf>, home: Option<&Path>) -> BTreeSet<PathBuf> {
    let mut open = files;
    let mut seen = BTreeSet::new();
    while let Some(file) = open.pop() {
        if seen.len() >= MAX_FILES || !seen.insert(file.clone()) {
            continue;
        }
        let beside = file.parent().unwrap_or(Path::new("/"));
        for setting in git_settings(&text(&file)) {
            let is_file = matches!(setting.names(), Some(GitNames::Settings));
            let value = setting.value.as_deref().filter(|value| is_file && !value.is_empty());
            open.extend(value.map(|value| placed(value, beside, home)));
        }
    }
    seen
}

/// Files that one file of settings names as lists of what git does not look at.
pub(super) fn lists(file: &Path, tree: &Path, home: &Path) -> Vec<PathBuf> {
    let settings = git_settings(&text(file)).into_iter();
    let named = settings.filter(|setting| setting.section == "core" && setting.key == "excludesfile");
    let values = named.filter_map(|setting| setting.value).filter(|value| !value.is_empty());
    values.map(|value| placed(&value, tree, Some(home))).collect()
}

/// Where the working tree of a repository's folder lies, by its own settings.
pub(in super::super) fn tree_of(folder: &Path) -> Option<PathBuf> {
    let value = git_settings(&text(&folder.join("config")))
        .into_iter()
        .find(|setting| setting.section == "core" && setting.key == "worktree")?
        .value?;
    folder.join(value).canonicalize().ok()
}

/// Words of a value that are files by now: a command and what it is given.
fn files_in<'a>(
    value: &'a str,
    tree: &'a Path,
    home: Option<&'a Path>,
) -> impl Iterator<Item = PathBuf> + 'a {
    let words =
        value.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '!' | ';' | '&' | '|' | '='));
    let words = words.filter(|word| !word.is_empty() && !word.contains("://")).take(MAX_WORDS);
    words.map(move |word| placed(word, tree, home)).filter(|path| path.is_file())
}

fn placed(value: &str, base: &Path, home: Option<&Path>) -> PathBuf {
    match (value.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        (Some(_) | None, _) => base.join(value),
    }
}

/// What is no text is read as far as it is.
fn text(file: &Path) -> String {
    let mut bytes = Vec::new();
    if let Some(file) = crate::config::open_regular(file) {
        let _ = file.take(MAX_CONFIG_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_settings_lead_to_is_found_through_includes() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let make = |name: &str, text: &[u8]| {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        make("home/own.cfg", b"[core]\n\tfsmonitor = ./tools/watch --all\n");
        make(".git/config", b"[user]\n\tname = \xff\n[core]\n\thooksPath = .hooks\n[include]\n\tpath = ../shared.cfg\n[alias]\n\tt = !tools/watch\n");
        make("shared.cfg", b"[includeIf \"onbranch:x\"]\n\tpath = ~/own.cfg\n[include]\n\tpath = shared.cfg\n[filter \"x\"]\n\tclean = sh 'tools/clean' %f\n\tsmudge = tools/absent\n");
        make("tools/watch", b"");
        make("tools/clean", b"");
        let mut named = Named::default();
        named.read(&root.join(".git/config"), &root, Some(&root.join("home")));
        let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
        let files: BTreeSet<PathBuf> = named.files.iter().map(real).collect();
        let wanted = ["home/own.cfg", "shared.cfg", "tools/clean", "tools/watch"];
        assert_eq!(files, wanted.iter().map(|name| root.join(name)).collect());
        assert_eq!(named.folders, BTreeSet::from([root.join(".hooks")]));
    }
}
