//! What sessions let in outlives them: the files that were written from it are marked for every later task of the
//! workspace, and a conversation that is taken up again begins with what it has read.
//!
//! Supervisors report, people clear. Which file of which workspace a mark is for stands in the log as keyed digests;
//! the paths lie in the vault beside it, and a mark counts on when they are erased.

use aws_lc_rs::hmac;
use writ_model::{Actor, ControlEvent, Digest, Human, MarkEnd, Task};

use crate::api::Bytes;
use crate::api::message::{
    MAX_REPORTED, MAX_WHAT_BYTES, MarkClear, MarkView, Marks, MarksList, SourceView, TaintNoted, TaintRecall,
    TaintReport, Tainted,
};
use crate::fold::{FileMark, Source};
use crate::identity::person;
use crate::keys::Keys;
use crate::office::{Change, Office, OfficeError};
use crate::record::RecordError;
use crate::task::{MAX_PATH_BYTES, TaskError};

/// The keys under which workspaces, files and conversations become digests. Whoever owns one can try out whether a
/// guessed path is marked, and nothing else.
pub(crate) struct NameKey(hmac::Key);

// === impl NameKey ===

impl NameKey {
    pub fn new(keys: &Keys) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, &keys.vault_key());
        Self(hmac::Key::new(
            hmac::HMAC_SHA256,
            hmac::sign(&root, b"writ: names in the log, version 1").as_ref(),
        ))
    }

    fn digest(&self, what: &str, bytes: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(what.as_bytes());
        context.update(&[0]);
        context.update(bytes);
        filled(context.sign().as_ref())
    }

    fn workspace(&self, path: &str) -> Digest {
        Digest::new(self.digest("workspace", path.as_bytes()))
    }

    /// The key of the paths of one workspace.
    fn paths(&self, workspace: &str) -> [u8; 32] {
        self.digest("paths", workspace.as_bytes())
    }

    fn file(&self, workspace: &str, path: &str) -> Digest {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.paths(workspace));
        Digest::new(filled(hmac::sign(&key, path.as_bytes()).as_ref()))
    }

    fn conversation(&self, client_session: Digest) -> Digest {
        Digest::new(self.digest("conversation", client_session.as_bytes()))
    }
}

fn filled(tag: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(tag).for_each(|(to, from)| *to = *from);
    bytes
}

// === impl Office ===

impl Office {
    /// `taint.recall`
    pub fn taint_recall(&self, ask: &TaintRecall) -> Result<Tainted, OfficeError> {
        let task = self.task_under(&ask.writ)?;
        let workspace = self.workspace_of(&task)?;
        let conversation = self.names().conversation(ask.client_session);
        let (sources, marks, crowded) = {
            let state = self.state();
            let marks = state.taints().workspace(self.names().workspace(&workspace));
            (
                state.taints().sources(task.id, Some(conversation)),
                marks.map(owned).unwrap_or_default(),
                marks.is_some_and(|marks| marks.crowded),
            )
        };
        Ok(Tainted {
            path_key: Bytes(self.names().paths(&workspace).to_vec()),
            sources: sources.into_iter().map(|source| self.source_view(source)).collect(),
            marks: marks.into_iter().map(|(file, mark)| self.mark_view(file, mark, None)).collect(),
            crowded,
        })
    }

    /// `taint.report`: durable before it returns, so that no end of a process forgets it.
    pub fn taint_report(&self, ask: TaintReport) -> Result<TaintNoted, OfficeError> {
        let TaintReport { writ, session, client_session, sources, marks, gone } = ask;
        let most = sources.len().max(marks.len()).max(gone.len());
        let long = sources.iter().any(|source| source.what.len() > MAX_WHAT_BYTES)
            || marks.iter().any(|mark| mark.what.len() > MAX_WHAT_BYTES || mark.path.len() > MAX_PATH_BYTES);
        if most > MAX_REPORTED || long {
            return Err(RecordError::Bounds.into());
        }
        let task = self.task_under(&writ)?;
        let workspace = self.workspace_of(&task)?;
        let digest = self.names().workspace(&workspace);
        let mut events = Vec::new();
        let mut payloads = Vec::new();
        for source in sources {
            let (what, payload) = self.seal(&task.id, &source.what)?;
            payloads.push(payload);
            events.push(ControlEvent::TaintRaised {
                task: task.id,
                session,
                conversation: self.names().conversation(client_session),
                call: source.call,
                source: source.source,
                what,
            });
        }
        // First what is gone: another file may have come to stand at its place.
        let cleared = |file| ControlEvent::FileCleared { workspace: digest, file, cause: MarkEnd::Gone };
        events.extend(gone.into_iter().map(cleared));
        for mark in marks {
            let (what, payload) = self.seal(&task.id, &told(&mark.path, &mark.what))?;
            payloads.push(payload);
            events.push(ControlEvent::FileMarked {
                task: task.id,
                workspace: digest,
                file: self.names().file(&workspace, &mark.path),
                source: mark.source,
                whole: mark.whole,
                what,
            });
        }
        if !events.is_empty() {
            let mut desk = self.desk();
            let change = Change::new(self.now(), Actor::Supervisor(task.id), events);
            self.commit(&mut desk, Change { payloads, ..change })?;
        }
        Ok(TaintNoted {})
    }

