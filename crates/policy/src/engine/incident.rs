//! Whether an agent is suspended for what was stopped on its way out. No call is decided here: what was stopped stays so.

use cedar_policy::{Decision, Entities, Policy, PolicySet, Request};
use writ_model::Label;

use crate::engine::TaskJudge;
use crate::entities::{self, BuildError};
use crate::layer::{Entry, Filed};
use crate::moment::Moment;
use crate::reads::Reads;
use crate::schema::{incident_uid, types, uid};
use crate::source::{Finding, LoadError, Report, Severity};

/// Something that was stopped on its way out, as policies see it.
#[derive(Clone, Copy, Debug)]
pub struct Stopped<'a> {
    /// As in the schema: `placeholder-elsewhere`, `secret-leaving`, ….
    pub kind: &'a str,
    /// Where it would have gone, with a port that is not the usual one.
    pub host: &'a str,
    /// The credential that it is about, or the name of its form; may be empty.
    pub credential: &'a str,
}

/// What policies say about an incident, each by ids, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnIncident {
    /// By these the agent is suspended. Empty: the incident stays on record, and that is all.
    pub suspended_by: Vec<Label>,
    /// By these it would be, if they counted.
    pub observed: Vec<Label>,
}

/// The policies about incidents.
#[derive(Default)]
pub(super) struct OfIncidents {
    set: PolicySet,
    counting: Vec<Label>,
    observed: Vec<Label>,
}

// === impl OfIncidents ===

impl OfIncidents {
    pub fn new(filed: &Filed) -> Result<Self, LoadError> {
        let mut of_incidents = Self::default();
        for entry in filed.entries().iter().filter(|entry| entry.notes.on_incident) {
            let Entry { plain, label, .. } = entry;
            of_incidents.set.add(plain.clone()).map_err(|error| unusable(plain, &error))?;
            let list =
                if entry.is_observed() { &mut of_incidents.observed } else { &mut of_incidents.counting };
            list.push(label.clone());
        }
        of_incidents.counting.sort();
        of_incidents.observed.sort();
        Ok(of_incidents)
    }
}

fn unusable(policy: &Policy, error: &dyn std::fmt::Display) -> LoadError {
    let finding = Finding {
        severity: Severity::Error,
        file: String::new(),
        at: None,
        policy: Some(policy.id().to_string()),
        message: error.to_string(),
        help: None,
    };
    LoadError::Refused {
        first: Box::new(finding.clone()),
        report: Report { findings: vec![finding], ..Report::default() },
    }
}

// === impl TaskJudge ===

impl TaskJudge {
    /// What the policies say about an incident. Where one cannot be asked, it counts as if it held.
    #[must_use]
    pub fn on_incident(&self, stopped: Stopped<'_>, moment: &Moment) -> OnIncident {
        let of_incidents = &self.engine.of_incidents;
        if of_incidents.set.is_empty() {
            return OnIncident::default();
        }
        let all = || OnIncident {
            suspended_by: of_incidents.counting.clone(),
            observed: of_incidents.observed.clone(),
        };
        let Ok((request, entities)) = self.of_incident(stopped, moment) else { return all() };
        let response = self.authorizer.is_authorized(&request, &of_incidents.set, &entities);
        let errs = response.diagnostics().errors().next().is_some();
        // There is no `permit` among them, so that nothing allows.
        if errs || response.decision() == Decision::Allow {
            return all();
        }
        let holding: Vec<&str> = response.diagnostics().reason().map(AsRef::as_ref).collect();
        let of = |list: &[Label]| -> Vec<Label> {
            list.iter().filter(|label| holding.contains(&label.as_str())).cloned().collect()
        };
        OnIncident { suspended_by: of(&of_incidents.counting), observed: of(&of_incidents.observed) }
    }

    fn of_incident(&self, stopped: Stopped<'_>, moment: &Moment) -> Result<(Request, Entities), BuildError> {
        let filed = (&self.engine.filed, &self.task);
        let steady = self.principal.circumstances(&self.scope, moment, None, filed)?;
        let context = steady.with(moment, &Reads::everything())?;
        let resource = uid(&types().incident, stopped.kind);
        let entities = vec![
            self.principal.entity.clone(),
            self.engine.actions.get(&incident_uid()).cloned().ok_or_else(entities::no_action)?,
            entities::incident(resource.clone(), stopped)?,
            entities::no_call()?,
        ];
        self.principal.about(incident_uid(), resource, context, entities)
    }
}

#[cfg(test)]
mod tests;
