//! What passed through the record of one door: the numbers that a run is closed with.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use writ_model::{ActivityEvent, CallId, Operation, Outcome, Verdict};

/// Counts of one door.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Messages of the client that were recorded, of whatever sort.
    pub(crate) events: u64,
    /// Programs that started inside.
    pub(crate) programs: u64,
    pub(crate) allowed: u64,
    pub(crate) denied: u64,
    /// Answered with "a human first"; each is a denial too, as the client sees it.
    pub(crate) held: u64,
    /// Allowed by a human.
    pub(crate) approved: u64,
    /// Allowed by a grant that a human had given.
    pub(crate) granted: u64,
    /// Allowed calls of whose end nothing was heard.
    pub(crate) open: HashSet<CallId>,
    /// Calls whose outcome is recorded as missing.
    pub(crate) missing: u64,
    /// Messages that could not be read.
    pub(crate) refused_input: u64,
    /// Outcomes of calls that nobody decided: the client ran something without asking.
    pub(crate) unmatched: u64,
    /// Requests to the model that were read, and what they cost.
    pub(crate) model_requests: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    /// Results in them of calls that no decision was found for, without certainty.
    pub(crate) undecided_results: u64,
    /// Incidents on the way out that are on record.
    pub(crate) incidents: u64,
}

/// The counts, as they grow. The lock is held for one count.
#[derive(Default)]
pub(crate) struct Tally(Mutex<Counts>);

// === impl Tally ===

impl Tally {
    /// Counts what was recorded.
    pub(crate) fn count<'a>(&self, events: impl IntoIterator<Item = &'a ActivityEvent>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            counts.count(event);
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

// === impl Counts ===

impl Counts {
    fn count(&mut self, event: &ActivityEvent) {
        match event {
            ActivityEvent::ProgramStarted { .. } => {
                self.programs += 1;
                return;
            }
            ActivityEvent::ProgramsUnlisted { count } => {
                self.programs += count;
                return;
            }
            // Recorded at the ways out too, where no hook was called. The first message of each session has an event of its own.
            ActivityEvent::CallDecided { .. }
            | ActivityEvent::CallEnded { .. }
            | ActivityEvent::Incident { .. }
            | ActivityEvent::ModelAsked { .. }
            | ActivityEvent::ModelUsed { .. }
            | ActivityEvent::OutcomeUnmatched { .. } => {}
            _ => self.events += 1,
        }
        match event {
            // The run's own, before the client was there.
            ActivityEvent::CallDecided { tool, operation, .. } if Operation::is_trial(tool, operation) => {}
            ActivityEvent::CallDecided { call, operation, decision, approval, .. } => {
                match decision.verdict {
                    Verdict::Allow => {
                        // What the programs of an allowed call ask for on their way is no call of its own.
                        self.allowed += u64::from(!Operation::is_boundary_name(operation));
                        self.approved += u64::from(approval.is_some());
                        self.granted += u64::from(approval.is_none() && !decision.grants.is_empty());
                        self.open.insert(*call);
                    }
                    Verdict::StepUp => self.held += 1,
                    Verdict::Deny => self.denied += 1,
                }
            }
            ActivityEvent::CallEnded { call, outcome, .. } => {
                self.open.remove(call);
                self.missing += u64::from(*outcome == Outcome::Missing);
            }
            ActivityEvent::InputRefused { .. } => self.refused_input += 1,
            ActivityEvent::OutcomeUnmatched { .. } => self.unmatched += 1,
            ActivityEvent::ModelUsed {
                session: _,
                requests,
                input_tokens,
                output_tokens,
                calls: _,
                unmatched,
            } => {
                self.model_requests += requests;
                self.input_tokens = self.input_tokens.saturating_add(*input_tokens);
                self.output_tokens = self.output_tokens.saturating_add(*output_tokens);
                self.undecided_results += unmatched;
            }
            ActivityEvent::Incident { .. } => self.incidents += 1,
            ActivityEvent::SessionStarted { .. }
            | ActivityEvent::PromptSubmitted { .. }
            | ActivityEvent::SubagentStarted { .. }
            | ActivityEvent::SubagentEnded { .. }
            | ActivityEvent::ConfigurationChanged { .. }
            | ActivityEvent::TurnEnded { .. }
            | ActivityEvent::ProgramStarted { .. }
            | ActivityEvent::ProgramsUnlisted { .. }
            | ActivityEvent::ModelAsked { .. }
            | ActivityEvent::Noted { .. }
            | ActivityEvent::SessionEnded { .. } => {}
        }
    }
}
