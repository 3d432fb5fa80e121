//! How far a script lets an account without write access: what it asks about who is there, and what it ends for.
//!
//! A command can succeed, fail, or either. Only questions about the one who asks are answered; all else is either, so
//! that a script stops nobody by what is not understood.

use std::collections::BTreeMap;

use self::about::{About, TRUSTED};
use super::agent::shell::{CASE, Command, FUNCTION, GROUP, Joint, PATTERN, assignment, commands};
use super::gate::{Can, EITHER, NO, YES};
use super::trigger::Moment;
use super::workflow::UNTRUSTED_TEXT;
use crate::document::Node;

mod about;
mod told;

pub(super) use about::{LESS, RIGHTS};
pub(super) use told::Told;

/// Most commands that are followed, and most variables that are known.
const MAX_COMMANDS: usize = 2_000;
const MAX_SET: usize = 50;
/// Longest value that is known, in bytes.
const MAX_VALUE: usize = 2 << 10;
/// How a script ends for an outsider.
#[derive(Debug, Default)]
pub(super) struct Ways {
    /// It can end with success.
    pub(super) succeeds: bool,
    /// It lets those through who may only read.
    pub(super) is_weak: bool,
    /// What its outputs can be.
    pub(super) told: Told,
    /// The commands that are reached, by their place.
    reached: Vec<bool>,
}

/// A part of a script that has not ended yet.
enum Open {
    /// Whether anybody is left for what comes behind this branch, and whether some branch was gone through.
    If {
        left: bool,
        through: bool,
    },
    Loop {
        entry: bool,
    },
    Group {
        passed_by: bool,
    },
    Case {
        about: About,
        entry: bool,
        left: bool,
        through: bool,
        pattern: bool,
        words: Vec<String>,
    },
}

struct Walk {
    set: BTreeMap<String, String>,
    /// When an outsider runs it.
    moment: Moment,
    errors_end: bool,
    alive: bool,
    last: Can,
    piped: String,
    /// The pipeline began with `!`.
    inverts: bool,
    in_condition: bool,
    open: Vec<Open>,
    ways: Ways,
    tells: told::Tells,
    /// Functions that end the script, and whether with an error.
    ends: Vec<(String, bool)>,
}

// === impl Ways ===

impl Ways {
    pub(super) fn reaches(&self, place: usize) -> bool {
        self.reached.get(place).copied().unwrap_or(true)
    }
}

/// Follows a script; `None` where it is one that is not understood far enough.
pub(super) fn ways(script: &str, set: &[Option<&Node>], moment: Moment) -> Option<Ways> {
    let all = commands(script);
    if all.len() > MAX_COMMANDS || pastes(script) {
        return None;
    }
    let (within, commands): (Vec<Command>, Vec<Command>) =
        all.into_iter().partition(|command| command.is_within);
    if commands.iter().any(|command| command.words.first().is_some_and(|word| word == GROUP)) {
        return None;
    }
    let members = set.iter().flatten().flat_map(|node| node.members());
    let set = members
        .take(MAX_SET)
        .filter_map(|member| Some((member.key.clone(), member.node.scalar()?)))
        .collect();
    let mut walk = Walk {
        set,
        moment,
        errors_end: true,
        alive: true,
        last: YES,
        piped: String::new(),
        inverts: false,
        in_condition: false,
        open: Vec::new(),
        ways: Ways::default(),
        tells: told::Tells::default(),
        ends: Vec::new(),
    };
    for command in &within {
        walk.tell_unfollowed(command);
    }
    let mut at = 0;
    while let Some(command) = commands.get(at) {
        let first = command.words.first().map(String::as_str);
        if first == Some("function") || command.words.last().is_some_and(|word| word == FUNCTION) {
            let end = walk.function(command, commands.get(at + 1..).unwrap_or(&[]));
            walk.tell_function(commands.get(at..at + 1 + end).unwrap_or(&[]));
            walk.ways.reached.resize(at + 1 + end, true);
            at += 1 + end;
            continue;
        }
        let next = commands.get(at + 1).map_or(Joint::Next, |command| command.joint);
        walk.command(command, next);
        at += 1;
    }
    let mut ways = walk.ways;
    ways.succeeds |= walk.alive;
    ways.told = walk.tells.told(script);
    Some(ways)
}

/// Whether a stranger's text is pasted into a script, which makes it code.
pub(super) fn pastes(script: &str) -> bool {
    script.split("${{").skip(1).any(|rest| {
        let expression = rest.split("}}").next().unwrap_or("").to_ascii_lowercase();
        let plain = expression.replace("['", ".").replace("']", "").replace([' ', '\t', '\n'], "");
        UNTRUSTED_TEXT.iter().any(|part| plain.contains(part)) || plain.contains("tojson(github")
    })
}

// === impl Walk ===

