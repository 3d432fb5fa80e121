//! Programs that do something of their own and may carry a command besides: behind `--`, `exec` or an option.
//!
//! What they carry is judged too, and the worst counts.

use writ_model::EffectClass;

use super::super::walk::Walk;
use super::super::word::Value;
use super::super::{Target, flags};

/// Name, the words of which one must stand among its own (none: always), and what the command stands behind.
const CARRIERS: &[(&str, &str, &str)] = &[
    ("npm", "explore", "--"),
    ("tox", "exec e", "--"),
    ("nx", "exec", "--"),
    ("yarn", "workspaces", "exec"),
    ("pnpm", "", "exec"),
    ("rush", "", "--"),
    ("wsrun", "", "-c"),
    ("ultra", "", "--"),
    ("just", "", "-c --command"),
    ("devbox", "run", "-- run"),
    ("devenv", "shell", "--"),
    ("flox", "activate", "-- -c"),
    ("guix", "shell environment", "--"),
    ("bazel", "run", "--run_under"),
    ("runuser", "", "-c --command"),
    ("watchman-make", "", "--run -r"),
    ("entr", "", "-s"),
    ("alacritty", "", "-e --command"),
    ("foot", "", "-e"),
    ("gnome-terminal", "", "-- -e -x --command"),
    ("kitty", "", "-e --"),
    ("konsole", "", "-e"),
    ("lxterminal", "", "-e --command"),
    ("mate-terminal", "", "-- -e -x --command"),
    ("st", "", "-e"),
    ("terminator", "", "-e -x --command --execute"),
    ("tilix", "", "-e --command"),
    ("urxvt", "", "-e"),
    ("rxvt", "", "-e"),
    ("wezterm", "start", "--"),
    ("x-terminal-emulator", "", "-e"),
    ("xfce4-terminal", "", "-e -x --command --execute"),
    ("xterm", "", "-e"),
];

/// What stands before a command where the program is not known at all.
const USUAL: &str = "-- exec -e -c --command --exec";

/// Options of `bwrap` with one, two or three values; the others have none.
const BWRAP: [&str; 3] = [
    "--args --argv0 --level-prefix --userns --userns2 --pidns --uid --gid --hostname --chdir --unsetenv --lock-file \
     --sync-fd --remount-ro --overlay-src --tmp-overlay --ro-overlay --exec-label --file-label --proc --dev --tmpfs \
     --mqueue --dir --seccomp --add-seccomp-fd --block-fd --userns-block-fd --info-fd --json-status-fd --cap-add \
     --cap-drop --perms --size",
    "--setenv --bind --bind-try --dev-bind --dev-bind-try --ro-bind --ro-bind-try --bind-fd --ro-bind-fd --file \
     --bind-data --ro-bind-data --symlink --chmod",
    "--overlay",
];

/// The command behind the options of `bwrap`.
pub(super) fn behind_bwrap(args: &[Value]) -> &[Value] {
    let mut rest = args;
    while let Some((arg, tail)) = rest.split_first() {
        if arg.text == "--" {
            return tail;
        }
        if !arg.text.starts_with('-') {
            break;
        }
        let values = BWRAP.iter().position(|list| flags::lists(list, &arg.text)).map_or(0, |at| at + 1);
        rest = tail.get(values..).unwrap_or_default();
    }
    rest
}

// === impl Walk ===

