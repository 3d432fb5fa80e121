//! The registry: agents as non-human identities with an owner, a purpose and an end.

mod fingerprint;
mod lifecycle;
mod orphan;
mod registration;

pub(crate) use lifecycle::out_of_service;

use writ_model::{AgentId, Human, Label, Timestamp};

use crate::api::ErrorCode;
use crate::api::message::{AgentList, AgentShow, AgentView, Agents, ChangedFingerprint, MAX_PURPOSE_BYTES};
use crate::fold::{Agent, State};
use crate::office::{Office, OfficeError};

/// Most agents, tasks or approvals in one answer.
pub(crate) const MAX_LISTED: usize = 1_000;

/// Why an operation on an agent was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    #[error("there is no agent `{0}`")]
    Unknown(String),
    #[error("an agent has an owner: a person who answers for it")]
    NoOwner,
    #[error("an agent has a purpose: what it is for, in a sentence")]
    NoPurpose,
    #[error("a purpose has at most {MAX_PURPOSE_BYTES} bytes")]
    PurposeTooLong,
    #[error("an agent has a review date: when a person looks at it again")]
    NoReviewDate,
    #[error("the review date must lie in the future")]
    ReviewPast,
    #[error("the review date must be at most a year away")]
    ReviewTooFar,
    #[error("the expiry must lie in the future")]
    ExpiryPast,
    #[error("the name `{0}` looks like an id")]
    NameLikeId(Label),
    #[error("the name `{0}` belongs to another live agent")]
    NameTaken(Label),
    #[error("agent `{0}` has not been reviewed in time")]
    ReviewLapsed(Label),
    #[error("agent `{0}` has expired")]
    Expired(Label),
    #[error("the owner of agent `{0}` is gone, and nobody took it over")]
    Orphaned(Label),
    #[error("nobody said that the owner of agent `{0}` is gone")]
    NotOrphaned(Label),
    #[error("only the deputy of agent `{0}` can take it over")]
    NotDeputy(Label),
    #[error("the fingerprint of agent `{0}` changed")]
    FingerprintChanged(Label),
    #[error("agent `{0}` has no changed fingerprint to accept")]
    NothingToAttest(Label),
    #[error("something else was seen of agent `{0}` since")]
    OtherSeen(Label),
}

// === impl Office ===

impl Office {
    /// `agent.list`
    pub fn agent_list(&self, ask: &AgentList) -> Result<Agents, OfficeError> {
        let (found, more) = {
            let state = self.state_at(ask.at)?;
            let fits = |agent: &&Agent| {
                ask.client.is_none_or(|client| agent.registration.client == client)
                    && ask.owner.as_ref().is_none_or(|owner| agent.registration.owner == *owner)
                    && ask.state.is_none_or(|wanted| agent.state == wanted)
            };
            let mut found: Vec<&Agent> = state.agents().filter(fits).collect();
            found.sort_by_key(|agent| (&agent.registration.name, agent.id));
            let more = found.len() > MAX_LISTED;
            found.truncate(MAX_LISTED);
            let found: Vec<(Agent, u64)> =
                found.into_iter().map(|agent| (agent.clone(), open_tasks(&state, agent.id))).collect();
            (found, more)
        };
        let agents = found.into_iter().map(|(agent, tasks)| self.agent_view(agent, tasks)).collect();
        Ok(Agents { agents, more })
    }

    /// `agent.show`
    pub fn agent_show(&self, ask: &AgentShow) -> Result<AgentView, OfficeError> {
        let (agent, tasks) = {
            let state = self.state_at(ask.at)?;
            let agent = find(&state, &ask.agent)?.clone();
            let tasks = open_tasks(&state, agent.id);
            (agent, tasks)
        };
        Ok(self.agent_view(agent, tasks))
    }

    pub(crate) fn agent_view_of(&self, id: AgentId) -> Result<AgentView, OfficeError> {
        self.agent_show(&AgentShow { agent: id.to_string(), at: None })
    }

