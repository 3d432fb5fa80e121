//! What the arguments of a command name: files it reads and writes, statements, secrets.

use writ_model::EffectClass;

use super::super::catalogue::{self};
use super::super::path::{self, Place};
use super::super::walk::Walk;
use super::super::word::{self, UNKNOWN, Value};
use super::super::{Target, flags};
use super::{LISTS_NAMES, NAMES_ONLY, WRITES_ALL};

/// Options that are followed by a file to write, whatever the program.
pub(super) const WRITES_NEXT: &str = "-o -out --out --output --outfile --output-file";

// === impl Walk ===

impl Walk<'_> {
    /// Looks at the arguments of a listed program for files that change what the command is.
    pub(super) fn arguments(&mut self, program: &str, args: &[Value], class: EffectClass) {
        if flags::lists(WRITES_ALL, program) {
            for path in flags::positionals(args, "-m --mode -d --date -r -t -l -b -n") {
                self.writes_path(path, false);
            }
            return;
        }
        if matches!(program, "split" | "csplit") {
            return self.splits(program, args);
        }
        for sql in flags::values(args, catalogue::sql_options(program)) {
            self.sql(program, &sql.to_uppercase());
            // Clients of databases run what follows `\!`.
            if let Some((_, command)) = sql.split_once("\\!") {
                self.nested(command);
            }
        }
        let reads = matches!(class, EffectClass::Read | EffectClass::WriteWorkspace | EffectClass::Network);
        if flags::lists(LISTS_NAMES, program) {
            for folder in flags::positionals(args, "-I --ignore -w -T -L -c --format --printf") {
                self.looks_at_names(folder);
            }
        }
        if !reads || flags::lists(NAMES_ONLY, program) {
            return;
        }
        let mut before = "";
        let mut takes_filter =
            matches!(program, "jq" | "gojq" | "jaq") && !flags::has_any(args, "-f --from-file");
        for arg in args {
            let option = std::mem::replace(&mut before, arg.text.as_str());
            // A path through a document, and no file.
            if takes_filter && arg.text.starts_with(['.', '[', '{', '$', '"']) {
                takes_filter = false;
                continue;
            }
            if flags::lists(WRITES_NEXT, option) {
                self.writes_path(arg, false);
            } else if !arg.text.starts_with('-') || arg.text.contains('=') {
                self.reads_path(arg, "argument.read");
            }
        }
    }

    pub(in crate::classify) fn sql(&mut self, program: &str, text: &str) {
        // `SHOW CREATE TABLE` creates nothing.
        let shows = |statement: &&str| {
            let first = statement.split_whitespace().next().unwrap_or_default();
            !["SHOW", "DESCRIBE", "DESC"].iter().any(|word| first.eq_ignore_ascii_case(word))
        };
        let text = text.split(';').filter(shows).collect::<Vec<_>>().join(";");
        let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        let has = |word: &str| words.contains(&word);
        let class = if ["DROP", "TRUNCATE", "DELETE", "DROPDATABASE", "DELETEMANY", "REMOVE"]
            .iter()
            .any(|w| has(w))
        {
            EffectClass::Destructive
        } else if has("GRANT")
            || has("REVOKE")
            || ((has("CREATE") || has("ALTER")) && (has("USER") || has("ROLE")))
        {
            EffectClass::IdentityChange
        } else if ["INSERT", "UPDATE", "ALTER", "CREATE", "MERGE", "REPLACE"].iter().any(|w| has(w)) {
            EffectClass::Deploy
        } else {
            return;
        };
        self.effect(
            class,
            Target::Command(program.to_owned()),
            "sql.statement",
            "the statement changes a database",
        );
    }

    /// The path an argument names, made comparable.
    pub(in crate::classify) fn resolved(&self, value: &Value) -> String {
        let text = path_part(&value.text);
        match &self.scope.directory {
            Some(directory) if !text.starts_with(['/', '~']) => {
                path::normalise(&format!("{directory}/{text}"), self.facts)
            }
            _ => path::normalise(text, self.facts),
        }
    }

    pub(in crate::classify) fn is_secret(&self, value: &Value) -> bool {
        if let Some(found) = self.stands_for(value) {
            return found.places().iter().any(|place| self.is_secret(&Value::known(place.as_str())));
        }
        could_be_path(&value.text) && path::is_secret(&self.resolved(value)) && !self.is_own_text(value)
    }

    /// A file whose content the line itself has written: what is in it is no secret to who wrote it.
    pub(super) fn is_own_text(&self, value: &Value) -> bool {
        value.literal().is_some_and(|name| self.scope.is_own(name))
    }

    pub(in crate::classify) fn secret(&mut self, value: &Value, rule: &'static str) {
        let target = Target::Secret(value.shown());
        self.effect(EffectClass::SecretRead, target, rule, format!("`{}` holds credentials", value.shown()));
    }

    /// The content of this path is read. Inside the workspace that needs no effect of its own.
    pub(in crate::classify) fn reads_path(&mut self, value: &Value, rule: &'static str) {
        if !could_be_path(&value.text) {
            return;
        }
        if value.text.contains("/dev/tcp/") || value.text.contains("/dev/udp/") {
            self.socket(value, false);
            return;
        }
        if let Some(found) = self.stands_for(value) {
            for place in found.places() {
                self.reads_path(&Value { text: place, ..Value::known("") }, rule);
            }
            return;
        }
        let path = self.resolved(value);
        // A glob reads what its directory holds.
        if let Some(directory) = path::literal_directory(&value.text) {
            self.reads_path(&Value { text: directory.to_owned(), ..value.clone() }, rule);
        }
        if path.starts_with("/dev/fd/") {
            // A descriptor of the command itself: what it was opened on has been read as a redirection.
            return;
        }
        if path::is_secret(&path) && !self.is_own_text(value) {
            self.secret(value, rule);
        } else if path::place(&path, self.facts) == Place::Outside && !path.starts_with("/dev/") {
            self.effect(EffectClass::Read, Target::Path(value.shown()), rule, "reads outside the workspace");
        } else {
            self.may_read(value.shown());
        }
    }

    /// This path is written. `truncates`: emptied rather than filled.
    pub(in crate::classify) fn writes_path(&mut self, value: &Value, truncates: bool) {
        let shown = value.shown();
        if value.text.contains("/dev/tcp/") || value.text.contains("/dev/udp/") {
            self.socket(value, true);
            return;
        }
        let path = self.resolved(value);
        if truncates
            && value.text.starts_with(UNKNOWN)
            && let Some(found) = self.feed.paths.clone()
        {
            // What a search found is emptied: as bad as removing it.
            self.removes_found(&found, false);
            return;
        }
        if let Some(found) = self.stands_for(value) {
            if found.is_open() {
                let text = "writes to a path only known at run time";
                self.effect(EffectClass::WriteWorkspace, Target::Unknown, "path.write", text);
            }
            for place in found.places() {
                self.writes_path(&Value::known(place), truncates);
            }
            return;
        }
        if let Some(device) = path.strip_prefix("/dev/") {
            let disks = ["sd", "hd", "vd", "xvd", "nvme", "mmcblk", "disk", "mapper", "md", "loop", "dm-"];
            if disks.iter().any(|disk| device.starts_with(disk)) {
                let target = Target::Path(shown);
                self.effect(EffectClass::Destructive, target, "path.device", "writes to a disk device");
            } else if path::is_break_out(&path) {
                let target = Target::Path(shown);
                self.effect(
                    EffectClass::EscapeAttempt,
                    target,
                    "path.memory",
                    "writes to the memory of the machine",
                );
            }
            return;
        }
        let target = Target::Path(shown);
        if path::is_break_out(&path) {
            self.effect(
                EffectClass::EscapeAttempt,
                target,
                "path.kernel",
                "a kernel setting that runs programs",
            );
        } else if path == "/proc/sysrq-trigger" {
            self.effect(EffectClass::Destructive, target, "path.kernel", "makes the kernel reset or halt");
        } else if path::is_history(&path) {
            self.effect(EffectClass::EscapeAttempt, target, "path.history", "changes the record of commands");
        } else if path::is_log(&path) && truncates {
            self.effect(EffectClass::Destructive, target, "path.log", "empties a log");
        } else if truncates
            && path::place(&path, self.facts) == Place::Outside
            && !path::is_protected(&path)
            && path.starts_with(['/', '~'])
        {
            let text = "empties a file outside the workspace";
            self.effect(EffectClass::Destructive, target, "path.truncate", text);
        } else if path::is_protected(&path) {
            let text = "changes what runs later, or who may do what";
            self.effect(EffectClass::IdentityChange, target, "path.protected", text);
        } else if path.starts_with(UNKNOWN) || path.is_empty() {
            let text = "writes to a path only known at run time";
            self.effect(EffectClass::WriteWorkspace, Target::Unknown, "path.write", text);
        } else {
            self.effect(EffectClass::WriteWorkspace, target, "path.write", "writes a file");
        }
    }

    /// `split FILE PREFIX`, `csplit -f PREFIX FILE PATTERN…`: the file stays as it is.
    fn splits(&mut self, program: &str, args: &[Value]) {
        for text in flags::values(args, "--filter") {
            self.nested(text);
        }
        let words = flags::positionals(
            args,
            "-l --lines -b --bytes -n --number -a -C -t -f --prefix -k --suffix-format --filter",
        );
        if let Some(file) = words.first() {
            self.reads_path(file, "argument.read");
        }
        let given = flags::values(args, "-f --prefix");
        let prefix = match program {
            "split" => words.get(1).map(|prefix| (*prefix).clone()),
            _ => given.last().map(|prefix| Value::known(*prefix)),
        };
        self.writes_path(&prefix.unwrap_or_else(|| Value::known("x")), false);
    }

    /// Text was written to a file: kept for a later run, and read at once where a shell starts with it.
    pub(in crate::classify) fn wrote_text(&mut self, path: &str, text: String, appends: bool) {
        let normal = self.resolved(&Value::known(path));
        if path::is_protected(&normal) && runs_as_shell(&normal) {
            // Only asked what it would be: it does not run now.
            let outer = std::mem::take(&mut self.effects);
            for line in text.lines() {
                self.nested(without_schedule(&normal, line));
            }
            let planted = std::mem::replace(&mut self.effects, outer);
            let harms =
                |class: EffectClass| matches!(class, EffectClass::Destructive | EffectClass::EscapeAttempt);
            if planted.iter().any(|effect| harms(effect.class)) {
                let target = Target::Path(word::shown(path));
                let text = "plants a harmful command where it runs later";
                self.effect(EffectClass::EscapeAttempt, target, "path.planted", text);
            }
        }
        self.gives(path, &text, appends);
        self.scope.wrote(path, text, appends);
    }
}

