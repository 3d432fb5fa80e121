//! `writ scan --diff`: what a change brings, and nothing that was there before it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use writ_scan::finding::{Finding, findings};
use writ_scan::survey::{Found, scan_tree};
use writ_scan::tool::FileKind;
use writ_scan::walk::ignored::Ignored;
use writ_scan::walk::{WalkOptions, wants};

use super::summary::plain;
use super::unreadable;
use crate::failure::{Failure, Kind};
use crate::git::base::Base;
use crate::git::history;
use crate::screen;
use crate::wire;

mod renamed;
mod secrets;

/// Longest time that git may take for one thing.
const WITHIN: Duration = Duration::from_secs(120);
/// Files named that were left out.
const MOST_NAMED: usize = 5;

/// What was to be looked at before the change, and what is no part of it.
pub(super) struct Before {
    known: BTreeSet<(String, String)>,
    found: Vec<Found>,
    /// Ends with this, and its files.
    base: Base,
    folder: PathBuf,
    top: PathBuf,
    /// The folder below the top.
    below: PathBuf,
    /// What git tracks; nothing where its list cannot be read, and then nothing counts as ignored.
    tracked: Option<BTreeSet<PathBuf>>,
}

// === impl Before ===

impl Before {
    /// The findings of a folder of a working copy as it was at a commit, or where both histories part.
    pub(super) fn of(folder: &Path, base: &str, options: &WalkOptions) -> Result<Self, Failure> {
        let folder = std::fs::canonicalize(folder).map_err(|error| unreadable(folder, &error))?;
        let top = folder.ancestors().find(|folder| folder.join(".git").exists()).ok_or_else(|| {
            Failure::usage(format_args!("`{}` is in no working copy of git", folder.display()))
        })?;
        let below: PathBuf = folder.strip_prefix(top).unwrap_or(Path::new("")).to_owned();
        // A workflow may call what lies anywhere in the forge's folder.
        let wanted = |path: &Path| {
            path.starts_with(&below)
                && (wants(path.strip_prefix(&below).unwrap_or(path))
                    || path.components().any(|part| part.as_os_str() == ".github"))
        };
        let (base, tracked) = wire::block_on(async {
            let base = Base::of(top, base, wanted, WITHIN).await.map_err(|error| {
                Failure::new(Kind::Broken, format_args!("could not look at `{base}`: {error}")).hint(
                    "name a commit, a branch or a tag that this working copy has; a shallow one lacks most",
                )
            })?;
            let tracked = base.tracked(WITHIN).await.ok();
            Ok((base, tracked))
        })?;
        if base.left_out > 0 {
            screen::say(format_args!(
                "note: {} files of commit {} were too long or too many; what they hold counts as new",
                base.left_out, base.commit
            ));
        }
        let found = scan_tree(&base.folder().join(&below), options).found;
        let known = found.iter().flat_map(findings).map(|finding| (finding.key, finding.message)).collect();
        let top = top.to_owned();
        Ok(Self { known, found, base, folder, top, below, tracked })
    }

    /// What of the findings of a scan the change brought. What git keeps beside the files is no part of a change, and neither
    /// is what it ignores and does not track: nobody gets it with the change.
    ///
    /// # Errors
    /// When git does not give the files as they were.
    pub(super) fn brought(
        &self,
        after: &[Found],
        all: Vec<Finding>,
        options: &WalkOptions,
    ) -> Result<Vec<Finding>, Failure> {
        let of_data = self.of_data(after, options)?;
        let names =
            renamed::of_tools((&self.found, &self.base.folder().join(&self.below)), (after, &self.folder));
        let said = self.said();
        let mut brought: Vec<Finding> = all
            .into_iter()
            .filter(|finding| {
                let beside = finding.path.components().any(|part| part.as_os_str() == ".git");
                let said_so = (finding.key.clone(), finding.message.clone());
                let known = self.known.contains(&said_so) || of_data.contains(&said_so);
                let old = names.get(&finding.path).and_then(|old| said.get(old.as_path()));
                let moved = old.is_some_and(|old| old.contains(&(finding.rule.id, finding.message.clone())));
                !beside && !known && !moved
            })
            .collect();
        let ignored = self.ignored(brought.iter().map(|finding| finding.path.as_path()).collect());
        if !ignored.is_empty() {
            let named: Vec<String> =
                ignored.iter().take(MOST_NAMED).map(|path| plain(&path.to_string_lossy())).collect();
            let more = if ignored.len() > MOST_NAMED { ", …" } else { "" };
            screen::say(format_args!(
                "note: {} files with findings that git ignores are no part of a change: {}{more}",
                ignored.len(),
                named.join(", "),
            ));
        }
        brought.retain(|finding| !ignored.contains(&finding.path));
        Ok(brought)
    }

    /// What files said before that are looked at whatever they are called.
    fn of_data(&self, after: &[Found], options: &WalkOptions) -> Result<BTreeSet<(String, String)>, Failure> {
        let by_shape = |found: &&Found| found.kind == FileKind::IdentityCode && !wants(&found.path);
        let paths: BTreeSet<PathBuf> =
            after.iter().filter(by_shape).map(|found| self.below.join(&found.path)).collect();
        if paths.is_empty() {
            return Ok(BTreeSet::new());
        }
        let (folder, _) = wire::block_on(async {
            self.base.more("data", |path| paths.contains(path), WITHIN).await.map_err(|error| {
                Failure::new(Kind::Broken, format_args!("could not look at files before the change: {error}"))
            })
        })?;
        let found = scan_tree(&folder.join(&self.below), options).found;
        Ok(found.iter().flat_map(findings).map(|finding| (finding.key, finding.message)).collect())
    }

    /// What each file said before, by its name then.
    fn said(&self) -> BTreeMap<&Path, BTreeSet<(&'static str, String)>> {
        let of = |found: &Found| findings(found).into_iter().map(|one| (one.rule.id, one.message)).collect();
        self.found.iter().map(|found| (found.path.as_path(), of(found))).collect()
    }

    fn ignored(&self, paths: BTreeSet<&Path>) -> BTreeSet<PathBuf> {
        let Some(tracked) = &self.tracked else { return BTreeSet::new() };
        let mut ignored = self.patterns();
        let mut is = |path: &Path| {
            let path = self.below.join(path);
            !tracked.contains(&path) && ignored.has(&path)
        };
        paths.into_iter().filter(|path| is(path)).map(Path::to_owned).collect()
    }

    fn patterns(&self) -> Ignored {
        let own = std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")))
            .map(|folder| folder.join("git/ignore"));
        let shared = history::place(&self.top).map(|(_, common)| common.join("info/exclude"));
        let others: Vec<PathBuf> = shared.into_iter().chain(own).collect();
        Ignored::of(&self.top, &others)
    }
}
