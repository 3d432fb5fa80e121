//! A client under `writ run` in a real terminal, started by a person's shell with job control: its size and its colours arrive,
//! and the keys mean what they mean outside.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use crate::corner::{Corner, Guest, until};

/// What a client of its own would do there: each step says when it is reached.
const PLAY: &str = r#"
start
echo "client term=$TERM $COLORTERM colours=$(tput colors) size=$(stty size)"
await() {
  sleep 1000 &
  local asleep=$!
  echo "client $1"
  while [ -z "$came" ]; do wait $asleep; done
  kill $asleep
  came=
}
trap 'came=1; echo "client resized $(stty size)"' WINCH
await 'may be resized'
trap 'came=1; echo "client interrupted"' INT
await 'may be interrupted'
trap - INT
echo 'client may be stopped'
while read word; do
  echo "client heard $word."
  if [ "$word" = end ]; then break; fi
done
finish
exit 7
"#;

/// A shell on a terminal, and our end of it.
struct Terminal {
    keyboard: File,
    screen: String,
    _shell: Guest,
}

// === impl Terminal ===

impl Terminal {
    fn open(corner: &Corner) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = rustix::pty::openpt(flags).unwrap();
        rustix::pty::grantpt(&ours).unwrap();
        rustix::pty::unlockpt(&ours).unwrap();
        let name = rustix::pty::ptsname(&ours, Vec::new()).unwrap();
        let theirs = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let stream = || Stdio::from(OwnedFd::from(theirs.try_clone().unwrap()));
        let shell = Command::new("setsid")
            .args(["--ctty", "bash", "--norc", "--noprofile", "-i"])
            .env_clear()
            .envs([("HOME", corner.home()), ("WRIT_STATE_DIR", corner.state()), ("WRIT", corner.program())])
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", corner.bin().display()))
            .envs([("LANG", "C.UTF-8"), ("PS1", "prompt$ "), ("HISTFILE", "/dev/null")])
            .envs([("TERM", "xterm-256color"), ("COLORTERM", "truecolor")])
            .current_dir(corner.work())
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .unwrap();
        let mut terminal = Self { keyboard: File::from(ours), screen: String::new(), _shell: Guest(shell) };
        terminal.resize(24, 80);
        terminal.expect("prompt$ ");
        terminal
    }

    fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&self.keyboard, size).unwrap();
    }

    fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads until the text shows; what came before it is forgotten.
    fn expect(&mut self, text: &str) {
        until(text, || self.shows(text).then_some(()));
    }

    fn shows(&mut self, text: &str) -> bool {
        let moment = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        let mut ready = [PollFd::new(&self.keyboard, PollFlags::IN)];
        if rustix::event::poll(&mut ready, Some(&moment)).unwrap() > 0 {
            let mut piece = [0; 4096];
            let count =
                self.keyboard.read(&mut piece).unwrap_or_else(|error| panic!("{error}: {}", self.screen));
            self.screen.push_str(&String::from_utf8_lossy(&piece[..count]));
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

#[test]
fn a_client_keeps_a_real_terminal() {
    let corner = Corner::with_control_plane();
    corner.register("claude-code");
    corner.cast(PLAY);
    let mut terminal = Terminal::open(&corner);
    terminal.keys("$WRIT run --kind feature --task 'play the script' -- claude\n");
    terminal.expect("client term=xterm-256color truecolor colours=256 size=24 80");
    terminal.expect("client may be resized");
    terminal.resize(50, 132);
    terminal.expect("client resized 50 132");
    // The key interrupts the client alone, which goes on as it likes.
    terminal.expect("client may be interrupted");
    terminal.keys("\x03");
    terminal.expect("client interrupted");
    terminal.expect("client may be stopped");
    terminal.keys("first\n");
    terminal.expect("client heard first.");
    // Stopped, the whole job is, and the terminal is the shell's again.
    terminal.keys("\x1a");
    terminal.expect("Stopped");
    terminal.keys("echo shell-$((40+2)); stty -a\n");
    terminal.expect("shell-42");
    terminal.expect(" icanon");
    terminal.keys("fg\n");
    terminal.keys("second\n");
    terminal.expect("client heard second.");
    terminal.keys("end\n");
    terminal.expect("has ended: the client ended with code 7");
    terminal.expect("prompt$ ");
    terminal.keys("echo \"shell got $?.\"\n");
    terminal.expect("shell got 7.");
}
