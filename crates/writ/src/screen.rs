//! What people read: text that agents or clients wrote is quoted, so that it cannot pass for ours.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;
use writ_model::Timestamp;

/// The version of everything that `--json` prints.
const JSON_VERSION: u32 = 1;
/// Longest path that is shown whole in a list.
const MAX_PATH_BYTES: usize = 300;
/// Longest claim that is shown whole.
const MAX_QUOTED_CHARS: usize = 4_000;

/// A text of somebody else's, in quotation marks, on one line, with everything that could move the cursor, turn the
/// reading direction or hide itself written out as `\u{…}`.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

/// Prints one line of data to standard output. A reader that went away is no error of ours.
pub(crate) fn line(text: impl fmt::Display) -> io::Result<()> {
    ignoring_closed(writeln!(anstream::stdout(), "{text}"))
}

/// Prints one line for people to standard error.
pub(crate) fn say(text: impl fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// What a program leaves in a terminal, undone in an order that does not depend on what it was: a sequence or string that
/// was not ended (CAN, ST), output held back (2026) or sent to a printer (MC), the other screen (47, 1047, 1049), then a
/// soft reset (DECSTR), with what that leaves out on some terminals: reverse (5), origin (6), wrapping (7), the cursor (25), mice
/// (1000 to 1006), focus (1004), pasting (2004), margins (69, DECSTBM), insertion (4), character sets, colours (SGR, OSC 104, 110,
/// 111, 112) and links (OSC 8). Then the last line, because leaving the other screen moves the cursor to anywhere.
/// From ECMA-48 and xterm's "Control Sequences".
const CALM: &str = "\u{18}\u{1b}\\\u{1b}[?2026l\u{1b}[4i\u{1b}[?4i\u{1b}[?1049l\u{1b}[?1047l\u{1b}[?47l\u{1b}[!p\u{1b}[?5l\u{1b}[?6l\
    \u{1b}[?7h\u{1b}[?25h\u{1b}[?1000l\u{1b}[?1002l\u{1b}[?1003l\u{1b}[?1004l\u{1b}[?1006l\u{1b}[?2004l\u{1b}[?69l\u{1b}[r\u{1b}[4l\u{1b}[20l\
    \u{1b}(B\u{1b})B\u{f}\u{1b}[0m\u{1b}]104\u{1b}\\\u{1b}]110\u{1b}\\\u{1b}]111\u{1b}\\\u{1b}]112\u{1b}\\\u{1b}]8;;\u{1b}\\\u{1b}[999;1H\r\n";

/// Makes the terminal, where people read on one, show what is said next, whatever ran in it before.
pub(crate) fn calm() {
    let mut stderr = io::stderr();
    if stderr.is_terminal() {
        let _ = stderr.write_all(CALM.as_bytes()).and_then(|()| stderr.flush());
    }
}

/// A path for a list that people read: as it is, or quoted where it could show as something else.
pub(crate) fn path(path: &std::path::Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = path.to_str().is_some()
        && text.len() <= MAX_PATH_BYTES
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.contains(['"', '\\'])
        && !text.chars().any(is_deceptive);
    if is_plain {
        return text.into_owned();
    }
    let cut: String = text.chars().take(MAX_PATH_BYTES).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", Quoted(&cut))
}

/// Prints an object as one line of JSON, with the version of the `--json` contract.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Versioned<'a, T> {
        v: u32,
        #[serde(flatten)]
        value: &'a T,
    }
    Ok(line(serde_json::to_string(&Versioned { v: JSON_VERSION, value })?)?)
}

/// The stable word of an enum that stands in the record.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => "?".to_owned(),
    }
}

fn ignoring_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A table without lines: headings, then rows, columns aligned.
pub(crate) fn table<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(headings);
    for row in rows {
        table.add_row(row);
    }
    table.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join("\n")
}

/// How far off a time is, in one unit: `12 s`, `4 min`, `3 h`, `89 d`.
pub(crate) fn span(from: Timestamp, to: Timestamp) -> String {
    let seconds = from.until(to).as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", (seconds + 30) / 60),
        7_200..172_800 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} d", (seconds + 43_200) / 86_400),
    }
}

// === impl Quoted ===

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut rest = self.0.chars();
        for c in rest.by_ref().take(MAX_QUOTED_CHARS) {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                c if is_deceptive(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')?;
        match rest.count() {
            0 => Ok(()),
            more => write!(f, " and {more} more characters"),
        }
    }
}

/// Control, bidirectional, invisible and private characters, and spaces that are not the space.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(u32::from(c),
            0x00ad | 0x034f | 0x061c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
            | 0x202a..=0x202e | 0x2060..=0x206f | 0x2800 | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
            | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff | 0xe000..=0xf8ff
            | 0xf0000..=0x10_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_stays_on_its_line_and_shows_what_hides() {
        for (text, shown) in [
            ("rm -rf build", "\"rm -rf build\""),
            ("a\nb\tc", "\"a\\nb\\tc\""),
            ("say \"yes\" \\", "\"say \\\"yes\\\" \\\\\""),
            ("\u{1b}[2Jgone", "\"\\u{1b}[2Jgone\""),
            ("\u{202e}txt.exe", "\"\\u{202e}txt.exe\""),
            ("zero\u{200b}width", "\"zero\\u{200b}width\""),
            ("tag\u{e0041}", "\"tag\\u{e0041}\""),
            ("caf\u{e9}", "\"caf\u{e9}\""),
            ("a\u{a0}b", "\"a\\u{a0}b\""),
        ] {
            assert_eq!(Quoted(text).to_string(), shown);
        }
    }

    #[test]
    fn a_long_claim_is_cut_and_says_so() {
        let shown = Quoted(&"x".repeat(MAX_QUOTED_CHARS + 7)).to_string();
        assert!(shown.ends_with("\" and 7 more characters"));
    }

    #[test]
    fn a_path_shows_as_what_it_is() {
        for (text, shown) in [
            ("a b/c.yml", "a b/c.yml"),
            ("a\u{1b}[2Kb", "\"a\\u{1b}[2Kb\""),
            ("a\nb", "\"a\\nb\""),
            (" a", "\" a\""),
            ("caf\u{e9}", "caf\u{e9}"),
        ] {
            assert_eq!(path(std::path::Path::new(text)), shown);
        }
        assert!(path(std::path::Path::new(&"x".repeat(5_000))).len() < 400);
    }

    #[test]
    fn a_span_has_one_unit() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        for (seconds, text) in
            [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (7_776_000, "90 d"), (-5, "0 s")]
        {
            assert_eq!(span(at(0), at(seconds)), text);
        }
    }
}
