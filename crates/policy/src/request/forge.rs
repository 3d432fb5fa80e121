//! Forges: the operations of their interfaces by table, and what each does to which repository, ref, secret or right.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;
use writ_model::{EffectClass, Resource};

use super::body::Fields;
use super::hosts::{Forge, KnownHosts, Side, Spot, spot};
use super::table::{Places, Row, best};
use super::wire::{Verb, Wire};
use super::{Ask, Asked, What, graphql};
use crate::names::Meaning;

const DATA: &str = include_str!("../../data/forges.json");

static FORGES: LazyLock<HashMap<Forge, Table>> = LazyLock::new(|| read(DATA).unwrap_or_default());

/// What an operation of a forge does. The data file tells each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Deed {
    Read,
    Write,
    Talk,
    Review,
    EditPull,
    Commit,
    RefCreate,
    RefUpdate,
    RefDelete,
    Create,
    Release,
    Publish,
    Merge,
    Deploy,
    Destroy,
    Approve,
    Admin,
    Identity,
    SecretRead,
    SecretWrite,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(borrow, rename = "_")]
    _about: Vec<&'static str>,
    forges: HashMap<Forge, Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(borrow)]
    #[expect(dead_code, reason = "for people who read the file")]
    source: &'static str,
    #[serde(borrow)]
    rest: HashMap<Deed, Vec<&'static str>>,
    #[serde(borrow, default)]
    mutations: HashMap<Deed, &'static str>,
}

#[derive(Default)]
struct Table {
    rest: Vec<(Row, Deed)>,
    mutations: HashMap<&'static str, Deed>,
}

fn read(data: &'static str) -> Option<HashMap<Forge, Table>> {
    let file: File = serde_json::from_str(data).ok()?;
    let mut found = HashMap::new();
    for (forge, written) in file.forges {
        let mut table = Table::default();
        for (deed, rows) in written.rest {
            for row in rows {
                table.rest.push((Row::read(row)?, deed));
            }
        }
        for (deed, names) in written.mutations {
            table.mutations.extend(names.split_whitespace().map(|name| (name, deed)));
        }
        found.insert(forge, table);
    }
    Some(found)
}

/// How many rows and mutations are known, for tests.
#[cfg(test)]
pub(super) fn known() -> usize {
    FORGES.values().map(|table| table.rest.len() + table.mutations.len()).sum()
}

/// What a mutation of a forge does.
pub(super) fn mutation(forge: Forge, name: &str) -> Option<Deed> {
    FORGES.get(&forge)?.mutations.get(name).copied()
}

/// The asks of a request to a forge; nothing where it goes to none.
pub(super) fn asked(wire: &Wire<'_>, known: &KnownHosts) -> Option<Asked> {
    let spot = spot(wire, known)?;
    let mut asks = match spot.side {
        Side::Graphql => graphql::asks(wire, &spot),
        Side::Rest => rest(wire, &spot),
        Side::Web if wire.verb == Verb::Read => Vec::new(),
        Side::Web if is_login(&spot.path) => vec![identity(&spot.host, "signs in, or changes an account")],
        // Packages and images that the forge keeps have protocols of their own.
        Side::Web => match super::registry::asked(wire) {
            Some(asked) => asked.asks,
            None => vec![Ask::unknown("a change at a forge by a page for people")],
        },
    };
    // GitLab's `Sudo`: the token of an administrator acts for any user.
    if wire.says(Meaning::Identity) {
        asks.push(identity(&spot.host, "acts as somebody else"));
    }
    Some(Asked::governed(asks))
}

fn is_login(path: &[String]) -> bool {
    const WORDS: &[&str] = &["login", "oauth", "session", "sessions", "users", "settings", "device"];
    path.first().is_some_and(|first| WORDS.contains(&first.to_ascii_lowercase().as_str()))
}

