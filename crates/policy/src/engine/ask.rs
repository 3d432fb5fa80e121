//! One question to Cedar: choosing the policies, building the request, reading the answer.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use cedar_policy::{
    AuthorizationError, Decision as CedarDecision, Effect, Entities, PolicySet, Request, Response,
};
use writ_model::{Action, ApprovalLevel, Label, ToolCall};

use crate::engine::TaskJudge;
use crate::entities::{self, BuildError, Steady, Thing};
use crate::layer::{Entry, MARK};
use crate::moment::Moment;
use crate::reads::Reads;
use crate::schema::{KINDS, effect_index, kind_index};
use crate::source::Layer;

/// How many sets a task keeps. When there are more, it starts again; making one takes microseconds.
const KEPT: usize = 512;

/// One action, ready to be put to the policies.
#[derive(Clone)]
pub(super) struct Question<'a> {
    pub action: &'a Action,
    pub call: Option<&'a ToolCall>,
    pub thing: Thing<'a>,
    /// The policies that can matter in some circumstances, by number, sorted.
    pub policies: Vec<u32>,
    /// Those under observation that could.
    pub observed: Vec<u32>,
}

/// The policies that can matter to an effect on a kind of resource.
pub(super) struct Cell {
    loaded: Vec<u32>,
    own: Vec<u32>,
}

/// The sets that were put to Cedar, to be put again. Held for one look-up.
#[derive(Default)]
pub(super) struct Sets(RwLock<HashMap<Box<[u32]>, Arc<Chosen>>>);

/// Some policies, as one set.
pub(super) struct Chosen {
    set: PolicySet,
    /// What any of them reads.
    reads: Reads,
}

/// What the three layers said to one question. Policies are their numbers.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The forbids that hold.
    pub forbids: Vec<u32>,
    /// The permits that hold, where no forbid does.
    pub permits: Vec<u32>,
    /// Layers that do not allow it.
    pub against: Vec<Layer>,
    /// Policies that could not be evaluated.
    pub erred: Vec<u32>,
}

/// Why a question has no answer. Always a denial.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("the policies of this question cannot be put together")]
    Choose,
    #[error("the answer names a policy that was not asked")]
    Answer,
}

