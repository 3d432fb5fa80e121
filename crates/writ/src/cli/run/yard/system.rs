//! What of the machine shows: the system, what programs on the search path lead to, and what a person named. Everything
//! else beside it is absent: other people's homes, data, mounted disks, and other projects wherever they lie.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};

use writ_model::{Bounds, PathPattern};

/// What programs need of the root directory. The rest of it is left out.
const OF_ROOT: [&str; 17] = [
    "bin", "dev", "etc", "gnu", "lib", "lib32", "lib64", "libexec", "libx32", "nix", "proc", "run", "sbin",
    "snap", "sys", "tmp", "usr",
];

/// What programs need of `/var`: which packages are installed, and what is generated from them.
const OF_VAR: &[&str] = &[
    "/var/cache/fontconfig",
    "/var/cache/ldconfig",
    "/var/cache/man",
    "/var/db/pkg",
    "/var/db/repos",
    "/var/lib/alternatives",
    "/var/lib/apk",
    "/var/lib/apt/extended_states",
    "/var/lib/apt/lists",
    "/var/lib/ca-certificates",
    "/var/lib/dpkg",
    "/var/lib/flatpak/exports",
    "/var/lib/gems",
    "/var/lib/ghc",
    "/var/lib/pacman/local",
    "/var/lib/rpm",
    "/var/lib/snapd/snap",
    "/var/lib/texmf",
];

/// Folders of the system whose links lead to programs elsewhere: nobody inside any task can put a link there.
const OF_LINKS: [&str; 6] = ["/bin", "/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin", "/usr/sbin"];

/// How many names of such folders are looked at.
const MOST_LINKS: usize = 20_000;

/// What a folder of programs has beside it when both belong to one tool chain.
const OF_TOOL_CHAINS: [&str; 8] = ["include", "jre", "lib", "lib64", "libexec", "pkg", "share", "toolchains"];

/// What of the root directory does not show.
///
/// # Errors
/// When the root directory cannot be listed.
pub(super) fn left_out() -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/")? {
        let name = entry?.file_name();
        if !OF_ROOT.iter().any(|known| name == *known) {
            found.push(Path::new("/").join(name));
        }
    }
    Ok(found)
}

/// What shows of it all the same.
pub(super) fn shown() -> Vec<PathBuf> {
    OF_VAR.iter().map(PathBuf::from).collect()
}

/// Whether a path belongs to what shows for every task.
pub(super) fn is_shown(path: &Path) -> bool {
    let first = path.components().find_map(|part| match part {
        Component::Normal(name) => Some(name),
        Component::CurDir | Component::ParentDir | Component::Prefix(_) | Component::RootDir => None,
    });
    first.is_some_and(|first| OF_ROOT.iter().any(|known| first == *known))
        || OF_VAR.iter().any(|shown| path.starts_with(shown))
}

/// Tool chains outside the system and the home that programs of the system are links into, as `/usr/bin/chrome` into
/// `/opt/chrome`.
pub(super) fn linked(apart: &[&Path]) -> Vec<PathBuf> {
    let entries = OF_LINKS.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let links =
        entries.take(MOST_LINKS).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
    let found: BTreeSet<PathBuf> = links
        .filter_map(|link| link.path().canonicalize().ok())
        .filter(|program| !is_shown(program))
        .filter_map(|program| Some(tool_chain(program.parent()?, apart)))
        .collect();
    let is_apart =
        |path: &PathBuf| !apart.iter().any(|apart| path.starts_with(apart) || apart.starts_with(path));
    found.into_iter().filter(is_apart).collect()
}

