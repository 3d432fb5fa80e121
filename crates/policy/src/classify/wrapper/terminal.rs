//! Programs that give a command a terminal, or a terminal its commands.

use writ_model::EffectClass;

use super::super::shell::after_options;
use super::super::walk::Walk;
use super::super::word::Value;
use super::super::{Target, flags};

// === impl Walk ===

impl Walk<'_> {
    pub(super) fn su(&mut self, args: &[Value]) {
        let target = Target::Command("su".to_owned());
        self.effect(EffectClass::IdentityChange, target, "wrapper.own", "`su` changes who runs the command");
        for (at, arg) in args.iter().enumerate() {
            if matches!(arg.text.as_str(), "-c" | "--command" | "-lc")
                && let Some(text) = args.get(at + 1)
            {
                self.nested_value(text);
            } else if let Some(text) = arg.text.strip_prefix("--command=") {
                self.nested(text);
            }
        }
    }

    /// `script -c TEXT`, `flock FILE -c TEXT`, `flock FILE COMMAND…`.
    pub(super) fn command_option(&mut self, program: &str, args: &[Value]) {
        let mut texts = flags::values(args, "-c --command");
        // `-qc TEXT`: at the end of a cluster.
        if texts.is_empty() {
            let is_cluster = |arg: &Value| {
                arg.text.starts_with('-') && !arg.text.starts_with("--") && arg.text.ends_with('c')
            };
            let at = args.iter().position(is_cluster);
            texts.extend(at.and_then(|at| args.get(at + 1)).map(|text| text.text.as_str()));
        }
        let rest = after_options(args, "-c --command -w --timeout -E -t -T -B -I -O -m");
        for text in &texts {
            self.nested(text);
        }
        if texts.is_empty() && program == "flock" {
            self.argv(rest.get(1..).unwrap_or_default());
        } else if texts.is_empty() {
            let text = "starts a shell that takes commands nobody has seen";
            self.effect(
                EffectClass::EscapeAttempt,
                Target::Command(program.to_owned()),
                "shell.interactive",
                text,
            );
        }
        self.plain_read(program);
    }

    /// `tmux new-session 'text'`, `tmux send-keys 'text' Enter`, `screen -dm command`.
    pub(super) fn terminal(&mut self, program: &str, args: &[Value]) {
        let sub = args.first().map(|sub| sub.text.as_str()).unwrap_or_default();
        if flags::lists(
            "-ls -list ls list-sessions lsw list-windows lsp list-panes capture-pane show-options -V -v",
            sub,
        ) {
            self.plain_read(program);
            return;
        }
        if flags::lists("-r -x -d", sub) && program == "screen" {
            let target = Target::Command(program.to_owned());
            self.effect(EffectClass::BuildTest, target, "wrapper.terminal", "goes back to a terminal");
            return;
        }
        self.effect(
            EffectClass::BuildTest,
            Target::Command(program.to_owned()),
            "wrapper.terminal",
            "a terminal that goes on",
        );
        if after_options(args, "-S -L -f -c -T").is_empty() {
            let text = "starts a shell that takes commands nobody has seen";
            let target = Target::Command(program.to_owned());
            self.effect(EffectClass::EscapeAttempt, target, "shell.interactive", text);
            return;
        }
        if program == "screen" {
            let is_stuff = args.iter().position(|arg| arg.text == "stuff").and_then(|at| args.get(at + 1));
            match is_stuff {
                Some(text) => self.nested_value(text),
                None => self.argv(after_options(args, "-S -c -t -p -h -L -e -s -T -X")),
            }
            return;
        }
        let sends = args.iter().any(|arg| matches!(arg.text.as_str(), "send-keys" | "send"));
        let words = flags::positionals(args, "-t -s -n -c -x -y -F -e -L -S -f -p -l");
        let words = words
            .iter()
            .skip(1)
            .filter(|word| !matches!(word.text.as_str(), "Enter" | "C-m" | "C-c" | "C-d" | "Escape"));
        let owned: Vec<Value> = words.map(|word| (*word).clone()).collect();
        let starts = args.first().is_some_and(|sub| {
            [
                "new",
                "new-session",
                "neww",
                "new-window",
                "split-window",
                "splitw",
                "run-shell",
                "run",
                "respawn-pane",
                "if-shell",
                "display-popup",
            ]
            .contains(&sub.text.as_str())
        });
        if sends || starts {
            self.text_or_words(&owned, false);
        }
    }

    pub(super) fn expect(&mut self, args: &[Value]) {
        self.effect(
            EffectClass::BuildTest,
            Target::Command("expect".to_owned()),
            "wrapper.expect",
            "drives another program",
        );
        for text in flags::values(args, "-c") {
            for line in text.split([';', '\n']) {
                if let Some(command) =
                    line.trim().strip_prefix("spawn ").or_else(|| line.trim().strip_prefix("exec "))
                {
                    self.nested(command);
                }
            }
        }
        for file in flags::positionals(args, "-c") {
            self.runs_file(&file.text);
        }
    }
}
