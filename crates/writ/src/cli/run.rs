//! `writ run -- CMD`: one client, one task, one supervisor.
//!
//! The supervisor holds the writ, answers the client's hooks and ends everything the client started when the task ends,
//! whatever ends it. The client runs in this terminal and knows nothing of the writ.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use writ_control::api::message::TaskOpen;
use writ_gateway::setup::patience;
use writ_model::{Bounds, CloseCause, Label, Limits, TaskKind};
use writ_sandbox::Danger;

use super::Context;
use super::measure::duration;
use crate::config::State;
use crate::failure::{Failure, Kind, Outcome};
use crate::screen;
use crate::wire::Held;

mod bounds;
mod danger;
mod form;
mod git_settings;
mod inventory;
mod lent;
mod network;
mod note;
mod other_text;
mod place;
mod prepare;
mod rehearsal;
mod starts;
mod straight;
mod summary;
mod supervise;
mod who;
pub(super) mod yard;

use yard::ground::Ground;

pub(super) use form::{chosen, confirmed, has_terminal};
pub(super) use network::canary::each as ways_out;
pub(super) use place::found as find_program;
pub(super) use prepare::{bench, loaded_engine, other_hands, quiet_engine};

/// What the record says is weakened where not all that binds in a workspace is kept.
const NOT_KEPT: &str = "keeping-all";
/// What a person is told then.
const TOLD_OF_BOUNDS: &str = "writ: the workspace holds more names, or deeper ones, than are looked through for what tools run by \
    themselves, or more of those than can be kept; the agent can write the rest, which is on record";
/// Folders that nobody can look into, and that are named.
const MOST_CLOSED_TOLD: usize = 8;
/// How much earlier a held call is answered.
const BEFORE_DEADLINE: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
#[command(after_help = "\
Each call of the client is decided when it asks: allowed, refused, or held until a human says yes from another terminal
(`writ approvals watch`). When the client ends, so does its authority, and everything it started.

Kinds of work: bugfix, dependency-update, docs, feature, ops, refactor, release, review, test.

Examples:
  writ run --kind bugfix --task \"fix the date parser\" -- claude
  writ run --kind docs --task \"describe the flags\" --ttl 20m -- \\
      codex exec \"describe the flags\"
  writ run --dry-run --kind bugfix -- claude    # what the sandbox would do
  writ run --env DATABASE_URL --kind feature --task \"add paging\" -- opencode
  writ run --kind bugfix --task \"fix issue 4\" --write 'src/**' \\
      --write 'tests/**' --allow-host docs.rs \\
      --allow-mcp github/get_issue --stop-on escape-attempt -- claude

