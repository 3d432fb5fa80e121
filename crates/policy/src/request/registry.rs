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

/// Ends of names of files that are packages: who puts one somewhere gives it to others. An archive that may be anything
/// (`.zip`) is none.
const PACKAGES: &[(&str, &str)] = &[
    (".apk", "alpine"),
    (".conda", "conda"),
    (".crate", "crates"),
    (".deb", "debian"),
    (".gem", "rubygems"),
    (".nupkg", "nuget"),
    (".rock", "luarocks"),
    (".rockspec", "luarocks"),
    (".rpm", "rpm"),
    (".snupkg", "nuget"),
    (".tar.bz2", "generic"),
    (".tar.gz", "generic"),
    (".tar.xz", "generic"),
    (".tgz", "npm"),
    (".vsix", "vscode"),
    (".whl", "pypi"),
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

/// The asks of a request that puts a package, or takes one away, at an address that no protocol names.
pub(super) fn archive(wire: &Wire<'_>) -> Option<Asked> {
    let flat = wire.flat();
    let file = flat.last()?;
    let ecosystem = package(file)?;
    let deed = match wire.verb {
        Verb::Read | Verb::Other => return None,
        Verb::Post | Verb::Put | Verb::Patch => Deed::Publish,
        Verb::Delete => Deed::Retract,
    };
    Some(Asked::governed(vec![of_deed(deed, ecosystem, file.clone(), String::new(), wire)]))
}

/// The ecosystem of a file that is a package by its name.
fn package(file: &str) -> Option<&'static str> {
    let file = file.to_ascii_lowercase();
    let maven = MAVEN.iter().any(|end| file.ends_with(end)).then_some("maven");
    PACKAGES.iter().find(|(end, _)| file.ends_with(end)).map(|(_, ecosystem)| *ecosystem).or(maven)
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
    let every = || "*".to_owned();
    let is_swift = wire
        .headers("accept")
        .chain(wire.headers("content-type"))
        .any(|value| value.to_ascii_lowercase().contains("application/vnd.swift.registry"));
    let may_be_form = matches!(wire.verb, Verb::Put | Verb::Post);
    let is_multipart =
        wire.headers("content-type").any(|value| value.to_ascii_lowercase().contains("multipart/"));
    if may_be_form && (is_multipart || has(bytes, b"form-data;")) {
        return multipart(wire, bytes, is_all);
    }
    match wire.verb {
        Verb::Put | Verb::Post if wire.header("x-nuget-apikey").is_some() => {
            publishes("nuget", every(), String::new())
        }
        Verb::Delete if wire.header("x-nuget-apikey").is_some() => {
            Some(of_deed(Deed::Retract, "nuget", every(), String::new(), wire))
        }
        Verb::Put if is_swift => publishes("swift", flat.join("."), String::new()),
        Verb::Put => {
            let last = flat.last().map(String::as_str).unwrap_or_default();
            let lower = last.to_ascii_lowercase();
            if lower.starts_with("maven-metadata.xml") || MAVEN.iter().any(|end| lower.ends_with(end)) {
                let (name, version) = maven(flat);
                return publishes("maven", name, version);
            }
            npm(wire, bytes, is_all).and_then(|name| publishes("npm", name, String::new()))
        }
        Verb::Post => {
            let fields = body::Fields::of(wire);
            let acts = fields.known().iter().filter(|(name, _)| name == ":action");
            let acts: Vec<&str> = acts.map(|(_, value)| value.as_str().unwrap_or_default()).collect();
            let deed =
                if acts.iter().any(|act| act.contains("remove")) { Deed::Retract } else { Deed::Publish };
            (!acts.is_empty() || has(bytes, b":action="))
                .then(|| of_deed(deed, "pypi", every(), String::new(), wire))
        }
        Verb::Read | Verb::Patch | Verb::Delete | Verb::Other => None,
    }
}

/// A form of several parts, as indexes of packages take them.
fn multipart(wire: &Wire<'_>, bytes: &[u8], is_all: bool) -> Option<Ask> {
    let parts = form::parts(bytes);
    let get = |name: &str| {
        parts.iter().find(|part| part.names.iter().any(|own| own == name)).map(|part| part.value.clone())
    };
    let named = || get("name").filter(|name| !name.is_empty()).unwrap_or_else(|| "*".to_owned());
    let deed = match get(":action") {
        Some(action) if action.contains("remove") => Deed::Retract,
        Some(_) | None => Deed::Publish,
    };
    let is_index =
        [":action", "metadata_version", "filetype", "pyversion"].iter().any(|mark| get(mark).is_some());
    if is_index {
        let version = get("version").unwrap_or_default();
        return Some(of_deed(deed, "pypi", named().to_lowercase(), version, wire));
    }
    let mut files = parts.iter().flat_map(|part| &part.files);
    let file = files.find_map(|file| Some((package(file)?, file.clone())));
    if let Some((ecosystem, file)) = file {
        return Some(of_deed(Deed::Publish, ecosystem, file, String::new(), wire));
    }
    // NuGet puts a package as a form of one part, whatever that is called; a package of Swift has this part.
    if wire.verb == Verb::Put || get("source-archive").is_some() {
        let ecosystem = if get("source-archive").is_some() { "swift" } else { "nuget" };
        return Some(of_deed(Deed::Publish, ecosystem, named(), String::new(), wire));
    }
    if parts.iter().any(|part| part.is_odd) {
        return Some(Ask::unknown("a form with names that servers read differently"));
    }
    (!is_all).then(|| Ask::unknown("a form whose end nobody saw"))
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
            let is_told =
                wire.headers("content-type").any(|media| media.to_ascii_lowercase().contains("json"));
            let is_hidden = match &wire.request.body {
                Body::None => false,
                Body::Unread => is_told,
                Body::Start(bytes) => is_told || body::is_packed(wire) || body::is_like_json(bytes),
                Body::Whole(bytes) => {
                    !bytes.is_empty() && (is_told || body::is_packed(wire) || body::is_like_json(bytes))
                }
            };
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
