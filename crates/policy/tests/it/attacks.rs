//! Attempts to turn the judge with what an agent, a repository or a policy author can choose.

use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use writ_model::{EffectClass, Label, Operation, Place, Resource, Supervision, TaskKind, Verdict};
use writ_policy::{Engine, Judgement, Lexical, PolicySources, SourceFile, TaskJudge, Workspace};

use crate::ground::{action, call, engine, judge, moment, scope};

/// Texts that would matter if anything put policies together as text.
const HOSTILE: &[&str] = &[
    "\"); permit (principal, action, resource); //",
    "x\" || true || \"",
    "*",
    "\\*",
    "writ/fix-*",
    "Writ::Action::\"read\"",
    "\u{202e}nimda",
    "a\nb\r\u{0}c",
    "@id(\"x\")",
    "${jndi:x}",
    "?principal",
    "/* */",
];

fn verdict(judge: &TaskJudge, effect: EffectClass, resource: Resource) -> Verdict {
    judge.explain(&[action(effect, resource)], &moment()).decision.verdict
}

#[test]
fn names_are_names_and_nothing_else() {
    let judge = judge(TaskKind::Feature, Supervision::Governed);
    for text in HOSTILE.iter().map(|text| (*text).to_owned()) {
        let host = Resource::Host { name: text.clone() };
        assert_eq!(verdict(&judge, EffectClass::Network, host), Verdict::StepUp, "{text:?}");
        let path = Resource::path(text.clone(), Place::Own);
        assert_eq!(verdict(&judge, EffectClass::Read, path), Verdict::Deny, "{text:?}");
        let git_ref = Resource::Ref { remote: "origin".to_owned(), name: text.clone(), force: true };
        assert_eq!(verdict(&judge, EffectClass::GitPush, git_ref), Verdict::StepUp, "{text:?}");
        let deployment = Resource::Deployment { target: text };
        assert_eq!(verdict(&judge, EffectClass::Deploy, deployment), Verdict::Deny);
    }
}

/// A branch prefix or a workspace with a star in it opens nothing beyond its own name.
#[test]
fn a_star_in_the_scope_is_a_star() {
    let mut starred = scope(TaskKind::Feature, Supervision::Governed);
    starred.workspace.root = PathBuf::from("/home/*/shop");
    let judge = engine().for_task(starred).unwrap();
    let path = |path: &str| Resource::path(path, Place::Workspace);
    assert_eq!(verdict(&judge, EffectClass::WriteWorkspace, path("/home/*/shop/x")), Verdict::Allow);
    // Even where the place is wrong, the task's own layer holds.
    assert_eq!(verdict(&judge, EffectClass::WriteWorkspace, path("/home/ann/shop/x")), Verdict::StepUp);
}

/// The place says "workspace", the path says otherwise: the two are checked apart.
#[test]
fn a_wrong_place_is_caught_by_the_task() {
    let judge = judge(TaskKind::Feature, Supervision::Governed);
    for path in ["/etc/passwd", "/home/ann/shopping", "/home/ann/shop2/x", "", "shop/x"] {
        let resource = Resource::path(path, Place::Workspace);
        assert_eq!(verdict(&judge, EffectClass::WriteWorkspace, resource), Verdict::StepUp, "{path:?}");
    }
}

#[test]
fn refs_that_only_look_like_own_ones_are_asked_for() {
    let judge = judge(TaskKind::Feature, Supervision::Governed);
    for name in [
        "main",
        "",
        "writ/fix-",
        "WRIT/FIX-a",
        "refs/tags/writ/fix-a",
        "refs/heads/main",
        "x/writ/fix-a",
        "refs/for/writ/fix-a",
        "writ/fi\u{200b}x-a",
        "+writ/fix-a",
        "refs/remotes/origin/writ/fix-a",
    ] {
        let resource = Resource::Ref { remote: "origin".to_owned(), name: name.to_owned(), force: false };
        assert_eq!(verdict(&judge, EffectClass::GitPush, resource), Verdict::StepUp, "{name:?}");
    }
    for name in ["writ/fix-a", "refs/heads/writ/fix-a"] {
        let resource = Resource::Ref { remote: "origin".to_owned(), name: name.to_owned(), force: false };
        assert_eq!(verdict(&judge, EffectClass::GitPush, resource), Verdict::Allow, "{name:?}");
    }
}

