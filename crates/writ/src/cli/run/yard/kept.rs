//! What an agent is told of the files that it finds and cannot change: the system says only that a device is busy.

use std::path::{Path, PathBuf};

use crate::screen;

/// Names that are told one by one.
const MOST_NAMES: usize = 12;

/// In a few sentences, what of a workspace is kept and what git does there, which files are `empty` inside, and which show as
/// git `tracked` them last.
pub(in crate::cli::run) fn told(
    workspace: &Path,
    read_only: &[PathBuf],
    empty: &[PathBuf],
    tracked: &[PathBuf],
) -> String {
    let below = read_only.iter().filter_map(|path| path.strip_prefix(workspace).ok());
    // Of a repository's folder everything is said in one sentence.
    let mut names: Vec<&Path> = below
        .filter(|path| !path.as_os_str().is_empty() && !path.iter().any(|part| part == ".git"))
        .collect();
    names.sort_by_key(|path| (path.components().count(), *path));
    names.dedup();
    let list = listed(&names);
    let which = if list.is_empty() { String::new() } else { format!(": {list}") };
    let mut told = format!(
        "Writ keeps files that run by themselves later (settings, hooks, instructions, CI) as they are during this task{which}. \
         Git cannot change them either: a checkout, merge, rebase or clean that would says `Device or resource busy` or `Read-only \
         file system`, leaves the old file, and may still end with 0; look at `git status` after it. `git config`, `git remote add` \
         and `git branch -m` fail for the same reason. Leave such a step to the person, who can do it outside or start the task \
         again with --write PATH."
    );
    let empty = self::names(workspace, empty);
    if !empty.is_empty() {
        told.push_str(&format!(
            " These look like credentials and are empty and read-only in here: {empty}. Writing to them says `Read-only file \
             system`, and a person's yes to a call does not fill them. Git passes over them; one that `git status` tells of all the same \
             is not to be committed. Work without the value: name the \
             variable or the file in code. If the task cannot be done so, tell the person, who can start it again with --read \
             PATH, or lend a value to a host with `writ secret add`."
        ));
    }
    let tracked = self::names(workspace, tracked);
    if !tracked.is_empty() {
        told.push_str(&format!(
            " These look like credentials and were changed since git was told of them: {tracked}. In here they are read-only and as \
             git has them, so nothing of them is a change to commit."
        ));
    }
    told
}

/// A few paths of a workspace in words, and how many more there are; nothing where there are none.
pub(in crate::cli::run) fn names(workspace: &Path, paths: &[PathBuf]) -> String {
    let mut names: Vec<&Path> =
        paths.iter().map(|path| path.strip_prefix(workspace).unwrap_or(path)).collect();
    names.sort_by_key(|path| (path.components().count(), *path));
    listed(&names)
}

fn listed(names: &[&Path]) -> String {
    let more = names.len().saturating_sub(MOST_NAMES);
    let mut list: Vec<String> = names.iter().take(MOST_NAMES).map(|path| screen::path(path)).collect();
    list.extend((more > 0).then(|| format!("and {more} more")));
    list.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_named_and_the_rest_is_counted() {
        let paths: Vec<PathBuf> = (0..20).map(|n| format!("/w/a/b/{n:02}.md").into()).collect();
        let more = ["/w/CLAUDE.md", "/w/.git/config", "/etc/hosts", "/w/CLAUDE.md"].map(PathBuf::from);
        let text = told(Path::new("/w"), &[paths, more.to_vec()].concat(), &[], &[]);
        assert!(
            text.contains("task: CLAUDE.md, a/b/00.md,") && text.contains("a/b/10.md, and 9 more."),
            "{text}"
        );
        assert!(!text.contains("config,") && !text.contains("hosts"), "{text}");
        assert!(!text.contains("empty"), "{text}");
        let text = told(Path::new("/w"), &[], &["/w/b/x.pem", "/w/.env"].map(PathBuf::from), &[]);
        assert!(text.contains("during this task. Git") && text.contains("in here: .env, b/x.pem."), "{text}");
    }
}
