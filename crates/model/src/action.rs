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
