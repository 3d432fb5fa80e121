//! Throw-away homes with made-up credentials: each is told by kind, place and end, and no value gets out.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use writ_model::Timestamp;

use super::*;
use crate::report;

const NOW: &str = "2026-11-22T12:00:00Z";

/// Made up at run time, so that no tree holds it.
fn value(head: &str) -> String {
    [head, "q8Zk2LmN4p", "Rs7TuVwXyZ", "0Aa1Bb2Cc3", "Dd4Ee5"].concat()
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn jwt(exp: i64) -> String {
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    [part("{\"alg\":\"ES256\"}".into()), part(format!("{{\"exp\":{exp}}}")), value("")].join(".")
}

fn write(home: &Path, path: &str, text: &str) {
    let path = home.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn look_in(home: &Path, environment: &[(String, Vec<u8>)]) -> Seen {
    let places = Places { home, machine: None, repository: None, environment };
    credentials(&places, &Marker::new(b"a key of the test"))
}

/// An OpenSSH key's head, with this cipher.
fn ssh_key(cipher: &str) -> String {
    let mut bytes = b"openssh-key-v1\0".to_vec();
    bytes.extend(u32::try_from(cipher.len()).unwrap().to_be_bytes());
    bytes.extend(cipher.as_bytes());
    bytes.extend(value("").as_bytes());
    let (begin, end) =
        (["-----BEGIN OPENSSH ", "PRIVATE KEY-----"].concat(), "-----END OPENSSH PRIVATE KEY-----");
    format!("{begin}\n{}\n{end}\n", STANDARD.encode(bytes))
}

#[test]
fn each_place_tells_what_lies_there() {
    let token = value("");
    let classic = value("ghp_");
    let soon = jwt(1_795_350_000);
    for (path, text, expected) in [
        (
            ".aws/credentials",
            format!("[default]\naws_access_key_id = AKIA\naws_secret_access_key = {token}\n"),
            "cloud-aws/access key/default/long/none/-",
        ),
        (
            ".aws/credentials",
            format!("[x]\naws_secret_access_key = {token}\naws_session_token = {token}\n"),
            "cloud-aws/session of a role/x/short/none/-",
        ),
        (
            ".aws/sso/cache/a.json",
            format!("{{\"accessToken\": \"{token}\", \"expiresAt\": \"2026-11-22T20:00:00Z\"}}"),
            "cloud-aws/token/accessToken/short/none/2026-11-22T20:00:00.000Z",
        ),
        (
            ".aws/sso/cache/a.json",
            format!("{{\"accessToken\": \"{token}\", \"expiresAt\": \"2020-06-17T10:02:08UTC\"}}"),
            "cloud-aws/token/accessToken/short/none/2020-06-17T10:02:08.000Z",
        ),
        (
            ".config/gcloud/application_default_credentials.json",
            format!(
                "{{\"type\": \"authorized_user\", \"client_secret\": \"x\", \"refresh_token\": \"{token}\"}}"
            ),
            "cloud-gcp/refresh token//renewing/none/-",
        ),
        (
            ".azure/msal_token_cache.json",
            format!(
                "{{\"AccessToken\": {{\"k\": {{\"secret\": \"{token}\", \"expires_on\": \"1795350000\", \"environment\": \"e\"}}}}}}"
            ),
            "cloud-azure/access token/e/short/none/2026-11-22T12:20:00.000Z",
        ),
        (
            ".kube/config",
            format!("users:\n- name: me\n  user:\n    token: {soon}\n"),
            "kubernetes/token/me/short/none/2026-11-22T12:20:00.000Z",
        ),
        (
            ".docker/config.json",
            format!(
                "{{\"auths\": {{\"r.example\": {{\"auth\": \"{}\"}}}}}}",
                STANDARD.encode(format!("me:{token}"))
            ),
            "containers/password/r.example/long/none/-",
        ),
        (
            ".docker/config.json",
            "{\"credsStore\": \"secretservice\"}".to_owned(),
            "containers/credential helper/secretservice/unknown/keeper/-",
        ),
        (
            ".git-credentials",
            format!("https://me:{classic}@github.com\n"),
            "git/password in an address/github.com/long/none/-",
        ),
        (
            ".gitconfig",
            "[credential \"https://github.com\"]\n\thelper = !/usr/bin/gh auth git-credential\n".to_owned(),
            "git/credential helper/gh/unknown/keeper/-",
        ),
        (
            ".netrc",
            format!("machine h.example login me\n  password {token}\n"),
            "git/password/h.example/long/none/-",
        ),
        (
            ".config/gh/hosts.yml",
            format!("github.com:\n  oauth_token: {}\n", value("gho_")),
            "git/token/github.com/long/none/-",
        ),
        (
            ".config/glab-cli/config.yml",
            format!("hosts:\n  gitlab.com:\n    token: {token}\n"),
            "git/token/gitlab.com/long/none/-",
        ),
        (".npmrc", format!("//r.example/:_authToken={token}\n"), "packages/token/r.example/long/none/-"),
        (
            ".pypirc",
            format!("[pypi]\nusername = x\npassword = {}\n", value("pypi-")),
            "packages/password/pypi/long/none/-",
        ),
        (
            ".cargo/credentials.toml",
            format!("[registries.x]\ntoken = \"{token}\"\n"),
            "packages/token/x/long/none/-",
        ),
        (
            ".m2/settings.xml",
            format!(
                "<settings>\n<server>\n<id>central</id>\n<password>{token}</password>\n</server></settings>"
            ),
            "packages/password/central/long/none/-",
        ),
        (".vault-token", format!("{token}\n"), "infra/token//long/none/-"),
        (".pgpass", format!("db.example:5432:app:me:{token}\n"), "database/password/db.example/long/none/-"),
        (".ssh/id_ed25519", ssh_key("none"), "ssh/private key/id_ed25519/long/none/-"),
        (".ssh/id_ed25519", ssh_key("aes256-ctr"), "ssh/private key/id_ed25519/long/passphrase/-"),
        (
            ".claude/.credentials.json",
            format!("{{\"claudeAiOauth\": {{\"accessToken\": \"{token}\", \"expiresAt\": 1795350000000}}}}"),
            "agents/token/claudeAiOauth/short/none/2026-11-22T12:20:00.000Z",
        ),
        (
            ".bashrc",
            format!("# x\n[ -z \"$PS1\" ] && return\nexport OPENAI_API_KEY=\"{token}\" # mine\n"),
            "env-files/key/OPENAI_API_KEY/long/none/-",
        ),
        (".zshrc", format!("alias x='curl -H \"A: Bearer {classic}\" h'\n"), "env-files/secret//long/none/-"),
        (
            ".profile",
            format!("ANTHROPIC_API_KEY={token}; export ANTHROPIC_API_KEY\n"),
            "env-files/key/ANTHROPIC_API_KEY/long/none/-",
        ),
        (
            ".config/fish/config.fish",
            format!("set -gx GH_TOKEN '{token}'\n"),
            "env-files/token/GH_TOKEN/long/none/-",
        ),
        (
            ".config/environment.d/a.conf",
            format!("DB_PASSWORD={token}\n"),
            "env-files/password/DB_PASSWORD/long/none/-",
        ),
        (".env", format!("STRIPE={}\n", value("rk_live_")), "env-files/secret/STRIPE/long/none/-"),
        (
            ".fly/config.yml",
            format!("access_token: FlyV1 fm2_{token}\n"),
            "infra/token/access_token/long/none/-",
        ),
        (
            ".bundle/config",
            format!(
                "---\nBUNDLE_GEMS__EXAMPLE__ORG: \"me:{token}\"\nBUNDLE_PATH: \"vendor:x\"\nBUNDLE_LOCAL__RACK: \"~/rack\"\n"
            ),
            "packages/secret/BUNDLE_GEMS__EXAMPLE__ORG/long/none/-",
        ),
        (
            ".pulumi/credentials.json",
            format!("{{\"current\": \"https://h\", \"accessTokens\": {{\"https://h\": \"{token}\"}}}}"),
            "infra/token/https://h/long/none/-",
        ),
        (
            ".pulumi/credentials.json",
            format!(
                "{{\"accessTokens\": {{\"https://h\": \"{token}\"}}, \"accounts\": {{\"https://h\": {{\"accessToken\": \"{token}\"}}}}}}"
            ),
            "infra/token/https://h/long/none/-",
        ),
        (
            ".config/stripe/config.toml",
            format!(
                "[default]\nlive_mode_api_key = \"{}\"\nlive_mode_pub_key = \"{}\"\n",
                value("rk_live_"),
                value("pk_live_")
            ),
            "infra/key/default/long/none/-",
        ),
        (".sentryclirc", format!("[auth]\ntoken={token}\n"), "infra/token/auth/long/none/-"),
        (
            ".config/ngrok/ngrok.yml",
            format!("version: 3\nagent:\n  authtoken: {token}\n"),
            "infra/token/agent/long/none/-",
        ),
        (
            ".circleci/cli.yml",
            format!("host: https://circleci.com\ntoken: {token}\n"),
            "infra/token/token/long/none/-",
        ),
        (
            ".config/argocd/config",
            format!("users:\n- auth-token: {soon}\n  name: h\n"),
            "infra/token/users/short/none/2026-11-22T12:20:00.000Z",
        ),
        (".streamlit/secrets.toml", format!("api_key = \"{token}\"\n"), "env-files/key/api_key/long/none/-"),
        (".env", format!("export OPENAI_API_KEY='{token}'\n"), "env-files/key/OPENAI_API_KEY/long/none/-"),
        (".local/share/keyrings/login.keyring", "x".to_owned(), "keyrings/keyring//unknown/keeper/-"),
    ] {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), path, &text);
        let seen = look_in(home.path(), &[]);
        let said: Vec<String> = seen
            .credentials
            .iter()
            .map(|one| {
                let end = one.expires_at.map_or("-".to_owned(), |end| end.to_string());
                format!(
                    "{}/{}/{}/{}/{}/{end}",
                    one.kind,
                    one.what,
                    one.name,
                    one.life.name(),
                    one.guard.name()
                )
            })
            .collect();
        assert_eq!(said, [expected], "{path}: {text}");
        let only = seen.credentials.first().unwrap();
        assert_eq!(only.place, Path::new("~").join(path));
        assert!(only.changed_at.is_some() && seen.notes.is_empty());
    }
}

