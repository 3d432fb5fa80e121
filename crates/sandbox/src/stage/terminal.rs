//! The terminal of the session: lent to the client's process group, and taken back.
//!
//! The client has a process group of its own. In the supervisor's group, `kill(0, SIGSTOP)` by the agent would stop the
//! supervisor, and a stopped supervisor revokes nothing. The price is job control, which is done here as a shell does
//! it: lend the terminal, take it back when the client stops or ends, stop with the rest of the job, and resume.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::process::Signal;
use rustix::termios::{OptionalActions, Termios};

/// The controlling terminal as the outer stage sees it. Without one, every question is answered with no.
pub(super) struct Terminal {
    tty: Option<OwnedFd>,
    /// Modes before the client could change them.
    modes: Option<Termios>,
    /// Input and output of the client are terminals, so nobody else in the job reads keys.
    interactive: bool,
    lent: bool,
}

// === impl Terminal ===

impl Terminal {
    /// Looks for the terminal of this session. `input` is what the client will read.
    pub(super) fn of_session(input: &OwnedFd) -> Self {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let tty = rustix::fs::open("/dev/tty", flags, Mode::empty()).ok();
        let modes = tty.as_ref().and_then(|tty| rustix::termios::tcgetattr(tty).ok());
        let interactive = rustix::termios::isatty(input) && rustix::termios::isatty(io::stdout());
        Self { tty, modes, interactive, lent: false }
    }

    /// Whether the session has a terminal, so that somebody can resume what was stopped.
    pub(super) const fn exists(&self) -> bool {
        self.tty.is_some()
    }

    /// Decides whether the client starts in the foreground. The inner stage then hands the terminal over.
    pub(super) fn lend(&mut self) -> bool {
        self.lent = self.interactive && self.is_ours();
        self.lent
    }

    /// The client stopped by `signal`: stops this job, and returns after it was resumed, with whether the client gets
    /// the terminal.
    pub(super) fn suspend(&mut self, signal: i32) -> bool {
        let wanted_terminal = signal == Signal::TTIN.as_raw() || signal == Signal::TTOU.as_raw();
        if wanted_terminal && !self.lent && self.is_ours() {
            self.lent = true;
            return true;
        }
        let was_lent = self.lent;
        self.take_back(false);
        // Stops this process as well. In a job nobody could resume, the kernel drops the signal and this returns.
        let _ = rustix::process::kill_current_process_group(Signal::TSTP);
        self.lent = self.is_ours() && (self.interactive || was_lent);
        self.lent
    }

    /// Makes this job the foreground again, and undoes what a client that was killed left of its modes.
    pub(super) fn take_back(&mut self, restore_modes: bool) {
        let (Some(tty), true) = (&self.tty, self.lent) else { return };
        // Both may fail on a terminal that was closed; then there is nothing to give back to.
        let _ = rustix::termios::tcsetpgrp(tty, rustix::process::getpgrp());
        if let (Some(modes), true) = (&self.modes, restore_modes) {
            let _ = rustix::termios::tcsetattr(tty, OptionalActions::Now, modes);
        }
        self.lent = false;
    }

    fn is_ours(&self) -> bool {
        let own = rustix::process::getpgrp();
        self.tty.as_ref().is_some_and(|tty| rustix::termios::tcgetpgrp(tty) == Ok(own))
    }
}
