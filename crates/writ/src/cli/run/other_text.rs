//! Files that show another text inside than outside: settings without their credentials, what a client remembers of this
//! workspace alone, and where names are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::network::Reach;
use super::yard::ground::Ground;
use super::yard::secret::Workspace;
use super::yard::{self, address, repository};
use super::{Folder, Wish, prepare};
use crate::failure::Failure;
use crate::git;

/// Where programs read who resolves names.
const RESOLVER: &str = "/etc/resolv.conf";
/// Largest configuration of git that is read.
const MAX_CONFIG_BYTES: u64 = 4 << 20;
/// Largest list of what git does not look at that is read.
const MAX_LIST_BYTES: u64 = 1 << 20;
/// Most files that show as git has them.
const MAX_TRACKED: usize = 1_000;
/// How long git may take to read these.
const GIT_PATIENCE: Duration = Duration::from_secs(10);
/// Largest file of a client's memory that is read.
const MAX_MEMORY_BYTES: u64 = 64 << 20;

/// The configurations of repositories that hold credentials, each with one that holds none.
pub(super) fn without_credentials(
    wish: &Wish,
    folder: &Folder,
    home: &Path,
    looked: &Workspace,
) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
    let mut replace = Vec::new();
    for (number, path) in
        repository::settings(&wish.workspace, &looked.repositories, home).into_iter().enumerate()
    {
        let Some(text) = crate::config::read_text(&path, MAX_CONFIG_BYTES) else { continue };
        let Some(bare) = address::bare(&text) else { continue };
        let with = folder.0.join(format!("git-config-{number}"));
        std::fs::write(&with, bare)?;
        replace.push((path, with));
    }
    Ok(replace)
}

/// What git inside passes over, beside what it would anyway.
#[derive(Default)]
pub(super) struct PassedOver {
    /// Lists of repositories, each with one that says more.
    pub(super) lists: Vec<(PathBuf, PathBuf)>,
    /// A list for every repository, with the user's own in it; where one of them has none of its own.
    pub(super) for_all: Option<PathBuf>,
}

/// Lists of what git does not look at, of the workspace's repositories, each with one that also names what is `empty` inside
/// and what stands in (gitignore(5)). Else a task that adds everything would add empty files, and outside git would show
/// their secrets as changes; and what puts everything aside would fail at what it cannot remove.
pub(super) fn passed_over(
    wish: &Wish,
    folder: &Folder,
    home: &Path,
    ground: &Ground,
    empty: &[PathBuf],
) -> Result<PassedOver, Failure> {
    let mut listed: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    let mut unlisted: BTreeSet<String> = BTreeSet::new();
    let trees = ground.trees(&wish.workspace);
    for tree in &trees {
        let paths = empty.iter().map(PathBuf::as_path).chain(ground.standing_in());
        let names = paths.filter_map(|path| repository::pattern(&tree.root, path));
        let list = tree.list();
        // What a link leads to belongs to somebody else.
        let is_itself = list.is_file() && list.canonicalize().is_ok_and(|real| real == list);
        if is_itself { listed.entry(list).or_default() } else { &mut unlisted }.extend(names);
    }
    let mut passed = PassedOver::default();
    for (number, (list, names)) in listed.into_iter().filter(|(_, names)| !names.is_empty()).enumerate() {
        let Some(text) = crate::config::read_text(&list, MAX_LIST_BYTES) else {
            unlisted.extend(names);
            continue;
        };
        let with = folder.0.join(format!("git-exclude-{number}"));
        std::fs::write(&with, longer(text, &names))?;
        passed.lists.push((list, with));
    }
    if !unlisted.is_empty() {
        let own = repository::own_lists(&wish.workspace, &trees, home).into_iter();
        let own = own.filter_map(|path| crate::config::read_text(&path, MAX_LIST_BYTES));
        let text: String = own.flat_map(|text| [text, "\n".to_owned()]).collect();
        let with = folder.0.join("git-exclude");
        std::fs::write(&with, longer(text, &unlisted))?;
        passed.for_all = Some(with);
    }
    Ok(passed)
}

fn longer(mut text: String, names: &BTreeSet<String>) -> String {
    text.push_str("\n# Empty inside this task, or only there for it.\n");
    text.extend(names.iter().map(|name| format!("{name}\n")));
    text
}

