//! Agents behind shells, other actions, scripts of the repository and code.

use super::*;

fn named(script: &str) -> Option<&'static str> {
    agent_of(script)
}

#[test]
fn an_agent_is_found_whatever_its_words_are_split_by() {
    const CLAUDE: Option<&str> = Some("claude-code");
    for (script, agent) in [
        ("GH_TOKEN=${{ secrets.X }} claude -p \"x\"", CLAUDE),
        ("timeout ${{ env.T }} claude -p x", CLAUDE),
        ("timeout \"$LIMIT\" claude -p x", CLAUDE),
        ("A=\"b c\" claude -p x", CLAUDE),
        ("foo=bar claude -p x", CLAUDE),
        ("run() { claude -p \"$1\"; }\nrun x", CLAUDE),
        ("function run {\n  claude -p \"$1\"\n}", CLAUDE),
        ("case $1 in a) claude -p x;; esac", CLAUDE),
        ("case $1 in\n  a|b)\n    claude -p x\n    ;;\nesac", CLAUDE),
        ("\"$(which claude)\" -p x", CLAUDE),
        ("$(command -v claude) -p x", CLAUDE),
        ("CLI=claude; $CLI -p x", CLAUDE),
        ("OUT=\"${RUNNER_TEMP:-\"/tmp\"}/out\"\nclaude -p \"fix it\"", CLAUDE),
        ("OUT=\"${A:-\"x\"}\u{e9}\"\nclaude -p \"fix it\"", CLAUDE),
        ("export CLI=\"claude -p\"\n${CLI} x", CLAUDE),
        ("cmd=(claude -p x)\n\"${cmd[@]}\"", CLAUDE),
        ("find . -name '*.md' -exec claude -p {} \\;", CLAUDE),
        ("ls | parallel claude -p", CLAUDE),
        ("tmux new -d \"claude -p x\"", CLAUDE),
        ("ls | xargs -I{} claude -p {}", CLAUDE),
        ("out=\"$(timeout 5m claude -p 'a; b')\"", CLAUDE),
        ("x=`claude -p y`", CLAUDE),
        ("if ! claude -p x; then exit 1; fi", CLAUDE),
        ("for f in *; do claude -p \"$f\" > out/$f 2>&1; done", CLAUDE),
        ("(cd sub && claude -p x)", CLAUDE),
        ("npx --yes \\\n  @anthropic-ai/claude-code \\\n  -p x", CLAUDE),
        ("unshare -r sh -c 'claude -p x'", CLAUDE),
        ("eval \"claude -p x\"", CLAUDE),
        ("cat <(claude -p x)", CLAUDE),
        ("echo don't; claude -p x", CLAUDE),
        ("claude.exe -p x", CLAUDE),
        ("yarn claude -p x", CLAUDE),
        ("docker exec -it box claude -p x", CLAUDE),
        ("docker compose run app claude -p x", CLAUDE),
        ("kubectl exec pod -- claude -p x", CLAUDE),
        ("ssh -i key user@host claude -p x", CLAUDE),
        ("ARGS=()\nARGS+=(--print)\nclaude \"${ARGS[@]}\" x", CLAUDE),
        ("claude -p \"$(cat <<EOF\nfix it's broken\nEOF\n)\"", CLAUDE),
        // Texts, and what only speaks of a program.
        ("xargs echo claude -p", None),
        ("ssh claude -p 22", None),
        ("docker run --name claude -p 80:80 nginx", None),
        ("docker login -u claude -p $X", None),
        ("docker exec claude ls -p", None),
        ("kubectl exec claude -p x -- ls", None),
        ("gh pr create --body \"$(cat <<'EOF'\nclaude -p x\nEOF\n)\"", None),
        ("tee x.sh <<'EOF'\nclaude -p x\nEOF", None),
        ("echo \"foo; claude -p x\"", None),
        ("echo 'run $(claude -p x)'", None),
        ("git commit -m 'claude -p x'", None),
        ("A=\"claude -p x\"", None),
        ("run() { echo claude; }", None),
        ("which claude", None),
        ("grep -r 'claude -p' . ; ls", None),
        ("echo hi # claude -p x", None),
        ("docker build -t claude .", None),
    ] {
        assert_eq!(named(script), agent, "{script}");
    }
}

