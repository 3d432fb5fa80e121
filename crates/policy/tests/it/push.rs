//! Pushes as the git door reads them.

use writ_model::{
    Account, ApprovalLevel, Finding, FindingKind, Operation, Push, RefStep, RefUpdate, Supervision, TaskKind,
};
use writ_policy::{Judgement, Lexical, actions_of};

use crate::ground::{call, judge, moment, workspace};

fn push(remote: &str, name: &str, step: RefStep) -> Push {
    Push {
        remote: remote.to_owned(),
        updates: vec![RefUpdate { name: name.to_owned(), step, old: None, new: None }],
        options: Vec::new(),
        paths: vec!["src/lib.rs".to_owned()],
        commits: Vec::new(),
        more_commits: false,
        is_cut: false,
        findings: Vec::new(),
        account: Account::Nobody,
    }
}

fn own() -> Push {
    push("origin", "refs/heads/writ/fix-login", RefStep::Forward)
}

fn answer(kind: TaskKind, push: Push) -> &'static str {
    let judge = judge(kind, Supervision::Governed);
    let judgement = judge.judge(call(Operation::Push(Box::new(push))), &moment(), &Lexical);
    match judgement.ruling().decision.approval {
        Some(ApprovalLevel::OnePerson) => "one",
        Some(ApprovalLevel::AnotherPerson) => "other",
        Some(ApprovalLevel::TwoPeople) => "two",
        Some(ApprovalLevel::Role) => "role",
        None => match judgement {
            Judgement::Permit(_) => "allow",
            Judgement::Denied(_) | Judgement::StepUp(_) => "-",
        },
    }
}

fn told(push: Push) -> Vec<String> {
    actions_of(&call(Operation::Push(Box::new(push))), &workspace(), &Lexical)
        .iter()
        .map(|action| {
            format!("{} {} {}", action.effect.name(), action.resource.kind(), action.resource.name())
        })
        .collect()
}

#[test]
fn a_push_is_judged_by_its_refs() {
    for (remote, name, step, expected) in [
        ("origin", "refs/heads/writ/fix-login", RefStep::Create, "allow"),
        ("origin", "refs/heads/writ/fix-login", RefStep::Forward, "allow"),
        ("origin", "refs/heads/writ/fix-login", RefStep::Force, "one"),
        ("origin", "refs/heads/writ/fix-login", RefStep::Delete, "one"),
        ("origin", "refs/heads/main", RefStep::Forward, "one"),
        ("origin", "refs/heads/main", RefStep::Force, "other"),
        ("origin", "refs/heads/main", RefStep::Delete, "other"),
        ("origin", "refs/tags/v1", RefStep::Create, "one"),
        ("origin", "refs/tags/writ/fix-login", RefStep::Create, "one"),
        ("origin", "refs/heads/refs/tags/v1", RefStep::Create, "one"),
        ("origin", "refs/notes/commits", RefStep::Create, "one"),
        ("origin", "refs/pull/1/head", RefStep::Create, "one"),
        ("origin", "refs/replace/writ/fix-login", RefStep::Create, "one"),
        ("origin", "refs/for/main", RefStep::Create, "one"),
        ("origin", "refs/for/main%topic=x,r=ann", RefStep::Create, "one"),
        ("origin", "refs/for/main%submit", RefStep::Create, "other"),
        ("origin", "refs/for/main%l=Code-Review+2", RefStep::Create, "other"),
        ("origin", "refs/heads/writ/fix-a%submit", RefStep::Create, "one"),
        ("origin", "refs/meta/config", RefStep::Forward, "-"),
        ("origin", "main", RefStep::Forward, "one"),
        ("forge.example/evil/fork", "refs/heads/writ/fix-login", RefStep::Create, "one"),
    ] {
        assert_eq!(answer(TaskKind::Feature, push(remote, name, step)), expected, "{remote} {name} {step:?}");
    }
}

