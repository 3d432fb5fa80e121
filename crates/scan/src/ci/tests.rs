//! Workflows as attackers and as maintainers write them.

use proptest::prelude::*;

use super::expression::{Expression, condition};
use super::*;
use crate::document::{Notation, parse};

mod calls;
mod gates;
mod kits;
mod names;
mod shell;
mod starts;
mod subjects;
mod values;

const ACTION: &str = "anthropics/claude-code-action@v1";

fn document(text: &str) -> Node {
    parse(text.as_bytes(), Notation::Yaml).unwrap()
}

fn of(text: &str) -> Workflow {
    audit(&document(text), &|_| None).unwrap()
}

/// The first agent that a script starts.
fn agent_of(script: &str) -> Option<&'static str> {
    let around = super::agent::Around::default();
    super::agent::starts(script, &around).first().map(|start| start.tool)
}

/// A workflow with one job and one agent that does not look who asks.
fn one(on: &str, job: &str) -> Workflow {
    of(&format!(
        "on:\n{on}\njobs:\n  a:\n    runs-on: ubuntu-latest\n{job}\n    steps:\n      - uses: google-github-actions/run-gemini-cli@v0\n        with:\n          gemini_api_key: ${{{{ secrets.KEY }}}}\n"
    ))
}

#[test]
fn conditions_stop_outsiders_or_do_not() {
    use Gate::{If, None as Open, NotApplicable};
    let comment = "  issue_comment:";
    let target = "  pull_request_target:";
    for (on, condition, gate) in [
        (comment, "contains(github.event.comment.body, '@bot')", Open),
        (comment, "github.event.comment.author_association == 'OWNER'", If),
        (comment, "github.event.comment.author_association != 'NONE'", Open),
        (
            comment,
            "contains(fromJSON('[\"OWNER\",\"MEMBER\"]'), github.event.comment.author_association)",
            If,
        ),
        (
            comment,
            "contains(fromJSON('[\"OWNER\",\"CONTRIBUTOR\"]'), github.event.comment.author_association)",
            Open,
        ),
        // Whose issue it is says nothing of who comments.
        (comment, "github.event.issue.author_association == 'OWNER'", Open),
        (comment, "github.event.issue.user.login == 'me'", Open),
        (comment, "github.actor == 'me' || github.actor == 'you'", If),
        (comment, "github.actor != 'me'", Open),
        (comment, "github.actor == github.repository_owner", If),
        (comment, "github.event_name == 'push'", NotApplicable),
        (comment, "github.event_name != 'issue_comment' || github.event.sender.login == 'me'", If),
        (comment, "!(github.actor == 'me')", Open),
        (comment, "always() && github.repository == 'a/b'", Open),
        // Around a part only, the whole is a text, and a text is true.
        (comment, "${{ github.actor == 'me' }} && true", Open),
        (comment, "${{ github.actor == 'me' }}", If),
        (comment, "github.actor == 'me' &&", Open),
        (comment, "contains(fromJSON(vars.MAINTAINERS), github.actor)", If),
        (comment, "!contains(fromJSON(vars.BLOCKED), github.actor)", Open),
        (comment, "github.actor == vars.OWNER", If),
        (comment, "startsWith(github.event.review.body, '/x')", NotApplicable),
        (target, "github.event.pull_request.head.repo.full_name == github.repository", If),
        (target, "github.event.pull_request.head.repo.fork == false", If),
        (target, "!github.event.pull_request.head.repo.fork", If),
        (target, "github.event.pull_request.draft == false", Open),
        // A label on it says nothing of who pushes or comments afterwards.
        (target, "contains(github.event.pull_request.labels.*.name, 'safe')", Open),
        (comment, "contains(github.event.issue.labels.*.name, 'bug')", Open),
        (
            target,
            "github.event.action == 'labeled' && contains(github.event.pull_request.labels.*.name, 'safe')",
            If,
        ),
        (
            "  pull_request_target:\n    types: [labeled, synchronize]",
            "github.event.action == 'labeled' && contains(github.event.pull_request.labels.*.name, 'safe')",
            If,
        ),
        ("  issues:\n    types: [labeled]", "github.event.label.name == 'agent'", If),
        ("  issues:\n    types: [labeled]", "contains(github.event.issue.labels.*.name, 'bug')", If),
        (
            "  issues:\n    types: [opened, labeled]",
            "contains(github.event.issue.labels.*.name, 'bug')",
            Open,
        ),
        ("  pull_request_target:\n    types: [labeled]", "true", If),
        ("  issues:\n    types: [opened, labeled]", "github.event.action == 'labeled'", If),
        ("  issues:\n    types: [opened, labeled]", "true", Open),
        ("  pull_request:", "true", NotApplicable),
        ("  workflow_run:\n    workflows: [CI]", "github.event.workflow_run.event == 'push'", If),
        ("  workflow_run:\n    workflows: [CI]", "github.event.workflow_run.head_branch == 'main'", Open),
        ("  discussion_comment:", "github.event.comment.user.login == 'me'", If),
        // Only who may write merges; of what is merged, its author still changes the title.
        ("  pull_request_target:\n    types: [closed]", "github.event.pull_request.merged == true", If),
        (target, "github.event.action == 'closed' && github.event.pull_request.merged", If),
        ("  pull_request_target:\n    types: [closed]", "github.event.pull_request.merged == false", Open),
        ("  pull_request_target:\n    types: [closed, edited]", "github.event.pull_request.merged", Open),
        ("  watch:", "true", Open),
    ] {
        let workflow = one(on, &format!("    if: >-\n      {condition}"));
        assert_eq!(workflow.gate, gate, "{on} {condition}");
        assert_eq!(workflow.outsider_start, Some(gate == Open), "{on} {condition}");
    }
}

