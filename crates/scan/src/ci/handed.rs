//! Secrets that what comes before an agent hands on to it: steps by what they print for later ones, in the environment and in files,
//! jobs by their outputs.
//!
//! GitHub keeps an output of a job back where it knows a secret in it
//! (<https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idoutputs>). One in another spelling gets
//! through, and other forges do not look, so that it counts here.

use std::collections::{BTreeMap, BTreeSet};

use super::workflow::{Job, Jobs};
use super::{escalator, secrets};
use crate::document::Node;

mod kept;

/// What reaches a step, by the names of the secrets or of the action that made it.
pub(super) type Handed = BTreeSet<String>;

/// What reaches one step.
pub(super) struct Reaching {
    pub(super) all: Handed,
    /// Those of them that a checkout leaves in the working copy.
    pub(super) left: Handed,
}

/// What outputs hold, as far as that is secrets.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    /// By their name in lower case.
    named: BTreeMap<String, Handed>,
    /// What any of them may hold.
    unnamed: Handed,
    all: Handed,
}

/// Most names that are told of one place, and longest way of jobs that need each other.
const MAX_HANDED: usize = 200;
const MAX_NEEDS: usize = 100;
/// Where steps write what later ones find.
const ENVIRONMENT: &[&str] = &["GITHUB_ENV", "exportVariable("];
const OUTPUT: &[&str] = &["GITHUB_OUTPUT", "::set-output", "setOutput("];
/// Parts of a step in which it names what it is given.
const PARTS: &[&str] = &["with", "env", "run"];

/// What the steps and jobs before hand on to each of these steps of a job.
pub(super) fn to(document: &Node, jobs: &Jobs<'_>, job: &Job<'_>, steps: &[usize]) -> Vec<Reaching> {
    let mut walk = Walk::new(document, jobs, job);
    let around: Handed = parts_around(job.node).flat_map(|node| walk.drawn(node)).collect();
    let mut done = 0;
    let mut handed = Vec::with_capacity(steps.len());
    for at in steps {
        for step in job.steps.get(done..*at).unwrap_or(&[]) {
            walk.step(step);
        }
        done = *at;
        let mut own = walk.environment.clone();
        own.extend(around.iter().cloned());
        take(&mut own, walk.kept.values().flatten().cloned());
        for part in job.steps.get(*at).iter().flat_map(|step| PARTS.iter().filter_map(|key| step.get(key))) {
            take(&mut own, walk.drawn(part));
        }
        handed.push(Reaching { all: own, left: walk.left.clone() });
    }
    handed
}

/// What the outputs of each job hold, as far as that is secrets.
pub(super) fn of_jobs(document: &Node, jobs: &mut Jobs<'_>) {
    let names: Vec<&str> =
        jobs.values().filter(|job| job.node.get("outputs").is_some()).map(|job| job.name).collect();
    let mut known = BTreeSet::new();
    for name in names {
        of_job(document, jobs, name, &mut known, 0);
    }
}

/// Those of one job, after those that it needs; each is looked at once, and one that needs itself gets nothing from itself.
fn of_job<'a>(
    document: &Node,
    jobs: &mut Jobs<'a>,
    name: &'a str,
    known: &mut BTreeSet<&'a str>,
    depth: usize,
) {
    if depth > MAX_NEEDS || !known.insert(name) {
        return;
    }
    let Some(job) = jobs.get(name) else { return };
    let Some(said) = job.node.get("outputs") else { return };
    for needed in job.needs.clone() {
        of_job(document, jobs, needed, known, depth + 1);
    }
    let Some(job) = jobs.get(name) else { return };
    let mut walk = Walk::new(document, jobs, job);
    for step in job.steps {
        walk.step(step);
    }
    let mut outputs = Outputs::default();
    for member in said.members() {
        let mut own = own(&member.node);
        take(&mut own, walk.drawn(&member.node));
        outputs.add(&member.key, own);
    }
    if let Some(job) = jobs.get_mut(name) {
        job.outputs = outputs;
    }
}

/// What is set around the steps of a job.
fn parts_around(job: &Node) -> impl Iterator<Item = &Node> {
    let services = job.get("services").map_or(&[][..], Node::members).iter();
    [job.get("env"), job.at(&["container", "env"])]
        .into_iter()
        .chain(services.map(|service| service.node.get("env")))
        .flatten()
}

/// The steps of a job, gone through in their order.
struct Walk<'a> {
    needs: BTreeMap<String, &'a Outputs>,
    steps: BTreeMap<String, Outputs>,
    /// Variables that hold a secret.
    variables: BTreeMap<String, Handed>,
    /// What steps left in the environment.
    environment: Handed,
    /// What they left in files, and those of it that are a checkout's.
    kept: kept::Kept,
    left: Handed,
    all_needs: Handed,
    all_steps: Handed,
}

// === impl Outputs ===

impl Outputs {
    fn add(&mut self, name: &str, held: Handed) {
        if held.is_empty() {
            return;
        }
        take(&mut self.all, held.iter().cloned());
        if name.is_empty() {
            take(&mut self.unnamed, held);
        } else {
            take(self.named.entry(name.to_ascii_lowercase()).or_default(), held);
        }
    }

