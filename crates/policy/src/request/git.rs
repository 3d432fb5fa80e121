//! Git over HTTP: which of its services a request asks for, and of which repository.
//!
//! A push is never decided here: its refs and objects are, at the git door. What is read here is enough to hand it over.
//!
//! Only what git itself sends counts as a fetch: its own media type, at the address of a whole repository. A path that merely
//! ends like git's is read by every other table as well, and what they say counts beside it.

use serde_json::Value;
use writ_model::{Body, EffectClass, Request, Resource};

use super::hosts::{Forge, KnownHosts, Side, spot};
use super::wire::{Verb, Wire};
use super::{Ask, Asked, What, body, cloud, forge, registry};

/// Parts of a repository's path that no table needs to know: deeper ones are no address of a repository.
const MAX_REPOSITORY_PARTS: usize = 24;

/// A request of git's own protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitService {
    /// Host, with a port that is not the usual one, and path without `.git`: `forge.example/team/app`.
    pub repository: String,
    pub step: GitStep,
    /// The path has one reading; one that has several is to be refused.
    pub is_plain: bool,
}

/// What git asks for (gitprotocol-http).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GitStep {
    /// `info/refs?service=git-upload-pack`
    FetchRefs,
    /// `git-upload-pack`, `git-upload-archive`
    Fetch,
    /// `info/refs?service=git-receive-pack`
    PushRefs,
    /// `git-receive-pack`: refs and objects, for the git door.
    Push,
    /// The batch interface of large files, and the locks on them.
    LargeFiles,
    /// Plain files of a repository, without a service that could be asked: nothing says which refs they are of.
    Dumb,
}

/// What git asks for by a request; nothing where it is none of git's. Whoever answers [`GitStep::PushRefs`] and
/// [`GitStep::Push`] is the git door.
pub fn git_service(request: &Request) -> Option<GitService> {
    of_wire(&Wire::of(request))
}

fn of_wire(wire: &Wire<'_>) -> Option<GitService> {
    let flat = wire.flat();
    let words: Vec<&str> = flat.iter().map(String::as_str).collect();
    let at = |taken: usize, step| {
        let path = words.get(..words.len().checked_sub(taken)?)?;
        let path = path.join("/");
        let path = path.strip_suffix(".git").unwrap_or(&path);
        let repository = format!("{}/{path}", wire.request.authority());
        let is_plain = wire.odd.is_none() && !wire.has_slashes();
        Some(GitService { repository, step, is_plain })
    };
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match words.as_slice() {
        [.., "info", "refs"] => {
            let mut services = wire.asked("service");
            let step = match (services.next(), services.next()) {
                (Some("git-upload-pack" | "git-upload-archive"), None) => GitStep::FetchRefs,
                (Some("git-receive-pack"), None) => GitStep::PushRefs,
                _ => GitStep::Dumb,
            };
            at(2, step)
        }
        [.., "git-upload-pack" | "git-upload-archive"] => at(1, GitStep::Fetch),
        [.., "git-receive-pack"] => at(1, GitStep::Push),
        [.., "info", "lfs", "objects", "batch"] => at(4, GitStep::LargeFiles),
        [.., "info", "lfs", "locks"] => at(3, GitStep::LargeFiles),
        [.., "info", "lfs", "locks", "verify"] => at(4, GitStep::LargeFiles),
        [.., "info", "lfs", "locks", _, "unlock"] => at(5, GitStep::LargeFiles),
        [.., "objects", "info", "packs" | "alternates" | "http-alternates"] => at(3, GitStep::Dumb),
        [.., "objects", "pack", pack] if pack.starts_with("pack-") => at(3, GitStep::Dumb),
        [.., "objects", two, rest] if two.len() == 2 && is_hex(two) && rest.len() >= 38 && is_hex(rest) => {
            at(3, GitStep::Dumb)
        }
        [.., repository, "HEAD"] if repository.ends_with(".git") => at(1, GitStep::Dumb),
        _ => None,
    }
}

