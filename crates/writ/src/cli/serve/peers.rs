//! Who may speak to the control plane: this user's processes outside every sandbox, and not below a client whose
//! sessions come in through the hook socket.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use writ_control::api::{Peer, PeerCheck, PeerRefused};
use writ_sandbox::{PeerOrigin, Process, seen_from_inside};

/// Most clients that are remembered; the oldest makes room.
const MAX_AGENTS: usize = 1_024;
/// Programs that stand between a client and its hook.
const SHELLS: &[&str] = &["ash", "bash", "dash", "fish", "ksh", "sh", "timeout", "zsh"];

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
    /// Remembers the client that a hook process belongs to: the nearest ancestor that is no shell. A person's own
    /// shell, which leads its session, is where the search ends.
    pub(super) fn remember(&self, hook: &writ_sandbox::Peer) {
        let client = hook
            .ancestors
            .iter()
            .take_while(|above| !is_shell(above) || !leads_session(above))
            .find(|above| !is_shell(above) && above.pid > 1);
        let Some(client) = client else { return };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(client) {
            if known.len() == MAX_AGENTS {
                known.pop_front();
            }
            known.push_back(*client);
        }
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

fn is_shell(process: &Process) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{}/comm", process.pid)).unwrap_or_default();
    SHELLS.contains(&name.trim().trim_start_matches('-'))
}

/// By its state and not by getsid(2): a session that began outside this process namespace has the number 0 here, which is no
/// process.
fn leads_session(process: &Process) -> bool {
    match seen_from_inside(process.pid) {
        PeerOrigin::Outside(seen) => seen.process == *process && seen.session == process.pid,
        PeerOrigin::Inside { .. } | PeerOrigin::Unknown { .. } => false,
    }
}
