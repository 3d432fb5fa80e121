//! Programs that take a password among their arguments.

use super::super::value;
use super::super::{Confidence, Found, View};
use super::words::Command;
use super::{Value, reach};

pub(super) const RULE: &str = "command-line-password";

/// How much of a command is read.
const LONGEST: usize = 640;

pub(super) fn find(view: View<'_>, at: usize, end: usize, which: Command) -> Option<Found> {
    if view.before(at).is_ascii_alphanumeric() {
        return None;
    }
    let line = view.slice(end, end + LONGEST);
    let mut before = b' ';
    for (index, byte) in line.iter().enumerate() {
        match byte {
            b'\n' if before != b'\\' => return None,
            b'-' if before.is_ascii_whitespace() => {
                if let Some(found) = option(view, end + index, which) {
                    return Some(found);
                }
            }
            _ => {}
        }
        before = *byte;
    }
    None
}

/// The password of an option that begins here.
fn option(view: View<'_>, at: usize, which: Command) -> Option<Found> {
    let flags: &[&str] = match which {
        Command::Pair => &["--user", "--proxy-user", "-u", "-U"],
        Command::Key => &["-k"],
        Command::Password => &["-p", "-a"],
        Command::Percent => &["-U", "--user"],
        Command::Share => &["-P"],
        Command::Word => &["-w"],
    };
    let flag = flags.iter().find(|flag| view.slice(at, at + flag.len()) == flag.as_bytes())?;
    let mut here = at + flag.len();
    let glued = !matches!(view.at(here), b' ' | b'=' | b'"' | b'\'' | b'\\');
    if glued && which != Command::Password {
        return None;
    }
    while matches!(view.at(here), b' ' | b'=' | b'"' | b'\'' | b'\\') && here < at + 24 {
        here += 1;
    }
    let quote = view.before(here);
    let value = if matches!(quote, b'"' | b'\'') {
        let text = view.slice(here, here + 256);
        let length = text.iter().position(|byte| *byte == quote || *byte == b'\\' || *byte == b'\n')?;
        Value { start: here, end: here + length, text: view.slice(here, here + length) }
    } else {
        let value = reach::bare(view, here)?;
        // `user:'password'`: the shell joins what stands side by side.
        let next = view.at(value.end + 1);
        if matches!(next, b'"' | b'\'') && view.at(value.end) == b':' {
            let text = view.slice(value.end + 2, value.end + 258);
            let length = text.iter().position(|byte| *byte == next)?;
            let (start, end) = (value.end + 2, value.end + 2 + length);
            return secret(view, Value { start, end, text: view.slice(start, end) });
        }
        value
    };
    if value.text.contains(&b' ') || value.text.iter().any(|byte| b"$<{`".contains(byte)) {
        return None;
    }
    match which {
        Command::Pair => {
            let colon = value.text.iter().position(|byte| *byte == b':')?;
            let start = value.start + colon + 1;
            secret(view, Value { start, text: view.slice(start, value.end), ..value })
        }
        Command::Percent => {
            let percent = value.text.iter().position(|byte| *byte == b'%')?;
            let start = value.start + percent + 1;
            secret(view, Value { start, text: view.slice(start, value.end), ..value })
        }
        Command::Key | Command::Password | Command::Share | Command::Word => {
            // A port, a path or a mapping of ports is no password.
            let other = value.text.iter().all(|byte| byte.is_ascii_digit() || b":./-".contains(byte));
            (!other && !value.text.starts_with(b"-")).then(|| secret(view, value)).flatten()
        }
    }
}

fn secret(_: View<'_>, value: Value<'_>) -> Option<Found> {
    let text = value.text;
    let named = [&b"pass"[..], b"password", b"secret", b"token", b"yyy", b"test"].contains(&text);
    let none = text.len() < 4 || named || value::is_reference(text) || value::is_placeholder(text);
    (!none).then_some(Found {
        start: value.start,
        end: value.end,
        rule: RULE,
        confidence: Confidence::Medium,
    })
}
