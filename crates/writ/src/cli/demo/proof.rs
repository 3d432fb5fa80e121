//! The proof: what a stranger can check with the ledger's files, its public keys and the checkpoints that were printed,
//! with no control plane, no private key and no network.

use std::path::{Path, PathBuf};

use serde_json::Value;
use writ_control::api::message::AuditProof;

use super::house::House;
use super::record::Decided;
use crate::failure::{Failure, Kind};

/// What `writ audit verify` said about one copy of the ledger.
pub(super) struct Verdict {
    pub(super) code: Option<i32>,
    pub(super) intact: bool,
    pub(super) entries: u64,
    /// Each fault as it is printed, with its log in front.
    pub(super) faults: Vec<String>,
}

/// What a stranger is given.
pub(super) struct Evidence {
    keys: Vec<String>,
    checkpoints: Vec<PathBuf>,
}

// === impl Evidence ===

impl Evidence {
    /// The public keys, while the control plane still runs, and the checkpoints that the run printed at its end.
    pub(super) fn collect(house: &House, printed: &str) -> Result<Self, Failure> {
        let mut keys = Vec::new();
        for entry in ["control:0", "activity:0"] {
            keys.push(house.json::<AuditProof>(&["audit", "prove", entry])?.vkey);
        }
        let mut checkpoints = Vec::new();
        for (number, note) in notes(printed).into_iter().enumerate() {
            let path = house.root().join(format!("kept-{number}.note"));
            house.put(&path, &note)?;
            checkpoints.push(path);
        }
        Ok(Self { keys, checkpoints })
    }

    /// How many checkpoints were printed.
    pub(super) fn checkpoints(&self) -> usize {
        self.checkpoints.len()
    }

    /// Verifies a copy as somebody would who has nothing of ours.
    pub(super) fn verify(&self, house: &House, ledger: &Path) -> Result<Verdict, Failure> {
        let mut words = vec!["audit".to_owned(), "verify".to_owned(), "--json".to_owned()];
        words.extend(["--ledger".to_owned(), ledger.to_string_lossy().into_owned()]);
        words.extend(self.keys.iter().map(|key| format!("--key={key}")));
        words.extend(self.checkpoints.iter().map(|path| format!("--checkpoint={}", path.display())));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = house.writ(&words);
        command.env(crate::config::variable::STATE_DIR, house.root().join("nobody"));
        let said = house.finished(command, "verify")?;
        let report: Value = serde_json::from_str(&said.stdout).map_err(|_| {
            Failure::new(
                Kind::Broken,
                format_args!("`writ audit verify` gave no report: {}", said.last_words()),
            )
        })?;
        let text = |fault: &Value, field: &str| {
            fault.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let faults = report.get("faults").and_then(Value::as_array).into_iter().flatten();
        let size = |log: &str| report.pointer(&format!("/{log}/size")).and_then(Value::as_u64).unwrap_or(0);
        Ok(Verdict {
            code: said.code,
            intact: report.get("intact") == Some(&Value::Bool(true)),
            entries: size("control") + size("activity"),
            faults: faults
                .map(|fault| format!("{}: {}", text(fault, "place"), text(fault, "what")))
                .collect(),
        })
    }
}

/// A copy of the ledger's files. The control plane must have ended.
pub(super) fn copy(house: &House, name: &str) -> Result<PathBuf, Failure> {
    let to = house.root().join(name);
    std::fs::create_dir(&to)?;
    for entry in std::fs::read_dir(house.state().ledger())? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(to)
}

/// Changes one character of one entry in a copy, as somebody with the disk in hand could.
pub(super) fn tamper(ledger: &Path, entry: &Decided) -> Result<(), Failure> {
    // Any text that stands in this entry alone will do; the first could lie across two pages of the file.
    let marks = [entry.call.to_string(), entry.action.to_string(), entry.arguments.to_string()];
    for file in std::fs::read_dir(ledger)? {
        let path = file?.path();
        let mut bytes = std::fs::read(&path)?;
        for mark in &marks {
            if let Some(last) = end_of(&bytes, mark.as_bytes()).and_then(|end| bytes.get_mut(end)) {
                *last = if *last == b'0' { b'1' } else { b'0' };
                return Ok(std::fs::write(&path, bytes)?);
            }
        }
    }
    Err(Failure::new(Kind::Broken, format_args!("the copy of the ledger does not hold {}", entry.entry)))
}

/// Where the last byte of the first such text stands.
fn end_of(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted).map(|start| start + wanted.len() - 1)
}

/// The signed notes in what a run prints: indented blocks under a line that begins with `checkpoint`.
fn notes(printed: &str) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    let mut inside = false;
    for line in printed.lines() {
        if line.trim_start().starts_with("checkpoint of the ") {
            notes.push(String::new());
            inside = true;
        } else if inside && (line.is_empty() || line.starts_with("    ")) {
            if let Some(note) = notes.last_mut() {
                note.push_str(line.trim_start());
                note.push('\n');
            }
        } else {
            inside = false;
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_checkpoints_are_found_whole() {
        let printed = "writ: task x has ended\n  calls   1\n  checkpoint of the control log at 3; keep it:\n    a/control\n    \
                       3\n    root=\n\n    — a/control sig\n  checkpoint of the activity log at 9; keep it:\n    a/activity\n    \
                       9\n    root=\n\n    — a/activity sig\n  story   writ audit show x\n";
        let notes = notes(printed);
        assert_eq!(
            notes,
            ["a/control\n3\nroot=\n\n— a/control sig\n", "a/activity\n9\nroot=\n\n— a/activity sig\n"]
        );
    }

    #[test]
    fn the_last_byte_of_a_text_is_found() {
        assert_eq!(end_of(b"xxabcx", b"abc"), Some(4));
        assert_eq!(end_of(b"xxab", b"abc"), None);
    }
}