impl Walk {
    /// Passes by the body of a function, and remembers whether it ends the script.
    fn function(&mut self, head: &Command, rest: &[Command]) -> usize {
        let name = head
            .words
            .iter()
            .map(String::as_str)
            .find(|word| !["function", FUNCTION, "{"].contains(word))
            .map(str::to_owned);
        let (mut depth, mut ends, mut inner) =
            (usize::from(head.words.last().is_some_and(|word| word == "{")), false, 0_usize);
        // Some other way out of it makes it one that may succeed.
        let (mut fails, mut returns) = (true, false);
        self.ends.retain(|(known, _)| Some(known) != name.as_ref());
        for (at, command) in rest.iter().enumerate() {
            let mut words = command.words.iter().map(String::as_str).peekable();
            if words.next_if_eq(&"{").is_some() {
                depth += 1;
            }
            returns |= command.words.iter().any(|word| word == "return");
            if let Some(at) = command.words.iter().position(|word| word == "exit") {
                fails &= command.words.get(at + 1).is_some_and(|code| is_error(code));
            }
            match words.next() {
                Some("if" | "case" | "for" | "while" | "until") => inner += 1,
                Some("fi" | "esac" | "done") => inner = inner.saturating_sub(1),
                Some("exit") => ends |= inner == 0 && command.joint == Joint::Next,
                Some("}") => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                if ends && !returns {
                    self.ends.extend(name.map(|name| (name, fails)));
                }
                return at + 1;
            }
        }
        rest.len()
    }

    fn command(&mut self, command: &Command, next: Joint) {
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        if self.of_case(&words) {
            self.ways.reached.push(self.alive);
            return;
        }
        let mut words = words.as_slice();
        let mut joint = command.joint;
        while let Some((first, rest)) = words.split_first() {
            match *first {
                "if" | "elif" => {
                    if *first == "if" {
                        self.open.push(Open::If { left: self.alive, through: false });
                    } else {
                        self.branch();
                    }
                    self.begin_condition();
                }
                "then" => self.decide(),
                "else" => {
                    self.branch();
                    if let Some(Open::If { left, .. }) = self.open.last_mut() {
                        *left = false;
                    }
                }
                "fi" => {
                    self.branch();
                    if let Some(Open::If { left, through }) = self.open.pop() {
                        self.alive = left || through;
                    }
                }
                "while" | "until" | "for" => {
                    self.open.push(Open::Loop { entry: self.alive });
                    self.in_condition = *first != "for";
                    if *first == "for" {
                        if let [_, name, "in", each @ ..] = words {
                            self.set((*name).to_owned(), &each.join(" "));
                            self.tell_set(name);
                        }
                        self.ways.reached.push(self.alive);
                        return;
                    }
                }
                "do" => self.in_condition = false,
                "done" => {
                    if let Some(Open::Loop { entry }) = self.open.pop() {
                        self.alive |= entry;
                    }
                }
                "{" => {
                    let (entered, passed_by) = self.taken(joint);
                    self.open.push(Open::Group { passed_by });
                    self.alive = entered;
                }
                "}" => {
                    if let Some(Open::Group { passed_by }) = self.open.pop() {
                        self.tell_group(command);
                        self.alive |= passed_by;
                    }
                }
                _ => break,
            }
            if !matches!(*first, "fi" | "done" | "}") {
                joint = Joint::Next;
            }
            self.last = EITHER;
            words = rest;
        }
        self.ways.reached.push(self.alive && self.taken(joint).0);
        if !words.is_empty() {
            self.tell(command, words, joint, next);
            self.simple(words, joint, next);
        }
    }

    /// Whether a command with this sign before it runs, and whether it is passed by.
    fn taken(&self, joint: Joint) -> (bool, bool) {
        match joint {
            Joint::Next | Joint::Pipe => (self.alive, false),
            Joint::And => (self.alive && self.last.hold, self.alive && self.last.fail),
            Joint::Or => (self.alive && self.last.fail, self.alive && self.last.hold),
        }
    }

    /// Remembers what a variable is from here on.
    fn set(&mut self, name: String, value: &str) {
        let value = self.put_in(value);
        if self.set.len() < 2 * MAX_SET && value.len() <= MAX_VALUE {
            self.set.insert(name, value);
        } else {
            self.set.remove(&name);
        }
    }

    fn begin_condition(&mut self) {
        self.in_condition = true;
        if let Some(Open::If { left, .. }) = self.open.last() {
            self.alive = *left;
        }
    }

    /// The condition is over: its branch begins.
    fn decide(&mut self) {
        self.in_condition = false;
        let can = self.last;
        if let Some(Open::If { left, .. }) = self.open.last_mut() {
            let entry = *left && self.alive;
            self.alive = entry && can.hold;
            *left = entry && can.fail;
        }
    }

