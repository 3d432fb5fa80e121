//! A chain of calls, judged one after the other as a session would be, without a session: no control plane, no files,
//! nothing recorded. The judge, the bounds and the taint are the very ones that a governed run has.
//!
//! The folders are made up: the workspace is `/workspace`, the home folder `/home/dev`. Every path is taken to exist,
//! links are known where an earlier step made them. A step that is not allowed did not happen for those after it.

use std::sync::Arc;

use serde_json::Value;
use writ_model::{
    AgentId, AutonomyLevel, CallId, Client, Digest, Human, Label, Limits, ReasonCode, Supervision, Task,
    TaskId, TaskKind, Timestamp, ToolCall, Verdict,
};

use crate::actions::actions_of;
use crate::bounds::TaskBounds;
use crate::engine::{Engine, TaskJudge};
use crate::moment::{Budget, FingerprintState, Moment};
use crate::permit::Judgement;
use crate::place::Workspace;
use crate::scope::{ScopeError, TaskScope};
use crate::taint::{Claim, Footprint, Ground, PathKey, PrivateData, Session, SessionKeys};
use crate::usage::Usage;

mod field;
mod files;
mod scope;
mod step;

use files::Drawn;
pub use step::Step;

/// Where the made-up task works.
const ROOT: &str = "/workspace";
const HOME: &str = "/home/dev";
/// Most steps of one chain.
pub const MAX_STEPS: usize = 1_000;
/// Longest text of one chain in bytes.
pub const MAX_CHAIN_BYTES: usize = 4 << 20;

/// A chain of calls with what its requester named.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub id: String,
    pub task: String,
    pub kind: TaskKind,
    pub bounds: Arc<TaskBounds>,
    pub limits: Limits,
    pub steps: Vec<Step>,
    /// Entries of the scope that could not be read. What they would have named is not named.
    pub unread: Vec<String>,
    /// What the scope says of the task's state that lets nothing happen at all, as `revoked`.
    pub stopped: Option<String>,
}

/// The answer to one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub verdict: Verdict,
    pub reason: ReasonCode,
    /// The policies that decided, sorted.
    pub policies: Vec<Label>,
    /// What the agent would be told; empty for what is allowed.
    pub told: String,
    /// Whose yes it would take, where a yes would do.
    pub takes: Option<String>,
}

/// The chain cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    #[error("it is no JSON: {0}")]
    Json(String),
    #[error("it is longer than {MAX_CHAIN_BYTES} bytes")]
    TooLong,
    #[error("it is no object with `id`, `scope` and `steps`")]
    Shape,
    #[error("`{0}` is missing, or is not of the right type")]
    Field(&'static str),
    #[error("it has more than {MAX_STEPS} steps")]
    TooManySteps,
    #[error("step {0} names no tool")]
    Step(usize),
    #[error("`{0}` of the scope cannot be read, and leaving it out would allow more: {1}")]
    Scope(&'static str, String),
}

// === impl Scenario ===

impl Scenario {
    /// Reads one chain from its JSON text. Members that nobody knows are left out.
    pub fn read(text: &str) -> Result<Self, ScenarioError> {
        if text.len() > MAX_CHAIN_BYTES {
            return Err(ScenarioError::TooLong);
        }
        let value: Value =
            serde_json::from_str(text).map_err(|error| ScenarioError::Json(error.to_string()))?;
        let Value::Object(members) = value else { return Err(ScenarioError::Shape) };
        let id = match members.get("id") {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            Some(_) | None => return Err(ScenarioError::Field("id")),
        };
        let Some(Value::Array(steps)) = members.get("steps") else {
            return Err(ScenarioError::Field("steps"));
        };
        if steps.len() > MAX_STEPS {
            return Err(ScenarioError::TooManySteps);
        }
        let named = match members.get("scope") {
            Some(Value::Object(scope)) => scope::read(scope)?,
            Some(_) | None => return Err(ScenarioError::Field("scope")),
        };
        let kind = match members.get("kind") {
            Some(Value::String(kind)) => kind.parse().map_err(|_| ScenarioError::Field("kind"))?,
            Some(_) => return Err(ScenarioError::Field("kind")),
            None => named.kind,
        };
        let read = |(at, step): (usize, &Value)| Step::read(step).ok_or(ScenarioError::Step(at + 1));
        Ok(Self {
            id,
            task: members.get("task").and_then(Value::as_str).unwrap_or_default().to_owned(),
            kind,
            bounds: Arc::new(TaskBounds::new(named.bounds)),
            limits: named.limits,
            steps: steps.iter().enumerate().map(read).collect::<Result<_, _>>()?,
            unread: named.unread,
            stopped: named.stopped,
        })
    }

    /// Judges every step, each in the light of those before it.
    pub fn judge(&self, engine: &Arc<Engine>) -> Result<Vec<Answer>, ScopeError> {
        let mut run = Run::new(engine, self)?;
        Ok(self.steps.iter().enumerate().map(|(at, step)| run.step(at, step)).collect())
    }
}

/// A chain on its way.
struct Run<'a> {
    scenario: &'a Scenario,
    judge: TaskJudge,
    session: Session,
    files: Drawn,
    usage: Usage,
    denials: u64,
    /// Why nothing is allowed any more.
    ended: Option<String>,
}

// === impl Run ===

impl<'a> Run<'a> {
    fn new(engine: &Arc<Engine>, scenario: &'a Scenario) -> Result<Self, ScopeError> {
        let judge = engine.for_task(task_scope(scenario))?;
        let keys = SessionKeys { texts: [7; 32], paths: PathKey::new(&[7; 32]) };
        let ended = scenario.stopped.clone();
        Ok(Self {
            scenario,
            judge,
            session: Session::new(keys),
            files: Drawn::default(),
            usage: Usage::default(),
            denials: 0,
            ended,
        })
    }

