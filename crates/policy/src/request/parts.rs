//! Names of the parts of a form, read at once or while it passes.
//!
//! No border is believed: a server may see another one. So every `name=` counts, wherever it stands, and what stands behind it
//! does not go on before it was read. A file that holds such a name is refused as well.

use super::wire::{decoded, find};
use crate::names::Meaning;

/// Longest name of a field that is read in a form that is here as a whole, with what stands around it.
pub const MAX_HELD_NAME_BYTES: usize = 64 << 10;
/// Most places within a name at which another could begin or end, most in all names of a form, beside one for so many bytes of
/// it, and how much there is looked at.
const MAX_WITHIN: usize = 1 << 10;
const MAX_WITHIN_ALL: usize = 1 << 16;
const BYTES_A_PLACE: usize = 8;
const MAX_OTHER_BYTES: usize = 128;
/// Longest name that could be a method's, with blanks around it.
const MAX_FIELD_BYTES: usize = 64;
/// Longest word that could be the name of a parameter.
const MAX_KEY_BYTES: usize = 32;

/// A part names another method, or has a name of which that cannot be told.
#[derive(Debug, PartialEq, Eq)]
pub struct NamesMethod;

/// The names of a form in parts (RFC 7578, section 4.2), as forgiving readers have them: with any quotes or none, among other
/// parameters, with or without a semicolon in front, after whatever some language takes for white space, escaped, encoded, as the
/// part's `Content-ID`, or in pieces (RFC 2231, section 3) and encoded words (RFC 2047), of which nobody says here what they make.
#[derive(Debug)]
pub struct FormParts {
    at: At,
    most: usize,
    /// Names of parts and of their files so far.
    names: u64,
    /// Places within names that may still be looked at.
    within: usize,
}

#[derive(Debug)]
enum At {
    /// In the last word so far of what may be the key of a parameter; `true`: white space came after it.
    Key(Vec<u8>, bool),
    /// In the value of a name; `true`: nothing but white space of it came so far.
    Name(Vec<u8>, bool),
}

// === impl FormParts ===

impl FormParts {
    /// Names of at most so many bytes are read; longer ones count as a second method.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { at: At::Key(Vec::new(), false), most, names: 0, within: MAX_WITHIN_ALL }
    }

    /// Takes the next piece. Gives how many of the last bytes are of a name that is not whole: they are held back.
    ///
    /// # Errors
    /// When a part names another method.
    pub fn push(&mut self, piece: &[u8]) -> Result<usize, NamesMethod> {
        self.within = self.within.saturating_add(piece.len().div_ceil(BYTES_A_PLACE));
        for byte in piece {
            self.take(*byte)?;
        }
        Ok(match &self.at {
            At::Name(value, _) => value.len(),
            At::Key(..) => 0,
        })
    }

    /// How many names of parts and of their files there were so far, each counted where its value begins.
    #[must_use]
    pub const fn names(&self) -> u64 {
        self.names
    }

    /// Ends the form.
    ///
    /// # Errors
    /// When its last part names another method.
    pub fn finish(&mut self) -> Result<(), NamesMethod> {
        self.take(b'\n')
    }

    fn take(&mut self, byte: u8) -> Result<(), NamesMethod> {
        let is_end = matches!(byte, b'\r' | b'\n' | b';');
        match &mut self.at {
            // A line that was folded in front of the value (RFC 9112, section 5.2).
            At::Name(value, true) if is_end && byte != b';' => {
                if value.len() >= self.most {
                    return Err(NamesMethod);
                }
                value.push(byte);
            }
            At::Name(value, _) if is_end => {
                if names_method(value, &mut self.within) {
                    return Err(NamesMethod);
                }
                self.at = At::Key(Vec::new(), false);
            }
            At::Name(value, is_blank) => {
                if value.len() >= self.most {
                    return Err(NamesMethod);
                }
                *is_blank &= is_white(byte);
                value.push(byte);
            }
            At::Key(key, _) if byte == b'=' => {
                key.make_ascii_lowercase();
                if key.starts_with(b"name") || key.starts_with(b"filename") {
                    self.names += 1;
                }
                self.at = match key.as_slice() {
                    b"name" | b"name*" => At::Name(Vec::new(), true),
                    pieces if pieces.starts_with(b"name*") => return Err(NamesMethod),
                    _ => At::Key(Vec::new(), false),
                };
            }
            // Where a part has no name, some take this.
            At::Key(key, _) if byte == b':' && key.eq_ignore_ascii_case(b"content-id") => {
                self.names += 1;
                self.at = At::Name(Vec::new(), true);
            }
            At::Key(key, is_over) if is_of_key(byte) => {
                if std::mem::take(is_over) {
                    key.clear();
                }
                if key.len() < MAX_KEY_BYTES {
                    key.push(byte);
                }
            }
            At::Key(_, is_over) if is_white(byte) => *is_over = true,
            At::Key(..) => self.at = At::Key(Vec::new(), false),
        }
        Ok(())
    }
}

