//! What agents in CI may do: which steps run one, with which token and secrets, who can start them, and what stands in
//! between. Workflows are read, never run.

use std::collections::{BTreeMap, BTreeSet};

use crate::approval::Approval;
use crate::document::Node;

mod agent;
mod call;
mod check;
mod checkout;
mod checks;
mod escalator;
mod expression;
mod files;
mod gate;
pub mod gitlab;
mod handed;
pub(crate) mod secrets;
mod stop;
mod subject;
mod token;
pub(crate) mod trigger;
mod workflow;

#[cfg(test)]
mod tests;

pub use escalator::Escalator;
pub use files::Local;
pub use token::{Token, TokenSource};
pub use trigger::{Trigger, UNTRUSTED};
pub use workflow::audit;
pub(crate) use workflow::audit_action;

/// One workflow, as far as agents go.
#[derive(Clone, Debug, Default)]
pub struct Workflow {
    pub triggers: Vec<Trigger>,
    pub agents: Vec<AgentStep>,
    /// The weakest gate between an outsider and any agent step.
    pub gate: Gate,
    /// Whether an account without write access can make an agent step run with secrets or a token that writes; `None`
    /// when that is up to whoever calls the workflow, or to a workflow elsewhere.
    pub outsider_start: Option<bool>,
    /// Every secret that the file names.
    pub secrets: BTreeSet<String>,
    /// Workflows with agents that its jobs call.
    pub calls: Vec<Call>,
    pub escalators: Vec<Escalator>,
    pub approval: Approval,
    /// It is a composite action: token and triggers are those of whoever uses it.
    pub is_action: bool,
}

/// A job that is another workflow's.
#[derive(Clone, Debug)]
pub struct Call {
    pub job: String,
    pub line: u32,
    /// The workflow, from the top of the repository or as written where it lies in another one.
    pub path: String,
    /// What it does is not here to read; its name says that it runs an agent.
    pub elsewhere: bool,
    pub secrets: CallSecrets,
    pub agents: BTreeSet<&'static str>,
    /// Workflows whose agents an outsider starts this way.
    pub leads_to: BTreeSet<String>,
    /// An outsider can make an agent there run.
    pub outsider: bool,
    /// Secrets, or a token that writes, get there with it.
    pub is_privileged: bool,
}

/// What a caller hands on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CallSecrets {
    All,
    Some(BTreeSet<String>),
}

/// A step that runs an agent.
#[derive(Clone, Debug)]
pub struct AgentStep {
    pub job: String,
    pub step_index: usize,
    pub line: u32,
    /// The tool.
    pub agent: &'static str,
    /// The action as written, or the program in a script.
    pub runs: String,
    /// The action is fixed by a commit.
    pub pinned: bool,
    pub token: Token,
    /// In the step's inputs and variables, the job's and the workflow's.
    pub secrets: BTreeSet<String>,
    /// Secrets that steps and jobs before it hand on: by a token that they mint, by outputs, in the environment or in files.
    pub handed: BTreeSet<String>,
    /// Those of them that a checkout leaves in the working copy.
    pub left: BTreeSet<String>,
    /// The job checks out what somebody else wrote, before anybody accepted it.
    pub checks_out_head: Option<u32>,
    pub persists_credentials: bool,
    pub environment: Option<String>,
    /// A runner that keeps state from job to job.
    pub self_hosted: Option<u32>,
    /// The action's own check of who asks is switched off.
    pub open_to_all: Option<u32>,
    /// Words of strangers stand in the prompt.
    pub untrusted_prompt: Option<u32>,
    /// Untrusted triggers by which an outsider gets to this step.
    pub outsider_by: Vec<String>,
    pub gate: Gate,
    pub approval: Approval,
}

/// What stands between an account without write access and a step, strongest first.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Gate {
    /// No untrusted trigger gets there.
    #[default]
    NotApplicable,
    /// Another job's answer.
    NeedsJob,
    /// A condition on the job or the step, or a step before it.
    If,
    /// The action itself refuses accounts without write access.
    Action,
    None,
}

/// Whether a file of this name could describe what runs on a forge.
pub(crate) fn is_wanted<S: AsRef<str>>(folders: &[S], name: &str) -> bool {
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    is_yaml
        && (folders.iter().any(|part| ["workflows", "actions"].contains(&part.as_ref()))
            || gitlab::is_pipeline(folders, name)
            || ["action.yml", "action.yaml"].contains(&name))
}

/// Whether a text that could not be read as a workflow names agents.
pub(crate) fn speaks_of_agents(text: &str) -> bool {
    agent::is_named_in(&text.to_ascii_lowercase())
}

// === impl Gate ===

impl Gate {
    pub fn name(self) -> &'static str {
        match self {
            Self::NotApplicable => "n/a",
            Self::NeedsJob => "explicit-needs-job",
            Self::If => "explicit-if",
            Self::Action => "action-write-check",
            Self::None => "none",
        }
    }
}

// === impl Workflow ===

impl Workflow {
    /// Triggers that an account without write access can pull.
    pub fn untrusted(&self) -> impl Iterator<Item = &Trigger> {
        self.triggers.iter().filter(|trigger| trigger.is_untrusted())
    }
}

// === impl AgentStep ===

impl AgentStep {
    /// Secrets, a token that writes, or an identity token: something that a stranger must not get to use.
    pub fn is_privileged(&self) -> bool {
        self.sees_secrets()
            || self.token.writes().next().is_some()
            || self.token.id_token()
            || self.token.source == TokenSource::Inherited
    }

    /// Secrets beside the job's own token.
    pub fn sees_secrets(&self) -> bool {
        self.secrets.iter().any(|secret| secret != "GITHUB_TOKEN") || !self.handed.is_empty()
    }
}

/// All text below a node, for searching; long prompts and all.
fn all_text(node: &Node) -> String {
    let mut text = String::new();
    node.each_text(&mut |_, part, _| {
        text.push_str(part);
        text.push('\n');
    });
    text
}

/// Members of a map that are texts.
fn text_map(node: Option<&Node>) -> BTreeMap<String, String> {
    node.map_or(&[][..], Node::members)
        .iter()
        .filter_map(|member| Some((member.key.to_ascii_lowercase(), member.node.scalar()?)))
        .collect()
}
