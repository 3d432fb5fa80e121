//! What a stranger is stopped by, and what only looks like it.

use super::*;

const RUN: &str = "run: claude -p x\n        env: {KEY: '${{ secrets.KEY }}'}";

/// The gate of an agent behind one step, at a trigger.
pub(super) fn behind(on: &str, step: &str) -> Gate {
    let text =
        format!("on: {on}\npermissions: {{}}\njobs:\n  a:\n    steps:\n      - {step}\n      - {RUN}\n");
    let found = of(&text);
    assert_eq!(found.outsider_start, Some(found.gate == Gate::None), "{step}");
    found.gate
}

/// The gate of an agent that is started where a step before it says so, by a comment.
pub(super) fn told_by(step: &str, condition: &str) -> Gate {
    let text = format!(
        "on: issue_comment\npermissions: {{}}\njobs:\n  a:\n    steps:\n      - {step}\n      - if: {condition}\n        {RUN}\n"
    );
    of(&text).gate
}

#[test]
fn a_block_that_keeps_its_end_around_an_expression_is_always_true() {
    let me = "github.actor == 'me'";
    for (condition, gate) in [
        (format!("|\n      ${{{{ {me} }}}}\n"), Gate::None),
        (format!(">\n      ${{{{ {me} }}}}\n"), Gate::None),
        (format!("|+\n      ${{{{ {me} }}}}\n"), Gate::None),
        (format!("\"${{{{ {me} }}}} \"\n"), Gate::None),
        (format!("|-\n      ${{{{ {me} }}}}\n"), Gate::If),
        (format!(">-\n      ${{{{ {me} }}}}\n"), Gate::If),
        (format!("${{{{ {me} }}}}\n"), Gate::If),
        // Without the signs, the whole is the expression.
        (format!("|\n      {me} ||\n      github.actor == 'you'\n"), Gate::If),
        (format!(">\n      {me}\n"), Gate::If),
    ] {
        let text = format!(
            "on: issue_comment\npermissions: {{}}\njobs:\n  a:\n    if: {condition}    steps:\n      - {RUN}\n"
        );
        assert_eq!(of(&text).gate, gate, "{text}");
    }
}

#[test]
fn a_right_to_read_is_no_right() {
    for (step, gate) in [
        ("{uses: prince-chrismc/check-actor-permissions-action@v3, with: {permission: write}}", Gate::If),
        ("{uses: prince-chrismc/check-actor-permissions-action@v3, with: {permission: admin}}", Gate::If),
        ("{uses: prince-chrismc/check-actor-permissions-action@v3, with: {permission: read}}", Gate::None),
        ("{uses: prince-chrismc/check-actor-permissions-action@v3, with: {permission: none}}", Gate::None),
        ("{uses: sushichop/action-repository-permission@v2, with: {required-permission: write}}", Gate::If),
        ("{uses: sushichop/action-repository-permission@v2, with: {required-permission: read}}", Gate::None),
    ] {
        assert_eq!(behind("issue_comment", step), gate, "{step}");
    }
    for (required, gate) in [("write", Gate::If), ("read", Gate::None), ("'${{ inputs.level }}'", Gate::None)]
    {
        let text = format!(
            "on: issue_comment\npermissions: {{}}\njobs:\n  a:\n    steps:\n      - id: p\n        uses: actions-cool/check-user-permission@v2\n        with: {{require: {required}}}\n      - if: steps.p.outputs.require-result == 'true'\n        {RUN}\n"
        );
        assert_eq!(of(&text).gate, gate, "{required}");
    }
}

