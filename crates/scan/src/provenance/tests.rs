use super::*;

fn check(author: (&str, &str), message: &str, label: Label, agents: &[&str]) {
    let commit = Commit { author_name: author.0, author_email: author.1, message, ..Commit::default() };
    let said = classify(&commit);
    assert_eq!((said.label, said.agents.as_slice()), (label, agents), "{author:?} {message:?}");
    assert_eq!(said.agents.len(), said.because.len());
}

const PERSON: (&str, &str) = ("Ada", "ada@example.org");

#[test]
fn marks_of_tools_count() {
    let cases: &[(&str, &[&str])] = &[
        ("Fix\n\nCo-Authored-By: Claude Opus 4.8 <noreply@anthropic.com>", &["claude-code"]),
        ("Fix\n\nCo-authored-by: Claude <noreply@anthropic.com>\n\nMore", &["claude-code"]),
        ("Fix\n\n🤖 Generated with [Claude Code](https://claude.ai/code)", &["claude-code"]),
        ("Fix\n\nMade-with: Cursor", &["cursor"]),
        ("Fix\n\nCo-authored-by: Cursor <cursoragent@cursor.com>", &["cursor"]),
        ("Fix\n\nCo-authored-by: Copilot <175728472+Copilot@users.noreply.github.com>", &["copilot"]),
        ("Fix\n\nCo-authored-by: aider (gpt-4o) <aider@aider.chat>", &["aider"]),
        ("Fix\n\nAssisted-by: Claude:claude-4-opus coccinelle", &["claude-code"]),
        ("Fix\n\nAssisted-by: Gemini CLI", &["gemini-cli"]),
        ("Fix\n\nAmp-Thread-ID: https://ampcode.com/threads/T-1", &["amp"]),
        ("Fix\n\nCo-authored-by: Qwen-Coder <qwen-coder@alibabacloud.com>", &["qwen-code"]),
        ("Fix\n\nCo-authored-by: openhands <openhands@all-hands.dev>", &["openhands"]),
        (
            "Fix\n\n* a\n\nCo-authored-by: coderabbitai[bot] <1+coderabbitai[bot]@users.noreply.github.com>",
            &["coderabbit"],
        ),
        ("Fix\n\n💘 Generated with Crush", &["crush"]),
        (
            "Fix\n\nCo-authored-by: Claude <noreply@anthropic.com>\nCo-authored-by: Cursor Agent <cursoragent@cursor.com>",
            &["claude-code", "cursor"],
        ),
    ];
    for (message, agents) in cases {
        check(PERSON, message, Label::AgentAssisted, agents);
    }
}

#[test]
fn mentions_do_not() {
    for message in [
        "Add support for Claude Code and Cursor",
        "Merge branch 'claude/fix-tests' into main",
        "Strip \"Co-Authored-By: Claude <noreply@anthropic.com>\" from messages",
        "Docs\n\n> Co-Authored-By: Claude <noreply@anthropic.com>",
        "Docs\n\n    Co-Authored-By: Claude <noreply@anthropic.com>",
        "Fix\n\nCo-authored-by: Claude Dupont <claude.dupont@example.org>",
        "Fix\n\nCo-authored-by: Claude <claude@example.org>",
        "Fix\n\nCo-authored-by: Jules Verne <jules@example.org>",
        "Fix\n\nCo-authored-by: Devin Smith <devin@example.org>",
        "Fix\n\nReviewed-by: Claude <noreply@anthropic.com>",
        "Fix\n\nSigned-off-by: dependabot[bot] <support@github.com>",
        "Generated with love",
        "cursor: move it",
        "copilot: rename the setting",
        "agent: claude is started with its own home",
        "",
    ] {
        check(PERSON, message, Label::HumanOrUndisclosed, &[]);
    }
}

#[test]
fn the_author_decides_first() {
    check(("Claude", "noreply@anthropic.com"), "Fix", Label::AgentAuthored, &["claude-code"]);
    check(
        ("devin-ai-integration[bot]", "1+devin-ai-integration[bot]@users.noreply.github.com"),
        "Fix",
        Label::AgentAuthored,
        &["devin"],
    );
    check(("Ada (aider)", "ada@example.org"), "Fix", Label::AgentAuthored, &["aider"]);
    check(("dependabot[bot]", "4+dependabot[bot]@users.noreply.github.com"), "Bump", Label::Automation, &[]);
    for name in ["Acme Release Bot", "translate-bot", "Hosted Weblate", "Jenkins"] {
        check((name, "x@example.invalid"), "Bump", Label::Automation, &[]);
    }
    check(("Anna Botham", "x@example.invalid"), "Bump", Label::HumanOrUndisclosed, &[]);
    let message = "Bump\n\nCo-authored-by: Claude <noreply@anthropic.com>";
    check(
        ("renovate[bot]", "2+renovate[bot]@users.noreply.github.com"),
        message,
        Label::AutomationWithAgent,
        &["claude-code"],
    );
    check(("Claude Monet", "claude@example.org"), "Fix", Label::HumanOrUndisclosed, &[]);
    check(("devin", "123+devin@users.noreply.github.com"), "Fix", Label::HumanOrUndisclosed, &[]);
}

#[test]
fn every_agent_of_the_table_is_known_by_its_own_marks() {
    let known = Known::shipped();
    assert!(known.agents().count() >= 40);
    for needed in [
        "aider",
        "amazon-q",
        "amp",
        "antigravity",
        "claude-code",
        "cline",
        "codex",
        "continue",
        "copilot",
        "cursor",
        "gemini-cli",
        "goose",
        "jetbrains-ai",
        "kiro",
        "openclaw",
        "opencode",
        "pi",
        "qwen-code",
        "windsurf",
        "zed",
    ] {
        assert!(known.agents().any(|agent| agent == needed), "{needed}");
    }
}
