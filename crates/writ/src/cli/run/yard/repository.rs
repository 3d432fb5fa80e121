//! What of a repository makes `git` run something, or look elsewhere: never to be changed from inside.

use std::path::{Path, PathBuf};

pub(super) mod settings;
pub(in crate::cli::run) mod ssh;

use settings::Named;

use super::index::Index;
use super::walk::{entries, is_closed};

/// Inside a repository's folder.
pub(super) const PROTECTED: [&str; 10] = [
    "branches",
    "commondir",
    "config",
    "config.worktree",
    "hooks",
    "info/attributes",
    "info/grafts",
    "objects/info/alternates",
    "objects/info/http-alternates",
    "remotes",
];

/// Inside a repository's folder: what was begun and runs when a person goes on with it. An agent begins such things
/// itself, so only what was there before it is kept from it.
pub(super) const BEGUN: [&str; 3] = ["rebase-apply", "rebase-merge", "sequencer"];
/// Folders inside a repository's in which such things lie.
const FOLDERS: [&str; 7] =
    ["hooks", "info", "modules", "objects", "objects/info", "rebase-merge", "worktrees"];
/// Configuration inside a repository's folder.
const SETTINGS: [&str; 2] = ["config", "config.worktree"];

/// How many submodules and worktrees are looked at.
const MOST: usize = 1000;

/// Files of packed objects that are looked at, and folders of others.
const MOST_PACKS: usize = 10_000;

/// How deep they are looked for.
const DEEPEST: usize = 12;

/// Largest configuration that is looked at.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// What a workspace's repository asks of the view.
#[derive(Clone, Default)]
pub(super) struct Repository {
    /// Its folder, where that lies outside the workspace.
    pub(super) outside: Vec<PathBuf>,
    /// The workspace's own, by `.git`.
    pub(super) own: Vec<PathBuf>,
    /// Every folder of a repository that git outside reads settings from.
    pub(super) folders: Vec<PathBuf>,
    /// What must not be changed, by its name: it may be absent, or a link.
    pub(super) protected: Vec<PathBuf>,
    /// What somebody began and has not ended.
    pub(super) begun: Vec<PathBuf>,
    /// What the settings lead to.
    pub(super) named: Named,
    /// Folders of repositories, and in them, that could not be looked into.
    pub(super) closed: Vec<PathBuf>,
}

/// Looks at the repository by its files; `git` itself would run what they say. `nested` are folders of repositories below
/// the workspace, relative to it, `home` is where the user's own settings lie.
pub(super) fn of(workspace: &Path, nested: &[PathBuf], home: Option<&Path>) -> Repository {
    let mut found = Repository::default();
    let entry = workspace.join(".git");
    let mut own = Vec::new();
    if entry.is_dir() {
        found.protect(&entry);
        found.reach_remotes(workspace, &entry);
        own.push(entry);
    } else if let Some(folder) = pointed_at(&entry) {
        // A worktree: its folder lies in the main repository's, which holds the objects.
        found.protected.push(entry);
        let common = common(&folder);
        found.protect(&common);
        found.protect(&folder);
        found.reach_remotes(workspace, &common);
        if !common.starts_with(workspace) {
            found.outside.push(common.clone());
        }
        own.extend([common, folder]);
    } else if entry.is_file() {
        found.protected.push(entry);
    }
    found.own.clone_from(&own);
    for folder in nested {
        // Joined with nothing a path would end in a slash.
        let is_root = folder.as_os_str().is_empty();
        found.protect(&if is_root { workspace.to_owned() } else { workspace.join(folder) });
    }
    // The part of a split repository where settings and hooks lie.
    for folder in found.folders.clone() {
        if let Some(shared) = shared(&folder).filter(|shared| shared.starts_with(workspace))
            && !found.folders.contains(&shared)
        {
            found.protect(&shared);
        }
    }
    for folder in &found.folders {
        let parts = FOLDERS.iter().map(|name| folder.join(name));
        // The first that is closed says all: nothing below it can be seen.
        found.closed.extend(std::iter::once(folder.clone()).chain(parts).find(|folder| is_closed(folder)));
    }
    for folder in found.folders.clone() {
        // Beside a folder that is called `.git` lies what git runs things from, else in the folder itself.
        let around = folder.parent().filter(|_| folder.ends_with(".git")).unwrap_or(&folder);
        let tree = if own.contains(&folder) { workspace } else { around };
        let tree = settings::tree_of(&folder).unwrap_or_else(|| tree.to_owned());
        for name in ["config", "config.worktree"] {
            found.named.read(&folder.join(name), &tree, home);
        }
    }
    for file in of_user(home) {
        found.named.read(&file, workspace, home);
    }
    found
}

