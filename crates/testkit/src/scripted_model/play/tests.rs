use serde_json::{Value, json};

use super::super::{chat, gemini, messages, responses};
use super::*;

fn script() -> Script {
    Script::new().shell("ls").spawn("the errand", Script::new().shell("id")).say("over")
}

/// What the model says to a request, in one line.
fn check(ask: &Ask, expected: &str) {
    let (lane, reply) = next(&script(), ask);
    let said = match reply {
        Reply::Say(text) => format!("{lane:?} says {text}"),
        Reply::Call(call) => format!("{lane:?} {} {} {}", call.id, call.name, call.input.as_text()),
    };
    assert_eq!(said, expected);
}

fn chat_ask(results: usize, prompt: &str, tools: &Value) -> Ask {
    let mut history = vec![json!({"role": "user", "content": prompt})];
    history.extend(
        (0..results).map(|n| json!({"role": "tool", "tool_call_id": format!("c{n}"), "content": "fine"})),
    );
    chat::read(&json!({"messages": history, "tools": tools}))
}

fn bash() -> Value {
    let schema = json!({"properties": {"command": {"type": "string"}, "why": {"type": "string"}}, "required": ["command", "why"]});
    json!([{"type": "function", "function": {"name": "bash", "parameters": schema}}])
}

#[test]
fn the_turn_is_chosen_by_the_results_so_far() {
    check(&chat_ask(0, "go", &bash()), r#"Main call_0_1 bash {"command":"ls","why":"scripted"}"#);
    check(&chat_ask(0, "go", &bash()), r#"Main call_0_1 bash {"command":"ls","why":"scripted"}"#);
    check(&chat_ask(2, "go", &bash()), "Main says over");
    check(&chat_ask(9, "go", &bash()), "Main says over");
}

#[test]
fn a_turn_without_a_fitting_tool_ends_the_script() {
    check(&chat_ask(1, "go", &bash()), "Main says over");
}

#[test]
fn a_subagent_is_known_by_its_prompt() {
    let ask = chat_ask(0, "do the errand now", &bash());
    check(&ask, r#"Agent("the errand") call_1_1 bash {"command":"id","why":"scripted"}"#);
}

#[test]
fn a_request_without_tools_does_not_move_the_script() {
    check(&chat_ask(0, "a title, please", &json!([])), "Side says ok");
    let wants_json = json!({"contents": [], "generationConfig": {"responseMimeType": "application/json"}});
    check(&gemini::read(&wants_json, false), "Side says {}");
}

#[test]
fn a_spawn_takes_a_second_step_where_the_agent_is_waited_for() {
    let tools = json!([{"type": "namespace", "name": "agents", "tools": [
        {"type": "function", "name": "spawn_agent", "parameters": {"properties": {"message": {}}}},
        {"type": "function", "name": "wait_agent", "parameters": {"properties": {"targets": {}}}},
    ]}]);
    let result = |output: &str| json!({"type": "function_call_output", "call_id": "c", "output": output});
    let ask = |results: &[Value]| responses::read(&json!({"input": results, "tools": tools}));
    let (shell, spawned) = (result("fine"), result(r#"{"agent_id":"a7"}"#));
    check(&ask(std::slice::from_ref(&shell)), r#"Main call_0_2 spawn_agent {"message":"the errand"}"#);
    check(&ask(&[shell.clone(), spawned.clone()]), r#"Main call_0_3 wait_agent {"targets":["a7"]}"#);
    check(&ask(&[shell, spawned, result("{}")]), "Main says over");
}

#[test]
fn garbage_is_a_request_without_tools() {
    for garbage in
        [json!(null), json!([]), json!("x"), json!({"tools": 3, "messages": {}, "input": 7, "contents": "x"})]
    {
        check(&chat::read(&garbage), "Side says ok");
        check(&gemini::read(&garbage, true), "Side says ok");
        check(&messages::read(&garbage), "Side says ok");
        check(&responses::read(&garbage), "Side says ok");
    }
}
