//! Which turn comes next, and by which of the offered tools it is made.

use serde_json::{Map, Value, json};

use super::Lane;
use super::ask::{Ask, Call, Input, Offer, Reply, Shape, ToolResult};
use crate::{Script, Turn};

const SHELL_TOOLS: [&str; 5] = ["Bash", "exec_command", "run_shell_command", "bash", "run_commands"];
const WRITE_TOOLS: [&str; 5] = ["Write", "write_file", "write", "create", "editor"];
const SPAWN_TOOLS: [&str; 5] = ["Agent", "Task", "task", "agent", "invoke_agent"];
/// Codex, where a spawned agent has to be waited for by a call of its own.
const SPAWN_AND_WAIT: (&str, &str) = ("spawn_agent", "wait_agent");
/// Codex' tool that takes JavaScript and calls the other tools from it.
const CODE_TOOL: &str = "exec";
const PATCH_TOOL: &str = "apply_patch";
/// Gemini's subagents must hand their result in by a tool.
const HAND_IN_TOOL: &str = "complete_task";
const LAST_WORD: &str = "the script is done";

pub(super) fn next(script: &Script, ask: &Ask) -> (Lane, Reply) {
    if ask.tools.is_empty() {
        let text = if ask.json { "{}" } else { "ok" };
        return (Lane::Side, Reply::Say(text.to_owned()));
    }
    let asked = |prompt: &str| ask.prompts.iter().any(|text| text.contains(prompt));
    let agent = script.agents().enumerate().find(|(_, (prompt, _))| asked(prompt));
    let (lane, number, turns) = match agent {
        Some((place, (prompt, turns))) => (Lane::Agent(prompt.to_owned()), place + 1, turns),
        None => (Lane::Main, 0, script.turns()),
    };
    let reply = match step(turns, ask) {
        Step::Turn(turn) => play(turn, ask),
        Step::Wait => wait(ask),
        Step::Over => None,
    };
    match reply.unwrap_or_else(|| last_word(ask, turns)) {
        // The same for a repeated request, and never shared by two conversations.
        Reply::Call(call) => {
            (lane, Reply::Call(Call { id: format!("call_{number}_{}", ask.results.len() + 1), ..call }))
        }
        Reply::Say(text) => (lane, Reply::Say(text)),
    }
}

enum Step<'t> {
    Turn(&'t Turn),
    /// The second half of a spawn.
    Wait,
    Over,
}

fn step<'t>(turns: &'t [Turn], ask: &Ask) -> Step<'t> {
    let waits = find(ask, &[SPAWN_AND_WAIT.1]).is_some();
    let mut left = ask.results.len();
    for turn in turns {
        if left == 0 {
            return Step::Turn(turn);
        }
        left -= 1;
        if waits && matches!(turn, Turn::Spawn { .. }) {
            if left == 0 {
                return Step::Wait;
            }
            left -= 1;
        }
    }
    Step::Over
}

fn last_word(ask: &Ask, turns: &[Turn]) -> Reply {
    let text = match turns.last() {
        Some(Turn::Say(text)) => text,
        _ => LAST_WORD,
    };
    let hand_in = find(ask, &[HAND_IN_TOOL]);
    hand_in.map_or_else(
        || Reply::Say(text.to_owned()),
        |offer| {
            let result = offer.properties().and_then(|properties| properties.get("result"));
            call(offer, &fields([("result", fill(result, text))]))
        },
    )
}

/// `None` when the client offers no tool for the turn: the model then says its last word, and the missing effect
/// fails the test.
fn play(turn: &Turn, ask: &Ask) -> Option<Reply> {
    match turn {
        Turn::Shell(command) => shell(ask, command),
        Turn::Write { path, content } => write(ask, path, content),
        Turn::Mcp { server, tool, arguments } => mcp(ask, server, tool, arguments),
        Turn::Spawn { prompt } => spawn(ask, prompt),
        Turn::Tool { name, arguments } => {
            let given = arguments.as_object().cloned().unwrap_or_default();
            let named = |offer: &&Offer| offer.name == *name || offer.full_name() == *name;
            Some(ask.tools.iter().find(named).map_or_else(
                || {
                    Reply::Call(Call {
                        id: String::new(),
                        namespace: None,
                        name: name.clone(),
                        input: Input::Arguments(given.clone()),
                    })
                },
                |offer| call(offer, &given),
            ))
        }
        Turn::Say(_) => None,
    }
}

fn shell(ask: &Ask, command: &str) -> Option<Reply> {
    if let Some(offer) = find(ask, &SHELL_TOOLS) {
        let given = [("command", json!(command)), ("cmd", json!(command)), ("commands", json!([command]))];
        return Some(call(offer, &fields(given)));
    }
    let code = format!("text(await tools.exec_command({}));", json!({"cmd": command}));
    find(ask, &[CODE_TOOL]).map(|offer| text_call(offer, code))
}

