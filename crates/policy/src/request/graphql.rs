//! GraphQL: which mutations a document holds, under whatever alias, in whichever operation or fragment.

use std::collections::{BTreeSet, HashMap};

use apollo_parser::Parser;
use apollo_parser::cst::{Definition, Selection, SelectionSet};
use serde_json::Value;
use writ_model::Body;

use super::forge::{Deed, mutation, of_deed};
use super::hosts::Spot;
use super::wire::{Verb, Wire};
use super::{Ask, body};

/// Bounds of a document: bytes, words, how deep it nests, and how many fields at the root are looked at.
const DOCUMENT_BYTES: usize = 256 * 1024;
const TOKENS: usize = 20_000;
const DEPTH: usize = 64;
const FIELDS: usize = 512;

/// Members of a request that say nothing of what is asked.
const MEMBERS: &[&str] = &["query", "operationName", "variables"];

/// The asks of a request to a forge's GraphQL interface.
pub(super) fn asks(wire: &Wire<'_>, spot: &Spot) -> Vec<Ask> {
    let request = match wire.verb {
        Verb::Read => {
            let mut documents = wire.asked("query");
            match (documents.next(), documents.next()) {
                (Some(document), None) => {
                    let mut given = wire.asked("variables");
                    match (given.next(), given.next()) {
                        (None, _) => Ok((document.to_owned(), Value::Null)),
                        (Some(text), None) => written(text).map(|variables| (document.to_owned(), variables)),
                        (Some(_), Some(_)) => Err("variables of a GraphQL request that stand twice"),
                    }
                }
                (None, _) if wire.query.is_empty() => return Vec::new(),
                (None | Some(_), _) => Err("a query that is not written out once"),
            }
        }
        Verb::Post => posted(wire),
        Verb::Put | Verb::Patch | Verb::Delete | Verb::Other => Err("a method that GraphQL does not have"),
    };
    let found = request.and_then(|(document, variables)| Ok((mutations(&document)?, document, variables)));
    match found {
        Ok((names, document, variables)) => {
            let mut asks = Vec::new();
            for name in names {
                let ask = doing(&name, spot, &document, &variables);
                if !asks.contains(&ask) {
                    asks.push(ask);
                }
            }
            asks
        }
        Err(why) => vec![Ask::unknown(why)],
    }
}

fn posted(wire: &Wire<'_>) -> Result<(String, Value), &'static str> {
    let Body::Whole(bytes) = &wire.request.body else { return Err("a GraphQL request that is not whole") };
    if body::is_packed(wire) {
        return Err("a GraphQL request that is compressed");
    }
    if !wire.query.is_empty() {
        return Err("a GraphQL request with a query of two sorts");
    }
    if body::has_field(wire, MEMBERS) {
        return Err("a GraphQL request that a reader of forms takes for another one");
    }
    match body::json(bytes) {
        Some(Value::Object(mut members)) => {
            if members.keys().any(|name| !MEMBERS.contains(&name.as_str())) {
                return Err("a GraphQL request that refers to a query elsewhere, or says more than one");
            }
            // Some servers take the JSON of the variables in a text.
            let variables = match members.remove("variables").unwrap_or_default() {
                Value::String(text) => written(&text)?,
                other => other,
            };
            match members.remove("query") {
                Some(Value::String(document)) => Ok((document, variables)),
                Some(_) | None => Err("a GraphQL request without a query that is written out"),
            }
        }
        Some(Value::Array(_)) => Err("several GraphQL requests in one"),
        Some(_) | None => Err("a GraphQL request that cannot be read"),
    }
}

/// Variables that are written as a text.
fn written(text: &str) -> Result<Value, &'static str> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    match body::json(text.as_bytes()) {
        Some(variables @ (Value::Object(_) | Value::Null)) => Ok(variables),
        Some(_) | None => Err("variables of a GraphQL request that cannot be read"),
    }
}

