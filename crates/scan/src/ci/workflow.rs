//! The audit of one GitHub workflow.

use std::collections::{BTreeMap, BTreeSet};

use super::agent::{self, Agent};
use super::expression::{Expression, condition};
use super::gate::{After, Asked, Who};
use super::token::Token;
use super::trigger::{Trigger, triggers};
use super::{AgentStep, Call, CallSecrets, Gate, Local, Workflow, all_text, escalator, secrets};
use crate::document::{Member, Node, Value};

/// Most jobs of one workflow, and most steps of one job, that are looked at.
const MAX_JOBS: usize = 256;
const MAX_STEPS: usize = 1_000;
/// Longest way of jobs that need each other.
const MAX_NEEDS: usize = 100;
/// How deep local actions and workflows may call each other.
const MAX_CALLS: usize = 4;
/// Parts of expressions whose text strangers write.
const UNTRUSTED_TEXT: &[&str] = &[
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

/// Reads a workflow; `None` when the document is none: no `on`, or no `jobs`.
pub fn audit(document: &Node, local: Local<'_>) -> Option<Workflow> {
    audit_at(document, local, 0)
}

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

fn audit_at(document: &Node, local: Local<'_>, depth: usize) -> Option<Workflow> {
    let jobs = document.get("jobs").filter(|jobs| jobs.is_map())?;
    document.get("on")?;
    let mut workflow = Workflow { triggers: triggers(document), ..Workflow::default() };
    secrets::of_node(document, &mut workflow.secrets);
    each_condition(document, &mut |text| secrets::of_expression(text, &mut workflow.secrets));
    let jobs: Vec<Job<'_>> = jobs
        .members()
        .iter()
        .take(MAX_JOBS)
        .filter(|member| member.node.is_map())
        .map(|member| Job::new(&member.key, &member.node))
        .collect();
    let by_name: BTreeMap<&str, &Job<'_>> = jobs.iter().map(|job| (job.name, job)).collect();
    for job in &jobs {
        workflow.escalators.extend(escalator::of_job(job.name, job.node));
        for step in job.steps {
            workflow.escalators.extend(escalator::of_step(job.name, step));
        }
        for (index, step) in job.steps.iter().enumerate() {
            if let Some(agent) = agent::of_step(step).or_else(|| of_local_action(step, local, depth)) {
                let step = agent_step(document, &workflow.triggers, &by_name, job, index, step, agent);
                workflow.approval.evidence.extend(step.approval.evidence.iter().cloned());
                workflow.agents.push(step);
            }
        }
        if depth < MAX_CALLS
            && let Some(call) = call(&workflow.triggers, &by_name, job, local, depth)
        {
            workflow.calls.push(call);
        }
    }
    // Only jobs with an agent are of interest here.
    let with_agents: BTreeSet<String> = workflow.agents.iter().map(|step| step.job.clone()).collect();
    workflow.escalators.retain(|step| with_agents.contains(&step.job));
    workflow.gate = workflow.agents.iter().map(|step| step.gate).max().unwrap_or_default();
    let called = workflow.triggers.iter().any(|trigger| trigger.name == "workflow_call");
    let outsider = workflow.agents.iter().any(|step| !step.outsider_by.is_empty() && step.is_privileged())
        || workflow
            .calls
            .iter()
            .any(|call| call.outsider && call.secrets != CallSecrets::Some(BTreeSet::new()));
    workflow.outsider_start = if outsider {
        Some(true)
    } else if called && workflow.untrusted().next().is_none() {
        None
    } else {
        Some(false)
    };
    Some(workflow)
}

/// A job, with what has to be asked of it more than once.
struct Job<'a> {
    name: &'a str,
    node: &'a Node,
    steps: &'a [Node],
    needs: Vec<&'a str>,
    condition: Option<Expression>,
    /// Some step refuses people without rights, by ending the job.
    refuses: bool,
    /// Some step looks who asks.
    looks: bool,
}

// === impl Job ===

