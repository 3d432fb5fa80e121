use proptest::prelude::*;
use serde_json::{Value, json};
use writ_model::ReasonCode;

use super::*;

const BEFORE: [(Client, &str); Client::HOOKED.len()] = [
    (Client::ClaudeCode, "PreToolUse"),
    (Client::Cline, "PreToolUse"),
    (Client::Codex, "PreToolUse"),
    (Client::CopilotCli, "preToolUse"),
    (Client::Cursor, "preToolUse"),
    (Client::GeminiCli, "BeforeTool"),
    (Client::Kiro, "PreToolUse"),
    (Client::OpenCode, "tool.execute.before"),
    (Client::QwenCode, "PreToolUse"),
    (Client::VsCode, "PreToolUse"),
    (Client::Windsurf, "pre_run_command"),
];

/// A message before a call, in the client's form.
fn before(client: Client, tool: &str, input: Value) -> Value {
    match client {
        Client::OpenCode => json!({
            "hook_event_name": "tool.execute.before", "directory": "/home/dev/project", "session": "ses_1",
            "input": { "tool": tool, "sessionID": "ses_1", "callID": "call_1" }, "output": { "args": input },
            "mcp_servers": ["everything"],
        }),
        Client::Cline => json!({
            "hookName": "tool_call", "taskId": "t1", "sessionContext": {"rootSessionId": "s1"},
            "workspaceRoots": ["/home/dev/project"], "agent_id": "a1", "parent_agent_id": null,
            "tool_call": {"id": "call_1", "name": tool, "input": input},
        }),
        Client::CopilotCli => json!({
            "hookName": "preToolUse", "cwd": "/home/dev/project", "sessionId": "s1", "timestamp": 1, "toolName": tool,
            "toolArgs": input,
        }),
        Client::Cursor => json!({
            "conversation_id": "s1", "hook_event_name": "preToolUse", "workspace_roots": ["/home/dev/project"],
            "tool_name": tool, "tool_input": input, "tool_use_id": "t1",
        }),
        Client::Kiro => json!({
            "hook_event_name": "PreToolUse", "cwd": "/home/dev/project", "tool_name": tool, "tool_input": input,
        }),
        Client::VsCode => json!({
            "hookEventName": "PreToolUse", "cwd": "/home/dev/project", "sessionId": "s1", "tool_name": tool,
            "tool_input": input, "tool_use_id": "t1",
        }),
        Client::Windsurf => json!({
            "writ_hook_folder": "/home/dev/project", "agent_action_name": format!("pre_{tool}"), "trajectory_id": "s1",
            "tool_info": input,
        }),
        Client::GeminiCli => json!({
            "hook_event_name": "BeforeTool", "cwd": "/home/dev/project", "session_id": "s1", "tool_name": tool,
            "tool_input": input,
        }),
        Client::ClaudeCode | Client::Codex | Client::QwenCode | Client::Other => json!({
            "hook_event_name": "PreToolUse", "cwd": "/home/dev/project", "session_id": "s1", "tool_name": tool,
            "tool_input": input, "tool_use_id": "toolu_1",
        }),
    }
}

fn proposed(client: Client, message: &Value) -> ProposedCall {
    match parse(client, None, &message.to_string()).unwrap().event {
        HookEvent::BeforeTool(proposed) => proposed,
        other => panic!("{other:?}"),
    }
}

fn operation(client: Client, tool: &str, input: Value) -> Operation {
    proposed(client, &before(client, tool, input)).operation
}

fn read(path: &str) -> Operation {
    Operation::Read { paths: vec![path.to_owned()] }
}

fn grep(folder: &str, pattern: Option<&str>) -> Operation {
    Operation::Search { folders: vec![folder.to_owned()], pattern: pattern.map(str::to_owned) }
}

fn write(path: &str) -> Operation {
    Operation::Write { paths: vec![path.to_owned()] }
}

fn shell(command: &str) -> Operation {
    Operation::Shell { command: command.to_owned() }
}

fn mcp(server: &str, tool: &str) -> Operation {
    Operation::Mcp { server: server.to_owned(), tool: tool.to_owned() }
}