/// Whatever an organisation writes, the guardrails stay.
#[test]
fn an_organisation_that_allows_everything_does_not_lift_a_guardrail() {
    let all = SourceFile {
        name: "all.cedar".to_owned(),
        text: "@id(\"all\") @reason(\"everything goes\") permit (principal, action, resource);".to_owned(),
    };
    let engine = Arc::new(Engine::load(&PolicySources::shipped().with_organisation([all])).unwrap());
    let judge = engine.for_task(scope(TaskKind::Ops, Supervision::Governed)).unwrap();
    let text = str::to_owned;
    for (effect, resource, expected) in [
        (EffectClass::EscapeAttempt, Resource::Command { program: text("unshare") }, Verdict::Deny),
        (EffectClass::Read, Resource::path("/s", Place::Own), Verdict::Deny),
        (EffectClass::Network, Resource::Host { name: text("169.254.169.254") }, Verdict::Deny),
        (EffectClass::Destructive, Resource::path("/etc", Place::Outside), Verdict::Deny),
        (EffectClass::Unknown, Resource::Command { program: text("x") }, Verdict::StepUp),
        (EffectClass::Read, Resource::Unknown { why: text("x") }, Verdict::StepUp),
        (EffectClass::SecretRead, Resource::Secret { what: text("x") }, Verdict::StepUp),
        (EffectClass::IdentityChange, Resource::Identity { what: text("x") }, Verdict::StepUp),
        (EffectClass::Publish, Resource::package("x"), Verdict::Allow),
    ] {
        assert_eq!(verdict(&judge, effect, resource), expected, "{effect}");
    }
}

/// And whatever it writes, a task's kind stays what it is.
#[test]
fn an_organisation_cannot_widen_a_task() {
    let all = SourceFile {
        name: "all.cedar".to_owned(),
        text: "@id(\"all\") @reason(\"everything goes\") permit (principal, action, resource);".to_owned(),
    };
    let engine = Arc::new(Engine::load(&PolicySources::shipped().with_organisation([all])).unwrap());
    let judge = engine.for_task(scope(TaskKind::Docs, Supervision::Governed)).unwrap();
    let deployment = Resource::Deployment { target: "x".to_owned() };
    assert_eq!(verdict(&judge, EffectClass::Deploy, deployment), Verdict::Deny);
}

/// A policy that would err, one that a yes would turn around, and one about words that do not exist are not loaded.
#[test]
fn bad_policies_do_not_load() {
    for condition in [
        "when { resource.nothing == 1 }",
        "when { context.budget.calls_left + 9223372036854775807 > 0 }",
        "when { context has approval }",
        "when { context.call.getTag(\"command\") == \"x\" }",
        "when { ip(\"not an address\").isLoopback() }",
    ] {
        let file = SourceFile {
            name: "bad.cedar".to_owned(),
            text: format!("@id(\"bad\") @reason(\"r\") forbid (principal, action, resource) {condition};"),
        };
        assert!(Engine::load(&PolicySources::shipped().with_organisation([file])).is_err(), "{condition}");
    }
}

/// What agents write does not steer the terminal or the text around it.
#[test]
fn messages_carry_no_control_characters() {
    let judge = judge(TaskKind::Feature, Supervision::Governed);
    for text in HOSTILE {
        for operation in [
            Operation::Read { paths: vec![format!("/home/ann/other/{text}")] },
            Operation::Mcp { server: (*text).to_owned(), tool: (*text).to_owned() },
            Operation::Unknown { why: (*text).to_owned() },
            Operation::Shell { command: format!("frob '{text}'") },
        ] {
            let (agent, operator) = match judge.judge(call(operation), &moment(), &Lexical) {
                Judgement::Denied(denial) => (denial.to_agent().to_owned(), denial.to_operator().to_owned()),
                Judgement::StepUp(held) => (held.to_agent().to_owned(), held.to_operator().to_owned()),
                Judgement::Permit(_) => continue,
            };
            let unsafe_in =
                |text: &str| text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}');
            assert!(!unsafe_in(&agent) && !agent.contains('\n'), "{agent:?}");
            assert!(!unsafe_in(&operator), "{operator:?}");
            assert!(agent.len() < 1_000, "{agent}");
        }
    }
}

/// A call with more parts than can be judged is not judged by its first ones.
#[test]
fn a_flood_of_parts_is_not_allowed() {
    let judge = judge(TaskKind::Feature, Supervision::Governed);
    let paths: Vec<String> = (0..1_000).map(|n| format!("src/{n}.rs")).collect();
    let found = judge.judge(call(Operation::Write { paths }), &moment(), &Lexical);
    assert_eq!(found.ruling().decision.verdict, Verdict::StepUp);
    let reads: String = (0..1_000).map(|n| format!(" src/{n}.rs")).collect();
    let found = judge.judge(
        call(Operation::Shell { command: format!("rm {reads} ~/.ssh/id_rsa") }),
        &moment(),
        &Lexical,
    );
    assert_ne!(found.ruling().decision.verdict, Verdict::Allow);
}

/// A path that is too long to be shown is not placed by the part that is.
#[test]
fn a_long_way_round_is_not_a_short_one() {
    let judge = judge(TaskKind::Feature, Supervision::Governed);
    let way = "a/../".repeat(60);
    for target in ["/home/ann/.local/state/writ/x", "/etc/crontab"] {
        let up = format!("{way}../../..{target}");
        for operation in [
            Operation::Write { paths: vec![up.clone()] },
            Operation::Shell { command: format!("printf x > {up}") },
            Operation::Shell { command: format!("cp src/x {up}") },
        ] {
            let found = judge.judge(call(operation.clone()), &moment(), &Lexical);
            assert_ne!(found.ruling().decision.verdict, Verdict::Allow, "{operation:?}");
        }
    }
}

