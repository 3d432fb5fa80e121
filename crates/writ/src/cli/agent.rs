//! `writ agent …`: registrations and lifecycle moves, each by a person.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use writ_control::api::client::Client as Office;
use writ_control::api::message::{
    AgentAdopt, AgentApprove, AgentAttest, AgentList, AgentQuarantine, AgentRegister, AgentResume,
    AgentRetire, AgentReview, AgentShow, AgentSuspend, AgentView,
};
use writ_model::{Client, Fingerprint, Human, Label, LifecycleState, Timestamp};

use super::Context;
use super::measure::{duration, past};
use crate::failure::{Failure, Kind, Outcome};
use crate::screen::{self, Quoted};
use crate::wire::{self, now};

/// When a registration is looked at again, unless said otherwise.
pub(super) const REVIEW_AFTER: Duration = Duration::from_secs(90 * 86_400);

#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  writ agent register claude-code --client claude-code \\
      --purpose \"work on our services\" --approve
  writ agent list
  writ agent show claude-code --at 2026-01-31T12:00:00Z
  writ agent attest claude-code        accept a changed model or tools")]
pub(super) enum Command {
    /// Register a coding tool as an agent and ask for its approval
    Register(Register),
    /// List agents
    List(List),
    /// Show one agent
    Show(Show),
    /// Approve a requested agent and activate it
    Approve(Name),
    /// Suspend an active agent: its tasks end
    Suspend(Name),
    /// Resume a suspended agent
    Resume(Name),
    /// Record that you looked at the agent, and when it is due next
    Review(Review),
    /// Take over an agent whose owner is gone, as its deputy
    Adopt(Name),
    /// End an agent for good
    Retire(Name),
    /// Take an agent out of service until it is retired
    Quarantine(Name),
    /// Accept the changed fingerprint that was seen
    Attest(Attest),
}

