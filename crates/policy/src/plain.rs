//! The judge without any of its haste: every question to all policies of a layer, as they were written, with everything
//! that a request can have. It is what the judge must agree with, and what it is measured against; nothing else uses it.

use cedar_policy::{Authorizer, Decision as CedarDecision, Entities, PolicySet, Request, Response};
use writ_model::{Action, ApprovalLevel, GrantId, Label, Verdict};

use crate::engine::TaskJudge;
use crate::grants::Grants;
use crate::layer::Filed;
use crate::moment::Moment;
use crate::source::Layer;

/// All policies of a task, by layer.
pub struct Plain<'a> {
    judge: &'a TaskJudge,
    guardrails: PolicySet,
    organisation: PolicySet,
    /// With those under observation.
    trial: PolicySet,
    task: PolicySet,
    authorizer: Authorizer,
}

/// What was decided about one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainDecision {
    pub verdict: Verdict,
    pub approval: Option<ApprovalLevel>,
    /// Sorted, each once.
    pub policies: Vec<Label>,
    /// A policy could not be evaluated.
    pub erred: bool,
    pub grant: Option<GrantId>,
}

/// One question to one set, ready to be asked, for measuring Cedar alone.
pub struct PlainQuestion<'a> {
    set: &'a PolicySet,
    request: Request,
    entities: Entities,
    authorizer: &'a Authorizer,
}

#[derive(Default)]
struct Answer {
    allows: bool,
    forbids: Vec<Label>,
    permits: Vec<Label>,
    erred: Vec<Label>,
}

// === impl Plain ===

impl<'a> Plain<'a> {
    pub fn of(judge: &'a TaskJudge) -> Self {
        let set = |filed: &Filed, layer: Layer, observing: bool| {
            let entries = filed.entries().iter();
            let counted = entries.filter(|e| e.layer == layer && (observing || !e.is_observed()));
            let id = |label: &Label| cedar_policy::PolicyId::new(label.as_str());
            let policies = counted.map(|entry| entry.plain.new_id(id(&entry.label)));
            PolicySet::from_policies(policies).unwrap_or_default()
        };
        let loaded = judge.loaded();
        Self {
            judge,
            guardrails: set(loaded, Layer::Guardrails, false),
            organisation: set(loaded, Layer::Organisation, false),
            trial: set(loaded, Layer::Organisation, true),
            task: set(judge.own(), Layer::Task, false),
            authorizer: Authorizer::new(),
        }
    }

    /// How many policies there are.
    pub fn count(&self) -> usize {
        [&self.guardrails, &self.trial, &self.task].iter().map(|set| set.num_of_policies()).sum()
    }

    /// Decides about one action; with `observing`, as if the policies under observation counted. None where the
    /// question cannot be put at all.
    pub fn decide(
        &self,
        action: &Action,
        moment: &Moment,
        grants: &dyn Grants,
        observing: bool,
    ) -> Option<PlainDecision> {
        let organisation = if observing { &self.trial } else { &self.organisation };
        let now = self.ask(organisation, action, moment, None)?;
        let erred = !now.erred.is_empty();
        let decided = |verdict, approval, policies: Vec<&[Label]>, grant| {
            let mut policies = policies.concat();
            policies.sort();
            policies.dedup();
            Some(PlainDecision { verdict, approval, policies, erred, grant })
        };
        if now.allows {
            return decided(Verdict::Allow, None, vec![&now.permits], None);
        }
        let refused: Vec<&[Label]> = vec![&now.forbids, &now.erred];
        if action.is_grantable()
            && let Some((grant, level)) = grants.covering(action)
        {
            let then = self.ask(organisation, action, moment, Some(level))?;
            if then.allows {
                return decided(Verdict::Allow, None, vec![&then.permits], Some(grant));
            }
        }
        for level in ApprovalLevel::RISING {
            let then = self.ask(organisation, action, moment, Some(level))?;
            if then.allows {
                return decided(Verdict::StepUp, Some(level), [refused, vec![&then.permits]].concat(), None);
            }
        }
        decided(Verdict::Deny, None, refused, None)
    }

    /// The question to the organisation's layer alone.
    pub fn question(&'a self, action: &Action, moment: &Moment) -> Option<PlainQuestion<'a>> {
        let (request, entities) = self.judge.whole(action, moment, None, None).ok()?;
        Some(PlainQuestion { set: &self.organisation, request, entities, authorizer: &self.authorizer })
    }

    fn ask(
        &self,
        organisation: &PolicySet,
        action: &Action,
        moment: &Moment,
        approval: Option<ApprovalLevel>,
    ) -> Option<Answer> {
        let (request, entities) = self.judge.whole(action, moment, approval, None).ok()?;
        let mut answer = Answer { allows: true, ..Answer::default() };
        for (set, permits) in [(&self.guardrails, false), (organisation, true), (&self.task, true)] {
            let response = self.authorizer.is_authorized(&request, set, &entities);
            let reasons = response.diagnostics().reason().map(|id| Label::lossy(id.as_ref()));
            match response.decision() {
                CedarDecision::Allow => answer.permits.extend(reasons),
                CedarDecision::Deny => {
                    let before = answer.forbids.len();
                    answer.forbids.extend(reasons);
                    answer.allows &= !permits && answer.forbids.len() == before;
                }
            }
            answer.erred.extend(errors(&response));
        }
        answer.allows &= answer.erred.is_empty();
        Some(answer)
    }
}

fn errors(response: &Response) -> impl Iterator<Item = Label> {
    response.diagnostics().errors().map(|error| {
        let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
        Label::lossy(error.policy_id().as_ref())
    })
}

// === impl PlainQuestion ===

impl PlainQuestion<'_> {
    /// Asks Cedar.
    pub fn ask(&self) -> Response {
        self.authorizer.is_authorized(&self.request, self.set, &self.entities)
    }
}
