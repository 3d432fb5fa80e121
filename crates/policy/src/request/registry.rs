//! Package registries, by the shape of their protocols: a private registry has any host, and the same operations.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;
use writ_model::{Body, EffectClass, PackageSource, Resource};

use super::table::{Places, Row, best};
use super::wire::{Verb, Wire};
use super::{Ask, Asked, body, form};

const DATA: &str = include_str!("../../data/registries.json");

static REGISTRIES: LazyLock<Vec<(Row, Does)>> = LazyLock::new(|| read(DATA).unwrap_or_default());

/// Ends of names of files that repositories of Java packages are made of.
const MAVEN: &[&str] = &[
    ".pom",
    ".jar",
    ".aar",
    ".war",
    ".ear",
    ".module",
    ".klib",
    ".pom.asc",
    ".jar.asc",
    ".pom.sha1",
    ".jar.sha1",
    ".pom.md5",
    ".jar.md5",
    ".pom.sha256",
    ".jar.sha256",
    ".pom.sha512",
    ".jar.sha512",
];

/// What an operation of a registry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Deed {
    /// Not a change, whatever its method.
    Look,
    Publish,
    Retract,
    Identity,
}

#[derive(Clone, Debug)]
struct Does {
    deed: Deed,
    ecosystem: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(borrow, rename = "_")]
    #[expect(dead_code, reason = "for people who read the file")]
    about: Vec<&'static str>,
    #[serde(borrow)]
    registries: HashMap<&'static str, HashMap<Deed, Vec<&'static str>>>,
}

fn read(data: &'static str) -> Option<Vec<(Row, Does)>> {
    let file: File = serde_json::from_str(data).ok()?;
    let mut found = Vec::new();
    for (ecosystem, deeds) in file.registries {
        for (deed, rows) in deeds {
            for row in rows {
                found.push((Row::read(row)?, Does { deed, ecosystem }));
            }
        }
    }
    Some(found)
}

/// How many rows are known, for tests.
#[cfg(test)]
pub(super) fn known() -> usize {
    REGISTRIES.len()
}

/// The asks of a request that has the shape of a registry's protocol.
pub(super) fn asked(wire: &Wire<'_>) -> Option<Asked> {
    let flat = wire.flat();
    let found = best(&REGISTRIES, wire.verb, &flat);
    let ask = match found {
        Some((Does { deed: Deed::Look, .. }, _)) => return Some(Asked::governed(Vec::new())),
        Some((does, places)) => of_row(does, &places, wire),
        None if wire.verb == Verb::Read => return None,
        None => by_shape(wire, &flat)?,
    };
    Some(Asked::governed(vec![ask]))
}

fn of_row(does: &Does, places: &Places, wire: &Wire<'_>) -> Ask {
    let named = || {
        let (name, version) = cargo_crate(wire)?;
        (does.ecosystem == "crates").then_some((name, version))
    };
    let (name, version) = match (places.get("name"), places.get("group")) {
        (Some(name), Some(group)) => (format!("{group}:{name}"), String::new()),
        (Some(name), None) => (name.to_owned(), places.get("version").unwrap_or_default().to_owned()),
        (None, _) => named().unwrap_or_else(|| ("*".to_owned(), String::new())),
    };
    of_deed(does.deed, does.ecosystem, name, version, wire)
}

fn of_deed(deed: Deed, ecosystem: &str, name: String, version: String, wire: &Wire<'_>) -> Ask {
    let package = |name, version| Resource::Package {
        name,
        version,
        ecosystem: ecosystem.to_owned(),
        source: PackageSource::Registry,
    };
    match deed {
        Deed::Look | Deed::Publish => {
            Ask::new(EffectClass::Publish, package(name, version), "publishes to a package registry")
        }
        Deed::Retract => Ask::new(
            EffectClass::Destructive,
            package(name, version),
            "takes back from a package registry what others may use",
        ),
        Deed::Identity => {
            let what = format!("account at {}", wire.request.authority());
            let says = "changes who may publish, or signs in";
            Ask::new(EffectClass::IdentityChange, Resource::Identity { what }, says)
        }
    }
}

