//! A tree of a team, scanned as a whole: what is found, what is reported, and that no secret gets out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use writ_scan::autonomy::Autonomy;
use writ_scan::finding::{RULES, Severity, findings};
use writ_scan::survey::{Found, Level, scan_administrator, scan_tree};
use writ_scan::walk::WalkOptions;
use writ_scan::{report, sarif};

const SECRET: &str = "q8Zk2LmN4pRs7TuVwXyZ";

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text.replace("SECRET", SECRET)).unwrap();
    }
    folder
}

fn found(root: &Path) -> BTreeMap<String, Found> {
    let scan = scan_tree(root, &WalkOptions::default());
    scan.found.into_iter().map(|found| (found.path.to_string_lossy().into_owned(), found)).collect()
}

#[test]
fn servers_of_docker_jetbrains_and_amazon_q_are_read() {
    let folder = tree(&[
        (
            ".docker/mcp/registry.yaml",
            "registry:\n  duckduckgo:\n    ref: \"\"\n  own:\n    catalog: custom\n",
        ),
        (
            ".config/JetBrains/PyCharm2025.1/options/llm.mcpServers.xml",
            "<application><component name=\"McpApplicationServerCommands\"><commands><P><option name=\"name\" value=\"a\"/>\n<option name=\"command\" value=\"npx\"/><option name=\"args\" value=\"-y some-mcp\"/><envs><env name=\"A_KEY\" value=\"SECRET\"/></envs></P></commands></component></application>",
        ),
        (".idea/workspace.xml", "<project><component name=\"RunManager\"/></project>"),
        (
            "b/.idea/workspace.xml",
            "<project><component name=\"McpProjectServerCommands\"><M><option name=\"name\" value=\"nx\"/><option name=\"programPath\" value=\"npx\"/></M></component></project>",
        ),
        (
            ".amazonq/cli-agents/x.json",
            "{\"mcpServers\": {\"git\": {\"command\": \"git-mcp\"}, \"jira\": {\"command\": \"j\"}},\n\"allowedTools\": [\"@git\", \"@jira/get\"]}",
        ),
    ]);
    let found = found(folder.path());
    let names = |path: &str| -> Vec<(String, Option<u32>)> {
        found[path].servers.iter().map(|server| (server.name.clone(), server.trusted_line)).collect()
    };
    let plain = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), None)).collect::<Vec<_>>();
    assert_eq!(names(".docker/mcp/registry.yaml"), plain(&["duckduckgo", "own"]));
    let editor = ".config/JetBrains/PyCharm2025.1/options/llm.mcpServers.xml";
    assert_eq!(names(editor), plain(&["a"]));
    assert_eq!(found[editor].hard_coded.len(), 1);
    assert_eq!(found[editor].servers[0].package.as_ref().map(|package| package.pinned), Some(false));
    assert_eq!(names("b/.idea/workspace.xml"), plain(&["nx"]));
    assert!(!found.contains_key(".idea/workspace.xml"));
    let agent = &found[".amazonq/cli-agents/x.json"];
    assert_eq!(agent.servers.iter().map(|server| server.trusted_line).collect::<Vec<_>>(), [Some(2), None]);
    assert!(findings(agent).iter().any(|finding| finding.rule.id == "writ/trusted-server"));
}

