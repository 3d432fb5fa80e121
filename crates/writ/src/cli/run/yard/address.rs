//! Credentials in a repository's configuration: a word in the address of a remote, a header that is sent along.
//!
//! Git inside needs the rest of the configuration, so a file without them shows in its place. Nothing is lost by it: the way
//! out refuses a credential that Writ did not place.

/// The configuration without its credentials; nothing where it has none.
pub(in crate::cli::run) fn bare(config: &str) -> Option<String> {
    let mut text = String::with_capacity(config.len());
    let mut goes_on = false;
    for line in config.split_inclusive('\n') {
        let key = line.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
        // A section can have its first key on its own line.
        let key = key.rsplit(']').next().unwrap_or_default().trim();
        // A helper that is a line of shell can tell a word that stands in it.
        let tells = HELD.contains(&key) || key == "helper" && line.contains('!');
        let is_secret = !line.trim_start().starts_with(['#', ';']) && tells;
        let drops = is_secret || goes_on;
        goes_on = drops && line.trim_end().ends_with('\\');
        if drops {
            let section =
                line.rfind(']').filter(|_| line.trim_start().starts_with('[')).and_then(|at| line.get(..=at));
            text.push_str(section.unwrap_or_default());
            text.push('\n');
        } else {
            text.push_str(&without_user(line));
        }
    }
    (text != config).then_some(text)
}

/// Keys whose value is a credential.
const HELD: [&str; 3] = ["extraheader", "password", "token"];

/// A line whose addresses by HTTP name nobody. A name for SSH is no secret.
fn without_user(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        text.push_str(before);
        text.push_str("://");
        let end = after
            .find(|c: char| c == '/' || c == '?' || c == '#' || c == '"' || c.is_whitespace())
            .unwrap_or(after.len());
        let (authority, next) = after.split_at_checked(end).unwrap_or((after, ""));
        let is_named = before.to_ascii_lowercase().ends_with("ssh");
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(user, host)| if is_named && !user.contains(':') { authority } else { host });
        text.push_str(host);
        rest = next;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_and_everything_else_stays() {
        let config = "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://me:word@forge.example/a.git\n\tpushurl = https://ghp_x@forge.example/a\n\
             \tfetch = +refs/heads/*:refs/remotes/origin/*\n[remote \"s\"]\n\turl = ssh://git@forge.example/a\n\turl = git@forge.example:a\n\
             [http \"https://u:p@forge.example/\"]\n\textraHeader = AUTHORIZATION: basic abc\n[x] password = word\n[url \"https://t@forge.example/\"]\n\tinsteadOf = gh:\n\
             [http]\n\textraheader = Authorization: \\\n  basic hidden\n[user]\n\tname = A";
        let bare = bare(config).unwrap();
        for gone in ["word", "ghp_x", "abc", "u:p", "//t@", "hidden"] {
            assert!(!bare.contains(gone), "{gone}: {bare}");
        }
        for kept in [
            "\turl = https://forge.example/a.git\n",
            "\tpushurl = https://forge.example/a\n",
            "ssh://git@forge.example/a",
            "git@forge.example:a",
            "[x]",
            "[url \"https://forge.example/\"]\n\tinsteadOf = gh:",
            "[user]\n\tname = A",
            "+refs/heads/*:refs",
        ] {
            assert!(bare.contains(kept), "{kept}: {bare}");
        }
        assert_eq!(
            super::bare("[core]\n\tbare = false\n[remote \"o\"]\n\turl = https://forge.example/a\n"),
            None
        );
    }

    proptest::proptest! {
        #[test]
        fn whatever_stands_there_is_bare_the_second_time(text in "(\\[|\\]|=|\\n|url|https://|ssh://|@|:|a|\\\\|\"|token| )*") {
            if let Some(first) = bare(&text) {
                proptest::prop_assert_eq!(bare(&first), None, "{}", first);
            }
        }
    }
}
