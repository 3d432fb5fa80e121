//! Fingerprints: a change of model, instructions, tools or client stops the agent until a person accepts it.

use writ_model::{Actor, ControlEvent, Fingerprint, Human, LifecycleMove, LifecycleReason, LifecycleState};

use crate::api::message::{AgentAttest, AgentView, FingerprintSeen, Standing};
use crate::office::{Change, Office, OfficeError, StandingError};

use super::IdentityError;
use super::lifecycle::moved;

// === impl Office ===

impl Office {
    /// `agent.attest`: accepts what the person looked at, and nothing else.
    pub fn agent_attest(&self, by: &Human, ask: &AgentAttest) -> Result<AgentView, OfficeError> {
        self.change_agent(by, &ask.agent, |_, agent, now| {
            let name = || agent.registration.name.clone();
            let changed = agent.changed.as_ref().ok_or_else(|| IdentityError::NothingToAttest(name()))?;
            if changed.seen != ask.seen {
                return Err(IdentityError::OtherSeen(name()).into());
            }
            // Parts that were not seen this time stay as they were accepted.
            let fingerprint = match &agent.accepted {
                Some(accepted) => changed.seen.filled_from(accepted),
                None => changed.seen.clone(),
            };
            let stopped = agent.state == LifecycleState::Suspended
                && agent.reason == LifecycleReason::FingerprintChanged
                && agent.lapsed(now).is_none()
                && !agent.revoked;
            let resumed =
                stopped.then(|| moved(agent.id, LifecycleMove::Resume, LifecycleReason::FingerprintAccepted));
            let accepted = ControlEvent::FingerprintAccepted { agent: agent.id, fingerprint };
            Ok([accepted].into_iter().chain(resumed).collect())
        })
    }

    /// `fingerprint.seen`: the answer is the standing after it.
    pub fn fingerprint_seen(&self, ask: FingerprintSeen) -> Result<Standing, OfficeError> {
        let mut desk = self.desk();
        let now = self.now();
        let (task, events) = {
            let state = self.state();
            let task = self.open_task_of(&state, &ask.writ, now)?.task.clone();
            let agent = state.agent(task.agent).ok_or(StandingError::UnknownWrit)?;
            let nothing = Fingerprint { client_version: None, instructions: None, model: None, tools: None };
            let accepted = agent.accepted.as_ref().unwrap_or(&nothing);
            let changed = accepted.changed_parts(&ask.seen);
            let known = match &agent.changed {
                // Once changed, only a person puts it right: the old form does not come back by itself.
                Some(waiting) => changed.is_empty() || waiting.seen == ask.seen,
                None => changed.is_empty() && accepted.filled_from(&ask.seen) == *accepted,
            };
            let stops = !changed.is_empty() && agent.state == LifecycleState::Active;
            let seen = ControlEvent::FingerprintSeen { agent: agent.id, fingerprint: ask.seen, changed };
            let stop =
                stops.then(|| moved(agent.id, LifecycleMove::Suspend, LifecycleReason::FingerprintChanged));
            let events: Vec<ControlEvent> =
                if known { Vec::new() } else { [seen].into_iter().chain(stop).collect() };
            (task.id, events)
        };
        if !events.is_empty() {
            self.commit(&mut desk, Change::new(now, Actor::Supervisor(task), events))?;
        }
        let state = self.state();
        let record = state.task(task).ok_or(StandingError::UnknownWrit)?;
        Ok(self.standing(&state, record))
    }
}
