//! The judge. A call is taken apart into actions; each action is put to three policy sets; all must agree.
//!
//! ```text
//! allow   = no guardrail forbids ∧ the organisation allows ∧ the task allows     for every action
//! step_up = not that, but that with the first approval of the rising list that makes it so
//! deny    = neither, or a question that could not be put or answered
//! ```

use std::sync::{Arc, OnceLock};

use cedar_policy::{Authorizer, Context, Decision as CedarDecision, Effect, Entities, PolicySet, Request};
use writ_model::{
    Action, ApprovalLevel, Decision, Digest, EffectClass, GrantId, Label, Observed, ReasonCode, ToolCall,
    Verdict,
};

use crate::actions::actions_of;
use crate::entities::{self, BuildError, Principal};
use crate::explain::{self, Explanation, Part};
use crate::grants::{Grants, NoGrants};
use crate::layer::Filed;
use crate::moment::Moment;
use crate::permit::{Denial, Judgement, Permit, Ruling, StepUp, Text};
use crate::place::Files;
use crate::schema::{EFFECTS, KINDS, effect_index, kind_index};
use crate::scope::{ScopeError, TaskScope, task_layer};
use crate::source::{Layer, LoadError, Notes, ObservedPolicy, PolicySources, ReadLayer, read};
use crate::syntax::Uses;

/// The policies of one host, read and checked once.
pub struct Engine {
    actions: Entities,
    guardrails: Filed,
    organisation: Filed,
    /// The organisation's layer as it would be if the policies under observation counted; none where there are none.
    trial: Option<Filed>,
    observed: Vec<ObservedPolicy>,
    version: Digest,
}

/// The judge of one task. Cheap to ask, from many threads at once.
pub struct TaskJudge {
    engine: Arc<Engine>,
    scope: TaskScope,
    principal: Principal,
    task: Filed,
    /// What any policy reads of the things that change with every call.
    uses: Uses,
    authorizer: Authorizer,
    /// By effect and resource type; made when the first such question comes.
    cells: Vec<OnceLock<Option<Cell>>>,
}

/// The policies that one sort of question depends on.
struct Cell {
    guardrails: Arc<PolicySet>,
    organisation: Arc<PolicySet>,
    task: Arc<PolicySet>,
    /// Layers in which no permit reads approval: where they permit nothing, nobody's yes helps.
    unmoved: Vec<Layer>,
    /// The same with the policies under observation, where any of them can matter.
    trial: Option<Box<Cell>>,
}

/// What a call is judged by beside the policies.
#[derive(Clone, Copy)]
struct Asked<'a> {
    moment: &'a Moment,
    grants: &'a dyn Grants,
    call: Option<&'a ToolCall>,
    approval: Option<ApprovalLevel>,
}

/// One action, ready to be put to the policies.
struct Question<'a> {
    action: &'a Action,
    cell: &'a Cell,
    entities: Entities,
    resource: cedar_policy::EntityUid,
}

/// What the three sets said to one question.
#[derive(Debug, Default)]
struct Answer {
    /// Ids of the forbids that hold, by layer.
    forbids: Vec<(Layer, Label)>,
    /// Ids of the permits that hold.
    permits: Vec<Label>,
    /// Layers that do not allow it.
    against: Vec<Layer>,
    /// A policy could not be evaluated.
    erred: Vec<Label>,
}

/// The answer to one action: as things are, and with the first approval that changes it.
struct Weighed {
    now: Answer,
    /// The answer with the highest approval that still does not allow it: what really stands in the way.
    standing: Option<Answer>,
    /// The grant that covers it, with the policies that then allow it.
    granted: Option<(GrantId, Vec<Label>)>,
    /// The first level that allows it, with the policies that then do.
    lifted: Option<(ApprovalLevel, Vec<Label>)>,
}

/// Why a question has no answer. Always a denial.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("the policies of this question cannot be put together")]
    Cell,
}

// === impl Engine ===

