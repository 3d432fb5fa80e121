//! Marks of credentials that stand in files of tools, so that one that stands elsewhere too shows.
//!
//! The survey keeps a line and a name, and no value. The line is read again here, and its value leaves as a mark only.

use std::path::Path;

use crate::credential_name::{is_marked, is_real};
use crate::secret::Marker;
use crate::survey::{Found, MAX_FILE_BYTES};
use crate::walk::read_regular;

use super::{Credential, Guard, end};

/// Shortest value that says something by being equal to another.
const MIN_BYTES: usize = 12;
/// Longest line that is looked at, in bytes.
const MAX_LINE_BYTES: usize = 16 << 10;

/// One credential for each place in these files where one stands in plain text. Paths of what was found are below the root.
pub fn of_found(root: &Path, found: &[Found], marker: &Marker) -> Vec<Credential> {
    let mut credentials = Vec::new();
    for found in found.iter().filter(|found| !found.hard_coded.is_empty() && found.tool != "git") {
        let Ok(bytes) = read_regular(&root.join(&found.path), MAX_FILE_BYTES) else { continue };
        let bytes = zeroize::Zeroizing::new(bytes);
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        for at in &found.hard_coded {
            let index = usize::try_from(at.line).unwrap_or(usize::MAX).saturating_sub(1);
            let Some(line) = lines.get(index).filter(|line| line.len() <= MAX_LINE_BYTES) else { continue };
            let Ok(line) = std::str::from_utf8(line) else { continue };
            let Some(value) = value(line, &at.name) else { continue };
            let (life, expires_at) = end::of_value(value.as_bytes());
            credentials.push(Credential {
                kind: "agent-files",
                what: "hard-coded credential",
                place: found.path.clone(),
                line: at.line,
                name: at.name.chars().take(200).collect(),
                opens: String::new(),
                changed_at: None,
                made_at: None,
                expires_at,
                life,
                guard: Guard::None,
                mark: Some(marker.mark(value.as_bytes())),
                others_read: false,
                instead: None,
            });
        }
    }
    credentials
}

/// The value on a line that a name stands before: what has a vendor's mark, else what stands last and could be one.
fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let apart = |letter: char| {
        letter.is_whitespace() || matches!(letter, '"' | '\'' | ',' | ';' | '{' | '}' | '[' | ']' | '(' | ')')
    };
    let finer = |letter: char| apart(letter) || matches!(letter, '=' | ':' | '@' | '/' | '?' | '&');
    let marked = line.split(finer).find(|word| word.len() >= MIN_BYTES && is_marked(word));
    // Standing after its name, as `NAME=value` does too.
    let after = line.find(name).and_then(|at| line.get(at + name.len()..)).unwrap_or(line);
    let word = |part: &&'a str| {
        part.len() >= MIN_BYTES && part.bytes().any(|byte| byte.is_ascii_digit()) && is_real(name, part)
    };
    marked.or_else(|| after.split(apart).map(|part| part.trim_start_matches(['=', ':'])).find(word))
}
