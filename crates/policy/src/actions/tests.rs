use super::pattern::could_be;
use super::program::of_program;
use super::shell::destination;
use super::*;

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