#[test]
fn scripts_that_ask_who_is_there_are_gates() {
    let permission = "gh api repos/a/b/collaborators/$GITHUB_ACTOR/permission -q .permission";
    for (script, gate) in [
        (format!("test \"$({permission})\" = write"), Gate::If),
        (format!("[[ \"$({permission})\" =~ ^(admin|write)$ ]] || exit 1"), Gate::If),
        (format!("P=$({permission})\nif [ \"$P\" != admin ] && [ \"$P\" != write ]; then\n  exit 1\nfi"), Gate::If),
        (format!("P=$({permission})\ncase \"$P\" in\n  admin|write) echo ok ;;\n  *) exit 1 ;;\nesac"), Gate::If),
        (format!("{permission} | grep -qE 'admin|write'"), Gate::If),
        ("gh api orgs/acme/members/$ACTOR --silent || exit 1".to_owned(), Gate::If),
        ("gh api orgs/acme/members/$ACTOR --silent".to_owned(), Gate::If),
        ("gh api repos/a/b/collaborators/$ACTOR || { echo no; exit 1; }".to_owned(), Gate::If),
        ("curl -sf https://forge/orgs/acme/members/$A".to_owned(), Gate::If),
        ("case \"$GITHUB_ACTOR\" in alice|bob) ;; *) exit 1 ;; esac".to_owned(), Gate::If),
        ("if [[ ! \" alice bob \" =~ \" ${GITHUB_ACTOR} \" ]]; then exit 1; fi".to_owned(), Gate::If),
        ("echo \"alice bob\" | grep -qw \"$GITHUB_ACTOR\" || exit 1".to_owned(), Gate::If),
        ("if ! echo \"alice bob\" | grep -qw \"$GITHUB_ACTOR\"; then exit 1; fi".to_owned(), Gate::If),
        ("grep -qx \"${{ github.actor }}\" .github/allowed.txt".to_owned(), Gate::If),
        (
            "if [ \"$GITHUB_ACTOR\" = alice ]; then\n  echo ok\nelif [ \"$GITHUB_ACTOR\" = bob ]; then\n  echo ok\nelse\n  exit 1\nfi"
                .to_owned(),
            Gate::If,
        ),
        ("die() { echo \"$1\"; exit 1; }\n[ \"$GITHUB_ACTOR\" = me ] || die no".to_owned(), Gate::If),
        ("LIST=\"alice bob\"\nif [[ ! \" $LIST \" =~ \" $GITHUB_ACTOR \" ]]; then exit 1; fi".to_owned(), Gate::If),
        (
            "for u in alice bob; do\n  if [ \"$u\" = \"$GITHUB_ACTOR\" ]; then exit 0; fi\ndone\nexit 1".to_owned(),
            Gate::If,
        ),
        // What stops nobody, or others.
        ("if ! echo \"alice bob\" | grep -qw \"$GITHUB_ACTOR\"; then echo; else exit 1; fi".to_owned(), Gate::None),
        (format!("P=$({permission})\n[[ \"$P\" =~ ^(admin|write|read)$ ]] || exit 1"), Gate::None),
        ("if [ \"$(gh api users/$GITHUB_ACTOR -q .type)\" != User ]; then exit 1; fi".to_owned(), Gate::None),
        ("if [[ \"$GITHUB_ACTOR\" == *'[bot]' ]]; then exit 1; fi".to_owned(), Gate::None),
        (format!("test \"$({permission})\" != none"), Gate::None),
        (format!("P=$({permission})\n[ \"$P\" = none ] && exit 1"), Gate::None),
        (format!("P=$({permission})\nif [ \"$P\" != write ] && [ \"$P\" != read ]; then exit 1; fi"), Gate::None),
        (permission.to_owned(), Gate::None),
        ("gh api orgs/acme/members/$ACTOR --silent || true".to_owned(), Gate::None),
        ("set +e\ngh api orgs/acme/members/$ACTOR\necho".to_owned(), Gate::None),
        ("if gh api orgs/acme/members/$ACTOR; then echo member; fi".to_owned(), Gate::None),
        ("[ \"$GITHUB_ACTOR\" = 'dependabot[bot]' ] && exit 1\necho".to_owned(), Gate::None),
        ("if [ \"$GITHUB_ACTOR\" = spammer ]; then exit 1; fi".to_owned(), Gate::None),
        ("case \"$GITHUB_ACTOR\" in alice|bob) echo ok ;; *) echo no ;; esac".to_owned(), Gate::None),
        ("[ \"$GITHUB_ACTOR\" = me ] || exit 0".to_owned(), Gate::None),
        // Without a code that says so, it may end with success.
        ("if [ \"$GITHUB_ACTOR\" != octocat ]; then echo 'not allowed'; exit; fi".to_owned(), Gate::None),
        ("skip() { echo skipped; exit 0; }\n[ \"$GITHUB_ACTOR\" = me ] || skip".to_owned(), Gate::None),
        ("skip() { [ -f x ] && exit 0; exit 1; }\n[ \"$GITHUB_ACTOR\" = me ] || skip".to_owned(), Gate::None),
        ("skip() { return; exit 1; }\n[ \"$GITHUB_ACTOR\" = me ] || skip".to_owned(), Gate::None),
        ("skip() { exit 1; }\nskip() { exit 0; }\n[ \"$GITHUB_ACTOR\" = me ] || skip".to_owned(), Gate::None),
        ("rc=0\n[ \"$GITHUB_ACTOR\" = me ] || exit $rc".to_owned(), Gate::None),
        ("[ \"$GITHUB_ACTOR\" = me ] || exit 256".to_owned(), Gate::None),
        ("[ \"$GITHUB_ACTOR\" = me ] || exit".to_owned(), Gate::If),
        ("[ \"$GITHUB_ACTOR\" = me ] || exit 78".to_owned(), Gate::If),
        // What is pasted into a script is code.
        ("echo \"${{ github.event.issue.title }}\"\n[ \"$GITHUB_ACTOR\" = me ] || exit 1".to_owned(), Gate::None),
        ("echo \"${{ github.event.issue['title'] }}\"\n[ \"$GITHUB_ACTOR\" = me ] || exit 1".to_owned(), Gate::None),
        ("[ \"$GITHUB_REPOSITORY\" = a/b ] || exit 1".to_owned(), Gate::None),
        ("[[ \"$GITHUB_ACTOR\" =~ ^[a-zA-Z0-9-]+$ ]] || exit 1".to_owned(), Gate::None),
        ("die() { exit 1; }\necho fine".to_owned(), Gate::None),
        ("function die {\n  exit 1\n}\necho fine".to_owned(), Gate::None),
        ("for a in alice; do [ \"$GITHUB_ACTOR\" = $a ] || exit 1; done".to_owned(), Gate::None),
        ("cat <<EOF\nexit 1\nEOF".to_owned(), Gate::None),
    ] {
        let text = serde_json::to_string(&script).unwrap();
        assert_eq!(behind("issue_comment", &format!("run: {text}")), gate, "{script}");
    }
    let by_variable = "{env: {WHO: '${{ github.event.comment.user.login }}'}, run: '[ \"$WHO\" = me ]'}";
    assert_eq!(behind("issue_comment", by_variable), Gate::If);
    let may_fail = "{continue-on-error: true, run: '[ \"$GITHUB_ACTOR\" = me ]'}";
    assert_eq!(behind("issue_comment", may_fail), Gate::None);
}

