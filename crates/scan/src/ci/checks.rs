//! What jobs and steps tell of who asks, by the paths that conditions name.

use std::collections::BTreeSet;

use super::check::may_fail;
use super::gate::{After, Asked, Who};
use super::trigger::Trigger;
use super::workflow::{Job, Jobs};

/// What the conditions of one job, and of its steps, can ask.
#[derive(Clone, Copy, Default)]
pub(super) struct Checks<'a> {
    /// The job, and how many of its steps come before.
    job: Option<(&'a Jobs<'a>, &'a Job<'a>, usize)>,
    /// Who is asked may have been passed by, since the condition holds after a failure as well.
    skips: bool,
    /// The answers of other jobs are left out.
    only_steps: bool,
}

/// What a path tells.
pub(super) enum Answer<'a> {
    /// Whether somebody may, in words that nobody knows.
    Looks,
    /// What it can be for an outsider, and whether it may be nothing as well.
    Told(&'a BTreeSet<String>, bool),
}

// === impl Checks ===

impl<'a> Checks<'a> {
    pub(super) const fn of(jobs: &'a Jobs<'a>, job: &'a Job<'a>, before: usize, skips: bool) -> Self {
        Self { job: Some((jobs, job, before)), skips, only_steps: false }
    }

    pub(super) const fn only_steps(self) -> Self {
        Self { only_steps: true, ..self }
    }

    /// A job that is not needed, and a step that comes later, are nothing.
    pub(super) fn answer(&self, path: &str, trigger: &Trigger) -> Option<Answer<'a>> {
        let (jobs, job, before) = self.job?;
        let (head, rest) = path.split_once('.')?;
        let (name, rest) = rest.split_once('.').unwrap_or((rest, ""));
        let (part, output) = rest.split_once('.').unwrap_or((rest, ""));
        let at = trigger.moment().place();
        if head == "needs" && !self.only_steps {
            let other = jobs.get(job.needed.get(name)?)?;
            return match part {
                "outputs" => match other.hands_on.get(output).map(|told| told.get(at)) {
                    Some(Some(Some(texts))) => {
                        Some(Answer::Told(texts, self.skips || other.may_be_passed_by()))
                    }
                    Some(_) => None,
                    None => trigger.moment().of(&other.looks).then_some(Answer::Looks),
                },
                // A job that strangers do not get to, or that refuses them, ends otherwise for them.
                "result" => {
                    let asked = Asked {
                        who: Who::Outsider,
                        trigger,
                        checks: &Checks::default(),
                        after: After::Success,
                    };
                    let passed_by =
                        other.condition.as_ref().is_some_and(|condition| !asked.of(condition).hold);
                    (other.refuses.refuses_at(trigger) || passed_by).then_some(Answer::Looks)
                }
                _ => None,
            };
        }
        if head != "steps" {
            return None;
        }
        let index = job.ids.get(name).copied().filter(|index| *index < before)?;
        let (step, look) = (job.steps.get(index)?, job.looks_of.get(index)?);
        if part == "outputs"
            && let Some(texts) = look.told.get(at).and_then(|told| told.get(output))
        {
            return Some(Answer::Told(texts, self.skips || step.get("if").is_some() || may_fail(step)));
        }
        // The conclusion of one that may fail is always a success.
        let looks =
            look.check.tells_at(trigger) && (!may_fail(step) || matches!(part, "outputs" | "outcome"));
        looks.then_some(Answer::Looks)
    }
}