/// A look at who asks stops nobody where its failure is swallowed.
#[test]
fn a_gate_that_may_fail_is_none() {
    let ask = "gh api repos/x/y/collaborators/$ACTOR/permission | grep -q write";
    let run = "run: claude -p x\n        env: {KEY: '${{ secrets.KEY }}'}";
    let steps = |check: &str, agent: &str| format!("  a:\n    steps:\n      - {check}\n      - {agent}");
    let jobs = |check: &str, agent: &str| {
        format!(
            "  c:\n    {check}\n    steps:\n      - run: {ask} || exit 1\n  a:\n    needs: c\n    {agent}\n    steps:\n      - {run}"
        )
    };
    let skipped = |condition: &str| {
        format!(
            "  c:\n    if: github.actor == 'me'\n    steps: [{{run: ls}}]\n  a:\n    needs: c\n    if: {condition}\n    steps:\n      - {run}"
        )
    };
    for (text, gate) in [
        (steps(&format!("run: {ask} || exit 1"), run), Gate::If),
        (steps(&format!("run: {ask} || exit 1\n        continue-on-error: false"), run), Gate::If),
        (steps(&format!("run: {ask} || exit 1\n        continue-on-error: true"), run), Gate::None),
        (
            steps(&format!("run: {ask} || exit 1\n        continue-on-error: ${{{{ inputs.soft }}}}"), run),
            Gate::None,
        ),
        (steps(&format!("run: ({ask} || exit 1) || true"), run), Gate::None),
        (steps(&format!("run: {ask} || exit 1\n        if: github.event_name == 'push'"), run), Gate::None),
        (steps(&format!("run: {ask} || exit 1"), &format!("if: always()\n        {run}")), Gate::None),
        (
            steps(&format!("run: {ask} || exit 1"), &format!("if: ${{{{ !cancelled() }}}}\n        {run}")),
            Gate::None,
        ),
        (steps(&format!("run: {ask} || exit 1"), &format!("if: failure()\n        {run}")), Gate::None),
        (
            steps(&format!("run: {ask} || exit 1"), &format!("if: success() && github.ref\n        {run}")),
            Gate::If,
        ),
        (
            steps(
                &format!("run: {ask} || exit 1\n        id: p\n        continue-on-error: true"),
                &format!("if: steps.p.outcome == 'success'\n        {run}"),
            ),
            Gate::If,
        ),
        (
            steps(
                &format!("run: {ask} || exit 1\n        id: p\n        continue-on-error: true"),
                &format!("if: steps.p.conclusion == 'success'\n        {run}"),
            ),
            Gate::None,
        ),
        (jobs("runs-on: x", "runs-on: x"), Gate::NeedsJob),
        (jobs("continue-on-error: true", "runs-on: x"), Gate::None),
        (jobs("runs-on: x", "if: always()"), Gate::None),
        (jobs("runs-on: x", "if: success() || failure()"), Gate::None),
        (jobs("runs-on: x", "if: ${{ !failure() && !cancelled() }}"), Gate::NeedsJob),
        (jobs("runs-on: x", "if: always() && needs.c.result == 'success'"), Gate::NeedsJob),
        (jobs("runs-on: x", "if: always() && needs.c.result != 'cancelled'"), Gate::None),
        (skipped("success()"), Gate::NeedsJob),
        (skipped("${{ !failure() }}"), Gate::None),
        (skipped("always() && needs.c.result == 'success'"), Gate::NeedsJob),
    ] {
        let workflow = of(&format!("on: issue_comment\npermissions: write-all\njobs:\n{text}\n"));
        assert_eq!(workflow.gate, gate, "{text}");
        assert_eq!(workflow.outsider_start, Some(gate == Gate::None), "{text}");
    }
}