    /// A branch is over: what comes is what is left.
    fn branch(&mut self) {
        if let Some(Open::If { left, through }) = self.open.last_mut() {
            *through |= self.alive;
            self.alive = *left;
        }
    }

    /// The parts of a `case`; whether the words were that and nothing else.
    fn of_case(&mut self, words: &[&str]) -> bool {
        if let ["case", subject, "in", rest @ ..] = words {
            let about = self.about(subject);
            let words = rest.iter().map(|word| (*word).to_owned()).collect();
            let entry = self.alive;
            self.open.push(Open::Case { about, entry, left: entry, through: false, pattern: true, words });
            return true;
        }
        let alive = self.alive;
        let Some(Open::Case { about, entry, left, through, pattern, words: named }) = self.open.last_mut()
        else {
            return false;
        };
        match words {
            ["esac", ..] => {
                let after = *through || (!*pattern && alive) || *left;
                self.open.pop();
                self.alive = after;
                self.last = EITHER;
                true
            }
            [sign] if *sign == CASE => {
                *through |= alive;
                (*pattern, self.alive) = (true, *left);
                named.clear();
                true
            }
            [sign] if *sign == PATTERN && *pattern => {
                *pattern = false;
                let any = named.iter().any(|name| name == "*");
                let is_named = !any && named.iter().all(|name| !name.contains(['$', '*']));
                let mine = match about {
                    About::Actor => !is_named,
                    About::Right => {
                        !named.iter().all(|name| RIGHTS.contains(&name.to_ascii_lowercase().as_str()))
                    }
                    About::Association => {
                        !named.iter().all(|name| TRUSTED.contains(&name.to_ascii_lowercase().as_str()))
                    }
                    About::Fixed
                    | About::Fork
                    | About::Head
                    | About::Kept
                    | About::Member
                    | About::Unknown => true,
                };
                self.alive = *entry && *left && mine;
                self.tells.asks |= !mine;
                *left &= !any;
                self.last = EITHER;
                true
            }
            words if *pattern => {
                named.extend(words.iter().map(|word| (*word).to_owned()));
                true
            }
            _ => false,
        }
    }

    fn simple(&mut self, words: &[&str], joint: Joint, next: Joint) {
        let (runs, passed_by) = self.taken(joint);
        let text = words.join(" ");
        if joint != Joint::Pipe {
            self.piped.clear();
            self.inverts = next == Joint::Pipe && words.first() == Some(&"!");
        }
        match words {
            ["exit", code @ ..] => {
                if !self.in_condition || runs {
                    // Without a code it ends as the command before it did, which behind `||` failed.
                    let fails = code.first().map_or(joint == Joint::Or, |code| is_error(code));
                    self.ways.succeeds |= runs && !fails;
                    self.alive = passed_by;
                }
                self.last = EITHER;
                return;
            }
            [name, ..] if self.ends.iter().any(|(known, _)| known == name) => {
                self.ways.succeeds |= runs && self.ends.contains(&((*name).to_owned(), false));
                self.alive = passed_by;
                self.last = EITHER;
                return;
            }
            ["set", "+e", ..] => self.errors_end = false,
            ["set", flags, ..] if flags.starts_with('-') && flags.contains('e') => self.errors_end = true,
            _ => {}
        }
        let declares =
            ["declare", "export", "local", "readonly"].contains(&words.first().copied().unwrap_or(""));
        if declares || words.iter().all(|word| assignment(word).is_some()) {
            for (name, value) in words.iter().filter_map(|word| assignment(word)) {
                self.set(name.to_owned(), value);
            }
        }
        let own = self.can(words);
        self.tells.asks |=
            own != EITHER && !["true", ":", "echo", "false"].contains(words.first().unwrap_or(&""));
        if next == Joint::Pipe {
            self.piped.push_str(&text);
            self.piped.push('\n');
            return;
        }
        // What `!` before a pipeline turns around is how its last command ends.
        let own = if self.inverts { own.inverted() } else { own };
        let before = self.last;
        self.last = match joint {
            Joint::Next | Joint::Pipe => own,
            Joint::And => Can { hold: before.hold && own.hold, fail: before.fail || own.fail },
            Joint::Or => Can { hold: before.hold || own.hold, fail: before.fail && own.fail },
        };
        if next == Joint::Next {
            // The shell of a step ends at an error that nothing looks at.
            let is_asked = self.inverts || words.first() == Some(&"!");
            let is_error = own == NO && joint != Joint::And && self.last == NO && !is_asked;
            if is_error && self.errors_end && !self.in_condition {
                self.alive = false;
            }
        }
    }
}

/// Whether a script that ends with this code failed for certain.
fn is_error(code: &str) -> bool {
    code.parse::<u8>().is_ok_and(|code| code > 0)
}