fn doing(name: &str, spot: &Spot, document: &str, variables: &Value) -> Ask {
    let Some(deed) = mutation(spot.forge, name) else {
        return Ask::unknown(&format!(
            "the mutation `{}` is not known",
            name.chars().take(60).collect::<String>()
        ));
    };
    let deed = match deed {
        Deed::Review if !says(document, variables, "approve") => Deed::Write,
        Deed::Talk if says(document, variables, "/merge") => Deed::Merge,
        Deed::Talk if says(document, variables, "/approve") => Deed::Approve,
        other => other,
    };
    match deed {
        // Which files and which branch only the ids of the forge tell.
        Deed::Commit => Ask::unknown("a commit through the forge's interface"),
        deed => of_deed(deed, &spot.host).unwrap_or_else(|| Ask::unknown("a mutation that changes nothing")),
    }
}

/// Whether a word stands anywhere in what is sent.
fn says(document: &str, variables: &Value, word: &str) -> bool {
    let holds = |text: &str| text.to_lowercase().contains(word) || text.contains('\\');
    holds(document) || in_value(variables, &|text| text.to_lowercase().contains(word))
}

fn in_value(value: &Value, holds: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => holds(text),
        Value::Array(values) => values.iter().any(|value| in_value(value, holds)),
        Value::Object(members) => members.values().any(|value| in_value(value, holds)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The names of all mutations that any operation of a document holds; empty for one that only reads.
pub(super) fn mutations(document: &str) -> Result<BTreeSet<String>, &'static str> {
    if document.len() > DOCUMENT_BYTES {
        return Err("a GraphQL document that is too long");
    }
    let tree = Parser::new(document).token_limit(TOKENS).recursion_limit(DEPTH).parse();
    if tree.errors().len() > 0 {
        return Err("a GraphQL document that cannot be read");
    }
    let mut roots = Vec::new();
    let mut fragments = HashMap::new();
    for definition in tree.document().definitions() {
        match definition {
            Definition::OperationDefinition(operation) => {
                let is_mutation =
                    operation.operation_type().is_some_and(|kind| kind.mutation_token().is_some());
                let set = operation.selection_set().ok_or("a GraphQL operation without fields")?;
                roots.push((is_mutation, set));
            }
            Definition::FragmentDefinition(fragment) => {
                let name =
                    fragment.fragment_name().and_then(|name| name.name()).map(|name| name.text().to_string());
                let (Some(name), Some(set)) = (name, fragment.selection_set()) else {
                    return Err("a GraphQL fragment that cannot be read");
                };
                if fragments.insert(name, set).is_some() {
                    return Err("a GraphQL fragment that stands twice");
                }
            }
            _ => return Err("a GraphQL document that is no request"),
        }
    }
    if roots.is_empty() {
        return Err("a GraphQL document without an operation");
    }
    let mut found = BTreeSet::new();
    for (_, set) in roots.into_iter().filter(|(is_mutation, _)| *is_mutation) {
        let mut seen = BTreeSet::new();
        let mut left = FIELDS;
        fields(&set, &fragments, &mut seen, &mut found, &mut left)?;
    }
    Ok(found)
}

/// The names of the fields of a selection, whatever they are called in the answer.
fn fields(
    set: &SelectionSet,
    fragments: &HashMap<String, SelectionSet>,
    seen: &mut BTreeSet<String>,
    found: &mut BTreeSet<String>,
    left: &mut usize,
) -> Result<(), &'static str> {
    for selection in set.selections() {
        *left = left.checked_sub(1).ok_or("a GraphQL operation of too many fields")?;
        match selection {
            Selection::Field(field) => {
                let name = field.name().ok_or("a GraphQL field without a name")?.text().to_string();
                // What the answer says of itself.
                if name != "__typename" {
                    found.insert(name);
                }
            }
            Selection::InlineFragment(inline) => {
                let set = inline.selection_set().ok_or("a GraphQL fragment that cannot be read")?;
                fields(&set, fragments, seen, found, left)?;
            }
            Selection::FragmentSpread(spread) => {
                let name =
                    spread.fragment_name().and_then(|name| name.name()).map(|name| name.text().to_string());
                let name = name.ok_or("a GraphQL fragment without a name")?;
                let set = fragments.get(&name).ok_or("a GraphQL fragment that is not there")?;
                if seen.insert(name) {
                    fields(set, fragments, seen, found, left)?;
                }
            }
        }
    }
    Ok(())
}
