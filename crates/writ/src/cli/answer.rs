//! `writ approve ID` and `writ deny ID`: a person's answer to exactly what is shown.

use std::process::ExitCode;

use writ_control::api::client::Client as Office;
use writ_control::api::message::{ApprovalView, ApprovalsList, Approve as ApproveAsk, Deny as DenyAsk};
use writ_model::{ApprovalId, ApprovalState};

use super::Context;
use super::approvals::{card, shown_to_people};
use super::measure::by_id;
use crate::failure::{Failure, Kind, Outcome};
use crate::screen;
use crate::wire;

#[derive(clap::Args)]
#[command(after_help = "\
The action is shown before it is approved; on a terminal you are asked again. What agents wrote stands in quotation
marks, with every character that could deceive written out.

Examples:
  writ approve 4f2a              an id may be shortened
  writ approve 4f2a --yes        without asking again")]
pub(super) struct Approve {
    /// Id, or enough of it
    approval: String,
    /// Do not ask again
    #[arg(long)]
    yes: bool,
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(after_help = "Example:\n  writ deny 4f2a")]
pub(super) struct Deny {
    /// Id, or enough of it
    approval: String,
    #[arg(long)]
    json: bool,
}

pub(super) fn approve(context: &Context, arguments: Approve) -> Outcome {
    let Approve { approval, yes, json } = arguments;
    wire::block_on(async {
        let office = wire::connect(&context.state).await?;
        let view = waiting(&office, &approval).await?;
        if !json {
            screen::say(card(&view));
        }
        if !yes
            && !json
            && super::run::has_terminal()
            && !super::run::confirmed("Approve exactly this, once?")?
        {
            return Err(Failure::new(Kind::Denied, "not approved; the call still waits"));
        }
        let view = office.call(ApproveAsk { approval: view.id, action: view.action }).await?;
        answered(&view, json)
    })
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
    by_id(approvals, |approval| approval.id.to_string(), ApprovalId::PREFIX, wanted)
        .map_err(|problem| Failure::usage(problem).hint("`writ approvals` lists what waits"))
}

fn answered(view: &ApprovalView, json: bool) -> Outcome {
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
    Ok(ExitCode::SUCCESS)
}