fn rest(wire: &Wire<'_>, spot: &Spot) -> Vec<Ask> {
    let rows = FORGES.get(&spot.forge).map_or(&[][..], |table| table.rest.as_slice());
    match best(rows, wire.verb, &spot.path) {
        Some((deed, places)) => doing(*deed, wire, spot, &places),
        None if wire.verb == Verb::Read => {
            // Servers that decode slashes first would see another path.
            let flat: Vec<String> =
                spot.path.iter().flat_map(|segment| segment.split('/')).map(str::to_owned).collect();
            match best(rows, wire.verb, &flat).filter(|_| flat != spot.path) {
                Some((deed, _)) if *deed != Deed::Read => {
                    vec![Ask::unknown("a path whose encoded slashes hide an operation")]
                }
                Some(_) | None => Vec::new(),
            }
        }
        None => vec![Ask::unknown("an operation of the forge that no table names")],
    }
}

fn identity(host: &str, says: &str) -> Ask {
    let what = format!("account at {host}");
    Ask::new(EffectClass::IdentityChange, Resource::Identity { what }, says)
}

/// The name of the repository, with its forge, as a push has it.
fn repository(spot: &Spot, places: &Places) -> String {
    let own = match spot.forge {
        Forge::Github | Forge::Gitea | Forge::Bitbucket => {
            let owner = places.get("owner").or_else(|| places.get("org"));
            match (owner, places.get("repo")) {
                (Some(owner), Some(repo)) => format!("/{owner}/{repo}"),
                (Some(owner), None) => format!("/{owner}"),
                (None, _) => String::new(),
            }
        }
        Forge::Gitlab => match places.get("id") {
            Some(id) if id.bytes().all(|byte| byte.is_ascii_digit()) => format!("/#{id}"),
            Some(id) => format!("/{id}"),
            None => String::new(),
        },
        Forge::Gerrit => places.get("project").map(|name| format!("/{name}")).unwrap_or_default(),
        Forge::AzureDevops => {
            let before: Vec<&str> =
                spot.path.iter().map(String::as_str).take_while(|part| *part != "_apis").collect();
            let repo = places.get("repo").map(|repo| format!("/_git/{repo}")).unwrap_or_default();
            format!("/{}{repo}", before.join("/"))
        }
    };
    let own = own.to_lowercase();
    format!("{}{}", spot.host, own.strip_suffix(".git").unwrap_or(&own))
}

/// The asks of one operation.
fn doing(deed: Deed, wire: &Wire<'_>, spot: &Spot, places: &Places) -> Vec<Ask> {
    let name = repository(spot, places);
    let fields = Fields::of(wire);
    let deed = match deed {
        // Lines of a comment that start so are commands.
        Deed::Talk if spot.forge == Forge::Gitlab && fields.has_line(|line| is_command(line, "/merge")) => {
            Deed::Merge
        }
        Deed::Talk if spot.forge == Forge::Gitlab && fields.has_line(|line| is_command(line, "/approve")) => {
            Deed::Approve
        }
        Deed::Talk => Deed::Write,
        Deed::Review if is_mild(spot.forge, &fields) => Deed::Write,
        Deed::EditPull if completes(&fields) => Deed::Merge,
        Deed::EditPull => Deed::Write,
        Deed::Create
            if fields.all("private").is_some_and(|all| matches!(all.as_slice(), [Value::Bool(true)])) =>
        {
            Deed::Write
        }
        other => other,
    };
    match deed {
        Deed::Commit => commit(&name, &fields, places),
        Deed::RefCreate | Deed::RefUpdate | Deed::RefDelete => moved(deed, &name, &fields, places),
        Deed::Destroy if places.get("package").is_some() => {
            let package = places.get("package").unwrap_or_default();
            let says = "takes back what was published";
            vec![Ask::new(EffectClass::Destructive, Resource::package(package), says)]
        }
        Deed::SecretRead | Deed::SecretWrite => {
            let what = match places.get("name") {
                Some(secret) => format!("{secret} of {name}"),
                None => format!("secrets of {name}"),
            };
            let (effect, says) = if deed == Deed::SecretRead {
                (EffectClass::SecretRead, "the answer holds credentials")
            } else {
                (EffectClass::IdentityChange, "changes credentials, or values that pipelines run with")
            };
            vec![Ask::new(effect, Resource::Secret { what }, says)]
        }
        Deed::Deploy => {
            let path: String = spot.path.join("/").chars().take(200).collect();
            let target = format!("{}/{path}", spot.host);
            let says = "starts what runs with the forge's own rights";
            vec![Ask::new(EffectClass::Deploy, Resource::Deployment { target }, says)]
        }
        other => of_deed(other, &name).into_iter().collect(),
    }
}

