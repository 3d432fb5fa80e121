//! Credentials in what somebody typed: `NAME=value` before a command, a header, an address with a password, or a value
//! with its vendor's mark. Histories hold everything that was ever pasted, and any program of this user reads them.

use crate::credential_name::{has_password, is_credential_name, is_marked, is_real};

use super::{Draft, Page, end, service};

/// Longest line that is looked at, in bytes.
const MAX_LINE_BYTES: usize = 16 << 10;
/// Most words of one line that are looked at.
const MAX_WORDS: usize = 1_000;

pub(super) fn read(bytes: &[u8], page: &mut Page<'_>) {
    let text = String::from_utf8_lossy(bytes);
    for (number, line) in text.lines().enumerate().filter(|(_, line)| line.len() <= MAX_LINE_BYTES) {
        let line_number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        let words = line.split(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | ';'));
        for word in words.filter(|word| word.len() >= 8).take(MAX_WORDS) {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) if is_variable(name) => (name, value),
                _ => ("", word),
            };
            let named = is_credential_name(name) && is_real(name, value);
            if !(named || is_marked(value) || has_password(value)) || name.ends_with("ACCESS_KEY_ID") {
                continue;
            }
            let of_name = service::of_name(name);
            let (life, _) = end::of_kept(value.as_bytes());
            page.add(Draft {
                life,
                opens: of_name.map(|service| service.opens.to_owned()),
                instead: of_name.map(|service| service.instead),
                ..Draft::of("typed value", name, line_number, value)
            });
        }
    }
}

fn is_variable(name: &str) -> bool {
    let name = name.trim_start_matches('-');
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}
