//! The client in its own terminal, under a real shell with job control.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::pty::OpenptFlags;

use crate::role::ROLE;
use crate::runner::Case;
use crate::world::{PATIENCE, World, own_path};

pub const CASES: &[Case] = &[
    ("terminal::interrupt_goes_to_the_client_only", interrupt),
    ("terminal::stop_key_stops_the_job_and_everything_inside", stop_and_resume),
    ("terminal::background_client_gets_the_terminal_when_asked_for", background),
    ("terminal::modes_are_restored_after_a_kill", modes),
    ("terminal::pipeline_keeps_the_terminal", pipeline),
    ("terminal::closing_it_ends_the_client", closing),
];

fn interrupt() {
    let world = World::new();
    let mut terminal = Session::open(&world);
    terminal.job(
        &world,
        "trap 'echo client interrupted; exit 4' INT; echo ready; while :; do sleep 1000 & wait $!; done",
    );
    terminal.expect("ready");
    terminal.keys("\x03");
    terminal.expect("client interrupted");
    terminal.expect("supervisor saw Exited(4)");
    terminal.is_back_at_the_shell();
}

fn stop_and_resume() {
    let world = World::new();
    let mut terminal = Session::open(&world);
    let word = world.at("loop").display().to_string();
    let loops = format!("(setsid sh -c 'while :; do :; done' {word} </dev/null &)");
    terminal.job(
        &world,
        &format!("{loops}; echo ready; while read x; do echo \"heard $x.\"; if [ \"$x\" = end ]; then exit 6; fi; done"),
    );
    terminal.expect("ready");
    terminal.keys("first\n");
    terminal.expect("heard first.");
    terminal.keys("\x1a");
    terminal.expect("Stopped");
    terminal.is_back_at_the_shell();
    wait_until("the loop is stopped", || states_of(&word).iter().all(|state| *state == 'T'));
    terminal.keys("fg\n");
    wait_until("the loop runs", || states_of(&word).iter().all(|state| *state == 'R'));
    terminal.keys("second\n");
    terminal.expect("heard second.");
    terminal.keys("end\n");
    terminal.expect("supervisor saw Exited(6)");
    terminal.is_back_at_the_shell();
}

fn background() {
    let world = World::new();
    let mut terminal = Session::open(&world);
    terminal.start(&world, "echo ready; read x; echo \"heard $x.\"", " &");
    terminal.expect("ready");
    wait_until("the client is stopped", || {
        terminal.keys("\n");
        terminal.seen("Stopped")
    });
    terminal.keys("fg\n");
    terminal.keys("word\n");
    terminal.expect("heard word.");
    terminal.expect("supervisor saw Exited(0)");
    terminal.is_back_at_the_shell();
}

fn modes() {
    let world = World::new();
    let mut terminal = Session::open(&world);
    terminal.job(&world, "stty raw -echo; stty -a | tr ';' '\\n'; kill -KILL $$");
    terminal.expect("-icanon");
    terminal.expect("supervisor saw Signalled(9)");
    terminal.is_back_at_the_shell();
    terminal.keys("stty -a\n");
    terminal.expect(" icanon");
}

/// A pager in the same pipeline reads the keys, so the job must not be put in the background for the client.
fn pipeline() {
    let world = World::new();
    let mut terminal = Session::open(&world);
    terminal.start(&world, "echo ready; sleep 1000", " | cat; read key </dev/tty; echo \"pager $key.\"");
    terminal.expect("ready");
    terminal.keys("\x03");
    terminal.keys("\n");
    terminal.is_back_at_the_shell();
}

fn closing() {
    let world = World::new();
    let mut terminal = Session::open(&world);
    let word = world.at("loop").display().to_string();
    let loops = format!("(setsid sh -c 'trap \"\" HUP; while :; do :; done' {word} </dev/null &)");
    terminal.job(&world, &format!("{loops}; echo ready; sleep 1000"));
    terminal.expect("ready");
    wait_until("the loop runs", || !states_of(&word).is_empty());
    drop(terminal);
    wait_until("everything inside is dead", || states_of(&word).is_empty());
}

/// A shell on a new terminal, and our end of it.
struct Session {
    keyboard: File,
    shell: Child,
    screen: String,
}

// === impl Session ===

impl Session {
    fn open(world: &World) -> Self {
        let ours =
            rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        rustix::pty::grantpt(&ours).unwrap();
        rustix::pty::unlockpt(&ours).unwrap();
        let theirs = rustix::pty::ptsname(&ours, Vec::new()).unwrap();
        let shell = Command::new(own_path())
            .args([ROLE, "shell", theirs.to_str().unwrap()])
            .current_dir(world.at("work"))
            .env("IT", own_path())
            .env("PS1", "prompt$ ")
            .env_remove("ENV")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut session = Self { keyboard: File::from(ours), shell, screen: String::new() };
        session.expect("prompt$ ");
        session
    }

    /// Runs a script in a yard in the foreground.
    fn job(&mut self, world: &World, script: &str) {
        self.start(world, script, "");
    }

    /// The script goes through a file, so that what is typed and echoed is not mistaken for its output.
    fn start(&mut self, world: &World, script: &str, rest: &str) {
        fs::write(world.at("work/script"), script).unwrap();
        self.keys(&format!("$IT {ROLE} job {} '. ./script'{rest}\n", world.root.display()));
    }

    fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn is_back_at_the_shell(&mut self) {
        self.keys("echo shell-$((40+2))\n");
        self.expect("shell-42");
    }

    /// Reads until the text shows; what came before it is forgotten.
    fn expect(&mut self, text: &str) {
        wait_until(text, || self.seen(text));
    }

    fn seen(&mut self, text: &str) -> bool {
        let second = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        let ready =
            rustix::event::poll(&mut [PollFd::new(&self.keyboard, PollFlags::IN)], Some(&second)).unwrap();
        if ready > 0 {
            let mut buffer = [0; 4096];
            let count = self
                .keyboard
                .read(&mut buffer)
                .unwrap_or_else(|error| panic!("{error} after:\n{}", self.screen));
            self.screen.push_str(&String::from_utf8_lossy(&buffer[..count]));
            eprint!("{}", String::from_utf8_lossy(&buffer[..count]));
        }
        match self.screen.find(text) {
            Some(at) => {
                self.screen.drain(..at + text.len());
                true
            }
            None => false,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Closing our end hangs the session up; the shell goes with it or is killed.
        self.keyboard = File::open("/dev/null").unwrap();
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "waited in vain for: {what}");
        std::thread::yield_now();
    }
}

/// States of all processes with this word among their arguments. Words hold the name of the case's own directory.
fn states_of(word: &str) -> Vec<char> {
    let mut states = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if line.split(|byte| *byte == 0).any(|arg| arg == word.as_bytes()) {
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            states.extend(stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()));
        }
    }
    states
}

/// The role: leader of a new session on the given terminal, then an interactive shell.
pub fn shell(args: &[&str]) {
    rustix::process::setsid().unwrap();
    let terminal = File::options().read(true).write(true).open(args[0]).unwrap();
    rustix::process::ioctl_tiocsctty(&terminal).unwrap();
    let stream = || Stdio::from(OwnedFd::from(terminal.try_clone().unwrap()));
    let error = Command::new("sh").arg("-i").stdin(stream()).stdout(stream()).stderr(stream()).exec();
    panic!("{error}");
}