#[test]
fn every_known_tool_has_its_operation() {
    use Client::{
        ClaudeCode, Cline, Codex, CopilotCli, Cursor, GeminiCli, Kiro, OpenCode, QwenCode, VsCode, Windsurf,
    };
    let fetch = |url: &str| Operation::Fetch { url: url.to_owned() };
    let search = |query: &str| Operation::WebSearch { query: query.to_owned() };
    let spawn = |subagent: &str| Operation::Spawn { subagent: subagent.to_owned() };
    let cases = [
        (ClaudeCode, "Bash", json!({"command": "ls", "timeout": 5, "new": true}), shell("ls")),
        (ClaudeCode, "Read", json!({"file_path": "/a", "limit": 3}), read("/a")),
        (ClaudeCode, "Write", json!({"file_path": "/a", "content": ""}), write("/a")),
        (ClaudeCode, "Edit", json!({"file_path": "/a"}), write("/a")),
        (ClaudeCode, "MultiEdit", json!({"file_path": "/a"}), write("/a")),
        (ClaudeCode, "NotebookEdit", json!({"notebook_path": "/a.ipynb"}), write("/a.ipynb")),
        (ClaudeCode, "Glob", json!({"pattern": "**/*.rs"}), read(".")),
        (
            ClaudeCode,
            "Glob",
            json!({"pattern": "/etc/*"}),
            Operation::Read { paths: vec![".".into(), "/etc/*".into()] },
        ),
        (
            ClaudeCode,
            "Glob",
            json!({"pattern": "{..,x}/*"}),
            Operation::Read { paths: vec![".".into(), "{..,x}/*".into()] },
        ),
        (ClaudeCode, "Grep", json!({"pattern": "..", "path": "src"}), grep("src", None)),
        (ClaudeCode, "Grep", json!({"pattern": "x", "glob": ".env*"}), grep(".", Some(".env*"))),
        (ClaudeCode, "LS", json!({"path": "/a"}), read("/a")),
        (
            ClaudeCode,
            "WebFetch",
            json!({"url": "https://a.example", "prompt": "x"}),
            fetch("https://a.example"),
        ),
        (ClaudeCode, "WebSearch", json!({"query": "q"}), search("q")),
        (ClaudeCode, "Task", json!({"prompt": "p"}), spawn("general-purpose")),
        (ClaudeCode, "Agent", json!({"subagent_type": "explore"}), spawn("explore")),
        (ClaudeCode, "TodoWrite", json!({"todos": []}), Operation::Notes),
        (ClaudeCode, "mcp__git__push", json!({}), mcp("git", "push")),
        (Codex, "Bash", json!({"command": "ls"}), shell("ls")),
        (
            Codex,
            "apply_patch",
            json!({"command": "*** Begin Patch\n*** Add File: n.txt\n+x\n*** End Patch"}),
            write("n.txt"),
        ),
        (Codex, "view_image", json!({"path": "a.png"}), read("a.png")),
        (Codex, "spawn_agent", json!({"message": "m"}), spawn("default")),
        (Codex, "update_plan", json!({}), Operation::Notes),
        (Codex, "mcp__everything__echo", json!({"message": "x"}), mcp("everything", "echo")),
        (Cline, "run_commands", json!({"commands": ["ls"]}), shell("ls")),
        // What one leaves open hides nothing of the next.
        (
            Cline,
            "run_commands",
            json!({"commands": ["cat <<E", "echo 'x'"]}),
            shell("bash -c 'cat <<E'\nbash -c 'echo '\\''x'\\'''"),
        ),
        (
            Cline,
            "read_files",
            json!({"files": [{"path": "/a"}, {"path": "/b", "start_line": 2}]}),
            Operation::Read { paths: vec!["/a".into(), "/b".into()] },
        ),
        (Cline, "search_codebase", json!({"queries": ["x"]}), grep(".", None)),
        (Cline, "editor", json!({"path": "/a", "new_text": ""}), write("/a")),
        (
            Cline,
            "apply_patch",
            json!({"input": "*** Begin Patch\n*** Add File: n\n+x\n*** End Patch"}),
            write("n"),
        ),
        (
            Cline,
            "fetch_web_content",
            json!({"requests": [{"url": "https://a.example", "prompt": "p"}]}),
            fetch("https://a.example"),
        ),
        (Cline, "spawn_agent", json!({"systemPrompt": "s", "task": "t"}), spawn("subagent")),
        (Cline, "team_spawn_teammate", json!({"agentId": "critic", "rolePrompt": "r"}), spawn("critic")),
        (Cline, "team_status", json!({}), Operation::Notes),
        (Cline, "everything__echo", json!({"message": "x"}), mcp("everything", "echo")),
        (Cursor, "Shell", json!({"command": "ls"}), shell("ls")),
        (Cursor, "Read", json!({"file_path": "/a"}), read("/a")),
        (Cursor, "Write", json!({"file_path": "/a", "content": ""}), write("/a")),
        (Cursor, "StrReplace", json!({"path": "/a"}), write("/a")),
        (Cursor, "Delete", json!({"path": "/a"}), write("/a")),
        (Cursor, "Glob", json!({"glob_pattern": "*", "target_directory": "src"}), read("src")),
        (Cursor, "Grep", json!({"pattern": "x", "path": "src"}), grep("src", None)),
        (Cursor, "WebFetch", json!({"url": "https://a.example"}), fetch("https://a.example")),
        (Cursor, "WebSearch", json!({"search_term": "q"}), search("q")),
        (Cursor, "Task", json!({"subagent_type": "explore"}), spawn("explore")),
        (Cursor, "TodoWrite", json!({"todos": []}), Operation::Notes),
        // The message does not say which server.
        (Cursor, "MCP:push", json!({}), mcp("*", "push")),
        (Kiro, "execute_bash", json!({"command": "ls"}), shell("ls")),
        (
            Kiro,
            "fs_read",
            json!({"operations": [{"mode": "Line", "path": "/a"}, {"mode": "Image", "image_paths": ["/b.png"]}]}),
            Operation::Read { paths: vec!["/a".into(), "/b.png".into()] },
        ),
        (Kiro, "fs_write", json!({"command": "create", "path": "/a"}), write("/a")),
        (Kiro, "@git/push", json!({}), mcp("git", "push")),
        (Kiro, "todo_list", json!({}), Operation::Notes),
        (VsCode, "run_in_terminal", json!({"command": "ls", "explanation": "e"}), shell("ls")),
        (VsCode, "runTerminalCommand", json!({"command": "ls"}), shell("ls")),
        (VsCode, "read_file", json!({"filePath": "/a", "startLine": 1}), read("/a")),
        (VsCode, "create_file", json!({"filePath": "/a", "content": ""}), write("/a")),
        (VsCode, "replace_string_in_file", json!({"filePath": "/a"}), write("/a")),
        (VsCode, "editFiles", json!({"files": ["src/main.ts"]}), write("src/main.ts")),
        (
            VsCode,
            "multi_replace_string_in_file",
            json!({"replacements": [{"filePath": "/a"}, {"filePath": "/b"}]}),
            Operation::Write { paths: vec!["/a".into(), "/b".into()] },
        ),
        (VsCode, "grep_search", json!({"query": "x", "includePattern": "*.rs"}), grep(".", Some("*.rs"))),
        (VsCode, "fetch_webpage", json!({"urls": ["https://a.example"]}), fetch("https://a.example")),
        (VsCode, "runSubagent", json!({"prompt": "p", "description": "d"}), spawn("unnamed")),
        (VsCode, "mcp_git_push", json!({}), mcp("git", "push")),
        (Windsurf, "run_command", json!({"command_line": "ls"}), shell("ls")),
        (Windsurf, "read_code", json!({"file_path": "/a"}), read("/a")),
        (Windsurf, "write_code", json!({"file_path": "/a", "edits": []}), write("/a")),
        (
            Windsurf,
            "mcp_tool_use",
            json!({"mcp_server_name": "git", "mcp_tool_name": "push", "mcp_tool_arguments": {}}),
            mcp("git", "push"),
        ),
        (QwenCode, "run_shell_command", json!({"command": "ls", "is_background": false}), shell("ls")),
        (QwenCode, "monitor", json!({"command": "ls"}), shell("ls")),
        (QwenCode, "read_file", json!({"file_path": "/a"}), read("/a")),
        (QwenCode, "write_file", json!({"file_path": "/a", "content": ""}), write("/a")),
        (QwenCode, "edit", json!({"file_path": "/a"}), write("/a")),
        (QwenCode, "notebook_edit", json!({"notebook_path": "/a.ipynb"}), write("/a.ipynb")),
        (QwenCode, "glob", json!({"pattern": "*"}), read(".")),
        (
            QwenCode,
            "grep_search",
            json!({"pattern": "x", "path": "src", "glob": "*.rs"}),
            grep("src", Some("*.rs")),
        ),
        (QwenCode, "list_directory", json!({"path": "/a"}), read("/a")),
        (
            QwenCode,
            "web_fetch",
            json!({"url": "https://a.example", "prompt": "p"}),
            fetch("https://a.example"),
        ),
        (QwenCode, "agent", json!({"description": "d", "prompt": "p"}), spawn("general-purpose")),
        (QwenCode, "read_mcp_resource", json!({"server_name": "s", "uri": "x"}), mcp("s", "resources/read")),
        (QwenCode, "todo_write", json!({"todos": []}), Operation::Notes),
        (QwenCode, "mcp__git__push", json!({}), mcp("git", "push")),
        (CopilotCli, "bash", json!({"command": "ls", "description": "x", "mode": "sync"}), shell("ls")),
        (CopilotCli, "view", json!({"path": "/a"}), read("/a")),
        (CopilotCli, "create", json!({"path": "/a", "file_text": ""}), write("/a")),
        (CopilotCli, "edit", json!({"path": "/a"}), write("/a")),
        (CopilotCli, "str_replace_editor", json!({"command": "view", "path": "/a"}), read("/a")),
        (CopilotCli, "str_replace_editor", json!({"command": "insert", "path": "/a"}), write("/a")),
        (
            CopilotCli,
            "apply_patch",
            json!("*** Begin Patch\n*** Add File: n.txt\n+x\n*** End Patch"),
            write("n.txt"),
        ),
        (CopilotCli, "glob", json!({"pattern": "*"}), read(".")),
        (
            CopilotCli,
            "grep",
            json!({"pattern": "x", "paths": ["/etc", "src"]}),
            Operation::Search { folders: vec![".".into(), "/etc".into(), "src".into()], pattern: None },
        ),
        (
            CopilotCli,
            "grep",
            json!({"pattern": "x", "paths": "/etc", "glob": "*.rs"}),
            Operation::Search { folders: vec![".".into(), "/etc".into()], pattern: Some("*.rs".into()) },
        ),
        (CopilotCli, "task", json!({"agent_type": "explore", "prompt": "p"}), spawn("explore")),
        (CopilotCli, "web_fetch", json!({"url": "https://a.example"}), fetch("https://a.example")),
        (CopilotCli, "sql", json!({"query": "INSERT INTO todos VALUES (1)"}), Operation::Notes),
        (CopilotCli, "skill", json!({"skill": "x"}), Operation::Notes),
        (CopilotCli, "everything-echo", json!({"message": "x"}), mcp("everything", "echo")),
        (
            CopilotCli,
            "github-mcp-server-get_file_contents",
            json!({}),
            mcp("github-mcp-server", "get_file_contents"),
        ),
        // Older versions write the arguments as a text.
        (CopilotCli, "bash", json!("{\"command\":\"ls\"}"), shell("ls")),
        (GeminiCli, "run_shell_command", json!({"command": "ls"}), shell("ls")),
        (GeminiCli, "read_file", json!({"absolute_path": "/a"}), read("/a")),
        (GeminiCli, "read_file", json!({"file_path": "a"}), read("a")),
        (
            GeminiCli,
            "read_many_files",
            json!({"include": ["a", "b/*"]}),
            Operation::Read { paths: vec!["a".into(), "b/*".into()] },
        ),
        (GeminiCli, "write_file", json!({"file_path": "a", "content": "x"}), write("a")),
        (GeminiCli, "replace", json!({"file_path": "a"}), write("a")),
        (GeminiCli, "list_directory", json!({"dir_path": "."}), read(".")),
        (GeminiCli, "glob", json!({"pattern": "*"}), read(".")),
        (GeminiCli, "grep_search", json!({"pattern": "x"}), grep(".", None)),
        (GeminiCli, "search_file_content", json!({"pattern": "x", "path": "src"}), grep("src", None)),
        (
            GeminiCli,
            "web_fetch",
            json!({"prompt": "read https://a.example/x, please"}),
            fetch("https://a.example/x"),
        ),
        (GeminiCli, "google_web_search", json!({"query": "q"}), search("q")),
        (GeminiCli, "invoke_agent", json!({"agent_name": "generalist"}), spawn("generalist")),
        (GeminiCli, "codebase_investigator", json!({}), spawn("codebase_investigator")),
        (GeminiCli, "write_todos", json!({}), Operation::Notes),
        (OpenCode, "bash", json!({"command": "ls"}), shell("ls")),
        (OpenCode, "read", json!({"filePath": "/a"}), read("/a")),
        (OpenCode, "write", json!({"filePath": "/a"}), write("/a")),
        (OpenCode, "edit", json!({"filePath": "/a"}), write("/a")),
        (
            OpenCode,
            "apply_patch",
            json!({"patchText": "*** Begin Patch\n*** Delete File: n\n*** End Patch"}),
            write("n"),
        ),
        (OpenCode, "glob", json!({"pattern": "*"}), read(".")),
        (OpenCode, "grep", json!({"pattern": "x", "path": "a"}), grep("a", None)),
        (OpenCode, "grep", json!({"pattern": "x", "include": "*.ts"}), grep(".", Some("*.ts"))),
        (OpenCode, "list", json!({}), read(".")),
        (OpenCode, "webfetch", json!({"url": "http://a.example"}), fetch("http://a.example")),
        (OpenCode, "websearch", json!({"query": "q"}), search("q")),
        (OpenCode, "task", json!({"subagent_type": "explore"}), spawn("explore")),
        (OpenCode, "todowrite", json!({}), Operation::Notes),
        (OpenCode, "everything_echo", json!({"message": "x"}), mcp("everything", "echo")),
    ];
    for (client, tool, input, expected) in cases {
        assert_eq!(operation(client, tool, input.clone()), expected, "{client} {tool} {input}");
    }
}

