//! What sessions let in, and the files of each workspace that were written from it.
//!
//! A workspace, a file and a conversation stand here under keyed digests. Every part has a bound. Beyond the bound of a
//! workspace's files it counts as crowded, and every file of it as marked; of workspaces and conversations the one that
//! was touched longest ago is forgotten.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use writ_model::{CallId, ControlEvent, Digest, SourceKind, TaskId, Timestamp, Touch};

/// Most marked files of a workspace.
pub const MAX_MARKS: usize = 4_096;
/// Most workspaces with marks, and most conversations and tasks with sources.
const MAX_WORKSPACES: usize = 4_096;
const MAX_SESSIONS: usize = 10_000;
/// Most sources of one kind that are kept of a task or a conversation.
const MAX_OF_A_KIND: usize = 4;

/// All that is kept of taint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taints {
    tasks: BTreeMap<TaskId, Touched>,
    conversations: BTreeMap<Digest, Touched>,
    workspaces: BTreeMap<Digest, WorkspaceMarks>,
}

/// What a task or a conversation let in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Touched {
    sources: Vec<Source>,
    last_at: Option<Timestamp>,
}

/// One thing that was let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub kind: SourceKind,
    pub call: CallId,
    pub at: Timestamp,
    /// Commitment to its name.
    pub what: Digest,
}

/// The marked files of one workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceMarks {
    files: BTreeMap<Digest, BTreeMap<Touch, FileMark>>,
    pub crowded: bool,
    last_at: Option<Timestamp>,
}

/// What a file was written from, one for each [`Touch`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileMark {
    pub source: SourceKind,
    pub whole: bool,
    pub task: TaskId,
    pub at: Timestamp,
    /// Commitment to the path and to the source's name.
    pub what: Digest,
}

// === impl Taints ===

impl Taints {
    /// Folds one of the three events; others change nothing.
    pub(super) fn apply(&mut self, event: &ControlEvent, at: Timestamp) {
        if let ControlEvent::TaintRaised { task, conversation, call, source, what, .. } = event {
            let source = Source { kind: *source, call: *call, at, what: *what };
            self.tasks.entry(*task).or_default().add(source.clone(), at);
            self.conversations.entry(*conversation).or_default().add(source, at);
            forget_oldest(&mut self.tasks, MAX_SESSIONS, |touched| touched.last_at);
            forget_oldest(&mut self.conversations, MAX_SESSIONS, |touched| touched.last_at);
        }
        if let ControlEvent::FileMarked { task, workspace, file, source, whole, what } = event {
            let mark = FileMark { source: *source, whole: *whole, task: *task, at, what: *what };
            self.workspaces.entry(*workspace).or_default().add(*file, mark, at);
            forget_oldest(&mut self.workspaces, MAX_WORKSPACES, |workspace| workspace.last_at);
        }
        if let ControlEvent::FileCleared { workspace, file, .. } = event
            && let Some(marks) = self.workspaces.get_mut(workspace)
        {
            marks.files.remove(file);
            // A person who clears the last one has been through them all.
            marks.crowded &= !marks.files.is_empty();
            if marks.files.is_empty() {
                self.workspaces.remove(workspace);
            }
        }
    }

    /// What the task and the conversation let in, oldest first.
    pub fn sources(&self, task: TaskId, conversation: Option<Digest>) -> Vec<Source> {
        let of_task = self.tasks.get(&task);
        let of_conversation = conversation.and_then(|digest| self.conversations.get(&digest));
        let mut found: Vec<Source> = of_task
            .into_iter()
            .chain(of_conversation)
            .flat_map(|touched| touched.sources.iter().cloned())
            .collect();
        found.sort_by_key(|source| (source.at, source.call, source.kind));
        found.dedup();
        found
    }

    pub fn workspace(&self, workspace: Digest) -> Option<&WorkspaceMarks> {
        self.workspaces.get(&workspace)
    }
}

// === impl Touched ===

impl Touched {
    fn add(&mut self, source: Source, at: Timestamp) {
        self.last_at = Some(at);
        let same = self.sources.iter().filter(|other| other.kind == source.kind);
        if same.count() < MAX_OF_A_KIND {
            self.sources.push(source);
        }
    }
}

// === impl WorkspaceMarks ===

impl WorkspaceMarks {
    /// Every mark with the digest of its file's path.
    pub fn marks(&self) -> impl Iterator<Item = (Digest, &FileMark)> {
        self.files.iter().flat_map(|(file, marks)| marks.values().map(move |mark| (*file, mark)))
    }

    fn add(&mut self, file: Digest, mark: FileMark, at: Timestamp) {
        self.last_at = Some(at);
        if self.files.len() >= MAX_MARKS && !self.files.contains_key(&file) {
            self.crowded = true;
            return;
        }
        let marks = self.files.entry(file).or_default();
        let touch = mark.source.touch();
        // A file that came in as a whole stays so.
        if marks.get(&touch).is_none_or(|other| mark.whole || !other.whole) {
            marks.insert(touch, mark);
        }
    }
}

fn forget_oldest<K: Ord + Copy, V>(
    kept: &mut BTreeMap<K, V>,
    most: usize,
    last_at: impl Fn(&V) -> Option<Timestamp>,
) {
    if kept.len() > most
        && let Some(oldest) = kept.iter().min_by_key(|(_, value)| last_at(value)).map(|(key, _)| *key)
    {
        kept.remove(&oldest);
    }
}
