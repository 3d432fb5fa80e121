//! Names as the loosest file system would compare them.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

/// The path in lower case, in one form of its characters (composed or not, full-width or not), without characters that
/// are not seen, without dots and spaces at the end of a name, and with the short name of `.git` written out.
///
/// File systems of macOS and Windows fold so, and git itself refuses such spellings of its folder.
pub(crate) fn fold(path: &str) -> Cow<'_, str> {
    if path.bytes().all(is_plain) && !path.contains("./") && !path.ends_with('.') {
        return Cow::Borrowed(path);
    }
    let seen: String = if path.is_ascii() {
        path.to_ascii_lowercase()
    } else {
        let seen = path.chars().filter(|c| !is_unseen(*c)).nfkc().flat_map(char::to_lowercase);
        // Lower case can come apart again, as a dotted capital I does.
        seen.nfkc().filter(|c| !is_unseen(*c)).collect()
    };
    let names: Vec<&str> = seen
        .split('/')
        .map(|name| {
            let kept = name.trim_end_matches(['.', ' ']);
            match if kept.is_empty() { name } else { kept } {
                "git~1" => ".git",
                name => name,
            }
        })
        .collect();
    Cow::Owned(names.join("/"))
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_uppercase() && byte != b' ' && byte != b'~'
}

/// Zero-width, joining, direction, filler, tag and soft-hyphen characters and selectors of variants, which some file
/// systems ignore in names and no reader sees.
const fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}
