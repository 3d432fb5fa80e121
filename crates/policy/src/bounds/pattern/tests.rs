use super::*;

const GROUND: Ground<'static> = Ground { root: "/work/pear", home: Some("/home/dev") };

fn fits(pattern: &str, path: &str, sense: Sense) -> bool {
    Pattern::read(&pattern.parse().unwrap(), str::to_owned).fit(GROUND, path, sense).is_some()
}

#[test]
fn what_may_be_reached_is_what_is_written() {
    for (pattern, path, expected) in [
        ("**", "/work/pear/a/b", true),
        ("**", "/work/pear", true),
        ("**", "/work/apple/a", false),
        ("./**", "/work/pear/.env", true),
        ("src/**", "/work/pear/src/a/b.rs", true),
        ("src/**", "/work/pear/src", true),
        ("src/**", "/work/pear/srcs/a", false),
        ("src/**", "/work/pear/lib/src/a", false),
        ("src", "/work/pear/src/a", true),
        ("src/", "/work/pear/src/a", true),
        ("src/*", "/work/pear/src/a", true),
        ("src/*", "/work/pear/src/a/b", false),
        ("*.toml", "/work/pear/a/b/c.toml", true),
        ("*.toml", "/work/other/c.toml", false),
        ("**/test_*.py", "/work/pear/x/test_a.py", true),
        ("src/**/*.{js,ts}", "/work/pear/src/a/b/c.ts", true),
        ("src/**/*.{js,ts}", "/work/pear/src/c.js", true),
        ("src/**/*.{js,ts}", "/work/pear/src/c.py", false),
        ("a?c/[x-z].md", "/work/pear/abc/y.md", true),
        ("a?c/[!x-z].md", "/work/pear/abc/y.md", false),
        ("/**", "/etc/passwd", true),
        ("/usr/share/**", "/usr/share/dict/words", true),
        ("~/notes/**", "/home/dev/notes/a", true),
        ("~/notes/**", "/home/other/notes/a", false),
        ("dbs.txt", "/work/pear/dbs.txt", true),
    ] {
        assert_eq!(fits(pattern, path, Sense::Allow), expected, "{pattern} {path}");
    }
}

#[test]
fn what_is_off_limits_is_so_everywhere_and_with_all_below() {
    for (pattern, path, expected) in [
        ("**/.env", "/work/pear/.env", true),
        ("**/.env", "/somewhere/else/.env", true),
        ("**/.env*", "/work/pear/a/.env.local", true),
        ("~/**", "/home/dev", true),
        ("~/**", "/home/dev/.ssh/id", true),
        ("/proc/**", "/proc/1/environ", true),
        (".git/**", "/work/pear/.git", true),
        (".git", "/work/pear/.git/hooks/pre-commit", true),
        (".git/**", "/work/pear/.gitignore", false),
        ("CLAUDE.md", "/work/pear/a/CLAUDE.md", true),
        ("secrets*", "/work/pear/secrets-old/x", true),
        ("requirements*.txt", "/work/pear/requirements-dev.txt", true),
    ] {
        assert_eq!(fits(pattern, path, Sense::Bar), expected, "{pattern} {path}");
    }
}

#[test]
fn a_folder_takes_what_is_named_below_it_along() {
    let below = |pattern: &str, folder: &str| {
        Pattern::read(&pattern.parse().unwrap(), str::to_owned).starts_below(GROUND, folder)
    };
    assert!(below(".git/**", "/work/pear"));
    assert!(below("a/b/c.txt", "/work/pear/a"));
    assert!(!below("a/b/**", "/work/pear/a/b/c"));
    assert!(!below("a/b/**", "/work/pear/x"));
    assert!(!below("CLAUDE.md", "/work/pear/x"));
}

#[test]
fn hostile_patterns_take_no_time() {
    let stars = "*a".repeat(400);
    let name = "a".repeat(4_000);
    assert!(!fits(&format!("{stars}b"), &format!("/work/pear/{name}"), Sense::Allow));
    let deep = "**/a/".repeat(150);
    let path = "/a".repeat(2_000);
    assert!(!fits(&format!("{deep}b"), &format!("/work/pear{path}"), Sense::Bar));
    let many = "{a,b,c,d,e,f,g,h}".repeat(7);
    assert!(!fits(&many, "/work/pear/x", Sense::Bar));
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
        let own = ["/work/pear/", name.as_str()].concat();
        proptest::prop_assert!(fits(&name, &own, Sense::Allow));
    }
}