fn write(ask: &Ask, path: &str, content: &str) -> Option<Reply> {
    if let Some(offer) = find(ask, &WRITE_TOOLS) {
        let given = [
            ("file_path", json!(path)),
            ("filePath", json!(path)),
            ("path", json!(path)),
            ("content", json!(content)),
            ("file_text", json!(content)),
            ("new_text", json!(content)),
        ];
        return Some(call(offer, &fields(given)));
    }
    let lines: String = content.lines().map(|line| format!("+{line}\n")).collect();
    let patch = format!("*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch");
    if let Some(offer) = find(ask, &[PATCH_TOOL]) {
        return Some(text_call(offer, patch));
    }
    let code = format!("text(await tools.apply_patch({}));", json!(patch));
    if let Some(offer) = find(ask, &[CODE_TOOL]) {
        return Some(text_call(offer, code));
    }
    // Models that Codex does not know get no file tool and have to use the shell.
    shell(ask, &format!("cat > '{path}' <<'END_OF_FILE'\n{content}END_OF_FILE"))
}

fn mcp(ask: &Ask, server: &str, tool: &str, arguments: &Value) -> Option<Reply> {
    let spellings =
        [format!("mcp__{server}__{tool}"), format!("mcp_{server}_{tool}"), format!("{server}_{tool}")];
    let group = [format!("mcp__{server}"), format!("mcp__{server}__"), server.to_owned()];
    let matches = |offer: &&Offer| {
        let grouped = offer.namespace.as_ref().is_some_and(|n| group.contains(n)) && offer.name == tool;
        grouped || spellings.contains(&offer.name)
    };
    let given = arguments.as_object().cloned().unwrap_or_default();
    ask.tools.iter().find(matches).map(|offer| call(offer, &given))
}

fn spawn(ask: &Ask, prompt: &str) -> Option<Reply> {
    if let Some(offer) = find(ask, &SPAWN_TOOLS) {
        let kind = if offer.name == "task" { "general" } else { "general-purpose" };
        let given = [
            ("agent_name", json!("generalist")),
            ("agent_type", json!("general-purpose")),
            ("description", json!("scripted subagent")),
            ("mode", json!("sync")),
            ("prompt", json!(prompt)),
            ("run_in_background", json!(false)),
            ("subagent_type", json!(kind)),
        ];
        return Some(call(offer, &fields(given)));
    }
    // A forked conversation would carry the parent's results and be taken for the parent.
    let given = [
        ("fork_turns", json!("none")),
        ("message", json!(prompt)),
        ("systemPrompt", json!("You run errands.")),
        ("task", json!(prompt)),
        ("task_name", json!("scripted")),
    ];
    find(ask, &[SPAWN_AND_WAIT.0]).map(|offer| call(offer, &fields(given)))
}

fn wait(ask: &Ask) -> Option<Reply> {
    let last = ask.results.last().map(ToolResult::as_json).unwrap_or_default();
    let agent = last.get("agent_id").cloned().unwrap_or_default();
    let given = [("targets", json!([agent])), ("timeout_ms", json!(30_000))];
    find(ask, &[SPAWN_AND_WAIT.1]).map(|offer| call(offer, &fields(given)))
}

fn find<'a>(ask: &'a Ask, names: &[&str]) -> Option<&'a Offer> {
    names.iter().find_map(|name| ask.tools.iter().find(|offer| offer.name == *name))
}

fn fields<const N: usize>(given: [(&str, Value); N]) -> Map<String, Value> {
    given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A call with those of the given arguments that the tool knows, and a plain value for each other required one.
fn call(offer: &Offer, given: &Map<String, Value>) -> Reply {
    if matches!(offer.shape, Shape::Custom) {
        return text_call(offer, Value::Object(given.clone()).to_string());
    }
    let known = |name: &str| offer.properties().is_none() || offer.has_property(name);
    let mut arguments: Map<String, Value> = given
        .iter()
        .filter(|(name, _)| known(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for name in offer.required() {
        if !arguments.contains_key(name) {
            arguments.insert(name.to_owned(), plain_value(offer, name));
        }
    }
    reply(offer, Input::Arguments(arguments))
}

fn plain_value(offer: &Offer, name: &str) -> Value {
    fill(offer.properties().and_then(|properties| properties.get(name)), "scripted")
}

/// The plainest value that the schema takes, with this text wherever one is wanted.
fn fill(schema: Option<&Value>, text: &str) -> Value {
    let field = |name: &str| schema.and_then(|s| s.get(name));
    if let Some(first) = field("enum").and_then(Value::as_array).and_then(|values| values.first()) {
        return first.clone();
    }
    match field("type").and_then(Value::as_str) {
        Some("boolean") => json!(false),
        Some("integer" | "number") => json!(1),
        Some("array") => json!([]),
        Some("object") => {
            let properties = field("properties").and_then(Value::as_object).into_iter().flatten();
            properties
                .map(|(name, schema)| (name.clone(), fill(Some(schema), text)))
                .collect::<Map<_, _>>()
                .into()
        }
        _ => json!(text),
    }
}

fn text_call(offer: &Offer, text: String) -> Reply {
    reply(offer, Input::Text(text))
}

fn reply(offer: &Offer, input: Input) -> Reply {
    Reply::Call(Call {
        id: String::new(),
        namespace: offer.namespace.clone(),
        name: offer.name.clone(),
        input,
    })
}

// === impl ToolResult ===

impl ToolResult {
    fn as_json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