/// What runs is what comes behind the names of environments, containers, machines and people, whatever those are called.
#[test]
fn names_of_places_are_no_agents() {
    for (script, agent) in [
        ("conda run -n dev claude -p x", Some("claude-code")),
        ("conda run --name dev --no-capture-output codex exec x", Some("codex")),
        ("conda run -n dev bash -c 'cd x && claude -p y'", Some("claude-code")),
        ("mamba run -p ./env -- gemini -p x", Some("gemini-cli")),
        ("micromamba -n dev run claude -p x", Some("claude-code")),
        ("micromamba run --root-prefix=/m -n dev aider --yes x", Some("aider")),
        ("conda -n dev claude -p x", Some("claude-code")),
        ("sudo -Hu bot claude -p x", Some("claude-code")),
        ("sudo --user=bot --chdir /w claude -p x", Some("claude-code")),
        ("sudo -ubot claude -p x", Some("claude-code")),
        ("docker compose -f ci.yml -p ci run --rm -e A=1 -v .:/w app claude -p x", Some("claude-code")),
        ("docker compose exec -T -u bot app codex exec x", Some("codex")),
        ("docker-compose run app sh -c 'claude -p x'", Some("claude-code")),
        (
            "docker --context far run --rm --cpus 2 --network host -w /w node:22 npx @openai/codex exec x",
            Some("codex"),
        ),
        ("podman container exec -itu bot box claude -p x", Some("claude-code")),
        ("kubectl -n ci exec -it pod/agent -c main -- claude -p x", Some("claude-code")),
        ("kubectl run tmp --image=node --rm -i -- codex exec x", Some("codex")),
        ("oc exec deploy/x -- bash -lc 'claude -p x'", Some("claude-code")),
        ("ssh -tt -o BatchMode=yes -p 22 me@host 'cd x && claude -p y'", Some("claude-code")),
        ("ssh host cd x '&&' claude -p y", Some("claude-code")),
        ("nix run --option sandbox false nixpkgs#claude-code -- -p x", Some("claude-code")),
        ("nix run github:acme/flakes/v1#codex -- exec x", Some("codex")),
        ("nix develop .#ci -c claude -p x", Some("claude-code")),
        ("poetry -C sub run claude -p x", Some("claude-code")),
        ("pdm run -p sub claude -p x", Some("claude-code")),
        ("hatch -e ci run aider --message x", Some("aider")),
        ("hatch env run -e ci -- aider --message x", Some("aider")),
        ("pipenv run aider -m x", Some("aider")),
        ("pixi run -e ci codex exec x", Some("codex")),
        ("tox exec -e ci -- codex exec x", Some("codex")),
        ("gosu bot claude -p x", Some("claude-code")),
        ("runuser -u bot -- claude -p x", Some("claude-code")),
        ("flock -w 5 lock claude -p x", Some("claude-code")),
        ("flock lock -c 'claude -p x'", Some("claude-code")),
        ("lxc exec box --env A=1 -- claude -p x", Some("claude-code")),
        ("aws-vault exec dev -- claude -p x", Some("claude-code")),
        ("systemd-run --user --unit job --wait claude -p x", Some("claude-code")),
        // Options that only the run knows, and flags that nobody knows.
        ("runuser -l app -c \"claude -p x\"", Some("claude-code")),
        ("runuser - app -c 'claude -p x'", Some("claude-code")),
        ("ssh $SSH_OPTS me@host \"claude -p x\"", Some("claude-code")),
        ("ssh $SSH_OPTS me@host claude -p x", Some("claude-code")),
        ("ssh $HOST claude -p x", Some("claude-code")),
        ("docker run $ARGS img claude -p x", Some("claude-code")),
        ("docker run --rm $ARGS img sh -c 'claude -p x'", Some("claude-code")),
        ("docker run --memory-reservation 1g img claude -p x", Some("claude-code")),
        ("docker run --cpu-quota 1 --device-cgroup-rule 'c 1:1 r' img claude -p x", Some("claude-code")),
        ("podman run --pod p --tz local --arch arm64 img codex exec x", Some("codex")),
        ("docker run --of-tomorrow 1 img claude -p x", Some("claude-code")),
        ("docker run --entrypoint claude img -p x", Some("claude-code")),
        ("docker run --rm --entrypoint=/usr/bin/claude -v a:/b img -p x", Some("claude-code")),
        ("docker run --entrypoint bash -v a:/b img -c 'claude -p x'", Some("claude-code")),
        ("docker run --entrypoint=/bin/sh img -ec 'claude -p x'", Some("claude-code")),
        ("docker run --entrypoint claude img --version", None),
        ("docker run --entrypoint sh img -c make", None),
        ("docker run img --user claude -p x", None),
        ("docker run --rm claude make -p x", None),
        ("conda run -n claude make -p", None),
        ("conda run --name claude python x.py -p y", None),
        ("conda -n claude make -p", None),
        ("conda create -n claude -p ./env python", None),
        ("conda activate claude -p", None),
        ("mamba run -n gemini pytest -p no:cacheprovider", None),
        ("micromamba run -n codex review", None),
        ("sudo -u claude make -p", None),
        ("sudo -Eu claude make -p", None),
        ("sudo --user claude make -p", None),
        ("sudo --chdir claude make -p", None),
        ("docker compose run claude npm test -- -p", None),
        ("docker compose run -e A=1 claude make -p x", None),
        ("docker compose --profile ci -f x.yml run --rm -w /w claude make -p x", None),
        ("docker compose -f x.yml up claude -p", None),
        ("docker-compose exec -T codex review.sh exec", None),
        ("docker run -v a:/b claude make -p x", None),
        ("docker run --env-file a gemini ls -p", None),
        ("docker exec -u bot claude make -p", None),
        ("docker rm box claude -f", None),
        ("podman run --label a=b codex make exec", None),
        ("kubectl exec claude -- make -p", None),
        ("kubectl exec -it -n ci claude -c claude -- make -p", None),
        ("kubectl patch deployment claude -p '{\"spec\": {}}'", None),
        ("kubectl rollout restart deployment codex exec", None),
        ("kubectl run gemini --image=node -- make -p", None),
        ("ssh -p 22 claude make -p", None),
        ("ssh -i key -l me gemini -p 22", None),
        ("poetry run pytest -p claude", None),
        ("pdm run -p claude make -p", None),
        ("hatch -e claude run make -p", None),
        ("pixi run -e claude make -p", None),
        ("tox -e claude -p auto", None),
        ("tox exec -e claude -- make -p", None),
        ("just claude -p x", None),
        ("make claude -p", None),
        ("gosu claude make -p", None),
        ("runuser -u claude -- make -p", None),
        ("lxc exec claude -- make -p", None),
        ("aws-vault exec claude -- make -p", None),
        ("systemd-run --uid claude make -p", None),
    ] {
        assert_eq!(named(script), agent, "{script}");
    }
}

