//! The outer stage: makes the namespaces, then minds the terminal and passes words on.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, WaitOptions};

use super::terminal::Terminal;
use super::told::Told;
use super::{BROKEN, identity, init, limits, mask, network, privilege};
use crate::layer::{Layer, Refusal};
use crate::plan::Plan;
use crate::profile::Danger;
use crate::sys;
use crate::wire::{self, Down, Enter, Up};

/// Entry of the stage.
pub(super) fn run() -> ExitCode {
    let Ok(supervisor) = wire::from_stdin() else { return ExitCode::from(BROKEN) };
    let mut told = Told::new(&supervisor);
    match serve(&supervisor, &mut told) {
        Ok(code) => code,
        Err(refusal) => {
            // If the supervisor is gone there is nobody to tell.
            drop(told.say(&Up::Refused(refusal)));
            ExitCode::from(BROKEN)
        }
    }
}

fn serve(supervisor: &UnixStream, told: &mut Told<'_>) -> Result<ExitCode, Refusal> {
    super::seal_descriptors()?;
    sys::block_outside_signals().map_err(|error| Layer::Liveness.refused("cannot block signals", &error))?;
    let lost = |error: io::Error| Layer::Liveness.refused("cannot read the plan", &error);
    let [input, lifeline] = wire::receive_exactly(supervisor).map_err(lost)?;
    let Enter { parent, plan } = wire::receive(supervisor)
        .map_err(lost)?
        .ok_or_else(|| Layer::Liveness.broken("the supervisor has ended"))?;
    super::refuse_directory(&input)?;
    told.applied(Layer::Descriptors);
    super::die_with_parent(Some(parent))?;
    told.applied(Layer::Liveness);
    leave_login_keyring()?;
    told.applied(Layer::Keyring);
    limits::put_on()?;
    told.applied(Layer::Limits);
    let terminal = Terminal::of_session(&input);
    // Given back with this process: the kernel is not asked to take it down while somebody waits.
    let mut _shelf = None;
    // The directory it was started in would otherwise stay open under the masks.
    rustix::process::chdir("/")
        .map_err(|error| Layer::Masks.refused("cannot leave the directory", &error.into()))?;
    if plan.is_danger_no_namespaces() {
        privilege::narrow_without_namespaces()?;
    } else {
        let networked = !plan.gives_up(Danger::OpenNetwork);
        identity::unshare(networked)?;
        told.applied(Layer::Namespaces);
        told.applied(Layer::Identity);
        if networked {
            hand_out_listeners(supervisor, told, &plan)?;
            told.applied(Layer::Network);
        }
        mask::make_private()?;
        told.applied(Layer::PrivateMounts);
        _shelf = mask::apply(&plan, input.as_fd())?;
        for layer in [Layer::Pins, Layer::Masks, Layer::ReadOnly] {
            told.applied(layer);
        }
        privilege::narrow_for_init()?;
    }
    told.applied(Layer::Privileges);
    let (init, inside) = start_inner(plan, [input, lifeline])
        .map_err(|error| Layer::ProcessTable.refused("cannot start the inner stage", &error))?;
    let unheard = |error| Layer::Liveness.refused("the supervisor does not listen", &error);
    told.say(&Up::First(init.as_raw_nonzero().get())).map_err(unheard)?;
    relay(supervisor, &inside, init, terminal)
}

/// Makes the sockets that the supervisor listens at. They belong to the yard's network, wherever they are held.
fn hand_out_listeners(supervisor: &UnixStream, told: &mut Told<'_>, plan: &Plan) -> Result<(), Refusal> {
    let failed = |what: &str, error: io::Error| Layer::Network.refused(what, &error);
    let listeners = network::with_loopback(&plan.listen)
        .map_err(|error| failed("cannot set up the loopback address", error))?;
    let hearers = network::hearing(&plan.hear)
        .map_err(|error| failed("cannot hear datagrams at the loopback address", error))?;
    let listeners: Vec<_> = listeners.iter().map(AsFd::as_fd).collect();
    let hearers: Vec<_> = hearers.iter().map(AsFd::as_fd).collect();
    for (word, descriptors) in
        [(Up::Listeners(listeners.len()), listeners), (Up::Hearers(hearers.len()), hearers)]
    {
        if descriptors.is_empty() {
            continue;
        }
        told.say(&word).map_err(|error| failed("cannot announce the listening sockets", error))?;
        wire::send_descriptors(supervisor, &descriptors)
            .map_err(|error| failed("cannot hand out the listening sockets", error))?;
    }
    Ok(())
}

