//! `writ scan`: every agent on this machine, in a repository or in a tree of them, and what each may do. Reads files;
//! starts nothing that it finds, no MCP server either, and needs no control plane.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use writ_scan::credential::{self, Credential, Seen};
use writ_scan::finding::{Finding, Severity, findings};
use writ_scan::secret::{Confidence, Marker};
use writ_scan::session::Sessions;
use writ_scan::survey::{Found, Scan};
use writ_scan::walk::WalkOptions;
use writ_scan::walk::exclude::Exclude;
use writ_scan::{machine, report, sarif};

use super::measure::duration;
use crate::failure::{Failure, Kind, Outcome};
use crate::screen;
use crate::wire::now;

mod baseline;
pub(super) mod credentials;
mod detail;
mod diff;
mod places;
mod probe;
mod register;
mod secrets;
mod summary;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  writ scan                            you, this machine, this repository
  writ scan ~/work                     a folder of repositories, however large
  writ scan --json . | jq '.findings'  one object a file, for programs
  writ scan --sarif . > writ.sarif     for code scanning of a forge
  writ scan --exclude 'testdata/' .    without some folders or files
  writ scan --fail-on high .           in CI: exit code 3 for what is grave
  writ scan --write-baseline known .   take what is there today as known …
  writ scan --baseline known --fail-on medium .
                                       … and fail on what is new only
  writ scan --diff origin/main --fail-on medium .
                                       what a change brings, for a review
  writ scan --probe NAME .             start one MCP server in a sandbox without
                                       network, and list its tools
  writ scan --secrets --fail-on medium .
                                       likely credentials in every file
  writ scan --secrets --baseline known-secrets --fail-on medium .
                                       those that are not known
  writ scan --secrets --diff origin/main --fail-on medium .
                                       what a change brings, credentials too
  journalctl | writ scan --secrets -   the same in a stream
  writ scan --register                 record agents that nobody registered
  writ scan --register ~/work          those of pipelines and settings there

It finds configuration, MCP servers, instructions, hooks, plugins and skills
of some thirty tools, workflows of GitHub and GitLab that run agents,
settings that take questions away, and credentials in plain text: their
place, never their value. Nothing that is found is run, but for the one
server that --probe names.

Without a folder, it also tells the credentials that an agent could use as
you: files of clouds, clusters, forges, registries and databases, keys,
keyrings, helpers and variables, with their age, their end and what they
open; and the sessions that clients keep, by number and date, unopened.
Of a folder that is named, it tells those that lie in it: `.env` and the
like at any depth, and a home's where the folder is one. Variables that move
a tool's home (CLAUDE_CONFIG_DIR, XDG_CONFIG_HOME, …) are followed.
Equal marks are equal values; the key to them lies in the state folder, so
that scans can be compared.

Code that makes identities is read as it is written: Terraform, CloudFormation,
Kubernetes, policies, pipelines and manifests. Of OAuth scopes, those in
Terraform and in manifests (Apps Script, Slack, GitHub Apps) are read, those
in programs are not.

With --secrets, everything readable is looked through for credentials: a
finding tells the place, the rule, how sure it is (low, medium, high), and a
mark that is equal for equal values of one scan. A baseline knows a value by
file, rule, the name before it and twelve bits of its digest: it stays known
when its line moves, and another value is new, but for one in some thousands.
With --diff, what files held before the change is left out, whatever line it
moved to, and all else that a change brings is told too; without --secrets a
change is not looked through for them.

With --register, what runs in this repository's pipelines, is installed, runs, has settings of yours or left its
name in the history of this repository is compared with the registry, which
needs the control plane. What nobody registered is recorded as `discovered`
and can do nothing until a person approves it. Of the registry it tells
owners that are gone (their deputy is asked, or the agent is suspended),
reviews that lapsed, one identity in two environments, what runs without
authority, rights that nobody used, and what an agent did unasked beyond
what its settings say. All of that counts for --fail-on, --baseline and
--sarif, under `registry/NAME`. What a person retired is not proposed again
unless it acted since, which is told. An agent of a pipeline is one for each
tool and repository, in the environment `ci`. Of folders that are named, it
compares agents of their pipelines and tools that have settings there, and
looks at nothing else of the registry.

What --exclude leaves out is told by number, and no finding. A pattern is
asked about paths below each folder that is scanned; without a folder these
are the repository, your home and the root of the machine.

Written are that key, and what --register, --remember and --write-baseline
ask for.