    /// `marks.list`
    pub fn marks_list(&self, ask: &MarksList) -> Result<Marks, OfficeError> {
        let digest = self.names().workspace(&ask.workspace);
        let (marks, crowded) = {
            let state = self.state();
            let marks = state.taints().workspace(digest);
            (marks.map(owned).unwrap_or_default(), marks.is_some_and(|marks| marks.crowded))
        };
        let marks = marks.into_iter().map(|(file, mark)| self.mark_view(file, mark, None)).collect();
        Ok(Marks { marks, crowded })
    }

    /// `mark.clear`: the answer holds what was cleared.
    pub fn mark_clear(&self, by: &Human, ask: &MarkClear) -> Result<Marks, OfficeError> {
        let mut desk = self.desk();
        let workspace = self.names().workspace(&ask.workspace);
        let wanted = ask.path.as_deref().map(|path| self.names().file(&ask.workspace, path));
        let found: Vec<(Digest, FileMark)> = {
            let state = self.state();
            let marks = state.taints().workspace(workspace).map(owned).unwrap_or_default();
            marks.into_iter().filter(|(file, _)| wanted.is_none_or(|wanted| *file == wanted)).collect()
        };
        if found.is_empty() {
            return Err(TaskError::NoMark(ask.path.clone().unwrap_or_else(|| ask.workspace.clone())).into());
        }
        let views: Vec<MarkView> = found
            .into_iter()
            .map(|(file, mark)| self.mark_view(file, mark, Some(MarkEnd::ByPerson)))
            .collect();
        let mut files: Vec<Digest> = views.iter().map(|mark| mark.file).collect();
        files.dedup();
        let cleared = |file| ControlEvent::FileCleared { workspace, file, cause: MarkEnd::ByPerson };
        let events = files.into_iter().map(cleared).collect();
        self.commit(&mut desk, Change::new(self.now(), person(by), events))?;
        Ok(Marks { marks: views, crowded: false })
    }

    fn task_under(&self, writ: &crate::api::message::WritToken) -> Result<Task, OfficeError> {
        let state = self.state();
        Ok(self.task_of(&state, writ, self.now())?.task.clone())
    }

    fn workspace_of(&self, task: &Task) -> Result<String, OfficeError> {
        Ok(self.text(task.workspace).ok_or(TaskError::Unknown(task.id))?)
    }

    /// A source as people are shown it.
    pub(crate) fn source_view(&self, source: Source) -> SourceView {
        let Source { kind, call, at, what } = source;
        SourceView { source: kind, call, at, what: self.text(what) }
    }

    fn mark_view(&self, file: Digest, mark: FileMark, ended: Option<MarkEnd>) -> MarkView {
        let FileMark { source, whole, task, at, what } = mark;
        let text = self.text(what).and_then(|text| serde_json::from_str::<[String; 2]>(&text).ok());
        let (path, what) = match text {
            Some([path, what]) => (Some(path), Some(what)),
            None => (None, None),
        };
        MarkView { file, path, source, whole, what, task, at, ended }
    }
}

fn owned(marks: &crate::fold::WorkspaceMarks) -> Vec<(Digest, FileMark)> {
    marks.marks().map(|(file, mark)| (file, mark.clone())).collect()
}

/// What lies in the vault for a mark.
fn told(path: &str, what: &str) -> String {
    serde_json::json!([path, what]).to_string()
}