What a task names is let through without asking; once anything of a sort is named, the rest of that sort is asked for.")]
pub(super) struct Arguments {
    /// The agent, by name; needed when several use this client
    #[arg(long)]
    agent: Option<String>,
    /// What is to be done, in a sentence
    #[arg(long, value_name = "TEXT")]
    task: Option<String>,
    /// What sort of work it is
    #[arg(long)]
    kind: Option<TaskKind>,
    /// When the task ends by itself
    #[arg(long, value_name = "SPAN", value_parser = duration)]
    ttl: Option<Duration>,
    /// How long a held call waits for a human before the client is told to go on without
    #[arg(long, value_name = "SPAN", value_parser = duration)]
    hold: Option<Duration>,
    /// Pass this variable too, unless it looks like a credential
    #[arg(long, value_name = "NAME")]
    env: Vec<String>,
    #[command(flatten)]
    danger: danger::Arguments,
    /// Show what the sandbox would do, step by step, and start nothing
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: as JSON
    #[arg(long, requires = "dry_run")]
    json: bool,
    #[command(flatten)]
    bounds: bounds::Arguments,
    /// The client and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// What a person asked for, complete.
struct Wish {
    agent: Option<String>,
    kind: TaskKind,
    intent: String,
    limits: Limits,
    bounds: Option<Bounds>,
    hold: Duration,
    env: Vec<String>,
    danger: BTreeSet<Danger>,
    program: place::Program,
    arguments: Vec<String>,
    cwd: PathBuf,
    workspace: PathBuf,
}

pub(super) fn main(context: &Context, arguments: Arguments) -> Outcome {
    super::serve::log("error");
    let (dry_run, json) = (arguments.dry_run, arguments.json);
    let wish = Wish::of(context, arguments)?;
    if dry_run {
        return rehearsal::main(context, &wish, json);
    }
    // What leaves is held while it is judged, and the run lasts for hours.
    writ_sandbox::give_memory_back();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(run(context, wish));
    // What still waits for the control plane must not keep the terminal.
    runtime.shutdown_timeout(Duration::from_millis(200));
    outcome
}

/// Names folders of a workspace that nobody can look into, and that are empty inside for that.
fn tell_closed(ground: &Ground, workspace: &Path) {
    let Ok(looked) = ground.looked() else { return };
    let names = looked.closed.iter().map(|path| screen::path(path.strip_prefix(workspace).unwrap_or(path)));
    let mut list: Vec<String> = names.take(MOST_CLOSED_TOLD).collect();
    if list.is_empty() {
        return;
    }
    let more = looked.closed.len().saturating_sub(list.len());
    list.extend((more > 0).then(|| format!("and {more} more")));
    screen::say(format_args!(
        "writ: empty inside, because they cannot be listed or searched: {}; where the task needs one, open it first \
         (`chmod u+rwx`)",
        list.join(", ")
    ));
}

/// Names files of a workspace that are empty inside because of what they are.
fn tell_empty(wish: &Wish, ground: &Ground) {
    let names = yard::kept::names(&wish.workspace, &prepare::empty(wish, ground));
    if !names.is_empty() {
        screen::say(format_args!(
            "writ: empty and read-only inside, or as git has them, because they look like credentials: {names}; where the task \
             needs one, end it and start it with --read PATH"
        ));
    }
}

async fn run(context: &Context, wish: Wish) -> Outcome {
    let office = super::serve::connect_or_start(&context.state).await?;
    let agent = who::agent(&office, wish.program.client, wish.agent.clone()).await?;
    let engine = prepare::engine(context)?;
    let mut scrubbed = prepare::environment(context, &wish)?;
    let placeholders = lent::placed(&office, &wish, &agent.name, &mut scrubbed).await?;
    let own_sandbox = prepare::own_sandbox(&wish)?;
    let home = prepare::home();
    let terms = prepare::terms(&wish, home.as_deref());
    let ground = tokio::task::block_in_place(|| Ground::look(&terms, crate::wire::now()));
    let keeps_all = ground.keeps_all(&terms);
    if !keeps_all {
        screen::say(TOLD_OF_BOUNDS);
    }
    tell_closed(&ground, &wish.workspace);
    tell_empty(&wish, &ground);
    let weakened = wish.danger.iter().map(|danger| danger.name());
    let weakened = weakened.chain((!keeps_all).then_some(NOT_KEPT)).map(Label::lossy);
    let opened = Held::open(
        office.clone(),
        context.state.clone(),
        TaskOpen {
            agent: agent.id.to_string(),
            client: wish.program.client,
            kind: wish.kind,
            intent: wish.intent.clone(),
            workspace: wish.workspace.to_string_lossy().into_owned(),
            limits: Some(wish.limits),
            handed_over: scrubbed.handed_over.iter().map(|name| Label::lossy(name)).collect(),
            weakened: weakened.collect(),
            // A label has no `=`.
            client_sandbox_off: own_sandbox.turned_off().map(|by| Label::lossy(&by.replace('=', ":"))),
            bounds: wish.bounds.clone().map(Box::new),
        },
    )
    .await?;
    let folder = Folder::of(&context.state, &opened);
    let ran = match folder.listed(&context.state, Tidy::Yes) {
        Ok(list) => {
            let list = Arc::new(list);
            let outfit = supervise::Outfit { own_sandbox, scrubbed, placeholders, ground };
            let ran = supervise::task(context, &wish, outfit, engine, &opened, &list).await;
            folder.remove();
            list.end();
            ran
        }
        Err(failure) => Err(failure),
    };
    if ran.is_err() {
        // The client never ran, or the supervisor could not go on: either way the task must not stay open.
        let _ = tokio::time::timeout(Duration::from_secs(5), opened.close(CloseCause::NotStarted)).await;
    }
    ran
}

// === impl Wish ===

impl Wish {
    /// Whether the sandbox has a network of its own, with one way out.
    fn has_way_out(&self) -> bool {
        !self.danger.contains(&Danger::OpenNetwork) && !self.danger.contains(&Danger::NoNamespaces)
    }

