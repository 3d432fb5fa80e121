//! The environment that git gets from us, wherever we run it.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Settings that hold over whatever a repository says.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "transfer.bundleURI=false",
    "fetch.uriProtocols=",
];

/// Git on one repository. It gets of our environment what is `passed`, no configuration but these settings and its own
/// repository's, and no transport but `protocols`, separated by colons. Its helpers end with its process group.
pub(crate) fn clean(git_dir: &Path, passed: &[&str], settings: &[&str], protocols: &str) -> Command {
    let mut command = Command::new("git");
    for setting in SETTINGS.iter().chain(settings) {
        command.args(["-c", setting]);
    }
    command
        .env_clear()
        .envs(passed.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .env("GIT_DIR", git_dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_ATTR_NOSYSTEM", "1")
        .env("GIT_ALLOW_PROTOCOL", protocols)
        .env("GIT_GRAFT_FILE", "/dev/null")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("SSH_ASKPASS_REQUIRE", "never")
        .env("LC_ALL", "C")
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
