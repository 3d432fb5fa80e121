//! Repositories that git outside takes where nobody looks for one, and files that hold up whoever opens them.

use super::{furnished, none_gets_through, played, put};
use crate::corner::{Corner, text};

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

/// What lies in a repository's folder and makes `git` read settings elsewhere.
#[test]
fn settings_of_submodules_are_kept_and_a_pointer_to_other_settings_is_told() {
    let corner = furnished();
    for name in ["HEAD", "config", "hooks/old"] {
        let path = corner.work().join(".git/modules/libs/sub").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let play = "start\nfor f in config hooks/pre-commit; do \
        if (echo evil >.git/modules/libs/sub/$f) 2>>tried; then echo $f >>free; fi; done\n\
        if (echo ../evil >.git/commondir) 2>>tried; then echo commondir >>free; fi\n\
        if (rm -f .git/commondir) 2>>tried; then echo removed >>free; fi\n\
        git init -q evil; git -C evil config core.fsmonitor /tmp/x; git status >status 2>&1; git add Makefile >>status 2>&1; finish\n";
    std::fs::write(corner.work().join("Makefile"), "all:\n").unwrap();
    let said = played(&corner, &[], play);
    assert_eq!(corner.left("free"), "", "{}", corner.left("tried"));
    assert!(!corner.left("status").contains("fatal"), "{}", corner.left("status"));
    assert!(said.contains("LOOK AT THESE") && said.contains("    evil/.git"), "{said}");
    assert!(!corner.work().join(".git/commondir").exists());
}

/// A worktree's main repository, a submodule and a remote that is a folder: git outside obeys nothing that appears there.
#[test]
fn no_repository_that_the_workspace_leads_to_is_told_where_to_look() {
    let corner = furnished();
    let other = corner.home().parent().unwrap().join("other.git");
    let out = std::process::Command::new("git").args(["init", "-q", "--bare"]).arg(&other).output().unwrap();
    assert!(out.status.success());
    let config = corner.work().join(".git/config");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(&format!("[remote \"o\"]\n\turl = {}\n", other.display()));
    std::fs::write(&config, text).unwrap();
    let module = corner.work().join(".git/modules/sub");
    std::fs::create_dir_all(&module).unwrap();
    std::fs::write(module.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    let play = format!(
        "start\nfor f in .git/modules/sub .git {0}; do for n in commondir config.worktree hooks/post-index-change; do \
         (mkdir -p $f/hooks; echo ../evil >$f/$n) 2>>tried && echo $f/$n >>free; done; done\nfinish\n",
        other.display()
    );
    played(&corner, &[], &play);
    assert_eq!(corner.left("free"), "", "{}", corner.left("tried"));
    for folder in [&module, &other, &corner.work().join(".git")] {
        for name in ["commondir", "config.worktree"] {
            assert!(!folder.join(name).exists(), "{}/{name}", folder.display());
        }
    }
}

#[test]
fn attack_a_workspace_that_is_all_hooks_is_refused() {
    let corner = furnished();
    corner.cast("start\necho ran >ran\nfinish\n");
    let config = corner.work().join(".git/config");
    let own = std::fs::read_to_string(&config).unwrap();
    for path in [".".to_owned(), "./src/..".to_owned(), corner.work().display().to_string()] {
        std::fs::create_dir_all(corner.work().join("src")).unwrap();
        std::fs::write(&config, format!("{own}[core]\n\thooksPath = {path}\n")).unwrap();
        for run in [
            &["run", "--dry-run", "--kind", "bugfix", "--", "claude"][..],
            &["run", "--kind", "bugfix", "--task", "x", "--", "claude"],
        ] {
            let done = corner.run(run.iter().copied());
            assert!(
                !done.status.success() && text(&done).contains("`core.hooksPath` leads to the workspace"),
                "{path}: {}",
                text(&done)
            );
        }
        assert!(!corner.work().join("ran").exists(), "{path}");
    }
}
