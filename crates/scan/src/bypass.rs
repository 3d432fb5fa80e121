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

/// A switch and its value, as they are told. Of the value, quotation marks and blanks do not count.
const PAIRS: &[(&str, &str, &str)] = &[
    ("--approval-mode", "yolo", "--approval-mode yolo"),
    ("--auto", "high", "--auto high"),
    ("--permission-mode", "bypassPermissions", "--permission-mode bypassPermissions"),
    ("--permission-mode", "dontAsk", "--permission-mode dontAsk"),
    ("--permission-mode", "auto", "--permission-mode auto"),
    ("--ask-for-approval", "never", "--ask-for-approval never"),
    ("-a", "never", "--ask-for-approval never"),
    ("--sandbox", "danger-full-access", "--sandbox danger-full-access"),
    ("-s", "danger-full-access", "--sandbox danger-full-access"),
    ("-c", "sandbox_mode=danger-full-access", "--sandbox danger-full-access"),
    ("--config", "sandbox_mode=danger-full-access", "--sandbox danger-full-access"),
    ("-c", "approval_policy=never", "--ask-for-approval never"),
    ("--config", "approval_policy=never", "--ask-for-approval never"),
];

/// Settings on the command line that say it, as JSON.
const SETTINGS: (&str, &str) = ("--settings", "bypassPermissions");

/// Switches that name tools which nobody is asked about, and the names that stand for all commands.
const ALLOWED: [&str; 2] = ["--allowedTools", "--allowed-tools"];
const ALL_COMMANDS: [&str; 4] = ["Bash", "Bash(*)", "Bash(:*)", "*"];

/// Switches that say it of one program, and elsewhere something else.
const OF_ONE: &[(&str, &str)] = &[
    ("aider", "--yes"),
    ("amazon-q", "-a"),
    ("cline", "-y"),
    ("crush", "-y"),
    ("cursor", "--force"),
    ("cursor", "-f"),
    ("gemini-cli", "-y"),
    ("github-copilot", "--allow-all"),
    ("iflow", "-y"),
    ("kimi", "-y"),
    ("kiro", "-a"),
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
        let plain: Option<String> =
            value.map(|value| value.chars().filter(|c| !matches!(c, '"' | '\'' | ' ')).collect());
        let pair = PAIRS.iter().find(|(name, wanted, _)| flag == *name && plain.as_deref() == Some(*wanted));
        let settings = (flag == SETTINGS.0 && value.is_some_and(|value| value.contains(SETTINGS.1)))
            .then_some(SETTINGS.0);
        let allowed = ALLOWED.into_iter().find(|name| flag == *name && allows_all(word, words.get(at + 1..)));
        let own = OF_ONE.iter().find(|(of, switch)| *of == tool && switch == word);
        alone.or(pair.map(|(_, _, said)| *said)).or(settings).or(allowed).or(own.map(|(_, switch)| *switch))
    })
}

/// Whether the tools behind a switch, up to the next one, hold all commands.
fn allows_all(switch: &str, behind: Option<&[String]>) -> bool {
    let own = switch.split_once('=').map(|(_, value)| value);
    let behind = behind.unwrap_or_default().iter().map(String::as_str);
    let mut values = own.into_iter().chain(behind.take_while(|word| !word.starts_with('-')));
    values.any(|value| value.split([',', ' ']).any(|tool| ALL_COMMANDS.contains(&tool)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_count_as_whole_words_of_the_program_that_has_them() {
        for (tool, line, expected) in [
            ("claude-code", "claude --dangerously-skip-permissions", Some("--dangerously-skip-permissions")),
            ("claude-code", "claude --permission-mode bypassPermissions", Some(PAIRS[2].2)),
            ("claude-code", "claude --permission-mode=bypassPermissions", Some(PAIRS[2].2)),
            ("claude-code", "claude --permission-mode plan", None),
            ("gemini-cli", "gemini --approval-mode yolo", Some(PAIRS[0].2)),
            ("gemini-cli", "gemini -y", Some("-y")),
            ("claude-code", "claude -y", None),
            ("cursor", "cursor-agent --force", Some("--force")),
            ("codex", "codex --force", None),
            ("codex", "codex --full-auto", Some("--full-auto")),
            ("codex", "codex -s danger-full-access", Some(PAIRS[7].2)),
            ("claude-code", "claude -p say--yolo", None),
            ("claude-code", "claude --permission-mode dontAsk", Some(PAIRS[3].2)),
            ("claude-code", "claude --permission-mode acceptEdits", None),
            ("claude-code", "claude --allowedTools Edit,Bash(*) -p x", Some("--allowedTools")),
            ("claude-code", "claude --allowedTools Edit Bash", Some("--allowedTools")),
            ("claude-code", "claude --allowedTools Bash(git:*) -p Bash", None),
            (
                "claude-code",
                "claude --settings {\"permissions\":{\"defaultMode\":\"bypassPermissions\"}}",
                Some("--settings"),
            ),
            ("codex", "codex -a never", Some(PAIRS[5].2)),
            ("codex", "codex --ask-for-approval=never", Some(PAIRS[5].2)),
            ("codex", "codex -c approval_policy=\"never\"", Some(PAIRS[5].2)),
            ("codex", "codex --config sandbox_mode=\"danger-full-access\"", Some(PAIRS[7].2)),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(of_words(tool, &words), expected, "{line}");
        }
    }
}