#[test]
fn jobs_that_all_need_each_other_are_asked_about_once() {
    let mut text = String::from("on: issues\njobs:\n");
    for job in 0..200 {
        let needs: Vec<String> = (0..job).map(|other| format!("j{other}")).collect();
        text.push_str(&format!(
            "  j{job}:\n    needs: [{}]\n    steps: [{{run: claude -p x}}]\n",
            needs.join(", ")
        ));
    }
    assert_eq!(of(&text).agents.len(), 200);
}

#[test]
fn other_jobs_and_steps_before_can_be_the_gate() {
    let script = "gh api repos/x/y/collaborators/$ACTOR/permission";
    let agent = "- uses: google-github-actions/run-gemini-cli@v0\n        with: {gemini_api_key: '${{ secrets.KEY }}'}";
    for (text, gate) in [
        (
            format!(
                "  check:\n    steps:\n      - run: |\n          {script} | grep -q write || exit 1\n  a:\n    needs: check\n    steps:\n      {agent}"
            ),
            Gate::NeedsJob,
        ),
        (
            format!(
                "  check:\n    steps:\n      - run: echo\n  a:\n    needs: check\n    steps:\n      {agent}"
            ),
            Gate::None,
        ),
        (
            format!(
                "  check:\n    outputs: {{ok: '${{{{ steps.p.outputs.ok }}}}'}}\n    steps:\n      - id: p\n        run: {script}\n  a:\n    needs: [check]\n    if: needs.check.outputs.ok == 'true'\n    steps:\n      {agent}"
            ),
            Gate::NeedsJob,
        ),
        (format!("  a:\n    steps:\n      - run: |\n          {script} || exit 1\n      {agent}"), Gate::If),
        (
            format!(
                "  a:\n    steps:\n      - id: p\n        run: {script}\n      {agent}\n        if: steps.p.outputs.ok == 'true'"
            ),
            Gate::If,
        ),
        (format!("  a:\n    steps:\n      - id: p\n        run: {script}\n      {agent}"), Gate::None),
        (
            format!(
                "  check:\n    if: github.actor == 'me'\n    steps:\n      - run: echo\n  a:\n    needs: check\n    steps:\n      {agent}"
            ),
            Gate::NeedsJob,
        ),
        (
            format!(
                "  check:\n    if: github.actor == 'me'\n    steps:\n      - run: echo\n  a:\n    needs: check\n    if: always()\n    steps:\n      {agent}"
            ),
            Gate::None,
        ),
    ] {
        assert_eq!(of(&format!("on: issue_comment\njobs:\n{text}\n")).gate, gate, "{text}");
    }
}

#[test]
fn an_action_that_looks_who_asks_is_a_gate_until_it_is_told_not_to() {
    for (with, on, gate) in [
        ("{anthropic_api_key: x}", "issues", Gate::Action),
        ("{allowed_non_write_users: '*', github_token: t}", "issues", Gate::None),
        ("{allowed_non_write_users: '*'}", "issues", Gate::Action),
        ("{allowed_non_write_users: 'me', github_token: t}", "issues", Gate::Action),
        ("{anthropic_api_key: x}", "workflow_run", Gate::None),
    ] {
        let text =
            format!("on: {on}\njobs:\n  a:\n    steps:\n      - uses: {ACTION}\n        with: {with}\n");
        assert_eq!(of(&text).gate, gate, "{with} {on}");
    }
}