/// Every file of credentials that the table of tools names, as its tool writes it.
#[test]
fn each_tools_own_credentials_are_told() {
    let token = value("");
    let tokens = format!("{{\"s\": {{\"accessToken\": \"{token}\"}}}}");
    let line = format!("A_API_KEY={token}\n");
    let marked = format!("{{\"users\": {{\"https://h.example:me\": \"{}\"}}}}", value("gho_"));
    for (path, text, what) in [
        (".claude/.credentials.json", &tokens, "token"),
        (".config/anthropic/credentials/default.json", &tokens, "token"),
        (".codex/auth.json", &tokens, "token"),
        (".codex/.credentials.json", &tokens, "token"),
        (".gemini/oauth_creds.json", &tokens, "token"),
        (".gemini/mcp-oauth-tokens.json", &tokens, "token"),
        (".gemini/a2a-oauth-tokens.json", &tokens, "token"),
        (".gemini/gemini-credentials.json", &"0a:1b:2c".to_owned(), "store"),
        (".gemini/.env", &line, "key"),
        (".cache/.gemini/a.json", &tokens, "token"),
        (".copilot/config.json", &marked, "token"),
        (".copilot/mcp-oauth-config/a", &tokens, "token"),
        (".copilot/mcp-secrets/a", &"locked".to_owned(), "store"),
        (".local/share/opencode/auth.json", &tokens, "token"),
        (".local/share/opencode/mcp-auth.json", &tokens, "token"),
        (".local/share/opencode/opencode.db", &String::new(), "store"),
        (".qwen/oauth_creds.json", &tokens, "token"),
        (".openclaw/credentials/a.json", &tokens, "token"),
        (".openclaw/credentials/chat/creds.json", &tokens, "token"),
        (".openclaw/secrets.json", &tokens, "token"),
        (".openclaw/agents/a/agent/openclaw-agent.sqlite", &String::new(), "store"),
        (".openclaw/state/openclaw.sqlite", &String::new(), "store"),
        (".openclaw/mcp-oauth/a.json", &tokens, "token"),
        (".pi/agent/auth.json", &tokens, "token"),
        (".pi/agent/models.json", &tokens, "token"),
        (".pi/agent/mcp-auth.json", &tokens, "token"),
        (".continue/auth.json", &tokens, "token"),
        (".continue/.env", &line, "key"),
        (".mcp-auth/remote-1/a_tokens.json", &tokens, "token"),
        (".aider.conf.yml", &format!("openai-api-key: {token}\n"), "key"),
        (".config/goose/secrets.yaml", &format!("A_API_KEY: {token}\n"), "key"),
        (".config/Cursor/User/globalStorage/state.vscdb", &String::new(), "store"),
    ] {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), path, text);
        let seen = look_in(home.path(), &[]);
        let said: Vec<_> = seen.credentials.iter().map(|one| (one.kind, one.what)).collect();
        assert_eq!(said, [("agents", what)], "{path}");
        assert!(!format!("{seen:?}").contains(&token));
    }
}

