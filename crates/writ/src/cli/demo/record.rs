//! What the ledger says, by `writ audit search --json` and `writ audit show --json`: the demo's only source of facts.

use serde_json::Value;
use writ_control::api::message::{AuditPage, AuditStory, EntryView};
use writ_model::{
    ActivityEntry, ActivityEvent, ApprovalId, CallId, ControlEntry, ControlEvent, Decision, Digest,
    EffectClass, Operation, Outcome, TaskId, Verdict,
};

use super::house::House;
use crate::failure::Failure;

/// One decision, as it stands in the ledger.
#[derive(Clone, Debug)]
pub(super) struct Decided {
    /// Its place, as `activity:12`.
    pub(super) entry: String,
    pub(super) call: CallId,
    pub(super) operation: String,
    pub(super) effects: Vec<EffectClass>,
    pub(super) decision: Decision,
    pub(super) approval: Option<ApprovalId>,
    pub(super) action: Digest,
    /// Commitment to the arguments.
    pub(super) arguments: Digest,
    /// What the agent wanted, from the vault: its command, or the file.
    pub(super) wanted: String,
}

/// Everything that is recorded of a task, oldest first.
#[derive(Default)]
pub(super) struct Record {
    pub(super) decided: Vec<Decided>,
    pub(super) ended: Vec<(CallId, Outcome)>,
    pub(super) control: Vec<ControlEvent>,
    pub(super) sessions: usize,
    /// Entries of the activity log that are read already.
    seen: Vec<String>,
}

// === impl Record ===

impl Record {
    /// Reads what is new, and gives the decisions among it.
    pub(super) fn read(&mut self, house: &House, task: TaskId) -> Result<Vec<Decided>, Failure> {
        let task = task.to_string();
        let page: AuditPage = house.json(&["audit", "search", "--task", &task, "--limit", "1000"])?;
        let mut fresh = Vec::new();
        for EntryView { id, entry, .. } in page.entries.into_iter().rev() {
            if self.seen.contains(&id) {
                continue;
            }
            self.seen.push(id.clone());
            if id.starts_with("control:") {
                self.control.push(serde_json::from_value::<ControlEntry>(entry)?.event);
            } else {
                fresh.extend(self.learn(house, id, serde_json::from_value::<ActivityEntry>(entry)?.event)?);
            }
        }
        self.decided.extend(fresh.iter().cloned());
        Ok(fresh)
    }

    fn learn(
        &mut self,
        house: &House,
        entry: String,
        event: ActivityEvent,
    ) -> Result<Option<Decided>, Failure> {
        match event {
            ActivityEvent::SessionStarted { .. } => self.sessions += 1,
            ActivityEvent::CallEnded { call, outcome, .. } => self.ended.push((call, outcome)),
            // Clients call home by themselves; the story is about what they were told to do.
            ActivityEvent::CallDecided { operation, .. } if Operation::is_boundary_name(&operation) => {}
            ActivityEvent::CallDecided {
                call,
                operation,
                effects,
                decision,
                approval,
                action,
                arguments,
                ..
            } => {
                let wanted = wanted(house, &entry)?;
                let operation = operation.to_string();
                return Ok(Some(Decided {
                    entry,
                    call,
                    operation,
                    effects,
                    decision,
                    approval,
                    action,
                    arguments,
                    wanted,
                }));
            }
            // What goes to the model is no step of the story.
            ActivityEvent::PromptSubmitted { .. }
            | ActivityEvent::OutcomeUnmatched { .. }
            | ActivityEvent::SubagentStarted { .. }
            | ActivityEvent::SubagentEnded { .. }
            | ActivityEvent::ConfigurationChanged { .. }
            | ActivityEvent::TurnEnded { .. }
            | ActivityEvent::ProgramStarted { .. }
            | ActivityEvent::ProgramsUnlisted { .. }
            | ActivityEvent::Incident { .. }
            | ActivityEvent::ModelAsked { .. }
            | ActivityEvent::ModelUsed { .. }
            | ActivityEvent::Noted { .. }
            | ActivityEvent::SessionEnded { .. }
            | ActivityEvent::InputRefused { .. } => {}
        }
        Ok(None)
    }

    /// How a call ended, as its client says.
    pub(super) fn outcome(&self, call: CallId) -> Option<Outcome> {
        self.ended.iter().find(|(of, _)| *of == call).map(|(_, outcome)| *outcome)
    }
}

// === impl Decided ===

impl Decided {
    pub(super) fn has(&self, effect: EffectClass) -> bool {
        self.effects.contains(&effect)
    }

    pub(super) fn is(&self, verdict: Verdict) -> bool {
        self.decision.verdict == verdict
    }

    /// The gravest of its effects.
    pub(super) fn gravest(&self) -> &'static str {
        self.effects.iter().max().map_or("nothing", |effect| effect.name())
    }

    pub(super) fn policies(&self) -> String {
        self.decision.policies.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// The agent's own words, from the vault.
fn wanted(house: &House, entry: &str) -> Result<String, Failure> {
    let story: AuditStory = house.json(&["audit", "show", entry])?;
    let text = story.entries.iter().flat_map(|entry| &entry.texts).find(|text| text.field == "arguments");
    let kept: Value =
        text.and_then(|text| serde_json::from_str(text.text.as_deref()?).ok()).unwrap_or_default();
    let arguments = kept.get("arguments").and_then(Value::as_str).unwrap_or_default();
    let named: Value = serde_json::from_str(arguments).unwrap_or_default();
    let known = ["command", "cmd", "file_path", "filePath"].iter().find_map(|name| named.get(name)?.as_str());
    Ok(known.unwrap_or(arguments).to_owned())
}
