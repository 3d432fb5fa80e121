//! Operands and options that make a program do more than its row in the list of programs says: data in
//! `data/operands.json`, matching here.

use std::sync::LazyLock;

use serde::Deserialize;

use super::flags;
use super::walk::Walk;
use super::word::Value;

const DATA: &str = include_str!("../../data/operands.json");

static ROWS: LazyLock<Vec<Row<'static>>> =
    LazyLock::new(|| serde_json::from_str::<File<'static>>(DATA).map(|file| file.rows).unwrap_or_default());

#[derive(Debug, Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    rows: Vec<Row<'a>>,
}

/// What the words of some programs do; the data file says what each part means.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Row<'a> {
    programs: &'a str,
    values: &'a str,
    writes_at: Option<usize>,
    writes_last: bool,
    writes: &'a str,
    reads: &'a str,
    runs: &'a str,
    piped: &'a str,
    bound: &'a str,
    settings: &'a str,
    fetches: bool,
    own: bool,
}

// === impl Walk ===

impl Walk<'_> {
    /// Files, commands and hosts among the words of a program.
    pub(super) fn operands(&mut self, program: &str, args: &[Value]) {
        let (program, args) = match args {
            [option, module, rest @ ..] if program.starts_with("python") && option.text == "-m" => {
                (module.text.as_str(), rest)
            }
            _ => (program, args),
        };
        for row in ROWS.iter().filter(|row| flags::lists(row.programs, program)) {
            self.row(row, args);
        }
        match program {
            "sqlite3" | "duckdb" => self.database_files(args),
            "yq" | "gojq" | "jq" | "jaq" => self.loads(program, args),
            "getent" => self.looks_up_name(args),
            _ => {}
        }
    }

    fn row(&mut self, row: &Row<'_>, args: &[Value]) {
        let args = match row.own {
            true => {
                let rest = super::shell::after_options(args, row.values).len();
                args.get(..args.len().saturating_sub(rest)).unwrap_or(args)
            }
            false => args,
        };
        let words: Vec<Value> = flags::positionals(args, row.values).into_iter().cloned().collect();
        let last = words.len().checked_sub(1).filter(|last| row.writes_last && *last > 0);
        for at in row.writes_at.into_iter().chain(last) {
            if let Some(file) = words.get(at).filter(|file| file.text != "-" && !file.text.contains("://")) {
                self.writes_path(file, false);
            }
        }
        for file in flags::values(args, row.writes) {
            self.writes_path(&Value::known(file), false);
        }
        for file in flags::values(args, row.reads) {
            self.reads_path(&Value::known(file), "argument.read");
        }
        for command in flags::values(args, row.runs) {
            self.command_setting("option", &Value::known(command));
        }
        for text in flags::values(args, row.piped) {
            match text.strip_prefix(['|', '!']) {
                Some(command) => self.command_setting("option", &Value::known(command)),
                None => self.writes_path(&Value::known(text), false),
            }
        }
        for text in flags::values(args, row.bound) {
            // `enter:execute(rm x)+abort`
            for part in text.split(['(', '[', '{']).skip(1) {
                let end = part.rfind([')', ']', '}']).unwrap_or(part.len());
                let command = part.get(..end).unwrap_or(part);
                self.command_setting("option", &Value::known(command));
            }
        }
        for text in flags::values(args, "--config") {
            let Some((name, command)) = text.split_once('=') else { continue };
            let runs = row.settings.split(' ').any(|start| !start.is_empty() && name.starts_with(start));
            if runs && name.starts_with("extensions.") && !command.is_empty() {
                self.runs_file(command);
            } else if runs {
                self.command_setting(name, &Value::known(command));
            }
        }
        if row.fetches {
            let address = |arg: &&Value| arg.text.contains("://") && !arg.text.contains(char::is_whitespace);
            let hosts: Vec<String> = args
                .iter()
                .filter(address)
                .filter(|arg| !arg.text.starts_with("file:"))
                .filter_map(|arg| super::network::url_host(&arg.text))
                .collect();
            for host in hosts {
                self.reaches(&host, "argument.address", "opens what the address names");
            }
        }
    }

    /// `.output FILE`, `attach 'FILE'`, `readfile('FILE')` in the text for a database of one file.
    fn database_files(&mut self, args: &[Value]) {
        const WRITES: &str = ".output .once .log .save .backup .clone .trace .excel";
        const READS: &str = ".read .import .load .restore";
        let fed = self.feed.text.clone();
        let texts: Vec<String> = args.iter().map(|arg| arg.text.clone()).chain(fed).collect();
        for line in texts.iter().flat_map(|text| text.split(['\n', ';'])) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let Some((first, rest)) = words.split_first() else { continue };
            let bare = |word: &str| word.trim_matches(['\'', '"', '(', ')', ',']).to_owned();
            let opened = |end: &str| rest.iter().rposition(|word| word.eq_ignore_ascii_case(end));
            if first.starts_with('.') {
                let Some(file) = rest.last() else { continue };
                let command = line.split_once('|').map(|(_, command)| command.to_owned());
                match command {
                    Some(command) if flags::lists(WRITES, first) || *first == ".import" => {
                        self.command_setting("option", &Value::known(command));
                    }
                    _ if flags::lists(WRITES, first) && *file != "stdout" && *file != "off" => {
                        self.writes_path(&Value::known(bare(file)), false);
                    }
                    _ if flags::lists(READS, first) => {
                        let file = rest.first().map(|file| bare(file)).unwrap_or_default();
                        self.reads_path(&Value::known(file), "argument.read");
                    }
                    _ => {}
                }
            } else if first.eq_ignore_ascii_case("attach") {
                let at = usize::from(rest.first().is_some_and(|word| word.eq_ignore_ascii_case("database")));
                if let Some(file) = rest.get(at).filter(|file| !file.contains(":memory:")) {
                    self.writes_path(&Value::known(bare(file)), false);
                }
            } else if let Some(file) = ["into", "to"]
                .iter()
                .find_map(|word| opened(word))
                .filter(|_| first.eq_ignore_ascii_case("vacuum") || first.eq_ignore_ascii_case("copy"))
                .and_then(|at| rest.get(at + 1))
            {
                self.writes_path(&Value::known(bare(file)), false);
            }
            for file in called(line, "writefile") {
                self.writes_path(&Value::known(file), false);
            }
            for name in ["readfile", "read_text", "read_blob", "read_csv", "read_json", "load_extension"] {
                for file in called(line, name) {
                    self.reads_path(&Value::known(file), "argument.read");
                }
            }
        }
    }

    /// Files and variables that a filter for documents takes in.
    fn loads(&mut self, program: &str, args: &[Value]) {
        const PAIRS: &str = "--arg --argjson --slurpfile --rawfile --argfile";
        const SINGLE: &str = "-f --from-file -L --library-path --indent --seq";
        if program != "yq" {
            let mut words = args.iter();
            let mut has_filter = flags::has_any(args, "-f --from-file");
            let mut takes_files = true;
            while let Some(word) = words.next() {
                if flags::lists(PAIRS, &word.text) {
                    let file = words.nth(1).filter(|_| word.text.ends_with("file"));
                    if let Some(file) = file {
                        self.reads_path(file, "argument.read");
                    }
                } else if matches!(word.text.as_str(), "--args" | "--jsonargs") {
                    takes_files = false;
                } else if flags::lists(SINGLE, &word.text) && word.text != "--seq" {
                    words.next();
                } else if !word.text.starts_with('-')
                    && std::mem::replace(&mut has_filter, true)
                    && takes_files
                {
                    self.reads_path(word, "argument.read");
                }
            }
            return;
        }
        for arg in args {
            for name in ["load", "load_str", "load_xml", "load_props", "load_base64"] {
                for file in called(&arg.text, name) {
                    self.reads_path(&Value::known(file), "argument.read");
                }
            }
            for name in ["env", "strenv"].iter().flat_map(|call| called(&arg.text, call)) {
                self.environment_named(&name);
            }
        }
    }

    /// `getent hosts NAME` asks the servers for names.
    fn looks_up_name(&mut self, args: &[Value]) {
        let words = flags::positionals(args, "-s --service -i");
        if let Some((table, names)) = words.split_first()
            && flags::lists("hosts ahosts ahostsv4 ahostsv6", &table.text)
        {
            let names: Vec<String> = names.iter().map(|name| name.shown()).collect();
            for name in names.iter().filter(|name| name.as_str() != "localhost") {
                self.reaches(name, "network.lookup", "asks about a host");
            }
        }
    }
}

/// The first argument of each call of this name.
fn called(text: &str, name: &str) -> Vec<String> {
    const MOST: usize = 20;
    text.match_indices(name)
        .take(MOST)
        .filter(|(at, _)| {
            let before = text.get(..*at).unwrap_or_default();
            !before.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$'))
        })
        .filter_map(|(at, _)| text.get(at + name.len()..)?.trim_start().strip_prefix('('))
        .map(|inside| inside.split([')', ',']).next().unwrap_or_default())
        .map(|first| first.trim().trim_matches(['"', '\'']).to_owned())
        .collect()
}
