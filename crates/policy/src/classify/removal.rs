//! Removing files: what comes back with the next build, what git still has, and what is gone.

use writ_model::EffectClass;

use super::found::Found;
use super::path::{self, Place};
use super::walk::Walk;
use super::word::{UNKNOWN, Value};
use super::{Target, flags};

// === impl Walk ===

impl Walk<'_> {
    /// `rm` and its like.
    pub(super) fn removes(&mut self, program: &str, args: &[Value]) {
        let recursive = flags::has_any(args, "-r -R --recursive");
        let paths = flags::positionals(args, "");
        if paths.is_empty() && self.feed.paths.is_none() {
            self.plain_read(program);
        }
        for value in paths {
            if Found::is_stand_in(value)
                && let Some(found) = self.feed.paths.clone()
            {
                self.removes_found(&found, recursive);
            } else {
                self.removes_path(value, recursive);
            }
        }
    }

    pub(super) fn removes_path(&mut self, value: &Value, recursive: bool) {
        let shown = value.shown();
        let (class, text) = self.removal(value, recursive);
        self.effect(class, Target::Path(shown), "path.remove", text);
    }

    fn removal(&self, value: &Value, recursive: bool) -> (EffectClass, &'static str) {
        let path = self.resolved(value);
        let name = path.rsplit('/').next().unwrap_or_default();
        if path::is_history(&path) {
            return (EffectClass::EscapeAttempt, "removes the record of commands");
        }
        if path::is_log(&path) {
            return (EffectClass::Destructive, "removes a log");
        }
        if path::is_protected(&path) {
            return (EffectClass::Destructive, "removes a file that decides what runs or who may do what");
        }
        if path.is_empty() || path == "/" || path == "~" || name == ".git" || path.contains(".git/") {
            return (EffectClass::Destructive, "removes everything, or its history");
        }
        // A whole cache directory of the system is still somebody's.
        let is_broad = path.split('/').filter(|part| !part.is_empty()).count() <= 1
            || matches!(path.as_str(), "/tmp/*" | "/var/tmp/*");
        match path::place(&path, self.facts) {
            Place::Scratch if !(recursive && is_broad) => {
                return (EffectClass::WriteWorkspace, "removes temporary files");
            }
            Place::Scratch => {
                return (EffectClass::Destructive, "removes what others have in a shared folder");
            }
            Place::Outside => return (EffectClass::Destructive, "removes files outside the workspace"),
            Place::Workspace | Place::Unknown => {}
        }
        if path::is_rebuilt(&path) {
            return (EffectClass::WriteWorkspace, "removes build output or a cache");
        }
        if path.starts_with(UNKNOWN) {
            // `rm -rf $(BUILD_DIR)`: the name says what it most likely holds.
            let is_rebuilt = value.from.as_deref().is_some_and(|name| {
                const NAMES: &str = "tmp tmpdir temp tempdir build builddir dist bin obj objs objects cache coverage cov \
                    venv artifacts binary gen generated";
                let name = name.to_lowercase();
                name.contains("tmp")
                    || name.contains("temp")
                    || name.split(['_', '-', '.']).any(|part| flags::lists(NAMES, part))
            });
            return if is_rebuilt {
                (EffectClass::WriteWorkspace, "removes temporary files or build output")
            } else {
                (EffectClass::Destructive, "removes a path only known at run time")
            };
        }
        if recursive {
            return (EffectClass::Destructive, "removes a whole directory");
        }
        let is_bulk = matches!(name, "*" | "*.*" | ".*" | "?*") || path == "." || path == "*";
        if is_bulk {
            return (EffectClass::Destructive, "removes every file of a directory");
        }
        (EffectClass::WriteWorkspace, "removes single files of the workspace")
    }

    /// Removes what a search found.
    pub(super) fn removes_found(&mut self, found: &Found, recursive: bool) {
        let by_name = !found.names.is_empty()
            && found.names.iter().all(|name| {
                let name = name.to_lowercase();
                let name = name.trim_start_matches("*/").trim_end_matches("/*");
                path::is_rebuilt(name) || path::is_rebuilt(name.trim_start_matches('*'))
            });
        let by_root = !found.roots.is_empty()
            && found.roots.iter().all(|root| {
                let root = self.resolved(&Value::known(root.as_str()));
                // The shared folder itself holds what belongs to others.
                let is_shared = matches!(root.as_str(), "~" | "/tmp" | "/var/tmp") && found.names.is_empty();
                !is_shared && (path::is_rebuilt(&root) || path::place(&root, self.facts) == Place::Scratch)
            });
        let is_log =
            found.roots.iter().any(|root| path::is_log(&self.resolved(&Value::known(root.as_str()))));
        let is_outside = found.roots.iter().any(|root| {
            path::place(&self.resolved(&Value::known(root.as_str())), self.facts) == Place::Outside
        });
        let only_empty = found.is_empty_only && !is_outside;
        if !is_log && (by_root || only_empty || (by_name && !is_outside)) {
            self.removes_below(found, EffectClass::WriteWorkspace, "removes build output or a cache");
        } else {
            let how = if recursive {
                "removes directories that a search finds"
            } else {
                "removes files that a search finds"
            };
            self.removes_below(found, EffectClass::Destructive, how);
        }
    }

    /// The folders that a search starts from, each by itself: what it finds lies below one of them.
    fn removes_below(&mut self, found: &Found, class: EffectClass, how: &'static str) {
        if found.roots.is_empty() {
            self.effect(class, Target::Unknown, "path.remove", how);
        }
        for root in &found.roots {
            let folder = if root.is_empty() { "." } else { root };
            self.effect(class, Target::Path(super::word::shown(folder)), "path.remove", how);
        }
    }
}