#[derive(clap::Args)]
pub(super) struct Register {
    /// Unique name
    name: Label,
    /// claude-code, cline, codex, copilot-cli, cursor, gemini-cli, kiro, opencode, qwen-code, vscode or windsurf
    #[arg(long)]
    client: Client,
    /// What it is for, in a sentence
    #[arg(long)]
    purpose: String,
    /// Who answers for it; you, unless said otherwise
    #[arg(long)]
    owner: Option<Label>,
    /// Who answers for it when the owner cannot
    #[arg(long)]
    deputy: Option<Label>,
    #[arg(long, default_value = "local")]
    environment: Label,
    #[arg(long, default_value = "coding")]
    function: Label,
    /// When it is looked at again, from now
    #[arg(long, value_name = "SPAN", value_parser = duration, default_value = "90d")]
    review_in: Duration,
    /// When it ends by itself, from now
    #[arg(long, value_name = "SPAN", value_parser = duration)]
    expires_in: Option<Duration>,
    /// Approve it as well; recorded as `self` where you are the owner
    #[arg(long)]
    approve: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct List {
    #[arg(long)]
    client: Option<Client>,
    #[arg(long)]
    owner: Option<Label>,
    /// As it was at a past moment, as `2026-01-31T12:00:00Z` or `2h ago`
    #[arg(long, value_name = "TIME", value_parser = past)]
    at: Option<Timestamp>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Show {
    /// Name or id
    agent: String,
    /// As it was at a past moment, as `2026-01-31T12:00:00Z` or `2h ago`
    #[arg(long, value_name = "TIME", value_parser = past)]
    at: Option<Timestamp>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Name {
    /// Name or id
    agent: String,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Review {
    /// Name or id
    agent: String,
    /// When it is looked at next, from now
    #[arg(long, value_name = "SPAN", value_parser = duration, default_value = "90d")]
    review_in: Duration,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Attest {
    /// Name or id
    agent: String,
    /// Do not ask whether what changed is right
    #[arg(long)]
    yes: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn main(context: &Context, command: Command) -> Outcome {
    let registers = matches!(command, Command::Register(_));
    wire::block_on(async {
        let office = if registers {
            super::serve::connect_or_start(&context.state).await?
        } else {
            wire::connect(&context.state).await?
        };
        run(&office, command).await
    })
}

async fn run(office: &Office, command: Command) -> Outcome {
    let (view, json) = match command {
        Command::Register(arguments) => {
            let json = arguments.json;
            (register(office, arguments).await?, json)
        }
        Command::List(arguments) => return list(office, arguments).await,
        Command::Show(Show { agent, at, json }) => (office.call(AgentShow { agent, at }).await?, json),
        Command::Approve(Name { agent, json }) => (office.call(AgentApprove { agent }).await?, json),
        Command::Suspend(Name { agent, json }) => (office.call(AgentSuspend { agent }).await?, json),
        Command::Resume(Name { agent, json }) => (office.call(AgentResume { agent }).await?, json),
        Command::Adopt(Name { agent, json }) => (office.call(AgentAdopt { agent }).await?, json),
        Command::Retire(Name { agent, json }) => (office.call(AgentRetire { agent }).await?, json),
        Command::Quarantine(Name { agent, json }) => (office.call(AgentQuarantine { agent }).await?, json),
        Command::Review(Review { agent, review_in, json }) => {
            (office.call(AgentReview { agent, review_by: now().after(review_in) }).await?, json)
        }
        Command::Attest(arguments) => {
            let json = arguments.json;
            (attest(office, arguments).await?, json)
        }
    };
    if json {
        screen::json(&view)?;
    } else {
        screen::line(card(&view))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn register(office: &Office, arguments: Register) -> Result<AgentView, Failure> {
    let Register {
        name,
        client,
        purpose,
        owner,
        deputy,
        environment,
        function,
        review_in,
        expires_in,
        approve,
        json: _,
    } = arguments;
    let view = office
        .call(AgentRegister {
            name,
            client,
            owner: Some(owner.map_or_else(me, Human)),
            deputy: deputy.map(Human),
            purpose: Some(purpose),
            environment,
            function,
            review_by: Some(now().after(review_in)),
            expires_at: expires_in.map(|span| now().after(span)),
        })
        .await?;
    if approve {
        return Ok(office.call(AgentApprove { agent: view.id.to_string() }).await?);
    }
    Ok(view)
}

async fn list(office: &Office, arguments: List) -> Outcome {
    let List { client, owner, at, json } = arguments;
    let agents = office.call(AgentList { client, owner: owner.map(Human), state: None, at }).await?;
    if json {
        screen::json(&agents)?;
        return Ok(ExitCode::SUCCESS);
    }
    if agents.agents.is_empty() {
        screen::say("no agent is there; `writ run` registers one, as does `writ agent register`");
        return Ok(ExitCode::SUCCESS);
    }
    let now = now();
    screen::line(screen::table(
        ["NAME", "CLIENT", "STATE", "OWNER", "ENVIRONMENT", "REVIEW IN", "TASKS"],
        agents.agents.iter().map(|agent| {
            [
                agent.name.to_string(),
                agent.client.to_string(),
                agent.state.to_string(),
                agent.owner.to_string(),
                agent.environment.to_string(),
                screen::span(now, agent.review_by),
                agent.open_tasks.to_string(),
            ]
        }),
    ))?;
    if agents.more {
        screen::say("there are more; narrow it with --client or --owner");
    }
    Ok(ExitCode::SUCCESS)
}

async fn attest(office: &Office, arguments: Attest) -> Result<AgentView, Failure> {
    let Attest { agent, yes, json: _ } = arguments;
    let view = office.call(AgentShow { agent: agent.clone(), at: None }).await?;
    let Some(changed) = &view.changed else {
        return Err(Failure::usage(format_args!(
            "nothing about `{}` has changed since it was accepted",
            view.name
        )));
    };
    if !yes {
        screen::say(format_args!("{} is not what was accepted:", view.name));
        screen::say(difference(view.fingerprint.as_ref(), &changed.seen));
        if !super::run::confirmed("Accept it?")? {
            return Err(Failure::new(Kind::Denied, "not accepted; nothing was changed"));
        }
    }
    let seen = changed.seen.clone();
    Ok(office.call(AgentAttest { agent, seen }).await?)
}

/// The operating-system user of this process, as the embedded control plane names people.
pub(super) fn me() -> Human {
    Human(Label::lossy(&format!("uid:{}", rustix::process::getuid().as_raw())))
}

/// Part by part, what was accepted and what was seen.
pub(super) fn difference(accepted: Option<&Fingerprint>, seen: &Fingerprint) -> String {
    let parts = |fingerprint: Option<&Fingerprint>| -> [Option<String>; 4] {
        match fingerprint {
            None => [None, None, None, None],
            Some(Fingerprint { client_version, instructions, model, tools }) => [
                client_version.as_ref().map(ToString::to_string),
                instructions.map(|digest| digest.to_string()),
                model.as_ref().map(ToString::to_string),
                tools.map(|digest| digest.to_string()),
            ],
        }
    };
    let names = ["client version", "instruction files", "model", "MCP servers"];
    let short = |part: Option<String>| match part {
        None => "unobserved".to_owned(),
        Some(text) if text.len() == 64 => format!("{}…", text.chars().take(12).collect::<String>()),
        Some(text) => text,
    };
    let (before, after) = (parts(accepted), parts(Some(seen)));
    names
        .into_iter()
        .zip(before.into_iter().zip(after))
        .map(|(name, (before, after))| {
            let mark = if before.is_some() && after.is_some() && before != after { "!" } else { " " };
            format!("  {mark} {name:<18} {} -> {}", short(before), short(after))
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn card(agent: &AgentView) -> String {
    let mut lines = vec![
        format!("{}  {}", agent.name, agent.id),
        format!("  state        {} ({}) since {}", agent.state, screen::word(&agent.reason), agent.since),
        format!("  client       {}", agent.client),
        format!("  owner        {}", agent.owner),
        format!("  function     {} in {}", agent.function, agent.environment),
        format!("  review by    {}", agent.review_by),
        format!("  open tasks   {}", agent.open_tasks),
    ];
    if let Some(deputy) = &agent.deputy {
        lines.insert(4, format!("  deputy       {deputy}"));
    }
    match &agent.purpose {
        Some(purpose) => lines.push(format!("  purpose      {}", Quoted(purpose))),
        None => lines.push("  purpose      erased".to_owned()),
    }
    if let Some(until) = agent.orphan_until {
        lines.push(format!(
            "  orphaned     its owner is gone; its deputy has until {until} to run `writ agent adopt {}`",
            agent.name
        ));
    }
    if let Some(expires_at) = agent.expires_at {
        lines.push(format!("  expires      {expires_at}"));
    }
    if let Some(by) = &agent.approved_by {
        let own = if agent.approved_self { ", recorded as `self`" } else { "" };
        lines.push(format!("  approved by  {by}{own}"));
    }
    if let Some(changed) = &agent.changed {
        lines.push(format!("  changed at {}, and nobody accepted it:", changed.seen_at));
        lines.push(difference(agent.fingerprint.as_ref(), &changed.seen));
        lines.push(format!("  accept it with `writ agent attest {}`", agent.name));
    }
    if agent.state == LifecycleState::Requested {
        lines.push(format!("  approve it with `writ agent approve {}`", agent.name));
    }
    lines.join("\n")
}