/// The path in an argument: what follows `--option=` and the mark for "read this file".
pub(in crate::classify) fn path_part(text: &str) -> &str {
    let text = match text.split_once('=') {
        Some((option, path)) if text.starts_with('-') || !option.contains('/') => path,
        _ => text,
    };
    text.strip_prefix('@').unwrap_or(text)
}

pub(super) fn could_be_path(text: &str) -> bool {
    !text.is_empty() && !text.contains(['\n', '(', ')', ';', '|', '<', '>']) && !text.contains("://")
}

/// Protected files whose lines a shell runs.
pub(super) fn runs_as_shell(normal: &str) -> bool {
    let name = normal.rsplit('/').next().unwrap_or_default();
    let is_start =
        ["rc", "profile", "login", "logout", "env", "aliases"].iter().any(|end| name.ends_with(end));
    is_start
        || normal.contains("cron")
        || normal.contains("/hooks/")
        || normal.contains("profile.d/")
        || name == "rc.local"
}

/// The command of a line in a crontab; other files have no schedule.
pub(super) fn without_schedule<'a>(normal: &str, line: &'a str) -> &'a str {
    const FIELDS: usize = 5;
    let line = line.trim();
    if !normal.contains("cron") || line.starts_with('#') {
        return line;
    }
    // The tables of the system have a field for the user.
    let user = usize::from(normal.starts_with("/etc/"));
    let fields = user + if line.starts_with('@') { 1 } else { FIELDS };
    let mut rest = line;
    for _ in 0..fields {
        rest = rest.split_once(char::is_whitespace).map_or("", |(_, rest)| rest).trim_start();
    }
    rest
}
