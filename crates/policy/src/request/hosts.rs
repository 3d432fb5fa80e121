//! Which host is what: names that everybody knows, names that are set up, and interfaces that show themselves.

use serde::Deserialize;

use super::wire::Wire;
use crate::host::Zone;

/// Software that a forge runs, by its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forge {
    AzureDevops,
    Bitbucket,
    Gerrit,
    /// Forgejo too.
    Gitea,
    /// The service and the enterprise server.
    Github,
    Gitlab,
}

/// What the owner of a proxy knows of hosts beyond what everybody knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownHosts {
    /// Forges of one's own, by host (with a port that is not the usual one).
    pub forges: Vec<(String, Forge)>,
    /// Other hosts at which only credentials that Writ placed are spent.
    pub governed: Vec<String>,
    /// Services of this machine that Writ places a credential at: another one is not spent there. Beyond that they are judged
    /// like any host.
    pub lent: Vec<String>,
    /// The usual remote of the workspace when the task began: host and path without `.git`, `forge.example/team/app`.
    pub origin: Option<String>,
}

// === impl KnownHosts ===

impl KnownHosts {
    /// Whether Writ places a credential at this service of this machine, by whatever name or address of the machine.
    pub(crate) fn lends_at(&self, authority: &str) -> bool {
        let port = |authority: &str| {
            let (_, port) = authority.rsplit_once(':')?;
            port.parse::<u16>().ok()
        };
        let is_here = |authority: &str| Zone::of(authority) == Zone::Loopback;
        self.lent.iter().any(|lent| {
            lent == authority || (is_here(lent) && is_here(authority) && port(lent) == port(authority))
        })
    }

    pub(super) fn names(&self, authority: &str) -> bool {
        self.forges.iter().map(|(host, _)| host).chain(&self.governed).any(|host| host == authority)
    }

    fn forge(&self, authority: &str) -> Option<Forge> {
        self.forges.iter().find(|(host, _)| host == authority).map(|(_, forge)| *forge)
    }
}

/// A forge's interface in a request.
#[derive(Debug)]
pub(super) struct Spot {
    pub forge: Forge,
    /// Which part of the forge.
    pub side: Side,
    /// The forge's own host, as remotes name it.
    pub host: String,
    /// The path behind the root of the interface.
    pub path: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Rest,
    Graphql,
    /// Pages for people, and whatever else is there.
    Web,
}

