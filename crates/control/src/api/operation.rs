//! The one list of operations: name, request, answer, and who may ask. Everything else is derived from it.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::message::*;

/// Who an operation is for. All of them come from outside every sandbox, as the user who runs the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A person at a terminal. No writ is looked at, so no agent can stand in for one.
    Person,
    /// The supervisor of a task. Apart from opening one, each request carries the task's writ.
    Supervisor,
}

/// A request with the type of its answer. For a subscription the answer is what every push holds.
pub trait Ask: Into<Op> + Serialize + DeserializeOwned + Debug + Clone + Send + 'static {
    type Answer: Serialize + DeserializeOwned + Debug + Send + 'static;
    const NAME: &'static str;
}

macro_rules! operations {
    ($($(#[doc = $doc:literal])+ $name:literal $ask:ident => $answer:ty, $caller:ident;)*) => {
        /// Every operation.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(tag = "op")]
        pub enum Op {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $ask($ask),)*
        }

        impl Op {
            /// Every operation: its name, whom it is for, and what it does.
            pub const ALL: &'static [(&'static str, Caller, &'static str)] =
                &[$(($name, Caller::$caller, concat!($($doc),+)),)*];

            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$ask(_) => $name,)*
                }
            }

            pub const fn caller(&self) -> Caller {
                match self {
                    $(Self::$ask(_) => Caller::$caller,)*
                }
            }
        }

        $(
            impl From<$ask> for Op {
                fn from(ask: $ask) -> Self {
                    Self::$ask(ask)
                }
            }

            impl Ask for $ask {
                type Answer = $answer;
                const NAME: &'static str = $name;
            }
        )*
    };
}

operations! {
    /// Tells that the control plane lives, its version and the sizes of its logs.
    "status" StatusAsk => Status, Person;

    /// Registers an agent and requests its approval.
    "agent.register" AgentRegister => AgentView, Person;
    /// Records an agent that was found and that nobody registered.
    "agent.discover" AgentDiscover => AgentView, Person;
    /// Lists agents.
    "agent.list" AgentList => Agents, Person;
    /// Shows one agent.
    "agent.show" AgentShow => AgentView, Person;
    /// Counts what an agent did, as the record tells.
    "agent.activity" AgentActivityAsk => AgentActivity, Person;
    /// Approves a requested agent and activates it.
    "agent.approve" AgentApprove => AgentView, Person;
    /// Suspends an active agent and closes its tasks.
    "agent.suspend" AgentSuspend => AgentView, Person;
    /// Resumes a suspended agent.
    "agent.resume" AgentResume => AgentView, Person;
    /// Records that a person looked at the agent, with its next review date.
    "agent.review" AgentReview => AgentView, Person;
    /// Says that an agent's owner is gone: its deputy is asked to take it over, and it stops where nobody does.
    "agent.orphan" AgentOrphan => AgentView, Person;
    /// Takes over an agent whose owner is gone.
    "agent.adopt" AgentAdopt => AgentView, Person;
    /// Ends an agent for good.
    "agent.retire" AgentRetire => AgentView, Person;
    /// Takes an agent out of service until it is retired.
    "agent.quarantine" AgentQuarantine => AgentView, Person;
    /// Accepts the changed fingerprint that was seen.
    "agent.attest" AgentAttest => AgentView, Person;

    /// Lists tasks.
    "task.list" TaskList => Tasks, Person;
    /// Shows one task.
    "task.show" TaskShow => TaskView, Person;
    /// Closes a task.
    "task.close" TaskClose => TaskClosed, Person;

    /// Lists the marked files of a workspace.
    "marks.list" MarksList => Marks, Person;
    /// Clears the mark of a file, or all of a workspace: a person has looked at what is in them.
    "mark.clear" MarkClear => Marks, Person;

    /// Lists approvals.
    "approvals.list" ApprovalsList => Approvals, Person;
    /// Subscribes to approvals: first those that wait, then each that changes.
    "approvals.watch" ApprovalsWatch => ApprovalView, Person;
    /// Says yes to exactly the action that was shown.
    "approve" Approve => ApprovalView, Person;
    /// Says no.
    "deny" Deny => ApprovalView, Person;
    /// Lists the grants of open tasks.
    "grants.list" GrantsList => Grants, Person;
    /// Ends a grant, at once.
    "grant.end" EndGrant => GrantView, Person;

    /// Seals a credential that the egress proxy may lend.
    "secret.add" SecretAdd => SecretView, Person;
    /// Lists sealed credentials. No answer holds a value.
    "secret.list" SecretList => Secrets, Person;
    /// Gives a sealed credential another value; the old one is erased.
    "secret.rotate" SecretRotate => SecretView, Person;
    /// Ends a sealed credential and erases its value.
    "secret.remove" SecretRemove => SecretView, Person;

    /// Ends every authority of an agent, a task or an owner, at once.
    "revoke" Revoke => Revoked, Person;

    /// Searches both streams, newest first.
    "audit.search" AuditSearch => AuditPage, Person;
    /// Shows an entry, or the story of a session, task, call or approval, with its texts.
    "audit.show" AuditShow => AuditStory, Person;
    /// Exports the proof that an entry is in the log (C2SP tlog-proof).
    "audit.prove" AuditProve => AuditProof, Person;
    /// Destroys the texts of a closed task. The log stays verifiable.
    "audit.erase" AuditErase => Erased, Person;

    /// Tells which policy version is loaded.
    "policy.current" PolicyCurrent => PolicyView, Person;

    /// Opens a task for an active agent, and takes it as its supervisor.
    "task.open" TaskOpen => TaskOpened, Supervisor;
    /// Takes over a task whose supervisor is gone. The old supervisor's epoch is stale from then on.
    "task.attach" TaskAttach => TaskOpened, Supervisor;
    /// Opens a task for a session that was started without `writ run`, under the narrowest profile.
    "session.open" SessionOpen => TaskOpened, Supervisor;
    /// Exchanges a writ for one that lasts longer.
    "writ.renew" WritRenew => WritRenewed, Supervisor;
    /// Appends to the activity stream: all or nothing, in order.
    "record" Record => Recorded, Supervisor;
    /// Asks humans to approve an action, or names the request that waits already.
    "approval.ask" ApprovalAsk => ApprovalAsked, Supervisor;
    /// Spends an approval on a call, at most once.
    "approval.take" ApprovalTake => ApprovalTaken, Supervisor;
    /// Waits until an approval is no longer pending.
    "approval.wait" ApprovalWait => ApprovalWaited, Supervisor;
    /// Reports what was seen of the agent's fingerprint.
    "fingerprint.seen" FingerprintSeen => Standing, Supervisor;
    /// Gives the value of a sealed credential that is bound to this agent and kind of task, for one sending.
    "secret.lend" SecretLend => SecretLent, Supervisor;
    /// Subscribes to how the task stands. The supervisor lives as long as this subscription does.
    "standing.watch" StandingWatch => Standing, Supervisor;
    /// Tells what earlier sessions of the conversation let in, and which files of the workspace are marked.
    "taint.recall" TaintRecall => Tainted, Supervisor;
    /// Records what a session let in and which files were written from it.
    "taint.report" TaintReport => TaintNoted, Supervisor;
    /// Closes the task.
    "task.end" TaskEnd => TaskClosed, Supervisor;
}
