//! Which part of a command shows what it would do, and by which rule. Quoted, with what looks like a credential left out.

use serde::Serialize;
use writ_model::Because;

use crate::environment::redacted;
use crate::screen::Quoted;

/// One reason, as a program gets it. The command itself is not repeated: `start` and `end` are bytes in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Seen {
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<usize>,
    /// The part, redacted; the whole command where no part of it can be named.
    text: String,
    /// Stable name of the rule; empty where no command line was read.
    rule: String,
    says: String,
}

// === impl Seen ===

impl Seen {
    /// Why an action of `command` is one.
    pub(super) fn of(command: &str, because: &Because) -> Self {
        let Because { says, rule, part } = because;
        Self {
            start: part.as_ref().map(|part| part.start),
            end: part.as_ref().map(|part| part.end),
            text: redacted(because.quoted(command).unwrap_or(command)),
            rule: rule.clone(),
            says: redacted(says),
        }
    }

    /// The part in quotation marks, for a person.
    pub(super) fn quoted(&self) -> Quoted<'_> {
        Quoted(&self.text)
    }

    pub(super) fn says(&self) -> &str {
        &self.says
    }

    pub(super) fn rule(&self) -> &str {
        &self.rule
    }
}
