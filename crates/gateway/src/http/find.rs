//! Finds and replaces texts in a stream, in whatever pieces it comes.
//!
//! Only what could be the beginning of a text is held back, and no longer than until the next byte shows that it is not.
//! So events pass when they come, and the outcome does not depend on the pieces.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

/// Texts that are looked for at the same time. What is over is not looked for: the caller counts first.
const MAX_NEEDLES: usize = 4096;
/// Shortest text of which encoded forms are looked for too. Shorter ones stand in any body by chance.
const MIN_ENCODED_BYTES: usize = 8;

/// Stands where nothing of a value can stay.
const REDACTED: HeaderValue = HeaderValue::from_static("redacted");

/// Texts that are looked for, each with what is put in its place.
#[derive(Default)]
pub struct Needles {
    all: Vec<Needle>,
    /// Which bytes begin one.
    first: [u64; 4],
    /// Which texts a byte begins.
    by_first: HashMap<u8, Vec<usize>>,
}

struct Needle {
    text: Zeroizing<Vec<u8>>,
    put: Zeroizing<Vec<u8>>,
    /// What the caller knows it by.
    tag: usize,
}

/// One stream that is looked through.
pub struct Window {
    needles: Arc<Needles>,
    held: Zeroizing<Vec<u8>>,
}

/// What comes out of a window for one piece.
pub struct Passed {
    pub bytes: Bytes,
    /// Tags of what was found and replaced, in order.
    pub found: Vec<usize>,
}

// === impl Needles ===

impl Needles {
    /// Looks for a text as it is. Nothing is not looked for.
    pub fn add(&mut self, tag: usize, text: &[u8], put: &[u8]) {
        let Some(first) = text.first() else { return };
        if self.all.len() >= MAX_NEEDLES || self.all.iter().any(|needle| *needle.text == text) {
            return;
        }
        if let Some(word) = self.first.get_mut(usize::from(*first >> 6)) {
            *word |= 1 << (*first & 63);
        }
        let (text, put) = (Zeroizing::new(text.to_vec()), Zeroizing::new(put.to_vec()));
        self.by_first.entry(*first).or_default().push(self.all.len());
        self.all.push(Needle { text, put, tag });
    }

    /// Looks for the forms that a text has inside something in base64 too (RFC 4648, both alphabets): one for each
    /// place that it can begin at in a group, without the characters that its neighbours have a part in.
    pub fn add_encoded(&mut self, tag: usize, text: &[u8], put: &[u8]) {
        if text.len() < MIN_ENCODED_BYTES {
            return;
        }
        for alphabet in [&alphabet::STANDARD, &alphabet::URL_SAFE] {
            for before in 0..3_usize {
                let mut shifted = Zeroizing::new(vec![0; before]);
                shifted.extend_from_slice(text);
                let encoded = Zeroizing::new(GeneralPurpose::new(alphabet, NO_PAD).encode(&*shifted));
                let from = (before * 8).div_ceil(6);
                let until = shifted.len() * 8 / 6;
                if let Some(own) = encoded.as_bytes().get(from..until) {
                    self.add(tag, own, put);
                }
            }
        }
    }