#[test]
fn settings_say_what_runs_unasked_in_every_tool() {
    for (path, text, level) in [
        (".claude/settings.json", r#"{"permissions": {"defaultMode": "bypassPermissions"}}"#, "blanket"),
        (".claude/settings.json", r#"{"permissions": {"allow": ["Bash(*)"]}}"#, "blanket"),
        (".claude/settings.json", r#"{"permissions": {"allow": ["Bash(git status)"]}}"#, "scoped"),
        (".claude/settings.json", r#"{"permissions": {"allow": [], "deny": ["Bash"]}}"#, "none"),
        (".claude/settings.json", r#"{"permissions": {"ask": ["Bash"]}}"#, "none"),
        (".claude/agents/x.md", "---\npermissionMode: bypassPermissions\n---\n", "blanket"),
        (".claude/commands/x.md", "---\nallowed-tools: Bash(*)\n---\n", "blanket"),
        (".claude/skills/a/SKILL.md", "---\nname: a\nallowed-tools: Read, Bash\n---\n", "blanket"),
        (".claude/skills/a/SKILL.md", "---\nname: a\nallowed-tools: Read Bash(git log:*)\n---\n", "scoped"),
        (".claude/commands/x.md", "---\nallowed-tools: Bash(git log, Bash)\n---\n", "scoped"),
        (".claude/commands/x.md", "---\nallowed-tools: Read, Grep\n---\n", "none"),
        (
            ".codex/rules/d.rules",
            "prefix_rule(\n  pattern = [\"git\", \"push\"],\n  decision = \"allow\",\n)\n",
            "scoped",
        ),
        (".codex/rules/d.rules", "prefix_rule(pattern=[\"a\", [\"b\", \"c\"]])", "scoped"),
        (".codex/rules/d.rules", "prefix_rule(pattern=[\"rm\"], decision=\"forbidden\")", "none"),
        (".codex/rules/d.rules", "# prefix_rule(pattern=[\"git\"], decision=\"allow\")\n", "none"),
        (".cursor/sandbox.json", r#"{"type": "insecure_none"}"#, "blanket"),
        (".cursor/sandbox.json", r#"{"type": "workspace_readwrite"}"#, "none"),
        (
            ".vscode/settings.json",
            r#"{"chat.tools.terminal.autoApprove": {"/^.*$/s": {"approve": true, "matchCommandLine": true}}}"#,
            "blanket",
        ),
        (
            ".devcontainer/gpu/devcontainer.json",
            r#"{"customizations": {"vscode": {"settings": {"chat.tools.global.autoApprove": true}}}}"#,
            "blanket",
        ),
        (".iflow/settings.json", r#"{"approvalMode": "yolo"}"#, "blanket"),
        (".iflow/settings.json", r#"{"approvalMode": "default"}"#, "none"),
        (".vibe/config.toml", "auto_approve = true", "blanket"),
        (".vibe/config.toml", "[tools.bash]\npermission = \"always\"", "blanket"),
        (".vibe/config.toml", "[tools.read_file]\npermission = \"always\"", "scoped"),
        (".vibe/config.toml", "[tools.bash]\npermission = \"ask\"", "none"),
        (".kimi/config.toml", "default_yolo = true", "blanket"),
        (".kimi/config.toml", "default_yolo = false", "none"),
        (".kimi-code/config.toml", "default_permission_mode = \"yolo\"", "blanket"),
        (".rovodev/config.yml", "toolPermissions:\n  default: allow\n", "blanket"),
        (".rovodev/config.yml", "toolPermissions:\n  default: ask\n  bash:\n    default: ask\n", "none"),
        (
            ".rovodev/config.yml",
            "toolPermissions:\n  bash:\n    commands:\n    - command: ls.*\n      permission: allow\n",
            "scoped",
        ),
        (".codex/config.toml", "approval_policy = \"never\"", "blanket"),
        (
            ".codex/config.toml",
            "profile = \"x\"\n[profiles.x]\nsandbox_mode = \"danger-full-access\"",
            "blanket",
        ),
        (".codex/config.toml", "[profiles.x]\nsandbox_mode = \"danger-full-access\"", "none"),
        (".codex/config.toml", "approval_policy = \"on-request\"", "none"),
        (".gemini/settings.json", r#"{"general": {"defaultApprovalMode": "yolo"}}"#, "blanket"),
        (".gemini/settings.json", r#"{"tools": {"allowed": ["run_shell_command(git)"]}}"#, "scoped"),
        (".gemini/settings.json", r#"{"mcpServers": {"x": {"command": "y", "trust": true}}}"#, "scoped"),
        (
            ".gemini/policies/a.toml",
            "[[rule]]\ntoolName = \"run_shell_command\"\ndecision = \"allow\"",
            "blanket",
        ),
        (".qwen/settings.json", r#"{"tools": {"approvalMode": "yolo"}}"#, "blanket"),
        ("opencode.json", r#"{"permission": {"bash": {"*": "allow", "rm *": "deny"}}}"#, "blanket"),
        ("opencode.json", r#"{"permission": {"bash": {"*": "ask", "git *": "allow"}}}"#, "scoped"),
        ("opencode.json", r#"{"permission": {"bash": "ask", "read": "allow"}}"#, "none"),
        (".cursor/cli.json", r#"{"permissions": {"allow": ["Shell(*)"]}}"#, "blanket"),
        (".cursor/cli.json", r#"{"permissions": {"allow": ["Shell(ls)"]}}"#, "scoped"),
        (".vscode/settings.json", r#"{"chat.tools.autoApprove": true}"#, "blanket"),
        (
            ".vscode/settings.json",
            r#"{"chat.tools.terminal.autoApprove": {"git": true, "rm": false}}"#,
            "scoped",
        ),
        (".vscode/settings.json", r#"{"chat.tools.terminal.autoApprove": {"/.*/": true}}"#, "blanket"),
        (".vscode/settings.json", r#"{"kiroAgent.trustedCommands": ["*"]}"#, "blanket"),
        (
            ".kiro/settings/mcp.json",
            r#"{"mcpServers": {"x": {"command": "y", "autoApprove": ["a"]}}}"#,
            "scoped",
        ),
        (".kiro/agents/x.json", r#"{"allowedTools": ["read"]}"#, "none"),
        (".amazonq/cli-agents/x.json", r#"{"allowedTools": ["@git"]}"#, "scoped"),
        (".amazonq/cli-agents/x.json", r#"{"allowedTools": ["@builtin"]}"#, "blanket"),
        (".amazonq/cli-agents/x.json", r#"{"allowedTools": ["execute_*"]}"#, "blanket"),
        (".amazonq/cli-agents/x.json", r#"{"allowedTools": ["fs_*", "@git/read_*"]}"#, "scoped"),
        (".kiro/agents/x.json", r#"{"allowedTools": ["execute_bash"]}"#, "blanket"),
        (".roo/mcp.json", r#"{"mcpServers": {"x": {"command": "y", "alwaysAllow": ["*"]}}}"#, "scoped"),
        (".aider.conf.yml", "yes-always: true", "blanket"),
        (".config/goose/config.yaml", "GOOSE_MODE: auto", "blanket"),
        (".config/goose/config.yaml", "GOOSE_MODE: smart_approve", "scoped"),
        (".zed/settings.json", r#"{"agent": {"always_allow_tool_actions": true}}"#, "blanket"),
        (".amp/settings.json", r#"{"amp.dangerouslyAllowAll": true}"#, "blanket"),
        (".continue/permissions.yaml", "allow: [Bash]", "blanket"),
        (".factory/settings.json", r#"{"autonomyMode": "auto-high"}"#, "blanket"),
        (".junie/allowlist.json", r#"{"defaultBehavior": "allow"}"#, "blanket"),
        ("crush.json", r#"{"permissions": {"allowed_tools": ["view", "bash"]}}"#, "blanket"),
        ("openclaw.json", r#"{"tools": {"exec": {"ask": "off"}}}"#, "blanket"),
        ("opencode.json", r#"{"mode": {"build": {"permission": {"bash": "allow"}}}}"#, "blanket"),
        (".vscode/settings.json", r#"{"amp.permissions": [{"tool": "*", "action": "allow"}]}"#, "blanket"),
        (
            "a/team.code-workspace",
            r#"{"folders": [], "settings": {"chat.tools.autoApprove": true}}"#,
            "blanket",
        ),
    ] {
        let tree = tree(&[(path, text)]);
        let found = found(tree.path());
        let level_found = found.get(path).map(|found| found.approval.level().name());
        assert_eq!(level_found, Some(level), "{path} {text}");
    }
}

#[test]
fn editor_settings_without_agents_are_no_agents() {
    let tree = tree(&[
        (".vscode/settings.json", r#"{"editor.tabSize": 2}"#),
        ("a/.zed/settings.json", r#"{"tab_size": 2}"#),
        ("b/.devcontainer/devcontainer.json", r#"{"image": "x"}"#),
        ("c/.github/workflows/test.yml", "on: push\njobs: {a: {steps: [{run: make}]}}"),
    ]);
    assert!(found(tree.path()).is_empty());
}

#[test]
fn no_report_holds_a_secret_and_each_finding_cites_its_line() {
    let workflow = "on: issue_comment\njobs:\n  a:\n    runs-on: self-hosted\n    steps:\n      - uses: google-github-actions/run-gemini-cli@v0\n        with:\n          gemini_api_key: SECRET\n          prompt: ${{ github.event.comment.body }}\n        env: {K: '${{ secrets.K }}'}\n";
    let tree = tree(&[
        (
            ".mcp.json",
            "{\"mcpServers\": {\"x\": {\"command\": \"npx\", \"args\": [\"p\", \"--api-key\",\n \"SECRET\"],\n\"env\": {\"A_TOKEN\":\n\"SECRET\"}},\n\"y\": {\"url\": \"http://far.example/mcp?token=SECRET\",\n\"headers\": {\"Authorization\": \"Bearer SECRET\"}}}}",
        ),
        (".github/workflows/a.yml", workflow),
        (
            ".codex/config.toml",
            "approval_policy = \"never\"\n[mcp_servers.z]\nurl = \"https://u:SECRET@h/\"\n",
        ),
        (".continue/config.yaml", "models:\n  - apiKey: SECRET\n"),
    ]);
    let mut all = Vec::new();
    let mut text = String::new();
    for found in found(tree.path()).values() {
        text.push_str(&report::file(found).to_string());
        text.push_str(&format!("{found:?}"));
        all.extend(findings(found));
    }
    let document = sarif::sarif(&all, &[], "0");
    text.push_str(&document.to_string());
    assert!(!text.contains(SECRET), "{text}");
    let seen = |rule: &str| {
        all.iter().filter(|finding| finding.rule.id == rule).map(|finding| finding.line).collect::<Vec<_>>()
    };
    assert_eq!(seen("writ/hard-coded-credential").len(), 7, "{all:?}");
    for rule in [
        "writ/blanket-approval",
        "writ/ci-outsider-starts-agent",
        "writ/ci-self-hosted",
        "writ/ci-inherited-token",
        "writ/plain-http-server",
        "writ/unpinned-server",
    ] {
        assert_eq!(seen(rule).len(), 1, "{rule}");
    }
    assert_eq!(all.iter().map(|finding| finding.rule.severity).max(), Some(Severity::Critical));
    let results = document.pointer("/runs/0/results").and_then(serde_json::Value::as_array).unwrap();
    assert_eq!(results.len(), all.len());
    assert!(RULES.iter().all(|rule| rule.id.starts_with("writ/") && !rule.help.is_empty()));
}

#[test]
fn a_finding_keeps_its_key_when_its_line_moves() {
    let one = tree(&[(".mcp.json", r#"{"mcpServers": {"x": {"command": "npx", "args": ["p"]}}}"#)]);
    let two =
        tree(&[(".mcp.json", "\n\n{\"mcpServers\": {\n\"x\": {\"command\": \"npx\", \"args\": [\"p\"]}}}")]);
    let key = |root: &Path| {
        findings(&found(root)[".mcp.json"]).into_iter().map(|finding| finding.key).collect::<Vec<_>>()
    };
    assert_eq!(key(one.path()), key(two.path()));
    assert_eq!(key(one.path()).len(), 1);
}

#[test]
fn autonomy_follows_what_is_allowed_and_what_starts_it() {
    for (path, text, level) in [
        (".claude/settings.json", "{}", 0),
        (".claude/settings.json", r#"{"permissions": {"allow": ["Edit"]}}"#, 1),
        (".claude/settings.json", r#"{"permissions": {"allow": ["Bash"]}}"#, 2),
        (".github/workflows/a.yml", "on: workflow_dispatch\njobs: {a: {steps: [{run: claude -p x}]}}", 1),
        (".github/workflows/a.yml", "on: schedule\njobs: {a: {steps: [{run: claude -p x}]}}", 2),
        (
            ".github/workflows/a.yml",
            "on: schedule\njobs: {a: {steps: [{run: claude -p --dangerously-skip-permissions x}]}}",
            3,
        ),
        (".github/workflows/a.yml", "on: issues\njobs: {a: {steps: [{run: claude -p x}]}}", 3),
    ] {
        let tree = tree(&[(path, text)]);
        assert_eq!(Autonomy::of(&found(tree.path())[path]).level(), level, "{text}");
    }
}

#[test]
fn a_token_in_a_remote_is_found_where_it_stands() {
    for (config, line) in [
        ("[remote \"origin\"]\n\turl = https://me:SECRET@forge.example/a/b\n", Some(2)),
        ("[url \"https://x:SECRET@forge.example/\"]\n\tinsteadOf = https://forge.example/\n", Some(1)),
        ("[http \"https://forge.example/\"]\n\textraheader = AUTHORIZATION: basic SECRET\n", Some(2)),
        ("[remote \"origin\"]\n\turl = https://forge.example/a/b\n\turl = git@forge.example:a/b\n", None),
    ] {
        let tree = tree(&[("a/.git/config", config)]);
        let found = found(tree.path());
        let seen = found.get("a/.git/config").map(|found| found.hard_coded[0].line);
        assert_eq!(seen, line, "{config}");
        assert!(!format!("{found:?}").contains(SECRET));
    }
}

#[test]
fn code_that_makes_identities_is_found_by_its_line() {
    let folder = tree(&[
        ("infra/main.tf", "resource \"aws_iam_access_key\" \"k\" {\n  user = \"u\"\n}\n"),
        (
            "deploy/rbac.yaml",
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\nroleRef:\n  name: cluster-admin\nsubjects: [{name: a}]\n",
        ),
        ("src/role.json", r#"{"role": "button"}"#),
        ("infra/broken.tf", "resource {"),
    ]);
    let scan = scan_tree(folder.path(), &WalkOptions::default());
    let all: Vec<_> = scan.found.iter().flat_map(findings).collect();
    let told: Vec<(&str, &str, u32)> =
        all.iter().map(|finding| (finding.path.to_str().unwrap(), finding.rule.id, finding.line)).collect();
    assert_eq!(
        told,
        [
            ("deploy/rbac.yaml", "writ/identity-administrator", 5),
            ("infra/main.tf", "writ/identity-standing-credential", 1),
        ]
    );
    assert!(scan.notes.iter().any(|note| note.relative.ends_with("broken.tf")), "{:?}", scan.notes);
    let json = report::file(&scan.found[0]);
    assert_eq!(json["identities"][0]["breadth"], "administrator");
    assert!(sarif::sarif(&all, &[], "1").to_string().contains("writ/identity-administrator"));
}

/// What hides a setting from a scan must not be worth more than telling it.
#[test]
fn settings_that_cannot_be_read_whole_are_a_finding_and_never_harmless() {
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    let mode = r#""permissions": {"defaultMode": "bypassPermissions"}"#;
    for (path, text, level, unread) in [
        (".claude/settings.json", format!("{{{mode}, \"x\": \"\\ud800\"}}").into_bytes(), "blanket", false),
        (
            ".claude/settings.json",
            [format!("{{{mode}, \"x\": \"").as_bytes(), b"\xff\"}"].concat(),
            "blanket",
            false,
        ),
        (".claude/settings.json", format!("{{\"x\": {deep}, {mode}}}").into_bytes(), "blanket", true),
        (".claude/settings.json", b"{\"permissions\": {\"allow\": [\"Edit\"".to_vec(), "scoped", true),
        (
            ".codex/config.toml",
            b"approval_policy = \"never\"\nsandbox_mode = \"danger-full-access\"\n[x\n".to_vec(),
            "blanket",
            true,
        ),
        (".claude/settings.json", b"\0\0".to_vec(), "none", true),
        (
            ".github/workflows/a.yml",
            b"on: issues # gr\xfcn\njobs: {a: {steps: [{run: claude -p x --yolo}]}}".to_vec(),
            "blanket",
            false,
        ),
        (".github/workflows/a.yml", b"on: issues\njobs: {a: {steps: [{run: claude -p".to_vec(), "none", true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
        std::fs::write(folder.path().join(path), &text).unwrap();
        let found = found(folder.path());
        let shown = String::from_utf8_lossy(&text);
        let found = found.get(path).unwrap_or_else(|| panic!("nothing of {shown}"));
        assert_eq!(found.approval.level().name(), level, "{shown}");
        let told = findings(found).iter().any(|finding| finding.rule.id == "writ/unread-settings");
        assert_eq!(told, unread, "{shown}");
        let autonomy = &report::file(found)["autonomy"];
        assert_eq!(autonomy["level"].is_null(), unread, "{shown}");
        assert_eq!(autonomy["at_least"], Autonomy::of(found).level(), "{shown}");
    }
}

#[test]
fn linked_folders_of_tools_are_read_where_they_stay_in_the_tree_and_told_where_not() {
    use std::os::unix::fs::symlink;
    let elsewhere = tree(&[("settings.json", "{}")]);
    let folder = tree(&[("dots/claude/settings.json", r#"{"permissions": {"allow": ["Bash"]}}"#)]);
    symlink("dots/claude", folder.path().join(".claude")).unwrap();
    symlink(elsewhere.path(), folder.path().join(".cursor")).unwrap();
    symlink("..", folder.path().join("dots/.github")).unwrap();
    symlink("../..", folder.path().join("dots/claude/agents")).unwrap();
    let scan = scan_tree(folder.path(), &WalkOptions::default());
    let seen: Vec<&str> = scan.found.iter().map(|found| found.path.to_str().unwrap()).collect();
    assert_eq!(seen, [".claude/settings.json"]);
    let noted: Vec<&str> = scan.notes.iter().map(|note| note.relative.to_str().unwrap()).collect();
    assert_eq!(noted, [".claude/agents", ".cursor", "dots/.github", "dots/claude/agents"]);
    let document = sarif::sarif(&[], &scan.notes, "0");
    let told = document.pointer("/runs/0/invocations/0/toolExecutionNotifications").unwrap();
    assert_eq!(told.as_array().unwrap().len(), 4);
    assert_eq!(told[1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], ".cursor");
}

#[test]
fn agents_in_pipelines_of_gitlab_are_judged_as_those_of_workflows() {
    let folder = tree(&[
        (
            ".gitlab-ci.yml",
            "include: {local: ci/agent.yml}\nreview:\n  variables:\n    OPENAI_API_KEY: SECRET\n    BOT_TOKEN: {value: SECRET, description: x}\n  script:\n    - codex exec --dangerously-bypass-approvals-and-sandbox \"$CI_MERGE_REQUEST_TITLE\"\n",
        ),
        ("ci/agent.yml", "more:\n  script: claude -p x --dangerously-skip-permissions\n"),
    ]);
    let found = &found(folder.path())[".gitlab-ci.yml"];
    let told: Vec<(String, &str, u32)> = findings(found)
        .iter()
        .map(|finding| (finding.path.to_string_lossy().into_owned(), finding.rule.id, finding.line))
        .collect();
    let expected = [
        (".gitlab-ci.yml", "writ/hard-coded-credential", 4),
        (".gitlab-ci.yml", "writ/hard-coded-credential", 5),
        ("ci/agent.yml", "writ/ci-bypass", 2),
        (".gitlab-ci.yml", "writ/ci-bypass", 7),
        (".gitlab-ci.yml", "writ/ci-any-branch", 2),
    ];
    assert_eq!(told, expected.map(|(path, rule, line)| (path.to_owned(), rule, line)));
    assert_eq!(Autonomy::of(found).level(), 3);
    let json = report::file(found);
    assert_eq!(json["agent_steps"][0]["untrusted_content_in_prompt"], true);
    assert_eq!(json["untrusted_privileged_start"], false);
    assert!(!json.to_string().contains(SECRET));
}

#[test]
fn patterns_and_started_pipelines_of_gitlab_are_read() {
    let folder = tree(&[
        (".gitlab-ci.yml", "include:\n  - local: 'ci/*.yml'\nd:\n  trigger: {include: 'sub/**/*.yml'}\n"),
        ("ci/b.yml", "b:\n  script: claude -p x --dangerously-skip-permissions\n"),
        ("ci/a.yml", "a:\n  script: codex exec --yolo x\n"),
        ("ci/in/c.yml", "c:\n  script: claude -p x --dangerously-skip-permissions\n"),
        ("sub/x/d.yml", "d:\n  script: gemini --yolo -p x\n"),
    ]);
    let found = &found(folder.path())[".gitlab-ci.yml"];
    let mut told: Vec<String> = findings(found)
        .iter()
        .filter(|finding| finding.rule.id == "writ/ci-bypass")
        .map(|finding| finding.path.to_string_lossy().into_owned())
        .collect();
    told.sort();
    assert_eq!(told, ["ci/a.yml", "ci/b.yml", "sub/x/d.yml"]);
}

#[test]
fn a_checkout_that_leaves_a_secret_names_it() {
    for (with, left) in [
        ("token: '${{ secrets.PAT }}'", Some("PAT")),
        ("ssh-key: '${{ secrets.KEY }}'", Some("KEY")),
        ("token: '${{ secrets.PAT }}', persist-credentials: false", None),
        ("token: '${{ github.token }}'", None),
    ] {
        let workflow = format!(
            "on: push\npermissions: {{contents: read}}\njobs:\n  a:\n    steps:\n      - {{uses: actions/checkout@v4, with: {{{with}}}}}\n      - run: claude -p x\n"
        );
        let folder = tree(&[(".github/workflows/a.yml", &workflow)]);
        let found = &found(folder.path())[".github/workflows/a.yml"];
        let told: Vec<String> = findings(found)
            .into_iter()
            .filter(|finding| finding.rule.id == "writ/ci-left-token")
            .map(|finding| finding.message)
            .collect();
        let expected =
            left.map(|name| format!("the checkout in job `a` leaves {name} where claude-code can read it"));
        assert_eq!(told, Vec::from_iter(expected), "{with}");
        assert_eq!(report::file(found)["agent_steps"][0]["secrets_of_checkout"][0].as_str(), left, "{with}");
    }
}

#[test]
fn servers_are_found_wherever_clients_keep_them() {
    for (path, text, names) in [
        ("team.code-workspace", r#"{"settings": {"mcp": {"servers": {"w": {"command": "x"}}}}}"#, "w"),
        (
            ".github/agents/x.agent.md",
            "---\nmcp-servers:\n  foo:\n    type: local\n    command: x\n---\n",
            "foo",
        ),
        (
            ".continue/config.json",
            r#"{"experimental": {"modelContextProtocolServers": [{"transport": {"type": "stdio", "command": "uvx", "args": ["one"]}}]}}"#,
            "one",
        ),
        (
            "librechat.yaml",
            "mcpServers:\n  p: {command: x}\n  q: {type: sse, url: 'https://x.example/sse'}\n",
            "p q",
        ),
        ("fastagent.config.yaml", "mcp:\n  servers:\n    fetch: {command: uvx}\n", "fetch"),
        (".vibe/config.toml", "[[mcp_servers]]\nname = \"v\"\ncommand = \"x\"\n", "v"),
        (".vscode-server/data/User/mcp.json", r#"{"servers": {"r": {"command": "x"}}}"#, "r"),
        (".config/VSCodium/User/profiles/a1/mcp.json", r#"{"servers": {"p": {"command": "x"}}}"#, "p"),
    ] {
        let folder = tree(&[(path, text)]);
        let found = found(folder.path());
        let seen: Vec<&str> = found
            .get(path)
            .into_iter()
            .flat_map(|found| &found.servers)
            .map(|server| server.name.as_str())
            .collect();
        assert_eq!(seen.join(" "), names, "{path}");
    }
    let plain = tree(&[("x.code-workspace", r#"{"folders": [], "settings": {"editor.tabSize": 2}}"#)]);
    assert!(found(plain.path()).is_empty());
}

#[test]
fn places_of_editors_are_the_product_of_editors_profiles_and_extensions() {
    let home = tree(&[
        (".config/Cursor/User/settings.json", "{}"),
        (".config/VSCodium/User/profiles/-1/mcp.json", "{}"),
        (".vscode-server/data/User/mcp.json", "{}"),
    ]);
    let places = writ_scan::machine::editor_places(home.path());
    for place in [
        ".config/Cursor/User/globalStorage/kilocode.kilo-code/settings",
        ".config/Cursor/User/globalStorage/saoudrizwan.claude-dev/settings",
        ".config/VSCodium/User/profiles/-1/mcp.json",
        ".vscode-server/data/User/mcp.json",
    ] {
        assert!(places.iter().any(|seen| seen == Path::new(place)), "{place}");
    }
    assert!(!places.iter().any(|seen| seen.starts_with(".config/Code")));
}

#[test]
fn credentials_in_arguments_and_paths_of_servers_are_found() {
    let drawn = "Zq8Wm2Xc5Vb9Nn3Kl7Jh4Gf6Ds1Ap0Oi";
    for (server, hard) in [
        (format!(r#"{{"command": "x", "args": ["-k", "{drawn}"]}}"#), true),
        (format!(r#"{{"command": "sh", "args": ["-c", "API_KEY={drawn} npx thing"]}}"#), true),
        (format!(r#"{{"url": "https://x.example/api/mcp/s/{drawn}/mcp"}}"#), true),
        (r#"{"command": "sh", "args": ["-c", "API_KEY=$API_KEY npx thing"]}"#.to_owned(), false),
        (r#"{"command": "x", "args": ["-k", "YOUR_API_KEY_GOES_HERE_0123"]}"#.to_owned(), false),
        (r#"{"url": "https://x.example/mcp/550e8400-e29b-41d4-a716-446655440000"}"#.to_owned(), false),
        (r#"{"url": "https://x.example/0123456789abcdef0123456789abcdef01234567/mcp"}"#.to_owned(), false),
        (r#"{"command": "x", "args": ["-t", "TheNameOfSomeVeryLongToolset"]}"#.to_owned(), false),
    ] {
        let folder = tree(&[(".mcp.json", &format!(r#"{{"mcpServers": {{"s": {server}}}}}"#))]);
        let found = &found(folder.path())[".mcp.json"];
        assert_eq!(!found.hard_coded.is_empty(), hard, "{server}");
        assert!(!format!("{found:?}").contains(drawn), "{server}");
    }
}

/// What stands in place of a credential in these texts: drawn, and of no vendor's form but where one is named.
const HIDDEN: &str = "Kq7vbn2Lm9xTr4Wz";

#[test]
fn credentials_are_found_in_any_text_of_settings_and_of_servers() {
    let jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIiwiaXNzIjoic3VwYWJhc2UifQ.Kq7vbn2Lm9xTr4WzKq7vbn2Lm9xTr4Wz";
    let public = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYW5vbiIsImlzcyI6InN1cGFiYXNlIn0.Kq7vbn2Lm9xTr4WzKq7vbn2Lm9xTr4Wz";
    let token = format!("ghp_{HIDDEN}{HIDDEN}Ab1c");
    let hook =
        format!("https://hooks.slack.com/services/T0{}/B0{}/{HIDDEN}Kq7vbn2L", "1ABCD2EF3", "4GHIJ5KL6");
    let words = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    for (path, text, line) in [
        (".claude/settings.json", format!("{{\"permissions\": {{\"allow\": [\"Read\",\n\"Bash(GITHUB_TOKEN={token} gh api user)\"]}}}}"), Some(2)),
        (".claude/settings.json", format!("{{\"permissions\": {{\"allow\": [\n\"Bash(curl -H \\\"Authorization: Bearer {HIDDEN}\\\" https://h.example)\"]}}}}"), Some(2)),
        (".claude/settings.json", format!("{{\"permissions\": {{\"allow\": [\n\"Bash(PGPASSWORD={HIDDEN} psql -h db)\"]}}}}"), Some(2)),
        (".claude/settings.json", format!("{{\"hooks\": {{\"Stop\": [{{\"hooks\": [{{\"type\": \"command\",\n\"command\": \"curl -d x {hook}\"}}]}}]}}}}"), Some(2)),
        (".aider.conf.yml", format!("model: x\nset-env:\n  - OPENAI_API_KEY=sk-{HIDDEN}{HIDDEN}\n"), Some(3)),
        (".mcp.json", format!("{{\"mcpServers\": {{\"s\": {{\"command\": \"x\", \"env\": {{\n\"SLACK_WEBHOOK_URL\": \"{hook}\"}}}}}}}}"), Some(2)),
        (".mcp.json", format!("{{\"mcpServers\": {{\"s\": {{\"command\": \"x\", \"env\": {{\n\"GOOGLE\": \"{{\\\"private_key\\\":\\\"-----BEGIN PRIVATE KEY-----\\\\n{}\\\\n-----END PRIVATE KEY-----\\\"}}\"}}}}}}}}", HIDDEN.repeat(6)), Some(2)),
        (".mcp.json", format!("{{\"mcpServers\": {{\"s\": {{\"command\": \"x\", \"env\": {{\n\"SUPABASE_SERVICE_ROLE\": \"{jwt}\"}}}}}}}}"), Some(2)),
        (".mcp.json", format!("{{\"mcpServers\": {{\"s\": {{\"command\": \"x\", \"env\": {{\n\"MSSQL_CONN\": \"Server=db;User Id=sa;Password={HIDDEN};\"}}}}}}}}"), Some(2)),
        (".mcp.json", format!("{{\"mcpServers\": {{\"s\": {{\"command\": \"x\", \"env\": {{\n\"MNEMONIC\": \"{words}\"}}}}}}}}"), Some(2)),
        (".mcp.json", format!("{{\"mcpServers\": {{\"s\": {{\"command\": \"x\", \"env\": {{\n\"API_KEY\": \"${{API_KEY:-{HIDDEN}}}\"}}}}}}}}"), Some(2)),
        (".mcp.json", format!("{{\"mcpServers\": {{\"s\": {{\"command\": \"x\", \"args\": [\"--header\",\n\"X-API-Key:{HIDDEN}\"]}}}}}}"), Some(2)),
        (".mcp.json", format!("{{\"mcpServers\": {{\"s\": {{\"command\": \"x\", \"args\": [\"--config\",\n\"{{\\\"apiKey\\\":\\\"{HIDDEN}\\\"}}\"]}}}}}}"), Some(2)),
        // Names, places and fillers of credentials.
        (".claude/settings.json", "{\"permissions\": {\"allow\": [\"Bash(GITHUB_TOKEN=$GITHUB_TOKEN gh api user)\"]}}".to_owned(), None),
        (".claude/settings.json", "{\"permissions\": {\"allow\": [\"Bash(PGPASSWORD=\\\"$PW\\\" psql)\", \"Bash(curl -H \\\"Authorization: Bearer <token>\\\")\"]}}".to_owned(), None),
        (".mcp.json", "{\"mcpServers\": {\"s\": {\"command\": \"x\", \"env\": {\"API_KEY\": \"${API_KEY:-changeme}\"}}}}".to_owned(), None),
        (".mcp.json", "{\"mcpServers\": {\"s\": {\"command\": \"x\", \"env\": {\"API_KEY\": \"arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/key-AbCdEf\"}}}}".to_owned(), None),
        (".mcp.json", format!("{{\"mcpServers\": {{\"s\": {{\"command\": \"x\", \"env\": {{\"STRIPE_PUBLISHABLE_KEY\": \"pk_live_{HIDDEN}Ab12\"}}}}}}}}"), None),
        (".mcp.json", format!("{{\"mcpServers\": {{\"s\": {{\"command\": \"x\", \"env\": {{\"SUPABASE_ANON\": \"{public}\"}}}}}}}}"), None),
        (".mcp.json", "{\"mcpServers\": {\"s\": {\"command\": \"x\", \"args\": [\"--header\", \"X-API-Key:${KEY}\"]}}}".to_owned(), None),
    ] {
        let folder = tree(&[(path, &text)]);
        let found = &found(folder.path())[path];
        let lines: Vec<u32> = found.hard_coded.iter().map(|at| at.line).collect();
        assert_eq!(lines, line.into_iter().collect::<Vec<_>>(), "{text}");
        let shown = format!("{found:?}{}", report::file(found));
        assert!(!shown.contains(HIDDEN), "{shown}");
        if path == ".mcp.json" {
            assert_eq!(!found.servers[0].hard_coded.is_empty(), line.is_some(), "{text}");
        }
    }
}

#[test]
fn another_value_under_the_same_name_is_another_finding() {
    let keys = |text: &str| {
        let folder = tree(&[(".mcp.json", text)]);
        let found = found(folder.path());
        findings(&found[".mcp.json"]).iter().map(|finding| finding.key.clone()).collect::<Vec<_>>()
    };
    let text = |value: &str, before: &str| {
        format!(
            "{before}{{\"mcpServers\": {{\"s\": {{\"command\": \"x\", \"env\": {{\"API_KEY\": \"{value}\"}}}}}}}}"
        )
    };
    let old = keys(&text(HIDDEN, ""));
    assert_eq!(old.len(), 1);
    assert_eq!(old, keys(&text(HIDDEN, "\n\n")), "a line that moves");
    assert_ne!(old, keys(&text("Zt8mQw3Kd6Yb1Nc5", "")), "a new value");
}

#[test]
fn what_could_steer_a_terminal_is_written_out_in_json() {
    let name = "a\u{202e}b\u{9b}c\u{200b}\u{e0041}é";
    let folder = tree(&[(".mcp.json", &format!(r#"{{"mcpServers": {{"{name}": {{"command": "x"}}}}}}"#))]);
    let object = report::file(&found(folder.path())[".mcp.json"]);
    let text = report::printed(&object);
    assert!(text.contains(r"a\u202eb\u009bc\u200b\udb40\udc41é"), "{text}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), object);
}

#[test]
fn a_finding_about_what_has_no_name_says_so() {
    let folder = tree(&[(
        "deploy/rb.yaml",
        "kind: ClusterRoleBinding\napiVersion: rbac.authorization.k8s.io/v1\nroleRef: {name: cluster-admin}\nsubjects: [{kind: Group, name: 'system:unauthenticated'}]\n",
    )]);
    let findings = findings(&found(folder.path())["deploy/rb.yaml"]);
    assert!(findings[0].message.starts_with("role-binding without a name: "), "{}", findings[0].message);
}

#[test]
fn administrators_settings_are_found_below_any_root() {
    let folder = tree(&[
        (
            "etc/claude-code/managed-settings.json",
            "{\"permissions\": {\"defaultMode\": \"bypassPermissions\"}}",
        ),
        (
            "etc/ampcode/managed-settings.json",
            "{\"amp.permissions\": [{\"action\": \"allow\", \"tool\": \"*\"}]}",
        ),
        ("etc/claude-code/managed-settings.d/a.json", "{\"permissions\": {\"allow\": [\"Bash\"]}}"),
        (
            "etc/gemini-cli/policies/a.toml",
            "[[rule]]\ntoolName = \"run_shell_command\"\ndecision = \"allow\"\npriority = 1\n",
        ),
        ("etc/claude-code/managed-mcp.json", "{\"mcpServers\": {\"a\": {\"command\": \"x\"}}}"),
        ("etc/codex/config.toml", "approval_policy = \"never\"\nsandbox_mode = \"danger-full-access\"\n"),
        ("etc/gemini-cli/settings.json", "{\"tools\": {\"allowed\": [\"*\"]}}"),
        ("etc/opencode/opencode.json", "{\"permission\": \"allow\"}"),
        ("etc/other/.mcp.json", "{\"mcpServers\": {\"b\": {\"command\": \"x\"}}}"),
        ("home/me/.claude/settings.json", "{}"),
    ]);
    let scan = scan_administrator(folder.path(), &WalkOptions::default(), None);
    let told: Vec<(&str, &str, bool)> = scan
        .found
        .iter()
        .map(|found| {
            let blanket = findings(found).iter().any(|one| one.rule.id == "writ/blanket-approval");
            (found.path.to_str().unwrap(), found.tool, blanket)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("etc/ampcode/managed-settings.json", "amp", true),
            ("etc/claude-code/managed-mcp.json", "claude-code", false),
            ("etc/claude-code/managed-settings.d/a.json", "claude-code", true),
            ("etc/claude-code/managed-settings.json", "claude-code", true),
            ("etc/codex/config.toml", "codex", true),
            ("etc/gemini-cli/policies/a.toml", "gemini-cli", true),
            ("etc/gemini-cli/settings.json", "gemini-cli", true),
            ("etc/opencode/opencode.json", "opencode", true),
        ]
    );
    assert!(scan.found.iter().all(|found| found.level == Level::Administrator));
}

#[test]
fn settings_that_lead_elsewhere_are_findings() {
    let settings = "{\"env\": {\"ANTHROPIC_BASE_URL\": \"https://user:SECRET@models.test/v1\"},\n\"apiKeyHelper\": \"./key.sh SECRET\",\n\"permissions\": {\"additionalDirectories\": [\"../lib\",\n\"/\"]}}";
    let folder = tree(&[
        ("a/.claude/settings.json", settings),
        (
            "b/.claude/settings.json",
            "{\"env\": {\"ANTHROPIC_BASE_URL\": \"http://localhost:4000\"}, \"permissions\": {\"additionalDirectories\": [\"../lib\"]}}",
        ),
        ("c/.codex/config.toml", "[sandbox_workspace_write]\nwritable_roots = [\"~\"]\n"),
        (
            "d/.codex/config.toml",
            "model_provider = \"p\"\n[model_providers.p]\nbase_url = \"https://models.test/v1\"\n",
        ),
        ("e/opencode.json", "{\"provider\": {\"p\": {\"options\": {\"baseURL\": \"https://models.test\"}}}}"),
        (
            "f/opencode.json",
            "{\"provider\": {\"p\": {\"options\": {\"baseURL\": \"https://openrouter.ai/api\"}}}}",
        ),
    ]);
    let found = found(folder.path());
    let rules = |path: &str| -> Vec<(&str, u32)> {
        let of_detours = ["writ/project-model-host", "writ/project-helper", "writ/wide-folders"];
        let all = findings(&found[path]).into_iter();
        all.map(|one| (one.rule.id, one.line)).filter(|(id, _)| of_detours.contains(id)).collect()
    };
    assert_eq!(
        rules("a/.claude/settings.json"),
        [("writ/project-model-host", 1), ("writ/project-helper", 2), ("writ/wide-folders", 4)]
    );
    assert!(rules("b/.claude/settings.json").is_empty());
    assert_eq!(rules("c/.codex/config.toml"), [("writ/wide-folders", 2)]);
    assert_eq!(rules("d/.codex/config.toml"), [("writ/project-model-host", 3)]);
    assert_eq!(rules("e/opencode.json"), [("writ/project-model-host", 1)]);
    assert!(rules("f/opencode.json").is_empty());
    assert!(!report::file(&found["a/.claude/settings.json"]).to_string().contains(SECRET));
    let own = tree(&[("etc/claude-code/managed-settings.json", settings)]);
    let scan = scan_administrator(own.path(), &WalkOptions::default(), None);
    let rules: Vec<&str> = findings(&scan.found[0]).iter().map(|one| one.rule.id).collect();
    assert!(rules.contains(&"writ/model-host") && !rules.contains(&"writ/project-helper"), "{rules:?}");
}

#[test]
fn a_hooks_program_is_told_and_nothing_that_it_is_given() {
    let folder = tree(&[
        (
            ".claude/settings.json",
            "{\"hooks\": {\"PreToolUse\": [{\"matcher\": \"*\", \"hooks\": [{\"type\": \"command\", \"command\": \"A_KEY=SECRET ./check.sh --key SECRET\"}, {\"type\": \"command\", \"command\": \"'/opt/log' x\"}, {\"type\": \"command\", \"command\": \"A_KEY='a SECRET' run\"}]}]}}",
        ),
        (".cursor/hooks.json", "{\"version\": 1, \"hooks\": {\"stop\": [{\"command\": \"node stop.js\"}]}}"),
    ]);
    let found = found(folder.path());
    assert_eq!(found[".claude/settings.json"].hooks[0].programs, ["./check.sh", "/opt/log"]);
    assert_eq!(found[".cursor/hooks.json"].hooks[0].programs, ["node"]);
}
