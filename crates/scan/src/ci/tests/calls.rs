//! Workflows that call others, and what is handed on.

use super::*;

/// Workflows of one repository, by the names of their files.
fn repository<'a>(files: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<Vec<u8>> + 'a {
    move |path| {
        let name = path.strip_prefix(".github/workflows/")?;
        let (_, text) = files.iter().find(|(known, _)| *known == name)?;
        Some(text.as_bytes().to_vec())
    }
}

fn call(name: &str, more: &str) -> String {
    format!("on: {{workflow_call: null}}\njobs:\n  m:\n    uses: ./.github/workflows/{name}\n{more}")
}

const PLAIN: &str = "on: workflow_call\njobs:\n  b:\n    permissions: {}\n    steps:\n      - run: claude -p x\n        env: {K: '${{ secrets.K }}'}\n";

#[test]
fn attack_an_outsider_starts_an_agent_through_several_workflows() {
    let inherit = "    secrets: inherit\n";
    let mid = call("plain.yml", inherit);
    let bare = call("plain.yml", "    permissions: {}\n");
    let asks = call(
        "plain.yml",
        "    if: github.event.comment.author_association == 'OWNER'\n    secrets: inherit\n",
    );
    let other = call("plain.yml", "    if: github.event_name == 'push'\n    secrets: inherit\n");
    let far: Vec<(String, String)> = (0..8)
        .map(|at| (format!("m{at}.yml"), call(&format!("m{}.yml", at + 1), inherit)))
        .chain([("m8.yml".to_owned(), call("plain.yml", inherit))])
        .collect();
    let inner = "on: workflow_call\njobs:\n  b:\n    if: github.actor == 'me'\n    steps:\n      - run: claude -p x\n        env: {K: '${{ secrets.K }}'}\n";
    let mut files = vec![
        ("plain.yml", PLAIN),
        ("mid.yml", mid.as_str()),
        ("bare.yml", bare.as_str()),
        ("asks.yml", asks.as_str()),
        ("other.yml", other.as_str()),
        ("inner.yml", inner),
        ("none.yml", "on: workflow_call\njobs: {b: {steps: [{run: make}]}}\n"),
    ];
    files.extend(far.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let local = repository(&files);
    for (on, called, secrets, outsider, start) in [
        ("issue_comment", "plain.yml", true, Some(true), true),
        ("issue_comment", "mid.yml", true, Some(true), true),
        ("issue_comment", "m1.yml", true, Some(true), true),
        ("push", "mid.yml", true, Some(false), false),
        // Nothing is handed on: at the first call, or at the second one.
        ("issue_comment", "mid.yml", false, Some(true), false),
        ("issue_comment", "bare.yml", true, Some(true), false),
        // Inside somebody asks, or it is another event.
        ("issue_comment", "asks.yml", true, Some(false), false),
        ("issue_comment", "inner.yml", true, Some(false), false),
        ("issue_comment", "other.yml", true, Some(false), false),
        ("issue_comment", "none.yml", true, None, false),
        ("issue_comment", "missing.yml", true, None, false),
    ] {
        let handed = if secrets { inherit } else { "" };
        let text = format!(
            "on: {on}\npermissions: {{}}\njobs:\n  a:\n    uses: ./.github/workflows/{called}\n{handed}"
        );
        let found = audit(&document(&text), &local).unwrap();
        assert_eq!(found.calls.first().map(|call| call.outsider), outsider, "{on} {called}");
        assert_eq!(found.outsider_start, Some(start), "{on} {called} {secrets}");
        if outsider == Some(true) {
            assert!(found.calls[0].leads_to.contains(".github/workflows/plain.yml"), "{called}");
        }
    }
}

#[test]
fn a_token_reaches_an_agent_where_every_call_lets_it() {
    let writes = "on: workflow_call\njobs:\n  b:\n    permissions: {contents: write}\n    steps:\n      - run: claude -p x\n";
    let silent = "on: workflow_call\njobs:\n  b:\n    steps:\n      - run: claude -p x\n";
    let reads = "on: workflow_call\njobs:\n  b:\n    permissions: {contents: read}\n    steps:\n      - run: claude -p x\n";
    let files = [("writes.yml", writes), ("silent.yml", silent), ("reads.yml", reads)];
    let local = repository(&files);
    for (permissions, called, start) in [
        ("{contents: write}", "writes.yml", true),
        ("{contents: write}", "silent.yml", true),
        ("{contents: write}", "reads.yml", false),
        ("{contents: read}", "writes.yml", false),
        ("{contents: read}", "silent.yml", false),
    ] {
        let text = format!(
            "on: issue_comment\njobs:\n  a:\n    permissions: {permissions}\n    uses: ./.github/workflows/{called}\n"
        );
        let found = audit(&document(&text), &local).unwrap();
        assert_eq!(found.outsider_start, Some(start), "{permissions} {called}");
    }
}

#[test]
fn workflows_elsewhere_that_are_named_for_an_agent_are_listed() {
    for (on, uses, secrets, agents, outsider, start) in [
        (
            "issue_comment",
            "acme/wf/.github/workflows/claude-code.yml@main",
            true,
            Some("claude-code"),
            true,
            None,
        ),
        (
            "issue_comment",
            "All-Hands-AI/OpenHands/.github/workflows/openhands-resolver.yml@main",
            true,
            Some("openhands"),
            true,
            None,
        ),
        (
            "issue_comment",
            "acme/wf/.github/workflows/claude.yml@main",
            false,
            Some("claude-code"),
            true,
            Some(false),
        ),
        ("push", "acme/wf/.github/workflows/claude.yml@main", true, Some("claude-code"), false, Some(false)),
        ("issue_comment", "acme/wf/.github/workflows/build.yml@main", true, None, false, Some(false)),
        ("issue_comment", "acme/wf/.github/workflows/claudette.yml@main", true, None, false, Some(false)),
    ] {
        let handed = if secrets { "    secrets: inherit\n" } else { "" };
        let text = format!("on: {on}\npermissions: {{}}\njobs:\n  a:\n    uses: {uses}\n{handed}");
        let found = of(&text);
        let call = found.calls.first();
        assert_eq!(call.and_then(|call| call.agents.first().copied()), agents, "{uses}");
        assert_eq!(call.is_some_and(|call| call.outsider), outsider, "{uses}");
        assert_eq!(found.outsider_start, start, "{on} {uses} {secrets}");
    }
}

#[test]
fn workflows_that_call_each_other_many_times_over_are_read_once() {
    let calls: String = (0..200)
        .map(|job| format!("  j{job}: {{uses: ./.github/workflows/w{}.yml, secrets: inherit}}\n", job % 20))
        .collect();
    let text = format!("on: workflow_call\njobs:\n{calls}  z: {{steps: [{{run: claude -p x}}]}}\n");
    let local = |_: &str| Some(text.clone().into_bytes());
    let began = std::time::Instant::now();
    let found =
        audit(&document(&text.replace("on: workflow_call", "on: [issues, issue_comment]")), &local).unwrap();
    assert_eq!(found.calls.len(), 200);
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

/// Actions that use themselves, and scripts that are led to many times, are followed as far as one budget goes.
#[test]
fn attack_actions_and_scripts_that_lead_to_themselves_end() {
    let action = format!("runs:\n  steps:\n{}", "    - {uses: ./a}\n".repeat(1_000));
    let makefile = format!("all:\n{}", "\techo x\n".repeat(20_000));
    let script = "echo x\n".repeat(30_000);
    let local = |path: &str| {
        let text = match path {
            "a/action.yml" => &action,
            "Makefile" => &makefile,
            "s.sh" => &script,
            _ => return None,
        };
        Some(text.clone().into_bytes())
    };
    let began = std::time::Instant::now();
    for run in [
        "uses: ./a".to_owned(),
        format!("run: '{}'", "make all; ".repeat(4_000)),
        format!("run: '{}'", "./s.sh; ".repeat(4_000)),
    ] {
        let text = format!("on: issues\njobs:\n  j:\n    steps:\n      - {run}\n      - run: claude -p x\n");
        assert_eq!(audit(&document(&text), &local).unwrap().agents.len(), 1);
    }
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[test]
fn secrets_that_steps_hand_on_reach_the_agent() {
    let minted = "{id: t, uses: actions/create-github-app-token@v1, with: {app-id: 1, private-key: '${{ secrets.KEY }}'}}";
    let token = "{run: claude -p x, env: {GH_TOKEN: '${{ steps.t.outputs.token }}'}}";
    let plain = "run: claude -p x";
    for (before, agent, start) in [
        (minted, token, true),
        (minted, plain, false),
        ("{id: t, uses: octo-sts/action@v1, with: {scope: a/b}}", token, true),
        ("{id: other, uses: actions/cache@v4, with: {key: '${{ secrets.KEY }}'}}", token, false),
        ("run: echo \"TOK=${{ secrets.X }}\" >> $GITHUB_ENV", plain, true),
        ("{run: 'echo \"TOK=$X\" >> \"$GITHUB_ENV\"', env: {X: '${{ secrets.X }}'}}", plain, true),
        ("run: \"{\\n echo TOK=${{ secrets.X }}\\n} >> $GITHUB_ENV\"", plain, true),
        ("{id: t, run: 'echo \"token=${{ secrets.X }}\" >> $GITHUB_OUTPUT'}", token, true),
        ("{id: t, run: 'echo \"token=${{ secrets.X }}\" >> $GITHUB_OUTPUT'}", plain, false),
        ("run: echo \"A=b\" >> $GITHUB_ENV", plain, false),
        ("run: echo \"TOK=${{ secrets.GITHUB_TOKEN }}\" >> $GITHUB_ENV", plain, false),
        ("{run: 'curl x; echo A=b >> $GITHUB_ENV', env: {X: '${{ secrets.X }}'}}", plain, false),
    ] {
        let steps = |first: &str, second: &str| {
            format!(
                "on: issue_comment\npermissions: {{}}\njobs:\n  a:\n    steps:\n      - {first}\n      - {second}\n"
            )
        };
        assert_eq!(of(&steps(before, agent)).outsider_start, Some(start), "{before} {agent}");
        // What comes after the agent reaches nobody.
        assert_eq!(of(&steps(agent, before)).outsider_start, Some(false), "{before} {agent}");
    }
}

#[test]
fn secrets_that_steps_leave_in_files_reach_the_agent() {
    let run = |script: &str| {
        format!(
            "{{run: {}, env: {{V: '${{{{ secrets.X }}}}', N: a}}}}",
            serde_json::to_string(script).unwrap()
        )
    };
    let with = |uses: &str, with: &str| format!("{{uses: {uses}, with: {{{with}}}}}");
    for (step, expected) in [
        (with("actions/checkout@v4", "token: '${{ secrets.X }}'"), true),
        (with("actions/checkout@v4", "ssh-key: '${{ secrets.X }}'"), true),
        (with("actions/checkout@v4", "token: '${{ secrets.X }}', persist-credentials: false"), false),
        (with("actions/checkout@v4", "token: '${{ secrets.GITHUB_TOKEN }}'"), false),
        (with("docker/login-action@v3", "password: '${{ secrets.X }}'"), true),
        (with("actions/cache@v4", "key: '${{ secrets.X }}'"), false),
        (run("echo \"//r/:_authToken=${{ secrets.X }}\" > ~/.npmrc"), true),
        (run("echo '${{ toJSON(secrets) }}' > all.json"), true),
        (run("echo \"T=$V\" >> .env"), true),
        (run("printf %s \"$V\" | base64 -d | sudo tee -a /etc/x >/dev/null"), true),
        (run("mkdir -p ~/.ssh && echo \"${{ env.V }}\" > ~/.ssh/id_ed25519"), true),
        (run("cat > ~/.kube/config <<E\ntoken: ${V}\nE"), true),
        (run("cat <<< \"$V\" > k"), true),
        (run("{\n  echo a\n  echo \"T=$V\"\n} > .env"), true),
        (run("T=\"x-$V\"\nif true; then\n  echo \"$T\" > f\nfi"), true),
        (run("T=$(echo $V | base64 -d)\necho \"$T\" > f"), true),
        (run("envsubst < a.tpl > .env"), true),
        (run("sed -i \"s/TOKEN/$V/\" conf.yml"), true),
        (run("git config --global url.\"https://x:${{ secrets.X }}@github.com/\".insteadOf https://github.com/"), true),
        (run("git remote set-url origin https://x:$V@github.com/a/b"), true),
        (run("git clone https://x:${V}@github.com/a/b"), true),
        (run("npm config set //r/:_authToken $V"), true),
        (run("aws configure set aws_secret_access_key \"$V\""), true),
        (run("echo $V | docker login ghcr.io -u x --password-stdin"), true),
        (run("gh auth login --with-token <<< $V"), true),
        (run("ssh-add - <<< \"$V\""), true),
        (run("kubectl config set-credentials u --token=$V"), true),
        (run("gpg --decrypt --passphrase=\"$V\" --output s.json s.gpg"), true),
        ("{shell: python, run: 'import os; open(\"f\", \"w\").write(os.environ[\"V\"])', env: {V: '${{ secrets.X }}'}}".to_owned(), true),
        (
            "{uses: actions/github-script@v7, env: {K: '${{ secrets.X }}'}, with: {script: \"fs.writeFileSync('.env', process.env.K)\"}}".to_owned(),
            true,
        ),
        // Nothing stays.
        (run("echo $V > /dev/null"), false),
        (run("echo $N > f"), false),
        (run("echo \"$V\" | wc -c > f"), false),
        (run("curl -H \"A: $V\" u > out.json"), false),
        (run("echo \"$(curl -H \"A: $V\" u)\" > out.json"), false),
        (run("git -c http.extraheader=\"A: $V\" fetch"), false),
        (run("git push https://x:$V@github.com/a/b"), false),
        (run("npm publish --token $V"), false),
        (run("echo '${{ secrets.GITHUB_TOKEN }}' > f"), false),
        (run("echo $V > $HOME/.npmrc\nnpm publish\nrm -f ~/.npmrc"), false),
        (run("echo $V > .npmrc\nif [ -f x ]; then\n  rm .npmrc\nfi"), true),
        (run("echo \"$V\"; echo a > f"), false),
    ] {
        let text = |first: &str, second: &str| {
            format!(
                "on: issue_comment\npermissions: {{}}\njobs:\n  a:\n    steps:\n      - {first}\n      - {second}\n"
            )
        };
        let agent = "run: claude -p x";
        let found = of(&text(&step, agent));
        assert_eq!(!found.agents[0].handed.is_empty(), expected, "{step}");
        assert_eq!(!found.agents[0].left.is_empty(), expected && step.contains("checkout"), "{step}");
        assert_eq!(found.outsider_start, Some(expected), "{step}");
        assert_eq!(of(&text(agent, &step)).outsider_start, Some(false), "{step}");
    }
}

/// What the agent in the last job is handed by the job before it, and by steps of its own job.
#[test]
fn secrets_that_jobs_hand_on_reach_the_agent() {
    let agent =
        |value: &str| format!("{{run: claude -p x, env: {{T: {}}}}}", serde_json::to_string(value).unwrap());
    let asks = agent("${{ needs.prep.outputs.t }}");
    let writes = "{id: s, run: 'echo \"x=${{ secrets.X }}\" >> $GITHUB_OUTPUT'}";
    let by_env = "{id: s, env: {V: '${{ secrets.X }}'}, run: 'echo \"x=$V\" | tee -a \"$GITHUB_OUTPUT\"'}";
    let minted = "{id: s, uses: actions/create-github-app-token@v1, with: {app-id: 1, private-key: '${{ secrets.X }}'}}";
    let lines = |text: &str| format!("{{id: s, run: {}}}", serde_json::to_string(text).unwrap());
    let out = "${{ steps.s.outputs.x }}";
    for (steps, output, agent, expected) in [
        (writes.to_owned(), out, asks.clone(), true),
        (writes.to_owned(), "${{ steps['s'].outputs['x'] }}", agent("${{ needs['prep'].outputs['t'] }}"), true),
        (writes.to_owned(), "a-${{ steps.S.outputs.X }}", agent("${{ format('{0}', needs.Prep.outputs.T) }}"), true),
        (writes.to_owned(), out, agent("${{ toJSON(needs) }}"), true),
        (writes.to_owned(), out, agent("${{ toJSON(needs.prep.outputs) }}"), true),
        (writes.to_owned(), out, "{uses: openai/codex-action@v1, with: {prompt: '${{ needs.prep.outputs.t }}'}}".to_owned(), true),
        (by_env.to_owned(), out, asks.clone(), true),
        (minted.to_owned(), "${{ steps.s.outputs.token }}", asks.clone(), true),
        ("run: ls".to_owned(), "${{ secrets.X }}", asks.clone(), true),
        (lines("T=\"${{ secrets.X }}\"\necho \"x=$T\" >> $GITHUB_OUTPUT"), out, asks.clone(), true),
        (lines("T=$(echo '${{ secrets.X }}' | base64)\necho \"x=${T}\" >> $GITHUB_OUTPUT"), out, asks.clone(), true),
        (lines("cat >> $GITHUB_OUTPUT <<E\nx=${{ secrets.X }}\nE"), out, asks.clone(), true),
        (lines("echo \"::set-output name=x::${{ secrets.X }}\""), out, asks.clone(), true),
        (
            "{id: s, uses: actions/github-script@v7, env: {K: '${{ secrets.X }}'}, with: {script: \"core.setOutput('x', process.env.K)\"}}".to_owned(),
            out,
            asks.clone(),
            true,
        ),
        (format!("{writes}\n      - {{id: u, run: 'echo \"y=${{{{ steps.s.outputs.x }}}}\" >> $GITHUB_OUTPUT'}}"), "${{ steps.u.outputs.y }}", asks.clone(), true),
        ("{run: 'echo \"V=${{ secrets.X }}\" >> $GITHUB_ENV'}\n      - {id: s, run: 'echo \"x=$V\" >> $GITHUB_OUTPUT'}".to_owned(), out, asks.clone(), true),
        // A branch that may not be taken takes nothing away.
        (lines("T='${{ secrets.X }}'\nif [ -f dry ]; then\n  T=dry\nfi\necho \"x=$T\" >> $GITHUB_OUTPUT"), out, asks.clone(), true),
        (lines("T='${{ secrets.X }}'\nfor i in 1; do\n  T=dry\ndone\necho \"x=$T\" >> $GITHUB_OUTPUT"), out, asks.clone(), true),
        (lines("T='${{ secrets.X }}'\nif [ -f dry ]; then\n  echo\nfi\nT=dry\necho \"x=$T\" >> $GITHUB_OUTPUT"), out, asks.clone(), false),
        // Nothing of it gets there.
        (writes.to_owned(), "${{ steps.s.outputs.other }}", asks.clone(), false),
        (writes.to_owned(), "${{ steps.other.outputs.x }}", asks.clone(), false),
        (writes.to_owned(), out, agent("${{ needs.prep.outputs.other }}"), false),
        (writes.to_owned(), out, agent("${{ needs.prep.result }}"), false),
        (writes.to_owned(), out, agent("${{ needs.other.outputs.t }}"), false),
        (writes.to_owned(), out, agent("needs.prep.outputs.t"), false),
        (writes.to_owned(), out, "run: claude -p x".to_owned(), false),
        (lines("echo \"x=1\" >> $GITHUB_OUTPUT\ncurl -H 'A: ${{ secrets.X }}' u"), out, asks.clone(), false),
        (lines("V=$(curl -H 'A: ${{ secrets.X }}' u)\necho \"x=$V\" >> $GITHUB_OUTPUT"), out, asks.clone(), false),
        (lines("T='${{ secrets.X }}'\nT=1\necho \"x=$T\" >> $GITHUB_OUTPUT"), out, asks.clone(), false),
        (lines("echo \"x=${{ secrets.GITHUB_TOKEN }}\" >> $GITHUB_OUTPUT"), out, asks.clone(), false),
        (lines("echo \"x=1\" >> $GITHUB_OUTPUT\necho \"y=${{ secrets.X }}\" >> $GITHUB_OUTPUT"), out, asks.clone(), false),
    ] {
        let job = format!("outputs: {{t: \"{output}\"}}\n    steps:\n      - {steps}");
        let text = |needs: &str| {
            format!(
                "on: issue_comment\npermissions: {{}}\njobs:\n  prep:\n    {job}\n  a:\n    {needs}\n    steps:\n      - {agent}\n"
            )
        };
        let found = of(&text("needs: [prep]"));
        assert_eq!(!found.agents[0].handed.is_empty(), expected, "{}", text("needs: [prep]"));
        assert_eq!(found.agents[0].sees_secrets(), expected, "{}", text("needs: [prep]"));
        // A job that is not needed hands on nothing.
        assert!(of(&text("runs-on: x")).agents[0].handed.is_empty(), "{}", text("runs-on: x"));
    }
    let around = "on: push\njobs:\n  prep:\n    outputs: {t: '${{ secrets.X }}'}\n    steps: []\n  a:\n    needs: prep\n    env: {T: '${{ needs.prep.outputs.t }}'}\n    steps: [{run: claude -p x}]\n";
    assert_eq!(of(around).agents[0].handed, BTreeSet::from(["X".to_owned()]));
    let named = "on: push\njobs:\n  a:\n    steps:\n      - {id: s, run: 'echo \"x=1\" >> $GITHUB_OUTPUT; echo \"y=${{ secrets.X }}\" >> $GITHUB_OUTPUT'}\n      - {run: 'claude -p ${{ steps.s.outputs.y }}'}\n";
    assert_eq!(of(named).agents[0].handed, BTreeSet::from(["X".to_owned()]));
}

#[test]
fn attack_outputs_that_draw_on_each_other_end() {
    let mut text = String::from("on: push\njobs:\n");
    for job in 0..120_u32 {
        let needs: Vec<String> = (0..120_u32).map(|other| format!("j{other}")).collect();
        let outputs: Vec<String> = (0..40)
            .map(|name| format!("o{name}: \"${{{{ toJSON(needs) }}}} ${{{{ secrets.S{job}_{name} }}}}\""))
            .collect();
        let outputs = outputs.join(", ");
        text.push_str(&format!(
            "  j{job}:\n    needs: [{}]\n    outputs: {{{outputs}}}\n    steps: [{{run: 'claude -p ${{{{ toJSON(needs) }}}}'}}]\n",
            needs.join(", ")
        ));
    }
    let began = std::time::Instant::now();
    let found = of(&text);
    assert_eq!(found.agents.len(), 120);
    assert!(found.agents.iter().all(|agent| agent.handed.len() <= 200));
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[test]
fn a_strangers_head_is_known_however_it_is_named() {
    const SHA: &str = "${{ github.event.pull_request.head.sha }}";
    let checkout = |r#ref: &str| format!("{{uses: actions/checkout@v4, with: {{ref: '{}'}}}}", r#ref);
    let by_env = checkout("${{ env.SHA }}");
    let by_output = checkout("${{ steps.pr.outputs.sha }}");
    let view = "{id: pr, run: 'echo sha=$(gh pr view 1 --json headRefOid -q .headRefOid) >> $GITHUB_OUTPUT'}";
    let number = "{id: pr, run: 'echo sha=$(gh pr view 1 --json number -q .number) >> $GITHUB_OUTPUT'}";
    for (env, steps, expected) in [
        (SHA, vec![by_env.clone()], true),
        ("main", vec![by_env.clone()], false),
        (SHA, vec![checkout("${{ env.OTHER }}")], false),
        ("", vec![view.to_owned(), by_output.clone()], true),
        ("", vec![number.to_owned(), by_output.clone()], false),
        ("", vec![by_output.clone()], false),
        ("", vec![format!("run: git fetch origin {SHA} && git checkout FETCH_HEAD")], true),
        ("", vec!["run: git clone ${{ github.event.pull_request.head.repo.clone_url }} x".to_owned()], true),
        ("", vec![format!("{{run: 'git checkout \"$REF\"', env: {{REF: '{SHA}'}}}}")], true),
        (SHA, vec!["run: git fetch origin && git checkout \"$SHA\"".to_owned()], true),
        (
            "",
            vec!["run: \"S=$(gh pr view 1 --json headRefOid -q .headRefOid)\\ngit checkout $S\"".to_owned()],
            true,
        ),
        (SHA, vec!["run: echo \"S=$SHA\" >> $GITHUB_ENV".to_owned(), checkout("${{ env.S }}")], false),
        ("", vec![format!("run: echo \"S={SHA}\" >> $GITHUB_ENV"), checkout("${{ env.S }}")], true),
        ("", vec!["run: git checkout main".to_owned()], false),
        ("", vec![format!("run: echo {SHA}"), "run: git checkout main".to_owned()], false),
        ("", vec!["run: git push origin HEAD:${{ github.head_ref }}".to_owned()], false),
        (SHA, vec!["run: git checkout \"$SHARED\"".to_owned()], false),
    ] {
        let steps = steps.join("\n      - ");
        let text = format!(
            "on: pull_request_target\njobs:\n  a:\n    env: {{SHA: '{env}'}}\n    steps:\n      - {steps}\n      - run: claude -p x\n"
        );
        assert_eq!(of(&text).agents[0].checks_out_head.is_some(), expected, "{text}");
    }
}

/// What one hostile workflow makes the audit do grows with its length.
#[test]
fn attack_workflows_made_to_be_gone_through_again_and_again_end() {
    let names = "secrets.A ".repeat(50_000);
    let variables: String = (0..10_000).map(|at| format!("  V{at}: '${{{{ secrets.S{at} }}}}'\n")).collect();
    let quiet = "      - run: make\n".repeat(1_000);
    let tells: String = (0..200)
        .map(|at| {
            let said: String = (0..20).map(|name| format!("echo o{name}=true >> $GITHUB_OUTPUT; ")).collect();
            format!("      - {{id: s{at}, run: '[ \"$GITHUB_ACTOR\" = me ] && {said}'}}\n")
        })
        .collect();
    let agents = "      - {if: \"steps.s1.outputs.o1 == 'true'\", run: claude -p x}\n".repeat(100);
    let began = std::time::Instant::now();
    for text in [
        format!("on: issues\njobs:\n  a:\n    steps:\n      - run: 'claude -p ${{{{ {names} }}}}'\n"),
        format!("on: issues\nenv:\n{variables}jobs:\n  a:\n    steps:\n{quiet}      - run: claude -p x\n"),
        format!("on: [issues, issue_comment]\njobs:\n  a:\n    steps:\n{tells}{agents}"),
    ] {
        assert!(text.len() < 4 << 20);
        let _ = of(&text);
    }
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}
