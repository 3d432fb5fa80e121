//! The words of Writ: ids, time, agents, tasks, tool calls, effects, decisions and events.
//!
//! Floor 0: no I/O, no clock, no randomness; all of these are arguments. State machines live here as total
//! functions from a state and a move to a state or a typed refusal. Types that stand in ledger entries, and only
//! those, derive `Serialize`: that form is the record and changes only with the entry version.

mod action;
mod agent;
mod approval;
mod bounds;
mod decision;
mod effect;
mod egress;
mod event;
mod grant;
mod id;
mod reason;
mod resource;
mod secret;
mod taint;
mod task;
mod text;
mod time;
mod tool_call;

pub use action::{Action, Because};
pub use agent::{
    AutonomyLevel, Client, Fingerprint, FingerprintPart, Human, IllegalMove, LifecycleMove, LifecycleReason,
    LifecycleState, Registration, UnknownClient,
};
pub use approval::{ApprovalMove, ApprovalState, IllegalApprovalMove};
pub use bounds::{
    Bounds, Constraint, EffectBound, ExactCall, HostPattern, InvalidBounds, MAX_BOUNDS_BYTES, PathPattern,
    Relation, StopCondition, ToolBound, same_value,
};
pub use decision::{ApprovalLevel, Decision, Observed, Verdict};
pub use effect::{EffectClass, UnknownEffectClass};
pub use egress::{Account, Body, Finding, FindingKind, Push, RefStep, RefUpdate, Request, Scheme};
pub use event::{
    ActivityEntry, ActivityEvent, Actor, ControlEntry, ControlEvent, ENTRY_VERSION, EntryError, Outcome,
};
pub use grant::{
    Grant, GrantEnd, GrantFile, GrantLine, GrantShape, GrantTerms, GrantWord, GrantedResource, LineForm,
    MAX_GRANT_BYTES, MAX_GRANT_PARTS,
};
pub use id::{AgentId, ApprovalId, CallId, GrantId, InvalidId, LeaseId, SecretId, SessionId, TaskId, WritId};
pub use reason::ReasonCode;
pub use resource::{Binding, PackageSource, Place, Resource};
pub use secret::Secret;
pub use taint::{MarkEnd, SourceKind, Touch};
pub use task::{
    CloseCause, IllegalTaskMove, Limits, Supervision, Task, TaskKind, TaskMove, TaskState, UnknownTaskKind,
};
pub use text::{Digest, InvalidText, Label};
pub use time::{Clock, InvalidTimestamp, Timestamp};
pub use tool_call::{Operation, ToolCall};
