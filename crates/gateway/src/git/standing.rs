//! Credentials in files that a push does not bring: those that the remote has in the same file, and those that everybody
//! knows.

use std::collections::{BTreeMap, BTreeSet};

use writ_scan::secret::{Detector, Finding, Marker};

use super::command::Commands;
use super::finding::secret::{Holder, counts};
use super::finding::usual::is_usual;
use super::inspect::Inspected;
use super::oid::Oid;
use super::room::{Change, NewObjects, ObjectKind, ReadBounds, Room};

/// Most files that are compared, and most versions of each that the remote has.
const MAX_FILES: usize = 100;
const MAX_VERSIONS: usize = 4;
/// Most paths of one file, and most bytes that all comparisons read. What is beyond is told.
const MAX_PATHS: usize = 16;
const MAX_BYTES: usize = 64 << 20;
/// How much of one version, and of all of one file, is held. What is longer is told.
const HELD: ReadBounds = ReadBounds { each: 1 << 20, all: 8 << 20 };

/// A value by its rule and its mark.
type Marked = BTreeSet<(&'static str, String)>;

/// Which of the holders bring no credential.
///
/// A value stands only where the remote has it in every file that now holds it: moved elsewhere, it counts. What only a
/// commit of the same push had is the remote's no more than the rest of the push.
pub(super) async fn standing(
    room: &impl Room,
    holders: &[Holder],
    commands: &Commands,
    objects: &NewObjects,
    changes: &BTreeSet<Change>,
    seen: &Inspected,
) -> BTreeSet<usize> {
    let new: BTreeSet<Oid> = objects.list.iter().map(|(oid, _)| *oid).collect();
    let commits: BTreeSet<Oid> = seen.commits.list.iter().map(|commit| commit.oid).collect();
    let mut tips = commands.list.iter().filter(|command| !command.is_delete()).map(|command| command.new);
    // Where all files of the push are known by the commits that change them.
    let is_whole = !seen.is_cut && tips.all(|tip| !new.contains(&tip) || commits.contains(&tip));
    let mut standing = BTreeSet::new();
    let (mut paths_of, mut olds_of) =
        (BTreeMap::<Oid, BTreeSet<&str>>::new(), BTreeMap::<&str, BTreeSet<Oid>>::new());
    for change in changes {
        if let Some(oid) = change.new {
            paths_of.entry(oid).or_default().insert(&change.path);
        }
        if let Some(old) = change.old.filter(|old| !new.contains(old)) {
            olds_of.entry(&change.path).or_default().insert(old);
        }
    }
    let mut read = 0;
    let Some(marker) = Marker::of_this_run() else { return standing };
    for holder in holders.iter().filter(|holder| holder.kind == ObjectKind::Blob).take(MAX_FILES) {
        let Some((oid, _)) = objects.list.get(holder.at) else { continue };
        // Nothing else of this thread waits for all of them.
        tokio::task::yield_now().await;
        let paths = paths_of.get(oid).cloned().unwrap_or_default();
        if paths.len() > MAX_PATHS || read > MAX_BYTES {
            continue;
        }
        // Of each path, what the remote has there.
        let before = paths.iter().filter(|_| is_whole).map(|path| {
            let olds = olds_of.get(path).into_iter().flatten();
            olds.copied().take(MAX_VERSIONS).collect::<Vec<_>>()
        });
        let before: Vec<Vec<Oid>> = before.collect();
        let asked: Vec<Oid> = std::iter::once(*oid).chain(before.iter().flatten().copied()).collect();
        let Some(texts) = whole(room, &asked).await else { continue };
        read += texts.iter().map(Vec::len).sum::<usize>();
        let mut texts = texts.into_iter();
        let Some(text) = texts.next().filter(|text| !text.contains(&0)) else { continue };
        let olds: Vec<Marked> = before
            .iter()
            .map(|olds| texts.by_ref().take(olds.len()).flat_map(|old| marked(&marker, &old)).collect())
            .collect();
        let found: Vec<Finding> = Detector::shipped().find(&text).into_iter().filter(counts).collect();
        let stands = |finding: &Finding| {
            let value = one(&marker, &text, finding);
            !olds.is_empty() && olds.iter().all(|old| value.as_ref().is_some_and(|value| old.contains(value)))
        };
        if !found.is_empty() && found.iter().all(|finding| is_usual(&text, finding) || stands(finding)) {
            standing.insert(holder.at);
        }
    }
    standing
}

/// The contents of these objects, or nothing where one of them cannot be read to its end.
async fn whole(room: &impl Room, oids: &[Oid]) -> Option<Vec<Vec<u8>>> {
    let mut texts = vec![Vec::new(); oids.len()];
    let read = room
        .read(oids, HELD, &mut |piece| {
            if let Some(text) = texts.get_mut(piece.at) {
                text.extend_from_slice(piece.bytes);
            }
        })
        .await;
    matches!(read, Ok(false)).then_some(texts)
}

fn marked(marker: &Marker, text: &[u8]) -> Marked {
    Detector::shipped().find(text).iter().filter_map(|finding| one(marker, text, finding)).collect()
}

fn one(marker: &Marker, text: &[u8], finding: &Finding) -> Option<(&'static str, String)> {
    let (start, end) = (usize::try_from(finding.start).ok()?, usize::try_from(finding.end).ok()?);
    Some((finding.rule, marker.mark(text.get(start..end)?)))
}