    fn of(context: &Context, arguments: Arguments) -> Result<Self, Failure> {
        let Arguments { agent, task, kind, ttl, hold, env, danger, dry_run, json: _, bounds, command } =
            arguments;
        let mut command = command.into_iter();
        let program =
            place::program(&command.next().unwrap_or_default(), std::env::var_os("PATH").as_deref())?;
        let arguments = command
            .map(|argument| {
                argument.into_string().map_err(|_| Failure::usage("an argument is not valid UTF-8"))
            })
            .collect::<Result<_, _>>()?;
        let workspace = workspace(context)?;
        context.config.outside_of(&workspace)?;
        let mut limits = context.config.limits;
        if let Some(ttl) = ttl {
            limits.seconds = ttl.as_secs();
        }
        let hold = hold.or(context.config.hold).unwrap_or_else(|| patience(program.client) - BEFORE_DEADLINE);
        let kind = match kind {
            Some(kind) => kind,
            None if has_terminal() => form::kind()?,
            None => {
                return Err(Failure::usage(
                    "the kind of work is not said, and there is no terminal to ask at",
                )
                .hint("say it with --kind, as `--kind bugfix`; `writ run --help` lists the kinds"));
            }
        };
        let bounds = bounds.bounds(kind, &mut limits)?;
        let intent = match task {
            Some(task) if !task.trim().is_empty() => task,
            // Nothing is opened that it would be said of.
            Some(_) | None if dry_run => String::new(),
            Some(_) | None if has_terminal() => form::intent()?,
            Some(_) | None => {
                return Err(Failure::usage("the task is not said, and there is no terminal to ask at")
                    .hint("say it with --task, as `--task \"fix the date parser\"`"));
            }
        };
        let hold = hold.min(patience(program.client) - BEFORE_DEADLINE);
        Ok(Self {
            agent,
            kind,
            intent,
            limits,
            bounds,
            hold,
            env,
            danger: danger.chosen(),
            program,
            arguments,
            cwd: std::env::current_dir()?.canonicalize()?,
            workspace,
        })
    }
}

/// The workspace that this process stands in.
pub(super) fn workspace(context: &Context) -> Result<PathBuf, Failure> {
    let cwd = std::env::current_dir()
        .map_err(|error| Failure::usage(format_args!("the working directory is gone: {error}")))?;
    let home = std::env::var_os("HOME").map(PathBuf::from);
    place::workspace(&cwd, home.as_deref(), context.state.root())
}

/// Whether what runs have left that were killed is taken away.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tidy {
    Yes,
    /// A rehearsal changes nothing.
    No,
}

/// Where the files of one run lie: the hook socket and what the client is configured with.
struct Folder(PathBuf);

// === impl Folder ===

impl Folder {
    fn of(state: &State, held: &Held) -> Self {
        Self(state.runs().join(held.id().to_string()))
    }

    fn make(&self) -> Result<(), Failure> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(|error| {
            Failure::new(Kind::Broken, format_args!("could not make `{}`: {error}", self.0.display()))
        })
    }

    /// The list of what this run puts up, which is begun before anything is.
    fn listed(&self, state: &State, tidy: Tidy) -> Result<inventory::Inventory, Failure> {
        use std::os::unix::fs::DirBuilderExt as _;
        let runs = state.runs();
        let name = self.0.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
        let begun = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&runs).and_then(|()| {
            if tidy == Tidy::Yes {
                inventory::tidy(&runs);
            }
            inventory::Inventory::begin(&runs, name)
        });
        begun.map_err(|error| {
            Failure::new(Kind::Broken, format_args!("could not write to `{}`: {error}", runs.display()))
        })
    }

    /// Beside it, and not in it: here the client may write.
    fn private(&self) -> PathBuf {
        self.0.with_extension("home")
    }

    fn remove(&self) {
        for folder in [self.0.clone(), self.private()] {
            if let Err(error) = std::fs::remove_dir_all(&folder)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                screen::say(format_args!("writ: could not remove `{}`: {error}", folder.display()));
            }
        }
    }
}
