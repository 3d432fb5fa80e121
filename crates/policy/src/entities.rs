//! Requests as Cedar sees them: a handful of entities per question, however many agents there are.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use cedar_policy::{Context, Entities, Entity, EntityUid, Request, RestrictedExpression as Value};
use serde_json::Value as Json;
use writ_model::{
    Account, Action, ApprovalLevel, AutonomyLevel, Binding, EffectClass, Operation, Resource, ToolCall,
};

use crate::bounds::Said;
use crate::engine::Stopped;
use crate::host::Zone;
use crate::layer::Filed;
use crate::layer::need::{STEADY, SeenResource};
use crate::moment::{Chain, FingerprintState, Moment, Taint};
use crate::place::Workspace;
use crate::reads::Reads;
use crate::request::KnownHosts;
use crate::schema::{action_uid, effect_index, kind_index, types, uid};
use crate::scope::{TaskScope, is_own_branch, profiles};

/// Longest name of a resource, in bytes. A longer one cannot be judged.
const NAME_BYTES: usize = 8 << 10;

/// How many arguments of a call become tags, and how long each may be.
const TAGS: usize = 64;
const TAG_BYTES: usize = 8 << 10;

/// Seconds that policies can tell apart in a budget; what is more is shown as this.
const BUDGET: u64 = 1 << 53;

/// A question could not be put to Cedar. The call is denied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error("the name of the resource is longer than {NAME_BYTES} bytes")]
    NameTooLong,
    #[error("the request cannot be built: {0}")]
    Cedar(String),
}

/// What stays the same for all questions of a task.
pub(crate) struct Principal {
    pub uid: EntityUid,
    pub entity: Entity,
    /// The agent itself and all it belongs to.
    pub groups: HashSet<EntityUid>,
    /// By effect class, what questions start from.
    bases: Vec<Bases>,
    actions: Vec<EntityUid>,
    call: EntityUid,
    /// The contexts that were asked for, each made when it is first needed. Held for one look-up.
    contexts: RwLock<HashMap<Circumstances, Arc<Steady>>>,
}

/// What a question starts from, by what its policies read.
struct Bases {
    nothing: Entities,
    agent: Entities,
    action: Entities,
    both: Entities,
}

/// A context without what changes with every call, and what the policies ask about it.
pub(crate) struct Steady {
    context: Context,
    /// Of the policies that were loaded.
    pub loaded: Vec<bool>,
    /// Of the task's own.
    pub own: Vec<bool>,
}

fn cedar(error: impl std::fmt::Display) -> BuildError {
    BuildError::Cedar(error.to_string())
}

fn text(text: &str) -> Value {
    Value::new_string(text.to_owned())
}

fn long(number: u64) -> Value {
    Value::new_long(i64::try_from(number.min(BUDGET)).unwrap_or(i64::MAX))
}

fn record<const N: usize>(members: [(&str, Value); N]) -> Result<Value, BuildError> {
    Value::new_record(members.map(|(name, value)| (name.to_owned(), value))).map_err(cedar)
}

fn attributes<const N: usize>(members: [(&str, Value); N]) -> HashMap<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

// === impl Attribute ===

impl<'a> Attribute<'a> {
    const fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Flag(_) => None,
            Self::Text(text) => Some(text),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Flag(flag) => Value::new_bool(*flag),
            Self::Text(text) => Value::new_string(text.clone().into_owned()),
        }
    }
}

// === impl Thing ===

impl Thing<'_> {
    pub fn seen(&self) -> SeenResource<'_> {
        SeenResource { id: &self.name, attributes: &self.attributes }
    }

    /// The entity, with those of its attributes that are asked for.
    pub fn entity(&self, wanted: impl Fn(&str) -> bool) -> Result<Entity, BuildError> {
        let attributes = self
            .attributes
            .iter()
            .filter(|(name, _)| wanted(name))
            .map(|(name, fact)| ((*name).to_owned(), fact.value()));
        Entity::new_with_tags(self.uid.clone(), attributes, [], []).map_err(cedar)
    }
}

