//! The files that a git command reads and writes by name, and the commands that may change any file of the workspace.

use std::borrow::Cow;

use writ_model::EffectClass;

use super::super::walk::Walk;
use super::super::word::{self, Value};
use super::super::{Target, flags};

/// What stands before a command that may change any file here. Bounds that keep files from change hold it.
pub(crate) const ALL_FILES: &str = "all files: ";

/// Rules of paths that git writes. `SWITCHED`: the word may be a branch. `RESTORED`: as it was committed or staged.
pub(crate) const SWITCHED: &str = "git.switch";
pub(crate) const RESTORED: &str = "git.restored";
const WRITTEN: &str = "git.path";

/// Options whose value is a file: subcommands, what is read, what is written.
const OPTIONS: &[(&str, &str, &str)] = &[
    ("commit", "-F --file -t --template --pathspec-from-file", ""),
    ("tag notes merge", "-F --file", ""),
    ("commit-tree", "-F", ""),
    ("add stage rm reset stash restore checkout", "--pathspec-from-file", ""),
    ("blame annotate", "--contents --ignore-revs-file -S", ""),
    ("grep", "-f", ""),
    ("interpret-trailers", "--trailer-file", ""),
    ("archive", "--add-file", "-o --output"),
    ("format-patch", "--signature-file", "-o --output-directory --output"),
    ("diff log show whatchanged diff-tree diff-index diff-files range-diff", "", "--output"),
    ("apply", "", "--directory"),
    ("checkout-index", "", "--prefix"),
    ("bugreport diagnose", "", "-o --output-directory"),
    ("mailsplit", "", "-o"),
    ("init clone", "", "--separate-git-dir"),
];

/// Subcommands whose words are files: how many words come before them, whether they are written, options with a value.
const WORDS: &[(&str, usize, bool, &str)] = &[
    ("hash-object", 0, false, "-t --path"),
    ("interpret-trailers", 0, false, "--trailer --where --if-exists --if-missing"),
    ("mailinfo", 0, true, "--encoding"),
    ("bundle create", 1, true, "--version"),
    ("worktree add", 1, true, "-b -B --reason"),
    ("worktree move", 1, true, ""),
    ("worktree remove", 1, true, ""),
    ("submodule add", 2, true, "-b --branch --name --reference --depth"),
    (
        "clone",
        1,
        true,
        "-b --branch --depth -o --origin -u --upload-pack -j --jobs --reference --filter -c --config --template",
    ),
    ("init", 0, true, "--template --separate-git-dir -b --initial-branch --object-format"),
];

/// Subcommands that bring the files here to another state, whatever that one holds.
const MOVES: &str = "merge rebase pull cherry-pick revert switch am apply bisect read-tree clean sparse-checkout \
    stash filter-branch filter-repo subtree";

/// Options by which they only end, look, or leave the files alone.
const STAYS: &str = "--abort --quit --dry-run --check --stat --numstat --summary --cached --no-commit-tree --edit-todo \
    --show-current-patch";

// === impl Walk ===

