use super::*;

const GROUND: Ground<'static> = Ground { root: "/w/pear", home: Some("/home/dev") };

fn fits(pattern: &str, path: &str, sense: Sense) -> bool {
    Pattern::read(&pattern.parse().unwrap(), str::to_owned).fit(GROUND, path, sense).is_some()
}

#[test]
fn what_may_be_reached_is_what_is_written() {
    for (pattern, path, expected) in [
        ("**", "/w/pear/a/b", true),
        ("**", "/w/pear", true),
        ("**", "/w/apple/a", false),
        ("./**", "/w/pear/.env", true),
        ("src/**", "/w/pear/src/a/b.rs", true),
        ("src/**", "/w/pear/src", true),
        ("src/**", "/w/pear/srcs/a", false),
        ("src/**", "/w/pear/lib/src/a", false),
        ("src", "/w/pear/src/a", true),
        ("src/", "/w/pear/src/a", true),
        ("src/*", "/w/pear/src/a", true),
        ("src/*", "/w/pear/src/a/b", false),
        ("*.toml", "/w/pear/a/b/c.toml", true),
        ("*.toml", "/w/other/c.toml", false),
        ("**/test_*.py", "/w/pear/x/test_a.py", true),
        ("src/**/*.{js,ts}", "/w/pear/src/a/b/c.ts", true),
        ("src/**/*.{js,ts}", "/w/pear/src/c.js", true),
        ("src/**/*.{js,ts}", "/w/pear/src/c.py", false),
        ("a?c/[x-z].md", "/w/pear/abc/y.md", true),
        ("a?c/[!x-z].md", "/w/pear/abc/y.md", false),
        ("/**", "/etc/passwd", true),
        ("/usr/share/**", "/usr/share/dict/words", true),
        ("~/notes/**", "/home/dev/notes/a", true),
        ("~/notes/**", "/home/other/notes/a", false),
        ("dbs.txt", "/w/pear/dbs.txt", true),
    ] {
        assert_eq!(fits(pattern, path, Sense::Allow), expected, "{pattern} {path}");
    }
}

#[test]
fn what_is_off_limits_is_so_everywhere_and_with_all_below() {
    for (pattern, path, expected) in [
        ("**/.env", "/w/pear/.env", true),
        ("**/.env", "/somewhere/else/.env", true),
        ("**/.env*", "/w/pear/a/.env.local", true),
        ("~/**", "/home/dev", true),
        ("~/**", "/home/dev/.ssh/id", true),
        ("/proc/**", "/proc/1/environ", true),
        (".git/**", "/w/pear/.git", true),
        (".git", "/w/pear/.git/hooks/pre-commit", true),
        (".git/**", "/w/pear/.gitignore", false),
        ("CLAUDE.md", "/w/pear/a/CLAUDE.md", true),
        ("secrets*", "/w/pear/secrets-old/x", true),
        ("requirements*.txt", "/w/pear/requirements-dev.txt", true),
    ] {
        assert_eq!(fits(pattern, path, Sense::Bar), expected, "{pattern} {path}");
    }
}

#[test]
fn a_folder_takes_what_is_named_below_it_along() {
    let below = |pattern: &str, folder: &str| {
        Pattern::read(&pattern.parse().unwrap(), str::to_owned).starts_below(GROUND, folder)
    };
    assert!(below(".git/**", "/w/pear"));
    assert!(below("a/b/c.txt", "/w/pear/a"));
    assert!(!below("a/b/**", "/w/pear/a/b/c"));
    assert!(!below("a/b/**", "/w/pear/x"));
    assert!(!below("CLAUDE.md", "/w/pear/x"));
}

#[test]
fn hostile_patterns_take_no_time() {
    let stars = "*a".repeat(400);
    let name = "a".repeat(4_000);
    assert!(!fits(&format!("{stars}b"), &format!("/w/pear/{name}"), Sense::Allow));
    let deep = "**/a/".repeat(150);
    let path = "/a".repeat(2_000);
    assert!(!fits(&format!("{deep}b"), &format!("/w/pear{path}"), Sense::Bar));
    let many = "{a,b,c,d,e,f,g,h}".repeat(7);
    assert!(!fits(&many, "/w/pear/x", Sense::Bar));
}

proptest::proptest! {
    /// No text stops the matcher, and a pattern without wildcards fits its own path.
    #[test]
    fn nothing_stops_it(pattern in "[ -~é]{1,60}", path in "(/[ -.0-~é]{1,8}){1,6}", name in "[a-z]{1,8}(/[a-z]{1,8}){0,3}") {
        if let Ok(read) = pattern.parse() {
            let read = Pattern::read(&read, str::to_owned);
            let allowed = read.fit(GROUND, &path, Sense::Allow).is_some();
            let barred = read.fit(GROUND, &path, Sense::Bar).is_some();
            proptest::prop_assert!(barred || !allowed, "what may be named can be barred by the same words");
            read.starts_below(GROUND, &path);
            read.spelled(GROUND);
        }
        let own = ["/w/pear/", name.as_str()].concat();
        proptest::prop_assert!(fits(&name, &own, Sense::Allow));
    }
}