impl Walk<'_> {
    /// Judges what a program carries besides its own work.
    pub(in crate::classify) fn carries(&mut self, program: &str, args: &[Value]) {
        match program {
            "cmake" => self.cmake(args),
            "make" | "gmake" => self.given_makefile(args),
            "hatch" if args.first().is_some_and(|sub| sub.text == "run") => {
                // `hatch run ENVIRONMENT:COMMAND …`
                if let Some((first, tail)) = args.get(1..).unwrap_or_default().split_first()
                    && let Some((_, name)) = first.text.split_once(':')
                    && super::super::command::knows(name)
                {
                    let argv: Vec<Value> =
                        std::iter::once(Value::known(name)).chain(tail.iter().cloned()).collect();
                    self.argv(&argv);
                }
            }
            "machinectl" if args.first().is_some_and(|sub| sub.text == "shell") => {
                self.argv(super::after_options(args, "").get(2..).unwrap_or_default());
            }
            _ => {}
        }
        for (_, words, marks) in CARRIERS.iter().filter(|(name, _, _)| *name == program) {
            if words.is_empty() || args.iter().any(|arg| flags::lists(words, &arg.text)) {
                self.behind(args, marks);
            }
        }
    }

    /// The same of a program that is not known.
    pub(in crate::classify) fn may_carry(&mut self, args: &[Value]) {
        self.behind(args, USUAL);
    }

    fn behind(&mut self, args: &[Value], marks: &str) {
        let at = args.iter().position(|arg| !arg.text.is_empty() && flags::lists(marks, &arg.text));
        let attached = args.iter().find_map(|arg| {
            let (name, text) = arg.text.split_once('=')?;
            (name.starts_with("--") && flags::lists(marks, name)).then(|| text.to_owned())
        });
        if let Some(text) = attached {
            self.nested(&text);
        }
        let Some(mut tail) = at.and_then(|at| args.get(at + 1..)) else { return };
        if let Some((first, rest)) = tail.split_first()
            && first.text == "--"
        {
            tail = rest;
        }
        match tail {
            [first, ..] if first.text.contains(' ') => self.nested_value(first),
            [] => {}
            _ => self.argv(tail),
        }
    }

    /// `cmake -E TOOL …` is a small set of programs, and `cmake -P FILE` runs a script.
    fn cmake(&mut self, args: &[Value]) {
        for file in flags::values(args, "-P") {
            self.runs_file(file);
        }
        let Some(at) = args.iter().position(|arg| arg.text == "-E") else { return };
        let Some((tool, rest)) = args.get(at + 1..).and_then(|tail| tail.split_first()) else { return };
        let program: &[&str] = match tool.text.as_str() {
            "env" => &["env"],
            "rm" | "remove" => &["rm"],
            "remove_directory" => &["rm", "-r"],
            "rename" => &["mv"],
            "copy" | "copy_if_different" => &["cp"],
            "copy_directory" => &["cp", "-r"],
            "cat" => &["cat"],
            "touch" | "touch_nocreate" => &["touch"],
            "make_directory" => &["mkdir", "-p"],
            "create_symlink" => &["ln", "-s"],
            "create_hardlink" => &["ln"],
            "tar" => &["tar"],
            "time" => &["time"],
            _ => return,
        };
        let argv: Vec<Value> =
            program.iter().map(|word| Value::known(*word)).chain(rest.iter().cloned()).collect();
        self.argv(&argv);
    }

    /// A makefile that stands on the line: `--eval=TEXT`, `-f -`.
    fn given_makefile(&mut self, args: &[Value]) {
        for text in flags::values(args, "--eval -E") {
            self.rules(text);
        }
        let files = flags::values(args, "-f --file --makefile");
        let attached = args.iter().any(|arg| matches!(arg.text.as_str(), "-f-" | "-f/dev/stdin"));
        if !attached && !files.iter().any(|file| matches!(*file, "-" | "/dev/stdin")) {
            return;
        }
        let feed = std::mem::take(&mut self.feed);
        match &feed.text {
            Some(text) => self.rules(text),
            None if feed.marks.is_foreign() => self.foreign("makes what was fetched or decoded says"),
            None if feed.is_some && feed.file.is_none() => {
                let target = Target::Command("make".to_owned());
                self.unknown(target, "make.stdin", "runs recipes that are only known at run time");
            }
            None => {
                let target = Target::Command("make".to_owned());
                self.effect(EffectClass::BuildTest, target, "make.stdin", "runs recipes");
            }
        }
        self.feed = feed;
    }

    /// Recipes and `$(shell …)` of a makefile that is known as text.
    fn rules(&mut self, text: &str) {
        for line in text.lines() {
            let recipe = match line.strip_prefix('\t') {
                Some(recipe) => Some(recipe),
                None => {
                    line.split_once(':').and_then(|(_, rest)| rest.split_once(';')).map(|(_, recipe)| recipe)
                }
            };
            for called in line.split("$(shell ").skip(1) {
                self.nested(called.strip_suffix(')').unwrap_or(called));
            }
            if let Some((_, command)) = line.split_once("!=") {
                self.nested(command);
            }
            if let Some(recipe) = recipe {
                self.nested(&recipe.trim_start_matches(['@', '-', '+', ' ']).replace("$$", "$"));
            }
        }
    }
}
