//! Requests as Cedar sees them: a handful of entities per question, however many agents there are.

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

use cedar_policy::{Context, Entities, Entity, EntityUid, Request, RestrictedExpression as Value};
use serde_json::Value as Json;
use writ_model::{Action, ApprovalLevel, Binding, EffectClass, Resource, ToolCall};

use crate::bounds::Said;
use crate::host::Zone;
use crate::moment::{Chain, FingerprintState, Moment, Taint};
use crate::place::Workspace;
use crate::schema::{action_uid, effect_index, kind_index, types, uid};
use crate::scope::{TaskScope, is_own_branch, profiles};
use crate::syntax::Uses;

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
    /// The agent itself and all it belongs to.
    pub groups: HashSet<EntityUid>,
    /// Agent and action, by effect class.
    bases: Vec<Entities>,
    actions: Vec<EntityUid>,
    call: EntityUid,
    /// The contexts that were asked for, each made when it is first needed. Held for one look-up.
    contexts: RwLock<HashMap<Circumstances, Context>>,
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
                let action =
                    actions.get(action).cloned().ok_or_else(|| cedar("an action is not in the schema"))?;
                Entities::from_entities([entity.clone(), action], None).map_err(cedar)
            })
            .collect::<Result<_, _>>()?;
        groups.insert(agent.clone());
        Ok(Self {
            uid: agent,
            groups,
            bases,
            actions: action_uids,
            call: uid(&types.tool_call, "this"),
            contexts: RwLock::default(),
        })
    }

    /// Agent, action, resource and, where a policy reads it, the call.
    pub fn entities(&self, effect: EffectClass, others: Vec<Entity>) -> Result<Entities, BuildError> {
        let base = self.bases.get(effect_index(effect)).cloned().ok_or_else(|| cedar("no such effect"))?;
        base.add_entities(others, None).map_err(cedar)
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

    /// The context of a decision. What changes with every call is there only if a policy reads it; the rest is made
    /// once for each state of the session.
    pub fn context(
        &self,
        scope: &TaskScope,
        moment: &Moment,
        approval: Option<ApprovalLevel>,
        uses: Uses,
    ) -> Result<Context, BuildError> {
        let key = Circumstances {
            taint: moment.taint,
            chain: moment.chain,
            fingerprint: moment.fingerprint,
            approval,
        };
        let made = self.contexts.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let steady = match made {
            Some(made) => made,
            None => {
                let made = self.steady(scope, &key)?;
                let mut contexts = self.contexts.write().unwrap_or_else(PoisonError::into_inner);
                if contexts.len() < CONTEXTS {
                    contexts.insert(key, made.clone());
                }
                made
            }
        };
        let mut fleeting = Vec::new();
        if uses.budget {
            let budget = moment.budget;
            let members = [
                ("calls_left", long(budget.calls_left)),
                ("denials_left", long(budget.denials_left)),
                ("seconds_left", long(budget.seconds_left)),
            ];
            fleeting.push(("budget".to_owned(), record(members)?));
        }
        if uses.now {
            fleeting.push(("now".to_owned(), Value::new_datetime(moment.now.to_string())));
        }
        if fleeting.is_empty() { Ok(steady) } else { steady.merge(fleeting).map_err(cedar) }
    }

    fn steady(&self, scope: &TaskScope, key: &Circumstances) -> Result<Context, BuildError> {
        let Circumstances { taint, chain, fingerprint, approval } = *key;
        let chain = chain.members().map(|(name, holds)| (name, Value::new_bool(holds)));
        let mut members = vec![
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
    approval: Option<ApprovalLevel>,
}

/// How many contexts are kept. A session meets a few dozen; what is more is made anew each time.
const CONTEXTS: usize = 512;

/// The resource of an action as an entity with the attributes of the schema.
pub(crate) fn resource(
    action: &Action,
    call: Option<&ToolCall>,
    scope: &TaskScope,
) -> Result<Entity, BuildError> {
    let name = match &action.resource {
        Resource::Unknown { why } => why.chars().take(200).collect(),
        other => other.name(),
    };
    if name.len() > NAME_BYTES {
        return Err(BuildError::NameTooLong);
    }
    let kind = types().resources.get(kind_index(&action.resource)).ok_or_else(|| cedar("no such kind"))?;
    let said =
        scope.bounds.as_ref().map(|bounds| bounds.of(action, call, &scope.workspace)).unwrap_or_default();
    let mut attributes = match &action.resource {
        Resource::CloudAccount { provider } => attributes([("provider", text(provider))]),
        Resource::Command { program } => attributes([("program", text(program))]),
        Resource::Deployment { target } => attributes([("target", text(target))]),
        Resource::Host { name } => attributes([("name", text(name)), ("zone", text(Zone::of(name).name()))]),
        Resource::Identity { what } | Resource::Secret { what } => attributes([("what", text(what))]),
        Resource::McpTool { server, tool } => attributes([("server", text(server)), ("tool", text(tool))]),
        Resource::Package { name, version, ecosystem, source } => attributes([
            ("ecosystem", text(ecosystem)),
            ("name", text(name)),
            ("source", text(source.name())),
            ("version", text(version)),
        ]),
        Resource::Path { path, place, binding } => {
            let binding = binding.map_or("", Binding::name);
            path_attributes(path, place.name(), binding, said, &scope.workspace)
        }
        Resource::Repository { name } => attributes([("name", text(name))]),
        Resource::Ref { remote, name, force } => {
            let short = name.strip_prefix("refs/heads/").unwrap_or(name);
            attributes([
                ("force", Value::new_bool(*force)),
                ("known", Value::new_bool(!short.is_empty())),
                ("name", text(short)),
                ("own", Value::new_bool(is_own_branch(&scope.task, short))),
                ("remote", text(remote)),
                ("tag", Value::new_bool(name.starts_with("refs/tags/"))),
            ])
        }
        Resource::Unknown { .. } => attributes([("why", text(&name))]),
    };
    attributes.insert("named".to_owned(), Value::new_bool(said.named));
    Entity::new(uid(kind, &name), attributes, HashSet::new()).map_err(cedar)
}

fn path_attributes(
    path: &str,
    place: &str,
    binding: &str,
    said: Said,
    workspace: &Workspace,
) -> HashMap<String, Value> {
    let real = std::path::Path::new(path);
    let mut found = attributes([
        ("barred", Value::new_bool(said.barred)),
        ("beacon", Value::new_bool(said.beacon)),
        ("binding", text(binding)),
        ("in_workspace", Value::new_bool(workspace.holds(real))),
        ("path", text(path)),
        ("place", text(place)),
        ("within", Value::new_bool(said.within)),
    ]);
    if let Some(at_home) = workspace.at_home(real) {
        found.insert("at_home".to_owned(), text(at_home));
    }
    if let Some(at_root) = workspace.at_root(real) {
        found.insert("at_root".to_owned(), text(at_root));
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
