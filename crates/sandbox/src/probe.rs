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

/// What decides on a machine which layers there can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Release of the kernel.
    pub kernel: String,
    /// Version of Landlock; nothing where there is none or it is switched off.
    pub landlock: Option<i32>,
    /// Whether copied directories can be changed inside. Otherwise they are read-only.
    pub copies: bool,
    /// What of the machine's settings stands in the way of ordinary users' namespaces, each with the way to allow them.
    pub obstacles: Vec<String>,
    /// The container this process is in, as far as it says so.
    pub container: Option<String>,
}

// === impl Host ===

impl Host {
    /// Looks at this machine.
    #[must_use]
    pub fn here() -> Self {
        Self {
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            landlock: crate::sys::landlock_version().ok().filter(|version| *version > 0),
            copies: crate::plan::layers::can_be_laid(),
            obstacles: crate::layer::obstacles(),
            container: container(),
        }
    }
}

fn container() -> Option<String> {
    let marks = [("/.dockerenv", "Docker"), ("/run/.containerenv", "Podman")];
    let known = marks.iter().find(|(mark, _)| std::path::Path::new(mark).exists()).map(|(_, name)| *name);
    let named = std::fs::read_to_string("/run/systemd/container").ok().map(|name| name.trim().to_owned());
    known.map(str::to_owned).or(named).filter(|name| !name.is_empty())
}

// === impl Finding ===

impl Finding {
    fn missing(layer: Layer, reason: &str) -> Self {
        Self { layer, available: Err(reason.to_owned()) }
    }
}
