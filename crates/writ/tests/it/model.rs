//! What a client says to its model, with a scripted client: read, recorded, and compared with what its hooks tell.

use serde_json::{Value, json};
use writ_testkit::{Script, ScriptedModel};

use crate::corner::{Corner, finished, text};
use crate::real_client::secure::Front;

/// Words for a client that talks to its model: `ask FILE` sends a request and keeps the answer in `said`.
const ASK: &str = r#"
ask() {
  curl -sS -o said -w '%{http_code}\n' --noproxy '*' -H 'content-type: application/json' -H 'x-api-key: dummy' \
    --data-binary "@$1" "$MODEL/v1/messages" >>codes 2>>curl.err
}
"#;
/// The id of the call that the scripted model asks for.
const FIND: &str = r#"id=$(grep -o '"id":"call_[^"]*"' said | head -n1 | cut -d'"' -f4)"#;

struct Room {
    corner: Corner,
    model: ScriptedModel,
}

impl Room {
    fn new() -> Self {
        let corner = Corner::with_control_plane();
        corner.register("claude-code");
        let model = ScriptedModel::start(Script::new().shell("echo hello").say("Done.")).unwrap();
        let home = corner.home().join(".claude");
        std::fs::create_dir_all(&home).unwrap();
        let settings = json!({ "env": { "ANTHROPIC_BASE_URL": model.url() } });
        std::fs::write(home.join("settings.json"), settings.to_string()).unwrap();
        Self { corner, model }
    }

    /// Plays a client whose workspace holds the named requests.
    fn play(&self, requests: &[(&str, Value)], play: &str) -> (Option<i32>, String) {
        for (name, request) in requests {
            std::fs::write(self.corner.work().join(name), request.to_string()).unwrap();
        }
        let play = format!("MODEL={}\n{ASK}\n{play}", self.model.url());
        let output = finished(self.corner.play(&["--hold", "1s"], &play));
        (output.status.code(), text(&output))
    }

    fn events(&self, kind: &str) -> Vec<Value> {
        let page = self.corner.json(["audit", "search", "--json", "--limit", "1000"]);
        let entries = page["entries"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| entry["entry"]["event"].clone())
            .filter(|event| event["type"] == kind)
            .collect()
    }

    fn cause(&self) -> String {
        let tasks = self.corner.json(["task", "list", "--all", "--json"]);
        tasks["tasks"][0]["cause"].as_str().unwrap_or("none").to_owned()
    }
}

fn request(model: &str, tools: &Value, messages: &Value) -> Value {
    json!({ "model": model, "max_tokens": 1, "system": "You are a test.", "tools": tools, "messages": messages })
}

fn bash() -> Value {
    json!([{ "name": "Bash", "input_schema": { "type": "object", "properties": { "command": { "type": "string" } } } }])
}

/// A conversation with a result of the call with the id `ID`.
fn with_result(is_error: bool, result: &str) -> Value {
    let said = json!({ "role": "assistant", "content":
        [{ "type": "tool_use", "id": "ID", "name": "Bash", "input": { "command": "echo hello" } }] });
    let back = json!({ "role": "user", "content":
        [{ "type": "tool_result", "tool_use_id": "ID", "is_error": is_error, "content": result }] });
    let first = json!({ "role": "user", "content": "Do as the script says." });
    request("m", &bash(), &json!([first, said, back]))
}

fn first() -> Value {
    request("m", &bash(), &json!([{ "role": "user", "content": "Do as the script says." }]))
}

#[test]
fn attack_a_call_that_ran_without_its_hook_ends_the_task_with_a_scripted_client() {
    let room = Room::new();
    let play = format!(
        "start\nask first.json\n{FIND}\nsed -i \"s/\\\"ID\\\"/\\\"$id\\\"/g\" second.json\nask second.json\nsleep 1000"
    );
    let (code, said) =
        room.play(&[("first.json", first()), ("second.json", with_result(false, "hello"))], &play);
    let codes = room.corner.left("codes");
    assert_eq!(codes.lines().next(), Some("200"), "{codes}\n{}\n{said}", room.corner.left("said"));
    assert_eq!(code, Some(3), "{codes}\n{said}");
    assert_eq!(room.cause(), "mismatch", "{said}");
    assert_eq!(room.events("outcome-unmatched").len(), 1);
    assert_eq!(room.model.exchanges().len(), 1, "what the call gave never reached the model");
    assert!(said.contains("NOT ASKED: 1"), "{said}");
}