/// Files that are `empty` inside although git tracks them, each with what was added of it: a task that commits all changes
/// would commit emptied ones. What stands in the objects of a repository can be read inside anyway; nothing is read that lies
/// elsewhere.
pub(super) fn as_tracked(
    wish: &Wish,
    folder: &Folder,
    ground: &Ground,
    empty: &[PathBuf],
) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let trees = ground.trees(&wish.workspace);
    let indexes: Vec<_> = trees.iter().map(|tree| (tree, tree.index())).collect();
    let mut wanted: BTreeMap<PathBuf, Vec<(&PathBuf, String)>> = BTreeMap::new();
    for path in empty.iter().take(MAX_TRACKED) {
        // The innermost tree is the one that it belongs to.
        let tree = indexes.iter().rev().find(|(tree, _)| path.starts_with(&tree.root));
        let digest = tree.and_then(|(tree, index)| index.digest(path.strip_prefix(&tree.root).ok()?));
        if let (Some((tree, _)), Some(digest)) = (tree, digest) {
            let name = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            wanted.entry(tree.objects()).or_default().push((path, name));
        }
    }
    let shared = ground.shared(&prepare::terms(wish, None));
    let mut shown = Vec::new();
    for (number, (objects, files)) in wanted.into_iter().enumerate() {
        let mut names: Vec<String> = files.iter().map(|(_, name)| name.clone()).collect();
        names.retain(|name| repository::holds_itself(&objects, name));
        if names.is_empty() || !shared.iter().any(|around| objects.starts_with(around)) {
            continue;
        }
        let room = folder.0.join(format!("objects-{number}"));
        std::fs::create_dir_all(&room)?;
        // One that cannot be read stays empty, which is told of each.
        let found = git::blob::contents(&room, &objects, &names, GIT_PATIENCE).unwrap_or_default();
        let _ = std::fs::remove_dir_all(&room);
        for (path, name) in files {
            let Some(content) = found.get(&name) else { continue };
            let with = folder.0.join(format!("tracked-{}", shown.len()));
            std::fs::write(&with, content)?;
            // Git looks at this alone of a file's mode.
            let runs = path.metadata().is_ok_and(|found| found.permissions().mode() & 0o100 != 0);
            std::fs::set_permissions(
                &with,
                std::fs::Permissions::from_mode(if runs { 0o755 } else { 0o644 }),
            )?;
            shown.push((path.clone(), with));
        }
    }
    Ok(shown)
}

/// Files in which the client remembers all projects, each with one that holds what is about this workspace.
pub(super) fn own_memory(
    wish: &Wish,
    folder: &Folder,
    home: &Path,
    ground: &Ground,
) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    // Of a worktree, the project is that of the main one too.
    let shared = ground.shared(&prepare::terms(wish, Some(home)));
    let main = shared.iter().filter(|path| path.ends_with(".git")).filter_map(|path| path.parent());
    let own: Vec<PathBuf> = shared.iter().map(PathBuf::as_path).chain(main).map(Path::to_owned).collect();
    let mut copy_as = Vec::new();
    let files = yard::memory::files(wish.program.client, home, &|name| std::env::var_os(name));
    for (number, path) in files.into_iter().filter(|path| path.is_file()).enumerate() {
        // What is too large is no more read than what is no text.
        let text = crate::config::read_text(&path, MAX_MEMORY_BYTES).unwrap_or_default();
        let is_toml = path.extension().is_some_and(|ending| ending == "toml");
        let form = if is_toml { yard::memory::Form::Toml } else { yard::memory::Form::Json };
        let with = folder.0.join(format!("memory-{number}"));
        let mut file =
            std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&with)?;
        file.write_all(yard::memory::own_part(form, &text, &own).as_bytes())?;
        copy_as.push((path, with));
    }
    Ok(copy_as)
}

/// Where programs inside find a resolver: at the loopback address. Where a link leads to that file it leads into what is
/// empty inside, and programs ask there by themselves (resolv.conf(5)).
pub(super) fn own_names(folder: &Folder, reach: &Reach) -> Result<Option<(PathBuf, PathBuf)>, Failure> {
    let place = Path::new(RESOLVER);
    if reach.names_ports().is_empty() || !place.symlink_metadata().is_ok_and(|found| found.is_file()) {
        return Ok(None);
    }
    let with = folder.0.join("resolv.conf");
    std::fs::write(
        &with,
        "# The resolver of this sandbox knows no names: the proxy asks for them.\nnameserver 127.0.0.1\nsearch .\noptions timeout:1 attempts:1\n",
    )?;
    Ok(Some((place.to_owned(), with)))
}
