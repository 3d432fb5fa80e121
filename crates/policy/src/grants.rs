//! What people have granted in a task already, as the judge asks for it. Who keeps them, and when they end, is the
//! caller's; what a grant can lift is the judge's.

use writ_model::{Action, ApprovalLevel, GrantId};

/// Looks up the grants of one task that hold now.
pub trait Grants {
    /// The grant that covers this action, with the approval that was given for it.
    ///
    /// It is asked for each action that is not allowed as things are; the policies are then asked again with that
    /// approval, for that action alone. So a grant lifts what a person's yes of that level could lift, and nothing else.
    /// Actions that no grant may cover ([`Action::is_grantable`]) are never asked for.
    fn covering(&self, action: &Action) -> Option<(GrantId, ApprovalLevel)>;
}

/// Nothing was granted.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoGrants;

// === impl NoGrants ===

impl Grants for NoGrants {
    fn covering(&self, _action: &Action) -> Option<(GrantId, ApprovalLevel)> {
        None
    }
}
