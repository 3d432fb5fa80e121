//! What changes a fingerprint, and what does not.

#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

mod survey;

use std::fs;
use std::path::Path;

use writ_model::{AutonomyLevel, Client, Fingerprint, FingerprintPart, Label};
use writ_scan::autonomy::of_client;
use writ_scan::{Surroundings, fingerprint};

struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "home/project", "bin/package"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// How far a client would act by itself.
    fn autonomy(&self, client: Client, arguments: &[&str]) -> AutonomyLevel {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let (home, workspace) = (self.folder.path().join("home"), self.folder.path().join("home/project"));
        of_client(
            client,
            &Surroundings { home: Some(&home), workspace: &workspace, program: None, arguments: &arguments },
        )
    }

    fn seen(&self, client: Client, arguments: &[&str]) -> Fingerprint {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let root = self.folder.path();
        fingerprint(
            client,
            &Surroundings {
                home: Some(&root.join("home")),
                workspace: &root.join("home/project"),
                program: Some(&root.join("bin/package/cli.js")),
                arguments: &arguments,
            },
        )
    }

    /// The parts that differ after a file was written.
    fn changes(&self, client: Client, name: &str, text: &str) -> Vec<FingerprintPart> {
        let before = self.seen(client, &[]);
        self.write(name, text);
        before.changed_parts(&self.seen(client, &[]))
    }
}

#[test]
fn an_instruction_file_that_appears_or_changes_is_a_change() {
    for (client, project, user) in [
        (Client::ClaudeCode, "home/project/CLAUDE.md", "home/.claude/CLAUDE.md"),
        (Client::Codex, "home/project/AGENTS.md", "home/.codex/AGENTS.md"),
        (Client::Cline, "home/project/.clinerules", "home/.cline/rules"),
        (Client::CopilotCli, "home/project/AGENTS.md", "home/.copilot/copilot-instructions.md"),
        (Client::Cursor, "home/project/.cursorrules", "home/.cursor/rules"),
        (Client::GeminiCli, "home/project/GEMINI.md", "home/.gemini/GEMINI.md"),
        (Client::Kiro, "home/project/AGENTS.md", "home/.kiro/steering"),
        (Client::VsCode, "home/project/AGENTS.md", "home/.copilot/instructions"),
        (Client::Windsurf, "home/project/.windsurfrules", "home/.codeium/windsurf/memories"),
        (Client::OpenCode, "home/project/AGENTS.md", "home/.config/opencode/AGENTS.md"),
        (Client::QwenCode, "home/project/QWEN.md", "home/.qwen/QWEN.md"),
    ] {
        let machine = Machine::new();
        assert_eq!(machine.changes(client, "home/project/src/main.rs", "fn main() {}"), [], "{client}");
        for file in [project, user, "home/CLAUDE.md"] {
            let file =
                if file == "home/CLAUDE.md" { project.replace("/project", "") } else { file.to_owned() };
            assert_eq!(
                machine.changes(client, &file, "be kind"),
                [FingerprintPart::Instructions],
                "{client} {file}"
            );
            assert_eq!(machine.changes(client, &file, "be kind"), [], "{client} {file}");
            assert_eq!(
                machine.changes(client, &file, "be unkind"),
                [FingerprintPart::Instructions],
                "{client} {file}"
            );
        }
    }
}

#[test]
fn a_server_more_or_another_command_is_a_change_but_spacing_is_not() {
    let claude = r#"{"mcpServers":{"git":{"command":"git-mcp"}}}"#;
    for (client, file, first, respaced, second) in [
        (
            Client::ClaudeCode,
            "home/project/.mcp.json",
            claude.to_owned(),
            format!("// mine\n{claude}\n"),
            claude.replace("git-mcp", "evil"),
        ),
        (
            Client::Codex,
            "home/.codex/config.toml",
            "[mcp_servers.git]\ncommand = \"git-mcp\"\n".into(),
            "# mine\n[mcp_servers.git]\ncommand='git-mcp'\n".into(),
            "[mcp_servers.git]\ncommand = \"evil\"\n".into(),
        ),
        (
            Client::CopilotCli,
            "home/.copilot/mcp-config.json",
            claude.to_owned(),
            format!("// mine\n{claude}"),
            claude.replace("git-mcp", "evil"),
        ),
        (
            Client::GeminiCli,
            "home/.gemini/settings.json",
            claude.to_owned(),
            format!(" {claude}"),
            claude.replace("git-mcp", "evil"),
        ),
        (
            Client::OpenCode,
            "home/project/opencode.json",
            r#"{"mcp":{"a":{"command":["x"]}}}"#.into(),
            "{\"mcp\": {\"a\": {\"command\": [\"x\"],}}}".into(),
            r#"{"mcp":{"a":{"command":["y"]}}}"#.into(),
        ),
    ] {
        let machine = Machine::new();
        assert_eq!(machine.changes(client, file, &first), [FingerprintPart::Tools], "{client}");
        assert_eq!(machine.changes(client, file, &respaced), [], "{client}");
        assert_eq!(machine.changes(client, file, &second), [FingerprintPart::Tools], "{client}");
        assert_eq!(
            machine.changes(client, file, "\u{0}{[ no such file"),
            [FingerprintPart::Tools],
            "{client}"
        );
    }
}