#[test]
fn text_that_a_command_reads_is_a_command_only_to_shells() {
    for (script, agent) in [
        ("cat <<'MSG' > body.txt\ncodex exec \"fix\"\nMSG", None),
        ("gh pr comment 1 --body-file - <<EOF\nclaude -p x\nEOF", None),
        ("cat <<-MSG\n\tclaude -p x\n\tMSG\nls", None),
        ("python - <<EOF\n# claude -p x\nEOF", None),
        ("cat <<EOF\n$(claude -p x)\nEOF", Some("claude-code")),
        ("cat <<'EOF'\n$(claude -p x)\nEOF", None),
        ("bash <<'EOF'\ncodex exec \"fix\"\nEOF", Some("codex")),
        ("ssh host <<EOF\nclaude -p x\nEOF", Some("claude-code")),
        ("cat <<EOF | bash\nclaude -p x\nEOF", Some("claude-code")),
        ("echo 'claude -p x' | sh", Some("claude-code")),
        ("if true; then echo 'claude -p x' | sh; fi", Some("claude-code")),
        ("bash <<< 'claude -p x'", Some("claude-code")),
        ("cat > go.sh <<'EOF'\nclaude -p x\nEOF\nbash go.sh", Some("claude-code")),
        ("cat > go.sh <<'EOF'\nclaude -p x\nEOF\nchmod +x go.sh", None),
        ("cat <<A <<B\nclaude -p x\nA\nclaude -p y\nB\ncodex exec z", Some("codex")),
    ] {
        assert_eq!(named(script), agent, "{script}");
    }
}

