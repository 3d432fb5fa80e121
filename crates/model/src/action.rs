//! Actions: one effect on one resource. A call yields a set of them; each is decided, the strictest answer wins.

use std::fmt;
use std::ops::Range;

use crate::effect::EffectClass;
use crate::resource::Resource;

/// One effect on one resource, and what showed it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Action {
    pub effect: EffectClass,
    pub resource: Resource,
    pub because: Because,
}

/// What showed an action: which part of the call, by which rule. For people; no decision rests on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Because {
    /// One sentence, without a full stop.
    pub says: String,
    /// Stable name of the classifier's rule; empty where no command line was read.
    pub rule: String,
    /// Byte range in the command line as the client sent it; nothing where the whole call says so.
    pub part: Option<Range<usize>>,
}

// === impl Because ===

impl Because {
    /// The words of `command` that it is about.
    pub fn quoted<'c>(&self, command: &'c str) -> Option<&'c str> {
        self.part.clone().and_then(|part| command.get(part))
    }
}

impl From<&str> for Because {
    fn from(says: &str) -> Self {
        Self { says: says.to_owned(), ..Self::default() }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { says, rule, part: _ } = self;
        if rule.is_empty() { f.write_str(says) } else { write!(f, "{says} ({rule})") }
    }
}

// === impl Action ===

impl Action {
    /// Whether a grant may cover it at all. What releases, destroys, reads secrets or changes authority is asked for each
    /// time, and so is what nobody can name.
    pub const fn is_grantable(&self) -> bool {
        self.effect.is_grantable() && !matches!(self.resource, Resource::Unknown { .. })
    }
}