impl<'a> Job<'a> {
    fn new(name: &'a str, node: &'a Node) -> Self {
        let steps = node.get("steps").map_or(&[][..], Node::items);
        let steps = steps.get(..MAX_STEPS.min(steps.len())).unwrap_or(steps);
        let checks: Vec<Check> = steps.iter().map(check).collect();
        Self {
            name,
            node,
            steps,
            needs: node.get("needs").map(Node::texts).unwrap_or_default(),
            condition: node.get("if").and_then(Node::scalar).map(|text| condition(&text)),
            // A job that may fail stops nobody who needs it.
            refuses: checks.contains(&Check::Refuses) && !may_fail(node),
            looks: checks.iter().any(|check| *check != Check::None),
        }
    }
}

/// Whether a step finds out who asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Check {
    None,
    /// Its outputs tell.
    Tells,
    /// It ends the job for those who may not.
    Refuses,
}

/// Whether a job or step may fail without ending what it is part of; an expression could say so.
fn may_fail(node: &Node) -> bool {
    node.get("continue-on-error").is_some_and(|said| said.truth() != Some(false))
}

/// Whether a script ends with an error somewhere, and nothing on that line takes the error back.
fn ends_with_error(script: &str) -> bool {
    const ENDS: &[&str] =
        &["exit 1", "setfailed", "process.exit(1)", "throw ", "exit(1)", "exit 2", "return 1"];
    const TAKEN_BACK: &[&str] = &["true", ":", "exit 0", "echo", "/bin/true"];
    script.replace("\\\n", " ").lines().filter(|line| !line.trim_start().starts_with('#')).any(|line| {
        ENDS.iter().filter_map(|end| line.split_once(end)).any(|(_, rest)| {
            !rest.split("||").skip(1).any(|back| {
                let back = back.trim_start();
                TAKEN_BACK.iter().any(|word| back.starts_with(word))
            })
        })
    })
}

/// Looks at a step for a look at who asks.
fn check(step: &Node) -> Check {
    let uses = step.get("uses").and_then(Node::text).unwrap_or("").to_ascii_lowercase();
    let name = uses.split('@').next().unwrap_or("");
    let by_name = [
        "check-user-permission",
        "check-actor-permission",
        "action-repository-permission",
        "repo-permission",
        "user-permission",
        "actor-permission",
        "check-permission",
        "get-user-teams-membership",
        "actions-authorized-user",
        "is-actor-authorized",
        "check-collaborator",
        "verify-actor",
        "team-membership",
        "check-team-member",
    ]
    .iter()
    .any(|part| name.contains(part));
    let script =
        ["run", "with", "env"].iter().filter_map(|key| step.get(key)).map(all_text).collect::<String>();
    let lower = script.to_ascii_lowercase();
    let asks = lower.contains("getcollaboratorpermissionlevel")
        || (lower.contains("/collaborators/") && (lower.contains("/permission") || lower.contains("gh api")))
        || lower.contains("checkcollaborator")
        || lower.contains("checkmembershipforuser")
        || lower.contains("getmembershipforuserinorg")
        || lower.contains("/memberships/")
        || (lower.contains("/orgs/") && lower.contains("/members/"))
        || (lower.contains("author_association")
            && step.get("uses").is_none_or(|_| name == "actions/github-script"));
    // An agent that is told to look is no gate.
    if agent::of_step(step).is_some() || !(by_name || asks) {
        return Check::None;
    }
    let ends = ends_with_error(&lower);
    let required = by_name
        && ["require", "permission", "required-permission", "exit-on-failure"]
            .iter()
            .any(|key| step.get("with").and_then(|with| with.get(key)).is_some())
        && !uses.contains("user-permission");
    if (ends || required) && !may_fail(step) { Check::Refuses } else { Check::Tells }
}

