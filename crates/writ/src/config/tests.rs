use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn state(pairs: &[(&str, &str)]) -> Result<PathBuf, String> {
    State::of(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
        .map(|state| state.root)
        .map_err(|error| error.to_string())
}

#[test]
fn the_state_directory_is_found_in_order_and_is_absolute() {
    assert_eq!(state(&[("HOME", "/h")]), Ok("/h/.local/state/writ".into()));
    assert_eq!(state(&[("HOME", "/h"), ("XDG_STATE_HOME", "/x")]), Ok("/x/writ".into()));
    assert_eq!(state(&[("XDG_STATE_HOME", "/x"), ("WRIT_STATE_DIR", "/w")]), Ok("/w".into()));
    assert_eq!(state(&[("HOME", "/h"), ("WRIT_STATE_DIR", "")]), Ok("/h/.local/state/writ".into()));
    for bad in
        [&[][..], &[("HOME", "")], &[("HOME", "relative")], &[("HOME", "/h"), ("WRIT_STATE_DIR", "./w")]]
    {
        assert!(state(bad).is_err(), "{bad:?}");
    }
}

fn load(text: &str) -> Result<Config, String> {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("writ");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("config.toml");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    Config::load(|name| (name == "XDG_CONFIG_HOME").then(|| home.path().into()))
        .map_err(|error| error.to_string())
}

#[test]
fn a_file_is_read_and_what_it_leaves_out_is_as_shipped() {
    let config =
        load("[run]\nhold_seconds = 20\n[limits]\ncalls = 7\n[environment]\ndanger_pass = [\"CI_TOKEN\"]")
            .unwrap();
    assert_eq!(config.hold, Some(Duration::from_secs(20)));
    assert_eq!(config.limits, Limits { calls: 7, ..Limits::default() });
    assert_eq!(config.danger_pass, ["CI_TOKEN"]);
    assert_eq!(load("").unwrap().limits, Limits::default());
    let private =
        load("[private]\npaths = [\"~/clients\", \"data\"]\nmcp_servers = [\"crm\"]").unwrap().private;
    assert_eq!((private.paths.len(), private.mcp_servers), (2, vec!["crm".to_owned()]));
}

#[test]
fn what_is_not_understood_is_refused() {
    for text in [
        "hold = 1",
        "[run]\nhold = 1",
        "[limits]\nseconds = 0",
        "[limits]\nseconds = 99999999",
        "[limits]\ncalls = -1",
        "[serve]\nlisten = \"0.0.0.0:80\"",
        "[serve]\nlisten = \"here\"",
        "[policy]\norganisation = \"policies\"",
        "[policy]\norganisation = { ref = \"refs/heads/main\" }",
        "[policy]\norganisation = { git = \"/srv/policies.git\", branch = \"main\" }",
        "[policy]\norganisation = { git = \"policies.git\" }",
        "[policy]\norganisation = { git = \"--upload-pack=/bin/sh\" }",
        "[policy]\norganisation = { git = \"ext::sh -c id\" }",
        "[policy]\norganisation = { git = \"http://example.org/p.git\" }",
        "[policy]\norganisation = { git = \"ssh://-oProxyCommand=id/x\" }",
        "[policy]\norganisation = { git = \"-x@host:p\" }",
        "[policy]\norganisation = { git = \"/srv/p.git\", ref = \"main\" }",
        "[policy]\norganisation = { git = \"/srv/p.git\", ref = \"refs/heads/../x\" }",
        "[policy]\norganisation = { git = \"/srv/p.git\", path = \"../elsewhere\" }",
        "[policy]\norganisation = { git = \"/srv/p.git\", path = \"/abs\" }",
        "[policy]\norganisation = { git = \"/srv/p.git\", commit = \"abc123\" }",
        "[environment]\npass = [\"X\"]",
        "[private]\npaths = [\"../elsewhere\"]",
        "[private]\npaths = [\"data/*\"]",
        "[private]\nservers = []",
        "\u{0}",
    ] {
        assert!(load(text).is_err(), "{text:?}");
    }
}

#[test]
fn policies_come_from_a_folder_or_a_repository() {
    let organisation = |value: &str| load(&format!("[policy]\norganisation = {value}")).unwrap().organisation;
    let folder = Organisation::Folder("/etc/writ/policies".into());
    assert_eq!(organisation("\"/etc/writ/policies\""), Some(folder));
    for url in [
        "/srv/policies.git",
        "file:///srv/policies.git",
        "https://example.org/team/policies.git",
        "ssh://git@example.org/team/policies.git",
        "git@example.org:team/policies.git",
    ] {
        let Some(Organisation::Git(source)) = organisation(&format!("{{ git = \"{url}\" }}")) else {
            panic!("{url} is a repository")
        };
        assert_eq!((source.url.as_str(), source.reference.as_str()), (url, "refs/heads/main"));
        assert_eq!((source.path.as_str(), source.commit), ("", None));
    }
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let whole = format!(
        "{{ git = \"/srv/p.git\", ref = \"refs/tags/v1\", path = \"agents/policies/\", commit = \"{commit}\" }}"
    );
    let source = git::Source {
        url: "/srv/p.git".into(),
        reference: "refs/tags/v1".into(),
        path: "agents/policies".into(),
        commit: commit.parse().ok(),
    };
    assert_eq!(organisation(&whole), Some(Organisation::Git(source)));
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("writ");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("config.toml");
    std::fs::write(&file, "").unwrap();
    for mode in [0o620, 0o602, 0o666] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let loaded = Config::load(|name| (name == "XDG_CONFIG_HOME").then(|| home.path().into()));
        assert!(matches!(loaded, Err(ConfigError::OthersCanWrite(_))), "{mode:o}");
    }
}

#[test]
fn a_file_in_the_workspace_is_refused() {
    let workspace = tempfile::tempdir().unwrap();
    let real = workspace.path().canonicalize().unwrap();
    let file = real.join("config.toml");
    std::fs::write(&file, "").unwrap();
    let config = Config { path: Some(file), ..load("").unwrap() };
    assert!(config.outside_of(&real).is_err());
    assert!(config.outside_of(Path::new("/elsewhere")).is_ok());
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_told_so() {
    assert!(socket_path("/a".into()).is_ok());
    assert!(socket_path(format!("/{}", "a".repeat(107)).into()).is_err());
}
