//! Letters of a script to words and commands.

use super::{ARRAY, CASE, Command, FUNCTION, GROUP, Joint, MAX_COMMANDS, MAX_WORDS, PATTERN, assignment};

/// Signs whose end was looked for in vain: they stand for themselves from then on.
#[derive(Clone, Copy)]
enum Sign {
    Single,
    Double,
    Round,
    Back,
    Curly,
    Expression,
}

/// Whether a command is a `[[ … ]]` that has not ended yet.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Test {
    #[default]
    None,
    Open,
    Over,
}

/// Words in front of the first of a command.
const LEADS: &[&str] = &["!", "do", "elif", "else", "if", "then", "until", "while", "{"];
/// Longest name of a list.
const MAX_NAME: usize = 256;
/// Bytes of texts that are handed on from command to command at least; otherwise as many as the script has.
const MIN_HANDED_ON: usize = 16 << 10;

#[derive(Default)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    commands: Vec<Command>,
    within: Vec<(usize, String)>,
    command: Command,
    word: Option<String>,
    test: Test,
    /// It is what stands in a list, which holds no further list.
    is_list: bool,
    /// Texts that begin at the next line: the mark that ends each, whether tabs are taken off, and the command, counted.
    waiting: Vec<(String, bool, usize)>,
    unclosed: [bool; 6],
}

// === impl Reader ===