#[test]
fn a_script_can_ask_before_it_starts_the_agent() {
    for (script, gate) in [
        ("[ \"$GITHUB_ACTOR\" = me ] || exit 0\nclaude -p x", Gate::If),
        ("gh api orgs/a/members/$GITHUB_ACTOR || exit 0\nclaude -p x", Gate::If),
        ("if [ \"$GITHUB_ACTOR\" = me ]; then\n  claude -p x\nfi", Gate::If),
        ("[ \"$GITHUB_ACTOR\" = me ] && claude -p x", Gate::If),
        ("[ \"$GITHUB_ACTOR\" = me ] || exit 0\necho $(claude -p x)", Gate::If),
        ("claude -p x\n[ \"$GITHUB_ACTOR\" = me ] || exit 0", Gate::None),
        ("if [ \"$GITHUB_ACTOR\" != me ]; then\n  claude -p x\nfi", Gate::None),
        ("if [ \"$GITHUB_ACTOR\" = me ]; then\n  echo\nfi\nclaude -p x", Gate::None),
        ("[ \"$GITHUB_ACTOR\" = me ] || claude -p x", Gate::None),
    ] {
        let run = serde_json::to_string(script).unwrap();
        let text = format!(
            "on: issue_comment\npermissions: {{}}\njobs: {{a: {{steps: [{{run: {run}, env: {{K: '${{{{ secrets.K }}}}'}}}}]}}}}\n"
        );
        assert_eq!(of(&text).gate, gate, "{script}");
    }
}

