//! `writ secret …`: credentials that the agent works with and never holds.

use std::process::ExitCode;

use clap::Subcommand;
use writ_control::api::client::Client as Office;
use writ_control::api::message::{
    Placing, SecretAdd, SecretBinding, SecretList, SecretRemove, SecretRotate, SecretView, Secrets, Shape,
};
use writ_model::{HostPattern, Label, TaskKind, Timestamp};

use super::Context;
use crate::failure::{Failure, Kind, Outcome};
use crate::screen;
use crate::wire::{self, now};

mod value;

/// Shortest run of letters and digits that counts as the random part of what a placeholder is like.
const RUN: usize = 8;

#[derive(Subcommand)]
#[command(after_help = "\
A secret is sealed here and bound to hosts. In a run the agent holds a placeholder. The egress proxy puts the value in
its place when a request leaves for a bound host, method and path, and refuses the placeholder anywhere else. The
value is fetched for each request, so removing or rotating a secret, or revoking the task, counts at once.

A binding opens no host: what a task may reach is for policy and `writ run --allow-host` to say.

The value is asked for at the terminal, or read from standard input with --stdin. It is never an argument.

Examples:
  writ secret add github --host api.github.com --env GITHUB_TOKEN
  writ secret add anthropic --host api.anthropic.com --as header:x-api-key \\
      --env ANTHROPIC_API_KEY
  pass show npm | writ secret add npm --stdin --host registry.npmjs.org \\
      --method GET --as bearer --env NPM_TOKEN
  writ secret list
  writ secret rotate github
  writ secret remove github --yes")]