#[test]
fn agents_are_known_by_action_and_by_script() {
    for (step, agent) in [
        ("uses: anthropics/claude-code-base-action@beta", Some("claude-code")),
        ("uses: someone/claude-code-action@main", Some("claude-code")),
        ("uses: openai/codex-action@v1", Some("codex")),
        ("uses: sst/opencode/github@latest", Some("opencode")),
        ("uses: actions/checkout@v4", None),
        ("uses: someone/setup-claude-code@v1", None),
        ("run: claude -p 'fix it'", Some("claude-code")),
        ("run: cat prompt | npx -y @anthropic-ai/claude-code@1.0.0 --print", Some("claude-code")),
        ("run: npm install -g @anthropic-ai/claude-code", None),
        ("run: claude --version", None),
        ("run: claude mcp add x", None),
        ("run: KEY=1 codex exec --full-auto 'x'", Some("codex")),
        ("run: timeout 10m gemini --yolo -p x", Some("gemini-cli")),
        ("run: \"# claude -p x\"", None),
        ("run: aider --yes --message x", Some("aider")),
        ("run: docker exec box bash -lc \"claude -p x\"", Some("claude-code")),
        ("run: awf --env-all -- /usr/local/bin/copilot --prompt x", Some("github-copilot")),
        ("run: gemini 'look at it'", Some("gemini-cli")),
        ("run: gemini extensions install x", None),
        ("run: echo claude -p", None),
        ("run: docker build -t claude .", None),
        ("{uses: actions/ai-inference@v1, with: {enable-github-mcp: true}}", Some("ai-inference")),
        ("uses: actions/ai-inference@v1", None),
    ] {
        let text = format!("on: push\njobs:\n  a:\n    steps:\n      - {step}\n");
        assert_eq!(of(&text).agents.first().map(|step| step.agent), agent, "{step}");
    }
}

#[test]
fn tokens_come_from_the_job_then_the_workflow_then_nobody() {
    for (workflow, job, source, writes, id_token) in [
        (
            "permissions: {contents: read}",
            "permissions: {issues: write, id-token: write}",
            TokenSource::Job,
            vec!["issues"],
            true,
        ),
        ("permissions: {contents: write}", "env: {}", TokenSource::Workflow, vec!["contents"], false),
        ("permissions: read-all", "env: {}", TokenSource::Workflow, vec![], false),
        ("env: {}", "permissions: {}", TokenSource::Job, vec![], false),
        ("env: {}", "env: {}", TokenSource::Inherited, vec![], false),
    ] {
        let text =
            format!("on: push\n{workflow}\njobs:\n  a:\n    {job}\n    steps:\n      - uses: {ACTION}\n");
        let found = of(&text);
        let token = &found.agents[0].token;
        assert_eq!(
            (token.source, token.writes().collect::<Vec<_>>(), token.id_token()),
            (source, writes, id_token),
            "{text}"
        );
    }
    let all =
        of(&format!("on: push\npermissions: write-all\njobs:\n  a:\n    steps:\n      - uses: {ACTION}\n"));
    assert!(all.agents[0].token.all && all.agents[0].token.writes().count() > 10);
}

#[test]
fn secrets_are_those_that_the_step_can_see() {
    let text = format!(
        "on: push\nenv: {{A: '${{{{ secrets.WORKFLOW }}}}'}}\njobs:\n  a:\n    env: {{B: \"${{{{ secrets['JOB'] }}}}\"}}\n    steps:\n      - env: {{C: '${{{{ secrets.OTHER_STEP }}}}'}}\n        run: echo\n      - uses: {ACTION}\n        if: secrets.IN_IF != ''\n        with: {{d: '${{{{ secrets.STEP || secrets.FALLBACK }}}}', e: 'secrets.NOT'}}\n"
    );
    let found = of(&text);
    let named: Vec<&str> = found.agents[0].secrets.iter().map(String::as_str).collect();
    assert_eq!(named, ["FALLBACK", "JOB", "STEP", "WORKFLOW"]);
    assert!(
        found.secrets.contains("OTHER_STEP")
            && found.secrets.contains("IN_IF")
            && !found.secrets.contains("NOT")
    );
}

