//! The answers as text, as JSON and as a graph.

use serde_json::{Value, json};
use writ_scan::reach::{Fact, Place, Reach, Step};

use super::{Can, Started, Told};
use crate::failure::Failure;
use crate::screen::{self, Quoted};

/// Version of the objects.
const VERSION: u32 = 1;
/// What is said of an agent that no writ governs.
const NOTHING_ENDS: &str = "nothing: outside of `writ run`, no end of a task takes any of it away";

/// Tells of all agents, in one of three forms.
pub(super) fn all(all: &[Told], json: bool, dot: bool) -> Result<(), Failure> {
    if dot {
        screen::line("digraph reach {")?;
    }
    for told in all {
        if json {
            screen::line(object(told))?;
        } else if dot {
            graph(&told.reach)?;
        } else {
            text(told)?;
        }
    }
    if dot {
        screen::line("}")?;
    }
    Ok(())
}

fn fact(fact: &Fact) -> Value {
    json!({"file": fact.path.to_string_lossy(), "line": fact.line, "says": fact.says})
}

fn place(place: &Place) -> Value {
    json!({"kind": place.kind(), "name": place.name()})
}

fn object(told: &Told) -> Value {
    let Told { agent, tool, started, can: Can { unasked, asked, never }, reach, ends, stays, beyond } = told;
    let chains: Vec<Value> = reach
        .chains
        .iter()
        .map(|(to, chain)| {
            let steps: Vec<Value> = chain
                .iter()
                .map(|step| json!({"from": place(&step.from), "to": place(&step.to), "because": fact(&step.fact)}))
                .collect();
            json!({"to": place(to), "steps": steps})
        })
        .collect();
    let (governed, outsider) = match started {
        Started::Alone => (false, None),
        Started::Forge(outsider) => (false, Some(outsider.iter().map(fact).collect::<Vec<_>>())),
        Started::Governed => (true, None),
    };
    let mut object = json!({
        "v": VERSION,
        "agent": agent,
        "tool": tool,
        "governed": governed,
        "can": {"unasked": unasked, "asked": asked, "never": never},
        "reach": chains,
        "gates": reach.gates.iter().map(fact).collect::<Vec<_>>(),
        "revoked_when_the_task_ends": ends,
        "stays_when_the_task_ends": stays,
    });
    if let (Value::Object(object), Some(outsider)) = (&mut object, outsider) {
        object.insert("outsider".to_owned(), outsider.into());
    }
    if let (Value::Object(object), Some((role, places))) = (&mut object, beyond) {
        let places: Vec<Value> = places.iter().map(place).collect();
        object.insert("beyond_human_role".to_owned(), json!({"role": role, "places": places}));
    }
    object
}

fn text(told: &Told) -> Result<(), Failure> {
    let Told { agent, tool, started, can: Can { unasked, asked, never }, reach, ends, stays, beyond } = told;
    match started {
        Started::Alone => screen::line(format_args!("{tool}, started by itself"))?,
        Started::Forge(outsider) => {
            screen::line(format_args!("{} ({tool}), started by the forge", quoted(agent)))?;
            for Fact { path, line, says } in outsider {
                let path = path.to_string_lossy();
                screen::line(format_args!("  from outside: {} ({}:{line})", quoted(says), quoted(&path)))?;
            }
        }
        Started::Governed => {
            screen::line(format_args!("{} ({tool}), governed, under `writ run`", quoted(agent)))?;
        }
    }
    screen::line("  can do")?;
    for (word, of) in [("unasked", unasked), ("asked", asked), ("never", never)] {
        if !of.is_empty() {
            let shown: Vec<String> = of.iter().map(|one| quoted(one)).collect();
            screen::line(format_args!("      {word}: {}", shown.join(", ")))?;
        }
    }
    screen::line("  reaches")?;
    for (to, chain) in &reach.chains {
        screen::line(format_args!("      {}  {}", to.kind(), quoted(to.name())))?;
        for Step { from: _, to, fact } in chain {
            let path = fact.path.to_string_lossy();
            screen::line(format_args!(
                "          → {}: {} ({}:{})",
                to.kind(),
                quoted(&fact.says),
                quoted(&path),
                fact.line
            ))?;
        }
    }
    if reach.chains.is_empty() {
        screen::line("      nothing that is seen here")?;
    }
    for gate in &reach.gates {
        let path = gate.path.to_string_lossy();
        screen::line(format_args!("      gate: {} ({}:{})", quoted(&gate.says), quoted(&path), gate.line))?;
    }
    if ends.is_empty() {
        screen::line(format_args!("  ends with its task: {NOTHING_ENDS}"))?;
    } else {
        let shown: Vec<String> = ends.iter().map(|one| quoted(one)).collect();
        screen::line(format_args!("  ends with its task: {}", shown.join(", ")))?;
    }
    if !stays.is_empty() {
        let shown: Vec<String> = stays.iter().map(|one| quoted(one)).collect();
        screen::line(format_args!("  stays: {}", shown.join(", ")))?;
    }
    if let Some((role, places)) = beyond {
        let shown: Vec<String> =
            places.iter().map(|place| quoted(&format!("{} {}", place.kind(), place.name()))).collect();
        let shown = if shown.is_empty() { "nothing that is seen here".to_owned() } else { shown.join(", ") };
        screen::line(format_args!("  beyond role {}: {shown}", quoted(role)))?;
    }
    screen::line("")?;
    Ok(())
}

fn graph(reached: &Reach) -> Result<(), Failure> {
    let mut steps: Vec<&Step> = reached.chains.values().flatten().collect();
    steps.sort();
    steps.dedup();
    let node = |place: &Place| dot_text(&format!("{} {}", place.kind(), place.name()));
    for Step { from, to, fact } in steps {
        let label = dot_text(&format!("{}:{}", fact.path.display(), fact.line));
        screen::line(format_args!("  {} -> {} [label={label}];", node(from), node(to)))?;
    }
    Ok(())
}

/// A text in Graphviz' quotes, control characters left out.
fn dot_text(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if letter == '"' || letter == '\\' {
            out.push('\\');
        }
        out.push(letter);
    }
    out.push('"');
    out
}

/// Text of somebody else's, so that it cannot move the cursor.
pub(super) fn quoted(text: &str) -> String {
    let quoted = Quoted(text).to_string();
    match quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if inner == text => text.to_owned(),
        Some(_) | None => quoted,
    }
}
