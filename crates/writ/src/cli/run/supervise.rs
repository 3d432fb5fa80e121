//! The life of one run: from the last checks to the last word.

use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::net::UnixStream;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use writ_control::api::message::FingerprintSeen;
use writ_gateway::hook::{Frame, HookReply};
use writ_gateway::http::port::{Divert, Placeholder, Refusal};
use writ_gateway::http::{Address, Addresses, EgressProxy, GitWay, Settings};
use writ_gateway::port::Survey as _;
use writ_gateway::setup::OwnSandbox;
use writ_gateway::{Door, ModelDoor, WayOut};
use writ_model::CloseCause;
use writ_policy::Engine;
use writ_sandbox::{Danger, Ended, PeerOrigin, Running, Standing, StartError, Streams};

use super::inventory::Inventory;
use super::network::{Egress, Hosts, Lending, Reach};
use super::summary::Ending;
use super::yard::ground::Ground;
use super::yard::kept;
use super::yard::repository;
use super::yard::vigil::Watching;
use super::{Folder, Wish, network, prepare, starts};
use crate::cli::Context;
use crate::config::variable;
use crate::door;
use crate::environment::Scrubbed;
use crate::failure::{Failure, Kind, Outcome};
use crate::git::{GitMirrors, Remote, Routes};
use crate::screen;
use crate::wire::{Held, Why, Wire};

/// How long a client may take to end by itself when it is asked to.
const GRACE: Duration = Duration::from_secs(2);
/// How long the control plane may take to close the task.
const CLOSING: Duration = Duration::from_secs(10);

/// What ended the run.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// The client ended by itself.
    Client(Ended),
    /// Somebody outside replaced a file that was kept from the agent, and so took the protection away.
    Replaced(PathBuf),
    /// The task can go no further.
    Task(Why),
    /// This process was told to end, by this signal.
    Told(i32),
}

/// The signals that a supervisor listens to.
struct Signals {
    hang_up: Signal,
    interrupt: Signal,
    terminate: Signal,
}

/// What a client is given.
pub(super) struct Outfit {
    pub(super) own_sandbox: OwnSandbox,
    pub(super) scrubbed: Scrubbed,
    pub(super) placeholders: Arc<[Placeholder]>,
    /// The workspace, as it was looked at.
    pub(super) ground: Ground,
}

