//! Texts that are no shell as a whole, read for evidence of what they are after.

use writ_model::EffectClass;

use super::super::Target;
use super::super::grammar::{self, Refused};
use super::super::word::{self};
use super::Walk;

// === impl Walk ===

impl Walk<'_> {
    pub(super) fn refused(&mut self, refused: Refused, text: &str) {
        self.unknown(Target::Unknown, refused.rule(), refused.to_string());
        if runs_what_it_fetches(text) {
            self.foreign("runs text that was fetched or decoded");
        }
    }

    /// Bash runs a script line by line, so the lines before a syntax error have their effects.
    pub(super) fn lines(&mut self, text: &str) {
        const MOST_LINES: usize = 200;
        self.text_depth += 1;
        for line in text.lines().filter(|line| !line.trim().is_empty()).take(MOST_LINES) {
            let line = line.trim().trim_end_matches(['\\', ';']);
            match grammar::parse(line) {
                Ok(program) => self.program(&program),
                Err(_) if super::super::command::starts_shell(line) => {
                    // Text for the program of a line before: a debugger, a console, an interpreter without a script.
                    let target = Target::Command(word::shown(line));
                    let text = "starts a shell out of another program";
                    self.effect(EffectClass::EscapeAttempt, target, "argument.shell", text);
                }
                Err(_) => self.parts(line),
            }
        }
        self.text_depth -= 1;
    }

    /// The parts of a line that is no shell as a whole, as evidence of what it is after.
    pub(super) fn parts(&mut self, line: &str) {
        const MOST_PARTS: usize = 40;
        const OPENERS: &[&str] = &["do ", "then ", "else ", "{ ", "( ", "(", "! "];
        if !line.contains([';', '|', '&']) {
            return;
        }
        for part in line.split([';', '|', '&']).take(MOST_PARTS) {
            let part = OPENERS
                .iter()
                .fold(part.trim(), |part, opener| part.strip_prefix(opener).unwrap_or(part))
                .trim();
            // A word alone is more likely a piece of a language we do not read than a program.
            if part.contains(' ')
                && let Ok(program) = grammar::parse(part)
            {
                let found = self.apart(|walk| walk.program(&program));
                for effect in found.into_iter().filter(|effect| effect.class > EffectClass::BuildTest) {
                    self.keep(effect);
                }
            }
        }
    }
}

/// Whether text that is no shell looks like PowerShell that runs what it fetches or decodes.
pub(super) fn runs_what_it_fetches(text: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').map(str::to_ascii_lowercase).collect()
    };
    let words = words(text);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    has(&["iex", "invoke-expression"])
        && has(&[
            "iwr",
            "irm",
            "curl",
            "wget",
            "invoke-webrequest",
            "invoke-restmethod",
            "downloadstring",
            "frombase64string",
        ])
}
