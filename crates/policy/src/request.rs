//! What a request asks its host to do, read from the bytes that would leave.
//!
//! A host says little: the same forge shows a file and merges a pull request. So method, path, query, some headers and
//! the body are read as the service behind the host reads them: forges by tables of their interfaces
//! (`data/forges.json`), package registries by the shape of their protocols whatever their host is
//! (`data/registries.json`), clouds by service and action (`data/clouds.json`).
//!
//! ```text
//! PUT https://api.github.com/repos/acme/shop/pulls/7/merge
//!   network   host api.github.com
//!   publish   repository github.com/acme/shop      (merges)
//! ```
//!
//! A service that is known and an operation that is not is `unknown`, and so is every spelling that two readers could
//! take for two things. Only what goes to a host that no table knows is judged by the host alone.

mod body;
mod cloud;
mod forge;
mod form;
mod git;
mod graphql;
mod hosts;
mod json;
mod parts;
mod registry;
mod second;
mod table;
mod wire;

#[cfg(test)]
mod tests;

pub use form::ends_in_file;
pub use git::{GitService, GitStep, git_service};
pub use hosts::{Forge, KnownHosts};
pub use json::{has_member, json_once};
pub use parts::{FormParts, MAX_HELD_NAME_BYTES, NamesMethod};

use writ_model::{Action, Body, EffectClass, Request, Resource, SourceKind};

use crate::names::Meaning;
use wire::{Verb, Wire};

/// How much of a body is handed on as one text.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// One effect that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub effect: EffectClass,
    pub what: What,
    /// One sentence, without a full stop.
    pub says: String,
}

/// What an effect is done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Resource(Resource),
    /// A file of the repository, below its root.
    File(String),
}

/// What a request asks for, beside reaching its host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub asks: Vec<Ask>,
    /// A known service stands behind the host: only credentials that Writ placed are spent there.
    pub is_governed: bool,
    /// The asks say where the request goes; the host need not be asked about beside them.
    pub is_whole: bool,
}

// === impl Ask ===

impl Ask {
    fn new(effect: EffectClass, resource: Resource, says: &str) -> Self {
        Self { effect, what: What::Resource(resource), says: says.to_owned() }
    }

    fn unknown(why: &str) -> Self {
        Self::new(EffectClass::Unknown, Resource::Unknown { why: why.to_owned() }, why)
    }
}

// === impl Asked ===

impl Asked {
    fn governed(asks: Vec<Ask>) -> Self {
        Self { asks, is_governed: true, is_whole: false }
    }
}

/// Reads a request.
pub(crate) fn read(request: &Request, known: &KnownHosts) -> Asked {
    let authority = request.authority();
    let is_named = known.names(&authority);
    let wire = Wire::of(request);
    let names_method = second::names_method(&wire);
    let read = read_wire(&wire, known);
    let is_in_table = read.is_some();
    let mut asked = read.unwrap_or_default();
    asked.is_governed |= is_named;
    if !asked.is_governed && (names_method || wire.says(Meaning::Method)) && is_hidden(&wire) {
        asked.is_governed = true;
        asked.asks.push(Ask::unknown("by the second method that it names it is an operation of a registry"));
    }
    if !asked.is_governed && !wire::is_method(&request.method) {
        asked.asks.push(Ask::unknown("a method that nobody registered, which servers read differently"));
        asked.is_whole = false;
    }
    if asked.is_governed && wire.verb == Verb::Read && request.body != Body::None {
        asked.asks.push(Ask::unknown("a request that only reads, with a body that some servers obey"));
        asked.is_whole = false;
    }
    if asked.is_governed && request.method == "CONNECT" {
        let why = "a tunnel that nobody looks into, to a service with operations of its own";
        asked.asks.push(Ask::unknown(why));
        asked.is_whole = false;
    }
    let in_body = || names_method.then_some("the body names a second method");
    if asked.is_governed
        && let Some(odd) = wire.odd.or_else(in_body)
    {
        asked.asks.retain(|ask| ask.effect != EffectClass::Unknown);
        asked.asks.push(Ask::unknown(odd));
        asked.is_whole = false;
    }
    let is_known_odd = |asked: &Asked| asked.asks.iter().any(|ask| ask.effect == EffectClass::Unknown);
    // Where something is only looked at, as by the audit of an installation, no other method would make more of it.
    let may_be_more = |asked: &Asked| !asked.asks.is_empty() || is_hidden(&wire);
    if is_in_table && may_be_more(&asked) && !is_known_odd(&asked) && second::may_name_method(&wire) {
        asked.asks.push(Ask::unknown("a body that may name a second method, where it cannot be read"));
        asked.is_whole = false;
    }
    asked
}

/// Whether a request that is nobody's operation is one of a registry by another method.
fn is_hidden(wire: &Wire<'_>) -> bool {
    let by_verb = |verb: &Verb| {
        let wire = wire.by(*verb);
        registry::asked(&wire).or_else(|| registry::archive(&wire)).is_some()
    };
    [Verb::Delete, Verb::Patch, Verb::Post, Verb::Put].iter().any(by_verb)
}

fn read_wire(wire: &Wire<'_>, known: &KnownHosts) -> Option<Asked> {
    git::asked(wire, known)
        .or_else(|| forge::asked(wire, known))
        .or_else(|| registry::asked(wire))
        .or_else(|| cloud::asked(wire))
        .or_else(|| registry::archive(wire))
}

/// Why reaching the host matters, in words.
pub(crate) fn says(request: &Request) -> &'static str {
    match (&request.body, Verb::of(&request.method)) {
        (Body::None, Verb::Read) => "the request goes to it",
        (Body::None, _) => "the request goes to it, and may change something there",
        (Body::Unread | Body::Start(_) | Body::Long { .. } | Body::Whole(_), _) => {
            "the request goes to it, with a body that leaves the machine"
        }
    }
}

/// What comes back with the answer, as far as the service tells.
pub(crate) fn brings(request: &Request, actions: &[Action]) -> SourceKind {
    let fetches = |action: &Action| match &action.resource {
        Resource::Ref { remote, .. } if action.effect == EffectClass::Network => Some(remote == "origin"),
        _ => None,
    };
    if let Some(is_origin) = actions.iter().find_map(fetches) {
        return if is_origin { SourceKind::History } else { SourceKind::Clone };
    }
    let wire = Wire::of(request);
    let known = KnownHosts::default();
    if hosts::spot(&wire, &known).is_some() { SourceKind::Forge } else { SourceKind::Web }
}

/// Hands over the words that a request carries out, and returns whether they are all.
pub(crate) fn each_text(request: &Request, take: &mut dyn FnMut(&str)) -> bool {
    let wire = Wire::of(request);
    take(&request.path);
    take(&wire.segments.join("/"));
    request.query.iter().for_each(|query| take(query));
    wire.query.iter().for_each(|(_, value)| take(value));
    request.headers.iter().for_each(|(_, value)| take(value));
    let (bytes, is_all) = body::bytes(&wire);
    // Of more, nothing would be compared.
    let start = bytes.get(..MAX_TEXT_BYTES).unwrap_or(bytes);
    take(&String::from_utf8_lossy(start));
    json::each_text(bytes, take);
    let form = std::str::from_utf8(bytes).ok().and_then(wire::pairs);
    form.into_iter().flatten().for_each(|(_, value)| take(&value));
    is_all && start.len() == bytes.len() && !matches!(request.body, Body::Long { .. })
}
