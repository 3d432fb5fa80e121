//! A held call: an approval is spent on it, or asked for and waited for, or it is denied with the approval's id.

use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, timeout};
use writ_ledger::Durability;
use writ_model::{
    ApprovalId, ApprovalLevel, ApprovalState, Body, Decision, Digest, Human, Operation, ReasonCode, Request,
    ToolCall, Verdict,
};
use writ_policy::{Footprint, Judgement, Moment, Permit, StepUp};

use super::decide::{Deed, Runs};
use super::elsewhere::in_words;
use super::grants::Asked;
use super::session::Waiting;
use super::{Door, No, PORT_PATIENCE, ported};
use crate::admit::{self, Admitted, By, Place};
use crate::http::lend::MAX_OBEYED_BYTES;
use crate::port::{Ask, NewActivity, Office, Payload, Taken};
use crate::shown::shown;
use crate::yes::{self, Yes};

/// Between the end of the waiting and the deadline of the answer: time to record the denial.
const MARGIN: Duration = Duration::from_secs(5);
/// Between two looks at a request that is still waiting. The port waits by itself; this bounds one that does not.
const PAUSE: Duration = Duration::from_millis(100);

/// Of a task's places for approvals, so many are taken at most by what its programs send; the others stay for calls.
const MAX_OF_WAY_OUT: usize = 3;
/// And so many by what goes to one host.
const MAX_OF_HOST: usize = 2;

/// Room for the bodies of what leaves and waits for a person, in KiB: what is left of the room for all that are held is
/// enough for one of the longest.
pub(super) const MAX_KEPT_KIB: usize = 6 << 10;
/// A shorter one keeps none of it.
const SHORT_BYTES: usize = 16 << 10;
const NO_ROOM: &str = "as many long bodies as may wait for a person at once do so already, and nobody was asked about this one. \
    Wait until they are answered, and make it again";

/// Where a call stands that waits for a person.
#[derive(Default)]
struct Line<'d> {
    /// The request by which a person is asked.
    asked: Option<ApprovalId>,
    /// What its body keeps of the room for those that wait.
    kept: Option<SemaphorePermit<'d>>,
}

/// A call that waits for a person.
pub(super) struct Held {
    pub(super) step_up: StepUp,
    /// The files that it would run.
    pub(super) runs: Runs,
    /// The circumstances that it was judged in.
    pub(super) moment: Moment,
}

/// Why no yes to a request could be a yes to all that it would send. Bytes that are no HTTP are allowed by where they go.
fn unseen(request: &Request) -> Option<&'static str> {
    match &request.body {
        Body::Start(_) | Body::Unread if request.method != "CONNECT" => Some(
            "a person would have to allow this, and its body was not read to its end, so that nobody could say what they \
             allow. Send it in pieces of at most 512 MiB",
        ),
        Body::None | Body::Start(_) | Body::Unread | Body::Long { .. } | Body::Whole(_) => None,
    }
}

/// What a round of the waiting came to.
enum Round {
    Taken(Taken),
    /// A grant that was given meanwhile covers it.
    Granted(Box<Permit>),
    /// Look again: the request was approved, or is gone, or still waits.
    Again,
    No(No),
}

impl<O: Office> Door<O> {
    /// Holds a call until a person has said yes to exactly this action, and spends that yes on it, once.
    pub(super) async fn hold(
        &self,
        deed: &Deed<'_>,
        mut held: Held,
        arguments: Payload,
        deadline: Instant,
    ) -> Result<Admitted<ToolCall>, No> {
        let start = Instant::now();
        let until = (start + self.plan.hold).min(deadline.checked_sub(MARGIN).unwrap_or(start));
        if let Err(no) = self.may_be_given(deed, &held.step_up) {
            return Err(self.refuse(deed, held.step_up.into_ruling(), None, arguments, no).await);
        }
        let call = held.step_up.ruling().call.clone();
        let mut place = Place { action: self.bound(deed, &held, &call).1, ..deed.place };
        let mut line = Line::default();
        let no = loop {
            if let Err(no) = deed.opened.room.may_go_on(&self.ports.office, self.ports.clock.now()) {
                break no;
            }
            match self.round(deed, place, &held, &call, &mut line, until).await {
                Round::Taken(taken) => {
                    let deed = Deed { place, ..*deed };
                    return self.spent(&deed, held, taken, arguments).await;
                }
                Round::Granted(permit) => {
                    let deed = Deed { place, ..*deed };
                    return self.let_through(&deed, *permit, By::Policy, arguments).await;
                }
                Round::No(no) => break no,
                Round::Again if Instant::now() >= until => break pending(&held.step_up, line.asked),
                Round::Again => {}
            }
            // The session may have touched more, which some grants do not outlast, and the call may be held for more by now.
            if let Some(print) = deed.print {
                held.moment = self.moment(deed.opened, print).await;
            }
            // And a file that would run may have changed. Then the yes was to something else, and another card is due.
            (held.runs, place.action) = self.bound(deed, &held, &call);
            match self.judged(deed.opened, &call, &held.runs, &held.moment) {
                Some(Judgement::StepUp(by_now)) => {
                    if let Err(no) = self.may_be_given(deed, &by_now) {
                        break no;
                    }
                    held.step_up = by_now;
                    place.action = self.bound(deed, &held, &call).1;
                }
                Some(Judgement::Denied(denial)) => {
                    let reason = denial.ruling().decision.reason;
                    break No { reason, text: format!("{} [{reason}]", denial.to_agent()) };
                }
                // A round finds out what was granted meanwhile.
                Some(Judgement::Permit(_)) | None => {}
            }
        };
        let deed = Deed { place, ..*deed };
        Err(self.refuse(&deed, held.step_up.into_ruling(), line.asked, arguments, no).await)
    }