impl Engine {
    /// Reads and checks the policies. Nothing that could err, and nothing that a yes could turn against itself, gets in.
    pub fn load(sources: &PolicySources) -> Result<Self, LoadError> {
        let schema = crate::schema::schema().map_err(|error| LoadError::Schema(error.to_string()))?;
        let actions = schema.action_entities().map_err(|error| LoadError::Schema(error.to_string()))?;
        let mut read = read(sources, &schema)?;
        if !read.report.is_usable()
            && let Some(first) = read.report.findings.first()
        {
            return Err(LoadError::Refused { first: Box::new(first.clone()), report: read.report });
        }
        let trial = (!read.report.observed.is_empty()).then(|| read.organisation.policies.clone());
        read.organisation.policies.retain(|(_, _, notes)| notes.observe.is_none());
        let set = PolicySet::new;
        Ok(Self {
            version: digest(sources.parts()),
            guardrails: Filed::new(read.guardrails, &actions),
            organisation: Filed::new(read.organisation, &actions),
            trial: trial.map(|policies| Filed::new(ReadLayer { policies, set: set() }, &actions)),
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
        let task = Filed::new(read, &self.actions);
        Ok(TaskJudge {
            uses: self.guardrails.uses.with(self.organisation().uses).with(task.uses),
            engine: Arc::clone(self),
            scope,
            principal,
            task,
            authorizer: Authorizer::new(),
            cells: std::iter::repeat_with(OnceLock::new).take(EFFECTS * KINDS).collect(),
        })
    }
}

impl Engine {
    /// The organisation's layer with all that was read of it.
    fn organisation(&self) -> &Filed {
        self.trial.as_ref().unwrap_or(&self.organisation)
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
        let actions = actions_of(&call, &self.scope.workspace, files);
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

    /// How many policies a question of this sort is put to, of how many there are. For tests of cost.
    pub fn considered(&self, effect: EffectClass, resource: &writ_model::Resource) -> usize {
        self.cell(effect_index(effect), kind_index(resource)).map_or(0, |cell| {
            cell.guardrails.num_of_policies()
                + cell.organisation.num_of_policies()
                + cell.task.num_of_policies()
        })
    }

    fn judgement(
        &self,
        call: ToolCall,
        actions: Vec<Action>,
        explanation: Explanation,
        approval: Option<ApprovalLevel>,
    ) -> Judgement {
        let text = || Text {
            agent: explain::for_agent(&explanation, &self.scope),
            operator: explain::for_operator(&explanation),
        };
        match (explanation.decision.verdict, explanation.decision.approval) {
            (Verdict::Allow, _) => Judgement::Permit(Permit {
                ruling: Ruling { call, actions, decision: explanation.decision },
                approval,
            }),
            (Verdict::StepUp, Some(level)) => {
                let text = text();
                let waits = |part: &&Part| part.verdict == Verdict::StepUp;
                let held = explanation.parts.iter().filter(waits).map(|part| part.action.clone()).collect();
                let unasked = explain::without_asking(&explanation, &self.scope);
                let ruling = Ruling { call, actions, decision: explanation.decision };
                Judgement::StepUp(StepUp { ruling, level, held, unasked, text })
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

    fn explain_asked(&self, actions: &[Action], asked: Asked<'_>) -> Explanation {
        let mut explanation = match self.weigh(actions, asked) {
            Ok(parts) if !parts.is_empty() => self.decide(parts, asked.approval),
            Ok(_) => {
                self.refused(actions, ReasonCode::Unknown, "the call yields no action that could be judged")
            }
            Err(error) => self.refused(actions, ReasonCode::EvaluationError, &error.to_string()),
        };
        for why in explanation.parts.iter_mut().filter_map(|part| part.why.as_mut()) {
            *why = asked.moment.story.tell(why);
        }
        explanation
    }

    /// Puts every action to the policies, and again with those under observation where they can matter.
    fn weigh(&self, actions: &[Action], asked: Asked<'_>) -> Result<Vec<Part>, AskError> {
        let mut parts = Vec::with_capacity(actions.len());
        for action in actions {
            let question = self.question(action, asked.call)?;
            let mut part = self.part(action, question.cell, self.weigh_one(&question, question.cell, asked)?);
            if let Some(trial) = &question.cell.trial {
                let other = self.part(action, trial, self.weigh_one(&question, trial, asked)?);
                part.observed = self.observed_part(&part, &other);
            }
            parts.push(part);
        }
        Ok(parts)
    }

    /// One action as things are, then with the grant that covers it, then with one approval after the other.
    fn weigh_one(&self, question: &Question<'_>, cell: &Cell, asked: Asked<'_>) -> Result<Weighed, AskError> {
        let context = |approval| self.principal.context(&self.scope, asked.moment, approval, self.uses);
        let now = self.ask(question, cell, context(asked.approval)?)?;
        let mut weighed = Weighed { now, standing: None, granted: None, lifted: None };
        if weighed.now.allows() || self.is_hopeless(&weighed.now, cell) {
            return Ok(weighed);
        }
        let covering = question.action.is_grantable().then(|| asked.grants.covering(question.action));
        if let Some((grant, level)) = covering.flatten() {
            let then = self.ask(question, cell, context(Some(level))?)?;
            if then.allows() {
                weighed.granted = Some((grant, then.permits));
                return Ok(weighed);
            }
        }
        if asked.approval.is_none() {
            for level in ApprovalLevel::RISING {
                let then = self.ask(question, cell, context(Some(level))?)?;
                if then.allows() {
                    weighed.lifted = Some((level, then.permits));
                    break;
                }
                weighed.standing = Some(then);
            }
        }
        Ok(weighed)
    }

    /// What the policies under observation would have changed about one action.
    fn observed_part(&self, part: &Part, other: &Part) -> Option<Observed> {
        let differs = (part.verdict, part.approval) != (other.verdict, other.approval);
        differs.then(|| Observed {
            verdict: other.verdict,
            reason: other.reason,
            approval: other.approval,
            policies: other.policies.iter().filter(|id| self.is_observed(id)).cloned().collect(),
        })
    }

    fn is_observed(&self, id: &Label) -> bool {
        self.notes(Layer::Organisation, id).is_some_and(|notes| notes.observe.is_some())
    }

    /// Whether nobody's yes can change the answer: so, a denial needs no trying of approvals.
    fn is_hopeless(&self, now: &Answer, cell: &Cell) -> bool {
        !now.erred.is_empty()
            || now.forbids.iter().any(|(layer, id)| !self.reads_approval(*layer, id))
            || now.against.iter().any(|layer| cell.is_closed(*layer, now))
    }

    fn reads_approval(&self, layer: Layer, id: &Label) -> bool {
        self.notes(layer, id).is_some_and(|notes| notes.uses.approval)
    }

    fn question<'a>(&'a self, action: &'a Action, call: Option<&ToolCall>) -> Result<Question<'a>, AskError> {
        let cell =
            self.cell(effect_index(action.effect), kind_index(&action.resource)).ok_or(AskError::Cell)?;
        let resource = entities::resource(action, call, &self.scope)?;
        let uid = resource.uid();
        let mut others = vec![resource];
        if self.uses.call {
            // A question without a call has no arguments; what a policy asks of them then does not hold.
            let call = call.map_or_else(entities::no_call, entities::tool_call)?;
            others.push(call);
        }
        let entities = self.principal.entities(action.effect, others)?;
        Ok(Question { action, cell, entities, resource: uid })
    }

    fn cell(&self, effect: usize, kind: usize) -> Option<&Cell> {
        let slot = self.cells.get(effect * KINDS + kind)?;
        slot.get_or_init(|| self.make_cell(effect, kind)).as_ref()
    }

    fn make_cell(&self, effect: usize, kind: usize) -> Option<Cell> {
        let mut cell = self.make_cell_with(&self.engine.organisation, effect, kind)?;
        if let Some(trial) = &self.engine.trial {
            let trial = self.make_cell_with(trial, effect, kind)?;
            // It holds all that counts; where it holds no more, nothing observed can matter here.
            if trial.organisation.num_of_policies() > cell.organisation.num_of_policies() {
                cell.trial = Some(Box::new(trial));
            }
        }
        Some(cell)
    }

    fn make_cell_with(&self, organisation: &Filed, effect: usize, kind: usize) -> Option<Cell> {
        let groups = &self.principal.groups;
        let organisation = organisation.cell(effect, kind, groups)?;
        let task = self.task.cell(effect, kind, groups)?;
        let is_unmoved = |layer, set: &PolicySet| {
            let mut permits = set.policies().filter(|policy| policy.effect() == Effect::Permit);
            permits.all(|policy| !self.reads_approval(layer, &Label::lossy(policy.id().as_ref())))
        };
        let mut unmoved = Vec::new();
        if is_unmoved(Layer::Organisation, &organisation) {
            unmoved.push(Layer::Organisation);
        }
        if is_unmoved(Layer::Task, &task) {
            unmoved.push(Layer::Task);
        }
        let guardrails = self.engine.guardrails.cell(effect, kind, groups)?;
        Some(Cell { guardrails, organisation, task, unmoved, trial: None })
    }

    fn ask(&self, question: &Question<'_>, cell: &Cell, context: Context) -> Result<Answer, AskError> {
        let request = self.principal.request(question.action.effect, question.resource.clone(), context)?;
        let mut answer = Answer::default();
        for (layer, set) in [
            (Layer::Guardrails, &cell.guardrails),
            (Layer::Organisation, &cell.organisation),
            (Layer::Task, &cell.task),
        ] {
            self.ask_layer(layer, set, &request, &question.entities, &mut answer);
        }
        Ok(answer)
    }

    fn ask_layer(
        &self,
        layer: Layer,
        set: &PolicySet,
        request: &Request,
        entities: &Entities,
        answer: &mut Answer,
    ) {
        let response = self.authorizer.is_authorized(request, set, entities);
        let diagnostics = response.diagnostics();
        for error in diagnostics.errors() {
            let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
            answer.erred.push(Label::lossy(error.policy_id().as_ref()));
        }
        let ids = diagnostics.reason().map(|id| Label::lossy(id.as_ref()));
        match (response.decision(), layer) {
            // A guardrail never permits, so its set always says no; what counts is whether a forbid holds.
            (CedarDecision::Allow, Layer::Organisation | Layer::Task) => answer.permits.extend(ids),
            (CedarDecision::Deny, Layer::Organisation | Layer::Task) => {
                answer.forbids.extend(ids.map(|id| (layer, id)));
                answer.against.push(layer);
            }
            (CedarDecision::Allow | CedarDecision::Deny, Layer::Guardrails) => {
                let before = answer.forbids.len();
                answer.forbids.extend(ids.map(|id| (layer, id)));
                if answer.forbids.len() > before {
                    answer.against.push(layer);
                }
            }
        }
    }

    /// One action's answer, with the reason that counts most.
    fn part(&self, action: &Action, cell: &Cell, weighed: Weighed) -> Part {
        let Weighed { now, standing, granted, lifted } = weighed;
        let verdict = match (&lifted, now.allows() || granted.is_some()) {
            (_, true) => Verdict::Allow,
            (Some(_), false) => Verdict::StepUp,
            (None, false) => Verdict::Deny,
        };
        if let Some((grant, policies)) = granted {
            return Part {
                reason: ReasonCode::Granted,
                grant: Some(grant),
                ..Part::allowed(action.clone(), policies)
            };
        }
        let standing = standing.as_ref().unwrap_or(&now);
        // What nobody can lift is said first: a forbid, then a layer that permits nothing; then what could be lifted.
        let lifts = |(layer, id): &&(Layer, Label)| self.reads_approval(*layer, id);
        let fixed = standing.forbids.iter().filter(|forbid| !lifts(forbid)).min();
        let closed =
            [Layer::Task, Layer::Organisation].into_iter().find(|layer| cell.is_closed(*layer, standing));
        let decisive = if closed.is_some() { fixed } else { fixed.or_else(|| standing.forbids.iter().min()) };
        let notes = decisive.and_then(|(layer, id)| self.notes(*layer, id));
        let layer =
            decisive.map(|(layer, _)| *layer).or(closed).or_else(|| standing.against.first().copied());
        let reason = match verdict {
            Verdict::Allow => return Part::allowed(action.clone(), now.permits),
            _ if !now.erred.is_empty() || !standing.erred.is_empty() => ReasonCode::EvaluationError,
            Verdict::StepUp => ReasonCode::StepUp,
            Verdict::Deny => match (notes.and_then(|notes| notes.code), layer) {
                (Some(code), _) => code,
                (None, Some(Layer::Guardrails)) => ReasonCode::Guardrail,
                (None, Some(Layer::Organisation)) => ReasonCode::Organisation,
                (None, Some(Layer::Task)) => ReasonCode::TaskScope,
                (None, None) => ReasonCode::EvaluationError,
            },
        };
        let mut policies: Vec<Label> =
            now.forbids.iter().map(|(_, id)| id.clone()).chain(now.erred.iter().cloned()).collect();
        if let Some((_, lifting)) = &lifted {
            policies.extend(lifting.iter().cloned());
        }
        policies.sort();
        policies.dedup();
        Part {
            action: action.clone(),
            verdict,
            reason,
            approval: lifted.map(|(level, _)| level),
            layer,
            policies,
            why: notes.map(|notes| notes.reason.clone()),
            instead: notes.and_then(|notes| notes.instead.clone()),
            grant: None,
            observed: None,
        }
    }

    fn notes(&self, layer: Layer, id: &Label) -> Option<&Notes> {
        match layer {
            Layer::Guardrails => self.engine.guardrails.notes(id.as_str()),
            Layer::Organisation => self.engine.organisation().notes(id.as_str()),
            Layer::Task => self.task.notes(id.as_str()),
        }
    }

    /// The decision about a call, with what the policies under observation would have made of it.
    fn decide(&self, mut parts: Vec<Part>, approval: Option<ApprovalLevel>) -> Explanation {
        let decided = strictest(parts.iter().map(Part::outcome), approval);
        let (verdict, reason, level) = decided;
        let observed = parts.iter().any(|part| part.observed.is_some()).then(|| {
            let others = parts.iter().map(|part| match &part.observed {
                Some(Observed { verdict, reason, approval, .. }) => (*verdict, *reason, *approval),
                None => part.outcome(),
            });
            let (verdict, reason, approval) = strictest(others, approval);
            let mut policies: Vec<Label> = parts
                .iter()
                .filter_map(|part| part.observed.as_ref())
                .flat_map(|observed| observed.policies.iter().cloned())
                .collect();
            policies.sort();
            policies.dedup();
            Observed { verdict, reason, approval, policies }
        });
        let observed = observed.filter(|other| (other.verdict, other.approval) != (verdict, level));
        if verdict == Verdict::Deny && denied_none(&parts) {
            for part in &mut parts {
                part.why.get_or_insert_with(|| {
                    "its actions need approvals of which no one contains the others".to_owned()
                });
            }
        }
        let mut policies: Vec<Label> = parts
            .iter()
            .filter(|part| verdict == Verdict::Allow || part.verdict == verdict || denied_none(&parts))
            .flat_map(|part| part.policies.iter().cloned())
            .collect();
        policies.sort();
        policies.dedup();
        let mut grants: Vec<GrantId> = match verdict {
            Verdict::Allow => parts.iter().filter_map(|part| part.grant).collect(),
            Verdict::StepUp | Verdict::Deny => Vec::new(),
        };
        grants.sort();
        grants.dedup();
        let reason = match (verdict, reason) {
            (Verdict::Allow, ReasonCode::Allowed) if !grants.is_empty() => ReasonCode::Granted,
            (_, reason) => reason,
        };
        Explanation {
            decision: Decision {
                verdict,
                reason,
                approval: level,
                policies,
                grants,
                observed: observed.map(Box::new),
                policy_version: self.version(),
            },
            parts,
        }
    }

    fn refused(&self, actions: &[Action], reason: ReasonCode, why: &str) -> Explanation {
        let parts = actions.iter().map(|action| Part {
            action: action.clone(),
            verdict: Verdict::Deny,
            reason,
            approval: None,
            layer: None,
            policies: Vec::new(),
            why: Some(why.to_owned()),
            instead: None,
            grant: None,
            observed: None,
        });
        Explanation {
            parts: parts.collect(),
            decision: Decision {
                verdict: Verdict::Deny,
                reason,
                approval: None,
                policies: Vec::new(),
                grants: Vec::new(),
                observed: None,
                policy_version: self.version(),
            },
        }
    }
}

/// The strictest of several answers. The approval that is asked for must lift every action that needs one.
fn strictest(
    outcomes: impl Iterator<Item = (Verdict, ReasonCode, Option<ApprovalLevel>)> + Clone,
    approval: Option<ApprovalLevel>,
) -> (Verdict, ReasonCode, Option<ApprovalLevel>) {
    let denied = outcomes
        .clone()
        .filter(|(verdict, ..)| *verdict == Verdict::Deny)
        .min_by_key(|(_, reason, _)| weight(*reason));
    if let Some((_, reason, _)) = denied {
        return (Verdict::Deny, reason, None);
    }
    let needed = outcomes.filter_map(|(_, _, level)| level);
    match needed.clone().max() {
        None => {
            let reason = if approval.is_some() { ReasonCode::Approved } else { ReasonCode::Allowed };
            (Verdict::Allow, reason, None)
        }
        // `two-people` and `role` do not contain each other; no single approval lifts a call that needs both.
        Some(highest) if needed.clone().all(|level| contains(highest, level)) => {
            (Verdict::StepUp, ReasonCode::StepUp, Some(highest))
        }
        Some(_) => (Verdict::Deny, ReasonCode::Organisation, None),
    }
}

/// Which reason to give first when several actions are denied.
const fn weight(reason: ReasonCode) -> u8 {
    match reason {
        ReasonCode::EvaluationError => 0,
        ReasonCode::FingerprintChanged => 1,
        ReasonCode::Guardrail => 2,
        ReasonCode::TaskScope => 3,
        ReasonCode::Organisation => 4,
        ReasonCode::Unknown => 5,
        ReasonCode::Allowed
        | ReasonCode::Approved
        | ReasonCode::AgentNotActive
        | ReasonCode::ApprovalRefused
        | ReasonCode::ApprovalPending
        | ReasonCode::ApprovalsFull
        | ReasonCode::ControlRefused
        | ReasonCode::ControlUnreachable
        | ReasonCode::Granted
        | ReasonCode::HookFailed
        | ReasonCode::InputMalformed
        | ReasonCode::InputTooLarge
        | ReasonCode::LimitReached
        | ReasonCode::NoApprover
        | ReasonCode::NotInTime
        | ReasonCode::RecordFailed
        | ReasonCode::RecordFull
        | ReasonCode::Revoked
        | ReasonCode::StepUp
        | ReasonCode::TaskNotOpen
        | ReasonCode::WritExpired => 6,
    }
}

/// Whether one approval contains another; the order of `context.approval` in the schema.
fn contains(higher: ApprovalLevel, lower: ApprovalLevel) -> bool {
    match (higher, lower) {
        (ApprovalLevel::Role, ApprovalLevel::TwoPeople) => false,
        (higher, lower) => higher >= lower,
    }
}

fn denied_none(parts: &[Part]) -> bool {
    parts.iter().all(|part| part.verdict != Verdict::Deny)
}

// === impl Cell ===

impl Cell {
    /// Whether the layer does not allow it, by no forbid, and nobody's yes would make it.
    fn is_closed(&self, layer: Layer, answer: &Answer) -> bool {
        self.unmoved.contains(&layer)
            && answer.against.contains(&layer)
            && answer.forbids.iter().all(|(forbidding, _)| *forbidding != layer)
    }
}

// === impl Answer ===

impl Answer {
    fn allows(&self) -> bool {
        self.against.is_empty() && self.erred.is_empty()
    }
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
        let actions = actions_of(&call, &judge.scope.workspace, files);
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

mod facts;

pub use facts::Fact;

#[cfg(test)]
pub(crate) mod tests;
