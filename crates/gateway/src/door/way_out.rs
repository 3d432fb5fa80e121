//! What leaves the sandbox, decided where it leaves: the same judge, record and approvals as for a tool's call, in a
//! session of its own in the run's task.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::time::Instant;
use writ_ledger::Durability;
use writ_model::{
    ActivityEvent, AutonomyLevel, Body, Client, Label, Operation, Outcome, Push, ReasonCode, Request,
    SessionId, ToolCall,
};
use writ_policy::{Judgement, OnIncident, Stopped};

use super::session::{Opened, Slot};
use super::{Door, No, ported, unwound};
use crate::admit::{self, Admitted, payload};
use crate::aside;
use crate::http::account::veiled;
use crate::http::port::{IncidentKind, Prospect, Refusal};
use crate::port::{NewActivity, Office};

/// Of a body, so much is put beside the decision, where it is text.
const MAX_SHOWN_BODY_BYTES: usize = 4 << 10;

/// Bytes of refs and options that stand before the commits of a push.
const MAX_LEAD_BYTES: usize = 16 << 10;
/// Digits of a commit's name that are kept, so that a thousand names are: all of SHA-1.
const COMMIT_DIGITS: usize = 40;

/// Incidents of one kind at one host that are recorded one by one. After these, the 32nd, the 64th and so on are.
const MAX_SINGLE_INCIDENTS: u64 = 16;
/// Kinds and hosts that are told apart. What is over is counted together.
const MAX_INCIDENT_HOSTS: usize = 256;