// === impl Steady ===

impl Steady {
    /// The whole context, as far as policies that read this can tell.
    pub fn with(&self, moment: &Moment, reads: &Reads) -> Result<Context, BuildError> {
        let mut fleeting = Vec::new();
        if reads.context("budget") {
            let budget = moment.budget;
            let members = [
                ("calls_left", long(budget.calls_left)),
                ("denials_left", long(budget.denials_left)),
                ("seconds_left", long(budget.seconds_left)),
            ];
            fleeting.push(("budget".to_owned(), record(members)?));
        }
        if reads.context("now") {
            fleeting.push(("now".to_owned(), Value::new_datetime(moment.now.to_string())));
        }
        let context = self.context.clone();
        if fleeting.is_empty() { Ok(context) } else { context.merge(fleeting).map_err(cedar) }
    }
}

// === impl Principal ===

impl Principal {
    /// The agent under its task. `actions` are the action entities of the schema.
    pub fn new(scope: &TaskScope, actions: &Entities) -> Result<Self, BuildError> {
        let types = types();
        let task = &scope.task;
        let mut groups = HashSet::from([
            uid(&types.task, &task.id.to_string()),
            uid(&types.environment, task.environment.as_str()),
        ]);
        groups.extend(profiles(task).iter().map(|profile| uid(&types.profile, profile)));
        groups.extend(scope.team.iter().map(|team| uid(&types.team, team.as_str())));
        let agent = uid(&types.agent, &task.agent.to_string());
        let entity = Entity::new(
            agent.clone(),
            attributes([
                ("client", text(task.client.name())),
                ("environment", text(scope.agent_environment.as_str())),
                ("name", text(scope.agent_name.as_str())),
                ("owner", text(scope.agent_owner.0.as_str())),
                ("requester", text(task.requester.0.as_str())),
            ]),
            groups.clone(),
        )
        .map_err(cedar)?;
        let action_uids: Vec<EntityUid> = EffectClass::ALL.into_iter().map(action_uid).collect();
        let bases = action_uids
            .iter()
            .map(|action| {
                let action = actions.get(action).cloned().ok_or_else(no_action)?;
                let entities = |all: Vec<Entity>| Entities::from_entities(all, None).map_err(cedar);
                Ok(Bases {
                    nothing: Entities::empty(),
                    agent: entities(vec![entity.clone()])?,
                    action: entities(vec![action.clone()])?,
                    both: entities(vec![entity.clone(), action])?,
                })
            })
            .collect::<Result<_, BuildError>>()?;
        groups.insert(agent.clone());
        Ok(Self {
            uid: agent,
            entity,
            groups,
            bases,
            actions: action_uids,
            call: uid(&types.tool_call, "this"),
            contexts: RwLock::default(),
        })
    }

    /// Agent, action, resource and call, as far as policies that read this can tell them from nothing.
    pub fn entities(
        &self,
        effect: EffectClass,
        thing: &Thing<'_>,
        call: Option<&ToolCall>,
        reads: &Reads,
    ) -> Result<Entities, BuildError> {
        let bases = self.bases.get(effect_index(effect)).ok_or_else(|| cedar("no such effect"))?;
        let base = match (reads.any_of_principal(), reads.action || reads.everything) {
            (false, false) => &bases.nothing,
            (true, false) => &bases.agent,
            (false, true) => &bases.action,
            (true, true) => &bases.both,
        };
        let mut others = Vec::new();
        if reads.any_of_resource() {
            others.push(thing.entity(|name| reads.resource(name))?);
        }
        if reads.context("call") {
            // A question without a call has no arguments; what a policy asks of them then does not hold.
            others.push(call.map_or_else(no_call, tool_call)?);
        }
        if others.is_empty() {
            Ok(base.clone())
        } else {
            base.clone().add_entities(others, None).map_err(cedar)
        }
    }

