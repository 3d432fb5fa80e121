//! `writ reach`: what an agent can do, what it gets to through chains of steps, and what ends with its task. Reads files; what
//! is registered and what policies say is added where a control plane runs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use writ_model::TaskKind;
use writ_scan::autonomy::{Autonomy, Degree};
use writ_scan::document::{self, Notation};
use writ_scan::reach::facts::Facts;
use writ_scan::reach::role::Role;
use writ_scan::reach::{CiAgent, Fact, Place, Reach, Refused, reach};
use writ_scan::survey::{Found, scan_tree};
use writ_scan::walk::{WalkOptions, read_regular};

use crate::failure::{Failure, Outcome};
use crate::screen;

mod governed;
mod machine;
mod tell;

/// Longest file of a role, in bytes.
const MAX_ROLE_BYTES: usize = 1 << 20;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  writ reach                           every agent of this repository
  writ reach --agent claude-code ~/shop
  writ reach --without edit-workflows  what is left without these
  writ reach --human-role role.toml    what each has beyond a person's role
  writ reach --dot | dot -Tsvg > reach.svg

Each step names the line that makes it. Read are the workflows of GitHub at the top of the repository, the settings of tools in it, of yours
and of the administrator, and, for what is started by itself, the credentials of this machine: files of your home folder, the top of
the repository and the environment, never their values. The sandbox of `writ run` hides those from a governed agent.
Who may edit workflows and push counts as getting to every secret that they name; rules that only the forge keeps, for
branches and environments, are not seen.

An agent in a pipeline is told for each job, as `ci:FILE#JOB`: what the job holds, and by what an account without write access starts it.

Where a control plane runs, each tool that is registered and active is told twice: started by itself, and as the governed agent
of `writ run`, whose chains end where policies let nobody pass unasked: in every --kind of work, or in one. Where none
runs, --without says what policies would refuse.

A role is a file: `role = \"NAME\"`, `push` and `edit_workflows` (true or false), `reaches = [\"secret:K\", \"cloud:*\"]`; or what a
forge answers about a collaborator's permission (GitHub) or a member (GitLab), as JSON. Its holder's reach follows by the same rules.")]
pub(super) struct Arguments {
    /// The top of a repository
    #[arg(default_value = ".")]
    path: PathBuf,
    /// One tool, by its name in `writ scan --json`, one registered agent, or one in a pipeline, as `ci:FILE#JOB`
    #[arg(long)]
    agent: Option<String>,
    /// What policy would refuse
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    without: Vec<Without>,
    /// Of governed agents: one kind of work, in place of all
    #[arg(long)]
    kind: Option<TaskKind>,
    /// What each agent has beyond a person's role: a file of ours, or a forge's answer about
    /// a collaborator or a member
    #[arg(long, value_name = "FILE")]
    human_role: Option<PathBuf>,
    /// One JSON object an agent
    #[arg(long)]
    json: bool,
    /// One graph for Graphviz
    #[arg(long, conflicts_with = "json")]
    dot: bool,
}

#[derive(Clone, Copy, Eq, PartialEq, ValueEnum)]
enum Without {
    EditWorkflows,
    Push,
    Servers,
}

/// The three answers about one agent.
struct Told {
    /// As it is called: a tool, or a registered agent.
    agent: String,
    tool: String,
    started: Started,
    /// What it does unasked, what a person is asked for, and what is refused.
    can: Can,
    reach: Reach,
    /// What goes with the end of a task, and what of that which it reaches stays.
    ends: Vec<String>,
    stays: Vec<String>,
    /// A person's role, and what it does not reach.
    beyond: Option<(String, Vec<Place>)>,
}

/// Who starts an agent, and under what.
enum Started {
    Alone,
    /// A forge's pipeline. By what an account without write access starts it.
    Forge(Vec<Fact>),
    Governed,
}

/// What an agent can do, in words that reports keep.
#[derive(Default)]
struct Can {
    unasked: Vec<String>,
    asked: Vec<String>,
    never: Vec<String>,
}

