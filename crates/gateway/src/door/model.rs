//! What a client says to its model, decided and listened to where it leaves.
//!
//! A request to a model is read before it goes on: what its vendor would do by itself is judged like any call, and what the
//! model is told it is goes on record. Answers tell which calls the model asks for. A result of such a call, in a later
//! request, of which no hook ever asked, shows that the client's hooks are off: the task ends there and then.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex};

use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;
use writ_model::{ActivityEvent, Body, Digest, Label, Operation, Outcome, ReasonCode};

use super::way_out::WayOut;
use super::{Door, No, lock};
use crate::aside;
use crate::http::model::{self, Ear, Room};
use crate::http::port::{Divert, Pass, Refusal, Wait};
use crate::http::{Authority, Flow, Onward};
use crate::model_traffic::{AnswerReader, AskedTool, Form, Hosted, RequestFacts, Way, Wire, read_request};
use crate::port::Office;

mod evidence;

pub(super) use evidence::Asks;
use evidence::{Evidence, evidence};

/// Calls that the model asked for and whose results have not come, at most.
const MAX_ASKED: usize = 16 << 10;
/// Characters of a request that is told by its method and path.
const MAX_WORDS: usize = 120;
/// Kinds of request that are told apart, before all are forgotten and recorded anew.
const MAX_KINDS: usize = 256;

/// The door for requests to the client's model.
pub struct ModelDoor<O> {
    door: Arc<Door<O>>,
    way: Arc<WayOut>,
    /// Where models are, or may be.
    places: Vec<Authority>,
    /// Those among them that are models' own: what is asked there and not known is unknown.
    own: Vec<Authority>,
    room: Room,
    /// Held for one look.
    book: Arc<Mutex<Book>>,
}

/// What was seen of one run's model.
#[derive(Default)]
struct Book {
    kinds: BTreeSet<Kind>,
    /// By the vendor's id: the name of the tool. Removed when the result comes.
    asked: HashMap<String, String>,
    /// The model that was asked with a list of tools, where it was the one that the client's session told of.
    spoken: BTreeMap<Digest, Label>,
    /// Vendor's tools that were allowed, each with what the task had touched then.
    hosted: BTreeSet<(Hosted, String)>,
    used: Used,
}

/// What tells one kind of request from another.
type Kind = (String, Option<Digest>, Option<Digest>, Vec<Hosted>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Used {
    requests: u64,
    input_tokens: u64,
    output_tokens: u64,
    calls: u64,
    unmatched: u64,
}

/// Listens to one answer.
struct Listener {
    reader: Option<AnswerReader>,
    book: Arc<Mutex<Book>>,
}

/// A request that does not go on.
struct Refused {
    status: StatusCode,
    code: &'static str,
    text: String,
}

// === impl ModelDoor ===

impl<O> fmt::Debug for ModelDoor<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelDoor").field("places", &self.places).finish_non_exhaustive()
    }
}

impl<O: Office> ModelDoor<O> {
    /// The door for requests to these places, in the session of what leaves. `own` are those among them that are nothing
    /// but models, so that whatever is not known there is decided as unknown.
    pub fn new(door: Arc<Door<O>>, way: Arc<WayOut>, places: Vec<Authority>, own: Vec<Authority>) -> Self {
        Self { door, way, places, own, room: Room::default(), book: Arc::default() }
    }

    /// Records what all of it came to. For the end of a run.
    pub async fn end(&self) {
        let Used { requests, input_tokens, output_tokens, calls, unmatched } = lock(&self.book).used;
        if requests == 0 {
            return;
        }
        let session = self.way.slot.id;
        let event =
            ActivityEvent::ModelUsed { session, requests, input_tokens, output_tokens, calls, unmatched };
        let _ = self.door.record(&self.way.slot, &self.way.opened, event, Vec::new()).await;
    }

