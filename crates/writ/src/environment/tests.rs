use super::*;

fn sorted(pairs: &[(&str, &str)], wanted: Wanted<'_>) -> Scrubbed {
    scrubbed(pairs.iter().map(|(name, value)| (name.into(), value.into())), wanted)
}

fn fate(name: &str, value: &str, wanted: Wanted<'_>) -> &'static str {
    let result = sorted(&[(name, value)], wanted);
    match (result.passed.len(), result.handed_over.len(), result.withheld.len(), result.unlisted.len()) {
        (1, 0, 0, 0) => "passed",
        (1, 1, 0, 0) => "handed over",
        (0, 0, 1, 0) => "withheld",
        (0, 0, 0, 1) => "unlisted",
        (0, 0, 0, 0) => "dropped",
        _ => "several",
    }
}

#[test]
fn what_work_needs_is_passed() {
    for (name, value) in [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOME", "/home/dev"),
        ("PWD", "/home/dev/project"),
        ("LANG", "en_GB.UTF-8"),
        ("LC_ALL", "C"),
        ("TERM", "xterm-256color"),
        ("CARGO_HOME", "/home/dev/.cargo"),
        ("GOPATH", "/home/dev/go"),
        ("LS_COLORS", "rs=0:di=01;34:ln=01;36:mh=00:pi=40;33"),
    ] {
        assert_eq!(fate(name, value, Wanted::default()), "passed", "{name}");
    }
}

#[test]
fn credentials_are_held_back_by_name() {
    for name in [
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "OPENAI_API_KEY",
        "NPM_TOKEN",
        "MY_DB_PASSWORD",
        "SSH_AUTH_SOCK",
        "DBUS_SESSION_BUS_ADDRESS",
        "KUBECONFIG",
        "VAULT_ADDR",
        "SENTRY_DSN",
        "CARGO_REGISTRY_TOKEN",
        "UV_PUBLISH_PASSWORD",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "TMUX",
        "authtoken",
        "CI_JOB_JWT",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "GIT_ASKPASS",
    ] {
        assert_eq!(fate(name, "x", Wanted::default()), "withheld", "{name}");
    }
}

#[test]
fn credentials_are_held_back_by_shape_under_innocent_names() {
    for value in [
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "sk-ant-REDACTED",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nabc",
        "postgres://app:hunter2@db.internal/app",
        "https://x-access-token-0123456789@host/repo",
        "prefix=glpat-0123456789abcdefghij",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ] {
        assert_eq!(fate("EDITOR", value, Wanted::default()), "withheld", "{value}");
    }
}

#[test]
fn a_value_that_is_no_text_is_held_back() {
    use std::os::unix::ffi::OsStringExt as _;
    let result = scrubbed([("EDITOR".into(), OsString::from_vec(vec![0xff, 0xfe]))], Wanted::default());
    assert_eq!(result.withheld, ["EDITOR"]);
}

#[test]
fn what_nobody_asked_for_stays_outside_and_ours_is_dropped() {
    for name in ["FOO", "LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV", "DISPLAY", "HTTP_PROXY", "RUSTC_WRAPPER"] {
        assert_eq!(fate(name, "x", Wanted::default()), "unlisted", "{name}");
    }
    assert_eq!(fate("WRIT_STATE_DIR", "/x", Wanted::default()), "dropped");
}

#[test]
fn exceptions_are_by_exact_name_and_told() {
    let named = ["DATABASE_URL".to_owned()];
    let danger = ["DEPLOY_TOKEN".to_owned()];
    let login = ["MODEL_API_KEY".to_owned(), "MODEL_BASE_URL".to_owned()];
    let wanted = Wanted { login: &login, named: &named, danger: &danger };
    assert_eq!(fate("MODEL_API_KEY", "x", wanted), "handed over");
    assert_eq!(fate("MODEL_BASE_URL", "http://127.0.0.1:1", wanted), "passed");
    assert_eq!(fate("MODEL_API_KEY_2", "x", wanted), "withheld");
    assert_eq!(fate("DATABASE_URL", "sqlite://x.db", wanted), "passed");
    assert_eq!(fate("DATABASE_URL", "postgres://a:b@c/d", wanted), "withheld");
    assert_eq!(fate("DEPLOY_TOKEN", "x", wanted), "handed over");
}

#[test]
fn our_own_variable_replaces_the_users() {
    let mut result = sorted(&[("PATH", "/bin")], Wanted::default());
    result.set("PATH", "/writ");
    assert_eq!(result.passed, [("PATH".into(), "/writ".into())]);
}

#[test]
fn credentials_in_a_command_are_left_out_and_the_rest_is_not() {
    for (command, shown) in [
        ("npm publish && ls src", "npm publish && ls src"),
        ("git push https://ann:pw@host/x.git main", "git push https://[redacted]@host/x.git main"),
        ("API_TOKEN=abc make x", "API_TOKEN=[redacted] make x"),
        ("psql --password hunter2 -h db", "psql --password [redacted] -h db"),
        ("psql --password=hunter2", "psql --password=[redacted]"),
        (
            "curl -H \"Authorization: Bearer abc\" https://x",
            "curl -H \"Authorization: Bearer [redacted]\" https://x",
        ),
        ("echo ghp_0123456789abcdefghijABCDEFGHIJ012345|sh", "echo [redacted]|sh"),
        (
            "git revert 0123456789abcdef0123456789abcdef01234567",
            "git revert 0123456789abcdef0123456789abcdef01234567",
        ),
        ("grüße\u{a0}x", "grüße\u{a0}x"),
    ] {
        assert_eq!(redacted(command), shown);
    }
}
