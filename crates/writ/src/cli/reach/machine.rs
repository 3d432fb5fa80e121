//! What lies around a repository: tools that have settings of this user or of the administrator, and the credentials that
//! an agent finds which nothing holds in.

use std::path::{Path, PathBuf};

use writ_scan::credential::Seen;
use writ_scan::survey::{Found, Level, scan};
use writ_scan::tool::SURVEYS;
use writ_scan::walk::{WalkOptions, walk_from};

use crate::cli::scan::credentials;
use crate::failure::Failure;

/// Settings outside of the repository, their paths as `~/…` or from the root.
pub(super) fn settings(home: Option<&Path>) -> Vec<Found> {
    let mut found = Vec::new();
    if let Some(home) = home {
        let starts: Vec<PathBuf> = SURVEYS.iter().flat_map(|survey| survey.home).map(PathBuf::from).collect();
        found.extend(of(home, starts, Level::User, Path::new("~")));
    }
    let root = Path::new("/");
    let starts = SURVEYS.iter().flat_map(|survey| survey.administrator);
    let starts = starts.filter_map(|path| Path::new(path).strip_prefix(root).ok().map(Path::to_owned));
    found.extend(of(root, starts.collect(), Level::Administrator, root));
    found
}

fn of(root: &Path, mut starts: Vec<PathBuf>, level: Level, shown: &Path) -> Vec<Found> {
    starts.sort();
    starts.dedup();
    let walked = walk_from(root, &starts, &WalkOptions::default(), None, None);
    let mut found = scan(root, level, walked).found;
    for one in &mut found {
        one.path = shown.join(&one.path);
    }
    found
}

/// Credentials of the home folder, of the top of the repository, and of the environment. Nothing is kept of them.
pub(super) fn credentials(home: Option<&Path>, repository: &Path) -> Result<Seen, Failure> {
    let Some(home) = home else { return Ok(Seen::default()) };
    Ok(credentials::of(home, repository, &credentials::environment(), &credentials::marker(true)?))
}
