//! Which names are agents: actions, programs, packages, modules and images.

/// Names of actions, as part of the repository and path before the `@`, and the tool that each runs. Forks keep the
/// name, so the owner does not count.
pub(super) const ACTIONS: &[(&str, &str)] = &[
    ("claude-code", "claude-code"),
    ("claude-action", "claude-code"),
    ("codex-action", "codex"),
    ("run-gemini-cli", "gemini-cli"),
    ("gemini-cli-action", "gemini-cli"),
    ("gemini-code-action", "gemini-cli"),
    ("opencode/github", "opencode"),
    ("opencode-action", "opencode"),
    ("qwen-code-action", "qwen-code"),
    ("run-qwen-code", "qwen-code"),
    ("copilot-cli", "github-copilot"),
    ("copilot-action", "github-copilot"),
    ("cursor-action", "cursor"),
    ("cursor-agent", "cursor"),
    ("droid-action", "factory-droid"),
    ("augment-agent", "augment"),
    ("augmentcode/", "augment"),
    ("openhands", "openhands"),
    ("aider-", "aider"),
    ("/aider", "aider"),
    ("goose-action", "goose"),
    ("pr-agent", "pr-agent"),
    ("swe-agent", "swe-agent"),
    ("amp-action", "amp"),
    ("continue-action", "continue"),
    ("cline-action", "cline"),
    ("kiro-action", "kiro"),
    ("jules-action", "jules"),
    ("jules-invoke", "jules"),
    ("oz-agent-action", "warp"),
    ("warp-agent-action", "warp"),
    ("ai-pr-reviewer", "ai-pr-reviewer"),
    ("openai-pr-reviewer", "ai-pr-reviewer"),
    ("junie-github-action", "jetbrains-ai"),
    ("crush-action", "crush"),
    ("devin-action", "devin"),
    ("mini-swe-agent", "swe-agent"),
    ("gh-aw", "gh-aw"),
    ("continuedev/continue", "continue"),
    ("code-review-gpt", "code-review-gpt"),
    ("chatgpt-codereview", "chatgpt-codereview"),
    ("ai-codereviewer", "ai-codereviewer"),
    ("presubmit/ai-reviewer", "presubmit"),
    ("ai-code-reviewer", "ai-code-reviewer"),
    ("sweepai/", "sweep"),
    ("mistral-vibe", "mistral-vibe"),
];
/// Names of reusable workflows, as part of their file's name, and the tool that each runs.
pub(super) const WORKFLOWS: &[(&str, &str)] = &[
    ("claude", "claude-code"),
    ("codex", "codex"),
    ("gemini", "gemini-cli"),
    ("opencode", "opencode"),
    ("openhands", "openhands"),
    ("qwen", "qwen-code"),
    ("copilot-agent", "github-copilot"),
    ("cursor-agent", "cursor"),
    ("aider", "aider"),
    ("pr-agent", "pr-agent"),
];
/// Actions with such names that install or prepare something and run no agent.
pub(super) const NOT_AGENTS: &[&str] = &["setup-", "install-", "/setup", "cache"];
/// Programs, the words after them that make them work without a person, and the tool. Several words in one are those that
/// come first, in that order.
pub(super) const PROGRAMS: &[(&str, &[&str], &str)] = &[
    ("claude", &["-p", "--print", "--dangerously-skip-permissions", "--prompt"], "claude-code"),
    (
        "codex",
        &[
            "exec",
            "e",
            "review",
            "--full-auto",
            "--yolo",
            "--dangerously-bypass-approvals-and-sandbox",
            "-q",
            "--quiet",
        ],
        "codex",
    ),
    ("gemini", &["-p", "--prompt", "-y", "--yolo", "--approval-mode"], "gemini-cli"),
    ("qwen", &["-p", "--prompt", "-y", "--yolo", "--approval-mode"], "qwen-code"),
    ("opencode", &["run", "github"], "opencode"),
    ("copilot", &["-p", "--prompt", "--allow-all-tools", "--yolo"], "github-copilot"),
    ("cursor-agent", &["-p", "--print", "--force"], "cursor"),
    ("aider", &["--message", "-m", "--message-file", "-f", "--yes", "--yes-always"], "aider"),
    ("goose", &["run"], "goose"),
    ("amp", &["-x", "--execute", "--dangerously-allow-all"], "amp"),
    ("droid", &["exec"], "factory-droid"),
    ("auggie", &["--print", "-p"], "augment"),
    ("crush", &["run"], "crush"),
    ("cn", &["-p", "--print"], "continue"),
    ("cline", &["-y", "--yolo", "--no-interactive", "task"], "cline"),
    ("ccr", &["code"], "claude-code"),
    ("agent", &["-p", "--print", "--force"], "cursor"),
    ("kilo", &["run", "--auto"], "kilo-code"),
    ("kilocode", &["run", "--auto"], "kilo-code"),
    ("vibe", &["-p", "--prompt"], "mistral-vibe"),
    ("kimi", &["-p", "--print", "--prompt", "-c", "--command", "-y", "--yolo"], "kimi"),
    ("grok", &["-p", "--prompt"], "grok"),
    ("iflow", &["-p", "--prompt", "-y", "--yolo"], "iflow"),
    ("junie", &["--task", "-p"], "jetbrains-ai"),
    ("acli", &["rovodev run"], "rovo-dev"),
    ("rovodev", &["run"], "rovo-dev"),
    ("warp", &["agent run"], "warp"),
    ("oz", &["agent run", "agent run-cloud"], "warp"),
    ("sweagent", &["run", "run-batch"], "swe-agent"),
    ("mini", &["-t", "--task", "-y", "--yolo"], "swe-agent"),
    ("jules", &["new", "remote new"], "jules"),
    ("duo", &["run"], "gitlab-duo"),
    ("gh", &["agent-task create"], "github-copilot"),
    ("openclaw", &["agent"], "openclaw"),
    ("pi", &["-p", "--print"], "pi"),
    ("trae-cli", &["run"], "trae"),
    ("pr-agent", &["review", "describe", "improve", "ask", "--pr_url"], "pr-agent"),
    ("kiro-cli", &["--no-interactive"], "kiro"),
    ("q", &["--no-interactive"], "amazon-q"),
    ("openhands", &["--headless", "-t", "--task"], "openhands"),
    ("plandex", &["tell", "build", "continue"], "plandex"),
    ("pdx", &["tell"], "plandex"),
    ("forge", &["-p", "--prompt"], "forge"),
];
/// Programs that work without a person at a terminal whenever they are given a task or an input.
pub(super) const TALKERS: &[&str] = &["claude", "cline", "gemini", "junie", "qwen"];
/// Programs that do where their input holds something.
pub(super) const FED: &[&str] = &["amp", "copilot", "cursor-agent", "iflow", "vibe"];
/// What those are given to do something else.
pub(super) const NOT_TALK: &[&str] = &[
    "--help",
    "--list-extensions",
    "--version",
    "-V",
    "-h",
    "-v",
    "agents",
    "auth",
    "config",
    "doctor",
    "extension",
    "extensions",
    "help",
    "hooks",
    "install",
    "instance",
    "login",
    "logout",
    "logs",
    "marketplace",
    "mcp",
    "migrate-installer",
    "plugin",
    "plugins",
    "setup-token",
    "skills",
    "status",
    "uninstall",
    "update",
    "upgrade",
    "version",
];
/// Packages that runners fetch, and the program that each is.
pub(super) const PACKAGES: &[(&str, &str)] = &[
    ("@anthropic-ai/claude-code", "claude"),
    ("@openai/codex", "codex"),
    ("@google/gemini-cli", "gemini"),
    ("@qwen-code/qwen-code", "qwen"),
    ("opencode-ai", "opencode"),
    ("@github/copilot", "copilot"),
    ("@sourcegraph/amp", "amp"),
    ("aider-chat", "aider"),
    ("@augmentcode/auggie", "auggie"),
    ("@continuedev/cli", "cn"),
    ("@kilocode/cli", "kilocode"),
    ("@jetbrains/junie-cli", "junie"),
    ("@iflow-ai/iflow-cli", "iflow"),
    ("@musistudio/claude-code-router", "ccr"),
    ("@mariozechner/pi-coding-agent", "pi"),
    ("@google/jules", "jules"),
    ("@charmland/crush", "crush"),
    ("forgecode", "forge"),
    ("claude-code", "claude"),
    ("gemini-cli", "gemini"),
    ("qwen-code", "qwen"),
    ("google-gemini/gemini-cli", "gemini"),
    ("qwenlm/qwen-code", "qwen"),
    ("openai/codex", "codex"),
    ("aider-ai/aider", "aider"),
    ("mistral-vibe", "vibe"),
    ("kimi-cli", "kimi"),
    ("mini-swe-agent", "mini"),
    ("sweagent", "sweagent"),
    ("openhands-ai", "openhands"),
];
/// Modules of Python that are agents, as `python -m` names them up to a dot, and the program that each is; an empty one
/// works without a person whenever it is run.
pub(super) const MODULES: &[(&str, &str, &str)] = &[
    ("aider", "aider", "aider"),
    ("minisweagent", "mini", "swe-agent"),
    ("openhands", "", "openhands"),
    ("pr_agent", "", "pr-agent"),
    ("sweagent", "sweagent", "swe-agent"),
    ("vibe", "vibe", "mistral-vibe"),
];
/// Images that are agents, as part of their name.
pub(super) const IMAGES: &[(&str, &str)] = &[
    ("all-hands-ai/openhands", "openhands"),
    ("openhands/openhands", "openhands"),
    ("openai/codex", "codex"),
    ("anthropics/claude-code", "claude-code"),
    ("paulgauthier/aider", "aider"),
    ("codiumai/pr-agent", "pr-agent"),
    ("block/goose", "goose"),
    ("sweagent/swe-agent", "swe-agent"),
    ("gemini-cli/sandbox", "gemini-cli"),
    ("qwenlm/qwen-code", "qwen-code"),
    ("sst/opencode", "opencode"),
    ("anomalyco/opencode", "opencode"),
];

/// A program of the table.
pub(super) fn program_named(
    name: &str,
) -> Option<&'static (&'static str, &'static [&'static str], &'static str)> {
    PROGRAMS.iter().find(|(program, _, _)| *program == name)
}

/// Whether a part stands in a name as words of their own. A name that ends with what it is (`…-action`) ends there.
pub(super) fn borders(name: &str, part: &str) -> bool {
    let joins = |letter: u8| letter.is_ascii_alphanumeric();
    let last = part.bytes().last();
    name.match_indices(part).any(|(at, _)| {
        let before = name.get(..at).and_then(|head| head.bytes().last());
        let after = name.get(at + part.len()..).and_then(|tail| tail.bytes().next());
        let begins = part.starts_with('/') || before.is_none_or(|letter| !joins(letter));
        let ends = if last.is_some_and(|letter| !joins(letter)) {
            true
        } else if part.ends_with("-action") {
            after.is_none_or(|letter| !joins(letter) && letter != b'-')
        } else {
            after.is_none_or(|letter| !joins(letter))
        };
        begins && ends
    })
}