    fn step(&mut self, at: usize, step: &Step) -> Answer {
        if let Some(why) = &self.ended {
            return Answer::closed(why);
        }
        let limits = self.scenario.limits;
        if u64::try_from(at).unwrap_or(u64::MAX) >= limits.calls {
            self.ended = Some("it has made all the calls it may make".to_owned());
            return Answer::closed("it has made all the calls it may make");
        }
        let before = self.files.clone();
        self.files.foresee(step);
        // One step can be several calls, as the addresses that a shown text loads; the strictest answer counts.
        let calls = step.calls(ROOT, self.scenario.bounds.as_ref(), at);
        let mut answer = Answer::nothing();
        let mut prints = Vec::new();
        for call in calls {
            let (one, print) = self.call(call);
            if one.verdict >= answer.verdict {
                answer = one;
            }
            prints.extend(print);
        }
        if answer.verdict == Verdict::Allow {
            let written: Vec<&str> = prints.iter().flat_map(|(_, print)| print.written()).collect();
            self.files.learn(step, written.into_iter());
            let workspace = self.judge.scope().workspace.clone();
            let private = PrivateData::default();
            let ground = Ground { workspace: &workspace, files: &self.files, private: &private };
            for (id, print) in &prints {
                self.session.after(print, &ground);
                self.session.heard(*id, &Claim { output: step.output.as_deref(), untrusted: step.untrusted });
            }
        } else {
            self.files = before;
            self.denials += 1;
            if self.denials >= limits.denials {
                self.ended = Some("it was refused too often".to_owned());
            }
        }
        answer
    }

    fn call(&mut self, call: ToolCall) -> (Answer, Option<(CallId, Footprint)>) {
        let workspace = &self.judge.scope().workspace;
        let actions = actions_of(&call, workspace, &self.files);
        let private = PrivateData::default();
        let ground = Ground { workspace, files: &self.files, private: &private };
        let print = Footprint::of(&call, &actions, &ground);
        let before = self.session.before(&print, &ground);
        let moment = Moment {
            now: opened_at(),
            budget: Budget::AMPLE,
            fingerprint: FingerprintState::Accepted,
            autonomy: AutonomyLevel::ASKS,
            taint: before.taint,
            chain: before.chain,
            story: before.story,
            carried: before.carried,
        };
        if let Some(cause) = self.usage.beyond(&actions, &self.scenario.limits) {
            self.ended = Some(format!("it reached its {cause}"));
            return (Answer::closed(&format!("it reached its {cause}")), None);
        }
        let id = call.id;
        let judgement = self.judge.judge(call, &moment, &self.files);
        let ruling = judgement.ruling();
        let stop = self.scenario.bounds.stopped_by(ruling);
        if let Some(condition) = stop {
            self.ended = Some(format!("it was to stop on `{condition}`"));
        } else if ruling.decision.verdict == Verdict::Allow {
            self.usage.count(&ruling.actions);
        }
        let answer = Answer::of(&judgement, stop.is_some());
        (answer, Some((id, print)))
    }
}

fn opened_at() -> Timestamp {
    Timestamp::from_millis(0)
}

fn task_scope(scenario: &Scenario) -> TaskScope {
    let at = opened_at();
    let nobody = Digest::new([0; 32]);
    let requester = Human(Label::lossy("requester"));
    TaskScope {
        task: Task {
            id: TaskId::new(at, [1; 10]),
            agent: AgentId::new(at, [2; 10]),
            client: Client::ClaudeCode,
            kind: scenario.kind,
            requester: requester.clone(),
            intent: nobody,
            workspace: nobody,
            branch_prefix: Label::lossy("writ/replay/"),
            environment: Label::lossy("local"),
            supervision: Supervision::Governed,
            limits: scenario.limits,
            bounds: None,
            opened_at: at,
        },
        agent_name: Label::lossy("replay"),
        agent_owner: requester,
        agent_environment: Label::lossy("local"),
        team: None,
        workspace: Workspace {
            root: ROOT.into(),
            home: Some(HOME.into()),
            scratch: vec!["/tmp".into(), "/var/tmp".into()],
            own: vec![
                format!("{HOME}/.local/state/writ").into(),
                format!("{HOME}/.config/writ").into(),
                format!("{HOME}/.local/bin/writ").into(),
            ],
        },
        bounds: Some(Arc::clone(&scenario.bounds)),
    }
}

// === impl Answer ===

impl Answer {
    fn of(judgement: &Judgement, stops: bool) -> Self {
        let decision = &judgement.ruling().decision;
        let (verdict, told, takes) = match judgement {
            Judgement::Permit(_) => (Verdict::Allow, String::new(), None),
            Judgement::Denied(denial) => (Verdict::Deny, denial.to_agent().to_owned(), None),
            Judgement::StepUp(held) if stops => (Verdict::Deny, held.to_agent().to_owned(), None),
            Judgement::StepUp(held) => {
                (Verdict::StepUp, held.to_agent().to_owned(), Some(held.level().name().to_owned()))
            }
        };
        Self { verdict, reason: decision.reason, policies: decision.policies.clone(), told, takes }
    }

    fn closed(why: &str) -> Self {
        Self {
            verdict: Verdict::Deny,
            reason: ReasonCode::LimitReached,
            policies: Vec::new(),
            told: format!("the task is closed: {why}"),
            takes: None,
        }
    }

    /// Before any call was judged.
    fn nothing() -> Self {
        Self {
            verdict: Verdict::Allow,
            reason: ReasonCode::Allowed,
            policies: Vec::new(),
            told: String::new(),
            takes: None,
        }
    }
}

#[cfg(test)]
mod tests;
