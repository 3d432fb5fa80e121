//! Files of charts: what stands in `{{ }}` is taken out, so that the rest reads as the data that it mostly is.
//!
//! Lines stay where they are. Of an action with a value for the case that nothing is set, that value stands in its place; of
//! branches in one line, the first.

use std::borrow::Cow;

/// Stands for what only the renderer knows.
const WORD: &str = "templated";
/// First words of actions that print nothing.
const CONTROL: &[&str] = &["block", "break", "continue", "define", "else", "end", "if", "range", "with"];

/// A text without the actions of templates.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains("{{") {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut line = Line::default();
    let (mut rest, mut unclosed) = (text, false);
    while let Some(at) = rest.find(['\n', '{']) {
        let (before, from) = rest.split_at(at);
        line.push(before);
        if let Some(after) = from.strip_prefix('\n') {
            line.end(&mut plain);
            plain.push('\n');
            rest = after;
            continue;
        }
        let inner = from.strip_prefix("{{").filter(|_| !unclosed);
        let action = inner.and_then(|inner| inner.split_once("}}"));
        let Some((inner, after)) = action else {
            // Where one has no end, none behind it has.
            unclosed |= inner.is_some();
            line.push("{");
            rest = from.get(1..).unwrap_or("");
            continue;
        };
        line.action(inner);
        // What goes over several lines is one line and some that are empty.
        line.more += inner.matches('\n').count();
        rest = after;
    }
    line.push(rest);
    line.end(&mut plain);
    Cow::Owned(plain)
}

/// One line, as far as it is read.
#[derive(Default)]
struct Line {
    text: String,
    /// It holds words beside actions.
    speaks: bool,
    acts: bool,
    /// It stands in a branch that is not the first.
    other: bool,
    more: usize,
}

// === impl Line ===

impl Line {
    fn push(&mut self, text: &str) {
        if !self.other {
            self.speaks |= !text.trim().is_empty();
            self.text.push_str(text);
        }
    }

    fn action(&mut self, inner: &str) {
        self.acts = true;
        let inner = inner.trim_start_matches('-').trim_start();
        let first = inner.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or("");
        match first {
            "else" => self.other = self.speaks,
            "end" => self.other = false,
            _ if CONTROL.contains(&first) || inner.starts_with("/*") || inner.contains(":=") => {}
            _ if !self.other => self.text.push_str(default(inner).unwrap_or(WORD)),
            _ => {}
        }
    }

    fn end(&mut self, into: &mut String) {
        // Of actions alone, nothing of the data stays.
        if self.speaks || !self.acts {
            into.push_str(&self.text);
        }
        into.push_str(&"\n".repeat(self.more));
        *self = Self::default();
    }
}

/// `default "VALUE"`: the value.
fn default(action: &str) -> Option<&str> {
    let (_, rest) = action.split_once("default \"")?;
    let (value, _) = rest.split_once('"')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
    (!value.is_empty() && value.bytes().all(is_plain)).then_some(value)
}