/// The asks of a request of git.
pub(super) fn asked(wire: &Wire<'_>, known: &KnownHosts) -> Option<Asked> {
    let service = of_wire(wire)?;
    let is_origin = known.origin.as_deref().is_some_and(|origin| same(origin, &service.repository));
    let remote = if is_origin { "origin".to_owned() } else { service.repository.clone() };
    let any_ref = Resource::Ref { remote: remote.clone(), name: String::new(), force: false };
    let fetch = || Ask::new(EffectClass::Network, any_ref.clone(), "git fetches from it");
    let push = |says| Ask::new(EffectClass::GitPush, any_ref.clone(), says);
    let mut is_whole = is_origin;
    let mut asks = match (service.step, wire.verb) {
        (GitStep::FetchRefs, Verb::Read) => vec![fetch()],
        (GitStep::Fetch, Verb::Post) if is_gits_own(wire) => vec![fetch()],
        (GitStep::Fetch, Verb::Post) => {
            vec![Ask::unknown(
                "it ends like a fetch of git's, and is none: git sends a media type of its own",
            )]
        }
        // The push itself is decided by what it moves.
        (GitStep::PushRefs, Verb::Read) => {
            vec![Ask::new(EffectClass::Network, any_ref.clone(), "git asks which refs are there")]
        }
        (GitStep::Push, Verb::Post) => {
            let why = "a push, which nobody took apart into its refs";
            vec![Ask::new(EffectClass::GitPush, Resource::Unknown { why: why.to_owned() }, why)]
        }
        (GitStep::LargeFiles, Verb::Read) => vec![fetch()],
        (GitStep::LargeFiles, Verb::Post) => match operation(wire).as_deref() {
            Some("download") => vec![fetch()],
            // For a push to a branch, where it says so (git-lfs, "Batch API"); what it sends is decided like that push.
            Some("upload") => {
                let says = "sends large files for a push";
                let name = upload_to(&wire.request.body).unwrap_or_default();
                vec![Ask::new(EffectClass::GitPush, Resource::Ref { remote, name, force: false }, says)]
            }
            Some(_) => vec![Ask::unknown("an operation on large files that is not known")],
            None if wire.segments.iter().any(|part| part == "locks") => {
                vec![push("locks large files, or lets them go")]
            }
            None => vec![Ask::unknown("a request for large files that cannot be read")],
        },
        (GitStep::Dumb, _) => {
            vec![Ask::unknown(
                "git without a service that could be asked; which refs it reads cannot be said",
            )]
        }
        (
            GitStep::FetchRefs | GitStep::Fetch | GitStep::PushRefs | GitStep::Push | GitStep::LargeFiles,
            _,
        ) => vec![Ask::unknown("a request that git does not make")],
    };
    if !service.is_plain {
        is_whole = false;
        asks.push(Ask::unknown("a path to a repository that can be read in more than one way"));
    }
    asks.extend(others(wire, known, &service));
    // A push to a ref says all of an upload that only announces what is to come; nothing else does.
    let is_push = |ask: &Ask| {
        matches!((ask.effect, &ask.what), (EffectClass::GitPush, What::Resource(Resource::Ref { .. })))
    };
    let announces = service.step == GitStep::LargeFiles && asks.iter().all(is_push);
    is_whole &= announces || asks.iter().all(|ask| ask.effect == EffectClass::Network);
    Some(Asked { asks, is_governed: true, is_whole })
}

/// The media type of git's requests to this service (gitprotocol-http, "Smart Service git-upload-pack").
fn is_gits_own(wire: &Wire<'_>) -> bool {
    let mut written = wire.headers("content-type");
    let last = wire.segments.last().map(String::as_str).unwrap_or_default();
    let media = format!("application/x-{last}-request");
    written.next().is_some_and(|found| found.trim().eq_ignore_ascii_case(&media)) && written.next().is_none()
}

/// What every other table makes of the same request.
fn others(wire: &Wire<'_>, known: &KnownHosts, service: &GitService) -> Vec<Ask> {
    let at = spot(wire, known);
    // A forge's pages are where its repositories are; what stands below an interface of its own is an operation of that.
    let asked = match &at {
        Some(at) if at.side == Side::Web && is_repository(at.forge, service) => None,
        Some(_) => forge::asked(wire, known),
        None => registry::asked(wire).or_else(|| cloud::asked(wire)).or_else(|| registry::archive(wire)),
    };
    asked.map(|asked| asked.asks).unwrap_or_default()
}

/// Whether a forge keeps repositories at such an address.
fn is_repository(forge: Forge, service: &GitService) -> bool {
    let Some((_, path)) = service.repository.split_once('/') else { return false };
    let parts: Vec<&str> = path.split('/').collect();
    match forge {
        Forge::Github if service.repository.starts_with("gist.") => matches!(parts.len(), 1 | 2),
        Forge::Github | Forge::Gitea => parts.len() == 2,
        Forge::Bitbucket => parts.len() == 2 || (parts.len() == 3 && parts.first() == Some(&"scm")),
        Forge::AzureDevops => parts.contains(&"_git") && parts.len() <= MAX_REPOSITORY_PARTS,
        // A folder of its own may stand before; groups nest.
        Forge::Gitlab => (2..=MAX_REPOSITORY_PARTS).contains(&parts.len()) && !parts.contains(&"-"),
        Forge::Gerrit => parts.len() <= MAX_REPOSITORY_PARTS,
    }
}

fn operation(wire: &Wire<'_>) -> Option<String> {
    let Body::Whole(bytes) = &wire.request.body else { return None };
    if body::has_field(wire, &["operation"]) {
        return None;
    }
    let Value::Object(members) = body::json(bytes)? else { return None };
    members.get("operation")?.as_str().map(str::to_owned)
}

/// The branch that an upload says it is for; nothing where it names none, or something else.
fn upload_to(body: &Body) -> Option<String> {
    let Body::Whole(bytes) = body else { return None };
    let Value::Object(members) = body::json(bytes)? else { return None };
    let name = members.get("ref")?.get("name")?.as_str()?;
    name.strip_prefix("refs/heads/").filter(|name| !name.is_empty()).map(str::to_owned)
}

/// Whether two addresses name one repository. Forges take a name in any letters.
fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').trim_end_matches(".git").eq_ignore_ascii_case(other)
}