#[test]
fn what_lies_beside_the_home_folder_is_told_by_what_it_opens() {
    let (home, machine) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let token = value("");
    let listen = |folder: &Path, path: &str| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::net::UnixListener::bind(path).unwrap()
    };
    let run = machine.path().join("run/user/7");
    let _sockets = [
        listen(machine.path(), "var/run/docker.sock"),
        listen(&run, "podman/podman.sock"),
        listen(home.path(), ".gnupg/S.gpg-agent"),
    ];
    // A file of that name is no socket.
    write(machine.path(), "run/containerd/containerd.sock", "");
    write(
        machine.path(),
        "etc/rancher/k3s/k3s.yaml",
        &format!("users:\n- name: root\n  user:\n    token: {token}\n"),
    );
    write(machine.path(), "var/run/secrets/kubernetes.io/serviceaccount/token", &jwt(1_795_350_000));
    write(machine.path(), "run/secrets/db", &token);
    write(
        home.path(),
        ".bash_history",
        &format!("ls\nexport A_TOKEN={token}\nA_TOKEN=$X make PORT=8080 KEY=value\n"),
    );
    write(home.path(), ".zsh_history", &format!(": 1:0;curl -H \"x: Bearer {}\" h\n", value("ghp_")));
    write(home.path(), ".mozilla/firefox/a.default/key4.db", "");
    let environment = [("XDG_RUNTIME_DIR".to_owned(), run.to_str().unwrap().as_bytes().to_vec())];
    let places = Places {
        home: home.path(),
        machine: Some(machine.path()),
        repository: None,
        environment: &environment,
    };
    let seen = credentials(&places, &Marker::new(b"a key of the test"));
    let mut said: Vec<String> = seen
        .credentials
        .iter()
        .map(|one| {
            let place = one.place.to_str().unwrap().replace(run.to_str().unwrap(), "RUN");
            format!("{place} {}: {} ({})", one.what, one.opens, one.guard.name())
        })
        .collect();
    said.sort();
    assert_eq!(
        said,
        [
            "/etc/rancher/k3s/k3s.yaml token: a Kubernetes cluster, as its administrator (none)",
            "/run/secrets/db token: what this container is given (none)",
            "/var/run/docker.sock socket: this machine, as root (none)",
            "/var/run/secrets/kubernetes.io/serviceaccount/token token: the cluster that this runs in (none)",
            "RUN/podman/podman.sock socket: containers of this user (none)",
            "~/.bash_history typed value:  (none)",
            "~/.gnupg/S.gpg-agent socket: signatures and mail (keeper)",
            "~/.mozilla/firefox/a.default/key4.db store: passwords that Firefox keeps (none)",
            "~/.zsh_history typed value:  (none)",
        ]
    );
    assert!(!format!("{seen:?}").contains(&token) && seen.notes.is_empty(), "{seen:?}");
}

