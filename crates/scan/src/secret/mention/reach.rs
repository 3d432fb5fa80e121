//! The way from a word to its value: marks, quotation, and words that say nothing new.

use super::super::value::{self, Drawn};
use super::super::{View, is_word};
use super::list::Words;
use super::{Value, Way};

/// How far a value may stand from its word.
const FARTHEST: usize = 72;
/// Longest value.
const LONGEST: usize = 2048;

/// Words that say that a secret follows.
static KEYWORDS: Words<13> = Words::new([
    "access",
    "apikey",
    "api",
    "auth",
    "authtoken",
    "key",
    "keys",
    "pass",
    "password",
    "private",
    "secret",
    "token",
    "tkn",
]);
/// Words between a name and its value that say nothing.
static FILLERS: Words<24> = Words::new([
    "account",
    "app",
    "authtoken",
    "byte",
    "bytes",
    "client",
    "const",
    "default",
    "dev",
    "env",
    "id",
    "is",
    "live",
    "oauth",
    "pat",
    "prod",
    "service",
    "str",
    "string",
    "test",
    "text",
    "user",
    "value",
    "y",
]);

/// No word of these is longer.
const LONGEST_WORD: usize = 16;

/// What a field is called that holds the value for a name in the field before.
const FIELDS: [&str; 7] = ["value", "val", "string", "secretvalue", "content", "default", "defaultvalue"];

/// The place after the name of the field that holds the value, when the name that ends at `at` is the value of a field itself:
/// `name: X` and on the next line `value:`, `{"key": "X", "value":`, `<key>X</key><string>`.
pub(super) fn field(view: View<'_>, at: usize) -> Option<usize> {
    let mut here = at;
    let mut lines = 0;
    for _ in 0..FARTHEST {
        match view.at(here) {
            b'<' if view.at(here + 1) == b'/' => {
                let tag = view.slice(here, here + FARTHEST).iter().position(|byte| *byte == b'>')?;
                here += tag;
            }
            b'"' | b'\'' | b',' | b' ' | b'\t' | b'\r' | b'>' | b'<' | b';' => {}
            b'\\' if matches!(view.at(here + 1), b'n' | b'r' | b't' | b'"') => here += 1,
            b'\n' if lines == 0 => lines += 1,
            byte if byte.is_ascii_alphabetic() && here > at => {
                let rest = view.slice(here, here + 16);
                let length = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
                let word = rest.get(..length)?;
                let end = here + length;
                let is_field = FIELDS.iter().any(|field| word.eq_ignore_ascii_case(field.as_bytes()));
                let goes_on = view.slice(end, end + 4).iter().find(|byte| !b"\"'\\ ".contains(byte));
                let whole = view.slice(end, end + 8).iter().find(|byte| !b"\"'\\ :=>\r\n".contains(byte));
                let is_value =
                    matches!(goes_on, Some(b':' | b'=' | b'>')) && !matches!(whole, Some(b'{' | b'['));
                return (is_field && is_value).then_some(end);
            }
            _ => return None,
        }
        here += 1;
    }
    None
}