/// Starts the inner stage with the plan. This process has one thread, so a fork of it is whole; of what is open here
/// it keeps its three sockets and nothing else.
fn start_inner(plan: Plan, descriptors: [OwnedFd; 2]) -> io::Result<(Pid, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    let [input, lifeline] = descriptors;
    let init = sys::fork([theirs.into(), input, lifeline], |[theirs, input, lifeline]| {
        init::run(&theirs.into(), plan, input, lifeline)
    })?;
    Ok((init, ours))
}

/// Passes words both ways until the client has ended and everything inside with it.
fn relay(
    supervisor: &UnixStream,
    inside: &UnixStream,
    init: Pid,
    mut terminal: Terminal,
) -> Result<ExitCode, Refusal> {
    let lost = |error: io::Error| Layer::Liveness.refused("lost the yard's first process", &error);
    let mut end = None;
    // Goes with the word that comes after it, as it came.
    let mut layers = Vec::new();
    let supervised = loop {
        let mut ready = [PollFd::new(inside, PollFlags::IN), PollFd::new(supervisor, PollFlags::IN)];
        match rustix::event::poll(&mut ready, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(lost(error.into())),
        }
        let [from_inside, from_supervisor] = ready.map(|descriptor| !descriptor.revents().is_empty());
        if from_inside {
            match wire::receive::<Up>(inside).map_err(lost)? {
                Some(Up::Stopped(signal)) => {
                    let foreground = terminal.suspend(signal);
                    wire::send(inside, &Down::Resume { foreground }).map_err(lost)?;
                }
                Some(last @ (Up::Exited(_) | Up::Signalled(_))) => end = Some(last),
                Some(Up::Applied(applied)) => layers.extend(applied),
                Some(Up::Recorder) => {
                    let [recorder] = wire::receive_exactly(inside).map_err(lost)?;
                    pass_on(supervisor, &mut layers, &Up::Recorder)?;
                    wire::send_descriptors(supervisor, &[recorder.as_fd()]).map_err(lost)?;
                }
                Some(word) => pass_on(supervisor, &mut layers, &word)?,
                None => break true,
            }
        }
        if from_supervisor {
            match wire::receive::<Down>(supervisor).map_err(lost)? {
                Some(Down::Go { .. }) => {
                    let word = Down::Go { foreground: terminal.lend(), job_control: terminal.exists() };
                    wire::send(inside, &word).map_err(lost)?;
                }
                Some(word) => wire::send(inside, &word).map_err(lost)?,
                // Ending this process ends the inner one, and that ends the yard.
                None => break false,
            }
        }
    };
    if supervised {
        // The first process is reaped only after all others: from here on, nothing inside is alive.
        let _ = rustix::process::waitpid(Some(init), WaitOptions::empty());
    }
    let code = match &end {
        Some(Up::Exited(code)) => u8::try_from(*code).unwrap_or(BROKEN),
        Some(_) | None => BROKEN,
    };
    terminal.take_back(!matches!(end, Some(Up::Exited(_))));
    if let Some(end) = end {
        tell(supervisor, &end)?;
    }
    Ok(ExitCode::from(code))
}

/// Leaves the keyring that the login session shares. Where the call does not exist it does not exist for the client
/// either.
fn leave_login_keyring() -> Result<(), Refusal> {
    match sys::join_empty_keyring() {
        Ok(()) => Ok(()),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => Ok(()),
        Err(error) => Err(Layer::Keyring.refused("cannot join an empty keyring", &error)),
    }
}

/// Tells a word from inside, with the layers that it was told with.
fn pass_on(supervisor: &UnixStream, layers: &mut Vec<Layer>, word: &Up) -> Result<(), Refusal> {
    let mut told = Told::new(supervisor);
    layers.drain(..).for_each(|layer| told.applied(layer));
    told.say(word).map_err(|error| Layer::Liveness.refused("the supervisor does not listen", &error))
}

fn tell(supervisor: &UnixStream, word: &Up) -> Result<(), Refusal> {
    pass_on(supervisor, &mut Vec::new(), word)
}