#[test]
fn files_of_a_tree_are_known_by_name() {
    let token = value("");
    let key = "8f3b2c1d9e7a4b608f3b2c1d9e7a4b60".to_owned();
    let variables = format!("API_TOKEN={token}\n");
    for (path, text, found) in [
        ("a/.dev.vars", &variables, true),
        ("a/.dev.vars.staging", &variables, true),
        ("a/.dev.vars.example", &variables, false),
        (".streamlit/secrets.toml", &format!("api_key = \"{token}\"\n"), true),
        ("config/master.key", &key, true),
        (".sentryclirc", &format!("[auth]\ntoken={token}\n"), true),
        ("a/vars", &variables, false),
    ] {
        let tree = tempfile::tempdir().unwrap();
        write(tree.path(), path, text);
        let name = path.rsplit('/').next().unwrap();
        let files: Vec<_> = is_of_tree(name).then(|| path.into()).into_iter().collect();
        let seen = of_tree(tree.path(), &files, &[], &Marker::new(b"a key of the test"));
        assert_eq!(seen.credentials.len(), usize::from(found), "{path}");
    }
}

#[test]
fn what_is_no_credential_is_passed_by() {
    for (path, text) in [
        (".npmrc", "//r.example/:_authToken=${NPM_TOKEN}\nregistry=https://r.example/\n"),
        (
            ".bashrc",
            "# export API_KEY=q8Zk2LmN4pRs7TuV\nexport API_KEY=$(pass show x)\nexport EDITOR=vi\nPS1='\\u@\\h'\n",
        ),
        (".zshrc", "export GH_TOKEN=\"$TOKEN\"\nsource ~/.token\nplugins=(git)\n"),
        (
            ".bundle/config",
            "---\nBUNDLE_PATH: \"vendor/bundle\"\nBUNDLE_MIRROR__HTTPS://RUBYGEMS__ORG/: \"https://r.example/\"\nBUNDLE_BUILD__MYSQL2: \"--with-mysql:config\"\n",
        ),
        (
            ".env",
            "STRIPE=pk_live_q8Zk2LmN4pRs7TuVwXyZ0Aa1\nCOMMIT=8f3b2c1d9e7a4b608f3b2c1d9e7a4b608f3b2c1d\n",
        ),
        (".env", "TOKEN=\nAPI_KEY=your-key-here\nPORT=80\nMAX_TOKENS=4096000000\n"),
        (".ssh/known_hosts", "h.example ssh-ed25519 AAAA\n"),
        (".ssh/id_ed25519.pub", "ssh-ed25519 AAAA me\n"),
        (".kube/config", "users:\n- name: me\n  user:\n    exec: {command: aws}\n"),
        (
            ".config/gcloud/application_default_credentials.json",
            "{\"type\": \"external_account\", \"token_url\": \"https://t.example\"}",
        ),
        (".config/gh/hosts.yml", "github.com:\n    user: me\n    git_protocol: https\n"),
        (".git-credentials", "https://github.com\n"),
        (".docker/config.json", "{\"auths\": {\"r.example\": {}}}"),
        (".gitconfig", "[user]\n\tname = x\n[remote \"o\"]\n\turl = git@h.example:a/b\n"),
    ] {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), path, text);
        assert_eq!(look_in(home.path(), &[]).credentials, [], "{path}");
    }
}

