//! What an agent is told of the files that it finds and cannot change: the system says only that a device is busy.

use std::path::{Path, PathBuf};

use crate::screen;

/// Names that are told one by one.
const MOST_NAMES: usize = 12;

/// In a few sentences, what of a workspace is kept and what git does there.
pub(in crate::cli::run) fn told(workspace: &Path, read_only: &[PathBuf]) -> String {
    let below = read_only.iter().filter_map(|path| path.strip_prefix(workspace).ok());
    // Of a repository's folder everything is said in one sentence.
    let mut names: Vec<&Path> = below
        .filter(|path| !path.as_os_str().is_empty() && !path.iter().any(|part| part == ".git"))
        .collect();
    names.sort_by_key(|path| (path.components().count(), *path));
    names.dedup();
    let more = names.len().saturating_sub(MOST_NAMES);
    let mut list: Vec<String> = names.iter().take(MOST_NAMES).map(|path| screen::path(path)).collect();
    if more > 0 {
        list.push(format!("and {more} more"));
    }
    let which = if list.is_empty() { String::new() } else { format!(": {}", list.join(", ")) };
    format!(
        "Writ keeps files that run by themselves later (settings, hooks, instructions, CI) as they are during this task{which}. \
         Git cannot change them either: a checkout, merge, rebase or clean that would says `Device or resource busy` or `Read-only \
         file system`, leaves the old file, and may still end with 0; look at `git status` after it. `git config`, `git remote add` \
         and `git branch -m` fail for the same reason. Leave such a step to the person, who can do it outside or start the task \
         again with --write PATH."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_named_and_the_rest_is_counted() {
        let paths: Vec<PathBuf> = (0..20).map(|n| format!("/w/a/b/{n:02}.md").into()).collect();
        let more = ["/w/CLAUDE.md", "/w/.git/config", "/etc/hosts", "/w/CLAUDE.md"].map(PathBuf::from);
        let text = told(Path::new("/w"), &[paths, more.to_vec()].concat());
        assert!(
            text.contains("task: CLAUDE.md, a/b/00.md,") && text.contains("a/b/10.md, and 9 more."),
            "{text}"
        );
        assert!(!text.contains("config,") && !text.contains("hosts"), "{text}");
        assert!(told(Path::new("/w"), &[]).contains("during this task. Git"));
    }
}
