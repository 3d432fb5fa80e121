//! Starts a plan and keeps hold of what runs.

use std::io;
use std::mem;
use std::net::{Shutdown, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::Signal;

use crate::group::Group;
use crate::layer::{Layer, Refusal};
use crate::peer::{self, stat_of};
use crate::plan::Plan;
use crate::recorder::Recorder;
use crate::relay::Relays;
use crate::stage;
use crate::wire::{self, Down, Enter, Up};

/// How long the stages may be silent while they put on the layers.
const START_BOUND: Duration = Duration::from_secs(20);

/// How long the outer stage may take to give the terminal back once the tree is dead.
const TERMINAL_BOUND: Duration = Duration::from_millis(60);

/// How long what the client wrote last may take to be in its file once the tree is dead: less than the next.
const RELAY_BOUND: Duration = Duration::from_secs(1);

/// How long a killed tree may take to be gone before it is reported as alive.
const KILL_BOUND: Duration = Duration::from_secs(2);

/// The standard streams of the client. One that is a regular file or a disk is not handed over: the client gets a pipe, and
/// this process copies.
#[derive(Debug)]
pub struct Streams {
    /// Read by the client.
    pub stdin: OwnedFd,
    /// Written by the client.
    pub stdout: OwnedFd,
    /// Written by the client.
    pub stderr: OwnedFd,
}

/// How the client ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// With the yard, which was torn down around it.
    TornDown,
}

/// Why the client was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A layer is not in force on this host.
    #[error("the sandbox is not complete: {0}")]
    Layer(Refusal),
    /// Every layer is in force, but the program cannot be run.
    #[error("{0}")]
    Client(String),
    /// The binary cannot start itself again, or the stages do not answer.
    #[error("cannot {attempt}")]
    Stage {
        /// What was tried.
        attempt: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The stages ended without saying why.
    #[error("the sandbox ended before the client started; `main` must call `writ_sandbox::dispatch` first")]
    Silent,
}

/// A tree that did not end in time. A process in an uninterruptible system call ends right after that call.
#[derive(Debug, thiserror::Error)]
#[error("the process tree is still alive {KILL_BOUND:?} after it was killed")]
pub struct StillAlive;

/// A client in its yard. Dropping this ends everything inside.
///
/// As a descriptor (`AsFd`) it becomes readable when everything inside has ended.
#[derive(Debug)]
pub struct Running {
    outer: OwnedFd,
    first: First,
    /// Guards whole frames; held for one write.
    words: Mutex<UnixStream>,
    /// Its end is the end of the yard, even where every other way to say so fails.
    lifeline: UnixStream,
    end: Arc<End>,
    layers: Vec<Layer>,
    danger_no_namespaces: bool,
    listeners: Mutex<Vec<TcpListener>>,
    hearers: Mutex<Vec<UdpSocket>>,
    recorder: Mutex<Option<Recorder>>,
}

/// Process 1 of the yard.
#[derive(Debug)]
struct First {
    pid: i32,
    handle: OwnedFd,
}

/// How the client ended, written once by the keeper. The lock is held for one read or write, or waited on.
#[derive(Debug, Default)]
struct End {
    ended: Mutex<Option<Ended>>,
    changed: Condvar,
}

/// Starts the client of `plan`. Returns when it runs, with every layer in force.
///
/// Blocks for some milliseconds. May be called from any thread, also one that ends before the client does.
///
/// # Errors
/// The layer that is not in force on this host, or why the program cannot be run. Then nothing runs.
pub fn start(plan: &Plan, streams: Streams) -> Result<Running, StartError> {
    start_after(plan, streams, |_| Ok(())).map(|(running, ())| running)
}

/// The same, when `trial` says that what the supervisor serves inside holds too. It is called with every layer in force
/// and nothing running yet, on a thread of its own; what it returns is returned.
///
/// # Errors
/// As [`start`]; and what the trial says, as a refusal of [`Layer::Canary`].
pub fn start_after<T: Send + 'static>(
    plan: &Plan,
    streams: Streams,
    trial: impl FnOnce(&mut Standing<'_>) -> Result<T, String> + Send + 'static,
) -> Result<(Running, T), StartError> {
    let plan = plan.clone();
    let (tell, told) = mpsc::sync_channel(1);
    // The stages die with the *thread* that started them, so that thread must live as long as they do.
    thread::Builder::new()
        .name("yard-keeper".to_owned())
        .spawn(move || match Launch::client(plan, streams, trial) {
            Ok((keeper, running, tried)) => {
                drop(tell.send(Ok((running, tried))));
                keeper.run();
            }
            Err(error) => drop(tell.send(Err(error))),
        })
        .map_err(|source| StartError::Stage { attempt: "start a thread", source })?;
    told.recv().unwrap_or(Err(StartError::Silent))
}