#[test]
fn agents_are_known_through_whatever_starts_them() {
    for (script, agent) in [
        ("sudo -u bot claude -p x", Some("claude-code")),
        ("sudo -E -- env A=1 timeout -k 5 30m claude -p x", Some("claude-code")),
        ("retry 3 -- claude -p x", Some("claude-code")),
        ("nohup nice -n 5 codex exec x &", Some("codex")),
        ("${CLI:-claude} -p x", Some("claude-code")),
        ("npm exec -- @anthropic-ai/claude-code -p x", Some("claude-code")),
        ("npm exec --yes @openai/codex@1.2.3 -- exec x", Some("codex")),
        ("npx -y -p @anthropic-ai/claude-code claude -p x", Some("claude-code")),
        ("pnpm --silent dlx @google/gemini-cli 'look'", Some("gemini-cli")),
        ("yarn dlx @google/gemini-cli -p x", Some("gemini-cli")),
        ("bunx opencode-ai@latest run x", Some("opencode")),
        ("npx https://github.com/google-gemini/gemini-cli -p x", Some("gemini-cli")),
        ("deno run -A npm:@anthropic-ai/claude-code -p x", Some("claude-code")),
        ("nix run nixpkgs#claude-code -- -p x", Some("claude-code")),
        ("uv tool run --from aider-chat aider --message x", Some("aider")),
        ("uvx --from aider-chat@latest aider -m x", Some("aider")),
        ("pipx run aider-chat --message x", Some("aider")),
        ("uv run --with rich python -m aider --message x", Some("aider")),
        ("python3 -m openhands.core.main -t x", Some("openhands")),
        ("docker run --rm -v $PWD:/w ghcr.io/openai/codex:latest exec x", Some("codex")),
        ("docker run node:22 npx @anthropic-ai/claude-code -p x", Some("claude-code")),
        ("bash -lc 'claude -p x'", Some("claude-code")),
        ("acli rovodev run x", Some("rovo-dev")),
        ("gh agent-task create x", Some("github-copilot")),
        ("cline 'do it'", Some("cline")),
        ("ccr code -p x", Some("claude-code")),
        ("sudo npm install -g @anthropic-ai/claude-code", None),
        ("npm exec -- prettier claude -p", None),
        ("npx @google/gemini-cli --version", None),
        ("docker pull ghcr.io/openai/codex", None),
        ("docker run --name claude node:22 node x.js", None),
        ("docker run -v ./openai/codex:/w node:22 node x.js", None),
        ("pip install aider-chat", None),
        ("python -m pytest -m aider", None),
        ("acli rovodev auth login", None),
        ("cline auth", None),
        ("which claude || echo -p", None),
        ("sudo -u claude make -p", None),
    ] {
        assert_eq!(agent_of(script), agent, "{script}");
    }
    let image = of("on: push\njobs: {a: {steps: [{uses: 'docker://ghcr.io/all-hands-ai/openhands:1'}]}}");
    assert_eq!((image.agents[0].agent, image.agents[0].pinned), ("openhands", false));
    let long = format!("bash {}", "claude ".repeat(200_000));
    assert_eq!(agent_of(&long), None);
}

#[test]
fn a_step_sees_what_its_container_is_given() {
    let found = of(
        "on: push\njobs:\n  a:\n    container: {image: x, env: {K: '${{ secrets.BOX }}'}, credentials: {password: '${{ secrets.PULL }}'}}\n    services: {db: {image: y, env: {P: '${{ secrets.DB }}'}}}\n    steps: [{run: claude -p x}]\n",
    );
    assert_eq!(found.agents[0].secrets.iter().map(String::as_str).collect::<Vec<_>>(), ["BOX", "DB"]);
}

#[test]
fn a_composite_action_is_its_callers() {
    let action = document(
        "name: x\nruns:\n  using: composite\n  steps:\n    - run: ls\n    - run: claude -p x --yolo\n      shell: bash\n",
    );
    let found = audit_action(&action, &|_| None).unwrap();
    assert_eq!(
        (found.agents[0].step_index, found.agents[0].agent, found.is_action),
        (1, "claude-code", true)
    );
    assert_eq!((found.gate, found.outsider_start), (Gate::NotApplicable, None));
    assert!(audit_action(&document("runs: {using: node20, main: x.js}"), &|_| None).is_none());
}

#[test]
fn local_actions_and_workflows_are_followed_and_loops_end() {
    let inner = format!(
        "on: workflow_call\njobs:\n  b:\n    steps:\n      - uses: google-github-actions/run-gemini-cli@v0\n      - uses: {ACTION}\n"
    );
    let looped = "on: workflow_call\njobs:\n  b:\n    uses: ./.github/workflows/loop.yml\n";
    let action = format!("runs:\n  using: composite\n  steps:\n    - uses: {ACTION}\n");
    let local = move |path: &str| match path {
        ".github/workflows/inner.yml" => Some(inner.clone().into_bytes()),
        ".github/workflows/loop.yml" => Some(looped.as_bytes().to_vec()),
        ".github/actions/x/action.yml" => Some(action.clone().into_bytes()),
        _ => None,
    };
    let caller = document(
        "on: issue_comment\njobs:\n  a:\n    uses: ./.github/workflows/inner.yml\n    secrets: inherit\n",
    );
    let found = audit(&caller, &local).unwrap();
    assert_eq!(found.calls[0].secrets, CallSecrets::All);
    assert_eq!(found.outsider_start, Some(true));
    let found =
        audit(&document("on: push\njobs:\n  a:\n    uses: ./.github/workflows/loop.yml\n"), &local).unwrap();
    assert!(found.calls.is_empty());
    let found =
        audit(&document("on: push\njobs:\n  a:\n    steps:\n      - uses: ./.github/actions/x\n"), &local)
            .unwrap();
    assert_eq!(found.agents[0].agent, "claude-code");
}

