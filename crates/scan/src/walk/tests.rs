//! The walk over trees that mean harm.

use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::symlink;

use proptest::prelude::*;

use super::cache::Cache;
use super::*;

fn tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for path in
        ["a/.claude/settings.json", "a/src/x.rs", "b/.mcp.json", "b/node_modules/p/.mcp.json", ".git/config"]
    {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "{}").unwrap();
    }
    folder
}

fn names(walked: &Walked) -> Vec<String> {
    walked.hits.iter().map(|hit| hit.relative.to_string_lossy().into_owned()).collect()
}

#[test]
fn only_wanted_files_are_found_and_packages_only_when_asked_for() {
    let tree = tree();
    let walked = walk(tree.path(), &WalkOptions::default(), None, None);
    assert_eq!(names(&walked), ["a/.claude/settings.json", "b/.mcp.json"]);
    assert_eq!(walked.repositories, [PathBuf::new()]);
    let walked = walk(tree.path(), &WalkOptions { vendored: true, ..WalkOptions::default() }, None, None);
    assert_eq!(walked.hits.len(), 3);
}

#[test]
fn loops_pipes_and_odd_names_are_survived() {
    let tree = tree();
    let root = tree.path();
    symlink(root, root.join("a/loop")).unwrap();
    symlink(root.join("a/.claude"), root.join("b/.claude")).unwrap();
    symlink("nowhere", root.join("b/CLAUDE.md")).unwrap();
    symlink(root.join("a/src/x.rs"), root.join("AGENTS.md")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("b/.cursorrules"),
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    fs::create_dir(root.join(OsString::from_vec(b"x\xff\x1b[31m\ny".to_vec()))).unwrap();
    fs::write(root.join(OsString::from_vec(b"x\xff\x1b[31m\ny".to_vec())).join(".mcp.json"), "{}").unwrap();
    let walked = walk(root, &WalkOptions::default(), None, None);
    // Settings are found behind a link too, as their client finds them.
    assert_eq!(walked.hits.len(), 5, "{:?}", walked.hits);
    assert!(
        walked
            .notes
            .iter()
            .any(|note| note.why == NoteKind::NotRegular && note.relative.ends_with(".cursorrules"))
    );
    assert!(matches!(read_regular(&root.join("b/.cursorrules"), 10), Err(ReadError::NotRegular)));
    assert!(matches!(read_regular(root, 10), Err(ReadError::NotRegular)));
}

#[test]
fn deep_folders_are_noted_and_long_files_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut deep = folder.path().to_owned();
    for _ in 0..MAX_DEPTH + 20 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    let walked = walk(folder.path(), &WalkOptions::default(), None, None);
    assert!(walked.notes.iter().any(|note| note.why == NoteKind::Deep));
    let long = folder.path().join(".mcp.json");
    fs::File::create(&long).unwrap().set_len(1 << 30).unwrap();
    assert!(matches!(read_regular(&long, 1 << 20), Err(ReadError::TooLong(_))));
}

#[test]
fn a_cache_tells_no_lie_about_a_folder_that_changed() {
    let tree = tree();
    let late = i64::MAX / 4;
    let first = Cache::new(b"", late);
    let seen = names(&walk(tree.path(), &WalkOptions::default(), Some(&first), None));
    let second = Cache::new(&first.bytes(), late);
    assert_eq!(names(&walk(tree.path(), &WalkOptions::default(), Some(&second), None)), seen);
    fs::write(tree.path().join("a/CLAUDE.md"), "x").unwrap();
    fs::remove_file(tree.path().join("b/.mcp.json")).unwrap();
    let third = Cache::new(&second.bytes(), late);
    let seen = names(&walk(tree.path(), &WalkOptions::default(), Some(&third), None));
    assert_eq!(seen, ["a/.claude/settings.json", "a/CLAUDE.md"]);
    // A folder that only just changed is not kept at all.
    let early = Cache::new(b"", 0);
    walk(tree.path(), &WalkOptions::default(), Some(&early), None);
    assert_eq!(early.bytes(), Cache::new(b"", 0).bytes());
}

proptest! {
    #[test]
    fn a_broken_cache_is_no_cache(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut with_head = b"writ scan 1\n".to_vec();
        with_head.extend(&bytes);
        let _ = Cache::new(&with_head, 0);
        let _ = Cache::new(&bytes, 0);
    }
}