#[test]
fn a_look_at_forks_is_a_gate_where_code_is_brought() {
    let fork = "run: 'if [ \"${{ github.event.pull_request.head.repo.fork }}\" = true ]; then exit 1; fi'";
    let own = "run: 'test \"${{ github.event.pull_request.head.repo.full_name }}\" = \"$GITHUB_REPOSITORY\"'";
    let inverse =
        "run: 'if [ \"${{ github.event.pull_request.head.repo.fork }}\" = false ]; then exit 1; fi'";
    for (on, step, gate) in [
        ("pull_request_target", fork, Gate::If),
        ("pull_request_target", own, Gate::If),
        ("pull_request_target", inverse, Gate::None),
        ("issue_comment", fork, Gate::None),
    ] {
        assert_eq!(behind(on, step), gate, "{on} {step}");
    }
}

#[test]
fn a_look_in_a_local_action_is_a_look() {
    let local = |path: &str| -> Option<Vec<u8>> {
        let step = match path {
            ".github/actions/ask/action.yml" => "run: '[ \"${{ github.actor }}\" = me ] || exit 1'",
            ".github/actions/some/action.yml" => {
                "{run: '[ \"${{ github.actor }}\" = me ] || exit 1', if: inputs.ask}"
            }
            ".github/actions/none/action.yml" => "run: make",
            _ => return None,
        };
        Some(format!("runs:\n  using: composite\n  steps:\n    - {step}\n").into_bytes())
    };
    for (action, gate) in
        [("ask", Gate::If), ("some", Gate::None), ("none", Gate::None), ("lost", Gate::None)]
    {
        let text = format!(
            "on: issue_comment\njobs:\n  a:\n    steps:\n      - uses: ./.github/actions/{action}\n      - {RUN}\n"
        );
        assert_eq!(audit(&document(&text), &local).unwrap().gate, gate, "{action}");
    }
}

#[test]
fn a_list_of_everybody_outside_is_a_gate_when_it_is_denied() {
    for (listed, gate) in [
        ("\"NONE\",\"FIRST_TIMER\",\"FIRST_TIME_CONTRIBUTOR\",\"CONTRIBUTOR\",\"MANNEQUIN\"", Gate::If),
        ("\"NONE\",\"FIRST_TIMER\",\"FIRST_TIME_CONTRIBUTOR\",\"CONTRIBUTOR\"", Gate::If),
        ("\"NONE\",\"FIRST_TIMER\",\"FIRST_TIME_CONTRIBUTOR\"", Gate::None),
    ] {
        for (of, expected) in [("comment", gate), ("issue", Gate::None)] {
            let text = format!(
                "on: issue_comment\njobs:\n  a:\n    if: \"!contains(fromJSON('[{}]'), github.event.{of}.author_association)\"\n    steps:\n      - {RUN}\n",
                listed.replace('"', "\\\"")
            );
            assert_eq!(super::of(&text).gate, expected, "{text}");
        }
    }
}

/// The gate of an agent that asks for an output of a step before it, and of one whose job asks for it as another job's.
fn by_output(script: &str, condition: &str) -> [Gate; 2] {
    let run = serde_json::to_string(script).unwrap();
    let env = "env: {ACTOR: '${{ github.actor }}'}";
    let step = format!("{{id: s, {env}, run: {run}}}");
    let asked = |text: &str| serde_json::to_string(text).unwrap();
    let one = format!("    steps:\n      - {step}\n      - if: {}\n        {RUN}", asked(condition));
    let outputs = "outputs: {ok: '${{ steps.s.outputs.ok }}', other: '${{ steps.o.outputs.other }}'}";
    let two = format!(
        "    {outputs}\n    steps:\n      - {{id: o, run: 'echo other=1 >> $GITHUB_OUTPUT'}}\n      - {step}\n  b:\n    needs: a\n    if: {}\n    steps:\n      - {RUN}",
        asked(&condition.replace("steps.s.", "needs.a.").replace("steps.o.", "needs.a."))
    );
    [one, two].map(|jobs| {
        let found = of(&format!("on: issue_comment\npermissions: {{}}\njobs:\n  a:\n{jobs}\n"));
        assert_eq!(found.outsider_start, Some(found.gate == Gate::None), "{jobs}");
        found.gate
    })
}

