//! Agents, as people register, see and move them.

use serde::{Deserialize, Serialize};
use writ_model::{
    AgentId, Client, Fingerprint, FingerprintPart, Human, Label, LifecycleReason, LifecycleState, Timestamp,
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
    pub open_tasks: u64,
}

/// A fingerprint that differs from the accepted one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedFingerprint {
    pub seen: Fingerprint,
    pub parts: Vec<FingerprintPart>,
    pub seen_at: Timestamp,
}
