//! Jobs of a pipeline with what they take over: `extends`, `default`, `!reference`, and files of the same repository:
//! https://docs.gitlab.com/ci/yaml/.

use std::collections::{BTreeMap, BTreeSet};

use super::{Included, is_of_protected, is_set, sources_of};
use crate::document::{Member, Node, Value};

/// Most files of one pipeline, deepest inclusion, and longest chain of `extends` and references.
const MAX_FILES: usize = 100;
const MAX_DEPTH: usize = 8;
/// Most jobs looked at, most names that one job's chain of `extends` is asked for, and most nodes of one script.
const MAX_JOBS: usize = 1_000;
const MAX_NAMES: usize = 200;
const MAX_NODES: usize = 20_000;
/// Words at the top of a file that are no jobs.
const NOT_JOBS: &[&str] =
    &["default", "image", "include", "services", "spec", "stages", "variables", "workflow"];

/// A file and those that it includes.
pub(super) struct Pipeline<'a> {
    own: &'a Node,
    included: Vec<(String, Node)>,
    /// Where each name at the top stands: which document, and which of its members.
    names: BTreeMap<String, (usize, usize)>,
    /// Names that jobs extend.
    extended: BTreeSet<String>,
    pub(super) elsewhere: Vec<String>,
}

/// One job as written.
pub(super) struct Job<'a> {
    pub(super) name: &'a str,
    pub(super) line: u32,
    pub(super) node: &'a Node,
    pub(super) file: Option<&'a str>,
    /// The job and those that it extends, the nearest first.
    chain: Vec<&'a Node>,
}

/// What lets a job run.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) sources: BTreeSet<String>,
    pub(super) manual: bool,
    pub(super) protected: bool,
}

// === impl Pipeline ===

impl<'a> Pipeline<'a> {
    pub(super) fn of(own: &'a Node, included: Included<'_>) -> Self {
        let mut pipeline = Self {
            own,
            included: Vec::new(),
            names: BTreeMap::new(),
            extended: BTreeSet::new(),
            elsewhere: Vec::new(),
        };
        pipeline.include(own, included, 0);
        let mut names = BTreeMap::new();
        for (which, document) in pipeline.documents().enumerate() {
            for (at, member) in document.members().iter().enumerate() {
                names.entry(member.key.clone()).or_insert((which, at));
            }
        }
        pipeline.names = names;
        let jobs = pipeline.documents().flat_map(Node::members);
        let extended: BTreeSet<String> = jobs
            .filter_map(|member| member.node.get("extends"))
            .flat_map(Node::texts)
            .map(str::to_owned)
            .collect();
        pipeline.extended = extended;
        pipeline
    }

    fn include(&mut self, document: &Node, included: Included<'_>, depth: usize) {
        let Some(said) = document.get("include") else { return };
        let items = if said.items().is_empty() { std::slice::from_ref(said) } else { said.items() };
        for item in items {
            let local = item.get("local").or(Some(item)).and_then(Node::text);
            let Some(path) = local.filter(|path| !path.contains("://")) else {
                let named = ["project", "remote", "template", "component", "artifact"];
                let place = named.iter().find_map(|key| item.get(key)).unwrap_or(item);
                self.elsewhere.push(place.text().unwrap_or("another file").to_owned());
                continue;
            };
            let path = path.trim_start_matches('/');
            if self.included.iter().any(|(known, _)| known == path) {
                continue;
            }
            let files = if depth < MAX_DEPTH { included(path) } else { Vec::new() };
            if files.is_empty() {
                self.elsewhere.push(path.to_owned());
            }
            for (path, node) in files {
                if self.included.iter().any(|(known, _)| *known == path) {
                    continue;
                }
                if self.included.len() >= MAX_FILES {
                    self.elsewhere.push(path);
                    continue;
                }
                self.included.push((path, node.clone()));
                self.include(&node, included, depth + 1);
            }
        }
    }

    fn documents(&self) -> impl Iterator<Item = &Node> {
        // What stands in the file itself goes before what it includes.
        std::iter::once(self.own).chain(self.included.iter().rev().map(|(_, node)| node))
    }