const IF: [Gate; 2] = [Gate::If, Gate::NeedsJob];
const OPEN: [Gate; 2] = [Gate::None, Gate::None];

#[test]
fn what_a_script_tells_about_who_is_there_is_a_gate_where_it_is_asked_for() {
    let ok = "steps.s.outputs.ok == 'true'";
    let write = "echo \"ok=true\" >> \"$GITHUB_OUTPUT\"";
    let refuse = "echo \"ok=false\" >> $GITHUB_OUTPUT";
    let member = "gh api orgs/acme/members/$ACTOR --silent";
    for (script, condition, gate) in [
        (format!("if [[ \"$ACTOR\" == \"octocat\" ]]; then {write}; fi"), ok, IF),
        (format!("if [ \"$ACTOR\" = octocat ]; then\n  {write}\nelse\n  {refuse}\nfi"), ok, IF),
        (format!("case \"$ACTOR\" in\n  alice|bob) {write} ;;\n  *) {refuse} ;;\nesac"), ok, IF),
        (format!("[[ \" alice bob \" =~ \" $ACTOR \" ]] && {write}"), ok, IF),
        (format!("if {member}; then {write}; fi"), ok, IF),
        (format!("ok=false\nif {member}; then ok=true; fi\necho \"ok=$ok\" >> $GITHUB_OUTPUT"), ok, IF),
        (format!("ok=true\n{member} || ok=false\necho \"ok=${{ok}}\" >> $GITHUB_OUTPUT"), ok, IF),
        (format!("if {member}; then ok=true; else ok=false; fi\necho ok=$ok >> $GITHUB_OUTPUT"), ok, IF),
        (format!("if [ \"${{{{ github.event.comment.author_association }}}}\" = OWNER ]; then {write}; fi"), ok, IF),
        (format!("P=$(gh api repos/a/b/collaborators/$ACTOR/permission -q .permission)\nif [ \"$P\" = admin ]; then {write}; fi"), ok, IF),
        ("{\n  if [ \"$ACTOR\" = me ]; then echo ok=true; else echo ok=false; fi\n} >> $GITHUB_OUTPUT".to_owned(), ok, IF),
        ("if [ \"$ACTOR\" = me ]; then echo ok=true | tee -a $GITHUB_OUTPUT; fi".to_owned(), ok, IF),
        ("if [ \"$ACTOR\" = me ]; then echo '::set-output name=ok::true'; fi".to_owned(), ok, IF),
        ("if [ \"$ACTOR\" = me ]; then printf 'ok=true\\n' >> $GITHUB_OUTPUT; fi".to_owned(), ok, IF),
        (format!("if [ \"$ACTOR\" = me ]; then {write}; fi"), "steps.s.outputs.ok", IF),
        (format!("if [ \"$ACTOR\" = me ]; then {write}; else {refuse}; fi"), "fromJSON(steps.s.outputs.ok)", IF),
        (format!("if [ \"$ACTOR\" = me ]; then {write}; else {refuse}; fi"), "steps.s.outputs.ok != 'false'", IF),
        (format!("if [ \"$ACTOR\" != me ]; then {refuse}; fi"), "steps.s.outputs.ok != 'false'", IF),
        (format!("if [ \"$ACTOR\" = me ]; then {write}; fi"), "contains(steps.s.outputs.ok, 'true')", IF),
        (format!("[ \"$ACTOR\" = me ] || exit 0\n{write}"), ok, IF),
        // It says so to everybody, or to those it should not.
        (format!("if [ \"$ACTOR\" = me ]; then echo hi; fi\n{write}"), ok, OPEN),
        (format!("if [ \"$ACTOR\" != me ]; then {write}; fi"), ok, OPEN),
        (format!("if [ \"$ACTOR\" = me ]; then {write}; else {write}; fi"), ok, OPEN),
        (format!("{member} || true\n{write}"), ok, OPEN),
        (format!("{member} || echo no\n{write}"), ok, OPEN),
        (format!("if {member}; then {refuse}; else {write}; fi"), ok, OPEN),
        ("ok=true\nif [ \"$ACTOR\" = me ]; then ok=false; fi\necho ok=$ok >> $GITHUB_OUTPUT".to_owned(), ok, OPEN),
        (format!("if [ \"$ACTOR\" = spammer ]; then {refuse}; else {write}; fi"), ok, OPEN),
        (format!("if [ -f x ]; then {write}; fi\n[ \"$ACTOR\" = me ] && echo"), ok, OPEN),
        // What is not asked for stops nobody, and neither does what the other answer lets through.
        (format!("if [ \"$ACTOR\" = me ]; then {write}; fi"), "github.ref != ''", OPEN),
        (format!("if [ \"$ACTOR\" = me ]; then {write}; fi"), "steps.s.outputs.ok != 'false'", OPEN),
        (format!("if [ \"$ACTOR\" = me ]; then {write}; else {refuse}; fi"), "steps.s.outputs.ok", OPEN),
        (format!("if [ \"$ACTOR\" = me ]; then {write}; fi"), "steps.s.outputs.ok == 'true' || always()", OPEN),
        (format!("if {member}; then {write}; fi"), "steps.o.outputs.other != ''", OPEN),
        // What is written in a way that is not followed could be anything.
        (format!("F=$GITHUB_OUTPUT\necho ok=true >> $F\nif [ \"$ACTOR\" = me ]; then {write}; fi"), ok, OPEN),
        (format!("tell() {{ echo ok=true >> $GITHUB_OUTPUT; }}\ntell\nif [ \"$ACTOR\" = me ]; then {write}; fi"), ok, OPEN),
        ("ok=false\nif [ \"$ACTOR\" = me ]; then ok=true; fi\nread ok < file\necho ok=$ok >> $GITHUB_OUTPUT".to_owned(), ok, OPEN),
        ("ok=false\nfor i in 1 2; do\n  echo ok=$ok >> $GITHUB_OUTPUT\n  ok=true\ndone\n[ \"$ACTOR\" = me ] && echo".to_owned(), ok, OPEN),
        ("{\n  if [ \"$ACTOR\" = me ]; then echo ok=true; fi\n  jq -r .x f\n} >> $GITHUB_OUTPUT".to_owned(), ok, OPEN),
        ("yes() { ok=true; }\nok=false\n[ \"$ACTOR\" = me ] && echo\nyes\necho ok=$ok >> $GITHUB_OUTPUT".to_owned(), ok, OPEN),
        ("ok=false\nfor ok in true; do :; done\n[ \"$ACTOR\" = me ] && echo\necho ok=$ok >> $GITHUB_OUTPUT".to_owned(), ok, OPEN),
        ("ok=false\n[ \"$ACTOR\" = me ] && echo\nIFS=, read -r ok < f\necho ok=$ok >> $GITHUB_OUTPUT".to_owned(), ok, OPEN),
        // A text of several lines can bring an output of its own.
        (format!("if [ \"$ACTOR\" = me ]; then {write}; fi\necho \"x=${{{{ github.event.comment.body }}}}\" >> $GITHUB_OUTPUT"), ok, OPEN),
        (format!("if [ \"$ACTOR\" = me ]; then {write}; else python tell.py $GITHUB_OUTPUT; fi"), ok, OPEN),
        ("if [ \"$ACTOR\" = me ]; then ok=true; fi\nok=$(cat f)\necho ok=$ok >> $GITHUB_OUTPUT".to_owned(), ok, OPEN),
    ] {
        assert_eq!(by_output(&script, condition), gate, "{script}\n{condition}");
    }
}

