//! Credentials that a change brings: values that the file did not hold before, under the name that it had then.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use writ_scan::secret::{Detector, FileFinding, Survey, files_below, survey_files};
use writ_scan::walk::exclude::Exclude;

use super::{Before, WITHIN, renamed};
use crate::cli::scan::secrets::{Told, look, marker, tell_notes, threads, told};
use crate::failure::{Failure, Kind};
use crate::screen;
use crate::wire;

// === impl Before ===

impl Before {
    /// Credentials of the working copy that were not there before. What git keeps beside the files is not looked at, nor what
    /// it ignores and does not track.
    pub(in crate::cli::scan) fn secrets(&self, exclude: &Exclude) -> Result<Vec<Told>, Failure> {
        let marker = marker()?;
        let detector = Detector::shipped();
        let progress = Survey { exclude: exclude.clone(), ..Survey::default() };
        let mut ignored = self.patterns();
        let passes_by = |path: &Path, is_folder: bool| {
            let path = self.below.join(path);
            if path.file_name().is_some_and(|name| name == ".git") {
                return true;
            }
            let Some(tracked) = &self.tracked else { return false };
            let is_tracked = if is_folder {
                tracked.range(path.clone()..).next().is_some_and(|first| first.starts_with(&path))
            } else {
                tracked.contains(&path)
            };
            !is_tracked && ignored.has_as(&path, is_folder)
        };
        let mut notes = Vec::new();
        let files = files_below(&self.folder, &progress, passes_by, |note| notes.push(note));
        let after = look(&progress, |found, noted| {
            survey_files(detector, &files, threads(), &marker, &progress, found, noted);
        });
        notes.extend(after.notes);
        tell_notes(&notes);
        super::super::tell_left_out(progress.left_out.load(Ordering::Relaxed));
        let path_of =
            |one: &FileFinding, root: &Path| one.path.strip_prefix(root).unwrap_or(&one.path).to_owned();
        let holding: BTreeSet<PathBuf> = after.secrets.iter().map(|one| path_of(one, &self.folder)).collect();
        if holding.is_empty() {
            return Ok(Vec::new());
        }
        // What is gone may be what a file was called.
        let wanted = |path: &Path| {
            path.strip_prefix(&self.below).is_ok_and(|below| {
                holding.contains(below) || std::fs::symlink_metadata(self.folder.join(below)).is_err()
            })
        };
        let (folder, left_out) = wire::block_on(async {
            self.base.more("secrets", wanted, WITHIN).await.map_err(|error| {
                Failure::new(Kind::Broken, format_args!("could not look at files before the change: {error}"))
            })
        })?;
        if left_out > 0 {
            screen::say(format_args!(
                "note: {left_out} files of commit {} were too long or too many; credentials in them count as new",
                self.base.commit
            ));
        }
        let folder = folder.join(&self.below);
        let progress = Survey::default();
        let (mut before, mut files) = (Vec::new(), Vec::new());
        if folder.is_dir() {
            files = files_below(&folder, &progress, |_, _| false, |_| {});
            let looked = look(&progress, |found, noted| {
                survey_files(detector, &files, threads(), &marker, &progress, found, noted);
            });
            before = looked.secrets;
        }
        let files: Vec<PathBuf> =
            files.iter().filter_map(|path| Some(path.strip_prefix(&folder).ok()?.to_owned())).collect();
        let holding: Vec<PathBuf> = holding.into_iter().collect();
        let names = renamed::of_files((&files, &folder), (&holding, &self.folder));
        let mut held: BTreeMap<PathBuf, BTreeSet<&str>> = BTreeMap::new();
        for one in &before {
            held.entry(path_of(one, &folder)).or_default().insert(&one.mark);
        }
        let mut brought = told(&self.folder, Path::new(""), after.secrets);
        brought.retain_mut(|one| {
            one.secret.path.clone_from(&one.finding.path);
            let path = &one.finding.path;
            let old = names.get(path).unwrap_or(path);
            !held.get(old).is_some_and(|held| held.contains(&*one.secret.mark))
        });
        Ok(brought)
    }
}
