//! The per-user hook door: for clients that were started on their own with our hooks installed.
//!
//! Their sessions are hooked, not governed: the task is opened by the session itself, under the narrowest profile, and
//! a refusal rests on the client's good will.

use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use writ_gateway::hook::{Frame, HookReply, Manner};
use writ_gateway::{Door, DoorPlan, Ports};
use writ_policy::Engine;
use writ_sandbox::PeerOrigin;

use super::peers::Agents;
use crate::cli::Context;
use crate::cli::run::bench;
use crate::door::Answers;
use crate::failure::Failure;
use crate::wire::{Files, Survey, SystemClock, SystemRandom, Wire};

/// When an answer must be there: before the hook process gives up.
const DEADLINE: Duration = Duration::from_secs(585);
/// How long a held call waits for a human, unless the configuration says otherwise.
const HOLD: Duration = Duration::from_secs(580);

/// The door with what it learns of the clients behind it.
pub(super) struct Hooked {
    door: Door<Wire>,
    agents: Arc<Agents>,
}

pub(super) fn door(context: &Context, engine: Arc<Engine>, agents: Arc<Agents>) -> Result<Hooked, Failure> {
    let home = std::env::var_os("HOME").map(Into::into);
    let ports = Ports {
        office: Wire::of_sessions(context.state.clone()),
        bench: Arc::new(bench(context, engine)?),
        files: Arc::new(Files),
        survey: Arc::new(Survey { home, ..Survey::default() }),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    };
    let hold = context.config.hold.unwrap_or(HOLD).min(HOLD);
    let plan = DoorPlan { task: None, manner: Manner::Abstain, hold, deadline: DEADLINE };
    Ok(Hooked { door: Door::new(ports, plan), agents })
}

// === impl Hooked ===

impl Answers for Hooked {
    fn admitted(&self, stream: &UnixStream) -> Option<u32> {
        match writ_sandbox::origin_of(stream.as_fd()) {
            PeerOrigin::Outside(seen) if seen.uid == rustix::process::geteuid().as_raw() => {
                self.agents.remember(&seen);
                u32::try_from(seen.process.pid).ok()
            }
            // A governed client has a door of its own; another user or sandbox has no business here.
            PeerOrigin::Outside(_) | PeerOrigin::Inside { .. } | PeerOrigin::Unknown { .. } => None,
        }
    }

    async fn answer(&self, frame: Frame<'_>, pid: Option<u32>) -> HookReply {
        self.door.handle(frame, pid).await
    }
}
