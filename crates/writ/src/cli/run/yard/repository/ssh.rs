//! Remotes by SSH, which does not leave a run, at forges that have the same repository by HTTPS at the same path.

use std::collections::BTreeSet;
use std::path::Path;

/// Where everybody can have a repository.
const FORGES: [&str; 5] = ["bitbucket.org", "codeberg.org", "gitea.com", "github.com", "gitlab.com"];
/// Beginnings of names that say which forge somebody runs.
const OWN: [&str; 3] = ["forgejo.", "gitea.", "gitlab."];
/// A forge's name for tenants.
const TENANTS: &str = ".ghe.com";
/// Other names of forges, where SSH is answered on the port of HTTPS.
const BESIDE: [(&str, &str); 3] = [
    ("altssh.bitbucket.org", "bitbucket.org"),
    ("altssh.gitlab.com", "gitlab.com"),
    ("ssh.github.com", "github.com"),
];
/// Most settings of one workspace's own remotes.
const MOST_OWN: usize = 16;

/// An address that git would take to SSH with.
struct Address<'a> {
    /// All up to the path, as it is written.
    beginning: &'a str,
    host: String,
    path: &'a str,
}

/// The address by HTTPS of a repository that is reached by SSH; nothing for other addresses, and where nobody knows.
pub(super) fn by_https(address: &str) -> Option<String> {
    let Address { host, path, .. } = taken_apart(address)?;
    (!path.is_empty()).then(|| format!("https://{host}/{path}"))
}

/// What begins addresses by SSH, and what it is by HTTPS (`url.<https>.insteadOf` of git-config(1)): for the forges that
/// everybody knows, and for the remotes of a workspace.
pub(in crate::cli::run) fn instead(workspace: &Path) -> Vec<(String, String)> {
    let mut found = BTreeSet::new();
    let beside = BESIDE.iter().map(|(name, host)| (*name, *host));
    for (name, host) in FORGES.iter().map(|host| (*host, *host)).chain(beside) {
        for beginning in [
            format!("git@{name}:"),
            format!("git@{name}:/"),
            format!("ssh://git@{name}/"),
            format!("ssh://git@{name}:443/"),
        ] {
            found.insert((beginning, format!("https://{host}/")));
        }
    }
    let text = super::settings_of(workspace);
    let own = super::addresses(&text).into_iter().filter_map(|(_, _, address)| taken_apart(address));
    found.extend(
        own.take(MOST_OWN)
            .map(|Address { beginning, host, .. }| (beginning.to_owned(), format!("https://{host}/"))),
    );
    found.into_iter().collect()
}

fn taken_apart(address: &str) -> Option<Address<'_>> {
    let schemes = ["ssh://", "git+ssh://", "ssh+git://"];
    let (authority, path) = match schemes.iter().find_map(|scheme| address.strip_prefix(scheme)) {
        Some(rest) => rest.split_once('/')?,
        None if address.contains("://") => return None,
        // `HOST:PATH`; with a slash before the colon it is a folder.
        None => address.split_once(':').filter(|(before, _)| !before.contains('/'))?,
    };
    let path = path.trim_start_matches('/');
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host).to_ascii_lowercase();
    let host = BESIDE.iter().find(|(name, _)| *name == host).map_or(host, |(_, host)| (*host).to_owned());
    let is_plain = |text: &str| !text.chars().any(|letter| letter.is_control() || letter.is_whitespace());
    let beginning = address.strip_suffix(path).filter(|beginning| is_plain(beginning))?;
    let is_relative_to_home = path.starts_with('~');
    (is_forge(&host) && is_plain(path) && !is_relative_to_home).then_some(Address { beginning, host, path })
}

fn is_forge(host: &str) -> bool {
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    let is_known = FORGES.contains(&host)
        || OWN.iter().any(|beginning| host.starts_with(beginning))
        || host.strip_suffix(TENANTS).is_some_and(|tenant| !tenant.is_empty());
    is_name && is_known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_by_ssh_is_the_same_repository_by_https() {
        for (address, wanted) in [
            ("git@github.com:team/app.git", Some("https://github.com/team/app.git")),
            ("github.com:/team/app", Some("https://github.com/team/app")),
            ("ssh://git@GitHub.com/team/app", Some("https://github.com/team/app")),
            ("ssh://git@ssh.github.com:443/team/app.git", Some("https://github.com/team/app.git")),
            ("git+ssh://me@gitlab.corp.example:2222/a/b/c", Some("https://gitlab.corp.example/a/b/c")),
            ("git@tenant.ghe.com:a/b", Some("https://tenant.ghe.com/a/b")),
            ("git@forge.example:team/app", None),
            ("git@ssh.dev.azure.com:v3/a/b/c", None),
            ("git@gitlab.x y:a/b", None),
            ("git@gitlab.x@evil.example:a/b", None),
            ("https://github.com/team/app", None),
            ("./github.com:team/app", None),
            ("ssh://git@github.com/~me/app", None),
            ("git@github.com:", None),
            ("git@github.com:a\nb", None),
            ("", None),
        ] {
            assert_eq!(by_https(address).as_deref(), wanted, "{address:?}");
        }
    }

    #[test]
    fn what_a_workspace_names_is_taken_as_it_is_written() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(".git")).unwrap();
        let config = "[remote \"origin\"]\nurl = ssh://me@gitlab.corp.example:2222/a/b.git\n[remote \"x\"]\nurl = git@forge.example:a/b\n";
        std::fs::write(root.path().join(".git/config"), config).unwrap();
        let found = instead(root.path());
        let has = |from: &str, to: &str| found.contains(&(from.to_owned(), to.to_owned()));
        assert!(has("ssh://me@gitlab.corp.example:2222/", "https://gitlab.corp.example/"), "{found:?}");
        assert!(has("git@github.com:", "https://github.com/"));
        assert!(has("ssh://git@ssh.github.com:443/", "https://github.com/"));
        assert!(!found.iter().any(|(from, _)| from.contains("forge.example")), "{found:?}");
    }
}
