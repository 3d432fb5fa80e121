//! A commit in a person's name: signed with the person's key, or past the person's own checks.

use writ_model::EffectClass;

use super::walk::Walk;
use super::word::Value;
use super::{Target, flags};

/// Options of one letter that take what follows in the same word.
const TAKES_REST: &[char] = &['C', 'F', 'X', 'c', 'm', 't', 'u'];

// === impl Walk ===

impl Walk<'_> {
    /// What the options of a subcommand that makes or sends commits say of the person behind it.
    pub(super) fn commits_as(&mut self, name: &str, args: &[Value]) {
        let commits =
            matches!(name, "commit" | "merge" | "rebase" | "cherry-pick" | "revert" | "am" | "pull");
        let signs = commits && (has_letter(args, 'S') || flags::has(args, "--gpg-sign"));
        let signs_tag = name == "tag"
            && (has_letter(args, 's')
                || has_letter(args, 'u')
                || flags::has_any(args, "--sign --local-user"));
        if signs || signs_tag || (name == "push" && flags::has(args, "--signed")) {
            let target = Target::Command(format!("git {name} --sign"));
            self.effect(EffectClass::IdentityChange, target, "git.signature", "signs with the person's key");
        }
        let skips = (commits || name == "push") && flags::has(args, "--no-verify");
        if skips || (matches!(name, "commit" | "am") && has_letter(args, 'n')) {
            self.skips_hooks();
        }
    }

    /// Not running the checks of the repository is as good as emptying them.
    pub(super) fn skips_hooks(&mut self) {
        let target = Target::Path(".git/hooks".to_owned());
        self.effect(
            EffectClass::WriteWorkspace,
            target,
            "git.hooks-skipped",
            "skips the checks of the repository",
        );
    }
}

/// Whether a letter stands among options of one letter, before one that takes the rest of its word.
fn has_letter(args: &[Value], letter: char) -> bool {
    let mut is_value = false;
    args.iter().take_while(|arg| arg.text != "--").any(|arg| {
        if std::mem::take(&mut is_value) {
            return false;
        }
        let Some(letters) = arg.text.strip_prefix('-').filter(|letters| !letters.starts_with('-')) else {
            return false;
        };
        let taken = letters.find(|c| TAKES_REST.contains(&c) && c != letter);
        is_value = taken.is_some_and(|at| at + 1 == letters.len());
        letters.get(..taken.unwrap_or(letters.len())).unwrap_or_default().contains(letter)
    })
}