#[test]
fn what_is_not_plainly_known_is_unknown() {
    use Client::{
        ClaudeCode, Cline, Codex, CopilotCli, Cursor, GeminiCli, Kiro, OpenCode, QwenCode, VsCode, Windsurf,
    };
    let cases = [
        (ClaudeCode, "Bash", json!("ls")),
        (ClaudeCode, "Bash", json!(null)),
        (ClaudeCode, "Bash", json!(["ls"])),
        (ClaudeCode, "Bash", json!({"command": ["ls"]})),
        (ClaudeCode, "Bash", json!({"command": ""})),
        (ClaudeCode, "Bash", json!({"command": "a\u{0}b"})),
        (ClaudeCode, "Read", json!({"file_path": 7})),
        (ClaudeCode, "Read", json!({"file_path": "~/.ssh/id_ed25519"})),
        (ClaudeCode, "Glob", json!({"pattern": "~/**"})),
        (ClaudeCode, "bash", json!({"command": "ls"})),
        (ClaudeCode, "Workflow", json!({})),
        (ClaudeCode, "PowerShell", json!({"command": "ls"})),
        (ClaudeCode, "mcp__a__b__c", json!({})),
        (ClaudeCode, "mcp____x", json!({})),
        (ClaudeCode, "mcp__a__", json!({})),
        (Codex, "exec", json!({"input": "tools.exec_command('ls')"})),
        (Codex, "write_stdin", json!({"chars": "rm -rf .\n"})),
        (Codex, "apply_patch", json!({"command": "rm -rf ."})),
        (Cursor, "Shell", json!({"command": ["ls"]})),
        (Cursor, "MCP:", json!({})),
        (Cursor, "Rewrite", json!({"path": "/a"})),
        (Cursor, "Write", json!({"file_path": "/a", "path": "/b"})),
        (Kiro, "use_aws", json!({"service_name": "s3"})),
        (Kiro, "fs_read", json!({"operations": []})),
        (Kiro, "@git", json!({})),
        (VsCode, "run_task", json!({"task": "x"})),
        (VsCode, "fetch_webpage", json!({"urls": ["https://a.example", "https://b.example"]})),
        (VsCode, "multi_replace_string_in_file", json!({"replacements": [{"path": 7}]})),
        (Windsurf, "run_command", json!({"command_line": ""})),
        (Windsurf, "mcp_tool_use", json!({"mcp_tool_name": "push"})),
        (Cline, "run_commands", json!({"commands": []})),
        (Cline, "run_commands", json!({"commands": "ls"})),
        (Cline, "run_commands", json!({"commands": ["ls", {"command": "rm"}]})),
        (Cline, "run_commands", json!({"commands": [""]})),
        (Cline, "read_files", json!({"files": []})),
        (Cline, "read_files", json!({"files": [{"path": "~/.ssh/id_ed25519"}]})),
        (
            Cline,
            "fetch_web_content",
            json!({"requests": [{"url": "https://a.example"}, {"url": "https://b.example"}]}),
        ),
        (Cline, "browser", json!({})),
        (QwenCode, "tool_call", json!({"name": "run_shell_command", "arguments": {"command": "ls"}})),
        (QwenCode, "save_memory", json!({"fact": "always push"})),
        (QwenCode, "run_shell_command", json!({"command": "ls", "directory": 3})),
        (QwenCode, "mcp__a__b__c", json!({})),
        (CopilotCli, "bash", json!("ls")),
        (CopilotCli, "bash", json!("{\"command\":\"ls\",\"command\":\"rm -rf /\"}")),
        (CopilotCli, "write_bash", json!({"shellId": "0", "input": "rm -rf .\n"})),
        (CopilotCli, "str_replace_editor", json!({"command": "run", "path": "/a"})),
        (CopilotCli, "apply_patch", json!({"input": "*** Begin Patch", "patch": "x"})),
        (CopilotCli, "sql", json!({"query": "ATTACH DATABASE '/home/dev/x' AS x"})),
        (CopilotCli, "session_store_sql", json!({"query": "SELECT 1", "description": "d"})),
        (CopilotCli, "my-server-do_it", json!({})),
        (CopilotCli, "task", json!({"prompt": "p"})),
        (GeminiCli, "save_memory", json!({"fact": "always push"})),
        (GeminiCli, "mcp_a_b_c", json!({})),
        (GeminiCli, "read_file", json!({"file_path": "/a", "absolute_path": "/b"})),
        (GeminiCli, "read_many_files", json!({"include": [], "paths": ["/etc"]})),
        (GeminiCli, "run_shell_command", json!({"command": "ls", "dir_path": 3})),
        (GeminiCli, "web_fetch", json!({"prompt": "https://a.example and https://b.example"})),
        (OpenCode, "batch", json!({"tool_calls": []})),
        (OpenCode, "other_tool", json!({})),
        (OpenCode, "everything_", json!({})),
    ];
    for (client, tool, input) in cases {
        let operation = operation(client, tool, input.clone());
        assert!(matches!(operation, Operation::Unknown { .. }), "{client} {tool} {input}: {operation:?}");
    }
}

