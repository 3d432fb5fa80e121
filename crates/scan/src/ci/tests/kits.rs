//! Agents that code starts as a library.

use super::*;

/// What a workflow finds that runs one file of the repository.
fn running(step: &str, file: &str) -> Workflow {
    let local = |path: &str| path.starts_with("tools/").then(|| file.as_bytes().to_vec());
    let text = format!("on: push\njobs:\n  a:\n    steps:\n      - {step}\n");
    audit(&document(&text), &local).unwrap()
}

#[test]
fn attack_an_agent_that_is_a_library_is_an_agent() {
    const CLAUDE: Option<&str> = Some("claude-code");
    for (step, file, agent) in [
        (
            "run: python tools/agent.py",
            "from claude_agent_sdk import query, ClaudeAgentOptions\nquery(x)",
            CLAUDE,
        ),
        ("run: python3 -u tools/agent.py", "import os, claude_code_sdk\nclaude_code_sdk.query(x)", CLAUDE),
        ("run: uv run tools/agent.py", "import claude_agent_sdk as sdk\nsdk.ClaudeSDKClient()", CLAUDE),
        (
            "run: ./tools/agent.py",
            "#!/usr/bin/env python3\nfrom claude_agent_sdk import query\nquery()",
            CLAUDE,
        ),
        (
            "run: node tools/review.mjs",
            "import { query } from '@anthropic-ai/claude-agent-sdk';\nquery({})",
            CLAUDE,
        ),
        (
            "run: node tools/review.mjs",
            "import {\n  query,\n} from \"@anthropic-ai/claude-code\"\nquery({})",
            CLAUDE,
        ),
        (
            "run: node tools/x.cjs",
            "const { query } = require('@anthropic-ai/claude-code')\nquery({})",
            CLAUDE,
        ),
        (
            "run: bun run tools/x.ts",
            "const { query } = await import('@anthropic-ai/claude-agent-sdk')",
            CLAUDE,
        ),
        (
            "run: node tools/x.js",
            "import { Codex } from '@openai/codex-sdk'\nnew Codex().startThread()",
            Some("codex"),
        ),
        ("run: python tools/x.py", "from openhands.sdk import LLM, Agent\nAgent(llm)", Some("openhands")),
        (
            "run: python tools/x.py",
            "from openhands.sdk.conversation import Conversation\n",
            Some("openhands"),
        ),
        ("{shell: python, run: \"from claude_agent_sdk import query\\nquery()\"}", "", CLAUDE),
        (
            "{uses: actions/github-script@v7, with: {script: \"const { query } = require('@anthropic-ai/claude-code'); query({})\"}}",
            "",
            CLAUDE,
        ),
        // What is only named, or only looked at.
        (
            "run: python tools/agent.py",
            "# from claude_agent_sdk import query\nprint('claude_agent_sdk query')",
            None,
        ),
        ("run: python tools/agent.py", "from claude_agent_sdk_tools import query", None),
        ("run: python tools/agent.py", "import anthropic\nquery()", None),
        ("run: python -c 'import claude_agent_sdk; print(claude_agent_sdk.__version__)'", "", None),
        ("run: node tools/x.js", "// require('@anthropic-ai/claude-code')\nquery()", None),
        ("run: node tools/x.ts", "import type { Codex } from '@openai/codex-sdk'", None),
        ("run: cat tools/agent.py", "from claude_agent_sdk import query\nquery()", None),
    ] {
        let found = running(step, file);
        assert_eq!(found.agents.first().map(|step| step.agent), agent, "{step} {file}");
    }
}

#[test]
fn attack_options_of_a_library_take_questions_away() {
    use crate::approval::ApprovalLevel::{Blanket, None as Asks, Scoped};
    let python = "from claude_agent_sdk import query, ClaudeAgentOptions\n";
    let node = "import { query } from '@anthropic-ai/claude-agent-sdk'\n";
    let codex = "import { Codex } from '@openai/codex-sdk'\n";
    for (run, head, rest, level) in [
        ("python tools/x.py", python, "ClaudeAgentOptions(permission_mode=\"bypassPermissions\")", Blanket),
        ("python tools/x.py", python, "options = {'permission_mode': 'bypassPermissions'}", Blanket),
        (
            "python tools/x.py",
            python,
            "Options(extra_args={\"dangerously-skip-permissions\": None})",
            Blanket,
        ),
        ("node tools/x.mjs", node, "query({ options: { permissionMode: 'bypassPermissions' } })", Blanket),
        ("node tools/x.mjs", node, "query({ allowDangerouslySkipPermissions: true })", Blanket),
        ("node tools/x.mjs", codex, "codex.startThread({ sandboxMode: 'danger-full-access' })", Blanket),
        ("node tools/x.mjs", codex, "codex.startThread({ approvalPolicy: \"never\" })", Blanket),
        ("python tools/x.py", python, "ClaudeAgentOptions(permission_mode='acceptEdits')", Scoped),
        ("python tools/x.py", python, "ClaudeAgentOptions(permission_mode='plan')", Asks),
        ("node tools/x.mjs", node, "query({ allowDangerouslySkipPermissions: false })", Asks),
        ("node tools/x.mjs", node, "// permissionMode: 'bypassPermissions'", Asks),
    ] {
        let found = running(&format!("run: {run}"), &format!("{head}{rest}\n"));
        assert_eq!(found.agents[0].approval.level(), level, "{rest}");
    }
}
