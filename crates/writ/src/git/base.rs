//! Files as they were at a commit, taken out of somebody's repository without any of its settings: no filter, no attribute
//! and no hook of theirs is in force, and no link is made.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use writ_gateway::git::GitError;
use writ_scan::walk::read_regular;

use super::history::Borrowed;
use super::run::{Input, Run};

/// Longest list of a commit's files, in bytes.
const MAX_LIST_BYTES: usize = 256 << 20;
/// Most files that are taken out, most bytes of one, and of all.
const MAX_FILES: usize = 100_000;
const MAX_FILE_BYTES: usize = 8 << 20;
const MAX_BYTES: usize = 512 << 20;
/// Longest name of a commit.
const MAX_NAME_BYTES: usize = 250;

/// The files of a commit that were wanted, in a folder that ends with this.
pub(crate) struct Base {
    borrowed: Borrowed,
    /// The commit that they are of.
    pub(crate) commit: String,
    /// Files that were wanted and are too long, or too many.
    pub(crate) left_out: usize,
}

// === impl Base ===

impl Base {
    /// The files as they were where `folder`'s history and `name`'s part, or at `name` itself where nobody can tell.
    ///
    /// `folder` is a folder of a working copy, and paths are below its top. `name` is a commit's id or the beginning of one,
    /// `HEAD`, a branch, a branch of a remote, or a tag, with `~` and `^` behind it.
    pub(crate) async fn of(
        folder: &Path,
        name: &str,
        wanted: impl Fn(&Path) -> bool,
        within: Duration,
    ) -> Result<Self, GitError> {
        let borrowed = Borrowed::of(folder, within).await?;
        let commit = commit(&borrowed, name, within).await?;
        let merge = borrowed.command(&["merge-base", &commit, &borrowed.head]);
        let merge = Run::new("merge-base", within).of(merge, Input::Nothing).await?;
        let commit = match merge.good() {
            Ok(ended) => id(&ended.answer).unwrap_or(commit),
            // Histories that share nothing, or whose beginning was not fetched.
            Err(_) => commit,
        };
        let mut base = Self { borrowed, commit, left_out: 0 };
        base.left_out = base.take_out(&base.folder(), &wanted, within).await?;
        Ok(base)
    }

    /// More files of the commit, in a folder of this name, and how many of those that are wanted are too long or too many.
    pub(crate) async fn more(
        &self,
        name: &str,
        wanted: impl Fn(&Path) -> bool,
        within: Duration,
    ) -> Result<(PathBuf, usize), GitError> {
        let folder = self.borrowed.room.path().join(name);
        let left_out = self.take_out(&folder, &wanted, within).await?;
        Ok((folder, left_out))
    }

    /// Where the files lie.
    pub(crate) fn folder(&self) -> PathBuf {
        self.borrowed.room.path().join("files")
    }

    /// What git tracks in the working copy, by a copy of its index: paths below the top.
    pub(crate) async fn tracked(&self, within: Duration) -> Result<BTreeSet<PathBuf>, GitError> {
        use std::os::unix::ffi::OsStrExt as _;
        let copy = self.borrowed.room.path().join("index");
        let failed = |error: &dyn std::fmt::Display| {
            GitError::Unavailable(format!("could not read the index: {error}"))
        };
        let index =
            read_regular(&self.borrowed.git.join("index"), MAX_LIST_BYTES).map_err(|error| failed(&error))?;
        std::fs::write(&copy, index).map_err(|error| failed(&error))?;
        let mut list = self.borrowed.command(&["ls-files", "-z", "--cached"]);
        list.env("GIT_INDEX_FILE", &copy);
        let list =
            Run::new("ls-files", within).answers(MAX_LIST_BYTES).of(list, Input::Nothing).await?.good()?;
        if list.is_cut {
            return Err(GitError::Bound(format!("the list of files is longer than {MAX_LIST_BYTES} bytes")));
        }
        let paths = list.answer.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(paths.map(|path| PathBuf::from(std::ffi::OsStr::from_bytes(path))).collect())
    }

    async fn take_out(
        &self,
        folder: &Path,
        wanted: &impl Fn(&Path) -> bool,
        within: Duration,
    ) -> Result<usize, GitError> {
        let failed =
            |error: std::io::Error| GitError::Unavailable(format!("could not write a file: {error}"));
        std::fs::create_dir(folder).map_err(failed)?;
        let list = self.borrowed.command(&["ls-tree", "-r", "-z", "-l", "--full-tree", &self.commit]);
        let list =
            Run::new("ls-tree", within).answers(MAX_LIST_BYTES).of(list, Input::Nothing).await?.good()?;
        if list.is_cut {
            return Err(GitError::Bound(format!("the list of files is longer than {MAX_LIST_BYTES} bytes")));
        }
        let mut files: Vec<(PathBuf, String)> = Vec::new();
        let (mut bytes, mut left_out) = (0, 0);
        for (path, object, length) in list.answer.split(|byte| *byte == 0).filter_map(entry) {
            if !wanted(&path) {
                continue;
            }
            if length > MAX_FILE_BYTES || files.len() >= MAX_FILES || bytes + length > MAX_BYTES {
                left_out += 1;
                continue;
            }
            bytes += length;
            files.push((path, object));
        }
        let asked: String = files.iter().map(|(_, object)| format!("{object}\n")).collect();
        let batch = self.borrowed.command(&["cat-file", "--batch"]);
        // Each file has a line before it, of an id, a word and a length, and an end of line behind it.
        let most = bytes.saturating_add(files.len().saturating_mul(128));
        let batch = Run::new("cat-file", within)
            .answers(most)
            .of(batch, Input::Bytes(asked.into_bytes()))
            .await?
            .good_or_missing()?;
        let mut rest = batch.answer.as_slice();
        for (path, object) in files {
            let text = next(&mut rest, &object)
                .ok_or_else(|| GitError::Missing(format!("`git cat-file` gave no `{object}`")))?;
            let file = folder.join(path);
            if let Some(above) = file.parent() {
                std::fs::create_dir_all(above).map_err(failed)?;
            }
            std::fs::write(&file, text).map_err(failed)?;
        }
        Ok(left_out)
    }
}