impl TaskJudge {
    /// Finds the policies of a question.
    pub(super) fn question<'a>(
        &self,
        action: &'a Action,
        call: Option<&'a ToolCall>,
    ) -> Result<Question<'a>, AskError> {
        let thing = entities::resource(action, call, &self.scope, &self.known)?;
        let at = (effect_index(action.effect), kind_index(&action.resource));
        let cell = self.cell(at).ok_or(AskError::Choose)?;
        let mut policies = self.engine.filed.of_question(&self.standing, &cell.loaded, at, thing.seen());
        let own = self.task.of_question(&self.own_standing, &cell.own, at, thing.seen());
        policies.extend(own.into_iter().map(|number| number | MARK));
        let mut observed = Vec::new();
        if !self.engine.observed.is_empty() {
            let is_observed = |number: &u32| self.entry(*number).is_some_and(Entry::is_observed);
            observed = policies.iter().copied().filter(is_observed).collect();
            policies.retain(|number| !is_observed(number));
        }
        Ok(Question { action, call, thing, policies, observed })
    }

    fn cell(&self, at: (usize, usize)) -> Option<&Cell> {
        let (effect, kind) = at;
        let make = || Cell {
            loaded: self.engine.filed.of_cell(&self.standing, effect, kind),
            own: self.task.of_cell(&self.own_standing, effect, kind),
        };
        Some(self.cells.get(effect * KINDS + kind)?.get_or_init(make))
    }

    /// A policy by its number.
    pub(super) fn entry(&self, number: u32) -> Option<&Entry> {
        if number & MARK == 0 { self.engine.filed.entry(number) } else { self.task.entry(number & !MARK) }
    }

    pub(super) fn labels(&self, numbers: &[u32]) -> Vec<Label> {
        let entries = numbers.iter().filter_map(|number| self.entry(*number));
        let mut labels: Vec<Label> = entries.map(|entry| entry.label.clone()).collect();
        labels.sort();
        labels
    }

    /// Puts a question to those of its policies that can matter in these circumstances.
    pub(super) fn ask(
        &self,
        question: &Question<'_>,
        moment: &Moment,
        steady: &Steady,
    ) -> Result<Answer, AskError> {
        let policies = self.that_can_matter(question, steady);
        let response = self.put(question, moment, steady, &policies)?;
        let mut answer = Answer { erred: self.erred(&response)?, ..Answer::default() };
        let numbers = reasons(&response)?;
        match response.decision() {
            CedarDecision::Allow => answer.permits = numbers,
            CedarDecision::Deny => answer.forbids = numbers,
        }
        let forbidden = |layer| answer.forbids.iter().any(|number| self.is_of(*number, layer));
        if forbidden(Layer::Guardrails) {
            answer.against.push(Layer::Guardrails);
        }
        let permits = self.permits_beside(question, moment, steady, &policies, &answer)?;
        for layer in [Layer::Organisation, Layer::Task] {
            if forbidden(layer) || !permits.iter().any(|number| self.is_of(*number, layer)) {
                answer.against.push(layer);
            }
        }
        Ok(answer)
    }

    /// The permits that hold, whatever forbids do: which layers would allow it of themselves.
    fn permits_beside(
        &self,
        question: &Question<'_>,
        moment: &Moment,
        steady: &Steady,
        policies: &[u32],
        answer: &Answer,
    ) -> Result<Vec<u32>, AskError> {
        // With no forbid that holds, Cedar has named them. With one that nothing lifts, nobody asks.
        let is_fixed = |number: &u32| self.entry(*number).is_some_and(|entry| entry.approval == 0);
        if answer.forbids.is_empty() || answer.forbids.iter().any(is_fixed) {
            return Ok(answer.permits.clone());
        }
        let is_permit = |number: &u32| self.entry(*number).is_some_and(|e| e.effect == Effect::Permit);
        let permits: Vec<u32> = policies.iter().copied().filter(is_permit).collect();
        reasons(&self.put(question, moment, steady, &permits)?)
    }

    fn that_can_matter(&self, question: &Question<'_>, steady: &Steady) -> Vec<u32> {
        let at = (effect_index(question.action.effect), question.thing.kind);
        let seen = question.thing.seen();
        let can_matter = |number: &u32| {
            if number & MARK == 0 {
                self.engine.filed.may_hold_in(&self.standing, *number, at, seen, &steady.loaded)
            } else {
                self.task.may_hold_in(&self.own_standing, number & !MARK, at, seen, &steady.own)
            }
        };
        question.policies.iter().copied().filter(can_matter).collect()
    }

    fn put(
        &self,
        question: &Question<'_>,
        moment: &Moment,
        steady: &Steady,
        policies: &[u32],
    ) -> Result<Response, AskError> {
        let chosen = self.choose(policies)?;
        let effect = question.action.effect;
        let entities = self.principal.entities(effect, &question.thing, question.call, &chosen.reads)?;
        let context = steady.with(moment, &chosen.reads)?;
        let request = self.principal.request(effect, question.thing.uid.clone(), context)?;
        Ok(self.authorizer.is_authorized(&request, &chosen.set, &entities))
    }

    /// A question with everything that it can have, for whoever looks at more than the answer.
    pub(crate) fn whole(
        &self,
        action: &Action,
        moment: &Moment,
        approval: Option<ApprovalLevel>,
        call: Option<&ToolCall>,
    ) -> Result<(Request, Entities), BuildError> {
        let all = Reads::everything();
        let thing = entities::resource(action, call, &self.scope, &self.known)?;
        let filed = (&self.engine.filed, &self.task);
        let steady = self.principal.circumstances(&self.scope, moment, approval, filed)?;
        let entities = self.principal.entities(action.effect, &thing, call, &all)?;
        let context = steady.with(moment, &all)?;
        Ok((self.principal.request(action.effect, thing.uid, context)?, entities))
    }

    fn choose(&self, policies: &[u32]) -> Result<Arc<Chosen>, AskError> {
        if let Some(chosen) = self.sets.0.read().unwrap_or_else(PoisonError::into_inner).get(policies) {
            return Ok(Arc::clone(chosen));
        }
        let mut chosen = Chosen { set: PolicySet::new(), reads: Reads::default() };
        for number in policies {
            let entry = self.entry(*number).ok_or(AskError::Choose)?;
            chosen.set.add(entry.bare.clone()).map_err(|_| AskError::Choose)?;
            chosen.reads.add(&entry.reads);
        }
        let chosen = Arc::new(chosen);
        let mut sets = self.sets.0.write().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= KEPT {
            sets.clear();
        }
        sets.insert(policies.into(), Arc::clone(&chosen));
        Ok(chosen)
    }

    fn is_of(&self, number: u32, layer: Layer) -> bool {
        self.entry(number).is_some_and(|entry| entry.layer == layer)
    }

    fn erred(&self, response: &Response) -> Result<Vec<u32>, AskError> {
        let number = |error: &AuthorizationError| {
            let AuthorizationError::PolicyEvaluationError(error) = error;
            number_of(error.policy_id().as_ref())
        };
        response.diagnostics().errors().map(number).collect()
    }
}

fn reasons(response: &Response) -> Result<Vec<u32>, AskError> {
    response.diagnostics().reason().map(|id| number_of(id.as_ref())).collect()
}

/// The number of a policy, of which its id was made.
fn number_of(id: &str) -> Result<u32, AskError> {
    id.parse().map_err(|_| AskError::Answer)
}

// === impl Answer ===

impl Answer {
    pub fn allows(&self) -> bool {
        self.against.is_empty() && self.erred.is_empty()
    }
}