/// The same where the model is a host by name, which the client reaches by TLS through the proxy.
#[test]
fn attack_a_call_without_its_hook_ends_the_task_at_a_host_by_name_with_a_scripted_client() {
    let room = Room::new();
    let outside = tempfile::tempdir().unwrap();
    let front = Front::start(outside.path(), &room.model.url());
    let url = format!("https://model.test:{}", front.port);
    let settings = json!({ "env": { "ANTHROPIC_BASE_URL": url } });
    std::fs::write(room.corner.home().join(".claude/settings.json"), settings.to_string()).unwrap();
    let config = room.corner.home().join(".config/writ/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    std::fs::write(config, "[network]\nhosts = { \"model.test\" = \"127.0.0.1\" }\n").unwrap();
    for (name, request) in [("first.json", first()), ("second.json", with_result(false, "hello"))] {
        std::fs::write(room.corner.work().join(name), request.to_string()).unwrap();
    }
    let ask = ASK.replace(" --noproxy '*'", "");
    let play = format!(
        "MODEL={url}\n{ask}\nstart\nask first.json\n{FIND}\nsed -i \"s/\\\"ID\\\"/\\\"$id\\\"/g\" second.json\n\
         ask second.json\nsleep 1000"
    );
    let mut command = room.corner.play(&["--hold", "1s"], &play);
    command.env("NODE_EXTRA_CA_CERTS", &front.trust);
    let output = finished(command);
    let said = text(&output);
    let codes = room.corner.left("codes");
    assert_eq!(codes.lines().next(), Some("200"), "{codes}\n{}\n{said}", room.corner.left("curl.err"));
    assert_eq!((output.status.code(), room.cause().as_str()), (Some(3), "mismatch"), "{codes}\n{said}");
    assert_eq!(room.events("outcome-unmatched").len(), 1);
    assert_eq!(room.model.exchanges().len(), 1, "what the call gave never reached the model");
}

/// What the model is told it is, and which tools it is given, is on record anew whenever it is another within a session.
#[test]
fn another_system_prompt_or_list_of_tools_is_on_record_with_a_scripted_client() {
    let room = Room::new();
    let go = json!([{ "role": "user", "content": "go" }]);
    let mut other = request("m", &bash(), &go);
    other["system"] = json!("You are somebody else.");
    let more =
        request("m", &json!([bash()[0], { "name": "Other", "input_schema": { "type": "object" } }]), &go);
    let requests = [("first.json", request("m", &bash(), &go)), ("other.json", other), ("more.json", more)];
    let play = "start\nask first.json\nask first.json\nask other.json\nask more.json\nask other.json\nfinish";
    let (_, said) = room.play(&requests, play);
    let asked = room.events("model-asked");
    let [more, other, first] = asked.as_slice() else { panic!("{asked:?}\n{said}") };
    assert!(first["system"] != other["system"] && first["tools"] == other["tools"], "{asked:?}");
    assert!(first["system"] == more["system"] && first["tools"] != more["tools"], "{asked:?}");
    let task = room.corner.json(["task", "list", "--all", "--json"])["tasks"][0]["id"].clone();
    let story = text(&room.corner.run(["audit", "show", task.as_str().unwrap()]));
    assert_eq!(story.matches("model-asked").count(), 3, "{story}");
    let beginning = &other["system"].as_str().unwrap()[..12];
    assert_eq!(story.matches(&format!("system {beginning}")).count(), 1, "{story}");
}

#[test]
fn attack_a_command_of_codex_that_ran_without_its_hook_ends_the_task_with_a_scripted_client() {
    let corner = Corner::with_control_plane();
    corner.register("codex");
    let model = ScriptedModel::start(Script::new().shell("echo hello").say("Done.")).unwrap();
    std::fs::create_dir_all(corner.home().join(".codex")).unwrap();
    let config = format!("[model_providers.x]\nbase_url = \"{}/v1\"\n", model.url());
    std::fs::write(corner.home().join(".codex/config.toml"), config).unwrap();
    let tools = json!([{ "type": "function", "name": "exec_command",
        "parameters": { "type": "object", "properties": { "command": { "type": "string" } } } }]);
    let user =
        json!({ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "go" }] });
    let call = json!({ "type": "function_call", "call_id": "ID", "name": "exec_command", "arguments": "{}" });
    let back = json!({ "type": "function_call_output", "call_id": "ID",
        "output": "Chunk ID: 1\nWall time: 0 seconds\nProcess exited with code 0\nOutput:\nhello\n" });
    let first = json!({ "model": "m", "tools": tools, "input": [user] });
    let second = json!({ "model": "m", "tools": tools, "input": [user, call, back] });
    std::fs::write(corner.work().join("first.json"), first.to_string()).unwrap();
    std::fs::write(corner.work().join("second.json"), second.to_string()).unwrap();
    corner.script(
        "codex",
        &format!(
            r#"
ask() {{
  curl -sS -o said -w '%{{http_code}}\n' --noproxy '*' -H 'content-type: application/json' --data-binary "@$1" "{}/v1/responses" >>codes
}}
ask first.json
id=$(grep -o '"call_id":"[^"]*"' said | head -n1 | cut -d'"' -f4)
sed -i "s/\"ID\"/\"$id\"/g" second.json
ask second.json
sleep 1000
"#,
            model.url()
        ),
    );
    let output = finished(corner.writ(["run", "--kind", "feature", "--task", "t", "--", "codex"]));
    assert_eq!(output.status.code(), Some(3), "{}\n{}", corner.left("codes"), text(&output));
    assert!(text(&output).contains("NOT ASKED: 1"), "{}", text(&output));
    assert!(text(&output).contains("NO HOOK WAS EVER CALLED"), "{}", text(&output));
    assert_eq!(model.exchanges().len(), 1, "what the command gave never reached the model");
}

