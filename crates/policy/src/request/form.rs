//! Forms of several parts (RFC 7578), as far as package indexes use them: which plain fields they have. Parts are looked
//! for by their headers alone, so that a form whose border lies is still seen.

use super::wire::{decode_lossy, find};

/// Most parts that are read.
const PARTS: usize = 512;

/// The header that a part is known by.
const MARK: &[u8] = b"content-disposition";

/// Longest value that is kept.
const VALUE_BYTES: usize = 256;

/// Most values of one parameter on a line, of which nobody sends more than one.
const VALUES: usize = 8;

/// Longest header that is read, folded lines together.
const LINE_BYTES: usize = 4 << 10;

/// A part of a form.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// All names on its line: of several some servers take the first, others the last.
    pub names: Vec<String>,
    /// The names of the file that it is; none for a plain field.
    pub files: Vec<String>,
    /// Its name is written so that servers read it differently, or not at all.
    pub is_odd: bool,
    /// The same of the name of its file.
    pub is_odd_file: bool,
    /// Empty where it is long, or of a file.
    pub value: String,
    /// All that stands between its name and the next part's, whatever the borders say.
    pub rest: &'a [u8],
}

/// The parts of a form. Beyond the bound there may be more, which makes the last one odd.
pub(super) fn parts(body: &[u8]) -> Vec<Part<'_>> {
    let mut found: Vec<Part<'_>> = Vec::new();
    let mut rest = after_mark(body);
    while let Some((part, after)) = rest.map(next) {
        if found.len() == PARTS {
            found.last_mut().iter_mut().for_each(|last| last.is_odd = true);
            break;
        }
        found.push(part);
        rest = after;
    }
    found
}

/// Whether the start of a form goes so far that the content of a file follows, and no value of a field.
#[must_use]
pub fn ends_in_file(start: &[u8]) -> bool {
    parts(start).last().is_some_and(|last| !last.files.is_empty() && !last.is_odd && !last.is_odd_file)
}

/// What follows the next `Content-Disposition` header's name.
fn after_mark(body: &[u8]) -> Option<&[u8]> {
    body.get(find(body, MARK)? + MARK.len()..)
}

/// The part whose header goes on here, of whatever kind it says to be, and where the next one does.
fn next(text: &[u8]) -> (Part<'_>, Option<&[u8]>) {
    let (end, is_cut) = end_of_line(text);
    let (line, after) = text.split_at_checked(end).unwrap_or((text, &[]));
    let line = String::from_utf8_lossy(line).replace(['\r', '\n'], " ");
    let (names, is_odd_name) = values(&line, "name");
    let (files, is_odd_file) = values(&line, "filename");
    let (rest, later) = match find(after, MARK) {
        Some(at) => (after.get(..at).unwrap_or_default(), after.get(at + MARK.len()..)),
        None => (after, None),
    };
    let is_odd = is_cut || is_odd_name || has_two_ends(text, end, rest);
    let value = value(rest).unwrap_or_default();
    (Part { names, files, is_odd, is_odd_file, value, rest }, later)
}

/// Whether readers differ over where the head ends whose first line ends there: some take an empty line however it is written,
/// others only one of `\r\n`.
fn has_two_ends(text: &[u8], line: usize, rest: &[u8]) -> bool {
    let after = text.get(line..).unwrap_or_default();
    let after = after.get(..after.len().min(4 * VALUE_BYTES)).unwrap_or_default();
    let is_end = |at: &usize| {
        after.get(*at..).is_some_and(|end| end.starts_with(b"\n\n") || end.starts_with(b"\n\r\n"))
    };
    let Some(end) = (0..after.len()).find(is_end) else { return false };
    // Up to the end of its last line, which is empty.
    let from = line + end + 1;
    let empty = text.get(from..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n')).unwrap_or(0);
    let head = text.get(..=from + empty).unwrap_or(text);
    let lines = head.iter().filter(|byte| **byte == b'\n').count();
    let long = head.windows(2).filter(|pair| pair == b"\r\n").count();
    lines != long && (long > 0 || find(rest, b"\r\n\r\n").is_some())
}

/// Where a header ends, and whether it goes on beyond what is read: lines that begin with a blank go on with it (RFC 9112,
/// section 5.2).
fn end_of_line(text: &[u8]) -> (usize, bool) {
    let most = text.len().min(LINE_BYTES);
    let is_end =
        |at: &usize| text.get(*at) == Some(&b'\n') && !matches!(text.get(at + 1), Some(b' ' | b'\t'));
    match (0..most).find(is_end) {
        Some(end) => (end, false),
        None => (most, text.len() > LINE_BYTES),
    }
}

/// All values of a parameter on a line, and whether one of them is encoded or in pieces (RFC 2047, RFC 2231).
fn values(line: &str, key: &str) -> (Vec<String>, bool) {
    let is_of_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*');
    let lower = line.to_ascii_lowercase();
    let mut found = Vec::new();
    let mut is_odd = false;
    for (at, _) in lower.match_indices(key) {
        if lower.get(..at).is_none_or(|before| before.ends_with(is_of_key)) {
            continue;
        }
        let behind = line.get(at + key.len()..).unwrap_or_default();
        let of_key = behind.find(|c: char| !is_of_key(c)).unwrap_or(behind.len());
        let (rest_of_key, behind) = behind.split_at(of_key);
        let Some(value) = behind.trim_start().strip_prefix('=') else { continue };
        if !rest_of_key.is_empty() && !rest_of_key.starts_with('*') {
            continue;
        }
        if found.len() == VALUES {
            return (found, true);
        }
        let value = value.trim_start();
        let value = match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or_default(),
            None => value.split(|c: char| c == ';' || c.is_whitespace()).next().unwrap_or_default(),
        };
        // Names of files in other letters are usual, and are decoded; in pieces or words nobody sends them.
        let is_plain_file = key == "filename" && rest_of_key == "*";
        // A file's folders may stand in front; one at the end is of a quotation mark in the name.
        let is_bent = if key == "filename" { value.ends_with('\\') } else { value.contains('\\') };
        is_odd |= (!rest_of_key.is_empty() && !is_plain_file) || value.contains("=?") || is_bent;
        let value = value.rsplit("''").next().unwrap_or_default();
        let decoded = if rest_of_key.is_empty() { None } else { decode_lossy(value) };
        found.push(decoded.unwrap_or_else(|| value.to_owned()));
    }
    (found, is_odd)
}

