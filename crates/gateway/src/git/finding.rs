//! What in the objects of a push should not leave, or changes who may do what.

use writ_model::{Finding, FindingKind};

pub(super) mod identity;
pub(super) mod secret;
pub(super) mod usual;

/// Most findings of one push.
const MAX_FINDINGS: usize = 64;

/// Findings so far, each said once.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) list: Vec<Finding>,
    /// There were more.
    pub(super) is_cut: bool,
}

// === impl Findings ===

impl Findings {
    pub(super) fn add(&mut self, kind: FindingKind, path: &str, says: String) {
        let finding = Finding { kind, path: path.to_owned(), says };
        if self.list.contains(&finding) {
            return;
        }
        if self.list.len() == MAX_FINDINGS {
            self.is_cut = true;
        } else {
            self.list.push(finding);
        }
    }
}