    /// The members of the context that stay the same for the task, in the order of [`STEADY`].
    pub fn steady(scope: &TaskScope) -> [&str; STEADY.len()] {
        let task = &scope.task;
        [task.environment.as_str(), task.kind.name(), task.supervision.name()]
    }

    pub fn request(
        &self,
        effect: EffectClass,
        resource: EntityUid,
        context: Context,
    ) -> Result<Request, BuildError> {
        let action =
            self.actions.get(effect_index(effect)).cloned().ok_or_else(|| cedar("no such effect"))?;
        Request::new(self.uid.clone(), action, resource, context, None).map_err(cedar)
    }

    /// A question about no effect of a call.
    pub fn about(
        &self,
        action: EntityUid,
        resource: EntityUid,
        context: Context,
        entities: Vec<Entity>,
    ) -> Result<(Request, Entities), BuildError> {
        let request = Request::new(self.uid.clone(), action, resource, context, None).map_err(cedar)?;
        Ok((request, Entities::from_entities(entities, None).map_err(cedar)?))
    }

    /// The context of a decision, without what changes with every call. It is made once for each state of the session.
    pub fn circumstances(
        &self,
        scope: &TaskScope,
        moment: &Moment,
        approval: Option<ApprovalLevel>,
        (loaded, own): (&Filed, &Filed),
    ) -> Result<Arc<Steady>, BuildError> {
        let key = Circumstances {
            taint: moment.taint,
            chain: moment.chain,
            fingerprint: moment.fingerprint,
            autonomy: moment.autonomy,
            approval,
        };
        if let Some(made) = self.contexts.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(made));
        }
        let context = self.made(scope, &key)?;
        let made = Arc::new(Steady { loaded: loaded.told_by(&context), own: own.told_by(&context), context });
        let mut contexts = self.contexts.write().unwrap_or_else(PoisonError::into_inner);
        if contexts.len() < CONTEXTS {
            contexts.insert(key, Arc::clone(&made));
        }
        Ok(made)
    }

    fn made(&self, scope: &TaskScope, key: &Circumstances) -> Result<Context, BuildError> {
        let Circumstances { taint, chain, fingerprint, autonomy, approval } = *key;
        let chain = chain.members().map(|(name, holds)| (name, Value::new_bool(holds)));
        let mut members = vec![
            ("autonomy", Value::new_long(i64::from(autonomy.number()))),
            ("branch_prefix", text(scope.task.branch_prefix.as_str())),
            ("call", Value::new_entity_uid(self.call.clone())),
            ("chain", record(chain)?),
            ("environment", text(scope.task.environment.as_str())),
            ("fingerprint", text(fingerprint.name())),
            ("kind", text(scope.task.kind.name())),
            ("supervision", text(scope.task.supervision.name())),
            (
                "taint",
                record([
                    ("private", Value::new_bool(taint.private)),
                    ("secret", Value::new_bool(taint.secret)),
                    ("sources", Value::new_set(taint.sources.iter().map(|kind| text(kind.name())))),
                    ("untrusted", Value::new_bool(taint.untrusted)),
                ])?,
            ),
        ];
        if let Some(level) = approval {
            let given = [
                ("another_person", Value::new_bool(level != ApprovalLevel::OnePerson)),
                ("one_person", Value::new_bool(true)),
                ("role", Value::new_bool(level == ApprovalLevel::Role)),
                ("two_people", Value::new_bool(level == ApprovalLevel::TwoPeople)),
            ];
            members.push(("approval", record(given)?));
        }
        Context::from_pairs(members.into_iter().map(|(name, value)| (name.to_owned(), value))).map_err(cedar)
    }
}

/// What the context of a decision is made from, beside the task.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Circumstances {
    taint: Taint,
    chain: Chain,
    fingerprint: FingerprintState,
    autonomy: AutonomyLevel,
    approval: Option<ApprovalLevel>,
}

