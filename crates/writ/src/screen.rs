//! What people read: text that agents or clients wrote is quoted, so that it cannot pass for ours.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use serde::Serialize;
use writ_model::Timestamp;

/// The version of everything that `--json` prints.
const JSON_VERSION: u32 = 1;
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
    fn a_span_has_one_unit() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        for (seconds, text) in
            [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (7_776_000, "90 d"), (-5, "0 s")]
        {
            assert_eq!(span(at(0), at(seconds)), text);
        }
    }
}