/// The tool chain that a folder of programs is a part of, or the folder alone. What holds one of `apart` is none: it is a
/// person's own, and more than tools.
pub(super) fn tool_chain(folder: &Path, apart: &[&Path]) -> PathBuf {
    let is_programs = ["bin", "sbin"].iter().any(|name| folder.file_name() == Some(OsStr::new(name)));
    let around = folder.parent().filter(|_| is_programs).filter(|around| {
        around.parent().is_some()
            // The user's own prefix is many things beside tools, and so is a repository.
            && !around.ends_with(".local")
            && !around.join(".git").exists()
            && !apart.iter().any(|apart| apart.starts_with(around))
            && OF_TOOL_CHAINS.iter().any(|name| around.join(name).is_dir())
    });
    around.unwrap_or(folder).to_owned()
}

/// What a person named outside the workspace: one path, or a folder with all below it. To be read, and to be written.
pub(super) fn named(bounds: &Bounds, workspace: &Path, home: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let paths = |patterns: &Option<Vec<PathPattern>>| {
        let patterns = patterns.iter().flatten().map(PathPattern::as_str);
        let paths = patterns.filter_map(|pattern| whole(pattern, home));
        let is_narrow = |path: &PathBuf| {
            path.parent().is_some() && !home.starts_with(path) && !path.starts_with(workspace)
        };
        paths.filter(is_narrow).collect::<Vec<_>>()
    };
    (paths(&bounds.read), paths(&bounds.write))
}

/// The path of a pattern that means it and all below it; nothing for any other pattern.
fn whole(pattern: &str, home: &Path) -> Option<PathBuf> {
    let path = pattern.strip_suffix("/**").unwrap_or(pattern);
    let is_plain = !path.contains(['*', '?', '[', '{', '!']);
    let path = match path.strip_prefix("~/") {
        Some(below) => home.join(below),
        None => PathBuf::from(path),
    };
    let is_direct = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    (is_plain && is_direct && path.is_absolute()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_programs_need_shows() {
        for path in ["/usr/lib/x", "/etc/ssl", "/nix/store", "/var/lib/dpkg/status"] {
            assert!(is_shown(Path::new(path)), "{path}");
        }
        for path in ["/", "/srv/b", "/opt/x", "/data", "/home/other", "/var/www", "/var/lib", "/usrx"] {
            assert!(!is_shown(Path::new(path)), "{path}");
        }
        let left_out = left_out().unwrap();
        assert!(left_out.contains(&"/var".into()) && !left_out.contains(&"/usr".into()), "{left_out:?}");
    }

    #[test]
    fn a_tool_chain_is_more_than_its_programs_and_less_than_a_project() {
        let root = tempfile::tempdir().unwrap();
        for name in [
            "sdk/bin",
            "sdk/lib",
            "loose/bin",
            "project/bin",
            "project/lib",
            "project/.git",
            "home/bin",
            "home/lib",
        ] {
            std::fs::create_dir_all(root.path().join(name)).unwrap();
        }
        let home = root.path().join("home/me");
        for (folder, wanted) in [
            ("sdk/bin", "sdk"),
            ("sdk/lib", "sdk/lib"),
            ("loose/bin", "loose/bin"),
            ("project/bin", "project/bin"),
            ("home/bin", "home/bin"),
        ] {
            assert_eq!(tool_chain(&root.path().join(folder), &[&home]), root.path().join(wanted), "{folder}");
        }
    }

    #[test]
    fn a_person_names_paths_and_folders() {
        let bounds = Bounds {
            read: Some(
                [
                    "/data/**",
                    "/srv/one.txt",
                    "~/notes/**",
                    "~/**",
                    "/**",
                    "./x/**",
                    "/a/*.md",
                    "/home/**",
                    "/srv/x/**",
                    "/b/../c",
                ]
                .iter()
                .map(|text| text.parse().unwrap())
                .collect(),
            ),
            ..Bounds::default()
        };
        let (read, write) = named(&bounds, Path::new("/srv/x"), Path::new("/home/me"));
        assert_eq!(read, ["/data", "/srv/one.txt", "/home/me/notes"].map(PathBuf::from));
        assert!(write.is_empty());
    }
}