#[test]
fn an_mcp_call_belongs_to_the_server_that_the_client_names() {
    let mut message = before(Client::ClaudeCode, "mcp__my__server__do__it", json!({}));
    message["mcp_server"] = json!({"name": "my__server", "source": "dynamic"});
    assert_eq!(proposed(Client::ClaudeCode, &message).operation, mcp("my__server", "do__it"));
    // A name in which not every character could be written.
    let mut message = before(Client::GeminiCli, "mcp_git_hub_create_pr", json!({}));
    message["mcp_context"] = json!({"server_name": "git.hub", "tool_name": "create_pr"});
    assert_eq!(proposed(Client::GeminiCli, &message).operation, mcp("git.hub", "create_pr"));
    // A server that does not go with the tool's name.
    let mut message = before(Client::ClaudeCode, "mcp__git__push", json!({}));
    message["mcp_server"] = json!({"name": "harmless"});
    assert!(matches!(proposed(Client::ClaudeCode, &message).operation, Operation::Unknown { .. }));
    // The field makes no MCP call of a tool of the client's own.
    let mut message = before(Client::ClaudeCode, "Bash", json!({"command": "ls"}));
    message["mcp_server"] = json!({"name": "harmless"});
    assert_eq!(proposed(Client::ClaudeCode, &message).operation, shell("ls"));
}

