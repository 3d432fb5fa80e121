//! Secrets that a script leaves in files and in the settings of programs, where whatever runs later in the job reads them.

use std::collections::BTreeMap;

use super::super::agent::shell::{Joint, assignment, commands};
use super::super::check::is_shell;
use super::super::escalator;
use super::super::workflow::persists;
use super::{Handed, MAX_HANDED, Walk, is_spelling, own, secrets, take, variables_in};
use crate::document::Node;

/// What is left, by the file or the program that keeps it.
pub(super) type Kept = BTreeMap<String, Handed>;

/// Programs that print what they are given.
const PRINT: &[&str] = &[
    "awk", "base64", "cat", "echo", "envsubst", "fold", "jq", "printf", "rev", "sed", "sponge", "tee", "tr",
    "xxd", "yq",
];
/// Words behind a program by which it stores what it is given.
const STORE: &[&str] = &["auth", "config", "configure", "login", "set-credentials"];
/// Programs with words of their own for it.
const STORE_BY: &[(&str, &[&str])] = &[
    ("claude", &["mcp"]),
    ("codex", &["mcp"]),
    ("dotnet", &["nuget"]),
    ("git", &["clone", "remote", "submodule"]),
    ("gpg", &["--decrypt", "--import", "-d"]),
    ("helm", &["repo"]),
    ("npm", &["set"]),
    ("nuget", &["setapikey", "sources"]),
    ("ssh-add", &[]),
];
/// Words that end a block.
const ENDS: &[&str] = &["}", "done", "esac", "fi"];
/// Words that begin a branch or a loop.
const BEGINS: &[&str] = &["case", "for", "if", "select", "until", "while"];
/// Words that stand in front of a command.
const LEADS: &[&str] = &["!", "do", "elif", "else", "if", "sudo", "then", "until", "while", "{"];
/// Files that nothing stays in, or that are looked at by themselves.
const NO_FILES: &[&str] =
    &["/dev/", "GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"];
/// Calls by which other languages write files.
const WRITES: &[&str] = &["appendFile", "write_text(", "writeFile", ".write("];
/// Most words behind a program among which the one is that says what it does.
const FIRST: usize = 3;

// === impl Walk ===