/// Puts on every layer and leaves without starting anything. Returns the layers that held, and what stopped it.
pub(crate) fn rehearse(plan: Plan) -> (Vec<Layer>, Option<StartError>) {
    let launch = Streams::null()
        .map_err(|source| StartError::Stage { attempt: "open `/dev/null`", source })
        .and_then(|streams| Launch::begin(plan, streams));
    match launch {
        Ok(mut launch) => {
            let outcome = launch.until(&Up::Ready);
            (launch.layers, outcome.err())
        }
        Err(error) => (Vec::new(), Some(error)),
    }
}

// === impl Streams ===

impl Streams {
    /// The caller's own streams: the client runs in the caller's terminal.
    ///
    /// # Errors
    /// When one of them is closed or no descriptor is left.
    pub fn inherit() -> io::Result<Self> {
        Ok(Self {
            stdin: io::stdin().as_fd().try_clone_to_owned()?,
            stdout: io::stdout().as_fd().try_clone_to_owned()?,
            stderr: io::stderr().as_fd().try_clone_to_owned()?,
        })
    }

    fn null() -> io::Result<Self> {
        let null = || rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
        Ok(Self { stdin: null()?, stdout: null()?, stderr: null()? })
    }
}

// === impl Ended ===

impl Ended {
    /// What a shell would call it: the client's own code, or 128 and the signal (`SIGKILL` when torn down).
    #[must_use]
    pub fn exit_code(self) -> u8 {
        let code = match self {
            Self::Exited(code) => code,
            Self::Signalled(signal) => signal.saturating_add(128),
            Self::TornDown => Signal::KILL.as_raw().saturating_add(128),
        };
        u8::try_from(code).unwrap_or(u8::MAX)
    }
}

// === impl End ===

impl End {
    /// The first word counts.
    fn say(&self, ended: Ended) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(ended);
        self.changed.notify_all();
    }
}

// === impl Running ===

