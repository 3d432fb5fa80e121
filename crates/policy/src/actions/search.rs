//! A search of a client's own tool. It leaves out hidden and ignored files, unless it is told a name.

use writ_model::EffectClass;

use super::Found;
use crate::classify::Sweep;
use crate::place::pattern::{alternatives, is_pattern};

const BECAUSE: &str = "the tool searches in it";

// === impl Found ===

impl Found<'_> {
    pub(super) fn search(&mut self, folders: &[String], pattern: Option<&str>) {
        self.paths(EffectClass::Read, folders, BECAUSE);
        let Some(pattern) = pattern.filter(|pattern| !pattern.starts_with('!')) else { return };
        for pattern in alternatives(pattern) {
            // One that leaves the folder is a path of its own.
            if pattern.starts_with(['/', '~']) || pattern.split('/').any(|part| part == "..") {
                let start = pattern
                    .find(['*', '?', '['])
                    .map_or(pattern.as_str(), |open| super::pattern::folder_before(&pattern, open));
                self.path(EffectClass::Read, start, BECAUSE);
            }
            for folder in folders {
                let name = pattern.trim_start_matches("**/").trim_start_matches("./");
                if !is_pattern(name) && !name.starts_with(['/', '~']) {
                    self.path(EffectClass::Read, &format!("{folder}/{name}"), BECAUSE);
                }
                let only = vec![pattern.clone()];
                self.sweep(&Sweep { folder: folder.clone(), only, except: Vec::new() });
            }
        }
    }
}
