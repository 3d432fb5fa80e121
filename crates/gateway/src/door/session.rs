//! One session of a client: the calls that are under way, and how much it has recorded.

use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;
use writ_model::{ApprovalId, CallId, Digest, Label, ReasonCode, SessionId, ToolCall};

use super::hold::MAX_KEPT_KIB;
use super::room::Room;
use super::{No, lock};
use crate::admit::Admitted;
use crate::hook::{EndedCall, ProposedCall};

/// What an entry counts beside its payloads.
const ENTRY_BYTES: u64 = 512;

pub(super) struct Slot {
    pub(super) id: SessionId,
    /// Set once the session's task is known and its start is on record.
    pub(super) opened: OnceCell<Opened>,
    /// Held for one look at the calls under way.
    book: Mutex<Book>,
    /// Held by what leaves between the look whether a person may be asked and the asking, so that the places are counted one
    /// after the other.
    pub(super) asking: tokio::sync::Mutex<()>,
    /// Room for bodies of what leaves and waits for a person, in KiB.
    pub(super) kept: tokio::sync::Semaphore,
}

#[derive(Default)]
struct Book {
    recorded_bytes: u64,
    /// Admitted, in order, and not ended as far as the client told. Bounded by the task's limit of calls.
    open: Vec<UnderWay>,
    /// So many of them, from the front, are of turns that ended.
    of_earlier_turns: usize,
    /// What leaves and was asked about, with where it would go. Bounded by the places for it.
    asked: Vec<Waiting>,
}

/// A call that runs.
#[derive(Debug)]
struct UnderWay {
    admitted: Arc<Admitted<ToolCall>>,
    /// What the task had touched by it, and by nothing else since.
    touched: String,
}

/// A request of the way out that a person was asked about.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) action: Digest,
    pub(super) host: String,
    pub(super) approval: ApprovalId,
}

/// A session whose task is known.
pub(super) struct Opened {
    pub(super) room: Arc<Room>,
    /// Whether anything of the fingerprint could be seen.
    pub(super) observed: bool,
    /// Digest of the client and its own id of the session.
    pub(super) conversation: Digest,
    /// The model that the client last named. Held for one comparison.
    model: Mutex<Option<Label>>,
}

/// How an outcome fits the calls under way.
pub(super) enum Paired {
    /// It ends this call.
    Call(CallId),
    /// It ends this call, and says that it ran with other arguments than were decided.
    Altered(CallId),
    /// Nobody decided such a call.
    Nothing,
}

// === impl Slot ===

impl Slot {
    pub(super) fn new(id: SessionId) -> Self {
        Self {
            id,
            opened: OnceCell::new(),
            book: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            kept: tokio::sync::Semaphore::new(MAX_KEPT_KIB),
        }
    }

    /// Counts what is recorded.
    pub(super) fn count(&self, payload_bytes: usize) {
        let mut book = lock(&self.book);
        let bytes = u64::try_from(payload_bytes).unwrap_or(u64::MAX);
        book.recorded_bytes = book.recorded_bytes.saturating_add(bytes).saturating_add(ENTRY_BYTES);
    }

    /// Refuses what would record more than the task may.
    pub(super) fn make_room(&self, room: &Room, payload_bytes: usize) -> Result<(), No> {
        let bytes = u64::try_from(payload_bytes).unwrap_or(u64::MAX).saturating_add(ENTRY_BYTES);
        if lock(&self.book).recorded_bytes.saturating_add(bytes) > room.facts.task.limits.recorded_bytes {
            let told = "the session has recorded as much as its task may. Stop, and tell the person";
            return Err(No::new(ReasonCode::RecordFull, told));
        }
        Ok(())
    }

    /// What leaves and waits for a person, as far as is known.
    pub(super) fn waiting(&self) -> Vec<Waiting> {
        lock(&self.book).asked.clone()
    }

