//! The activity stream's door: what supervisors saw and decided, in order, before an effect may leave.
//!
//! The supervisor decides; this end refuses to record an *allow* that nothing stands behind any more. Since a call is
//! only let through once its record exists, a supervisor that has not heard of a revocation yet is stopped here.

use std::collections::HashSet;

use writ_ledger::{Append, Commitment, Durability, Entry, Stream};
use writ_model::{
    ActivityEntry, ActivityEvent, CloseCause, Digest, ENTRY_VERSION, Limits, Operation, Task, TaskId,
    Timestamp, Verdict,
};

use crate::api::ErrorCode;
use crate::api::message::{
    MAX_EVENTS, MAX_PAYLOADS, NewActivity, Payload, Record, Recorded, Used, WritToken,
};
use crate::office::{Office, OfficeError, StandingError, lock};

/// What a task may record beyond its limit, so that its refusals and its end still stand in the record.
const RESERVE_BYTES: u64 = 1 << 20;

/// Why activity was not recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("a record holds 1 to {MAX_EVENTS} events with at most {MAX_PAYLOADS} texts each")]
    Bounds,
    #[error("text {0} does not fit its commitment")]
    Commitment(Digest),
    #[error("text {0} is none that the event commits to")]
    Uncommitted(Digest),
    #[error("the decision was made at {got} entries of the control log, which has {size}")]
    ControlSize { got: u64, size: u64 },
    #[error("the session is of another agent than the task")]
    OtherAgent,
    #[error("the effects of a decision are sorted, each once")]
    Effects,
    #[error("the task recorded as much as it may")]
    Full,
}

/// Why activity did not pass, and the task that reached a limit if one did.
struct Stopped {
    task: Option<TaskId>,
    error: OfficeError,
}

/// What the counters say once these events are recorded.
#[derive(Clone, Copy, Default)]
struct Load {
    allows: u64,
    calls: u64,
    denials: u64,
    bytes: u64,
}

// === impl Office ===

impl Office {
    /// `record`
    pub fn record(&self, ask: Record) -> Result<Recorded, OfficeError> {
        let Record { writ, activity, durability, control_size } = ask;
        if activity.is_empty() || activity.len() > MAX_EVENTS {
            return Err(RecordError::Bounds.into());
        }
        activity.iter().try_for_each(check_form)?;
        let durability = needed(&activity, durability.into());
        match self.pass(writ, activity, durability, control_size) {
            // A task that has reached a limit is closed by reaching for more.
            Err(Stopped {
                task: Some(task),
                error: OfficeError::Standing(StandingError::LimitReached(cause)),
            }) => {
                let mut desk = self.desk();
                self.close_task(&mut desk, task, cause, writ_model::Actor::ControlPlane)?;
                Err(StandingError::LimitReached(cause).into())
            }
            Err(stopped) => Err(stopped.error),
            Ok(recorded) => Ok(recorded),
        }
    }

    /// Looks and appends as one, as far as revocations go: one that is answered waits until this is over.
    fn pass(
        &self,
        writ: WritToken,
        activity: Vec<NewActivity>,
        durability: Durability,
        control_size: Option<u64>,
    ) -> Result<Recorded, Stopped> {
        let _passing = self.passing();
        let now = self.now();
        let allows = activity.iter().any(|new| is_allow(&new.event));
        let (task, control_size) = {
            let state = self.state();
            let record = self.task_of(&state, &writ, now)?;
            let size = state.size();
            let control_size = control_size.unwrap_or(size);
            if control_size > size {
                return Err(RecordError::ControlSize { got: control_size, size }.into());
            }
            if allows {
                let stopped =
                    |error: StandingError| Stopped { task: Some(record.task.id), error: error.into() };
                self.in_force(&state, record, now).map_err(stopped)?;
            }
            (record.task.clone(), control_size)
        };
        check_events(&task, &activity)?;
        let entries = entries(&activity, task.id, control_size, now)?;
        let load = load(&activity, &entries);
        self.reserve(&task, load)?;
        let appended = self.append_activity(&task, activity, entries, durability);
        if appended.is_err() {
            self.release(task.id, load);
        }
        Ok(Recorded { receipts: appended?.iter().map(Into::into).collect() })
    }

