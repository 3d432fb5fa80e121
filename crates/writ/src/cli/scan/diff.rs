//! `writ scan --diff`: what a change brings, and nothing that was there before it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use writ_scan::finding::{Finding, findings};
use writ_scan::survey::scan_tree;
use writ_scan::walk::{WalkOptions, wants};

use super::unreadable;
use crate::failure::{Failure, Kind};
use crate::git::base::Base;
use crate::screen;
use crate::wire;

/// Longest time that git may take for one thing.
const WITHIN: Duration = Duration::from_secs(120);

/// What was to be looked at before the change.
pub(super) struct Before(BTreeSet<(String, String)>);

// === impl Before ===

impl Before {
    /// The findings of a folder of a working copy as it was at a commit, or where both histories part.
    pub(super) fn of(folder: &Path, base: &str, options: WalkOptions) -> Result<Self, Failure> {
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
        let base = wire::block_on(async {
            Base::of(top, base, wanted, WITHIN).await.map_err(|error| {
                Failure::new(Kind::Broken, format_args!("could not look at `{base}`: {error}")).hint(
                    "name a commit, a branch or a tag that this working copy has; a shallow one lacks most",
                )
            })
        })?;
        if base.left_out > 0 {
            screen::say(format_args!(
                "note: {} files of commit {} were too long or too many; what they hold counts as new",
                base.left_out, base.commit
            ));
        }
        let scan = scan_tree(&base.folder().join(below), options);
        let before = scan.found.iter().flat_map(findings).map(|finding| (finding.key, finding.message));
        Ok(Self(before.collect()))
    }

    /// Whether the change brought it. What git keeps beside the files is no part of a change.
    pub(super) fn lacks(&self, finding: &Finding) -> bool {
        let beside = finding.path.components().any(|part| part.as_os_str() == ".git");
        !beside && !self.0.contains(&(finding.key.clone(), finding.message.clone()))
    }
}
