//! Which steps run an agent: by the action they use, or by the program they start.

use super::text_map;
use crate::approval::Approval;
use crate::document::Node;

/// Names of actions, as part of the repository and path before the `@`, and the tool that each runs. Forks keep the
/// name, so the owner does not count.
const ACTIONS: &[(&str, &str)] = &[
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
];
/// Actions with such names that install or prepare something and run no agent.
const NOT_AGENTS: &[&str] = &["setup-", "install-", "/setup", "cache"];
/// Programs, the words after them that make them work without a person, and the tool. No word: any use counts.
const PROGRAMS: &[(&str, &[&str], &str)] = &[
    ("claude", &["-p", "--print", "--dangerously-skip-permissions", "--prompt"], "claude-code"),
    (
        "codex",
        &["exec", "e", "review", "--full-auto", "--yolo", "--dangerously-bypass-approvals-and-sandbox"],
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
    ("kiro-cli", &["--no-interactive"], "kiro"),
    ("q", &["--no-interactive"], "amazon-q"),
    ("openhands", &["--headless", "-t", "--task"], "openhands"),
];
/// Packages that runners fetch, and the program that each is.
const PACKAGES: &[(&str, &str)] = &[
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
];
/// Words that switch every question off, wherever they stand in a step.
const BYPASSES: &[&str] = &[
    "--dangerously-skip-permissions",
    "--dangerously-bypass-approvals-and-sandbox",
    "--dangerously-allow-all",
    "--allow-all-tools",
    "--yolo",
    "--yes-always",
    "--approval-mode=yolo",
    "--approval-mode yolo",
    "--full-auto",
    "bypassPermissions",
    "danger-full-access",
    "--force-approve",
];

/// An agent in a step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Agent {
    pub(super) tool: &'static str,
    pub(super) runs: String,
    pub(super) pinned: bool,
}

/// Whether an action or a program of an agent is named in a text in lower case; short names stand in too many words.
pub(super) fn is_named_in(text: &str) -> bool {
    let programs = PROGRAMS.iter().map(|(program, _, _)| *program).filter(|program| program.len() > 4);
    ACTIONS.iter().map(|(part, _)| *part).chain(programs).any(|name| text.contains(name))
}

/// The agent that a step runs, if it runs one.
pub(super) fn of_step(step: &Node) -> Option<Agent> {
    if let Some(uses) = step.get("uses").and_then(Node::text) {
        // Asking a model once is no agent; giving it the forge's tools is.
        let given = step.at(&["with", "enable-github-mcp"]).is_some_and(Node::is_true);
        if given && uses.starts_with("actions/ai-inference@") {
            return Some(Agent { tool: "ai-inference", runs: uses.to_owned(), pinned: is_commit(uses) });
        }
        return of_action(uses);
    }
    let script = step.get("run").and_then(Node::text)?;
    of_script(script).map(|(tool, runs)| Agent { tool, runs, pinned: true })
}

/// The agent behind an action.
pub(super) fn of_action(uses: &str) -> Option<Agent> {
    let name = uses.split('@').next().unwrap_or(uses);
    let name = name.to_ascii_lowercase();
    if name.starts_with("./") || name.starts_with("docker://") || name.contains(".github/workflows/") {
        return None;
    }
    if NOT_AGENTS.iter().any(|part| name.contains(part)) {
        return None;
    }
    let (_, tool) = ACTIONS.iter().find(|(part, _)| name.contains(part))?;
    Some(Agent { tool, runs: uses.to_owned(), pinned: is_commit(uses) })
}

/// Whether what is used is named by a commit.
fn is_commit(uses: &str) -> bool {
    let version = uses.rsplit_once('@').map_or("", |(_, version)| version);
    version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The first agent that a script starts without a person at it.
pub(super) fn of_script(script: &str) -> Option<(&'static str, String)> {
    let joined = script.replace("\\\n", " ");
    joined
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(|line| line.split(['|', ';', '&', '(', '`']))
        .find_map(of_command)
}

/// Programs that start another one, which stands somewhere in their arguments.
const WRAPPERS: &[&str] = &[
    "awf",
    "bash",
    "devbox",
    "docker",
    "mise",
    "nice",
    "nix",
    "podman",
    "poetry",
    "sandbox-runtime",
    "script",
    "sh",
    "srt",
    "stdbuf",
    "su",
    "unbuffer",
    "uv",
    "xargs",
];
/// Programs that work without a person whenever they are given anything, and what they are given to do something else.
const TALKERS: &[&str] = &["gemini", "qwen"];
const NOT_TALK: &[&str] =
    &["--help", "--version", "-h", "-v", "config", "extensions", "hooks", "mcp", "skills", "update"];

fn of_command(command: &str) -> Option<(&'static str, String)> {
    const BEFORE: &[&str] = &[
        "sudo", "env", "time", "exec", "timeout", "nohup", "then", "do", "else", "if", "!", "xvfb-run", "$",
    ];
    let is_assignment = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit())
        })
    };
    let is_span = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_digit())
            && word.bytes().all(|byte| byte.is_ascii_digit() || b"smh".contains(&byte))
    };
    let words: Vec<&str> = command
        .split_whitespace()
        .map(|word| word.trim_matches(['"', '\'']))
        .skip_while(|word| BEFORE.contains(word) || is_assignment(word) || is_span(word))
        .collect();
    let first = words.first()?.rsplit('/').next()?;
    if let Some(found) = of_words(&words) {
        return Some(found);
    }
    // What comes after a wrapper's own words.
    if !WRAPPERS.contains(&first) {
        return None;
    }
    (1..words.len()).find_map(|at| of_words(words.get(at..)?))
}