    fn append_activity(
        &self,
        task: &Task,
        activity: Vec<NewActivity>,
        entries: Vec<Entry>,
        durability: Durability,
    ) -> Result<Vec<writ_ledger::Receipt>, OfficeError> {
        let mut batch = Vec::with_capacity(entries.len());
        for (new, entry) in activity.into_iter().zip(entries) {
            let payloads: Result<Vec<_>, OfficeError> =
                new.payloads.into_iter().map(|payload| self.sealed(task.id, payload)).collect();
            batch.push(Append { stream: Stream::Activity, entry, payloads: payloads? });
        }
        Ok(self.ledger().append(batch, None, durability)?)
    }

    fn sealed(&self, task: TaskId, payload: Payload) -> Result<writ_ledger::Payload, OfficeError> {
        let Payload { commitment, salt, bytes } = payload;
        let salt =
            <[u8; 32]>::try_from(salt.0.as_slice()).map_err(|_| RecordError::Commitment(commitment))?;
        let sealed = self.seal_with(&task, salt, &bytes.0)?;
        if sealed.commitment() != Commitment::from_bytes(*commitment.as_bytes()) {
            return Err(RecordError::Commitment(commitment).into());
        }
        Ok(sealed)
    }

    /// Counts what is about to be recorded, or refuses it. An allow needs room in every limit; the rest has a reserve.
    fn reserve(&self, task: &Task, load: Load) -> Result<(), Stopped> {
        let Limits { calls, denials, recorded_bytes, .. } = task.limits;
        let at_limit =
            |cause| Stopped { task: Some(task.id), error: StandingError::LimitReached(cause).into() };
        let mut meter = lock(self.meter());
        let used = meter.entry(task.id).or_default();
        let after = used.plus(load);
        let mut room = recorded_bytes.saturating_add(RESERVE_BYTES);
        if load.allows > 0 {
            if after.calls > calls {
                return Err(at_limit(CloseCause::CallLimit));
            }
            if after.denials > denials {
                return Err(at_limit(CloseCause::DenialLimit));
            }
            room = recorded_bytes;
        }
        if after.recorded_bytes > room {
            return Err(RecordError::Full.into());
        }
        *used = after;
        Ok(())
    }

    fn release(&self, task: TaskId, load: Load) {
        if let Some(used) = lock(self.meter()).get_mut(&task) {
            used.calls = used.calls.saturating_sub(load.calls);
            used.denials = used.denials.saturating_sub(load.denials);
            used.recorded_bytes = used.recorded_bytes.saturating_sub(load.bytes);
        }
    }
}

// === impl Stopped ===

impl<E: Into<OfficeError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self { task: None, error: error.into() }
    }
}

// === impl Used ===

impl Used {
    const fn plus(self, load: Load) -> Self {
        Self {
            calls: self.calls.saturating_add(load.calls),
            denials: self.denials.saturating_add(load.denials),
            recorded_bytes: self.recorded_bytes.saturating_add(load.bytes),
        }
    }
}

fn entries(
    activity: &[NewActivity],
    task: TaskId,
    control_size: u64,
    at: Timestamp,
) -> Result<Vec<Entry>, OfficeError> {
    let entry = |new: &NewActivity| {
        let entry = ActivityEntry { v: ENTRY_VERSION, at, task, control_size, event: new.event.clone() };
        Ok(Entry::new(entry.to_bytes()?)?)
    };
    activity.iter().map(entry).collect()
}

fn load(activity: &[NewActivity], entries: &[Entry]) -> Load {
    let mut load = Load::default();
    for (new, entry) in activity.iter().zip(entries) {
        let texts: usize = new.payloads.iter().map(|payload| payload.bytes.0.len()).sum();
        load.bytes += u64::try_from(texts + entry.as_bytes().len()).unwrap_or(u64::MAX);
        if let ActivityEvent::CallDecided { decision, operation, .. } = &new.event
            && !Operation::is_boundary_name(operation)
        {
            load.calls += 1;
            match decision.verdict {
                Verdict::Allow => load.allows += 1,
                Verdict::Deny => load.denials += 1,
                Verdict::StepUp => {}
            }
        }
    }
    load
}

