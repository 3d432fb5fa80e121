//! All processes the client started, however far they wandered.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::{Pid, Signal, WaitOptions};

use crate::peer::stat_of;

/// How often descendants are looked for and ended before giving up on one that forks faster.
const MAX_ROUNDS: usize = 500;

/// How the tree is held together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tree {
    /// A process namespace of which this process is the first: its end is the end of all.
    Yard,
    /// Only the parent relation; this process adopts every orphan below it.
    Descendants,
}

// === impl Tree ===

impl Tree {
    /// Sends `signal` to everything but this process.
    pub(super) fn signal_all(self, signal: Signal) {
        match self {
            // `kill(-1)`: reaches what is in this namespace and nothing else. Nobody there is not an error.
            Self::Yard => {
                let _ = rustix::process::kill_process_group(Pid::INIT, signal);
            }
            Self::Descendants => {
                for pid in descendants() {
                    // It may just have ended by itself.
                    let _ = rustix::process::kill_process(pid, signal);
                }
            }
        }
    }

    /// Ends everything but this process.
    pub(super) fn end(self) {
        match self {
            Self::Yard => self.signal_all(Signal::KILL),
            Self::Descendants => {
                for _ in 0..MAX_ROUNDS {
                    self.signal_all(Signal::STOP);
                    self.signal_all(Signal::KILL);
                    while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
                    if descendants().is_empty() {
                        return;
                    }
                }
            }
        }
    }
}

fn descendants() -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        if let Some((pid, stat)) = number.and_then(|pid| Some((pid, stat_of(pid).ok()?))) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![rustix::process::getpid().as_raw_nonzero().get()];
    while let Some(parent) = open.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            open.push(child);
            found.extend(Pid::from_raw(child));
        }
    }
    found
}
