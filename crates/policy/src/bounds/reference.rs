//! Addresses in a text that is shown: which of them are loaded by whoever shows it, and which carry something along.
//!
//! A text is rendered by many programs, so this reads no one format: it looks at each address and at what stands right
//! before it. An image, a style sheet, a frame or a schema is loaded without anybody's doing; a link waits for a click.

/// Longest text that is looked at, in bytes. What lies beyond is not read by the eye of a person either.
const TEXT_BYTES: usize = 1 << 20;
/// Most addresses of one text.
const REFERENCES: usize = 256;
/// From how many characters on a part of a path looks like carried data rather than a name.
const LONG_PART: usize = 24;

/// An address of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub host: String,
    /// Whoever shows the text fetches it, unasked.
    pub loaded: bool,
    /// It has a query, user information, or a part that looks like data.
    pub carries: bool,
}

/// The addresses of the web in a text.
pub fn references(text: &str) -> Vec<Reference> {
    let text: &str = match text.get(..TEXT_BYTES.min(text.len())) {
        Some(text) => text,
        None => text,
    };
    let has_image = text.contains("![");
    let mut found = Vec::new();
    let mut from = 0;
    while found.len() < REFERENCES {
        let Some(at) = text.get(from..).and_then(|rest| rest.find("//")).map(|at| from + at) else { break };
        from = at + 2;
        let before = text.get(..at).unwrap_or_default();
        let lower = tail(before, 8).to_ascii_lowercase();
        let (before, with_scheme) =
            match ["https:", "http:", "wss:", "ws:"].iter().find(|s| lower.ends_with(**s)) {
                Some(scheme) => (before.get(..before.len() - scheme.len()).unwrap_or_default(), true),
                None => (before, false),
            };
        let loaded = is_loaded(before, has_image);
        // An address without a scheme is one only where an address is wanted.
        if !with_scheme && !loaded {
            continue;
        }
        let rest = text.get(from..).unwrap_or_default();
        let ends =
            |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | '`' | '\\' | ']');
        let address = rest.split(ends).next().unwrap_or_default();
        let authority = address.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, host) =
            authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let is_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[');
        if host.is_empty() || !host.chars().next().is_some_and(is_host) {
            continue;
        }
        let carries = user.is_some() || carries(address.get(authority.len()..).unwrap_or_default());
        found.push(Reference {
            host: host.trim_end_matches(['.', ',', ':']).to_ascii_lowercase(),
            loaded,
            carries,
        });
    }
    found
}

/// Whether an address that comes after this text is fetched by whoever shows it.
fn is_loaded(before: &str, has_image: bool) -> bool {
    let start = before.trim_end_matches(['"', '\'', '<', '(', ' ', '\t']);
    let lower = tail(start, 160).to_ascii_lowercase();
    let attributes = [
        "src=",
        "srcset=",
        "poster=",
        "background=",
        "data=",
        "xlink:href=",
        "url",
        "@import",
        "@import url",
        "action=",
    ];
    if attributes.iter().any(|attribute| lower.ends_with(attribute)) {
        return true;
    }
    let key = lower.trim_end_matches([' ', '\t']).trim_end_matches(':').trim_end_matches(['"', '\'', ' ']);
    if lower.trim_end().ends_with(':')
        && (key.ends_with("$schema") || key.ends_with("image") || key.ends_with("icon"))
    {
        return true;
    }
    if lower.ends_with("href=") {
        return lower
            .rsplit('<')
            .next()
            .is_some_and(|tag| tag.starts_with("link") || tag.starts_with("base"));
    }
    // `![text](address)`, and `[name]: address` where images refer to names.
    let opened = before.trim_end_matches(['<', ' ', '\t']);
    if let Some(label) = opened.strip_suffix('(').filter(|label| label.ends_with(']')) {
        return is_image(label);
    }
    has_image && lower.ends_with("]:")
}

/// Whether what ends with `]` began with `![`.
fn is_image(before: &str) -> bool {
    let mut depth = 0_usize;
    for (at, c) in before.char_indices().rev().take(4096) {
        match c {
            ']' => depth += 1,
            '[' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return before.get(..at).is_some_and(|before| before.ends_with('!'));
                }
            }
            _ => {}
        }
    }
    false
}

/// Whether the rest of an address, after its host, says more than where something is.
fn carries(rest: &str) -> bool {
    let (path, after) = rest.split_once(['?', '#']).map_or((rest, ""), |(path, after)| (path, after));
    let has_query = rest.contains('?') && !after.is_empty();
    let is_template = |text: &str| text.contains(['$', '{', '}']) || text.contains("%7B");
    let is_data = |part: &str| {
        let stem = part.rsplit_once('.').map_or(part, |(stem, _)| stem);
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '=' | '+' | '%' | '~');
        let digits = stem.chars().filter(char::is_ascii_digit).count();
        stem.len() >= LONG_PART && stem.chars().all(fits) && (digits >= 4 || !stem.contains(['-', '_']))
    };
    has_query || is_template(rest) || path.split('/').any(is_data)
}

/// At most the last bytes of a text, from the start of a character.
fn tail(text: &str, bytes: usize) -> &str {
    let mut from = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, bool, bool)> {
        references(text).into_iter().map(|r| (r.host, r.loaded, r.carries)).collect()
    }

    #[test]
    fn what_is_shown_can_fetch() {
        for (text, host, loaded, carries) in [
            ("![a](https://x.example/i.png)", "x.example", true, false),
            ("![a](<https://x.example/i.png?d=1>)", "x.example", true, true),
            ("![a [b] c](http://X.example:8080/?q)", "x.example:8080", true, true),
            ("![a][1]\n\n[1]: https://x.example/a", "x.example", true, false),
            ("A[<img src=https://x.example/?k=1>]", "x.example", true, true),
            ("<img SRC = 'x'><img src=\"//x.example/a.png\">", "x.example", true, false),
            ("<link rel=stylesheet href=\"https://x.example/a.css\">", "x.example", true, false),
            ("a { background: url( 'https://x.example/${token}' ) }", "x.example", true, true),
            ("{\"$schema\": \"https://x.example/s?u=me\"}", "x.example", true, true),
            ("[a](https://x.example/docs)", "x.example", false, false),
            ("[a](https://x.example/?token=abc)", "x.example", false, true),
            ("see https://x.example/guide.", "x.example", false, false),
            ("<a href=\"https://x.example/\">", "x.example", false, false),
            ("https://good.example@x.example/", "x.example", false, true),
            ("![](https://x.example/c2stbGl2ZS0xMjM0NTY3ODkwYWJjZGVm.png)", "x.example", true, true),
            ("https://x.example/how-to-write-a-good-commit-message", "x.example", false, false),
        ] {
            assert_eq!(found(text), [(host.to_owned(), loaded, carries)], "{text}");
        }
        for text in
            ["// a comment", "a//b", "graph TD\nA-->B", "![plan](docs/plan.png)", "file:///etc/passwd", ""]
        {
            assert_eq!(found(text), [], "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_stops_it(text in "([!\\[\\](/:?<>\"'é ]|https://|src=|x\\.example|\\$schema){0,40}") {
            references(&text);
        }
    }
}