#[test]
fn programs_that_read_their_input_work_without_a_person() {
    for (script, agent) in [
        ("cat diff | gemini", Some("gemini-cli")),
        ("claude < prompt.txt", Some("claude-code")),
        ("cat p | claude --output-format text", Some("claude-code")),
        ("args=(-p x); claude \"${args[@]}\"", Some("claude-code")),
        ("claude <<EOF\nfix it\nEOF", Some("claude-code")),
        ("claude <<< \"$PROMPT\"", Some("claude-code")),
        ("claude \"look at it\"", Some("claude-code")),
        ("codex -q x", Some("codex")),
        ("gh copilot -p x", Some("github-copilot")),
        ("gh copilot -- -p x --allow-all-tools", Some("github-copilot")),
        ("npx @charmland/crush run x", Some("crush")),
        ("plandex tell x", Some("plandex")),
        ("forge -p x", Some("forge")),
        ("claude --version", None),
        ("claude --help | head", None),
        ("claude mcp add x", None),
        ("claude config set x y", None),
        ("yes | claude install", None),
        ("claude update", None),
        ("claude doctor", None),
        ("claude plugin install x", None),
        ("echo key | claude auth login", None),
        ("claude", None),
        ("gemini extensions list", None),
        ("gh copilot --version", None),
        ("plandex sign-in", None),
        ("forge --version", None),
        ("codex login", None),
    ] {
        assert_eq!(named(script), agent, "{script}");
    }
}

#[test]
fn agents_in_inputs_and_in_other_languages_are_found() {
    for (step, agent) in [
        ("{uses: nick-fields/retry@v3, with: {command: claude -p x}}", Some("claude-code")),
        ("{uses: devcontainers/ci@v0.3, with: {runCmd: codex exec x}}", Some("codex")),
        ("{uses: appleboy/ssh-action@v1, with: {script: \"cd x\\nclaude -p y\"}}", Some("claude-code")),
        ("{uses: a/b@v1, with: {shell-command: 'gemini -p x'}}", Some("gemini-cli")),
        (
            "{uses: actions/github-script@v7, with: {script: \"await exec.exec('claude', ['-p', body])\"}}",
            Some("claude-code"),
        ),
        (
            "{uses: actions/github-script@v7, with: {script: 'execSync(`claude -p ${x}`)'}}",
            Some("claude-code"),
        ),
        (
            "{shell: python, run: \"import subprocess\\nsubprocess.run(['claude', '-p', x], check=True)\"}",
            Some("claude-code"),
        ),
        ("{shell: 'python {0}', run: \"cmd = [\\n  'codex',\\n  'exec',\\n]\\nrun(cmd)\"}", Some("codex")),
        ("{run: \"python - <<EOF\\nimport os\\nos.system('claude -p x')\\nEOF\"}", Some("claude-code")),
        ("run: node -e \"child.spawn('claude', ['-p'])\"", Some("claude-code")),
        ("run: python3 -c \"import os; os.system('claude -p x')\"", Some("claude-code")),
        ("{shell: pwsh, run: '$out = claude -p x'}", Some("claude-code")),
        ("{run: \"node <<'JS'\\nexecSync('claude -p x', {stdio: 'inherit'})\\nJS\"}", Some("claude-code")),
        ("{run: node node_modules/@anthropic-ai/claude-code/cli.js -p x}", Some("claude-code")),
        ("{run: bun ./node_modules/@openai/codex/bin/codex.js exec x}", Some("codex")),
        ("{uses: nick-fields/retry@v3, with: {command: make test}}", None),
        ("{uses: a/b@v1, with: {prompt: claude -p x}}", None),
        ("{uses: actions/github-script@v7, with: {script: \"core.info('claude -p x')\"}}", None),
        ("{uses: actions/github-script@v7, with: {script: \"const names = ['claude', 'codex']\"}}", None),
        ("{shell: python, run: \"print('claude -p x')\"}", None),
        ("{run: node node_modules/eslint/bin/eslint.js -p x}", None),
        ("{run: node node_modules/@anthropic-ai/claude-code/cli.js --version}", None),
    ] {
        let text = format!("on: push\njobs:\n  a:\n    steps:\n      - {step}\n");
        assert_eq!(of(&text).agents.first().map(|step| step.agent), agent, "{step}");
    }
}