/// Runs the client of a task that was just opened, and closes the task.
pub(super) async fn task(
    context: &Context,
    wish: &Wish,
    outfit: Outfit,
    engine: Arc<Engine>,
    held: &Arc<Held>,
    list: &Arc<Inventory>,
) -> Outcome {
    let Outfit { own_sandbox, mut scrubbed, placeholders, mut ground } = outfit;
    let mut signals = Signals::listen()?;
    ground.prepare(&prepare::terms(wish, prepare::home().as_deref()), list);
    let folder = Folder::of(&context.state, held);
    folder.make()?;
    accept_fingerprint(wish, held).await?;
    tell_environment(&scrubbed);
    if let Some(line) = prepare::told_of_sandbox(wish, &own_sandbox) {
        screen::say(format_args!("writ: {line}"));
    }
    let injection = prepare::injection(wish, &folder, &own_sandbox)?;
    let listener = door::bind(&prepare::socket(&folder)?)?;
    let reach = prepare::reach(context, wish)?.lending(&placeholders);
    prepare::confirmed(context, wish).keep(reach.taken())?;
    for line in &reach.told {
        screen::say(format_args!("writ: {line}"));
    }
    for host in wish.bounds.iter().flat_map(|bounds| &bounds.no_intercept) {
        screen::say(format_args!(
            "writ: what goes to {host} is not looked into: it is decided by the name alone, and no credential is put on"
        ));
    }
    scrubbed.set(variable::BRANCH_PREFIX, held.facts().task.branch_prefix.as_str());
    let sessions = prepare::sessions(wish)?;
    sessions.make();
    for line in &sessions.told {
        screen::say(format_args!("writ: {line}"));
    }
    let logins = prepare::logins(context, wish)?;
    let prepare::Drawn { plan, vigil, kept: greeting, empty } =
        prepare::plan(context, wish, &folder, &reach, (&ground, &sessions), scrubbed, injection)?;
    if let Some(line) = vigil.told() {
        screen::say(format_args!("writ: {line}"));
    }
    let mut watching = vigil.watch()?;
    tracing::debug!(%plan, "the yard");
    let wire = Wire::of_run(Arc::clone(held));
    let door = Arc::new(prepare::door(
        context,
        wish,
        engine,
        held,
        wire.clone(),
        &reach,
        (greeting, empty.clone()),
    )?);
    // The sender is dropped with this run, whatever ends it, and that ends every connection.
    let (ends, ended_yet) = watch::channel(false);
    let lending = Lending { placeholders, held: Arc::clone(held) };
    let (proxy, models, way) = way_out(context, wish, &folder, &reach, &door, lending, ended_yet).await?;

    let streams = Streams::inherit()?;
    let serves = Serves { reach, proxy, door: Arc::clone(&door), way, has_way_out: wish.has_way_out() };
    let threads = network::Threads::new()?;
    let handle = threads.handle();
    let trial = move |standing: &mut Standing<'_>| {
        let _inside = handle.as_ref().map(tokio::runtime::Handle::enter);
        serves.tried(standing)
    };
    let (running, served) = tokio::task::block_in_place(|| writ_sandbox::start_after(&plan, streams, trial))
        .map_err(not_started)?;
    let recorded_bytes = held.facts().task.limits.recorded_bytes;
    let clerk = running
        .take_recorder()
        .map(|recorder| starts::record(recorder, wire.clone(), held.id(), recorded_bytes))
        .transpose()?;
    let answers = Arc::new(OfRun::new(&running, wish.danger.contains(&Danger::NoNamespaces), door));
    let visitors = tokio::spawn(door::serve(listener, Arc::clone(&answers)));
    let end = watch(&running, held, &mut signals, &mut watching).await;
    // What is under way ends with the authority that let it go.
    let _ = ends.send(true);
    let (ended, tree_dead) = stopped(&running, &end);
    // First of all: nothing that a task left may hold this up.
    let logins = logins.settle();
    drop(watching);
    visitors.abort();
    drop(served);
    if let Some(clerk) = clerk {
        // The last starts belong to the task that is about to close.
        let _ = tokio::time::timeout(CLOSING, tokio::task::spawn_blocking(move || clerk.join())).await;
    }
    let _ = tokio::time::timeout(CLOSING, models.end()).await;
    // What was allowed and never came back is flagged while the writ still lets us record it.
    let _ = tokio::time::timeout(CLOSING, answers.door.end_sessions()).await;
    // Until here, connections that were cut could say how they ended.
    drop(threads);

    // Only when nothing that was started inside is left to use the place.
    let changed = tokio::task::block_in_place(|| ground.end(&wish.workspace));
    sessions.tidy();
    let cause = end.cause();
    let (closed, unclosed) = match tokio::time::timeout(CLOSING, held.close(cause)).await {
        Ok(Ok(closed)) => (closed, None),
        Ok(Err(error)) => (None, Some(error.to_string())),
        Err(_) => (None, Some("the control plane did not answer".to_owned())),
    };
    let why = end.told();
    let counts = wire.counts();
    let ending = Ending {
        task: held.id(),
        why: &why,
        counts: &counts,
        tree_dead,
        closed: closed.as_ref(),
        unclosed,
        logins,
        binding: changed,
        empty: kept::names(&wish.workspace, &empty),
    };
    screen::calm();
    for line in ending.lines() {
        screen::say(line);
    }
    Ok(end.exit_code(ended))
}

