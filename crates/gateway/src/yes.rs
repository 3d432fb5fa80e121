//! A person's yes: what it is bound to before it is given, and how far it goes once it was spent.

use serde_json::json;
use writ_model::{ApprovalLevel, Digest, Label};
use writ_policy::{Layer, StepUp};

use crate::admit::sha256;

/// What one yes lifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Yes {
    /// Who gave it.
    level: ApprovalLevel,
    /// The policies that held what it was given to.
    lifted: Vec<Label>,
}

// === impl Yes ===

impl Yes {
    pub(crate) fn to(held: &StepUp, level: ApprovalLevel) -> Self {
        Self { level, lifted: held.holders().map(|(_, label)| label.clone()).collect() }
    }

    /// One that nobody was shown a card for: a grant of this level.
    pub(crate) fn by_grant(level: ApprovalLevel) -> Self {
        Self { level, lifted: Vec::new() }
    }

    /// The same, with what holds the call by what it lets in itself.
    pub(crate) fn and(mut self, held: &StepUp) -> Self {
        self.lifted.extend(held.holders().map(|(_, label)| label.clone()));
        self
    }

    /// Whether it is a yes to this too: as many people gave it, and each policy that holds this was lifted by it.
    pub(crate) fn covers(&self, held: &StepUp) -> bool {
        self.level.includes(held.level()) && held.holders().all(|(_, label)| self.lifted.contains(label))
    }
}

/// Whether policies of the organisation hold a call. No door passes over them.
pub(crate) fn is_by_organisation(held: &StepUp) -> bool {
    held.holders().any(|(layer, _)| layer == Layer::Organisation)
}

/// What a yes is bound to: the exact action, and why it is held. A call that is held for anything else by then, or by more, is
/// another question. `touched` counts where what the session has read is a reason. The words of the reasons do not: they name
/// the very call, and the same call made again is the same question.
pub(crate) fn bound(action: Digest, held: &StepUp, touched: &str) -> Digest {
    let holders: Vec<&str> = held.holders().map(|(_, label)| label.as_str()).collect();
    let question = json!({
        "v": 1,
        "action": action.to_string(),
        "needs": held.level().name(),
        "holders": holders,
        "touched": held.is_by_session().then_some(touched),
    });
    sha256(question.to_string().as_bytes())
}
