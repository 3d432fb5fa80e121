//! One request that went out, until both directions are done with it. Whoever holds it last, reports.

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};

use super::port::{Ended, Pass};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

/// An admitted request on its way.
pub(super) struct Running {
    sent: AtomicU64,
    received: AtomicU64,
    redactions: AtomicU64,
    /// Zero: none yet.
    status: AtomicU16,
    is_whole: AtomicBool,
    pass: Option<Pass>,
    report: Option<Box<dyn FnOnce(Pass, Ended) + Send + Sync>>,
}

// === impl Running ===

impl Running {
    pub(super) fn new(pass: Pass, report: Box<dyn FnOnce(Pass, Ended) + Send + Sync>) -> Self {
        Self {
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            redactions: AtomicU64::new(0),
            status: AtomicU16::new(0),
            is_whole: AtomicBool::new(false),
            pass: Some(pass),
            report: Some(report),
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

    pub(super) fn redacted(&self, count: usize) {
        self.redactions.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn answered(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
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
        if let (Some(pass), Some(report)) = (self.pass.take(), self.report.take()) {
            let status = self.status.load(Ordering::Relaxed);
            report(
                pass,
                Ended {
                    status: (status > 0).then_some(status),
                    sent_bytes: self.sent.load(Ordering::Relaxed),
                    received_bytes: self.received.load(Ordering::Relaxed),
                    redactions: self.redactions.load(Ordering::Relaxed),
                    is_whole: self.is_whole.load(Ordering::Relaxed),
                },
            );
        }
    }
}
