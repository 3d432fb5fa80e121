//! Package registries, by the shape of their protocols: a private registry has any host, and the same operations.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;
use writ_model::{Body, EffectClass, PackageSource, Resource};

use super::form::Part;
use super::table::{Places, Row, best};
use super::wire::{Verb, Wire, find};
use super::{Ask, Asked, body, form, second};

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

/// The field by which Python's indexes tell what a form asks for, and the longest spelling of it that is read.
const ACTION: &str = ":action";
const MAX_ACTION_BYTES: usize = 64;

/// What it says where something is added.
const UPLOADS: &[&str] =
    &["doc_upload", "file_upload", "list_classifiers", "submit", "submit_pkg_info", "user", "verify"];

/// Most packages of one form that are told one by one.
const MAX_FILES: usize = 16;

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
    let Some((does, places)) = best(&REGISTRIES, wire.verb, &flat) else {
        return Some(by_shape(wire, &flat)).filter(|asks| !asks.is_empty()).map(Asked::governed);
    };
    if does.deed == Deed::Look {
        return Some(Asked::governed(by_shape(wire, &flat)));
    }
    let mut asks = vec![of_row(does, &places, wire)];
    // What a form takes away is no less where its address is one at which things are put.
    let parts = form::parts(body::bytes(wire).0);
    if does.deed != Deed::Retract && action(wire, &parts) == Some(Deed::Retract) {
        asks.push(of_deed(Deed::Retract, "pypi", "*".to_owned(), String::new(), wire));
    }
    Some(Asked::governed(asks))
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

/// Protocols whose paths say nothing: the body and the headers do. All that one of them says counts.
fn by_shape(wire: &Wire<'_>, flat: &[String]) -> Vec<Ask> {
    let (bytes, is_all) = body::bytes(wire);
    let mut asks = Vec::new();
    let every = || "*".to_owned();
    let mut add = |deed, ecosystem, name, version| {
        let ask = of_deed(deed, ecosystem, name, version, wire);
        if !asks.contains(&ask) {
            asks.push(ask);
        }
    };
    let has_key = wire.header("x-nuget-apikey").is_some();
    match wire.verb {
        Verb::Put | Verb::Post if has_key => add(Deed::Publish, "nuget", every(), String::new()),
        Verb::Delete if has_key => add(Deed::Retract, "nuget", every(), String::new()),
        Verb::Read | Verb::Post | Verb::Put | Verb::Patch | Verb::Delete | Verb::Other => {}
    }
    if wire.verb == Verb::Put && says_swift(wire) {
        add(Deed::Publish, "swift", flat.join("."), String::new());
    }
    let is_form = is_form(wire, bytes);
    if wire.verb == Verb::Put {
        let last = flat.last().map(String::as_str).unwrap_or_default();
        let lower = last.to_ascii_lowercase();
        if lower.starts_with("maven-metadata.xml") || MAVEN.iter().any(|end| lower.ends_with(end)) {
            let (name, version) = maven(flat);
            add(Deed::Publish, "maven", name, version);
        } else if !is_form && let Some(name) = npm(wire, bytes, is_all) {
            add(Deed::Publish, "npm", name, String::new());
        }
    }
    if matches!(wire.verb, Verb::Put | Verb::Post) {
        asks.extend(in_parts(wire, bytes, is_form));
        if asks.is_empty() && is_form && !is_all {
            asks.push(Ask::unknown("a form whose end nobody saw"));
        }
        if is_form && !second::is_charset(wire) {
            asks.push(Ask::unknown("a form in a charset that is not read"));
        }
    }
    asks
}

