//! Where a name leads through links, with each link on the way: whoever exchanges one of them leads it elsewhere.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Links on one way, as the kernel takes no more.
const MAX_LINKS: usize = 40;

/// One way from a name to a file or folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trail {
    /// Every link on it, by its own name without links.
    pub(super) links: Vec<PathBuf>,
    /// What it ends at, without links.
    pub(super) end: PathBuf,
    /// The first part of `end` that is not there.
    pub(super) missing: Option<PathBuf>,
}

/// Follows an absolute path. Nothing where it leads in a circle or cannot be looked at.
pub(super) fn follow(path: &Path) -> Option<Trail> {
    let mut rest: VecDeque<OsString> = parts(path);
    let mut at = PathBuf::from("/");
    let mut links = Vec::new();
    let mut missing = None;
    while let Some(part) = rest.pop_front() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        if missing.is_some() {
            at = next;
            continue;
        }
        match next.symlink_metadata() {
            Ok(found) if found.is_symlink() => {
                let target = next.read_link().ok()?;
                links.push(next);
                if links.len() > MAX_LINKS {
                    return None;
                }
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                let mut target = parts(&target);
                target.append(&mut rest);
                rest = target;
            }
            Ok(_) => at = next,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                missing = Some(next.clone());
                at = next;
            }
            Err(_) => return None,
        }
    }
    Some(Trail { links, end: at, missing })
}

fn parts(path: &Path) -> VecDeque<OsString> {
    let part = |part: Component<'_>| match part {
        Component::Normal(_) | Component::ParentDir => Some(part.as_os_str().to_owned()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn each_link_on_the_way_is_found() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(root.join("a/b/file"), "").unwrap();
        for (link, target) in [
            ("plain", "a/b/file"),
            ("twice", "plain"),
            ("folder", "a"),
            ("a/up", "../folder/b"),
            ("gone", "a/missing/deep"),
            ("circle", "circle"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        symlink(root.join("a/b"), root.join("whole")).unwrap();
        let at = |name: &str| root.join(name);
        for (name, links, end, missing) in [
            ("a/b/file", vec![], "a/b/file", None),
            ("plain", vec!["plain"], "a/b/file", None),
            ("twice", vec!["twice", "plain"], "a/b/file", None),
            ("folder/up/file", vec!["folder", "a/up", "folder"], "a/b/file", None),
            ("whole/../b", vec!["whole"], "a/b", None),
            ("gone", vec!["gone"], "a/missing/deep", Some("a/missing")),
        ] {
            let wanted =
                Trail { links: links.into_iter().map(at).collect(), end: at(end), missing: missing.map(at) };
            assert_eq!(follow(&at(name)), Some(wanted), "{name}");
        }
        assert_eq!(follow(&at("circle")), None);
    }
}