/// A planted hook could rewrite a call after it was allowed, a planted variable could load code into our own hook.
#[test]
fn planted_hooks_plugins_and_variables_are_a_change() {
    for (client, file, text) in [
        (Client::ClaudeCode, "home/project/.claude/settings.json", r#"{"env":{"LD_PRELOAD":"/x.so"}}"#),
        (Client::ClaudeCode, "home/project/.claude/settings.local.json", r#"{"hooks":{"PreToolUse":[{}]}}"#),
        (Client::ClaudeCode, "home/.claude/settings.json", r#"{"statusLine":{"command":"x"}}"#),
        (Client::Codex, "home/project/.codex/config.toml", "[features]\nhooks = false\n"),
        (Client::Codex, "home/.codex/config.toml", "notify = [\"x\"]\n"),
        (Client::Cline, "home/project/.env", "LD_PRELOAD=/x.so\n"),
        (Client::CopilotCli, "home/project/.github/copilot/settings.json", r#"{"disableAllHooks":true}"#),
        (Client::CopilotCli, "home/project/.claude/settings.local.json", r#"{"hooks":{"PreToolUse":[{}]}}"#),
        (Client::Cursor, "home/project/.cursor/hooks.json", r#"{"version":1,"hooks":{"preToolUse":[{}]}}"#),
        (Client::Kiro, "home/project/.kiro/settings/mcp.json", r#"{"mcpServers":{"x":{}}}"#),
        (Client::VsCode, "home/project/.vscode/settings.json", r#"{"chat.useHooks":false}"#),
        (Client::Windsurf, "home/project/.windsurf/hooks.json", r#"{"hooks":{"pre_run_command":[{}]}}"#),
        (Client::GeminiCli, "home/project/.gemini/settings.json", r#"{"hooks":{"BeforeTool":[{}]}}"#),
        (Client::GeminiCli, "home/project/.gemini/.env", "LD_PRELOAD=/x.so\n"),
        (Client::OpenCode, "home/project/opencode.json", r#"{"plugin":["./x.js"]}"#),
        (Client::QwenCode, "home/project/.qwen/settings.json", r#"{"env":{"QWEN_CODE_SIMPLE":"1"}}"#),
        (Client::QwenCode, "home/project/.env", "QWEN_CODE_SIMPLE=1\n"),
    ] {
        assert_eq!(Machine::new().changes(client, file, text), [FingerprintPart::Tools], "{client} {file}");
    }
    let planted = Machine::new().changes(Client::OpenCode, "home/project/.opencode/plugin/x.js", "evil");
    assert_eq!(planted, [FingerprintPart::Instructions]);
}

#[test]
fn a_file_that_a_client_writes_by_itself_is_no_change() {
    for (client, file, text) in [
        (Client::ClaudeCode, "home/.claude.json", r#"{"numStartups":1}"#),
        (Client::Codex, "home/.codex/skills/.system/a/SKILL.md", "unpacked"),
        (Client::Codex, "home/.codex/config.toml", "personality = \"friendly\"\n"),
        (Client::CopilotCli, "home/.copilot/settings.json", r#"{"theme":"dark"}"#),
        (Client::GeminiCli, "home/.gemini/settings.json", r#"{"ui":{}}"#),
        (Client::OpenCode, "home/.config/opencode/opencode.json", r#"{"mcp":{}}"#),
        (Client::QwenCode, "home/.qwen/extensions/extension-enablement.json", "{}"),
    ] {
        assert_eq!(Machine::new().changes(client, file, text), [], "{client}");
    }
}

#[test]
fn the_model_comes_from_arguments_then_project_then_user() {
    let machine = Machine::new();
    assert_eq!(machine.seen(Client::ClaudeCode, &[]).model, None);
    machine.write("home/.claude/settings.json", r#"{"model":"user-model"}"#);
    assert_eq!(machine.seen(Client::ClaudeCode, &[]).model, Some(Label::lossy("user-model")));
    machine.write("home/project/.claude/settings.json", r#"{"model":"project-model"}"#);
    assert_eq!(machine.seen(Client::ClaudeCode, &[]).model, Some(Label::lossy("project-model")));
    for arguments in [&["--model", "asked"][..], &["--model=asked"], &["-p", "x", "-m", "asked"]] {
        assert_eq!(
            machine.seen(Client::ClaudeCode, arguments).model,
            Some(Label::lossy("asked")),
            "{arguments:?}"
        );
    }
    assert_eq!(
        machine.seen(Client::ClaudeCode, &["--", "--model", "asked"]).model,
        Some(Label::lossy("project-model"))
    );
}

#[test]
fn the_version_is_read_from_the_package_and_not_asked_of_the_program() {
    let machine = Machine::new();
    assert_eq!(machine.seen(Client::Codex, &[]).client_version, None);
    machine.write("bin/package/cli.js", "process.exit(1)");
    machine.write("bin/package/package.json", r#"{"version":"1.2.3"}"#);
    assert_eq!(machine.seen(Client::Codex, &[]).client_version, Some(Label::lossy("1.2.3")));
}

#[test]
fn a_loop_of_links_and_a_huge_file_end_and_still_show_a_change() {
    let machine = Machine::new();
    machine.write("home/project/.claude/skills/a/SKILL.md", "one");
    std::os::unix::fs::symlink(
        Path::new(".."),
        machine.folder.path().join("home/project/.claude/skills/a/up"),
    )
    .unwrap();
    let before = machine.seen(Client::ClaudeCode, &[]);
    assert!(before.instructions.is_some());
    let huge = fs::File::create(machine.folder.path().join("home/project/CLAUDE.md")).unwrap();
    huge.set_len(1 << 30).unwrap();
    let grown = machine.seen(Client::ClaudeCode, &[]);
    assert_eq!(before.changed_parts(&grown), [FingerprintPart::Instructions]);
}

/// A level from 0 to 3 by what a client would obey where it starts, and by its arguments.
#[test]
fn autonomy_is_what_settings_and_arguments_give() {
    const BYPASS: &str = r#"{"permissions":{"defaultMode":"bypassPermissions"}}"#;
    const LISTED: &str = r#"{"permissions":{"allow":["Bash(git status)"]}}"#;
    let rows: &[(Client, &str, &str, &[&str], u8)] = &[
        (Client::ClaudeCode, "home/.claude/other.json", BYPASS, &[], 0),
        (Client::ClaudeCode, "home/project/.claude/settings.json", LISTED, &[], 1),
        (Client::ClaudeCode, "home/project/.claude/settings.local.json", BYPASS, &[], 2),
        (Client::ClaudeCode, "home/.claude/settings.json", BYPASS, &[], 2),
        (Client::ClaudeCode, "home/x", "", &["-p", "hi", "--dangerously-skip-permissions"], 2),
        // Settings of a folder below are not the session's, another client's even less.
        (Client::ClaudeCode, "home/project/sub/.claude/settings.json", BYPASS, &[], 0),
        (Client::Codex, "home/.claude/settings.json", BYPASS, &[], 0),
        (Client::Codex, "home/.codex/config.toml", "approval_policy = \"never\"\n", &[], 2),
        (
            Client::GeminiCli,
            "home/.gemini/settings.json",
            r#"{"general":{"defaultApprovalMode":"yolo"}}"#,
            &[],
            2,
        ),
        (Client::OpenCode, "home/project/opencode.json", r#"{"permission":"allow"}"#, &[], 2),
        (Client::QwenCode, "home/.qwen/settings.json", r#"{"tools":{"approvalMode":"yolo"}}"#, &[], 2),
        (
            Client::VsCode,
            "home/.config/Code/User/settings.json",
            r#"{"chat.tools.autoApprove":true}"#,
            &[],
            2,
        ),
        (Client::Kiro, "home/.kiro/agents/a.json", r#"{"allowedTools":["*"]}"#, &[], 2),
        // What cannot be read could say anything.
        (Client::ClaudeCode, "home/.claude/settings.json", "{\"permissions\":", &[], 3),
        (Client::Other, "home/x", "", &[], 3),
    ];
    for (client, name, text, arguments, level) in rows {
        let machine = Machine::new();
        machine.write(name, text);
        assert_eq!(machine.autonomy(*client, arguments), AutonomyLevel::of(*level), "{client} {name} {text}");
    }
}
