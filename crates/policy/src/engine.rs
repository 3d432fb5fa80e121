//! The judge. A call is taken apart into actions; each action is put to three policy sets; all must agree.
//!
//! ```text
//! allow   = no guardrail forbids ∧ the organisation allows ∧ the task allows     for every action
//! step_up = not that, but that with the first approval of the rising list that makes it so
//! deny    = neither, or a question that could not be put or answered
//! ```

use std::sync::{Arc, OnceLock};

use cedar_policy::{Authorizer, Entities};
use writ_model::{Action, ApprovalLevel, Digest, EffectClass, Operation, ReasonCode, ToolCall, Verdict};

use crate::actions::actions_with;
use crate::engine::ask::{Cell, Sets};
use crate::engine::incident::OfIncidents;
use crate::entities::Principal;
use crate::explain::{self, Explanation};
use crate::grants::{Grants, NoGrants};
use crate::layer::{Filed, MARK, Standing};
use crate::moment::Moment;
use crate::permit::{Denial, Judgement, Permit, Ruling, StepUp, Text};
use crate::place::Files;
use crate::request::KnownHosts;
use crate::schema::{EFFECTS, KINDS};
use crate::scope::{ScopeError, TaskScope, task_layer};
use crate::source::{Layer, LoadError, ObservedPolicy, PolicySources, read};

mod ask;
mod facts;
mod incident;
mod weigh;

pub use facts::Fact;
pub use incident::{OnIncident, Stopped};

/// The policies of one host, read and checked once.
pub struct Engine {
    actions: Entities,
    /// Guardrails and the organisation's policies, those under observation included.
    filed: Filed,
    observed: Vec<ObservedPolicy>,
    /// What is asked when something was stopped on its way out.
    of_incidents: OfIncidents,
    version: Digest,
}

/// The judge of one task. Cheap to ask, from many threads at once.
pub struct TaskJudge {
    engine: Arc<Engine>,
    scope: TaskScope,
    known: KnownHosts,
    principal: Principal,
    /// The task's own policies.
    task: Filed,
    standing: Standing,
    own_standing: Standing,
    authorizer: Authorizer,
    /// By effect and resource type; made when the first such question comes.
    cells: Vec<OnceLock<Cell>>,
    sets: Sets,
}

/// What a call is judged by beside the policies.
#[derive(Clone, Copy)]
struct Asked<'a> {
    moment: &'a Moment,
    grants: &'a dyn Grants,
    call: Option<&'a ToolCall>,
    approval: Option<ApprovalLevel>,
}

// === impl Engine ===

impl Engine {
    /// Reads and checks the policies. Nothing that could err, and nothing that a yes could turn against itself, gets in.
    pub fn load(sources: &PolicySources) -> Result<Self, LoadError> {
        let schema = crate::schema::schema().map_err(|error| LoadError::Schema(error.to_string()))?;
        let actions = schema.action_entities().map_err(|error| LoadError::Schema(error.to_string()))?;
        let read = read(sources, &schema)?;
        if !read.report.is_usable()
            && let Some(first) = read.report.findings.first()
        {
            return Err(LoadError::Refused { first: Box::new(first.clone()), report: read.report });
        }
        let layers = vec![(Layer::Guardrails, read.guardrails), (Layer::Organisation, read.organisation)];
        let filed = Filed::new(layers, &actions, 0);
        Ok(Self {
            version: digest(sources.parts()),
            of_incidents: OfIncidents::new(&filed)?,
            filed,
            observed: read.report.observed,
            actions,
        })
    }

    /// Digest over the schema and the two layers that were read. It stands in every decision as `policy_version`.
    pub const fn version(&self) -> Digest {
        self.version
    }

    /// The policies that are only observed: they decide nothing, and every decision says what they would have changed.
    pub fn observed(&self) -> &[ObservedPolicy] {
        &self.observed
    }

    /// The judge of one task.
    pub fn for_task(self: &Arc<Self>, scope: TaskScope) -> Result<TaskJudge, ScopeError> {
        let read = task_layer(&scope)?;
        let principal =
            Principal::new(&scope, &self.actions).map_err(|error| ScopeError::Policies(Box::new(error)))?;
        let task = Filed::new(vec![(Layer::Task, read)], &self.actions, MARK);
        let steady = Principal::steady(&scope);
        Ok(TaskJudge {
            standing: self.filed.standing(&principal.groups, steady),
            own_standing: task.standing(&principal.groups, steady),
            engine: Arc::clone(self),
            scope,
            known: KnownHosts::default(),
            principal,
            task,
            authorizer: Authorizer::new(),
            cells: std::iter::repeat_with(OnceLock::new).take(EFFECTS * KINDS).collect(),
            sets: Sets::default(),
        })
    }
}

/// SHA-256 over parts, each with its length before it.
fn digest<'a>(parts: impl Iterator<Item = &'a str>) -> Digest {
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 32];
    for (slot, byte) in bytes.iter_mut().zip(hash.finish().as_ref()) {
        *slot = *byte;
    }
    Digest::new(bytes)
}

// === impl TaskJudge ===

impl TaskJudge {
    pub const fn scope(&self) -> &TaskScope {
        &self.scope
    }

    /// Tells the judge what the owner of the doors knows of hosts, before it is asked.
    #[must_use]
    pub fn knowing(mut self, known: KnownHosts) -> Self {
        self.known = known;
        self
    }

    pub const fn known(&self) -> &KnownHosts {
        &self.known
    }

    /// Digest over the schema and the two layers that were read; the task's own follows from the task.
    pub fn version(&self) -> Digest {
        self.engine.version
    }

