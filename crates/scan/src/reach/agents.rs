//! Agents in CI: the job that each runs in, and who starts it.
//!
//! What such an agent writes with the job's own token starts no workflow and changes none
//! (<https://docs.github.com/actions/security-for-github-actions/security-guides/automatic-token-authentication>), so
//! its chains go through what its job holds and not over a branch.

use std::path::Path;

use super::facts::Facts;
use super::{Fact, Place};
use crate::approval::Approval;
use crate::ci::gitlab::GitlabPipeline;
use crate::ci::{Gate, TokenSource, Workflow};
use crate::survey::Found;

/// One agent in one job, however many steps run it.
#[derive(Clone, Debug, Default)]
pub struct CiAgent {
    /// `ci:FILE#JOB`.
    pub name: String,
    pub tool: &'static str,
    /// By what an account without write access starts it; empty where none does.
    pub outsider: Vec<Fact>,
    /// What stands between such an account and the agent.
    pub gates: Vec<Fact>,
    /// What it does unasked.
    pub unasked: Vec<String>,
}

// === impl Facts ===

impl Facts {
    /// Agents in what a forge runs. Its workflows have been read before.
    pub(super) fn add_ci(&mut self, found: &[Found]) {
        for one in found {
            if let Some(workflow) = one.workflow.as_ref().filter(|workflow| !workflow.is_action) {
                self.of_workflow(&one.path, workflow);
            }
            if let Some(pipeline) = &one.gitlab {
                self.of_pipeline(&one.path, pipeline);
            }
        }
        // Who starts a workflow starts what it calls.
        for one in found {
            let calls = one.workflow.iter().flat_map(|workflow| &workflow.calls);
            for call in calls.filter(|call| call.outsider) {
                let says =
                    format!("an account without write access starts job `{}`, which calls it", call.job);
                let fact = Fact { path: one.path.clone(), line: call.line, says };
                let begins: Vec<String> = call.leads_to.iter().map(|path| format!("ci:{path}#")).collect();
                let led = |name: &str| begins.iter().any(|begin| name.starts_with(begin.as_str()));
                for agent in self.ci.values_mut().filter(|agent| led(&agent.name)) {
                    agent.outsider.push(fact.clone());
                }
            }
        }
    }

    fn of_workflow(&mut self, path: &Path, workflow: &Workflow) {
        for step in &workflow.agents {
            let job = format!("{}#{}", path.display(), step.job);
            let fact = |line: u32, says: String| Fact { path: path.to_owned(), line, says };
            if !self.jobs.iter().any(|(known, _)| *known == job) {
                // A workflow that is not at the top of this repository: of its jobs, those with agents are known.
                for name in step.secrets.iter().filter(|name| *name != "GITHUB_TOKEN") {
                    let says = format!("job `{}` sees secret {name}", step.job);
                    self.holds.push((job.clone(), Place::Secret(name.clone()), fact(step.line, says)));
                }
                let line = step.token.line.unwrap_or(step.line);
                for scope in step.token.writes() {
                    let says = format!("the token of job `{}` writes {scope}", step.job);
                    self.holds.push((job.clone(), Place::Scope(scope.to_owned()), fact(line, says)));
                }
                if step.token.source == TokenSource::Inherited {
                    let fact = fact(line, super::facts::says_default(&step.job));
                    self.holds.push((job.clone(), Place::Scope(super::facts::DEFAULT.to_owned()), fact));
                }
            }
            let says = format!("`{}` runs in job `{}`", step.runs, step.job);
            let agent = self.ci_agent(job, step.agent, fact(step.line, says), &step.approval);
            for trigger in workflow.triggers.iter().filter(|trigger| step.outsider_by.contains(&trigger.name))
            {
                let says = format!("an account without write access starts it by `{}`", trigger.name);
                agent.outsider.push(fact(trigger.line, says));
            }
            match step.gate {
                Gate::None | Gate::NotApplicable => {}
                Gate::Action | Gate::If | Gate::NeedsJob => {
                    let says = format!("accounts without write access are turned away: {}", step.gate.name());
                    agent.gates.push(fact(step.line, says));
                }
            }
        }
    }

    fn of_pipeline(&mut self, path: &Path, pipeline: &GitlabPipeline) {
        for found in &pipeline.agents {
            let path = found.file.as_ref().map_or(path, Path::new);
            let job = format!("{}#{}", path.display(), found.job);
            let fact = |says: String| Fact { path: path.to_owned(), line: found.line, says };
            for name in &found.secrets {
                let says = format!("job `{}` names {name}", found.job);
                self.holds.push((job.clone(), Place::Secret(name.clone()), fact(says)));
            }
            for name in &found.id_tokens {
                let says = format!("job `{}` gets a signed statement of who it is, as {name}", found.job);
                self.holds.push((
                    job.clone(),
                    Place::Credential(format!("identity token {name}")),
                    fact(says),
                ));
            }
            let says = format!("`{}` runs in job `{}`", found.runs, found.job);
            self.ci_agent(job, found.agent, fact(says), &found.approval);
        }
    }

    /// The agent of this tool in this job, new or known.
    fn ci_agent(&mut self, job: String, tool: &'static str, runs: Fact, approval: &Approval) -> &mut CiAgent {
        let name = format!("ci:{job}");
        self.has.push((name.clone(), Place::Job(job), runs));
        let evidence = approval.evidence.iter().map(|evidence| evidence.text.clone());
        let agent = self.ci.entry((name.clone(), tool)).or_default();
        agent.name = name;
        agent.tool = tool;
        agent.unasked.extend(evidence);
        agent
    }
}