    /// Looks for the other ways in which programs write a text: escaped as in JSON (RFC 8259, section 7) and HTML, percent-encoded
    /// (RFC 3986, section 2.1), and in hexadecimal digits; each with only the signs written so, or all of it.
    pub fn add_written(&mut self, tag: usize, text: &str, put: &[u8]) {
        if text.len() < MIN_ENCODED_BYTES {
            return;
        }
        let ways: [fn(char, &mut String); 10] = [
            |c, out| units(c, out, false),
            |c, out| units(c, out, true),
            |c, out| out.push_str(&format!("&#{};", u32::from(c))),
            |c, out| out.push_str(&format!("&#x{:x};", u32::from(c))),
            |c, out| out.push_str(&format!("&#x{:X};", u32::from(c))),
            |c, out| out.push_str(&format!("&#x{:02x};", u32::from(c))),
            |c, out| bytes(c, out, "%", false),
            |c, out| bytes(c, out, "%", true),
            |c, out| bytes(c, out, "\\x", false),
            |c, out| bytes(c, out, "\\x", true),
        ];
        for way in ways {
            for all in [false, true] {
                self.add_each(tag, text, put, |c, out| {
                    if all || !c.is_ascii_alphanumeric() { way(c, out) } else { out.push(c) }
                });
            }
        }
        // What is plain in an address, and what is not (RFC 3986, section 2.3).
        self.add_each(tag, text, put, |c, out| {
            let is_plain = c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
            if is_plain { out.push(c) } else { bytes(c, out, "%", false) }
        });
        for is_upper in [false, true] {
            self.add_each(tag, text, put, |c, out| bytes(c, out, "", is_upper));
        }
        self.add_each(tag, text, put, escaped);
        self.add_each(tag, text, put, |c, out| if c == '/' { out.push_str("\\/") } else { escaped(c, out) });
        for (quote, apostrophe) in
            [("&quot;", "&#39;"), ("&quot;", "&#x27;"), ("&#34;", "&#39;"), ("\"", "'")]
        {
            self.add_each(tag, text, put, |c, out| match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str(quote),
                '\'' => out.push_str(apostrophe),
                other => out.push(other),
            });
        }
    }

    fn add_each(&mut self, tag: usize, text: &str, put: &[u8], write: impl Fn(char, &mut String)) {
        let mut written = Zeroizing::new(String::with_capacity(text.len() * 8));
        text.chars().for_each(|c| write(c, &mut written));
        self.add(tag, written.as_bytes(), put);
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The tag of the first text that stands in these bytes.
    pub fn find(&self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let skip = rest.iter().position(|byte| self.begins(*byte))?;
            at += skip;
            if let Some(needle) = self.whole_at(bytes.get(at..)?) {
                return Some(needle.tag);
            }
            at += 1;
        }
        None
    }

    /// The bytes with each text replaced.
    pub fn replace(self: &Arc<Self>, bytes: &[u8]) -> Option<Vec<u8>> {
        self.find(bytes)?;
        let mut window = Window::new(Arc::clone(self));
        let mut out = window.push(Bytes::copy_from_slice(bytes)).bytes.to_vec();
        out.extend_from_slice(&window.finish().bytes);
        Some(out)
    }

    /// Takes the texts out of fields, and fields away whose names hold one. Says how many were found.
    pub(super) fn clean(self: &Arc<Self>, fields: &mut HeaderMap) -> usize {
        let mut found = 0;
        for value in fields.values_mut() {
            if let Some(clean) = self.replace(value.as_bytes()) {
                found += 1;
                *value = HeaderValue::from_bytes(&clean).unwrap_or(REDACTED);
            }
        }
        let cut: Vec<HeaderName> = self.cut(fields).cloned().collect();
        for name in cut {
            found += 1;
            fields.insert(name, REDACTED);
        }
        let named: Vec<HeaderName> =
            fields.keys().filter(|name| self.find(name.as_str().as_bytes()).is_some()).cloned().collect();
        for name in named {
            found += 1;
            fields.remove(name);
        }
        found
    }

    /// Names of fields of which several stand, and whose values hold a text once they are put together.
    pub(super) fn cut<'f>(&self, fields: &'f HeaderMap) -> impl Iterator<Item = &'f HeaderName> {
        fields.keys().filter(|name| {
            let values: Vec<&[u8]> = fields.get_all(*name).iter().map(HeaderValue::as_bytes).collect();
            values.len() > 1 && self.find(&Zeroizing::new(values.concat())).is_some()
        })
    }

    fn begins(&self, byte: u8) -> bool {
        self.first.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }

    /// The longest text that these bytes begin with.
    fn whole_at(&self, bytes: &[u8]) -> Option<&Needle> {
        self.beginning_like(bytes)
            .filter(|needle| bytes.starts_with(&needle.text))
            .max_by_key(|needle| needle.text.len())
    }

    /// Whether these bytes are the beginning of a longer text.
    fn is_begun(&self, bytes: &[u8]) -> bool {
        self.beginning_like(bytes)
            .any(|needle| needle.text.len() > bytes.len() && needle.text.starts_with(bytes))
    }

    /// Texts whose first byte is the first of these.
    fn beginning_like(&self, bytes: &[u8]) -> impl Iterator<Item = &Needle> {
        let like = bytes.first().and_then(|first| self.by_first.get(first));
        like.into_iter().flatten().filter_map(|at| self.all.get(*at))
    }
}

