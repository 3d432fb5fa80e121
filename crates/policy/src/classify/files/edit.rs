//! Editors, and the small languages of `sed` and `awk`: what they write and what they run.

use writ_model::EffectClass;

use super::super::path::{self};
use super::super::walk::Walk;
use super::super::word::{self, Value};
use super::super::{Target, flags};

// === impl Walk ===

impl Walk<'_> {
    pub(super) fn sed(&mut self, args: &[Value]) {
        let in_place = args.iter().any(|arg| {
            arg.text.starts_with("-i")
                || arg.text.starts_with("--in-place")
                || (arg.text.starts_with('-') && !arg.text.starts_with("--") && arg.text.ends_with('i'))
        });
        let scripts = flags::values(args, "-e --expression");
        let mut files = flags::positionals(args, "-e --expression -f --file -l");
        let script = if scripts.is_empty() && !files.is_empty() {
            vec![files.remove(0).text.as_str()]
        } else {
            scripts
        };
        for text in script {
            self.sed_script(text);
        }
        let class = if in_place { EffectClass::WriteWorkspace } else { EffectClass::Read };
        self.effect(class, Target::Command("sed".to_owned()), "command.sed", "edits text");
        for file in files {
            let is_log = in_place && path::is_log(&self.resolved(file));
            if is_log {
                let text = "changes what a log says";
                self.effect(EffectClass::Destructive, Target::Path(file.shown()), "path.log", text);
            } else if in_place {
                self.writes_path(file, false);
            } else {
                self.reads_path(file, "argument.read");
            }
        }
    }

    /// The `e` command of sed runs a program, `w` writes a file.
    pub(super) fn sed_script(&mut self, script: &str) {
        for line in script.split(['\n', ';']) {
            let line =
                line.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '$' | ',' | ' ' | '{'));
            if let Some(command) = line.strip_prefix("e ").or_else(|| line.strip_prefix("e\t")) {
                self.nested(command);
            } else if let Some(file) = line.strip_prefix("w ") {
                self.writes_path(&Value::known(file.trim()), false);
            } else if let Some(flags) = substitution_flags(line) {
                let (letters, file) = flags.split_once('w').unwrap_or((flags, ""));
                if !file.trim().is_empty() {
                    self.writes_path(&Value::known(file.trim()), false);
                }
                if letters.contains('e') {
                    let target = Target::Command("sed".to_owned());
                    self.unknown(target, "sed.runs", "runs text that is only known at run time");
                }
            }
        }
    }

    pub(super) fn awk(&mut self, args: &[Value]) {
        let mut words = flags::positionals(args, "-F -v -f --file --field-separator --assign");
        let scripts = flags::values(args, "-f --file");
        self.plain_read("awk");
        for file in &scripts {
            match (*file, self.feed.text.clone(), self.scope.file(file).map(str::to_owned)) {
                ("-" | "/dev/stdin", Some(text), _) | (_, _, Some(text)) => self.awk_program(&text),
                ("-" | "/dev/stdin", None, None) => {
                    let target = Target::Command("awk".to_owned());
                    self.unknown(target, "interpreter.stdin", "runs code that is only known at run time");
                }
                (file, _, None) => self.runs_file(file),
            }
        }
        for library in flags::values(args, "-l --load") {
            self.awk_library(library);
        }
        if scripts.is_empty() && !words.is_empty() {
            let program = words.remove(0).text.clone();
            self.awk_program(&program);
        }
        let in_place = flags::values(args, "-i --include").contains(&"inplace");
        for file in words {
            if in_place { self.writes_path(file, false) } else { self.reads_path(file, "argument.read") }
        }
    }

    pub(super) fn awk_program(&mut self, program: &str) {
        const MOST: usize = 100;
        if program.len() > 64 * 1024 || program.matches(['|', '>']).count() > MOST {
            self.unknown(Target::Command("awk".to_owned()), "awk.long", "the program is too long to be read");
        }
        if program.contains("/inet/") {
            let target = Target::Host(word::shown(program.split("/inet/").nth(1).unwrap_or_default()));
            self.effect(EffectClass::EscapeAttempt, target, "awk.socket", "opens a connection from awk");
        }
        for name in program.split("@load").skip(1).filter_map(|rest| rest.split('"').nth(1)) {
            self.awk_library(name);
        }
        for name in program.split("@include").skip(1).filter_map(|rest| rest.split('"').nth(1)) {
            self.runs_file(name);
        }
        for rest in program.split("ENVIRON").skip(1).take(MOST) {
            let name =
                rest.trim_start().strip_prefix('[').and_then(|rest| rest.trim_start().strip_prefix('"'));
            match name.and_then(|rest| rest.split_once('"')) {
                Some((name, _)) => self.environment_named(name),
                None => self.environment_printed(),
            }
        }
        for (at, _) in program.match_indices("system(").take(MOST) {
            let after = program.get(at + "system(".len()..).unwrap_or_default();
            self.quoted_command(after.trim_start(), ')');
        }
        for (at, _) in program.match_indices('|').take(MOST) {
            let (before, after) = program.split_at_checked(at).unwrap_or((program, ""));
            let after = after.trim_start_matches('|').trim_start();
            if before.ends_with('|') || before.trim_end().ends_with('|') {
                continue;
            }
            if after.starts_with("getline") {
                let text = before.trim_end().trim_end_matches('"').rsplit('"').next().unwrap_or_default();
                self.nested(text);
            } else if after.starts_with(['"', '&']) {
                self.quoted_command(after.trim_start_matches('&').trim_start(), '}');
            }
        }
        for (at, _) in program.match_indices('>').take(MOST) {
            let after = program.get(at + 1..).unwrap_or_default().trim_start_matches('>').trim_start();
            if let Some(path) =
                after.strip_prefix('"').and_then(|after| after.split_once('"')).map(|(path, _)| path)
            {
                self.writes_path(&Value::known(path), false);
            } else if let Some(statement) =
                program.get(..at).and_then(|before| before.rsplit(['{', ';', '}']).next())
                && statement.trim_start().starts_with("print")
                && !statement.contains('(')
            {
                let text = "writes to a path only known at run time";
                self.effect(EffectClass::WriteWorkspace, Target::Unknown, "path.write", text);
            }
        }
    }

    /// A library that awk loads: its functions do more than awk's own.
    fn awk_library(&mut self, name: &str) {
        if name.contains('/') {
            self.runs_file(name);
            self.breaks_out("awk");
        } else {
            let target = Target::Command(format!("awk @load {}", word::shown(name)));
            self.effect(EffectClass::BuildTest, target, "awk.library", "loads a library into awk");
        }
    }

    /// A string literal that is run; what is put together at run time is unknown.
    pub(super) fn quoted_command(&mut self, text: &str, end: char) {
        let literal = text.strip_prefix('"').and_then(|text| {
            let close = text.char_indices().scan(false, |escaped, (at, c)| {
                let was = std::mem::replace(escaped, c == '\\' && !*escaped);
                Some((at, c == '"' && !was))
            });
            close.into_iter().find(|(_, closes)| *closes).and_then(|(at, _)| text.split_at_checked(at))
        });
        match literal {
            Some((command, tail)) => {
                let is_whole =
                    tail.get(1..).unwrap_or_default().trim_start().starts_with([end, ';', '}', ')']);
                let command = command.replace("\\\"", "\"");
                if is_whole {
                    self.nested(&command);
                } else {
                    self.nested(&format!("{command}{}", word::UNKNOWN));
                }
            }
            None => self.unknown(
                Target::Command("awk".to_owned()),
                "awk.runs",
                "runs text that is only known at run time",
            ),
        }
    }

    /// Editors run what `-c` and `+` say; `!` in it starts a program.
    pub(super) fn edits(&mut self, program: &str, args: &[Value]) {
        self.effect(
            EffectClass::WriteWorkspace,
            Target::Command(program.to_owned()),
            "command.editor",
            "edits files",
        );
        let commands = flags::values(args, "-c --cmd --eval -eval --execute");
        let plus = args.iter().filter_map(|arg| arg.text.strip_prefix('+'));
        // `-sc TEXT`: at the end of a cluster.
        let clusters = args.windows(2).filter_map(|pair| match pair {
            [option, text] if option.text.len() > 2 && !option.text.starts_with("--") => {
                (option.text.starts_with('-') && option.text.ends_with('c')).then_some(text.text.as_str())
            }
            _ => None,
        });
        let plus = plus.chain(clusters);
        for text in commands.into_iter().chain(plus) {
            for part in text.split('|') {
                self.editor_statement(program, part);
            }
        }
        for file in flags::positionals(args, "-c --cmd -u -S -s --eval")
            .iter()
            .filter(|file| !file.text.starts_with('+'))
        {
            self.reads_path(file, "argument.read");
        }
    }
}

/// The flags of `s/from/to/flags` in a script of sed.
pub(super) fn substitution_flags(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('s')?;
    let mark = rest.chars().next().filter(|mark| !mark.is_alphanumeric() && *mark != ' ')?;
    let mut escaped = false;
    let mut left = 2;
    for (at, c) in rest.char_indices().skip(1) {
        if std::mem::take(&mut escaped) {
            continue;
        }
        escaped = c == '\\';
        left -= usize::from(c == mark);
        if left == 0 {
            return rest.get(at + c.len_utf8()..);
        }
    }
    None
}
