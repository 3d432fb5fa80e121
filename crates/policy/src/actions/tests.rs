use super::*;

#[test]
fn a_host_is_read_only_where_all_programs_read_it_alike() {
    for (url, host) in [
        ("https://example.org/a?b#c", Some("example.org")),
        ("HTTP://Example.ORG:8080", Some("example.org:8080")),
        ("https://user:word@example.org/", Some("example.org")),
        ("https://a@b@example.org/", Some("example.org")),
        ("http://[::1]:80/x", Some("[::1]:80")),
        ("https://example.org#@localhost/", Some("example.org")),
        ("https://localhost\\@example.org/", None),
        ("https://exa mple.org/", None),
        ("https://example.org\t/", None),
        ("https://ex%61mple.org/", None),
        ("https://\u{ff11}27.0.0.1/", None),
        ("https://ex\u{e4}mple.org/", None),
        ("https:///x", None),
        ("https://:80/", None),
        ("//example.org/", None),
        ("example.org", None),
        ("file:///etc/passwd", None),
        ("ftp://example.org/", None),
        ("javascript:alert(1)", None),
        ("", None),
    ] {
        assert_eq!(host_of(url).as_deref(), host, "{url}");
    }
}

#[test]
fn a_push_moves_its_destination() {
    for (written, name) in [
        ("main", "main"),
        ("HEAD:main", "main"),
        ("+HEAD:refs/heads/main", "refs/heads/main"),
        (":old", "old"),
        ("refs/tags/v1", "refs/tags/v1"),
        ("HEAD", ""),
        ("@", ""),
        ("refs/heads/*:refs/heads/*", ""),
        ("$BRANCH", ""),
        ("a?b", ""),
        ("", ""),
    ] {
        assert_eq!(destination(written), name, "{written}");
    }
}

#[test]
fn a_pattern_catches_the_names_that_it_could_match() {
    for (pattern, name, could) in [
        (".e*", ".env", true),
        (".env*", ".env", true),
        (".[e]nv", ".env", true),
        ("*", ".env", false),
        ("*", "credentials.json", false),
        ("*.json", "credentials.json", true),
        ("cred*", "credentials.json", true),
        ("*rsa", "id_rsa", true),
        ("{.env,x}", ".env", true),
        ("src*", "id_rsa", false),
        (".g*", ".git", true),
    ] {
        assert_eq!(could_be(pattern, name), could, "{pattern} {name}");
    }
}

#[test]
fn programs_that_act_far_away_act_on_what_is_there() {
    let kind = |class, program: &str| of_program(class, program.to_owned()).kind();
    assert_eq!(kind(EffectClass::Destructive, "kubectl delete"), "Deployment");
    assert_eq!(kind(EffectClass::Destructive, "/usr/bin/aws s3"), "CloudAccount");
    assert_eq!(kind(EffectClass::Read, "terraform show"), "Deployment");
    assert_eq!(kind(EffectClass::Read, "kubectl --help"), "Command");
    assert_eq!(kind(EffectClass::Deploy, "make"), "Deployment");
    assert_eq!(kind(EffectClass::IdentityChange, "passwd"), "Identity");
    assert_eq!(kind(EffectClass::Destructive, "git reset"), "Command");
}