/// A deed on a whole repository; nothing where it only reads.
pub(super) fn of_deed(deed: Deed, name: &str) -> Option<Ask> {
    let at = || Resource::Repository { name: name.to_owned() };
    let (effect, resource, says) = match deed {
        Deed::Read => return None,
        Deed::Write | Deed::Talk | Deed::EditPull => {
            (EffectClass::GitPush, at(), "changes a pull request, an issue or other talk of the forge")
        }
        Deed::Commit | Deed::RefCreate | Deed::RefUpdate => {
            let resource = Resource::Ref { remote: name.to_owned(), name: String::new(), force: false };
            (EffectClass::GitPush, resource, "moves a ref through the forge's interface")
        }
        Deed::RefDelete => {
            let resource = Resource::Ref { remote: name.to_owned(), name: String::new(), force: true };
            (EffectClass::Destructive, resource, "deletes a ref through the forge's interface")
        }
        Deed::Create => (EffectClass::Publish, at(), "makes a repository that others may see"),
        Deed::Merge => (EffectClass::Publish, at(), "merges, so that others get the change"),
        Deed::Release | Deed::Publish => (EffectClass::Publish, at(), "publishes through the forge"),
        Deed::Deploy => {
            let target = name.to_owned();
            let says = "starts what runs with the forge's own rights";
            (EffectClass::Deploy, Resource::Deployment { target }, says)
        }
        Deed::Destroy => (EffectClass::Destructive, at(), "deletes at the forge what does not come back"),
        Deed::Approve | Deed::Review => {
            let what = format!("approval at {name}");
            (
                EffectClass::IdentityChange,
                Resource::Identity { what },
                "approves, or says that a check passed",
            )
        }
        Deed::Admin => {
            let what = format!("protection and settings of {name}");
            (EffectClass::IdentityChange, Resource::Identity { what }, "changes what protects the repository")
        }
        Deed::Identity => {
            let what = format!("keys, hooks and members of {name}");
            (EffectClass::IdentityChange, Resource::Identity { what }, "changes who can do what at the forge")
        }
        Deed::SecretRead => {
            let what = format!("secrets of {name}");
            (EffectClass::SecretRead, Resource::Secret { what }, "the answer holds credentials")
        }
        Deed::SecretWrite => {
            let what = format!("secrets of {name}");
            (EffectClass::IdentityChange, Resource::Secret { what }, "changes credentials of the forge")
        }
    };
    Some(Ask::new(effect, resource, says))
}

fn is_command(line: &str, command: &str) -> bool {
    line.get(..command.len()).is_some_and(|start| start.eq_ignore_ascii_case(command))
        && !line.get(command.len()..).is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric()))
}

/// Whether a review only says something, and lets nothing through.
fn is_mild(forge: Forge, fields: &Fields) -> bool {
    match forge {
        Forge::Github => fields.is_only("event", |event| {
            event.eq_ignore_ascii_case("COMMENT") || event.eq_ignore_ascii_case("REQUEST_CHANGES")
        }),
        Forge::Gitea => fields.is_only("event", |event| {
            ["COMMENT", "REQUEST_CHANGES", "PENDING"].iter().any(|mild| event.eq_ignore_ascii_case(mild))
        }),
        // Labels are votes.
        Forge::Gerrit => ["labels", "on_behalf_of", "ready"]
            .iter()
            .all(|name| fields.all(name).is_some_and(|all| all.is_empty())),
        Forge::AzureDevops | Forge::Bitbucket | Forge::Gitlab => false,
    }
}

