//! One request that went out, until both directions are done with it. Whoever holds it last, reports.

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedSemaphorePermit;
use writ_model::Label;

use super::body::BodyError;
use super::crowd::{Crowd, Hold, Stay};
use super::port::{Ended, Incident, IncidentKind, Pass};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

/// What stopped a body on its way out, and the name of what it held.
pub(super) struct Halt {
    pub(super) kind: IncidentKind,
    pub(super) name: Option<Label>,
}

/// What becomes of the last word on a request.
pub(super) trait Report: Send + Sync {
    fn ended(self: Box<Self>, pass: Pass, ended: Ended, incident: Option<Incident>);
}

/// An admitted request on its way.
pub(super) struct Running {
    sent: AtomicU64,
    received: AtomicU64,
    redactions: AtomicU64,
    /// Zero: none yet.
    status: AtomicU16,
    is_whole: AtomicBool,
    /// A second method was found in the body.
    is_doubtful: AtomicBool,
    pass: Option<Pass>,
    report: Option<Box<dyn Report>>,
    /// Where it goes, for incidents.
    host: String,
    /// Until somebody told of it.
    halt: Mutex<Option<Halt>>,
    /// Its place among the requests, kept until both directions are done.
    turn: Arc<Turn>,
}

/// The place of one request, on a connection that does not end meanwhile.
pub(super) struct Turn {
    pub(super) _place: Option<OwnedSemaphorePermit>,
    pub(super) seat: Hold,
    /// Those whose answers are to be read, where there is a place to give up.
    pub(super) readers: Option<Crowd>,
}

// === impl Running ===

impl Running {
    pub(super) fn new(pass: Pass, host: String, report: Box<dyn Report>, turn: Arc<Turn>) -> Self {
        Self {
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            redactions: AtomicU64::new(0),
            status: AtomicU16::new(0),
            is_whole: AtomicBool::new(false),
            is_doubtful: AtomicBool::new(false),
            pass: Some(pass),
            report: Some(report),
            host,
            halt: Mutex::default(),
            turn,
        }
    }

    pub(super) const fn pass(&self) -> Option<&Pass> {
        self.pass.as_ref()
    }

    pub(super) fn count(&self, direction: Direction, bytes: usize) {
        let counter = match direction {
            Direction::Up => &self.sent,
            Direction::Down => &self.received,
        };
        counter.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Its place among those whose answers are to be read. Its connection goes with it.
    pub(super) fn reader(&self) -> Option<Arc<Stay>> {
        let Turn { _place, seat, readers } = &*self.turn;
        readers.as_ref().map(|readers| readers.enter_with(Some(Arc::clone(seat.stay()))))
    }

    /// Bytes that left so far.
    pub(super) fn moved(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn redacted(&self, count: usize) {
        self.redactions.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn answered(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// Something of ours stopped the body.
    pub(super) fn stopped(&self, error: &BodyError) {
        let halt = match error {
            BodyError::Secret(name) => Halt { kind: IncidentKind::SecretLeaving, name: name.clone() },
            BodyError::Placeholder(name) => {
                Halt { kind: IncidentKind::PlaceholderElsewhere, name: Some(name.clone()) }
            }
            BodyError::SecondMethod => {
                self.is_doubtful.store(true, Ordering::Relaxed);
                return;
            }
            BodyError::Unreadable | BodyError::Idle(_) | BodyError::Crowded | BodyError::Broken(_) => return,
        };
        *self.halt.lock().unwrap_or_else(PoisonError::into_inner) = Some(halt);
    }

    /// Whether the body was stopped for a second method in it.
    pub(super) fn is_doubtful(&self) -> bool {
        self.is_doubtful.load(Ordering::Relaxed)
    }

    /// What stopped the body, for whoever tells of it.
    pub(super) fn take_halt(&self) -> Option<Halt> {
        self.halt.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// One direction came to its own end.
    pub(super) fn end(&self, direction: Direction) {
        match direction {
            Direction::Up => {}
            Direction::Down => self.is_whole.store(true, Ordering::Relaxed),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let halt = self.take_halt();
        let (Some(pass), Some(report)) = (self.pass.take(), self.report.take()) else { return };
        let status = self.status.load(Ordering::Relaxed);
        let host = std::mem::take(&mut self.host);
        let ended = Ended {
            status: (status > 0).then_some(status),
            sent_bytes: self.sent.load(Ordering::Relaxed),
            received_bytes: self.received.load(Ordering::Relaxed),
            redactions: self.redactions.load(Ordering::Relaxed),
            is_whole: self.is_whole.load(Ordering::Relaxed) && halt.is_none(),
        };
        report.ended(pass, ended, halt.map(|Halt { kind, name }| Incident { kind, host, name }));
    }
}