/// The proxy of the run, and beside its socket the certificates that programs inside trust.
async fn way_out(
    context: &Context,
    wish: &Wish,
    folder: &Folder,
    reach: &Reach,
    door: &Arc<Door<Wire>>,
    lending: Lending,
    ended: watch::Receiver<bool>,
) -> Result<(EgressProxy<Egress>, Arc<ModelDoor<Wire>>, Arc<WayOut>), Failure> {
    let refused = |refusal: Refusal| Failure::new(Kind::Denied, refusal.text);
    let way = door.way_out(wish.program.client, wish.workspace.clone()).await.map_err(refused)?;
    let way = Arc::new(way);
    let addresses = Addresses::default();
    let mirrors = GitMirrors::new(&context.state.remotes(), routes(addresses.clone(), lending.clone()));
    let names = repository::remotes_by_http(&wish.workspace);
    let remotes = names.iter().filter_map(|(_, at)| at.split('/').next()).map(str::to_owned).collect();
    let pushes = GitWay::new(Arc::clone(door), Arc::clone(&way), mirrors, names, addresses);
    let models = Arc::new(network::model::door(reach, wish.program.client, door, &way));
    let hosts = Hosts {
        model: reach.model(),
        lent: reach.lent(),
        set: reach.set(),
        services: reach.services(),
        also: reach.also(),
        unseen: wish.bounds.iter().flat_map(|bounds| bounds.no_intercept.iter()).cloned().collect(),
        read: reach.read(wish.program.client),
        remotes,
        pins: context.config.hosts.clone(),
    };
    let egress = Egress::new(Arc::clone(door), Arc::clone(&way), hosts, lending, ended);
    let diverts: Vec<Arc<dyn Divert>> = vec![Arc::new(pushes), Arc::clone(&models) as Arc<dyn Divert>];
    let settings = Settings {
        diverts,
        shelf: Some(context.state.runs()),
        ..network::settings(crate::wire::now(), context.config.hosts.clone())
    };
    let proxy =
        EgressProxy::new(Arc::new(egress), settings).map_err(|error| Failure::new(Kind::Broken, error))?;
    let trusted = writ_gateway::http::bundle(&writ_gateway::http::system_pem(), proxy.ca_pem());
    let bundle = prepare::bundle(folder);
    std::fs::write(network::java_store(&bundle), writ_gateway::http::java_store(&trusted))?;
    std::fs::write(bundle, trusted)?;
    Ok((proxy, models, way))
}

/// What is served inside.
struct Serves {
    reach: network::Reach,
    proxy: EgressProxy<Egress>,
    door: Arc<Door<Wire>>,
    way: Arc<WayOut>,
    has_way_out: bool,
}

// === impl Serves ===

impl Serves {
    /// Serves the sandbox, and tries from inside that each way out refuses what nobody allowed.
    fn tried(self, standing: &mut Standing<'_>) -> Result<network::Served, String> {
        let Self { reach, proxy, door, way, has_way_out } = self;
        let port = reach.proxy_port();
        let of_names = Arc::clone(&way);
        let looked_up = move |name: String| {
            let (door, way) = (Arc::clone(&door), Arc::clone(&of_names));
            async move { door.looked_up(&way, &name).await }
        };
        let (listeners, hearers) = (standing.take_listeners(), standing.take_hearers());
        let served = reach
            .serve(listeners, hearers, proxy, looked_up)
            .map_err(|error| format!("no way out: {error}"))?;
        if has_way_out {
            network::canary::passed(port, |port, word| standing.answer(port, word))?;
        }
        way.tried();
        Ok(served)
    }
}

/// Where mirrors are fetched from: the address that the agent used, with the credential that is lent to it there.
fn routes(addresses: Addresses, lending: Lending) -> Routes {
    Box::new(move |remote| {
        let (address, lending) = (addresses.of(remote), lending.clone());
        Box::pin(async move {
            let Address { url, login } = address?;
            let Some(wanted) = login.and_then(|login| login.wanted(&lending.placeholders)) else {
                return Some(Remote { url, headers: Vec::new() });
            };
            let lent = lending.value(&wanted.name).await.ok()?;
            Some(Remote { url, headers: wanted.with(&lent)? })
        })
    })
}

