//! `writ run --dry-run`: every step of the sandbox, and whether this machine can take it. Nothing is started, no task is
//! opened, nothing is recorded.

use std::process::ExitCode;

use serde::Serialize;
use writ_sandbox::Plan;

use super::yard::ground::Ground;
use super::{Folder, Tidy, Wish, prepare};
use crate::cli::Context;
use crate::failure::Outcome;
use crate::screen;

/// What is shown as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    version: u32,
    client: &'a str,
    workspace: &'a str,
    /// Each step, as it would be taken, in order.
    steps: Vec<String>,
    /// Hosts that can be reached.
    hosts: Vec<String>,
    /// Services of this machine among them: HTTP is read there, and what is no HTTP passes byte by byte.
    services: Vec<String>,
    /// Variables of the client's environment, by name.
    environment: Vec<String>,
    layers: Vec<Layer>,
    /// What is given up, by name.
    danger: Vec<&'static str>,
    refused_calls: Vec<Call>,
    /// What becomes of the client's own sandbox, where there is something to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_sandbox: Option<String>,
}

/// What may be reached, and the services of this machine among it.
struct Reached {
    hosts: Vec<String>,
    services: Vec<String>,
}

#[derive(Serialize)]
struct Layer {
    name: &'static str,
    enforced: bool,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
struct Call {
    name: &'static str,
    reason: &'static str,
}

pub(super) fn main(context: &Context, wish: &Wish, json: bool) -> Outcome {
    // The plan names files of the run, so they have to be there while it is drawn.
    let folder = Folder(context.state.runs().join(format!("rehearsal-{}", std::process::id())));
    // One that is killed is taken away with the next run.
    let list = folder.listed(&context.state, Tidy::No)?;
    folder.make()?;
    let shown = planned(context, wish, &folder).map(|shown| {
        let layers = layers(&shown.0);
        (shown, layers)
    });
    folder.remove();
    list.end();
    let client_sandbox = prepare::told_of_sandbox(wish, &prepare::own_sandbox(wish)?);
    let ((plan, Reached { hosts, services }, environment), layers) = shown?;
    let complete = layers.iter().all(|layer| layer.enforced);
    if json {
        screen::json(&Shown {
            version: 1,
            client: wish.program.client.name(),
            workspace: wish.workspace.to_str().unwrap_or_default(),
            steps: plan.to_string().lines().map(str::to_owned).collect(),
            hosts,
            services,
            environment,
            layers,
            danger: plan.danger().map(writ_sandbox::Danger::name).collect(),
            refused_calls: writ_sandbox::refused_calls()
                .map(|(name, reason)| Call { name, reason })
                .collect(),
            client_sandbox,
        })?;
    } else {
        screen::line(&plan)?;
        screen::line(format_args!("hosts {}", hosts.join(", ")))?;
        for service in &services {
            screen::line(format_args!(
                "read HTTP with {service}, in TLS and HTTP/2 too; pass what is no HTTP byte by byte, each connection on record"
            ))?;
        }
        screen::line(format_args!("variables {}", environment.join(", ")))?;
        if let Some(line) = client_sandbox {
            screen::line(line)?;
        }
        for Layer { name, enforced, reason } in &layers {
            match reason {
                Some(reason) => screen::line(format_args!("NOT ENFORCED {name}: {reason}"))?,
                None if *enforced => screen::line(format_args!("enforced {name}"))?,
                None => screen::line(format_args!("given up {name}"))?,
            }
        }
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn planned(
    context: &Context,
    wish: &Wish,
    folder: &Folder,
) -> Result<(Plan, Reached, Vec<String>), crate::failure::Failure> {
    let scrubbed = prepare::environment(context, wish)?;
    let injection = prepare::injection(wish, folder, &prepare::own_sandbox(wish)?)?;
    let reach = prepare::reach(context, wish)?;
    let services = reach.services().iter().map(ToString::to_string).collect();
    let hosts = Reached { hosts: reach.hosts(), services };
    let sessions = prepare::sessions(wish)?;
    let home = prepare::home();
    let ground = Ground::look(&prepare::terms(wish, home.as_deref()), crate::wire::now());
    if !ground.keeps_all(&prepare::terms(wish, home.as_deref())) {
        screen::say(super::TOLD_OF_BOUNDS);
    }
    let prepare::Drawn { plan, .. } =
        prepare::plan(context, wish, folder, &reach, (&ground, &sessions), scrubbed, injection)?;
    let mut environment: Vec<String> =
        plan.variables().map(|name| name.to_string_lossy().into_owned()).collect();
    environment.sort();
    Ok((plan, hosts, environment))
}

/// What this machine would enforce, found out by doing it without a client.
fn layers(plan: &Plan) -> Vec<Layer> {
    writ_sandbox::rehearsed(plan)
        .into_iter()
        .map(|finding| Layer {
            name: finding.layer.name(),
            enforced: finding.available.is_ok(),
            reason: finding.available.err(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::State;

    #[test]
    fn what_a_killed_rehearsal_leaves_goes_with_the_next_run() {
        let root = tempfile::tempdir().unwrap();
        let state = State::at(root.path().to_owned());
        let begin = |name: &str, tidy| {
            let folder = Folder(state.runs().join(name));
            let list = folder.listed(&state, tidy).unwrap();
            folder.make().unwrap();
            (folder, list)
        };
        let (killed, list) = begin("rehearsal-1", Tidy::No);
        drop(list);
        let (going, list) = begin("rehearsal-2", Tidy::No);
        assert!(killed.0.exists(), "a rehearsal takes nothing away");
        drop(begin("tsk_1", Tidy::Yes));
        assert!(!killed.0.exists() && going.0.exists());
        drop(list);
    }
}