/// The first line behind the headers of a part, which go on where `after` begins.
fn value(after: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(after.get(..after.len().min(4 * VALUE_BYTES))?);
    let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r')).skip(1);
    lines.find(|line| line.is_empty())?;
    lines.next().filter(|line| line.len() <= VALUE_BYTES).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_a_start_that_ends_in_a_field_says_nothing_of_its_value() {
        let field = "--x\r\nContent-Disposition: form-data; name=\":action\"\r\n\r\nfile_upload";
        let file = "\r\n--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\n\r\nPK";
        for (start, wanted) in [
            (field.to_owned(), false),
            (format!("{field}{file}"), true),
            (format!("{file}{field}"), false),
            (format!("{field}{}", file.replace("\r\n\r\n", "\n\nPK\r\n\r\n")), false),
            (String::new(), false),
        ] {
            assert_eq!(ends_in_file(start.as_bytes()), wanted, "{start:?}");
        }
    }

    #[test]
    fn attack_the_names_of_a_part_are_found_however_they_stand() {
        for (line, names, files, is_odd) in [
            ("form-data; name=\":action\"", &[":action"][..], &[][..], false),
            ("attachment; name=\":action\"", &[":action"], &[], false),
            ("form-data; name=a; NAME = :action", &["a", ":action"], &[], false),
            ("form-data;name=a name=\":action\"", &["a", ":action"], &[], false),
            ("form-data;\r\n\tname=\":action\"", &[":action"], &[], false),
            ("form-data; name*=utf-8''%3Aaction", &[":action"], &[], true),
            ("form-data; name=\"=?utf-8?Q?=3Aaction?=\"", &["=?utf-8?Q?=3Aaction?="], &[], true),
            ("form-data; name=content; filename=\"a b-1.0.whl\"", &["content"], &["a b-1.0.whl"], false),
            ("form-data; name=f; filename*=UTF-8''caf%C3%A9.png", &["f"], &["caf\u{e9}.png"], false),
            ("form-data; name=f; filename*=utf-8''p-1.0%2Egem", &["f"], &["p-1.0.gem"], false),
            (
                "form-data; name=f; filename*0=\"p-1.0.g\"; filename*1=\"em\"",
                &["f"],
                &["p-1.0.g", "em"],
                true,
            ),
            ("form-data; name=f; filename=\"p-1.0.ge\\m\"", &["f"], &["p-1.0.ge\\m"], false),
            ("form-data; name=f; filename=\"p-1.0\\\".gem\"", &["f"], &["p-1.0\\"], true),
            ("form-data; name=\":act\\ion\"", &[":act\\ion"], &[], true),
            ("form-data; name=f; filename=\"=?utf-8?Q?p=2Egem?=\"", &["f"], &["=?utf-8?Q?p=2Egem?="], true),
            ("form-data; surname=x", &[], &[], false),
        ] {
            let body = format!("--x\r\nContent-DISPOSITION: {line}\r\nX: name=y\r\n\r\nv\r\n--x--");
            let found = parts(body.as_bytes());
            assert_eq!(found.len(), 1, "{line}");
            assert_eq!(
                (found[0].names.as_slice(), found[0].files.as_slice()),
                (
                    &names.iter().map(ToString::to_string).collect::<Vec<_>>()[..],
                    &files.iter().map(ToString::to_string).collect::<Vec<_>>()[..]
                ),
                "{line}"
            );
            let is_any_odd = found[0].is_odd || found[0].is_odd_file;
            assert_eq!((is_any_odd, found[0].value.as_str()), (is_odd, "v"), "{line}");
        }
        for (part, is_odd) in [
            (
                "content-disposition: form-data; name=\":action\";\n\nfile_upload\nx\r\n\r\nremove_pkg\r\n--x",
                true,
            ),
            ("content-disposition: form-data; name=\"a\"\n\nb\n--x\n", false),
            ("content-disposition: form-data; name=\"a\"\r\nx: y\n\r\nb\r\n--x", true),
            ("content-disposition: form-data; name=\"a\"\r\nx: y\r\n\r\nb\n\nc\r\n--x", false),
        ] {
            assert_eq!(parts(part.as_bytes())[0].is_odd, is_odd, "{part:?}");
        }
        let many = b"content-disposition: form-data; name=a\r\n".repeat(PARTS + 1);
        let many = parts(&many);
        assert!(many.len() == PARTS && many.last().unwrap().is_odd);
        let long =
            format!("content-disposition: form-data; x=\"{}\"; name=\":action\"\r\n", "a".repeat(LINE_BYTES));
        assert!(parts(long.as_bytes())[0].is_odd);
        let names = format!("content-disposition: {}\r\n", "=name".repeat(LINE_BYTES / 8));
        assert!(parts(names.as_bytes())[0].is_odd && parts(names.as_bytes())[0].names.len() <= VALUES);
    }
}