/// The index of a workspace's own repository.
pub(super) fn index(workspace: &Path) -> Index {
    let entry = workspace.join(".git");
    Index::of(&pointed_at(&entry).unwrap_or(entry))
}

/// A folder that files of a repository lie in.
pub(in crate::cli::run) struct Tree {
    /// Where its files lie.
    pub(in crate::cli::run) root: PathBuf,
    /// Its own part of the repository, with the index.
    folder: PathBuf,
    /// The part that it shares with other work trees.
    common: PathBuf,
}

// === impl Tree ===

impl Tree {
    /// The list of what git does not look at (gitignore(5)). It may be absent.
    pub(in crate::cli::run) fn list(&self) -> PathBuf {
        self.common.join("info/exclude")
    }

    /// Where its objects lie.
    pub(in crate::cli::run) fn objects(&self) -> PathBuf {
        self.common.join("objects")
    }

    /// What git has of it.
    pub(in crate::cli::run) fn index(&self) -> Index {
        Index::of(&self.folder)
    }
}

/// The trees of a workspace, its own first. `nested` are folders of repositories, the workspace's own among them, `pointers`
/// files that lead to such, as those of submodules and of other work trees.
pub(super) fn trees(workspace: &Path, nested: &[PathBuf], pointers: &[PathBuf]) -> Vec<Tree> {
    let led = std::iter::once(workspace.join(".git")).chain(pointers.iter().map(|path| workspace.join(path)));
    let led = led.filter_map(|entry| {
        let folder = pointed_at(&entry)?;
        Some(Tree { root: entry.parent()?.to_owned(), common: common(&folder), folder })
    });
    let own = nested.iter().filter_map(|folder| {
        Some(Tree { root: folder.parent()?.to_owned(), common: folder.clone(), folder: folder.clone() })
    });
    let mut trees: Vec<Tree> = led.chain(own).collect();
    trees.sort_by_key(|tree| tree.root.components().count());
    trees
}

/// Whether git finds an object nowhere but in this folder: an agent can make a repository that borrows from another, or links
/// that lead to one. `name` is in hexadecimal.
pub(in crate::cli::run) fn holds_itself(objects: &Path, name: &str) -> bool {
    let is_real = |path: &Path| path.canonicalize().is_ok_and(|real| real == path);
    // More than are looked at count as links.
    let has_links = |folder: &Path| match std::fs::read_dir(folder) {
        Ok(entries) => entries.enumerate().any(|(at, entry)| {
            at >= MOST_PACKS
                || !entry.and_then(|entry| entry.file_type()).is_ok_and(|kind| !kind.is_symlink())
        }),
        Err(_) => folder.symlink_metadata().is_ok(),
    };
    let (info, alternates) = (objects.join("info"), objects.join("info/alternates"));
    // What stands in there for the time of a run names nothing.
    let borrows = match crate::config::read_text(&alternates, MAX_CONFIG_BYTES) {
        Some(text) => text.lines().any(|line| !line.trim().is_empty() && !line.starts_with('#')),
        None => alternates.symlink_metadata().is_ok_and(|found| !found.is_dir()),
    };
    let loose = name.split_at_checked(2).map(|(folder, rest)| objects.join(folder).join(rest));
    is_real(objects)
        && !info.is_symlink()
        && !alternates.is_symlink()
        && !borrows
        && !has_links(objects)
        && !has_links(&objects.join("pack"))
        && !loose.is_none_or(|path| path.is_symlink())
}

