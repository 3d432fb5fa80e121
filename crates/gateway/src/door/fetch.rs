//! Repositories that a person said may be read: git takes several requests for one fetch, and one yes is for all of them.
//!
//! A yes is given at the way out, or to a call whose text names the very repository. The first holds for the requests that
//! follow, until the agent's turn ends, [`FETCH_WITHIN`] has passed or the task has touched something more; the second as long
//! as that call is under way and the task has touched no more. Neither is a yes to a push, to anything else at the host, or to
//! another repository there.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use writ_model::{Action, Body, EffectClass, Operation, Resource};
use writ_policy::{GitStep, git_service};

use crate::http::head;
use crate::yes::Yes;

/// So long after the yes, requests of the same fetch may begin.
const FETCH_WITHIN: Duration = Duration::from_secs(600);
/// Repositories that are remembered; the oldest goes first.
const MAX_OPEN: usize = 64;
/// What the workspace's own remote is called.
const ORIGIN: &str = "origin";
/// Headers that git sends when it asks for refs, beside those of which the value is looked at.
const OF_GIT: &[&str] = &["accept-encoding", "accept-language", "authorization", "pragma"];
/// Longest name that git gives itself.
const MAX_AGENT_BYTES: usize = 40;
/// Addresses that are read out of one command.
const MAX_ADDRESSES: usize = 64;

/// What people said may be read, at the way out. Guarded for one look-up.
#[derive(Default)]
pub(super) struct Fetches(Mutex<Vec<Fetch>>);

struct Fetch {
    repository: String,
    at: Instant,
    /// What the task had touched when the yes was spent.
    touched: String,
    yes: Yes,
}

// === impl Fetches ===

impl Fetches {
    pub(super) fn open(&self, repositories: &[String], touched: &str, yes: &Yes) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for repository in repositories {
            all.retain(|known| !same(&known.repository, repository));
            if all.len() >= MAX_OPEN {
                all.remove(0);
            }
            let (repository, touched, yes) = (repository.clone(), touched.to_owned(), yes.clone());
            all.push(Fetch { repository, at: Instant::now(), touched, yes });
        }
    }

    pub(super) fn is_open(&self, repository: &str, touched: &str, covers: impl Fn(&Yes) -> bool) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().any(|known| {
            same(&known.repository, repository)
                && known.touched == touched
                && covers(&known.yes)
                && known.at.elapsed() < FETCH_WITHIN
        })
    }

    /// The turn is over, and what belonged to it.
    pub(super) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The repositories that a request would read, where it is held for nothing else: `forge.example/team/app`. Its own host
/// counts as part of them.
pub(super) fn read_by(operation: &Operation, held: &[Action]) -> Option<Vec<String>> {
    let Operation::Request(request) = operation else { return None };
    let authority = request.authority();
    let mut repositories = Vec::new();
    for action in held {
        match (&action.resource, action.effect) {
            (Resource::Ref { remote, .. }, EffectClass::Network) => repositories.push(remote.clone()),
            (Resource::Host { name }, EffectClass::Network) if *name == authority => {}
            (_, _) => return None,
        }
    }
    (!repositories.is_empty()).then_some(repositories)
}

/// Whether a request only asks which refs the workspace's own remote has, for a push: it says nothing but what git says, and
/// what the push moves is decided when it is known.
pub(super) fn begins_push(operation: &Operation, held: &[Action]) -> bool {
    let Operation::Request(request) = operation else { return false };
    let is_bare = request.method == "GET"
        && request.body == Body::None
        && request.query.as_deref() == Some("service=git-receive-pack");
    let is_service =
        git_service(request).is_some_and(|service| service.step == GitStep::PushRefs && service.is_plain);
    let is_origin = |action: &Action| {
        action.effect == EffectClass::Network
            && matches!(&action.resource, Resource::Ref { remote, .. } if remote == ORIGIN)
    };
    is_bare && is_service && is_gits_own(&request.headers) && held.iter().all(is_origin)
}

/// Whether headers, as a decision knows them, are such as git sends, with its own values where those are known.
fn is_gits_own(headers: &[(String, String)]) -> bool {
    headers.iter().all(|(name, value)| match name.as_str() {
        head::OTHERS => value.split(", ").all(|name| OF_GIT.contains(&name)),
        // Beside the names, which are looked at.
        head::OTHERS_CODE => true,
        "accept" => value == "*/*",
        "git-protocol" => matches!(value.as_str(), "version=0" | "version=1" | "version=2"),
        "user-agent" => is_agent_of_git(value),
        _ => false,
    })
}

/// Whether a value names a release of git (`git/2.43.0`, `git/2.39.5 (Apple Git-154)`), and has no room for more.
fn is_agent_of_git(value: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " .-()".contains(c);
    value.len() <= MAX_AGENT_BYTES
        && value.strip_prefix("git/").is_some_and(|rest| rest.chars().all(is_plain))
}

/// Whether an action may take in repositories by git or look at one to push there, whether it names them or not: remotes and
/// submodules stand in git's settings, sources of dependencies in manifests.
pub(crate) fn takes_repositories(action: &Action) -> bool {
    match action.effect {
        EffectClass::Network => matches!(
            action.resource,
            Resource::Ref { .. } | Resource::Repository { .. } | Resource::Command { .. }
        ),
        EffectClass::BuildTest
        | EffectClass::PackageInstall
        | EffectClass::GitPush
        | EffectClass::Unknown => true,
        EffectClass::Read
        | EffectClass::WriteWorkspace
        | EffectClass::Publish
        | EffectClass::Deploy
        | EffectClass::SecretRead
        | EffectClass::IdentityChange
        | EffectClass::Destructive
        | EffectClass::EscapeAttempt => false,
    }
}