    /// The files that a held call would run, and what a yes to it is bound to.
    fn bound(&self, deed: &Deed<'_>, held: &Held, call: &ToolCall) -> (Runs, Digest) {
        let (runs, action) = self.action(deed.opened, call);
        let bound = yes::bound(action, &held.step_up, &deed.opened.room.touched());
        (runs, bound)
    }

    /// Whether anybody could say the yes that is needed. If not, nobody waits for it.
    fn may_be_given(&self, deed: &Deed<'_>, held: &StepUp) -> Result<(), No> {
        if let Operation::Request(request) = &held.ruling().call.operation
            && let Some(text) = unseen(request)
        {
            return Err(No::new(ReasonCode::Unknown, text));
        }
        let task = &deed.opened.room.facts.task;
        let standing = self.ports.office.standing(task.id);
        if standing.is_none_or(|standing| standing.givable.contains(&held.level())) {
            return Ok(());
        }
        let reason = ReasonCode::NoApprover;
        Err(No { reason, text: unapprovable(held.unasked(), held.level(), &task.requester) })
    }

    async fn round<'d>(
        &self,
        deed: &Deed<'d>,
        place: Place,
        waits: &Held,
        call: &ToolCall,
        Line { asked, kept }: &mut Line<'d>,
        until: Instant,
    ) -> Round {
        let office = &self.ports.office;
        let Held { step_up: held, runs, moment } = waits;
        match ported(office.take(place.task, place.action, call.id)).await {
            Ok(Some(taken)) => return Round::Taken(taken),
            Ok(None) => {}
            Err(error) => return Round::No(No::port(error)),
        }
        // The request is gone: another call of the same kind took its yes, and it may have been made a grant.
        if asked.is_some()
            && let Some(Judgement::Permit(permit)) = self.judged(deed.opened, call, runs, moment)
        {
            return Round::Granted(Box::new(permit));
        }
        if kept.is_none() {
            match deed.slot.kept.try_acquire_many(kept_kib(call)) {
                Ok(room) => *kept = Some(room),
                Err(_) => return Round::No(No::new(ReasonCode::ApprovalPending, NO_ROOM)),
            }
        }
        let host = goes_to(call);
        let in_turn = match (&host, &asked) {
            (Some(_), None) => Some(deed.slot.asking.lock().await),
            (Some(_) | None, _) => None,
        };
        if let (Some(host), None) = (&host, &asked)
            && let Err(no) = self.has_place(deed, place, host).await
        {
            return Round::No(no);
        }
        let room = &deed.opened.room;
        let look = Asked { room, files: self.ports.files.as_ref(), call, runs };
        let offer = deed.print.and_then(|print| look.offer(held.held(), held.level(), moment, print));
        let shown = shown(&room.facts, held, runs, offer.as_ref());
        let shown = admit::payload(self.ports.random.as_ref(), shown);
        let ask = Ask { task: place.task, call: call.id, action: place.action, level: held.level(), shown };
        let approval = match ported(office.ask(ask)).await {
            Ok(approval) => approval,
            Err(error) => return Round::No(No::port(error)),
        };
        if *asked != Some(approval) {
            *asked = Some(approval);
            if let Some(host) = host {
                deed.slot.asked(Waiting { action: place.action, host, approval });
            }
            if let Err(no) = self.record_held(deed, place, held, call, approval).await {
                return Round::No(no);
            }
        }
        drop(in_turn);
        let patience = until.saturating_duration_since(Instant::now());
        if patience.is_zero() {
            return Round::Again;
        }
        let began = Instant::now();
        // The port may answer a little late; without an answer at all nobody knows, and that is a no.
        let state = match timeout(patience + PORT_PATIENCE, office.wait(approval, patience)).await {
            Ok(Ok(state)) => state,
            Ok(Err(error)) => return Round::No(No::port(error)),
            Err(_) => {
                return Round::No(No::new(
                    ReasonCode::ControlUnreachable,
                    "the control plane does not answer",
                ));
            }
        };
        match state {
            ApprovalState::Approved => {}
            ApprovalState::Refused => {
                return Round::No(No::new(
                    ReasonCode::ApprovalRefused,
                    "a person refused exactly this call. Do not make it again; ask what to do instead",
                ));
            }
            ApprovalState::Pending | ApprovalState::Consumed | ApprovalState::Expired => {
                if began.elapsed() < PAUSE && Instant::now() < until {
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        Round::Again
    }

    /// Whether one more request to this host may be put before a person: a program makes requests faster than anybody reads
    /// them, and what it makes is not to keep the agent's own calls from being asked about.
    async fn has_place(&self, deed: &Deed<'_>, place: Place, host: &str) -> Result<(), No> {
        let mut others = 0_usize;
        let mut same_host = 0_usize;
        for one in deed.slot.waiting() {
            if one.action == place.action {
                return Ok(());
            }
            let state = timeout(PORT_PATIENCE, self.ports.office.wait(one.approval, Duration::ZERO)).await;
            match state {
                Ok(Ok(ApprovalState::Pending)) | Ok(Err(_)) | Err(_) => {
                    others += 1;
                    same_host += usize::from(one.host == host);
                }
                // Approved and not taken yet: its place is gone already.
                Ok(Ok(
                    ApprovalState::Approved
                    | ApprovalState::Consumed
                    | ApprovalState::Expired
                    | ApprovalState::Refused,
                )) => deed.slot.answered(one.approval),
            }
        }
        if same_host < MAX_OF_HOST && others < MAX_OF_WAY_OUT {
            return Ok(());
        }
        let whose =
            if same_host < MAX_OF_HOST { "of a task's programs".to_owned() } else { format!("to `{host}`") };
        Err(No::new(
            ReasonCode::ApprovalPending,
            &format!(
                "as many requests {whose} as may wait for a person at once do so already, and nobody was asked about this \
                 one. Wait until they are answered, and make it again"
            ),
        ))
    }

    /// Records that a call waits for a person.
    async fn record_held(
        &self,
        deed: &Deed<'_>,
        place: Place,
        held: &StepUp,
        call: &ToolCall,
        approval: ApprovalId,
    ) -> Result<(), No> {
        let ruling = held.ruling();
        let decision = Decision { verdict: Verdict::StepUp, ..ruling.decision.clone() };
        let arguments = admit::arguments_payload(self.ports.random.as_ref(), call);
        let event =
            admit::decided(place, call, &ruling.actions, decision, Some(approval), arguments.commitment);
        deed.slot.count(arguments.bytes.len());
        let activity = vec![NewActivity { event, payloads: vec![arguments] }];
        match ported(self.ports.office.record(place.task, activity, Durability::Written)).await {
            Ok(_) => Ok(()),
            Err(_) => {
                Err(No::new(ReasonCode::RecordFailed, "the decision could not be recorded; tell the person"))
            }
        }
    }

    /// Judges a call again, with the yes that is spent by now, and lets it through.
    async fn spent(
        &self,
        deed: &Deed<'_>,
        held: Held,
        taken: Taken,
        arguments: Payload,
    ) -> Result<Admitted<ToolCall>, No> {
        let Taken { approval, level, receipt: _ } = taken;
        let room = &deed.opened.room;
        let Held { step_up: held, runs, moment: _ } = held;
        let ruling = held.ruling().clone();
        if let Err(no) = room.may_go_on(&self.ports.office, self.ports.clock.now()) {
            return Err(self.refuse(deed, ruling, Some(approval), arguments, no).await);
        }
        let Some(print) = deed.print else {
            let no = No::new(ReasonCode::EvaluationError, "the call was not looked at; tell the person");
            return Err(self.refuse(deed, ruling, Some(approval), arguments, no).await);
        };
        let moment = self.moment(deed.opened, print).await;
        let mut yes = Yes::to(&held, level);
        // Whoever said yes was told why it is held, and for nothing else; and of what was read by then.
        let by_now = self.judged(deed.opened, &ruling.call, &runs, &moment);
        if let Some(Judgement::StepUp(by_now)) = &by_now {
            let (_, action) = self.action(deed.opened, &ruling.call);
            if yes::bound(action, by_now, &room.touched()) != deed.place.action {
                let text = format!(
                    "while it waited for a person: {}. Make the call again, so that they know",
                    in_words(by_now)
                );
                let no = No { reason: ReasonCode::StepUp, text };
                return Err(self.refuse(deed, ruling, Some(approval), arguments, no).await);
            }
        }
        let again = self.with_grants(deed.opened, &ruling.call, &runs, &moment, |judge, grants| {
            judge.judge_again(held, level, &moment, grants)
        });
        match again {
            Some(Judgement::Permit(permit)) => {
                let admitted = self.let_through(deed, permit, By::Approval(approval), arguments).await?;
                if let Some(held) = self.by_itself(deed, print, &admitted, &ruling.call, &runs).await {
                    yes = yes.and(&held);
                }
                Ok(admitted.with_yes(yes))
            }
            Some(Judgement::Denied(denial)) => {
                let reason = denial.ruling().decision.reason;
                let no = No { reason, text: format!("{} [{reason}]", denial.to_agent()) };
                Err(self.refuse(deed, denial.into_ruling(), Some(approval), arguments, no).await)
            }
            Some(Judgement::StepUp(more)) => {
                let no =
                    No::new(ReasonCode::StepUp, "the approval does not cover what the call would do by now");
                Err(self.refuse(deed, more.into_ruling(), Some(approval), arguments, no).await)
            }
            None => {
                let no = No::new(
                    ReasonCode::EvaluationError,
                    "the policies could not be evaluated; tell the person",
                );
                Err(self.refuse(deed, ruling, Some(approval), arguments, no).await)
            }
        }
    }

    /// An admitted call as it is held by what it lets in itself: that would hold each of its requests, and whoever allowed the
    /// call allowed what it lets in.
    async fn by_itself(
        &self,
        deed: &Deed<'_>,
        print: &Footprint,
        admitted: &Admitted<ToolCall>,
        call: &ToolCall,
        runs: &Runs,
    ) -> Option<StepUp> {
        let moment = self.moment(deed.opened, print).await;
        match self.judged(deed.opened, call, runs, &moment) {
            // Another call may have let something in meanwhile.
            Some(Judgement::StepUp(by_now)) => {
                (deed.opened.room.touched() == admitted.touched()).then_some(by_now)
            }
            Some(Judgement::Denied(_) | Judgement::Permit(_)) | None => None,
        }
    }
}

/// How much a body keeps while its request waits, in KiB. Of one that is not here as a whole more may be held than is judged.
fn kept_kib(call: &ToolCall) -> u32 {
    let Operation::Request(request) = &call.operation else { return 0 };
    let bytes = match &request.body {
        Body::None | Body::Unread => 0,
        Body::Whole(bytes) => bytes.len(),
        Body::Start(start) | Body::Long { start, .. } => start.len().max(MAX_OBEYED_BYTES),
    };
    if bytes <= SHORT_BYTES { 0 } else { u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX) }
}

/// Where something that leaves would go; nothing for a call of the agent's.
fn goes_to(call: &ToolCall) -> Option<String> {
    match &call.operation {
        Operation::Request(request) => Some(request.authority()),
        Operation::Push(push) => push.remote.split('/').next().map(str::to_owned),
        Operation::Shell { .. }
        | Operation::Read { .. }
        | Operation::Search { .. }
        | Operation::Write { .. }
        | Operation::Fetch { .. }
        | Operation::WebSearch { .. }
        | Operation::Mcp { .. }
        | Operation::Spawn { .. }
        | Operation::Notes
        | Operation::Unknown { .. } => None,
    }
}

/// What the agent is told where nobody could give the yes that is needed. `unasked` says what was refused and why.
pub fn unapprovable(unasked: &str, level: ApprovalLevel, requester: &Human) -> String {
    let whom = match level {
        ApprovalLevel::OnePerson => "a person",
        ApprovalLevel::AnotherPerson => "a person other than the requester",
        ApprovalLevel::TwoPeople => "two people other than the requester",
        ApprovalLevel::Role => "a person with the approver's role",
    };
    let reason = ReasonCode::NoApprover;
    format!(
        "{unasked} It takes the yes of {whom}, on a control plane that they reach too; here only `{requester}` answers, so \
         nobody can give it and nobody was asked. Do not make the call again: go on with the rest, and tell the person what \
         is left to do. [{reason}]"
    )
}

/// Nobody answered in time.
fn pending(held: &StepUp, asked: Option<ApprovalId>) -> No {
    let reason = ReasonCode::ApprovalPending;
    let how = match asked {
        Some(approval) => format!(
            "The request is `{approval}`. When a person has said yes (`writ approve {approval}`), make exactly the same \
             call again; it runs once."
        ),
        None => "Make the call again later.".to_owned(),
    };
    No { reason, text: format!("{} {how} [{reason}]", held.to_agent()) }
}
