//! All processes the client started, however far they wandered.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::{Pid, Signal, WaitOptions};

use crate::peer::stat_of;

/// How often descendants are looked for and ended before giving up on one that forks faster.
const MAX_ROUNDS: usize = 500;

/// How often in a row nothing must be found.
const QUIET_ROUNDS: usize = 4;

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
                let mut quiet = 0;
                for _ in 0..MAX_ROUNDS {
                    let found = descendants();
                    // The process table is read line by line: who is adopted meanwhile can be missed once.
                    quiet = if found.is_empty() { quiet + 1 } else { 0 };
                    if quiet == QUIET_ROUNDS {
                        return;
                    }
                    // All are stopped before the first is ended, so that none has the time to replace another.
                    for signal in [Signal::STOP, Signal::KILL] {
                        for pid in &found {
                            let _ = rustix::process::kill_process(*pid, signal);
                        }
                    }
                    while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
                }
            }
        }
    }
}

/// Everything below this process. Asks for children one by one, which is fast and may miss some that are just being
/// adopted, so nothing found is confirmed by looking at every process there is.
fn descendants() -> Vec<Pid> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let found = below(own, children_of);
    if !found.is_empty() {
        return found;
    }
    let all = all_children();
    below(own, |parent| all.get(&parent).cloned().unwrap_or_default())
}

fn below(own: i32, children: impl Fn(i32) -> Vec<i32>) -> Vec<Pid> {
    let mut found = Vec::new();
    let mut open = vec![own];
    while let Some(parent) = open.pop() {
        for child in children(parent) {
            open.push(child);
            found.extend(Pid::from_raw(child));
        }
    }
    found
}

fn children_of(pid: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_ascii_whitespace().map(str::parse).collect::<Vec<_>>())
        .flatten()
        .collect()
}

fn all_children() -> BTreeMap<i32, Vec<i32>> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        if let Some((pid, stat)) = number.and_then(|pid| Some((pid, stat_of(pid).ok()?))) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    children
}
