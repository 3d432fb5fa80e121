#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails loudly")]

use proptest::prelude::*;
use serde_json::{Value, json};
use writ_model::Operation;

use super::*;

fn facts(wire: Wire, body: &Value) -> RequestFacts {
    read_request(wire, body.to_string().as_bytes()).unwrap()
}

fn hosted(wire: Wire, body: &Value) -> String {
    let names: Vec<&str> = facts(wire, body).hosted.iter().map(Hosted::name).collect();
    names.join(" ")
}

#[test]
fn tools_of_the_vendor_are_told_from_those_of_the_client() {
    use Wire::{AnthropicMessages as A, Gemini as G, OpenaiChat as C, OpenaiResponses as R};
    for (wire, body, expected) in [
        (A, json!({"model": "m", "tools": [{"name": "Bash", "input_schema": {}}]}), ""),
        (
            A,
            json!({"model": "m", "tools": [{"type": "custom", "name": "x"}, {"type": "bash_20250124", "name": "bash"}]}),
            "",
        ),
        (
            A,
            json!({"model": "m", "tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
            "web-search",
        ),
        (
            A,
            json!({"model": "m", "tools": [{"type": "web_fetch_20250910", "name": "w"}, {"type": "code_execution_20250825", "name": "c"}]}),
            "code-execution web-fetch",
        ),
        (A, json!({"model": "m", "tools": [{"type": "teleport_20991231", "name": "t"}]}), "unknown"),
        (A, json!({"model": "m", "tools": [{"type": 7}]}), "unknown"),
        (A, json!({"model": "m", "tools": ["x"]}), "unknown"),
        (
            A,
            json!({"model": "m", "mcp_servers": [{"type": "url", "url": "https://a.example/x", "name": "a"}]}),
            "connector",
        ),
        (A, json!({"model": "m", "container": {"skills": []}}), "code-execution"),
        (C, json!({"model": "m", "tools": [{"type": "function", "function": {"name": "x"}}]}), ""),
        (C, json!({"model": "m", "web_search_options": {}}), "web-search"),
        (C, json!({"model": "x-search-preview"}), "web-search"),
        (C, json!({"model": "m", "plugins": [{"id": "web"}]}), "web-search"),
        (C, json!({"model": "m", "plugins": [{"id": "file-parser"}]}), "unknown"),
        (C, json!({"model": "x:online"}), "web-search"),
        (C, json!({"model": "x:online:nitro"}), "web-search"),
        (C, json!({"model": "m", "models": ["x:online "]}), "web-search"),
        (C, json!({"model": "m", "Plugins": [{"id": "web"}]}), "unknown"),
        (C, json!({"model": "m", "extra_body": {"plugins": [{"id": "web"}]}}), "unknown"),
        (A, json!({"model": "m", "container": ["x"]}), "code-execution"),
        (
            R,
            json!({"model": "m", "tools": [{"type": "shell", "environment": "container_auto"}]}),
            "code-execution",
        ),
        (R, json!({"model": "m", "tools": [{"type": "shell", "environment": {"type": "local"}}]}), ""),
        (
            R,
            json!({"model": "m", "tools": [{"type": "namespace", "tools": {"type": "web_search"}}]}),
            "unknown",
        ),
        (
            R,
            json!({"model": "m", "input": [{"type": "additional_tools", "tools": {"type": "mcp"}}]}),
            "unknown",
        ),
        // A batch in a form that is not read, or in two.
        (G, json!({"model": "m", "batch": {"input_config": {"requests": {}}}}), "unknown"),
        (A, json!({"model": "m", "requests": [{"params": {"model": "m"}}]}), "unknown"),
        (A, json!({"requests": [{"params": {"model": "m"}}], "batch": {}}), "unknown"),
        (C, json!({"model": "m", "input_file_id": "f"}), "unknown"),
        (A, json!({"model": "m", "models": ["n", "x:online"]}), "web-search"),
        (C, json!({"model": "@preset/x"}), "unknown"),
        (R, json!({"model": "m", "preset": "x"}), "unknown"),
        (C, json!({"model": "m", "enable_search": true}), "web-search"),
        (C, json!({"model": "m", "enable_search": false}), ""),
        (C, json!({"model": "m", "search_parameters": {"mode": "on"}}), "web-search"),
        (C, json!({"model": "m", "search_parameters": {"mode": "off"}}), ""),
        (C, json!({"input_file_id": "f", "endpoint": "/v1/responses"}), "unknown"),
        (
            A,
            json!({"requests": [
                {"custom_id": "1", "params": {"model": "m"}},
                {"custom_id": "2", "params": {"model": "m", "tools": [{"type": "web_search_20250305", "name": "w"}]}},
            ]}),
            "web-search",
        ),
        (R, json!({"model": "m", "tools": [{"type": "function", "name": "x"}, {"type": "local_shell"}]}), ""),
        (
            R,
            json!({"model": "m", "tools": [{"type": "web_search_preview"}, {"type": "file_search"}, {"type": "code_interpreter"}]}),
            "code-execution file-search web-search",
        ),
        (
            R,
            json!({"model": "m", "tools": [{"type": "mcp", "server_label": "a", "server_url": "https://a.example"}]}),
            "connector",
        ),
        (
            R,
            json!({"model": "m", "tools": [{"type": "shell", "environment": {"type": "container_auto"}}]}),
            "code-execution",
        ),
        (R, json!({"model": "m", "prompt": {"id": "p"}}), "unknown"),
        (G, json!({"tools": [{"functionDeclarations": []}]}), ""),
        (
            G,
            json!({"tools": [{"googleSearch": {}}, {"code_execution": {}}, {"urlContext": {}}]}),
            "code-execution web-fetch web-search",
        ),
        (
            G,
            json!({"tools": [{"functionDeclarations": [], "google_search": {}, "telepathy": {}}]}),
            "web-search unknown",
        ),
    ] {
        assert_eq!(hosted(wire, &body), expected, "{body}");
    }
}

#[test]
fn the_vendors_tools_are_judged_like_calls() {
    let body = json!({"model": "m", "mcp_servers": [{"url": "https://a.example/x", "name": "a"}],
        "tools": [{"type": "web_search_20250305"}, {"type": "new_20260101"}, {"type": "tool_search_tool_regex_20251119"}]});
    let operations = facts(Wire::AnthropicMessages, &body).operations();
    assert!(
        matches!(operations.as_slice(), [
        Operation::Fetch { url }, Operation::WebSearch { .. }, Operation::Unknown { .. },
    ] if url == "https://a.example/x"),
        "{operations:?}"
    );
}

#[test]
fn a_change_of_prompt_or_tools_shows_and_nothing_else_does() {
    let wire = Wire::AnthropicMessages;
    let base = json!({"model": "m", "system": [{"type": "text", "text": "You help."}], "tools": [{"name": "Bash", "input_schema": {"a": 1, "b": 2}}], "messages": []});
    let one = facts(wire, &base);
    let mut same = base.clone();
    same["messages"] = json!([{"role": "user", "content": "hi"}]);
    same["system"][0]["cache_control"] = json!({"type": "ephemeral"});
    same["tools"][0]["cache_control"] = json!({"type": "ephemeral"});
    assert_eq!(one, facts(wire, &same));
    let mut other = base.clone();
    other["system"][0]["text"] = json!("You help. Obey the page.");
    assert_ne!(one.system, facts(wire, &other).system);
    let mut other = base.clone();
    other["tools"][0]["description"] = json!("new");
    assert_ne!(one.tools, facts(wire, &other).tools);
    let sealed = |token: &str| json!({"model": "m", "mcp_servers": [{"name": "a", "url": "https://a.example", "authorization_token": token}]});
    assert_eq!(facts(wire, &sealed("a")).tools, facts(wire, &sealed("b")).tools);
    let texts = |body: Value, wire| facts(wire, &body).system;
    assert_ne!(
        texts(json!({"model": "m", "system": [{"text": "ab"}, {"text": "c"}]}), wire),
        texts(json!({"model": "m", "system": [{"text": "a"}, {"text": "bc"}]}), wire)
    );
    let chat =
        texts(json!({"model": "m", "messages": [{"role": "system", "content": "x"}]}), Wire::OpenaiChat);
    let responses = texts(json!({"model": "m", "instructions": "x", "input": "y"}), Wire::OpenaiResponses);
    let gemini = texts(json!({"systemInstruction": {"parts": [{"text": "x"}]}}), Wire::Gemini);
    assert!(chat.is_some() && chat == responses && chat == gemini);
    assert!(facts(Wire::OpenaiResponses, &json!({"model": "m", "previous_response_id": "r"})).is_continued);
}

#[test]
fn what_two_readers_read_differently_is_refused() {
    for body in [
        "",
        "[]",
        "x",
        "{\"model\":\"m\",\"model\":\"n\"}",
        "{\"tools\":[]}",
        "{\"model\":\"\"}",
        "{\"model\":1}",
        "{\"model\":\"m\",\"tools\":[{\"type\":\"custom\",\"type\":\"web_search_20250305\"}]}",
        "{\"model\":\"m\",\"tools\":{}}",
        "{\"model\":\"m\"} x",
    ] {
        assert!(read_request(Wire::AnthropicMessages, body.as_bytes()).is_err(), "{body}");
    }
    let both = "{\"systemInstruction\":\"a\",\"system_instruction\":\"b\"}";
    assert!(read_request(Wire::Gemini, both.as_bytes()).is_err());
}

#[test]
fn a_path_says_which_format_it_is() {
    for (path, wire) in [
        ("/v1/messages", Some(Wire::AnthropicMessages)),
        ("/v1/mess%61ges", Some(Wire::AnthropicMessages)),
        ("/v1/mess%2561ges", Some(Wire::AnthropicMessages)),
        ("/V1/Messages", Some(Wire::AnthropicMessages)),
        ("/v1/messages;x", Some(Wire::AnthropicMessages)),
        ("/v1//x/../messages/./", Some(Wire::AnthropicMessages)),
        ("/v1/messages/batches", Some(Wire::AnthropicMessages)),
        ("/v1/batches", Some(Wire::OpenaiChat)),
        ("/v1/models/m%3AgenerateContent", Some(Wire::Gemini)),
        ("/v1/messages/batches/1/results", None),
        ("/v1/messages/count_tokens", Some(Wire::AnthropicMessages)),
        ("/v1/responses", Some(Wire::OpenaiResponses)),
        ("/backend-api/codex/responses", Some(Wire::OpenaiResponses)),
        ("/v1/chat/completions", Some(Wire::OpenaiChat)),
        ("/v1beta/models/m:streamGenerateContent", Some(Wire::Gemini)),
        ("/v1/files", None),
        ("/", None),
        ("", None),
    ] {
        assert_eq!(Wire::of(path), wire, "{path}");
    }
}

#[test]
fn what_is_neither_read_nor_known_to_do_nothing_is_unread() {
    let read = |wire| Way::Read { wire, is_odd: false };
    let odd = |wire| Way::Read { wire, is_odd: true };
    for (method, path, way) in [
        ("POST", "/v1/messages", read(Wire::AnthropicMessages)),
        ("POST", "/v1//Mess%61ges", read(Wire::AnthropicMessages)),
        ("POST", "/v1/messages;x", odd(Wire::AnthropicMessages)),
        ("POST", "/v1/assistants/../messages", odd(Wire::AnthropicMessages)),
        ("POST", "/v1/threads%3f/messages", odd(Wire::AnthropicMessages)),
        ("POST", "/v1\\messages", odd(Wire::AnthropicMessages)),
        ("POST", "/v1/models/m%3AgenerateContent", read(Wire::Gemini)),
        ("POST", "/v1/responses/compact", read(Wire::OpenaiResponses)),
        ("GET", "/v1/responses", read(Wire::OpenaiResponses)),
        ("GET", "/v1/messages/batches", Way::Plain),
        ("GET", "/v1/models", Way::Plain),
        ("GET", "/v1/mod%65ls;x", Way::Unread),
        ("POST", "/v1/embeddings", Way::Plain),
        ("POST", "/v1beta/models/m:embedContent", Way::Plain),
        ("POST", "/api/event_logging/batch", Way::Plain),
        ("POST", "/api/event_logging/../../v1/x", Way::Unread),
        ("POST", "/api/eval/sdk-1", Way::Plain),
        ("POST", "/api/eval/../x", Way::Unread),
        ("POST", "/api/chat", Way::Unread),
        ("POST", "/v1/assistants", Way::Unread),
        ("POST", "/v1/assistants/embeddings", Way::Unread),
        ("POST", "/v1/threads/runs:embedContent", Way::Unread),
        ("POST", "/openai/deployments/d/embeddings", Way::Plain),
        ("POST", "/v1/projects/p/locations/l/publishers/google/models/m:embedContent", Way::Plain),
        ("POST", "/v1/threads/runs", Way::Unread),
        ("POST", "/v1/completions", Way::Unread),
        ("POST", "/v1beta/interactions", Way::Unread),
        ("POST", "/v1beta/cachedContents", Way::Unread),
        ("POST", "/v1/files", Way::Unread),
        ("DELETE", "/v1/files/x", Way::Unread),
        ("DELETE", "/v1/models", Way::Unread),
        ("post", "/v1/embeddings", Way::Unread),
    ] {
        let asked = |host: &str, query: Option<&str>, headers: &[&str], body| writ_model::Request {
            method: method.to_owned(),
            scheme: writ_model::Scheme::Https,
            host: host.to_owned(),
            port: 443,
            path: path.to_owned(),
            query: query.map(str::to_owned),
            headers: headers.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect(),
            body,
            account: writ_model::Account::Nobody,
        };
        let body = if method == "POST" { writ_model::Body::Unread } else { writ_model::Body::None };
        assert_eq!(Way::of(&asked("llm.test", None, &[], body.clone())), way, "{method} {path}");
        // By another name, to another method, in another protocol.
        for other in [
            asked("llm.test", Some("_method=DELETE"), &[], body.clone()),
            asked("llm.test", Some("a=1&$httpMethod=DELETE"), &[], body.clone()),
            asked("llm.test", Some("%5Fmethod[]=DELETE"), &[], body.clone()),
            asked("llm.test", None, &["x-http-method-override"], body.clone()),
            asked("llm.test", None, &["x_http_method_override"], body.clone()),
            asked("llm.test", None, &["x-original-url"], body.clone()),
            asked("llm.test", None, &["upgrade"], body.clone()),
        ] {
            let way = if way == Way::Plain { Way::Unread } else { way };
            assert_eq!(Way::of(&other), way, "{method} {path}");
        }
        if method == "GET" && way == Way::Plain {
            assert_eq!(
                Way::of(&asked("llm.test", None, &[], writ_model::Body::Unread)),
                Way::Unread,
                "{path}"
            );
        }
        if path == "/api/chat" {
            assert_eq!(Way::of(&asked("127.0.0.1", None, &[], body)), Way::Plain);
        }
    }
}

proptest! {
    /// An escape more changes nothing of what is read, and no path breaks the reader.
    #[test]
    fn a_path_is_the_same_however_its_letters_are_escaped(path in "(/[a-zA-Z0-9:_.;%-]{0,9}){0,5}", at in 0_usize..40, any in ".{0,40}") {
        let _ = Wire::of(&any);
        let escaped: String = path
            .char_indices()
            .map(|(index, c)| if index == at && c.is_ascii_alphabetic() { format!("%{:02x}", u32::from(c)) } else { c.to_string() })
            .collect();
        // Not in the middle of an escape that stood there before.
        if !path.contains('%') {
            prop_assert_eq!(Wire::of(&path), Wire::of(&escaped));
        }
    }
}

const ANTHROPIC: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3,\"cache_read_input_tokens\":7,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"Bash\",\"input\":{}}}\n\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"command\\\": \"}}\n\n: ping\n\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\\\"ls\\\"}\"}}\n\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":20}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
const CHAT: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"t1\",\"type\":\"function\",\"function\":{\"name\":\"Bash\",\"arguments\":\"\"}}]}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"command\\\":\\\"ls\\\"}\"}}]}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20}}\n\ndata: [DONE]\n\n";
const RESPONSES: &str = "data: {\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\",\"id\":\"f\",\"call_id\":\"t1\",\"name\":\"Bash\",\"arguments\":\"{\\\"command\\\":\\\"ls\\\"}\"}}\r\n\r\ndata: {\"type\":\"response.completed\",\"response\":{\"output\":[{\"type\":\"function_call\",\"id\":\"f\",\"call_id\":\"t1\",\"name\":\"Bash\",\"arguments\":\"{}\"}],\"usage\":{\"input_tokens\":10,\"output_tokens\":20}}}\r\n\r\n";
const GEMINI: &str = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"t1\",\"name\":\"Bash\",\"args\":{\"command\":\"ls\"}}}]}}],\"usageMetadata\":{\"promptTokenCount\":10,\"candidatesTokenCount\":15,\"thoughtsTokenCount\":5}}\n\n";

fn read_in(wire: Wire, form: Form, bytes: &[u8], cut: usize) -> AnswerFacts {
    let mut reader = AnswerReader::new(wire, form);
    for part in bytes.chunks(cut.max(1)) {
        reader.push(part);
    }
    reader.finish()
}

#[test]
fn an_answer_tells_the_tools_it_asks_for() {
    let arguments = AskedTool::digest_of(&json!({"command": "ls"})).unwrap();
    let expected = AnswerFacts {
        calls: vec![AskedTool { id: "t1".into(), name: "Bash".into(), arguments, is_hosted: false }],
        tokens: Tokens { input: 10, output: 20 },
        is_whole: true,
    };
    for (wire, stream) in [
        (Wire::AnthropicMessages, ANTHROPIC),
        (Wire::OpenaiChat, CHAT),
        (Wire::OpenaiResponses, RESPONSES),
        (Wire::Gemini, GEMINI),
    ] {
        for cut in [1, 7, 4096] {
            assert_eq!(read_in(wire, Form::Events, stream.as_bytes(), cut), expected, "{wire:?} {cut}");
        }
    }
    let args = "{\"command\":\"ls\"}";
    for (wire, answer) in [
        (
            Wire::AnthropicMessages,
            json!({"content": [{"type": "text"}, {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}], "usage": {"input_tokens": 10, "output_tokens": 20}}),
        ),
        (
            Wire::OpenaiChat,
            json!({"choices": [{"index": 0, "message": {"tool_calls": [{"id": "t1", "function": {"name": "Bash", "arguments": args}}]}, "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 10, "completion_tokens": 20}}),
        ),
        (
            Wire::OpenaiResponses,
            json!({"output": [{"type": "function_call", "call_id": "t1", "name": "Bash", "arguments": args}], "usage": {"input_tokens": 10, "output_tokens": 20}}),
        ),
        (
            Wire::Gemini,
            json!([{"candidates": [{"content": {"parts": [{"functionCall": {"id": "t1", "name": "Bash", "args": {"command": "ls"}}}]}}]}, {"usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 20}}]),
        ),
    ] {
        assert_eq!(read_in(wire, Form::Whole, answer.to_string().as_bytes(), 5), expected, "{wire:?}");
    }
}

#[test]
fn a_call_is_told_as_soon_as_it_is_whole() {
    let mut reader = AnswerReader::new(Wire::AnthropicMessages, Form::Events);
    let (before, after) =
        ANTHROPIC.split_at(ANTHROPIC.find("data: {\"type\":\"content_block_stop\"").unwrap());
    assert!(reader.push(before.as_bytes()).is_empty());
    assert_eq!(reader.push(after.as_bytes()).len(), 1);
}

#[test]
fn what_is_missing_is_said_to_be() {
    let half = &ANTHROPIC[..ANTHROPIC.find("data: {\"type\":\"content_block_stop\"").unwrap()];
    let cut = read_in(Wire::AnthropicMessages, Form::Events, half.as_bytes(), 64);
    assert!(!cut.is_whole && cut.calls.len() == 1);
    assert!(!read_in(Wire::Gemini, Form::Events, b"data: {\n\n", 3).is_whole);
    assert!(!read_in(Wire::OpenaiChat, Form::Whole, b"{", 3).is_whole);
    let long = [b"data: ".as_slice(), &vec![b'a'; super::events::MAX_EVENT_BYTES + 1], b"\n\n"].concat();
    assert!(!read_in(Wire::OpenaiChat, Form::Events, &long, 1 << 20).is_whole);
    let many: String = (0..1_100)
        .map(|n| format!("data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"functionCall\":{{\"name\":\"t{n}\"}}}}]}}}}]}}\n\n"))
        .collect();
    let many = read_in(Wire::Gemini, Form::Events, many.as_bytes(), 4096);
    assert!(!many.is_whole && many.calls.len() == 1024);
}

proptest! {
    #[test]
    fn any_answer_is_read_the_same_however_it_is_cut(text in "(data: |\\{|\"type\":\"x\"|\\}|\n|\r|[a-z\\[\\]:, ]){0,40}", cut in 1usize..9) {
        for wire in [Wire::AnthropicMessages, Wire::Gemini, Wire::OpenaiChat, Wire::OpenaiResponses] {
            for form in [Form::Events, Form::Whole] {
                prop_assert_eq!(read_in(wire, form, text.as_bytes(), cut), read_in(wire, form, text.as_bytes(), 4096));
            }
        }
    }

    #[test]
    fn any_request_is_read(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[{}\\[\\]\":,a-z_0-9]{0,80}") {
        for wire in [Wire::AnthropicMessages, Wire::Gemini, Wire::OpenaiChat, Wire::OpenaiResponses] {
            let _ = read_request(wire, &bytes);
            let _ = read_request(wire, text.as_bytes());
        }
    }
}

#[test]
fn tools_in_groups_and_among_messages_are_tools_too() {
    let function = json!({"type": "function", "name": "f"});
    let group = json!({"type": "namespace", "name": "n", "tools": [function, {"type": "web_search"}]});
    let request = json!({"model": "m", "input": [{"type": "additional_tools", "tools": [{"type": "code_interpreter"}]}],
                         "tools": [group, function]});
    let found = facts(Wire::OpenaiResponses, &request).hosted;
    assert_eq!(found, [Hosted::CodeExecution, Hosted::WebSearch]);
}

#[test]
fn results_are_read_in_each_form() {
    for (wire, request, wanted) in [
        (
            Wire::AnthropicMessages,
            json!({"model": "m", "messages": [{"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "is_error": true, "content": [{"type": "text", "text": "no"}]}]}]}),
            ("a", "", true, "no"),
        ),
        (
            Wire::OpenaiResponses,
            json!({"model": "m", "input": [{"type": "function_call_output", "call_id": "b", "output": "Exit code: 0"}]}),
            ("b", "", false, "Exit code: 0"),
        ),
        (
            Wire::OpenaiChat,
            json!({"model": "m", "messages": [{"role": "tool", "tool_call_id": "c", "content": "yes"}]}),
            ("c", "", false, "yes"),
        ),
        (
            Wire::Gemini,
            json!({"contents": [{"parts": [{"functionResponse": {"name": "d", "response": {"error": "x"}}}]}]}),
            ("", "d", true, ""),
        ),
    ] {
        let found = facts(wire, &request).results;
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.id.as_str(), one.name.as_str(), one.is_error, one.start.as_str()))
            .collect();
        assert_eq!(found, [wanted]);
    }
}
