//! Looks at what a push carries, in its room: how each ref moves, which files differ, what the new objects hold.
//!
//! What cannot be found out counts as the worst: a step that nobody proved is a forced one, files that nobody listed are
//! any file.

use std::collections::{BTreeMap, BTreeSet};

use writ_model::{FindingKind, RefStep, RefUpdate};

use super::command::{Command, Commands};
use super::finding::Findings;
use super::finding::identity::{self, MAX_COMPARED_BYTES};
use super::finding::secret::{Holder, SecretScan, rule_of};
use super::oid::Oid;
use super::room::{Change, Changes, GitError, NewCommits, NewObjects, ObjectKind, ReadBounds, Room};
use super::standing::standing;

/// Most files that may differ, and most of them that are compared line by line.
const MAX_PATHS: usize = 10_000;
const MAX_COMPARED: usize = 500;
/// How much of one object, and of all, is searched for credentials.
const SEARCH: ReadBounds = ReadBounds { each: 32 << 20, all: 512 << 20 };

/// What was found out.
#[derive(Debug, Default)]
pub(super) struct Inspected {
    pub(super) updates: Vec<RefUpdate>,
    pub(super) paths: Vec<String>,
    pub(super) is_cut: bool,
    pub(super) findings: Findings,
    pub(super) commits: NewCommits,
    /// New objects of the pack that nothing reaches.
    pub(super) strays: usize,
}

/// Looks at a push whose pack, if it has one, was taken into the room. `is_known` is false when the pack could not be,
/// because objects that it builds on are not here.
pub(super) async fn inspect(room: &impl Room, commands: &Commands, is_known: bool) -> Inspected {
    let mut seen = Inspected::default();
    for command in &commands.list {
        let step = step(room, command, is_known).await;
        let written = |oid: &Oid| (!oid.is_none()).then(|| oid.to_string());
        let (old, new) = (written(&command.old), written(&command.new));
        seen.updates.push(RefUpdate { name: command.name.clone(), step, old, new });
    }
    let tips: Vec<Oid> = commands.list.iter().filter(|c| !c.is_delete()).map(|c| c.new).collect();
    if tips.is_empty() {
        return seen;
    }
    if !is_known {
        seen.is_cut = true;
        return seen;
    }
    let (objects, commits) = tokio::join!(room.objects(&tips), room.commits(&tips));
    let objects: NewObjects = or_cut(objects, &mut seen.is_cut);
    seen.is_cut |= objects.is_cut;
    seen.strays = objects.strays;
    seen.commits = or_cut(commits, &mut seen.is_cut);
    seen.is_cut |= seen.commits.is_cut;
    let changes = changes(room, commands, &mut seen).await;
    let paths: BTreeSet<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    seen.is_cut |= paths.len() > MAX_PATHS;
    seen.paths = paths.into_iter().take(MAX_PATHS).map(str::to_owned).collect();
    secrets(room, commands, &objects, &changes, &mut seen).await;
    identities(room, &changes, &mut seen).await;
    seen.is_cut |= seen.findings.is_cut;
    seen
}

async fn step(room: &impl Room, command: &Command, is_known: bool) -> RefStep {
    if command.is_delete() {
        RefStep::Delete
    } else if command.is_create() {
        RefStep::Create
    } else if !is_known || command.name.starts_with("refs/tags/") {
        // Git itself moves a tag by force only.
        RefStep::Force
    } else {
        match room.contains(command.new, command.old).await {
            Ok(true) => RefStep::Forward,
            Ok(false) | Err(_) => RefStep::Force,
        }
    }
}

