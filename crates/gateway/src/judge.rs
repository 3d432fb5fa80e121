//! The judge as the door sees it: one per task, asked for each call.

use std::path::PathBuf;
use std::sync::Arc;

use writ_model::{ApprovalLevel, Digest, ToolCall};
use writ_policy::{
    Engine, Files, Grants, Ground, Judgement, KnownHosts, Moment, OnIncident, PrivateData, StepUp, Stopped,
    TaskBounds, TaskJudge, TaskScope, Workspace,
};

use crate::port::TaskFacts;

/// Judges the calls of one task. A panic in here is a denial at the door.
pub trait Judge: Send + Sync + 'static {
    /// With the grants that may serve it.
    fn judge(&self, call: ToolCall, moment: &Moment, grants: &dyn Grants) -> Judgement;

    /// Judges a held call again, with the yes that was spent on it.
    fn judge_again(
        &self,
        held: StepUp,
        level: ApprovalLevel,
        moment: &Moment,
        grants: &dyn Grants,
    ) -> Judgement;

    /// What policies say about something that was stopped on its way out.
    fn on_incident(&self, stopped: Stopped<'_>, moment: &Moment) -> OnIncident {
        let _ = (stopped, moment);
        OnIncident::default()
    }

    /// The user's home folder, where it is known.
    fn home(&self) -> Option<&std::path::Path> {
        None
    }

    /// Where calls are looked at from, for what they let in.
    fn ground(&self) -> Ground<'_>;

    /// Digest over the policies, for decisions that are made without asking them.
    fn version(&self) -> Digest;
}

/// Where the judge of a task comes from.
pub trait Bench: Send + Sync + 'static {
    /// # Errors
    /// When there can be no judge for it. Nothing of the task is allowed then.
    fn judge_of(&self, facts: &TaskFacts) -> Result<Arc<dyn Judge>, NoJudge>;
}

/// There can be no judge for the task.
#[derive(Debug, thiserror::Error)]
#[error("the policies of the task cannot be made")]
pub struct NoJudge(#[from] writ_policy::ScopeError);

/// The bench over the policies of this host.
pub struct PolicyBench {
    pub engine: Arc<Engine>,
    pub files: Arc<dyn Files + Send + Sync>,
    /// The user's home folder, real.
    pub home: Option<PathBuf>,
    /// Folders for throw-away files, real.
    pub scratch: Vec<PathBuf>,
    /// Writ's state, configuration and sockets, and its program, real.
    pub own: Vec<PathBuf>,
    /// What the owner of the machine marked private.
    pub private: PrivateData,
    /// What is known of hosts, for what leaves.
    pub known: KnownHosts,
}

struct PolicyJudge {
    judge: TaskJudge,
    home: Option<PathBuf>,
    files: Arc<dyn Files + Send + Sync>,
    private: PrivateData,
}

// === impl PolicyBench ===

impl Bench for PolicyBench {
    fn judge_of(&self, facts: &TaskFacts) -> Result<Arc<dyn Judge>, NoJudge> {
        let scope = TaskScope {
            task: facts.task.clone(),
            agent_name: facts.agent_name.clone(),
            agent_owner: facts.agent_owner.clone(),
            agent_environment: facts.agent_environment.clone(),
            team: None,
            bounds: facts.bounds.clone().map(|bounds| Arc::new(TaskBounds::new(bounds))),
            workspace: Workspace {
                root: facts.workspace.clone(),
                home: self.home.clone(),
                scratch: self.scratch.clone(),
                own: self.own.clone(),
            },
        };
        let judge = self.engine.for_task(scope)?.knowing(self.known.clone());
        Ok(Arc::new(PolicyJudge {
            judge,
            home: self.home.clone(),
            files: Arc::clone(&self.files),
            private: self.private.clone(),
        }))
    }
}

// === impl PolicyJudge ===

impl Judge for PolicyJudge {
    fn judge(&self, call: ToolCall, moment: &Moment, grants: &dyn Grants) -> Judgement {
        self.judge.judge_with(call, moment, grants, self.files.as_ref())
    }

    fn judge_again(
        &self,
        held: StepUp,
        level: ApprovalLevel,
        moment: &Moment,
        grants: &dyn Grants,
    ) -> Judgement {
        held.judge_again_with(&self.judge, level, moment, grants, self.files.as_ref())
    }

    fn on_incident(&self, stopped: Stopped<'_>, moment: &Moment) -> OnIncident {
        self.judge.on_incident(stopped, moment)
    }

    fn home(&self) -> Option<&std::path::Path> {
        self.home.as_deref()
    }

    fn ground(&self) -> Ground<'_> {
        Ground {
            workspace: &self.judge.scope().workspace,
            files: self.files.as_ref(),
            private: &self.private,
        }
    }

    fn version(&self) -> Digest {
        self.judge.version()
    }
}
