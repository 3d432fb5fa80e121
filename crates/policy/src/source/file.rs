//! One file of policies: what of it can be used, and what is wrong with the rest.

use std::borrow::Cow;
use std::collections::HashMap;

use cedar_policy::{Effect, Policy, PolicyId, PolicySet};
use miette::Diagnostic;
use writ_model::{Label, ReasonCode};

use super::{Layer, Notes, Report, SourceFile, incident};
use crate::syntax::{self, Unsayable};

/// How many bytes one policy file may have.
pub(super) const FILE_BYTES: usize = 4 << 20;

/// How many bytes one policy may have, and how deep its brackets may be nested. The parser and the validator descend
/// into what they read; with these bounds, [`STACK_BYTES`](super::STACK_BYTES) is enough for them.
const POLICY_BYTES: usize = 16 << 10;
const BRACKETS: usize = 64;

/// The annotations of a policy that mean something.
const ANNOTATIONS: [&str; 6] = ["id", "reason", "instead", "code", "observe", incident::ANNOTATION];

const WRITE_ID: &str = "write `@id(\"short-name\")` before the policy";

/// Why a policy cannot be used, and what to write.
struct Wrong {
    message: Cow<'static, str>,
    help: Option<&'static str>,
}

/// The policies of one file that can be used, each with where its `@id` stands.
pub(super) fn read(
    layer: Layer,
    file: &SourceFile,
    report: &mut Report,
) -> Vec<(Policy, Label, Notes, Option<usize>)> {
    if file.text.len() > FILE_BYTES {
        report.error(file, None, None, format!("the file is larger than {FILE_BYTES} bytes"), None);
        return Vec::new();
    }
    if let Some((place, message)) = too_much(&file.text) {
        report.error(file, Some(place), None, message, Some("split it into several policies"));
        return Vec::new();
    }
    let set: PolicySet = match file.text.parse() {
        Ok(set) => set,
        Err(errors) => {
            let errors: cedar_policy::ParseErrors = errors;
            for error in errors.iter() {
                let place = error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
                let help = error.help().map(|help| help.to_string());
                report.error(file, place, None, error.to_string(), help.as_deref());
            }
            return Vec::new();
        }
    };
    if set.templates().next().is_some() {
        report.error(file, None, None, Unsayable::Template.to_string(), None);
    }
    let places = places_of(&file.text);
    let mut read = Vec::new();
    for policy in set.policies() {
        let id = policy.annotation("id").unwrap_or_default();
        let place = places.get(id).copied();
        match named(layer, policy).and_then(|label| Ok((label, notes(layer, policy)?))) {
            Ok((label, notes)) => {
                read.push((policy.new_id(PolicyId::new(label.as_str())), label, notes, place));
            }
            Err(Wrong { message, help }) => {
                let id = Some(id).filter(|id| !id.is_empty());
                report.error(file, place, id, message.into_owned(), help);
            }
        }
    }
    read.sort_by_key(|(_, _, _, place)| *place);
    read
}

/// The policy's `@id`, with its layer before it.
fn named(layer: Layer, policy: &Policy) -> Result<Label, Wrong> {
    let id = policy.annotation("id").unwrap_or_default();
    if id.is_empty() {
        let first = policy.to_cedar().unwrap_or_default().chars().take(60).collect::<String>();
        let first = first.replace('\n', " ");
        return Err(wrong(format!("the policy that starts with `{first}` has no `@id`"), WRITE_ID));
    }
    if id.split_once(':').is_some_and(|(layer, _)| ["guardrails", "organisation", "task"].contains(&layer)) {
        let help = "leave the name of the layer out; it is put in front of every id";
        return Err(wrong("its `@id` names a layer", help));
    }
    format!("{}:{id}", layer.name()).parse().map_err(|_| wrong(format!("`{id}` is no id"), WRITE_ID))
}

