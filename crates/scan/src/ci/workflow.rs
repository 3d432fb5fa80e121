//! The audit of one GitHub workflow.

use std::collections::{BTreeMap, BTreeSet};

use super::agent::{self, Agent, Around, Start, Values};
use super::call::Calls;
use super::check::{Check, Look, asks_around, check, is_shell, may_fail};
use super::checkout;
use super::checks::Checks;
use super::expression::{Expression, condition};
use super::files::{Files, Local};
use super::gate::{After, Asked, Who};
use super::handed;
use super::stop;
use super::token::Token;
use super::trigger::{Each, MOMENTS, Trigger, triggers};
use super::{AgentStep, Gate, Workflow, all_text, escalator, secrets};
use crate::document::{Member, Node, Value};

/// Most jobs of one workflow, and most steps of one job, that are looked at.
const MAX_JOBS: usize = 256;
const MAX_STEPS: usize = 1_000;
/// Longest way of jobs that need each other.
const MAX_NEEDS: usize = 100;
/// Parts of expressions whose text strangers write.
pub(super) const UNTRUSTED_TEXT: &[&str] = &[
    "comment.body",
    "comment_body",
    "discussion.body",
    "discussion.title",
    "head_ref",
    "head.ref",
    "head_branch",
    "head_commit.message",
    "issue.body",
    "issue.title",
    "pull_request.body",
    "pull_request.title",
    "review.body",
];

/// Reads a composite action: what its steps run, as the job `runs` of a workflow that others call.
pub(crate) fn audit_action(document: &Node, local: Local<'_>) -> Option<Workflow> {
    let runs = document.get("runs").filter(|runs| runs.get("steps").is_some())?;
    let map = |line, key: &str, node| Node {
        line,
        value: Value::Map(vec![Member { key: key.to_owned(), line, node }]),
    };
    let job = map(runs.line, "runs", runs.clone());
    let called = map(document.line, "workflow_call", Node { line: document.line, value: Value::Null });
    let member = |key: &str, node: Node| Member { key: key.to_owned(), line: node.line, node };
    let members = vec![member("on", called), member("jobs", job)];
    let mut workflow = audit(&Node { line: document.line, value: Value::Map(members) }, local)?;
    workflow.is_action = true;
    Some(workflow)
}

/// Reads a workflow; `None` when the document is none: no `on`, or no `jobs`.
pub fn audit(document: &Node, local: Local<'_>) -> Option<Workflow> {
    document.get("jobs").filter(|jobs| jobs.is_map())?;
    document.get("on")?;
    let files = Files::new(local);
    let calls = Calls::new(&files);
    let mut workflow = Workflow { triggers: triggers(document), ..Workflow::default() };
    secrets::of_node(document, &mut workflow.secrets);
    each_condition(document, &mut |text| secrets::of_expression(text, &mut workflow.secrets));
    let jobs = jobs_of(document, &files);
    let mut in_order: Vec<&Job<'_>> = jobs.values().collect();
    in_order.sort_by_key(|job| job.place);
    let all: Vec<&Trigger> = workflow.triggers.iter().collect();
    for job in in_order {
        workflow.escalators.extend(escalator::of_job(job.name, job.node));
        for step in job.steps {
            workflow.escalators.extend(escalator::of_step(job.name, step));
        }
        for step in agent_steps(document, &all, &jobs, job, &files) {
            workflow.approval.evidence.extend(step.approval.evidence.iter().cloned());
            workflow.agents.push(step);
        }
        workflow.calls.extend(calls.of_job(document, &workflow.triggers, &jobs, job.name));
    }
    // Only jobs with an agent are of interest here.
    let with_agents: BTreeSet<String> = workflow.agents.iter().map(|step| step.job.clone()).collect();
    workflow.escalators.retain(|step| with_agents.contains(&step.job));
    workflow.gate = workflow.agents.iter().map(|step| step.gate).max().unwrap_or_default();
    let called = workflow.triggers.iter().any(|trigger| trigger.name == "workflow_call");
    let by_call = |elsewhere: bool| {
        workflow.calls.iter().any(|call| call.elsewhere == elsewhere && call.outsider && call.is_privileged)
    };
    let outsider = workflow.agents.iter().any(|step| !step.outsider_by.is_empty() && step.is_privileged());
    workflow.outsider_start = if outsider || by_call(false) {
        Some(true)
    } else if by_call(true) || (called && workflow.untrusted().next().is_none()) {
        None
    } else {
        Some(false)
    };
    Some(workflow)
}

