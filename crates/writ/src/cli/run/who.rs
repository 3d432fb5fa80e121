//! Which agent a run is, registered on the way where a person is there to do it.

use writ_control::api::client::Client as Office;
use writ_control::api::message::{AgentApprove, AgentList, AgentRegister, AgentShow, AgentView};
use writ_model::{Client, Label, LifecycleReason, LifecycleState};

use super::form;
use crate::cli::agent::{REVIEW_AFTER, me};
use crate::failure::{Failure, Kind};
use crate::wire::now;

/// The agent, active.
pub(super) async fn agent(
    office: &Office,
    client: Client,
    named: Option<String>,
) -> Result<AgentView, Failure> {
    let agent = match named {
        Some(agent) => office.call(AgentShow { agent, at: None }).await?,
        None => {
            let mut known: Vec<AgentView> = office
                .call(AgentList { client: Some(client), ..AgentList::default() })
                .await?
                .agents
                .into_iter()
                .filter(|agent| agent.state != LifecycleState::Retired)
                .collect();
            match (known.pop(), known.is_empty()) {
                (None, _) => register(office, client).await?,
                (Some(agent), true) => agent,
                (Some(last), false) => {
                    let names: Vec<_> =
                        known.iter().chain([&last]).map(|agent| agent.name.to_string()).collect();
                    return Err(Failure::usage(format_args!("{client} is registered {} times", names.len()))
                        .hint(format!("say which one with --agent: {}", names.join(", "))));
                }
            }
        }
    };
    if agent.client != client {
        return Err(Failure::usage(format_args!("agent `{}` is {}, not {client}", agent.name, agent.client)));
    }
    let next = match agent.state {
        LifecycleState::Active => return Ok(agent),
        LifecycleState::Requested | LifecycleState::Discovered => {
            format!("writ agent approve {}", agent.name)
        }
        LifecycleState::Approved | LifecycleState::Suspended if agent.changed.is_some() => {
            format!("writ agent attest {}", agent.name)
        }
        LifecycleState::Suspended
            if matches!(
                agent.reason,
                LifecycleReason::ByPerson | LifecycleReason::Incident | LifecycleReason::Revoked
            ) =>
        {
            format!("writ agent resume {}", agent.name)
        }
        LifecycleState::Suspended if agent.reason == LifecycleReason::Orphaned => {
            format!("writ agent adopt {}", agent.name)
        }
        LifecycleState::Suspended => {
            format!("writ agent review {}", agent.name)
        }
        LifecycleState::Approved => format!("writ agent approve {}", agent.name),
        LifecycleState::Quarantined => {
            format!("writ agent retire {}`, then register anew: `writ agent register", agent.name)
        }
        LifecycleState::Retired => "writ agent register".to_owned(),
    };
    let reason = crate::screen::word(&agent.reason);
    Err(Failure::new(Kind::Denied, format_args!("agent `{}` is {} ({reason})", agent.name, agent.state))
        .hint(format!("look at it with `writ agent show {}`; next: `{next}`", agent.name)))
}

async fn register(office: &Office, client: Client) -> Result<AgentView, Failure> {
    if !form::has_terminal() {
        return Err(Failure::usage(format_args!(
            "{client} is not registered, and there is no terminal to ask at"
        ))
        .hint(format!(
            "writ agent register {client} --client {client} --purpose \"what it is for\" --approve"
        )));
    }
    let owner = me();
    let purpose = form::registration(client, &owner.to_string())?;
    let view = office
        .call(AgentRegister {
            name: Label::lossy(client.name()),
            client,
            owner: Some(owner),
            deputy: None,
            purpose: Some(purpose),
            environment: Label::lossy("local"),
            function: Label::lossy("coding"),
            review_by: Some(now().after(REVIEW_AFTER)),
            expires_at: None,
        })
        .await?;
    Ok(office.call(AgentApprove { agent: view.id.to_string() }).await?)
}
