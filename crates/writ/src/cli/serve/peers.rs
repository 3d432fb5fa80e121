//! Who may speak to the control plane: this user's processes outside every sandbox, and not below a client whose
//! sessions come in through the hook socket.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use writ_control::api::{Peer, PeerCheck, PeerRefused};
use writ_sandbox::{PeerOrigin, Process, seen_from_inside};

/// Most clients that are remembered; the oldest makes room.
const MAX_AGENTS: usize = 1_024;
/// Programs that stand between a client and its hook.
const BETWEEN: &[&str] = &["env", "nice", "nohup", "setsid", "timeout"];
/// The same, and what a person types into.
const SHELLS: &[&str] = &[
    "ash", "bash", "busybox", "csh", "dash", "elvish", "fish", "ksh", "mksh", "nu", "pwsh", "rbash", "sh",
    "tcsh", "xonsh", "yash", "zsh",
];
/// Programs that keep whole sessions of a person and are no client: what runs below them may be that person.
const KEEPERS: &[&str] = &[
    "atd",
    "cron",
    "crond",
    "init",
    "login",
    "runuser",
    "screen",
    "sshd",
    "sshd-session",
    "su",
    "sudo",
    "systemd",
    "tmux: client",
    "tmux: server",
];

/// Clients that run without a sandbox, as their hook processes showed them.
///
/// A process below one of them is not let in. One that left its parents behind cannot be told from a person's: such
/// sessions are hooked and not governed, and every record says so.
#[derive(Default)]
pub(super) struct Agents {
    /// Held for one look.
    known: Mutex<VecDeque<Process>>,
}

// === impl Agents ===

impl Agents {
    /// Remembers the client that a hook process belongs to, and fails where none can be told.
    pub(super) fn remember(&self, hook: &writ_sandbox::Peer) -> Result<(), String> {
        let client = client_above(&hook.ancestors)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(&client) {
            if known.len() == MAX_AGENTS {
                known.pop_front();
            }
            known.push_back(client);
        }
        Ok(())
    }
}

impl PeerCheck for Agents {
    fn check(&self, peer: &Peer) -> Result<(), PeerRefused> {
        let pid = i32::try_from(peer.pid).map_err(|_| PeerRefused::Unknown)?;
        match seen_from_inside(pid) {
            PeerOrigin::Outside(seen) => {
                let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                match known.iter().any(|agent| seen.descends_from(*agent)) {
                    true => Err(PeerRefused::BelowAgent),
                    false => Ok(()),
                }
            }
            PeerOrigin::Inside { .. } => Err(PeerRefused::Inside),
            PeerOrigin::Unknown { .. } => Err(PeerRefused::Unknown),
        }
    }
}

/// The nearest ancestor that is a program of its own. A shell that leads a session is a person's where the session has a
/// terminal, and the search ends there; without one it was started so, as by Node's `detached`.
fn client_above(ancestors: &[Process]) -> Result<Process, String> {
    for above in ancestors.iter().take_while(|above| above.pid > 1) {
        let gone =
            |error: std::io::Error| format!("process {} above it cannot be looked at: {error}", above.pid);
        let name = std::fs::read_to_string(format!("/proc/{}/comm", above.pid)).map_err(gone)?;
        // Asked behind the name: it was this process's if it is there still.
        let leads_terminal = above.leads_terminal().map_err(gone)?;
        let name = name.trim().trim_start_matches('-');
        let is_shell = SHELLS.contains(&name);
        if KEEPERS.contains(&name) || is_shell && leads_terminal {
            break;
        }
        if !is_shell && !BETWEEN.contains(&name) {
            return Ok(*above);
        }
    }
    let is_below_first = ancestors.iter().all(|above| above.pid <= 1 || is_shell_by_name(above));
    Err(String::from(match is_below_first {
        true => {
            "only shells stand between it and process 1, below which everything is; in a container, start the client below an \
                 init (`docker run --init`)"
        }
        false => "nothing but shells stands between it and what may be a person's own",
    }))
}

fn is_shell_by_name(process: &Process) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{}/comm", process.pid)).unwrap_or_default();
    SHELLS.contains(&name.trim().trim_start_matches('-'))
}
