//! Settings of git: what it runs, loads or sends from now on.

use writ_model::EffectClass;

use super::super::environment::is_secret_name;
use super::super::walk::Walk;
use super::super::word::{self, Value};
use super::super::{Target, flags};

/// Keys whose value git runs, by their end or start.
pub(super) const RUNS: &str = "core.sshcommand core.pager core.editor core.fsmonitor core.askpass core.gitproxy diff.external \
    sequence.editor gpg.program gpg.ssh.program gpg.x509.program credential.helper \
    uploadpack.packobjectshook receive.procreceiverefs interactive.difffilter web.browser man.viewer \
    sendemail.smtpserver sendemail.tocmd sendemail.cccmd ssh.variant";

pub(super) const RUNS_ENDS: &[&str] = &[
    ".textconv",
    ".command",
    ".clean",
    ".smudge",
    ".process",
    ".driver",
    ".cmd",
    ".path",
    ".helper",
    ".program",
    ".vcs",
];

/// Keys that change where code is loaded from, or where data goes.
pub(super) const REDIRECTS: &[&str] = &[
    "core.hookspath",
    "include.path",
    "core.attributesfile",
    "core.worktree",
    "protocol.",
    "http.proxy",
    "https.proxy",
    "init.templatedir",
    "safe.barerepository",
];

/// Keys among those of connections and pushes that change neither where they go nor what they send.
pub(super) const PLAIN: &[&str] = &[
    "branch.autosetupmerge",
    "branch.autosetuprebase",
    "branch.sort",
    "http.lowspeedlimit",
    "http.lowspeedtime",
    "http.maxrequests",
    "http.postbuffer",
    "http.version",
    "protocol.version",
    "push.autosetupremote",
    "push.default",
    "push.usebitmaps",
];

// === impl Walk ===

impl Walk<'_> {
    pub(super) fn git_config(&mut self, args: &[Value]) {
        let words = flags::positionals(args, "-f --file --blob --type --default --get-color");
        let words = match words.first().map(|word| word.text.as_str()) {
            Some("get" | "set" | "unset" | "list" | "edit") => words.get(1..).unwrap_or_default(),
            _ => words.as_slice(),
        };
        let reads = flags::has_any(
            args,
            "--get --get-all --get-regexp --get-urlmatch --list -l --show-origin --show-scope --name-only",
        ) || matches!(args.first().map(|sub| sub.text.as_str()), Some("get" | "list"))
            || (words.len() < 2 && !flags::has_any(args, "--unset --unset-all --edit -e --remove-section"));
        let key = words.first().map(|key| key.text.to_lowercase()).unwrap_or_default();
        if reads {
            let holds_secret = key.contains("extraheader")
                || key.starts_with("credential")
                || is_secret_name(&key)
                || key.starts_with("url.")
                || key.ends_with(".url") && key.contains('@');
            if holds_secret {
                let target = Target::Secret(format!("git config {}", word::shown(&key)));
                self.effect(
                    EffectClass::SecretRead,
                    target,
                    "git.config",
                    "the setting can hold a credential",
                );
            } else {
                self.local("git config", EffectClass::Read, "reads settings");
            }
            return;
        }
        for file in flags::values(args, "-f --file") {
            self.writes_path(&Value::known(file), false);
        }
        let value = words.get(1).map(|value| value.text.as_str()).unwrap_or_default();
        let unsets = flags::has_any(args, "--unset --unset-all --remove-section");
        self.local("git config", EffectClass::WriteWorkspace, "changes a setting");
        if !unsets {
            self.git_address(&key, value);
            self.git_setting(&key, value, false);
        }
    }

    /// A setting that git would act on. `is_once`: for this command only.
    pub(super) fn git_setting(&mut self, key: &str, value: &str, is_once: bool) {
        let key = key.to_lowercase();
        let target = Target::Command(format!("git config {}", word::shown(&key)));
        if key.starts_with("user.") || key.starts_with("author.") || key.starts_with("committer.") {
            self.effect(EffectClass::IdentityChange, target, "git.identity", "changes who commits are from");
            return;
        }
        let is_alias = key.starts_with("alias.") && value.starts_with('!');
        let runs =
            flags::lists(RUNS, key.as_str()) || is_alias || RUNS_ENDS.iter().any(|end| key.ends_with(end));
        let redirects = (REDIRECTS.iter().any(|start| key.starts_with(start))
            && !PLAIN.contains(&key.as_str()))
            || key.ends_with(".insteadof")
            || key.ends_with(".pushinsteadof")
            || key.ends_with("extraheader");
        if runs {
            let is_switch = matches!(
                value,
                "true"
                    | "false"
                    | ""
                    | "cat"
                    | "less"
                    | "store"
                    | "cache"
                    | "osxkeychain"
                    | "manager"
                    | "libsecret"
            );
            if !is_switch {
                let exact = !value.contains(word::UNKNOWN);
                self.command_setting(&key, &Value { exact, ..Value::known(value) });
            }
        }
        if is_once && key == "core.hookspath" {
            self.skips_hooks();
        }
        let is_harmless_once = is_once
            && (value.is_empty() || matches!(value, "false" | "cat" | "less" | "true" | "/dev/null") || runs);
        if (runs || redirects) && !is_harmless_once {
            let text = "git runs, loads or sends something else from now on";
            self.effect(EffectClass::IdentityChange, target, "git.config", text);
        }
    }
}