impl Running {
    /// Process number of the yard's first process, in the caller's namespace. All that runs inside descends from it.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.first.pid
    }

    /// The layers in force. Without namespaces some are missing.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The sockets of [`crate::Profile::listen`], for each port at `127.0.0.1` and, where there is one, at `::1`. What
    /// the client connects to inside is accepted here. The second time there is nothing left.
    #[must_use]
    pub fn take_listeners(&self) -> Vec<TcpListener> {
        mem::take(&mut *self.listeners.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The sockets of [`crate::Profile::hear`], as [`Self::take_listeners`].
    #[must_use]
    pub fn take_hearers(&self) -> Vec<UdpSocket> {
        mem::take(&mut *self.hearers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The starts of programs inside, where [`crate::Profile::recorded`] asked for them. The second time there is
    /// nothing left.
    #[must_use]
    pub fn take_recorder(&self) -> Option<Recorder> {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until the client and everything it started have ended.
    #[must_use]
    pub fn wait(&self) -> Ended {
        let ended = self.end.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = self.end.changed.wait_while(ended, |ended| ended.is_none());
        ended.unwrap_or_else(PoisonError::into_inner).unwrap_or(Ended::TornDown)
    }

    /// As [`Self::wait`], for at most `bound`.
    #[must_use]
    pub fn wait_for(&self, bound: Duration) -> Option<Ended> {
        let ended = self.end.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.end.changed.wait_timeout_while(ended, bound, |ended| ended.is_none());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Sends a signal to the client, as a terminal would: interrupt, quit, hang-up and stop go to its whole group.
    ///
    /// # Errors
    /// When the yard has ended.
    pub fn signal(&self, number: i32) -> io::Result<()> {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        wire::send(&words, &Down::Signal(number))
    }

    /// Ends the client and everything it ever started, and returns when all of it is dead. Safe to repeat.
    ///
    /// # Errors
    /// When something is still alive after two seconds.
    pub fn kill_tree(&self) -> Result<(), StillAlive> {
        if self.danger_no_namespaces {
            // Its first process has to find and end the others, so it is told and not killed.
            drop(self.lifeline.shutdown(Shutdown::Both));
        } else {
            // One signal: the kernel ends a process namespace with its first process. It may have ended already.
            let _ = rustix::process::pidfd_send_signal(&self.first.handle, Signal::KILL);
            drop(self.lifeline.shutdown(Shutdown::Both));
            if self.wait_for(TERMINAL_BOUND).is_none() {
                let _ = rustix::process::pidfd_send_signal(&self.outer, Signal::KILL);
            }
        }
        self.wait_for(KILL_BOUND).ok_or(StillAlive)?;
        // The outer stage may have ended before the kernel was done with what is inside: the first process ends last.
        if self.danger_no_namespaces || has_ended(&self.first.handle, KILL_BOUND) {
            Ok(())
        } else {
            Err(StillAlive)
        }
    }
}

impl AsFd for Running {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.outer.as_fd()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.kill_tree());
    }
}

/// Whether the process ends within `bound`.
fn has_ended(process: &OwnedFd, bound: Duration) -> bool {
    let until = Instant::now() + bound;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        match rustix::event::poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&left)) {
            Ok(ready) => return ready > 0,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// The outer stage as a child process. Dropped, it is killed and reaped.
struct Outer(Child);

/// A start under way.
struct Launch {
    outer: Outer,
    handle: OwnedFd,
    words: UnixStream,
    lifeline: UnixStream,
    first: Option<First>,
    layers: Vec<Layer>,
    danger_no_namespaces: bool,
    listeners: Vec<TcpListener>,
    hearers: Vec<UdpSocket>,
    recorder: Option<Recorder>,
    group: Option<Group>,
    relays: Relays,
}

/// A yard with every layer in force and no client yet.
pub struct Standing<'a>(&'a mut Launch);

/// Lives as long as the outer stage, on the thread that started it.
struct Keeper {
    outer: Outer,
    words: UnixStream,
    end: Arc<End>,
    group: Option<Group>,
    relays: Relays,
}

// === impl Outer ===

impl Drop for Outer {
    fn drop(&mut self) {
        // Both fail only when it was reaped already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

// === impl Standing ===

impl Standing<'_> {
    /// As [`Running::take_listeners`], which has none left then.
    #[must_use]
    pub fn take_listeners(&mut self) -> Vec<TcpListener> {
        mem::take(&mut self.0.listeners)
    }

    /// As [`Running::take_hearers`].
    #[must_use]
    pub fn take_hearers(&mut self) -> Vec<UdpSocket> {
        mem::take(&mut self.0.hearers)
    }

    /// Says `word` to a port of the loopback address inside, from inside, and returns what is answered: all of it, or its
    /// first 8 KiB. Blocks for at most ten seconds.
    ///
    /// # Errors
    /// When nothing listens there, when no whole answer came in time, or when the stages have ended.
    pub fn answer(&mut self, port: u16, word: &[u8]) -> io::Result<Vec<u8>> {
        wire::send(&self.0.words, &Down::Try { port, word: word.to_vec() })?;
        match wire::receive(&self.0.words)? {
            Some(Up::Tried(answer)) => answer.map_err(io::Error::other),
            Some(_) | None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

// === impl Launch ===

impl Launch {
    /// Starts the stages, waits for every layer, starts the client.
    fn client<T>(
        plan: Plan,
        streams: Streams,
        trial: impl FnOnce(&mut Standing<'_>) -> Result<T, String>,
    ) -> Result<(Keeper, Running, T), StartError> {
        let failed = |source| StartError::Stage { attempt: "talk to the sandbox", source };
        let mut launch = Self::begin(plan, streams)?;
        launch.until(&Up::Ready)?;
        let tried = trial(&mut Standing(&mut launch))
            .map_err(|reason| StartError::Layer(Layer::Canary.broken(reason)))?;
        let go = Down::Go { foreground: false, job_control: false };
        wire::send(&launch.words, &go).map_err(failed)?;
        launch.until(&Up::Started)?;
        let Self {
            outer,
            handle,
            words,
            lifeline,
            first,
            layers,
            danger_no_namespaces,
            listeners,
            hearers,
            recorder,
            group,
            relays,
        } = launch;
        let first = first.ok_or(StartError::Silent)?;
        words.set_read_timeout(None).map_err(failed)?;
        let end = Arc::new(End::default());
        let running = Running {
            outer: handle,
            first,
            words: Mutex::new(words.try_clone().map_err(failed)?),
            lifeline,
            end: Arc::clone(&end),
            layers,
            danger_no_namespaces,
            listeners: Mutex::new(listeners),
            hearers: Mutex::new(hearers),
            recorder: Mutex::new(recorder),
        };
        Ok((Keeper { outer, words, end, group, relays }, running, tried))
    }

    fn begin(plan: Plan, streams: Streams) -> Result<Self, StartError> {
        let failed = |source| StartError::Stage { attempt: "start the sandbox", source };
        let danger_no_namespaces = plan.is_danger_no_namespaces();
        let (Streams { stdin, stdout, stderr }, relays) = Relays::between(streams).map_err(failed)?;
        let (words, theirs) = UnixStream::pair().map_err(failed)?;
        let (lifeline, their_lifeline) = UnixStream::pair().map_err(failed)?;
        let child = Command::new("/proc/self/exe")
            .arg(stage::ENTER)
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(stdout))
            .stderr(Stdio::from(stderr))
            .spawn()
            .map_err(failed)?;
        let outer = Outer(child);
        let handle = peer::open(outer.pid()).map_err(failed)?;
        // The stage waits for its plan, so it and all that it starts are in the group from the beginning.
        let group =
            plan.group.as_ref().map(|group| group.make(outer.pid())).transpose().map_err(|error| {
                StartError::Layer(Layer::Limits.refused("cannot make a control group", &error))
            })?;
        words.set_read_timeout(Some(START_BOUND)).map_err(failed)?;
        let parent = rustix::process::getpid().as_raw_nonzero().get();
        // A stage that has ended already said why, or is silent; `until` finds out which.
        let sent = wire::send_descriptors(&words, &[stdin.as_fd(), their_lifeline.as_fd()])
            .and_then(|()| wire::send(&words, &Enter { parent, plan }));
        match sent {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        Ok(Self {
            outer,
            handle,
            words,
            lifeline,
            first: None,
            layers: Vec::new(),
            danger_no_namespaces,
            listeners: Vec::new(),
            hearers: Vec::new(),
            recorder: None,
            group,
            relays,
        })
    }

    /// Reads until the stages say `wanted`.
    fn until(&mut self, wanted: &Up) -> Result<(), StartError> {
        let failed = |source| StartError::Stage { attempt: "hear from the sandbox", source };
        loop {
            let word = wire::receive(&self.words).map_err(failed)?.ok_or(StartError::Silent)?;
            match word {
                word if word == *wanted => return Ok(()),
                Up::Applied(layers) => self.layers.extend(layers),
                // One that ended at once says why in its next word; without a handle nothing is started.
                Up::First(pid) => self.first = self.recognise(pid).ok(),
                Up::Listeners(count) => {
                    let taken = wire::receive_descriptors(&self.words, count).map_err(failed)?;
                    self.listeners = taken.into_iter().map(TcpListener::from).collect();
                }
                Up::Hearers(count) => {
                    let taken = wire::receive_descriptors(&self.words, count).map_err(failed)?;
                    self.hearers = taken.into_iter().map(UdpSocket::from).collect();
                }
                Up::Recorder => {
                    let [descriptor] = wire::receive_exactly(&self.words).map_err(failed)?;
                    self.recorder = Some(Recorder::begin(descriptor).map_err(failed)?);
                }
                Up::Refused(refusal) => return Err(StartError::Layer(refusal)),
                Up::NotStarted(reason) => return Err(StartError::Client(reason)),
                Up::Ready
                | Up::Started
                | Up::Tried(_)
                | Up::Stopped(_)
                | Up::Exited(_)
                | Up::Signalled(_) => {
                    return Err(StartError::Silent);
                }
            }
        }
    }

    /// A handle on process `pid`, once it is sure that it is the child of the outer stage: that one reaps it only at
    /// the very end, so the number cannot have been given to another process.
    fn recognise(&self, pid: i32) -> io::Result<First> {
        let handle = peer::open(pid)?;
        if stat_of(pid)?.parent == self.outer.pid() {
            Ok(First { pid, handle })
        } else {
            Err(io::Error::other("the yard's first process is not where it should be"))
        }
    }
}

impl Outer {
    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap_or_default()
    }
}

// === impl Keeper ===

impl Keeper {
    fn run(self) {
        let Self { mut outer, words, end, group, relays } = self;
        let mut last = Ended::TornDown;
        // The outer stage says how the client ended after it has reaped the first process, which is the last one inside. It has
        // still to take down the mounts, for which nobody has to wait where nothing else is to be given back.
        let is_last_word = group.is_none() && relays.is_none();
        while let Ok(Some(word)) = wire::receive(&words) {
            match word {
                Up::Exited(code) => last = Ended::Exited(code),
                Up::Signalled(signal) => last = Ended::Signalled(signal),
                Up::Applied(_)
                | Up::Refused(_)
                | Up::First(_)
                | Up::Listeners(_)
                | Up::Hearers(_)
                | Up::Tried(_)
                | Up::Recorder
                | Up::Ready
                | Up::Started
                | Up::NotStarted(_)
                | Up::Stopped(_) => {}
            }
            if is_last_word && last != Ended::TornDown {
                end.say(last);
            }
        }
        // The socket closes with the outer stage; reaping it cannot take long.
        drop(outer.0.wait());
        // Nobody is left in it.
        drop(group);
        relays.end(RELAY_BOUND);
        end.say(last);
    }
}
