//! The same turns in four wire formats.

use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::cli::demo::turns::turns;

fn playing() -> Playing {
    Playing { turns: turns(Path::new("/w"), 7), secret: "s".to_owned(), told: AtomicBool::new(false) }
}

fn reply(ask: Ask) -> Reply {
    playing().reply(&ask)
}

fn tool(reply: Reply) -> (String, Value) {
    match reply {
        Reply::Call { tool, arguments, .. } => (tool, arguments),
        Reply::Say(text) => panic!("it said {text:?}"),
    }
}

#[test]
fn each_format_is_read_alike() {
    let asks = [
        messages::read(&json!({"stream": true, "tools": [{"name": "Bash"}], "messages": [
            {"role": "user", "content": "go"},
            {"role": "user", "content": [{"type": "tool_result", "content": "x"}]},
        ]})),
        responses::read(
            &json!({"stream": true, "tools": [{"type": "function", "name": "Bash"}, {"type": "web_search"}],
            "input": [{"type": "message"}, {"type": "function_call_output", "output": "x"}]}),
        ),
        chat::read(&json!({"stream": true, "tools": [{"type": "function", "function": {"name": "Bash"}}],
            "messages": [{"role": "user", "content": "go"}, {"role": "tool", "content": "x"}]})),
        gemini::read(
            &json!({"tools": [{"functionDeclarations": [{"name": "Bash"}]}],
            "contents": [{"parts": [{"text": "go"}]}, {"parts": [{"functionResponse": {}}]}]}),
            true,
        ),
    ];
    for ask in asks {
        assert_eq!((ask.tools, ask.results, ask.stream), (vec!["Bash".to_owned()], 1, true));
    }
}

#[test]
fn a_turn_is_made_by_the_tool_that_the_client_has() {
    let ask = |tools: &[&str], results| Ask {
        tools: tools.iter().map(|&tool| tool.to_owned()).collect(),
        results,
        ..Ask::default()
    };
    assert_eq!(tool(reply(ask(&["Bash", "Write"], 1))).0, "Write");
    assert_eq!(tool(reply(ask(&["bash", "write"], 1))).1["filePath"], "/w/hello.sh");
    let (name, arguments) = tool(reply(ask(&["exec_command"], 1)));
    assert_eq!(name, "exec_command");
    assert!(arguments["cmd"].as_str().unwrap().starts_with("cat > '/w/hello.sh'"), "{arguments}");
    assert_eq!(tool(reply(ask(&["run_shell_command"], 0))).1["command"], "cat README.md");
    assert_eq!(reply(ask(&["Bash"], 8)), Reply::Say(LAST_WORD.to_owned()));
    assert_eq!(reply(ask(&["Read"], 0)), Reply::Say(LAST_WORD.to_owned()));
    assert_eq!(reply(ask(&[], 0)), Reply::Say("ok".to_owned()));
}

#[test]
fn a_secret_is_noticed_anywhere() {
    assert!(contains(b"a demo-12 b", b"demo-12"));
    assert!(!contains(b"a demo-1", b"demo-12"));
    assert!(!contains(b"", b"demo"));
}
