//! Agents that code starts as a library: by what it imports, and by the options that it gives.

/// Modules of Python and packages of JavaScript, names of what starts an agent in them, and the tool.
const KITS: &[(&str, &[&str], &str)] = &[
    ("@anthropic-ai/claude-agent-sdk", &["query", "unstable_v2"], "claude-code"),
    ("@anthropic-ai/claude-code", &["query"], "claude-code"),
    ("@openai/codex-sdk", &["Codex"], "codex"),
    ("claude_agent_sdk", &["query", "ClaudeSDKClient"], "claude-code"),
    ("claude_code_sdk", &["query", "ClaudeSDKClient"], "claude-code"),
    ("openhands.sdk", &["Agent", "Conversation"], "openhands"),
];
/// Options in code, their value, and the switch that says the same. Case and what joins words do not count.
const OPTIONS: &[(&str, &str, &[&str])] = &[
    ("permissionmode", "bypasspermissions", &["--permission-mode", "bypassPermissions"]),
    ("permissionmode", "dontask", &["--permission-mode", "dontAsk"]),
    ("permissionmode", "auto", &["--permission-mode", "auto"]),
    ("permissionmode", "acceptedits", &["--permission-mode", "acceptEdits"]),
    ("sandboxmode", "dangerfullaccess", &["--sandbox", "danger-full-access"]),
    ("approvalpolicy", "never", &["--ask-for-approval", "never"]),
];
const DANGEROUS: &str = "dangerouslyskippermissions";
/// Most lines of code that are looked at.
const MAX_LINES: usize = 10_000;

/// An agent that code starts as a library: the tool, what is imported, and switches that say what its options do.
pub(super) fn started(code: &str) -> Option<(&'static str, &'static str, Vec<String>)> {
    let lines: Vec<&str> = code.split(['\n', ';']).map(str::trim).filter(is_code).take(MAX_LINES).collect();
    let (name, _, tool) = KITS.iter().find(|(name, uses, _)| {
        lines.iter().any(|line| imports(line, name)) && uses.iter().any(|each| code.contains(each))
    })?;
    let mut words = Vec::new();
    for line in lines {
        let plain: String = line.chars().filter(|letter| !"-_\"'` \t".contains(*letter)).collect();
        let plain = plain.to_ascii_lowercase();
        for (option, value, switch) in OPTIONS {
            let behind = plain.split(option).skip(1).filter_map(|rest| rest.strip_prefix([':', '=']));
            let is_given = |rest: &str| {
                let rest = rest.strip_prefix(value);
                rest.is_some_and(|rest| !rest.starts_with(|letter: char| letter.is_ascii_alphanumeric()))
            };
            if behind.into_iter().any(is_given) {
                words.extend(switch.iter().map(|word| (*word).to_owned()));
            }
        }
        let is_off = |rest: &str| rest.starts_with(":false") || rest.starts_with("=false");
        if plain.split(DANGEROUS).skip(1).any(|rest| !is_off(rest)) {
            words.push("--dangerously-skip-permissions".to_owned());
        }
    }
    Some((tool, name, words))
}

/// Whether a line is no comment.
fn is_code(line: &&str) -> bool {
    !line.is_empty() && !["#", "//", "*", "/*"].iter().any(|sign| line.starts_with(sign))
}

fn imports(line: &str, name: &str) -> bool {
    // What is only a type starts nothing.
    if line.starts_with("import type ") {
        return false;
    }
    line.match_indices(name).any(|(at, _)| {
        let (before, rest) = (line.get(..at).unwrap_or(""), line.get(at + name.len()..).unwrap_or(""));
        let ends = !rest.starts_with(|letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter));
        let in_quotes = before.strip_suffix(['"', '\'', '`']).map(str::trim_end);
        let is_import = match in_quotes {
            Some(before) => {
                ["from", "import", "import(", "require("].iter().any(|word| before.ends_with(word))
            }
            None => {
                let is_whole = before.ends_with([' ', '\t', ',']);
                is_whole && ["import ", "from "].iter().any(|word| line.starts_with(word))
            }
        };
        ends && is_import
    })
}