pub(super) enum Command {
    /// Seal a credential and say where it may go
    Add(Box<Add>),
    /// List secrets: where each may go, when it was lent last; never a value
    List(List),
    /// Give a secret another value
    Rotate(Rotate),
    /// End a secret and erase its value
    Remove(Remove),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  writ secret add github --host api.github.com --env GITHUB_TOKEN
  writ secret add maps --host maps.example --as query:key --env MAPS_KEY
  writ secret add store --host 's3.eu-west-1.amazonaws.com' --as aws \\
      --env AWS_ACCESS_KEY_ID       # ACCESS_KEY_ID:SECRET_KEY is asked for

Ways to put it on (--as):
  header:NAME   in this header
  bearer        in `Authorization: Bearer`
  basic         as name or password of `Authorization: Basic`
  query:KEY     as this part of the address
  body          anywhere in the body
  aws           requests are signed anew (Signature Version 4)
Left out: any header that carries credentials, or `Authorization: Basic`.")]
pub(super) struct Add {
    /// Its name, as you will see it in lists and the record
    name: String,
    /// Where it may go: `host`, `*.host` or `host:port`
    #[arg(long, value_name = "PATTERN", required = true)]
    host: Vec<HostPattern>,
    /// Only with this method
    #[arg(long, value_name = "M")]
    method: Vec<String>,
    /// Only below this path
    #[arg(long, value_name = "PREFIX")]
    path: Vec<String>,
    /// How it is put on
    #[arg(long = "as", value_name = "HOW", value_parser = placing)]
    placing: Option<Placing>,
    /// The variable in which the agent gets the placeholder
    #[arg(long, value_name = "VAR")]
    env: Option<String>,
    /// Only for this agent
    #[arg(long, value_name = "A")]
    agent: Vec<String>,
    /// Only in tasks of this kind
    #[arg(long, value_name = "K")]
    kind: Vec<TaskKind>,
    /// What the placeholder looks like, for tools that check: a made-up example, as `ghp_` and 36 letters
    #[arg(long, value_name = "TEXT", value_parser = shape)]
    like: Option<Shape>,
    /// Read the value from standard input
    #[arg(long)]
    stdin: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct List {
    /// As it was at a past moment
    #[arg(long, value_name = "TIME", value_parser = super::measure::moment)]
    at: Option<Timestamp>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(after_help = "\
The next request of every run has the new value; placeholders stay as they are. The old value is erased here. End it at
its issuer yourself.

Example:
  writ secret rotate github")]
pub(super) struct Rotate {
    /// Its name
    name: String,
    /// Read the value from standard input
    #[arg(long)]
    stdin: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(after_help = "\
It is lent to no request from then on, in runs that go on too, and its value is erased here. End it at its issuer
yourself.

Example:
  writ secret remove github --yes")]
pub(super) struct Remove {
    /// Its name
    name: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn main(context: &Context, command: Command) -> Outcome {
    match command {
        Command::Add(arguments) => add(context, *arguments),
        Command::List(List { at, json }) => wire::block_on(async {
            let office = wire::connect(&context.state).await?;
            list(&office.call(SecretList { at }).await?, json)
        }),
        Command::Rotate(Rotate { name, stdin, json }) => {
            let name = named(&name)?;
            let value = value::read(&name, stdin)?;
            spoken(context, async |office| {
                let view = office.call(SecretRotate { name, value }).await?;
                told(&view, json, "rotated; the next request has the new value")
            })
        }
        Command::Remove(Remove { name, yes, json }) => {
            let name = named(&name)?;
            if !yes && !super::run::confirmed(&format!("Remove secret {name}?"))? {
                return Err(Failure::usage(format_args!("`{name}` was not removed"))
                    .hint("say --yes to mean it, or answer at a terminal"));
            }
            spoken(context, async |office| {
                let view = office.call(SecretRemove { name }).await?;
                told(&view, json, "removed; it is lent no more, and its value is erased")
            })
        }
    }
}

fn add(context: &Context, arguments: Add) -> Outcome {
    let Add { name, host, method, path, placing, env, agent, kind, like, stdin, json } = arguments;
    let name = named(&name)?;
    if let Some(variable) = &env
        && (variable.starts_with("WRIT_") || crate::environment::is_needed(variable))
    {
        return Err(Failure::usage(format_args!("`{variable}` means something else to programs"))
            .hint("name the variable that the tool reads its credential from"));
    }
    let agents = agent.iter().map(|agent| named(agent)).collect::<Result<_, _>>()?;
    let binding = SecretBinding {
        hosts: host,
        methods: method.into_iter().map(|method| method.to_ascii_uppercase()).collect(),
        paths: path,
        placing: placing.unwrap_or_default(),
        env,
        agents,
        kinds: kind,
        shape: like,
    };
    let value = value::read(&name, stdin)?;
    spoken(context, async |office| {
        let view = office.call(SecretAdd { name, binding, value }).await?;
        told(&view, json, "sealed")
    })
}

/// Speaks with the control plane, which is started where none runs: a secret comes before the first run.
fn spoken(context: &Context, conversation: impl AsyncFnOnce(&Office) -> Outcome) -> Outcome {
    wire::block_on(async {
        let office = super::serve::connect_or_start(&context.state).await?;
        conversation(&office).await
    })
}

fn told(view: &SecretView, json: bool, what: &str) -> Outcome {
    if json {
        screen::json(view)?;
    } else {
        screen::line(format_args!("{}  {what}", view.name))?;
        for line in bound(view) {
            screen::line(format_args!("  {line}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(found: &Secrets, json: bool) -> Outcome {
    let is_intact = found.secrets.iter().all(|view| view.intact);
    if json {
        screen::json(found)?;
    } else if found.secrets.is_empty() {
        screen::say("nothing is sealed; `writ secret add --help` tells how");
    } else {
        for view in &found.secrets {
            screen::line(&view.name)?;
            for line in bound(view).into_iter().chain(times(view)) {
                screen::line(format_args!("  {line}"))?;
            }
        }
    }
    if is_intact {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new(
        Kind::Integrity,
        "what is kept of a secret is not what was sealed: the store was changed",
    )
    .hint("it is not lent; remove it, add it again, and renew it at its issuer"))
}

/// Where it may go, and for whom.
fn bound(view: &SecretView) -> Vec<String> {
    let Some(binding) = &view.binding else { return Vec::new() };
    let SecretBinding { hosts, methods, paths, placing, env, agents, kinds, shape: _ } = binding;
    let hosts: Vec<&str> = hosts.iter().map(HostPattern::as_str).collect();
    let methods = if methods.is_empty() { String::new() } else { format!("{} ", methods.join("|")) };
    let paths = if paths.is_empty() { String::new() } else { format!(" below {}", paths.join(", ")) };
    let mut lines = vec![
        format!("goes to    {methods}{}{paths}", hosts.join(", ")),
        format!("put on     {}", how(placing)),
    ];
    lines.extend(env.iter().map(|name| format!("agent has  a placeholder in {name}")));
    let agents = agents.iter().map(ToString::to_string);
    let who: Vec<String> = agents.chain(kinds.iter().map(|kind| format!("{} tasks", kind.name()))).collect();
    if !who.is_empty() {
        lines.push(format!("only for   {}", who.join(", ")));
    }
    lines
}

fn times(view: &SecretView) -> Vec<String> {
    let ago = |at: Timestamp| format!("{at} ({} ago)", screen::span(at, now()));
    let by = view.added_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let mut lines = vec![format!("added      {}{by}", ago(view.added_at))];
    lines.extend(view.rotated_at.map(|at| format!("rotated    {}", ago(at))));
    lines.push(match (view.last_lent_at, view.last_lent_to) {
        (Some(at), Some(task)) => format!("last lent  {}, {task}", ago(at)),
        (Some(_) | None, _) => "last lent  never".to_owned(),
    });
    if !view.intact {
        lines.push("CHANGED    what is kept is not what was sealed; it is not lent".to_owned());
    }
    lines
}

fn how(placing: &Placing) -> String {
    match placing {
        Placing::Usual => "any header that carries credentials, or basic".to_owned(),
        Placing::Header(name) => format!("header {name}"),
        Placing::Basic => "`Authorization: Basic`".to_owned(),
        Placing::Query(key) => format!("part {key} of the query"),
        Placing::Body => "the body".to_owned(),
        Placing::Bearer => "`Authorization: Bearer`".to_owned(),
        Placing::Aws => "a signature of AWS".to_owned(),
    }
}

fn named(name: &str) -> Result<Label, Failure> {
    name.parse().map_err(Failure::usage)
}

fn placing(text: &str) -> Result<Placing, String> {
    match text.split_once(':') {
        None => match text {
            "aws" => Ok(Placing::Aws),
            "basic" => Ok(Placing::Basic),
            "bearer" => Ok(Placing::Bearer),
            "body" => Ok(Placing::Body),
            _ => Err("write header:NAME, basic, query:KEY, bearer, body or aws".to_owned()),
        },
        Some(("header", name)) if !name.is_empty() => Ok(Placing::Header(name.to_ascii_lowercase())),
        Some(("query", key)) if !key.is_empty() => Ok(Placing::Query(key.to_owned())),
        Some(_) => Err("write header:NAME, basic, query:KEY, bearer, body or aws".to_owned()),
    }
}

/// What a placeholder keeps of an example: all before its first long run of letters and digits, and its length.
fn shape(text: &str) -> Result<Shape, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric();
    let bytes = text.as_bytes();
    let start = bytes.windows(RUN).position(|run| run.iter().all(|byte| is_plain(*byte)));
    let start = start.ok_or_else(|| format!("an example has a run of {RUN} letters and digits"))?;
    // Names of keys of AWS run on into the key.
    let start = if start == 0 && (text.starts_with("AKIA") || text.starts_with("ASIA")) { 4 } else { start };
    let prefix = text.get(..start).unwrap_or_default().to_owned();
    let is_upper = !text.get(start..).unwrap_or_default().bytes().any(|byte| byte.is_ascii_lowercase());
    Ok(Shape { prefix, length: text.len(), is_upper })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_gives_its_beginning_and_its_length() {
        for (text, prefix, is_upper) in [
            ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_", false),
            ("sk-ant-api03-abcdefghijklmnopqrstuvwx", "sk-ant-api03-", false),
            ("AKIAIOSFODNN7EXAMPLE", "AKIA", true),
            ("abcdefghijklmnopqrst", "", false),
        ] {
            let shape = shape(text).unwrap();
            assert_eq!((shape.prefix.as_str(), shape.length, shape.is_upper), (prefix, text.len(), is_upper));
        }
        assert!(shape("ghp_").is_err() && shape("").is_err());
    }
}
