//! Which steps run an agent: by the action they use, or by the program they start.

use self::table::{ACTIONS, IMAGES, NOT_AGENTS, PROGRAMS, WORKFLOWS, borders};
use crate::document::Node;

mod allowed;
mod code;
mod command;
mod hop;
mod kit;
mod runners;
pub(super) mod shell;
mod table;
mod values;
mod words;

pub(super) use allowed::approval;
pub(super) use command::{Start, starts};
pub(super) use hop::{Around, joined};
pub(super) use values::Values;

/// How deep local actions may use each other.
const MAX_ACTIONS: usize = 4;
/// Inputs of actions that are scripts, without what joins their words.
const SCRIPTS: &[&str] =
    &["cmd", "command", "commands", "inlinescript", "run", "runcmd", "script", "shellcommand"];

/// An agent in a step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Agent {
    pub(super) tool: &'static str,
    pub(super) runs: String,
    pub(super) pinned: bool,
    /// What its scripts start.
    pub(super) starts: Vec<Start>,
}

/// Whether an action or a program of an agent is named in a text in lower case; short names stand in too many words.
pub(super) fn is_named_in(text: &str) -> bool {
    let programs = PROGRAMS.iter().map(|(program, _, _)| *program).filter(|program| program.len() > 4);
    ACTIONS.iter().map(|(part, _)| *part).chain(programs).any(|name| text.contains(name))
}

/// The agent that a step runs, if it runs one.
pub(super) fn of_step(step: &Node, around: &Around<'_>) -> Option<Agent> {
    of_step_at(step, around, 0)
}

fn of_step_at(step: &Node, around: &Around<'_>, depth: usize) -> Option<Agent> {
    if let Some(uses) = step.get("uses").and_then(Node::text) {
        let of = |tool, runs: &str, starts| {
            Some(Agent { tool, runs: runs.to_owned(), pinned: is_commit(uses), starts })
        };
        // Asking a model once is no agent; giving it the forge's tools is.
        let given = step.at(&["with", "enable-github-mcp"]).is_some_and(Node::is_true);
        if given && uses.starts_with("actions/ai-inference@") {
            return of("ai-inference", uses, Vec::new());
        }
        if let Some(folder) = uses.strip_prefix("./") {
            return of_local_action(uses, folder, around, depth);
        }
        if let Some(agent) = of_action(uses) {
            return Some(agent);
        }
        let starts = of_inputs(uses, step, around);
        let runs = format!("{uses}: {}", starts.first()?.runs);
        return of(starts.first()?.tool, &runs, starts);
    }
    let script = step.get("run").and_then(Node::text)?;
    let mut around = around.clone();
    if let Some(folder) = step.get("working-directory").and_then(Node::text) {
        around.folder = joined("", folder).unwrap_or_default();
    }
    around.shell = step.get("shell").and_then(Node::text).or(around.shell);
    let starts = starts_with_values(script, &around, step.get("env"));
    let first = starts.first()?;
    Some(Agent { tool: first.tool, runs: first.runs.clone(), pinned: true, starts })
}

/// The agents in an action's inputs that are scripts.
fn of_inputs(uses: &str, step: &Node, around: &Around<'_>) -> Vec<Start> {
    let is_code = uses.starts_with("actions/github-script@");
    let mut found = Vec::new();
    for member in step.get("with").map_or(&[][..], Node::members) {
        let key: String = member.key.to_ascii_lowercase().replace(['-', '_'], "");
        let Some(script) = member.node.text().filter(|_| SCRIPTS.contains(&key.as_str())) else { continue };
        found.extend(if is_code {
            command::starts_in_code(script, around)
        } else {
            starts_with_values(script, around, step.get("env"))
        });
    }
    found
}

/// The agents that a script starts, whatever the values are that stand beside it.
pub(super) fn starts_with_values(script: &str, around: &Around<'_>, own: Option<&Node>) -> Vec<Start> {
    let count = |script: &str| shell::commands(script).iter().filter(|command| !command.is_within).count();
    let mut found = starts(script, around);
    for text in around.values.variants(script, own) {
        if around.files.is_some_and(|files| !files.may(text.len())) {
            break;
        }
        let starts = starts(&text, around);
        // Where a value holds commands of its own, the places of the script's are others.
        let is_same = starts.is_empty() || count(&text) == count(script);
        for start in starts {
            let start = Start { after: if is_same { start.after } else { usize::MAX }, ..start };
            if found.len() < MAX_STARTS && !found.contains(&start) {
                found.push(start);
            }
        }
    }
    found
}

