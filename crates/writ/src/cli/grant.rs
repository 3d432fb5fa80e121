//! `writ grant …`: what people allowed for the rest of a task, in plain words, and its end.

use std::process::ExitCode;

use clap::Subcommand;
use writ_control::api::client::Client as Office;
use writ_control::api::message::{ApprovalView, EndGrant, GrantView, GrantsList};
use writ_model::{
    EffectClass, GrantId, GrantShape, GrantTerms, GrantWord, GrantedResource, LineForm, PackageSource,
    Timestamp, Touch,
};

use super::Context;
use super::measure::by_id;
use super::task::identified;
use crate::failure::{Failure, Kind, Outcome};
use crate::screen::{self, Quoted};
use crate::wire::{self, now};

#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  writ approve 4f2a --grant      give one: what it would allow is shown first
  writ grant list                those that count now
  writ grant end 4f2a            from now on such calls are asked for again

A grant ends with its task at the latest.")]
pub(super) enum Command {
    /// List the grants of open tasks
    List(List),
    /// End a grant, at once
    End(End),
}

#[derive(clap::Args)]
pub(super) struct List {
    /// Id of a task, or enough of it
    #[arg(long)]
    task: Option<String>,
    /// Those that have ended too, as long as their task is open
    #[arg(long)]
    all: bool,
    /// As it was at a past moment
    #[arg(long, value_name = "TIME", value_parser = super::measure::moment)]
    at: Option<Timestamp>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct End {
    /// Id, or enough of it
    grant: String,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn main(context: &Context, command: Command) -> Outcome {
    wire::block_on(async {
        let office = wire::connect(&context.state).await?;
        match command {
            Command::List(arguments) => list(&office, arguments).await,
            Command::End(arguments) => end(&office, arguments).await,
        }
    })
}

async fn list(office: &Office, List { task, all, at, json }: List) -> Outcome {
    let task = match task {
        Some(task) => Some(identified(office, &task).await?),
        None => None,
    };
    let found = office.call(GrantsList { task, all, at }).await?;
    if json {
        screen::json(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    if found.grants.is_empty() {
        screen::say("nothing is granted");
    }
    for grant in &found.grants {
        screen::line(card(grant).join("\n"))?;
    }
    if found.more {
        screen::say("there are more; narrow it with --task");
    }
    Ok(ExitCode::SUCCESS)
}

async fn end(office: &Office, End { grant, json }: End) -> Outcome {
    let grants = office.call(GrantsList { task: None, all: true, at: None }).await?.grants;
    let grant = by_id(grants, |grant| grant.id.to_string(), GrantId::PREFIX, &grant)
        .map_err(|problem| Failure::usage(problem).hint("`writ grant list` lists them"))?;
    let view = office.call(EndGrant { grant: grant.id }).await?;
    if json {
        screen::json(&view)?;
    } else {
        screen::line(format_args!("{} has ended; such calls are asked for again", view.id))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A grant with what it allows.
pub(super) fn card(grant: &GrantView) -> Vec<String> {
    let own = if grant.own { " (`self`)" } else { "" };
    let stands = match grant.ended {
        None => format!("counts for another {}", screen::span(now(), grant.expires_at)),
        Some(cause) => format!("has ended ({cause})"),
    };
    let mut lines = vec![
        format!("{}  {stands}", grant.id),
        format!("  task      {}, from {} by {}{own}", grant.task, grant.approval, grant.by),
    ];
    match &grant.terms {
        Some(terms) => lines.extend(allows(terms).into_iter().map(|line| format!("  {line}"))),
        None => lines.push("  what it allowed cannot be read; it covers nothing".to_owned()),
    }
    lines
}

/// What a request could be made a grant for; where it cannot, that is a refusal that says what to do.
pub(super) fn offered(view: &ApprovalView, folders: bool) -> Result<GrantTerms, Failure> {
    let none = || {
        Failure::new(Kind::Denied, format_args!("`{}` cannot be granted; it is asked for each time", view.id))
            .hint("approve this one call, without --grant")
    };
    let terms = view.grantable.clone().ok_or_else(none)?;
    if !folders {
        return Ok(terms);
    }
    terms.for_folders().ok_or_else(|| {
        Failure::usage(format_args!("`{}` is for no single file of the workspace", view.id))
            .hint("leave --folder out")
    })
}

/// What a person is shown before they grant it.
pub(super) fn proposal(view: &ApprovalView, terms: &GrantTerms, seconds: Option<u64>) -> String {
    let task_end = view.task_ends_at;
    let asked = seconds.map(|seconds| now().after(std::time::Duration::from_secs(seconds)));
    let until = asked.map_or(task_end, |asked| asked.min(task_end));
    let mut lines = vec![format!("a grant would allow, without asking, in task {}:", view.task)];
    lines.extend(allows(terms).into_iter().map(|line| format!("  {line}")));
    lines.push(format!(
        "  until     {until} ({}), when the task ends, or `writ grant end`",
        screen::span(now(), until)
    ));
    lines.push(
        "  never     publishing, deploying, secrets, changes of who may do what, destroying, Writ's own files"
            .to_owned(),
    );
    lines.join("\n")
}

/// In one line, for lists.
pub(super) fn in_short(terms: &GrantTerms) -> String {
    whats(terms).join("; ")
}

/// What the terms allow, and while what holds, in plain words. Keys are ours; every text of an agent's is quoted.
fn allows(terms: &GrantTerms) -> Vec<String> {
    let mut lines: Vec<String> = whats(terms).into_iter().map(|what| format!("every     {what}")).collect();
    let on: Vec<String> = terms.shapes.iter().map(said).collect();
    if terms.line.is_some() {
        lines.push(format!("to        {}", on.join(", ")));
    }
    if let Some(line) = &terms.line {
        if let LineForm::Commands { before, .. } = &line.form
            && !before.is_empty()
        {
            let before: Vec<String> = before.iter().map(|words| spoken(words)).collect();
            lines.push(format!("after     {}", before.join(", then ")));
        }
        let places: Vec<String> = line.places.iter().map(|place| Quoted(place).to_string()).collect();
        lines.push(format!("in        {}", places.join(", ")));
        let present = line.files.iter().filter(|file| file.digest.is_some());
        let files: Vec<String> = present.map(|file| Quoted(&file.path).to_string()).collect();
        if !files.is_empty() {
            lines.push(format!("while     unchanged: {}", files.join(", ")));
        }
    }
    let left: Vec<&str> =
        Touch::ALL.into_iter().filter(|touch| !terms.touched.contains(touch)).map(touching).collect();
    if !left.is_empty() {
        lines.push(format!("ends if   the session touches {}", left.join(" or ")));
    }
    lines
}

/// The calls that are meant.
fn whats(terms: &GrantTerms) -> Vec<String> {
    let Some(line) = &terms.line else { return terms.shapes.iter().map(said).collect() };
    let effects: Vec<&str> = terms.effects().into_iter().map(EffectClass::name).collect();
    let effects = effects.join(", ");
    match &line.form {
        LineForm::Commands { commands, .. } => {
            commands.iter().map(|words| format!("{} ({effects})", spoken(words))).collect()
        }
        LineForm::Same { text } => vec![format!("{}, to the letter ({effects})", Quoted(text))],
    }
}

/// A command as it is typed. What may vary ends in `…`.
fn spoken(words: &[GrantWord]) -> String {
    let word = |word: &GrantWord| match word {
        GrantWord::Branch(prefix) => format!("{prefix}…"),
        GrantWord::Page(address) => format!("{address}/…"),
        GrantWord::Raw(raw) => raw.clone(),
        GrantWord::Word(word) if word.is_empty() || word.contains(char::is_whitespace) => format!("'{word}'"),
        GrantWord::Word(word) => word.clone(),
    };
    Quoted(&words.iter().map(word).collect::<Vec<_>>().join(" ")).to_string()
}

fn said(shape: &GrantShape) -> String {
    let quoted = |text: &str| Quoted(text).to_string();
    let effect = shape.effect;
    match &shape.on {
        GrantedResource::Branches { remote, prefix } => {
            format!("{effect} to branches {} of {}", quoted(&format!("{prefix}…")), quoted(remote))
        }
        GrantedResource::Command { program } => format!("{effect} by {}", quoted(program)),
        GrantedResource::Folder { path } => {
            format!("{effect} of any ordinary file below {}", quoted(&format!("{path}/")))
        }
        GrantedResource::Host { name } => format!("{effect} with host {}", quoted(name)),
        GrantedResource::McpTool { server, tool } => {
            format!("call of tool {} of MCP server {}, whatever its arguments", quoted(tool), quoted(server))
        }
        GrantedResource::Package { name, version, ecosystem, source } => {
            let version = if version.is_empty() { String::new() } else { format!(" {}", quoted(version)) };
            let ecosystem =
                if ecosystem.is_empty() { String::new() } else { format!(" ({})", quoted(ecosystem)) };
            match source {
                PackageSource::Lockfile => format!("{effect} of what the lock file names{ecosystem}"),
                PackageSource::Manifest => {
                    format!("{effect} of whatever the project's manifest names by then{ecosystem}")
                }
                PackageSource::Registry
                | PackageSource::Address
                | PackageSource::ForeignIndex
                | PackageSource::Local
                | PackageSource::Unknown => format!("{effect} of {}{version}{ecosystem}", quoted(name)),
            }
        }
        GrantedResource::Path { path, .. } => format!("{effect} of {}", quoted(path)),
        GrantedResource::Ref { remote, name } => {
            format!("{effect} to {} of {}, without force", quoted(name), quoted(remote))
        }
    }
}

const fn touching(touch: Touch) -> &'static str {
    match touch {
        Touch::Private => "private data",
        Touch::Secret => "a secret",
        Touch::Untrusted => "text that strangers wrote",
    }
}

#[cfg(test)]
mod tests {
    use writ_model::GrantLine;

    use super::*;

    fn word(text: &str) -> GrantWord {
        GrantWord::Word(text.to_owned())
    }

    fn install() -> GrantTerms {
        let on = GrantedResource::Package {
            name: "left-pad".into(),
            version: String::new(),
            ecosystem: "npm".into(),
            source: PackageSource::Registry,
        };
        let form = LineForm::Commands {
            before: vec![vec![word("cd"), word("web")]],
            commands: vec![vec![word("npm"), word("install"), word("left-pad")]],
        };
        GrantTerms {
            shapes: vec![GrantShape { effect: EffectClass::PackageInstall, on }],
            line: Some(GrantLine { places: vec!["/w".into(), "/w/web".into()], form, files: Vec::new() }),
            touched: vec![Touch::Untrusted],
        }
    }

    #[test]
    fn a_grant_says_what_it_allows_and_when_it_ends() {
        assert_eq!(
            allows(&install()),
            [
                r#"every     "npm install left-pad" (package-install)"#,
                r#"to        package-install of "left-pad" ("npm")"#,
                r#"after     "cd web""#,
                r#"in        "/w", "/w/web""#,
                "ends if   the session touches private data or a secret",
            ]
        );
        let host = GrantedResource::Host { name: "example.org".into() };
        let shapes = vec![GrantShape { effect: EffectClass::Network, on: host }];
        let terms = GrantTerms { shapes, line: None, touched: Touch::ALL.to_vec() };
        assert_eq!(allows(&terms), [r#"every     network with host "example.org""#]);
    }

    #[test]
    fn what_an_agent_wrote_cannot_pass_for_our_words() {
        let mut terms = install();
        if let Some(line) = &mut terms.line {
            line.form = LineForm::Same { text: "x\u{202e}\n  never     mind \u{1b}[2J".into() };
            line.places = vec!["/w\n  until     for ever".into()];
        }
        let text = allows(&terms).join("\n");
        assert!(text.contains(r#""x\u{202e}\n  never     mind \u{1b}[2J", to the letter"#), "{text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("until")), "{text}");
    }
}
