//! The scripted model: the same few turns over the wire format of whichever client asks.
//!
//! Which turn comes is told by how many tool results the conversation carries, so that a repeated request gets the same
//! answer. A request that offers no tools (a title, a summary) gets a harmless text and moves nothing. It listens on
//! loopback, for the length of one demo, and has nothing to give.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::turns::{LAST_WORD, Turn};

mod chat;
mod gemini;
mod messages;
mod responses;

/// Largest request.
const MAX_BODY_BYTES: usize = 32 << 20;
const JSON: &str = "application/json";
const STREAM: &str = "text/event-stream";

/// Tools that run a command, and those that write a file, of all clients.
const SHELL_TOOLS: [&str; 4] = ["Bash", "exec_command", "run_shell_command", "bash"];
const WRITE_TOOLS: [&str; 3] = ["Write", "write_file", "write"];

/// The running model. Dropping it closes the port.
pub(super) struct Model {
    address: SocketAddr,
    serving: JoinHandle<()>,
    playing: Arc<Playing>,
}

struct Playing {
    turns: Vec<Turn>,
    /// What must never be told to a model.
    secret: String,
    told: AtomicBool,
}

/// What a turn depends on, whatever the wire format.
#[derive(Debug, Default)]
struct Ask {
    tools: Vec<String>,
    results: usize,
    stream: bool,
    /// The client wants a document and not prose.
    json: bool,
}

/// What the model answers.
#[derive(Debug, PartialEq)]
enum Reply {
    Call { id: String, tool: String, arguments: Value },
    Say(String),
}

// === impl Model ===

impl Model {
    /// Starts it on a free port. `secret` is looked for in everything that the model is told.
    pub(super) async fn start(turns: Vec<Turn>, secret: String) -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let playing = Arc::new(Playing { turns, secret, told: AtomicBool::new(false) });
        let app = Router::new().fallback(serve).with_state(Arc::clone(&playing));
        let serving = tokio::spawn(async move {
            // It ends with the demo; a client that it no longer answers fails, and the facts show that.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { address, serving, playing })
    }

    /// Its address, without a path.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether the secret reached it.
    pub(super) fn was_told_the_secret(&self) -> bool {
        self.playing.told.load(Ordering::Relaxed)
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(State(playing): State<Arc<Playing>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    match parts.method {
        Method::POST => post(&playing, path, body).await,
        Method::GET if path.ends_with("/models") => {
            answered((JSON, json!({"object": "list", "data": [], "models": []}).to_string()))
        }
        Method::GET | Method::HEAD => answered((JSON, "{}".to_owned())),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

async fn post(playing: &Playing, path: &str, body: Body) -> Response {
    let Ok(bytes) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    if contains(&bytes, playing.secret.as_bytes()) {
        playing.told.store(true, Ordering::Relaxed);
    }
    let Ok(request) = serde_json::from_slice::<Value>(&bytes) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    answered(match path {
        p if p.ends_with("/count_tokens") => (JSON, json!({"input_tokens": 1}).to_string()),
        p if p.ends_with(":countTokens") => (JSON, json!({"totalTokens": 1}).to_string()),
        p if p.ends_with("/messages") => {
            let ask = messages::read(&request);
            messages::write(&ask, &playing.reply(&ask))
        }
        p if p.ends_with("/responses") => {
            let ask = responses::read(&request);
            responses::write(&ask, &playing.reply(&ask))
        }
        p if p.ends_with("/chat/completions") => {
            let ask = chat::read(&request);
            chat::write(&ask, &playing.reply(&ask))
        }
        p if p.ends_with(":generateContent") || p.ends_with(":streamGenerateContent") => {
            let ask = gemini::read(&request, p.ends_with(":streamGenerateContent"));
            gemini::write(&ask, &playing.reply(&ask))
        }
        _ => (JSON, "{}".to_owned()),
    })
}

fn answered((kind, text): (&'static str, String)) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

// === impl Playing ===

impl Playing {
    fn reply(&self, ask: &Ask) -> Reply {
        if ask.tools.is_empty() {
            return Reply::Say(if ask.json { "{}" } else { "ok" }.to_owned());
        }
        let call = self.turns.get(ask.results).and_then(|turn| call(turn, ask));
        call.unwrap_or_else(|| Reply::Say(LAST_WORD.to_owned()))
    }
}

/// The turn by the client's own tool. Nothing when it offers none; then the effect is missed, and the facts show that.
fn call(turn: &Turn, ask: &Ask) -> Option<Reply> {
    let offered =
        |names: &[&'static str]| names.iter().copied().find(|name| ask.tools.iter().any(|tool| tool == name));
    let (tool, arguments) = match turn {
        Turn::Shell { command, why } => by_shell(offered(&SHELL_TOOLS)?, command, why),
        Turn::Write { path, content } => match offered(&WRITE_TOOLS) {
            Some("write") => ("write", json!({"filePath": path, "content": content})),
            Some(tool) => (tool, json!({"file_path": path, "content": content})),
            // A client without a file tool for this model writes by its shell.
            None => {
                let command = format!("cat > '{path}' <<'END_OF_FILE'\n{content}END_OF_FILE");
                by_shell(offered(&SHELL_TOOLS)?, &command, "Write the file")
            }
        },
    };
    Some(Reply::Call { id: format!("call_{}", ask.results + 1), tool: tool.to_owned(), arguments })
}

fn by_shell(tool: &'static str, command: &str, why: &str) -> (&'static str, Value) {
    match tool {
        "exec_command" => (tool, json!({"cmd": command})),
        tool => (tool, json!({"command": command, "description": why})),
    }
}

/// Server-sent events, with their names where the format has any.
fn events<'e>(events: impl IntoIterator<Item = (Option<&'e str>, Value)>) -> String {
    let line = |(name, data): (Option<&str>, Value)| match name {
        Some(name) => format!("event: {name}\ndata: {data}\n\n"),
        None => format!("data: {data}\n\n"),
    };
    events.into_iter().map(line).collect()
}

fn items<'v>(value: &'v Value, field: &str) -> impl Iterator<Item = &'v Value> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn word<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn is_streamed(request: &Value) -> bool {
    request.get("stream") == Some(&Value::Bool(true))
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    !wanted.is_empty() && bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests;
