//! Which policies say that an agent is suspended for an incident. They are written in one form only: whoever misspells one
//! is told, in place of having a policy that suspends nobody.

use cedar_policy::{ActionConstraint, Effect, Policy};

use crate::schema::incident_uid;

pub(super) const ANNOTATION: &str = "on_incident";

const HELP: &str = "write `@on_incident(\"suspend\") forbid (principal, action == Writ::Action::\"incident\", resource) when { … };`";

/// Whether the policy is about incidents; else what is wrong with it, and what to write.
pub(super) fn asks(policy: &Policy) -> Result<bool, (&'static str, &'static str)> {
    let (is_about, is_only) = match policy.action_constraint() {
        ActionConstraint::Any => (false, false),
        ActionConstraint::Eq(action) => (action == incident_uid(), true),
        ActionConstraint::In(actions) => (actions.contains(&incident_uid()), false),
    };
    match (policy.annotation(ANNOTATION), is_about) {
        (None, false) => Ok(false),
        (None, true) => Err(("it is about incidents and does not say what follows from one", HELP)),
        (Some("suspend"), true) if is_only && policy.effect() == Effect::Forbid => Ok(true),
        (Some("suspend"), _) => {
            Err(("`@on_incident` is for a `forbid` about incidents and nothing else", HELP))
        }
        (Some(_), _) => Err(("`suspend` is all that can follow from an incident", HELP)),
    }
}