#[test]
fn a_shell_call_runs_where_its_arguments_say() {
    for (client, tool, key, folder, cwd) in [
        (Client::GeminiCli, "run_shell_command", "dir_path", "sub", "/home/dev/project/sub"),
        (Client::GeminiCli, "run_shell_command", "directory", "/etc", "/etc"),
        (Client::QwenCode, "run_shell_command", "directory", "/etc", "/etc"),
        (Client::QwenCode, "monitor", "directory", "sub", "/home/dev/project/sub"),
        (Client::OpenCode, "bash", "workdir", "/etc", "/etc"),
        (Client::OpenCode, "bash", "workdir", "../other", "/home/dev/project/../other"),
    ] {
        let message = before(client, tool, json!({"command": "ls", key: folder}));
        assert_eq!(proposed(client, &message).cwd, cwd);
    }
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    let ok = before(Client::ClaudeCode, "Bash", json!({"command": "ls"})).to_string();
    let cases = [
        ("", "nothing"),
        ("null", "no object"),
        ("[]", "no object"),
        ("{", "cut off"),
        (r#"{"a":1} {"b":2}"#, "two values"),
        (r#"{"hook_event_name":"PreToolUse","hook_event_name":"Stop"}"#, "a key twice"),
        (
            r#"{"hook_event_name":"PreToolUse","cwd":"/a","session_id":"s","tool_name":"Bash","tool_input":{"command":"ls","command":"rm -rf /"}}"#,
            "a key twice inside",
        ),
        (
            r#"{"hook_event_name":"PreToolUse","cwd":"/a","session_id":"s","tool_input":{"command":"ls"}}"#,
            "no tool",
        ),
        (
            r#"{"hook_event_name":"PreToolUse","cwd":"/a","session_id":"s","tool_name":"","tool_input":{}}"#,
            "an empty tool",
        ),
        (
            r#"{"hook_event_name":"PreToolUse","cwd":"/a","session_id":7,"tool_name":"Bash","tool_input":{}}"#,
            "a session that is a number",
        ),
        (
            r#"{"hook_event_name":"PreToolUse","cwd":"relative","session_id":"s","tool_name":"Bash","tool_input":{}}"#,
            "a relative folder",
        ),
        (
            r#"{"hook_event_name":"PreToolUse","cwd":"/a","session_id":"s","tool_name":["Bash"],"tool_input":{}}"#,
            "a list for a tool",
        ),
        (r#"{"hook_event_name":["PreToolUse"],"cwd":"/a","session_id":"s"}"#, "a list for an event"),
        (r#"{"cwd":"/a","session_id":"s"}"#, "no event"),
    ];
    assert!(parse(Client::ClaudeCode, Some("PreToolUse"), &ok).is_ok());
    for (text, what) in cases {
        assert!(parse(Client::ClaudeCode, None, text).is_err(), "{what}: {text}");
    }
    let deep = format!(
        "{}{}{}",
        ok.trim_end_matches('}').to_owned() + r#","x":"#,
        "[".repeat(5_000),
        "]".repeat(5_000)
    ) + "}}";
    assert!(matches!(parse(Client::ClaudeCode, None, &deep), Err(HookError::NotJson(_))));
    let long = before(Client::ClaudeCode, &"x".repeat(300), json!({})).to_string();
    assert!(parse(Client::ClaudeCode, None, &long).is_err());
}

#[test]
fn the_payload_cannot_be_another_event_than_the_hook_was_started_for() {
    let text = json!({"hook_event_name": "Stop", "cwd": "/a", "session_id": "s"}).to_string();
    for client in [Client::ClaudeCode, Client::Codex, Client::GeminiCli, Client::QwenCode] {
        let error = parse(client, Some("PreToolUse"), &text).unwrap_err();
        assert!(matches!(error, HookError::OtherEvent { .. }), "{error}");
    }
}

#[test]
fn an_unknown_event_is_told_apart() {
    for (client, _) in BEFORE {
        let text = json!({"hook_event_name": "BeforeWorldEnds", "cwd": "/a", "directory": "/a", "session_id": "s", "session": "s", "sessionId": "s", "taskId": "s", "workspaceRoots": ["/a"], "hookName": "before_world_ends",
            "conversation_id": "s", "workspace_roots": ["/a"], "trajectory_id": "s", "writ_hook_folder": "/a",
            "agent_action_name": "before_world_ends"});
        assert_eq!(parse(client, None, &text.to_string()).unwrap().event, HookEvent::Unknown, "{client}");
    }
    assert!(parse(Client::Other, None, "{}").is_err());
}

/// The claude-code and codex forms by `permissionDecision`, the others by `decision`; exit code 2 in all.
#[test]
fn a_refusal_of_a_call_blocks_twice() {
    for (client, event) in BEFORE {
        let Refusal { exit, stdout, stderr } =
            refusal(client, Some(event), b"", ReasonCode::Guardrail, "say \"no\"\n\u{7}");
        assert_eq!(
            exit,
            if matches!(client, Client::Cline | Client::CopilotCli) { 0 } else { 2 },
            "{client}"
        );
        assert!(stderr.contains("guardrail"), "{client}");
        // These two read no answer but the exit code.
        if matches!(client, Client::Kiro | Client::Windsurf) {
            assert_eq!(stdout, "", "{client}");
            continue;
        }
        let value: Value = serde_json::from_str(&stdout).unwrap();
        let word = match client {
            Client::ClaudeCode | Client::Codex | Client::QwenCode | Client::VsCode => {
                assert_eq!(value["hookSpecificOutput"]["hookEventName"], event);
                &value["hookSpecificOutput"]["permissionDecision"]
            }
            Client::Cline => {
                assert!(value["errorMessage"].as_str().unwrap().contains("guardrail"));
                assert_eq!(value["cancel"], true);
                &Value::from("deny")
            }
            Client::CopilotCli => {
                // VS Code reads the same file's answer in its own place.
                assert_eq!(value["hookSpecificOutput"]["permissionDecision"], "deny");
                &value["permissionDecision"]
            }
            Client::Cursor => &value["permission"],
            Client::Kiro | Client::Windsurf => panic!("{client} answers with its exit code alone"),
            Client::GeminiCli | Client::OpenCode | Client::Other => &value["decision"],
        };
        assert_eq!(word, "deny", "{client}");
        assert!(!stdout.contains("ask"), "{client}");
    }
}

#[test]
fn the_refused_event_is_found_without_the_command_line() {
    for (client, event) in BEFORE {
        let word = if client == Client::Cline { "tool_call" } else { event };
        let name =
            if matches!(client, Client::Cline | Client::CopilotCli) { "hookName" } else { "hook_event_name" };
        let input = json!({ name: word }).to_string();
        let found = refusal(client, None, input.as_bytes(), ReasonCode::NotInTime, "x");
        assert_eq!(found, refusal(client, Some(event), b"", ReasonCode::NotInTime, "x"), "{client}");
        // Neither to be found: still a block.
        let lost = refusal(client, None, &[0xff, 0xfe], ReasonCode::InputMalformed, "x");
        assert!(lost.exit == 2 || lost.stdout.contains("\"cancel\":true"), "{client}");
        assert!(lost.stdout.is_empty() || serde_json::from_str::<Value>(&lost.stdout).is_ok());
    }
}

#[test]
fn refusing_the_end_of_a_turn_does_not_make_the_agent_go_on() {
    for (client, events) in [
        (Client::ClaudeCode, &["Stop", "SubagentStop", "SessionEnd", "TaskCompleted", "TeammateIdle"][..]),
        (Client::Cline, &["TaskComplete", "TaskCancel", "TaskError", "SessionShutdown", "PostToolUse"]),
        (Client::Codex, &["Stop", "SubagentStop", "SessionEnd", "Interrupt"]),
        (Client::CopilotCli, &["agentStop", "subagentStop", "sessionEnd", "postToolUse"]),
        (Client::Cursor, &["stop", "subagentStop", "sessionEnd", "postToolUse"]),
        (Client::GeminiCli, &["AfterAgent", "SessionEnd"]),
        (Client::Kiro, &["Stop", "stop", "PostToolUse"]),
        (Client::VsCode, &["Stop", "SubagentStop"]),
        (Client::Windsurf, &["post_cascade_response", "post_run_command"]),
        (Client::OpenCode, &["session.idle", "session.deleted"]),
        (Client::QwenCode, &["Stop", "StopFailure", "SubagentStop", "SessionEnd"]),
    ] {
        for event in events {
            let Refusal { exit, stdout, .. } = refusal(client, Some(event), b"", ReasonCode::HookFailed, "x");
            assert_eq!((exit, stdout.as_str()), (0, ""), "{client} {event}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever comes in, a client is answered or refused, and a refusal is JSON where it says anything.
    #[test]
    fn no_text_breaks_a_reader(text in ".{0,400}", event in proptest::option::of("[A-Za-z.]{0,24}"), at in 0..BEFORE.len()) {
        let (client, _) = BEFORE[at];
        let _ = parse(client, event.as_deref(), &text);
        let no = refusal(client, event.as_deref(), text.as_bytes(), ReasonCode::InputMalformed, &text);
        prop_assert!(no.stdout.is_empty() || serde_json::from_str::<Value>(&no.stdout).is_ok());
    }

    #[test]
    fn no_message_of_the_right_shape_breaks_a_reader(
        tool in "[A-Za-z_]{0,20}|mcp__.{0,10}|apply_patch|Bash|Read|web_fetch|read_many_files",
        key in "command|file_path|pattern|path|prompt|include|dir_path|url|patchText|filePath",
        value in prop_oneof![
            any::<i64>().prop_map(Value::from),
            ".{0,80}".prop_map(Value::from),
            "(\\*\\*\\* (Add|Update|Delete) File: .{0,10}\n|[+ -].{0,8}\n){0,6}".prop_map(|body| Value::from(format!("*** Begin Patch\n{body}*** End Patch"))),
            proptest::collection::vec(".{0,5}", 0..4).prop_map(Value::from),
        ],
        at in 0..BEFORE.len(),
    ) {
        let (client, _) = BEFORE[at];
        let _ = parse(client, None, &before(client, &tool, json!({ key: value })).to_string());
    }

    #[test]
    fn a_frame_survives_its_line(payload in ".{0,200}", event in proptest::option::of(".{0,20}")) {
        let frame = Frame { client: Client::Codex, event: event.map(Into::into), payload: payload.into() };
        let line = frame.to_line().unwrap();
        prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        prop_assert_eq!(Frame::from_line(&line).unwrap(), frame);
    }
}

#[test]
fn a_frame_that_is_none_is_refused() {
    let large =
        Frame { client: Client::Codex, event: None, payload: "x".repeat(MAX_PAYLOAD_BYTES + 1).into() };
    assert!(matches!(large.to_line(), Err(FrameError::TooLarge)));
    assert!(matches!(Frame::from_line(&vec![b' '; MAX_FRAME_BYTES + 1]), Err(FrameError::TooLarge)));
    for (line, what) in [
        ("", "nothing"),
        (r#"{"v":1,"client":"codex","event":null}"#, "no payload"),
        (r#"{"v":1,"client":"codex","event":null,"payload":"","task":"tsk_1"}"#, "another field"),
        (r#"{"v":2,"client":"codex","event":null,"payload":""}"#, "another version"),
        (r#"{"v":1,"client":"other","event":null,"payload":""}"#, "no adapter"),
        (r#"{"v":1,"client":"codex","event":null,"payload":{}}"#, "an object for a payload"),
    ] {
        assert!(Frame::from_line(line.as_bytes()).is_err(), "{what}");
    }
    assert!(Frame::from_line(b"{\"v\":1,\"client\":\"codex\",\"event\":null,\"payload\":\"\xff\"}").is_err());
}

/// Messages of Copilot do not name their event, so the command line must; what they do name must be the same.
#[test]
fn copilot_is_believed_no_event_but_the_one_its_hook_was_started_for() {
    let mut message = before(Client::CopilotCli, "bash", json!({"command": "ls"}));
    message.as_object_mut().unwrap().remove("hookName");
    let text = message.to_string();
    assert!(matches!(
        parse(Client::CopilotCli, Some("preToolUse"), &text).unwrap().event,
        HookEvent::BeforeTool(_)
    ));
    assert!(matches!(parse(Client::CopilotCli, None, &text), Err(HookError::Missing(_))));
    message["hook_event_name"] = "Notification".into();
    let noted = parse(Client::CopilotCli, Some("notification"), &message.to_string()).unwrap();
    assert_eq!(noted.event, HookEvent::Noted);
    let other = parse(Client::CopilotCli, Some("preToolUse"), &message.to_string());
    assert!(matches!(other, Err(HookError::OtherEvent { .. })), "{other:?}");
}

/// The session of a subagent is that of the agent which started it; its calls are told apart by its id.
#[test]
fn a_subagent_of_copilot_belongs_to_the_session_that_started_it() {
    let mut message = before(Client::CopilotCli, "bash", json!({"command": "ls"}));
    message["sessionId"] = "child".into();
    message["agentId"] = "child".into();
    message["parentAgentId"] = "s1".into();
    let heard = parse(Client::CopilotCli, None, &message.to_string()).unwrap();
    assert_eq!(heard.session, "s1");
    let HookEvent::BeforeTool(call) = heard.event else { panic!("{:?}", heard.event) };
    assert_eq!(call.subagent, Some(Label::lossy("child")));
}

/// Copilot counts a command that failed as a success of its shell tool.
#[test]
fn copilots_last_line_tells_how_a_command_ended() {
    for (told, expected) in [
        ("ok\n<shellId: 0 completed with exit code 0>", Outcome::Succeeded),
        ("no\n<shellId: 3 completed with exit code 2>", Outcome::Failed),
        ("<shellId: 0 completed with exit code 1>\nmore", Outcome::Succeeded),
        ("", Outcome::Succeeded),
    ] {
        let message = json!({
            "hookName": "postToolUse", "cwd": "/a", "sessionId": "s", "toolName": "bash", "toolArgs": {"command": "x"},
            "toolResult": {"resultType": "success", "textResultForLlm": told},
        });
        let HookEvent::AfterTool(ended) =
            parse(Client::CopilotCli, None, &message.to_string()).unwrap().event
        else {
            panic!("{told}")
        };
        assert_eq!(ended.outcome, expected, "{told}");
    }
}

/// Where a command of Cline runs is told by nothing but its one workspace folder.
#[test]
fn cline_works_in_one_folder_or_not_at_all() {
    let message = before(Client::Cline, "run_commands", json!({"commands": ["ls"]}));
    for roots in [json!(null), json!([]), json!(["relative"]), json!(["/a", "/b"]), json!([7]), json!("/a")] {
        let mut message = message.clone();
        message["workspaceRoots"] = roots.clone();
        assert!(parse(Client::Cline, Some("PreToolUse"), &message.to_string()).is_err(), "{roots}");
    }
    let other = parse(Client::Cline, Some("PostToolUse"), &message.to_string());
    assert!(matches!(other, Err(HookError::OtherEvent { .. })), "{other:?}");
    let mut child = message.clone();
    child["parent_agent_id"] = "a0".into();
    let HookEvent::BeforeTool(call) = parse(Client::Cline, None, &child.to_string()).unwrap().event else {
        panic!("{child}")
    };
    assert_eq!(call.subagent, Some(Label::lossy("a1")));
    let mut nameless = child;
    nameless["agent_id"] = Value::Null;
    assert!(parse(Client::Cline, None, &nameless.to_string()).is_err());
}

/// One hook file serves two clients, which send and read different things.
#[test]
fn a_hook_of_copilot_hears_vscode_too() {
    let message = before(Client::VsCode, "run_in_terminal", json!({"command": "ls"}));
    let heard = parse(Client::CopilotCli, Some("preToolUse"), &message.to_string()).unwrap();
    assert_eq!(heard.client, Client::VsCode);
    assert!(matches!(heard.event, HookEvent::BeforeTool(_)));
    let other = parse(Client::CopilotCli, Some("postToolUse"), &message.to_string());
    assert!(matches!(other, Err(HookError::OtherEvent { .. })), "{other:?}");
    // A message that could be of either is of Copilot, and its call unknown.
    let mut both = message;
    both["toolName"] = "bash".into();
    let heard = parse(Client::CopilotCli, Some("preToolUse"), &both.to_string()).unwrap();
    let HookEvent::BeforeTool(call) = heard.event else { panic!("{both}") };
    assert_eq!(heard.client, Client::CopilotCli);
    assert!(matches!(call.operation, Operation::Unknown { .. }));
}

#[test]
fn cursor_works_where_its_call_says_or_in_its_first_folder() {
    let message = before(Client::Cursor, "Shell", json!({"command": "ls"}));
    assert_eq!(proposed(Client::Cursor, &message).cwd, "/home/dev/project");
    let mut elsewhere = message.clone();
    elsewhere["cwd"] = "/srv".into();
    assert_eq!(proposed(Client::Cursor, &elsewhere).cwd, "/srv");
    for (name, value) in
        [("cwd", json!("srv")), ("workspace_roots", json!([])), ("workspace_roots", json!([7]))]
    {
        let mut nowhere = message.clone();
        nowhere[name] = value;
        assert!(parse(Client::Cursor, None, &nowhere.to_string()).is_err(), "{nowhere}");
    }
}

/// Without the folder that the hook process adds, nobody knows where a file tool of Windsurf works.
#[test]
fn windsurf_is_refused_where_no_folder_is_known() {
    let mut message = before(Client::Windsurf, "read_code", json!({"file_path": "a"}));
    assert!(parse(Client::Windsurf, Some("pre_read_code"), &message.to_string()).is_ok());
    message.as_object_mut().unwrap().remove("writ_hook_folder");
    assert!(parse(Client::Windsurf, Some("pre_read_code"), &message.to_string()).is_err());
}