fn agent_step(
    document: &Node,
    triggers: &[Trigger],
    jobs: &BTreeMap<&str, &Job<'_>>,
    job: &Job<'_>,
    index: usize,
    step: &Node,
    agent: Agent,
) -> AgentStep {
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
        checks_out_head: job.steps.iter().find_map(head_checkout),
        persists_credentials: job.steps.iter().any(persists),
        environment: environment(job.node),
        self_hosted: self_hosted(job.node),
        open_to_all: None,
        untrusted_prompt: untrusted_prompt(step),
        outsider_by: Vec::new(),
        gate: Gate::NotApplicable,
        approval: agent::approval(step),
    };
    for trigger in triggers.iter().filter(|trigger| trigger.is_untrusted()) {
        let reached = reach(trigger, jobs, job, index, step);
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

fn reach(
    trigger: &Trigger,
    jobs: &BTreeMap<&str, &Job<'_>>,
    job: &Job<'_>,
    index: usize,
    step: &Node,
) -> Reached {
    let mut checks = BTreeSet::new();
    let nothing = BTreeSet::new();
    for other in jobs.values() {
        let name = other.name.to_ascii_lowercase();
        if other.looks {
            checks.insert(format!("needs.{name}.outputs"));
        }
        // A job that strangers do not get to, or that refuses them, ends otherwise for them.
        let asked = Asked { who: Who::Outsider, trigger, checks: &nothing, after: After::Success };
        let passed_by = other.condition.as_ref().is_some_and(|condition| !asked.of(condition).hold);
        if other.refuses || passed_by {
            checks.insert(format!("needs.{name}.result"));
        }
    }
    let before = job.steps.get(..index).unwrap_or(&[]);
    for step in before.iter().filter(|step| check(step) != Check::None) {
        let Some(id) = step.get("id").and_then(Node::text) else { continue };
        let id = id.to_ascii_lowercase();
        if may_fail(step) {
            // Its conclusion is always a success.
            checks.extend([format!("steps.{id}.outputs"), format!("steps.{id}.outcome")]);
        } else {
            checks.insert(format!("steps.{id}"));
        }
    }
    // Outputs that a job hands on from a step that looks are a look themselves; so are jobs gated by those.
    let ask = |who| Asked { who, trigger, checks: &checks, after: After::Success };
    let step_condition = step.get("if").and_then(Node::scalar).map(|text| condition(&text));
    let own = |who| {
        let asked = ask(who);
        [job.condition.as_ref(), step_condition.as_ref()]
            .into_iter()
            .flatten()
            .all(|each| asked.of(each).hold)
    };
    if !own(Who::Trusted) || !needed(jobs, job, ask(Who::Trusted)) {
        return Reached::Never;
    }
    if !trigger.outsider_can_cause() {
        return Reached::Gated(Gate::If);
    }
    if !own(Who::Outsider) {
        // What holds once the answers of other jobs are left out is those jobs' gate.
        let steps: BTreeSet<String> =
            checks.iter().filter(|check| check.starts_with("steps.")).cloned().collect();
        let asked = Asked { who: Who::Outsider, trigger, checks: &steps, after: After::Success };
        let holds = [job.condition.as_ref(), step_condition.as_ref()]
            .into_iter()
            .flatten()
            .all(|each| asked.of(each).hold);
        return Reached::Gated(if holds { Gate::NeedsJob } else { Gate::If });
    }
    if !needed(jobs, job, ask(Who::Outsider)) {
        return Reached::Gated(Gate::NeedsJob);
    }
    let refused = before.iter().any(|step| {
        let runs = step
            .get("if")
            .and_then(Node::scalar)
            .is_none_or(|text| ask(Who::Outsider).of(&condition(&text)).hold);
        runs && check(step) == Check::Refuses
    });
    let failed = Asked { after: After::Failure, ..ask(Who::Outsider) };
    if refused && !goes_on(step_condition.as_ref(), failed) {
        return Reached::Gated(Gate::If);
    }
    Reached::Outsider
}

/// Whether a condition lets its job or step run although what comes before did not succeed.
fn goes_on(condition: Option<&Expression>, asked: Asked<'_>) -> bool {
    condition.is_some_and(|condition| condition.asks_for_status() && asked.of(condition).hold)
}

/// Whether the jobs before this one can run, and let it go on.
fn needed(jobs: &BTreeMap<&str, &Job<'_>>, job: &Job<'_>, asked: Asked<'_>) -> bool {
    needed_by(jobs, job, asked, &mut BTreeMap::new(), 0)
}

/// The same; each job is asked about once, however many need it, and one that needs itself stops nobody.
fn needed_by<'a>(
    jobs: &BTreeMap<&'a str, &'a Job<'a>>,
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
                let holds = other.condition.as_ref().is_none_or(|condition| asked.of(condition).hold);
                let runs = holds && needed_by(jobs, other, asked, known, depth + 1);
                known.insert(name, runs);
                runs
            }
        };
        if !runs {
            return goes_on(condition, Asked { after: After::Skipped, ..asked });
        }
        let refuses = asked.who == Who::Outsider && other.refuses;
        !refuses || goes_on(condition, Asked { after: After::Failure, ..asked })
    })
}

