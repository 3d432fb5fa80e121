//! Facts out of one repository: its workflows, and the settings of tools in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::agents::CiAgent;
use super::{Fact, Place};
use crate::ci::trigger::triggers;
use crate::ci::{Token, TokenSource, secrets};
use crate::credential::{Credential, Guard};
use crate::document::{self, Node, Notation};
use crate::survey::{Found, MAX_FILE_BYTES};
use crate::walk::read_regular;

/// Most workflows, and most jobs of each, that are looked at.
const MAX_WORKFLOWS: usize = 500;
const MAX_JOBS: usize = 256;
/// Programs and actions that put something into use, as they stand in steps.
const DEPLOYS: &[&str] = &[
    "aws s3 sync",
    "cargo publish",
    "docker push",
    "firebase deploy",
    "flyctl deploy",
    "gh release create",
    "helm upgrade",
    "kubectl apply",
    "npm publish",
    "pulumi up",
    "serverless deploy",
    "terraform apply",
    "twine upload",
    "vercel deploy",
    "wrangler deploy",
];
/// Inputs of actions that name who a job becomes in a cloud.
const ROLES: &[&str] = &["role-to-assume", "workload_identity_provider", "client-id"];

/// What a token writes when nobody wrote down what.
pub(super) const DEFAULT: &str = "what the default gives";

/// All of one repository. Pairs and triples are rows of relations; the fact says where each stands.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Tools with settings or instructions here.
    pub agents: BTreeSet<String>,
    /// Agents in CI, by name and tool.
    pub ci: BTreeMap<(String, &'static str), CiAgent>,
    pub pushes: Vec<Fact>,
    pub jobs: Vec<(String, Fact)>,
    pub starts_on_branch: Vec<(String, Fact)>,
    pub gated: Vec<(String, Fact)>,
    pub holds: Vec<(String, Place, Fact)>,
    /// A job that calls another one of the repository; whether it hands on every secret.
    pub calls: Vec<(String, String, bool, Fact)>,
    /// What settings give a tool.
    pub has: Vec<(String, Place, Fact)>,
    /// What opens what, beside jobs and tools: none of it is in files of a repository.
    pub opens: Vec<(Place, Place, Fact)>,
    /// Files that could not be read, which count as holding nothing.
    pub unread: Vec<PathBuf>,
}

// === impl Facts ===

