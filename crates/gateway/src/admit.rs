//! Admission: permit and receipt together make an [`Admitted`] call, and nothing else does.
//!
//! The decision is on record before anybody is told of it: synced, or written where every effect of the call is
//! ordinary. A decision that cannot be recorded is a denial.

mod form;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;
use writ_ledger::{Durability, Receipt};
use writ_model::{
    Action, ApprovalId, Body, CallId, Decision, Digest, EffectClass, Operation, ReasonCode, Request,
    Resource, SessionId, ToolCall,
};
use writ_model::{ActivityEvent, AgentId, TaskId};
use writ_policy::{Permit, Ruling, StepUp};

use crate::door::fetch;
use crate::port::{NewActivity, Payload, PortError, Random, Record};
use crate::yes::Yes;

/// Longest text of arguments or output that is kept. The digest of the whole is kept beside it.
const MAX_KEPT_BYTES: usize = 64 << 10;

/// Something that policy allows and the record holds. The only thing that an "allow" can be written from.
#[derive(Debug)]
pub struct Admitted<C> {
    call: C,
    receipt: Receipt,
    /// Hosts that it may reach, as policies name them.
    hosts: Vec<String>,
    /// Repositories that it names, where a person said yes to it.
    repositories: Vec<String>,
    /// What it does may take in repositories or push to them, whether it names them or not.
    takes_repositories: bool,
    /// What the task had touched when it was let through, itself included.
    touched: String,
    /// The yes that it rests on, where it took one.
    yes: Option<Yes>,
}

/// What a permit rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Policies and grants.
    Policy,
    /// A person's yes, spent on it.
    Approval(ApprovalId),
    /// Another door: the one where the effect leaves, or the one that let the call through which this belongs to.
    Door(ReasonCode),
}

/// A permitted call was not admitted.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    #[error("the decision could not be recorded")]
    Record(#[source] PortError),
    #[error("the decision was recorded less durably than its effects ask for")]
    NotDurable,
}

/// What ties a decision to its place.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) task: TaskId,
    pub(crate) session: SessionId,
    /// Digest of the exact action; of what waits for a person, with why it does ([`crate::yes::bound`]).
    pub(crate) action: Digest,
}

// === impl Admitted ===

impl Admitted<ToolCall> {
    /// Without the bytes of a body: they were decided about and are on their way, and nobody keeps them until it is answered.
    pub(crate) fn without_bytes(mut self) -> Self {
        if let Operation::Request(request) = &mut self.call.operation
            && request.body != Body::None
        {
            request.body = Body::Unread;
        }
        self
    }
}

impl<C> Admitted<C> {
    pub fn call(&self) -> &C {
        &self.call
    }

    pub(crate) fn let_through_with(mut self, touched: String) -> Self {
        self.touched = touched;
        self
    }

    pub(crate) fn with_yes(mut self, yes: Yes) -> Self {
        self.yes = Some(yes);
        self
    }

    /// Whether the yes to it, where it took one, is a yes to this too.
    pub(crate) fn covers(&self, held: &StepUp) -> bool {
        self.yes.as_ref().is_some_and(|yes| yes.covers(held))
    }

    /// The yes that it rests on.
    pub(crate) fn yes(&self) -> Option<&Yes> {
        self.yes.as_ref()
    }

    /// What the task had touched when it was let through, itself included.
    pub(crate) fn touched(&self) -> &str {
        &self.touched
    }

    /// Whether it was allowed to reach this host.
    pub(crate) fn reaches(&self, host: &str) -> bool {
        self.hosts.iter().any(|own| own == host)
    }

    /// Whether a person allowed it, and it names this repository of a host that it may reach.
    pub(crate) fn fetches(&self, repository: &str) -> bool {
        let host = repository.split('/').next().unwrap_or_default();
        self.reaches(host) && self.repositories.iter().any(|own| fetch::same(own, repository))
    }

