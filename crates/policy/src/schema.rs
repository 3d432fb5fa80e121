//! The one schema, and the Cedar names of our words. Texts are part of the binary, so that no file decides what the
//! judge understands.

use std::str::FromStr;
use std::sync::LazyLock;

use cedar_policy::{EntityId, EntityTypeName, EntityUid, Schema};
use writ_model::{EffectClass, Resource};

/// The schema that every policy is checked against and every request is built for.
pub(crate) const SCHEMA: &str = include_str!("../../../policies/schema.cedarschema");

/// How many resource types there are.
pub(crate) const KINDS: usize = 12;

/// How many effect classes there are.
pub(crate) const EFFECTS: usize = EffectClass::ALL.len();

/// The Cedar entity types, parsed once.
pub(crate) struct Types {
    pub action: EntityTypeName,
    pub agent: EntityTypeName,
    pub environment: EntityTypeName,
    pub incident: EntityTypeName,
    pub profile: EntityTypeName,
    pub task: EntityTypeName,
    pub team: EntityTypeName,
    pub tool_call: EntityTypeName,
    /// By [`kind_index`].
    pub resources: [EntityTypeName; KINDS],
}

/// The names of the resource types, in the order of [`kind_index`].
pub(crate) const KIND_NAMES: [&str; KINDS] = [
    "CloudAccount",
    "Command",
    "Deployment",
    "Host",
    "Identity",
    "McpTool",
    "Package",
    "Path",
    "Ref",
    "Repository",
    "Secret",
    "Unknown",
];

#[expect(clippy::expect_used, reason = "the names are constants; a test builds them all")]
static TYPES: LazyLock<Types> = LazyLock::new(|| {
    let name = |name: &str| EntityTypeName::from_str(&format!("Writ::{name}")).expect("a type name of ours");
    Types {
        action: name("Action"),
        agent: name("Agent"),
        environment: name("Environment"),
        incident: name("Incident"),
        profile: name("Profile"),
        task: name("Task"),
        team: name("Team"),
        tool_call: name("ToolCall"),
        resources: KIND_NAMES.map(name),
    }
});

pub(crate) fn types() -> &'static Types {
    &TYPES
}

/// Parses the shipped schema. About a millisecond; the engine does it once.
pub(crate) fn schema() -> Result<Schema, Box<cedar_policy::CedarSchemaError>> {
    Schema::from_cedarschema_str(SCHEMA).map(|(schema, _warnings)| schema).map_err(Box::new)
}

pub(crate) fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

pub(crate) fn action_uid(effect: EffectClass) -> EntityUid {
    uid(&types().action, effect.name())
}

/// The question whether an agent is suspended for an incident. No effect of a call has this action.
pub(crate) fn incident_uid() -> EntityUid {
    uid(&types().action, "incident")
}

pub(crate) const fn effect_index(effect: EffectClass) -> usize {
    effect as usize
}

/// Which of the resource types it is, as an index into [`KIND_NAMES`].
pub(crate) const fn kind_index(resource: &Resource) -> usize {
    match resource {
        Resource::CloudAccount { .. } => 0,
        Resource::Command { .. } => 1,
        Resource::Deployment { .. } => 2,
        Resource::Host { .. } => 3,
        Resource::Identity { .. } => 4,
        Resource::McpTool { .. } => 5,
        Resource::Package { .. } => 6,
        Resource::Path { .. } => 7,
        Resource::Ref { .. } => 8,
        Resource::Repository { .. } => 9,
        Resource::Secret { .. } => 10,
        Resource::Unknown { .. } => 11,
    }
}
