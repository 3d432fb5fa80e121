//! What files were when somebody added them: the contents that an index names, out of the repository's objects and by none of
//! its settings.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use writ_gateway::git::GitError;

use super::clean::clean;
use super::history::is_id;
use super::run::{Input, Run};

/// Most bytes of all contents together.
const MAX_BYTES: usize = 64 << 20;

/// The contents with these names, of those that there are; names are in hexadecimal and of one length. `room` is a folder of
/// ours, in which an empty repository is made that borrows the `objects`.
///
/// # Errors
/// When git is not there, fails, takes longer or says more than it may.
pub(crate) fn contents(
    room: &Path,
    objects: &Path,
    names: &[String],
    within: Duration,
) -> Result<BTreeMap<String, Vec<u8>>, GitError> {
    let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| is_id(name)).collect();
    let failed = |error: &dyn std::fmt::Display| GitError::Unavailable(error.to_string());
    // Git takes the variable for a list: behind a colon another folder would begin, and quotation marks begin an escape.
    if objects.as_os_str().as_bytes().iter().any(|byte| matches!(byte, b':' | b'"' | b'\n')) {
        return Err(failed(&"the objects lie in a folder whose name git would read as several"));
    }
    // Who draws a plan waits for it, in a runtime or outside of one.
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| failed(&error))?;
            runtime.block_on(asked(room, objects, &names, within))
        });
        asked.join().map_err(|_| failed(&"the thread that asks git ended"))?
    })
}

async fn asked(
    room: &Path,
    objects: &Path,
    names: &[&str],
    within: Duration,
) -> Result<BTreeMap<String, Vec<u8>>, GitError> {
    let Some(first) = names.first() else { return Ok(BTreeMap::new()) };
    let format = if first.len() == 64 { "sha256" } else { "sha1" };
    let ours = room.join(format!("{format}.git"));
    let mut init = clean(&ours, &["PATH"], &[], "none");
    init.args(["init", "--quiet", "--bare", "--template=", &format!("--object-format={format}")]);
    Run::new("init", within).of(init, Input::Nothing).await?.good()?;
    let mut read = clean(&ours, &["PATH"], &[], "none");
    read.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", objects).args(["cat-file", "--batch"]);
    let lines: String = names.iter().map(|name| format!("{name}\n")).collect();
    let ended = Run::new("cat-file", within)
        .answers(MAX_BYTES)
        .of(read, Input::Bytes(lines.into_bytes()))
        .await?
        .good()?;
    Ok(parted(&ended.answer))
}

/// Reads `NAME SP TYPE SP SIZE LF CONTENT LF` again and again (git-cat-file(1), "BATCH OUTPUT"); of what is missing, a line.
fn parted(mut answer: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    while let Some(end) = answer.iter().position(|byte| *byte == b'\n') {
        let (line, rest) = answer.split_at(end);
        answer = rest.get(1..).unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let mut words = line.split(' ');
        let (Some(name), Some(kind), Some(Ok(size))) =
            (words.next(), words.next(), words.next().map(str::parse::<usize>))
        else {
            continue;
        };
        let Some((content, rest)) = answer.split_at_checked(size) else { break };
        answer = rest.get(1..).unwrap_or_default();
        if kind == "blob" {
            found.insert(name.to_owned(), content.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_a_name_of_a_folder_borrows_from_no_second_one() {
        let room = tempfile::tempdir().unwrap();
        for name in ["x:/elsewhere/.git/objects", "\"x\"", "a\nb"] {
            let names = ["a".repeat(40)];
            let found = contents(room.path(), Path::new(name), &names, Duration::from_secs(9));
            assert!(matches!(found, Err(GitError::Unavailable(_))), "{name}: {found:?}");
        }
        assert!(std::fs::read_dir(room.path()).unwrap().next().is_none());
    }

    #[test]
    fn contents_are_parted_by_their_length_and_what_is_cut_is_left_out() {
        let answer = b"aa blob 3\na\nb\nbb missing\ncc tree 2\nxy\ndd blob 0\n\nee blob 9\nshort";
        let found = parted(answer);
        assert_eq!(found.get("aa").map(Vec::as_slice), Some(&b"a\nb"[..]));
        assert_eq!(found.get("dd").map(Vec::as_slice), Some(&b""[..]));
        assert_eq!(found.len(), 2);
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_read_to_its_end(answer: Vec<u8>) {
            let _ = parted(&answer);
        }
    }
}
