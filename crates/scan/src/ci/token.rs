//! The token that a job gets: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#permissions.

use std::collections::BTreeMap;

use crate::document::Node;

/// Every scope, for `write-all`.
const SCOPES: &[&str] = &[
    "actions",
    "attestations",
    "checks",
    "contents",
    "deployments",
    "discussions",
    "issues",
    "models",
    "packages",
    "pages",
    "pull-requests",
    "repository-projects",
    "security-events",
    "statuses",
];

/// Who said what the token may do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TokenSource {
    /// Nobody: the repository's or organisation's default, which may be write access to everything.
    #[default]
    Inherited,
    Job,
    Workflow,
}

/// What a token may do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Token {
    pub source: TokenSource,
    pub line: Option<u32>,
    /// `write-all`, in one word.
    pub all: bool,
    /// Scope to `read`, `write` or `none`.
    pub scopes: BTreeMap<String, String>,
}

// === impl TokenSource ===

impl TokenSource {
    pub fn name(self) -> &'static str {
        match self {
            Self::Inherited => "inherited",
            Self::Job => "job",
            Self::Workflow => "workflow",
        }
    }
}

// === impl Token ===

impl Token {
    /// The token of a job: its own permissions, else the workflow's, else nobody's.
    pub(crate) fn of(job: &Node, workflow: &Node) -> Self {
        match (job.get("permissions"), workflow.get("permissions")) {
            (Some(said), _) => Self::said(TokenSource::Job, said),
            (None, Some(said)) => Self::said(TokenSource::Workflow, said),
            (None, None) => Self::default(),
        }
    }

    fn said(source: TokenSource, said: &Node) -> Self {
        let each = |right: &str| SCOPES.iter().map(|scope| ((*scope).to_owned(), right.to_owned())).collect();
        let (all, scopes) = match said.text() {
            Some("write-all") => (true, each("write")),
            Some("read-all") => (false, each("read")),
            Some(_) => (false, BTreeMap::new()),
            None => (
                false,
                said.members()
                    .iter()
                    .filter_map(|member| Some((member.key.clone(), member.node.scalar()?)))
                    .collect(),
            ),
        };
        Self { source, line: Some(said.line), all, scopes }
    }

    /// Scopes that change things, but for identity tokens.
    pub fn writes(&self) -> impl Iterator<Item = &str> {
        self.scopes
            .iter()
            .filter(|(scope, right)| *right == "write" && *scope != "id-token")
            .map(|(scope, _)| scope.as_str())
    }

    /// Whether the job may ask for a signed statement of who it is, which clouds take for a login.
    pub fn id_token(&self) -> bool {
        self.all || self.scopes.get("id-token").is_some_and(|right| right == "write")
    }
}
