//! The per-user hook door: for clients that were started on their own with our hooks installed.
//!
//! Their sessions are hooked, not governed: the task is opened by the session itself, under the narrowest profile, and
//! a refusal rests on the client's good will.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use writ_gateway::hook::{Frame, HookReply, Manner, refusal};
use writ_gateway::{Door, DoorPlan, Ports};
use writ_model::ReasonCode;
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
    /// Our own.
    namespaces: Option<[(u64, u64); 3]>,
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
    let plan = DoorPlan {
        task: None,
        manner: Manner::Abstain,
        hold,
        deadline: DEADLINE,
        ways_out: None,
        greeting: None,
        empty: Vec::new(),
    };
    Ok(Hooked { door: Door::new(ports, plan), agents, namespaces: namespaces("self") })
}

// === impl Hooked ===

impl Answers for Hooked {
    /// One look at where the process stands. A governed client has a door of its own; another user or sandbox has no
    /// business here.
    fn admitted(&self, stream: &UnixStream) -> Option<u32> {
        let peer = stream.peer_cred().ok()?;
        let pid = peer.pid()?;
        let belongs = peer.uid() == rustix::process::geteuid().as_raw()
            && namespaces(&pid.to_string()).is_some_and(|theirs| Some(theirs) == self.namespaces);
        u32::try_from(pid).ok().filter(|_| belongs)
    }

    /// The client behind the hook is made known before its call is looked at: what it starts from then on may not speak
    /// to the control plane. Where nobody can tell the client, the call would wait for a person whom nobody can tell from it.
    async fn answer(&self, frame: Frame<'_>, pid: Option<u32>) -> HookReply {
        let agents = Arc::clone(&self.agents);
        let known = tokio::task::spawn_blocking(move || {
            let Some(pid) = pid.and_then(|pid| i32::try_from(pid).ok()) else {
                return Err(String::from("it has no process number here"));
            };
            match writ_sandbox::seen_from_inside(pid) {
                PeerOrigin::Outside(peer) => agents.remember(&peer),
                PeerOrigin::Inside { .. } => Err(String::from("it is in a sandbox of its own")),
                PeerOrigin::Unknown { reason, .. } => Err(reason),
            }
        });
        match known.await.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(()) => self.door.handle(frame, pid).await,
            Err(why) => {
                let detail = format!("nobody can say what client this hook belongs to: {why}");
                tracing::warn!(detail, "a hook is refused");
                refusal(frame.client, frame.event.as_deref(), &[], ReasonCode::ControlUnreachable, &detail)
                    .into()
            }
        }
    }
}

/// Devices and inodes of the mount, process and user namespaces of a process, or of this one as `self`.
fn namespaces(process: &str) -> Option<[(u64, u64); 3]> {
    let of = |name: &str| {
        let found = rustix::fs::stat(format!("/proc/{process}/ns/{name}")).ok()?;
        Some((found.st_dev, found.st_ino))
    };
    Some([of("mnt")?, of("pid")?, of("user")?])
}
