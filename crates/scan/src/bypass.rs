//! Words on a command line that take every question of an agent away: one list, for what runs and for what CI starts.

/// Switches that say it whatever the program.
pub(crate) const SWITCHES: &[&str] = &[
    "--dangerously-skip-permissions",
    "--dangerously-bypass-approvals-and-sandbox",
    "--dangerously-allow-all",
    "--allow-all-tools",
    "--yolo",
    "--yes-always",
    "--full-auto",
    "--force-approve",
    "--skip-permissions-unsafe",
    "--trust-all-tools",
];

/// A switch and its value, as they are told.
const PAIRS: &[(&str, &str, &str)] = &[
    ("--approval-mode", "yolo", "--approval-mode yolo"),
    ("--permission-mode", "bypassPermissions", "--permission-mode bypassPermissions"),
    ("--sandbox", "danger-full-access", "--sandbox danger-full-access"),
    ("-s", "danger-full-access", "--sandbox danger-full-access"),
    ("-c", "sandbox_mode=danger-full-access", "--sandbox danger-full-access"),
];

/// Switches that say it of one program, and elsewhere something else.
const OF_ONE: &[(&str, &str)] = &[
    ("aider", "--yes"),
    ("cline", "-y"),
    ("crush", "-y"),
    ("cursor", "--force"),
    ("cursor", "-f"),
    ("gemini-cli", "-y"),
    ("github-copilot", "--allow-all"),
    ("qwen-code", "-y"),
];

/// The switch of a command line of this tool that takes all questions away.
pub(crate) fn of_words(tool: &str, words: &[String]) -> Option<&'static str> {
    words.iter().enumerate().find_map(|(at, word)| {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value)),
            _ => (word.as_str(), words.get(at + 1).map(String::as_str)),
        };
        let alone = SWITCHES.iter().copied().find(|switch| switch == word);
        let pair = PAIRS.iter().find(|(name, wanted, _)| flag == *name && value == Some(*wanted));
        let own = OF_ONE.iter().find(|(of, switch)| *of == tool && switch == word);
        alone.or(pair.map(|(_, _, said)| *said)).or(own.map(|(_, switch)| *switch))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_count_as_whole_words_of_the_program_that_has_them() {
        for (tool, line, expected) in [
            ("claude-code", "claude --dangerously-skip-permissions", Some("--dangerously-skip-permissions")),
            ("claude-code", "claude --permission-mode bypassPermissions", Some(PAIRS[1].2)),
            ("claude-code", "claude --permission-mode=bypassPermissions", Some(PAIRS[1].2)),
            ("claude-code", "claude --permission-mode plan", None),
            ("gemini-cli", "gemini --approval-mode yolo", Some(PAIRS[0].2)),
            ("gemini-cli", "gemini -y", Some("-y")),
            ("claude-code", "claude -y", None),
            ("cursor", "cursor-agent --force", Some("--force")),
            ("codex", "codex --force", None),
            ("codex", "codex --full-auto", Some("--full-auto")),
            ("codex", "codex -s danger-full-access", Some(PAIRS[2].2)),
            ("claude-code", "claude -p say--yolo", None),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(of_words(tool, &words), expected, "{line}");
        }
    }
}