/// How often something happened, by kind and host.
#[derive(Default)]
pub(super) struct Incidents(Mutex<HashMap<(&'static str, String), u64>>);

impl Incidents {
    /// Counts one, and says which it is of its kind where it is to be recorded.
    fn count(&self, kind: &'static str, host: &str) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = (kind, host.to_owned());
        if all.len() >= MAX_INCIDENT_HOSTS && !all.contains_key(&key) {
            key.1.clear();
        }
        let count = all.entry(key).or_default();
        *count = count.saturating_add(1);
        (*count <= MAX_SINGLE_INCIDENTS || count.is_power_of_two()).then_some(*count)
    }
}

/// The session of one run's way out.
pub struct WayOut {
    pub(super) client: Client,
    workspace: PathBuf,
    pub(super) slot: Slot,
    pub(super) opened: Opened,
    incidents: Incidents,
    /// Until the client starts, what leaves is the run's own attempt to see it refused.
    is_tried: AtomicBool,
}

// === impl WayOut ===

impl WayOut {
    /// From here on, what leaves is what something inside wants.
    pub fn tried(&self) {
        self.is_tried.store(true, Ordering::SeqCst);
    }
}

impl<O: Office> Door<O> {
    /// Opens the session of what leaves a run.
    ///
    /// # Errors
    /// When the task is not known or nothing of it is allowed any more.
    pub async fn way_out(&self, client: Client, workspace: PathBuf) -> Result<WayOut, Refusal> {
        let mut random = [0; 10];
        self.ports.random.fill(&mut random);
        let slot = Slot::new(SessionId::new(self.ports.clock.now(), random));
        let office = &self.ports.office;
        let facts = ported(office.task_of_session(client, slot.id, workspace.clone(), None))
            .await
            .map_err(|error| No::port(error).refusal())?;
        let conversation = admit::sha256(format!("way out\0{}", slot.id).as_bytes());
        let recalled = ported(office.recall_taint(facts.task.id, conversation))
            .await
            .map_err(|error| No::port(error).refusal())?;
        let room = self.room(facts, recalled.path_key).map_err(No::refusal)?;
        let (survey, folder) = (Arc::clone(&self.ports.survey), room.facts.workspace.clone());
        let looked = tokio::task::spawn_blocking(move || survey.autonomy(client, &folder, None)).await;
        room.learn_autonomy(looked.unwrap_or(AutonomyLevel::MOST));
        // The fingerprint was accepted before the client started.
        let opened = Opened::new(room, true, conversation, None);
        let (incidents, is_tried) = (Incidents::default(), AtomicBool::new(false));
        Ok(WayOut { client, workspace, slot, opened, incidents, is_tried })
    }

    /// Decides what is about to leave, and records it. Waits for a person where policy wants one, for as long as the
    /// plan holds calls; dropped before, nothing is spent.
    ///
    /// # Errors
    /// A refusal, with what the agent is told.
    pub async fn leave(&self, way: &WayOut, operation: Operation) -> Result<Admitted<ToolCall>, Refusal> {
        let until = Instant::now() + self.plan.deadline;
        let bytes = looked_through(&operation);
        let weighed = async {
            let call = self.leaving(way, operation);
            self.weigh(&way.slot, &way.opened, call, until).await
        };
        // It is large, and goes through several hands.
        match unwound(aside::OTHERS.steps(bytes, Box::pin(weighed))).await {
            Some(Ok(admitted)) => Ok(admitted.without_bytes()),
            Some(Err(no)) => Err(no.refusal()),
            None => {
                Err(No::new(ReasonCode::EvaluationError, "the supervisor failed inside; tell the person")
                    .refusal())
            }
        }
    }

    /// What policy makes of this leaving as things are. It only looks: nothing is decided, recorded or spent by it, and
    /// whatever leaves is decided by [`Self::leave`].
    pub async fn prospect(&self, way: &WayOut, operation: Operation) -> Prospect {
        let bytes = looked_through(&operation);
        let opened = &way.opened;
        let looked = async {
            let call = self.leaving(way, operation);
            let (runs, _) = self.action(opened, &call);
            let moment = self.moment(opened, &opened.room.footprint(&call)).await;
            match self.judged(opened, &call, &runs, &moment) {
                Some(Judgement::Permit(_)) => Prospect::Admitted,
                Some(Judgement::StepUp(_)) => Prospect::Asked,
                Some(Judgement::Denied(_)) | None => Prospect::Refused,
            }
        };
        unwound(aside::OTHERS.steps(bytes, Box::pin(looked))).await.unwrap_or(Prospect::Refused)
    }

    /// The call that something on its way out is.
    fn leaving(&self, way: &WayOut, operation: Operation) -> ToolCall {
        ToolCall {
            id: admit::call_id(self.ports.clock.now(), self.ports.random.as_ref()),
            client: way.client,
            tool: Label::lossy(match operation {
                Operation::Push(_) | Operation::Request(_) if !way.is_tried.load(Ordering::SeqCst) => {
                    Operation::TRIAL
                }
                Operation::Push(_) => "git door",
                Operation::Request(_) => "egress proxy",
                _ => "vendor tool",
            }),
            client_call: None,
            subagent: None,
            arguments: arguments(&operation),
            operation,
            cwd: way.workspace.to_string_lossy().into_owned(),
        }
    }

    /// What the task has touched, as far as decisions go; for comparison.
    pub(super) fn touched(&self, way: &WayOut) -> String {
        way.opened.room.touched()
    }

    /// Records what became of something that left.
    pub async fn left(&self, way: &WayOut, admitted: &Admitted<ToolCall>, outcome: Outcome, told: Value) {
        let told = payload(self.ports.random.as_ref(), told.to_string().into_bytes());
        let event = ActivityEvent::CallEnded {
            session: way.slot.id,
            call: admitted.call().id,
            outcome,
            output: Some(told.commitment),
        };
        // Without it the call counts as one whose end nobody told of.
        let _ = self.record(&way.slot, &way.opened, event, vec![told]).await;
    }

    /// Records something that a person should hear of. Where policies say so, it suspends the agent; where the task was to
    /// stop on an incident, one that nobody causes by mistake ends it.
    pub async fn incident(&self, way: &WayOut, kind: IncidentKind, mut told: Value) {
        let name = kind.name();
        let field = |name| told.get(name).and_then(Value::as_str).unwrap_or_default();
        let stopped = Stopped { kind: name, host: field("host"), credential: field("name") };
        let count = way.incidents.count(name, stopped.host);
        // What the run tries by itself is stopped too, and is nobody's doing.
        let by_policy = if way.is_tried.load(Ordering::SeqCst) {
            way.opened.room.on_incident(stopped, self.ports.clock.now())
        } else {
            OnIncident::default()
        };
        let OnIncident { suspended_by, observed } = by_policy;
        let suspends = !suspended_by.is_empty() && way.opened.room.stop_for_incident();
        if count.is_some() || suspends {
            if let Some(fields) = told.as_object_mut() {
                fields.extend(count.map(|count| ("count".to_owned(), json!(count))));
                if !observed.is_empty() {
                    fields.insert("would suspend".to_owned(), json!(observed));
                }
            }
            self.note_incident(way, name, told, suspended_by).await;
        }
        if suspends {
            way.opened.room.suspend_for_incident(&self.ports.office).await;
        }
        match kind {
            IncidentKind::HostMismatch | IncidentKind::PlaceholderElsewhere | IncidentKind::SecretLeaving => {
                way.opened.room.end_for_incident(&self.ports.office).await;
            }
            // Programs that were told of no better do these by themselves.
            IncidentKind::AddressForbidden | IncidentKind::ForeignCredential => {}
        }
    }

    /// Records that something inside asked for the address of a name, which is answered nowhere: what goes by the proxy has
    /// no need to. The task goes on.
    pub async fn looked_up(&self, way: &WayOut, name: &str) {
        self.note_incident(way, "direct-lookup", json!({ "name": name }), Vec::new()).await;
    }

    async fn note_incident(&self, way: &WayOut, kind: &str, told: Value, policies: Vec<Label>) {
        let told = payload(self.ports.random.as_ref(), told.to_string().into_bytes());
        let (session, kind) = (way.slot.id, Label::lossy(kind));
        let event = ActivityEvent::Incident { session, kind, what: told.commitment, policies };
        let activity = vec![NewActivity { event, payloads: vec![told] }];
        let task = way.opened.room.facts.task.id;
        if let Err(error) = ported(self.ports.office.record(task, activity, Durability::Synced)).await {
            tracing::error!(error = &error as &dyn std::error::Error, "an incident is not on record");
        }
    }
}

// === impl No ===

impl No {
    pub(super) fn refusal(self) -> Refusal {
        let Self { reason, text } = self;
        Refusal { reason, text }
    }
}

/// How many bytes there are to be looked through, beside those of a head.
fn looked_through(operation: &Operation) -> usize {
    match operation {
        Operation::Request(request) => match &request.body {
            Body::Start(bytes) | Body::Long { start: bytes, .. } | Body::Whole(bytes) => bytes.len(),
            Body::None | Body::Unread => 0,
        },
        _ => 0,
    }
}

/// What an approver is shown, and what the record keeps. The digest of a request covers what is left out here.
fn arguments(operation: &Operation) -> Value {
    match operation {
        Operation::Request(request) => of_request(request),
        Operation::Push(push) => of_push(push),
        _ => Value::Null,
    }
}

/// The text is kept up to a bound: commits stand so far in front that all that are listed are kept, whatever else the push
/// says. Refs and options that do not fit before them come after them.
fn of_push(push: &Push) -> Value {
    let mut left = MAX_LEAD_BYTES;
    let updates = push.updates.iter().map(|update| {
        json!({
            "ref": update.name,
            "step": format!("{:?}", update.step).to_lowercase(),
            "old": update.old,
            "new": update.new,
        })
    });
    let (updates, more_updates) = led(updates.collect(), &mut left);
    let (options, more_options) = led(push.options.iter().map(|option| json!(option)).collect(), &mut left);
    let commits = push.commits.iter().map(|oid| oid.get(..COMMIT_DIGITS).unwrap_or(oid));
    json!({
        "remote": push.remote,
        "updates": updates,
        "options": options,
        "more commits": push.more_commits,
        "commits": commits.collect::<Vec<_>>(),
        "more updates": more_updates,
        "more options": more_options,
        "paths": push.paths,
        "more paths": push.is_cut,
        "found": push.findings.iter().map(|found| format!("{}: {}", found.path, found.says)).collect::<Vec<_>>(),
    })
}

/// What of a list fits into the bytes that are left, and the rest.
fn led(mut all: Vec<Value>, left: &mut usize) -> (Vec<Value>, Vec<Value>) {
    let fits = all.iter().take_while(|value| {
        let bytes = value.to_string().len().saturating_add(1);
        let rest = left.checked_sub(bytes);
        *left = rest.unwrap_or(0);
        rest.is_some()
    });
    let fits = fits.count();
    let rest = all.split_off(fits);
    (all, rest)
}

fn of_request(request: &Request) -> Value {
    let Request { method, scheme: _, host: _, port: _, path: _, query, headers, body, account } = request;
    let body = match body {
        Body::None => Value::Null,
        Body::Unread => json!("not looked at"),
        Body::Start(bytes) => json!({ "starts with": shown(bytes) }),
        Body::Whole(bytes) => {
            json!({ "bytes": bytes.len(), "sha256": admit::sha256(bytes).to_string(), "text": shown(bytes) })
        }
        Body::Long { start, bytes, digest, has_all_names: _ } => {
            json!({ "bytes": bytes, "sha256": digest.to_string(), "starts with": shown(start) })
        }
    };
    // Names of headers without credentials; a value may hold an address with one.
    let headers: Vec<(&String, String)> = headers.iter().map(|(name, value)| (name, veiled(value))).collect();
    json!({
        "method": method,
        "address": veiled(&request.address()),
        "query": query.as_deref().map(veiled),
        "headers": headers,
        "body": body,
        "account": format!("{account:?}"),
    })
}

fn shown(bytes: &[u8]) -> Option<String> {
    let start = bytes.get(..bytes.len().min(MAX_SHOWN_BODY_BYTES))?;
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(start.get(..error.valid_up_to())?).ok()?
        }
        // Of what is no text, as a file in a form, what stands in front of it.
        Err(error) => {
            let text = start.get(..error.valid_up_to()).and_then(|text| std::str::from_utf8(text).ok())?;
            return (!text.trim().is_empty()).then(|| format!("{} …", veiled(text)));
        }
    };
    Some(veiled(text))
}