fn pipeline(text: &str) -> gitlab::GitlabPipeline {
    gitlab::audit(&document(text), &|path| {
        let text = match path {
            "ci/agent.yml" => {
                ".agent:\n  tags: [shell]\n  script: [codex exec --yolo x]\nlast:\n  script: claude -p x\n"
            }
            "ci/loop.yml" => "again:\n  trigger: {include: ci/loop.yml}\nl:\n  script: claude -p x\n",
            "ci/deep.yml" => "down:\n  trigger: {include: ci/agent.yml}\n",
            _ => return Vec::new(),
        };
        vec![(path.to_owned(), document(text))]
    })
}

#[test]
fn gitlab_jobs_with_agents_are_found() {
    let found = pipeline(
        "stages: [a]\nvariables: {X: 1}\nreview:\n  id_tokens: {T: {aud: x}}\n  rules:\n    - if: $CI_PIPELINE_SOURCE == 'merge_request_event'\n  script:\n    - export K=$ANTHROPIC_API_KEY\n    - claude -p 'review' --dangerously-skip-permissions \"$CI_MERGE_REQUEST_TITLE\"\ntest:\n  script: make\n",
    );
    assert_eq!(found.agents.len(), 1);
    let job = &found.agents[0];
    assert_eq!((job.job.as_str(), job.agent, job.line), ("review", "claude-code", 3));
    assert_eq!(job.sources.iter().map(String::as_str).collect::<Vec<_>>(), ["merge_request_event"]);
    assert!(job.secrets.contains("ANTHROPIC_API_KEY") && job.id_tokens.contains("T"));
    assert_eq!((job.approval.level().name(), job.untrusted_prompt), ("blanket", Some(9)));
}

#[test]
fn gitlab_jobs_take_over_what_they_extend_include_and_refer_to() {
    let found = pipeline(
        "include:\n  - local: /ci/agent.yml\n  - project: a/b\n    file: x.yml\n  - template: T.yml\ndefault:\n  before_script: [npm i]\n.base:\n  variables: {GH_TOKEN: $BOT_TOKEN}\n  script: [gemini -p x]\none:\n  extends: [.base, .agent]\n  rules:\n    - if: $CI_COMMIT_REF_PROTECTED == \"true\"\ntwo:\n  script:\n    - !reference [.base, script]\n  when: manual\n",
    );
    let seen: Vec<(&str, &str, Option<&str>)> =
        found.agents.iter().map(|job| (job.job.as_str(), job.agent, job.file.as_deref())).collect();
    assert_eq!(
        seen,
        [("one", "codex", None), ("two", "gemini-cli", None), ("last", "claude-code", Some("ci/agent.yml"))]
    );
    let one = &found.agents[0];
    assert!(one.protected && one.own_runner && one.secrets.contains("BOT_TOKEN"), "{one:?}");
    assert!(found.agents[1].manual && !found.agents[1].protected);
    assert_eq!(found.elsewhere, ["a/b", "T.yml"]);
    let looped = pipeline(
        "a: {extends: b, script: claude -p x}\nb: {extends: a}\ninclude: ci/agent.yml\n.x: {script: [[!reference [.x, script]]]}\n",
    );
    assert_eq!(looped.agents.len(), 4, "{:?}", looped.agents);
}

