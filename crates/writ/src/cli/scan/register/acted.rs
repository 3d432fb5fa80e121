//! What an agent really did, as the record tells, beside what its settings let it do and what policies allow.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use writ_control::api::message::{AgentActivity, AgentActivityAsk, AgentView};
use writ_model::{EffectClass, Label, Timestamp, Verdict};
use writ_scan::autonomy::{Autonomy, Observed};
use writ_scan::finding::Look as Why;
use writ_scan::report;
use writ_scan::tool::client_of;

use super::registry::Look;
use crate::cli::Context;
use crate::cli::check::{Step, entitlements};
use crate::cli::scan::Whole;
use crate::failure::Failure;
use crate::screen;
use crate::wire::{self, now};

/// One active agent.
#[derive(Serialize)]
pub(super) struct Acted {
    agent: Label,
    /// By the settings of its client that were found.
    declared: Value,
    /// By the record, over all that it still counts.
    observed: Value,
    /// Where it went further than its settings say.
    beyond: Vec<Beyond>,
    /// What policies allow unasked in some kind of task and it never did since.
    unused: Vec<&'static str>,
    unused_since: Timestamp,
    activity: AgentActivity,
}

#[derive(Serialize)]
struct Beyond {
    question: &'static str,
    because: Vec<String>,
}

/// Compares one agent. Asks the control plane, and the policies that are loaded here.
pub(super) fn of(
    context: &Context,
    agent: &AgentView,
    whole: &Whole,
    unused_after: Duration,
) -> Result<Acted, Failure> {
    let span = i64::try_from(unused_after.as_millis()).unwrap_or(i64::MAX);
    let unused_since = Timestamp::from_millis(now().as_millis().saturating_sub(span));
    let ask = |since| AgentActivityAsk { agent: agent.id.to_string(), since };
    let (activity, lately) = wire::block_on(async {
        let office = wire::connect(&context.state).await?;
        Ok((office.call(ask(None)).await?, office.call(ask(Some(unused_since))).await?))
    })?;
    let declared = whole
        .found
        .iter()
        .filter(|found| client_of(found.tool) == agent.client && agent.client != writ_model::Client::Other)
        .map(Autonomy::of)
        .fold(Autonomy::default(), Autonomy::and);
    let observed = Autonomy::observed(&Observed {
        effects: activity.effects.iter().map(|of| (of.effect, of.unasked, of.approved)).collect(),
        tools: activity.tools.iter().map(|(tool, _)| tool.to_string()).collect(),
        sessions: activity.sessions,
        prompts: activity.prompts,
        subagents: activity.subagents,
    });
    let beyond = observed
        .beyond(&declared)
        .into_iter()
        .map(|(question, answer)| Beyond {
            question,
            because: answer.because.iter().map(|(_, why)| why.clone()).collect(),
        })
        .collect();
    // Of an agent that is younger, nothing can be called unused yet; nor where not all was counted.
    let unused = if agent.registered_at <= unused_since && !lately.cut {
        unused(context, agent, &lately)?
    } else {
        Vec::new()
    };
    Ok(Acted {
        agent: agent.name.clone(),
        declared: report::autonomy(&declared),
        observed: report::autonomy(&observed),
        beyond,
        unused,
        unused_since,
        activity,
    })
}

fn unused(
    context: &Context,
    agent: &AgentView,
    lately: &AgentActivity,
) -> Result<Vec<&'static str>, Failure> {
    let used: BTreeMap<EffectClass, u64> =
        lately.effects.iter().map(|of| (of.effect, of.unasked + of.approved)).collect();
    let allowed = entitlements(context, agent.id.to_string().as_str())?;
    Ok(allowed
        .iter()
        .filter(|(_, kinds)| kinds.values().any(|verdict| *verdict == Verdict::Allow))
        .map(|(step, _)| *step)
        .filter(|step: &Step| used.get(&step.effect()).copied().unwrap_or(0) == 0)
        .map(Step::name)
        .collect())
}

// === impl Acted ===

impl Acted {
    /// What of it somebody should look at.
    pub(super) fn looks(&self) -> Vec<Look> {
        let mut looks = Vec::new();
        let mut add = |why, subject: &str, says: String| {
            looks.push(Look { agent: self.agent.clone(), why, says, subject: subject.to_owned() });
        };
        for Beyond { question, because } in &self.beyond {
            add(Why::BeyondItsSettings, question, format!("{question}: {}", because.join("; ")));
        }
        if !self.unused.is_empty() {
            add(
                Why::UnusedRights,
                "",
                format!("not once since {}: {}", self.unused_since, self.unused.join(", ")),
            );
        }
        looks
    }
}

/// One line an agent.
pub(super) fn show(agents: &[Acted]) -> Result<(), Failure> {
    for Acted { agent, declared, observed, activity, .. } in agents {
        screen::line(format_args!(
            "{agent}  autonomy {} by its settings, {} by the record of {} sessions",
            declared.get("level").unwrap_or(&Value::Null),
            observed.get("level").unwrap_or(&Value::Null),
            activity.sessions
        ))?;
    }
    Ok(())
}
