//! What a file tool may not do to a file, git may not do either.

use std::path::Path;
use std::sync::Arc;

use serde_json::from_value;
use writ_model::{ApprovalLevel, Operation, Resource, Supervision, TaskKind, Verdict};
use writ_policy::{Entry, Files, Lexical, TaskBounds, TaskJudge};

use crate::ground::{ROOT, call, engine, moment, scope};

type Answer = (Verdict, Option<ApprovalLevel>);

fn judge(kind: TaskKind, supervision: Supervision, bounds: Option<serde_json::Value>) -> TaskJudge {
    let mut scope = scope(kind, supervision);
    scope.bounds = bounds.map(|bounds| Arc::new(TaskBounds::new(from_value(bounds).unwrap())));
    engine().for_task(scope).unwrap()
}

fn answer(judge: &TaskJudge, operation: Operation, files: &dyn Files) -> Answer {
    let ruling = judge.judge(call(operation), &moment(), files).ruling().clone();
    (ruling.decision.verdict, ruling.decision.approval)
}

fn shell(judge: &TaskJudge, command: &str) -> Answer {
    answer(judge, Operation::Shell { command: command.to_owned() }, &Lexical)
}

fn kept() -> Option<serde_json::Value> {
    Some(serde_json::json!({ "protected": ["db/schema.rb", "vendor/**"], "deny-read": ["private/**"] }))
}

/// Governed tasks and a session that is only hooked, with and without files that are off limits.
fn judges() -> Vec<(String, TaskJudge)> {
    let tasks = [
        (TaskKind::Feature, Supervision::Governed),
        (TaskKind::Docs, Supervision::Governed),
        (TaskKind::Review, Supervision::Governed),
        (TaskKind::Review, Supervision::Hooked),
    ];
    let each = |(kind, held): (TaskKind, Supervision)| {
        [None, kept()].map(|bounds| (format!("{kind:?} {held:?} {bounds:?}"), judge(kind, held, bounds)))
    };
    tasks.into_iter().flat_map(each).collect()
}

const FILES: &[&str] = &[
    "src/lib.rs",
    "docs/guide.md",
    ".claude/settings.json",
    ".github/workflows/ci.yml",
    ".git/hooks/pre-commit",
    "AGENTS.md",
    "package-lock.json",
    "db/schema.rb",
    "vendor/a/b.rb",
    "/home/ann/other/notes.md",
    ".env",
];

#[test]
fn what_a_file_tool_may_not_write_git_may_not_write() {
    let mut differ = Vec::new();
    for (title, judge) in judges() {
        for file in FILES {
            let by_tool = answer(&judge, Operation::Write { paths: vec![(*file).to_owned()] }, &Lexical);
            for form in [
                "echo x > {}",
                "echo x | tee {}",
                "cp src/x.rs {}",
                "git show HEAD:src/x.rs > {}",
                "git checkout -- {}",
                "git checkout HEAD~1 -- {}",
                "git checkout main {}",
                "git checkout -q main -- src/a.rs {}",
                "git checkout --theirs -- {}",
                "git restore {}",
                "git restore --source=HEAD~1 {}",
                "git restore -s main --staged {}",
                "git restore --source main -- ':(top){}'",
                "git rm {}",
                "git rm -q --cached {}",
                "git mv src/x.rs {}",
                "git update-index --add --cacheinfo 100644,0123456789012345678901234567890123456789,{}",
                "git update-index --cacheinfo 100644 0123456789012345678901234567890123456789 {}",
                "git update-index --force-remove {}",
                "git checkout-index -f {}",
                "git stash push -- {}",
                "printf -- '--- a/{}\\n+++ b/{}\\n' | git apply",
                "git diff --output={}",
                "git archive -o {} HEAD",
                "git bundle create {} HEAD",
            ] {
                // To take a credential out of what is committed, and a lock file as it was committed, are free.
                let is_other = match *file {
                    ".env" => form.contains("--cached"),
                    "package-lock.json" => {
                        matches!(
                            form,
                            "git checkout -- {}"
                                | "git restore {}"
                                | "git checkout --theirs -- {}"
                                | "git stash push -- {}"
                        )
                    }
                    _ => false,
                };
                // These name another file too, which a task for documents does not write.
                let names_source =
                    ["git mv src", "src/a.rs", "checkout main {}"].iter().any(|part| form.contains(part));
                if is_other || (names_source && !title.starts_with("Feature")) {
                    continue;
                }
                // What names a path from the root cannot be a path of a patch or of the top.
                if file.starts_with('/') && (form.contains("top") || form.contains("apply")) {
                    continue;
                }
                let command = form.replace("{}", file);
                let by_git = shell(&judge, &command);
                if by_git != by_tool {
                    differ.push(format!("{title}: {command}\n  {by_git:?} and by a tool {by_tool:?}"));
                }
            }
        }
    }
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
}