/// Reports what is seen of the agent, and stops here when it is not what was accepted.
async fn accept_fingerprint(wish: &Wish, held: &Held) -> Result<(), Failure> {
    let seen = prepare::survey(wish).fingerprint(wish.program.client, &wish.workspace);
    let standing = held.call(|writ| FingerprintSeen { writ, seen }).await?;
    held.learn(&standing);
    if !standing.fingerprint_changed {
        return Ok(());
    }
    let agent = &held.facts().agent_name;
    let _ = held.close(CloseCause::AgentSuspended).await;
    Err(Failure::new(
        Kind::Denied,
        format_args!(
            "`{agent}` is not what was accepted: its client, model, instructions or MCP servers changed"
        ),
    )
    .hint(format!("`writ agent show {agent}` tells what; `writ agent attest {agent}` accepts it")))
}

fn tell_environment(scrubbed: &Scrubbed) {
    if !scrubbed.handed_over.is_empty() {
        screen::say(format_args!("writ: handed over, on record: {}", scrubbed.handed_over.join(", ")));
    }
    if !scrubbed.withheld.is_empty() {
        screen::say(format_args!(
            "writ: held back, they look like credentials: {}",
            scrubbed.withheld.join(", ")
        ));
    }
    tracing::info!(unlisted = ?scrubbed.unlisted, "variables that the agent does not get");
}

fn not_started(error: StartError) -> Failure {
    let hint = match &error {
        StartError::Layer(_) | StartError::Silent => "`writ doctor` tells what this machine can enforce",
        StartError::Client(_) => "does it run without `writ run`?",
        StartError::Stage { .. } => "is the machine out of processes or memory?",
    };
    Failure::from(error).hint(hint)
}

/// Waits for whatever ends the run first. An end of the task wins over all else.
async fn watch(running: &Running, held: &Held, signals: &mut Signals, watching: &mut Watching) -> End {
    let Ok(mut gone) = end_of(running) else { return End::Told(rustix::process::Signal::ABORT.as_raw()) };
    loop {
        tokio::select! {
            biased;
            why = held.end() => return End::Task(why),
            path = watching.replaced() => return End::Replaced(path),
            _ = &mut gone => return End::Client(tokio::task::block_in_place(|| running.wait())),
            _ = signals.terminate.recv() => return End::Told(rustix::process::Signal::TERM.as_raw()),
            _ = signals.hang_up.recv() => return End::Told(rustix::process::Signal::HUP.as_raw()),
            // Keys reach the client by itself in a terminal; this is for those who send the signal to us.
            _ = signals.interrupt.recv() => drop(running.signal(rustix::process::Signal::INT.as_raw())),
        }
    }
}

/// Told when everything in the yard has ended. A thread waits, with a handle of its own that keeps nothing alive.
fn end_of(running: &Running) -> std::io::Result<oneshot::Receiver<()>> {
    let handle = running.as_fd().try_clone_to_owned()?;
    let (tell, told) = oneshot::channel();
    std::thread::Builder::new().name("yard-watch".to_owned()).spawn(move || {
        while let Err(Errno::INTR) = poll(&mut [PollFd::new(&handle, PollFlags::IN)], None) {}
        // Nobody listens any more when something else ended the run.
        let _ = tell.send(());
    })?;
    Ok(told)
}

/// Ends everything that the client started. A client that is only told to end may do so by itself first; authority
/// that is gone leaves no such time.
fn stopped(running: &Running, end: &End) -> (Ended, bool) {
    tokio::task::block_in_place(|| {
        if let End::Told(signal) = end
            && running.signal(*signal).is_ok()
            && let Some(ended) = running.wait_for(GRACE)
        {
            return (ended, true);
        }
        let dead = running.kill_tree().is_ok();
        (running.wait_for(Duration::ZERO).unwrap_or(Ended::TornDown), dead)
    })
}

