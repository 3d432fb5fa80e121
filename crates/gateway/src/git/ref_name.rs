//! Names of refs, by the rules of `git check-ref-format`.

/// Longest name of a ref, in bytes: a file system's component is shorter, and forges refuse less.
const MAX_REF_BYTES: usize = 1_024;

/// What is wrong with the name of a ref that somebody pushes, if anything is.
///
/// The rules are those of git-check-ref-format(1), and those that receive-pack adds: below `refs/`, with two parts
/// behind it. Names that are no UTF-8 are refused, because policies could not name them.
#[must_use]
pub fn problem_of_ref(name: &[u8]) -> Option<&'static str> {
    let Ok(name) = std::str::from_utf8(name) else { return Some("is no text in UTF-8") };
    if name.len() > MAX_REF_BYTES {
        return Some("is too long");
    }
    let Some(rest) = name.strip_prefix("refs/") else { return Some("does not stand below refs/") };
    if !rest.contains('/') {
        return Some("has too few parts");
    }
    if name.bytes().any(|byte| byte.is_ascii_control() || b" ~^:?*[\\".contains(&byte)) {
        return Some("holds a character that git does not allow");
    }
    if name.contains("..") || name.contains("@{") || name.ends_with('.') {
        return Some("holds what git reads as something else than a name");
    }
    name.split('/')
        .any(|part| part.is_empty() || part.starts_with('.') || part.ends_with(".lock"))
        .then_some("has a part that git does not allow")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_git_allows() {
        for name in [
            "refs/heads/main",
            "refs/heads/writ/task-1",
            "refs/tags/v1.0",
            "refs/for/main%submit",
            "refs/heads/größe",
            "refs/heads/@",
            "refs/heads/a.b",
            "refs/heads/-x",
        ] {
            assert_eq!(problem_of_ref(name.as_bytes()), None, "{name}");
        }
        let long = format!("refs/heads/{}", "a".repeat(MAX_REF_BYTES));
        for name in [
            "",
            "HEAD",
            "main",
            "refs/main",
            "refs/",
            "refs//main",
            "/refs/heads/main",
            "refs/heads/",
            "refs/heads//main",
            "refs/heads/.main",
            "refs/heads/main.lock",
            "refs/heads/a.lock/b",
            "refs/heads/a..b",
            "refs/heads/a.",
            "refs/heads/a b",
            "refs/heads/a\n",
            "refs/heads/a\0",
            "refs/heads/a~1",
            "refs/heads/a^",
            "refs/heads/a:b",
            "refs/heads/a?",
            "refs/heads/*",
            "refs/heads/[a",
            "refs/heads/a\\b",
            "refs/heads/@{0}",
            "refs/heads/a\u{7f}",
            "refs/../heads/main",
            &long,
        ] {
            assert!(problem_of_ref(name.as_bytes()).is_some(), "{name:?}");
        }
        assert!(problem_of_ref(b"refs/heads/\xff").is_some());
    }
}
