//! Repositories that git outside takes where nobody looks for one, and files that hold up whoever opens them.

use super::{furnished, none_gets_through, played, put};
use crate::corner::Corner;

/// A repository in two parts, and one without a `.git`.
fn split(corner: &Corner) {
    put(
        corner,
        &[
            ("docs/HEAD", "ref: refs/heads/main\n"),
            ("docs/commondir", "../data\n"),
            ("data/config", ""),
            ("data/objects/x", ""),
            ("data/refs/x", ""),
            ("HEAD", "ref: refs/heads/main\n"),
            ("config", ""),
            ("objects/x", ""),
            ("refs/x", ""),
        ],
    );
}

#[test]
fn attack_settings_of_repositories_that_only_git_sees_are_not_written() {
    let corner = furnished();
    split(&corner);
    none_gets_through(
        &corner,
        &[],
        &[
            "echo evil >data/config",
            "echo evil >docs/commondir",
            "echo evil >docs/config.worktree",
            "mkdir -p data/hooks && echo evil >data/hooks/pre-commit",
            "mv data gone && mkdir data",
            "echo evil >config",
            "mkdir -p hooks && echo evil >hooks/pre-commit",
            "echo ../evil >commondir",
        ],
    );
}

#[test]
fn attack_repositories_without_a_folder_of_their_own_are_told() {
    let corner = furnished();
    let play = "start\nmkdir -p s/objects s/refs split data/objects data/refs objects refs\n\
        for d in s split .; do echo 'ref: refs/heads/m' >$d/HEAD; done\n\
        echo ../data >split/commondir; echo '[core]' >config; rm .git/HEAD\nfinish\n";
    let said = played(&corner, &[], play);
    for wanted in [
        ".git is no repository any more",
        "the workspace itself is a repository now",
        "    s is a repository now",
        "    split is a repository now",
        "    the workspace itself (1 file: config)",
    ] {
        assert!(said.contains(wanted), "{wanted}\n{said}");
    }
}

/// Opening a pipe waits for somebody to write into it.
#[test]
fn attack_a_pipe_in_the_place_of_settings_holds_nobody_up() {
    let corner = furnished();
    let play = "start\nmkdir -p x/.git/objects x/.git/refs\necho 'ref: refs/heads/m' >x/.git/HEAD\n\
        mkfifo x/.git/config x/.git/index x/.git/commondir y\nfinish\n";
    let said = played(&corner, &[], play);
    assert!(said.contains("x/.git is a repository now"), "{said}");
    played(&corner, &[], "start\nfinish\n");
    let shown = corner.run(["run", "--dry-run", "--kind", "bugfix", "--", "claude"]);
    assert!(shown.status.success());
}
