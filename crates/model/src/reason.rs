//! Reason codes: the stable words by which a refusal says why.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)*) => {
        /// Why a call was refused or is waiting. Stable; listed in SPECIFICATION.md.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ReasonCode {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $variant,)*
        }

        impl ReasonCode {
            /// Every code with its meaning, for the documentation.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, concat!($($doc),+)),)*];

            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

reasons! {
    /// Policy allows it.
    Allowed = "allowed",
    /// A person approved exactly this call, once.
    Approved = "approved",
    /// The agent is not active.
    AgentNotActive = "agent-not-active",
    /// The door where the effect leaves decides, with what it really is.
    AtBoundary = "at-boundary",
    /// A person refused the request.
    ApprovalRefused = "approval-refused",
    /// Nobody answered in the time the client waits; the request stays open.
    ApprovalPending = "approval-pending",
    /// Too many requests of this task wait already.
    ApprovalsFull = "approvals-full",
    /// The control plane said no: no agent is registered for the client, or the task is another supervisor's.
    ControlRefused = "control-refused",
    /// The control plane or the supervisor did not answer.
    ControlUnreachable = "control-unreachable",
    /// Policy could not be evaluated.
    EvaluationError = "evaluation-error",
    /// The agent's model, instructions, tools or client changed and nobody accepted it.
    FingerprintChanged = "fingerprint-changed",
    /// A grant that a person gave in this task covers it.
    Granted = "granted",
    /// A shipped guardrail forbids it.
    Guardrail = "guardrail",
    /// The hook failed inside.
    HookFailed = "hook-failed",
    /// The hook's input is no message of this client.
    InputMalformed = "input-malformed",
    /// The hook's input is larger than anybody needs.
    InputTooLarge = "input-too-large",
    /// The task reached a limit and was closed.
    LimitReached = "limit-reached",
    /// The client talks to its own model, as the user's settings name it.
    Model = "model",
    /// Policy wants an approval that nobody who reaches this control plane can give.
    NoApprover = "no-approver",
    /// No answer was ready before the client would have given up waiting.
    NotInTime = "not-in-time",
    /// The organisation's policy does not allow it.
    Organisation = "organisation",
    /// The decision could not be recorded.
    RecordFailed = "record-failed",
    /// The session recorded more bytes than its task may.
    RecordFull = "record-full",
    /// Agent, task or owner was revoked.
    Revoked = "revoked",
    /// Policy wants a person's approval first.
    StepUp = "step-up",
    /// The task is closed or suspended.
    TaskNotOpen = "task-not-open",
    /// The task's own scope does not allow it.
    TaskScope = "task-scope",
    /// A call that was allowed is under way and reaches this host.
    UnderWay = "under-way",
    /// Nobody can say what the call would do.
    Unknown = "unknown",
    /// The writ ran out.
    WritExpired = "writ-expired",
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
