//! `writ reach`: what an agent gets to through chains of steps. Reads files; needs no control plane.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::{Value, json};
use writ_scan::reach::facts::Facts;
use writ_scan::reach::{Fact, Place, Reach, Refused, Step, reach};
use writ_scan::survey::scan_tree;
use writ_scan::walk::WalkOptions;

use crate::failure::{Failure, Outcome};
use crate::screen::{self, Quoted};

/// Version of the objects.
const VERSION: u32 = 1;
/// What is said of an agent that no writ governs.
const NOTHING_ENDS: &str = "nothing: outside of `writ run`, no end of a task takes any of it away";

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  writ reach                           every agent of this repository
  writ reach --agent claude-code ~/shop
  writ reach --without edit-workflows  what is left without these
  writ reach --dot | dot -Tsvg > reach.svg

Each step names the line that makes it. Read are the workflows of GitHub at the top of the repository and the settings of tools in it.
Who may edit workflows and push counts as getting to every secret that they name; rules that only the forge keeps, for
branches and environments, are not seen. The policies of `writ run` are not asked: --without says what they refuse.")]
pub(super) struct Arguments {
    /// The top of a repository
    #[arg(default_value = ".")]
    path: PathBuf,
    /// One tool, by its name in `writ scan --json`
    #[arg(long)]
    agent: Option<String>,
    /// What policy would refuse
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    without: Vec<Without>,
    /// One JSON object an agent
    #[arg(long)]
    json: bool,
    /// One graph for Graphviz
    #[arg(long, conflicts_with = "json")]
    dot: bool,
}

#[derive(Clone, Copy, Eq, PartialEq, ValueEnum)]
enum Without {
    EditWorkflows,
    Push,
    Servers,
}

pub(super) fn main(arguments: &Arguments) -> Outcome {
    let Arguments { path, agent, without, json, dot } = arguments;
    let root = std::fs::canonicalize(path)
        .map_err(|error| Failure::usage(format_args!("could not look at `{}`: {error}", path.display())))?;
    let scan = scan_tree(&root, WalkOptions::default());
    let facts = Facts::of(&root, &scan.found);
    for unread in &facts.unread {
        screen::say(format_args!(
            "note: {}: it could not be read, and counts for nothing",
            quoted(&unread.to_string_lossy())
        ));
    }
    let refused = Refused {
        push: without.contains(&Without::Push),
        edit_workflows: without.contains(&Without::EditWorkflows),
        servers: without.contains(&Without::Servers),
    };
    let agents: Vec<&String> =
        facts.agents.iter().filter(|name| agent.as_ref().is_none_or(|wanted| wanted == *name)).collect();
    if let (Some(wanted), true) = (agent, agents.is_empty()) {
        return Err(Failure::usage(format_args!(
            "`{wanted}` has no settings here; `writ scan` lists who has"
        )));
    }
    if *dot {
        screen::line("digraph reach {")?;
    }
    for name in agents {
        let reached = reach(name, &facts, refused);
        if *json {
            screen::line(object(name, &reached))?;
        } else if *dot {
            graph(&reached)?;
        } else {
            tell(name, &reached)?;
        }
    }
    if *dot {
        screen::line("}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn fact(fact: &Fact) -> Value {
    json!({"file": fact.path.to_string_lossy(), "line": fact.line, "says": fact.says})
}

fn place(place: &Place) -> Value {
    json!({"kind": place.kind(), "name": place.name()})
}

fn object(agent: &str, reached: &Reach) -> Value {
    let chains: Vec<Value> = reached
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
    json!({
        "v": VERSION,
        "agent": agent,
        "governed": false,
        "reach": chains,
        "gates": reached.gates.iter().map(fact).collect::<Vec<_>>(),
        "revoked_when_the_task_ends": [],
    })
}

fn tell(agent: &str, reached: &Reach) -> Result<(), Failure> {
    screen::line(format_args!("{agent} reaches"))?;
    for (to, chain) in &reached.chains {
        screen::line(format_args!("  {}  {}", to.kind(), quoted(to.name())))?;
        for Step { from: _, to, fact } in chain {
            let path = fact.path.to_string_lossy();
            screen::line(format_args!(
                "      → {}: {} ({}:{})",
                to.kind(),
                quoted(&fact.says),
                quoted(&path),
                fact.line
            ))?;
        }
    }
    if reached.chains.is_empty() {
        screen::line("  nothing that is seen here")?;
    }
    for gate in &reached.gates {
        let path = gate.path.to_string_lossy();
        screen::line(format_args!("  gate: {} ({}:{})", quoted(&gate.says), quoted(&path), gate.line))?;
    }
    screen::line(format_args!("  ends with its task: {NOTHING_ENDS}"))?;
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
fn quoted(text: &str) -> String {
    let quoted = Quoted(text).to_string();
    match quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if inner == text => text.to_owned(),
        Some(_) | None => quoted,
    }
}