const fn is_allow(event: &ActivityEvent) -> bool {
    matches!(event, ActivityEvent::CallDecided { decision, .. } if matches!(decision.verdict, Verdict::Allow))
}

/// An allowed effect that is not ordinary is synced before it leaves, whatever was asked for.
fn needed(activity: &[NewActivity], asked: Durability) -> Durability {
    let must_sync = |event: &ActivityEvent| match event {
        ActivityEvent::CallDecided { effects, .. } => {
            is_allow(event) && !effects.iter().all(|effect| effect.is_ordinary())
        }
        ActivityEvent::SessionStarted { .. }
        | ActivityEvent::PromptSubmitted { .. }
        | ActivityEvent::CallEnded { .. }
        | ActivityEvent::OutcomeUnmatched { .. }
        | ActivityEvent::SubagentStarted { .. }
        | ActivityEvent::SubagentEnded { .. }
        | ActivityEvent::ConfigurationChanged { .. }
        | ActivityEvent::TurnEnded { .. }
        | ActivityEvent::ProgramStarted { .. }
        | ActivityEvent::Incident { .. }
        | ActivityEvent::ProgramsUnlisted { .. }
        | ActivityEvent::ModelAsked { .. }
        | ActivityEvent::ModelUsed { .. }
        | ActivityEvent::Noted { .. }
        | ActivityEvent::SessionEnded { .. }
        | ActivityEvent::InputRefused { .. } => false,
    };
    if activity.iter().any(|new| must_sync(&new.event)) { Durability::Synced } else { asked }
}

fn check_form(new: &NewActivity) -> Result<(), RecordError> {
    if new.payloads.len() > MAX_PAYLOADS {
        return Err(RecordError::Bounds);
    }
    let committed: HashSet<Digest> = commitments(&new.event).into_iter().map(|(_, digest)| digest).collect();
    match new.payloads.iter().find(|payload| !committed.contains(&payload.commitment)) {
        Some(stray) => Err(RecordError::Uncommitted(stray.commitment)),
        None => Ok(()),
    }
}

fn check_events(task: &Task, activity: &[NewActivity]) -> Result<(), RecordError> {
    activity.iter().try_for_each(|new| match &new.event {
        ActivityEvent::SessionStarted { agent, .. } if *agent != task.agent => Err(RecordError::OtherAgent),
        ActivityEvent::CallDecided { effects, .. } if !effects.is_sorted_by(|a, b| a < b) => {
            Err(RecordError::Effects)
        }
        _ => Ok(()),
    })
}

/// The commitments of an event to texts in the vault, by the name of the field.
pub(crate) fn commitments(event: &ActivityEvent) -> Vec<(&'static str, Digest)> {
    match event {
        ActivityEvent::PromptSubmitted { prompt, .. } => vec![("prompt", *prompt)],
        ActivityEvent::CallDecided { arguments, .. } => vec![("arguments", *arguments)],
        ActivityEvent::CallEnded { output: Some(output), .. } => vec![("output", *output)],
        ActivityEvent::SessionStarted { client_session, .. } => vec![("client_session", *client_session)],
        ActivityEvent::ProgramStarted { what, .. } | ActivityEvent::Incident { what, .. } => {
            vec![("what", *what)]
        }
        ActivityEvent::CallEnded { output: None, .. }
        | ActivityEvent::OutcomeUnmatched { .. }
        | ActivityEvent::SubagentStarted { .. }
        | ActivityEvent::SubagentEnded { .. }
        | ActivityEvent::ConfigurationChanged { .. }
        | ActivityEvent::TurnEnded { .. }
        | ActivityEvent::ProgramsUnlisted { .. }
        | ActivityEvent::ModelAsked { .. }
        | ActivityEvent::ModelUsed { .. }
        | ActivityEvent::Noted { .. }
        | ActivityEvent::SessionEnded { .. }
        | ActivityEvent::InputRefused { .. } => Vec::new(),
    }
}

// === impl RecordError ===

impl RecordError {
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Full => ErrorCode::RecordFull,
            Self::Bounds
            | Self::Commitment(_)
            | Self::Uncommitted(_)
            | Self::ControlSize { .. }
            | Self::OtherAgent
            | Self::Effects => ErrorCode::BadRequest,
        }
    }
}
