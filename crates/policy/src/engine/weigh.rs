//! The answer to a call: each action with every yes that could help, then the strictest of all.

use cedar_policy::Effect;
use writ_model::{Action, ApprovalLevel, Decision, GrantId, Label, Observed, ReasonCode, Verdict};

use crate::engine::ask::{Answer, AskError, Question};
use crate::engine::{Asked, TaskJudge};
use crate::explain::{Explanation, Part};
use crate::layer::Entry;
use crate::reads::members_of;
use crate::source::Layer;

/// The answer to one action: as things are, and with what changes it.
struct Weighed {
    now: Answer,
    /// The answer with the highest approval that still does not allow it: what really stands in the way.
    standing: Option<Answer>,
    /// The grant that covers it, with the policies that then allow it.
    granted: Option<(GrantId, ApprovalLevel, Vec<u32>)>,
    /// The first level that allows it, with the policies that then do.
    lifted: Option<(ApprovalLevel, Vec<u32>)>,
}

impl TaskJudge {
    pub(super) fn explain_asked(&self, actions: &[Action], asked: Asked<'_>) -> Explanation {
        let mut explanation = match self.weigh(actions, asked) {
            Ok(parts) if !parts.is_empty() => self.decide(parts, asked.approval),
            Ok(_) => {
                self.refused(actions, ReasonCode::Unknown, "the call yields no action that could be judged")
            }
            Err(error) => self.refused(actions, ReasonCode::EvaluationError, &error.to_string()),
        };
        for part in &mut explanation.parts {
            for why in part.why.iter_mut().chain(&mut part.also).chain(&mut part.tells) {
                *why = asked.moment.story.tell(why);
            }
        }
        explanation
    }

    /// Puts every action to the policies, and again with those under observation where they can matter.
    fn weigh(&self, actions: &[Action], asked: Asked<'_>) -> Result<Vec<Part>, AskError> {
        let mut parts = Vec::with_capacity(actions.len());
        for action in actions {
            let mut question = self.question(action, asked.call)?;
            let mut part = self.part(&question, self.weigh_one(&question, asked)?);
            if !question.observed.is_empty() {
                question.policies.append(&mut question.observed);
                question.policies.sort_unstable();
                let other = self.part(&question, self.weigh_one(&question, asked)?);
                part.observed = self.observed_part(&part, &other);
            }
            parts.push(part);
        }
        Ok(parts)
    }

    /// One action as things are, then with the grant that covers it, then with one approval after the other.
    fn weigh_one(&self, question: &Question<'_>, asked: Asked<'_>) -> Result<Weighed, AskError> {
        let filed = (&self.engine.filed, &self.task);
        let ask = |approval| {
            let steady = self.principal.circumstances(&self.scope, asked.moment, approval, filed)?;
            self.ask(question, asked.moment, &steady)
        };
        let now = ask(asked.approval)?;
        let mut weighed = Weighed { now, standing: None, granted: None, lifted: None };
        if weighed.now.allows() || self.is_hopeless(&weighed.now, question) {
            return Ok(weighed);
        }
        let covering = question.action.is_grantable().then(|| asked.grants.covering(question.action));
        if let Some((grant, level)) = covering.flatten() {
            let then = ask(Some(level))?;
            if then.allows() {
                weighed.granted = Some((grant, level, then.permits));
                return Ok(weighed);
            }
        }
        if asked.approval.is_some() {
            return Ok(weighed);
        }
        // Two approvals that no policy of the question can tell apart get one answer.
        let told_apart = self.approval_of(&question.policies);
        let mut tried = Vec::new();
        for level in ApprovalLevel::RISING {
            let members = members_of(level) & told_apart;
            if members == 0 || tried.contains(&members) {
                continue;
            }
            tried.push(members);
            let then = ask(Some(level))?;
            if then.allows() {
                weighed.lifted = Some((level, then.permits));
                break;
            }
            weighed.standing = Some(then);
        }
        Ok(weighed)
    }