#[test]
fn what_a_file_tool_may_not_read_git_does_not_show() {
    let mut differ = Vec::new();
    for (title, judge) in judges() {
        for file in ["src/lib.rs", "private/plan.md", ".env"] {
            let by_tool = answer(&judge, Operation::Read { paths: vec![file.to_owned()] }, &Lexical);
            for form in [
                "cat {}",
                "git show HEAD:{}",
                "git cat-file -p HEAD:{}",
                "git show HEAD -- {}",
                "git diff HEAD~1 -- {}",
                "git log -p -- {}",
                "git grep -n x -- {}",
                "git blame -- {}",
                "git blame HEAD -- {}",
            ] {
                let command = form.replace("{}", file);
                let by_git = shell(&judge, &command);
                if by_git != by_tool {
                    differ.push(format!("{title}: {command}\n  {by_git:?} and by a tool {by_tool:?}"));
                }
            }
        }
    }
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
}

#[test]
fn options_of_git_that_read_a_file_read_it() {
    let judge = judge(TaskKind::Feature, Supervision::Governed, None);
    for file in [".env", "~/.ssh/id_rsa"] {
        for form in [
            "git commit --allow-empty -F {}",
            "git commit --file={} --allow-empty",
            "git commit -t {}",
            "git commit -m x --pathspec-from-file={}",
            "git tag -a v1 -F {}",
            "git notes add -F {}",
            "git merge -F {} topic",
            "git hash-object -w {}",
            "git hash-object {}",
            "git add -f {}",
            "git update-index --add {}",
            "git diff --no-index /dev/null {}",
            "git blame --contents {} src/lib.rs",
        ] {
            let command = form.replace("{}", file);
            assert_ne!(shell(&judge, &command).0, Verdict::Allow, "{command}");
        }
    }
    for command in
        ["git commit -F notes/message.txt", "git commit --amend --no-edit", "git hash-object README.md"]
    {
        assert_eq!(shell(&judge, command).0, Verdict::Allow, "{command}");
    }
}

/// Nobody sees which files a merge or a checkout changes, so a task that keeps some from change is asked about.
#[test]
fn what_may_change_any_file_waits_where_some_are_kept() {
    let free = judge(TaskKind::Feature, Supervision::Governed, None);
    let kept = judge(TaskKind::Feature, Supervision::Governed, kept());
    let narrow = Some(serde_json::json!({ "write": ["src/**"] }));
    let narrow = judge(TaskKind::Feature, Supervision::Governed, narrow);
    let wide = Some(serde_json::json!({ "write": ["./**"] }));
    let wide = judge(TaskKind::Feature, Supervision::Governed, wide);
    for command in [
        "git stash pop",
        "git stash apply",
        "git merge topic",
        "git rebase main",
        "git checkout topic",
        "git checkout -",
        "git checkout -b mine topic",
        "git checkout -b mine && git checkout topic",
        "git switch topic",
        "git switch -c mine topic",
        "git reset --keep HEAD~1",
        "git cherry-pick 1a2b3c4",
        "git revert --no-edit HEAD",
        "git read-tree -u -m HEAD topic",
        "git apply change.patch",
        "git am < change.mbox",
        "git diff main topic | git apply",
        "patch -p1 < change.patch",
    ] {
        assert_eq!(shell(&kept, command).0, Verdict::StepUp, "{command}");
        assert_eq!(shell(&narrow, command).0, Verdict::StepUp, "{command}");
        assert_eq!(shell(&free, command).0, Verdict::Allow, "{command}");
        assert_eq!(shell(&wide, command).0, Verdict::Allow, "{command}");
    }
    for command in [
        "git status",
        "git checkout -b mine",
        "git switch -c mine",
        "git merge --abort",
        "git rebase --abort",
        "git stash list",
        "git reset --soft HEAD~1",
        "git commit -m x",
        "git restore --staged src/lib.rs",
        "git checkout -- src/lib.rs",
        "git apply --check change.patch",
    ] {
        assert_eq!(shell(&kept, command).0, Verdict::Allow, "{command}");
        assert_eq!(shell(&narrow, command).0, Verdict::Allow, "{command}");
    }
}