#[test]
fn attack_an_output_that_something_unseen_may_write_is_no_gate() {
    let ok = "steps.s.outputs.ok == 'true'";
    let gate = "if [ \"$ACTOR\" = me ]; then echo ok=true >> $GITHUB_OUTPUT; fi";
    assert_eq!(by_output(gate, ok), IF);
    for more in [
        // A line end that is spelt.
        "printf 'reason=label\\nok=true\\n' >> $GITHUB_OUTPUT",
        "echo -e \"a=1\\nok=true\" >> $GITHUB_OUTPUT",
        "echo $'a=1\\nok=true' >> $GITHUB_OUTPUT",
        "echo 'a=1\\nok=true' >> $GITHUB_OUTPUT",
        "printf '%b' 'a=1\\nok=true' >> $GITHUB_OUTPUT",
        "X='a\nok=true'\necho \"x=$X\" >> $GITHUB_OUTPUT",
        // A program of the repository, wherever it is started.
        "./ci/label.sh",
        "X=$(./ci/label.sh)",
        "X=$(echo ok=true | tee -a \"$OUT\")",
        "if ./ci/label.sh; then echo; fi",
        "label() { ./ci/label.sh; }\nlabel",
        "npm test",
        "PATH=.:$PATH\ngrep -q x y",
        // A value of several lines.
        "echo \"files=$(git diff --name-only a b)\" >> $GITHUB_OUTPUT",
        "echo \"log=`git log -1 --format=%B`\" >> $GITHUB_OUTPUT",
        "M=$(git log -1 --format=%B)\necho \"log=$M\" >> $GITHUB_OUTPUT",
        "echo \"x=${{ steps.x.outputs.y }}\" >> $GITHUB_OUTPUT",
        "echo \"x=$COMMENT\" >> $GITHUB_OUTPUT",
        "echo \"x=${COMMENT%x}\" >> $GITHUB_OUTPUT",
        "{\n  echo a=1\n  echo \"x=$COMMENT\"\n} >> $GITHUB_OUTPUT",
        // A line in the log that is an order.
        "echo \"$COMMENT\"",
        "echo \"$(git log -1 --format=%B)\"",
        "git log -1 --format=%B",
        "{\n  echo \"$COMMENT\"\n}",
        "cat file",
        "jq -r .x file",
        "echo x | cat - file",
        "say() { echo \"$COMMENT\"; }\nsay",
        // A text that is code.
        "echo \"title: ${{ github.event.issue.title }}\" > /dev/null",
        "# ${{ github.event.comment.body }}",
        // Files that a variable names.
        "F=$GITHUB_OUTPUT\necho x=1 | tee -a $F\necho ok=true >> $F",
        "echo ok=true >> \"$OUT\"",
        "echo ok=true | tee -a \"$OUT\"",
        // What is changed on its way.
        "echo ok=false | sed s/false/true/ | tee -a $GITHUB_OUTPUT",
        "{ ok=true; echo \"ok=$ok\"; ok=false; } >> $GITHUB_OUTPUT",
        "{\n  {\n    echo ok=true\n  }\n} >> $GITHUB_OUTPUT",
    ] {
        assert_eq!(by_output(&format!("{gate}\n{more}"), ok), OPEN, "{more}");
    }
    for more in [
        "printf 'reason=label\\nother=true\\n' >> $GITHUB_OUTPUT",
        "echo -e \"a=1\\nb=true\" >> $GITHUB_OUTPUT",
        "echo \"who=$ACTOR\" >> $GITHUB_OUTPUT",
        "echo \"who=${{ github.actor }} on ${GITHUB_REF_NAME}\" >> $GITHUB_OUTPUT",
        "echo \"asked by $ACTOR\"",
        "git fetch origin main\ngit log -1 --format=%B > /dev/null",
        "gh api repos/a/b/collaborators/$ACTOR/permission -q .permission",
        "COUNT=$(gh pr list --json number | jq length)",
        "{ ok=false; echo \"other=$ok\"; } >> $GITHUB_OUTPUT",
        "echo done >> $GITHUB_STEP_SUMMARY",
    ] {
        assert_eq!(by_output(&format!("{gate}\n{more}"), ok), IF, "{more}");
    }
}