#[cfg(test)]
mod tests {
    use writ_model::{Account, RefStep, RefUpdate};

    use super::*;

    #[test]
    fn attack_a_push_that_says_much_keeps_its_commits() {
        let updates = (0..300).map(|at| RefUpdate {
            name: format!("refs/heads/{at}/{}", "x".repeat(200)),
            step: RefStep::Create,
            old: None,
            new: Some("b".repeat(64)),
        });
        let commits: Vec<String> = (0..1_000).map(|at| format!("{at:064x}")).rev().collect();
        let mut push = Push {
            remote: "origin".to_owned(),
            updates: updates.collect(),
            options: vec!["y".repeat(60_000), "ci.skip".to_owned()],
            paths: vec!["src/lib.rs".to_owned()],
            commits,
            more_commits: false,
            is_cut: false,
            findings: Vec::new(),
            account: Account::Nobody,
        };
        let text = arguments(&Operation::Push(Box::new(push.clone()))).to_string();
        let kept = text.get(..64 << 10).unwrap();
        assert!(kept.contains("\"more updates\"") && kept.contains(r#""more commits":false"#));
        for oid in &push.commits {
            assert!(kept.contains(oid.get(..40).unwrap()), "{oid}");
        }
        // Nothing is told twice, and nothing is lost.
        assert_eq!(text.matches("refs/heads/").count(), 300);
        assert_eq!(text.matches("ci.skip").count(), 1);
        push.options = vec!["a=b".to_owned()];
        push.updates.truncate(1);
        let small = arguments(&Operation::Push(Box::new(push)));
        assert_eq!(small["options"][0], "a=b");
        assert_eq!(small["updates"].as_array().unwrap().len(), 1);
        assert!(small["more updates"].as_array().unwrap().is_empty());
    }

    #[test]
    fn attack_many_incidents_are_few_records() {
        let incidents = Incidents::default();
        let recorded = (0..1500).filter_map(|_| incidents.count("host-mismatch", "a.test")).count();
        assert_eq!(recorded, 16 + 6);
        assert_eq!(incidents.count("host-mismatch", "b.test"), Some(1));
        let hosts =
            (0..5000).filter_map(|at| incidents.count("host-mismatch", &format!("{at}.test"))).count();
        assert!(hosts < MAX_INCIDENT_HOSTS + 16 + 10, "{hosts}");
    }
}
