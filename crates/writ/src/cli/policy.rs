//! `writ policy …`: looks at policies, checks and tests them, and fetches the organisation's. No control plane is
//! needed, and nothing is recorded.

use clap::Subcommand;

use super::Context;
use crate::failure::Outcome;

mod case;
mod shipped;
mod show;
mod test;
mod update;
mod validate;

pub(super) use update::accepted;

#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  writ policy show                   what is in force, and where it comes from
  writ policy validate my-policies/  check a folder of `.cedar` files
  writ policy test my-policies/      run the tests beside them
  writ policy update                 fetch the organisation's newest policies")]
pub(super) enum Command {
    /// Tell which policies are in force, and what one of them says
    Show(show::Show),
    /// Check policies: form, types, and that none can err
    Validate(validate::Validate),
    /// Run the tests that lie beside policies
    Test(test::Test),
    /// Fetch the organisation's policies from their repository, and put them in force if they are valid
    Update(update::Update),
}

pub(super) fn main(context: &Context, command: Command) -> Outcome {
    match command {
        Command::Show(arguments) => show::main(context, arguments),
        Command::Validate(arguments) => validate::main(context, arguments),
        Command::Test(arguments) => test::main(context, arguments),
        Command::Update(arguments) => update::main(context, arguments),
    }
}
