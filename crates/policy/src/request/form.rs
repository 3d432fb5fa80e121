//! Forms of several parts (RFC 7578), as far as package indexes use them: which plain fields they have. Parts are looked
//! for by their headers alone, so that a form whose border lies is still seen.

/// Longest stretch of a body that is looked through, in bytes, and most parts.
const BYTES: usize = 4 << 20;
const PARTS: usize = 512;

/// Longest value that is kept.
const VALUE_BYTES: usize = 256;

/// A part of a form.
#[derive(Debug)]
pub(super) struct Part {
    pub name: String,
    /// The name of the file that it is; empty for a plain field.
    pub file: String,
    /// Empty where it is long, or of a file.
    pub value: String,
}

/// The parts of a form.
pub(super) fn parts(body: &[u8]) -> Vec<Part> {
    let body = body.get(..body.len().min(BYTES)).unwrap_or_default();
    let mut found = Vec::new();
    let mut rest = body;
    while let Some((name, file, after)) = next(rest) {
        if found.len() == PARTS {
            break;
        }
        found.push(Part { name, file, value: value(after).unwrap_or_default() });
        rest = after;
    }
    found
}

/// Name and file of the next `Content-Disposition` header, and what follows it.
fn next(body: &[u8]) -> Option<(String, String, &[u8])> {
    const MARK: &[u8] = b"form-data";
    let at = body.windows(MARK.len()).position(|window| window.eq_ignore_ascii_case(MARK))?;
    let after = body.get(at + MARK.len()..)?;
    let end = after.iter().position(|byte| *byte == b'\n').unwrap_or(after.len());
    let line = String::from_utf8_lossy(after.get(..end)?);
    let get = |keys: &[&str]| {
        line.split(';')
            .filter_map(|part| part.trim().split_once('='))
            .find(|(key, _)| keys.iter().any(|known| key.trim().eq_ignore_ascii_case(known)))
            .map(|(_, value)| value.trim().trim_matches('"').to_owned())
            .unwrap_or_default()
    };
    Some((get(&["name"]), get(&["filename", "filename*"]), after.get(end..)?))
}

/// The first line behind the headers of a part, which go on where `after` begins.
fn value(after: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(after.get(..after.len().min(4 * VALUE_BYTES))?);
    let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r')).skip(1);
    lines.find(|line| line.is_empty())?;
    lines.next().filter(|line| line.len() <= VALUE_BYTES).map(str::to_owned)
}