    pub(super) fn asked(&self, one: Waiting) {
        let mut book = lock(&self.book);
        book.asked.retain(|known| known.approval != one.approval);
        book.asked.push(one);
    }

    /// Nobody is asked about it any more.
    pub(super) fn answered(&self, approval: ApprovalId) {
        lock(&self.book).asked.retain(|known| known.approval != approval);
    }

    pub(super) fn begin(&self, admitted: Arc<Admitted<ToolCall>>) {
        let touched = admitted.touched().to_owned();
        lock(&self.book).open.push(UnderWay { admitted, touched });
    }

    /// Whether a call of this turn is under way for which this holds. With what the task has touched: and it had touched all of
    /// it when the call was let through.
    pub(super) fn runs(&self, touched: Option<&str>, holds: impl Fn(&Admitted<ToolCall>) -> bool) -> bool {
        let book = lock(&self.book);
        let mut open = book.open.iter().skip(book.of_earlier_turns);
        open.any(|call| touched.is_none_or(|touched| call.touched == touched) && holds(&call.admitted))
    }

    /// What the task has touched rose by a request of a call that is under way.
    pub(super) fn rose(&self, before: &str, after: &str) {
        let mut book = lock(&self.book);
        for call in book.open.iter_mut().filter(|call| call.touched == before) {
            after.clone_into(&mut call.touched);
        }
    }

    /// The client stopped its turn: what has not ended by now ran to its end without a word.
    pub(super) fn turn_ended(&self) {
        let mut book = lock(&self.book);
        book.of_earlier_turns = book.open.len();
    }

    /// The admitted call under way that the client asks its user about.
    pub(super) fn under_way(&self, asked: &ProposedCall) -> Option<Arc<Admitted<ToolCall>>> {
        let book = lock(&self.book);
        let same = |admitted: &&Arc<Admitted<ToolCall>>| {
            let call = admitted.call();
            call.tool == asked.tool
                && call.subagent == asked.subagent
                && call.operation == asked.operation
                && call.cwd == asked.cwd
                && (asked.client_call.is_none() || asked.client_call == call.client_call)
        };
        book.open.iter().rev().map(|call| &call.admitted).find(same).map(Arc::clone)
    }

    /// Ends the oldest call that fits: by the client's id where it has one, else by tool and arguments.
    pub(super) fn end(&self, ended: &EndedCall) -> Paired {
        let mut book = lock(&self.book);
        let fits = |admitted: &Arc<Admitted<ToolCall>>| {
            let call = admitted.call();
            let same = call.tool == ended.tool && call.subagent == ended.subagent;
            match (&call.client_call, &ended.client_call) {
                (Some(asked), Some(told)) => same && asked == told,
                (None, None) => same && call.arguments == ended.arguments,
                (Some(_), None) | (None, Some(_)) => false,
            }
        };
        let Some(at) = book.open.iter().position(|call| fits(&call.admitted)) else { return Paired::Nothing };
        let admitted = book.open.remove(at).admitted;
        book.of_earlier_turns -= usize::from(at < book.of_earlier_turns);
        let call = admitted.call();
        if call.arguments == ended.arguments { Paired::Call(call.id) } else { Paired::Altered(call.id) }
    }

    /// The calls that nobody told the end of.
    pub(super) fn take_open(&self) -> Vec<CallId> {
        std::mem::take(&mut lock(&self.book).open).iter().map(|call| call.admitted.call().id).collect()
    }
}

// === impl Opened ===

impl Opened {
    pub(super) fn new(room: Arc<Room>, observed: bool, conversation: Digest, model: Option<Label>) -> Self {
        Self { room, observed, conversation, model: Mutex::new(model) }
    }

    /// Whether the client named another model before.
    pub(super) fn is_new_model(&self, model: &Label) -> bool {
        lock(&self.model).as_ref() != Some(model)
    }

    pub(super) fn learn_model(&self, model: &Label) {
        *lock(&self.model) = Some(model.clone());
    }
}
