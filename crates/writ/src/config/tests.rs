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
        "[environment]\npass = [\"X\"]",
        "\u{0}",
    ] {
        assert!(load(text).is_err(), "{text:?}");
    }
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
