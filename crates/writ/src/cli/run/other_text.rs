//! Files that show another text inside than outside: settings without their credentials, what a client remembers of this
//! workspace alone, and where names are asked for.

use std::path::{Path, PathBuf};

use super::network::Reach;
use super::yard::ground::Ground;
use super::yard::secret::Workspace;
use super::yard::{self, address, repository};
use super::{Folder, Wish, prepare};
use crate::failure::Failure;

/// Where programs read who resolves names.
const RESOLVER: &str = "/etc/resolv.conf";
/// Largest configuration of git that is read.
const MAX_CONFIG_BYTES: u64 = 4 << 20;
/// Largest list of what git does not look at that is read.
const MAX_LIST_BYTES: u64 = 1 << 20;
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

/// Lists of what git does not look at, of the workspace's repositories, each with one that also names what is `empty` inside
/// and what stands in (gitignore(5)). Else a task that adds everything would add empty files, and outside git would show
/// their secrets as changes; and what puts everything aside would fail at what it cannot remove.
pub(super) fn passed_over(
    wish: &Wish,
    folder: &Folder,
    ground: &Ground,
    empty: &[PathBuf],
) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
    let mut replace = Vec::new();
    let Ok(looked) = ground.looked() else { return Ok(replace) };
    for (number, (tree, list)) in
        repository::lists(&wish.workspace, &looked.repositories).into_iter().enumerate()
    {
        let paths = empty.iter().map(PathBuf::as_path).chain(ground.standing_in());
        let names: Vec<String> = paths.filter_map(|path| repository::pattern(&tree, path)).collect();
        // What a link leads to belongs to somebody else.
        let is_itself = list.is_file() && list.canonicalize().is_ok_and(|real| real == list);
        if names.is_empty() || !is_itself {
            continue;
        }
        let Some(mut text) = crate::config::read_text(&list, MAX_LIST_BYTES) else { continue };
        text.push_str("\n# Empty inside this task, or only there for it.\n");
        text.extend(names.iter().map(|name| format!("{name}\n")));
        let with = folder.0.join(format!("git-exclude-{number}"));
        std::fs::write(&with, text)?;
        replace.push((list, with));
    }
    Ok(replace)
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