/// What of the user's own lists git does not look at in a workspace (`core.excludesFile`): a setting of ours is instead of
/// theirs. A file that a repository's settings name counts only where it lies in the workspace, because inside it is read.
pub(in crate::cli::run) fn own_lists(workspace: &Path, trees: &[Tree], home: &Path) -> Vec<PathBuf> {
    let of_user = of_user(Some(home));
    let usual = std::env::var_os("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
    let mut lists = vec![usual.join("git/ignore")];
    let of_trees = trees.iter().map(|tree| tree.common.join("config"));
    for (file, is_users) in
        of_user.into_iter().map(|file| (file, true)).chain(of_trees.map(|file| (file, false)))
    {
        for path in settings::lists(&file, workspace, home) {
            let is_inside = || path.canonicalize().is_ok_and(|real| real.starts_with(workspace));
            if is_users || is_inside() {
                lists.push(path);
            }
        }
    }
    lists
}

/// The line of such a list that means exactly this file of a tree; nothing for a file elsewhere or in a repository's folder,
/// and for names that no line can hold.
pub(in crate::cli::run) fn pattern(tree: &Path, path: &Path) -> Option<String> {
    let below = path.strip_prefix(tree).ok().filter(|below| !below.iter().any(|part| part == ".git"))?;
    let below = below.to_str().filter(|name| !name.is_empty() && !name.contains(['\n', '\r']))?;
    let mut line = String::from("/");
    for letter in below.chars() {
        if matches!(letter, '\\' | '*' | '?' | '[' | ']' | ' ') {
            line.push('\\');
        }
        line.push(letter);
    }
    Some(line)
}

/// Settings of the user and the machine, which hold in every repository.
fn of_user(home: Option<&Path>) -> Vec<PathBuf> {
    let below = home.into_iter().flat_map(|home| [home.join(".gitconfig"), home.join(".config/git/config")]);
    let elsewhere = std::env::var_os("XDG_CONFIG_HOME").map(|folder| Path::new(&folder).join("git/config"));
    below.chain(elsewhere).chain([PathBuf::from("/etc/gitconfig")]).collect()
}

/// Settings of cargo, in which tokens stand as they do in git's.
const OF_CARGO: [&str; 2] = ["config", "config.toml"];

/// The configurations of a workspace's repository and of those inside it, and the user's own.
pub(in crate::cli::run) fn settings(workspace: &Path, inner: &[PathBuf], home: &Path) -> Vec<PathBuf> {
    let read = settings::included(of_user(Some(home)), Some(home));
    // Elsewhere only where it shows: as a tool chain, or as part of the system.
    let variable = |name: &str| std::env::var_os(name);
    let chains = super::tools::roots(home, workspace, &variable);
    let cargo = variable("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.filter(|path| chains.contains(path) || super::is_of_system(path));
    let cargo: Vec<PathBuf> = cargo.into_iter().chain([home.join(".cargo")]).collect();
    let shown: Vec<_> =
        cargo.iter().chain([&home.join(".config/git")]).map(|path| path.canonicalize()).collect();
    let of_cargo = cargo.iter().flat_map(|root| OF_CARGO.map(|name| root.join(name)));
    let listed = [home.join(".gitconfig")].into_iter().chain(of_cargo);
    // What lies elsewhere does not show, and nothing is put in its place.
    let is_shown = |path: &PathBuf| {
        path.starts_with(workspace) || shown.iter().flatten().any(|folder| path.starts_with(folder))
    };
    let own = listed.chain(read).filter_map(|path| {
        let real = path.canonicalize().ok()?;
        (path == home.join(".gitconfig") || is_shown(&real)).then_some(real)
    });
    let own: Vec<PathBuf> = own.collect();
    let folders = of(workspace, &[], None).folders.into_iter().chain(inner.iter().cloned());
    let files = folders.flat_map(|folder| SETTINGS.map(|name| folder.join(name)));
    let mut files: Vec<PathBuf> =
        files.chain(own).filter_map(|path| path.canonicalize().ok()).filter(|path| path.is_file()).collect();
    files.sort();
    files.dedup();
    files
}

/// Where the file `.git` of a worktree points to, when that is a repository's folder of this worktree.
fn pointed_at(entry: &Path) -> Option<PathBuf> {
    let text = crate::config::read_text(entry, 4096)?;
    let folder = Path::new(text.strip_prefix("gitdir:")?.trim()).to_owned();
    let folder = entry.parent()?.join(folder).canonicalize().ok()?;
    // A file that an agent wrote could point anywhere: the folder must point back.
    let points_back = match crate::config::read_text(&folder.join("gitdir"), 4096) {
        Some(back) => Path::new(back.trim()).canonicalize().ok()? == entry.canonicalize().ok()?,
        // That of a submodule points by its settings.
        None => settings::tree_of(&folder)? == entry.parent()?.canonicalize().ok()?,
    };
    (points_back && folder.join("HEAD").is_file()).then_some(folder)
}

/// The folder that a repository's has in common with others, by its file `commondir`.
fn shared(folder: &Path) -> Option<PathBuf> {
    let text = crate::config::read_text(&folder.join("commondir"), 4096)?;
    folder.join(text.trim_end_matches(['\r', '\n'])).canonicalize().ok()
}

/// Whether a folder has the names by which git takes it for a repository, or is the part of one that others share.
pub(super) fn looks_taken(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).symlink_metadata().is_ok();
    has("HEAD") || (has("objects") && has("refs"))
}

/// Whether git takes a folder for a repository: a head that could be one, and where objects and names lie
/// (`is_git_directory` and `validate_headref` of git).
pub(super) fn is_taken(folder: &Path) -> bool {
    let head = folder.join("HEAD");
    let is_head = match std::fs::read_link(&head) {
        Ok(target) => target.starts_with("refs"),
        Err(_) => crate::config::read_text(&head, 4096).is_some_and(|text| {
            text.strip_prefix("ref:").map_or_else(
                || text.len() >= 40 && text.bytes().take(40).all(|byte| byte.is_ascii_hexdigit()),
                |name| name.trim_start().starts_with("refs/"),
            )
        }),
    };
    let common = shared(folder).unwrap_or_else(|| folder.to_owned());
    is_head && ["objects", "refs"].iter().all(|name| common.join(name).exists())
}

/// The remotes of a workspace that are reached by HTTP: their names, with host and path without `.git`.
pub(in crate::cli::run) fn remotes_by_http(workspace: &Path) -> Vec<(String, String)> {
    let text = settings_of(workspace);
    // What a push would go to: its own address, where it has one.
    let mut found: std::collections::BTreeMap<&str, (bool, Option<String>)> =
        std::collections::BTreeMap::new();
    for (name, key, value) in addresses(&text) {
        let is_push = key == "pushurl";
        let entry = found.entry(name).or_default();
        if is_push || !entry.0 {
            // More than one place, and nobody can say which is meant.
            let second = entry.0 == is_push && entry.1.is_some();
            *entry = (is_push, by_http(value).filter(|_| !second));
        }
    }
    found.into_iter().filter_map(|(name, (_, address))| Some((name.to_owned(), address?))).collect()
}

/// The configuration of a workspace's own repository; nothing where it has none.
fn settings_of(workspace: &Path) -> String {
    let entry = workspace.join(".git");
    let folder = if entry.is_dir() { Some(entry) } else { pointed_at(&entry).map(|folder| common(&folder)) };
    let text = folder.and_then(|folder| crate::config::read_text(&folder.join("config"), MAX_CONFIG_BYTES));
    text.unwrap_or_default()
}

/// `forge.example/team/app` of an address that git would speak HTTP to, or does in a run.
fn by_http(address: &str) -> Option<String> {
    let instead = ssh::by_https(address);
    let address = instead.as_deref().unwrap_or(address);
    let path = ["https://", "http://"].iter().find_map(|scheme| address.strip_prefix(scheme))?;
    let host = writ_policy::host_of(address)?;
    let (_, path) = path.split_once('/')?;
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (!path.is_empty() && !path.contains(['?', '#'])).then(|| format!("{host}/{path}"))
}

/// The addresses of remotes in a repository's configuration: name, key in lower case, value.
fn addresses(config: &str) -> Vec<(&str, String, &str)> {
    let mut remote = None;
    let mut found = Vec::new();
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            remote = line
                .strip_prefix("[remote ")
                .and_then(|rest| rest.trim().strip_prefix('"')?.strip_suffix("\"]"));
        } else if let Some((key, value)) = line.split_once('=')
            && let Some(name) = remote
        {
            let key = key.trim().to_ascii_lowercase();
            if matches!(key.as_str(), "url" | "pushurl") {
                found.push((name, key, value.trim().trim_matches('"')));
            }
        }
    }
    found
}