/// The commit of a name.
async fn commit(borrowed: &Borrowed, name: &str, within: Duration) -> Result<String, GitError> {
    let unknown = || GitError::Unavailable(format!("there is no commit `{}` here", name.escape_debug()));
    let end = name.find(['~', '^']).unwrap_or(name.len());
    let (head, steps) = name.split_at_checked(end).ok_or_else(unknown)?;
    let plain = steps.bytes().all(|byte| byte.is_ascii_digit() || byte == b'~' || byte == b'^');
    if head.is_empty() || name.len() > MAX_NAME_BYTES || !plain {
        return Err(unknown());
    }
    let short = head.len() >= 4 && head.bytes().all(|byte| byte.is_ascii_hexdigit());
    let object = borrowed.named(head).or_else(|| short.then(|| head.to_owned())).ok_or_else(unknown)?;
    let wanted = format!("{object}{steps}^{{commit}}");
    let parse = borrowed.command(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted]);
    let parsed = Run::new("rev-parse", within).of(parse, Input::Nothing).await?;
    parsed.good().ok().and_then(|ended| id(&ended.answer)).ok_or_else(unknown)
}

fn id(answer: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(answer);
    let line = text.lines().next()?.trim();
    super::history::is_id(line).then(|| line.to_owned())
}

/// One line of `ls-tree -l`: mode, type, id, length, and behind a tab the path. Nothing of links, submodules, and paths
/// that lead elsewhere.
fn entry(line: &[u8]) -> Option<(PathBuf, String, usize)> {
    use std::os::unix::ffi::OsStrExt as _;
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let facts = std::str::from_utf8(line.get(..tab)?).ok()?;
    let path = Path::new(std::ffi::OsStr::from_bytes(line.get(tab + 1..)?));
    let mut facts = facts.split_ascii_whitespace();
    let (mode, kind, object, length) = (facts.next()?, facts.next()?, facts.next()?, facts.next()?);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    let file = matches!(mode, "100644" | "100755" | "100664") && kind == "blob";
    (file && inside && super::history::is_id(object))
        .then(|| Some((path.to_owned(), object.to_owned(), length.parse().ok()?)))?
}

/// The next object of `cat-file --batch`, which must be this one.
fn next<'a>(rest: &mut &'a [u8], object: &str) -> Option<&'a [u8]> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(rest.get(..end)?).ok()?;
    let length: usize = head.strip_prefix(object)?.strip_prefix(" blob ")?.parse().ok()?;
    let from = end + 1;
    let text = rest.get(from..from.checked_add(length)?)?;
    *rest = rest.get(from.checked_add(length)?.checked_add(1)?..)?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn links_submodules_and_paths_that_lead_elsewhere_are_no_files() {
        for (line, path) in [
            (format!("100644 blob {ID}      12\ta/b.yml"), Some("a/b.yml")),
            (format!("100755 blob {ID}       0\ta\tb"), Some("a\tb")),
            (format!("120000 blob {ID}      12\ta"), None),
            (format!("160000 commit {ID}       -\ta"), None),
            (format!("100644 blob {ID}      12\t../a"), None),
            (format!("100644 blob {ID}      12\t/a"), None),
            (format!("100644 blob {ID}      -1\ta"), None),
            ("100644 blob 0123 12\ta".to_owned(), None),
            (String::new(), None),
        ] {
            let found = entry(line.as_bytes()).map(|(path, ..)| path);
            assert_eq!(found, path.map(PathBuf::from), "{line:?}");
        }
    }

    #[test]
    fn an_object_is_the_one_that_was_asked_for_and_whole() {
        let text = format!("{ID} blob 3\nabc\n{ID} blob 0\n\n");
        let mut rest = text.as_bytes();
        assert_eq!(next(&mut rest, ID), Some(&b"abc"[..]));
        assert_eq!(next(&mut rest, ID), Some(&b""[..]));
        assert_eq!(next(&mut rest, ID), None);
        let missing = format!("{ID} missing\n");
        let (short, other) = (format!("{ID} blob 9\nabc\n"), "f".repeat(40));
        let long = format!("{ID} blob {}\nabc\n", usize::MAX);
        for (text, object) in [(&missing, ID), (&short, ID), (&long, ID), (&text, other.as_str())] {
            assert_eq!(next(&mut text.as_bytes(), object), None, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_answer_of_gits_breaks_the_reader(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = entry(&bytes);
            let mut rest = bytes.as_slice();
            while next(&mut rest, ID).is_some() {}
        }
    }
}