/// What `:action` of Python's indexes says, in the query, a form, or a form in parts; nothing where it stands in none. What
/// is not known to add something could take it away.
fn action(wire: &Wire<'_>, parts: &[Part<'_>]) -> Option<Deed> {
    let is_action = |name: &str| name.trim().eq_ignore_ascii_case(ACTION);
    let adds = |value: &str| UPLOADS.contains(&value.trim());
    let in_parts = parts.iter().filter(|part| part.names.iter().any(|name| is_action(name)));
    let in_parts = in_parts.map(|part| adds(&part.value) && find(part.rest, b"remove").is_none());
    if wire.verb != Verb::Post {
        return of_action(in_parts);
    }
    let (bytes, _) = body::bytes(wire);
    let fields = body::Fields::of(wire);
    let known = fields.known().iter().filter(|(name, _)| is_action(name));
    let known = known.map(|(_, value)| value.as_str().is_some_and(adds));
    let in_form = body::pairs(bytes).filter(|(name, _)| {
        let may_be = (ACTION.len()..=MAX_ACTION_BYTES).contains(&name.len());
        may_be && name.iter().any(|byte| matches!(byte, b':' | b'%')) && is_action(&body::field(name))
    });
    let in_form = in_form.map(|(_, value)| adds(&body::field(value)));
    // Whatever this is, something may read it so.
    let is_text = !is_form(wire, bytes) && has(bytes, b":action=");
    let in_text = is_text.then(|| !has(bytes, b":action=remove"));
    of_action(in_parts.chain(known).chain(in_form).chain(in_text))
}

/// The deed of all actions that are told: whether each only adds.
fn of_action(mut all: impl Iterator<Item = bool>) -> Option<Deed> {
    let first = all.next()?;
    Some(if first && all.all(|adds| adds) { Deed::Publish } else { Deed::Retract })
}

/// Whether a body is a form in parts, as far as that can be told.
fn is_form(wire: &Wire<'_>, bytes: &[u8]) -> bool {
    wire.says_in("content-type", "multipart/") || has(bytes, b"form-data;")
}

/// What a form does at an index of packages.
fn in_parts(wire: &Wire<'_>, bytes: &[u8], is_form: bool) -> Vec<Ask> {
    let parts = form::parts(bytes);
    // Of several that differ servers take one or another.
    let get = |name: &str| {
        let mut all = parts.iter().filter(|part| part.names.iter().any(|own| own == name));
        let first = all.next()?;
        let is_one = first.names.len() == 1 && all.all(|other| other.value == first.value);
        Some(if is_one { first.value.clone() } else { String::new() })
    };
    let has_part = |name: &str| parts.iter().any(|part| part.names.iter().any(|own| own == name));
    let is_odd = parts.iter().any(|part| part.is_odd);
    let named = || get("name").filter(|name| !name.is_empty() && !is_odd).unwrap_or_else(|| "*".to_owned());
    let mut asks = Vec::new();
    let said = action(wire, &parts);
    let is_index = said.is_some()
        || (is_form && ["metadata_version", "filetype", "pyversion"].iter().any(|mark| has_part(mark)));
    if is_index {
        // A name that cannot be read may be that of an action.
        let deed = if is_odd { Deed::Retract } else { said.unwrap_or(Deed::Publish) };
        let version = get("version").unwrap_or_default();
        asks.push(of_deed(deed, "pypi", named().to_lowercase(), version, wire));
    }
    if !is_form {
        return asks;
    }
    let told = asks.len();
    for file in parts.iter().flat_map(|part| &part.files) {
        // A backslash stands for what follows it, or between folders.
        let file = if package(file).is_some() { file.clone() } else { file.replace('\\', "") };
        let Some(ecosystem) = package(&file) else { continue };
        let ask = of_deed(Deed::Publish, ecosystem, file, String::new(), wire);
        // What an index takes is told already.
        let is_told = is_index && matches!(ecosystem, "pypi" | "generic");
        if asks.len() < MAX_FILES && !is_told && !asks.contains(&ask) {
            asks.push(ask);
        }
    }
    // NuGet puts a package as a form of one part, whatever that is called; a package of Swift has this part.
    let is_swift = has_part("source-archive");
    if asks.len() == told && (wire.verb == Verb::Put || is_swift) && !(is_swift && says_swift(wire)) {
        let ecosystem = if is_swift { "swift" } else { "nuget" };
        asks.push(of_deed(Deed::Publish, ecosystem, named(), String::new(), wire));
    }
    if asks.is_empty() && (is_odd || parts.iter().any(|part| part.is_odd_file)) {
        asks.push(Ask::unknown("a form with names that servers read differently"));
    }
    asks
}

fn says_swift(wire: &Wire<'_>) -> bool {
    ["accept", "content-type"].iter().any(|name| wire.says_in(name, "application/vnd.swift.registry"))
}

fn has(bytes: &[u8], words: &[u8]) -> bool {
    find(bytes, words).is_some()
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
                Body::Start(bytes) | Body::Long { start: bytes, .. } => {
                    is_told || body::is_packed(wire) || body::is_like_json(bytes)
                }
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