/// The jobs of a workflow by name.
pub(super) type Jobs<'a> = BTreeMap<&'a str, Job<'a>>;

pub(super) fn jobs_of<'a>(document: &'a Node, files: &Files<'_>) -> Jobs<'a> {
    let members = document.get("jobs").map_or(&[][..], Node::members).iter().take(MAX_JOBS).enumerate();
    let mut jobs: Jobs<'a> = members
        .filter(|(_, member)| member.node.is_map())
        .map(|(place, member)| (member.key.as_str(), Job::new(place, member, document, files)))
        .collect();
    handed::of_jobs(document, &mut jobs);
    jobs
}

/// Whether a token is worth something to a stranger.
pub(super) fn is_wide(token: &Token) -> bool {
    token.writes().next().is_some() || token.id_token() || token.source == super::TokenSource::Inherited
}

/// Where the steps of a job run.
pub(super) fn around<'a>(document: &'a Node, job: &'a Node, files: &'a Files<'a>) -> Around<'a> {
    let said =
        |key: &str| [job, document].into_iter().find_map(|node| node.at(&["defaults", "run", key])?.text());
    Around {
        files: Some(files),
        folder: said("working-directory").and_then(|path| agent::joined("", path)).unwrap_or_default(),
        shell: said("shell"),
        values: Values {
            set: [document, job].into_iter().filter_map(|node| node.get("env")).collect(),
            matrix: job.at(&["strategy", "matrix"]),
        },
        ..Around::default()
    }
}

/// The steps of a job that run agents, and how far each of these triggers gets.
pub(super) fn agent_steps(
    document: &Node,
    triggers: &[&Trigger],
    jobs: &Jobs<'_>,
    job: &Job<'_>,
    files: &Files<'_>,
) -> Vec<AgentStep> {
    let around = around(document, job.node, files);
    let agents =
        job.steps.iter().enumerate().filter_map(|(at, step)| Some((at, agent::of_step(step, &around)?)));
    let agents: Vec<(usize, Agent)> = agents.collect();
    let places: Vec<usize> = agents.iter().map(|(at, _)| *at).collect();
    if places.is_empty() {
        return Vec::new();
    }
    let handed = handed::to(document, jobs, job, &places);
    let triggers = triggers.iter().filter(|trigger| trigger.is_untrusted());
    let ways: Vec<(&Trigger, Way)> =
        triggers.map(|trigger| (*trigger, Way::to(jobs, job, trigger))).collect();
    let each = agents.into_iter().zip(handed);
    each.map(|((at, agent), handed)| AgentStep {
        handed: handed.all,
        left: handed.left,
        ..agent_step(document, &ways, jobs, job, at, agent)
    })
    .collect()
}

/// A job, with what has to be asked of it more than once.
pub(super) struct Job<'a> {
    place: usize,
    pub(super) name: &'a str,
    pub(super) node: &'a Node,
    pub(super) steps: &'a [Node],
    pub(super) needs: Vec<&'a str>,
    /// Secrets in what it hands on.
    pub(super) outputs: handed::Outputs,
    pub(super) condition: Option<Expression>,
    /// The jobs that it needs and its steps, by their names in lower case.
    pub(super) needed: BTreeMap<String, &'a str>,
    pub(super) ids: BTreeMap<String, usize>,
    /// What each step finds out about who asks.
    pub(super) looks_of: Vec<Look>,
    /// Some step refuses people without rights, by ending the job.
    pub(super) refuses: Check,
    /// Some step looks who asks.
    pub(super) looks: Each<bool>,
    /// What its outputs tell of who asks at each moment: what they can be, or that they come from a step that tells
    /// nothing.
    pub(super) hands_on: HandsOn,
}

/// What each output of a job tells at each moment.
type HandsOn = BTreeMap<String, Each<Option<BTreeSet<String>>>>;

/// Most outputs of a job that are looked at.
const MAX_OUTPUTS: usize = 50;

// === impl Job ===

