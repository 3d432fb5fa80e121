//! Steps that fetch what a stranger wrote.

use std::collections::BTreeMap;

use crate::document::Node;

/// Parts of expressions that name the head of a pull request, or of a run that one started.
const HEADS: &[&str] = &[
    "head-ref",
    "head-sha",
    "head.ref",
    "head.repo",
    "head.sha",
    "head_branch",
    "head_ref",
    "head_repository",
    "head_sha",
    "merge_commit_sha",
    "pr_head",
    "refs/pull/",
];
/// Fields by which a forge's program or interface prints it.
const FIELDS: &[&str] = &[
    "head.ref",
    "head.repo",
    "head.sha",
    "head_ref",
    "head_sha",
    "headrefname",
    "headrefoid",
    "headrepository",
    "pulls.get",
];
/// What git does that brings files.
const FETCHES: &[&str] =
    &["checkout", "clone", "cherry-pick", "fetch", "merge", "pull", "reset", "restore", "switch", "worktree"];

/// The line at which a job fetches it; `set` is where variables are set for all its steps.
pub(super) fn of_job(steps: &[Node], set: &[Option<&Node>]) -> Option<u32> {
    let mut known = Known::default();
    for node in set.iter().flatten() {
        known.take(node);
    }
    steps.iter().find_map(|step| {
        let found = known.checkout(step);
        if found.is_none() {
            known.remember(step);
        }
        found
    })
}

/// What is known of variables and of outputs.
#[derive(Clone, Default)]
struct Known {
    /// Variables that hold the head.
    variables: BTreeMap<String, bool>,
    /// Steps that print it.
    outputs: Vec<String>,
}

// === impl Known ===

impl Known {
    fn take(&mut self, env: &Node) {
        for member in env.members() {
            let holds = member.node.text().is_some_and(|text| self.names_head(text));
            self.variables.insert(member.key.clone(), holds);
        }
    }

    /// Whether a text names the head: by an expression, a variable of `env`, or what an earlier step printed.
    fn names_head(&self, text: &str) -> bool {
        if HEADS.iter().any(|part| text.contains(part)) {
            return true;
        }
        let lower = text.to_ascii_lowercase();
        text.split("env.").skip(1).any(|rest| self.variables.get(name(rest)) == Some(&true))
            || self.outputs.iter().any(|id| lower.contains(&format!("steps.{id}.outputs")))
    }

    fn checkout(&self, step: &Node) -> Option<u32> {
        let uses = step.get("uses").and_then(Node::text).unwrap_or("");
        if uses.starts_with("actions/checkout@") || uses == "actions/checkout" {
            let with = step.get("with")?;
            return ["ref", "repository"].iter().find_map(|key| {
                let node = with.get(key)?;
                self.names_head(node.text()?).then_some(node.line)
            });
        }
        let run = step.get("run")?;
        let script = run.text()?.replace("\\\n", " ");
        let mut known = self.clone();
        if let Some(env) = step.get("env") {
            known.take(env);
        }
        let fetches = script.contains("gh pr checkout")
            || (script.contains("git fetch") && script.contains("pull/") && script.contains("/head"))
            || script.lines().any(|line| known.fetches(line));
        fetches.then_some(run.line)
    }

    /// Whether a line has git bring the head, or remembers which variable it puts it in.
    fn fetches(&mut self, line: &str) -> bool {
        let line = line.trim();
        let is_head = |known: &Self, text: &str| known.names_head(text) || known.speaks_of(text);
        for command in line.split(['|', ';', '&']) {
            let command = command.trim();
            let words: Vec<&str> = command.split_whitespace().collect();
            let git = words.iter().position(|word| *word == "git");
            let brings = git.is_some_and(|at| words.iter().skip(at + 1).any(|word| FETCHES.contains(word)))
                || command.contains("gh repo clone");
            if brings && is_head(self, command) {
                return true;
            }
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        if let Some((name, value)) = line.split_once('=')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            let holds = is_head(self, value) || prints_head(value);
            self.variables.insert(name.to_owned(), holds);
        }
        false
    }

    /// Whether a variable of the shell that stands in a text holds the head.
    fn speaks_of(&self, text: &str) -> bool {
        text.split('$').skip(1).any(|rest| {
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            self.variables.get(name(rest)) == Some(&true)
        })
    }

    /// Remembers that a step prints the head for later ones, or sets a variable to it.
    fn remember(&mut self, step: &Node) {
        let mut text = String::new();
        for part in ["run", "with", "env"].iter().filter_map(|key| step.get(key)) {
            part.each_text(&mut |_, part, _| {
                text.push_str(part);
                text.push('\n');
            });
        }
        if !prints_head(&text) && !self.names_head(&text) {
            return;
        }
        let writes = step.get("run").and_then(Node::text).unwrap_or("");
        for line in writes.lines().filter(|line| line.contains("GITHUB_ENV")) {
            let said = line.trim().trim_start_matches("echo").trim().trim_start_matches(['"', '\'']);
            if let Some((name, _)) = said.split_once('=') {
                self.variables.insert(name.to_owned(), true);
            }
        }
        if let Some(id) = step.get("id").and_then(Node::text)
            && (writes.contains("GITHUB_OUTPUT")
                || writes.contains("::set-output")
                || step.get("uses").is_some())
        {
            self.outputs.push(id.to_ascii_lowercase());
        }
    }
}

fn name(text: &str) -> &str {
    let length = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    text.get(..length).unwrap_or("")
}

/// Whether a script asks the forge which commit or branch a pull request is.
fn prints_head(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let asks = ["gh pr view", "gh api", "gh pr list", "pulls.get", "curl", "pulls/"]
        .iter()
        .any(|part| lower.contains(part));
    asks && FIELDS.iter().any(|part| lower.contains(part))
}
