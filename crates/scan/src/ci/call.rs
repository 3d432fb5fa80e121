//! Jobs that are other workflows, and how far a trigger gets through them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::checks::Checks;
use super::files::Files;
use super::gate::{After, Asked, Who};
use super::trigger::Trigger;
use super::workflow::{Jobs, agent_steps, around, is_wide, jobs_of, needed};
use super::{Call, CallSecrets, Token, agent};
use crate::document::Node;

/// How deep workflows may call each other, the first counted:
/// https://docs.github.com/actions/reference/workflows-and-actions/reusing-workflow-configurations#limitations.
const MAX_DEPTH: usize = 10;

/// Workflows with agents that are led to, and what those see.
type Agents = BTreeMap<String, BTreeSet<&'static str>>;
/// Workflows with agents that an outsider starts, and what reaches them.
type Started = BTreeMap<String, Reach>;

/// What is handed on all the way to an agent.
#[derive(Clone, Copy, Debug, Default)]
struct Reach {
    secrets: bool,
    token: bool,
}

/// The agents of one workflow, and the workflows of the same repository that it calls.
#[derive(Debug, Default)]
struct Own {
    agents: BTreeSet<&'static str>,
    calls: BTreeSet<String>,
}

/// What is known of called workflows, each asked about once for each trigger.
pub(super) struct Calls<'a> {
    files: &'a Files<'a>,
    own: RefCell<BTreeMap<String, Rc<Own>>>,
    started: RefCell<BTreeMap<(String, usize), Started>>,
}

// === impl Calls ===

impl<'a> Calls<'a> {
    pub(super) fn new(files: &'a Files<'a>) -> Self {
        Self { files, own: RefCell::default(), started: RefCell::default() }
    }

    /// What a job calls, if agents run there.
    pub(super) fn of_job(
        &self,
        document: &Node,
        triggers: &[Trigger],
        jobs: &Jobs<'_>,
        name: &str,
    ) -> Option<Call> {
        let job = jobs.get(name)?;
        let uses = job.node.get("uses")?;
        let text = uses.text()?;
        let secrets = handed(job.node);
        let mut call = Call {
            job: name.to_owned(),
            line: uses.line,
            path: text.to_owned(),
            elsewhere: false,
            secrets,
            agents: BTreeSet::new(),
            leads_to: BTreeSet::new(),
            outsider: false,
            is_privileged: false,
        };
        let gets_here = |trigger: &Trigger| {
            let asked =
                Asked { who: Who::Outsider, trigger, checks: &Checks::default(), after: After::Success };
            trigger.is_untrusted()
                && trigger.outsider_can_cause()
                && job.condition.as_ref().is_none_or(|condition| asked.of(condition).hold)
                && needed(jobs, job, asked)
        };
        let token = is_wide(&Token::of(job.node, document));
        let has_secrets = call.secrets != CallSecrets::Some(BTreeSet::new());
        let Some(path) = text.strip_prefix("./") else {
            let (tool, _) = agent::of_workflow(text)?;
            call.elsewhere = true;
            call.agents.insert(tool);
            call.outsider = triggers.iter().any(gets_here);
            call.is_privileged = has_secrets || token;
            return Some(call);
        };
        let mut agents = Agents::new();
        self.agents(path, 1, &mut agents, &mut BTreeSet::new());
        if agents.is_empty() {
            return None;
        }
        call.path = path.to_owned();
        call.agents = agents.values().flatten().copied().collect();
        for (at, trigger) in triggers.iter().enumerate().filter(|(_, trigger)| gets_here(trigger)) {
            // Inside, the event is still the caller's.
            for (led, reach) in self.started(path, (at, trigger), 1) {
                call.outsider = true;
                call.is_privileged |= (reach.secrets && has_secrets) || (reach.token && token);
                call.leads_to.insert(led);
            }
        }
        Some(call)
    }

    /// The agents of a workflow and of what it calls.
    fn agents(&self, path: &str, depth: usize, into: &mut Agents, seen: &mut BTreeSet<String>) {
        if depth > MAX_DEPTH || !seen.insert(path.to_owned()) {
            return;
        }
        let own = self.own(path);
        if !own.agents.is_empty() {
            into.insert(path.to_owned(), own.agents.clone());
        }
        for called in &own.calls {
            self.agents(called, depth + 1, into, seen);
        }
    }

    fn own(&self, path: &str) -> Rc<Own> {
        if let Some(own) = self.own.borrow().get(path) {
            return Rc::clone(own);
        }
        let mut own = Own::default();
        if let Some(document) = self.files.document(path) {
            for job in jobs_of(&document, self.files).values() {
                let around = around(&document, job.node, self.files);
                own.agents
                    .extend(job.steps.iter().filter_map(|step| Some(agent::of_step(step, &around)?.tool)));
                let Some(called) = job.node.get("uses").and_then(Node::text) else { continue };
                match called.strip_prefix("./") {
                    Some(inner) => drop(own.calls.insert(inner.to_owned())),
                    None => own.agents.extend(agent::of_workflow(called).map(|(tool, _)| tool)),
                }
            }
        }
        let own = Rc::new(own);
        self.own.borrow_mut().insert(path.to_owned(), Rc::clone(&own));
        own
    }

    /// The workflows whose agents an outsider starts by this trigger of the outermost one.
    fn started(&self, path: &str, (at, trigger): (usize, &Trigger), depth: usize) -> Started {
        if depth > MAX_DEPTH {
            return Started::new();
        }
        let key = (path.to_owned(), at);
        if let Some(known) = self.started.borrow().get(&key) {
            return known.clone();
        }
        // One that leads back to itself starts nothing that way.
        self.started.borrow_mut().insert(key.clone(), Started::new());
        let mut started = Started::new();
        let Some(document) = self.files.document(path) else { return started };
        let jobs = jobs_of(&document, self.files);
        for job in jobs.values() {
            let token = is_wide(&Token::of(job.node, &document));
            for step in agent_steps(&document, &[trigger], &jobs, job, self.files) {
                if !step.outsider_by.is_empty() {
                    let reach = started.entry(path.to_owned()).or_default();
                    reach.token |= token;
                    reach.secrets |= step.sees_secrets();
                }
            }
            let called = job.node.get("uses").and_then(Node::text);
            let Some(inner) = called.and_then(|called| called.strip_prefix("./")) else { continue };
            let asked =
                Asked { who: Who::Outsider, trigger, checks: &Checks::default(), after: After::Success };
            if !job.condition.as_ref().is_none_or(|condition| asked.of(condition).hold)
                || !needed(&jobs, job, asked)
            {
                continue;
            }
            let has_secrets = handed(job.node) != CallSecrets::Some(BTreeSet::new());
            for (led, reach) in self.started(inner, (at, trigger), depth + 1) {
                let own = started.entry(led).or_default();
                own.secrets |= reach.secrets && has_secrets;
                own.token |= reach.token && token;
            }
        }
        self.started.borrow_mut().insert(key, started.clone());
        started
    }
}

/// The secrets that a job hands to the workflow that it calls.
fn handed(job: &Node) -> CallSecrets {
    match job.get("secrets") {
        Some(said) if said.text() == Some("inherit") => CallSecrets::All,
        Some(said) => CallSecrets::Some(said.members().iter().map(|member| member.key.clone()).collect()),
        None => CallSecrets::Some(BTreeSet::new()),
    }
}