/// The value that stands after `at`: the first that looks drawn, or what a quotation holds after an assignment. No more
/// than `strange` unknown words may stand before it.
pub(super) fn value<'a>(view: View<'a>, at: usize, way: &mut Way, strange: usize) -> Option<Value<'a>> {
    let mut here = at;
    let mut lines = 0;
    let mut quote = 0;
    while here < at + FARTHEST {
        let byte = view.at(here);
        match byte {
            0 => return None,
            b'"' | b'\'' | b'`' => {
                quote = byte;
                here += 1;
                continue;
            }
            b'\\' => {
                let escape = view.at(here + 1);
                if matches!(escape, b'n' | b'r' | b't') {
                    lines += usize::from(escape == b'n');
                    here += 2;
                } else {
                    here += 1;
                }
                continue;
            }
            b'=' | b':' => {
                way.assigned = true;
                quote = 0;
                here += 1;
                continue;
            }
            b',' | b'(' | b'>' => {
                // Between arguments and after a tag a value stands in quotation marks, or is the text of an element.
                let next = view.at(here + 1);
                let quoted = |byte| matches!(byte, b'"' | b'\'' | b'`' | b'\\');
                if way.assigned || quoted(next) || next == b' ' && quoted(view.at(here + 2)) || byte == b'>' {
                    way.assigned = true;
                    way.listed |= byte == b',';
                } else {
                    return None;
                }
                quote = 0;
                here += 1;
                continue;
            }
            b'\n' => {
                lines += 1;
                here += 1;
                if lines > 1 || !way.assigned {
                    return None;
                }
                continue;
            }
            b' ' | b'\t' | b'\r' | b'[' | b'{' | b']' => {
                quote = 0;
                here += 1;
                continue;
            }
            // The type of a constant: `: &str =`, `: &'static str =`.
            b'&' if quote == 0 && way.assigned => {
                let lifetime = usize::from(view.at(here + 1) == b'\'');
                let word = view.slice(here + 1 + lifetime, here + 24);
                let letters = word.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
                if letters == 0 || view.at(here + 1 + lifetime + letters) != b' ' {
                    return None;
                }
                here += 1 + if lifetime == 1 { 1 + letters } else { 0 };
                continue;
            }
            b'-' | b'_' | b'.' | b'/' if quote == 0 || !way.assigned => {
                here += 1;
                continue;
            }
            _ => {}
        }
        if lines > 1 {
            return None;
        }
        way.quoted = quote != 0;
        if way.quoted && way.assigned {
            return quoted(view, here, quote);
        }
        if byte.is_ascii_alphabetic() {
            if let Some(length) = known(view, here, &KEYWORDS) {
                way.keyword = true;
                here += length;
                continue;
            }
            if let Some(length) = known(view, here, &FILLERS) {
                here += length;
                continue;
            }
        }
        let value = bare(view, here)?;
        // Before the mark of an assignment stands a name, and no value.
        let name = value.text.iter().position(|byte| matches!(byte, b'=' | b':'));
        let name =
            name.filter(|at| !way.assigned && value.text.get(at + 1).is_some_and(|next| *next != b'='));
        if let Some(length) = name {
            if way.strange >= strange || length > 24 {
                return None;
            }
            way.strange += 1;
            here += length;
            continue;
        }
        if value::drawn(value.text) > Drawn::No || way.assigned && way.strange == strange {
            return Some(value);
        }
        let letters =
            view.slice(here, value.end).iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        // A value is taken as a whole: what follows its first letters is no other.
        let is_whole = !is_word(view.at(here + letters)) || !way.assigned;
        if way.strange >= strange || letters == 0 || letters > 16 || !is_whole {
            return None;
        }
        way.strange += 1;
        here += letters;
    }
    None
}

/// A word of a list that stands here as a whole.
fn known<const N: usize>(view: View<'_>, at: usize, words: &Words<N>) -> Option<usize> {
    let ends = |word: &&str| {
        let end = at + word.len();
        let (last, next) = (view.before(end), view.at(end));
        !next.is_ascii_alphanumeric()
            || last.is_ascii_lowercase() && next.is_ascii_uppercase()
            || last.is_ascii_uppercase() && next.is_ascii_lowercase()
            || KEYWORDS.heads(view.slice(end, end + LONGEST_WORD)).next().is_some()
    };
    words.heads(view.slice(at, at + LONGEST_WORD)).filter(ends).map(str::len).max()
}

/// What stands up to the closing quotation mark of the same line.
fn quoted(view: View<'_>, at: usize, quote: u8) -> Option<Value<'_>> {
    let text = view.slice(at, at + LONGEST);
    let mut length = 0;
    for (index, byte) in text.iter().enumerate() {
        let escape = *byte == b'\\'
            && text
                .get(index + 1)
                .is_some_and(|next| *next == quote || matches!(next, b'n' | b'r' | b'"' | b'\''));
        if *byte == quote || *byte == b'\n' || escape {
            break;
        }
        length = index + 1;
    }
    let text = view.slice(at, at + length);
    (!text.is_empty() && length < LONGEST).then_some(Value { start: at, end: at + length, text })
}

/// What stands up to the next byte that ends a value outside of quotation marks.
pub(super) fn bare(view: View<'_>, at: usize) -> Option<Value<'_>> {
    let text = view.slice(at, at + LONGEST);
    let ends = |(at, byte): (usize, &u8)| match byte {
        b'"' | b'\'' | b'`' | b',' | b';' | b')' | b'(' | b'}' | b'{' | b'<' | b'>' | b'[' | b']' | b'|'
        | b'\\' | 0 => true,
        b'&' => is_next_field(text.get(at + 1..).unwrap_or_default()),
        byte => byte.is_ascii_whitespace(),
    };
    let mut length = text.iter().enumerate().position(ends).unwrap_or(text.len());
    if length >= LONGEST {
        return None;
    }
    while length > 0
        && matches!(view.before(at + length), b'.' | b':' | b'?' | b'!')
        && !is_word(view.at(at + length))
    {
        length -= 1;
    }
    let text = view.slice(at, at + length);
    (!text.is_empty()).then_some(Value { start: at, end: at + length, text })
}

/// Whether the text after an `&` goes on with another field of a form, or another command, and not with the value.
fn is_next_field(text: &[u8]) -> bool {
    let name = text.iter().take_while(|byte| is_word(**byte) || b"-.%[]".contains(byte)).count();
    matches!(text.get(name), Some(b'=')) && name > 0
        || text.first().is_none_or(|first| first.is_ascii_whitespace() || b"&\"'`#".contains(first))
}
