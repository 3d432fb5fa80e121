//! A file system that is not there: every path exists, and links are those that the steps made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use writ_model::Operation;

use super::{ROOT, Step};
use crate::place::{Entry, Files};
use crate::taint;

/// Most links that are remembered.
const LINKS: usize = 1_000;

/// The links that were made so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Drawn {
    links: BTreeMap<PathBuf, PathBuf>,
}

// === impl Drawn ===

impl Drawn {
    /// Remembers the links that a step makes and that a later part of the same line could use.
    pub fn foresee(&mut self, step: &Step) {
        self.learn_parts(step, true);
    }

    /// Remembers the links that a step made.
    pub fn learn(&mut self, step: &Step) {
        self.learn_parts(step, false);
    }

    fn learn_parts(&mut self, step: &Step, but_last: bool) {
        let Operation::Shell { command } = &step.operation else { return };
        let cwd = Path::new(ROOT).join(&step.cwd);
        let parts = taint::links(command);
        let taken = parts.len().saturating_sub(usize::from(but_last));
        for (link, target) in parts.into_iter().take(taken).flatten() {
            if self.links.len() < LINKS {
                self.links.insert(cwd.join(link).components().collect(), PathBuf::from(target));
            }
        }
    }
}

impl Files for Drawn {
    fn entry(&self, path: &Path) -> Entry {
        match self.links.get(path) {
            Some(target) => Entry::Link(target.clone()),
            None => Entry::Plain,
        }
    }
}
