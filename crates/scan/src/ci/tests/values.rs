//! Commands that stand in values beside a script.

use super::*;

#[test]
fn attack_a_command_in_values_hides_no_agent() {
    const CLAUDE: Option<&str> = Some("claude-code");
    let many: String = (0..40).map(|at| format!("x{at}, ")).collect();
    let many = format!("strategy: {{matrix: {{cmd: [{many} claude -p x], os: [a, b, c]}}}}");
    for (top, job, step, agent) in [
        ("", "strategy: {matrix: {cmd: [make, 'claude -p x']}}", "run: '${{ matrix.cmd }}'", CLAUDE),
        ("", "strategy: {matrix: {cmd: 'claude -p x'}}", "run: '${{matrix.cmd}}'", CLAUDE),
        ("", "strategy: {matrix: {agent: [gh, claude]}}", "run: '${{ matrix.agent }} -p x'", CLAUDE),
        (
            "",
            "strategy: {matrix: {os: [a], include: [{cmd: claude -p x}]}}",
            "run: '${{ matrix.cmd }}'",
            CLAUDE,
        ),
        (
            "",
            "strategy: {matrix: {agent: [claude], include: [{flag: '-p'}]}}",
            "run: '${{ matrix.agent }} ${{ matrix.flag }} x'",
            CLAUDE,
        ),
        (
            "",
            "strategy: {matrix: {a: [{run: make}, {run: claude -p x}]}}",
            "run: '${{ matrix.a.run }}'",
            CLAUDE,
        ),
        ("", "strategy: {matrix: {Cmd: [claude -p x]}}", "run: \"${{ matrix['cmd'] }}\"", CLAUDE),
        ("", &many, "run: 'echo ${{ matrix.os }}; ${{ matrix.cmd }}'", CLAUDE),
        (
            "",
            "strategy: {matrix: {agent: [claude]}}",
            "{env: {A: '${{ matrix.agent }}'}, run: $A -p x}",
            CLAUDE,
        ),
        ("env: {AGENT: claude}\n", "name: x", "run: $AGENT -p x", CLAUDE),
        ("", "env: {AGENT: claude}", "run: '\"${AGENT}\" -p x'", CLAUDE),
        ("", "name: x", "{env: {AGENT_CMD: claude -p}, run: $AGENT_CMD x}", CLAUDE),
        ("", "env: {AGENT_CMD: claude -p}", "run: '${{ env.AGENT_CMD }} x'", CLAUDE),
        ("", "env: {CMD: 'claude -p \"fix it\"'}", "run: $CMD", CLAUDE),
        ("", "env: {CMD: 'cd x && claude -p y'}", "run: bash -c \"$CMD\"", CLAUDE),
        ("", "env: {CMD: 'cd x && claude -p y'}", "run: eval \"$CMD\"", CLAUDE),
        ("", "env: {PKG: '@openai/codex'}", "run: npx -y $PKG exec x", Some("codex")),
        ("", "env: {AGENT: claude}", "{uses: nick-fields/retry@v3, with: {command: $AGENT -p x}}", CLAUDE),
        ("", "env: {AGENT: claude}", "{shell: pwsh, run: '$env:AGENT -p x'}", CLAUDE),
        // The nearest counts, and what a value says is a text to the shell.
        ("env: {AGENT: claude}\n", "env: {AGENT: make}", "run: $AGENT -p x", None),
        ("", "env: {AGENT: claude}", "run: AGENT=make; $AGENT -p x", None),
        ("", "env: {TEXT: 'a; claude -p x'}", "run: ./say $TEXT", None),
        ("", "env: {TEXT: 'it''s'}", "run: \"say $TEXT\\nclaude -p x\"", CLAUDE),
        ("", "env: {AGENT: '${{ vars.AGENT }}'}", "run: $AGENT -p x", None),
        ("", "env: {AGENT: claude}", "run: $AGENTS -p x", None),
        ("", "strategy: {matrix: '${{ fromJSON(needs.a.outputs.m) }}'}", "run: '${{ matrix.cmd }}'", None),
        ("", "strategy: {matrix: {cmd: [make]}}", "run: '${{ matrix.cmd }}'", None),
    ] {
        let text = format!("on: push\n{top}jobs:\n  a:\n    {job}\n    steps:\n      - {step}\n");
        assert_eq!(of(&text).agents.first().map(|step| step.agent), agent, "{text}");
    }
}

#[test]
fn attack_what_values_take_away_is_told() {
    use crate::approval::ApprovalLevel::Blanket;
    for (job, step) in [
        (
            "strategy: {matrix: {cmd: [claude -p x --dangerously-skip-permissions]}}",
            "run: '${{ matrix.cmd }}'",
        ),
        ("env: {ARGS: --dangerously-skip-permissions}", "run: claude $ARGS -p x"),
        ("env: {AGENT: gemini}", "run: $AGENT -y -p x"),
    ] {
        let text = format!("on: push\njobs:\n  a:\n    {job}\n    steps:\n      - {step}\n");
        assert_eq!(of(&text).agents[0].approval.level(), Blanket, "{text}");
    }
}

#[test]
fn attack_a_gate_is_read_where_the_command_stands() {
    for (script, gate) in [
        ("[ \"$GITHUB_ACTOR\" = me ] || exit 0\n$AGENT -p x", Gate::If),
        ("$AGENT -p x\n[ \"$GITHUB_ACTOR\" = me ] || exit 0", Gate::None),
        ("${{ env.TWO }}\n[ \"$GITHUB_ACTOR\" = me ] || exit 0", Gate::None),
    ] {
        let run = serde_json::to_string(script).unwrap();
        let text = format!(
            "on: issue_comment\njobs:\n  a:\n    env: {{AGENT: claude, TWO: 'make; claude -p x', K: '${{{{ secrets.K }}}}'}}\n    steps:\n      - run: {run}\n"
        );
        assert_eq!(of(&text).gate, gate, "{script}");
    }
}

#[test]
fn attack_values_of_pipelines_hide_no_agent() {
    for (text, agent) in [
        ("variables: {CMD: claude -p}\na:\n  script: $CMD x\n", Some("claude-code")),
        (
            "variables: {CMD: {value: claude -p, description: x}}\na:\n  script: ['$CMD x']\n",
            Some("claude-code"),
        ),
        ("a:\n  variables: {AGENT: codex}\n  script: ${AGENT} exec x\n", Some("codex")),
        (".b:\n  variables: {AGENT: codex}\na:\n  extends: .b\n  script: $AGENT exec x\n", Some("codex")),
        (
            "a:\n  parallel:\n    matrix:\n      - OS: [x, y]\n        AGENT: [claude, gemini]\n  script: $AGENT -p x\n",
            Some("claude-code"),
        ),
        (
            "a:\n  parallel:\n    matrix:\n      - AGENT: make\n      - AGENT: gemini\n  script: $AGENT -p x\n",
            Some("gemini-cli"),
        ),
        ("variables: {CMD: claude -p}\na:\n  variables: {CMD: make}\n  script: $CMD x\n", None),
        ("a:\n  parallel: 5\n  script: $AGENT -p x\n", None),
    ] {
        assert_eq!(pipeline(text).agents.first().map(|job| job.agent), agent, "{text}");
    }
}
