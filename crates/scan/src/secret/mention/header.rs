//! `Authorization: SCHEME VALUE` (RFC 9110, section 11.6.2), and `Bearer VALUE` wherever it stands (RFC 6750).

use base64::Engine as _;

use super::super::value::{self, Drawn};
use super::super::{Confidence, Found, View, is_word};
use super::reach;

pub(super) const RULE: &str = "authorization-header";

pub(super) fn find(view: View<'_>, at: usize, end: usize) -> Option<Found> {
    if is_word(view.before(at)) && view.before(at) != b'_' || view.at(end).is_ascii_alphanumeric() {
        return None;
    }
    let bearer = view.slice(at, end).eq_ignore_ascii_case(b"bearer");
    let mut here = end;
    let mut marks = 0;
    let mut spaces = 0;
    for _ in 0..16 {
        match view.at(here) {
            b':' | b'=' | b',' => marks += 1,
            b' ' | b'\t' => spaces += 1,
            b'"' | b'\'' | b'`' | b'\\' | b'>' | b'[' | b']' => {}
            _ => break,
        }
        here += 1;
    }
    if marks + spaces == 0 || !bearer && marks == 0 {
        return None;
    }
    let word = view
        .slice(here, here + 16)
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'-')
        .count();
    let scheme =
        if !bearer && word > 1 && view.at(here + word) == b' ' { view.slice(here, here + word) } else { b"" };
    if !scheme.is_empty() {
        here += word;
        while view.at(here) == b' ' {
            here += 1;
        }
    }
    let value = reach::bare(view, here)?;
    let text = value.text;
    if value::is_reference(text)
        || value::is_placeholder(text)
        || value::is_published(text)
        || view.at(value.end) == b'('
    {
        return None;
    }
    let drawn = value::drawn(text);
    let confidence = if scheme.eq_ignore_ascii_case(b"basic") {
        let text = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
        let pair = base64::engine::general_purpose::STANDARD_NO_PAD.decode(text).ok()?;
        pair.contains(&b':').then_some(Confidence::Medium)?
    } else {
        let wanted = if scheme.is_empty() && !bearer { Drawn::Likely } else { Drawn::Perhaps };
        match drawn {
            Drawn::Surely => Confidence::Medium,
            Drawn::Likely | Drawn::Perhaps if drawn >= wanted && text.len() >= 10 => Confidence::Low,
            Drawn::Likely | Drawn::No | Drawn::Perhaps => return None,
        }
    };
    Some(Found { start: value.start, end: value.end, rule: RULE, confidence })
}