/// The repositories whose addresses stand in a command, as the way out names them.
pub(crate) fn named_in(command: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = command;
    while let Some((before, after)) = rest.split_once("://") {
        rest = after;
        let is_end = |c: char| c.is_whitespace() || c.is_control() || "\"'`;|&<>(){}[]$*\\#?,".contains(c);
        let address = after.split(is_end).next().unwrap_or_default();
        let scheme =
            before.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '+')).next().unwrap_or_default();
        found.extend(repository_at(scheme, address));
        if found.len() >= MAX_ADDRESSES {
            break;
        }
    }
    found
}

fn repository_at(scheme: &str, address: &str) -> Option<String> {
    let (usual, is_package) = match scheme {
        "http" => (":80", false),
        "https" => (":443", false),
        "git+http" => (":80", true),
        "git+https" => (":443", true),
        _ => return None,
    };
    let (authority, path) = address.split_once('/')?;
    let host = authority.rsplit('@').next().unwrap_or(authority).to_ascii_lowercase();
    let host = host.strip_suffix(usual).unwrap_or(&host);
    // Installers write the revision behind the address.
    let path = if is_package { path.split('@').next().unwrap_or(path) } else { path };
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (!host.is_empty() && !path.is_empty()).then(|| format!("{host}/{path}"))
}

/// Forges take a name in any letters.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use writ_model::{Account, ApprovalLevel, Request, Scheme};

    use super::*;

    #[test]
    fn addresses_of_repositories_are_read_out_of_commands() {
        for (command, expected) in [
            ("git clone https://forge.example/team/lib.git src", &["forge.example/team/lib"][..]),
            ("git clone 'https://me@Forge.example:443/team/lib/'", &["forge.example/team/lib"]),
            ("pip install 'git+https://forge.example/team/lib@v1#egg=lib'", &["forge.example/team/lib"]),
            (
                "git clone http://forge.example:8080/a; git fetch https://b.test/c",
                &["forge.example:8080/a", "b.test/c"],
            ),
            ("git clone https://forge.example/team/$NAME", &["forge.example/team"]),
            ("git clone git@forge.example:team/lib.git; curl ftp://forge.example/x", &[]),
            ("curl https://forge.example", &[]),
        ] {
            assert_eq!(named_in(command), expected, "{command}");
        }
        assert!(named_in(&"https://a.test/b ".repeat(1_000)).len() <= MAX_ADDRESSES);
    }

    #[test]
    fn attack_a_first_step_of_a_push_that_says_more_than_git_is_none() {
        let request = Request {
            method: "GET".to_owned(),
            scheme: Scheme::Https,
            host: "forge.example".to_owned(),
            port: 443,
            path: "/team/app.git/info/refs".to_owned(),
            query: Some("service=git-receive-pack".to_owned()),
            headers: Vec::new(),
            body: Body::None,
            account: Account::Nobody,
        };
        for (headers, expected) in [
            (&[][..], true),
            (
                &[
                    ("accept", "*/*"),
                    ("user-agent", "git/2.39.5 (Apple Git-154)"),
                    ("git-protocol", "version=2"),
                    (":others", "accept-encoding, accept-language, authorization, pragma"),
                    (":others-hmac", "11"),
                ],
                true,
            ),
            (&[(":others", "accept-encoding, x-exfil"), (":others-hmac", "11")], false),
            (&[(":others", "cookie"), (":others-hmac", "11")], false),
            (&[("user-agent", "curl/8")], false),
            (&[("user-agent", "git/sk_live_0123456789abcdef0123456789abcdef")], false),
            (&[("user-agent", "git/2.1;x=y")], false),
            (&[("accept", "text/secret")], false),
            (&[("git-protocol", "version=2:secret")], false),
            (&[("x-http-method", "DELETE")], false),
        ] {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let request = Request { headers: headers.collect(), ..request.clone() };
            let said = format!("{:?}", request.headers);
            assert_eq!(begins_push(&Operation::Request(Box::new(request)), &[]), expected, "{said}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_yes_to_a_fetch_ends() {
        let (fetches, yes) = (Fetches::default(), Yes::by_grant(ApprovalLevel::OnePerson));
        fetches.open(&["forge.example/team/lib".to_owned()], "nothing", &yes);
        assert!(fetches.is_open("forge.example/Team/lib", "nothing", |_| true));
        assert!(!fetches.is_open("forge.example/team/other", "nothing", |_| true));
        assert!(!fetches.is_open("forge.example/team/lib", "nothing", |known| *known != yes));
        assert!(!fetches.is_open("forge.example/team/lib", "a secret", |_| true));
        tokio::time::advance(FETCH_WITHIN).await;
        assert!(!fetches.is_open("forge.example/team/lib", "nothing", |_| true));
        fetches.open(&["forge.example/team/lib".to_owned()], "nothing", &yes);
        fetches.close();
        assert!(!fetches.is_open("forge.example/team/lib", "nothing", |_| true));
    }

    #[test]
    fn attack_many_repositories_are_not_remembered_without_end() {
        let (fetches, yes) = (Fetches::default(), Yes::by_grant(ApprovalLevel::OnePerson));
        let all: Vec<String> = (0..500).map(|at| format!("forge.example/{at}")).collect();
        fetches.open(&all, "", &yes);
        assert!(
            !fetches.is_open("forge.example/0", "", |_| true)
                && fetches.is_open("forge.example/499", "", |_| true)
        );
    }
}