/// How many contexts are kept. A session meets a few dozen; what is more is made anew each time.
const CONTEXTS: usize = 512;

/// What a question is about: a resource, before Cedar sees it.
#[derive(Clone, Debug)]
pub(crate) struct Thing<'a> {
    pub uid: EntityUid,
    /// Which of the resource types it is.
    pub kind: usize,
    pub name: Cow<'a, str>,
    pub attributes: Vec<(&'static str, Attribute<'a>)>,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attribute<'a> {
    Flag(bool),
    Text(Cow<'a, str>),
}

/// The resource of an action with all attributes of the schema.
pub(crate) fn resource<'a>(
    action: &'a Action,
    call: Option<&ToolCall>,
    scope: &TaskScope,
    known: &KnownHosts,
) -> Result<Thing<'a>, BuildError> {
    let name: Cow<'a, str> = match &action.resource {
        Resource::Unknown { why } => Cow::Owned(why.chars().take(200).collect()),
        Resource::Path { path, .. } => Cow::Borrowed(path),
        other => Cow::Owned(other.name()),
    };
    if name.len() > NAME_BYTES {
        return Err(BuildError::NameTooLong);
    }
    let kind = kind_index(&action.resource);
    let kind_name = types().resources.get(kind).ok_or_else(|| cedar("no such kind"))?;
    let said =
        scope.bounds.as_ref().map(|bounds| bounds.of(action, call, &scope.workspace)).unwrap_or_default();
    let mut attributes = match &action.resource {
        Resource::CloudAccount { provider } => Vec::from([("provider", Attribute::text(provider))]),
        Resource::Command { program } => Vec::from([("program", Attribute::text(program))]),
        Resource::Deployment { target } => Vec::from([("target", Attribute::text(target))]),
        Resource::Host { name } => {
            let spent = spent_at(name, call, known);
            Vec::from([
                ("foreign", Attribute::Flag(spent.is_foreign)),
                ("governed", Attribute::Flag(spent.is_governed)),
                ("name", Attribute::text(name)),
                ("zone", Attribute::text(Zone::of(name).name())),
            ])
        }
        Resource::Identity { what } | Resource::Secret { what } => {
            Vec::from([("what", Attribute::text(what))])
        }
        Resource::McpTool { server, tool } => {
            Vec::from([("server", Attribute::text(server)), ("tool", Attribute::text(tool))])
        }
        Resource::Package { name, version, ecosystem, source } => Vec::from([
            ("ecosystem", Attribute::text(ecosystem)),
            ("name", Attribute::text(name)),
            ("source", Attribute::text(source.name())),
            ("version", Attribute::text(version)),
        ]),
        Resource::Path { path, place, binding } => {
            let binding = binding.map_or("", Binding::name);
            path_attributes(path, place.name(), binding, said, &scope.workspace)
        }
        Resource::Repository { name } => Vec::from([("name", Attribute::text(name))]),
        Resource::Ref { remote, name, force } => {
            let short = name.strip_prefix("refs/heads/").unwrap_or(name);
            Vec::from([
                ("force", Attribute::Flag(*force)),
                ("foreign", Attribute::Flag(is_foreign_push(call))),
                ("known", Attribute::Flag(!short.is_empty())),
                ("name", Attribute::text(short)),
                ("own", Attribute::Flag(is_own_branch(&scope.task, short))),
                ("remote", Attribute::text(remote)),
                ("tag", Attribute::Flag(name.starts_with("refs/tags/"))),
            ])
        }
        Resource::Unknown { .. } => Vec::from([("why", Attribute::Text(name.clone()))]),
    };
    attributes.push(("named", Attribute::Flag(said.named)));
    Ok(Thing { uid: uid(kind_name, &name), kind, name, attributes })
}

/// What is known of the credential that a request spends at its host.
#[derive(Default)]
struct Spent {
    is_foreign: bool,
    is_governed: bool,
}