impl<'a> Job<'a> {
    fn new(place: usize, member: &'a Member, document: &Node, files: &Files<'_>) -> Self {
        let (name, node) = (member.key.as_str(), &member.node);
        let set = [document.get("env"), node.get("env")];
        let asks_around = asks_around(&set);
        let steps = node.get("steps").map_or(&[][..], Node::items);
        let steps = steps.get(..MAX_STEPS.min(steps.len())).unwrap_or(steps);
        let looks_of: Vec<Look> = steps.iter().map(|step| check(step, (&set, asks_around), files)).collect();
        let checks = || looks_of.iter().map(|look| look.check);
        let hands_on = hands_on(node, steps, &looks_of);
        let needs: Vec<&str> = node.get("needs").map(Node::texts).unwrap_or_default();
        // Of several with one name, which no workflow has that runs, the first.
        let mut ids = BTreeMap::new();
        for (at, id) in steps.iter().enumerate().filter_map(|(at, step)| Some((at, step.get("id")?.text()?)))
        {
            ids.entry(id.to_ascii_lowercase()).or_insert(at);
        }
        Self {
            place,
            name,
            node,
            steps,
            needed: needs.iter().map(|name| (name.to_ascii_lowercase(), *name)).collect(),
            ids,
            needs,
            outputs: handed::Outputs::default(),
            condition: node.get("if").and_then(Node::scalar).map(|text| condition(&text)),
            // A job that may fail stops nobody who needs it.
            refuses: checks().reduce(Check::or).filter(|_| !may_fail(node)).unwrap_or_default(),
            looks: checks().reduce(Check::or).unwrap_or_default().tells,
            looks_of,
            hands_on,
        }
    }

    /// Whether it may end without a word and let those who need it go on.
    pub(super) fn may_be_passed_by(&self) -> bool {
        self.condition.is_some() || !self.needs.is_empty() || may_fail(self.node)
    }

    fn asks_for_status(&self) -> bool {
        self.condition.as_ref().is_some_and(Expression::asks_for_status)
    }
}

/// What each output of a job tells: what the step tells that it comes from.
fn hands_on(job: &Node, steps: &[Node], looks: &[Look]) -> HandsOn {
    let outputs = job.get("outputs").map_or(&[][..], Node::members);
    if outputs.is_empty() || !looks.iter().any(Look::tells) {
        return HandsOn::new();
    }
    // What an earlier step found out may be in the environment, or among what this one is given.
    let mut found = steps.iter().zip(looks).filter(|(_, look)| look.tells());
    let by_environment = found.any(|(step, _)| all_text(step).contains("GITHUB_ENV"));
    let mut hands_on = HandsOn::new();
    for member in outputs.iter().take(MAX_OUTPUTS) {
        let Some(Expression::Path(path)) = member.node.text().map(condition) else { continue };
        let Some((id, output)) = path.strip_prefix("steps.").and_then(|rest| rest.split_once(".outputs."))
        else {
            continue;
        };
        let is_named = |step: &Node| {
            step.get("id").and_then(Node::text).is_some_and(|text| text.eq_ignore_ascii_case(id))
        };
        let Some((step, look)) = steps.iter().zip(looks).find(|(step, _)| is_named(step)) else { continue };
        let name = member.key.to_ascii_lowercase();
        let may_be_nothing = step.get("if").is_some() || may_fail(step);
        let told = MOMENTS.map(|moment| {
            let mut texts = look.told.get(moment.place())?.get(output)?.clone();
            texts.extend(may_be_nothing.then(String::new));
            Some(texts)
        });
        if told.iter().all(Option::is_some) {
            hands_on.insert(name, told);
        } else if !look.tells() && !by_environment && !all_text(step).contains("steps.") {
            hands_on.insert(name, Each::default());
        }
    }
    hands_on
}