/// A call of a local workflow that runs agents.
fn call(
    triggers: &[Trigger],
    jobs: &BTreeMap<&str, &Job<'_>>,
    job: &Job<'_>,
    local: Local<'_>,
    depth: usize,
) -> Option<Call> {
    let uses = job.node.get("uses")?;
    let path = uses.text()?.strip_prefix("./")?;
    let inner = audit_at(&local(path)?, local, depth + 1)?;
    let mut agents: BTreeSet<&'static str> = inner.agents.iter().map(|step| step.agent).collect();
    agents.extend(inner.calls.iter().flat_map(|call| call.agents.iter()));
    if agents.is_empty() {
        return None;
    }
    let handed = match job.node.get("secrets") {
        Some(said) if said.text() == Some("inherit") => CallSecrets::All,
        Some(said) => CallSecrets::Some(said.members().iter().map(|member| member.key.clone()).collect()),
        None => CallSecrets::Some(BTreeSet::new()),
    };
    let nothing = BTreeSet::new();
    let outsider = triggers
        .iter()
        .filter(|trigger| trigger.is_untrusted() && trigger.outsider_can_cause())
        .any(|trigger| {
            let asked = Asked { who: Who::Outsider, trigger, checks: &nothing, after: After::Success };
            let holds = job.condition.as_ref().is_none_or(|condition| asked.of(condition).hold);
            // Inside, the event is still the caller's.
            let lets_in = inner.agents.iter().any(|step| {
                let document = local(path);
                let node = document.as_ref().and_then(|document| {
                    document
                        .at(&["jobs", &step.job, "steps"])
                        .and_then(|steps| steps.items().get(step.step_index))
                });
                node.is_none_or(|node| !agent::checks_itself(node, &trigger.name).0)
            });
            holds && needed(jobs, job, asked) && lets_in
        });
    Some(Call {
        job: job.name.to_owned(),
        line: uses.line,
        path: path.to_owned(),
        secrets: handed,
        agents,
        outsider,
    })
}

/// The agent in a composite action of the same repository.
fn of_local_action(step: &Node, local: Local<'_>, depth: usize) -> Option<Agent> {
    if depth >= MAX_CALLS {
        return None;
    }
    let uses = step.get("uses").and_then(Node::text)?;
    let folder = uses.strip_prefix("./")?.trim_end_matches('/');
    let action =
        local(&format!("{folder}/action.yml")).or_else(|| local(&format!("{folder}/action.yaml")))?;
    let steps = action.at(&["runs", "steps"])?;
    let inner = steps
        .items()
        .iter()
        .find_map(|step| agent::of_step(step).or_else(|| of_local_action(step, local, depth + 1)))?;
    Some(Agent { tool: inner.tool, runs: format!("{uses}: {}", inner.runs), pinned: inner.pinned })
}

/// A checkout of what a stranger wrote: by the action's `ref` or `repository`, or by a command.
fn head_checkout(step: &Node) -> Option<u32> {
    let uses = step.get("uses").and_then(Node::text).unwrap_or("");
    if uses.starts_with("actions/checkout@") || uses == "actions/checkout" {
        let with = step.get("with")?;
        return ["ref", "repository"].iter().find_map(|key| {
            let node = with.get(key)?;
            let text = node.text()?;
            let head = [
                "head.sha",
                "head.ref",
                "head_ref",
                "head_sha",
                "head_branch",
                "refs/pull/",
                "head.repo",
                "head_repository",
                "merge_commit_sha",
                "pr_head",
                "head-sha",
                "head-ref",
            ]
            .iter()
            .any(|part| text.contains(part));
            head.then_some(node.line)
        });
    }
    let run = step.get("run")?;
    let script = run.text()?;
    let fetches = script.contains("gh pr checkout")
        || (script.contains("git fetch") && script.contains("pull/") && script.contains("/head"));
    fetches.then_some(run.line)
}

/// Whether a checkout leaves the token in the working copy, which is what the action does unless told otherwise.
fn persists(step: &Node) -> bool {
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
