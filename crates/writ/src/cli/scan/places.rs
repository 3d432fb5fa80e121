//! Where a scan looks: the folders that were named, or this user, this machine and the repository around.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use writ_scan::credential::Credential;
use writ_scan::secret::Marker;
use writ_scan::session::sessions;
use writ_scan::survey::{self, Level};
use writ_scan::tool::SURVEYS;
use writ_scan::walk::cache::{Cache, MAX_CACHE_BYTES};
use writ_scan::walk::{WalkOptions, read_regular, walk, walk_as, walk_from};
use writ_scan::{credential, home, machine};

use super::{Whole, credentials, unreadable};
use crate::config::State;
use crate::failure::{Failure, Kind};
use crate::wire::now;

type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// Scans each folder, and with a marker tells the credentials in it. Paths are relative to it, and below it as named when there are several.
pub(super) fn folders(
    paths: &[PathBuf],
    options: &WalkOptions,
    remember: bool,
    marker: Option<&Marker>,
    progress: Progress<'_>,
) -> Result<Whole, Failure> {
    let mut whole = Whole::default();
    for path in paths {
        let root = std::fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
        if !root.is_dir() {
            return Err(unreadable(path, &std::io::ErrorKind::NotADirectory.into()));
        }
        // What is remembered of folders holds their other files alone.
        let walked = if remember && !options.data {
            let file = cache_file(&root)?;
            let seconds = now().as_millis() / 1_000;
            let cache = Cache::new(&read_regular(&file, MAX_CACHE_BYTES).unwrap_or_default(), seconds);
            let walked = walk(&root, options, Some(&cache), Some(progress));
            keep(&file, &cache.bytes())?;
            walked
        } else {
            walk(&root, options, None, Some(progress))
        };
        let before = if paths.len() == 1 { Path::new("") } else { path.as_path() };
        let scan = survey::scan(&root, Level::Project, walked);
        whole.roots.push((before.to_owned(), root.clone()));
        if let Some(marker) = marker {
            whole.look_for_credentials(&root, &scan, before, marker);
        }
        whole.take(scan, before);
    }
    Ok(whole)
}

/// Scans this user's settings, the administrator's, and the repository around the current folder.
pub(super) fn here(options: &WalkOptions, no_state: bool, progress: Progress<'_>) -> Result<Whole, Failure> {
    let mut whole = Whole::default();
    let marker = &credentials::marker(no_state)?;
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let current = std::env::current_dir()?;
    let repository = current.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&current);
    let mut in_tree = Vec::new();
    whole.roots.push((PathBuf::new(), repository.to_owned()));
    if Some(repository) != home.as_deref() {
        let walked = walk(repository, options, None, Some(progress));
        let scan = survey::scan(repository, Level::Project, walked);
        whole.mark(repository, &scan, Path::new(""), marker);
        in_tree = scan.credential_files.clone();
        whole.take(scan, Path::new(""));
    }
    if let Some(home) = &home {
        let starts = SURVEYS.iter().flat_map(|survey| survey.home).map(PathBuf::from);
        let mut starts: Vec<PathBuf> = starts.chain(machine::editor_places(home)).collect();
        starts.sort();
        starts.dedup();
        let walked = walk_from(home, &starts, options, None, Some(progress));
        let scan = survey::scan(home, Level::User, walked);
        whole.mark(home, &scan, Path::new("~"), marker);
        whole.take(scan, Path::new("~"));
        let environment = credentials::environment();
        let moved = home::moved(home, &environment);
        for moved in &moved {
            let walked = walk_as(&moved.to, &moved.starts(&starts), options, None, Some(progress));
            let scan = survey::scan(&moved.to, Level::User, walked);
            whole.mark(&moved.to, &scan, &moved.shown, marker);
            whole.take(scan, &moved.shown);
        }
        whole.once();
        whole.extensions = machine::extensions(home);
        let mut seen = credentials::of(home, repository, &environment, marker);
        seen.take(credential::of_tree(repository, &in_tree, &[], marker), Path::new(""));
        let (out, credentials): (Vec<Credential>, Vec<_>) =
            seen.credentials.into_iter().partition(|credential: &Credential| {
                let place = credential.place.strip_prefix("~").unwrap_or(&credential.place);
                options.exclude.leaves_out_below(place, false)
            });
        whole.credentials.extend(credentials);
        whole.left_out += out.len() as u64;
        whole.notes.extend(seen.notes);
        whole.sessions = sessions(home, &moved, Some(repository));
    }
    whole.repository = Some(repository.to_owned());
    let root = Path::new("/");
    whole.take(survey::scan_administrator(root, options, Some(progress)), root);
    whole.programs =
        std::env::var_os("PATH").map(|path| machine::programs(&path, home.as_deref())).unwrap_or_default();
    whole.processes = machine::processes(Path::new("/proc"));
    Ok(whole)
}

/// One file a root in the state folder.
fn cache_file(root: &Path) -> Result<PathBuf, Failure> {
    let state = State::of(|name| std::env::var_os(name))?;
    let name = writ_scan::survey::root_key(root);
    Ok(state.root().join("scan").join(name))
}

/// Replaces the file as a whole, for its owner alone.
pub(super) fn keep(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    let beside = file.with_extension(format!("{}.new", std::process::id()));
    let written = || {
        if let Some(folder) = file.parent() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut new = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        new.write_all(bytes)?;
        std::fs::rename(&beside, file)
    };
    written().map_err(|error: std::io::Error| {
        Failure::new(Kind::Broken, format_args!("could not write `{}`: {error}", file.display()))
    })
}
