//! The decision of one call: standing and limits, the judge, the record, the answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use tokio::time::Instant;
use writ_ledger::Durability;
use writ_model::{
    ActivityEvent, ApprovalId, Client, Decision, Digest, Label, Operation, ReasonCode, ToolCall, Verdict,
};
use writ_policy::{Facts, Footprint, Grants, Judgement, Look, Moment, Permit, Risen, Ruling, classify};

use super::elsewhere::Elsewhere;
use super::fetch;
use super::grants::{Asked, Serving};
use super::hold::Held;
use super::session::{Opened, Paired, Slot};
use super::{Door, No, ported};
use crate::admit::{self, AdmitError, Admitted, By, Place, action_digest, arguments_payload};
use crate::hook::{self, EndedCall, HookReply, ProposedCall};
use crate::judge::Judge;
use crate::port::{FileDigests, NewActivity, Office, Payload};

/// Most files that are looked at for one call. More, and nobody can say what would run.
const MAX_RUNS: usize = 64;

/// One call on its way through the door.
pub(super) struct Deed<'a> {
    pub(super) slot: &'a Slot,
    pub(super) opened: &'a Opened,
    pub(super) place: Place,
    /// What the call takes in, writes and runs; none while nobody has looked.
    pub(super) print: Option<&'a Footprint>,
}

/// Whether the run itself asks, to see a refusal.
fn is_trial(call: &ToolCall) -> bool {
    call.operation.is_of_boundary() && call.tool.as_str() == Operation::TRIAL
}

/// Files that a call would run, with their digests.
pub(super) type Runs = Vec<(String, Option<Digest>)>;