#[test]
fn no_value_is_in_what_is_told_and_reuse_shows() {
    let home = tempfile::tempdir().unwrap();
    let token = value("ghp_");
    write(home.path(), ".git-credentials", &format!("https://me:{token}@github.com\n"));
    write(home.path(), ".netrc", &format!("machine github.com login me password {token}\n"));
    write(home.path(), ".ssh/id_rsa", &ssh_key("none"));
    write(home.path(), ".ssh/config", "Host build.example\n  IdentityFile ~/.ssh/id_rsa\n");
    write(home.path(), ".gitconfig", "[credential]\n\thelper = store\n");
    write(
        home.path(),
        ".aws/sso/cache/a.json",
        &format!("{{\"accessToken\": \"{}\", \"expiresAt\": \"2026-01-01T00:00:00Z\"}}", value("")),
    );
    fs::set_permissions(home.path().join(".netrc"), fs::Permissions::from_mode(0o644)).unwrap();
    let environment =
        [("GH_TOKEN".to_owned(), token.clone().into_bytes()), ("LANG".to_owned(), b"C".to_vec())];
    let seen = look_in(home.path(), &environment);
    let found = findings(&seen.credentials, now());
    let rules: Vec<(&str, &str)> =
        found.iter().map(|one| (one.rule.id, one.path.to_str().unwrap())).collect();
    for expected in [
        ("writ/reused-credential", "environment"),
        ("writ/long-lived-credential", "~/.git-credentials"),
        ("writ/long-lived-credential", "environment"),
        ("writ/open-key", "~/.ssh/id_rsa"),
        ("writ/readable-credential", "~/.netrc"),
        ("writ/stored-passwords", "~/.gitconfig"),
        ("writ/expired-credential", "~/.aws/sso/cache/a.json"),
    ] {
        assert!(rules.contains(&expected), "{expected:?} in {rules:?}");
    }
    let reuse = found.iter().find(|one| one.rule.id == "writ/reused-credential").unwrap();
    assert!(reuse.message.contains("3 places"), "{}", reuse.message);
    assert!(found.iter().any(|one| one.message.contains("build.example")), "{found:?}");
    let told = format!("{seen:?}{found:?}{}", report::machine(&[], &[], &[], &seen.credentials, &found, &[]));
    assert!(!told.contains(&token) && !told.contains(&value("")), "{told}");
    // Another key, other marks: nothing can be tried against them.
    let places = Places { home: home.path(), machine: None, repository: None, environment: &environment };
    let other = credentials(&places, &Marker::new(b"another key"));
    assert!(
        other.credentials.iter().zip(&seen.credentials).all(|(a, b)| a.mark.is_none() || a.mark != b.mark)
    );
}