/// Whether a change of a pull request ends or automates it, where an interface has no operation of its own for that.
fn completes(fields: &Fields) -> bool {
    let says = |name: &str, word: &str| !fields.is_only(name, |text| !text.eq_ignore_ascii_case(word));
    says("status", "completed")
        || ["autoCompleteSetBy", "completionOptions", "merge_when_pipeline_succeeds", "auto_merge"]
            .iter()
            .any(|name| fields.all(name).is_none_or(|all| !all.is_empty()))
}

/// A commit through the interface: a ref that moves, and files as if they had been written.
fn commit(name: &str, fields: &Fields, places: &Places) -> Vec<Ask> {
    let branch = fields.text("branch").or_else(|| fields.text("new_branch")).unwrap_or_default();
    let force = places.get("path").is_none() && !fields.is_off("force");
    let resource = Resource::Ref { remote: name.to_owned(), name: short(branch).to_owned(), force };
    let mut asks =
        vec![Ask::new(EffectClass::GitPush, resource.clone(), "commits through the forge's interface")];
    if force {
        asks.push(Ask::new(EffectClass::Destructive, resource, "replaces what the ref holds"));
    }
    let is_told = fields.is_one("branch") && fields.is_one("new_branch");
    let mut files: Vec<String> = places.get("path").map(str::to_owned).into_iter().collect();
    let mut is_whole = true;
    let lists = fields.all("actions").into_iter().chain(fields.all("files")).flatten();
    for change in lists.filter_map(Value::as_array).flatten() {
        let before = files.len();
        let keys = ["file_path", "path", "previous_path", "from_path"];
        files.extend(keys.iter().filter_map(|key| change.get(key)?.as_str()).map(str::to_owned));
        is_whole &= files.len() > before;
    }
    is_whole &= !files.is_empty();
    if !is_whole {
        asks.push(Ask::unknown("which files the commit changes cannot be read"));
    }
    let says = "the commit changes the file";
    asks.extend(files.into_iter().map(|file| Ask {
        effect: EffectClass::WriteWorkspace,
        what: What::File(file),
        says: says.to_owned(),
    }));
    if !is_told {
        asks.push(Ask::unknown("on which branch the commit is made cannot be read"));
    }
    asks
}

/// A ref that is made, moved or deleted through the interface.
fn moved(deed: Deed, name: &str, fields: &Fields, places: &Places) -> Vec<Ask> {
    let given = ["ref", "name", "branch", "new_branch_name", "tag_name"];
    let written = places.get("ref").or_else(|| given.iter().find_map(|key| fields.text(key)));
    let is_told = places.get("ref").is_some() || given.iter().all(|key| fields.is_one(key));
    let written = written.unwrap_or_default();
    let written = ["heads/", "tags/"]
        .iter()
        .find(|kind| written.starts_with(**kind))
        .map_or_else(|| written.to_owned(), |_| format!("refs/{written}"));
    let force = deed == Deed::RefDelete || (deed == Deed::RefUpdate && !fields.is_off("force"));
    let name = Resource::Ref { remote: name.to_owned(), name: short(&written).to_owned(), force };
    let says = match deed {
        Deed::RefDelete => "deletes the ref",
        Deed::RefCreate => "makes the ref",
        _ => "moves the ref",
    };
    let mut asks = vec![Ask::new(EffectClass::GitPush, name.clone(), says)];
    if force {
        asks.push(Ask::new(EffectClass::Destructive, name, "throws away what the ref held"));
    }
    if !is_told {
        asks.push(Ask::unknown("which ref is meant cannot be read"));
    }
    asks
}

fn short(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}
