//! The inner stage: the yard's first process. Puts on the last layers, proves all of them, starts the client, and
//! ends everything when either side ends.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use super::told::Told;
use super::tree::Tree;
use super::{BROKEN, limits, mask, privilege, proof, rights, trial};
use crate::filter;
use crate::layer::{Layer, Refusal};
use crate::plan::{Client, Plan};
use crate::profile::Danger;
use crate::sys;
use crate::wire::{self, Down, Up};

/// Entry of the stage. Returns its exit code.
pub(super) fn run(outside: &UnixStream, plan: Plan, input: OwnedFd, lifeline: OwnedFd) -> u8 {
    let mut told = Told::new(outside);
    match serve(outside, &mut told, plan, input, lifeline) {
        Ok(()) => 0,
        Err(last) => {
            // If the outer stage is gone there is nobody to tell.
            drop(told.say(&last));
            BROKEN
        }
    }
}

/// Returns when everything inside may end. `Err` carries the last word for the supervisor.
fn serve(
    outside: &UnixStream,
    told: &mut Told<'_>,
    plan: Plan,
    input: OwnedFd,
    lifeline: OwnedFd,
) -> Result<(), Up> {
    let lost = |error: io::Error| Up::Refused(Layer::Liveness.refused("cannot hear the supervisor", &error));
    let tree = put_on_last_layers(outside, told, &plan).map_err(Up::Refused)?;

    told.say(&Up::Ready).map_err(lost)?;
    let (foreground, job_control) = loop {
        match wire::receive(outside).map_err(lost)? {
            Some(Down::Go { foreground, job_control }) => break (foreground, job_control),
            Some(Down::Try { port, word }) => {
                let answer = trial::answer(port, &word).map_err(|error| error.to_string());
                wire::send(outside, &Up::Tried(answer)).map_err(lost)?;
            }
            Some(Down::Resume { .. } | Down::Signal(_)) | None => return Ok(()),
        }
    };
    let terminal = open_terminal(job_control);
    let client = start_client(plan.client, input, terminal.as_ref().filter(|_| foreground))?;
    let client = Pid::from_child(&client);
    wire::send(outside, &Up::Started).map_err(lost)?;

    let words = outside.try_clone().map(Arc::new).map_err(lost)?;
    let torn_down = Arc::new(AtomicBool::new(false));
    let watcher = Watcher { words, lifeline, terminal, tree, client, torn_down: Arc::clone(&torn_down) };
    thread::Builder::new().name("lifeline".to_owned()).spawn(move || watcher.run()).map_err(lost)?;
    let last = reap_until_client_ends(outside, client, tree, job_control);
    tree.end();
    // A client that was ended from here did not end by itself.
    last.filter(|_| !torn_down.load(Ordering::SeqCst)).map_or(Ok(()), Err)
}

fn put_on_last_layers(outside: &UnixStream, told: &mut Told<'_>, plan: &Plan) -> Result<Tree, Refusal> {
    if plan.is_danger_no_namespaces() {
        // Not bound to the parent's death: killed, it could not end the others. It watches its sockets instead.
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
            .map_err(|error| Layer::Liveness.refused("cannot adopt orphans", &error.into()))?;
        return Ok(Tree::Descendants);
    }
    super::die_with_parent(None)?;
    mask::mount_process_table(plan.as_root, limits::bound_numbers)?;
    told.applied(Layer::ProcessTable);
    privilege::drop_capabilities()?;
    told.applied(Layer::Capabilities);
    privilege::become_undumpable()?;
    told.applied(Layer::Undumpable);
    proof::mounts_hold(plan)?;
    if !plan.gives_up(Danger::AllFiles) {
        rights::put_on(plan)?;
        told.applied(Layer::FileRights);
    }
    if !plan.gives_up(Danger::AllCalls) {
        filter_calls(outside, told, plan.recorded)?;
        told.applied(Layer::SystemCalls);
    }
    proof::all_hold(plan)?;
    told.applied(Layer::Canary);
    Ok(Tree::Yard)
}

fn filter_calls(outside: &UnixStream, told: &mut Told<'_>, recorded: bool) -> Result<(), Refusal> {
    let failed = |what: &str, error: io::Error| Layer::SystemCalls.refused(what, &error);
    let recorder = sys::filter_calls(&filter::assemble(recorded), recorded)
        .map_err(|error| failed("cannot filter system calls", error))?;
    let Some(recorder) = recorder else { return Ok(()) };
    told.say(&Up::Recorder)
        .and_then(|()| wire::send_descriptors(outside, &[recorder.as_fd()]))
        .map_err(|error| failed("cannot hand out the recorder", error))
}

