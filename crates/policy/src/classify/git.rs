//! Git: what stays here, what goes to a remote, what rewrites history, what runs a program.

pub(crate) mod files;
mod remote;
mod setting;

use writ_model::EffectClass;

use super::environment::is_secret_name;
use super::walk::Walk;
use super::word::{self, Value};
use super::{Target, flags, shell};

const GLOBAL_VALUES: &str = "-C -c --git-dir --work-tree --namespace --exec-path --config-env --super-prefix";

// === impl Walk ===

impl Walk<'_> {
    pub(super) fn git(&mut self, args: &[Value]) {
        let rest = shell::after_options(args, GLOBAL_VALUES);
        let globals = args.get(..args.len() - rest.len()).unwrap_or_default();
        let mut aliases: Vec<(String, String)> = Vec::new();
        let mut folders: Vec<String> = Vec::new();
        for (at, option) in globals.iter().enumerate() {
            let setting = match option.text.as_str() {
                "-c" => globals.get(at + 1),
                _ => None,
            };
            // Another folder, or another repository than the one of the working directory.
            if matches!(option.text.as_str(), "-C" | "--git-dir" | "--work-tree")
                && let Some(folder) = globals.get(at + 1)
            {
                self.reads_path(folder, "argument.read");
                if option.text != "--git-dir" {
                    folders.push(folder.text.clone());
                }
            }
            for folder in
                ["--git-dir=", "--work-tree="].iter().filter_map(|name| option.text.strip_prefix(name))
            {
                self.reads_path(&Value::known(folder), "argument.read");
            }
            if let Some((key, value)) = setting.and_then(|setting| setting.text.split_once('=')) {
                if let Some(name) = key.strip_prefix("alias.") {
                    aliases.push((name.to_owned(), value.to_owned()));
                } else {
                    self.git_setting(key, value, true);
                }
            }
            let from_environment = match option.text.strip_prefix("--config-env") {
                Some("") => globals.get(at + 1).map(|setting| setting.text.as_str()),
                Some(setting) => setting.strip_prefix('='),
                None => None,
            };
            if let Some((key, variable)) = from_environment.and_then(|setting| setting.rsplit_once('=')) {
                let value = match self.scope.values(variable) {
                    [known] => known.text.clone(),
                    _ => word::UNKNOWN_TEXT.to_owned(),
                };
                match key.strip_prefix("alias.") {
                    Some(name) => aliases.push((name.to_owned(), value)),
                    None => self.git_setting(key, &value, true),
                }
            }
            if let Some(path) = option.text.strip_prefix("--exec-path=") {
                self.runs_file(path);
            }
        }
        let Some((sub, rest)) = rest.split_first() else {
            self.local("git", EffectClass::Read, "shows help");
            return;
        };
        let name = sub.text.as_str();
        if let Some((_, body)) = aliases.iter().find(|(alias, _)| alias == name) {
            match body.strip_prefix('!') {
                Some(command) => self.nested(command),
                None => self.nested(&format!("git {body}")),
            }
            return;
        }
        if self.goes_elsewhere(globals) {
            // The remote's name says nothing of where this goes.
            let target = Target::Remote { remote: "?".to_owned(), refs: Vec::new() };
            let text = "an option or a variable changes which repository or address is meant";
            match name {
                "push" | "subtree" | "send-pack" => {
                    self.effect(EffectClass::GitPush, target, "git.elsewhere", text);
                }
                "fetch" | "pull" | "ls-remote" | "submodule" | "remote" => {
                    self.effect(EffectClass::Network, target, "git.elsewhere", text);
                }
                _ => {}
            }
        }
        // A patch is looked for from where the line stands.
        if !folders.is_empty() && matches!(name, "apply" | "am") {
            self.changes_any_file("git apply");
        }
        let from = self.scope.directory.clone();
        for folder in folders {
            self.enters(&folder);
        }
        self.git_command(name, rest);
        self.scope.directory = from;
    }

    /// Whether options before the subcommand, or variables, make it another repository, another address of a remote, or
    /// another way there.
    fn goes_elsewhere(&self, globals: &[Value]) -> bool {
        const KEYS: [&str; 7] = ["remote.", "url.", "http.", "branch.", "push.", "credential.", "protocol."];
        const VARIABLES: [&str; 16] = [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_COMMON_DIR",
            "GIT_OBJECT_DIRECTORY",
            "GIT_CONFIG",
            "GIT_CONFIG_GLOBAL",
            "GIT_CONFIG_SYSTEM",
            "GIT_CONFIG_COUNT",
            "GIT_CONFIG_PARAMETERS",
            "GIT_SSL_NO_VERIFY",
            "HTTPS_PROXY",
            "https_proxy",
            "HTTP_PROXY",
            "http_proxy",
            "ALL_PROXY",
            "all_proxy",
        ];
        let option = globals.iter().enumerate().any(|(at, option)| {
            let next = || globals.get(at + 1).map(|value| value.text.as_str()).unwrap_or_default();
            let (name, value) = match option.text.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, value),
                _ => (option.text.as_str(), next()),
            };
            match name {
                "-c" | "--config-env" => {
                    let key = value.to_ascii_lowercase();
                    let is_plain = setting::PLAIN.iter().any(|plain| key.split('=').next() == Some(*plain));
                    (KEYS.iter().any(|prefix| key.starts_with(prefix)) && !is_plain)
                        || value.contains(word::UNKNOWN)
                }
                "--git-dir" | "--work-tree" | "--namespace" => true,
                "-C" => {
                    let folder = self.resolved(&Value::known(value));
                    !matches!(super::path::place(&folder, self.facts), super::path::Place::Workspace)
                }
                _ => false,
            }
        });
        option || VARIABLES.iter().any(|name| !self.scope.values(name).is_empty())
    }

    fn local(&mut self, command: &str, class: EffectClass, text: &str) {
        self.effect(class, Target::Command(word::shown(command)), "git.local", text);
    }

    fn git_command(&mut self, name: &str, args: &[Value]) {
        let command = format!("git {name}");
        self.commits_as(name, args);
        self.git_files(name, args);
        if matches!(name, "commit" | "commit-tree" | "cherry-pick")
            && !flags::values(args, "--author").is_empty()
        {
            let target = Target::Command(format!("{command} --author"));
            self.effect(
                EffectClass::IdentityChange,
                target,
                "git.identity",
                "changes who the commit is from",
            );
        }
        match name {
            "status" | "log" | "diff" | "show" | "blame" | "annotate" | "shortlog" | "rev-parse"
            | "rev-list" | "ls-files" | "ls-tree" | "cat-file" | "describe" | "name-rev" | "merge-base"
            | "for-each-ref" | "show-ref" | "grep" | "whatchanged" | "range-diff" | "cherry" | "var"
            | "version" | "help" | "count-objects" | "check-ignore" | "check-attr" | "diff-tree"
            | "diff-index" | "diff-files" | "fsck" | "verify-commit" | "verify-tag" | "show-branch"
            | "instaweb" | "gitk" | "get-tar-commit-id" | "--version" | "--help" | "bugreport"
            | "request-pull" | "interpret-trailers" | "stripspace" | "column" | "ls" | "check-ref-format"
            | "mktree" | "hash-object" => {
                self.git_reads(name, args);
            }
            "apply" if flags::has_any(args, "--check --stat --numstat --summary") => {
                self.git_reads(name, args);
            }
            "format-patch" if flags::has(args, "--stdout") => self.git_reads(name, args),
            "push" => self.git_push(args),
            "subtree" if args.first().is_some_and(|sub| sub.text == "push") => {
                let words = flags::positionals(args, "-P --prefix -b --branch");
                let words: Vec<Value> = words.into_iter().skip(1).cloned().collect();
                self.git_push(&words);
            }
            "subtree" if args.first().is_some_and(|sub| matches!(sub.text.as_str(), "add" | "pull")) => {
                let words = flags::positionals(args, "-P --prefix -m --message");
                let words: Vec<Value> = words.into_iter().skip(1).cloned().collect();
                // With one word it is a commit that is here.
                if words.len() > 1 {
                    self.git_fetches("pull", &words);
                }
            }
            "fetch" | "pull" | "clone" | "ls-remote" | "remote-update" => self.git_fetches(name, args),
            "submodule" => self.git_submodule(args),
            "remote" => self.git_remote(args),
            "config" => self.git_config(args),
            "branch" => {
                let deletes = flags::has_any(args, "-D")
                    || (flags::has_any(args, "-d --delete") && flags::has_any(args, "-f --force"));
                let changes = !flags::positionals(
                    args,
                    "--sort --format --contains --merged --no-merged --points-at",
                )
                .is_empty()
                    || flags::has_any(
                        args,
                        "-m -M -c -C -d -u --edit-description --set-upstream-to --unset-upstream --delete",
                    );
                let lists = flags::has_any(args, "--list -l --show-current")
                    || args
                        .iter()
                        .any(|arg| matches!(arg.text.as_str(), "-a" | "-r" | "-v" | "-vv" | "--all"));
                let class = if deletes {
                    EffectClass::Destructive
                } else if changes && !lists {
                    EffectClass::WriteWorkspace
                } else {
                    EffectClass::Read
                };
                self.local(
                    &command,
                    class,
                    if deletes { "drops commits of a branch" } else { "works on branches" },
                );
            }
            "tag" => {
                let class = if flags::has_any(args, "-d --delete") {
                    EffectClass::Destructive
                } else if args.is_empty()
                    || flags::has_any(args, "-l --list -v --verify --contains --points-at --sort -n")
                {
                    EffectClass::Read
                } else {
                    EffectClass::WriteWorkspace
                };
                if class == EffectClass::WriteWorkspace {
                    let names = flags::positionals(args, "-m -F -u --message --file --local-user --cleanup");
                    self.scope.tags.extend(names.first().map(|name| name.text.clone()));
                }
                self.local(&command, class, "works on tags");
            }
            "reset" if flags::has(args, "--hard") => {
                self.local(&command, EffectClass::Destructive, "drops changes that nothing else keeps")
            }
            "clean" => {
                let class = if flags::has_any(args, "-n --dry-run") {
                    EffectClass::Read
                } else {
                    EffectClass::Destructive
                };
                self.local(&command, class, "removes files that git does not keep");
            }
            "checkout" | "restore" if discards_all(args) => {
                self.local(&command, EffectClass::Destructive, "drops all changes of the working tree")
            }
            "checkout" | "switch" if flags::has_any(args, "-f --force --discard-changes") => {
                self.local(&command, EffectClass::Destructive, "drops changes of the working tree");
            }
            "stash" => {
                let class = match args.first().map(|sub| sub.text.as_str()) {
                    Some("drop" | "clear") => EffectClass::Destructive,
                    Some("list" | "show") => EffectClass::Read,
                    _ => EffectClass::WriteWorkspace,
                };
                self.local(&command, class, "works on stashed changes");
            }
            "reflog" | "worktree" | "update-ref" | "gc" | "notes" | "bundle" | "lfs" | "replace"
            | "symbolic-ref" | "maintenance" => self.git_store(name, args),
            "filter-branch" | "filter-repo" => {
                self.local(&command, EffectClass::Destructive, "rewrites history");
                for text in flags::values(
                    args,
                    "--tree-filter --index-filter --msg-filter --env-filter --commit-filter --parent-filter --tag-name-filter",
                ) {
                    self.nested(text);
                }
            }
            "prune" | "fast-import" | "bfg" => {
                self.local(&command, EffectClass::Destructive, "drops or rewrites objects")
            }
            "rebase" | "bisect" | "difftool" | "mergetool" => self.git_runs(name, args),
            "credential"
            | "credential-store"
            | "credential-cache"
            | "credential-osxkeychain"
            | "credential-libsecret"
            | "credential-manager"
            | "askpass" => {
                let target = Target::Secret("git credentials".to_owned());
                self.effect(
                    EffectClass::SecretRead,
                    target,
                    "git.credential",
                    "reads or changes stored credentials",
                );
            }
            "send-email" | "imap-send" => {
                self.effect(EffectClass::GitPush, Target::Command(command), "git.mail", "sends commits away")
            }
            "svn" | "p4" => {
                let class = match args.first().map(|sub| sub.text.as_str()) {
                    Some("dcommit" | "commit" | "submit" | "set-tree") => EffectClass::GitPush,
                    _ => EffectClass::Network,
                };
                self.effect(
                    class,
                    Target::Command(command),
                    "git.bridge",
                    "talks to another version control system",
                );
            }
            "daemon" | "http-backend" | "upload-pack" | "receive-pack" => {
                self.effect(
                    EffectClass::Network,
                    Target::Command(command),
                    "git.serve",
                    "serves a repository",
                );
            }
            "release" | "flow" => self.effect(
                EffectClass::GitPush,
                Target::Command(command),
                "git.extension",
                "an extension that may push",
            ),
            _ => self.git_writes(name, args),
        }
    }

    fn git_reads(&mut self, name: &str, args: &[Value]) {
        let command = format!("git {name}");
        self.local(&command, EffectClass::Read, "reads the repository");
        if name == "hash-object" && flags::has(args, "-w") {
            self.local(&command, EffectClass::WriteWorkspace, "writes an object");
        }
        let words =
            flags::positionals(args, "--format --pretty --grep --author -S -G -n --since --until -L -e");
        let is_pattern = |at: usize| name == "grep" && at == 0;
        if name == "grep" && words.first().is_some_and(|pattern| super::files::seeks_secret(&pattern.text)) {
            let target = Target::Secret("repository".to_owned());
            self.effect(
                EffectClass::SecretRead,
                target,
                "search.secret",
                "looks for the value of a credential",
            );
        }
        for (_, word) in words.iter().enumerate().filter(|(at, _)| !is_pattern(*at)) {
            // `HEAD:.env` names a file of a commit.
            let file = word.text.split_once(':').map_or(word.text.as_str(), |(_, file)| file);
            let named = Value { text: file.to_owned(), ..(*word).clone() };
            let shows_names = matches!(
                name,
                "ls-files" | "ls-tree" | "check-ignore" | "rev-parse" | "log" | "status" | "rev-list"
            ) && !flags::has_any(args, "-p --patch -u");
            if !shows_names && self.is_secret(&named) {
                self.secret(&named, "git.show");
            }
        }
        self.git_shows(name, args);
        let sought = flags::values(args, "-S -G");
        if flags::has_any(args, "-p --patch -u")
            && name != "grep"
            && sought.iter().any(|text| super::files::seeks_secret(text) || is_secret_name(text))
        {
            let target = Target::Secret("repository".to_owned());
            let text = "looks for the value of a credential";
            self.effect(EffectClass::SecretRead, target, "search.secret", text);
        }
        for text in flags::values(args, "--open-files-in-pager -O --ext-diff --textconv")
            .iter()
            .filter(|_| name == "grep")
        {
            self.nested(text);
        }
        if name == "grep" && flags::has(args, "--no-index") {
            self.local(&command, EffectClass::Read, "reads files outside the repository");
        }
        if name == "help"
            || (name == "log"
                && self.feed.text.as_deref().is_some_and(|text| text.trim_start().starts_with('!')))
        {
            self.local(&command, EffectClass::Read, "shows help");
        }
    }

    /// Parts of the object store and of references.
    fn git_store(&mut self, name: &str, args: &[Value]) {
        let sub = args.first().map(|sub| sub.text.as_str()).unwrap_or_default();
        let command = format!("git {name}");
        let class = match (name, sub) {
            ("reflog", "expire" | "delete") => EffectClass::Destructive,
            ("reflog", _) => EffectClass::Read,
            ("worktree", "remove") if flags::has_any(args, "-f --force") => EffectClass::Destructive,
            ("worktree", "list") => EffectClass::Read,
            ("update-ref", _) if flags::has(args, "-d") => EffectClass::Destructive,
            ("gc", _)
                if args.iter().any(|arg| arg.text.starts_with("--prune=") && arg.text != "--prune=never") =>
            {
                EffectClass::Destructive
            }
            ("notes", "" | "list" | "show") | ("symbolic-ref", _) if args.len() < 2 => EffectClass::Read,
            ("bundle", "verify" | "list-heads") => EffectClass::Read,
            ("lfs", "push") => EffectClass::GitPush,
            ("lfs", "pull" | "fetch" | "clone" | "install" | "locks") => EffectClass::Network,
            ("lfs", "ls-files" | "status" | "env" | "version") => EffectClass::Read,
            _ => EffectClass::WriteWorkspace,
        };
        self.local(&command, class, "works on the store of the repository");
    }

    /// Subcommands that run a program for each step.
    fn git_runs(&mut self, name: &str, args: &[Value]) {
        self.local(&format!("git {name}"), EffectClass::WriteWorkspace, "changes the working tree");
        for text in flags::values(args, "-x --exec --extcmd") {
            self.nested(text);
        }
        if name == "bisect" && args.first().is_some_and(|sub| sub.text == "run") {
            self.argv(args.get(1..).unwrap_or_default());
        }
    }

    fn git_writes(&mut self, name: &str, args: &[Value]) {
        const WRITES: &str = "add commit switch checkout restore merge cherry-pick revert rm mv apply am init archive \
            format-patch reset pull-request stage update-index read-tree write-tree commit-tree \
            checkout-index pack-refs repack sparse-checkout rerere mailinfo mailsplit unpack-objects \
            index-pack pack-objects subtree citool gui absorb annex";
        if !flags::lists(WRITES, name) {
            let target = Target::Command(word::shown(&format!("git {name}")));
            self.unknown(target, "git.unlisted", "no git subcommand we know: an alias or an extension");
            return;
        }
        self.local(&format!("git {name}"), EffectClass::WriteWorkspace, "changes the repository here");
        // What is committed goes where the repository goes.
        if matches!(name, "add" | "stage") {
            for path in flags::positionals(args, "--pathspec-from-file --chmod") {
                if self.is_secret(path) {
                    self.reads_path(path, "argument.read");
                }
            }
        }
        for text in flags::values(args, "--exec") {
            self.nested(text);
        }
        if name == "init" && args.iter().any(|arg| arg.text.starts_with("--template")) {
            self.effect(
                EffectClass::BuildTest,
                Target::Command("git init".to_owned()),
                "git.template",
                "takes hooks from a template",
            );
        }
        if let Some(message) = flags::values(args, "--remote").first().filter(|_| name == "archive") {
            let host = super::network::url_host(message).unwrap_or_default();
            self.effect(EffectClass::Network, Target::Host(host), "git.fetch", "reads from a remote");
        }
    }
}

/// `checkout -- .`, `checkout .`, `restore .`: everything that is not committed.
fn discards_all(args: &[Value]) -> bool {
    let words = flags::positionals(args, "-s --source -b -B");
    !flags::has(args, "--staged") && words.iter().any(|word| matches!(word.text.as_str(), "." | ":/" | "*"))
}