impl Walk<'_> {
    /// The files that the words of the command name.
    pub(super) fn git_files(&mut self, name: &str, args: &[Value]) {
        for (_, read, written) in OPTIONS.iter().filter(|(names, ..)| flags::lists(names, name)) {
            for file in flags::values(args, read) {
                if file != "-" {
                    self.reads_path(&Value::known(file), "argument.read");
                }
            }
            for file in flags::values(args, written) {
                self.writes_path(&Value::known(file), false);
            }
        }
        let sub = args.first().map(|sub| sub.text.as_str()).unwrap_or_default();
        for (_, skip, writes, values) in
            WORDS.iter().filter(|(names, ..)| *names == name || *names == format!("{name} {sub}"))
        {
            for file in flags::positionals(args, values).into_iter().skip(*skip) {
                if *writes {
                    self.writes_path(file, false);
                    // What follows is a commit.
                    if matches!(name, "worktree" | "bundle") && sub != "move" {
                        break;
                    }
                } else {
                    self.reads_path(file, "argument.read");
                }
            }
        }
        match name {
            "checkout" => self.git_checkout(args),
            "restore" => self.git_restore(args),
            "rm" | "mv" => {
                let is_kept = flags::has(args, "--cached");
                for path in flags::positionals(args, "--pathspec-from-file") {
                    // To take a credential out of what is committed is what everybody wants.
                    if !(is_kept && self.is_secret(path)) {
                        self.git_writes_path(path, WRITTEN);
                    }
                }
            }
            "update-index" => self.git_index(args),
            "checkout-index" => {
                for path in flags::positionals(args, "--stage") {
                    self.git_writes_path(path, WRITTEN);
                }
                if flags::has_any(args, "-a --all --stdin") {
                    self.changes_any_file("git checkout-index");
                }
            }
            "reset" if flags::has_any(args, "--hard --merge --keep") => {
                self.changes_any_file("git reset");
            }
            "stash" if matches!(sub, "push" | "save") && args.iter().any(|arg| arg.text == "--") => {
                for path in after_end(args) {
                    self.git_writes_path(path, RESTORED);
                }
            }
            "stash" if matches!(sub, "list" | "show" | "drop" | "clear" | "create" | "store") => {}
            "apply" | "am" if self.is_patch_known(args) => {}
            "switch" if flags::has_any(args, "-c -C --create --orphan") && switched(args).is_empty() => {}
            "clean" if flags::has_any(args, "-n --dry-run") => {}
            "sparse-checkout" if matches!(sub, "list" | "init") => {}
            "bisect" if matches!(sub, "log" | "view" | "terms") => {}
            "subtree" if matches!(sub, "push" | "split") => {}
            _ if flags::lists(MOVES, name) && !flags::has_any(args, STAYS) => {
                self.changes_any_file(&format!("git {name}"));
            }
            _ => {}
        }
    }

    /// The command may change any file here.
    pub(in crate::classify) fn changes_any_file(&mut self, command: &str) {
        let target = Target::Command(format!("{ALL_FILES}{}", word::shown(command)));
        let text = "may change any file of the workspace";
        self.effect(EffectClass::WriteWorkspace, target, "git.any-file", text);
    }

    /// `checkout [REF] [--] PATH…`, `checkout REF`, `checkout -b NEW [REF]`.
    fn git_checkout(&mut self, args: &[Value]) {
        let is_new = flags::has_any(args, "-b -B --orphan");
        let has_end = args.iter().any(|arg| arg.text == "--");
        let before: Vec<Value> = args.iter().take_while(|arg| arg.text != "--").cloned().collect();
        let before = words(&before);
        let is_from_index = before.is_empty() || flags::has_any(args, "--ours --theirs -2 -3 -m --merge");
        let rule = if is_from_index && has_end { RESTORED } else { WRITTEN };
        let from_file = !flags::values(args, "--pathspec-from-file").is_empty();
        if from_file || (!has_end && !is_new && before.len() == 1) || (is_new && !before.is_empty()) {
            self.changes_any_file("git checkout");
        }
        if is_new {
            return;
        }
        if has_end {
            let paths: Vec<Value> = after_end(args).cloned().collect();
            if paths.is_empty() && !before.is_empty() {
                self.changes_any_file("git checkout");
            }
            for path in &paths {
                self.git_writes_path(path, rule);
            }
            return;
        }
        for (at, path) in before.iter().enumerate() {
            // The first word is a commit or a path.
            let rule = if at == 0 { SWITCHED } else { WRITTEN };
            self.git_writes_path(path, rule);
        }
    }

    fn git_restore(&mut self, args: &[Value]) {
        let is_from_index = flags::values(args, "-s --source").is_empty();
        let only_staged = flags::has_any(args, "-S --staged") && !flags::has_any(args, "-W --worktree");
        // To take something back out of the next commit changes no file.
        if only_staged && is_from_index {
            return;
        }
        if !flags::values(args, "--pathspec-from-file").is_empty() {
            self.changes_any_file("git restore");
        }
        for path in flags::positionals(args, "-s --source --conflict --pathspec-from-file") {
            self.git_writes_path(path, if is_from_index { RESTORED } else { WRITTEN });
        }
    }

    /// `update-index --cacheinfo MODE,OBJECT,PATH`: what the next commit says of the file.
    fn git_index(&mut self, args: &[Value]) {
        let mut rest = args.iter();
        let mut given = false;
        while let Some(arg) = rest.next() {
            let info = match arg.text.strip_prefix("--cacheinfo") {
                Some("") => rest.next().map(|info| info.text.as_str()),
                Some(info) => info.strip_prefix('='),
                None => None,
            };
            match info {
                Some(info) if info.contains(',') => {
                    let path = info.splitn(3, ',').nth(2).unwrap_or_default();
                    self.git_writes_path(&Value::known(path), WRITTEN);
                }
                // The old form has a word for each.
                Some(_) => {
                    if let Some(path) = rest.by_ref().nth(1) {
                        self.git_writes_path(path, WRITTEN);
                    }
                }
                None if matches!(arg.text.as_str(), "--index-info" | "--stdin" | "-z") => {
                    self.changes_any_file("git update-index");
                }
                None if matches!(arg.text.as_str(), "--force-remove" | "--chmod") => given = true,
                None if arg.text.starts_with('-') => {}
                None if given => self.git_writes_path(arg, WRITTEN),
                // What is staged is what the file holds.
                None => self.reads_path(arg, "argument.read"),
            }
        }
    }

    /// A path that git writes; what `:(top)` and the like say of how it is meant is no part of it.
    fn git_writes_path(&mut self, path: &Value, rule: &'static str) {
        let plain = pathspec(&path.text);
        if plain.is_empty() || matches!(plain, "." | "*" | "./" | "-") || path.text.contains(word::UNKNOWN) {
            self.changes_any_file("git");
            if !path.text.contains(word::UNKNOWN) || rule == SWITCHED {
                return;
            }
        }
        let from = self.effects.len();
        self.writes_path(&Value { text: plain.to_owned(), ..path.clone() }, false);
        for effect in self.effects.iter_mut().skip(from) {
            let is_path = matches!(effect.target, Target::Path(_));
            if is_path && (effect.why.rule == "path.write" || rule == SWITCHED) {
                if rule == SWITCHED {
                    effect.class = EffectClass::WriteWorkspace;
                }
                effect.why.rule = Cow::Borrowed(rule);
            }
        }
    }

    /// What a command that shows contents shows: `REV:PATH`, and what follows `--`.
    pub(super) fn git_shows(&mut self, name: &str, args: &[Value]) {
        let shows_names = matches!(
            name,
            "ls-files"
                | "ls-tree"
                | "check-ignore"
                | "check-attr"
                | "rev-parse"
                | "log"
                | "status"
                | "rev-list"
        ) && !flags::has_any(args, "-p --patch -u")
            || flags::has_any(args, "--name-only --name-status --stat --numstat --shortstat --summary");
        if shows_names {
            return;
        }
        let of_commits = args
            .iter()
            .take_while(|arg| arg.text != "--")
            .filter(|arg| !arg.text.starts_with('-') && name != "grep")
            .filter_map(|arg| Some((arg, arg.text.split_once(':')?.1)))
            .filter(|(_, path)| !path.starts_with('/'));
        let named = after_end(args).map(|arg| (arg, pathspec(&arg.text)));
        let shown: Vec<Value> = of_commits
            .chain(named)
            .filter(|(_, path)| {
                let is_plain =
                    |c: char| !matches!(c, '*' | '?' | '[' | '{' | '$' | '(') && !c.is_whitespace();
                !path.is_empty() && path.chars().all(is_plain)
            })
            .map(|(arg, path)| Value { text: path.to_owned(), ..arg.clone() })
            .collect();
        for path in shown {
            self.reads_path(&path, "argument.read");
            // The file may be gone here, and is shown as it was.
            if path.literal().is_some() && !self.is_secret(&path) {
                let target = Target::Path(path.shown());
                self.effect(EffectClass::Read, target, "git.show", "shows the file as it was");
            }
        }
        if name == "diff" && flags::has(args, "--no-index") || name == "blame" {
            for path in flags::positionals(args, "-L -S --contents") {
                self.reads_path(path, "argument.read");
            }
        }
    }

    /// Where a setting of the repository says that commits go.
    pub(super) fn git_address(&mut self, key: &str, value: &str) {
        let is_address = key.starts_with("remote.") && (key.ends_with(".url") || key.ends_with(".pushurl"));
        if is_address || matches!(key, "remote.pushdefault") || key.ends_with(".pushremote") {
            let target = Target::Remote { remote: word::shown(value), refs: Vec::new() };
            let text = "changes where commits can go";
            self.effect(EffectClass::WriteWorkspace, target, "git.remote", text);
        }
    }
}

/// The path of a pathspec: `:(top,glob)a/b`, `:/a/b`, `a/b`.
fn pathspec(text: &str) -> &str {
    if let Some(rest) = text.strip_prefix(":(") {
        return rest.split_once(')').map_or(text, |(_, path)| path);
    }
    match text.strip_prefix(':') {
        Some(rest) => rest.trim_start_matches(['/', '!', '^', ':']),
        None => text,
    }
}

fn words(args: &[Value]) -> Vec<&Value> {
    flags::positionals(
        args,
        "-b -B -c -C --orphan --conflict --pathspec-from-file -U --unified --inter-hunk-context",
    )
}

/// The words of `switch` beside the name of a new branch.
fn switched(args: &[Value]) -> Vec<&Value> {
    flags::positionals(args, "-c -C --create --force-create --orphan --conflict")
}

fn after_end(args: &[Value]) -> impl Iterator<Item = &Value> {
    args.iter().skip_while(|arg| arg.text != "--").skip(1)
}