fn agent_step(
    document: &Node,
    ways: &[(&Trigger, Way)],
    jobs: &Jobs<'_>,
    job: &Job<'_>,
    index: usize,
    agent: Agent,
) -> AgentStep {
    // There is a step at this place: the agent's.
    let step = job.steps.get(index).unwrap_or(job.node);
    let mut named = BTreeSet::new();
    let parts = [
        step.get("with"),
        step.get("env"),
        step.get("run"),
        job.node.get("env"),
        document.get("env"),
        job.node.at(&["container", "env"]),
    ];
    // Whoever may ask the container engine sees what a service was started with.
    let services = job.node.get("services").map_or(&[][..], Node::members);
    let services = services.iter().filter_map(|service| service.node.get("env"));
    for part in parts.into_iter().flatten().chain(services) {
        secrets::of_node(part, &mut named);
    }
    let mut found = AgentStep {
        job: job.name.to_owned(),
        step_index: index,
        line: step.line,
        agent: agent.tool,
        runs: agent.runs,
        pinned: agent.pinned,
        token: Token::of(job.node, document),
        secrets: named,
        handed: BTreeSet::new(),
        left: BTreeSet::new(),
        checks_out_head: checkout::of_job(job.steps, &[document.get("env"), job.node.get("env")]),
        persists_credentials: job.steps.iter().any(persists),
        environment: environment(job.node),
        self_hosted: self_hosted(job.node),
        open_to_all: None,
        untrusted_prompt: untrusted_prompt(step),
        outsider_by: Vec::new(),
        gate: Gate::NotApplicable,
        approval: agent::approval(
            step,
            agent.tool,
            &agent.starts,
            &[document.get("env"), job.node.get("env")],
        ),
    };
    for (trigger, way) in ways {
        let reached = reach(document, (trigger, way), jobs, (job, index), &agent.starts);
        let gate = match reached {
            Reached::Never => continue,
            Reached::Gated(gate) => gate,
            Reached::Outsider => {
                let (checks, open) = agent::checks_itself(step, &trigger.name);
                found.open_to_all = found.open_to_all.or(open);
                if checks { Gate::Action } else { Gate::None }
            }
        };
        found.gate = found.gate.max(gate);
        if gate == Gate::None {
            found.outsider_by.push(trigger.name.clone());
        }
    }
    found
}

/// How far a trigger gets.
enum Reached {
    /// Nobody gets to the step by it.
    Never,
    /// Only trusted people do.
    Gated(Gate),
    Outsider,
}

/// How far a trigger gets in a job, whichever step it is about.
struct Way {
    trusted: bool,
    /// The condition of the job holds for an outsider, and without the answers of other jobs.
    outsider: bool,
    by_itself: bool,
    /// The jobs before let an outsider go on.
    needed: bool,
    /// The step that ends the job for an outsider.
    refused_at: Option<usize>,
}

// === impl Way ===

impl Way {
    fn to(jobs: &Jobs<'_>, job: &Job<'_>, trigger: &Trigger) -> Self {
        let checks = Checks::of(jobs, job, 0, job.asks_for_status());
        let by_itself = checks.only_steps();
        let ask = |who, checks| Asked { who, trigger, checks, after: After::Success };
        let holds = |asked: Asked<'_>| job.condition.as_ref().is_none_or(|each| asked.of(each).hold);
        let trusted = ask(Who::Trusted, &checks);
        let outsider = ask(Who::Outsider, &checks);
        let refused_at = job.steps.iter().zip(&job.looks_of).enumerate().position(|(at, (step, look))| {
            let condition = || step.get("if").and_then(Node::scalar).map(|text| condition(&text));
            look.check.refuses_at(trigger)
                && condition().is_none_or(|condition| {
                    let skips = job.asks_for_status() || condition.asks_for_status();
                    let checks = Checks::of(jobs, job, at, skips);
                    let asked = Asked { who: Who::Outsider, trigger, checks: &checks, after: After::Success };
                    asked.of(&condition).hold
                })
        });
        Self {
            trusted: holds(trusted) && needed(jobs, job, trusted),
            outsider: holds(outsider),
            by_itself: holds(ask(Who::Outsider, &by_itself)),
            needed: needed(jobs, job, outsider),
            refused_at,
        }
    }
}