#[test]
fn a_client_certificate_of_a_cluster_tells_its_end() {
    // Made by `openssl req -x509 -newkey ed25519 -days 1 -subj /CN=x`, when the test runs.
    let folder = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ed25519",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=x",
            "-keyout",
            "/dev/null",
        ])
        .current_dir(folder.path())
        .output();
    let Ok(made) = made else { return };
    let (certificate, key) = (STANDARD.encode(&made.stdout), STANDARD.encode(value("")));
    write(
        folder.path(),
        ".kube/config",
        &format!(
            "clusters:\n- name: c\n  cluster: {{server: 'https://k.example'}}\ncontexts:\n- name: x\n  context: {{cluster: c, user: me}}\nusers:\n- name: me\n  user:\n    client-certificate-data: {certificate}\n    client-key-data: {key}\n"
        ),
    );
    let seen = look_in(folder.path(), &[]);
    let one = seen.credentials.first().unwrap();
    assert!(one.expires_at.is_some(), "{one:?}");
    assert_eq!(one.opens, "cluster c (https://k.example)");
}

#[test]
fn hostile_files_end_and_are_noted() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), ".env", &"A_TOKEN=\u{1b}[2J\n".repeat(10));
    write(home.path(), ".npmrc", &"=".repeat(1 << 20));
    write(home.path(), ".kube/config", "users: &a [*a, *a]\n");
    write(home.path(), ".aws/sso/cache/x.json", &"[".repeat(100_000));
    write(home.path(), ".ssh/id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\n!!!\n");
    fs::create_dir_all(home.path().join(".netrc")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        home.path().join(".pgpass"),
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    std::os::unix::fs::symlink("/dev/zero", home.path().join(".vault-token")).unwrap();
    let long = fs::File::create(home.path().join(".pypirc")).unwrap();
    long.set_len(1 << 30).unwrap();
    let seen = look_in(home.path(), &[]);
    assert!(seen.notes.iter().any(|note| note.relative == Path::new("~/.pypirc")), "{:?}", seen.notes);
    // A key that cannot be read is not called open.
    assert!(seen.credentials.iter().all(|one| one.guard != Guard::None), "{:?}", seen.credentials);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_reader_fail(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let _ = of_bytes(&bytes, &Marker::new(b"k"));
    }
}