/// Protocols whose paths say nothing: the body does.
fn by_shape(wire: &Wire<'_>, flat: &[String]) -> Option<Ask> {
    let (bytes, is_all) = body::bytes(wire);
    let publishes = |ecosystem, name: String, version: String| {
        Some(of_deed(Deed::Publish, ecosystem, name, version, wire))
    };
    match wire.verb {
        Verb::Put => {
            let last = flat.last().map(String::as_str).unwrap_or_default();
            let lower = last.to_ascii_lowercase();
            if lower.starts_with("maven-metadata.xml") || MAVEN.iter().any(|end| lower.ends_with(end)) {
                let (name, version) = maven(flat);
                return publishes("maven", name, version);
            }
            if flat.is_empty() || flat.len() > 6 {
                return None;
            }
            npm(wire, bytes, is_all).and_then(|name| publishes("npm", name, String::new()))
        }
        Verb::Post if wire.media() == "multipart/form-data" || has(bytes, b"form-data; name=\":action\"") => {
            let fields = form::fields(bytes);
            let get =
                |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            let is_index = [":action", "metadata_version", "filetype", "pyversion"]
                .iter()
                .any(|mark| fields.iter().any(|(name, _)| name == mark));
            if is_index {
                let name = get("name").filter(|name| !name.is_empty()).unwrap_or_else(|| "*".to_owned());
                return publishes("pypi", name.to_lowercase(), get("version").unwrap_or_default());
            }
            (!is_all).then(|| Ask::unknown("a form whose end nobody saw"))
        }
        Verb::Post if has(bytes, b":action=file_upload") => publishes("pypi", "*".to_owned(), String::new()),
        Verb::Read | Verb::Post | Verb::Patch | Verb::Delete | Verb::Other => None,
    }
}

fn has(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}

/// The package that a document of the npm protocol publishes.
fn npm(wire: &Wire<'_>, bytes: &[u8], is_all: bool) -> Option<String> {
    let by_path = || {
        let tail = wire.flat();
        match tail.as_slice() {
            [.., scope, name] if scope.starts_with('@') => format!("{scope}/{name}"),
            [.., name] => name.clone(),
            [] => "*".to_owned(),
        }
    };
    match (is_all, body::json(bytes)) {
        (true, Some(Value::Object(members))) => {
            let is_package = members.contains_key("_attachments")
                || (members.contains_key("versions") && members.contains_key("dist-tags"));
            let name = members.get("name").and_then(Value::as_str).map(str::to_owned);
            is_package.then(|| name.unwrap_or_else(by_path))
        }
        (true, Some(_)) => None,
        // A name that stands twice, or a document that goes on.
        (true, None) | (false, _) => {
            let marks: [&[u8]; 3] = [b"_attachments", b"\"dist-tags\"", b"\"versions\""];
            // Nobody saw all of it, or two readers could see two documents: such a document publishes.
            let is_hidden = wire.media() == "application/json" && wire.request.body != Body::None;
            (is_hidden || marks.iter().any(|mark| has(bytes, mark))).then(by_path)
        }
    }
}

/// Name and version that stand at the head of a crate that is published: a length, then JSON.
fn cargo_crate(wire: &Wire<'_>) -> Option<(String, String)> {
    let (bytes, _) = body::bytes(wire);
    let length = usize::try_from(u32::from_le_bytes(*bytes.first_chunk::<4>()?)).ok()?;
    let Value::Object(members) = body::json(bytes.get(4..length.checked_add(4)?)?)? else { return None };
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
    Some((text("name")?, text("vers").unwrap_or_default()))
}

/// `group:artifact` and the version of `…/org/example/app/1.0/app-1.0.jar`.
fn maven(path: &[String]) -> (String, String) {
    match path {
        [group @ .., artifact, version, _file] if !group.is_empty() => {
            (format!("{}:{artifact}", group.join(".")), version.clone())
        }
        _ => ("*".to_owned(), String::new()),
    }
}