    /// What one of them may hold, or all of them.
    fn give(&self, name: &str, into: &mut Handed) {
        if name.is_empty() {
            take(into, self.all.iter().cloned());
        } else {
            take(into, self.unnamed.iter().chain(self.named.get(name).into_iter().flatten()).cloned());
        }
    }
}

// === impl Walk ===

impl<'a> Walk<'a> {
    fn new(document: &Node, jobs: &'a Jobs<'_>, job: &Job<'_>) -> Self {
        let needs = job.needs.iter().filter_map(|name| jobs.get::<str>(name));
        let needs = needs.filter(|job| !job.outputs.all.is_empty());
        let mut walk = Self {
            needs: needs.map(|job| (job.name.to_ascii_lowercase(), &job.outputs)).collect(),
            steps: BTreeMap::new(),
            variables: BTreeMap::new(),
            environment: Handed::new(),
            kept: kept::Kept::new(),
            left: Handed::new(),
            all_needs: Handed::new(),
            all_steps: Handed::new(),
        };
        for outputs in walk.needs.values() {
            outputs.give("", &mut walk.all_needs);
        }
        for env in [document.get("env"), job.node.get("env")].into_iter().flatten() {
            walk.variables.extend(walk.set_by(env));
        }
        walk
    }

    /// The variables that these members set to a secret.
    fn set_by(&self, env: &Node) -> Vec<(String, Handed)> {
        let seen = |node| {
            let mut seen = own(node);
            take(&mut seen, self.drawn(node));
            seen
        };
        let members = env.members().iter().map(|member| (member.key.clone(), seen(&member.node)));
        members.filter(|(_, seen)| !seen.is_empty()).take(MAX_HANDED).collect()
    }

    /// What a part of a step draws from outputs of steps before, and of jobs.
    fn drawn(&self, node: &Node) -> Handed {
        let mut drawn = Handed::new();
        node.each_text(&mut |_, text, _| self.drawn_by(text, &mut drawn));
        drawn
    }

    fn drawn_by(&self, text: &str, drawn: &mut Handed) {
        if !text.contains("${{") {
            return;
        }
        let lower = text.to_ascii_lowercase().replace("['", ".").replace("']", "");
        self.named(&lower, "steps", |id| self.steps.get(id), drawn);
        self.named(&lower, "needs", |id| self.needs.get(id).copied(), drawn);
        for (name, all) in [("steps", &self.all_steps), ("needs", &self.all_needs)] {
            if lower.contains(&format!("tojson({name})")) || lower.contains(&format!("{name}.*.outputs")) {
                take(drawn, all.iter().cloned());
            }
        }
    }

    /// What `HEAD.ID.outputs.NAME` holds, or `HEAD.ID` as a whole.
    fn named<'b>(
        &self,
        lower: &str,
        head: &str,
        outputs: impl Fn(&str) -> Option<&'b Outputs>,
        drawn: &mut Handed,
    ) {
        for (at, _) in lower.match_indices(head) {
            let before = lower.get(..at).and_then(|text| text.bytes().last());
            let Some(rest) = lower.get(at + head.len()..).and_then(|rest| rest.strip_prefix('.')) else {
                continue;
            };
            if before.is_some_and(|byte| is_part(byte) || byte == b'.') {
                continue;
            }
            let (id, rest) = word(rest);
            let Some(outputs) = outputs(id) else { continue };
            let name = match rest.strip_prefix(".outputs") {
                Some(rest) => rest.strip_prefix('.').map_or("", |rest| word(rest).0),
                None if rest.starts_with('.') => continue,
                None => "",
            };
            outputs.give(name, drawn);
        }
    }

    fn step(&mut self, step: &Node) {
        self.keep(step);
        let mut seen = Handed::new();
        for part in PARTS.iter().filter_map(|key| step.get(key)) {
            take(&mut seen, own(part));
            take(&mut seen, self.drawn(part));
        }
        let mut outputs = Outputs::default();
        let uses = step.get("uses").and_then(Node::text);
        if let Some(uses) = uses.filter(|uses| escalator::gives_token(uses)) {
            let made = if seen.is_empty() { Handed::from([uses.to_owned()]) } else { seen };
            outputs.add("", made);
        } else {
            let script = step.get("run").or_else(|| step.at(&["with", "script"])).and_then(Node::text);
            let script = script.unwrap_or("").replace("\\\n", " ");
            let written = self.written(&script, OUTPUT, step.get("env"));
            for (name, held) in self.written(&script, ENVIRONMENT, step.get("env")) {
                take(&mut self.environment, held.iter().cloned());
                if self.variables.len() < MAX_HANDED && !name.is_empty() {
                    self.variables.insert(name, held);
                }
            }
            for (name, held) in written {
                outputs.add(&name, held);
            }
        }
        if let Some(id) = step.get("id").and_then(Node::text).filter(|_| !outputs.all.is_empty()) {
            outputs.give("", &mut self.all_steps);
            self.steps.insert(id.to_ascii_lowercase(), outputs);
        }
    }

    /// What a script puts where later steps find it, by the name that it gets, or under no name where that cannot be told.
    fn written(&self, script: &str, places: &[&str], env: Option<&Node>) -> Vec<(String, Handed)> {
        if !places.iter().any(|place| script.contains(place)) {
            return Vec::new();
        }
        // A text of several lines goes to the place that its block names.
        let is_block = script.contains("<<") || script.contains("} >>") || script.contains("}>>");
        let mut written = Vec::new();
        // What the step sets lies over what is set around it; what it sets to something else holds nothing.
        let mut own: BTreeMap<String, Handed> =
            env.map(|env| self.set_by(env)).unwrap_or_default().into_iter().collect();
        let mut depth = 0_usize;
        for line in script.lines() {
            depth = depth_behind(line, depth);
            let mut held = Handed::new();
            secrets::of_text(line, &mut held);
            held.remove("GITHUB_TOKEN");
            self.drawn_by(line, &mut held);
            for seen in
                variables_in(line).filter_map(|name| own.get(name).or_else(|| self.variables.get(name)))
            {
                take(&mut held, seen.iter().cloned());
            }
            let is_place = places.iter().any(|place| line.contains(place));
            // What a program answers that is given a secret is none.
            if let Some((name, value)) = assigned(line).filter(|_| !is_place) {
                let is_answer = value.contains("$(") || value.contains('`');
                let is_none = held.is_empty() || (is_answer && !is_spelling(value));
                // What is set in a branch may be as it was behind it.
                if (!is_none || depth == 0) && (own.len() < 2 * MAX_HANDED || own.contains_key(name)) {
                    let held = if is_none { Handed::new() } else { held.clone() };
                    own.insert(name.to_owned(), held);
                }
            }
            if !held.is_empty() && (is_place || is_block) {
                let name = if is_place && !is_block { name_of(line) } else { "" };
                written.push((name.to_owned(), held));
            }
        }
        written
    }
}

