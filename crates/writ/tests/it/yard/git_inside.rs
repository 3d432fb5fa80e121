//! Git inside a run: what it cannot change is told to the agent and to the person, and worktrees and submodules work.

use std::path::Path;
use std::process::Command;

use super::{played, put};
use crate::corner::{Corner, finished, git, text};

fn run(folder: &Path, arguments: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A repository with a branch that changes what is kept, and removes some of it.
fn branched() -> Corner {
    let corner = Corner::with_control_plane();
    corner.register("claude-code");
    let work = corner.work();
    git(&work);
    put(&corner, &[("CLAUDE.md", "one"), ("AGENTS.md", "one"), ("src.txt", "one")]);
    run(&work, &["add", "."]);
    run(&work, &["commit", "-qm", "one"]);
    run(&work, &["checkout", "-qb", "other"]);
    put(&corner, &[("CLAUDE.md", "two"), ("src.txt", "two")]);
    run(&work, &["rm", "-q", "AGENTS.md"]);
    run(&work, &["commit", "-qam", "two"]);
    run(&work, &["checkout", "-q", "-"]);
    corner
}

#[test]
fn what_git_inside_cannot_replace_is_told_to_the_agent_and_the_person() {
    let corner = branched();
    let play = "start\ncp replies greeted; git checkout other >out 2>&1; echo $? >code; cat ~/WRIT.txt >note\nfinish\n";
    let said = played(&corner, &[], play);
    assert_eq!(corner.left("src.txt"), "two", "{}", corner.left("out"));
    assert_eq!(corner.left("CLAUDE.md"), "one");
    for (place, told) in [("greeted", corner.left("greeted")), ("note", corner.left("note"))] {
        assert!(
            told.contains("AGENTS.md, CLAUDE.md") && told.contains("Device or resource busy"),
            "{place}: {told}"
        );
    }
    assert!(said.contains("NOT AS GIT HAS THEM"), "{said}");
    assert!(said.contains("    AGENTS.md\n    CLAUDE.md\n"), "{said}");
    // Nothing of it where git had nothing to change.
    let play = "start\ngit add -A; git -c user.name=A -c user.email=a@b.c commit -qm three\nfinish\n";
    let said = played(&corner, &[], play);
    assert!(!said.contains("NOT AS GIT HAS THEM"), "{said}");
}

/// Work in a linked worktree and in a submodule: seen, committed, and what git obeys is kept in both places.
#[test]
fn worktrees_and_submodules_are_workspaces() {
    let corner = branched();
    let work = corner.work();
    let beside = work.parent().unwrap();
    run(&work, &["worktree", "add", "-q", "-b", "third", "../linked"]);
    let outer = beside.join("outer");
    std::fs::create_dir(&outer).unwrap();
    run(&outer, &["init", "-q"]);
    run(&outer, &["submodule", "--quiet", "add", work.to_str().unwrap(), "libs/sub"]);
    let common = |folder: &Path| {
        let out =
            Command::new("git").args(["rev-parse", "--git-common-dir"]).current_dir(folder).output().unwrap();
        folder.join(String::from_utf8(out.stdout).unwrap().trim())
    };
    for folder in [beside.join("linked"), outer.join("libs/sub")] {
        let play = format!(
            "start\n(git status --short && echo three >src.txt && git add src.txt && \
             git -c user.name=A -c user.email=a@b.c commit -qm three && git log --oneline | head -1) >out 2>&1\n\
             for f in {0}/config {0}/hooks/pre-commit .git; do (echo evil >$f) 2>>tried && echo $f >>free; done\nfinish\n",
            common(&folder).display()
        );
        let mut command = corner.play(&[], &play);
        command.current_dir(&folder);
        let said = text(&finished(command));
        let left = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(left("out").contains(" three"), "{}{said}", left("out"));
        assert_eq!(left("free"), "", "{}", left("tried"));
        assert!(!said.contains("NOT AS GIT HAS THEM"), "{said}");
    }
}