/// Most agents of one script, all values taken together.
const MAX_STARTS: usize = 60;
/// Most steps of one action, and what one counts as work.
const MAX_STEPS: usize = 200;
const BYTES_OF_STEP: usize = 4 << 10;

/// The agent in a composite action of the same repository.
fn of_local_action(uses: &str, folder: &str, around: &Around<'_>, depth: usize) -> Option<Agent> {
    if depth >= MAX_ACTIONS {
        return None;
    }
    let folder = joined("", folder)?;
    let files = around.files?;
    let action =
        ["action.yml", "action.yaml"].iter().find_map(|name| files.document(&format!("{folder}/{name}")))?;
    let steps = action.at(&["runs", "steps"])?;
    let inside =
        Around { files: Some(files), action: folder, values: around.values.clone(), ..Around::default() };
    let mut steps = steps.items().iter().take(MAX_STEPS).take_while(|_| files.may(BYTES_OF_STEP));
    let inner = steps.find_map(|step| of_step_at(step, &inside, depth + 1))?;
    Some(Agent { runs: format!("{uses}: {}", inner.runs), ..inner })
}

/// The agent behind an action.
pub(super) fn of_action(uses: &str) -> Option<Agent> {
    let name = uses.split('@').next().unwrap_or(uses);
    let name = name.to_ascii_lowercase();
    let of = |tool, pinned| Some(Agent { tool, runs: uses.to_owned(), pinned, starts: Vec::new() });
    if let Some(image) = name.strip_prefix("docker://") {
        return of(of_image(image)?, uses.contains("@sha256:"));
    }
    if name.starts_with("./") || name.contains(".github/workflows/") {
        return None;
    }
    if NOT_AGENTS.iter().any(|part| name.contains(part)) {
        return None;
    }
    let (_, tool) = ACTIONS.iter().find(|(part, _)| borders(&name, part))?;
    of(tool, is_commit(uses))
}

/// The agent that an image is, by its name in lower case.
pub(super) fn of_image(image: &str) -> Option<&'static str> {
    IMAGES.iter().find(|(part, _)| borders(image, part)).map(|(_, tool)| *tool)
}

/// The agent of a workflow elsewhere, by the names of its file and of its repository, and whether a commit fixes it.
pub(super) fn of_workflow(uses: &str) -> Option<(&'static str, bool)> {
    let name = uses.split('@').next().unwrap_or(uses).to_ascii_lowercase();
    let (_, file) = name.split_once("/.github/workflows/")?;
    let (_, tool) = WORKFLOWS
        .iter()
        .find(|(part, _)| borders(file, part))
        .or_else(|| ACTIONS.iter().find(|(part, _)| borders(&name, part)))?;
    Some((tool, is_commit(uses)))
}

/// Whether what is used is named by a commit.
fn is_commit(uses: &str) -> bool {
    let version = uses.rsplit_once('@').map_or("", |(_, version)| version);
    version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether the action itself refuses accounts without write access at this trigger, and the line that says it does not.
///
/// claude-code-action looks for issues, comments, pull requests and reviews only (its src/entrypoints/prepare.ts);
/// codex-action at every trigger (its action.yml).
pub(super) fn checks_itself(step: &Node, trigger: &str) -> (bool, Option<u32>) {
    let uses = step.get("uses").and_then(Node::text).unwrap_or("").to_ascii_lowercase();
    let name = uses.split('@').next().unwrap_or("");
    let with = step.get("with");
    let input =
        |key: &str| with.and_then(|with| with.get(key)).and_then(|node| Some((node.scalar()?, node.line)));
    if name.ends_with("/claude-code-action") {
        let open = input("allowed_non_write_users")
            .filter(|(users, _)| users.split(',').any(|user| user.trim() == "*"))
            .filter(|_| input("github_token").is_some_and(|(token, _)| !token.is_empty()));
        return (open.is_none() && trigger != "workflow_run", open.map(|(_, line)| line));
    }
    if name.ends_with("/codex-action") {
        let open = input("allow-users").filter(|(users, _)| users.split(',').any(|user| user.trim() == "*"));
        return (open.is_none(), open.map(|(_, line)| line));
    }
    (name.ends_with("opencode/github"), None)
}