// === impl Signals ===

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }
}

// === impl End ===

impl End {
    /// What the record says.
    const fn cause(&self) -> CloseCause {
        match self {
            Self::Client(Ended::Exited(_) | Ended::Signalled(_)) => CloseCause::Finished,
            Self::Client(Ended::TornDown) | Self::Replaced(_) => CloseCause::TornDown,
            Self::Task(why) => why.cause(),
            Self::Told(_) => CloseCause::ByPerson,
        }
    }

    fn told(&self) -> String {
        match self {
            Self::Client(Ended::Exited(code)) => format!("the client ended with code {code}"),
            Self::Client(Ended::Signalled(signal)) => format!("the client was ended by signal {signal}"),
            Self::Client(Ended::TornDown) => "the sandbox around the client was torn down".to_owned(),
            Self::Replaced(path) => format!(
                "{} was replaced from outside, and with it went what kept it from the agent; what the agent did since is \
                 to be looked at. Start again",
                screen::path(path)
            ),
            Self::Task(Why::Closed(cause)) => format!("closed ({cause})"),
            Self::Task(Why::Fenced) => "another supervisor took it over".to_owned(),
            Self::Task(Why::Lapsed) => "its writ ran out and the control plane could not renew it".to_owned(),
            Self::Task(Why::Lost) => "the control plane does not know it any more".to_owned(),
            Self::Task(Why::Revoked) => "revoked".to_owned(),
            Self::Task(Why::Time) => "its time was up".to_owned(),
            Self::Told(signal) => format!("the supervisor was told to end (signal {signal})"),
        }
    }

    /// The client's own code where it ended by itself; else what ended it.
    fn exit_code(&self, ended: Ended) -> ExitCode {
        match self {
            Self::Client(ended) => ExitCode::from(ended.exit_code()),
            Self::Told(_) => ExitCode::from(ended.exit_code()),
            Self::Replaced(_) | Self::Task(_) => ExitCode::from(Kind::Denied.code()),
        }
    }
}

/// The door of one run: only what its sandbox holds may ask.
struct OfRun {
    /// The sandbox's first process.
    first: i32,
    /// The process namespace of the sandbox; nothing without one, at the user's own danger.
    namespace: Option<Identity>,
    door: Arc<Door<Wire>>,
}

/// Device and inode: what a namespace is known by.
type Identity = (u64, u64);

// === impl OfRun ===

impl OfRun {
    fn new(running: &Running, danger_no_namespaces: bool, door: Arc<Door<Wire>>) -> Self {
        let first = running.pid();
        Self { first, namespace: process_namespace(first).filter(|_| !danger_no_namespaces), door }
    }
}

fn process_namespace(pid: i32) -> Option<Identity> {
    let found = rustix::fs::stat(format!("/proc/{pid}/ns/pid")).ok()?;
    Some((found.st_dev, found.st_ino))
}

impl door::Answers for OfRun {
    /// One look instead of the whole line of ancestors, because a person waits for it on every call: whoever is in
    /// the sandbox's process namespace was started there, and nobody gets in from outside.
    fn admitted(&self, stream: &UnixStream) -> Option<u32> {
        let pid = stream.peer_cred().ok()?.pid()?;
        let belongs = match self.namespace {
            Some(own) => process_namespace(pid) == Some(own),
            None => match writ_sandbox::origin_of(stream.as_fd()) {
                PeerOrigin::Outside(peer) | PeerOrigin::Inside { peer, differs: _ } => {
                    peer.process.pid == self.first
                        || peer.ancestors.iter().any(|above| above.pid == self.first)
                }
                PeerOrigin::Unknown { .. } => false,
            },
        };
        u32::try_from(pid).ok().filter(|_| belongs)
    }

    async fn answer(&self, frame: Frame<'_>, pid: Option<u32>) -> HookReply {
        self.door.handle(frame, pid).await
    }
}