    async fn pass(
        &self,
        (wire, is_odd): (Wire, bool),
        request: writ_model::Request,
        head: Parts,
        mut body: Flow,
        onward: Onward,
    ) -> Response<Flow> {
        let admitted = self.admit((wire, is_odd), &request, &head, &mut body).await;
        let (pass, hosted) = match admitted {
            Ok(admitted) => admitted,
            Err(Refused { status, code, text }) => {
                model::forget(body);
                return model::refused(wire, status, code, &text);
            }
        };
        let response = onward.send(pass, Request::from_parts(head, body)).await;
        let is_answered = response.status().is_success();
        for admitted in hosted {
            let outcome = if is_answered { Outcome::Succeeded } else { Outcome::Failed };
            self.door.left(&self.way, &admitted, outcome, json!({ "at": "the model's vendor" })).await;
        }
        if !is_answered || Wire::is_silent(&request.path) {
            return response;
        }
        let kind = response.headers().get(hyper::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is_events = kind.is_some_and(|kind| kind.starts_with("text/event-stream"));
        let form = if is_events { Form::Events } else { Form::Whole };
        let reader = Some(AnswerReader::new(wire, form));
        model::overheard(response, Box::new(Listener { reader, book: Arc::clone(&self.book) }))
    }

    /// Decides a request: what it carries back, what the vendor would do, and then itself.
    async fn admit(
        &self,
        (wire, is_odd): (Wire, bool),
        request: &writ_model::Request,
        head: &Parts,
        body: &mut Flow,
    ) -> Result<(Pass, Vec<crate::Admitted<writ_model::ToolCall>>), Refused> {
        if head.method != Method::POST {
            let text = "models are asked with POST on this way, and not by a web socket";
            return Err(Refused::new(StatusCode::UPGRADE_REQUIRED, ReasonCode::Unknown.name(), text));
        }
        let bytes = self.room.read(&head.headers, body).await.map_err(|unread| {
            Refused::new(unread.status(), ReasonCode::InputMalformed.name(), &unread.to_string())
        })?;
        let mut facts =
            aside::MODEL.look(bytes.len(), || read_request(wire, &bytes)).await.map_err(|error| {
                Refused::new(StatusCode::BAD_REQUEST, ReasonCode::InputMalformed.name(), &error.to_string())
            })?;
        drop(bytes);
        if wire == Wire::Gemini && facts.model.is_empty() {
            facts.model = model_in(&request.path);
        }
        if is_odd {
            facts.hosted.push(unread(request));
        }
        self.check_results(&facts).await?;
        self.watch(&facts).await?;
        self.tell(&facts).await?;
        let hosted = self.hosted(&facts.hosted).await?;
        // What is said is between the client and its model: the judge is asked about the way there.
        let bare = writ_model::Request { body: Body::Unread, ..request.clone() };
        let admitted = self.door.leave(&self.way, Operation::Request(Box::new(bare))).await?;
        let mut book = lock(&self.book);
        book.used.requests = book.used.requests.saturating_add(1);
        Ok((Pass::new(admitted), hosted))
    }

    /// Passes a request of which nobody here knows what it does at the vendor, once that is decided as such.
    async fn pass_unread(
        &self,
        request: writ_model::Request,
        head: Parts,
        body: Flow,
        onward: Onward,
    ) -> Response<Flow> {
        let admitted = self.admit_unread(&request).await;
        let (pass, hosted) = match admitted {
            Ok(admitted) => admitted,
            Err(Refused { status, code, text }) => {
                model::forget(body);
                return model::refused(Wire::OpenaiChat, status, code, &text);
            }
        };
        let response = onward.send(pass, Request::from_parts(head, body)).await;
        let outcome = if response.status().is_success() { Outcome::Succeeded } else { Outcome::Failed };
        for admitted in hosted {
            self.door.left(&self.way, &admitted, outcome, json!({ "at": "the model's vendor" })).await;
        }
        response
    }

    async fn admit_unread(
        &self,
        request: &writ_model::Request,
    ) -> Result<(Pass, Vec<crate::Admitted<writ_model::ToolCall>>), Refused> {
        if request.headers.iter().any(|(name, _)| name == "upgrade") {
            let text = "a web socket to a model's host is not passed on, because nobody could read it";
            return Err(Refused::new(StatusCode::UPGRADE_REQUIRED, ReasonCode::Unknown.name(), text));
        }
        let hosted = self.hosted(std::slice::from_ref(&unread(request))).await?;
        let bare = writ_model::Request { body: Body::Unread, ..request.clone() };
        let admitted = self.door.leave(&self.way, Operation::Request(Box::new(bare))).await?;
        Ok((Pass::new(admitted), hosted))
    }

    /// Looks for results of calls that nobody decided.
    async fn check_results(&self, facts: &RequestFacts) -> Result<(), Refused> {
        let client = self.way.client;
        let mut ran = None;
        for result in &facts.results {
            // A conversation that is taken up again carries results from before this run: they are nobody's here.
            let Some(tool) = lock(&self.book).asked.remove(&result.id) else { continue };
            if self.door.was_allowed(client, &result.id) {
                continue;
            }
            match evidence(client, &tool, result, self.door.was_asked(client, &result.id)) {
                Evidence::NotRun => {}
                Evidence::Ran => ran = Some(Label::lossy(&tool)),
                Evidence::Unclear => {
                    let mut book = lock(&self.book);
                    book.used.unmatched = book.used.unmatched.saturating_add(1);
                }
            }
        }
        let Some(tool) = ran else { return Ok(()) };
        let session = self.way.slot.id;
        let event = ActivityEvent::OutcomeUnmatched { session, tool: tool.clone() };
        // The end of the task says the rest where this cannot be recorded.
        let _ = self.door.record(&self.way.slot, &self.way.opened, event, Vec::new()).await;
        self.way.opened.room.end_for_mismatch(&self.door.ports.office).await;
        let text = format!(
            "`{tool}` ran without having been decided: the client's hooks do not work. The task is closed. Stop, and \
             tell the person"
        );
        Err(No::new(ReasonCode::LimitReached, &text).refusal().into())
    }

    /// Reports a session that goes on with another model: the same tools as the model that it told of, and another name.
    async fn watch(&self, facts: &RequestFacts) -> Result<(), Refused> {
        let Some(tools) = facts.tools else { return Ok(()) };
        let model = Label::lossy(&facts.model);
        let told = self.door.names_model(&model);
        let changed = {
            let mut book = lock(&self.book);
            match book.spoken.get(&tools) {
                Some(before) => *before != model && !told,
                None => {
                    if told && book.spoken.len() < MAX_KINDS {
                        book.spoken.insert(tools, model.clone());
                    }
                    false
                }
            }
        };
        if changed {
            self.door.watch_model(&self.way.opened, Some(&model)).await.map_err(No::refusal)?;
        }
        Ok(())
    }

    /// Records how the model is asked, once for each difference.
    async fn tell(&self, facts: &RequestFacts) -> Result<(), Refused> {
        let kind = (facts.model.clone(), facts.system, facts.tools, facts.hosted.clone());
        {
            let mut book = lock(&self.book);
            if book.kinds.contains(&kind) {
                return Ok(());
            }
            if book.kinds.len() >= MAX_KINDS {
                book.kinds.clear();
            }
            book.kinds.insert(kind);
        }
        let mut hosted: Vec<Label> = facts.hosted.iter().map(|tool| Label::lossy(tool.name())).collect();
        hosted.sort();
        hosted.dedup();
        let event = ActivityEvent::ModelAsked {
            session: self.way.slot.id,
            model: Label::lossy(&facts.model),
            system: facts.system,
            tools: facts.tools,
            hosted,
        };
        let way = &self.way;
        way.slot.make_room(&way.opened.room, 0).map_err(No::refusal)?;
        self.door.record(&way.slot, &way.opened, event, Vec::new()).await.map_err(No::refusal)?;
        Ok(())
    }

    /// Decides what the vendor would do. What was allowed is so until the task touches something more: it is offered again
    /// with each request, and a person who said yes is not asked each time.
    async fn hosted(&self, tools: &[Hosted]) -> Result<Vec<crate::Admitted<writ_model::ToolCall>>, Refused> {
        let mut admitted = Vec::new();
        for tool in tools {
            let Some(operation) = tool.operation() else { continue };
            let key = (tool.clone(), self.door.touched(&self.way));
            if lock(&self.book).hosted.contains(&key) {
                continue;
            }
            let allowed = self.door.leave(&self.way, operation).await.map_err(|refusal| {
                let Refusal { reason, text } = refusal;
                let text = match (tool, tool.name()) {
                    (Hosted::Request { .. }, _) => {
                        format!(
                            "{text} (what is asked of a model goes on in the forms of Anthropic messages, OpenAI chat \
                             and responses, and Gemini)"
                        )
                    }
                    (_, name) => format!(
                        "{text} (`{name}` is a tool that runs at the model's vendor; switch it off in the client to go \
                         on without it)"
                    ),
                };
                Refusal { reason, text }
            })?;
            let mut book = lock(&self.book);
            if book.hosted.len() < MAX_KINDS {
                // Its own answers are a part of what it was allowed for.
                book.hosted.insert((tool.clone(), self.door.touched(&self.way)));
                book.hosted.insert(key);
            }
            drop(book);
            admitted.push(allowed);
        }
        Ok(admitted)
    }
}

impl<O: Office> Divert for ModelDoor<O> {
    fn takes(&self, request: &writ_model::Request) -> bool {
        let is_here = |place: &Authority| *place.host() == *request.host && place.port() == request.port;
        self.places.iter().any(is_here)
            && match Way::of(request) {
                Way::Read { .. } => true,
                Way::Plain => false,
                Way::Unread => self.own.iter().any(is_here),
            }
    }

