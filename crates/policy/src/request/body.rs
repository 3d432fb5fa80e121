//! Bodies: fields of JSON and of forms. What is not whole, or can be read in two ways, is not read.

use serde_json::Value;
use writ_model::Body;

use super::json::{self, json_once};
use super::second;
use super::wire::{self, Wire};

/// Longest body that is read, in bytes.
const BODY_BYTES: usize = 4 << 20;

/// The media type of forms (WHATWG URL, section 5).
const FORM: &str = "application/x-www-form-urlencoded";

/// What is asked in the query and the body, by name.
#[derive(Debug)]
pub(super) struct Fields {
    known: Vec<(String, Value)>,
    /// Nothing else is asked. Without it, a field may say the worst that it can, whatever is known of it.
    is_all: bool,
}

// === impl Fields ===

impl Fields {
    /// The fields of a request, wherever they stand. Servers differ over whether the media type or the body itself says
    /// how it is read, so what either reading finds is there.
    pub fn of(wire: &Wire<'_>) -> Self {
        let text = |(name, value): (String, String)| (name, Value::String(value));
        let mut known: Vec<(String, Value)> = wire.query.iter().cloned().map(text).collect();
        let bytes = match &wire.request.body {
            Body::None => return Self { known, is_all: true },
            Body::Whole(bytes) if bytes.is_empty() => return Self { known, is_all: true },
            Body::Whole(bytes) => bytes,
            Body::Unread | Body::Start(_) | Body::Long { .. } => return Self { known, is_all: false },
        };
        if is_packed(wire) {
            return Self { known, is_all: false };
        }
        let media = wire.media();
        let is_form = media == FORM;
        let members = match json(bytes) {
            Some(Value::Object(members)) => Some(members),
            Some(_) | None => None,
        };
        // What a reader of JSON could take for some counts as JSON that cannot be read.
        let is_read = members.is_some() || (is_form && !is_like_json(bytes));
        let is_only_json = (media == "application/json" || media.ends_with("+json")) && is_json(wire);
        let form = if is_only_json || (members.is_some() && !bytes.contains(&b'&')) {
            Some(Vec::new())
        } else {
            std::str::from_utf8(bytes).ok().and_then(wire::pairs)
        };
        let is_all = is_read && form.is_some() && wire.headers("content-type").count() <= 1;
        known.extend(members.into_iter().flatten());
        known.extend(form.into_iter().flatten().map(text));
        Self { known, is_all }
    }

    /// What is known, though it may not be all.
    pub fn known(&self) -> &[(String, Value)] {
        &self.known
    }

    /// All values under a name, in any letters; nothing where nobody can say.
    pub fn all(&self, name: &str) -> Option<Vec<&Value>> {
        let known = self.known.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        self.is_all.then(|| known.map(|(_, value)| value).collect())
    }