impl<'a> Reader<'a> {
    /// The commands of a script, and the scripts in substitutions with the place of the command that each is part of.
    pub(super) fn of(text: &'a str) -> (Vec<Command>, Vec<(usize, String)>) {
        let mut reader = Reader { text, ..Reader::default() };
        reader.all();
        (reader.commands, reader.within)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn push(&mut self, text: &str) {
        self.word.get_or_insert_default().push_str(text);
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        match word.as_str() {
            "[[" if self.test == Test::None && self.command.words.len() < 3 => self.test = Test::Open,
            "]]" => self.test = Test::Over,
            _ => {}
        }
        if self.command.words.len() < MAX_WORDS {
            self.command.words.push(word);
        }
    }

    fn end_command(&mut self, next: Joint) {
        self.end_word();
        let fresh = Command { joint: next, fed: next == Joint::Pipe, ..Command::default() };
        if self.command.words.is_empty() {
            // A line may end behind the sign that joins it to the next one.
            if next != Joint::Next {
                self.command = fresh;
            }
            return;
        }
        self.test = Test::None;
        let command = std::mem::replace(&mut self.command, fresh);
        if self.commands.len() < MAX_COMMANDS {
            self.commands.push(command);
        }
    }

    fn all(&mut self) {
        while let Some(letter) = self.rest().chars().next() {
            let before = self.at;
            self.one(letter);
            debug_assert!(self.at > before, "each step goes on");
        }
        self.end_command(Joint::Next);
        self.hand_on();
    }

    fn one(&mut self, letter: char) {
        let rest = self.rest();
        let starts = |head: &str| rest.starts_with(head);
        match letter {
            // Within `[[ ]]` these are parts of patterns.
            '(' | ')' | '<' | '>' | '|' if self.test == Test::Open && !starts("||") => self.take(1),
            '\\' | '`' if starts("\\\n") || starts("`\n") => self.at += 2,
            '\\' if starts("\\\r\n") => self.at += 3,
            '\\' => {
                let next = rest.chars().nth(1).unwrap_or('\\');
                self.at += 1 + if rest.len() > 1 { next.len_utf8() } else { 0 };
                self.push(next.encode_utf8(&mut [0; 4]));
            }
            '\'' => self.single(),
            '"' => self.double(),
            '$' => self.dollar(false),
            '`' => self.back(),
            '#' if self.word.is_none() => {
                self.at += rest.find('\n').unwrap_or(rest.len()).max(1);
            }
            '\n' => {
                self.at += 1;
                self.end_command(Joint::Next);
                self.bodies();
            }
            ' ' | '\t' | '\r' => {
                self.at += 1;
                self.end_word();
            }
            ';' if starts(";;") => {
                self.at += 2;
                self.mark(CASE);
            }
            ';' => {
                self.at += 1;
                self.end_command(Joint::Next);
            }
            '&' if starts("&>") => {
                self.at += 1;
                self.end_word();
            }
            '&' if starts("&&") => {
                self.at += 2;
                self.end_command(Joint::And);
            }
            '&' => {
                self.at += 1;
                self.end_command(Joint::Next);
            }
            '|' if starts("||") => {
                self.at += 2;
                self.end_command(Joint::Or);
            }
            '|' => {
                self.at += if starts("|&") { 2 } else { 1 };
                self.end_command(Joint::Pipe);
            }
            '<' | '>' if starts("<(") || starts(">(") => {
                self.at += 1;
                self.round(false);
            }
            '<' => self.input(),
            '>' => self.output(),
            '(' => self.open(),
            ')' => {
                self.at += 1;
                self.mark(PATTERN);
            }
            _ => {
                let plain = |byte: u8| {
                    byte.is_ascii_alphanumeric() || b"_-./=,:@%+~^{}[]*?!".contains(&byte) || byte >= 0x80
                };
                let length = rest.bytes().take_while(|byte| plain(*byte)).count();
                let length = if length == 0 { letter.len_utf8() } else { length };
                let text = rest.get(..length).unwrap_or("").to_owned();
                self.push(&text);
                self.at += length;
            }
        }
    }

    /// The length up to a sign that ends what begins here; once there was none, none is looked for again.
    fn closed(&mut self, sign: Sign, end: impl FnOnce(&str) -> Option<usize>) -> Option<usize> {
        let seen = self.unclosed.get_mut(sign as usize)?;
        if *seen {
            return None;
        }
        let found = end(self.text.get(self.at..).unwrap_or(""));
        *seen = found.is_none();
        found
    }

    fn single(&mut self) {
        match self.closed(Sign::Single, |rest| rest.get(1..)?.find('\'')) {
            Some(length) => {
                let text = self.text.get(self.at + 1..self.at + 1 + length).unwrap_or("").to_owned();
                self.push(&text);
                self.at += length + 2;
            }
            None => {
                self.push("'");
                self.at += 1;
            }
        }
    }

    fn double(&mut self) {
        let mut unclosed = self.unclosed;
        let end = self.closed(Sign::Double, |rest| double_end(rest, &mut unclosed));
        for sign in [Sign::Round, Sign::Expression] {
            if let (Some(seen), Some(now)) =
                (self.unclosed.get_mut(sign as usize), unclosed.get(sign as usize))
            {
                *seen |= now;
            }
        }
        let Some(length) = end else {
            self.push("\"");
            self.at += 1;
            return;
        };
        let end = self.at + length;
        self.at += 1;
        self.push("");
        while self.at < end {
            let rest = self.text.get(self.at..end).unwrap_or("");
            let Some(letter) = rest.chars().next() else { break };
            match letter {
                '\\' => {
                    let next = rest.chars().nth(1).unwrap_or('\\');
                    if !matches!(next, '"' | '\\' | '$' | '`' | '\n') {
                        self.push("\\");
                    }
                    if next != '\n' {
                        self.push(next.encode_utf8(&mut [0; 4]));
                    }
                    self.at += 1 + next.len_utf8();
                }
                '$' => self.dollar(true),
                '`' => self.back(),
                _ => {
                    let length = rest.find(['\\', '$', '`']).unwrap_or(rest.len()).max(1);
                    let text = rest.get(..length).unwrap_or("").to_owned();
                    self.push(&text);
                    self.at += length;
                }
            }
        }
        // Where something within went past the end, it was no end.
        self.at = if self.at > end { self.at } else { end + 1 };
    }

    fn dollar(&mut self, quoted: bool) {
        let rest = self.rest();
        if rest.starts_with("${{") {
            let end = self.closed(Sign::Expression, |rest| rest.find("}}"));
            self.take(end.map_or(3, |end| end + 2));
        } else if rest.starts_with("$(") {
            self.at += 1;
            self.round(true);
        } else if rest.starts_with("${") {
            let length = self.closed(Sign::Curly, |rest| rest.find('}')).map_or(2, |end| end + 1);
            let inside = rest.get(..length).unwrap_or("");
            // Of a variable with a value for the case that it is not set, that value.
            match inside.split_once(":-").or_else(|| inside.split_once(":=")) {
                Some((_, value)) => {
                    let value = value.trim_end_matches('}').trim_matches(['"', '\'']).to_owned();
                    self.push(&value);
                    self.at += length;
                }
                None => self.take(length),
            }
        } else if !quoted && rest.starts_with("$'") {
            self.at += 1;
        } else {
            self.take(1);
        }
    }

    fn take(&mut self, length: usize) {
        let text = self.rest().get(..length).unwrap_or("").to_owned();
        self.push(&text);
        self.at += length.max(1);
    }

    /// What stands in parentheses is a script of its own; a word that only asks where a program lies is the program.
    fn round(&mut self, is_word: bool) {
        let Some(length) = self.closed(Sign::Round, round_end) else {
            self.push("(");
            self.at += 1;
            return;
        };
        let inner = self.text.get(self.at + 1..self.at + length).unwrap_or("").to_owned();
        self.at += length + 1;
        self.substitute(inner, is_word);
    }

    fn back(&mut self) {
        match self.closed(Sign::Back, |rest| rest.get(1..)?.find('`')) {
            Some(length) => {
                let inner = self.text.get(self.at + 1..self.at + 1 + length).unwrap_or("").to_owned();
                self.at += length + 2;
                self.substitute(inner, true);
            }
            None => {
                self.push("`");
                self.at += 1;
            }
        }
    }

    fn substitute(&mut self, inner: String, is_word: bool) {
        let asks_where = ["which ", "command -v ", "type -p ", "type -P "];
        let program = asks_where.iter().find_map(|head| inner.trim().strip_prefix(head));
        match program.map(str::trim).filter(|program| !program.contains([' ', '$', '\n'])) {
            Some(program) if is_word => self.push(program),
            _ => {
                self.push("$(");
                self.push(&inner);
                self.push(")");
                if self.within.len() < MAX_COMMANDS {
                    self.within.push((self.commands.len(), inner));
                }
            }
        }
    }

    /// A list, the head of a function, or commands that stand together.
    fn open(&mut self) {
        let begins_list = |word: &str| {
            word.len() <= MAX_NAME
                && word.ends_with('=')
                && assignment(word).is_some_and(|(_, value)| value.is_empty())
        };
        if !self.is_list
            && self.word.as_deref().is_some_and(begins_list)
            && let Some(length) = self.closed(Sign::Round, round_end)
        {
            let inner = self.text.get(self.at + 1..self.at + length).unwrap_or("");
            let mut list = Reader { text: inner, is_list: true, ..Reader::default() };
            list.all();
            let words: Vec<String> =
                std::mem::take(&mut list.commands).into_iter().flat_map(|command| command.words).collect();
            let at = self.commands.len();
            self.within.extend(list.within.into_iter().map(|(_, script)| (at, script)));
            for word in words {
                self.push(&ARRAY.to_string());
                self.push(&word);
            }
            self.at += length + 1;
            return;
        }
        if self.rest().starts_with("()") {
            // The name of a function is no command.
            self.end_word();
            self.push(FUNCTION);
            self.at += 2;
            self.end_command(Joint::Next);
            return;
        }
        self.at += 1;
        // A pattern of `[[ x =~ (a|b) ]]` and the like.
        if self.word.is_some() {
            self.push("(");
            return;
        }
        self.mark(GROUP);
    }

    /// A sign that is told as a command of its own.
    fn mark(&mut self, sign: &str) {
        self.end_command(Joint::Next);
        self.push(sign);
        self.end_command(Joint::Next);
    }

    /// `<`, `<<`, `<<<`.
    fn input(&mut self) {
        self.end_number();
        self.command.fed = true;
        let rest = self.rest();
        if rest.starts_with("<<<") {
            self.at += 3;
            self.skip_blanks();
            self.command.input = self.operand();
        } else if rest.starts_with("<<") {
            let tabs = rest.starts_with("<<-");
            self.at += if tabs { 3 } else { 2 };
            self.skip_blanks();
            let quoted = self.rest().starts_with(['\'', '"', '\\']);
            if let Some(mark) = self.operand().filter(|mark| !mark.is_empty()) {
                // Where nothing quotes the mark, substitutions are carried out.
                let at = self.commands.len();
                self.waiting.push((format!("{}{mark}", if quoted { 'q' } else { 'p' }), tabs, at));
            }
        } else {
            self.at += 1;
            if self.rest().starts_with('&') {
                self.at += 1;
            }
            self.skip_blanks();
            self.operand();
        }
    }

    fn output(&mut self) {
        self.end_number();
        self.at += 1;
        while self.rest().starts_with(['>', '|', '&']) {
            self.at += 1;
        }
        self.skip_blanks();
        if let Some(file) = self.operand()
            && !file.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        {
            self.command.output = Some(file);
        }
    }

    /// The number of what is sent elsewhere is no word.
    fn end_number(&mut self) {
        if self.word.as_deref().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word();
    }

    fn skip_blanks(&mut self) {
        let blanks = self.rest().bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        self.at += blanks;
    }

    /// The word that a sign takes.
    fn operand(&mut self) -> Option<String> {
        let before = self.word.take();
        while let Some(letter) = self.rest().chars().next() {
            if letter.is_whitespace() || matches!(letter, ';' | '&' | '|' | '<' | '>' | '(' | ')') {
                break;
            }
            self.one(letter);
        }
        std::mem::replace(&mut self.word, before)
    }

    /// Takes the texts whose marks stood on the line before.
    fn bodies(&mut self) {
        for (mark, tabs, at) in std::mem::take(&mut self.waiting) {
            let (quoted, mark) = (mark.starts_with('q'), mark.get(1..).unwrap_or("").to_owned());
            let mut body = String::new();
            while self.at < self.text.len() {
                let rest = self.rest();
                let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
                let line = rest.get(..length).unwrap_or("");
                let said = if tabs { line.trim_start_matches('\t') } else { line };
                let ends = said.trim_end_matches(['\n', '\r']) == mark;
                if !ends {
                    body.push_str(said);
                }
                self.at += length;
                if ends {
                    break;
                }
            }
            if !quoted {
                let mut inner = Reader { text: &body, ..Reader::default() };
                while let Some(at) = inner.rest().find(['$', '`', '\\']) {
                    inner.at += at;
                    match inner.rest().bytes().next() {
                        Some(b'$') => inner.dollar(true),
                        Some(b'`') => inner.back(),
                        _ => inner.at += 1 + inner.rest().chars().nth(1).map_or(0, char::len_utf8),
                    }
                }
                let within = std::mem::take(&mut inner.within);
                self.within.extend(within.into_iter().map(|(_, script)| (at, script)));
            }
            if let Some(command) = self.commands.get_mut(at) {
                command.input = Some(body);
            }
        }
    }

    /// What one command prints is what the next one reads.
    fn hand_on(&mut self) {
        let mut left = self.text.len() + MIN_HANDED_ON;
        for at in 1..self.commands.len() {
            let (before, after) = self.commands.split_at_mut(at);
            let (Some(giver), Some(taker)) = (before.last(), after.first_mut()) else { continue };
            if taker.joint != Joint::Pipe || taker.input.is_some() {
                continue;
            }
            let begins = |word: &&String| assignment(word).is_some() || LEADS.contains(&word.as_str());
            let mut words = giver.words.iter().skip_while(begins);
            match words.next().map(String::as_str) {
                Some("cat" | "tee" | "envsubst" | "sed") => {
                    let bytes = giver.input.as_ref().map_or(0, String::len);
                    if bytes <= left {
                        left -= bytes;
                        taker.input.clone_from(&giver.input);
                    }
                }
                Some("echo" | "printf") => {
                    let said: Vec<&str> = words.map(String::as_str).collect();
                    taker.input = Some(said.join(" "));
                }
                _ => {}
            }
        }
    }
}

/// Longest `${…}` within quotes that is passed over.
const MAX_CURLY: usize = 1 << 10;

/// Where a text in double quotation marks ends, counted from the one that opens it. `unclosed` tells for each sign whether there
/// is no use in looking for its end.
fn double_end(text: &str, unclosed: &mut [bool; 6]) -> Option<usize> {
    let bytes = text.as_bytes();
    let [_, _, round, _, _, expression] = unclosed;
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return Some(at),
            b'$' if bytes.get(at + 1) == Some(&b'{') && bytes.get(at + 2) == Some(&b'{') => {
                let end = if *expression { None } else { text.get(at..)?.find("}}") };
                *expression = end.is_none();
                at += end.map_or(3, |end| end + 2);
            }
            // `"${HOME:-"/root"}/x"`: quotes within are a text of their own.
            b'$' if bytes.get(at + 1) == Some(&b'{') => {
                let inside = bytes.get(at..).unwrap_or_default().iter().take(MAX_CURLY);
                at += inside.take_while(|byte| !matches!(byte, b'}' | b'\n')).count().max(1);
            }
            b'$' if bytes.get(at + 1) == Some(&b'(') && !*round => {
                let end = round_end(text.get(at + 1..)?);
                *round = end.is_none();
                at += 1 + end.map_or(0, |end| end + 1);
            }
            _ => at += 1,
        }
    }
    None
}

/// Where parentheses end, counted from the one that opens them.
fn round_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\'' => at += text.get(at + 1..)?.find('\'')? + 1,
            b'"' => {
                let mut end = at + 1;
                while let Some(byte) = bytes.get(end).filter(|byte| **byte != b'"') {
                    end += if *byte == b'\\' { 2 } else { 1 };
                }
                at = end;
            }
            b'(' => depth += 1,
            b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}
