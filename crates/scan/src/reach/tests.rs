//! Chains, and gates that break them.

use std::path::Path;

use super::facts::Facts;
use super::role::{Role, RoleError};
use super::*;
use crate::survey::scan_tree;
use crate::walk::WalkOptions;

const DEPLOY: &str = "on:\n  ON\npermissions: {id-token: write, contents: write}\njobs:\n  ship:\n    GATE\n    steps:\n      - uses: aws-actions/configure-aws-credentials@v4\n        with:\n          role-to-assume: arn:aws:iam::1:role/ship\n      - run: terraform apply\n        env:\n          KEY: ${{ secrets.DEPLOY_KEY }}\n";

fn of(on: &str, gate: &str, refused: Refused) -> Reach {
    let facts = facts_of(on, gate);
    reach("claude-code", &facts, refused)
}

fn facts_of(on: &str, gate: &str) -> Facts {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        (".git/HEAD", "ref: refs/heads/main\n"),
        (".claude/settings.json", "{}"),
        (".mcp.json", r#"{"mcpServers": {"forge": {"url": "https://mcp.example.org/x"}}}"#),
        (".github/workflows/ship.yml", &DEPLOY.replace("ON", on).replace("GATE", gate)),
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let scan = scan_tree(folder.path(), &WalkOptions::default());
    Facts::of(folder.path(), &scan.found)
}

#[test]
fn an_edited_workflow_leads_to_secrets_clouds_and_deployments() {
    let reach = of("workflow_dispatch:", "runs-on: x", Refused::default());
    let chain = &reach.chains[&Place::Deployment("terraform apply".into())];
    let told: Vec<(&str, &Path, u32)> =
        chain.iter().map(|step| (step.to.kind(), step.fact.path.as_path(), step.fact.line)).collect();
    let ship = Path::new(".github/workflows/ship.yml");
    assert_eq!(told, [("branch", Path::new(".git"), 1), ("job", ship, 5), ("deployment", ship, 11)]);
    for place in [
        Place::Secret("DEPLOY_KEY".into()),
        Place::Cloud("arn:aws:iam::1:role/ship".into()),
        Place::Scope("contents".into()),
        Place::Server("forge".into()),
        Place::Host("mcp.example.org".into()),
    ] {
        assert!(reach.chains.contains_key(&place), "{place:?}: {:?}", reach.chains.keys());
    }
}

#[test]
fn a_gate_or_a_refusal_breaks_the_chain() {
    let no_edits = Refused { edit_workflows: true, ..Refused::default() };
    let no_push = Refused { push: true, ..Refused::default() };
    for (on, gate, refused, reaches) in [
        ("push:", "runs-on: x", Refused::default(), true),
        ("push:", "environment: production", no_edits, false),
        // Who edits the workflow takes the line away.
        ("push:", "environment: production", Refused::default(), true),
        ("push: {branches: ['agent/**']}", "runs-on: x", no_edits, true),
        ("push: {tags: ['v*']}", "runs-on: x", no_edits, false),
        ("push:", "runs-on: x", no_push, false),
        ("push:", "runs-on: x", no_edits, true),
        ("pull_request:", "runs-on: x", no_edits, true),
        ("push: {branches: [main]}", "runs-on: x", no_edits, false),
        ("push: {branches: [main]}", "runs-on: x", Refused::default(), true),
        ("workflow_dispatch:", "runs-on: x", no_edits, false),
    ] {
        let reach = of(on, gate, refused);
        let got = reach.chains.contains_key(&Place::Secret("DEPLOY_KEY".into()));
        assert_eq!(got, reaches, "{on} {gate} {refused:?}");
        assert_eq!(reach.gates.is_empty(), !gate.contains("environment"), "{on} {gate}");
    }
    let servers = of("push:", "runs-on: x", Refused { servers: true, ..Refused::default() });
    assert!(!servers.chains.contains_key(&Place::Server("forge".into())));
}

/// Facts of a repository with these files.
fn facts_of_files(files: &[(&str, &str)]) -> Facts {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [(".git/HEAD", "ref: refs/heads/main\n")].iter().chain(files) {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let scan = scan_tree(folder.path(), &WalkOptions::default());
    Facts::of(folder.path(), &scan.found)
}

fn told(reach: &Reach) -> String {
    let places = reach.chains.keys().map(|place| format!("{} {}", place.kind(), place.name()));
    places.collect::<Vec<_>>().join(", ")
}

#[test]
fn an_agent_in_a_pipeline_gets_what_its_job_holds() {
    let github = "on: {issue_comment: {types: [created]}}\njobs:\n  fix:\n    permissions: {contents: write, id-token: write}\n    steps:\n      - run: claude -p 'x' --dangerously-skip-permissions\n        env: {ANTHROPIC_API_KEY: '${{ secrets.MODEL }}'}\n      - run: npm publish\n        env: {T: '${{ secrets.SHIP }}'}\n  other:\n    steps: [{run: make, env: {O: '${{ secrets.OTHER }}'}}]\n";
    let gitlab = "review:\n  script:\n    - codex exec --full-auto \"$CI_MERGE_REQUEST_TITLE\"\n  variables: {OPENAI_API_KEY: $VENDOR_API_KEY}\n";
    for (path, text, name, tool, reaches, outsider) in [
        (
            ".github/workflows/a.yml",
            github,
            "ci:.github/workflows/a.yml#fix",
            "claude-code",
            "deployment npm publish, job .github/workflows/a.yml#fix, token-scope contents, secret MODEL, secret SHIP",
            true,
        ),
        (
            ".forgejo/workflows/a.yml",
            github,
            "ci:.forgejo/workflows/a.yml#fix",
            "claude-code",
            "job .forgejo/workflows/a.yml#fix, token-scope contents, secret MODEL",
            true,
        ),
        (
            ".gitlab-ci.yml",
            gitlab,
            "ci:.gitlab-ci.yml#review",
            "codex",
            "job .gitlab-ci.yml#review, secret OPENAI_API_KEY, secret VENDOR_API_KEY",
            false,
        ),
    ] {
        let facts = facts_of_files(&[(path, text)]);
        let found: Vec<(&str, &str)> =
            facts.ci.values().map(|agent| (agent.name.as_str(), agent.tool)).collect();
        assert_eq!(found, [(name, tool)], "{path}");
        assert!(facts.agents.is_empty(), "{path}");
        let agent = facts.ci.values().next().unwrap();
        assert_eq!(!agent.outsider.is_empty(), outsider, "{path}: {agent:?}");
        assert!(!agent.unasked.is_empty(), "{path}");
        let reach = reach(name, &facts, Refused::default());
        let mut want: Vec<&str> = reaches.split(", ").collect();
        let told = told(&reach);
        let mut got: Vec<&str> = told.split(", ").collect();
        want.sort_unstable();
        got.sort_unstable();
        assert_eq!(got, want, "{path}");
    }
}

#[test]
fn what_a_workflow_calls_gets_the_secrets_that_it_is_given() {
    let called = "on: workflow_call\njobs:\n  d:\n    steps:\n      - run: terraform apply\n        env: {K: '${{ secrets.PROD_KEY }}'}\n";
    let inner = ".github/workflows/w.yml";
    let no_edits = Refused { edit_workflows: true, ..Refused::default() };
    let plain = "branch a branch of the repository, job .github/workflows/call.yml#k";
    for (uses, handed, reaches) in [
        (
            "./.github/workflows/w.yml",
            "secrets: inherit",
            "deployment terraform apply, job .github/workflows/w.yml#d, secret PROD_KEY",
        ),
        (
            "./.github/workflows/w.yml",
            "if: true",
            "deployment terraform apply, job .github/workflows/w.yml#d",
        ),
        (
            "./.github/workflows/w.yml",
            "secrets: {PROD_KEY: '${{ secrets.OTHER }}'}",
            "deployment terraform apply, job .github/workflows/w.yml#d, secret OTHER",
        ),
        ("org/x/.github/workflows/w.yml@v1", "secrets: inherit", "secret *"),
        ("org/x/.github/workflows/w.yml@v1", "if: true", ""),
    ] {
        let caller = format!("on: push\npermissions: {{}}\njobs:\n  k:\n    uses: {uses}\n    {handed}\n");
        let facts = facts_of_files(&[(".github/workflows/call.yml", &caller), (inner, called)]);
        let reach = reach("claude-code", &facts, no_edits);
        let mut want: Vec<&str> =
            plain.split(", ").chain(reaches.split(", ")).filter(|part| !part.is_empty()).collect();
        let told = told(&reach);
        let mut got: Vec<&str> = told.split(", ").collect();
        want.sort_unstable();
        got.sort_unstable();
        assert_eq!(got, want, "{uses} {handed}");
    }
    // Nobody said what the token may do.
    let facts =
        facts_of_files(&[(".github/workflows/a.yml", "on: push\njobs:\n  a:\n    steps: [{run: make}]\n")]);
    let reach = reach("claude-code", &facts, no_edits);
    let chain = &reach.chains[&Place::Scope(facts::DEFAULT.to_owned())];
    assert_eq!(chain.last().unwrap().fact.line, 3, "{chain:?}");
}

fn role(text: &str) -> Result<Role, RoleError> {
    Role::read(&crate::document::parse(text.as_bytes(), crate::document::Notation::Json).unwrap())
}

#[test]
fn what_an_agent_has_beyond_a_role_is_told() {
    let facts = facts_of("push:", "runs-on: x");
    let reached = reach("claude-code", &facts, Refused::default());
    for (text, beyond) in [
        (r#"{"permission": "write"}"#, "host mcp.example.org, mcp-server forge"),
        (r#"{"permission": "write", "role_name": "release team"}"#, "host mcp.example.org, mcp-server forge"),
        (r#"{"name": "x", "base_role": "maintain"}"#, "host mcp.example.org, mcp-server forge"),
        (
            r#"{"permissions": {"admin": false, "push": true, "pull": true}}"#,
            "host mcp.example.org, mcp-server forge",
        ),
        (r#"{"access_level": 30}"#, "host mcp.example.org, mcp-server forge"),
        (
            r#"{"role": "reader", "reaches": ["host:mcp.*", "mcp-server:forge", "branch:*", "job:*", "token-scope:*"]}"#,
            "cloud arn:aws:iam::1:role/ship, deployment terraform apply, secret DEPLOY_KEY",
        ),
        (
            r#"{"role": "all", "push": true, "edit_workflows": true, "reaches": ["host:*", "mcp-server:*"]}"#,
            "",
        ),
    ] {
        let role = role(text).unwrap();
        let told: Vec<String> = role
            .lacks(&facts, &reached)
            .into_iter()
            .map(|place| format!("{} {}", place.kind(), place.name()))
            .collect();
        assert_eq!(told.join(", "), beyond, "{text}");
    }
    for text in [
        r#"{"permission": "read"}"#,
        r#"{"permissions": {"pull": true, "push": false}}"#,
        r#"{"access_level": 20}"#,
    ] {
        assert_eq!(role(text).unwrap().lacks(&facts, &reached).len(), reached.chains.len(), "{text}");
    }
    for text in [
        "{}",
        "[]",
        r#"{"permission": "owner"}"#,
        r#"{"permissions": {}}"#,
        r#"{"role": "x", "reaches": ["K"]}"#,
    ] {
        assert!(role(text).is_err(), "{text}");
    }
}