/// Paths among the addresses of remotes in a repository's configuration.
fn remotes(config: &str) -> Vec<&str> {
    let paths =
        addresses(config).into_iter().map(|(_, _, value)| value.strip_prefix("file://").unwrap_or(value));
    // `host:path` and `https://…` are no paths.
    paths.filter(|path| path.starts_with('/') || path.starts_with("./") || path.starts_with("../")).collect()
}

/// The main repository's folder of a worktree's.
fn common(folder: &Path) -> PathBuf {
    folder
        .ancestors()
        .find(|path| path.file_name().is_some_and(|name| name == "worktrees"))
        .and_then(Path::parent)
        .unwrap_or(folder)
        .to_owned()
}

// === impl Repository ===

impl Repository {
    /// A remote that is a folder of this machine is reached as a folder, with what it runs protected.
    fn reach_remotes(&mut self, workspace: &Path, folder: &Path) {
        let text = crate::config::read_text(&folder.join("config"), MAX_CONFIG_BYTES).unwrap_or_default();
        for remote in remotes(&text) {
            let Ok(remote) = workspace.join(remote).canonicalize() else { continue };
            let folder = Some(remote.join(".git")).filter(|inner| inner.is_dir()).unwrap_or(remote);
            let is_repository = folder.join("HEAD").is_file()
                && folder.join("objects").is_dir()
                && folder.join("refs").is_dir();
            if is_repository && !folder.starts_with(workspace) {
                self.protect(&folder);
                self.outside.push(folder);
            }
        }
    }