#[test]
fn gitlab_pipelines_that_jobs_start_are_followed() {
    for (trigger, agents, elsewhere) in [
        ("{include: ci/agent.yml}", "last .agent", ""),
        ("{include: [{local: /ci/agent.yml}], strategy: depend}", "last .agent", ""),
        ("{include: ci/deep.yml}", "last .agent", ""),
        ("{include: [ci/agent.yml, ci/none.yml]}", "last .agent", "ci/none.yml"),
        ("{include: [{artifact: made.yml, job: make}]}", "", "made.yml"),
        ("{include: [{project: a/b, file: x.yml}]}", "", "a/b"),
        ("a/b", "", "a/b"),
        ("{project: a/b}", "", "a/b"),
        // As deep as pipelines may start each other.
        ("{include: ci/loop.yml}", "l l", "ci/loop.yml"),
    ] {
        for (rules, protected) in [("", false), ("  only: [main]\n", true)] {
            let found = pipeline(&format!("a:\n  trigger: {trigger}\n{rules}"));
            let mut told: Vec<&str> = found.agents.iter().map(|agent| agent.job.as_str()).collect();
            told.sort_by(|a, b| b.cmp(a));
            assert_eq!(told.join(" "), agents, "{trigger}");
            assert_eq!(found.elsewhere.join(" "), elsewhere, "{trigger}");
            assert!(found.agents.iter().all(|agent| agent.protected == protected), "{trigger} {rules}");
            assert!(found.agents.iter().all(|agent| agent.sources.contains("parent_pipeline")), "{trigger}");
            assert!(found.agents.iter().all(|agent| agent.file.is_some()), "{trigger}");
        }
    }
    let twice =
        "a:\n  only: [main]\n  trigger: {include: ci/agent.yml}\nb:\n  trigger: {include: ci/agent.yml}\n";
    let found = pipeline(twice);
    assert!(found.agents.len() == 2 && !found.agents[0].protected, "{:?}", found.agents);
    let many: String =
        (0..900).map(|at| format!("j{at}:\n  trigger: {{include: [ci/loop.yml, n{at}.yml]}}\n")).collect();
    let found = pipeline(&many);
    assert!(found.agents.len() <= 50 && found.elsewhere.len() >= 850);
}

#[test]
fn gitlab_says_what_starts_a_job() {
    for (text, sources, protected) in [
        ("", "push", false),
        ("  only: [merge_requests, schedules]\n", "merge_request_event schedule", false),
        ("  only: [main]\n", "push", true),
        ("  rules:\n    - if: $CI_PIPELINE_SOURCE == \"schedule\"\n", "schedule", false),
        ("  rules:\n    - if: $CI_PIPELINE_SOURCE != \"schedule\"\n", "push", false),
        (
            "  rules:\n    - {if: $CI_PIPELINE_SOURCE == \"web\", when: never}\n    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\n",
            "push",
            true,
        ),
        ("  rules:\n    - if: $CI_PIPELINE_SOURCE =~ /^(web|api)$/\n", "api web", false),
        ("workflow:\n  rules:\n    - if: $CI_MERGE_REQUEST_IID\n", "merge_request_event", false),
    ] {
        let found = pipeline(&format!("a:\n  script: claude -p x\n{text}"));
        let job = &found.agents[0];
        assert_eq!(job.sources.iter().cloned().collect::<Vec<_>>().join(" "), sources, "{text}");
        assert_eq!(job.protected, protected, "{text}");
    }
}

#[test]
fn expressions_nest_only_so_deep() {
    let deep = format!("{}github.actor == 'me'{}", "(".repeat(5_000), ")".repeat(5_000));
    assert_eq!(condition(&deep), Expression::Unknown);
    assert_eq!(condition(&"!".repeat(20_000)), Expression::Unknown);
}

proptest! {
    #[test]
    fn no_condition_breaks_the_reader(text in "[a-z.'()!&|=\\[\\]*, ${}-]{0,120}") {
        let workflow = format!("on: issue_comment\njobs:\n  a:\n    if: {}\n    steps:\n      - run: claude -p x\n", serde_json::to_string(&text).unwrap());
        let _ = audit(&document(&workflow), &|_| None);
    }

    #[test]
    fn no_script_breaks_the_reader(text in "\\PC{0,200}") {
        let _ = agent_of(&text);
        let _ = super::stop::ways(&text, &[], super::trigger::Moment::Code);
        let mut names = BTreeSet::new();
        super::secrets::of_text(&text, &mut names);
        super::secrets::of_expression(&text, &mut names);
    }
}

proptest! {
    #[test]
    fn no_signs_of_a_shell_break_the_reader(text in "([a-z]{1,2}|[ $(){}\"'`<>|&;\n\\\\#=!-]|<<E|\\$\\{\\{|if |fi|case x in |exec\\(){0,80}") {
        let _ = agent_of(&text);
        let _ = super::stop::ways(&text, &[], super::trigger::Moment::Reply);
        let around = super::agent::Around { shell: Some("python"), ..Default::default() };
        let _ = super::agent::starts(&text, &around);
    }
}

