//! Files of a change that are others under a new name, by the lines that they share.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};

use writ_scan::survey::{Found, MAX_FILE_BYTES};
use writ_scan::walk::read_regular;

/// Most files that are gone and are compared with new ones; past that, what is new is new.
const MAX_GONE: usize = 500;
/// How many of a hundred lines have to be the same, as git has it unless told otherwise.
const ALIKE: usize = 50;

/// A path below a root, and the digests of the file's lines, sorted.
struct File<'a, T> {
    one: &'a T,
    lines: Vec<u64>,
}

/// The name that each file of tools in `after` had in `before`, as far as it is one that is gone there. A file that came to where
/// it has more to say (nearer the top of the tree, a workflow to where a forge runs it) is no old one.
pub(super) fn of_tools(
    (before, before_root): (&[Found], &Path),
    (after, after_root): (&[Found], &Path),
) -> BTreeMap<PathBuf, PathBuf> {
    let path = |found: &Found| found.path.clone();
    renamed((before, before_root), (after, after_root), path, reaches_no_further)
}

/// The same of any files, by their paths below the roots.
pub(super) fn of_files(
    (before, before_root): (&[PathBuf], &Path),
    (after, after_root): (&[PathBuf], &Path),
) -> BTreeMap<PathBuf, PathBuf> {
    renamed((before, before_root), (after, after_root), PathBuf::clone, |_, _| true)
}

fn renamed<T>(
    (before, before_root): (&[T], &Path),
    (after, after_root): (&[T], &Path),
    path: impl Fn(&T) -> PathBuf,
    can_be: impl Fn(&T, &T) -> bool,
) -> BTreeMap<PathBuf, PathBuf> {
    let hasher = RandomState::new();
    let file = |one, root: &Path| -> Option<File<'_, T>> {
        let bytes = read_regular(&root.join(path(one)), MAX_FILE_BYTES).ok()?;
        let mut lines: Vec<u64> =
            bytes.split(|byte| *byte == b'\n').map(|line| hasher.hash_one(line)).collect();
        lines.sort_unstable();
        Some(File { one, lines })
    };
    let lacks = |root: &Path, one: &T| std::fs::symlink_metadata(root.join(path(one))).is_err();
    let mut gone: Vec<File<'_, T>> = before
        .iter()
        .filter(|one| lacks(after_root, one))
        .take(MAX_GONE)
        .filter_map(|one| file(one, before_root))
        .collect();
    let mut names = BTreeMap::new();
    if gone.is_empty() {
        return names;
    }
    for new in after.iter().filter(|one| lacks(before_root, one)) {
        let Some(new) = file(new, after_root) else { continue };
        let best = gone
            .iter()
            .enumerate()
            .filter(|(_, old)| can_be(old.one, new.one))
            .map(|(index, old)| (alike(&old.lines, &new.lines), index))
            .filter(|(alike, _)| *alike >= ALIKE)
            .max();
        if let Some((_, index)) = best {
            // Of two copies one is the old file.
            let old = gone.swap_remove(index);
            names.insert(path(new.one), path(old.one));
        }
    }
    names
}

fn reaches_no_further(old: &Found, new: &Found) -> bool {
    let runs = |found: &Found| {
        let parent = found.path.parent().unwrap_or(Path::new(""));
        [".github/workflows", ".gitea/workflows", ".forgejo/workflows"]
            .iter()
            .any(|place| parent.ends_with(place))
    };
    old.tool == new.tool
        && old.kind == new.kind
        && old.path.components().count() <= new.path.components().count()
        && (runs(old) || !runs(new))
}

/// How many of a hundred lines are the same.
fn alike(one: &[u64], other: &[u64]) -> usize {
    let (mut a, mut b) = (one.iter().peekable(), other.iter().peekable());
    let mut same = 0;
    while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
        match left.cmp(right) {
            std::cmp::Ordering::Less => a.next(),
            std::cmp::Ordering::Greater => b.next(),
            std::cmp::Ordering::Equal => {
                same += 1;
                b.next();
                a.next()
            }
        };
    }
    same * 200 / (one.len() + other.len()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_two_files_share_are_counted() {
        for (one, other, expected) in [
            (&[1, 2, 3, 4][..], &[1, 2, 3, 4][..], 100),
            (&[1, 2, 3, 4], &[1, 2, 9, 10], 50),
            (&[1, 1, 1, 1], &[1], 40),
            (&[1], &[2], 0),
            (&[], &[], 0),
        ] {
            assert_eq!(alike(one, other), expected, "{one:?} {other:?}");
        }
    }
}