impl<O: Office> Door<O> {
    /// Decides a call that a client proposes, and answers.
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
        let admitted = self.weigh(slot, opened, call, until).await?;
        let reply = hook::allowed(&admitted, event, self.plan.manner);
        slot.begin(Arc::new(admitted));
        Ok(reply)
    }

    /// Decides a call: it is admitted, or refused, or waits for a person until one of both is true.
    pub(super) async fn weigh(
        &self,
        slot: &Slot,
        opened: &Opened,
        call: ToolCall,
        until: Instant,
    ) -> Result<Admitted<ToolCall>, No> {
        let arguments = arguments_payload(self.ports.random.as_ref(), &call);
        let (runs, action) = self.action(opened, &call);
        let place = Place { task: opened.room.facts.task.id, session: slot.id, action };
        let deed = Deed { slot, opened, place, print: None };
        if let Err(no) = self.may_decide(&deed, &call, arguments.bytes.len()).await {
            return Err(self.refuse_unjudged(&deed, &call, arguments, no).await);
        }
        if runs.len() > MAX_RUNS {
            let no = No::new(ReasonCode::Unknown, "the call would run more files than can be looked at");
            return Err(self.refuse_unjudged(&deed, &call, arguments, no).await);
        }
        let Ok(print) = catch_unwind(AssertUnwindSafe(|| opened.room.footprint(&call))) else {
            let no = No::new(ReasonCode::EvaluationError, "the call could not be looked at; tell the person");
            return Err(self.refuse_unjudged(&deed, &call, arguments, no).await);
        };
        let deed = Deed { print: Some(&print), ..deed };
        let moment = self.moment(opened, &print).await;
        match self.judged(opened, &call, &runs, &moment) {
            None => {
                let no = No::new(
                    ReasonCode::EvaluationError,
                    "the policies could not be evaluated; tell the person",
                );
                Err(self.refuse_unjudged(&deed, &call, arguments, no).await)
            }
            Some(Judgement::Permit(permit)) => self.let_through(&deed, permit, By::Policy, arguments).await,
            Some(Judgement::Denied(denial)) if is_trial(&call) => {
                let reason = denial.ruling().decision.reason;
                let text = format!("{} [{reason}]", denial.to_agent());
                Err(self.refuse(&deed, denial.into_ruling(), None, arguments, No { reason, text }).await)
            }
            Some(Judgement::Denied(denial)) => {
                let reason = denial.ruling().decision.reason;
                let text = format!("{} [{reason}]", denial.to_agent());
                Err(self.refuse_or_stop(&deed, denial.into_ruling(), reason, text, arguments).await)
            }
            // Nobody is asked about what the task is to stop on.
            Some(Judgement::StepUp(held))
                if !is_trial(&held.ruling().call) && opened.room.stops(held.ruling()).is_some() =>
            {
                let reason = held.ruling().decision.reason;
                let text = format!("{} [{reason}]", held.to_agent());
                Err(self.refuse_or_stop(&deed, held.into_ruling(), reason, text, arguments).await)
            }
            // Nobody is asked about a trial either: whatever is not simply allowed is refused.
            Some(Judgement::StepUp(held)) if is_trial(&held.ruling().call) => {
                let no = No::new(ReasonCode::StepUp, "nobody is asked about what the run itself tries");
                Err(self.refuse(&deed, held.into_ruling(), None, arguments, no).await)
            }
            Some(Judgement::StepUp(held)) => match self.elsewhere(&held, opened) {
                Elsewhere::Nowhere => {
                    let reads = fetch::read_by(&call.operation, held.held());
                    let waits = Held { step_up: held, runs, moment };
                    let admitted = self.hold(&deed, waits, arguments, until).await?;
                    if let (Some(repositories), Some(yes)) = (reads, admitted.yes()) {
                        self.fetches.open(&repositories, admitted.touched(), yes);
                    }
                    Ok(admitted)
                }
                Elsewhere::Decided(reason) => {
                    let level = held.level();
                    let again = self.with_grants(opened, &call, &runs, &moment, |judge, grants| {
                        judge.judge_again(held, level, &moment, grants)
                    });
                    match again {
                        Some(Judgement::Permit(permit)) => {
                            self.let_through(&deed, permit, By::Door(reason), arguments).await
                        }
                        Some(Judgement::Denied(_) | Judgement::StepUp(_)) | None => {
                            let no =
                                No::new(ReasonCode::EvaluationError, "the call could not be judged again");
                            Err(self.refuse_unjudged(&deed, &call, arguments, no).await)
                        }
                    }
                }
                Elsewhere::Unasked(no) => {
                    Err(self.refuse(&deed, held.into_ruling(), None, arguments, no).await)
                }
            },
        }
    }

    /// The judge's answer to a call, with the grants of its task; nothing when it panicked.
    pub(super) fn judged(
        &self,
        opened: &Opened,
        call: &ToolCall,
        runs: &Runs,
        moment: &Moment,
    ) -> Option<Judgement> {
        self.with_grants(opened, call, runs, moment, |judge, grants| {
            judge.judge(call.clone(), moment, grants)
        })
    }

    /// Asks the judge something about a call, with the grants of its task; nothing when it panicked.
    pub(super) fn with_grants(
        &self,
        opened: &Opened,
        call: &ToolCall,
        runs: &Runs,
        moment: &Moment,
        ask: impl FnOnce(&dyn Judge, &dyn Grants) -> Judgement,
    ) -> Option<Judgement> {
        let room = &opened.room;
        let standing = self.ports.office.standing(room.facts.task.id);
        let grants = standing.map(|standing| standing.grants).unwrap_or_default();
        let asked = Asked { room, files: self.ports.files.as_ref(), call, runs };
        let judged = catch_unwind(AssertUnwindSafe(|| {
            let serving = Serving::new(asked, &grants, self.ports.clock.now(), moment);
            ask(room.judge.as_ref(), &serving)
        }));
        judged.ok()
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
        let deed = Deed { slot, opened, place, print: None };
        Err(self.refuse_unjudged(&deed, &call, arguments, no).await)
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
        {
            let _in_turn = opened.room.turn.lock().await;
            let risen = opened.room.heard(call, &ended.output);
            self.report(slot, opened, risen).await?;
        }
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
    async fn may_decide(&self, deed: &Deed<'_>, call: &ToolCall, payload_bytes: usize) -> Result<(), No> {
        let now = self.ports.clock.now();
        let room = &deed.opened.room;
        room.may_go_on(&self.ports.office, now)?;
        if !call.operation.is_of_boundary() {
            room.count_call(&self.ports.office, now).await?;
        }
        deed.slot.make_room(room, payload_bytes)
    }

    /// The files that the call would run, and the digest of the exact action.
    pub(super) fn action(&self, opened: &Opened, call: &ToolCall) -> (Runs, Digest) {
        let task = &opened.room.facts.task;
        let home = opened.room.judge.home();
        let runs = match &call.operation {
            Operation::Shell { command } => {
                let root = opened.room.facts.workspace.as_path();
                let look = Within { files: self.ports.files.as_ref(), root };
                let facts = Facts {
                    workspace: root.to_str(),
                    cwd: Some(&call.cwd),
                    home: home.and_then(Path::to_str),
                    look: Some(&look),
                };
                let mut names = classify(command, &facts).runs;
                names.truncate(MAX_RUNS + 1);
                names
            }
            Operation::Read { .. }
            | Operation::Search { .. }
            | Operation::Write { .. }
            | Operation::Fetch { .. }
            | Operation::WebSearch { .. }
            | Operation::Mcp { .. }
            | Operation::Push(_)
            | Operation::Request(_)
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

    /// The circumstances of a call. Where a marked file would run, what people have cleared meanwhile is asked for first.
    pub(super) async fn moment(&self, opened: &Opened, print: &Footprint) -> Moment {
        let room = &opened.room;
        let moment = || room.moment(self.ports.clock.now(), opened.observed, print);
        let first = moment();
        if !first.chain.runs_marked {
            return first;
        }
        let _in_turn = room.turn.lock().await;
        match ported(self.ports.office.recall_taint(room.facts.task.id, opened.conversation)).await {
            Ok(recalled) => {
                room.recall(recalled);
                moment()
            }
            // The marks that are known here hold.
            Err(_) => first,
        }
    }

    /// Records what a call let in, before anybody hears of it.
    async fn report(&self, slot: &Slot, opened: &Opened, risen: Risen) -> Result<(), No> {
        if risen == Risen::default() {
            return Ok(());
        }
        let task = opened.room.facts.task.id;
        let report = self.ports.office.report_taint(task, slot.id, opened.conversation, risen);
        ported(report).await.map_err(|_| {
            No::new(ReasonCode::RecordFailed, "what the call lets in could not be recorded; tell the person")
        })
    }

    /// Records a permit and admits its call.
    pub(super) async fn let_through(
        &self,
        deed: &Deed<'_>,
        permit: Permit,
        by: By,
        arguments: Payload,
    ) -> Result<Admitted<ToolCall>, No> {
        let room = &deed.opened.room;
        if let Err(no) = room.spend(&self.ports.office, &permit.ruling().actions).await {
            let approval = match by {
                By::Approval(approval) => Some(approval),
                By::Policy | By::Door(_) => None,
            };
            return Err(self.refuse(deed, permit.ruling().clone(), approval, arguments, no).await);
        }
        deed.slot.count(arguments.bytes.len());
        let admission = admit::admit(&self.ports.office, deed.place, permit, by, arguments);
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
        let touched = {
            let _in_turn = room.turn.lock().await;
            let (before, confided) = (room.touched(), room.confided());
            let risen = deed.print.map(|print| room.raise(print));
            let after = room.touched();
            // Text of strangers that comes in by the way out is what calls under way let in. Private answers are not.
            let is_strangers = before != after && confided == room.confided();
            if is_strangers && admitted.call().operation.is_of_boundary() {
                self.rose(&before, &after);
            }
            if let Some(risen) = risen {
                self.report(deed.slot, deed.opened, risen).await?;
            }
            after
        };
        // A revocation that came while the record was written still stops the call.
        room.may_go_on(&self.ports.office, self.ports.clock.now())?;
        Ok(admitted.let_through_with(touched))
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

    /// Refuses a call; where it meets a condition for stopping, the task ends with it.
    async fn refuse_or_stop(
        &self,
        deed: &Deed<'_>,
        ruling: Ruling,
        reason: ReasonCode,
        text: String,
        arguments: Payload,
    ) -> No {
        let room = &deed.opened.room;
        let Some(condition) = room.stops(&ruling) else {
            return self.refuse(deed, ruling, None, arguments, No { reason, text }).await;
        };
        let text =
            format!("{text} The task is closed: it was to stop on `{condition}`. Stop, and tell the person.");
        let no = self.refuse(deed, ruling, None, arguments, No { reason, text }).await;
        room.end_for_stop(&self.ports.office).await;
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
        // Waiting for a person is no offence, and neither is a program that calls home by itself.
        let counts = match &event {
            ActivityEvent::CallDecided { decision, operation, .. } => {
                decision.reason != ReasonCode::ApprovalPending && !Operation::is_boundary_name(operation)
            }
            _ => true,
        };
        let activity = vec![NewActivity { event, payloads }];
        // It stays a denial when it cannot be recorded; a closed task, for one, records no more.
        if let Err(error) =
            ported(self.ports.office.record(deed.place.task, activity, Durability::Written)).await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "a denial could not be recorded");
        }
        if counts {
            room.count_denial(&self.ports.office).await;
        }
    }
}

/// The files of the workspace, for the classifier.
struct Within<'a> {
    files: &'a dyn FileDigests,
    root: &'a Path,
}

// === impl Within ===

impl std::fmt::Debug for Within<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Within").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Look for Within<'_> {
    fn text(&self, path: &str) -> Option<String> {
        self.files.text(self.root, Path::new(path))
    }
}