impl Walk<'_> {
    /// What a step leaves, beside outputs and the environment.
    pub(super) fn keep(&mut self, step: &Node) {
        let uses = step.get("uses").and_then(Node::text).unwrap_or("");
        if persists(step) {
            let given = ["token", "ssh-key"].iter().filter_map(|key| step.at(&["with", key]));
            let mut left = Handed::new();
            given.for_each(|node| take(&mut left, self.held_of(node)));
            take(&mut self.left, left.iter().cloned());
            self.keep_in(uses, left);
        } else if escalator::leaves_login(uses) {
            let left = step.get("with").map(|with| self.held_of(with)).unwrap_or_default();
            self.keep_in(uses, left);
        }
        let mut set: BTreeMap<String, Handed> =
            step.get("env").map(|env| self.set_by(env)).unwrap_or_default().into_iter().collect();
        if let Some(script) = step.at(&["with", "script"]).and_then(Node::text) {
            self.keep_by_code(script, step, &set);
        }
        let Some(script) = step.get("run").and_then(Node::text) else { return };
        if !is_shell(step) {
            self.keep_by_code(script, step, &set);
            return;
        }
        let holds = script.contains("${{") || script.contains('$') || script.contains("envsubst");
        if !holds && !self.kept.keys().any(|place| script.contains(place.trim_start_matches(['~', '/']))) {
            return;
        }
        self.keep_by_script(script, &mut set, step.get("if").is_none());
    }

    fn keep_by_script(&mut self, script: &str, set: &mut BTreeMap<String, Handed>, always: bool) {
        let (mut flow, mut printed) = (Handed::new(), Handed::new());
        let mut depth = 0_usize;
        for command in commands(script) {
            let first = command.words.first().map_or("", String::as_str);
            if BEGINS.contains(&first) {
                depth += 1;
            } else if ENDS.contains(&first) && first != "}" {
                depth = depth.saturating_sub(1);
            }
            let words: Vec<&str> =
                command.words.iter().map(String::as_str).skip_while(|word| LEADS.contains(word)).collect();
            let fed = command.joint == Joint::Pipe;
            let before = std::mem::take(&mut flow);
            if words.iter().all(|word| assignment(word).is_some() || *word == "export") {
                for (name, value) in words.iter().filter_map(|word| assignment(word)) {
                    let held = self.held(value, set);
                    if !held.is_empty() && set.len() < MAX_HANDED {
                        set.insert(name.to_owned(), held);
                    }
                }
                continue;
            }
            let mut words = words.into_iter().skip_while(|word| assignment(word).is_some());
            let Some(first) = words.next() else { continue };
            let words: Vec<&str> = words.collect();
            if ENDS.contains(&first) {
                if let Some(place) = command.output.as_deref() {
                    self.keep_in_file(place, printed.clone());
                }
                continue;
            }
            let program = first.rsplit('/').next().unwrap_or(first);
            if program == "rm" && always && depth == 0 {
                words.iter().for_each(|word| drop(self.kept.remove(&place_of(word))));
            }
            let prints = PRINT.contains(&program);
            let given = if prints { words.as_slice() } else { behind(program, &words) };
            let mut held = Handed::new();
            for text in given.iter().copied().chain(command.input.as_deref()) {
                take(&mut held, self.held(text, set));
            }
            if program == "envsubst" {
                take(&mut held, set.values().chain(self.variables.values()).flatten().cloned());
            }
            take(&mut held, before.into_iter().filter(|_| fed));
            if held.is_empty() {
                continue;
            }
            if prints {
                for place in files_of(program, &words).chain(command.output.as_deref()) {
                    self.keep_in_file(place, held.clone());
                }
                if command.output.is_none() {
                    take(&mut printed, held.iter().cloned());
                    flow = held;
                }
            } else if stores(program, &words) {
                let by = command.output.as_deref().filter(|_| program == "gpg");
                self.keep_in(&by.map_or_else(|| program.to_owned(), place_of), held);
            }
        }
    }

    /// Other languages: a script that names a secret and writes a file.
    fn keep_by_code(&mut self, script: &str, step: &Node, set: &BTreeMap<String, Handed>) {
        if WRITES.iter().any(|call| script.contains(call)) {
            let mut held = self.held(script, set);
            let is_named = |name: &str| script.contains(name);
            take(&mut held, set.iter().filter(|(name, _)| is_named(name)).flat_map(|(_, held)| held.clone()));
            self.keep_in(step.get("uses").and_then(Node::text).unwrap_or("code"), held);
        }
    }

    fn keep_in_file(&mut self, place: &str, held: Handed) {
        if !NO_FILES.iter().any(|part| place.contains(part)) {
            self.keep_in(&place_of(place), held);
        }
    }

    fn keep_in(&mut self, place: &str, held: Handed) {
        if !held.is_empty() && (self.kept.len() < MAX_HANDED || self.kept.contains_key(place)) {
            take(self.kept.entry(place.to_owned()).or_default(), held);
        }
    }

    /// The secrets that a part of a step is given.
    fn held_of(&self, node: &Node) -> Handed {
        let mut held = own(node);
        take(&mut held, self.drawn(node));
        node.each_text(&mut |_, text, _| take(&mut held, self.held(text, &BTreeMap::new())));
        held
    }

    /// The secrets in a text: by an expression, or by a variable that holds one.
    fn held(&self, text: &str, set: &BTreeMap<String, Handed>) -> Handed {
        let mut held = Handed::new();
        // What a program answers that is given a secret is none.
        if text.split_once("$(").is_some_and(|(_, inner)| !is_spelling(inner)) {
            return held;
        }
        secrets::of_text(text, &mut held);
        held.remove("GITHUB_TOKEN");
        self.drawn_by(text, &mut held);
        let by_context =
            text.split("${{").skip(1).filter_map(|rest| rest.split("}}").next()).flat_map(|rest| {
                let names = rest.split("env.").skip(1);
                names.map(|rest| rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next())
            });
        for name in variables_in(text).chain(by_context.flatten()) {
            let seen = set.get(name).or_else(|| self.variables.get(name));
            take(&mut held, seen.into_iter().flatten().cloned());
        }
        held
    }
}

/// What a program is told behind the word that says what it does: options in front hold for this once.
fn behind<'a>(program: &str, words: &'a [&'a str]) -> &'a [&'a str] {
    if program != "git" {
        return words;
    }
    let mut at = 0;
    while let Some(word) = words.get(at).filter(|word| word.starts_with('-')) {
        at += if ["-c", "-C", "--git-dir", "--work-tree"].contains(word) { 2 } else { 1 };
    }
    words.get(at..).unwrap_or(&[])
}

fn stores(program: &str, words: &[&str]) -> bool {
    let first = behind(program, words);
    let by = STORE_BY.iter().find(|(name, _)| *name == program).map(|(_, words)| *words);
    match by {
        Some([]) => true,
        Some(by) if by.iter().any(|word| word.starts_with('-')) => words.iter().any(|word| by.contains(word)),
        _ => first
            .iter()
            .filter(|word| !word.starts_with('-'))
            .take(FIRST)
            .any(|word| STORE.contains(word) || by.is_some_and(|by| by.contains(word))),
    }
}

/// Files that a program writes by its own words.
fn files_of<'a>(program: &str, words: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    let in_place = words.iter().any(|word| word.starts_with("-i") || *word == "--in-place");
    let files = match program {
        "tee" | "sponge" => words,
        "sed" | "yq" if in_place => {
            words.split_last().map_or(&[][..], |(last, _)| std::slice::from_ref(last))
        }
        _ => &[],
    };
    files.iter().copied().filter(|word| !word.starts_with('-'))
}

/// One spelling of a path.
fn place_of(path: &str) -> String {
    let path = path.replace("${HOME}", "~").replace("$HOME", "~");
    path.strip_prefix("./").unwrap_or(&path).to_owned()
}