#[test]
fn a_call_that_was_decided_or_never_ran_raises_no_alarm_with_a_scripted_client() {
    // (what the client does with the call, whether its result is an error, its text)
    for (does, is_error, result) in [
        ("call \"$id\" 'echo hello'", false, "hello"),
        ("asked \"$id\" 'echo hello'", true, "Exit code 1\nno"),
        ("asked \"$id\" 'echo dG91Y2ggc3RvbGVu | base64 -d | sh'", true, "Writ denied this"),
        (":", true, "<tool_use_error>InputValidationError"),
        (":", true, "[Request interrupted by user for tool use]"),
        ("id=toolu_of_an_earlier_run", false, "hello"),
    ] {
        let room = Room::new();
        let play = format!(
            "start\nask first.json\n{FIND}\n{does}\nsed -i \"s/\\\"ID\\\"/\\\"$id\\\"/g\" second.json\nask second.json\nfinish"
        );
        let (code, said) =
            room.play(&[("first.json", first()), ("second.json", with_result(is_error, result))], &play);
        assert_eq!(room.corner.left("codes"), "200\n200\n", "{does}: {said}");
        assert_eq!((code, room.cause().as_str()), (Some(0), "finished"), "{does}: {said}");
        assert!(!said.contains("NOT ASKED"), "{does}: {said}");
        assert!(said.contains("model   asked 2 times"), "{said}");
        let asked = room.events("model-asked");
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert_eq!(asked[0]["model"], "m");
        assert!(asked[0]["system"].is_string() && asked[0]["tools"].is_string(), "{asked:?}");
        let used = room.events("model-used");
        assert_eq!((&used[0]["requests"], &used[0]["calls"]), (&json!(2), &json!(1)), "{used:?}");
        assert!(used[0]["input_tokens"].as_u64().unwrap() > 0, "{used:?}");
    }
}