    fn agent_view(&self, agent: Agent, open_tasks: u64) -> AgentView {
        let Agent {
            id,
            registration,
            state,
            reason,
            since,
            registered_at,
            approved_by,
            accepted,
            changed,
            revoked: _,
            orphan_until,
        } = agent;
        AgentView {
            id,
            purpose: self.text(registration.purpose),
            name: registration.name,
            client: registration.client,
            approved_self: approved_by.as_ref() == Some(&registration.owner),
            owner: registration.owner,
            deputy: registration.deputy,
            environment: registration.environment,
            function: registration.function,
            state,
            reason,
            since,
            registered_at,
            review_by: registration.review_by,
            expires_at: registration.expires_at,
            approved_by,
            fingerprint: accepted,
            changed: changed.map(|changed| ChangedFingerprint {
                seen: changed.seen,
                parts: changed.parts,
                seen_at: changed.seen_at,
            }),
            orphan_until,
            open_tasks,
        }
    }
}

/// The agent of an id, or the live agent of a name.
pub(crate) fn find<'s>(state: &'s State, text: &str) -> Result<&'s Agent, IdentityError> {
    let by_id = text.parse::<AgentId>().ok().and_then(|id| state.agent(id));
    let by_name = || text.parse::<Label>().ok().and_then(|name| state.agent_named(&name));
    by_id.or_else(by_name).ok_or_else(|| IdentityError::Unknown(text.chars().take(80).collect()))
}

fn open_tasks(state: &State, agent: AgentId) -> u64 {
    let count = state.live_tasks().filter(|record| record.task.agent == agent).count();
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Checks a review date: in the future, at most a year away.
fn check_review(review_by: Timestamp, now: Timestamp) -> Result<(), IdentityError> {
    const YEAR: std::time::Duration = std::time::Duration::from_secs(366 * 24 * 3_600);
    if review_by <= now {
        return Err(IdentityError::ReviewPast);
    }
    if review_by > now.after(YEAR) {
        return Err(IdentityError::ReviewTooFar);
    }
    Ok(())
}

// === impl IdentityError ===

impl IdentityError {
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unknown(_) => ErrorCode::NotFound,
            Self::OtherSeen(_) => ErrorCode::Conflict,
            Self::NoOwner
            | Self::NoPurpose
            | Self::PurposeTooLong
            | Self::NoReviewDate
            | Self::ReviewPast
            | Self::ReviewTooFar
            | Self::ExpiryPast
            | Self::NameLikeId(_)
            | Self::NameTaken(_)
            | Self::ReviewLapsed(_)
            | Self::Expired(_)
            | Self::Orphaned(_)
            | Self::NotOrphaned(_)
            | Self::NotDeputy(_)
            | Self::FingerprintChanged(_)
            | Self::NothingToAttest(_) => ErrorCode::Refused,
        }
    }

    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown(_) => Some("run `writ agent list`".to_owned()),
            Self::NoOwner => Some("say who, with `--owner uid:1000`".to_owned()),
            Self::NoPurpose => Some("say what for, with `--purpose TEXT`".to_owned()),
            Self::NoReviewDate => Some("say when, with `--review-by DATE`".to_owned()),
            Self::ReviewLapsed(name) => Some(format!("run `writ agent review {name}`")),
            Self::FingerprintChanged(name) => Some(format!("run `writ agent attest {name}`")),
            Self::OtherSeen(name) => Some(format!("run `writ agent show {name}` and look again")),
            Self::Orphaned(name) => Some(format!("its deputy runs `writ agent adopt {name}`")),
            Self::NotDeputy(_) => Some("ask its deputy, or retire it and register a new one".to_owned()),
            Self::Expired(_) => Some("register a new agent and retire this one".to_owned()),
            Self::PurposeTooLong
            | Self::ReviewPast
            | Self::ReviewTooFar
            | Self::ExpiryPast
            | Self::NameLikeId(_)
            | Self::NameTaken(_)
            | Self::NotOrphaned(_)
            | Self::NothingToAttest(_) => None,
        }
    }
}

/// The author of a person's change.
pub(crate) fn person(by: &Human) -> writ_model::Actor {
    writ_model::Actor::Human(by.clone())
}