impl Facts {
    /// Facts of the repository at `root` and of what a scan found there.
    pub fn of(root: &Path, found: &[Found]) -> Self {
        let mut facts = Self::default();
        if root.join(".git").exists() {
            let says = "a working copy: what is edited here can be pushed to a branch".to_owned();
            facts.pushes.push(Fact { path: PathBuf::from(".git"), line: 1, says });
        }
        facts.add_tools(found);
        let folder = Path::new(".github/workflows");
        let mut names: Vec<PathBuf> = std::fs::read_dir(root.join(folder))
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
            .map(|entry| folder.join(entry.file_name()))
            .filter(|path| path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml"))
            .take(MAX_WORKFLOWS)
            .collect();
        names.sort();
        let mut documents: Vec<(PathBuf, Node)> = Vec::new();
        for path in names {
            let read = read_regular(&root.join(&path), MAX_FILE_BYTES)
                .ok()
                .and_then(|bytes| document::parse(&bytes, Notation::Yaml).ok());
            match read {
                Some(document) => documents.push((path, document)),
                None => facts.unread.push(path),
            }
        }
        for (path, document) in &documents {
            facts.workflow(path, document);
            facts.calls(path, document, &documents);
        }
        facts.add_ci(found);
        facts
    }

    /// Tools with settings outside of the repository: each can be started in it. Paths are taken as they stand.
    pub fn add_tools(&mut self, found: &[Found]) {
        for one in found {
            self.tool(one);
        }
    }

    /// The same with what a tool finds on the machine when nothing stands between it and its user's files and variables.
    #[must_use]
    pub fn with_credentials(&self, tool: &str, credentials: &[Credential]) -> Self {
        let mut facts = self.clone();
        for credential in credentials {
            let Credential { kind, what, place, line, name, opens, guard, .. } = credential;
            let called = format!("{what} {name}");
            let called = called.trim_end();
            let guarded = match guard {
                Guard::Keeper => ", which a keeper gives out",
                Guard::None => "",
                Guard::Passphrase => ", behind a passphrase",
            };
            let says = if opens.is_empty() {
                format!("{called}{guarded}")
            } else {
                format!("{called} opens {opens}{guarded}")
            };
            let fact = Fact { path: place.clone(), line: *line, says };
            // Names repeat from file to file: the place is part of which one it is.
            let reached = Place::Credential(format!("{called} in {}", place.display()));
            if kind.starts_with("cloud-") && !opens.is_empty() {
                facts.opens.push((reached.clone(), Place::Cloud(opens.clone()), fact.clone()));
            }
            facts.has.push((tool.to_owned(), reached, fact));
        }
        facts
    }

    fn tool(&mut self, found: &Found) {
        if ["identity-code", "github-actions", "gitlab-ci", "git", "generic-mcp", "agents-md"]
            .contains(&found.tool)
        {
            return;
        }
        self.agents.insert(found.tool.to_owned());
        let fact = |line: u32, says: String| Fact { path: found.path.clone(), line, says };
        let mut has = |what: Place, line: u32, says: String| {
            self.has.push((found.tool.to_owned(), what, fact(line, says)));
        };
        for server in found.servers.iter().filter(|server| !server.disabled) {
            has(Place::Server(server.name.clone()), server.line, format!("server `{}`", server.name));
            if let Some(host) = &server.host {
                has(Place::Host(host.clone()), server.line, format!("server `{}` is at {host}", server.name));
            }
            for name in &server.credential_names {
                has(
                    Place::Credential(name.clone()),
                    server.line,
                    format!("server `{}` is given {name}", server.name),
                );
            }
        }
        for at in &found.hard_coded {
            has(Place::Credential(at.name.clone()), at.line, format!("`{}` stands in plain text", at.name));
        }
    }

    /// Jobs of other workflows that jobs of this one call. A secret that is handed on by name is told of the caller.
    ///
    /// <https://docs.github.com/actions/sharing-automations/reusing-workflows#passing-inputs-and-secrets-to-a-reusable-workflow>
    fn calls(&mut self, path: &Path, document: &Node, all: &[(PathBuf, Node)]) {
        for member in document.get("jobs").map_or(&[][..], Node::members).iter().take(MAX_JOBS) {
            let Some(uses) = member.node.get("uses") else { continue };
            let called = uses.text().unwrap_or("");
            let caller = format!("{}#{}", path.display(), member.key);
            let inherits = inherits(&member.node);
            let fact = |says: String| Fact { path: path.to_owned(), line: uses.line, says };
            let local = called.strip_prefix("./").map(Path::new);
            match all.iter().find(|(known, _)| Some(known.as_path()) == local) {
                Some((known, document)) => {
                    let jobs = document.get("jobs").map_or(&[][..], Node::members);
                    for inner in jobs.iter().take(MAX_JOBS) {
                        let says = format!(
                            "job `{}` calls {}{}",
                            member.key,
                            known.display(),
                            if inherits { " with every secret" } else { "" }
                        );
                        let inner = format!("{}#{}", known.display(), inner.key);
                        self.calls.push((caller.clone(), inner, inherits, fact(says)));
                    }
                }
                // What it does with them is not here to read.
                None if inherits => {
                    let says = format!("job `{}` hands every secret to {called}", member.key);
                    self.holds.push((caller, Place::Secret("*".to_owned()), fact(says)));
                }
                None => {}
            }
        }
    }

    fn workflow(&mut self, path: &Path, document: &Node) {
        let Some(jobs) = document.get("jobs") else { return };
        let starting = starts_on_branch(document);
        // The token of a workflow that others call is its caller's, which is told there.
        let only_called = triggers(document).iter().all(|trigger| trigger.name == "workflow_call");
        for member in jobs.members().iter().take(MAX_JOBS) {
            let job = format!("{}#{}", path.display(), member.key);
            let node = &member.node;
            let fact = |line: u32, says: String| Fact { path: path.to_owned(), line, says };
            let mut hold = |what: Place, line: u32, says: String| {
                self.holds.push((job.clone(), what, fact(line, says)));
            };
            let mut named = BTreeSet::new();
            for part in [document.get("env"), Some(node)].into_iter().flatten() {
                secrets::of_node(part, &mut named);
            }
            for name in named.into_iter().filter(|name| name != "GITHUB_TOKEN") {
                let line = line_of(node, &name).unwrap_or(member.line);
                hold(Place::Secret(name.clone()), line, format!("job `{}` sees secret {name}", member.key));
            }
            let token = Token::of(node, document);
            if token.source == TokenSource::Inherited && !only_called {
                hold(Place::Scope(DEFAULT.to_owned()), member.line, says_default(&member.key));
            }
            for scope in token.writes() {
                let line = token.line.unwrap_or(member.line);
                hold(
                    Place::Scope(scope.to_owned()),
                    line,
                    format!("the token of job `{}` writes {scope}", member.key),
                );
            }
            for step in node.get("steps").map_or(&[][..], Node::items) {
                for key in ROLES {
                    if let Some(role) = step.at(&["with", key]).filter(|_| token.id_token()) {
                        let name = role.scalar().unwrap_or_default();
                        hold(
                            Place::Cloud(name.clone()),
                            role.line,
                            format!("job `{}` becomes {name}", member.key),
                        );
                    }
                }
                let script = step.get("run").and_then(Node::text).unwrap_or("");
                for word in DEPLOYS.iter().filter(|word| script.contains(**word)) {
                    hold(
                        Place::Deployment((*word).to_owned()),
                        step.line,
                        format!("job `{}` runs `{word}`", member.key),
                    );
                }
            }
            self.jobs.push((
                job.clone(),
                fact(
                    member.line,
                    format!(
                        "who edits {} chooses when job `{}` starts and what it runs",
                        path.display(),
                        member.key
                    ),
                ),
            ));
            if let Some((line, name)) = &starting {
                self.starts_on_branch
                    .push((job.clone(), fact(*line, format!("starts at `{name}` of any branch"))));
            }
            if let Some(environment) = node.get("environment") {
                let says = format!(
                    "job `{}` waits for its environment, as far as the forge has rules for it",
                    member.key
                );
                self.gated.push((job.clone(), fact(environment.line, says)));
            }
        }
    }
}

/// Whether a job hands on every secret.
fn inherits(job: &Node) -> bool {
    job.get("secrets").and_then(Node::text) == Some("inherit")
}

/// Of a job that does not say what its token may do.
pub(super) fn says_default(job: &str) -> String {
    format!("job `{job}` has no `permissions`: its token writes what the repository's default gives")
}

/// The trigger by which a push to any branch starts a workflow with the branch's own code: `push` without a list of
/// branches or tags, or `pull_request`, which runs with secrets for branches of the same repository.
fn starts_on_branch(document: &Node) -> Option<(u32, String)> {
    triggers(document).into_iter().find_map(|trigger| {
        let filter = document.at(&["on", &trigger.name]);
        let has = |key: &str| filter.is_some_and(|filter| filter.get(key).is_some());
        let starts = match trigger.name.as_str() {
            "push" => match filter.and_then(|filter| filter.get("branches")) {
                // A pattern may fit the branch; a name is somebody else's branch.
                Some(branches) => branches.texts().iter().any(|pattern| pattern.contains(['*', '?', '['])),
                None => !has("tags"),
            },
            "pull_request" => true,
            _ => false,
        };
        starts.then_some((trigger.line, trigger.name))
    })
}

fn line_of(node: &Node, name: &str) -> Option<u32> {
    let mut line = None;
    node.each_text(&mut |_, text, at| {
        if line.is_none() && text.contains(name) {
            line = Some(at);
        }
    });
    line
}