    /// Whether it may take in repositories: a fetch, an installation, a build.
    pub(crate) fn takes_repositories(&self) -> bool {
        self.takes_repositories
    }

    /// The proof that the decision is on record.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }
}

#[cfg(test)]
impl<C> Admitted<C> {
    /// For tests of what comes after admission.
    pub(crate) fn for_test(call: C) -> Self {
        let receipt = Receipt::from_append_path(Durability::Synced, writ_ledger::Stream::Activity, 0, 1);
        Self {
            call,
            receipt,
            hosts: Vec::new(),
            repositories: Vec::new(),
            takes_repositories: false,
            touched: String::new(),
            yes: None,
        }
    }
}

/// Records the permit, spends it and admits its call.
pub(crate) async fn admit<O: Record>(
    record: &O,
    place: Place,
    permit: Permit,
    by: By,
    arguments: Payload,
) -> Result<Admitted<ToolCall>, AdmitError> {
    let needed = if permit.is_ordinary() { Durability::Written } else { Durability::Synced };
    let yes = permit.granted().map(Yes::by_grant);
    let Ruling { call, actions, mut decision } = permit.into_ruling();
    let approval = match by {
        By::Policy => None,
        By::Approval(approval) => {
            decision.reason = ReasonCode::Approved;
            Some(approval)
        }
        By::Door(reason) => {
            decision.reason = reason;
            decision.approval = None;
            None
        }
    };
    let is_by_person = matches!(by, By::Approval(_)) || !decision.grants.is_empty();
    let repositories = match &call.operation {
        Operation::Shell { command } if is_by_person => fetch::named_in(command),
        _ => Vec::new(),
    };
    let hosts = actions.iter().filter_map(reached).map(str::to_owned).collect();
    let takes_repositories = actions.iter().any(fetch::takes_repositories);
    let event = decided(place, &call, &actions, decision, approval, arguments.commitment);
    let activity = NewActivity { event, payloads: vec![arguments] };
    let receipts = record.record(place.task, vec![activity], needed).await.map_err(AdmitError::Record)?;
    let receipt = receipts.into_iter().next().ok_or(AdmitError::NotDurable)?;
    if receipt.durability() < needed {
        return Err(AdmitError::NotDurable);
    }
    Ok(Admitted { call, receipt, hosts, repositories, takes_repositories, touched: String::new(), yes })
}

/// The host that an action reaches and does nothing else to, as far as its resource names one.
pub(crate) fn reached(action: &Action) -> Option<&str> {
    if action.effect != EffectClass::Network {
        return None;
    }
    match &action.resource {
        Resource::Host { name } => Some(name),
        // `host/path`; a name that only the workspace knows leads to no host by itself.
        Resource::Ref { remote: name, .. } | Resource::Repository { name } => {
            name.split_once('/').map(|(host, _)| host)
        }
        _ => None,
    }
}

/// The record of a decision.
pub(crate) fn decided(
    place: Place,
    call: &ToolCall,
    actions: &[Action],
    decision: Decision,
    approval: Option<ApprovalId>,
    arguments: Digest,
) -> ActivityEvent {
    let mut effects: Vec<EffectClass> = actions.iter().map(|action| action.effect).collect();
    effects.sort();
    effects.dedup();
    ActivityEvent::CallDecided {
        session: place.session,
        call: call.id,
        tool: call.tool.clone(),
        operation: writ_model::Label::lossy(call.operation.name()),
        effects,
        subagent: call.subagent.clone(),
        decision,
        approval,
        action: place.action,
        arguments,
    }
}