    /// Which members of an approval these policies read.
    fn approval_of(&self, policies: &[u32]) -> u8 {
        let entries = policies.iter().filter_map(|number| self.entry(*number));
        entries.fold(0, |bits, entry| bits | entry.approval)
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

    pub(super) fn is_observed(&self, id: &Label) -> bool {
        self.engine.filed.by_label(id).is_some_and(Entry::is_observed)
    }

    /// Whether nobody's yes can change the answer: so, a denial needs no trying of approvals.
    fn is_hopeless(&self, now: &Answer, question: &Question<'_>) -> bool {
        !now.erred.is_empty()
            || now.forbids.iter().any(|number| !self.reads_approval(*number))
            || now.against.iter().any(|layer| self.is_closed(*layer, now, question))
    }

    /// Whether the layer does not allow it, by no forbid, and nobody's yes would make it.
    fn is_closed(&self, layer: Layer, answer: &Answer, question: &Question<'_>) -> bool {
        let mut of_layer =
            question.policies.iter().filter_map(|number| self.entry(*number)).filter(|e| e.layer == layer);
        answer.against.contains(&layer)
            && of_layer.all(|entry| entry.effect == Effect::Forbid || entry.approval == 0)
            && answer.forbids.iter().all(|number| self.entry(*number).is_some_and(|e| e.layer != layer))
    }

    fn reads_approval(&self, number: u32) -> bool {
        self.entry(number).is_some_and(|entry| entry.approval != 0)
    }

    /// One action's answer, with the reason that counts most.
    fn part(&self, question: &Question<'_>, weighed: Weighed) -> Part {
        let Weighed { now, standing, granted, lifted } = weighed;
        let action = question.action.clone();
        if now.allows() {
            return Part::allowed(action, self.labels(&now.permits));
        }
        if let Some((grant, level, permits)) = granted {
            let allowed = Part::allowed(action, self.labels(&permits));
            let (grant, granted) = (Some(grant), Some(level));
            return Part { reason: ReasonCode::Granted, grant, granted, ..allowed };
        }
        let standing = standing.as_ref().unwrap_or(&now);
        // What nobody can lift is said first: a forbid, then a layer that permits nothing; then what could be lifted.
        let entries = || standing.forbids.iter().filter_map(|number| self.entry(*number));
        let first = |a: &&Entry, b: &&Entry| (a.layer, &a.label).cmp(&(b.layer, &b.label));
        let fixed = entries().filter(|entry| entry.approval == 0).min_by(first);
        let closed = [Layer::Task, Layer::Organisation]
            .into_iter()
            .find(|layer| self.is_closed(*layer, standing, question));
        let decisive = if closed.is_some() { fixed } else { fixed.or_else(|| entries().min_by(first)) };
        let notes = decisive.map(|entry| &entry.notes);
        let layer =
            decisive.map(|entry| entry.layer).or(closed).or_else(|| standing.against.first().copied());
        let reason = if !now.erred.is_empty() || !standing.erred.is_empty() {
            ReasonCode::EvaluationError
        } else if lifted.is_some() {
            ReasonCode::StepUp
        } else {
            match (notes.and_then(|notes| notes.code), layer) {
                (Some(code), _) => code,
                (None, Some(Layer::Guardrails)) => ReasonCode::Guardrail,
                (None, Some(Layer::Organisation)) => ReasonCode::Organisation,
                (None, Some(Layer::Task)) => ReasonCode::TaskScope,
                (None, None) => ReasonCode::EvaluationError,
            }
        };
        // Whoever is asked lifts all of them, those too that fewer people could.
        let mut all: Vec<&Entry> = match lifted {
            Some(_) => now.forbids.iter().filter_map(|number| self.entry(*number)).chain(entries()).collect(),
            None => Vec::new(),
        };
        all.sort_by(first);
        all.dedup_by(|a, b| a.label == b.label);
        let holders = all.iter().map(|entry| (entry.layer, entry.label.clone())).collect();
        let reads_session = |entry: &&&Entry| entry.reads.context("taint") || entry.reads.context("chain");
        let tells = all.iter().filter(reads_session).map(|entry| entry.notes.reason.clone()).collect();
        let also = all.iter().map(|entry| entry.notes.reason.clone());
        let also: Vec<String> =
            also.filter(|reason| notes.is_none_or(|notes| notes.reason != *reason)).collect();
        let mut numbers = [now.forbids, now.erred].concat();
        let (verdict, approval) = match &lifted {
            Some((level, permits)) => {
                numbers.extend(permits);
                (Verdict::StepUp, Some(*level))
            }
            None => (Verdict::Deny, None),
        };
        let mut policies = self.labels(&numbers);
        policies.dedup();
        Part {
            action,
            verdict,
            reason,
            approval,
            layer,
            policies,
            why: notes.map(|notes| notes.reason.clone()),
            also,
            tells,
            holders,
            instead: notes.and_then(|notes| notes.instead.clone()),
            grant: None,
            granted: None,
            observed: None,
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

    pub(super) fn refused(&self, actions: &[Action], reason: ReasonCode, why: &str) -> Explanation {
        let parts = actions.iter().map(|action| Part {
            action: action.clone(),
            verdict: Verdict::Deny,
            reason,
            approval: None,
            layer: None,
            policies: Vec::new(),
            why: Some(why.to_owned()),
            also: Vec::new(),
            tells: Vec::new(),
            holders: Vec::new(),
            instead: None,
            grant: None,
            granted: None,
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
        | ReasonCode::AtBoundary
        | ReasonCode::Model
        | ReasonCode::UnderWay
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
pub(super) fn contains(higher: ApprovalLevel, lower: ApprovalLevel) -> bool {
    match (higher, lower) {
        (ApprovalLevel::Role, ApprovalLevel::TwoPeople) => false,
        (higher, lower) => higher >= lower,
    }
}

fn denied_none(parts: &[Part]) -> bool {
    parts.iter().all(|part| part.verdict != Verdict::Deny)
}
