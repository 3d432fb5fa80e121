//! Capabilities: words, some with a value, by which both sides of a push say what they can (gitprotocol-capabilities).

use std::collections::BTreeMap;

use super::oid::ObjectFormat;

/// Most capabilities of one side, and the longest list in bytes.
const MAX_CAPABILITIES: usize = 64;
const MAX_LIST_BYTES: usize = 4_096;

/// What a push may use. Others are taken out of what a server offers, because nobody here knows what they do to the
/// bytes that follow; among them `push-cert`, whose commands stand inside a signed text.
const KNOWN: &[&str] = &[
    "agent",
    "atomic",
    "delete-refs",
    "no-thin",
    "object-format",
    "ofs-delta",
    "push-options",
    "quiet",
    "report-status",
    "report-status-v2",
    "session-id",
    "side-band-64k",
];

/// The capabilities of one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(BTreeMap<String, Option<String>>);

// === impl Capabilities ===

impl Capabilities {
    /// Reads a list that is separated by spaces. `None` when it is too long, is no text, or names one twice.
    pub(super) fn parse(list: &[u8]) -> Option<Self> {
        if list.len() > MAX_LIST_BYTES {
            return None;
        }
        let list = std::str::from_utf8(list).ok()?;
        if list.chars().any(char::is_control) {
            return None;
        }
        let mut found = BTreeMap::new();
        for word in list.split(' ').filter(|word| !word.is_empty()) {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word, None),
            };
            if found.insert(name.to_owned(), value).is_some() || found.len() > MAX_CAPABILITIES {
                return None;
            }
        }
        Some(Self(found))
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The hash function that is named; the older one where none is. `None` for one that nobody here knows.
    #[must_use]
    pub fn format(&self) -> Option<ObjectFormat> {
        match self.0.get("object-format") {
            None => Some(ObjectFormat::Sha1),
            Some(name) => ObjectFormat::of(name.as_deref()?),
        }
    }

    /// Only those that a push through the door may use.
    pub(super) fn known(mut self) -> Self {
        self.0.retain(|name, _| KNOWN.contains(&name.as_str()));
        self
    }

    /// The first that the other side did not offer.
    pub(super) fn beyond(&self, offered: &Self) -> Option<&str> {
        self.0.keys().map(String::as_str).find(|name| !offered.has(name))
    }

    pub(super) fn list(&self) -> String {
        let words: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| match value {
                Some(value) => format!("{name}={value}"),
                None => name.clone(),
            })
            .collect();
        words.join(" ")
    }
}