/// Digest of the exact action, which approvals are bound to: who, for what task, which tool with which arguments, where,
/// and the digests of the files that would run. Environment changes are part of the arguments in every client.
///
/// Canonical JSON knows numbers only as precisely as JavaScript does; so the arguments stand in it as text, with their
/// keys sorted, and two large numbers never look alike.
pub(crate) fn action_digest(
    agent: AgentId,
    task: TaskId,
    call: &ToolCall,
    runs: &[(String, Option<Digest>)],
) -> Option<Digest> {
    let mut arguments = call.arguments.clone();
    arguments.sort_all_objects();
    let (operation, arguments) = match &call.operation {
        // What a person is shown of a request is made of it, with a border that the next sending has not.
        Operation::Request(request) => (of_request(request), String::new()),
        other => (json!(format!("{other:?}")), arguments.to_string()),
    };
    let action = json!({
        "v": 1,
        "agent": agent.to_string(),
        "task": task.to_string(),
        "client": call.client.name(),
        "tool": call.tool.as_str(),
        "operation": operation,
        "arguments": arguments,
        "cwd": call.cwd,
        "runs": runs.iter().map(|(path, digest)| json!([path, digest.map(|digest| digest.to_string())])).collect::<Vec<_>>(),
    });
    Some(sha256(&serde_json_canonicalizer::to_vec(&action).ok()?))
}

/// All of a request, with the body by its digest. What a person is shown of it may leave out more.
fn of_request(request: &Request) -> serde_json::Value {
    let Request { method, scheme, host, port, path, query, headers, body, account } = request;
    let form = form::lasting(request);
    let headers = form.as_ref().map_or(headers, |form| &form.headers);
    let body = match (&form, body) {
        (Some(form), _) => json!({ "bytes": form.bytes, "form": form.digest.to_string() }),
        (None, body) => of_body(body),
    };
    json!({
        "method": method,
        "scheme": scheme.to_string(),
        "host": host,
        "port": port,
        "path": path,
        "query": query,
        "headers": headers,
        "body": body,
        "account": format!("{account:?}"),
    })
}

fn of_body(body: &Body) -> serde_json::Value {
    match body {
        Body::None => json!("none"),
        Body::Unread => json!("unread"),
        Body::Start(bytes) => json!({ "starts with": sha256(bytes).to_string() }),
        Body::Whole(bytes) => json!({ "bytes": bytes.len(), "sha256": sha256(bytes).to_string() }),
        Body::Long { start: _, bytes, digest, has_all_names: _ } => {
            json!({ "bytes": bytes, "sha256": digest.to_string() })
        }
    }
}

/// What the vault keeps of a call's arguments.
pub(crate) fn arguments_payload(random: &dyn Random, call: &ToolCall) -> Payload {
    let text = call.arguments.to_string();
    let kept = cut(&text);
    let value = json!({
        "tool": call.tool.as_str(),
        "cwd": call.cwd,
        "arguments": kept,
        "bytes": text.len(),
        "sha256": sha256(text.as_bytes()).to_string(),
    });
    payload(random, value.to_string().into_bytes())
}

/// What the vault keeps of an output.
pub(crate) fn output_payload(random: &dyn Random, output: &str) -> Payload {
    let value = json!({
        "output": cut(output),
        "bytes": output.len(),
        "sha256": sha256(output.as_bytes()).to_string(),
    });
    payload(random, value.to_string().into_bytes())
}

/// Bytes for the vault, under a commitment with a salt of their own.
pub(crate) fn payload(random: &dyn Random, bytes: Vec<u8>) -> Payload {
    let mut salt = [0; 32];
    random.fill(&mut salt);
    let mut salted = Vec::with_capacity(salt.len() + bytes.len());
    salted.extend_from_slice(&salt);
    salted.extend_from_slice(&bytes);
    Payload { commitment: sha256(&salted), salt, bytes }
}

/// A new call id.
pub(crate) fn call_id(now: writ_model::Timestamp, random: &dyn Random) -> CallId {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    CallId::new(now, bytes)
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_KEPT_BYTES)).unwrap_or(text)
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    in_words(digest(&SHA256, bytes).as_ref())
}

fn in_words(digest: &[u8]) -> Digest {
    let mut out = [0; 32];
    out.iter_mut().zip(digest).for_each(|(to, from)| *to = *from);
    Digest::new(out)
}
