//! JSON of strangers: within bounds, each name once. What is only looked through is not built.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What is built of a text takes at most so many times the longest text that is read: a list of empty maps would take hundreds.
const TIMES: usize = 2;
/// What a value takes, beside its text: lists double as they grow.
const VALUE_BYTES: usize = 2 * size_of::<Value>();
/// What a member takes beside its texts: the nodes of a map are half full at least.
const MEMBER_BYTES: usize = 2 * (size_of::<String>() + size_of::<Value>());
/// What the first node of a map takes: it has room for eleven members.
const MAP_BYTES: usize = 11 * (size_of::<String>() + size_of::<Value>());

/// JSON of at most so many bytes in which no name stands twice: parsers differ over which one counts (RFC 8259,
/// section 4). Nothing where it has no one reading, or would take too much memory.
pub fn json_once(bytes: &[u8], most: usize) -> Option<Value> {
    if bytes.len() > most {
        return None;
    }
    let left = Cell::new(most.saturating_mul(TIMES));
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Once(&left).deserialize(&mut reader).ok()?;
    reader.end().ok().map(|()| value)
}

/// Whether a text of at most so many bytes is JSON, of which several may follow each other, and each has one reading.
pub(super) fn is_json_once(bytes: &[u8], most: usize) -> bool {
    let mut reader = serde_json::Deserializer::from_slice(unmarked(bytes));
    while bytes.len() <= most && reader.end().is_err() {
        let left = Cell::new(most.saturating_mul(TIMES));
        if Once(&left).deserialize(&mut reader).is_err() {
            return false;
        }
    }
    bytes.len() <= most
}

/// Whether one of the outermost maps has a member of such a name, however often it stands there and whatever comes after it.
pub fn has_member(bytes: &[u8], is_one: &dyn Fn(&str) -> bool) -> bool {
    let mut is_found = false;
    walk(bytes, true, &mut |name| is_found |= is_one(name));
    is_found
}

/// Hands over the texts that are values, as the one who reads the JSON gets them, as far as it can be read.
pub(super) fn each_text(bytes: &[u8], take: &mut dyn FnMut(&str)) {
    walk(bytes, false, take);
}

fn walk(bytes: &[u8], for_names: bool, take: &mut dyn FnMut(&str)) {
    let mut reader = serde_json::Deserializer::from_slice(unmarked(bytes));
    while (Walk { for_names, take: &mut *take }).deserialize(&mut reader).is_ok() {}
}

fn unmarked(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

// === impl Once ===

/// Reads a value, and takes what it weighs off the rest.
#[derive(Clone, Copy)]
struct Once<'a>(&'a Cell<usize>);

impl Once<'_> {
    fn weigh<E: Error>(self, bytes: usize) -> Result<(), E> {
        let left =
            self.0.get().checked_sub(bytes).ok_or_else(|| E::custom("it would take too much memory"))?;
        self.0.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Once<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON with each name once")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.weigh(value.len())?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut found = Vec::new();
        while let Some(value) = values.next_element_seed(self)? {
            self.weigh(VALUE_BYTES)?;
            found.push(value);
        }
        Ok(Value::Array(found))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut found = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.weigh(name.len() + if found.is_empty() { MAP_BYTES } else { MEMBER_BYTES })?;
            if found.insert(name, members.next_value_seed(self)?).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Value::Object(found))
    }
}

// === impl Walk ===

/// Hands over what it comes by, and builds nothing.
struct Walk<'a> {
    /// The names of the outermost maps, or the texts that are values.
    for_names: bool,
    take: &'a mut dyn FnMut(&str),
}

impl Walk<'_> {
    fn inner(&mut self) -> Walk<'_> {
        Walk { for_names: self.for_names, take: &mut *self.take }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if !self.for_names {
            (self.take)(text);
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut values: A) -> Result<(), A::Error> {
        if self.for_names {
            while values.next_element::<IgnoredAny>()?.is_some() {}
        } else {
            while values.next_element_seed(self.inner())?.is_some() {}
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        if self.for_names {
            while let Some(name) = members.next_key::<String>()? {
                (self.take)(&name);
                members.next_value::<IgnoredAny>()?;
            }
        } else {
            while members.next_key::<IgnoredAny>()?.is_some() {
                members.next_value_seed(self.inner())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST: usize = 1 << 20;

    fn texts(bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        each_text(bytes, &mut |text| found.push(text.to_owned()));
        found
    }

    #[test]
    fn attack_json_that_would_fill_the_memory_is_not_read() {
        for (piece, what) in [("[],", "lists"), ("{\"\":0},", "maps"), ("0,", "numbers"), ("\"\",", "texts")]
        {
            let text = format!("[{}0]", piece.repeat((MOST - 8) / piece.len()));
            assert!(json_once(text.as_bytes(), MOST).is_none(), "{what}");
            assert!(!is_json_once(text.as_bytes(), MOST), "{what}");
            // What is looked through is not built: it can be of any kind.
            assert!(!has_member(text.as_bytes(), &|_| true), "{what}");
        }
        let usual = format!("[{}0]", r#"{"path":"src/lib.rs","mode":"100644","type":"blob"},"#.repeat(1_000));
        assert!(json_once(usual.as_bytes(), MOST).is_some());
        let long = format!("{{\"file\":\"{}\"}}", "a".repeat(MOST - 16));
        assert!(json_once(long.as_bytes(), MOST).is_some());
    }

    #[test]
    fn attack_a_name_of_an_outermost_map_is_found_whatever_stands_around_it() {
        let is_one = |name: &str| name == "_method";
        let deep = format!("{{\"a\":{}0{},\"_method\":0}}", "[".repeat(500), "]".repeat(500));
        for found in [
            r#"{"_method":0}"#,
            r#"{"a":{},"\u005fmethod":1,"_method":2}"#,
            r#"1 [2] {"_method":0}"#,
            r#"{"_method":broken"#,
            &deep,
        ] {
            assert!(has_member(found.as_bytes(), &is_one), "{found}");
        }
        for other in [r#"{"a":{"_method":0}}"#, r#"["_method"]"#, r#"[{"_method":0}]"#, "_method"] {
            assert!(!has_member(other.as_bytes(), &is_one), "{other}");
        }
    }

    #[test]
    fn texts_are_those_that_a_reader_gets() {
        assert_eq!(
            texts(br#"{"a":"b\u0063","d":["e",{"f":null,"g":"h"}],"a":"i"} "j" ["k"#),
            ["bc", "e", "h", "i", "j"]
        );
    }

    #[test]
    fn several_documents_have_one_reading_each() {
        for (text, is_read) in [
            ("{} {\"a\":1}", true),
            ("", true),
            ("{\"a\":1,\"a\":2}", false),
            ("{}{\"a\":1", false),
            ("{} x", false),
        ] {
            assert_eq!(is_json_once(text.as_bytes(), MOST), is_read, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_other_readers_read(text in "[\\[\\]{}:,\"a0 ]{0,24}") {
            if let Some(ours) = json_once(text.as_bytes(), MOST) {
                prop_assert_eq!(Some(ours), serde_json::from_str(&text).ok());
            }
            texts(text.as_bytes());
        }
    }
}
