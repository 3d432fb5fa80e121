//! What git answers, read. Its formats are git-diff's raw one and those that we ask for; paths and names in it are the
//! agent's and can be anything.

use writ_gateway::git::{Change, Changes, GitError, Oid, PushedCommit};

/// Longest name with its address that is kept, in characters, and most trailers of one commit.
const MAX_NAME_CHARS: usize = 512;
const MAX_TRAILERS: usize = 64;
/// Fields of one commit, as [`COMMIT_FORMAT`] has them.
const FIELDS: usize = 4;
/// How commits are asked for.
pub(super) const COMMIT_FORMAT: &str =
    "--format=%H%x00%an <%ae>%x00%cn <%ce>%x00%(trailers:only=true,unfold=true)%x00";

/// Whether this is all that `index-pack --stdin` says of a pack that it read to the end: behind its name it prints bytes that came
/// after the pack.
pub(super) fn is_name_of_a_pack(answer: &[u8]) -> bool {
    let name = answer.strip_prefix(b"pack\t").and_then(|rest| rest.strip_suffix(b"\n"));
    name.is_some_and(|name| matches!(name.len(), 40 | 64) && name.iter().all(u8::is_ascii_hexdigit))
}

/// Reads `diff-tree --raw -z`, merges in the combined form included. A part at the end that was cut off is left out.
pub(super) fn changes(answer: &[u8], is_cut: bool) -> Result<Changes, GitError> {
    let mut found = Changes { list: Vec::new(), is_cut };
    let mut fields = answer.split(|byte| *byte == 0);
    while let Some(heading) = fields.next().filter(|heading| !heading.is_empty()) {
        let Some(path) = fields.next() else { break };
        let heading = std::str::from_utf8(heading).map_err(|_| unread("diff-tree"))?;
        let rest = heading.trim_start_matches(':');
        let parents = heading.len() - rest.len();
        let words: Vec<&str> = rest.split(' ').collect();
        // A mode and a name for each parent and for the commit itself, and a letter each.
        let (Some(mode), Some(old), Some(new)) =
            (words.get(parents), words.get(parents + 1), words.get(2 * parents + 1))
        else {
            if is_cut {
                break;
            }
            return Err(unread("diff-tree"));
        };
        // Another repository's commit is no file whose contents are here.
        let is_file = |mode: &str| mode != "160000";
        let object =
            |oid: &str, is_file: bool| Oid::parse(oid.as_bytes()).filter(|oid| !oid.is_none() && is_file);
        let Ok(path) = std::str::from_utf8(path) else {
            found.is_cut = true;
            continue;
        };
        found.list.push(Change {
            path: path.to_owned(),
            old: object(old, words.first().is_some_and(|mode| is_file(mode))),
            new: object(new, is_file(mode)),
        });
    }
    Ok(found)
}

/// Reads `rev-list --objects`: one object per line, some with the path under which they were met.
pub(super) fn objects(answer: &[u8], is_cut: bool) -> Result<Vec<(Oid, Box<str>)>, GitError> {
    let mut found = Vec::new();
    for line in answer.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else {
            if is_cut {
                break;
            }
            return Err(unread("rev-list"));
        };
        let mut words = line.splitn(2, |byte| *byte == b' ');
        let oid = words.next().and_then(Oid::parse).ok_or_else(|| unread("rev-list"))?;
        let path = String::from_utf8_lossy(words.next().unwrap_or_default());
        found.push((oid, path.into()));
    }
    Ok(found)
}

/// Reads commits as [`COMMIT_FORMAT`] asks for them.
pub(super) fn commits(answer: &[u8]) -> Result<Vec<PushedCommit>, GitError> {
    let mut found = Vec::new();
    let fields: Vec<&[u8]> = answer.split(|byte| *byte == 0).collect();
    for commit in fields.chunks_exact(FIELDS) {
        let [oid, author, committer, trailers] = commit else { return Err(unread("rev-list")) };
        let name = |field: &[u8]| {
            String::from_utf8_lossy(field).chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect()
        };
        let oid = oid.strip_prefix(b"\n").unwrap_or(oid);
        found.push(PushedCommit {
            oid: Oid::parse(oid).ok_or_else(|| unread("rev-list"))?,
            author: name(author),
            committer: name(committer),
            trailers: trailers
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .take(MAX_TRAILERS)
                .map(name)
                .collect(),
        });
    }
    Ok(found)
}

fn unread(what: &str) -> GitError {
    GitError::Unavailable(format!("`git {what}` answered with something else than expected"))
}