fn open_terminal(job_control: bool) -> Option<Arc<OwnedFd>> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    job_control.then(|| rustix::fs::open("/dev/tty", flags, Mode::empty()).ok()).flatten().map(Arc::new)
}

fn start_client(client: Client, input: OwnedFd, terminal: Option<&Arc<OwnedFd>>) -> Result<Child, Up> {
    let Client { command, args, env, cwd } = client;
    let not_started = |error: io::Error| {
        Up::NotStarted(format!("cannot start `{}` in `{}`: {error}", command.display(), cwd.display()))
    };
    let terminal = terminal.map(|terminal| terminal.try_clone()).transpose().map_err(not_started)?;
    // Where it cannot be entered, the error of the start would blame the program.
    rustix::process::chdir(&cwd).map_err(|error| not_started(error.into()))?;
    let mut program = Command::new(&command);
    program.args(args).env_clear().envs(env).current_dir(&cwd).stdin(Stdio::from(input)).process_group(0);
    sys::before_exec(&mut program, terminal);
    let child = program.spawn().map_err(not_started)?;
    rustix::process::chdir("/").map_err(|error| not_started(error.into()))?;
    Ok(child)
}

/// Reaps everything, and returns the client's end. `None`: there is nothing left to wait for.
fn reap_until_client_ends(outside: &UnixStream, client: Pid, tree: Tree, job_control: bool) -> Option<Up> {
    loop {
        match rustix::process::wait(WaitOptions::UNTRACED) {
            Ok(Some((pid, status))) if pid == client => {
                if let Some(last) = last_word(status) {
                    return Some(last);
                }
                let stopped = status.stopping_signal().filter(|_| job_control);
                if let Some(signal) = stopped {
                    // Nothing runs on while the supervisor is stopped with the job and cannot revoke.
                    tree.signal_all(Signal::STOP);
                    wire::send(outside, &Up::Stopped(signal)).ok()?;
                }
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

fn last_word(status: WaitStatus) -> Option<Up> {
    status.exit_status().map(Up::Exited).or_else(|| status.terminating_signal().map(Up::Signalled))
}

/// Listens to the outside while the main thread reaps.
struct Watcher {
    words: Arc<UnixStream>,
    lifeline: OwnedFd,
    terminal: Option<Arc<OwnedFd>>,
    tree: Tree,
    client: Pid,
    torn_down: Arc<AtomicBool>,
}

// === impl Watcher ===

impl Watcher {
    fn run(self) {
        while self.next().is_ok() {}
        self.torn_down.store(true, Ordering::SeqCst);
        self.tree.end();
        // As the first process of its namespace this ends all others, whatever they are doing.
        std::process::exit(i32::from(BROKEN));
    }

    fn next(&self) -> io::Result<()> {
        let mut ready =
            [PollFd::new(&*self.words, PollFlags::IN), PollFd::new(&self.lifeline, PollFlags::IN)];
        match rustix::event::poll(&mut ready, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let [word, end] = ready.map(|descriptor| !descriptor.revents().is_empty());
        if end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if word {
            match wire::receive::<Down>(&self.words)?.ok_or(io::ErrorKind::UnexpectedEof)? {
                // Only before the client starts.
                Down::Go { .. } | Down::Try { .. } => {}
                Down::Resume { foreground } => self.resume(foreground),
                Down::Signal(number) => self.signal(number),
            }
        }
        Ok(())
    }

    fn resume(&self, foreground: bool) {
        if let (Some(terminal), true) = (&self.terminal, foreground) {
            // Fails when the client has just ended; then nobody needs it.
            let _ = rustix::termios::tcsetpgrp(terminal, self.client);
        }
        self.tree.signal_all(Signal::CONT);
    }

    /// What a terminal sends to a whole job goes to the client's group, the rest to the client.
    fn signal(&self, number: i32) {
        let Some(signal) = Signal::from_named_raw(number) else { return };
        let to_group = [Signal::INT, Signal::QUIT, Signal::HUP, Signal::TSTP, Signal::CONT, Signal::WINCH];
        // The client may just have ended.
        if to_group.contains(&signal) {
            let _ = rustix::process::kill_process_group(self.client, signal);
        } else {
            let _ = rustix::process::kill_process(self.client, signal);
        }
    }
}