/// One file in another's clothes: other letters, other doors, other programs.
#[test]
fn another_spelling_is_no_way_in() {
    let judge = judge(TaskKind::Feature, Supervision::Governed);
    let fetch = |url: &str| Operation::Fetch { url: url.to_owned() };
    let shell = |command: &str| Operation::Shell { command: command.to_owned() };
    let write = |path: &str| Operation::Write { paths: vec![path.to_owned()] };
    let read = |path: &str| Operation::Read { paths: vec![path.to_owned()] };
    let mcp = |tool: &str, arguments: serde_json::Value| {
        let mut call = call(Operation::Mcp { server: "filesystem".to_owned(), tool: tool.to_owned() });
        call.arguments = arguments;
        call
    };
    let mut calls: Vec<_> = [
        write(".VSCode/Tasks.JSON"),
        write(".\u{ff47}it/hooks/pre-commit"),
        write(".git\u{fe0f}/hooks/pre-commit"),
        write("\u{ff23}LAUDE.md"),
        write(".mcp.json\u{200b}"),
        write("/proc/self/cwd/.git/hooks/pre-commit"),
        write("/proc/self/root/etc/crontab"),
        read("/proc/self/cwd/.env"),
        read("/proc/self/root/home/ann/.ssh/id_rsa"),
        read(".e\u{301}\u{34f}nv/../.env"),
        shell("python3 -c 'open(\".github/workflows/ci.yml\", \"w\").write(\"x\")'"),
        shell("node -e 'require(\"fs\").appendFileSync(\"CLAUDE.md\", \"x\")'"),
        shell("curl -s https://localhost\\\\@example.org/"),
        shell("curl -s 'http://localhost@example.org/'"),
        shell("git commit --no-verify -m x"),
        shell("git commit -S -m x"),
        shell("PIP_EXTRA_INDEX_URL=https://x.example pip install requests"),
        fetch("http://localhost@example.org/"),
        fetch("http://127.0.0.1.example.org/"),
        fetch("http://[::ffff:169.254.169.254]/"),
        fetch("http://\u{ff11}\u{ff16}\u{ff19}.254.169.254/"),
    ]
    .map(call)
    .into();
    calls.extend([
        mcp("read_file", serde_json::json!({ "path": "~/.ssh/id_rsa" })),
        mcp(
            "read_file",
            serde_json::json!({ "path": "x", "options": [{ "alsoPath": "../../.ssh/id_rsa" }] }),
        ),
        mcp("read_file", serde_json::json!({ "uri": "FILE:///home/ann/%2e%73sh/id_rsa" })),
        mcp("read_file", serde_json::json!({ "path": "src/lib.rs", "callback_url": "https://example.org/" })),
    ]);
    for call in calls {
        let told = format!("{:?} {}", call.operation, call.arguments);
        let found = judge.judge(call, &moment(), &Lexical);
        assert_ne!(found.ruling().decision.verdict, Verdict::Allow, "{told}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a client sends, there is an answer, and it names at least one action.
    #[test]
    fn every_call_has_an_answer(text in "\\PC{0,80}", cwd in "\\PC{0,20}", which in 0..7) {
        let judge = judge(TaskKind::Feature, Supervision::Governed);
        let operation = match which {
            0 => Operation::Shell { command: text },
            1 => Operation::Read { paths: vec![text] },
            2 => Operation::Write { paths: vec![text] },
            3 => Operation::Fetch { url: text },
            4 => Operation::Mcp { server: text.clone(), tool: text },
            5 => Operation::Spawn { subagent: text },
            _ => Operation::Unknown { why: text },
        };
        let mut call = call(operation);
        call.cwd = cwd;
        let found = judge.judge(call, &moment(), &Lexical);
        prop_assert!(!found.ruling().actions.is_empty());
    }

    /// No label that a task can have makes its judge fail or its own branches wider.
    #[test]
    fn every_prefix_is_its_own(prefix in "[A-Za-z0-9._:@/+#-]{1,40}", other in "[a-z]{1,12}") {
        let mut scope = scope(TaskKind::Feature, Supervision::Governed);
        scope.task.branch_prefix = prefix.parse::<Label>().unwrap();
        scope.workspace = Workspace { root: PathBuf::from("/w"), ..Workspace::default() };
        let judge = engine().for_task(scope).unwrap();
        let ask = |name: String| verdict(
            &judge,
            EffectClass::GitPush,
            Resource::Ref { remote: String::new(), name, force: false },
        );
        let foreign = format!("zz{other}{prefix}");
        prop_assume!(!foreign.starts_with(&prefix));
        prop_assert_ne!(ask(foreign), Verdict::Allow);
        if !prefix.starts_with("refs/") {
            prop_assert_eq!(ask(format!("{prefix}{other}")), Verdict::Allow);
        }
    }
}