pub(super) fn main(arguments: &Arguments) -> Outcome {
    let Arguments { path, agent, without, kind, human_role, json, dot } = arguments;
    let role = human_role.as_deref().map(role).transpose()?;
    let root = std::fs::canonicalize(path)
        .map_err(|error| Failure::usage(format_args!("could not look at `{}`: {error}", path.display())))?;
    let mut found = scan_tree(&root, &WalkOptions::default()).found;
    let mut facts = Facts::of(&root, &found);
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let outside = machine::settings(home.as_deref());
    facts.add_tools(&outside);
    found.extend(outside);
    let around = machine::credentials(home.as_deref(), &root)?;
    let unread = around.notes.iter().map(|note| &note.relative);
    for unread in facts.unread.iter().chain(unread) {
        screen::say(format_args!(
            "note: {}: it could not be read, and counts for nothing",
            tell::quoted(&unread.to_string_lossy())
        ));
    }
    let refused = Refused {
        push: without.contains(&Without::Push),
        edit_workflows: without.contains(&Without::EditWorkflows),
        servers: without.contains(&Without::Servers),
    };
    let registered = governed::registered(&facts);
    let is_wanted = |name: &str| agent.as_ref().is_none_or(|wanted| wanted == name);
    let mut all = Vec::new();
    for tool in &facts.agents {
        if is_wanted(tool) {
            let facts = facts.with_credentials(tool, &around.credentials);
            all.push(alone(tool, &found, &facts, refused));
        }
        for office in registered.iter().filter(|office| office.tool == *tool) {
            if is_wanted(tool) || is_wanted(&office.name) {
                all.push(governed::told(office, &facts, refused, *kind)?);
            }
        }
    }
    for agent in facts.ci.values() {
        if is_wanted(agent.tool) || is_wanted(&agent.name) {
            all.push(in_ci(agent, &facts, refused));
        }
    }
    if let (Some(wanted), true) = (agent, all.is_empty()) {
        return Err(Failure::usage(format_args!(
            "`{wanted}` has no settings here; `writ scan` lists who has"
        )));
    }
    if all.is_empty() {
        screen::say(format_args!(
            "no agent has settings in this repository, in your home folder or of an administrator, and none runs in a pipeline \
             here; `writ scan` lists what is installed"
        ));
    }
    if let Some(role) = &role {
        for told in &mut all {
            let beyond = role.lacks(&facts, &told.reach).into_iter().cloned().collect();
            told.beyond = Some((role.name.clone(), beyond));
        }
    }
    tell::all(&all, *json, *dot)?;
    Ok(ExitCode::SUCCESS)
}

/// A role out of a file: JSON, or by its name's end TOML or YAML.
fn role(file: &Path) -> Result<Role, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::usage(format_args!("could not read the role `{}`: {error}", file.display()))
    };
    let bytes = read_regular(file, MAX_ROLE_BYTES).map_err(|error| failed(&error))?;
    let notation = match file.extension().and_then(std::ffi::OsStr::to_str) {
        Some("toml") => Notation::Toml,
        Some("yaml" | "yml") => Notation::Yaml,
        Some(_) | None => Notation::Json,
    };
    let document = document::parse(&bytes, notation).map_err(|error| failed(&error))?;
    Role::read(&document).map_err(|error| failed(&error))
}

/// The tool as anybody starts it.
fn alone(tool: &str, found: &[Found], facts: &Facts, refused: Refused) -> Told {
    let autonomy = found
        .iter()
        .filter(|found| found.tool == tool)
        .map(Autonomy::of)
        .fold(Autonomy::default(), Autonomy::and);
    let unasked = match autonomy.actions.degree {
        Degree::Asks => Vec::new(),
        Degree::Some | Degree::Free | Degree::Unattended => {
            autonomy.actions.because.iter().map(|(_, why)| why.clone()).collect()
        }
    };
    let reach = reach(tool, facts, refused);
    let stays = lasting(&reach);
    let asked = vec!["everything else, by its own questions".to_owned()];
    let can = Can { unasked, asked, never: Vec::new() };
    Told {
        agent: tool.to_owned(),
        tool: tool.to_owned(),
        started: Started::Alone,
        can,
        reach,
        ends: Vec::new(),
        stays,
        beyond: None,
    }
}

/// An agent in a job of a pipeline, where nobody can be asked.
fn in_ci(agent: &CiAgent, facts: &Facts, refused: Refused) -> Told {
    let CiAgent { name, tool, outsider, gates, unasked } = agent;
    let mut reach = reach(name, facts, refused);
    reach.gates.extend(gates.iter().cloned());
    let stays = lasting(&reach);
    let mut unasked = unasked.clone();
    unasked.push("what its client does without a question: nobody is there to ask".to_owned());
    Told {
        agent: name.clone(),
        tool: (*tool).to_owned(),
        started: Started::Forge(outsider.clone()),
        can: Can { unasked, ..Can::default() },
        reach,
        ends: vec!["the token of the job, with the job".to_owned()],
        stays,
        beyond: None,
    }
}

/// What somebody who got to it keeps.
fn lasting(reach: &Reach) -> Vec<String> {
    let lasts = |place: &&Place| match place {
        Place::Cloud(_) | Place::Credential(_) | Place::Deployment(_) | Place::Secret(_) => true,
        Place::Agent(_)
        | Place::Branch
        | Place::Host(_)
        | Place::Job(_)
        | Place::Scope(_)
        | Place::Server(_) => false,
    };
    reach.chains.keys().filter(lasts).map(|place| format!("{} {}", place.kind(), place.name())).collect()
}
