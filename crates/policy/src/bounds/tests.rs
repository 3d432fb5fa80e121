use serde_json::{Value, json};
use writ_model::{CallId, Client, Label, Timestamp};

use super::*;

fn workspace() -> Workspace {
    Workspace {
        root: "/w/pear".into(),
        home: Some("/home/dev".into()),
        scratch: vec!["/tmp".into()],
        own: vec!["/home/dev/.local/state/writ".into()],
    }
}

fn bounds(value: Value) -> TaskBounds {
    TaskBounds::new(serde_json::from_value(value).unwrap())
}

fn call(operation: Operation, arguments: Value) -> ToolCall {
    ToolCall {
        id: CallId::new(Timestamp::from_millis(0), [0; 10]),
        client: Client::ClaudeCode,
        tool: Label::lossy("tool"),
        client_call: None,
        subagent: None,
        operation,
        cwd: "/w/pear".to_owned(),
        arguments,
    }
}

/// What the bounds say of touching a path: its letters are n(amed), w(ithin), b(arred).
fn said(bounds: &TaskBounds, effect: EffectClass, path: &str) -> String {
    let place = workspace().place_of(Path::new(path));
    let action = Action { effect, resource: Resource::path(path, place), because: Default::default() };
    let said = bounds.of(&action, None, &workspace());
    [(said.named, 'n'), (said.within, 'w'), (said.barred, 'b')]
        .into_iter()
        .filter_map(|(holds, letter)| holds.then_some(letter))
        .collect()
}

#[test]
fn what_is_protected_yields_only_to_what_names_exactly_it() {
    use EffectClass::{Destructive, Read, WriteWorkspace};
    let named = bounds(json!({
        "read": ["./**", "/opt/data/**"],
        "deny-read": ["**/.env", "**/.env.*", "!**/.env.example", "~/**"],
        "write": ["**", "package.json", ".github/workflows/**", "src/**", "requirements*.txt"],
        "protected": [".git/**", ".github/**", "package.json", "CLAUDE.md", "requirements*.txt", "setup.cfg"],
    }));
    for (effect, path, expected) in [
        (WriteWorkspace, "/w/pear/a.rs", "nw"),
        (WriteWorkspace, "/w/pear/setup.cfg", "nwb"),
        (WriteWorkspace, "/w/pear/src/CLAUDE.md", "wb"),
        (WriteWorkspace, "/w/pear/.git/config", "wb"),
        (WriteWorkspace, "/w/pear/.GIT/config", "wb"),
        (WriteWorkspace, "/w/pear/.github/CODEOWNERS", "wb"),
        // Named as closely as they are protected.
        (WriteWorkspace, "/w/pear/package.json", "nw"),
        (WriteWorkspace, "/w/pear/.github/workflows/ci.yml", "nw"),
        (WriteWorkspace, "/w/pear/requirements-dev.txt", "nw"),
        (WriteWorkspace, "/w/apple/a.rs", ""),
        (WriteWorkspace, "/tmp/x", ""),
        (Destructive, "/w/pear/src/old", "nw"),
        (Destructive, "/w/pear/src", ""),
        (Destructive, "/w/pear/lib", ""),
        (Destructive, "/w/pear", "b"),
        (Read, "/w/pear/src/a.rs", "nw"),
        (Read, "/w/pear/.env", "wb"),
        (Read, "/w/pear/.env.example", "nw"),
        (Read, "/w/pear/sub/.env.local", "wb"),
        (Read, "/opt/data/x.csv", "nw"),
        (Read, "/opt/other", ""),
        (Read, "/home/dev/.ssh/id_rsa", "b"),
        (Read, "/home/dev", "b"),
    ] {
        let found = said(&named, effect, path);
        // Where a secret's name decides the place, it is never named; all else is as written.
        let is_secret = workspace().place_of(Path::new(path)) == Place::Secret;
        assert!(
            found == expected || (is_secret && found == expected.replace('n', "")),
            "{effect} {path}: {found}"
        );
    }
}

#[test]
fn what_is_not_stated_says_nothing() {
    let empty = bounds(json!({}));
    assert_eq!(said(&empty, EffectClass::WriteWorkspace, "/w/pear/a"), "");
    assert_eq!(said(&empty, EffectClass::Read, "/w/pear/.env"), "");
}

#[test]
fn a_bare_pattern_spells_nothing_out_beyond_the_workspace() {
    let everything = bounds(json!({"read": ["/**"], "write": ["**", "/**"]}));
    assert_eq!(said(&everything, EffectClass::Read, "/opt/x"), "w");
    assert_eq!(said(&everything, EffectClass::WriteWorkspace, "/etc/hosts"), "w");
    let above = bounds(json!({"read": ["/home/**"]}));
    assert_eq!(said(&above, EffectClass::Read, "/home/dev/notes"), "w");
}

