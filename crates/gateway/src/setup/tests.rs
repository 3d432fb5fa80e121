use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::*;

/// A host with these files and variables.
struct Fake {
    files: HashMap<PathBuf, String>,
    variables: HashMap<&'static str, String>,
}

impl Fake {
    fn new(files: &[(&str, &str)], variables: &[(&'static str, &str)]) -> Self {
        Self {
            files: files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect(),
            variables: variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        }
    }

    fn with<T>(&self, look: impl FnOnce(&Host<'_>) -> T) -> T {
        look(&Host {
            home: Path::new("/home/dev"),
            workspace: Path::new("/home/dev/project"),
            variable: &|name| self.variables.get(name).cloned(),
            read: &|path| self.files.get(path).cloned(),
        })
    }
}

fn command() -> HookCommand {
    HookCommand {
        program: "/opt/my tools/writ".into(),
        socket: "/home/dev/.local/state/writ/run/t1/hook.sock".into(),
        deadline: Duration::from_secs(590),
    }
}

fn injected(client: Client, fake: &Fake, arguments: &[&str]) -> Result<Injection, SetupError> {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let command = command();
    let own_sandbox = fake.with(|host| own_sandbox(client, host, &arguments));
    let run = Run {
        command: &command,
        folder: Path::new("/run/t1"),
        private: Path::new("/run/t1.home"),
        cwd: Path::new("/home/dev/project/sub"),
        nonce: "5eed",
        own_sandbox: &own_sandbox,
        arguments: &arguments,
    };
    fake.with(|host| inject(client, host, &run))
}

#[test]
fn claude_code_gets_settings_that_a_project_cannot_undo() {
    let fake = Fake::new(&[], &[]);
    let injection = injected(Client::ClaudeCode, &fake, &["-p", "hi"]).unwrap();
    assert_eq!(injection.arguments, ["--settings", "/run/t1/claude-settings.json", "-p", "hi"]);
    let settings: Value = serde_json::from_str(&injection.files[0].1).unwrap();
    assert_eq!(settings["disableAllHooks"], false);
    assert_eq!(
        settings["env"],
        serde_json::json!({
            "CLAUDE_CODE_SAFE_MODE": "0",
            "CLAUDE_CODE_SIMPLE": "0",
            "GLIBC_TUNABLES": "",
            "LD_AUDIT": "",
            "LD_LIBRARY_PATH": "",
            "LD_PRELOAD": "",
        })
    );
    let before = &settings["hooks"]["PreToolUse"][0]["hooks"][0];
    assert_eq!(before["command"], "/opt/my tools/writ");
    assert_eq!(before["onFailure"], "block");
    assert_eq!(before["timeout"], 600);
    assert_eq!(
        before["args"],
        serde_json::json!([
            "hook",
            "claude-code",
            "PreToolUse",
            "--socket",
            "/home/dev/.local/state/writ/run/t1/hook.sock",
            "--deadline",
            "590"
        ])
    );
    assert!(settings["hooks"]["Stop"][0]["hooks"][0].get("onFailure").is_none());
    assert_eq!(injection.unset, ["CLAUDE_CODE_SAFE_MODE", "CLAUDE_CODE_SIMPLE"]);
    for argument in ["--settings", "--settings=/x", "--bare", "--safe-mode"] {
        let error = injected(Client::ClaudeCode, &fake, &["-p", argument, "/x"]).unwrap_err();
        assert!(matches!(error, SetupError::Argument { .. }), "{argument}");
    }
    assert!(injected(Client::ClaudeCode, &fake, &["--", "--bare"]).is_ok());
    let strict =
        Fake::new(&[("/etc/claude-code/managed-settings.json", r#"{"allowManagedHooksOnly":true}"#)], &[]);
    assert!(matches!(injected(Client::ClaudeCode, &strict, &[]), Err(SetupError::ManagedOnly { .. })));
}

#[test]
fn codex_gets_hooks_with_their_trust_and_no_switch_that_undoes_them() {
    let fake = Fake::new(&[], &[]);
    let injection = injected(Client::Codex, &fake, &["exec", "hi"]).unwrap();
    assert_eq!(injection.files, []);
    assert_eq!(injection.arguments[..2], ["-c", "features.hooks=true"]);
    assert_eq!(injection.arguments[injection.arguments.len() - 2..], ["exec", "hi"]);
    // Every flag is TOML; together they are a configuration in which each hook has its trust.
    let flags = injection.arguments.chunks(2).take_while(|pair| pair[0] == "-c");
    let text: String = flags.map(|pair| format!("{}\n", pair[1])).collect();
    let document: toml_edit::DocumentMut = text.parse().unwrap();
    let line = document["hooks"]["PreToolUse"][0]["hooks"][0]["command"].as_str().unwrap();
    assert_eq!(
        line,
        "'/opt/my tools/writ' hook codex PreToolUse --socket /home/dev/.local/state/writ/run/t1/hook.sock --deadline 590 \
         || sh -c 'echo \"not let through by Writ\" >&2; exit 2'"
    );
    let state = document["hooks"]["state"].as_inline_table().unwrap();
    assert_eq!(state.len(), 9);
    assert!(state.contains_key("/<session-flags>/config.toml:pre_tool_use:0:0"));
    assert_eq!(document["hooks"]["SessionEnd"][0]["hooks"][0]["timeout"].as_integer(), Some(3));
    for arguments in [
        &["--disable", "hooks"][..],
        &["--disable=hooks"],
        &["-c", "features.hooks=false"],
        &["-c", "features={hooks=false}"],
        &["-cfeatures.hooks=false"],
        &["--config=hooks.PreToolUse=[]"],
        &["-c", "\"hooks\".state={}"],
        &["exec", "--remote", "ws://a.example"],
    ] {
        assert!(
            matches!(injected(Client::Codex, &fake, arguments), Err(SetupError::Argument { .. })),
            "{arguments:?}"
        );
    }
    assert!(
        injected(Client::Codex, &fake, &["-c", "model=\"gpt-5.5\"", "-c", "features.apps=false"]).is_ok()
    );
    for text in ["allow_managed_hooks_only = true", "[features]\nhooks = false"] {
        let strict = Fake::new(&[("/etc/codex/requirements.toml", text)], &[]);
        assert!(
            matches!(injected(Client::Codex, &strict, &[]), Err(SetupError::ManagedOnly { .. })),
            "{text}"
        );
    }
}

#[test]
fn gemini_gets_the_users_settings_and_ours_in_a_folder_of_the_run() {
    let user =
        "{\n  // mine\n  \"tools\": {\"sandbox\": false},\n  \"hooksConfig\": {\"enabled\": false}\n}\n";
    let fake = Fake::new(&[("/home/dev/.gemini/settings.json", user)], &[]);
    let injection = injected(Client::GeminiCli, &fake, &["-p", "hi"]).unwrap();
    let set = [("GEMINI_CLI_HOME", "/run/t1.home"), ("GEMINI_SANDBOX", "false")];
    assert_eq!(injection.set, set.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let Some(Private { name, mirrors, files }) = injection.private else { panic!("no folder") };
    assert_eq!((name, mirrors), (".gemini".into(), PathBuf::from("/home/dev/.gemini")));
    let (path, text) = &files[0];
    assert_eq!(path, Path::new("settings.json"));
    assert!(text.contains("// mine"));
    let settings = json::value(Path::new("x"), text).unwrap();
    assert_eq!(settings["tools"]["sandbox"], false);
    assert_eq!(settings["hooksConfig"]["enabled"], true);
    let before = &settings["hooks"]["BeforeTool"][0]["hooks"][0];
    assert_eq!(before["name"], "writ-5eed");
    assert_eq!(before["timeout"], 600_000);
    assert!(before["command"].as_str().unwrap().ends_with("exit 2'"));
    assert!(!settings["hooks"]["AfterAgent"][0]["hooks"][0]["command"].as_str().unwrap().contains("exit 2"));
    for path in [
        "/etc/gemini-cli/settings.json",
        "/home/dev/project/.gemini/settings.json",
        "/home/dev/project/sub/.gemini/settings.json",
    ] {
        for text in
            ["{\"hooksConfig\":{\"enabled\":false}} // off", "{\"hooksConfig\":{\"enabled\":\"$OFF\"}}"]
        {
            let off = Fake::new(&[(path, text)], &[]);
            assert!(
                matches!(injected(Client::GeminiCli, &off, &[]), Err(SetupError::SwitchedOff { .. })),
                "{path}"
            );
        }
        let broken = Fake::new(&[(path, "{")], &[]);
        assert!(
            matches!(injected(Client::GeminiCli, &broken, &[]), Err(SetupError::Unreadable { .. })),
            "{path}"
        );
    }
}

/// What becomes of a client's own sandbox: a dash where nothing does, `by` what turns it off and with a star where it was
/// on, or after an equals sign who said otherwise.
fn sandbox_of(
    client: Client,
    files: &[(&str, &str)],
    variables: &[(&'static str, &str)],
    arguments: &[&str],
) -> String {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    match Fake::new(files, variables).with(|host| own_sandbox(client, host, &arguments)) {
        OwnSandbox::Untouched => "-".to_owned(),
        OwnSandbox::Off { by, was_on } => format!("{by}{}", if was_on { " *" } else { "" }),
        OwnSandbox::Kept { by } => format!("= {by}"),
    }
}

#[test]
fn a_clients_own_sandbox_is_off_unless_somebody_said_otherwise() {
    const CODEX: &str = "sandbox_mode=danger-full-access";
    let (codex, claude, gemini, qwen) =
        (Client::Codex, Client::ClaudeCode, Client::GeminiCli, Client::QwenCode);
    for (arguments, wanted) in [
        (&["exec", "hi"][..], format!("{CODEX} *")),
        (&["exec", "--", "-s"], format!("{CODEX} *")),
        (&["exec", "-s", "read-only", "hi"], "= --sandbox read-only".to_owned()),
        (&["--sandbox=workspace-write"], "= --sandbox workspace-write".to_owned()),
        (&["-c", "sandbox_mode=\"read-only\""], "= -c sandbox_mode=\"read-only\"".to_owned()),
        (&["-c", "model=x"], format!("{CODEX} *")),
        (
            &["--dangerously-bypass-approvals-and-sandbox"],
            "= --dangerously-bypass-approvals-and-sandbox".to_owned(),
        ),
    ] {
        assert_eq!(sandbox_of(codex, &[], &[], arguments), wanted);
    }
    let config = "/home/dev/.codex/config.toml";
    assert_eq!(sandbox_of(codex, &[(config, "sandbox_mode = \"danger-full-access\"")], &[], &[]), CODEX);
    let required = ("/etc/codex/requirements.toml", "allowed_sandbox_modes = [\"read-only\"]");
    assert_eq!(sandbox_of(codex, &[required], &[], &[]), "= /etc/codex/requirements.toml");
    let on = "{\"sandbox\": {\"enabled\": true}}";
    for (path, wanted) in [
        ("/nowhere", "sandbox.enabled=false"),
        ("/home/dev/.claude/settings.json", "sandbox.enabled=false *"),
        ("/home/dev/project/.claude/settings.local.json", "sandbox.enabled=false *"),
        ("/etc/claude-code/managed-settings.json", "= /etc/claude-code/managed-settings.json"),
    ] {
        assert_eq!(sandbox_of(claude, &[(path, on)], &[], &[]), wanted, "{path}");
    }
    let off = |name: &str, star: &str| format!("{name}=false{star}");
    for (client, name, folder) in [(gemini, "GEMINI_SANDBOX", ".gemini"), (qwen, "QWEN_SANDBOX", ".qwen")] {
        let user = format!("/home/dev/{folder}/settings.json");
        let project = format!("/home/dev/project/{folder}/settings.json");
        assert_eq!(sandbox_of(client, &[], &[], &["-p", "hi"]), off(name, ""));
        assert_eq!(sandbox_of(client, &[], &[], &["-s"]), "= -s");
        assert_eq!(sandbox_of(client, &[], &[(name, "docker")], &[]), off(name, " *"));
        for path in [&user, &project] {
            let with = |text: &str| sandbox_of(client, &[(path, text)], &[], &[]);
            assert_eq!(with("{\"tools\": {\"sandbox\": \"docker\"}}"), off(name, " *"));
            assert_eq!(with("{\"tools\": {\"sandbox\": false}}"), off(name, ""));
        }
    }
    let tools = "{\"security\": {\"toolSandboxing\": true}}";
    let project = "/home/dev/project/.gemini/settings.json";
    assert_eq!(sandbox_of(gemini, &[(project, tools)], &[], &[]), format!("= {project}"));
    let user = Fake::new(&[("/home/dev/.gemini/settings.json", tools)], &[]);
    let files = injected(gemini, &user, &[]).unwrap().private.unwrap().files;
    let settings = json::value(Path::new("x"), &files[0].1).unwrap();
    assert_eq!(settings["security"]["toolSandboxing"], false);
    for path in ["/home/dev/.qwen/settings.json", "/etc/qwen-code/settings.json"] {
        let text =
            "{\"tools\": {\"executionSandbox\": {\"filesystem\": \"read-only\", \"network\": \"closed\"}}}";
        let refused = injected(qwen, &Fake::new(&[(path, text)], &[]), &[]);
        assert!(matches!(refused, Err(SetupError::SwitchedOff { .. })), "{path}");
    }
    for client in [Client::Cline, Client::CopilotCli, Client::OpenCode] {
        assert_eq!(sandbox_of(client, &[], &[], &["-s"]), "-", "{client}");
    }
}

#[test]
fn opencode_has_no_provider_until_the_plugin_is_there() {
    let fake = Fake::new(
        &[("/home/dev/.config/opencode/opencode.jsonc", "{\"enabled_providers\": [\"fake\"], /* x */}")],
        &[("OPENCODE_CONFIG_CONTENT", r#"{"theme":"x","plugin":["other"]}"#)],
    );
    let injection = injected(Client::OpenCode, &fake, &["run", "hi"]).unwrap();
    let config: Value = serde_json::from_str(&injection.set[0].1).unwrap();
    assert_eq!(config["enabled_providers"], serde_json::json!(["writ-plugin-not-loaded"]));
    assert_eq!(config["plugin"], serde_json::json!(["other", "file:///run/t1/writ.js"]));
    assert_eq!(config["theme"], "x");
    let plugin = &injection.files[0].1;
    assert!(!plugin.contains("__WRIT_SETTINGS__"));
    assert!(plugin.contains(r#""enabled_providers":["fake"]"#), "the user's own list comes back");
    assert!(plugin.contains(r#""program":"/opt/my tools/writ""#));
    assert!(matches!(
        injected(Client::OpenCode, &fake, &["--pure", "run"]),
        Err(SetupError::Argument { .. })
    ));
}

#[test]
fn the_clients_own_login_is_a_fixed_list() {
    let fake = Fake::new(
        &[("/home/dev/.codex/config.toml", "[model_providers.fake]\nenv_key = \"FAKE_KEY\"\n")],
        &[],
    );
    let login = fake.with(|host| {
        login(Client::Codex, host, &["-c".to_owned(), "model_providers.o={env_key=\"OTHER\"}".to_owned()])
    });
    assert!(
        ["OPENAI_API_KEY", "FAKE_KEY", "OTHER"]
            .iter()
            .all(|name| login.variables.iter().any(|other| other == name))
    );
    assert_eq!(login.files, [PathBuf::from("/home/dev/.codex/auth.json")]);
    for client in Client::HOOKED {
        let login = fake.with(|host| super::login(client, host, &[]));
        for name in ["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK"] {
            assert!(!login.variables.iter().any(|other| other == name), "{client} {name}");
        }
    }
}

#[test]
fn copilot_cli_gets_a_plugin_that_no_settings_can_name() {
    let fake = Fake::new(&[("/home/dev/.copilot/settings.json", r#"{"disableAllHooks":true}"#)], &[]);
    let injection = injected(Client::CopilotCli, &fake, &["-p", "hi"]).unwrap();
    assert_eq!(injection.arguments, ["--plugin-dir", "/run/t1/copilot-plugin", "-p", "hi"]);
    let file = |name: &str| -> Value {
        let found = injection.files.iter().find(|(path, _)| path.ends_with(name)).unwrap();
        serde_json::from_str(&found.1).unwrap()
    };
    assert_eq!(file("plugin.json")["name"], "writ-5eed");
    let hooks = file("hooks.json");
    let line = |event: &str| hooks["hooks"][event][0]["bash"].as_str().unwrap().to_owned();
    assert_eq!(
        line("preToolUse"),
        "'/opt/my tools/writ' hook copilot-cli preToolUse --socket /home/dev/.local/state/writ/run/t1/hook.sock \
         --deadline 590 || echo '{\"permissionDecision\":\"deny\",\"permissionDecisionReason\":\"not let through by Writ\",\
         \"hookSpecificOutput\":{\"hookEventName\":\"PreToolUse\",\"permissionDecision\":\"deny\"}}'"
    );
    assert!(line("userPromptSubmitted").ends_with("\"reason\":\"not let through by Writ\"}'"));
    assert!(line("sessionEnd").ends_with("--deadline 590"));
    assert_eq!(hooks["hooks"]["preToolUse"][0]["timeoutSec"], 600);
    // Asked after the decision, with other arguments.
    assert!(hooks["hooks"].get("permissionRequest").is_none());
}

#[test]
fn copilot_cli_is_refused_where_the_hooks_would_not_run() {
    let off = r#"{"disableAllHooks": true}"#;
    for file in [
        "/home/dev/project/.github/copilot/settings.json",
        "/home/dev/project/sub/.github/copilot/settings.local.json",
        "/home/dev/project/.claude/settings.json",
        "/home/dev/project/sub/.claude/settings.local.json",
    ] {
        let fake = Fake::new(&[(file, off)], &[]);
        let refused = injected(Client::CopilotCli, &fake, &[]);
        assert!(matches!(refused, Err(SetupError::SwitchedOff { .. })), "{file}");
        assert!(injected(Client::CopilotCli, &Fake::new(&[(file, "{}")], &[]), &[]).is_ok(), "{file}");
        let broken = injected(Client::CopilotCli, &Fake::new(&[(file, "{")], &[]), &[]);
        assert!(matches!(broken, Err(SetupError::Unreadable { .. })), "{file}");
    }
    // Elsewhere, by argument.
    let other = Fake::new(&[("/srv/other/.claude/settings.json", off)], &[]);
    assert!(injected(Client::CopilotCli, &other, &[]).is_ok());
    for arguments in [&["-C", "/srv/other"][..], &["-C/srv/other"], &["-C=/srv/other"]] {
        let refused = injected(Client::CopilotCli, &other, arguments);
        assert!(matches!(refused, Err(SetupError::SwitchedOff { .. })), "{arguments:?}");
    }
    for argument in ["--connect", "--connect=abc", "--environment-host"] {
        let refused = injected(Client::CopilotCli, &Fake::new(&[], &[]), &[argument]);
        assert!(matches!(refused, Err(SetupError::Argument { .. })), "{argument}");
    }
    let managed = ("/etc/github-copilot/managed-settings.json", r#"{"allowManagedHooksOnly":true}"#);
    let refused = injected(Client::CopilotCli, &Fake::new(&[managed], &[]), &[]);
    assert!(matches!(refused, Err(SetupError::ManagedOnly { .. })));
    let installed = Fake::new(&[], &[])
        .with(|host| install(Client::CopilotCli, Level::Managed, System::Linux, host, &command()))
        .unwrap();
    let ours = installed[0].after.clone().unwrap();
    let fake = Fake::new(&[managed, ("/etc/github-copilot/policy.d/writ.json", &ours)], &[]);
    assert!(injected(Client::CopilotCli, &fake, &[]).is_ok());
}

#[test]
fn qwen_code_gets_system_settings_that_neither_settings_nor_dotenv_undo() {
    let fake = Fake::new(&[], &[]);
    let injection = injected(Client::QwenCode, &fake, &["-p", "hi"]).unwrap();
    assert_eq!(injection.arguments, ["-p", "hi"]);
    let settings: Value = serde_json::from_str(&injection.files[0].1).unwrap();
    assert_eq!(settings["disableAllHooks"], false);
    let line = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"].as_str().unwrap();
    assert!(line.ends_with("|| sh -c 'echo \"not let through by Writ\" >&2; exit 2'"), "{line}");
    assert_eq!(settings["hooks"]["PreToolUse"][0]["hooks"][0]["timeout"], 600_000);
    let set =
        |name: &str| injection.set.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
    assert_eq!(set("QWEN_CODE_SYSTEM_SETTINGS_PATH"), Some("/run/t1/qwen-settings.json"));
    for name in ["QWEN_CODE_SAFE_MODE", "QWEN_CODE_SIMPLE"] {
        assert_eq!((set(name), &settings["env"][name]), (Some("0"), &Value::from("0")), "{name}");
    }
    assert_eq!(set("LD_PRELOAD"), Some(""));
    for argument in ["--bare", "--safe-mode", "--safe-mode=true"] {
        let refused = injected(Client::QwenCode, &fake, &[argument]);
        assert!(matches!(refused, Err(SetupError::Argument { .. })), "{argument}");
    }
    // What the administrator says stays in force.
    let managed =
        Fake::new(&[("/etc/qwen-code/settings.json", r#"{"disableAllHooks":true,"proxy":"p"}"#)], &[]);
    let injection = injected(Client::QwenCode, &managed, &[]).unwrap();
    let settings: Value = serde_json::from_str(&injection.files[0].1).unwrap();
    assert_eq!((&settings["proxy"], &settings["disableAllHooks"]), (&"p".into(), &false.into()));
}

#[test]
fn cline_gets_a_folder_with_our_hooks_and_the_users() {
    let mine = "#!/bin/sh\nexit 0\n";
    let fake = Fake::new(&[("/home/dev/.cline/hooks/PreToolUse", mine)], &[]);
    let injection = injected(Client::Cline, &fake, &["-P", "openai", "say hi"]).unwrap();
    assert_eq!(injection.arguments, ["-P", "openai", "say hi"]);
    let private = injection.private.unwrap();
    assert_eq!(private.mirrors, PathBuf::from("/home/dev/.cline"));
    let file = |name: &str| {
        private.files.iter().find(|(path, _)| path == Path::new(name)).map(|(_, text)| text.as_str())
    };
    assert_eq!(file("hooks/PreToolUse"), Some(mine));
    let ours = file("hooks/PreToolUse.sh").unwrap();
    assert!(
        ours.starts_with("#!/bin/sh\n")
            && ours.ends_with("|| echo '{\"cancel\":true,\"errorMessage\":\"not let through by Writ\"}'\n"),
        "{ours}"
    );
    let set =
        |name: &str| injection.set.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
    assert_eq!(set("CLINE_DIR"), Some("/run/t1.home/cline"));
    assert_eq!(set("CLINE_SESSION_BACKEND_MODE"), Some("local"));
    for arguments in [&["--config", "/x"][..], &["--zen", "hi"], &["-z"], &["hub", "start"], &["schedule"]] {
        let refused = injected(Client::Cline, &fake, arguments);
        assert!(matches!(refused, Err(SetupError::Argument { .. })), "{arguments:?}");
    }
    let taken = Fake::new(&[("/home/dev/.cline/hooks/PreToolUse.sh", mine)], &[]);
    assert!(matches!(injected(Client::Cline, &taken, &[]), Err(SetupError::Unreadable { .. })));
}

/// Two minutes after a call the client runs it, whatever our hook is doing.
#[test]
fn cline_is_answered_before_it_stops_waiting() {
    assert!(patience(Client::Cline) < Duration::from_secs(120));
}

#[test]
fn hooks_of_cline_are_installed_for_the_user_alone() {
    let run =
        |fake: &Fake, level| fake.with(|host| install(Client::Cline, level, System::Linux, host, &command()));
    let mut fake = Fake::new(&[], &[]);
    assert!(matches!(run(&fake, Level::Managed), Err(SetupError::NotManaged(Client::Cline))));
    let once = run(&fake, Level::User).unwrap();
    assert!(once.iter().all(Change::is_needed) && once.len() > 5);
    assert_eq!(once[0].path, PathBuf::from("/home/dev/.cline/hooks/TaskStart.sh"));
    for change in &once {
        fake.files.insert(change.path.clone(), change.after.clone().unwrap());
    }
    assert!(!run(&fake, Level::User).unwrap().iter().any(Change::is_needed), "twice");
    let undone = fake.with(|host| uninstall(Client::Cline, Level::User, System::Linux, host)).unwrap();
    assert!(undone.len() == once.len() && undone.iter().all(|change| change.after.is_none()));
}

/// Programs with a window are not started by a run, and say what is possible.
#[test]
fn a_windowed_client_can_be_hooked_and_not_run() {
    for client in Client::HOOKED.into_iter().filter(|client| client.is_windowed()) {
        let refused = injected(client, &Fake::new(&[], &[]), &[]).unwrap_err();
        assert!(refused.to_string().contains(&format!("writ install {client}")), "{refused}");
        let fake = Fake::new(&[], &[]);
        let changes =
            fake.with(|host| install(client, Level::User, System::Linux, host, &command())).unwrap();
        assert!(changes[0].after.as_deref().unwrap().contains("exit 2") || client == Client::VsCode);
    }
}

#[test]
fn a_hook_of_cursor_that_fails_blocks() {
    let fake = Fake::new(&[], &[]);
    let changes =
        fake.with(|host| install(Client::Cursor, Level::User, System::Linux, host, &command())).unwrap();
    let file: Value = serde_json::from_str(changes[0].after.as_deref().unwrap()).unwrap();
    assert_eq!(file["version"], 1);
    let hook = &file["hooks"]["preToolUse"][0];
    assert_eq!((&hook["failClosed"], &hook["timeout"]), (&true.into(), &600.into()));
    // Asked about twice, a call would need two approvals.
    assert!(file["hooks"].get("beforeShellExecution").is_none());
}

/// VS Code reads the hook file of Copilot CLI: installed for one, it is there for both, and gone for both.
#[test]
fn vscode_and_copilot_share_a_hook_file() {
    let change = |client, fake: &Fake| {
        fake.with(|host| install(client, Level::User, System::Linux, host, &command())).unwrap().remove(0)
    };
    let mut fake = Fake::new(&[], &[]);
    let first = change(Client::VsCode, &fake);
    assert_eq!(first.path, PathBuf::from("/home/dev/.copilot/hooks/writ.json"));
    fake.files.insert(first.path.clone(), first.after.clone().unwrap());
    assert!(!change(Client::CopilotCli, &fake).is_needed());
    for client in [Client::Kiro, Client::VsCode] {
        let managed = fake.with(|host| install(client, Level::Managed, System::Linux, host, &command()));
        assert!(matches!(managed, Err(SetupError::NotManaged(_))), "{client}");
    }
}

#[test]
fn a_hook_file_of_somebody_else_is_left_alone() {
    let fake = Fake::new(&[("/home/dev/.copilot/hooks/writ.json", r#"{"version":1,"hooks":{}}"#)], &[]);
    let refused = fake.with(|host| install(Client::CopilotCli, Level::User, System::Linux, host, &command()));
    assert!(matches!(refused, Err(SetupError::Unreadable { .. })));
    let undone = fake.with(|host| uninstall(Client::CopilotCli, Level::User, System::Linux, host)).unwrap();
    assert_eq!(undone, []);
}

/// Install, install again, uninstall, for each client and level, over nothing and over a file with comments.
#[test]
fn an_installation_keeps_what_is_there_and_can_be_undone() {
    let claude = "{\n  // mine\n  \"model\": \"opus\",\n  \"hooks\": {\n    \"PreToolUse\": [\n      {\"matcher\": \"Bash\", \"hooks\": [{\"type\": \"command\", \"command\": \"mine.sh\"}]}\n    ]\n  }\n}\n";
    let codex = "# mine\nmodel = \"gpt-5.5\"\n\n[[hooks.PreToolUse]]\nmatcher = \"Bash\"\n[[hooks.PreToolUse.hooks]]\ntype = \"command\"\ncommand = \"mine.sh\"\n";
    let gemini = "{\n  \"ui\": {\"theme\": \"x\"}, // mine\n  \"hooks\": {\n    \"BeforeTool\": [\n      {\"hooks\": [{\"type\": \"command\", \"command\": \"mine.sh\"}]}\n    ]\n  }\n}\n";
    let cursor = "{\n  \"version\": 1, // mine\n  \"hooks\": {\n    \"preToolUse\": [\n      {\"command\": \"mine.sh\"}\n    ]\n  }\n}\n";
    let windsurf = "{\n  // mine\n  \"hooks\": {\n    \"pre_run_command\": [\n      {\"command\": \"mine.sh\", \"show_output\": true}\n    ]\n  }\n}\n";
    for (client, own) in [
        (Client::ClaudeCode, Some(claude)),
        (Client::ClaudeCode, None),
        (Client::Codex, Some(codex)),
        (Client::Codex, None),
        (Client::CopilotCli, None),
        (Client::GeminiCli, Some(gemini)),
        (Client::GeminiCli, None),
        (Client::OpenCode, None),
        (Client::Cursor, Some(cursor)),
        (Client::Cursor, None),
        (Client::Windsurf, Some(windsurf)),
        (Client::Windsurf, None),
        (Client::QwenCode, Some(claude)),
        (Client::QwenCode, None),
    ] {
        for level in [Level::User, Level::Managed] {
            let path = Fake::new(&[], &[])
                .with(|host| install(client, level, System::Linux, host, &command()))
                .unwrap();
            let path = path[0].path.clone();
            let mut fake = Fake::new(&[], &[]);
            if let Some(own) = own {
                fake.files.insert(path.clone(), own.to_owned());
            }
            let once = fake.with(|host| install(client, level, System::Linux, host, &command())).unwrap();
            assert!(once.iter().all(Change::is_needed), "{client} {level:?}");
            let after = once[0].after.clone().unwrap();
            assert!(
                own.is_none() || (after.contains("mine.sh") && after.contains("mine\n")),
                "{client} {level:?}\n{after}"
            );
            fake.files.insert(path.clone(), after.clone());
            let twice = fake.with(|host| install(client, level, System::Linux, host, &command())).unwrap();
            assert_eq!(twice[0].after.as_deref(), Some(after.as_str()), "{client} {level:?}: twice");
            // A newer installation at another place takes the place of the older.
            let moved = HookCommand { program: "/usr/local/bin/writ".into(), ..command() };
            let moved = fake.with(|host| install(client, level, System::Linux, host, &moved)).unwrap();
            let text = moved[0].after.clone().unwrap();
            assert!(
                text.contains("/usr/local/bin/writ") && !text.contains("/opt/my tools/writ"),
                "{client} {level:?}\n{text}"
            );
            let undone = fake.with(|host| uninstall(client, level, System::Linux, host)).unwrap();
            assert_eq!(undone[0].after.as_deref(), own, "{client} {level:?}: undone");
            fake.files.remove(&path);
            if let Some(own) = own {
                fake.files.insert(path, own.to_owned());
            }
            let again = fake.with(|host| uninstall(client, level, System::Linux, host)).unwrap();
            assert!(!again.iter().any(Change::is_needed), "{client} {level:?}: nothing to undo");
        }
    }
}

#[test]
fn trust_moves_with_the_hook_it_is_for() {
    let path = "/home/dev/.codex/config.toml";
    let fake = Fake::new(&[], &[]);
    let mut text =
        fake.with(|host| install(Client::Codex, Level::User, System::Linux, host, &command())).unwrap()[0]
            .after
            .clone()
            .unwrap();
    // The user adds a hook of their own behind ours.
    text.push_str(&format!(
        "\n[[hooks.Stop]]\nhooks = [{{ type = \"command\", command = \"mine.sh\" }}]\n\n[hooks.state.\"{path}:stop:1:0\"]\ntrusted_hash = \"sha256:aa\"\n"
    ));
    let fake = Fake::new(&[(path, &text)], &[]);
    let undone = fake.with(|host| uninstall(Client::Codex, Level::User, System::Linux, host)).unwrap()[0]
        .after
        .clone()
        .unwrap();
    let document: toml_edit::DocumentMut = undone.parse().unwrap();
    assert_eq!(document["hooks"]["Stop"].as_array_of_tables().unwrap().len(), 1);
    let state = document["hooks"]["state"].as_table_like().unwrap();
    assert_eq!(state.iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>(), [format!("{path}:stop:0:0")]);
}
