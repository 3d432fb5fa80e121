use std::path::PathBuf;

use writ_model::{AgentId, Client, Digest, Limits, TaskId, Timestamp};

use super::*;

fn scope(prefix: &str, root: &str) -> TaskScope {
    let now = Timestamp::from_millis(1_790_000_000_000);
    TaskScope {
        task: Task {
            id: TaskId::new(now, [1; 10]),
            agent: AgentId::new(now, [2; 10]),
            client: Client::Codex,
            kind: TaskKind::Feature,
            requester: Human(Label::lossy("uid:1")),
            intent: Digest::new([0; 32]),
            workspace: Digest::new([0; 32]),
            branch_prefix: prefix.parse().unwrap(),
            environment: Label::lossy("development"),
            supervision: Supervision::Governed,
            limits: Limits::default(),
            bounds: None,
            opened_at: now,
        },
        agent_name: Label::lossy("a"),
        agent_owner: Human(Label::lossy("uid:1")),
        agent_environment: Label::lossy("development"),
        team: None,
        workspace: Workspace { root: PathBuf::from(root), ..Workspace::default() },
        bounds: None,
    }
}

/// However a branch or a folder is called, the number and the form of the policies stay the same, and they are valid.
#[test]
fn names_cannot_become_policy() {
    let schema = crate::schema::schema().unwrap();
    let validator = cedar_policy::Validator::new(schema);
    let plain = task_layer(&scope("writ/x-", "/w")).unwrap();
    for (prefix, root) in [
        ("writ/x-", "/w\"}; permit (principal, action, resource); //"),
        ("writ/x-", "/w/*"),
        ("writ/x-", "/w\\u{2a}/\\*"),
        ("writ/x-", "/w\n@id(\"x\") permit(principal,action,resource);"),
        ("@id:permit/#", "/w\u{202e}"),
        ("writ/x-", "/ w/?/[a]"),
    ] {
        let read = task_layer(&scope(prefix, root)).unwrap();
        assert_eq!(read.policies.len(), plain.policies.len(), "{root:?}");
        let policies = read.policies.iter().map(|(policy, ..)| policy.clone());
        let set = cedar_policy::PolicySet::from_policies(policies).unwrap();
        let result = validator.validate(&set, cedar_policy::ValidationMode::Strict);
        assert!(result.validation_passed(), "{root:?}: {result}");
        for ((policy, label, _), (other, same, _)) in read.policies.iter().zip(&plain.policies) {
            assert_eq!(label, same);
            assert_eq!(policy.effect(), other.effect());
            assert_eq!(policy.action_constraint(), other.action_constraint());
            assert_eq!(policy.resource_constraint(), other.resource_constraint());
        }
    }
}

/// A star in a folder's name is a star, not "anything".
#[test]
fn a_star_in_a_name_matches_only_itself() {
    let read = task_layer(&scope("writ/x-", "/w/*")).unwrap();
    let text = read.policies.iter().map(|(policy, ..)| policy.to_string()).collect::<String>();
    assert!(text.contains("like \"/w/\\*/*\""), "{text}");
}

#[test]
fn a_workspace_must_be_a_path() {
    for root in ["", "shop", "./shop"] {
        assert!(matches!(task_layer(&scope("w-", root)), Err(ScopeError::Workspace(_))), "{root}");
    }
}

#[test]
fn own_branches_are_those_below_the_prefix() {
    let scope = scope("writ/fix-", "/w");
    for (name, own) in [
        ("writ/fix-login", true),
        ("writ/fix-a/b", true),
        ("writ/fix-", false),
        ("writ/fix", false),
        ("WRIT/FIX-x", false),
        ("main", false),
        ("refs/tags/writ/fix-1", false),
        ("x/writ/fix-login", false),
        ("", false),
    ] {
        assert_eq!(is_own_branch(&scope.task, name), own, "{name}");
    }
}