Exit codes: 0 done, 1 broken, 2 usage, 3 findings at or above --fail-on.")]
pub(super) struct Arguments {
    /// Folders to scan; without any, your own settings, the administrator's, and the repository around you
    paths: Vec<PathBuf>,
    /// One JSON object a line and a file, paths relative to the folder
    #[arg(long)]
    json: bool,
    /// One SARIF 2.1.0 document
    #[arg(long, conflicts_with = "json")]
    sarif: bool,
    /// End with exit code 3 when there is a finding of this severity or worse; what could not be
    /// looked at counts as `note`, and settings of a tool that could not be read whole as `medium`
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
    /// Look for credentials in all that can be read, `-` being standard input
    #[arg(long, conflicts_with_all = ["vendored", "remember"])]
    secrets: bool,
    /// Leave out findings that this file names; may be given several times
    #[arg(long, value_name = "FILE")]
    baseline: Vec<PathBuf>,
    /// Write the findings of this scan to a file for --baseline
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// Start this MCP server of the folder in the sandbox, without network, and list its tools
    #[arg(long, value_name = "SERVER", conflicts_with_all = ["sarif", "secrets", "register", "baseline", "write_baseline", "diff", "fail_on"])]
    probe: Option<String>,
    /// How long the server has for all its answers; 20 seconds at most, and unless said otherwise
    #[arg(long, value_name = "SPAN", value_parser = duration, requires = "probe")]
    probe_within: Option<Duration>,
    /// Only what the working copy has and BASE had not: a commit, a branch or a tag. Where
    /// both histories part counts. With --secrets, credentials too
    #[arg(long, value_name = "BASE", conflicts_with_all = ["register", "write_baseline"])]
    diff: Option<String>,
    /// Leave out what fits this pattern, written as in a .gitignore; may be given several times
    #[arg(long, value_name = "GLOB", conflicts_with = "probe")]
    exclude: Vec<String>,
    /// Enter folders of fetched packages (node_modules, site-packages) too
    #[arg(long)]
    vendored: bool,
    /// Keep what folders held in the state folder, so that the next scan reads only what changed
    #[arg(long)]
    remember: bool,
    /// Record agents that nobody registered as `discovered`, and say what of the registry to look at; of
    /// folders, those of their pipelines and settings
    #[arg(long, conflicts_with_all = ["secrets", "no_state"])]
    register: bool,
    /// With --register: rights that an agent did not use for so long are told
    #[arg(long, value_name = "SPAN", value_parser = duration, default_value = "90d", requires = "register")]
    unused_after: Duration,
    /// Keep nothing: marks of credentials can then be compared within this scan only
    #[arg(long, conflicts_with = "remember")]
    no_state: bool,
    /// Show every file and note, and of each file its servers, hooks, plugins and how far it lets an agent act
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum FailOn {
    Note,
    Low,
    Medium,
    High,
    Critical,
}

// === impl FailOn ===

impl FailOn {
    fn severity(self) -> Severity {
        match self {
            Self::Note => Severity::Note,
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        }
    }
}

impl FailOn {
    /// The same of how sure a credential is.
    fn confidence(self) -> Confidence {
        match self {
            Self::Note | Self::Low => Confidence::Low,
            Self::Medium => Confidence::Medium,
            Self::High | Self::Critical => Confidence::High,
        }
    }
}

const PATTERNS: &str = "patterns are those of a .gitignore, below the folder that is scanned: `target/`, `*.min.js`, `/docs`, `!keep.js`";

/// Everything that one command looked at.
#[derive(Default)]
struct Whole {
    found: Vec<Found>,
    notes: Vec<writ_scan::walk::Note>,
    notes_left_out: u64,
    repositories: usize,
    entries: u64,
    /// Folders and files that a person wanted left out.
    left_out: u64,
    programs: Vec<machine::Program>,
    extensions: Vec<machine::Extension>,
    processes: Vec<machine::Process>,
    credentials: Vec<Credential>,
    sessions: Vec<Sessions>,
    /// The working copy around, where no folder was named.
    repository: Option<PathBuf>,
    /// Each folder that was scanned, with what its paths begin with here.
    roots: Vec<(PathBuf, PathBuf)>,
}

pub(super) fn main(arguments: Arguments) -> Outcome {
    let exclude = Exclude::of(&arguments.exclude)
        .map_err(|error| Failure::usage(format_args!("--exclude: {error}")).hint(PATTERNS))?;
    let mut known = BTreeSet::new();
    for file in &arguments.baseline {
        known.append(&mut baseline::read(file)?);
    }
    if arguments.secrets && arguments.diff.is_none() {
        let form = match (arguments.json, arguments.sarif) {
            (true, _) => secrets::Form::Json,
            (_, true) => secrets::Form::Sarif,
            (false, false) => secrets::Form::Text,
        };
        let fail_on = arguments.fail_on.map(FailOn::confidence);
        let known = secrets::Known { keys: &known, write_to: arguments.write_baseline.as_deref() };
        return secrets::main(&arguments.paths, form, fail_on, &exclude, &known);
    }
    if arguments.paths.iter().any(|path| path.as_os_str() == "-") {
        return Err(Failure::usage("`-` is standard input, which is looked through with --secrets alone")
            .hint("a folder of this name is `./-`"));
    }
    // A change is small enough to look at whatever in it could make an identity.
    let options = &WalkOptions { vendored: arguments.vendored, exclude, data: arguments.diff.is_some() };
    if let Some(server) = &arguments.probe {
        return probe::main(&arguments.paths, server, arguments.probe_within, options, arguments.json);
    }
    let before = match (&arguments.diff, arguments.paths.as_slice()) {
        (None, _) => None,
        (Some(base), []) => Some(diff::Before::of(Path::new("."), base, options)?),
        (Some(base), [path]) => Some(diff::Before::of(path, base, options)?),
        (Some(_), _) => return Err(Failure::usage("--diff looks at one folder")),
    };
    let mut whole = if before.is_some() && arguments.paths.is_empty() {
        places::folders(&[PathBuf::from(".")], options, arguments.remember, None, &progress)?
    } else if arguments.paths.is_empty() {
        places::here(options, arguments.no_state, &progress)?
    } else {
        // A folder can be scanned where nothing can be kept. What a change brings is told by rules of files alone.
        let marker = match &before {
            Some(_) => None,
            None => credentials::marker(arguments.no_state).or_else(|_| credentials::marker(true)).ok(),
        };
        places::folders(&arguments.paths, options, arguments.remember, marker.as_ref(), &progress)?
    };
    clear_progress();
    tell_left_out(whole.left_out);
    let registered = match arguments.register {
        true => Some(register::compare(&whole, arguments.unused_after)?),
        false => None,
    };
    let mut of_credentials = credential::findings(&whole.credentials, now());
    of_credentials.extend(machine::findings(&whole.processes));
    let of_files = whole.found.iter().flat_map(findings).chain(of_credentials.iter().cloned());
    let all: Vec<Finding> =
        of_files.chain(registered.iter().flat_map(register::Registered::findings)).collect();
    if let Some(file) = &arguments.write_baseline {
        baseline::write(file, &all)?;
    }
    let unknown: Vec<Finding> = all.into_iter().filter(|finding| !known.contains(&finding.key)).collect();
    let mut fresh = match &before {
        Some(before) => before.brought(&whole.found, unknown, options)?,
        None => unknown,
    };
    let mut secrets = match &before {
        Some(before) if arguments.secrets => before.secrets(&options.exclude)?,
        Some(_) | None => Vec::new(),
    };
    secrets.retain(|one| !known.contains(&one.finding.key));
    fresh.extend(secrets.iter().map(|one| one.finding.clone()));
    if let (true, Some(registered)) = (arguments.json, &registered) {
        registered.json(&fresh)?;
    } else if arguments.json {
        of_credentials.retain(|one| !known.contains(&one.key));
        let is_fresh: BTreeSet<(&String, &String)> =
            fresh.iter().map(|one| (&one.key, &one.message)).collect();
        for found in &whole.found {
            let mut object = report::file(found);
            if before.is_some() || !known.is_empty() {
                let of_file =
                    findings(found).into_iter().filter(|one| is_fresh.contains(&(&one.key, &one.message)));
                let of_file: Vec<_> = of_file.map(|one| report::finding(&one)).collect();
                if before.is_some() && of_file.is_empty() {
                    continue;
                }
                if let serde_json::Value::Object(object) = &mut object {
                    object.insert("findings".to_owned(), of_file.into());
                }
            }
            screen::line(report::printed(&object))?;
        }
        for secret in &secrets {
            secrets::show(secret, true)?;
        }
        for note in &whole.notes {
            screen::line(report::printed(&report::note(note)))?;
        }
        if before.is_none() && (arguments.paths.is_empty() || !whole.credentials.is_empty()) {
            screen::line(report::printed(&report::machine(
                &whole.programs,
                &whole.extensions,
                &whole.processes,
                &whole.credentials,
                &of_credentials,
                &whole.sessions,
            )))?;
        }
    } else if arguments.sarif {
        whole.name_from_the_top(&mut fresh);
        let document = sarif::sarif(&fresh, &whole.notes, env!("CARGO_PKG_VERSION"));
        screen::line(report::printed(&document))?;
    } else {
        if let Some(registered) = &registered {
            register::show(registered)?;
        }
        summary::show(&whole, &fresh, known.len(), arguments.verbose)?;
    }
    let worst = fresh.iter().map(|finding| finding.rule.severity).max();
    // What could not be looked at weighs as a note; of a change it tells nothing.
    let passed_by = before.is_none() && whole.notes.len() as u64 + whole.notes_left_out > 0;
    let worst = worst.max(passed_by.then_some(Severity::Note));
    let fails = arguments.fail_on.is_some_and(|least| worst.is_some_and(|worst| worst >= least.severity()));
    Ok(if fails { ExitCode::from(Kind::Denied.code()) } else { ExitCode::SUCCESS })
}

/// A path below a folder as it is below the top of the working copy that the folder is in. Forges know files so.
fn below_top(root: &Path, path: &Path) -> Option<PathBuf> {
    let top = root.ancestors().find(|folder| folder.join(".git").exists())?;
    Some(root.join(path).strip_prefix(top).ok()?.to_owned())
}

// === impl Whole ===

impl Whole {
    /// Names files of findings and notes from the top of their repositories.
    fn name_from_the_top(&mut self, findings: &mut [Finding]) {
        let roots = &self.roots;
        let named = |path: &Path| {
            let within =
                |(before, root): &(PathBuf, PathBuf)| below_top(root, path.strip_prefix(before).ok()?);
            roots.iter().find_map(within)
        };
        for finding in findings.iter_mut().filter(|finding| finding.line > 0) {
            finding.path = named(&finding.path).unwrap_or_else(|| std::mem::take(&mut finding.path));
        }
        for note in &mut self.notes {
            note.relative = named(&note.relative).unwrap_or_else(|| std::mem::take(&mut note.relative));
        }
    }

