//! What git is told in a run, by its environment: how to log in where something is lent, and what stands for SSH.
//!
//! `GIT_CONFIG_COUNT` and what belongs to it hold for git alone, over the user's own settings, and leave no file behind.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use writ_control::api::message::{Placing, SecretBinding};
use writ_model::{Client, HostPattern};
use writ_policy::Zone;

use crate::cli::over_ssh;
use crate::environment::Scrubbed;

/// Who logs in where the address names nobody: forges look at the word alone.
const USER: &str = "x-access-token";
/// Most settings of a run.
const MAX_SETTINGS: usize = 128;

/// Settings by name and value.
#[derive(Debug)]
pub(super) struct GitSettings {
    way: Way,
    list: Vec<(String, String)>,
}

/// How git gets a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By a helper, which is asked when the forge asks, and knows whom the address names.
    Asked,
    /// With each request to the host, where a client switches helpers off for whatever it runs.
    Always,
}

// === impl GitSettings ===

impl GitSettings {
    pub(super) fn of(client: Client) -> Self {
        let way = match client {
            // It adds an empty `credential.helper` behind whatever is set, which forgets the others.
            Client::GeminiCli => Way::Always,
            Client::ClaudeCode
            | Client::Cline
            | Client::Codex
            | Client::CopilotCli
            | Client::Cursor
            | Client::Kiro
            | Client::OpenCode
            | Client::Other
            | Client::QwenCode
            | Client::VsCode
            | Client::Windsurf => Way::Asked,
        };
        Self { way, list: Vec::new() }
    }

    /// Lets git log in with a placeholder at the hosts that it is for.
    pub(super) fn lend(&mut self, binding: &SecretBinding, placeholder: &str) {
        let is_for_login = matches!(binding.placing, Placing::Usual | Placing::Basic);
        let may =
            |method: &str| binding.methods.is_empty() || binding.methods.iter().any(|one| one == method);
        if !(is_for_login && may("GET") && may("POST")) {
            return;
        }
        let paths: &[String] = &binding.paths;
        for url in binding.hosts.iter().flat_map(|host| urls(host, paths)) {
            if self.list.len() + 2 > MAX_SETTINGS {
                return;
            }
            match self.way {
                Way::Asked => {
                    let key = format!("credential.{url}.helper");
                    // Others, which would find nothing in here, are not asked.
                    self.list.push((key.clone(), String::new()));
                    self.list.push((key, helper(placeholder)));
                }
                Way::Always => {
                    let login = BASE64_STANDARD.encode(format!("{USER}:{placeholder}"));
                    self.list
                        .push((format!("http.{url}.extraHeader"), format!("Authorization: Basic {login}")));
                }
            }
        }
    }

    /// Lets git go by HTTPS to forges where it would go by SSH, which does not leave the sandbox.
    pub(super) fn go_by_https(&mut self, instead: Vec<(String, String)>) {
        let room = MAX_SETTINGS.saturating_sub(self.list.len());
        self.list
            .extend(instead.into_iter().take(room).map(|(from, to)| (format!("url.{to}.insteadOf"), from)));
    }

    /// Puts them into the agent's environment, with what stands for SSH.
    pub(super) fn put(self, exe: &Path, scrubbed: &mut Scrubbed) {
        scrubbed.set("GIT_CONFIG_COUNT", self.list.len().to_string());
        for (at, (key, value)) in self.list.iter().enumerate() {
            scrubbed.set(&format!("GIT_CONFIG_KEY_{at}"), key);
            scrubbed.set(&format!("GIT_CONFIG_VALUE_{at}"), value);
        }
        let program = exe.to_string_lossy().replace('\'', r"'\''");
        scrubbed.set("GIT_SSH_COMMAND", format!("'{program}' {}", over_ssh::NAME));
        // Git would try the program out otherwise, to find out which options it takes.
        scrubbed.set("GIT_SSH_VARIANT", "ssh");
    }
}

/// Adds one setting to those that are in the agent's environment.
pub(super) fn also(scrubbed: &mut Scrubbed, key: &str, value: &Path) {
    let have = scrubbed.passed.iter().find(|(name, _)| name == "GIT_CONFIG_COUNT");
    let have: usize = have.and_then(|(_, count)| count.to_str()?.parse().ok()).unwrap_or_default();
    scrubbed.set("GIT_CONFIG_COUNT", have.saturating_add(1).to_string());
    scrubbed.set(&format!("GIT_CONFIG_KEY_{have}"), key);
    scrubbed.set(&format!("GIT_CONFIG_VALUE_{have}"), value);
}

/// Addresses of a host as git writes them in settings: the beginning of a path counts up to a slash.
fn urls(host: &HostPattern, paths: &[String]) -> Vec<String> {
    let host = host.as_str();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let schemes: &[&str] = if Zone::of(name) == Zone::Loopback { &["https", "http"] } else { &["https"] };
    let any = [String::new()];
    let paths = if paths.is_empty() { &any[..] } else { paths };
    let all =
        schemes.iter().flat_map(|scheme| paths.iter().map(move |path| format!("{scheme}://{host}{path}")));
    all.filter(|url| !url.chars().any(|c| c.is_control() || c.is_whitespace())).collect()
}

/// Answers git's question for a login (gitcredentials): the placeholder, for whom the address names.
fn helper(placeholder: &str) -> String {
    format!(
        "!f() {{ test \"$1\" = get || exit 0; u={USER}; \
         while read -r l; do case $l in username=*) u=${{l#username=}};; esac; done; \
         printf 'username=%s\\npassword=%s\\n' \"$u\" {placeholder}; }}; f"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_binding() {
        let host = |text: &str| text.parse::<HostPattern>().unwrap();
        let none: [String; 0] = [];
        assert_eq!(urls(&host("forge.example"), &none), ["https://forge.example"]);
        assert_eq!(urls(&host("*.forge.example:8443"), &none), ["https://*.forge.example:8443"]);
        let paths = ["/team".to_owned(), "/odd path".to_owned()];
        assert_eq!(urls(&host("forge.example"), &paths), ["https://forge.example/team"]);
        assert_eq!(urls(&host("127.0.0.1:8080"), &none), ["https://127.0.0.1:8080", "http://127.0.0.1:8080"]);
    }
}