/// Where in a forge a request goes; nothing where it goes to none.
pub(super) fn spot(wire: &Wire<'_>, known: &super::KnownHosts) -> Option<Spot> {
    let authority = wire.request.authority();
    let named = known.forge(&authority).or_else(|| by_name(&authority));
    let at = |forge, side, host: &str, skip: usize| Spot {
        forge,
        side,
        host: host.to_owned(),
        path: wire.segments.iter().skip(skip).cloned().collect(),
    };
    let words: Vec<String> = wire.segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let word = |index: usize| words.get(index).map_or("", String::as_str);
    if let Some(own) = own_of_api(&authority) {
        let side = if word(0) == "graphql" && words.len() == 1 { Side::Graphql } else { Side::Rest };
        return Some(at(Forge::Github, side, &own, 0));
    }
    // An interface may stand below folders of its host; a path has a bound of its own.
    for index in 0..words.len() {
        let rest = |forge, skip| Some(at(forge, Side::Rest, &authority, index + skip));
        let api = word(index) == "api";
        let found = match (api, word(index + 1), word(index + 2), named) {
            (true, "v3", _, None | Some(Forge::Github)) => rest(Forge::Github, 2),
            (true, "uploads", _, Some(Forge::Github)) => rest(Forge::Github, 2),
            (true, "graphql", _, Some(Forge::Gitlab)) => {
                Some(at(Forge::Gitlab, Side::Graphql, &authority, index + 2))
            }
            (true, "graphql", "", None | Some(Forge::Github)) => {
                Some(at(Forge::Github, Side::Graphql, &authority, index + 2))
            }
            (true, "v4", _, None | Some(Forge::Gitlab)) => rest(Forge::Gitlab, 2),
            (true, "v1", _, Some(Forge::Gitea)) => rest(Forge::Gitea, 2),
            (true, "v1", "repos" | "orgs" | "users" | "user" | "admin" | "teams" | "org", None) => {
                rest(Forge::Gitea, 2)
            }
            (false, ..) if word(index) == "_apis" && word(index + 1) != "gallery" => {
                Some(at(Forge::AzureDevops, Side::Rest, &authority, 0))
            }
            (false, "api", _, None | Some(Forge::Bitbucket)) if word(index) == "rest" => {
                rest(Forge::Bitbucket, 0)
            }
            // Parts of Bitbucket Server have interfaces of their own, each with a version.
            (false, _, version, None | Some(Forge::Bitbucket))
                if word(index) == "rest" && is_version(version) =>
            {
                rest(Forge::Bitbucket, 0)
            }
            // What Gerrit answers to those who signed in.
            (false, "changes" | "projects" | "accounts" | "groups", _, None) if word(index) == "a" => {
                rest(Forge::Gerrit, 1)
            }
            (false, _, "submit" | "revisions", None) if word(index) == "changes" => rest(Forge::Gerrit, 0),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    let forge = named?;
    match forge {
        Forge::Bitbucket if authority.starts_with("api.") => {
            Some(at(forge, Side::Rest, authority.trim_start_matches("api."), 0))
        }
        Forge::Gerrit => {
            let skip = usize::from(word(0) == "a");
            let is_rest = matches!(
                word(skip),
                "changes" | "projects" | "accounts" | "groups" | "config" | "plugins" | "access"
            );
            Some(at(forge, if is_rest { Side::Rest } else { Side::Web }, &authority, skip))
        }
        _ => Some(at(forge, Side::Web, &authority, 0)),
    }
}

/// `1.0`, `latest`
fn is_version(word: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    word == "latest"
        || word.split_once('.').is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

/// The forge whose interface has a host of its own: `github.com` for `api.github.com`.
fn own_of_api(authority: &str) -> Option<String> {
    let own = authority.strip_prefix("api.").or_else(|| authority.strip_prefix("uploads."))?;
    (own == "github.com" || own.strip_suffix(".ghe.com").is_some_and(|tenant| !tenant.contains('.')))
        .then(|| own.to_owned())
}

fn by_name(host: &str) -> Option<Forge> {
    Some(match host {
        "github.com" | "gist.github.com" | "codeload.github.com" => Forge::Github,
        host if host.ends_with(".ghe.com") || host.ends_with(".githubusercontent.com") => Forge::Github,
        "gitlab.com" => Forge::Gitlab,
        host if host.starts_with("gitlab.") => Forge::Gitlab,
        "codeberg.org" | "gitea.com" => Forge::Gitea,
        host if host.starts_with("gitea.") || host.starts_with("forgejo.") => Forge::Gitea,
        "bitbucket.org" | "api.bitbucket.org" => Forge::Bitbucket,
        "dev.azure.com" | "vssps.dev.azure.com" | "feeds.dev.azure.com" | "pkgs.dev.azure.com" => {
            Forge::AzureDevops
        }
        host if host.ends_with(".visualstudio.com") => Forge::AzureDevops,
        host if host.ends_with("-review.googlesource.com") => Forge::Gerrit,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_a_service_of_this_machine_is_the_same_by_all_its_names() {
        let known = KnownHosts {
            lent: vec!["127.0.0.1:8080".to_owned(), "forge.example:8443".to_owned()],
            ..KnownHosts::default()
        };
        for (authority, lends) in [
            ("127.0.0.1:8080", true),
            ("localhost:8080", true),
            ("127.9.9.9:8080", true),
            ("[::1]:8080", true),
            ("app.localhost:8080", true),
            ("localhost:8081", false),
            ("localhost", false),
            ("forge.example:8443", true),
            ("other.example:8443", false),
            ("other.example:8080", false),
        ] {
            assert_eq!(known.lends_at(authority), lends, "{authority}");
        }
    }
}