#[test]
fn agents_behind_scripts_of_the_repository_are_found_one_step_away() {
    let local = |path: &str| -> Option<Vec<u8>> {
        let text = match path {
            "scripts/agent.sh" | "sub/run.sh" => "#!/bin/bash\nset -e\nclaude -p x\n",
            "scripts/plain.sh" => "echo claude\n",
            "scripts/far.sh" => "./scripts/agent.sh\n",
            "agent.py" => "import subprocess\nsubprocess.run(['codex', 'exec', 'x'])\n",
            "Makefile" => "X = 1\nall: agent\n\nagent: prompt\n\t@claude -p \"$$P\"\ntest:\n\tcargo test\n",
            "package.json" => "{\n\t\"scripts\": {\"agent\": \"codex exec x\", \"test\": \"jest\"}\n}",
            "justfile" => "agent name:\n    claude -p {{name}}\n",
            ".github/actions/x/action.yml" => {
                "runs:\n  using: composite\n  steps:\n    - run: $GITHUB_ACTION_PATH/go.sh\n      shell: bash\n"
            }
            ".github/actions/x/go.sh" => "codex exec x",
            "large.sh" => return Some([b"claude -p x\n".as_slice(), &vec![b'#'; 1 << 20]].concat()),
            _ => return None,
        };
        Some(text.as_bytes().to_vec())
    };
    for (step, agent) in [
        ("run: ./scripts/agent.sh", Some("claude-code")),
        ("run: bash scripts/agent.sh --fast", Some("claude-code")),
        ("run: bash -eo pipefail scripts/agent.sh", Some("claude-code")),
        ("run: \"$GITHUB_WORKSPACE/scripts/agent.sh\"", Some("claude-code")),
        ("run: \"${{ github.workspace }}/scripts/agent.sh\"", Some("claude-code")),
        ("{run: ./run.sh, working-directory: sub}", Some("claude-code")),
        ("run: python3 agent.py", Some("codex")),
        ("run: make agent", Some("claude-code")),
        ("run: make -j 2", Some("claude-code")),
        ("run: npm run agent", Some("codex")),
        ("run: pnpm agent", Some("codex")),
        ("run: just agent x", Some("claude-code")),
        ("uses: ./.github/actions/x", Some("codex")),
        ("run: make test", None),
        ("run: npm test", None),
        ("run: npm install", None),
        ("run: ./scripts/plain.sh", None),
        ("run: cat scripts/agent.sh", None),
        // One step and no further.
        ("run: ./scripts/far.sh", None),
        ("run: ./large.sh", None),
        ("run: ./scripts/none.sh", None),
        ("run: /scripts/agent.sh", None),
        ("run: ../../scripts/agent.sh", None),
    ] {
        let text = format!("on: push\njobs:\n  a:\n    steps:\n      - {step}\n");
        let found = audit(&document(&text), &local).unwrap();
        assert_eq!(found.agents.first().map(|step| step.agent), agent, "{step}");
    }
}

