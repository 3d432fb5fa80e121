//! Credentials in what a shell or a session begins with: variables that are set, and values with a vendor's format anywhere.

use crate::credential_name::{has_password, is_credential_name, is_marked, is_real};
use crate::secret::{Confidence, Detector};

use super::lines::{MAX_LINE_BYTES, is_public, what};
use super::{Draft, Page, end, service};

/// Words in front of a name that is set.
const SETS: &[&str] = &["declare", "env", "export", "readonly", "setenv", "typeset"];

pub(super) fn read(bytes: &[u8], page: &mut Page<'_>) {
    let text = String::from_utf8_lossy(bytes);
    for (number, line) in text.lines().enumerate().filter(|(_, line)| line.len() <= MAX_LINE_BYTES) {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        let set = set(line).filter(|(name, value)| {
            !is_public(name) && ((is_credential_name(name) && is_real(name, value)) || has_password(value))
        });
        let (name, value) = match set.or_else(|| format(line).map(|value| ("", value))) {
            Some(found) => found,
            None => continue,
        };
        let of_name = service::of_name(name);
        let (life, _) = end::of_kept(value.as_bytes());
        page.add(Draft {
            life,
            opens: of_name.map(|service| service.opens.to_owned()),
            instead: of_name.map(|service| service.instead),
            ..Draft::of(what(name), name, number, value)
        });
    }
}

/// The first value with a format or a mark that a vendor has published.
pub(super) fn format(text: &str) -> Option<&str> {
    let found = Detector::shipped().find(text.as_bytes());
    let is_one = |found: &&crate::secret::Finding| {
        found.has_format() && !found.is_public() && found.confidence >= Confidence::Medium
    };
    let Some(found) = found.iter().find(is_one) else {
        // One whose checksum says otherwise still has its vendor's mark.
        let apart = |letter: char| letter.is_whitespace() || "\"'`=:@;,()".contains(letter);
        return text.split(apart).find(|word| is_marked(word));
    };
    text.get(usize::try_from(found.start).ok()?..usize::try_from(found.end).ok()?)
}

/// `export NAME=value`, `NAME=value`, fish's `set -gx NAME value`, csh's `setenv NAME value`: the name and the value.
fn set(line: &str) -> Option<(&str, &str)> {
    let mut rest = line;
    let mut by_blank = false;
    while let Some((word, after)) = rest.split_once([' ', '\t']) {
        if !(SETS.contains(&word) || word == "set" || word.starts_with('-')) {
            break;
        }
        by_blank |= ["set", "setenv"].contains(&word);
        rest = after.trim_start();
    }
    let (name, value) = if by_blank { rest.split_once([' ', '\t'])? } else { rest.split_once('=')? };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(is_name) {
        return None;
    }
    let value = value.trim_start();
    let value = match value.chars().next().filter(|quote| ['"', '\''].contains(quote)) {
        Some(quote) => value.get(1..)?.split(quote).next()?,
        None => value.split([' ', '\t', ';']).next()?,
    };
    Some((name, value))
}