    fn protect(&mut self, folder: &Path) {
        self.take(folder);
        let mut left = MOST;
        for below in ["modules", "worktrees"] {
            self.protect_below(&folder.join(below), DEEPEST, &mut left);
        }
    }

    fn take(&mut self, folder: &Path) {
        self.folders.push(folder.to_owned());
        self.protected.extend(PROTECTED.map(|name| folder.join(name)));
        self.begun.extend(BEGUN.map(|name| folder.join(name)));
    }

    /// A submodule's folder is named for its path, so it may lie deep, and has submodules of its own.
    fn protect_below(&mut self, folder: &Path, deepest: usize, left: &mut usize) {
        let Some(deepest) = deepest.checked_sub(1) else { return };
        let Ok(entries) = entries(folder, *left) else {
            self.closed.push(folder.to_owned());
            return;
        };
        for (name, kind) in entries {
            let Some(fewer) = left.checked_sub(1) else { return };
            *left = fewer;
            let path = folder.join(name);
            if !kind.is_dir() {
                continue;
            }
            if path.join("HEAD").is_file() {
                self.take(&path);
                self.protect_below(&path.join("modules"), deepest, left);
            } else {
                self.protect_below(&path, deepest, left);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_are_paths_only_where_git_takes_them_for_paths() {
        let config = "[core]\n\turl = /etc\n[remote \"origin\"]\n\turl = ../other.git\n\tpushurl = file:///srv/x.git\n\
             [remote \"b\"]\n url=git@host:path\n[branch \"m\"]\n url = /usr\n[remote \"c\"]\nURL = \"/a b\"\n";
        assert_eq!(remotes(config), ["../other.git", "/srv/x.git", "/a b"]);
    }

    #[test]
    fn remotes_by_http_are_known_by_name() {
        for (address, wanted) in [
            ("https://forge.example/team/app.git", Some("forge.example/team/app")),
            ("https://me:word@Forge.Example:443/team/app/", Some("forge.example/team/app")),
            ("http://127.0.0.1:8080/x.git", Some("127.0.0.1:8080/x")),
            ("https://forge.example/", None),
            ("https://forge.example", None),
            ("https://forge.example/a?b", None),
            ("ssh://git@forge.example/a", None),
            ("git@forge.example:a/b", None),
            ("git@github.com:a/b.git", Some("github.com/a/b")),
            ("../a", None),
        ] {
            assert_eq!(by_http(address).as_deref(), wanted, "{address}");
        }
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join(".git")).unwrap();
        let config = "[remote \"origin\"]\nurl = https://a.example/x.git\n[remote \"fork\"]\nurl = https://a.example/y\n\
             pushurl = git@a.example:y\n[remote \"two\"]\nurl = https://a.example/1\nurl = https://a.example/2\n";
        std::fs::write(root.path().join(".git/config"), config).unwrap();
        let known = [("origin".to_owned(), "a.example/x".to_owned())];
        assert_eq!(remotes_by_http(root.path()), known);
    }

    #[test]
    fn what_git_runs_is_protected_and_a_foreign_folder_is_not_reached() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let make = |name: &str, text: &str| {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let config = "[remote \"o\"]\nurl = ../bare.git\n[remote \"p\"]\nurl = ../private\n";
        for (name, text) in [
            ("work/.git/config", config),
            ("work/.git/hooks/x", ""),
            ("work/.git/modules/sub/HEAD", ""),
            ("work/.git/modules/sub/config", ""),
            ("work/.git/modules/libs/deep/HEAD", ""),
            ("work/.git/modules/libs/deep/config", ""),
            ("work/.git/modules/libs/deep/modules/in/it/HEAD", ""),
            ("work/.git/modules/libs/deep/modules/in/it/hooks/x", ""),
            ("bare.git/HEAD", ""),
            ("bare.git/config", ""),
            ("bare.git/objects/x", ""),
            ("bare.git/refs/x", ""),
            ("private/key", ""),
            ("tree/.git", "gitdir: ../work/.git/worktrees/tree\n"),
            ("work/.git/worktrees/tree/HEAD", ""),
            ("work/.git/worktrees/tree/commondir", "../.."),
            ("evil/.git", "gitdir: ../private\n"),
        ] {
            make(name, text);
        }
        let back = root.join("tree/.git").display().to_string();
        make("work/.git/worktrees/tree/gitdir", &back);
        let of = |folder: &Path| of(folder, &[], None);
        let found = of(&root.join("work"));
        assert_eq!(found.outside, [root.join("bare.git")]);
        for name in [
            "work/.git/config",
            "work/.git/hooks",
            "work/.git/modules/sub/config",
            "work/.git/modules/libs/deep/config",
            "work/.git/modules/libs/deep/modules/in/it/hooks",
            "bare.git/config",
        ] {
            assert!(found.protected.contains(&root.join(name)), "{name}");
        }
        let tree = of(&root.join("tree"));
        assert!(
            tree.outside.contains(&root.join("work/.git"))
                && tree.protected.contains(&root.join("tree/.git"))
        );
        let evil = of(&root.join("evil"));
        assert!(evil.outside.is_empty() && evil.protected == [root.join("evil/.git")]);
    }
}