#[test]
fn names_of_actions_and_images_count_as_whole_words() {
    for (uses, agent) in [
        ("xolvio/lamp-action@v1", None),
        ("acme/raider-scan@v1", None),
        ("acme/openhandset-build@v1", None),
        ("acme/kiro-actions@v1", None),
        ("acme/copilot-actions-metrics@v1", None),
        ("acme/codex-actions-lint@v1", None),
        ("acme/continue-action-on-error@v1", None),
        ("docker://ghcr.io/acme/my-block/gooseberry:1", None),
        ("acme/claude-codec@v1", None),
        ("acme/my-codex-action@v1", Some("codex")),
        ("acme/continue-action@v1", Some("continue")),
        ("acme/aider-github@v1", Some("aider")),
        ("acme/tools/codex-action@v1", Some("codex")),
        ("sourcegraph/amp-action@v1", Some("amp")),
        ("openhands/openhands@v1", Some("openhands")),
        ("augmentcode/review-pr@v1", Some("augment")),
        ("docker://ghcr.io/block/goose:1", Some("goose")),
    ] {
        let text = format!("on: push\njobs:\n  a:\n    steps:\n      - uses: {uses}\n");
        assert_eq!(of(&text).agents.first().map(|step| step.agent), agent, "{uses}");
    }
    for (image, script, agent) in [
        ("ghcr.io/openai/codex:latest", "./go", Some("codex")),
        ("{name: docker.io/paulgauthier/aider, entrypoint: ['']}", "make", Some("aider")),
        ("node:22", "make", None),
        ("node:22", "claude -p x", Some("claude-code")),
    ] {
        let found = pipeline(&format!("a:\n  image: {image}\n  script: {script}\n"));
        assert_eq!(found.agents.first().map(|job| job.agent), agent, "{image} {script}");
    }
}

#[test]
fn what_takes_questions_away_is_read_per_program() {
    use crate::approval::ApprovalLevel::{Blanket, None as Asks, Scoped};
    for (step, level) in [
        ("run: gemini -y -p x", Blanket),
        ("run: cursor-agent -p -f x", Blanket),
        ("run: copilot -p x --allow-all", Blanket),
        ("run: aider --yes --message x", Blanket),
        ("run: crush run -y x", Blanket),
        ("run: q chat --no-interactive -a x", Blanket),
        ("run: droid exec --auto high x", Blanket),
        ("run: codex exec -s danger-full-access x", Blanket),
        ("{uses: anthropics/claude-code-action@v1, with: {claude_args: '--permission-mode auto'}}", Blanket),
        ("{env: {GOOSE_MODE: auto}, run: goose run -t x}", Blanket),
        ("run: GOOSE_MODE=auto goose run -t x", Blanket),
        ("run: \"export GOOSE_MODE=auto\\ngoose run -t x\"", Blanket),
        ("run: OPENCODE_PERMISSION='{\"bash\":\"allow\"}' opencode run x", Blanket),
        ("{env: {OPENCODE_PERMISSION: '{\"bash\": \"allow\"}'}, run: opencode run x}", Blanket),
        ("run: copilot -p x --allow-tool 'shell(git:*)'", Scoped),
        ("run: droid exec --auto low x", Scoped),
        (
            "{env: {OPENCODE_PERMISSION: '{\"edit\": \"allow\", \"bash\": \"ask\"}'}, run: opencode run x}",
            Scoped,
        ),
        ("run: npx -y @google/gemini-cli -p x", Asks),
        ("run: claude -p x -f y", Asks),
        ("run: goose run -t x", Asks),
        ("{env: {GOOSE_MODE: approve}, run: goose run -t x}", Asks),
        ("{env: {GOOSE_MODE: auto}, run: claude -p x}", Asks),
        ("run: droid exec x", Asks),
        ("{uses: anthropics/claude-code-action@v1, with: {claude_args: '--permission-mode plan'}}", Asks),
    ] {
        let text = format!("on: push\njobs:\n  a:\n    steps:\n      - {step}\n");
        let found = of(&text);
        assert_eq!(found.agents[0].approval.level(), level, "{step} {:?}", found.agents[0].approval);
    }
}
