//! The judge's answers as values. A [`Permit`] can only be made here, by a judgement; who holds one holds the proof
//! that policy allowed exactly this call.

use writ_model::{Action, ApprovalLevel, Decision, EffectClass, GrantId, Label, ToolCall};

use crate::source::Layer;

/// What became of a call.
#[derive(Debug)]
pub enum Judgement {
    Denied(Denial),
    Permit(Permit),
    /// A person has to be asked first.
    StepUp(StepUp),
}

/// What every answer carries: the call, what it would do, and what was decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruling {
    pub call: ToolCall,
    pub actions: Vec<Action>,
    pub decision: Decision,
}

/// Policy allows this call. To act on it takes a receipt of its record too.
#[derive(Debug)]
#[must_use = "a permit that is not recorded allows nothing"]
pub struct Permit {
    pub(crate) ruling: Ruling,
    pub(crate) approval: Option<ApprovalLevel>,
    /// The least that the grants were given by which it rests on.
    pub(crate) granted: Option<ApprovalLevel>,
}

/// Policy refuses this call.
#[derive(Debug)]
pub struct Denial {
    pub(crate) ruling: Ruling,
    pub(crate) text: Text,
}

/// Policy allows this call once somebody says yes.
#[derive(Debug)]
pub struct StepUp {
    pub(crate) ruling: Ruling,
    pub(crate) level: ApprovalLevel,
    /// Those of the ruling's actions that are not allowed as things are.
    pub(crate) held: Vec<Action>,
    /// Why they wait, each reason once.
    pub(crate) reasons: Vec<String>,
    /// The policies that hold them, each once.
    pub(crate) holders: Vec<(Layer, Label)>,
    /// One of these looks at what the session has read.
    pub(crate) is_by_session: bool,
    pub(crate) unasked: String,
    pub(crate) text: Text,
}

/// The two messages of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub agent: String,
    pub operator: String,
}

// === impl Judgement ===

impl Judgement {
    pub const fn ruling(&self) -> &Ruling {
        match self {
            Self::Denied(denial) => &denial.ruling,
            Self::Permit(permit) => &permit.ruling,
            Self::StepUp(step_up) => &step_up.ruling,
        }
    }
}

// === impl Permit ===

impl Permit {
    pub const fn ruling(&self) -> &Ruling {
        &self.ruling
    }

    /// Whose yes it rests on, where it took one.
    pub const fn approval(&self) -> Option<ApprovalLevel> {
        self.approval
    }

    /// Whose yes the grants were given by that it rests on, the least of them; nothing where it rests on none.
    pub const fn granted(&self) -> Option<ApprovalLevel> {
        self.granted
    }

    /// The grants that it rests on; empty where it would have been allowed without any.
    pub fn grants(&self) -> &[GrantId] {
        &self.ruling.decision.grants
    }

    /// Whether every action is of a class whose record may be synced shortly after the answer. Decided by the actions,
    /// not by the tool: one action of another class and the answer waits for the disk.
    pub fn is_ordinary(&self) -> bool {
        self.approval.is_none()
            && self.ruling.actions.iter().all(|action| EffectClass::is_ordinary(action.effect))
    }

    /// Spends the permit.
    pub fn into_ruling(self) -> Ruling {
        self.ruling
    }
}

// === impl Denial ===

impl Denial {
    pub const fn ruling(&self) -> &Ruling {
        &self.ruling
    }

    /// For the agent: what was refused and why, what it may do instead, how to ask.
    pub fn to_agent(&self) -> &str {
        &self.text.agent
    }

    /// For the operator: every action with its answer and the policies behind it.
    pub fn to_operator(&self) -> &str {
        &self.text.operator
    }

    pub fn into_ruling(self) -> Ruling {
        self.ruling
    }
}

// === impl StepUp ===

impl StepUp {
    pub const fn ruling(&self) -> &Ruling {
        &self.ruling
    }

    /// The actions that wait; the others are allowed anyway.
    pub fn held(&self) -> &[Action] {
        &self.held
    }

    /// Why they wait, in the words of the policies, with what the session has read; each reason once, and those first that tell
    /// of what was read. For whoever says yes.
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    /// The policies that hold the call, of all layers, which a yes would lift. A layer that only lets it in with a yes has none.
    pub fn holders(&self) -> impl Iterator<Item = (Layer, &Label)> {
        self.holders.iter().map(|(layer, label)| (*layer, label))
    }

    /// Whether one of the policies that hold the call looks at what the session has read.
    pub const fn is_by_session(&self) -> bool {
        self.is_by_session
    }

    /// The guardrails that hold the call, which a yes would lift.
    pub fn guardrails(&self) -> impl Iterator<Item = &Label> {
        self.ruling.decision.policies.iter().filter(|policy| policy.as_str().starts_with("guardrails:"))
    }

    /// For the agent, where nobody can say that yes: what the call would do, and why it is not allowed without.
    pub fn unasked(&self) -> &str {
        &self.unasked
    }

    /// Whose yes is needed.
    pub const fn level(&self) -> ApprovalLevel {
        self.level
    }

    /// For the agent, when nobody answered in time: that it waits for a person, and what to do meanwhile.
    pub fn to_agent(&self) -> &str {
        &self.text.agent
    }

    /// For the operator: every action with its answer and the policies behind it.
    pub fn to_operator(&self) -> &str {
        &self.text.operator
    }

    pub fn into_ruling(self) -> Ruling {
        self.ruling
    }
}
