//! Git over SSH: what whoever tries it is told, because the sandbox has no way out for it.

/// Longest part of an address that is shown again.
const MAX_SHOWN_CHARS: usize = 200;

/// The hint, by the arguments that git starts its SSH program with: options, then `[USER@]HOST`, then a command as
/// `git-receive-pack '/OWNER/REPOSITORY.git'`.
#[must_use]
pub fn ssh_hint(arguments: &[String]) -> String {
    let (host, path) = asked(arguments).unwrap_or_else(|| ("HOST".into(), "OWNER/REPOSITORY.git".into()));
    format!(
        "\
writ: git over SSH does not leave this sandbox: a push must be seen to be decided. Use HTTPS instead:
  git remote set-url origin https://{host}/{path}
or, for every address of this host:
  git config --global url.https://{host}/.insteadOf git@{host}:
  git config --global --add url.https://{host}/.insteadOf ssh://git@{host}/
No token is needed where a credential is lent for this host: it is put on outside.
"
    )
}

fn asked(arguments: &[String]) -> Option<(String, String)> {
    let [.., to, command] = arguments else { return None };
    let host = to.rsplit_once('@').map_or(to.as_str(), |(_, host)| host);
    let (service, path) = command.split_once(' ')?;
    let path = path.trim_matches('\'').trim_start_matches(['/', '~']);
    let is_host = host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    let is_path =
        path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '+' | '~'));
    let fits = |text: &str| !text.is_empty() && text.len() <= MAX_SHOWN_CHARS;
    (service.starts_with("git-") && is_host && is_path && fits(host) && fits(path))
        .then(|| (host.to_owned(), path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_names_the_same_repository() {
        let hint =
            |arguments: &[&str]| ssh_hint(&arguments.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        let options = ["-o", "SendEnv=GIT_PROTOCOL", "-p", "2222"];
        for to in ["git@forge.example", "forge.example"] {
            let told = hint(&[&options[..], &[to, "git-receive-pack '/team/app.git'"]].concat());
            assert!(told.contains("set-url origin https://forge.example/team/app.git\n"), "{told}");
        }
        // What is no plain address is not shown again.
        for odd in ["git-receive-pack '/a;\u{1b}[2J'", "sh -c x", ""] {
            assert!(hint(&["git@forge.example", odd]).contains("https://HOST/OWNER/REPOSITORY.git"), "{odd}");
        }
        assert!(hint(&[]).contains("https://HOST/"));
    }
}