/// An agent whose program is the first of these words.
fn of_words(words: &[&str]) -> Option<(&'static str, String)> {
    let (first, rest) = words.split_first()?;
    let mut program = first.rsplit('/').next()?.to_owned();
    let mut arguments = rest;
    if matches!(program.as_str(), "npx" | "bunx" | "uvx" | "pnpx")
        || (program == "pnpm" && rest.first() == Some(&"dlx"))
    {
        let at = rest.iter().position(|word| !word.starts_with('-') && *word != "dlx")?;
        let spelling = rest.get(at)?;
        let name =
            spelling.rfind('@').filter(|at| *at > 0).and_then(|at| spelling.get(..at)).unwrap_or(spelling);
        program = PACKAGES
            .iter()
            .find(|(package, _)| *package == name)
            .map_or(name, |(_, program)| program)
            .to_owned();
        arguments = rest.get(at + 1..).unwrap_or(&[]);
    }
    let (_, flags, tool) = PROGRAMS.iter().find(|(name, _, _)| *name == program)?;
    let talks =
        TALKERS.contains(&program.as_str()) && arguments.first().is_some_and(|word| !NOT_TALK.contains(word));
    let works = arguments.iter().any(|word| {
        flags.contains(word)
            || flags.iter().any(|flag| {
                flag.starts_with("--") && word.strip_prefix(flag).is_some_and(|rest| rest.starts_with('='))
            })
    });
    (talks || works).then_some((*tool, program))
}

/// What an agent step may do unasked, by its inputs and its script.
pub(super) fn approval(step: &Node) -> Approval {
    let mut approval = Approval::default();
    step.each_text(&mut |key, text, line| {
        // A prompt may speak of flags without setting them.
        if key.contains("prompt") || key == "name" || key == "if" {
            return;
        }
        for bypass in BYPASSES {
            if text.contains(bypass) {
                approval.blanket(line, *bypass);
            }
        }
        let lists = ["allowed_tools", "allowedtools", "allowed-tools"];
        if lists.contains(&key) {
            tools(text, line, &mut approval);
        }
        for flag in ["--allowedTools", "--allowed-tools"] {
            for part in text.split(flag).skip(1) {
                let list = part.trim_start_matches(['=', ' ']).lines().next().unwrap_or("");
                let list = match list.strip_prefix(['"', '\'']) {
                    Some(quoted) => quoted.split(['"', '\'']).next().unwrap_or(""),
                    None => list.split(" --").next().unwrap_or(""),
                };
                tools(list, line, &mut approval);
            }
        }
        if key == "settings"
            && let Ok(document) = crate::document::parse(text.as_bytes(), crate::document::Notation::Json)
        {
            for survey in crate::tool::SURVEYS
                .iter()
                .filter(|survey| ["claude-code", "gemini-cli"].contains(&survey.id))
            {
                let mut inner = Approval::default();
                (survey.read)(&document, &mut inner);
                for evidence in inner.evidence {
                    match evidence.level {
                        crate::approval::ApprovalLevel::Blanket => approval.blanket(line, evidence.text),
                        crate::approval::ApprovalLevel::Scoped => approval.scoped(line, evidence.text),
                        crate::approval::ApprovalLevel::None => {}
                    }
                }
            }
        }
    });
    for (key, value) in text_map(step.get("with")) {
        let off = matches!(
            (key.as_str(), value.as_str()),
            ("sandbox", "danger-full-access") | ("safety-strategy", "unsafe")
        );
        if off {
            approval.blanket(step.line, format!("{key}: {value}"));
        }
    }
    approval
}

fn tools(list: &str, line: u32, approval: &mut Approval) {
    let mut depth = 0_usize;
    for entry in list.split(|letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (letter == ',' || letter == '\n')
    }) {
        let entry = entry.trim().trim_matches(['"', '\'']);
        if matches!(entry, "Bash" | "Bash(*)" | "Bash(:*)" | "*") {
            approval.blanket(line, format!("allowed tools: {entry}"));
        } else if !entry.is_empty() {
            approval.scoped(line, format!("allowed tools: {entry}"));
        }
    }
}

/// Whether the action itself refuses accounts without write access at this trigger, and the line that says it does not.
///
/// claude-code-action looks for issues, comments, pull requests and reviews only (its src/entrypoints/prepare.ts);
/// codex-action at every trigger (its action.yml).
pub(super) fn checks_itself(step: &Node, trigger: &str) -> (bool, Option<u32>) {
    let uses = step.get("uses").and_then(Node::text).unwrap_or("").to_ascii_lowercase();
    let name = uses.split('@').next().unwrap_or("");
    let with = step.get("with");
    let input =
        |key: &str| with.and_then(|with| with.get(key)).and_then(|node| Some((node.scalar()?, node.line)));
    if name.ends_with("/claude-code-action") {
        let open = input("allowed_non_write_users")
            .filter(|(users, _)| users.split(',').any(|user| user.trim() == "*"))
            .filter(|_| input("github_token").is_some_and(|(token, _)| !token.is_empty()));
        return (open.is_none() && trigger != "workflow_run", open.map(|(_, line)| line));
    }
    if name.ends_with("/codex-action") {
        let open = input("allow-users").filter(|(users, _)| users.split(',').any(|user| user.trim() == "*"));
        return (open.is_none(), open.map(|(_, line)| line));
    }
    (name.ends_with("opencode/github"), None)
}
