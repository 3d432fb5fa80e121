//! The decision of one call: standing and limits, the judge, the record, the answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use tokio::time::Instant;
use writ_ledger::Durability;
use writ_model::{
    ActivityEvent, ApprovalId, Client, Decision, Digest, Label, Operation, ReasonCode, ToolCall, Verdict,
};
use writ_policy::{Facts, Judgement, Permit, Ruling, classify};

use super::session::{Opened, Paired, Slot};
use super::{Door, No, ported};
use crate::admit::{self, AdmitError, Place, action_digest, arguments_payload};
use crate::hook::{self, EndedCall, HookReply, ProposedCall};
use crate::port::{NewActivity, Office, Payload};

/// Most files that are looked at for one call. More, and nobody can say what would run.
const MAX_RUNS: usize = 64;

/// One call on its way through the door.
pub(super) struct Deed<'a> {
    pub(super) slot: &'a Slot,
    pub(super) opened: &'a Opened,
    pub(super) event: &'a Label,
    pub(super) place: Place,
}

/// Files that a call would run, with their digests.
pub(super) type Runs = Vec<(String, Option<Digest>)>;

impl<O: Office> Door<O> {
    /// Decides a call and answers.
    pub(super) async fn decide(
        &self,
        slot: &Slot,
        opened: &Opened,
        client: Client,
        proposed: ProposedCall,
        event: &Label,
        until: Instant,
    ) -> Result<HookReply, No> {
        let call = self.call(proposed, client);
        let arguments = arguments_payload(self.ports.random.as_ref(), &call);
        let (runs, action) = self.action(opened, &call);
        let place = Place { task: opened.room.facts.task.id, session: slot.id, action };
        let deed = Deed { slot, opened, event, place };
        if let Err(no) = self.may_decide(&deed, arguments.bytes.len()).await {
            return Err(self.refuse_unjudged(&deed, &call, arguments, no).await);
        }
        if runs.len() > MAX_RUNS {
            let no = No::new(ReasonCode::Unknown, "the call would run more files than can be looked at");
            return Err(self.refuse_unjudged(&deed, &call, arguments, no).await);
        }
        let moment = opened.room.moment(self.ports.clock.now(), opened.observed);
        let judge = &opened.room.judge;
        match catch_unwind(AssertUnwindSafe(|| judge.judge(call.clone(), &moment))) {
            Err(_) => {
                let no = No::new(
                    ReasonCode::EvaluationError,
                    "the policies could not be evaluated; tell the person",
                );
                Err(self.refuse_unjudged(&deed, &call, arguments, no).await)
            }
            Ok(Judgement::Permit(permit)) => self.let_through(&deed, permit, None, arguments).await,
            Ok(Judgement::Denied(denial)) => {
                let reason = denial.ruling().decision.reason;
                let no = No { reason, text: format!("{} [{reason}]", denial.to_agent()) };
                Err(self.refuse(&deed, denial.into_ruling(), None, arguments, no).await)
            }
            Ok(Judgement::StepUp(held)) => self.hold(&deed, held, runs, arguments, until).await,
        }
    }

    /// The client asks its user about a call. It has been decided already, or it is refused.
    pub(super) async fn permission(
        &self,
        slot: &Slot,
        opened: &Opened,
        client: Client,
        proposed: ProposedCall,
        event: &Label,
    ) -> Result<HookReply, No> {
        opened.room.may_go_on(&self.ports.office, self.ports.clock.now())?;
        if let Some(admitted) = slot.under_way(&proposed) {
            return Ok(hook::allowed(&admitted, event, self.plan.manner));
        }
        let call = self.call(proposed, client);
        let arguments = arguments_payload(self.ports.random.as_ref(), &call);
        let (_, action) = self.action(opened, &call);
        let place = Place { task: opened.room.facts.task.id, session: slot.id, action };
        let no =
            No::new(ReasonCode::Unknown, "nobody asked for this call before its permission was asked for");
        Err(self.refuse_unjudged(&Deed { slot, opened, event, place }, &call, arguments, no).await)
    }

    /// Records how a call ended.
    pub(super) async fn ended(&self, slot: &Slot, opened: &Opened, ended: EndedCall) -> Result<(), No> {
        let session = slot.id;
        let unmatched = |tool: &Label| ActivityEvent::OutcomeUnmatched { session, tool: tool.clone() };
        let (call, altered) = match slot.end(&ended) {
            Paired::Call(call) => (call, false),
            Paired::Altered(call) => (call, true),
            Paired::Nothing => return self.note(slot, opened, unmatched(&ended.tool)).await.map(drop),
        };
        let output = admit::output_payload(self.ports.random.as_ref(), &ended.output);
        let kept = slot.make_room(&opened.room, output.bytes.len()).is_ok();
        let event = ActivityEvent::CallEnded {
            session,
            call,
            outcome: ended.outcome,
            output: kept.then_some(output.commitment),
        };
        self.record(slot, opened, event, if kept { vec![output] } else { Vec::new() }).await?;
        if altered {
            self.note(slot, opened, unmatched(&ended.tool)).await?;
            opened.room.end_for_mismatch(&self.ports.office).await;
        }
        Ok(())
    }

