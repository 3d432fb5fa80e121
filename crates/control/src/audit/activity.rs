//! What one agent really did, counted out of the activity log, newest first and up to a bound.

use std::collections::{BTreeMap, HashSet};

use writ_ledger::Stream;
use writ_model::{ActivityEvent, EffectClass, Label, Operation, Outcome, ReasonCode, TaskId, Verdict};

use crate::api::message::{AgentActivity, AgentActivityAsk, EffectUse, MAX_TOOLS_COUNTED};
use crate::identity;
use crate::office::{Office, OfficeError};

use super::entry::AnyEntry;
use super::search::{Backwards, MAX_LOOKED_AT};

// === impl Office ===

impl Office {
    /// `agent.activity`
    pub fn agent_activity(&self, ask: &AgentActivityAsk) -> Result<AgentActivity, OfficeError> {
        let (agent, tasks) = {
            let state = self.state();
            let agent = identity::find(&state, &ask.agent)?.id;
            let tasks: HashSet<TaskId> = state
                .tasks()
                .filter(|record| record.task.agent == agent)
                .map(|record| record.task.id)
                .collect();
            (agent, tasks)
        };
        let mut count = Count::default();
        let mut entries = Backwards::new(self, Stream::Activity, self.ledger().tip(Stream::Activity));
        let (mut looked_at, mut cut) = (0, false);
        loop {
            let Some(found) = entries.peek()? else { break };
            let AnyEntry::Activity(entry) = &found.entry else { break };
            if ask.since.is_some_and(|since| entry.at < since) {
                break;
            }
            if looked_at >= MAX_LOOKED_AT {
                cut = true;
                break;
            }
            looked_at += 1;
            if tasks.contains(&entry.task) {
                count.add(entry.at, &entry.event);
            }
            let _ = entries.take();
        }
        Ok(AgentActivity {
            agent,
            tasks: u64::try_from(tasks.len()).unwrap_or(u64::MAX),
            sessions: count.sessions,
            prompts: count.prompts,
            subagents: count.subagents,
            ended_badly: count.ended_badly,
            effects: count.effects.into_values().collect(),
            tools: count.tools.into_iter().collect(),
            first_at: count.first_at,
            last_at: count.last_at,
            cut,
        })
    }
}

#[derive(Default)]
struct Count {
    sessions: u64,
    prompts: u64,
    subagents: u64,
    ended_badly: u64,
    effects: BTreeMap<EffectClass, EffectUse>,
    tools: BTreeMap<Label, u64>,
    first_at: Option<writ_model::Timestamp>,
    last_at: Option<writ_model::Timestamp>,
}

// === impl Count ===

impl Count {
    /// Counts an entry that is older than all before it.
    fn add(&mut self, at: writ_model::Timestamp, event: &ActivityEvent) {
        self.first_at = Some(at);
        self.last_at = self.last_at.or(Some(at));
        match event {
            ActivityEvent::SessionStarted { .. } => self.sessions += 1,
            ActivityEvent::PromptSubmitted { .. } => self.prompts += 1,
            ActivityEvent::SubagentStarted { .. } => self.subagents += 1,
            ActivityEvent::CallEnded { outcome: Outcome::Failed | Outcome::Missing, .. } => {
                self.ended_badly += 1;
            }
            ActivityEvent::CallDecided { tool, operation, effects, decision, .. }
                if !Operation::is_trial(tool, operation) =>
            {
                let known = self.tools.len();
                if let Some(count) = self.tools.get_mut(tool) {
                    *count += 1;
                } else if known < MAX_TOOLS_COUNTED {
                    self.tools.insert(tool.clone(), 1);
                }
                for effect in effects {
                    let of = self.effects.entry(*effect).or_insert_with(|| EffectUse::none(*effect));
                    of.last_at = of.last_at.or(Some(at));
                    match (decision.verdict, decision.reason) {
                        (Verdict::Allow, ReasonCode::Approved | ReasonCode::Granted) => of.approved += 1,
                        (Verdict::Allow, _) => of.unasked += 1,
                        (Verdict::Deny | Verdict::StepUp, _) => of.refused += 1,
                    }
                }
            }
            _ => {}
        }
    }
}