#[test]
fn attack_outputs_are_texts_that_equal_no_bare_word() {
    let both = "if [ \"$ACTOR\" = me ]; then echo ok=true >> $GITHUB_OUTPUT; else echo ok=false >> $GITHUB_OUTPUT; fi";
    let one = "if [ \"$ACTOR\" = me ]; then echo ok=1 >> $GITHUB_OUTPUT; fi";
    let two =
        "if [ \"$ACTOR\" = me ]; then echo ok=0x1 >> $GITHUB_OUTPUT; else echo ok=0x0 >> $GITHUB_OUTPUT; fi";
    let blocked = "if [ \"$ACTOR\" != me ]; then echo ok=true >> $GITHUB_OUTPUT; fi";
    let found = |script: &str, condition: &str| by_output(script, condition);
    for (script, condition, gate) in [
        (blocked, "steps.s.outputs.ok != true", OPEN),
        (blocked, "true != steps.s.outputs.ok", OPEN),
        (blocked, "steps.s.outputs.ok != 'true'", IF),
        (both, "steps.s.outputs.ok != false", OPEN),
        (both, "steps.s.outputs.ok != null", OPEN),
        (both, "steps.s.outputs.ok != 'false'", IF),
        (one, "steps.s.outputs.ok != 0", IF),
        (one, "steps.s.outputs.ok != null", IF),
        (one, "steps.s.outputs.ok == true", IF),
        (one, "steps.s.outputs.ok == 0", OPEN),
        (two, "steps.s.outputs.ok != 0", OPEN),
    ] {
        assert_eq!(found(script, condition), gate, "{script}\n{condition}");
    }
    let answers = "gh api repos/a/b/collaborators/$ACTOR/permission > p.json\n./tell.sh";
    assert_eq!(by_output(answers, "steps.s.outputs.ok != false"), OPEN);
    assert_eq!(by_output(answers, "steps.s.outputs.ok == 'write'"), IF);
}

