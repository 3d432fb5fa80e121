//! What the policies behind an answer looked at, and what stood there: for whoever asks why.

use std::collections::BTreeMap;

use cedar_policy::{EvalResult, Expression, PolicySet, eval_expression};
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
    ///
    /// Empty where no policy decided: where a layer permits nothing of the sort, there is nothing that it looked at.
    pub fn facts(&self, part: &Part, moment: &Moment, call: Option<&ToolCall>) -> Vec<Fact> {
        let Ok(question) = self.question(&part.action, call) else { return Vec::new() };
        let Ok(context) = self.principal.context(&self.scope, moment, None, self.uses) else {
            return Vec::new();
        };
        let Ok(request) = self.principal.request(part.action.effect, question.resource.clone(), context)
        else {
            return Vec::new();
        };
        let cell = question.cell;
        let mut read: BTreeMap<String, Vec<Label>> = BTreeMap::new();
        for id in &part.policies {
            for set in [&cell.guardrails, &cell.organisation, &cell.task] {
                for name in names(set, id) {
                    read.entry(name).or_default().push(id.clone());
                }
            }
        }
        read.into_iter()
            .map(|(name, mut read_by)| {
                read_by.sort();
                read_by.dedup();
                let value = name
                    .parse::<Expression>()
                    .ok()
                    .and_then(|expression| eval_expression(&request, &question.entities, &expression).ok())
                    .map(|value| shown(&value));
                Fact { name, value, read_by }
            })
            .collect()
    }
}

/// What a policy of the set reads: every chain of names that starts at a variable of the request. Approval is left out;
/// whose yes it would take is part of the answer.
fn names(set: &PolicySet, id: &Label) -> Vec<String> {
    let Some(policy) = set.policies().find(|policy| {
        let found: &str = policy.id().as_ref();
        found == id.as_str()
    }) else {
        return Vec::new();
    };
    let text = policy.to_cedar().unwrap_or_else(|| policy.to_string());
    let mut names: Vec<String> = bare(&text)
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
        .filter(|word| ["resource.", "context.", "principal."].iter().any(|start| word.starts_with(start)))
        .filter(|word| !word.starts_with("context.approval") && !word.starts_with("context.call"))
        .map(|word| match word.strip_suffix(".contains") {
            Some(set) => set.to_owned(),
            None => word.to_owned(),
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The text without its strings and without its annotations.
fn bare(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '"' {
            bare.push(c);
            continue;
        }
        bare.push(' ');
        while let Some(inside) = chars.next() {
            match inside {
                '\\' => _ = chars.next(),
                '"' => break,
                _ => {}
            }
        }
    }
    bare
}

fn shown(value: &EvalResult) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_no_names() {
        assert_eq!(bare("a == \"resource.x \\\" y\" && resource.y"), "a ==   && resource.y");
    }
}
