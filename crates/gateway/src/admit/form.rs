//! Forms in parts, apart from the border that each sending draws anew (RFC 2046, section 5.1.1): the same form sent again is the
//! same call.

use aws_lc_rs::digest::{self, SHA256};
use writ_model::{Body, Digest, Request};

use super::in_words;

/// Stands in place of the border. A body that holds it already is taken as it is.
const BORDER: &str = "writ-border-of-a-form";
/// Shortest border that is taken out, and longest (RFC 2046, section 5.1.1).
const BORDER_BYTES: std::ops::RangeInclusive<usize> = 8..=70;

/// Headers and body of a form, with one border for all.
pub(super) struct Lasting {
    pub(super) headers: Vec<(String, String)>,
    pub(super) bytes: usize,
    pub(super) digest: Digest,
}

/// That by which a form is told to be the same as another; nothing of a request that is told by what it is.
///
/// The border is taken out only where it stands at the beginning of lines that are borders, and nowhere else: then no two forms
/// that any reader tells apart are alike in the rest.
pub(super) fn lasting(request: &Request) -> Option<Lasting> {
    let Body::Whole(body) = &request.body else { return None };
    let mut kinds = request.headers.iter().enumerate().filter(|(_, (name, _))| name == "content-type");
    let (Some((at, (_, kind))), None) = (kinds.next(), kinds.next()) else { return None };
    let border = border(kind)?;
    let (mut bytes, mut digest) = (0, digest::Context::new(&SHA256));
    without(body, border.as_bytes(), &mut |piece| {
        bytes += piece.len();
        digest.update(piece);
    })?;
    let mut headers = request.headers.clone();
    if let Some((_, kind)) = headers.get_mut(at) {
        *kind = kind.replace(border, BORDER);
    }
    Some(Lasting { headers, bytes, digest: in_words(digest.finish().as_ref()) })
}

/// The border that a media type names, once.
fn border(kind: &str) -> Option<&str> {
    let (form, rest) = kind.split_once(';')?;
    let value = rest.trim().strip_prefix("boundary=")?;
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'=' | b'+');
    let is_form = form.trim().eq_ignore_ascii_case("multipart/form-data");
    let is_border = BORDER_BYTES.contains(&value.len()) && value.bytes().all(fits) && value != BORDER;
    (is_form && is_border).then_some(value)
}

/// Hands over the body with another border; nothing where the border stands elsewhere too, or the other one stands in it.
fn without(body: &[u8], border: &[u8], take: &mut dyn FnMut(&[u8])) -> Option<()> {
    if find(body, BORDER.as_bytes()).is_some() {
        return None;
    }
    let mut from = 0;
    while let Some(at) = find(body.get(from..)?, border).map(|at| from + at) {
        let (before, behind) = (body.get(..at)?, body.get(at + border.len()..)?);
        let begins = before == b"--" || before.ends_with(b"\r\n--");
        let ends = behind.starts_with(b"\r\n") || behind == b"--" || behind == b"--\r\n";
        // One that begins within another one counts as well.
        let is_alone = find(body.get(at + 1..)?, border).is_none_or(|next| next + 1 >= border.len());
        if !(begins && ends && is_alone) {
            return None;
        }
        take(body.get(from..at)?);
        take(BORDER.as_bytes());
        from = at + border.len();
    }
    take(body.get(from..)?);
    (from > 0).then_some(())
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        from += text.get(from..)?.iter().position(|byte| *byte == first)?;
        if text.get(from..)?.starts_with(wanted) {
            return Some(from);
        }
        from += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use writ_model::{Account, Scheme};

    use super::*;

    fn form(border: &str, value: &str) -> Request {
        let body = format!(
            "--{border}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{value}\r\n--{border}--\r\n"
        );
        Request {
            method: "POST".to_owned(),
            scheme: Scheme::Https,
            host: "forge.test".to_owned(),
            port: 443,
            path: "/".to_owned(),
            query: None,
            headers: vec![("content-type".to_owned(), format!("multipart/form-data; boundary={border}"))],
            body: Body::Whole(body.into()),
            account: Account::Nobody,
        }
    }

    /// By what a form is known: as it is, where nothing can be taken out of it.
    fn seen(request: &Request) -> (Vec<(String, String)>, String) {
        lasting(request).map_or_else(
            || (request.headers.clone(), format!("{:?}", request.body)),
            |Lasting { headers, bytes, digest }| (headers, format!("{bytes} {digest}")),
        )
    }

    #[test]
    fn a_form_that_is_sent_again_is_the_same() {
        let first = form("------------------------AbCd0123", "x");
        assert_eq!(seen(&first), seen(&form("------------------------EfGh4567", "x")));
        assert_ne!(seen(&first), seen(&form("------------------------EfGh4567", "y")));
    }

    #[test]
    fn attack_a_border_does_not_hide_another_body() {
        // The border stands in the value too, so that another border would change what is sent.
        let (first, second) = (form("rm-file-one", "rm-file-one"), form("rm-file-two", "rm-file-two"));
        assert_ne!(seen(&first), seen(&second));
        // What would be put in its place stands in the value, or is the border.
        let value = format!("x\r\n--{BORDER}\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\ny");
        let (first, second) =
            (form("0123456789", &value), form(BORDER, &value.replace(BORDER, "0123456789")));
        assert_ne!(seen(&first), seen(&second));
        let (inner, outer) = (form("0123456789", &value), form(BORDER, &value));
        assert_ne!(seen(&inner), seen(&outer));
        // Another media type, or several.
        for other in ["multipart/mixed; boundary=0123456789", "multipart/form-data; a=b; boundary=0123456789"]
        {
            let (mut first, mut second) = (form("0123456789", "x"), form("9876543210", "x"));
            first.headers[0].1 = other.to_owned();
            second.headers[0].1 = other.replace("0123456789", "9876543210");
            assert_ne!(seen(&first), seen(&second), "{other}");
        }
    }

    proptest! {
        /// Forms of different values are never the same, whatever their borders are.
        #[test]
        fn different_values_are_different_forms(one in "[a-c\\r\\n-]{0,40}", two in "[a-c\\r\\n-]{0,40}",
            first in "[a-c-]{8,12}", second in "[a-c-]{8,12}") {
            prop_assume!(one != two && !one.contains(&*first) && !two.contains(&*second));
            prop_assert_ne!(seen(&form(&first, &one)), seen(&form(&second, &two)));
        }
    }
}