#[test]
fn attack_a_job_that_was_passed_by_says_nothing() {
    let script = "if [ \"$GITHUB_ACTOR\" = me ]; then echo ok=go >> $GITHUB_OUTPUT; else echo ok=stop >> $GITHUB_OUTPUT; fi";
    let run = serde_json::to_string(script).unwrap();
    let ask = |more: &str| {
        format!(
            "    {more}\n    outputs: {{ok: '${{{{ steps.s.outputs.ok }}}}'}}\n    steps: [{{id: s, run: {run}}}]\n"
        )
    };
    let agent = |needs: &str, condition: &str| {
        format!(
            "    needs: {needs}\n    if: {condition}\n    steps: [{{{}}}]\n",
            "run: claude -p x, env: {KEY: '${{ secrets.KEY }}'}"
        )
    };
    let not = "needs.a.outputs.ok != 'stop'";
    let always = format!("always() && {not}");
    let cancelled = format!("${{{{ !cancelled() && {not} }}}}");
    for (more, needs, condition, gate) in [
        ("runs-on: x", "a", not, Gate::NeedsJob),
        ("runs-on: x", "[a, c]", not, Gate::NeedsJob),
        ("runs-on: x", "c", not, Gate::None),
        ("runs-on: x", "c", "needs.a.outputs.ok == 'go'", Gate::None),
        ("runs-on: x", "a", &always, Gate::None),
        ("runs-on: x", "a", &cancelled, Gate::None),
        ("runs-on: x", "a", "always() && needs.a.outputs.ok == 'go'", Gate::NeedsJob),
        ("if: github.event.issue.number > 1", "a", not, Gate::None),
        ("if: github.event.issue.number > 1", "a", "needs.a.outputs.ok == 'go'", Gate::NeedsJob),
        ("needs: c", "a", not, Gate::None),
        ("continue-on-error: true", "a", not, Gate::None),
    ] {
        let text = format!(
            "on: issue_comment\npermissions: {{}}\njobs:\n  a:\n{}  c: {{steps: [{{run: make}}]}}\n  b:\n{}",
            ask(more),
            agent(needs, condition)
        );
        assert_eq!(of(&text).gate, gate, "{text}");
    }
    // What a job before asks of its own is asked there.
    let chain = format!(
        "on: issue_comment\npermissions: {{}}\njobs:\n  a:\n{}  b:\n    needs: a\n    if: needs.a.outputs.ok == 'go'\n    steps: [{{run: make}}]\n  c:\n    needs: b\n    steps:\n      - {RUN}\n",
        ask("runs-on: x")
    );
    assert_eq!(of(&chain).gate, Gate::NeedsJob);
    // A step behind one that failed may be asked before the answer is there.
    let late = format!(
        "on: issue_comment\npermissions: {{}}\njobs:\n  a:\n    steps:\n      - {{id: s, run: {run}}}\n      - if: always() && steps.s.outputs.ok != 'stop'\n        {RUN}\n"
    );
    assert_eq!(of(&late).gate, Gate::None);
}
