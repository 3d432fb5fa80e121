//! Names as the loosest file system would compare them.

use std::borrow::Cow;

/// The path in lower case, without characters that are not seen, without dots and spaces at the end of a name, and
/// with the short name of `.git` written out.
///
/// File systems of macOS and Windows fold so, and git itself refuses such spellings of its folder.
pub(super) fn fold(path: &str) -> Cow<'_, str> {
    if path.bytes().all(is_plain) && !path.contains("./") && !path.ends_with('.') {
        return Cow::Borrowed(path);
    }
    let seen: String = path.chars().filter(|c| !is_unseen(*c)).flat_map(char::to_lowercase).collect();
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

/// Zero-width, joining, direction and soft-hyphen characters, which some file systems ignore in names.
const fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