    /// Jobs, those of included files too. What begins with a dot is for others to extend: it is told by them, or by
    /// itself where nobody here does.
    pub(super) fn jobs(&self) -> impl Iterator<Item = Job<'_>> {
        let own = std::iter::once((None, self.own));
        let included = self.included.iter().map(|(path, node)| (Some(path.as_str()), node));
        own.chain(included)
            .flat_map(|(file, node)| node.members().iter().map(move |member| (file, member)))
            .filter(|(_, member)| member.node.is_map() && !NOT_JOBS.contains(&member.key.as_str()))
            .filter(|(_, member)| !(member.key.starts_with('.') && self.extended.contains(&member.key)))
            .take(MAX_JOBS)
            .map(|(file, member)| Job {
                name: &member.key,
                line: member.line,
                node: &member.node,
                file,
                chain: self.chain(&member.node),
            })
    }

    fn named(&self, name: &str) -> Option<&Node> {
        let (which, at) = self.names.get(name)?;
        self.documents().nth(*which)?.members().get(*at).map(|member| &member.node)
    }

    fn chain<'b>(&'b self, job: &'b Node) -> Vec<&'b Node> {
        let (mut chain, mut at, mut asked) = (vec![job], 0, 0);
        while let Some(node) = chain.get(at).copied() {
            at += 1;
            for name in node.get("extends").map(Node::texts).unwrap_or_default().into_iter().rev() {
                asked += 1;
                if asked > MAX_NAMES {
                    return chain;
                }
                if let Some(parent) = self.named(name)
                    && chain.len() < MAX_FILES
                    && !chain.iter().any(|known| std::ptr::eq(*known, parent))
                {
                    chain.push(parent);
                }
            }
        }
        chain
    }

    /// A part of a job, its own or that of a job it extends.
    pub(super) fn own<'b>(&'b self, job: &Job<'b>, key: &str) -> Option<&'b Node> {
        job.chain.iter().find_map(|node| node.get(key)).filter(|node| is_set(node))
    }

    /// The same, or what holds for every job.
    pub(super) fn inherited<'b>(&'b self, job: &Job<'b>, key: &str) -> Option<&'b Node> {
        self.own(job, key).or_else(|| {
            self.documents().find_map(|document| document.at(&["default", key]).or_else(|| document.get(key)))
        })
    }

    /// Members of a map that jobs extend by members.
    pub(super) fn members<'b>(&self, job: &Job<'b>, key: &str) -> impl Iterator<Item = &'b Member> {
        job.chain.iter().filter_map(move |node| node.get(key)).flat_map(Node::members)
    }

    /// Maps of variables that hold for a job, the nearest last.
    pub(super) fn variables<'b>(&'b self, job: &Job<'b>) -> impl Iterator<Item = &'b Node> {
        let global: Vec<&Node> = self.documents().filter_map(|document| document.get("variables")).collect();
        let own: Vec<&Node> = job.chain.iter().filter_map(|node| node.get("variables")).collect();
        global.into_iter().rev().chain(own.into_iter().rev())
    }

    /// Members of a map at the top.
    pub(super) fn global(&self, key: &str) -> impl Iterator<Item = &Member> {
        self.documents().filter_map(move |document| document.get(key)).flat_map(Node::members)
    }

    /// The lines of a script, `!reference [job, script]` and lists in lists resolved.
    pub(super) fn lines<'b>(&'b self, node: &'b Node) -> Vec<&'b Node> {
        let mut lines = Vec::new();
        let mut left = MAX_NODES;
        self.lines_into(node, 0, &mut left, &mut lines);
        lines
    }

    /// `left` is how many nodes may still be looked at: references can lead to lists of references.
    fn lines_into<'b>(&'b self, node: &'b Node, depth: usize, left: &mut usize, into: &mut Vec<&'b Node>) {
        let Some(fewer) = left.checked_sub(1) else { return };
        *left = fewer;
        if depth > MAX_DEPTH {
            return;
        }
        match &node.value {
            Value::Text(_) => into.push(node),
            Value::List(items) => {
                let names = node.texts();
                // A reference looks like a list of names once its tag is gone.
                let referred = (names.len() == items.len() && depth > 0)
                    .then(|| names.split_first())
                    .flatten()
                    .and_then(|(first, rest)| self.named(first)?.at(rest));
                match referred {
                    Some(referred) => self.lines_into(referred, depth + 1, left, into),
                    None => items.iter().for_each(|item| self.lines_into(item, depth + 1, left, into)),
                }
            }
            Value::Bool(_) | Value::Map(_) | Value::Null | Value::Number(_) => {}
        }
    }

    /// What lets a job run: its `rules` or `only`, else those of the whole pipeline, else every push.
    pub(super) fn rules(&self, job: &Job<'_>) -> Rules {
        let mut rules = Rules {
            manual: self.own(job, "when").and_then(Node::text) == Some("manual"),
            ..Rules::default()
        };
        if let Some(said) = self.own(job, "rules") {
            rules.take(said);
        } else if let Some(only) = self.own(job, "only") {
            let refs = only.get("refs").unwrap_or(only).texts();
            rules.protected = !refs.is_empty() && refs.iter().all(|name| ["main", "master"].contains(name));
            for name in refs {
                match name {
                    "merge_requests" => rules.sources.insert("merge_request_event".to_owned()),
                    "schedules" => rules.sources.insert("schedule".to_owned()),
                    "triggers" => rules.sources.insert("trigger".to_owned()),
                    "web" | "api" | "chat" => rules.sources.insert(name.to_owned()),
                    _ => rules.sources.insert("push".to_owned()),
                };
            }
        }
        if rules.sources.is_empty()
            && let Some(said) = self.documents().find_map(|document| document.at(&["workflow", "rules"]))
        {
            let mut whole = Rules::default();
            whole.take(said);
            rules.protected |= whole.protected;
            rules.sources = whole.sources;
        }
        if rules.sources.is_empty() {
            rules.sources.insert("push".to_owned());
        }
        rules
    }
}

// === impl Rules ===

impl Rules {
    /// Takes in a list of rules; those that keep a job from running let nothing in.
    fn take(&mut self, said: &Node) {
        let lets = |rule: &&Node| rule.get("when").and_then(Node::text) != Some("never");
        let rules: Vec<&Node> = said.items().iter().filter(lets).collect();
        let condition = |rule: &Node| rule.get("if").and_then(Node::scalar);
        for text in rules.iter().filter_map(|rule| condition(rule)) {
            sources_of(&text, &mut self.sources);
        }
        self.protected = !rules.is_empty()
            && rules.iter().all(|rule| condition(rule).is_some_and(|text| is_of_protected(&text)));
        self.manual |= !rules.is_empty()
            && rules.iter().all(|rule| rule.get("when").and_then(Node::text) == Some("manual"));
    }
}