    /// The one text under a name.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.all(name)?.as_slice() {
            [Value::String(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether a field is absent, or one text.
    pub fn is_one(&self, name: &str) -> bool {
        self.all(name)
            .is_some_and(|values| matches!(values.as_slice(), [] | [Value::String(_) | Value::Null]))
    }

    /// Whether a field can only be absent, or a text that `fits`.
    pub fn is_only(&self, name: &str, fits: impl Fn(&str) -> bool) -> bool {
        self.all(name).is_some_and(|values| {
            values.iter().all(|value| match value {
                Value::String(text) => fits(text),
                Value::Null => true,
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
            })
        })
    }

    /// Whether a field is absent, or says no.
    pub fn is_off(&self, name: &str) -> bool {
        self.all(name).is_some_and(|values| {
            values.iter().all(|value| match value {
                Value::Bool(flag) => !flag,
                Value::String(text) => matches!(text.as_str(), "false" | "0"),
                Value::Null => true,
                Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
            })
        })
    }

    /// Whether some text of the fields holds a line that begins so; true where nobody can say.
    pub fn has_line(&self, begins: impl Fn(&str) -> bool + Copy) -> bool {
        !self.is_all || self.known.iter().any(|(_, value)| holds_line(value, begins))
    }
}

/// Whether a body begins as JSON with members does, past the mark of its encoding and spaces.
pub(super) fn is_like_json(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    bytes.first().is_some_and(|byte| matches!(byte, b'{' | b'[' | b'/' | 0 | 0xfe | 0xff))
}

/// Whether the body says that it is JSON of some sort, and nothing else.
pub(super) fn is_json(wire: &Wire<'_>) -> bool {
    let media = wire.media();
    // Of several in one header servers take the first or the last.
    let is_one = wire.headers("content-type").count() == 1 && !media.contains([',', ' ']);
    is_one && media.contains("json") && !media.contains("form")
}

/// The pairs of a form as they are written, however many (WHATWG URL, section 5.1). Some take `;` for `&`.
pub(super) fn pairs(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    bytes.split(|byte| matches!(byte, b'&' | b';')).filter(|pair| !pair.is_empty()).map(|pair| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        (name, pair.get(name.len() + 1..).unwrap_or_default())
    })
}

/// A name or a value of a form, as forgiving servers decode it.
pub(super) fn field(written: &[u8]) -> String {
    if !written.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return String::from_utf8_lossy(written).into_owned();
    }
    let text: Vec<u8> = written.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    String::from_utf8_lossy(&wire::decoded(&text)).into_owned()
}

/// Whether a body that does not say that it is JSON has one of these fields for those who read it as a form.
pub(super) fn has_field(wire: &Wire<'_>, names: &[&str]) -> bool {
    let (bytes, _) = bytes(wire);
    let longest = names.iter().map(|name| 3 * name.len()).max().unwrap_or_default();
    let is_one = |name: &[u8]| name.len() <= longest && names.contains(&field(name).trim());
    !is_json(wire) && pairs(bytes).any(|(name, _)| is_one(name))
}

fn holds_line(value: &Value, begins: impl Fn(&str) -> bool + Copy) -> bool {
    match value {
        Value::String(text) => text.lines().any(|line| begins(line.trim_start())),
        Value::Array(values) => values.iter().any(|value| holds_line(value, begins)),
        Value::Object(members) => members.values().any(|value| holds_line(value, begins)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether the body is a form in parts by its only media type, and not compressed.
fn is_form_alone(wire: &Wire<'_>) -> bool {
    let mut kinds = wire.headers("content-type");
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return false };
    let kind = kind.to_ascii_lowercase();
    let is_form = kind.split(';').next().is_some_and(|word| word.trim() == "multipart/form-data");
    is_form && !kind.contains(',') && !is_packed(wire) && second::is_charset(wire)
}

/// Whether the body is compressed, or says that it is.
pub(super) fn is_packed(wire: &Wire<'_>) -> bool {
    wire.headers("content-encoding").any(|coding| !coding.trim().eq_ignore_ascii_case("identity"))
}

/// The bytes of a body as far as they are known, and whether they are all.
pub(super) fn bytes<'a>(wire: &Wire<'a>) -> (&'a [u8], bool) {
    match &wire.request.body {
        Body::None => (&[], true),
        Body::Unread => (&[], false),
        Body::Start(bytes) => (bytes, false),
        // What follows is in the last part that begins.
        Body::Long { start, has_all_names, .. } => (start, *has_all_names && is_form_alone(wire)),
        Body::Whole(bytes) => (bytes, !is_packed(wire)),
    }
}

/// The JSON of a body.
pub(super) fn json(bytes: &[u8]) -> Option<Value> {
    json_once(bytes, BODY_BYTES)
}

/// Whether a body is JSON, of which several may follow each other, and each has one reading.
pub(super) fn is_json_once(bytes: &[u8]) -> bool {
    json::is_json_once(bytes, BODY_BYTES)
}