    /// Standing, limits and room in the record.
    async fn may_decide(&self, deed: &Deed<'_>, payload_bytes: usize) -> Result<(), No> {
        let now = self.ports.clock.now();
        let room = &deed.opened.room;
        room.may_go_on(&self.ports.office, now)?;
        room.count_call(&self.ports.office, now).await?;
        deed.slot.make_room(room, payload_bytes)
    }

    /// The files that the call would run, and the digest of the exact action.
    pub(super) fn action(&self, opened: &Opened, call: &ToolCall) -> (Runs, Digest) {
        let task = &opened.room.facts.task;
        let home = opened.room.judge.home();
        let runs = match &call.operation {
            Operation::Shell { command } => {
                let facts = Facts {
                    workspace: opened.room.facts.workspace.to_str(),
                    cwd: Some(&call.cwd),
                    home: home.and_then(Path::to_str),
                };
                let mut names = classify(command, &facts).runs;
                names.truncate(MAX_RUNS + 1);
                names
            }
            Operation::Read { .. }
            | Operation::Write { .. }
            | Operation::Fetch { .. }
            | Operation::WebSearch { .. }
            | Operation::Mcp { .. }
            | Operation::Spawn { .. }
            | Operation::Notes
            | Operation::Unknown { .. } => Vec::new(),
        };
        let runs: Runs = runs
            .into_iter()
            .map(|name| {
                // As the shell would read it: a name of the home folder is no name below the working directory.
                let path = match (name.strip_prefix("~/"), home) {
                    (Some(rest), Some(home)) => home.join(rest),
                    (Some(_) | None, _) => Path::new(&call.cwd).join(&name),
                };
                let digest = self.ports.files.digest(&path);
                (name, digest)
            })
            .collect();
        let action = action_digest(task.agent, task.id, call, &runs)
            // Nothing was ever approved under the digest of a text that no action has.
            .unwrap_or_else(|| admit::sha256(call.id.to_string().as_bytes()));
        (runs, action)
    }

    /// Records a permit and answers with its call.
    pub(super) async fn let_through(
        &self,
        deed: &Deed<'_>,
        permit: Permit,
        approval: Option<ApprovalId>,
        arguments: Payload,
    ) -> Result<HookReply, No> {
        let room = &deed.opened.room;
        let actions = permit.ruling().actions.clone();
        deed.slot.count(arguments.bytes.len());
        let admission = admit::admit(&self.ports.office, deed.place, permit, approval, arguments);
        let admission = tokio::time::timeout(super::PORT_PATIENCE, admission).await;
        let admitted = match admission {
            Ok(Ok(admitted)) => admitted,
            Ok(Err(AdmitError::Record(_) | AdmitError::NotDurable)) | Err(_) => {
                room.count_denial(&self.ports.office).await;
                return Err(No::new(
                    ReasonCode::RecordFailed,
                    "the decision could not be recorded; tell the person",
                ));
            }
        };
        room.raise(&actions);
        // A revocation that came while the record was written still stops the call.
        room.may_go_on(&self.ports.office, self.ports.clock.now())?;
        let reply = hook::allowed(&admitted, deed.event, self.plan.manner);
        deed.slot.begin(Arc::new(admitted));
        Ok(reply)
    }

    /// Records a denial that the judge had no part in, and gives back what the agent is told.
    pub(super) async fn refuse_unjudged(
        &self,
        deed: &Deed<'_>,
        call: &ToolCall,
        arguments: Payload,
        no: No,
    ) -> No {
        let decision = Decision {
            verdict: Verdict::Deny,
            reason: no.reason,
            approval: None,
            policies: Vec::new(),
            grants: Vec::new(),
            observed: None,
            policy_version: deed.opened.room.judge.version(),
        };
        let event = admit::decided(deed.place, call, &[], decision, None, arguments.commitment);
        self.record_denial(deed, event, arguments).await;
        no
    }

    /// Records a denial with what the judge said, and gives back what the agent is told.
    pub(super) async fn refuse(
        &self,
        deed: &Deed<'_>,
        ruling: Ruling,
        approval: Option<ApprovalId>,
        arguments: Payload,
        no: No,
    ) -> No {
        let Ruling { call, actions, mut decision } = ruling;
        decision.verdict = Verdict::Deny;
        decision.reason = no.reason;
        let event = admit::decided(deed.place, &call, &actions, decision, approval, arguments.commitment);
        self.record_denial(deed, event, arguments).await;
        no
    }

    async fn record_denial(&self, deed: &Deed<'_>, event: ActivityEvent, arguments: Payload) {
        let room = &deed.opened.room;
        let kept = deed.slot.make_room(room, arguments.bytes.len()).is_ok();
        let payloads = if kept { vec![arguments] } else { Vec::new() };
        deed.slot.count(payloads.iter().map(|payload| payload.bytes.len()).sum());
        let waits = matches!(&event, ActivityEvent::CallDecided { decision, .. } if decision.reason == ReasonCode::ApprovalPending);
        let activity = vec![NewActivity { event, payloads }];
        // It stays a denial when it cannot be recorded; a closed task, for one, records no more.
        if let Err(error) =
            ported(self.ports.office.record(deed.place.task, activity, Durability::Written)).await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "a denial could not be recorded");
        }
        // Waiting for a person is no offence.
        if !waits {
            room.count_denial(&self.ports.office).await;
        }
    }
}
