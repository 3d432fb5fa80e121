//! Google Cloud: the service by the host, the operation by method, path and the verb behind a colon.

use writ_model::EffectClass;

use super::super::Ask;
use super::super::wire::{Verb, Wire};
use super::{CLOUDS, Operation};

/// The asks of a request to Google's interfaces; nothing where the host is none of them.
pub(super) fn asks(wire: &Wire<'_>, host: &str) -> Option<Vec<Ask>> {
    let name = match host {
        "accounts.google.com" => "accounts",
        host => host.strip_suffix(".googleapis.com")?,
    };
    let service = name.rsplit_once(".rep").map_or(name, |(name, _)| name);
    // `www.googleapis.com/drive/v3/…`, and regions before and behind the name of a service.
    let service = match service {
        "www" | "content" => wire.segments.first().map_or("www", String::as_str),
        service => service.split('.').next().unwrap_or(service),
    };
    let service = service.rsplit_once('-').map_or(service, |(before, own)| {
        let is_region = before.starts_with(|c: char| c.is_ascii_lowercase())
            && before.ends_with(|c: char| c.is_ascii_digit());
        if is_region { own } else { service }
    });
    let last = wire.segments.last().map_or("", String::as_str);
    let verb = last.rsplit_once(':').map(|(_, verb)| verb);
    let is_batch = wire.segments.first().is_some_and(|first| first.eq_ignore_ascii_case("batch"));
    let words = &CLOUDS.gcp;
    let by_verb = |verb: &str| {
        words
            .exception(service, verb)
            .or_else(|| verb.starts_with("delete").then_some(EffectClass::Destructive))
            .or_else(|| words.by_verb(service, verb))
    };
    let by_path = words.by_path(wire, service);
    let class = match (wire.verb, verb) {
        _ if is_batch => EffectClass::Unknown,
        (_, Some(verb)) if by_verb(verb).is_some_and(|class| class != EffectClass::Network) => {
            by_verb(verb).unwrap_or(EffectClass::Unknown)
        }
        (Verb::Read, _) => by_path.unwrap_or(EffectClass::Network),
        (Verb::Delete, _) => EffectClass::Destructive,
        (Verb::Post | Verb::Put | Verb::Patch, Some(verb)) => match (by_verb(verb), by_path) {
            (Some(class), _) => class,
            (None, Some(class)) => class,
            (None, None) => EffectClass::Deploy,
        },
        (Verb::Post, None) if last.eq_ignore_ascii_case("setIamPolicy") => EffectClass::IdentityChange,
        (Verb::Post | Verb::Put | Verb::Patch, None) => by_path.unwrap_or(EffectClass::Deploy),
        (Verb::Other, _) => EffectClass::Unknown,
    };
    let path: Vec<&str> = wire.segments.iter().rev().take(2).map(String::as_str).collect();
    let name = format!("{} {}", wire.request.method, path.into_iter().rev().collect::<Vec<_>>().join("/"));
    Some(vec![Operation { cloud: "gcp", service, name }.ask(class)])
}
