//! Chains, and gates that break them.

use std::path::Path;

use super::facts::Facts;
use super::*;
use crate::survey::scan_tree;
use crate::walk::WalkOptions;

const DEPLOY: &str = "on:\n  ON\npermissions: {id-token: write, contents: write}\njobs:\n  ship:\n    GATE\n    steps:\n      - uses: aws-actions/configure-aws-credentials@v4\n        with:\n          role-to-assume: arn:aws:iam::1:role/ship\n      - run: terraform apply\n        env:\n          KEY: ${{ secrets.DEPLOY_KEY }}\n";

fn of(on: &str, gate: &str, refused: Refused) -> Reach {
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
    let scan = scan_tree(folder.path(), WalkOptions::default());
    reach("claude-code", &Facts::of(folder.path(), &scan.found), refused)
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
