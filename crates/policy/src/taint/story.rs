//! Where a taint came from, in words for the person and the agent who read a refusal. No decision rests on it.

use std::sync::Arc;

use writ_model::{CallId, SourceKind, Touch};

use crate::explain::shown;

/// One thing that a session let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    pub kind: SourceKind,
    /// The host, path, package or tool, bounded and safe to show.
    pub what: Box<str>,
    /// The call that let it in.
    pub call: CallId,
}

/// What can be told of a moment's taint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// All that the task's sessions let in, as far as it is kept; oldest first.
    pub(crate) traces: Arc<[Trace]>,
    /// Marked files that the call would run, with what they were written from.
    pub(crate) marked: Option<Arc<str>>,
    /// Where the words of the call were read before.
    pub(crate) repeated: Option<Arc<str>>,
}

// === impl Trace ===

impl Trace {
    pub fn new(kind: SourceKind, what: &str, call: CallId) -> Self {
        Self { kind, what: shown(what).into(), call }
    }

    /// `the web (`evil.example`, call_0198…)`
    fn told(&self) -> String {
        format!("{}, `{}`, in {}", self.from(), self.what, self.call)
    }

    const fn from(&self) -> &'static str {
        match self.kind {
            SourceKind::Anything => "a call that nobody could name",
            SourceKind::Claimed => "an answer that is known to be untrusted",
            SourceKind::Clone => "files of other people's",
            SourceKind::Cloud => "a cloud account",
            SourceKind::Credential => "a credential",
            SourceKind::Database => "a database",
            SourceKind::Dependency => "a package",
            SourceKind::Deployment => "a deployment",
            SourceKind::Forge => "a forge",
            SourceKind::History => "the repository's history",
            SourceKind::Home => "a file outside the workspace",
            SourceKind::MarkedPrivate => "a file written from private data",
            SourceKind::MarkedSecret => "a file written from a secret",
            SourceKind::MarkedUntrusted => "a file written from untrusted input",
            SourceKind::Mcp | SourceKind::PrivateMcp => "an MCP server",
            SourceKind::PrivateRepository => "a repository marked private",
            SourceKind::Search => "a web search",
            SourceKind::Web => "the web",
        }
    }
}

// === impl Story ===

impl Story {
    /// A policy's reason with its marks filled in: `{private}`, `{secret}`, `{untrusted}` (what was let in and when),
    /// `{marked}` (the file that would run) and `{repeated}` (where the words stood).
    pub(crate) fn tell(&self, reason: &str) -> String {
        if !reason.contains('{') {
            return reason.to_owned();
        }
        let marked = self.marked.as_deref().unwrap_or("a file that was written from untrusted input");
        let repeated = self.repeated.as_deref().unwrap_or("untrusted input");
        let mut told = reason.to_owned();
        for (mark, text) in [
            ("{marked}", marked.to_owned()),
            ("{repeated}", repeated.to_owned()),
            ("{private}", self.of(Touch::Private, "private data")),
            ("{secret}", self.of(Touch::Secret, "a secret")),
            ("{untrusted}", self.of(Touch::Untrusted, "untrusted input")),
        ] {
            if told.contains(mark) {
                told = told.replace(mark, &text);
            }
        }
        told
    }

    /// `untrusted input (the web, `evil.example`, in call_0198…; and 2 more)`
    fn of(&self, touch: Touch, name: &str) -> String {
        let of_touch = |trace: &&Trace| trace.kind.touch() == touch;
        // What can have been aimed at the session says more than the packages that every session reads.
        let fresh = self.traces.iter().filter(of_touch).find(|trace| trace.kind.is_fresh());
        let Some(first) = fresh.or_else(|| self.traces.iter().find(of_touch)) else {
            return name.to_owned();
        };
        let more = self.traces.iter().filter(of_touch).count() - 1;
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        format!("{name} ({}{more})", first.told())
    }
}
