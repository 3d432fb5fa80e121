//! What the policies behind an answer looked at, and what stood there: for whoever asks why.

use std::collections::BTreeMap;

use cedar_policy::{EvalResult, Expression, eval_expression};
use writ_model::{Action, Label, ToolCall};

use super::{Asked, TaskJudge};
use crate::explain::{Explanation, Part};
use crate::grants::NoGrants;
use crate::moment::Moment;

/// Longest value that is shown, in characters.
const SHOWN: usize = 200;

/// One attribute that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// As policies write it: `resource.binding`, `context.taint.secret`.
    pub name: String,
    /// Its value as Cedar writes it; none where the attribute is absent.
    pub value: Option<String>,
    /// The policies behind the answer that read it, sorted.
    pub read_by: Vec<Label>,
}

// === impl TaskJudge ===

impl TaskJudge {
    /// What would be decided about these actions of a call, one by one. Without its call, what a policy asks of
    /// arguments does not hold.
    pub fn explain_call(&self, actions: &[Action], moment: &Moment, call: Option<&ToolCall>) -> Explanation {
        self.explain_asked(actions, Asked { moment, grants: &NoGrants, call, approval: None })
    }

    /// The attributes that the policies behind the answer to one action read, with their values, sorted by name.
    /// Approval is left out; whose yes it would take is part of the answer.
    ///
    /// Empty where no policy decided: where a layer permits nothing of the sort, there is nothing that it looked at.
    pub fn facts(&self, part: &Part, moment: &Moment, call: Option<&ToolCall>) -> Vec<Fact> {
        let mut read: BTreeMap<String, Vec<Label>> = BTreeMap::new();
        for id in &part.policies {
            let Some(entry) = self.loaded().by_label(id).or_else(|| self.own().by_label(id)) else {
                continue;
            };
            for name in entry.reads.names() {
                read.entry(name).or_default().push(id.clone());
            }
        }
        let Ok((request, entities)) = self.whole(&part.action, moment, None, call) else { return Vec::new() };
        read.into_iter()
            .map(|(name, read_by)| {
                let value = name
                    .parse::<Expression>()
                    .ok()
                    .and_then(|expression| eval_expression(&request, &entities, &expression).ok())
                    .map(|value| shown(&value));
                Fact { name, value, read_by }
            })
            .collect()
    }
}

fn shown(value: &EvalResult) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
