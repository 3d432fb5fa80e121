//! Programs that run a command once for each of many things.

use writ_model::EffectClass;

use super::super::found::Found;
use super::super::shell::after_options;
use super::super::walk::Walk;
use super::super::word::{UNKNOWN_TEXT, Value};
use super::super::{Target, flags};

// === impl Walk ===

impl Walk<'_> {
    pub(super) fn xargs(&mut self, args: &[Value]) {
        const VALUES: &str = "-I -n -P -L -d -a -E -s -J -R --max-args --max-procs --delimiter --arg-file --replace \
            --max-lines";
        let rest = after_options(args, VALUES);
        if let [only] = rest
            && flags::values(args, "-a --arg-file") == ["/dev/null"]
        {
            // Nothing is added, and the terminal stays what it was: a shell that takes what is typed.
            self.feed = super::super::walk::Feed::default();
            self.argv(std::slice::from_ref(only));
            return;
        }
        if self.feed.marks.is_foreign()
            && rest.first().is_some_and(|name| super::super::command::is_shell(&name.text))
        {
            self.foreign("pipes fetched or decoded text into a shell");
        }
        let files = flags::values(args, "-a --arg-file");
        for file in &files {
            self.reads_path(&Value::known(*file), "argument.read");
        }
        let text = match files.last() {
            Some(file) => self.scope.file(file).map(str::to_owned),
            None => self.feed.text.clone(),
        };
        let (given, listed) = few_or_many(text);
        if let Some(found) = listed {
            if found.is_long() {
                let target = Target::Command("xargs".to_owned());
                self.unknown(target, "xargs.long", "is given more names than are read");
            }
            self.feed.paths = Some(found);
        }
        let mut argv = rest.to_vec();
        // `-I{}`: what is read takes the place of a word, or of a part of it.
        let mark = flags::values(args, "-I -J --replace").last().map(|mark| (*mark).to_owned());
        let mark = mark.or_else(|| flags::has_any(args, "-i --replace").then(|| "{}".to_owned()));
        if let Some(mark) =
            mark.filter(|mark| !mark.is_empty() && rest.iter().any(|arg| arg.text.contains(mark)))
        {
            let feed = std::mem::take(&mut self.feed);
            self.feed.paths = Some(feed.paths.clone().unwrap_or_default());
            let lines: Vec<&str> = match &given {
                Some(text) => text.lines().map(str::trim).filter(|line| !line.is_empty()).collect(),
                None => vec![UNKNOWN_TEXT],
            };
            for line in lines {
                let mut argv = rest.to_vec();
                for arg in argv.iter_mut().filter(|arg| arg.text.contains(&mark)) {
                    arg.exact &= line != UNKNOWN_TEXT;
                    arg.marks = arg.marks.and(feed.marks);
                    arg.text = arg.text.replace(&mark, line);
                }
                self.argv(&argv);
            }
            self.feed = feed;
            return;
        }
        if argv.is_empty() {
            argv.push(Value::known("echo"));
        }
        let marks = self.feed.marks;
        match given {
            Some(text) => argv.extend(text.split_whitespace().map(Value::known)),
            None => argv.push(Value { marks, ..Value::unknown() }),
        }
        let feed = std::mem::take(&mut self.feed);
        // When nothing is read the command runs as it stands.
        if let Some((name, more)) = rest.split_first()
            && (!more.is_empty() || !super::super::command::is_shell(&name.text))
        {
            self.argv(rest);
        }
        self.feed.paths = Some(feed.paths.clone().unwrap_or_default());
        self.argv(&argv);
        self.feed = feed;
    }

    pub(super) fn parallel(&mut self, args: &[Value]) {
        let rest = after_options(args, "-j --jobs -n -N -a --colsep -I -S --timeout --delay");
        let end = rest.iter().position(|arg| arg.text.starts_with(":::")).unwrap_or(rest.len());
        let (command, inputs) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        if command.is_empty() {
            for text in inputs.iter().skip(1) {
                self.nested_value(text);
            }
            if let (Some(text), true) = (self.feed.text.clone(), inputs.is_empty()) {
                let feed = std::mem::take(&mut self.feed);
                self.nested(&text);
                self.feed = feed;
            } else if inputs.is_empty() {
                let target = Target::Command("parallel".to_owned());
                self.unknown(target, "shell.stdin", "runs commands that are only known at run time");
            }
            return;
        }
        if inputs.is_empty() && self.feed.is_some {
            self.for_each_line(command);
            return;
        }
        let inputs = inputs.iter().filter(|input| !input.text.starts_with(":::"));
        let words: Vec<Value> = command.iter().chain(inputs).cloned().collect();
        self.text_or_words(&words, false);
    }

    /// `… | parallel COMMAND`: each line takes the place of `{}`, or stands behind the command.
    fn for_each_line(&mut self, command: &[Value]) {
        let (given, listed) = few_or_many(self.feed.text.clone());
        let feed = std::mem::take(&mut self.feed);
        self.feed.paths = Some(listed.or(feed.paths.clone()).unwrap_or_default());
        let lines: Vec<&str> = match &given {
            Some(text) => text.lines().map(str::trim).filter(|line| !line.is_empty()).collect(),
            None => vec![UNKNOWN_TEXT],
        };
        const MARKS: [&str; 7] = ["{}", "{.}", "{/}", "{//}", "{/.}", "{1}", "{+/}"];
        for line in lines {
            let mut words: Vec<Value> = command.to_vec();
            let mut is_placed = false;
            for word in &mut words {
                for mark in
                    MARKS.iter().filter(|mark| word.text.contains(**mark)).copied().collect::<Vec<_>>()
                {
                    is_placed = true;
                    word.text = word.text.replace(mark, line);
                }
            }
            if !is_placed {
                words.push(Value { text: line.to_owned(), ..Value::unknown() });
            }
            for word in &mut words {
                word.marks = word.marks.and(feed.marks);
            }
            self.text_or_words(&words, false);
        }
        self.feed = feed;
    }

    /// A command given as one text or as words that are joined.
    pub(super) fn text_or_words(&mut self, words: &[Value], exact_words: bool) {
        if exact_words {
            self.argv(words);
            return;
        }
        let mut whole = Value::known("");
        for word in words {
            whole.append(word);
            whole.text.push(' ');
        }
        if !whole.text.trim().is_empty() {
            self.nested_value(&whole);
        }
    }

    pub(super) fn runs_words(&mut self, program: &str, args: &[Value]) {
        self.effect(
            EffectClass::BuildTest,
            Target::Command(program.to_owned()),
            "wrapper.runs",
            "runs another program",
        );
        let values = match program {
            "perf" => {
                "-e --event -r --repeat -o --output -F --freq -c --count -C --cpu -I --interval-print -m --mmap-pages --filter"
            }
            _ => "-w -e -f --exts --log-file --tool --source --rcfile",
        };
        let mut rest = after_options(args, values);
        if program == "coverage" {
            match rest.first().map(|sub| sub.text.as_str()) {
                Some("run") => rest = rest.get(1..).unwrap_or_default(),
                _ => return,
            }
            let python = [Value::known("python")].into_iter().chain(rest.iter().cloned());
            self.argv(&python.collect::<Vec<_>>());
            return;
        }
        self.argv(rest);
    }

    /// `hyperfine 'a' 'b'`: each word with a blank is a command.
    pub(super) fn runs_each_text(&mut self, program: &str, args: &[Value]) {
        self.effect(
            EffectClass::BuildTest,
            Target::Command(program.to_owned()),
            "wrapper.runs",
            "runs other programs",
        );
        for arg in args {
            let text = match arg.text.split_once('=') {
                Some((option, value)) if option.starts_with('-') => value,
                _ => arg.text.as_str(),
            };
            if text.contains(' ') && !text.starts_with('-') {
                self.nested(text);
            }
        }
    }
}

/// A known text as it is where it has few words, and as a list of paths where it has many.
fn few_or_many(text: Option<String>) -> (Option<String>, Option<Found>) {
    const FEW: usize = 64;
    let Some(text) = text else { return (None, None) };
    if text.split_whitespace().count() <= FEW {
        return (Some(text), None);
    }
    let roots = text.split_whitespace().map(str::to_owned).collect();
    (None, Some(Found { roots, ..Found::default() }))
}