fn spent_at(host: &str, call: Option<&ToolCall>, known: &KnownHosts) -> Spent {
    match call.map(|call| &call.operation) {
        Some(Operation::Request(request)) if request.authority() == host => Spent {
            is_foreign: request.account == Account::Foreign,
            is_governed: crate::request::read(request, known).is_governed || known.lends_at(host),
        },
        Some(_) | None => Spent::default(),
    }
}

fn is_foreign_push(call: Option<&ToolCall>) -> bool {
    match call.map(|call| &call.operation) {
        Some(Operation::Push(push)) => push.account == Account::Foreign,
        Some(Operation::Request(request)) => request.account == Account::Foreign,
        Some(_) | None => false,
    }
}

fn path_attributes<'a>(
    path: &'a str,
    place: &'static str,
    binding: &'static str,
    said: Said,
    workspace: &Workspace,
) -> Vec<(&'static str, Attribute<'a>)> {
    let real = std::path::Path::new(path);
    let mut found = Vec::from([
        ("barred", Attribute::Flag(said.barred)),
        ("beacon", Attribute::Flag(said.beacon)),
        ("binding", Attribute::text(binding)),
        ("in_workspace", Attribute::Flag(workspace.holds(real))),
        ("path", Attribute::text(path)),
        ("place", Attribute::text(place)),
        ("within", Attribute::Flag(said.within)),
    ]);
    if let Some(at_home) = workspace.at_home(real) {
        found.push(("at_home", Attribute::text(at_home)));
    }
    if let Some(at_root) = workspace.at_root(real) {
        found.push(("at_root", Attribute::text(at_root)));
    }
    found
}

/// The call as an entity, for the few policies that read it.
pub(crate) fn tool_call(call: &ToolCall) -> Result<Entity, BuildError> {
    let mut tags = HashMap::new();
    let mut complete = true;
    match &call.arguments {
        Json::Object(members) => {
            for (name, value) in members {
                let value = match value {
                    Json::String(value) => value.clone(),
                    Json::Number(value) => value.to_string(),
                    Json::Bool(value) => value.to_string(),
                    Json::Null | Json::Array(_) | Json::Object(_) => {
                        complete = false;
                        continue;
                    }
                };
                if tags.len() == TAGS || name.len() + value.len() > TAG_BYTES {
                    complete = false;
                    continue;
                }
                tags.insert(name.clone(), text(&value));
            }
        }
        Json::Null => {}
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => complete = false,
    }
    Entity::new_with_tags(
        uid(&types().tool_call, "this"),
        attributes([
            ("client", text(call.client.name())),
            ("complete", Value::new_bool(complete)),
            ("operation", text(call.operation.name())),
            ("tool", text(call.tool.as_str())),
        ]),
        [],
        tags,
    )
    .map_err(cedar)
}

/// Something that was stopped on its way out.
pub(crate) fn incident(uid: EntityUid, stopped: Stopped<'_>) -> Result<Entity, BuildError> {
    let Stopped { kind, host, credential } = stopped;
    let members = attributes([
        ("credential", text(credential)),
        ("host", text(host)),
        ("kind", text(kind)),
        ("named", Value::new_bool(false)),
    ]);
    Entity::new(uid, members, HashSet::new()).map_err(cedar)
}

/// The action of a question is not in the schema.
pub(crate) fn no_action() -> BuildError {
    cedar("an action is not in the schema")
}

/// What stands for the call where a question is about no call.
pub(crate) fn no_call() -> Result<Entity, BuildError> {
    Entity::new(
        uid(&types().tool_call, "this"),
        attributes([
            ("client", text("")),
            ("complete", Value::new_bool(false)),
            ("operation", text("")),
            ("tool", text("")),
        ]),
        HashSet::new(),
    )
    .map_err(cedar)
}

#[cfg(test)]
mod tests;