#[test]
fn attack_tools_that_run_at_the_vendor_are_refused_unless_allowed_with_a_scripted_client() {
    for tool in [
        json!({ "type": "code_execution_20250825", "name": "code_execution" }),
        json!({ "type": "something_new_20300101", "name": "x" }),
    ] {
        let room = Room::new();
        let asked = request("m", &json!([tool]), &json!([{ "role": "user", "content": "go" }]));
        let (_, said) = room.play(&[("first.json", asked)], "start\nask first.json\nfinish");
        let answer = room.corner.left("said");
        assert_eq!(room.corner.left("codes"), "403\n", "{answer}\n{said}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["type"], "error");
        assert!(answer["error"]["message"].as_str().unwrap().contains("Writ"), "{answer}");
        assert!(room.model.exchanges().is_empty());
    }
}

#[test]
fn attack_other_spellings_and_other_forms_are_read_or_refused_with_a_scripted_client() {
    let room = Room::new();
    let hosted = json!([{ "type": "code_execution_20250825", "name": "code_execution" }]);
    let asked = request("m", &hosted, &json!([{ "role": "user", "content": "go" }]));
    let play = r#"
        start
        for path in /v1/mess%61ges /V1/Messages '/v1/messages;x' /v1//messages /v1/x/../messages /v1/messages/batches \
            /v1/assistants /v1/threads/runs /v1/completions; do
            curl -sS --path-as-is -o said -w '%{http_code}\n' --noproxy '*' -H 'content-type: application/json' \
                --data-binary @first.json "$MODEL$path" >>codes 2>>curl.err
        done
        curl -sS -o said -w '%{http_code}\n' --noproxy '*' -X DELETE "$MODEL/v1/files/x" >>codes
        curl -sS -o said -w '%{http_code}\n' --noproxy '*' -H 'upgrade: websocket' -H 'connection: upgrade' \
            -H 'sec-websocket-key: x' "$MODEL/v1/realtime" >>codes
        finish
    "#;
    let (_, said) = room.play(&[("first.json", asked)], play);
    let refused = ["403"; 4].into_iter().chain(["400"]).chain(["403"; 5]).chain(["426"]);
    let codes = room.corner.left("codes");
    assert_eq!(codes.lines().collect::<Vec<_>>(), refused.collect::<Vec<_>>(), "{said}");
    assert!(room.model.exchanges().is_empty());
    let names: Vec<Value> = room.events("model-asked").iter().map(|event| event["hosted"].clone()).collect();
    assert!(names.iter().any(|hosted| hosted == &json!(["code-execution"])), "{names:?}");
    assert!(names.iter().any(|hosted| hosted == &json!(["code-execution", "request"])), "{names:?}");
}

#[test]
fn attack_what_is_no_request_to_a_model_does_not_reach_it_with_a_scripted_client() {
    let room = Room::new();
    let play = r#"
        printf '%s' '{"model":"m","model":"n","messages":[]}' >twice.json
        ask twice.json
        curl -sS -o said -w '%{http_code}\n' --noproxy '*' -H 'content-encoding: zstd' --data-binary @first.json "$MODEL/v1/messages" >>codes
        at=${MODEL#http://}
        bash -c "exec 3<>/dev/tcp/${at%:*}/${at#*:}; printf '\\026\\003\\001hello' >&3; head -n1 <&3" | tr -d '\r' >>codes
    "#;
    let (_, said) = room.play(&[("first.json", first())], play);
    assert_eq!(room.corner.left("codes"), "400\n415\nHTTP/1.1 400 Bad Request\n", "{said}");
    assert!(room.model.exchanges().is_empty());
    assert!(said.contains("NO HOOK WAS EVER CALLED"), "{said}");
}

#[test]
fn a_session_that_goes_on_with_another_model_stops_with_a_scripted_client() {
    let room = Room::new();
    let other = request("another", &bash(), &json!([{ "role": "user", "content": "go" }]));
    let side =
        json!({ "model": "small", "max_tokens": 1, "messages": [{ "role": "user", "content": "title" }] });
    let play =
        "start\nask first.json\nask side.json\ncall t1 'echo 1'\nask other.json\ncall t2 'echo 2'\nfinish";
    let requests = [("first.json", first()), ("side.json", side), ("other.json", other)];
    let (_, said) = room.play(&requests, play);
    assert_eq!(room.corner.left("codes"), "200\n200\n403\n", "{said}");
    assert_eq!(room.corner.left("log"), "t1 allowed\nt2 denied\n", "{said}");
    assert!(room.corner.left("replies").contains("fingerprint-changed"), "{}", room.corner.left("replies"));
}