/// Letters of a key: those of a token (RFC 9110, section 5.6.2), without quotation marks.
const fn is_of_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'&' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'|' | b'~')
}

/// What some language takes for white space, or has in a letter that it does.
const fn is_white(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte.is_ascii_control() || byte >= 0x80
}

/// Whether a name, or one that begins within it, is that of a method. An encoded word can be any. `within`: how many places
/// may still be looked at; beyond that nobody says.
fn names_method(value: &[u8], within: &mut usize) -> bool {
    let value: Vec<u8> = value.iter().copied().filter(|byte| *byte != b'\\').collect();
    let plain = decoded(&value);
    let plain = String::from_utf8_lossy(&plain);
    let marks = plain.matches('=').count() + plain.matches('\'').count();
    if plain.contains("=?") || marks > MAX_WITHIN {
        return true;
    }
    if !says_method(plain.as_bytes()) {
        return false;
    }
    let Some(left) = within.checked_sub(marks) else { return true };
    *within = left;
    // Of several names on one line some take the first, others the last; and a name begins behind its language (RFC 8187).
    let behind = |mark: &'static str| plain.match_indices(mark).map(move |(at, _)| (at, at + mark.len()));
    let cuts = || behind("=").chain(behind("'"));
    let part = |from: usize, until: usize| {
        let (from, until) = (plain.ceil_char_boundary(from), plain.floor_char_boundary(until));
        plain.get(from..until).unwrap_or_default()
    };
    // All that end farther away begin alike.
    let first = cuts().map(|(before, _)| before).filter(|before| *before < MAX_OTHER_BYTES);
    let first = first.chain([plain.len().min(MAX_OTHER_BYTES)]).map(|until| part(0, until));
    let later = cuts().map(|(_, after)| part(after, plain.len().min(after + MAX_OTHER_BYTES)));
    std::iter::once(&*plain).chain(first).chain(later).any(is_method)
}

/// Whether the word stands in a text: it does in each name that servers take for another method's.
pub(super) fn says_method(text: &[u8]) -> bool {
    find(text, b"method").is_some()
}

fn is_method(text: &str) -> bool {
    let is_mark = |c: char| matches!(c, '"' | '\'' | ',' | '<' | '>' | char::REPLACEMENT_CHARACTER);
    let is_edge = |c: char| is_mark(c) || c.is_whitespace() || c.is_control();
    let text = text.trim_matches(is_edge);
    let first = text.split(is_edge).next().unwrap_or_default();
    [text, first].into_iter().any(is_method_field)
}

