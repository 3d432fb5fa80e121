//! Git and other hosts: what is sent, what is fetched, where to.

use writ_model::EffectClass;

use super::super::walk::Walk;
use super::super::word::{self, Value};
use super::super::{Target, flags};

// === impl Walk ===

impl Walk<'_> {
    pub(super) fn git_push(&mut self, args: &[Value]) {
        let words =
            flags::positionals(args, "--repo -o --push-option --receive-pack --exec --recurse-submodules");
        for text in flags::values(args, "--receive-pack --exec") {
            self.command_setting("receive-pack", &Value::known(text));
        }
        if flags::has_any(args, "-o --push-option --receive-pack --exec --signed")
            || args.iter().any(|arg| {
                ["--push-option=", "--receive-pack=", "--exec="].iter().any(|name| arg.text.starts_with(name))
            })
        {
            // What the far side does with it is not only to take commits: a merge, a pipeline, a program.
            let target = Target::Remote { remote: "?".to_owned(), refs: Vec::new() };
            self.effect(
                EffectClass::GitPush,
                target,
                "git.push-option",
                "asks the remote for more than commits",
            );
        }
        let remote = words.first().map(|word| word.shown()).unwrap_or_default();
        let refs: Vec<String> = words.iter().skip(1).map(|word| word.shown()).collect();
        let target = Target::Remote { remote: remote.clone(), refs: refs.clone() };
        let says = |arg: &&Value| matches!(arg.text.as_str(), "-n" | "--dry-run" | "--no-dry-run");
        if args.iter().rfind(says).is_some_and(|last| last.text != "--no-dry-run") && !remote.contains(':') {
            self.effect(EffectClass::Network, target, "git.fetch", "asks a remote what a push would change");
            return;
        }
        if remote.starts_with("ext::") {
            self.nested(remote.trim_start_matches("ext::"));
        }
        self.effect(EffectClass::GitPush, target.clone(), "git.push", "sends commits to a remote");
        let forces = flags::has_any(args, "-f --force --mirror --prune")
            || args.iter().any(|arg| {
                arg.text.starts_with("--force-with-lease") || arg.text.starts_with("--force-if-includes")
            })
            || refs.iter().any(|name| name.starts_with('+'));
        let deletes = flags::has_any(args, "-d --delete") || refs.iter().any(|name| name.starts_with(':'));
        if forces || deletes {
            let text = if deletes { "deletes what a remote has" } else { "rewrites what a remote has" };
            self.effect(EffectClass::Destructive, target.clone(), "git.push-force", text);
        }
        let is_tag = |name: &String| {
            let to = name.rsplit(':').next().unwrap_or(name).trim_start_matches('+');
            to.starts_with("refs/tags/") || to == "tag" || is_version(to)
        };
        let is_own_tag = words.iter().skip(1).any(|word| self.scope.tags.contains(&word.text));
        const HOSTING: &str = "heroku dokku piku clever scalingo production prod live";
        if flags::lists(HOSTING, &remote) || remote.starts_with("dokku@") {
            self.effect(
                EffectClass::Deploy,
                target.clone(),
                "git.push-deploy",
                "a push to this remote goes live",
            );
        }
        if !deletes && (flags::has_any(args, "--tags --follow-tags") || is_own_tag || refs.iter().any(is_tag))
        {
            self.effect(
                EffectClass::Publish,
                target,
                "git.push-tag",
                "a pushed tag is a release to many tools",
            );
        }
    }

    pub(super) fn git_fetches(&mut self, name: &str, args: &[Value]) {
        let words = flags::positionals(
            args,
            "-b --branch --depth -o --origin -u --upload-pack -j --jobs --reference --filter -c --config --template -s -X",
        );
        for text in flags::values(args, "-u --upload-pack") {
            self.command_setting("upload-pack", &Value::known(text));
        }
        for text in flags::values(args, "-c --config").iter().filter(|_| name == "clone") {
            if let Some((key, value)) = text.split_once('=') {
                self.git_setting(key, value, true);
            }
        }
        let remote = words.first().map(|word| word.text.as_str()).unwrap_or_default();
        if let Some(command) = remote.strip_prefix("ext::") {
            self.nested(command);
        }
        let is_local = name == "clone" && (remote.starts_with(['/', '.']) || remote.starts_with("file:"));
        if is_local {
            self.local("git clone", EffectClass::WriteWorkspace, "copies a repository");
            return;
        }
        let target = match super::super::network::url_host(remote).filter(|_| remote.contains("://")) {
            Some(host) => Target::Host(host),
            None => Target::Remote {
                remote: word::shown(remote),
                refs: words.iter().skip(1).map(|word| word.shown()).collect(),
            },
        };
        self.effect(EffectClass::Network, target, "git.fetch", "reads from a remote");
        if name != "ls-remote" {
            self.local(&format!("git {name}"), EffectClass::WriteWorkspace, "writes what it fetched");
        }
    }

    pub(super) fn git_submodule(&mut self, args: &[Value]) {
        let words = flags::positionals(args, "-b --name");
        match words.first().map(|sub| sub.text.as_str()) {
            Some("foreach") => {
                let text: Vec<&str> = words.iter().skip(1).map(|word| word.text.as_str()).collect();
                self.nested(&text.join(" "));
            }
            Some("add" | "update" | "sync") => {
                self.effect(
                    EffectClass::Network,
                    Target::Command("git submodule".to_owned()),
                    "git.fetch",
                    "reads from a remote",
                );
            }
            Some("deinit") => self.local("git submodule", EffectClass::WriteWorkspace, "changes submodules"),
            _ => self.local("git submodule", EffectClass::Read, "shows submodules"),
        }
    }

    pub(super) fn git_remote(&mut self, args: &[Value]) {
        let words = flags::positionals(args, "-t -m");
        match words.first().map(|sub| sub.text.as_str()) {
            None | Some("get-url") => self.local("git remote", EffectClass::Read, "shows remotes"),
            Some("show" | "update" | "prune") => {
                self.effect(
                    EffectClass::Network,
                    Target::Command("git remote".to_owned()),
                    "git.fetch",
                    "asks a remote",
                );
            }
            Some("add" | "set-url") => {
                let url = words.last().map(|word| word.shown()).unwrap_or_default();
                let target = Target::Remote { remote: url, refs: Vec::new() };
                self.effect(
                    EffectClass::WriteWorkspace,
                    target,
                    "git.remote",
                    "changes where commits can go",
                );
            }
            _ => self.local("git remote", EffectClass::WriteWorkspace, "changes remotes"),
        }
    }
}

/// `v1.2`, `1.2.3-rc1`: what a release tag looks like.
pub(super) fn is_version(name: &str) -> bool {
    let digits = name.strip_prefix(['v', 'V']).unwrap_or(name);
    // `v$VERSION`; what is shown of a variable is `?`.
    if digits.starts_with('?') && digits.len() < name.len() {
        return true;
    }
    let mut parts = digits.split('.');
    let is_number =
        |part: Option<&str>| part.is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    is_number(parts.next()) && (is_number(parts.next()) || (digits.len() < name.len() && digits.len() <= 2))
}
