//! The office's time and randomness.
//!
//! A person, a virtual machine or a time server can set the clock back. What ran out must not come back to life, so
//! the office's time is the latest of three: the clock, the last recorded moment, and the last moment seen plus what
//! the machine's own time since boot says has passed since, sleep included.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use writ_model::{Clock, Timestamp};

use super::lock;

/// Time since the machine started, sleep included. It never goes back and nobody can set it.
pub trait BootTime: Send + Sync {
    fn since_boot(&self) -> Duration;
}

/// Randomness, as an argument.
pub trait Random: Send + Sync {
    /// Fills the whole slice.
    ///
    /// # Errors
    /// There is no randomness to be had; nothing may be made from what the slice holds.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomFailed>;
}

/// The generator failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct RandomFailed;

/// The wall clock of this machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

/// The boot time of this machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemBoot;

/// The generator of the cryptographic library.
#[derive(Clone, Copy, Debug)]
pub struct SystemRandom;

pub(super) struct OfficeTime {
    clock: Arc<dyn Clock>,
    boot: Arc<dyn BootTime>,
    /// A moment that has been, and the boot time it was seen at. Guarded for one comparison.
    anchor: Mutex<(Timestamp, Duration)>,
}

// === impl SystemClock ===

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "here the wall clock enters")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::EPOCH.after(since)
    }
}

// === impl SystemBoot ===

impl BootTime for SystemBoot {
    fn since_boot(&self) -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
        seconds + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
    }
}

// === impl SystemRandom ===

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomFailed> {
        use aws_lc_rs::rand::SecureRandom;
        aws_lc_rs::rand::SystemRandom::new().fill(bytes).map_err(|_| RandomFailed)
    }
}

// === impl OfficeTime ===

impl OfficeTime {
    pub fn new(clock: Arc<dyn Clock>, boot: Arc<dyn BootTime>, floor: Option<Timestamp>) -> Self {
        let start = clock.now().max(floor.unwrap_or(Timestamp::EPOCH));
        let anchor = Mutex::new((start, boot.since_boot()));
        Self { clock, boot, anchor }
    }

    pub fn now(&self) -> Timestamp {
        let mut anchor = lock(&self.anchor);
        let boot = self.boot.since_boot();
        let floor = anchor.0.after(boot.saturating_sub(anchor.1));
        let clock = self.clock.now();
        if clock > floor {
            *anchor = (clock, boot);
        }
        clock.max(floor)
    }

    pub fn since_boot(&self) -> Duration {
        self.boot.since_boot()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Default)]
    struct Hands {
        wall: AtomicI64,
        boot: AtomicI64,
    }

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.wall.load(Ordering::Relaxed))
        }
    }

    impl BootTime for Hands {
        fn since_boot(&self) -> Duration {
            Duration::from_millis(self.boot.load(Ordering::Relaxed) as u64)
        }
    }

    #[test]
    fn time_goes_on_when_the_clock_is_set_back() {
        let hands = Arc::new(Hands::default());
        let set = |wall, boot| {
            hands.wall.store(wall, Ordering::Relaxed);
            hands.boot.store(boot, Ordering::Relaxed);
        };
        set(10_000, 500);
        let time = OfficeTime::new(hands.clone(), hands.clone(), Some(Timestamp::from_millis(9_000)));
        let now = || time.now().as_millis();
        assert_eq!(now(), 10_000);
        set(11_000, 1_500);
        assert_eq!(now(), 11_000);
        set(2_000, 2_500);
        assert_eq!(now(), 12_000, "set back by hours, a second has passed all the same");
        set(2_000, 2_500);
        assert_eq!(now(), 12_000);
        set(90_000, 2_600);
        assert_eq!(now(), 90_000, "set ahead, things end early rather than late");
        set(0, 3_600);
        assert_eq!(now(), 91_000);
    }

    #[test]
    fn a_restart_does_not_go_behind_the_record() {
        let hands = Arc::new(Hands::default());
        let time = OfficeTime::new(hands.clone(), hands, Some(Timestamp::from_millis(7_000)));
        assert_eq!(time.now().as_millis(), 7_000);
    }
}