/// What new commits change, and how the tips differ: a ref may also move to commits that the remote has already. In the
/// second way a file counts only where it differs from the default branch too, so that taking up what is there already
/// is no change.
async fn changes(room: &impl Room, commands: &Commands, seen: &mut Inspected) -> BTreeSet<Change> {
    let mut all = BTreeSet::new();
    let mut add = |found: Changes, is_cut: &mut bool| {
        *is_cut |= found.is_cut;
        all.extend(found.list);
        *is_cut |= all.len() > MAX_PATHS;
        while all.len() > MAX_PATHS {
            all.pop_last();
        }
    };
    let commits: Vec<Oid> = seen.commits.list.iter().map(|commit| commit.oid).collect();
    if !commits.is_empty() {
        let found = or_cut(room.changes_of(&commits).await, &mut seen.is_cut);
        add(found, &mut seen.is_cut);
    }
    let default = room.default_branch().await.ok().flatten();
    for command in commands.list.iter().filter(|c| !c.is_create() && !c.is_delete()) {
        let mut found = or_cut(room.changes_between(command.old, command.new).await, &mut seen.is_cut);
        if let Some(default) = default.filter(|default| *default != command.old)
            && let Ok(beside) = room.changes_between(default, command.new).await
            && !beside.is_cut
        {
            let beside: BTreeSet<&str> = beside.list.iter().map(|change| change.path.as_str()).collect();
            found.list.retain(|change| beside.contains(change.path.as_str()));
        }
        add(found, &mut seen.is_cut);
    }
    all
}

/// Credentials in files, in messages of commits and tags, and in names.
async fn secrets(
    room: &impl Room,
    commands: &Commands,
    objects: &NewObjects,
    changes: &BTreeSet<Change>,
    seen: &mut Inspected,
) {
    let mut scan = SecretScan::new();
    let oids: Vec<Oid> = objects.list.iter().map(|(oid, _)| *oid).collect();
    let read = room
        .read(&oids, SEARCH, &mut |piece| match piece.kind {
            ObjectKind::Tree => {}
            ObjectKind::Blob | ObjectKind::Commit | ObjectKind::Tag => scan.take(&piece),
        })
        .await;
    seen.is_cut |= or_cut(read, &mut seen.is_cut);
    let holders = scan.finish();
    let standing = standing(room, &holders, commands, objects, changes, seen).await;
    for Holder { at, kind, rule } in holders.into_iter().filter(|holder| !standing.contains(&holder.at)) {
        let Some((oid, path)) = objects.list.get(at) else { continue };
        let short: String = oid.to_string().chars().take(12).collect();
        let says = match kind {
            ObjectKind::Commit => format!("the message of commit {short} holds a credential ({rule})"),
            ObjectKind::Tag => format!("the message of tag {short} holds a credential ({rule})"),
            ObjectKind::Blob | ObjectKind::Tree => format!("the file holds a credential ({rule})"),
        };
        seen.findings.add(FindingKind::Secret, path, says);
    }
    for path in &seen.paths {
        if rule_of(path).is_some() {
            let says = "the file's name holds a credential".to_owned();
            seen.findings.add(FindingKind::Secret, path, says);
        }
    }
    for text in commands.list.iter().map(|command| &command.name).chain(&commands.options) {
        if rule_of(text).is_some() {
            let says = "the name of a ref, or a push option, holds a credential".to_owned();
            seen.findings.add(FindingKind::Secret, "", says);
        }
    }
}

/// Changes of who may do what.
async fn identities(room: &impl Room, changes: &BTreeSet<Change>, seen: &mut Inspected) {
    let mut meant: Vec<&Change> = changes.iter().filter(|change| identity::is_meant(&change.path)).collect();
    seen.is_cut |= meant.len() > MAX_COMPARED;
    meant.truncate(MAX_COMPARED);
    for change in meant {
        let sides: Vec<Oid> = [change.old, change.new].into_iter().flatten().collect();
        let each = u64::try_from(MAX_COMPARED_BYTES).unwrap_or(u64::MAX);
        let mut texts: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        let read = room
            .read(&sides, ReadBounds { each, all: each * 2 }, &mut |piece| {
                texts.entry(piece.at).or_default().extend_from_slice(piece.bytes);
            })
            .await;
        // What was there before need not be known to be taken for nothing; what comes must.
        let is_whole = matches!(read, Ok(false));
        let mut sides = texts.into_values();
        let mut side =
            |oid: Option<Oid>| if oid.is_some() { sides.next().unwrap_or_default() } else { Vec::new() };
        let (old, new) = (side(change.old), side(change.new));
        let says = identity::changes(&change.path, is_whole.then_some(&old), is_whole.then_some(&new));
        for says in says {
            seen.findings.add(FindingKind::Identity, &change.path, says.to_owned());
        }
    }
}

fn or_cut<T: Default>(result: Result<T, GitError>, is_cut: &mut bool) -> T {
    result.unwrap_or_else(|error| {
        tracing::warn!(%error, "a push cannot be looked at whole");
        *is_cut = true;
        T::default()
    })
}