fn reach(
    document: &Node,
    (trigger, way): (&Trigger, &Way),
    jobs: &Jobs<'_>,
    (job, index): (&Job<'_>, usize),
    starts: &[Start],
) -> Reached {
    let step = job.steps.get(index).unwrap_or(job.node);
    let step_condition = step.get("if").and_then(Node::scalar).map(|text| condition(&text));
    let skips = job.asks_for_status() || step_condition.as_ref().is_some_and(Expression::asks_for_status);
    let checks = Checks::of(jobs, job, index, skips);
    let by_itself = checks.only_steps();
    let ask = |who, checks| Asked { who, trigger, checks, after: After::Success };
    let holds = |asked: Asked<'_>| step_condition.as_ref().is_none_or(|each| asked.of(each).hold);
    if !way.trusted || !holds(ask(Who::Trusted, &checks)) {
        return Reached::Never;
    }
    if !trigger.outsider_can_cause() {
        return Reached::Gated(Gate::If);
    }
    if !way.outsider || !holds(ask(Who::Outsider, &checks)) {
        // What holds once the answers of other jobs are left out is those jobs' gate.
        let holds = way.by_itself && holds(ask(Who::Outsider, &by_itself));
        return Reached::Gated(if holds { Gate::NeedsJob } else { Gate::If });
    }
    if !way.needed {
        return Reached::Gated(Gate::NeedsJob);
    }
    let refused = way.refused_at.is_some_and(|at| at < index);
    let failed = Asked { after: After::Failure, ..ask(Who::Outsider, &checks) };
    if refused && !goes_on(step_condition.as_ref(), failed) {
        return Reached::Gated(Gate::If);
    }
    if let Some(script) = step.get("run").and_then(Node::text)
        && !starts.is_empty()
        && is_shell(step)
    {
        let set = [document.get("env"), job.node.get("env"), step.get("env")];
        let ways = stop::ways(script, &set, trigger.moment());
        if ways.is_some_and(|ways| !starts.iter().any(|start| ways.reaches(start.after))) {
            return Reached::Gated(Gate::If);
        }
    }
    Reached::Outsider
}

/// Whether a condition lets its job or step run although what comes before did not succeed.
fn goes_on(condition: Option<&Expression>, asked: Asked<'_>) -> bool {
    condition.is_some_and(|condition| condition.asks_for_status() && asked.of(condition).hold)
}

/// Whether the jobs before this one can run, and let it go on.
pub(super) fn needed(jobs: &Jobs<'_>, job: &Job<'_>, asked: Asked<'_>) -> bool {
    needed_by(jobs, job, asked, &mut BTreeMap::new(), 0)
}

/// The same; each job is asked about once, however many need it, and one that needs itself stops nobody.
fn needed_by<'a>(
    jobs: &Jobs<'a>,
    job: &Job<'_>,
    asked: Asked<'_>,
    known: &mut BTreeMap<&'a str, bool>,
    depth: usize,
) -> bool {
    if depth > MAX_NEEDS {
        return true;
    }
    let condition = job.condition.as_ref();
    job.needs.iter().filter_map(|name| jobs.get_key_value::<str>(name)).all(|(name, other)| {
        let runs = match known.get(name) {
            Some(runs) => *runs,
            None => {
                known.insert(name, true);
                let checks = Checks::of(jobs, other, 0, other.asks_for_status());
                let asked = Asked { checks: &checks, ..asked };
                let holds = other.condition.as_ref().is_none_or(|condition| asked.of(condition).hold);
                let runs = holds && needed_by(jobs, other, asked, known, depth + 1);
                known.insert(name, runs);
                runs
            }
        };
        if !runs {
            return goes_on(condition, Asked { after: After::Skipped, ..asked });
        }
        let refuses = asked.who == Who::Outsider && other.refuses.refuses_at(asked.trigger);
        !refuses || goes_on(condition, Asked { after: After::Failure, ..asked })
    })
}

/// Whether a checkout leaves the token in the working copy, which is what the action does unless told otherwise.
pub(super) fn persists(step: &Node) -> bool {
    let uses = step.get("uses").and_then(Node::text).unwrap_or("");
    uses.starts_with("actions/checkout")
        && step.at(&["with", "persist-credentials"]).and_then(Node::truth) != Some(false)
}

fn environment(job: &Node) -> Option<String> {
    let said = job.get("environment")?;
    said.text().or_else(|| said.get("name").and_then(Node::text)).map(str::to_owned)
}

fn self_hosted(job: &Node) -> Option<u32> {
    let said = job.get("runs-on")?;
    let labels =
        if said.is_map() { said.get("labels").map(Node::texts).unwrap_or_default() } else { said.texts() };
    (labels.iter().any(|label| label.eq_ignore_ascii_case("self-hosted")) || said.get("group").is_some())
        .then_some(said.line)
}

/// The line at which a stranger's words enter the prompt.
fn untrusted_prompt(step: &Node) -> Option<u32> {
    let mut found = None;
    for part in [step.get("with"), step.get("env"), step.get("run")].into_iter().flatten() {
        part.each_text(&mut |_, text, line| {
            let within = text
                .split("${{")
                .skip(1)
                .filter_map(|rest| rest.split("}}").next())
                .any(|expression| UNTRUSTED_TEXT.iter().any(|part| expression.contains(part)));
            if within && found.is_none() {
                found = Some(line);
            }
        });
    }
    found
}

/// Conditions are expressions without `${{ }}`.
fn each_condition<'a>(node: &'a Node, see: &mut dyn FnMut(&'a str)) {
    node.each_text(&mut |key, text, _| {
        if key == "if" && !text.contains("${{") {
            see(text);
        }
    });
}