// === impl Window ===

impl Window {
    pub fn new(needles: Arc<Needles>) -> Self {
        Self { needles, held: Zeroizing::default() }
    }

    /// Takes the next piece and gives what is certain.
    pub fn push(&mut self, piece: Bytes) -> Passed {
        if self.held.is_empty() && !piece.iter().any(|byte| self.needles.begins(*byte)) {
            return Passed { bytes: piece, found: Vec::new() };
        }
        let mut all = std::mem::take(&mut *self.held);
        all.extend_from_slice(&piece);
        self.pass(Zeroizing::new(all), false)
    }

    /// Gives what was held back: the stream has ended.
    pub fn finish(&mut self) -> Passed {
        let all = Zeroizing::new(std::mem::take(&mut *self.held));
        self.pass(all, true)
    }

    fn pass(&mut self, all: Zeroizing<Vec<u8>>, is_last: bool) -> Passed {
        let mut out = Vec::with_capacity(all.len());
        let mut found = Vec::new();
        let mut rest: &[u8] = &all;
        while !rest.is_empty() {
            let plain = rest.iter().position(|byte| self.needles.begins(*byte)).unwrap_or(rest.len());
            let (before, candidate) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
            out.extend_from_slice(before);
            if candidate.is_empty() {
                break;
            }
            // A longer text may still come of it, and the longest counts, whatever the pieces.
            if !is_last && self.needles.is_begun(candidate) {
                self.held.extend_from_slice(candidate);
                break;
            }
            rest = match self.needles.whole_at(candidate) {
                Some(needle) => {
                    out.extend_from_slice(&needle.put);
                    found.push(needle.tag);
                    candidate.get(needle.text.len()..).unwrap_or_default()
                }
                None => {
                    out.extend(candidate.first());
                    candidate.get(1..).unwrap_or_default()
                }
            };
        }
        Passed { bytes: out.into(), found }
    }
}

/// A character as the units of UTF-16, each with four digits.
fn units(c: char, out: &mut String, is_upper: bool) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        out.push_str(&if is_upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") });
    }
}

/// A character as its bytes, each with two digits.
fn bytes(c: char, out: &mut String, before: &str, is_upper: bool) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        out.push_str(before);
        out.push_str(&if is_upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
    }
}