/// Whether a name is that of a method, with a bound on what is folded of it: only what stands before a place in a list, or
/// before a zero, makes the name.
pub(super) fn is_method_field(name: &str) -> bool {
    let name = name.trim();
    let end = name.char_indices().skip(1).find(|(at, c)| matches!(c, '[' | '\0') || *at > MAX_FIELD_BYTES);
    let base = match end {
        Some((at, _)) if at > MAX_FIELD_BYTES => return false,
        Some((at, _)) => name.get(..at).unwrap_or_default(),
        None => name,
    };
    says_method(base.as_bytes()) && Meaning::of_field(base) == Some(Meaning::Method)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX_NAME_BYTES: usize = 1 << 10;

    /// Whether a form was stopped, and how much of it had gone on.
    fn through(form: &[u8], step: usize) -> (bool, usize) {
        let mut parts = FormParts::new(MAX_NAME_BYTES);
        let (mut came, mut gone) = (0, 0);
        for piece in form.chunks(step) {
            came += piece.len();
            match parts.push(piece) {
                Ok(open) => gone = came - open,
                Err(NamesMethod) => return (true, gone),
            }
        }
        (parts.finish().is_err(), gone)
    }

    #[test]
    fn attack_the_name_of_a_second_method_does_not_go_on_however_it_is_cut() {
        for name in [
            "Content-Disposition: form-data; name=\"_method\"",
            "Content-Disposition: form-data; NAME = _method",
            "Content-Disposition: form-data; name='_me\\thod'; a=b",
            "Content-Disposition: form-data; name*=utf-8''%5fmethod",
            // White space of Python, Ruby and Java.
            "Content-Disposition: form-data;\u{c}name=\"_method\"",
            "Content-Disposition: form-data;\u{b}name=\"_method\"",
            "Content-Disposition: form-data;\u{a0}name=\"_method\"",
            "Content-Disposition: form-data;\u{1c}name\u{85}=\u{2003}\"_method\"",
            // Rack looks for a name behind white space.
            "Content-Disposition: form-data; a=b name=\"_method\"",
            "Content-Disposition: form-data; name=a name=\"_method\"",
            "Content-Disposition: form-data; name*=utf-8'en'_method",
            "Content-Disposition: form-data; name=\"_method\" x=''y",
            "Content-Disposition: form-data; name=\"_method\"''x",
            "Content-Disposition: form-data; name=\r\n \"_method\"",
            "Content-ID: _method",
            "content-id : <_method>",
            // Java's mail and upload libraries decode words.
            "Content-Disposition: form-data; name=\"=?utf-8?Q?=5Fmethod?=\"",
            "Content-Disposition: form-data; name=\"=?utf-8?B?X21ldGhvZA==?=\"",
        ] {
            let before = format!(
                "--x\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n{}\r\n",
                "a=b;c ".repeat(999)
            );
            let form = format!("{before}--x\r\n{name}\r\n\r\nDELETE\r\n--x--");
            let end = before.len() + "--x\r\n".len() + name.len();
            for step in [1, 3, 64, 4096] {
                let (is_stopped, gone) = through(form.as_bytes(), step);
                assert!(is_stopped && gone < end, "{name} {step} {gone} {end}");
            }
        }
        let long = format!("name=\"{}_method\"\r\n", " ".repeat(2 * MAX_NAME_BYTES));
        assert!(through(long.as_bytes(), 100).0);
        let pieces = "name*0=_me; name*1=thod\r\n";
        assert!(through(pieces.as_bytes(), 5).0);
        for blank in [b'\r', b'\n', b' '] {
            assert!(
                FormParts::new(MAX_HELD_NAME_BYTES)
                    .push(&[b"name=" as &[u8], &vec![blank; 4 << 20]].concat())
                    .is_err()
            );
        }
        assert!(
            FormParts::new(usize::MAX)
                .push(&[b"name=" as &[u8], &vec![b'='; 4 << 20], b";"].concat())
                .is_err()
        );
    }

    #[test]
    fn attack_a_form_whose_names_are_many_at_each_place_is_not_looked_at_for_long() {
        for mark in ["=", "'"] {
            const MARKS: usize = MAX_WITHIN / 2;
            let line = format!("name=a_method{}\n", mark.repeat(MARKS));
            assert!(!through(line.repeat(MAX_WITHIN_ALL / MARKS).as_bytes(), 4096).0);
            assert!(through(line.repeat(2 * MAX_WITHIN_ALL / MARKS).as_bytes(), 4096).0);
        }
        // A long file of another sort goes on.
        let dump = "INSERT INTO payment SET name='x', method='y', note='paid by hand';\n".repeat(60_000);
        assert!(!through(dump.as_bytes(), 4096).0);
    }

    #[test]
    fn what_a_package_holds_goes_on() {
        let file: Vec<u8> = (0..200_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let mut form =
            b"--x\r\nContent-Disposition: form-data; name=\"content\"; filename=\"_method\"\r\n\r\n".to_vec();
        form.extend_from_slice(&file);
        form.extend_from_slice(
            b"\r\n--x\r\nContent-Disposition: form-data; name=\":action\"\r\n\r\nfile_upload\r\n--x--\r\n",
        );
        for step in [1, 100, 8192] {
            assert_eq!(through(&form, step), (false, form.len()));
        }
    }

    proptest! {
        /// The pieces change nothing.
        #[test]
        fn the_outcome_does_not_depend_on_the_pieces(
            form in "(name|NAME|x|=|\"|_method|;|\r\n| |\\*|%5f|,){0,40}",
            step in 1_usize..9,
        ) {
            prop_assert_eq!(through(form.as_bytes(), step).0, through(form.as_bytes(), 1000).0);
        }

        #[test]
        fn a_part_of_that_name_is_found_behind_anything(before in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut form = before;
            form.extend_from_slice(b"\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE");
            prop_assert!(through(&form, 7).0);
        }
    }
}
