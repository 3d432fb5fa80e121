//! What sessions let in and which files were written from it, as supervisors report it and people look at it.

use serde::{Deserialize, Serialize};
use writ_model::{CallId, Digest, MarkEnd, SessionId, SourceKind, TaskId, Timestamp};

use super::WritToken;
use crate::api::Bytes;

/// Most sources, marks and gone files in one report.
pub const MAX_REPORTED: usize = 512;
/// Longest name of a source, in bytes.
pub const MAX_WHAT_BYTES: usize = 1_024;

/// `taint.recall`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaintRecall {
    pub writ: WritToken,
    /// Digest of the client and its own session id.
    pub client_session: Digest,
}

/// What a session of the task begins with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tainted {
    /// The secret under which paths of this workspace become digests: 32 bytes.
    pub path_key: Bytes,
    /// What the task, and earlier tasks of the same conversation, let in.
    pub sources: Vec<SourceView>,
    /// The marked files of the workspace.
    pub marks: Vec<MarkView>,
    /// More files were marked than are kept apart: every file counts as marked.
    pub crowded: bool,
}

/// One thing that was let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceView {
    pub source: SourceKind,
    pub call: CallId,
    pub at: Timestamp,
    /// The host, path, package or tool: a claim, to be shown quoted. Nothing when it was erased.
    pub what: Option<String>,
}

/// `taint.report`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaintReport {
    pub writ: WritToken,
    pub session: SessionId,
    pub client_session: Digest,
    pub sources: Vec<NewSource>,
    pub marks: Vec<NewMark>,
    /// Marked files at whose place nothing stands any more, by their digests.
    pub gone: Vec<Digest>,
}

/// Something that a call let in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSource {
    pub source: SourceKind,
    pub call: CallId,
    pub what: String,
}

/// A file that was written from something that came in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewMark {
    /// Real path.
    pub path: String,
    pub source: SourceKind,
    pub whole: bool,
    pub what: String,
}

/// The report is on record, durably.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaintNoted {}

/// `marks.list`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarksList {
    /// Canonical path of the workspace.
    pub workspace: String,
}

/// `mark.clear`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkClear {
    /// Canonical path of the workspace.
    pub workspace: String,
    /// The file or folder, by its real path; nothing for all of the workspace.
    pub path: Option<String>,
}

/// The marked files of a workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Marks {
    pub marks: Vec<MarkView>,
    /// More files were marked than are kept apart: every file counts as marked.
    pub crowded: bool,
}

/// A marked file, and one thing that it was written from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkView {
    /// Keyed digest of the path.
    pub file: Digest,
    /// Nothing when it was erased.
    pub path: Option<String>,
    pub source: SourceKind,
    pub whole: bool,
    /// What it was written from: a claim, to be shown quoted. Nothing when it was erased.
    pub what: Option<String>,
    /// The task that wrote it.
    pub task: TaskId,
    pub at: Timestamp,
    /// Why it ended; only in the answer to `mark.clear`.
    pub ended: Option<MarkEnd>,
}
