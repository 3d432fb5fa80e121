//! What git would ignore in a working copy, by its files alone: git itself is not asked, since its settings there are a
//! stranger's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::read_regular;

/// Longest file of patterns that is read, in bytes, and most patterns of it. One that has more ignores nothing.
const MAX_BYTES: usize = 1 << 20;
const MAX_PATTERNS: usize = 10_000;
/// Most folders of which the patterns are kept.
const MAX_FOLDERS: usize = 50_000;

/// The patterns of one working copy, read as they are asked for.
#[derive(Debug)]
pub struct Ignored {
    top: PathBuf,
    /// Of its folders, by their path below the top.
    folders: BTreeMap<PathBuf, Gitignore>,
    /// What holds for the whole of it, the strongest first.
    others: Vec<Gitignore>,
}

// === impl Ignored ===

impl Ignored {
    /// Of a working copy. `others` are files of patterns that lie elsewhere, the strongest first: `.git/info/exclude`, and the
    /// person's own. <https://git-scm.com/docs/gitignore#_description>
    pub fn of(top: &Path, others: &[PathBuf]) -> Self {
        let others = others.iter().map(|file| patterns(file)).collect();
        Self { top: top.to_owned(), folders: BTreeMap::new(), others }
    }

    /// Whether git would ignore a file below the top, if it does not track it.
    pub fn has(&mut self, relative: &Path) -> bool {
        self.has_as(relative, false)
    }

    /// The same of a file or a folder.
    pub fn has_as(&mut self, relative: &Path, is_folder: bool) -> bool {
        let mut above: Vec<&Path> =
            relative.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).collect();
        above.reverse();
        // What lies in a folder that is ignored is never taken back in.
        above.into_iter().any(|folder| self.says(folder, true)) || self.says(relative, is_folder)
    }

    fn says(&mut self, path: &Path, is_folder: bool) -> bool {
        for folder in path.ancestors().skip(1) {
            if !self.folders.contains_key(folder) {
                if self.folders.len() >= MAX_FOLDERS {
                    return false;
                }
                let read = patterns(&self.top.join(folder).join(".gitignore"));
                self.folders.insert(folder.to_owned(), read);
            }
            let Some(read) = self.folders.get(folder) else { return false };
            match read.matched(path.strip_prefix(folder).unwrap_or(path), is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        for other in &self.others {
            match other.matched(path, is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }
}

fn patterns(file: &Path) -> Gitignore {
    let bytes = read_regular(file, MAX_BYTES).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    if text.lines().count() > MAX_PATTERNS {
        return Gitignore::empty();
    }
    let mut builder = GitignoreBuilder::new("");
    for line in text.lines() {
        // What git cannot read it passes by.
        let _ = builder.add_line(None, line);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_folders_above_count_and_the_nearest_one_is_the_strongest() {
        let top = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = top.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(".gitignore", "*.local.json\nbuild/\n/only-here\n");
        write("a/.gitignore", "!keep.local.json\n# no pattern\n[broken\n");
        write("build/.gitignore", "!x\n");
        write("exclude", "own.json\n");
        let mut ignored = Ignored::of(top.path(), &[top.path().join("exclude"), top.path().join("absent")]);
        for (path, expected) in [
            ("settings.local.json", true),
            ("a/b/settings.local.json", true),
            ("a/keep.local.json", false),
            ("keep.local.json", true),
            ("build/x", true),
            ("a/build/x/y", true),
            ("only-here", true),
            ("a/only-here", false),
            ("a/own.json", true),
            ("a/other.json", false),
        ] {
            assert_eq!(ignored.has(Path::new(path)), expected, "{path}");
        }
    }
}