/// A character as it stands in a text of JSON.
fn escaped(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        other => out.push(other),
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    fn needles(texts: &[&str]) -> Arc<Needles> {
        let mut needles = Needles::default();
        for (tag, text) in texts.iter().enumerate() {
            needles.add(tag, text.as_bytes(), format!("<{tag}>").as_bytes());
        }
        Arc::new(needles)
    }

    fn through(needles: &Arc<Needles>, pieces: &[&[u8]]) -> (Vec<u8>, Vec<usize>) {
        let mut window = Window::new(Arc::clone(needles));
        let (mut out, mut found) = (Vec::new(), Vec::new());
        for piece in pieces {
            let passed = window.push(Bytes::copy_from_slice(piece));
            out.extend_from_slice(&passed.bytes);
            found.extend(passed.found);
        }
        let passed = window.finish();
        out.extend_from_slice(&passed.bytes);
        found.extend(passed.found);
        (out, found)
    }

    #[test]
    fn the_longest_text_counts_and_nothing_else_is_held() {
        let needles = needles(&["secret", "secret-more", "cre"]);
        for (pieces, wanted) in [
            (&["a secret b"][..], "a <0> b"),
            (&["a sec", "ret b"], "a <0> b"),
            (&["a secret", "-more b"], "a <1> b"),
            (&["a secret-mo", "st"], "a <0>-most"),
            (&["secre", "x"], "se<2>x"),
            (&["ssecret"], "s<0>"),
            (&["secretsecret"], "<0><0>"),
            (&["secre"], "se<2>"),
            (&[""], ""),
        ] {
            let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
            assert_eq!(String::from_utf8(through(&needles, &pieces).0).unwrap(), wanted);
        }
        let mut window = Window::new(needles);
        assert_eq!(&window.push(Bytes::from_static(b"data: 1\n\n")).bytes[..], b"data: 1\n\n");
        assert_eq!(&window.push(Bytes::from_static(b"data: s")).bytes[..], b"data: ");
    }

    #[test]
    fn attack_a_value_written_in_another_way_is_found() {
        let value = "gh\"x_&Real/V\u{e4}l'9";
        let mut needles = Needles::default();
        needles.add(3, value.as_bytes(), b"");
        needles.add_written(3, value, b"");
        for text in [
            r#"gh\"x_&Real/Väl'9"#,
            r#"gh\"x_&Real\/Väl'9"#,
            r"\u0067\u0068\u0022\u0078\u005f\u0026\u0052\u0065\u0061\u006c\u002f\u0056\u00e4\u006c\u0027\u0039",
            r"gh\u0022x\u005F\u0026Real\u002FV\u00E4l\u00279",
            "gh&quot;x_&amp;Real/Väl&#39;9",
            "gh&#34;x&#95;&#38;Real&#47;V&#228;l&#39;9",
            "676822785f265265616c2f56c3a46c2739",
            "676822785F265265616C2F56C3A46C2739",
            "%67%68%22%78%5f%26%52%65%61%6c%2f%56%c3%a4%6c%27%39",
            "%67%68%22%78%5F%26%52%65%61%6C%2F%56%C3%A4%6C%27%39",
            "gh%22x_%26Real%2fV%c3%a4l%279",
        ] {
            assert_eq!(needles.find(text.as_bytes()), Some(3), "{text}");
        }
    }

    #[test]
    fn attack_a_value_that_is_cut_over_fields_of_one_name_is_taken_out() {
        let needles = needles(&["REALVALUE12345"]);
        let mut fields = HeaderMap::new();
        for (name, value) in [("x-a", "REALVAL"), ("x-a", "UE12345"), ("x-b", "REALVAL"), ("x-b", "other")] {
            fields.append(name, value.parse().unwrap());
        }
        assert_eq!(needles.clean(&mut fields), 1);
        let all =
            |name: &str| fields.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!((all("x-a"), all("x-b")), (vec!["redacted"], vec!["REALVAL", "other"]));
    }

    #[test]
    fn a_text_is_found_wherever_it_stands_in_base64() {
        let mut needles = Needles::default();
        needles.add_encoded(7, b"wq_token_\xff\xfe\xfd_0123", b"");
        for before in 0..5 {
            for after in 0..5 {
                let mut text = vec![b'u'; before];
                text.extend_from_slice(b"wq_token_\xff\xfe\xfd_0123");
                text.extend(vec![b'v'; after]);
                for encoded in [BASE64_STANDARD.encode(&text), BASE64_URL_SAFE_NO_PAD.encode(&text)] {
                    assert_eq!(needles.find(encoded.as_bytes()), Some(7), "{before} {after}");
                }
            }
        }
        assert_eq!(needles.find(BASE64_STANDARD.encode("wq_token_x").as_bytes()), None);
    }

    proptest! {
        /// The pieces do not matter, no text remains that was there, and without a text nothing changes.
        #[test]
        fn the_outcome_does_not_depend_on_the_pieces(
            text in "[abc]{0,60}",
            texts in proptest::collection::vec("[abc]{1,5}", 0..4),
            cuts in proptest::collection::vec(0_usize..60, 0..8),
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let needles = needles(&texts);
            let whole = through(&needles, &[text.as_bytes()]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            prop_assert_eq!(&through(&needles, &pieces), &whole);
            prop_assert_eq!(whole.1.is_empty(), needles.find(text.as_bytes()).is_none());
            if whole.1.is_empty() {
                prop_assert_eq!(whole.0, text.as_bytes());
            }
        }
    }
}
