//! A model that plays a script over the wire formats of the real ones, and remembers what it was told.
//!
//! The turn to play is chosen by how many tool results the conversation already carries, so a repeated request gets
//! the same answer. A request that offers no tools is a side call (titles, summaries, warm-ups) and gets a harmless
//! text without moving the script.

mod ask;
mod chat;
mod event_stream;
mod gemini;
mod messages;
mod play;
mod responses;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::Script;
pub use ask::ToolResult;
use ask::{Ask, Reply};

/// A client that sends more than this in one request is broken.
const BODY_LIMIT_BYTES: usize = 64 * 1024 * 1024;

/// The running model. Dropping it closes the port.
pub struct ScriptedModel {
    address: SocketAddr,
    /// Where clients are told that it is, when somebody stands before it.
    front: Option<String>,
    state: Arc<Playing>,
    runtime: Option<tokio::runtime::Runtime>,
}

/// One request that reached the model. Headers are not kept, so no key is.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub path: String,
    pub lane: Lane,
    /// Names of the tools that the client offered, `namespace::name` where it groups them.
    pub tools: Vec<String>,
    /// All tool results that the request carried, in order.
    pub results: Vec<ToolResult>,
    pub body: Value,
}

/// Which conversation a request belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lane {
    Main,
    /// The subagent with this prompt.
    Agent(String),
    /// Titles, summaries, warm-ups: no tools offered.
    Side,
}

struct Playing {
    script: Script,
    /// Guards the list for the time of one push or clone.
    exchanges: Mutex<Vec<Exchange>>,
    asked: Condvar,
}

enum Wire {
    Chat,
    Gemini { stream: bool },
    Messages,
    Responses,
}

// === impl ScriptedModel ===

impl ScriptedModel {
    /// Starts the model on a free loopback port, on threads of its own, so that it serves blocking tests too.
    ///
    /// # Errors
    /// When no port or no thread can be had.
    pub fn start(script: Script) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let state = Arc::new(Playing { script, exchanges: Mutex::default(), asked: Condvar::new() });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let app = Router::new().fallback(serve).with_state(Arc::clone(&state));
        runtime.spawn(async move { axum::serve(listener, app).await });
        Ok(Self { address, front: None, state, runtime: Some(runtime) })
    }

    /// The base address, without a path and without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.front.clone().unwrap_or_else(|| self.own_url())
    }

    /// Its own address, whoever stands before it.
    #[must_use]
    pub fn own_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Tells clients another address from now on: that of something which passes on to its own.
    pub fn stand_behind(&mut self, url: String) {
        self.front = Some(url);
    }

    /// Every request with a body so far, in order of arrival.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.state.exchanges().clone()
    }

    /// Waits until the requests so far are what the test waits for; `false` when they are not in time.
    #[must_use]
    pub fn wait_until(&self, limit: Duration, reached: impl Fn(&[Exchange]) -> bool) -> bool {
        let missing = |exchanges: &mut Vec<Exchange>| !reached(exchanges);
        let waited = self.state.asked.wait_timeout_while(self.state.exchanges(), limit, missing);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// The tool results that the main conversation gave back, in order.
    #[must_use]
    pub fn results(&self) -> Vec<ToolResult> {
        self.results_of(&Lane::Main)
    }

    /// The tool results that one conversation gave back, in order.
    #[must_use]
    pub fn results_of(&self, lane: &Lane) -> Vec<ToolResult> {
        let longest = |best: Vec<ToolResult>, next: &Exchange| {
            if next.lane == *lane && next.results.len() >= best.len() { next.results.clone() } else { best }
        };
        self.state.exchanges().iter().fold(Vec::new(), longest)
    }

    /// The tools that the client offered in its main conversation.
    #[must_use]
    pub fn offered(&self) -> Vec<String> {
        let exchanges = self.state.exchanges();
        exchanges
            .iter()
            .rfind(|exchange| exchange.lane == Lane::Main)
            .map_or_else(Vec::new, |e| e.tools.clone())
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

// === impl Playing ===

impl Playing {
    fn exchanges(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, path: &str, ask: &Ask, body: Value) -> Reply {
        let (lane, reply) = play::next(&self.script, ask);
        let tools = ask.tools.iter().map(ask::Offer::full_name).collect();
        self.exchanges().push(Exchange {
            path: path.to_owned(),
            lane,
            tools,
            results: ask.results.clone(),
            body,
        });
        self.asked.notify_all();
        reply
    }
}

// === impl Wire ===

impl Wire {
    fn of(path: &str) -> Option<Self> {
        match path {
            p if p.ends_with("/responses") => Some(Self::Responses),
            p if p.ends_with("/chat/completions") => Some(Self::Chat),
            p if p.ends_with("/messages") => Some(Self::Messages),
            p if p.ends_with(":streamGenerateContent") => Some(Self::Gemini { stream: true }),
            p if p.ends_with(":generateContent") => Some(Self::Gemini { stream: false }),
            _ => None,
        }
    }
}

async fn serve(State(playing): State<Arc<Playing>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    match parts.method {
        Method::POST => post(&playing, &path, &parts.headers, body).await,
        Method::GET if path.ends_with("/models") => axum_json(&models()),
        Method::GET | Method::HEAD => axum_json(&json!({})),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

async fn post(playing: &Playing, path: &str, headers: &HeaderMap, body: Body) -> Response {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the body without compression").into_response();
    }
    let Ok(bytes) = to_bytes(body, BODY_LIMIT_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    if path.ends_with("/count_tokens") {
        return axum_json(&json!({"input_tokens": 10}));
    }
    if path.ends_with(":countTokens") {
        return axum_json(&json!({"totalTokens": 10}));
    }
    let Some(wire) = Wire::of(path) else {
        return axum_json(&json!({}));
    };
    let Ok(request) = serde_json::from_slice::<Value>(&bytes) else {
        return (StatusCode::BAD_REQUEST, "the body is not JSON").into_response();
    };
    let ask = match wire {
        Wire::Chat => chat::read(&request),
        Wire::Gemini { stream } => gemini::read(&request, stream),
        Wire::Messages => messages::read(&request),
        Wire::Responses => responses::read(&request),
    };
    let model = request.get("model").and_then(Value::as_str).unwrap_or("scripted").to_owned();
    let reply = playing.answer(path, &ask, request);
    let (kind, text) = match wire {
        Wire::Chat => chat::write(&ask, &model, &reply),
        Wire::Gemini { .. } => gemini::write(&ask, &reply),
        Wire::Messages => messages::write(&ask, &model, &reply),
        Wire::Responses => responses::write(&ask, &model, &reply),
    };
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

fn models() -> Value {
    json!({
        "object": "list",
        "data": [{"id": "scripted", "object": "model", "owned_by": "test", "type": "model",
                  "display_name": "scripted", "created_at": "2026-01-01T00:00:00Z"}],
        "has_more": false,
        "models": [],
    })
}

fn axum_json(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, event_stream::JSON)], value.to_string()).into_response()
}
