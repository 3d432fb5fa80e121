//! What the yard can do on this host, found out by doing it.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::layer::Layer;
use crate::plan::Plan;
use crate::profile::Profile;
use crate::start::{StartError, rehearse};

/// One layer, as `writ doctor` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The layer.
    pub layer: Layer,
    /// In force, or why not. A layer after the one that failed was not reached.
    pub available: Result<(), String>,
}

/// Puts on every layer in a process of its own, hides a directory nobody works in, tries everything from inside, and ends it again.
///
/// Changes nothing on the host. Needs [`crate::dispatch`] in `main`.
#[must_use]
pub fn probe() -> Vec<Finding> {
    let profile = Profile {
        command: OsString::from("true"),
        cwd: PathBuf::from("/"),
        hide_if_present: vec![PathBuf::from("/mnt")],
        recorded: true,
        ..Profile::default()
    };
    match Plan::draw(profile) {
        Ok(plan) => rehearsed(&plan),
        Err(error) => Layer::ALL.map(|layer| Finding::missing(layer, &error.to_string())).into(),
    }
}

/// Takes every step of a plan but the last one, and ends it again: what would be in force, and what not.
///
/// Changes nothing on the host. Needs [`crate::dispatch`] in `main`.
#[must_use]
pub fn rehearsed(plan: &Plan) -> Vec<Finding> {
    let wanted = plan.layers();
    let (held, error) = rehearse(plan.clone());
    wanted
        .into_iter()
        .map(|layer| match &error {
            _ if held.contains(&layer) => Finding { layer, available: Ok(()) },
            Some(StartError::Layer(refusal)) if refusal.layer == layer => {
                Finding::missing(layer, &refusal.reason)
            }
            Some(StartError::Layer(refusal)) => {
                Finding::missing(layer, &format!("not reached: `{}` failed", refusal.layer))
            }
            Some(error) => Finding::missing(layer, &error.to_string()),
            None => Finding::missing(layer, "the sandbox did not report it"),
        })
        .collect()
}

// === impl Finding ===

impl Finding {
    fn missing(layer: Layer, reason: &str) -> Self {
        Self { layer, available: Err(reason.to_owned()) }
    }
}
