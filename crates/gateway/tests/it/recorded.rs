//! Every message that was recorded of the real clients, read and answered; every reply to Codex, checked against the
//! schemas out of its own binary.

use serde_json::{Value, json};
use writ_gateway::hook::{HookEvent, parse, refusal};
use writ_model::{Client, Operation, ReasonCode};

use crate::office::{Scene, WORKSPACE};
use crate::say::{ALLOWED, before};

/// The messages of one client, as our hook would get them.
fn messages(client: Client) -> Vec<(String, Option<String>, Value)> {
    let path = format!("{}/tests/data/hooks/{client}.ndjson", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter_map(|line| {
            let case = line["case"].as_str().unwrap().to_owned();
            let message = line["message"].clone();
            // The event by the hook's command line, where the message does not tell.
            let event = line["event"].as_str().map(str::to_owned);
            match client {
                Client::OpenCode => Some((case.clone(), None, from_plugin(&case, &message)?)),
                Client::ClaudeCode
                | Client::Codex
                | Client::Cline
                | Client::CopilotCli
                | Client::Cursor
                | Client::Kiro
                | Client::VsCode
                | Client::Windsurf
                | Client::QwenCode
                | Client::GeminiCli
                | Client::Other => Some((case, event, message)),
            }
        })
        .collect()
}

/// What our plugin makes of an event of OpenCode; nothing of those that it does not forward.
fn from_plugin(case: &str, raw: &Value) -> Option<Value> {
    let event = match raw["type"].as_str() {
        Some(event) => event,
        None => {
            ["tool.execute.before", "tool.execute.after"].into_iter().find(|event| case.ends_with(event))?
        }
    };
    let forwarded =
        ["session.created", "session.idle", "session.deleted", "tool.execute.before", "tool.execute.after"];
    if !forwarded.contains(&event) {
        return None;
    }
    let session = raw["properties"]["sessionID"].as_str().or(raw["input"]["sessionID"].as_str())?;
    let mut message = json!({
        "hook_event_name": event, "directory": WORKSPACE, "session": session, "mcp_servers": ["everything"],
    });
    for name in ["input", "output"] {
        if let Some(value) = raw.get(name) {
            message[name] = value.clone();
        }
    }
    Some(message)
}

fn kind(event: &HookEvent) -> String {
    match event {
        HookEvent::BeforeTool(call) => match &call.operation {
            Operation::Unknown { why } => format!("unknown call: {why}"),
            known => format!("before {}", known.name()),
        },
        HookEvent::AfterTool(ended) => format!("after {:?}", ended.outcome),
        HookEvent::PermissionAsked(_) => "permission".to_owned(),
        HookEvent::Prompt { .. } => "prompt".to_owned(),
        HookEvent::ConfigurationChanged { .. } => "configuration".to_owned(),
        HookEvent::SubagentStarted { .. } => "subagent started".to_owned(),
        HookEvent::SubagentEnded { .. } => "subagent ended".to_owned(),
        HookEvent::SessionStarted => "session started".to_owned(),
        HookEvent::SessionEnded => "session ended".to_owned(),
        HookEvent::TurnEnded => "turn ended".to_owned(),
        HookEvent::Noted => "noted".to_owned(),
        HookEvent::Unknown => "unknown event".to_owned(),
    }
}

#[test]
fn every_recorded_message_is_understood() {
    let mut table = String::new();
    for client in Client::HOOKED {
        let mut kinds = std::collections::BTreeMap::<String, usize>::new();
        for (case, event, message) in messages(client) {
            let event = event.as_deref().or(message["hook_event_name"].as_str());
            let heard = parse(client, event, &message.to_string())
                .unwrap_or_else(|error| panic!("{client} {case}: {error}"));
            assert_eq!(heard.cwd, WORKSPACE, "{client} {case}");
            *kinds.entry(format!("{} -> {}", heard.event_name, kind(&heard.event))).or_default() += 1;
        }
        for (kind, count) in kinds {
            table.push_str(&format!("{client}: {kind} x{count}\n"));
        }
    }
    let path = format!("{}/tests/data/recorded.txt", env!("CARGO_MANIFEST_DIR"));
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(table, expected, "if this is right, write it to {path}");
}

#[tokio::test(start_paused = true)]
async fn every_recorded_message_gets_an_answer_that_its_client_reads() {
    for client in Client::HOOKED {
        let scene = Scene::new();
        for (case, event, message) in messages(client) {
            let reply = scene.say_text(client, event.as_deref(), &message.to_string()).await;
            for reason in ["input-malformed", "hook-failed", "not-in-time", "record-failed"] {
                assert!(!reply.stderr.contains(reason), "{client} {case}: {reply:?}");
            }
            assert!(
                reply.stdout.is_empty() || serde_json::from_str::<Value>(&reply.stdout).unwrap().is_object()
            );
            assert!(
                !reply.stdout.contains("\"ask\"") && !reply.stdout.contains("\"defer\""),
                "{client} {case}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn replies_to_codex_hold_only_what_its_schemas_know() {
    for (event, file) in [
        ("PreToolUse", "pre-tool-use"),
        ("PermissionRequest", "permission-request"),
        ("UserPromptSubmit", "user-prompt-submit"),
        ("SessionStart", "session-start"),
        ("PostToolUse", "post-tool-use"),
        ("SubagentStart", "subagent-start"),
    ] {
        let path =
            format!("{}/tests/data/codex-schemas/{file}.command.output.json", env!("CARGO_MANIFEST_DIR"));
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let no = refusal(Client::Codex, Some(event), b"", ReasonCode::Guardrail, "no");
        check(&schema, &schema, &serde_json::from_str(&no.stdout).unwrap());
        if event == "PreToolUse" || event == "PermissionRequest" {
            let scene = Scene::new();
            let call = before(Client::Codex, ALLOWED);
            let mut reply = scene.say(Client::Codex, &call).await;
            if event == "PermissionRequest" {
                let mut question = call.clone();
                question["hook_event_name"] = event.into();
                question.as_object_mut().unwrap().remove("tool_use_id");
                reply = scene.say(Client::Codex, &question).await;
                assert!(reply.stdout.contains("allow"), "{reply:?}");
            }
            check(&schema, &schema, &serde_json::from_str(&reply.stdout).unwrap());
        }
    }
}

/// The part of JSON Schema that these files use.
fn check(root: &Value, schema: &Value, value: &Value) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/definitions/").unwrap();
        return check(root, &root["definitions"][name], value);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(root, part, value);
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{value} is none of {words:?}");
    }
    if schema.get("const").is_some() {
        assert_eq!(&schema["const"], value);
    }
    if let Some(kind) = schema["type"].as_str() {
        let fits = match kind {
            "object" => value.is_object(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            other => panic!("{other}"),
        };
        assert!(fits, "{value} is no {kind}");
    }
    if let Some(fields) = value.as_object() {
        for (name, inner) in fields {
            let known = schema["properties"].get(name);
            assert!(
                known.is_some() || schema["additionalProperties"] != false,
                "`{name}` is not in the schema"
            );
            if let Some(known) = known {
                check(root, known, inner);
            }
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            assert!(fields.contains_key(name.as_str().unwrap()), "{name} is missing");
        }
    }
}