/// A lock file as it was staged is free; whoever writes it beside that has written it.
#[test]
fn putting_a_file_back_covers_nothing_else() {
    let judge = judge(TaskKind::Feature, Supervision::Governed, None);
    assert_eq!(shell(&judge, "git checkout -- package-lock.json").0, Verdict::Allow);
    for command in [
        "git checkout -- package-lock.json; echo x > package-lock.json",
        "echo x > package-lock.json; git checkout -- package-lock.json",
        "git restore package-lock.json && git restore -s topic package-lock.json",
        "git restore package-lock.json && bash -c 'echo x > package-lock.json'",
    ] {
        assert_ne!(shell(&judge, command).0, Verdict::Allow, "{command}");
    }
}

/// A workspace that holds one patch.
struct Patch;

impl Files for Patch {
    fn entry(&self, _path: &Path) -> Entry {
        Entry::Missing
    }

    fn text(&self, _root: &Path, path: &Path, _most: u64) -> Option<String> {
        let text = "--- a/src/lib.rs\n+++ b/src/lib.rs\n--- a/x/AGENTS.md\n+++ b/x/AGENTS.md\n";
        path.ends_with("change.patch").then(|| text.to_owned())
    }
}

#[test]
fn a_patch_that_lies_here_writes_what_it_names() {
    let judge = judge(TaskKind::Feature, Supervision::Governed, kept());
    let answer = |command: &str| {
        let operation = Operation::Shell { command: command.to_owned() };
        judge.judge(call(operation), &moment(), &Patch).ruling().actions.clone()
    };
    for (command, path) in [
        ("git apply change.patch", "x/AGENTS.md"),
        ("git am change.patch", "x/AGENTS.md"),
        ("git apply -p2 change.patch", "AGENTS.md"),
        ("patch -p1 < change.patch", "x/AGENTS.md"),
        ("patch -p1 -i change.patch", "x/AGENTS.md"),
        ("git apply --directory=.github change.patch", ".github/x/AGENTS.md"),
    ] {
        let path = format!("{ROOT}/{path}");
        let names =
            |resource: &Resource| matches!(resource, Resource::Path { path: named, .. } if *named == path);
        let actions = answer(command);
        assert!(actions.iter().any(|action| names(&action.resource)), "{command}: {actions:?}");
    }
}

#[test]
fn places_that_git_writes_are_places() {
    let judge = judge(TaskKind::Feature, Supervision::Governed, None);
    let same =
        |command: &str, other: &str| assert_eq!(shell(&judge, command), shell(&judge, other), "{command}");
    same(
        "git config remote.origin.url https://x.example/a.git",
        "git remote set-url origin https://x.example/a.git",
    );
    same(
        "git config set remote.origin.pushurl https://x.example/a",
        "git remote set-url origin https://x.example/a",
    );
    for command in [
        "git format-patch -o /srv/out HEAD~1",
        "git bundle create /srv/out/a.bundle HEAD",
        "git archive -o /srv/out/a.tar HEAD",
        "git diff --output=/srv/out/a.diff",
        "git worktree add /srv/out/tree",
        "git clone ./ /srv/out/copy",
        "git init /srv/out/new",
        "git -C .github checkout main -- workflows/ci.yml",
        "cd .github && git checkout main workflows/ci.yml",
    ] {
        assert_ne!(shell(&judge, command).0, Verdict::Allow, "{command}");
    }
    for command in
        ["git format-patch -o out HEAD~1", "git archive -o out/a.tar HEAD", "git worktree add tree"]
    {
        assert_eq!(shell(&judge, command).0, Verdict::Allow, "{command}");
    }
}