    /// The policies that are only observed.
    pub fn observed(&self) -> &[ObservedPolicy] {
        self.engine.observed()
    }

    /// Judges a call, as if nothing had been granted.
    pub fn judge(&self, call: ToolCall, moment: &Moment, files: &dyn Files) -> Judgement {
        self.judge_with(call, moment, &NoGrants, files)
    }

    /// Judges a call, with what people have granted in the task.
    pub fn judge_with(
        &self,
        call: ToolCall,
        moment: &Moment,
        grants: &dyn Grants,
        files: &dyn Files,
    ) -> Judgement {
        let actions = with_carried(actions_with(&call, &self.scope.workspace, files, &self.known), moment);
        let asked = Asked { moment, grants, call: Some(&call), approval: None };
        let explanation = self.explain_asked(&actions, asked);
        self.judgement(call, actions, explanation, None)
    }

    /// What would be decided about these actions, and why, one by one, as if nothing had been granted.
    pub fn explain(&self, actions: &[Action], moment: &Moment) -> Explanation {
        self.explain_with(actions, moment, &NoGrants)
    }

    /// The same, with what people have granted in the task.
    pub fn explain_with(&self, actions: &[Action], moment: &Moment, grants: &dyn Grants) -> Explanation {
        self.explain_asked(actions, Asked { moment, grants, call: None, approval: None })
    }

    /// The policies that were loaded.
    pub(crate) fn loaded(&self) -> &Filed {
        &self.engine.filed
    }

    /// The task's own policies.
    pub(crate) const fn own(&self) -> &Filed {
        &self.task
    }

    /// How many policies a question of this sort is put to at most, of all that there are. For tests of cost.
    pub fn considered(&self, effect: EffectClass, resource: &writ_model::Resource) -> usize {
        let action = Action { effect, resource: resource.clone(), because: Default::default() };
        self.question(&action, None).map_or(0, |question| question.policies.len())
    }

    fn judgement(
        &self,
        call: ToolCall,
        actions: Vec<Action>,
        explanation: Explanation,
        approval: Option<ApprovalLevel>,
    ) -> Judgement {
        let is_request = matches!(&call.operation, Operation::Request(_));
        let text = || Text {
            agent: explain::for_agent(&explanation, &self.scope, is_request),
            operator: explain::for_operator(&explanation),
        };
        match (explanation.decision.verdict, explanation.decision.approval) {
            (Verdict::Allow, _) => Judgement::Permit(Permit {
                granted: explanation.parts.iter().filter_map(|part| part.granted).min(),
                ruling: Ruling { call, actions, decision: explanation.decision },
                approval,
            }),
            (Verdict::StepUp, Some(level)) => {
                let text = text();
                let waits = |part: &&explain::Part| part.verdict == Verdict::StepUp;
                let held = explanation.parts.iter().filter(waits).map(|part| part.action.clone()).collect();
                let reasons = explain::reasons(&explanation, &self.scope);
                let holding = explanation.parts.iter().filter(waits);
                let is_by_session = holding.clone().any(|part| !part.tells.is_empty());
                let mut holders: Vec<_> = holding.flat_map(|part| part.holders.iter().cloned()).collect();
                holders.sort();
                holders.dedup();
                let unasked = explain::without_asking(&explanation, &self.scope, is_request);
                let ruling = Ruling { call, actions, decision: explanation.decision };
                Judgement::StepUp(StepUp {
                    ruling,
                    level,
                    held,
                    reasons,
                    holders,
                    is_by_session,
                    unasked,
                    text,
                })
            }
            (Verdict::StepUp, None) | (Verdict::Deny, _) => {
                let text = text();
                Judgement::Denied(Denial {
                    ruling: Ruling { call, actions, decision: explanation.decision },
                    text,
                })
            }
        }
    }
}

/// A call does what its words say, and what the code does that it runs.
fn with_carried(mut actions: Vec<Action>, moment: &Moment) -> Vec<Action> {
    for carried in &moment.carried {
        let is_same =
            |action: &Action| action.effect == carried.effect && action.resource == carried.resource;
        if !actions.iter().any(is_same) {
            actions.push(carried.clone());
        }
    }
    actions
}

// === impl StepUp ===

impl StepUp {
    /// Judges the call again, with the yes that was spent on it.
    ///
    /// The actions are worked out anew. Where they differ from those that were approved, as when a link was turned in
    /// the meantime, the approval was for something else and the call is denied.
    pub fn judge_again(
        self,
        judge: &TaskJudge,
        level: ApprovalLevel,
        moment: &Moment,
        files: &dyn Files,
    ) -> Judgement {
        self.judge_again_with(judge, level, moment, &NoGrants, files)
    }

    /// The same, with what people have granted in the task: an action that a grant covered when the call was held is
    /// not lifted by the approval alone.
    pub fn judge_again_with(
        self,
        judge: &TaskJudge,
        level: ApprovalLevel,
        moment: &Moment,
        grants: &dyn Grants,
        files: &dyn Files,
    ) -> Judgement {
        let Ruling { call, actions: approved, .. } = self.ruling;
        let actions = with_carried(actions_with(&call, &judge.scope.workspace, files, &judge.known), moment);
        let explanation = if actions == approved {
            judge.explain_asked(&actions, Asked { moment, grants, call: Some(&call), approval: Some(level) })
        } else {
            judge.refused(
                &actions,
                ReasonCode::Unknown,
                "what the call would do changed while it waited for a person",
            )
        };
        judge.judgement(call, actions, explanation, Some(level))
    }
}

#[cfg(test)]
pub(crate) mod tests;
