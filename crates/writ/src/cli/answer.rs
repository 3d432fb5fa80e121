//! `writ approve ID` and `writ deny ID`: a person's answer to exactly what is shown, once or as a grant.

use std::process::ExitCode;
use std::time::Duration;

use writ_control::api::client::Client as Office;
use writ_control::api::message::{
    ApprovalView, ApprovalsList, Approve as ApproveAsk, Deny as DenyAsk, GrantWish,
};
use writ_model::{ApprovalId, ApprovalState};

use super::Context;
use super::approvals::{card, shown_to_people};
use super::grant::{offered, proposal};
use super::measure::{by_id, duration};
use crate::failure::{Failure, Kind, Outcome};
use crate::screen;
use crate::wire;

#[derive(clap::Args)]
#[command(after_help = "\
The action is shown before it is approved; on a terminal you are asked again. What agents wrote stands in quotation
marks, with every character that could deceive written out.

With --grant, calls of the same shape are not asked for again in this task. What that allows is shown first. A grant
lifts nothing that this approval could not lift, and counts no more once the session touches what it had not touched.

Examples:
  writ approve 4f2a                    an id may be shortened
  writ approve 4f2a --yes              without asking again
  writ approve 4f2a --grant            for calls like it in this task
  writ approve 4f2a --grant --for 20m  …or for twenty minutes")]
pub(super) struct Approve {
    /// Id, or enough of it
    approval: String,
    /// Allow calls of this shape for the rest of the task, too
    #[arg(long)]
    grant: bool,
    /// How long the grant lasts, as `20m`; until the task ends when left out
    #[arg(long = "for", value_name = "SPAN", requires = "grant", value_parser = duration)]
    lasts: Option<Duration>,
    /// For every ordinary file of the folder, where a tool asked for a single file of the workspace
    #[arg(long, requires = "grant")]
    folder: bool,
    /// Do not ask again
    #[arg(long)]
    yes: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(after_help = "Example:\n  writ deny 4f2a")]
pub(super) struct Deny {
    /// Id, or enough of it
    approval: String,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn approve(context: &Context, arguments: Approve) -> Outcome {
    let Approve { approval, grant, lasts, folder, yes, json } = arguments;
    wire::block_on(async {
        let office = wire::connect(&context.state).await?;
        let view = waiting(&office, &approval).await?;
        let wish = GrantWish { seconds: lasts.map(|span| span.as_secs()), folders: folder };
        let mut as_grant = grant.then_some(wish);
        let asks = !yes && !json && super::run::has_terminal();
        if !json {
            screen::say(card(&view));
        }
        if asks && !grant && view.grantable.is_some() {
            match super::run::chosen("Approve? [y]es, once  [g]rant  [N]o: ")?.as_str() {
                "y" | "yes" => {}
                "g" | "grant" => as_grant = Some(wish),
                _ => return Err(unanswered()),
            }
        } else if asks && !grant && !super::run::confirmed("Approve exactly this, once?")? {
            return Err(unanswered());
        }
        if let Some(wish) = as_grant {
            let terms = offered(&view, wish.folders)?;
            if !json {
                screen::say(proposal(&view, &terms, wish.seconds));
            }
            if !yes && !asks {
                return Err(Failure::usage("a grant is shown to a person before it is given")
                    .hint("run it in a terminal without --json, or say --yes to mean it"));
            }
            if asks && !super::run::confirmed("Grant this?")? {
                return Err(unanswered());
            }
        }
        let ask = ApproveAsk { approval: view.id, action: view.action, as_grant };
        answered(&office.call(ask).await?, json)
    })
}

fn unanswered() -> Failure {
    Failure::new(Kind::Denied, "not approved; the call still waits")
}

pub(super) fn deny(context: &Context, arguments: Deny) -> Outcome {
    let Deny { approval, json } = arguments;
    wire::block_on(async {
        let office = wire::connect(&context.state).await?;
        let view = waiting(&office, &approval).await?;
        let view = office.call(DenyAsk { approval: view.id }).await?;
        answered(&view, json)
    })
}

/// The request that a person's shortened id means, among those that wait.
async fn waiting(office: &Office, wanted: &str) -> Result<ApprovalView, Failure> {
    let approvals = office.call(ApprovalsList::default()).await?.approvals;
    by_id(approvals, |approval| approval.id.to_string(), ApprovalId::PREFIX, wanted).map_err(|problem| {
        Failure::usage(problem)
            .hint("`writ approvals` lists what waits; `writ audit show ID` tells what became of a request")
    })
}

/// Says what became of the request.
pub(super) fn answered(view: &ApprovalView, json: bool) -> Outcome {
    if json {
        screen::json(&shown_to_people(view))?;
        return Ok(ExitCode::SUCCESS);
    }
    let own = view.answers.last().is_some_and(|answer| answer.own);
    let own = if own { ", recorded as `self`" } else { "" };
    match view.state {
        ApprovalState::Pending => {
            let missing =
                view.level.persons().saturating_sub(view.answers.iter().filter(|answer| answer.yes).count());
            screen::line(format_args!("{} noted{own}; {missing} more must say yes", view.id))?;
        }
        state @ (ApprovalState::Approved
        | ApprovalState::Consumed
        | ApprovalState::Refused
        | ApprovalState::Expired) => screen::line(format_args!("{} {state}{own}", view.id))?,
    }
    if let Some(grant) = view.grant {
        screen::line(format_args!("{grant} granted; `writ grant end {grant}` ends it"))?;
    }
    Ok(ExitCode::SUCCESS)
}