    fn handle(
        &self,
        request: writ_model::Request,
        head: Parts,
        body: Flow,
        onward: Onward,
    ) -> Wait<'_, Response<Flow>> {
        Box::pin(async move {
            match Way::of(&request) {
                Way::Read { wire, is_odd } => self.pass((wire, is_odd), request, head, body, onward).await,
                Way::Plain | Way::Unread => self.pass_unread(request, head, body, onward).await,
            }
        })
    }
}

/// What stands for a request of which nobody knows what it does at the vendor.
fn unread(request: &writ_model::Request) -> Hosted {
    let words = [request.method.as_str(), request.path.as_str()].join(" ");
    Hosted::Request { what: words.chars().filter(|c| !c.is_control()).take(MAX_WORDS).collect() }
}

/// The model that a path names: `…/models/NAME:method`.
fn model_in(path: &str) -> String {
    let last = path.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default().chars().take(80).collect()
}

// === impl Listener ===

impl Listener {
    fn note(book: &Mutex<Book>, calls: &[AskedTool]) {
        if calls.is_empty() {
            return;
        }
        let mut book = lock(book);
        for call in calls.iter().filter(|call| !call.is_hosted) {
            book.used.calls = book.used.calls.saturating_add(1);
            if !call.id.is_empty() && book.asked.len() < MAX_ASKED {
                book.asked.insert(call.id.clone(), call.name.clone());
            }
        }
    }
}

impl Ear for Listener {
    fn hear(&mut self, bytes: &[u8]) {
        if let Some(reader) = &mut self.reader {
            let calls = reader.push(bytes);
            Self::note(&self.book, &calls);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let Some(reader) = self.reader.take() else { return };
        let before = reader.told();
        let facts = reader.finish();
        Self::note(&self.book, facts.calls.get(before..).unwrap_or_default());
        let used = &mut lock(&self.book).used;
        used.input_tokens = used.input_tokens.saturating_add(facts.tokens.input);
        used.output_tokens = used.output_tokens.saturating_add(facts.tokens.output);
    }
}

// === impl Refused ===

impl Refused {
    fn new(status: StatusCode, code: &'static str, text: &str) -> Self {
        Self { status, code, text: format!("Writ denied this ({code}): {text}") }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let Refusal { reason, text } = refusal;
        Self { status: StatusCode::FORBIDDEN, code: reason.name(), text }
    }
}
