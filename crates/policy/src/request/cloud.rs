//! Planes of clouds: which service and which operation, and what the operation does by its name.

mod aws;
mod azure;
mod gcp;
mod kubernetes;

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use writ_model::{EffectClass, Resource};

use super::table::{Row, best};
use super::wire::Wire;
use super::{Ask, Asked};

const DATA: &str = include_str!("../../data/clouds.json");

static CLOUDS: LazyLock<Clouds> = LazyLock::new(|| serde_json::from_str(DATA).unwrap_or_default());

/// Beginnings of operations' names, and exceptions; a pattern may have `*` at one end.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Words {
    #[serde(borrow)]
    read: &'static str,
    #[serde(borrow)]
    deploy: &'static str,
    #[serde(borrow)]
    destructive: &'static str,
    #[serde(borrow)]
    exceptions: HashMap<EffectClass, &'static str>,
    /// Service (or `*`), row, what it does.
    #[serde(borrow)]
    rest: Vec<(&'static str, &'static str, EffectClass)>,
    /// Services all of whose changes are of one class.
    #[serde(borrow)]
    services: HashMap<EffectClass, &'static str>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Clouds {
    #[serde(borrow, rename = "_")]
    #[expect(dead_code, reason = "for people who read the file")]
    about: Vec<&'static str>,
    aws: Words,
    gcp: Words,
    azure: Words,
}

/// An operation of a cloud.
struct Operation<'a> {
    cloud: &'static str,
    service: &'a str,
    /// Its name, as people know it.
    name: String,
}

/// The asks of a request to the plane of a cloud.
pub(super) fn asked(wire: &Wire<'_>) -> Option<Asked> {
    let host = wire.request.host.as_str();
    aws::asks(wire, host)
        .or_else(|| gcp::asks(wire, host))
        .or_else(|| azure::asks(wire, host))
        .or_else(|| kubernetes::asks(wire))
        .map(Asked::governed)
}

// === impl Words ===

impl Words {
    /// What an exception says of an operation. The strictest counts, but one that says that it only looks counts first.
    fn exception(&self, service: &str, name: &str) -> Option<EffectClass> {
        // `*Policy` is a change of one, and no look at it.
        let only_looks = self.read.split_whitespace().any(|word| word == first_word(name));
        let fits = |class: &EffectClass| {
            self.exceptions.get(class).is_some_and(|patterns| {
                patterns.split_whitespace().any(|pattern| match pattern.split_once(':') {
                    Some((own, pattern)) => own == service && matches(pattern, name),
                    None => !(only_looks && pattern.starts_with('*')) && matches(pattern, name),
                })
            })
        };
        [
            EffectClass::Network,
            EffectClass::SecretRead,
            EffectClass::IdentityChange,
            EffectClass::Destructive,
            EffectClass::Deploy,
        ]
        .into_iter()
        .find(fits)
    }

    /// What the first word of an operation's name says.
    fn by_verb(&self, service: &str, name: &str) -> Option<EffectClass> {
        let first = first_word(name);
        let has = |words: &str| {
            words
                .split_whitespace()
                .any(|word| word == first || (name.starts_with(word) && ends_word(name, word)))
        };
        if has(self.read) {
            return Some(EffectClass::Network);
        }
        let own = self
            .services
            .iter()
            .find(|(_, services)| services.split_whitespace().any(|known| known == service))
            .map(|(class, _)| *class);
        if has(self.destructive) {
            return Some(EffectClass::Destructive);
        }
        own.or_else(|| has(self.deploy).then_some(EffectClass::Deploy))
    }

    fn by_path(&self, wire: &Wire<'_>, service: &str) -> Option<EffectClass> {
        let rows: Vec<(Row, EffectClass)> = self
            .rest
            .iter()
            .filter(|(own, ..)| *own == "*" || *own == service)
            .filter_map(|(_, row, class)| Some((Row::read(row)?, *class)))
            .collect();
        best(&rows, wire.verb, &wire.segments).map(|(class, _)| *class)
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => pattern == name,
    }
}

/// `Get` of `GetSecretValue`, `set` of `setIamPolicy`.
fn first_word(name: &str) -> &str {
    let end = name.char_indices().skip(1).find(|(_, c)| !c.is_lowercase()).map_or(name.len(), |(at, _)| at);
    name.get(..end).unwrap_or_default()
}

/// Whether a word ends where a word of the name does.
fn ends_word(name: &str, word: &str) -> bool {
    !name.get(word.len()..).is_some_and(|rest| rest.starts_with(|c: char| c.is_lowercase()))
}

// === impl Operation ===

impl Operation<'_> {
    /// The ask of the operation, of this class.
    fn ask(&self, class: EffectClass) -> Ask {
        let Self { cloud, service, name } = self;
        let name: String = name.chars().take(120).collect();
        let words = format!("{cloud} {service} {name}");
        let resource = match class {
            EffectClass::Deploy | EffectClass::Publish => Resource::Deployment { target: words.clone() },
            EffectClass::SecretRead => Resource::Secret { what: words.clone() },
            EffectClass::IdentityChange => Resource::Identity { what: words.clone() },
            EffectClass::Unknown => {
                return Ask::unknown(&format!("what `{words}` does is not known"));
            }
            EffectClass::Read
            | EffectClass::WriteWorkspace
            | EffectClass::BuildTest
            | EffectClass::Network
            | EffectClass::PackageInstall
            | EffectClass::GitPush
            | EffectClass::Destructive
            | EffectClass::EscapeAttempt => Resource::CloudAccount { provider: (*cloud).to_owned() },
        };
        Ask::new(class, resource, &format!("asks {words}"))
    }
}