    /// Where a file that was found lies.
    fn place(&self, path: &Path) -> Option<PathBuf> {
        let within = |(before, root): &(PathBuf, PathBuf)| Some(root.join(path.strip_prefix(before).ok()?));
        self.roots.iter().find_map(within)
    }

    /// Takes in one scan, its paths below `before`.
    fn take(&mut self, scan: Scan, before: &Path) {
        let Scan {
            found,
            notes,
            notes_left_out,
            repositories,
            entries,
            folders: _,
            credential_files: _,
            left_out,
        } = scan;
        self.left_out += left_out;
        self.found.extend(found.into_iter().map(|mut found| {
            found.path = before.join(&found.path);
            found
        }));
        self.notes.extend(notes.into_iter().map(|mut note| {
            note.relative = before.join(&note.relative);
            note
        }));
        self.notes_left_out += notes_left_out;
        self.repositories += repositories.len();
        self.entries += entries;
    }

    /// Takes in the credentials of a tree, their places below `before`.
    fn look_for_credentials(&mut self, root: &Path, scan: &Scan, before: &Path, marker: &Marker) {
        let tree = credential::of_tree(root, &scan.credential_files, &scan.repositories, marker);
        let mut seen = Seen::default();
        seen.take(tree, before);
        self.credentials.extend(seen.credentials);
        self.notes.extend(seen.notes);
        self.mark(root, scan, before, marker);
    }

    /// Takes in marks of what stands in files of tools.
    fn mark(&mut self, root: &Path, scan: &Scan, before: &Path, marker: &Marker) {
        let found = credential::of_found(root, &scan.found, marker);
        self.credentials.extend(found.into_iter().map(|mut one| {
            one.place = before.join(&one.place);
            one
        }));
    }

    /// Leaves each file there once, that two ways led to.
    fn once(&mut self) {
        let mut seen = std::collections::BTreeSet::new();
        self.found.retain(|found| seen.insert((found.path.clone(), found.kind)));
    }
}

/// Says what nobody looked at because a person wanted it so.
fn tell_left_out(left_out: u64) {
    if left_out > 0 {
        screen::say(format_args!("note: {left_out} folders and files were left out by --exclude"));
    }
}

/// Shows people at a terminal that a long walk goes on.
fn progress(entries: u64) {
    if std::io::stderr().is_terminal() {
        let _ = write!(std::io::stderr(), "\r  {entries} entries …");
    }
}

fn clear_progress() {
    if std::io::stderr().is_terminal() {
        let _ = write!(std::io::stderr(), "\r\u{1b}[K");
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format_args!("could not scan `{}`: {error}", path.display()))
}
