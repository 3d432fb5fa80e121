//! Reading a value: from a terminal that does not show it, or from standard input. Never from an argument.

use std::fs::File;
use std::io::{Read as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use writ_control::api::message::{MAX_SECRET_BYTES, SealedText};
use writ_model::Label;
use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};
use crate::screen;

/// A terminal that shows nothing until this is dropped.
struct Hushed<'a> {
    terminal: &'a File,
    before: Termios,
}

/// Reads the value of a secret.
pub(super) fn read(name: &Label, stdin: bool) -> Result<SealedText, Failure> {
    let mut bytes = if stdin { from_input()? } else { from_terminal(name)? };
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        if stdin {
            screen::say("writ: the line break at the end is not part of the value");
        }
    }
    if bytes.is_empty() {
        return Err(Failure::usage("the value is empty; nothing was sealed"));
    }
    if bytes.len() > MAX_SECRET_BYTES {
        return Err(Failure::usage(format_args!("the value is longer than {MAX_SECRET_BYTES} bytes")));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::usage("the value is no text in UTF-8"))?;
    Ok(SealedText::new(text.to_owned()))
}

fn from_input() -> Result<Zeroizing<Vec<u8>>, Failure> {
    // Room for all of it at once: what a growing buffer leaves behind is not zeroed.
    let room = MAX_SECRET_BYTES + 3;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    let bound = u64::try_from(room).unwrap_or(u64::MAX);
    std::io::stdin().lock().take(bound).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn from_terminal(name: &Label) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let terminal = File::options().read(true).write(true).open("/dev/tty").map_err(|_| {
        Failure::usage("there is no terminal to ask at")
            .hint("give the value on standard input and say --stdin; it is never an argument")
    })?;
    let hushed = Hushed::new(&terminal)?;
    (&terminal).write_all(format!("Value of {name} (not shown): ").as_bytes())?;
    let line = typed(&terminal);
    drop(hushed);
    (&terminal).write_all(b"\n")?;
    line
}

/// One line, with the few keys by which a line is corrected.
fn typed(mut terminal: &File) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_SECRET_BYTES + 3));
    let mut byte = [0];
    while line.len() <= MAX_SECRET_BYTES {
        let [key] = if terminal.read(&mut byte)? == 0 { [4] } else { byte };
        match key {
            b'\r' | b'\n' => return Ok(line),
            // The keys that interrupt and end.
            3 | 4 => return Err(Failure::new(Kind::Usage, "not answered; nothing was sealed")),
            8 | 127 => drop(line.pop()),
            21 => line.clear(),
            key => line.push(key),
        }
    }
    Ok(line)
}

// === impl Hushed ===

impl<'a> Hushed<'a> {
    fn new(terminal: &'a File) -> Result<Self, Failure> {
        let before = tcgetattr(terminal).map_err(std::io::Error::from)?;
        let mut quiet = before.clone();
        // Keys come one by one, those that end a program too: it must not end with its terminal silenced.
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(terminal, OptionalActions::Flush, &quiet).map_err(std::io::Error::from)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hushed<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}