fn mcp(bounds: &TaskBounds, tool: &str, arguments: Value) -> bool {
    let operation = Operation::Mcp { server: "forge".to_owned(), tool: tool.to_owned() };
    let resource = Resource::McpTool { server: "forge".to_owned(), tool: tool.to_owned() };
    let action = Action { effect: EffectClass::Unknown, resource, because: Default::default() };
    bounds.of(&action, Some(&call(operation, arguments)), &workspace()).named
}

#[test]
fn a_named_tool_stays_with_the_task() {
    let named = bounds(json!({
        "repository": "acme/pear",
        "read": ["./**"],
        "deny-read": ["**/.env", "~/**"],
        "write": ["docs/**"],
        "protected": [".github/**"],
        "hosts": ["docs.example.org"],
        "mcp": {"forge": ["get_file", "search", "comment", "put_file", "fetch"]},
        "calls": [{"server": "forge", "tool": "pay", "arguments": {"amount": 98.7}}],
    }));
    for (tool, arguments) in [
        ("get_file", json!({"repo": "acme/pear", "path": "src/a.rs"})),
        ("get_file", json!({"owner": "acme", "repo": "pear", "path": "src/a.rs"})),
        ("search", json!({"query": "repo:acme/pear path:config"})),
        ("comment", json!({"repo": "acme/pear", "body": "see ![a](docs/a.png) and other/thing"})),
        ("put_file", json!({"path": "docs/a.md", "content": "text"})),
        ("fetch", json!({"url": "https://docs.example.org/a"})),
        ("fetch", json!({"url": "https://github.com/acme/pear/issues/4"})),
        ("pay", json!({"amount": 98.70})),
        ("list_tools", json!({})),
        ("tools/list", json!(null)),
    ] {
        assert!(mcp(&named, tool, arguments.clone()), "{tool} {arguments}");
    }
    for (tool, arguments) in [
        ("get_file", json!({"repo": "acme/apple", "path": "src/a.rs"})),
        ("get_file", json!({"owner": "evil", "repo": "pear", "path": "src/a.rs"})),
        ("get_file", json!({"path": "../../home/dev/.ssh/id_rsa"})),
        ("get_file", json!({"path": ".env"})),
        ("get_file", json!({"path": "file:///etc/passwd"})),
        ("search", json!({"query": "org:acme token"})),
        ("search", json!({"query": "repo:acme/apple"})),
        ("comment", json!({"repo": "acme/pear", "body": "![a](https://x.example/?d=1)"})),
        ("put_file", json!({"path": ".github/workflows/a.yml", "content": ""})),
        ("put_file", json!({"path": "src/a.rs", "content": ""})),
        ("fetch", json!({"url": "https://docs.example.org.evil.example/"})),
        ("fetch", json!({"url": "https://docs.example.org@evil.example/"})),
        ("fetch", json!({"url": "https://github.com/acme/apple"})),
        ("pay", json!({"amount": 98.71})),
        ("pay", json!({"amount": 98.7, "to": "eve"})),
        ("delete_repo", json!({})),
    ] {
        assert!(!mcp(&named, tool, arguments.clone()), "{tool} {arguments}");
    }
}

#[test]
fn pushes_packages_and_deployments_are_named_by_their_own_lists() {
    let named = bounds(json!({
        "push": ["agent/*"], "deploy": ["staging"], "publish": true, "effects": ["package-install:lockfile"],
        "secrets": ["NPM_TOKEN"],
    }));
    let of = |effect, resource: Resource, command: &str| {
        let action = Action { effect, resource, because: Default::default() };
        let call = call(Operation::Shell { command: command.to_owned() }, Value::Null);
        named.of(&action, Some(&call), &workspace()).named
    };
    let push = |name: &str, force| {
        let resource = Resource::Ref { remote: "origin".to_owned(), name: name.to_owned(), force };
        of(EffectClass::GitPush, resource, "")
    };
    assert!(push("agent/a", false) && push("refs/heads/agent/a", false));
    for (name, force) in
        [("main", false), ("agent/a", true), ("agent/a/b", false), ("x/agent/a", false), ("", false)]
    {
        assert!(!push(name, force), "{name}");
    }
    let deploy = |command: &str| {
        of(EffectClass::Deploy, Resource::Deployment { target: "kubectl apply".to_owned() }, command)
    };
    assert!(deploy("kubectl --context staging apply -f k8s/"));
    assert!(!deploy("kubectl apply -f k8s/"));
    assert!(!deploy("kubectl --context prod-eu apply -f staging"));
    let package = |source| Resource::Package {
        name: "left-pad".to_owned(),
        version: String::new(),
        ecosystem: "npm".to_owned(),
        source,
    };
    assert!(of(EffectClass::PackageInstall, package(PackageSource::Lockfile), ""));
    assert!(!of(EffectClass::PackageInstall, package(PackageSource::Registry), ""));
    assert!(of(EffectClass::SecretRead, Resource::Secret { what: "${NPM_TOKEN}".to_owned() }, ""));
    assert!(!of(EffectClass::SecretRead, Resource::Secret { what: "AWS_KEY".to_owned() }, ""));
    assert!(of(EffectClass::Publish, Resource::Command { program: "npm publish".to_owned() }, ""));
}
