//! Git over SSH: what whoever tries it is told, because the sandbox has no way out for it.

/// Longest part of an address that is shown again.
const MAX_SHOWN_CHARS: usize = 200;

/// The hint, by the arguments that git starts its SSH program with: options, then `[USER@]HOST`, then a command as
/// `git-receive-pack '/OWNER/REPOSITORY.git'`.
#[must_use]
pub fn ssh_hint(arguments: &[String]) -> String {
    let (verb, host, path) =
        asked(arguments).unwrap_or(("fetch", "HOST".into(), "OWNER/REPOSITORY.git".into()));
    let rest = if verb == "push" { " HEAD:BRANCH" } else { "" };
    // With a name in front: settings that turn addresses by HTTPS into others by SSH do not know such a one.
    format!(
        "\
writ: git over SSH does not leave this sandbox: a push must be seen to be decided. Use the address by HTTPS instead of the
remote's name (settings of git and remotes cannot be changed in here):
  git {verb} https://git@{host}/{path}{rest}
No token is needed where a credential is lent for this host: it is put on outside. Where the host is not reached, tell the
person: writ run --allow-host {host}
"
    )
}

fn asked(arguments: &[String]) -> Option<(&'static str, String, String)> {
    let [.., to, command] = arguments else { return None };
    let host = to.rsplit_once('@').map_or(to.as_str(), |(_, host)| host);
    let (service, path) = command.split_once(' ')?;
    let path = path.trim_matches('\'').trim_start_matches(['/', '~']);
    let is_host = host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    let is_path =
        path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '+' | '~'));
    let fits = |text: &str| !text.is_empty() && text.len() <= MAX_SHOWN_CHARS;
    let verb = if service == "git-receive-pack" { "push" } else { "fetch" };
    (service.starts_with("git-") && is_host && is_path && fits(host) && fits(path))
        .then(|| (verb, host.to_owned(), path.to_owned()))
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
            assert!(told.contains("git push https://git@forge.example/team/app.git HEAD:BRANCH\n"), "{told}");
        }
        // What is no plain address is not shown again.
        for odd in ["git-receive-pack '/a;\u{1b}[2J'", "sh -c x", ""] {
            assert!(
                hint(&["git@forge.example", odd])
                    .contains("git fetch https://git@HOST/OWNER/REPOSITORY.git\n"),
                "{odd}"
            );
        }
        assert!(hint(&[]).contains("https://git@HOST/"));
    }
}
