//! Reads `/proc/PID/stat`, whose second field is a name the process chose itself.

use std::fs;
use std::io;

/// What is needed of a process's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub parent: i32,
    pub session: i32,
    pub has_terminal: bool,
    pub started_ticks: u64,
}

/// State of process `pid`.
pub(crate) fn stat_of(pid: i32) -> io::Result<Stat> {
    parse(&fs::read(format!("/proc/{pid}/stat"))?)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the state of a process has no meaning"))
}

/// The name is in parentheses and may hold blanks, line ends and parentheses; the fields after it may not.
fn parse(line: &[u8]) -> Option<Stat> {
    let end_of_name = line.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(line.get(end_of_name.checked_add(1)?..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    // proc_pid_stat(5): field 3 is the state, 4 the parent, 6 the session, 7 the terminal or 0, 22 the start time.
    let parent = fields.nth(1)?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    let has_terminal = fields.next()?.parse::<i32>().ok()? != 0;
    let started_ticks = fields.nth(14)?.parse().ok()?;
    Some(Stat { parent, session, has_terminal, started_ticks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_forge_a_field() {
        let numbers = "S 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 4242 26";
        let wanted = Some(Stat { parent: 7, session: 9, has_terminal: true, started_ticks: 4242 });
        for name in ["sh", "a b", ") S 1 1 1", "((", ")", "\n) R 1", "\u{e9}"] {
            assert_eq!(parse(format!("55 ({name}) {numbers}").as_bytes()), wanted, "{name}");
        }
        let without = format!("55 (sh) {}", numbers.replacen(" 10", " 0", 1));
        assert_eq!(parse(without.as_bytes()), wanted.map(|stat| Stat { has_terminal: false, ..stat }));
        assert_eq!(parse(b"55 (\xff\xfe) S 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 4242"), wanted);
    }

    #[test]
    fn a_short_or_odd_line_means_nothing() {
        for line in [
            "",
            "55",
            "55 (sh",
            "55 (sh)",
            "55 (sh) S 7 8",
            "55 (sh) S x 8 9 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        ] {
            assert_eq!(parse(line.as_bytes()), None, "{line}");
        }
    }
}
