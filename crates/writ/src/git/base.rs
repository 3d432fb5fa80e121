//! Files as they were at a commit, taken out of somebody's repository without any of its settings: no filter, no attribute
//! and no hook of theirs is in force, and no link is made.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use writ_gateway::git::GitError;

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
        base.take_out(&wanted, within).await?;
        Ok(base)
    }

    /// Where the files lie.
    pub(crate) fn folder(&self) -> PathBuf {
        self.borrowed.room.path().join("files")
    }

    async fn take_out(&mut self, wanted: &impl Fn(&Path) -> bool, within: Duration) -> Result<(), GitError> {
        let folder = self.folder();
        let failed =
            |error: std::io::Error| GitError::Unavailable(format!("could not write a file: {error}"));
        std::fs::create_dir(&folder).map_err(failed)?;
        let list = self.borrowed.command(&["ls-tree", "-r", "-z", "-l", "--full-tree", &self.commit]);
        let list =
            Run::new("ls-tree", within).answers(MAX_LIST_BYTES).of(list, Input::Nothing).await?.good()?;
        if list.is_cut {
            return Err(GitError::Bound(format!("the list of files is longer than {MAX_LIST_BYTES} bytes")));
        }
        let mut files: Vec<(PathBuf, String)> = Vec::new();
        let mut bytes = 0;
        for (path, object, length) in list.answer.split(|byte| *byte == 0).filter_map(entry) {
            if !wanted(&path) {
                continue;
            }
            if length > MAX_FILE_BYTES || files.len() >= MAX_FILES || bytes + length > MAX_BYTES {
                self.left_out += 1;
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
        Ok(())
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
