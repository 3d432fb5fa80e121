//! The judge: what a tool call would do, and whether policy allows it.
//!
//! A client's call has many forms and one meaning. [`actions_of`] works the meaning out: a set of actions, each one
//! effect on one typed resource, a shell command read from its real grammar by [`classify`]. [`TaskJudge::judge`] puts
//! every action to three Cedar policy sets (shipped guardrails, the organisation's profiles, the task's own scope) and
//! answers with a [`Permit`] that only this crate can make, a [`Denial`] with its reasons, or a [`StepUp`] that names
//! whose yes it would take.
//!
//! ```text
//! let engine = Arc::new(Engine::load(&PolicySources::shipped())?);
//! let judge = engine.for_task(scope)?;                 // once per task
//! match judge.judge(call, &moment, &files) {
//!     Judgement::Permit(permit) => …                   // record it, then let it through
//!     Judgement::Denied(denial) => …                   // denial.to_agent() says what to do instead
//!     Judgement::StepUp(held) => …                     // ask held.level(), spend the yes, held.judge_again(…)
//! }
//! ```
//!
//! No I/O, no clock, no runtime: files are looked at through [`Files`], time comes with [`Moment`].

mod actions;
mod bounds;
mod classify;
mod engine;
mod entities;
mod explain;
mod git_config;
mod grants;
mod host;
mod layer;
mod leads;
mod line;
mod moment;
mod names;
mod permit;
mod place;
mod plain;
mod reads;
mod replay;
mod request;
mod schema;
mod scope;
mod source;
mod syntax;
mod taint;
mod token;
mod usage;

pub use actions::{actions_of, actions_with};
pub use bounds::{Reference, TaskBounds, references, widens};
pub use classify::{Classified, Effect, Facts, Look, MAX_LOOK_BYTES, Package, Sweep, Target, Why, classify};
pub use engine::{Engine, Fact, OnIncident, Stopped, TaskJudge};
pub use explain::{Explanation, Part};
pub use git_config::{GitNames, GitSetting, git_settings};
pub use grants::{Grants, NoGrants};
pub use host::{Zone, host_of};
pub use leads::leads;
pub use line::{line_fits, line_form};
pub use moment::{Budget, Chain, FingerprintState, Moment, NoTaint, Sources, Taint};
pub use names::{Meaning, folded_name};
pub use permit::{Denial, Judgement, Permit, Ruling, StepUp};
pub use place::{
    Entry, Files, FolderNames, Lexical, Name, Placed, Status, Unplaceable, Workspace, binds, tells,
};
#[doc(hidden)]
pub use plain::{Plain, PlainDecision, PlainQuestion};
pub use replay::{Answer, MAX_CHAIN_BYTES, MAX_STEPS, Scenario, ScenarioError, Step};
pub use request::{
    Forge, FormParts, GitService, GitStep, KnownHosts, MAX_HELD_NAME_BYTES, NamesMethod, ends_in_file,
    git_service, has_member, json_once,
};
pub use scope::{ScopeError, TaskScope, ceiling};
pub use source::{
    Finding, Layer, LoadError, ObservedPolicy, PolicySources, Report, Severity, SourceFile, Written, validate,
};
pub use syntax::Unsayable;
pub use taint::{
    Before, Claim, Footprint, Ground, MARKS, Mark, Marked, PathKey, PrivateData, Risen, Session, SessionKeys,
    Story, Trace,
};
pub use token::holds_token;
pub use usage::Usage;
