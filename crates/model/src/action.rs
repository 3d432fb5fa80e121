//! Actions: one effect on one resource. A call yields a set of them; each is decided, the strictest answer wins.

use crate::effect::EffectClass;
use crate::resource::Resource;

/// One effect on one resource, and what showed it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Action {
    pub effect: EffectClass,
    pub resource: Resource,
    /// Which words of the call, by which rule, said so. For people; no decision rests on it.
    pub because: String,
}

// === impl Action ===

impl Action {
    /// Whether a grant may cover it at all. What releases, destroys, reads secrets or changes authority is asked for each
    /// time, and so is what nobody can name.
    pub const fn is_grantable(&self) -> bool {
        self.effect.is_grantable() && !matches!(self.resource, Resource::Unknown { .. })
    }
}