/// What the other annotations of a policy say. It is one that this layer may have, and that can be said in full.
fn notes(layer: Layer, policy: &Policy) -> Result<Notes, Wrong> {
    let reason = policy.annotation("reason").unwrap_or_default().to_owned();
    if reason.is_empty() || reason.len() > 400 || reason.chars().any(char::is_control) {
        let help = "write `@reason(\"why this policy exists\")`; agents and operators read it";
        return Err(wrong("it has no `@reason` of one line", help));
    }
    if let Some((unread, _)) = policy.annotations().find(|(name, _)| !ANNOTATIONS.contains(name)) {
        // A misspelled `@observe` would make a policy count that was only to be watched.
        let help =
            "there are `@id`, `@reason`, `@instead`, `@observe`, `@on_incident` and, in guardrails, `@code`";
        return Err(wrong(format!("`@{unread}` is no annotation that is read here"), help));
    }
    let code = policy.annotation("code").map(|code| code_named(layer, code)).transpose()?;
    if layer == Layer::Guardrails && policy.effect() == Effect::Permit {
        return Err(Wrong { message: "guardrails only forbid".into(), help: None });
    }
    let observe = policy.annotation("observe").map(str::to_owned);
    if let Some((message, help)) = observe.as_deref().and_then(|why| unobservable(layer, why)) {
        return Err(wrong(message, help));
    }
    let on_incident = incident::asks(policy).map_err(|(message, help)| wrong(message, help))?;
    syntax::check(policy).map_err(|unsayable| Wrong { message: unsayable.to_string().into(), help: None })?;
    let instead = policy.annotation("instead").map(str::to_owned);
    Ok(Notes { reason, instead, code, observe, on_incident })
}

fn code_named(layer: Layer, code: &str) -> Result<ReasonCode, Wrong> {
    if layer != Layer::Guardrails {
        let message = "`@code` is for guardrails; whatever an organisation's policy refuses has the code `organisation`";
        return Err(wrong(message, "take `@code` out"));
    }
    let known = ReasonCode::ALL.iter().map(|(known, _)| *known).find(|known| known.name() == code);
    known.ok_or_else(|| Wrong { message: format!("`{code}` is no reason code").into(), help: None })
}

fn wrong(message: impl Into<Cow<'static, str>>, help: &'static str) -> Wrong {
    Wrong { message: message.into(), help: Some(help) }
}

/// What is wrong with observing a policy of this layer, for this reason.
fn unobservable(layer: Layer, why: &str) -> Option<(&'static str, &'static str)> {
    match layer {
        Layer::Guardrails | Layer::Task => Some((
            "guardrails always count and cannot be observed",
            "only the organisation's policies may have `@observe`",
        )),
        Layer::Organisation if why.is_empty() || why.len() > 400 || why.chars().any(char::is_control) => {
            Some((
                "its `@observe` does not say why",
                "write `@observe(\"why, and until when\")`; it is shown wherever the policy is",
            ))
        }
        Layer::Organisation => None,
    }
}

/// Where each `@id` of a text stands first.
fn places_of(text: &str) -> HashMap<&str, usize> {
    const BEFORE: &str = "@id(\"";
    let mut places = HashMap::new();
    for (at, _) in text.match_indices(BEFORE) {
        let id = text.get(at + BEFORE.len()..).and_then(|rest| rest.split_once("\")"));
        if let Some((id, _)) = id {
            places.entry(id).or_insert(at);
        }
    }
    places
}

/// Where a policy is too long or nested too deeply to be read at all, strings and comments aside.
fn too_much(text: &str) -> Option<(usize, String)> {
    let (mut start, mut length, mut open) = (0, 0_usize, 0_usize);
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        length += 1;
        match byte {
            b'"' => {
                while let Some((_, inside)) = bytes.next() {
                    length += 1;
                    match inside {
                        b'\\' => _ = bytes.next(),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'/' if bytes.peek().is_some_and(|(_, next)| *next == b'/') => {
                while bytes.next_if(|(_, inside)| *inside != b'\n').is_some() {}
            }
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            b';' => (start, length, open) = (at + 1, 0, 0),
            _ => {}
        }
        if length > POLICY_BYTES {
            return Some((start, format!("a policy is longer than {POLICY_BYTES} bytes")));
        }
        if open > BRACKETS {
            return Some((at, format!("brackets are nested deeper than {BRACKETS}")));
        }
    }
    None
}