#[test]
fn deleting_and_forcing_destroy_as_they_do_on_a_command_line() {
    let written = |command: &str| {
        actions_of(&call(Operation::Shell { command: command.to_owned() }), &workspace(), &Lexical)
            .iter()
            .filter(|action| action.resource.kind() == "Ref")
            .map(|action| {
                format!("{} {} {}", action.effect.name(), action.resource.kind(), action.resource.name())
            })
            .collect::<Vec<_>>()
    };
    for step in [RefStep::Force, RefStep::Delete] {
        let mut of_door = told(Push { paths: Vec::new(), ..push("origin", "refs/heads/main", step) });
        let mut of_shell = written("git push --force origin main");
        of_door.sort();
        of_shell.sort();
        // The shell also knows the command as one that pushes.
        of_shell.dedup();
        assert_eq!(of_door, of_shell);
    }
}

#[test]
fn what_a_push_changes_is_judged_as_if_it_had_been_written() {
    let with =
        |paths: &[&str]| Push { paths: paths.iter().map(|path| (*path).to_owned()).collect(), ..own() };
    for (kind, path, expected) in [
        (TaskKind::Feature, "src/lib.rs", "allow"),
        (TaskKind::Feature, ".github/workflows/ci.yml", "one"),
        (TaskKind::Feature, ".gitlab-ci.yml", "one"),
        (TaskKind::Feature, ".github/CODEOWNERS", "one"),
        (TaskKind::Feature, ".claude/settings.json", "other"),
        (TaskKind::Feature, "../outside", "one"),
        (TaskKind::Feature, "/etc/passwd", "one"),
        (TaskKind::Feature, ".git/hooks/pre-commit", "other"),
        (TaskKind::Docs, "docs/guide.md", "allow"),
        (TaskKind::Docs, "src/lib.rs", "one"),
        (TaskKind::Docs, ".github/workflows/ci.yml", "-"),
    ] {
        assert_eq!(answer(kind, with(&[path])), expected, "{kind:?} {path}");
    }
    let many: Vec<String> = (0..100).map(|n| format!("src/f{n}.rs")).collect();
    assert_eq!(answer(TaskKind::Feature, Push { paths: many, ..own() }), "allow");
    // What is obeyed counts wherever it stands in a long list.
    let mut many: Vec<String> = (0..5_000).map(|n| format!("src/f{n}.rs")).collect();
    many.push(".github/workflows/ci.yml".to_owned());
    assert_eq!(answer(TaskKind::Docs, Push { paths: many, ..own() }), "-");
    assert_eq!(answer(TaskKind::Feature, Push { is_cut: true, ..own() }), "one");
}

#[test]
fn options_of_a_push_are_what_the_forge_makes_of_them() {
    for (option, expected) in [
        ("ci.skip", "one"),
        ("merge_request.create", "one"),
        ("merge_request.title=x", "one"),
        ("merge_request.merge_when_pipeline_succeeds", "other"),
        ("MERGE_REQUEST.auto_merge", "other"),
        ("ci.variable=DEPLOY=1", "-"),
        ("secret_push_protection.skip_all", "-"),
        ("repo.private=false", "-"),
        ("brand.new", "one"),
        ("", "one"),
    ] {
        let push = Push { options: vec![option.to_owned()], ..own() };
        assert_eq!(answer(TaskKind::Feature, push), expected, "{option}");
    }
}

#[test]
fn a_push_with_a_foreign_credential_or_a_secret_is_held() {
    assert_eq!(answer(TaskKind::Feature, Push { account: Account::Foreign, ..own() }), "-");
    let finding = |kind| vec![Finding { kind, path: "a.txt".to_owned(), says: "a token".to_owned() }];
    assert_eq!(answer(TaskKind::Feature, Push { findings: finding(FindingKind::Secret), ..own() }), "one");
    assert_eq!(answer(TaskKind::Feature, Push { findings: finding(FindingKind::Identity), ..own() }), "-");
    assert_eq!(answer(TaskKind::Feature, Push { updates: Vec::new(), ..own() }), "one");
}
