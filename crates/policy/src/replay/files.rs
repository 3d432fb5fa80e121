//! A file system that is not there: every path exists, and links are those that the steps made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use writ_model::Operation;

use super::{ROOT, Step};
use crate::place::{Entry, Files};

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
        let parts: Vec<&str> =
            command.split([';', '|', '&', '\n']).filter(|part| !part.trim().is_empty()).collect();
        let taken = parts.len().saturating_sub(usize::from(but_last));
        for part in parts.into_iter().take(taken) {
            let words: Vec<&str> =
                part.split_whitespace().map(|word| word.trim_matches(['"', '\'', '(', ')'])).collect();
            let Some((_, arguments)) = words.split_first().filter(|(program, _)| **program == "ln") else {
                continue;
            };
            let (options, names): (Vec<&str>, Vec<&str>) =
                arguments.iter().partition(|word| word.starts_with('-'));
            let symbolic = options
                .iter()
                .any(|option| *option == "--symbolic" || (!option.starts_with("--") && option.contains('s')));
            let (Some(target), true) = (names.first(), symbolic && self.links.len() < LINKS) else {
                continue;
            };
            let base = target.trim_end_matches('/').rsplit('/').next().unwrap_or(target);
            let link = match names.get(1) {
                Some(link) if link.ends_with('/') || *link == "." => cwd.join(link).join(base),
                Some(link) => cwd.join(link),
                None => cwd.join(base),
            };
            self.links.insert(link.components().collect(), PathBuf::from(target));
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
