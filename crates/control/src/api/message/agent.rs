//! Agents, as people register, see and move them.

use serde::{Deserialize, Serialize};
use writ_model::{
    AgentId, Client, EffectClass, Fingerprint, FingerprintPart, Human, Label, LifecycleReason,
    LifecycleState, Timestamp,
};

/// Longest purpose text in bytes.
pub const MAX_PURPOSE_BYTES: usize = 4 << 10;

/// `agent.register`. What is left out is refused by name, with what to say.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentRegister {
    /// Unique among live agents.
    pub name: Label,
    pub client: Client,
    /// Who answers for it.
    pub owner: Option<Human>,
    pub deputy: Option<Human>,
    /// What it is for, in a sentence. Kept in the vault.
    pub purpose: Option<String>,
    pub environment: Label,
    pub function: Label,
    /// In the future, at most a year away.
    pub review_by: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
}

/// `agent.discover`: an agent that a scan found. It is a proposal: no task can be opened for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentDiscover {
    /// Unique among live agents.
    pub name: Label,
    pub client: Client,
    /// Who is to say what becomes of it.
    pub owner: Human,
    /// What was found, in a sentence. Kept in the vault.
    pub evidence: String,
    pub environment: Label,
    pub function: Label,
    /// Until when somebody is to look: in the future, at most a year away.
    pub review_by: Timestamp,
}

/// `agent.list`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentList {
    pub client: Option<Client>,
    pub owner: Option<Human>,
    pub state: Option<LifecycleState>,
    /// As it was then.
    pub at: Option<Timestamp>,
}

/// The agents that fit, by name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Agents {
    pub agents: Vec<AgentView>,
    /// There are more than one answer holds.
    pub more: bool,
}

macro_rules! of_agent {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[$meta:meta])* $field:ident: $kind:ty),* })*) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Name of a live agent, or an agent's id.
            pub agent: String,
            $($(#[$meta])* pub $field: $kind,)*
        }
    )*};
}

of_agent! {
    /// `agent.show`
    AgentShow {
        /// As it was then.
        at: Option<Timestamp>
    }
    /// `agent.approve`
    AgentApprove {}
    /// `agent.suspend`
    AgentSuspend {}
    /// `agent.resume`
    AgentResume {}
    /// `agent.review`
    AgentReview {
        /// The next review date: in the future, at most a year away.
        review_by: Timestamp
    }
    /// `agent.orphan`: its owner is gone.
    AgentOrphan {
        /// The deputy is gone too: nobody is asked.
        deputy_gone: bool
    }
    /// `agent.adopt`
    AgentAdopt {}
    /// `agent.retire`
    AgentRetire {}
    /// `agent.quarantine`
    AgentQuarantine {}
    /// `agent.attest`
    AgentAttest {
        /// What the person looked at; refused when something else was seen since.
        seen: Fingerprint
    }
}

/// An agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AgentView {
    pub id: AgentId,
    pub name: Label,
    pub client: Client,
    pub owner: Human,
    pub deputy: Option<Human>,
    /// Nothing when it was erased.
    pub purpose: Option<String>,
    pub environment: Label,
    pub function: Label,
    pub state: LifecycleState,
    /// Why it is in that state.
    pub reason: LifecycleReason,
    /// Since when it is in that state.
    pub since: Timestamp,
    pub registered_at: Timestamp,
    pub review_by: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub approved_by: Option<Human>,
    /// The approver is the owner.
    pub approved_self: bool,
    /// The accepted fingerprint; nothing before the first session.
    pub fingerprint: Option<Fingerprint>,
    /// A changed fingerprint that nobody accepted yet.
    pub changed: Option<ChangedFingerprint>,
    /// Its owner is gone: until when its deputy can take it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orphan_until: Option<Timestamp>,
    pub open_tasks: u64,
}

/// Most tools that are counted one by one.
pub const MAX_TOOLS_COUNTED: usize = 100;

/// `agent.activity`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentActivityAsk {
    /// Name of a live agent, or an agent's id.
    pub agent: String,
    /// Counts what was recorded from then on.
    pub since: Option<Timestamp>,
}

/// What an agent did, counted out of the record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AgentActivity {
    pub agent: AgentId,
    /// Tasks that are remembered, whenever they were opened.
    pub tasks: u64,
    pub sessions: u64,
    /// What people asked in those sessions.
    pub prompts: u64,
    pub subagents: u64,
    /// Calls that failed, or that nothing was heard of again.
    pub ended_badly: u64,
    /// In rising order; effects that never came up are left out.
    pub effects: Vec<EffectUse>,
    /// Decided calls by tool, by name; of the first hundred tools.
    pub tools: Vec<(Label, u64)>,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    /// There is more than one answer looks at: older entries are not counted.
    pub cut: bool,
}

/// Decisions about one effect. A call with several effects counts for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectUse {
    pub effect: EffectClass,
    /// Allowed, and nobody was asked.
    pub unasked: u64,
    /// Allowed because a person said yes, once or for the task.
    pub approved: u64,
    /// Denied, or waiting for a person.
    pub refused: u64,
    pub last_at: Option<Timestamp>,
}

// === impl EffectUse ===

impl EffectUse {
    pub const fn none(effect: EffectClass) -> Self {
        Self { effect, unasked: 0, approved: 0, refused: 0, last_at: None }
    }
}

/// A fingerprint that differs from the accepted one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedFingerprint {
    pub seen: Fingerprint,
    pub parts: Vec<FingerprintPart>,
    pub seen_at: Timestamp,
}
