//! Places for which many wait: whoever keeps one without saying anything gives it up to who comes next.
//!
//! Nothing is taken while nobody waits. Then the one goes that was silent longest, where what it sent before counts as time;
//! whoever waits for us (a decision, an answer) never goes.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout};

/// So long nobody is sent away who is to send, however many wait.
const PATIENCE: Duration = Duration::from_millis(200);
/// The same of who is to read: what reads may work between two pieces. Shorter than anybody waits for a place.
const READER_PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks for somebody who can be sent away.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes that are worth a second.
const BYTES_A_SECOND: u64 = 16 << 10;
/// The most that can be bought: who goes on sending buys it anew.
const MOST_BOUGHT: Duration = Duration::from_secs(2);

/// All that keep places of one kind.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    /// By number. Held for one look.
    all: Arc<Mutex<BTreeMap<u64, Weak<Stay>>>>,
    next: Arc<AtomicU64>,
    patience: Duration,
}

/// Somebody who keeps a place.
#[derive(Debug)]
pub(super) struct Stay {
    number: u64,
    crowd: Crowd,
    /// Held for one look.
    state: Mutex<State>,
    gone: watch::Sender<bool>,
    /// What goes with it: the connection of who does not read.
    with: Option<Arc<Stay>>,
}

#[derive(Debug)]
struct State {
    /// Reasons why it does not go.
    holds: usize,
    /// Since when it says nothing, with what it said before as time on top.
    silent_from: Instant,
}

/// A reason why somebody does not go.
#[derive(Debug)]
pub(super) struct Hold(Arc<Stay>);

// === impl Crowd ===

impl Default for Crowd {
    fn default() -> Self {
        Self { all: Arc::default(), next: Arc::default(), patience: PATIENCE }
    }
}

impl Crowd {
    /// Of those that are to read.
    pub(super) fn of_readers() -> Self {
        Self { patience: READER_PATIENCE, ..Self::default() }
    }

    /// A new one, that may be sent away.
    pub(super) fn enter(&self) -> Arc<Stay> {
        self.enter_with(None)
    }

    /// A new one, with whom another goes, whatever that one waits for.
    pub(super) fn enter_with(&self, with: Option<Arc<Stay>>) -> Arc<Stay> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let stay = Arc::new(Stay {
            number,
            crowd: self.clone(),
            state: Mutex::new(State { holds: 0, silent_from: Instant::now() }),
            gone: watch::Sender::new(false),
            with,
        });
        self.all().insert(number, Arc::downgrade(&stay));
        stay
    }

    /// Sends away the one that was silent longest; false where nobody may go.
    pub(super) fn send_one_away(&self) -> bool {
        let now = Instant::now();
        let all: Vec<Arc<Stay>> = self.all().values().filter_map(Weak::upgrade).collect();
        let mut silent: Vec<(Instant, &Arc<Stay>)> = all
            .iter()
            .filter(|stay| !*stay.gone.borrow())
            .filter_map(|stay| stay.state().silent().map(|from| (from, stay)))
            .filter(|(from, _)| *from + self.patience <= now)
            .collect();
        silent.sort_by_key(|(from, stay)| (*from, stay.number));
        silent.into_iter().any(|(_, stay)| stay.go())
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<u64, Weak<Stay>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Stay ===

impl Stay {
    /// Keeps it from being sent away; nothing where it was.
    pub(super) fn hold(self: &Arc<Self>) -> Option<Hold> {
        let mut state = self.state();
        if *self.gone.borrow() {
            return None;
        }
        state.holds = state.holds.saturating_add(1);
        Some(Hold(Arc::clone(self)))
    }

    /// It said something.
    pub(super) fn said(&self, bytes: usize) {
        let mut state = self.state();
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let worth = Duration::from_micros(bytes.saturating_mul(1_000_000) / BYTES_A_SECOND);
        if let Some(later) = state.silent_from.checked_add(worth.min(MOST_BOUGHT)) {
            state.silent_from = later.min(Instant::now() + MOST_BOUGHT);
        }
    }

    /// Returns when it is sent away.
    pub(super) fn left(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut gone = self.gone.subscribe();
        async move {
            // Whoever waits for this keeps it alive, so the sender is there.
            let _ = gone.wait_for(|is_gone| *is_gone).await;
        }
    }

    fn go(&self) -> bool {
        let state = self.state();
        let goes = state.holds == 0;
        if goes {
            self.gone.send_replace(true);
            if let Some(with) = &self.with {
                with.gone.send_replace(true);
            }
        }
        goes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let number = self.number;
        self.crowd.all().remove(&number);
    }
}

// === impl State ===

impl State {
    /// Since when it is silent, where it may go.
    const fn silent(&self) -> Option<Instant> {
        if self.holds == 0 { Some(self.silent_from) } else { None }
    }
}

// === impl Hold ===

impl Hold {
    /// Who is held.
    pub(super) fn stay(&self) -> &Arc<Stay> {
        &self.0
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.holds = state.holds.saturating_sub(1);
        state.silent_from = state.silent_from.max(Instant::now());
    }
}

/// Takes places in turn. While there are none, `make_room` is called again and again, until the time is over.
pub(super) async fn places(
    of: &Arc<Semaphore>,
    count: u32,
    most: Duration,
    make_room: impl Fn() -> bool,
) -> Option<OwnedSemaphorePermit> {
    let waiting = async {
        let mut asked = pin!(Arc::clone(of).acquire_many_owned(count));
        loop {
            if let Ok(taken) = timeout(LOOK, &mut asked).await {
                return taken.ok();
            }
            // Where nobody may go, somebody ends by itself.
            let _ = make_room();
        }
    };
    if let Ok(taken) = Arc::clone(of).try_acquire_many_owned(count) {
        return Some(taken);
    }
    timeout(most, waiting).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_is_silent_longest_goes_and_nobody_who_waits_for_us() {
        let crowd = Crowd::default();
        let first = crowd.enter();
        tokio::time::advance(Duration::from_millis(10)).await;
        let second = crowd.enter();
        let third = crowd.enter();
        assert!(!crowd.send_one_away(), "nobody goes at once");
        let held = first.hold().unwrap();
        second.said(usize::try_from(BYTES_A_SECOND).unwrap());
        tokio::time::advance(PATIENCE).await;
        assert!(crowd.send_one_away());
        third.left().await;
        assert!(third.hold().is_none());
        assert!(!crowd.send_one_away(), "what was said is worth a second");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(crowd.send_one_away());
        second.left().await;
        assert!(!crowd.send_one_away(), "the first is waiting for us");
        drop(held);
        tokio::time::advance(PATIENCE).await;
        assert!(crowd.send_one_away());
        first.left().await;
        let rich = crowd.enter();
        for _ in 0..100 {
            rich.said(1 << 20);
        }
        tokio::time::advance(MOST_BOUGHT + PATIENCE).await;
        assert!(crowd.send_one_away(), "no number of bytes is worth more than two seconds");
        let readers = Crowd::of_readers();
        let reader = readers.enter_with(Some(Arc::clone(&rich)));
        tokio::time::advance(PATIENCE).await;
        assert!(!readers.send_one_away(), "who reads has more time");
        tokio::time::advance(READER_PATIENCE).await;
        assert!(readers.send_one_away());
        rich.left().await;
        drop((first, second, third, rich, reader));
        assert!(crowd.all().is_empty());
    }
}