/// Adds names, as long as there are few.
fn take(into: &mut Handed, names: impl IntoIterator<Item = String>) {
    for name in names {
        if into.len() >= MAX_HANDED {
            return;
        }
        into.insert(name);
    }
}

/// The secrets that a part names itself, without the job's own token.
fn own(node: &Node) -> Handed {
    let mut own = Handed::new();
    secrets::of_node(node, &mut own);
    own.remove("GITHUB_TOKEN");
    own
}

const fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// The name at the beginning of a text, and what comes behind it.
fn word(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(|byte| is_part(*byte)).count())
}

/// `$NAME`, `${NAME…`, `process.env.NAME`: the names.
fn variables_in(line: &str) -> impl Iterator<Item = &str> {
    let shell = line.split('$').skip(1).map(|rest| rest.strip_prefix('{').unwrap_or(rest));
    let code = line.split("process.env.").skip(1);
    shell.chain(code).map(|rest| {
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        rest.get(..rest.bytes().take_while(is_name).count()).unwrap_or("")
    })
}

/// How many branches, loops and functions are open behind a line.
fn depth_behind(line: &str, depth: usize) -> usize {
    let words: Vec<&str> = line.split([' ', '\t', ';']).filter(|word| !word.is_empty()).collect();
    let ends = |word: &&str| ["done", "esac", "fi", "}"].contains(word);
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return depth };
    let begins = ["case", "for", "function", "if", "until", "while"].contains(first) || last.ends_with('{');
    match (begins, ends(first), ends(last)) {
        (true, _, false) => depth + 1,
        (false, true, _) => depth.saturating_sub(1),
        _ => depth,
    }
}

/// `NAME=value` as a command of its own.
fn assigned(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    super::agent::shell::assignment(line.strip_prefix("export ").unwrap_or(line))
}

/// Whether what is substituted spells what is given to it in another way.
fn is_spelling(value: &str) -> bool {
    const SPELL: &[&str] = &["base64", "echo", "openssl enc", "printf", "rev", "tr", "xxd"];
    let value = value.trim_start_matches(['"', '$', '(', '`', ' ']);
    SPELL.iter().any(|program| value.strip_prefix(program).is_some_and(|rest| rest.starts_with(' ')))
}

/// The name that a line writes: `echo "NAME=…" >> "$GITHUB_OUTPUT"`, `::set-output name=NAME::…`.
fn name_of(line: &str) -> &str {
    let head = |text: &'_ str| text.bytes().take_while(|byte| is_part(*byte)).count();
    if let Some((_, rest)) = line.split_once("::set-output name=") {
        return rest.get(..head(rest)).unwrap_or("");
    }
    let said = ["echo ", "printf "].iter().find_map(|program| line.trim_start().strip_prefix(program));
    let Some(said) =
        said.map(|said| said.trim_start_matches("-e ").trim_start().trim_start_matches(['"', '\'']))
    else {
        return "";
    };
    let length = head(said);
    // Of several in one line, nobody says here which is which.
    let is_one = said.get(length..).is_some_and(|rest| rest.starts_with('='))
        && ![";", "&&", "||", "\\n"].iter().any(|sign| line.contains(sign));
    if is_one { said.get(..length).unwrap_or("") } else { "" }
}