#[test]
fn scripts_made_to_take_long_do_not() {
    for part in [
        "$(",
        "\"$(\" ",
        "${",
        "${{ ",
        "`",
        "<<E\n",
        "exec(['",
        "[",
        "['a',",
        "(",
        "'",
        "bash -c \"",
        "case x in ",
        "if x; ",
    ] {
        let script = part.repeat((256 << 10) / part.len());
        let began = std::time::Instant::now();
        for shell in ["bash", "python"] {
            let around = super::agent::Around { shell: Some(shell), ..Default::default() };
            let _ = super::agent::starts(&script, &around);
        }
        let _ = super::stop::ways(&script, &[], super::trigger::Moment::Code);
        assert!(began.elapsed().as_secs() < 20, "{part} {:?}", began.elapsed());
    }
}

/// What variables stand for is put in as often as the script is long, and no more; questions of many words are none.
#[test]
fn attack_variables_do_not_make_a_script_longer_than_memory() {
    let long =
        format!("A={}\n{}", "x".repeat(100_000), format!("echo {}\n", "$A ".repeat(1_500)).repeat(100));
    let words: usize =
        super::agent::shell::commands(&long).iter().flat_map(|command| &command.words).map(String::len).sum();
    assert!(words <= 3 * long.len(), "{words}");
    let deep = format!("A=({})\necho $GITHUB_ACTOR\n[ $A {}", "! ".repeat(1_999), "! ".repeat(1_998));
    let began = std::time::Instant::now();
    let _ = super::stop::ways(&deep, &[], super::trigger::Moment::Code);
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn a_pipeline_made_to_take_long_does_not() {
    let extends: String = (0..3_000_u32)
        .map(|job| {
            let parents: Vec<String> =
                (job.saturating_sub(50)..job).map(|parent| format!("j{parent}")).collect();
            format!("j{job}:\n  extends: [{}]\n  script: [codex exec x]\n", parents.join(", "))
        })
        .collect();
    // Each of a list leads to the list, and none of it is a line.
    let references = format!("x:\n  script:\n{}", "    - [x, script]\n".repeat(5_000));
    for (text, agents) in [(extends, 1_000), (references, 0)] {
        let began = std::time::Instant::now();
        assert_eq!(pipeline(&text).agents.len(), agents);
        assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    }
}

#[test]
fn what_gives_an_agent_more_rights_is_told() {
    let of = |job: &str, step: &str| -> Vec<(String, u32, bool)> {
        let text = format!(
            "on: push\njobs:\n  a:\n    {job}\n    steps:\n      - {step}\n      - run: claude -p x\n  b:\n    steps:\n      - run: docker login -u x\n"
        );
        let document = crate::document::parse(text.as_bytes(), crate::document::Notation::Yaml).unwrap();
        let workflow = audit(&document, &|_| None).unwrap();
        workflow.escalators.into_iter().map(|one| (one.name, one.line, one.widens)).collect()
    };
    let plain = "runs-on: x";
    for (job, step, expected) in [
        (plain, "run: make", None),
        (plain, "run: sudo docker login ghcr.io", Some(("docker login", 6, false))),
        (plain, "run: echo $K | docker login --password-stdin", Some(("docker login", 6, false))),
        (plain, "run: C=$(aws sts assume-role --role-arn x)", Some(("aws sts assume-role", 6, true))),
        (
            plain,
            "run: gcloud auth activate-service-account --key-file=k",
            Some(("gcloud auth activate-service-account", 6, true)),
        ),
        (plain, "run: docker logins", None),
        (
            plain,
            "uses: actions/create-github-app-token@v1",
            Some(("actions/create-github-app-token@v1", 6, true)),
        ),
        ("container: {image: x, options: --privileged}", "run: make", Some(("--privileged", 4, true))),
        ("container: {image: x, options: --cpus 1}", "run: make", None),
        (
            "container: {image: x, volumes: ['/var/run/docker.sock:/var/run/docker.sock']}",
            "run: make",
            Some(("docker.sock", 4, true)),
        ),
        (
            "services: {d: {image: docker:dind, options: --privileged}}",
            "run: make",
            Some(("--privileged", 4, true)),
        ),
    ] {
        let expected: Vec<_> =
            expected.into_iter().map(|(name, line, widens)| (name.to_owned(), line, widens)).collect();
        assert_eq!(of(job, step), expected, "{job} {step}");
    }
}
