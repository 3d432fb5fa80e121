//! The stream: pieces of any size become windows whose places depend on the stream alone.

use super::{Confidence, Detector, Finding, Found, View};

/// Bytes whose anchors are looked at together.
pub(super) const BLOCK: usize = 256 << 10;
/// How far a rule may look back from its anchor.
const BEHIND: usize = 4 << 10;
/// How far a rule may look on from its anchor: a private key of 16,384 bits fits.
pub(super) const AHEAD: usize = 16 << 10;

/// Most findings that overlap one another in a row and are weighed together: more are made to take time.
const MAX_GROUP: usize = 64;

/// Looks through one stream. What is found does not depend on how the stream was cut into pieces.
pub struct Scanner {
    detector: &'static Detector,
    /// The bytes from `base` on that a rule could still look at.
    held: Vec<u8>,
    /// Where in the stream `held` begins.
    base: u64,
    /// Up to where anchors were looked at, within `held`.
    done: usize,
    /// Found, and not yet certain not to be part of something better.
    open: Vec<Finding>,
}

// === impl Scanner ===

impl Scanner {
    pub fn new(detector: &'static Detector) -> Self {
        Self { detector, held: Vec::new(), base: 0, done: 0, open: Vec::new() }
    }

    pub(super) fn detector(&self) -> &'static Detector {
        self.detector
    }

    /// Begins another stream, in the same memory.
    pub fn restart(&mut self) {
        self.restart_at(0);
    }

    /// The same, where this many bytes of the stream are known to hold nothing.
    pub(super) fn restart_at(&mut self, base: u64) {
        self.held.clear();
        (self.base, self.done) = (base, 0);
        self.open.clear();
    }

    /// Takes a whole stream, of which nothing came yet, and gives all that is found. No longer than a block, it is looked at
    /// where it is.
    pub(super) fn whole(&mut self, bytes: &[u8]) -> Vec<Finding> {
        if bytes.len() > BLOCK || !self.held.is_empty() || self.base > 0 {
            let mut found = self.push(bytes);
            found.extend(self.finish());
            return found;
        }
        self.look(View { bytes }, bytes.len());
        self.settled(u64::MAX)
    }

    /// Takes the next piece and gives what is certain, in order of place.
    pub fn push(&mut self, piece: &[u8]) -> Vec<Finding> {
        let mut rest = piece;
        while !rest.is_empty() {
            let wanted = (self.done + BLOCK + AHEAD).saturating_sub(self.held.len()).max(1);
            let (now, later) = rest.split_at(wanted.min(rest.len()));
            self.held.extend_from_slice(now);
            rest = later;
            if self.held.len() >= self.done + BLOCK + AHEAD {
                self.block(self.done + BLOCK);
            }
        }
        let certain = self.base + self.done.saturating_sub(BEHIND) as u64;
        self.settled(certain)
    }

    /// Ends the stream and gives the rest.
    pub fn finish(&mut self) -> Vec<Finding> {
        while self.done < self.held.len() {
            self.block((self.done + BLOCK).min(self.held.len()));
        }
        self.settled(u64::MAX)
    }

    /// Looks at the anchors up to `until`, and lets go of what no later one can look at.
    fn block(&mut self, until: usize) {
        // A rule sees the same bytes around an anchor whatever came later: the view ends with the block's own reach.
        let seen = self.held.len().min(until + AHEAD);
        let held = std::mem::take(&mut self.held);
        if let Some(bytes) = held.get(..seen) {
            self.look(View { bytes }, until);
        }
        self.held = held;
        self.done = until;
        let drop = self.done.saturating_sub(BEHIND);
        self.held.drain(..drop.min(self.held.len()));
        self.base += drop as u64;
        self.done -= drop;
    }

    /// Looks at the anchors of a view up to `until`.
    fn look(&mut self, view: View<'_>, until: usize) {
        let base = self.base;
        let open = &mut self.open;
        self.detector.look(view, self.done, until, |Found { start, end, rule, confidence }| {
            let (start, end) = (base + start as u64, base + end as u64);
            open.push(Finding { start, end, rule, confidence });
        });
    }

    /// Takes out what ends before `certain`, one finding for all that overlap: one with a format of its own, then
    /// the surest, then the first and longest.
    fn settled(&mut self, certain: u64) -> Vec<Finding> {
        if self.open.is_empty() {
            return Vec::new();
        }
        self.open.sort_by_key(|finding| (finding.start, finding.end, finding.rule));
        let mut settled = Vec::new();
        let mut open = std::mem::take(&mut self.open).into_iter().peekable();
        while let Some(first) = open.next() {
            let mut group = vec![first];
            let mut end = first.end;
            while let Some(next) = open.next_if(|next| next.start < end && group.len() < MAX_GROUP) {
                end = end.max(next.end);
                group.push(next);
            }
            // A full group is closed when nothing can come before its last: where it ends depends on the stream alone.
            let is_full = group.len() == MAX_GROUP && group.last().is_some_and(|last| last.start < certain);
            if end >= certain && !is_full {
                self.open.extend(group);
                self.open.extend(open);
                return settled;
            }
            settled.extend(best(group));
        }
        settled
    }
}

impl std::fmt::Debug for Scanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scanner(at {})", self.base + self.done as u64)
    }
}

/// Of findings that overlap, those that stand for all: the best, and others that do not overlap with it.
fn best(mut group: Vec<Finding>) -> Vec<Finding> {
    let rank = |finding: &Finding| {
        let sure = match finding.confidence {
            Confidence::High => 0,
            Confidence::Medium => 1,
            Confidence::Low => 2,
        };
        // A format of its own says more than the words around it.
        (super::mention::RULES.contains(&finding.rule), sure, finding.start, u64::MAX - finding.end)
    };
    group.sort_by_key(rank);
    let mut kept: Vec<Finding> = Vec::new();
    for finding in group {
        if kept.iter().all(|other| finding.end <= other.start || other.end <= finding.start) {
            kept.push(finding);
        }
    }
    kept.sort_by_key(|finding| finding.start);
    kept
}
