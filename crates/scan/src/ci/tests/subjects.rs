//! Whose right a step asks for: only that of the one who acts is a gate.

use super::gates::{behind, told_by};
use super::*;

const WRITE: &str = "-q .permission)\" = write ] || exit 1";

/// A step that asks, for each way to ask, with the same person in it. `shell` and `code` are how that is written.
fn steps(expression: &str, code: &str) -> Vec<String> {
    let run = |script: String| format!("run: {}", serde_json::to_string(&script).unwrap());
    let by_env = |script: &str| {
        format!("{{env: {{WHO: '{expression}'}}, run: {}}}", serde_json::to_string(script).unwrap())
    };
    let script = |code: String| {
        format!(
            "{{uses: actions/github-script@v7, with: {{script: {}}}}}",
            serde_json::to_string(&code).unwrap()
        )
    };
    let asked = "github.rest.repos.getCollaboratorPermissionLevel";
    let end = "if (data.permission !== 'admin') { core.setFailed('no') }";
    vec![
        run(format!("[ \"$(gh api repos/a/b/collaborators/{expression}/permission {WRITE}")),
        run(format!(
            "P=$(gh api \"repos/a/b/collaborators/{expression}/permission\" -q .permission)\n[ \"$P\" = admin ] || exit 1"
        )),
        run(format!("gh api repos/a/b/collaborators/{expression} --silent")),
        run(format!("gh api repos/a/b/collaborators/{expression} --silent || exit 1")),
        run(format!("gh api orgs/acme/members/{expression} --silent || exit 1")),
        run(format!("curl -sf https://forge/orgs/acme/members/{expression}")),
        run(format!("WHO=\"{expression}\"\ngh api orgs/acme/teams/t/memberships/$WHO || exit 1")),
        by_env(&format!("[ \"$(gh api repos/a/b/collaborators/$WHO/permission {WRITE}")),
        by_env(
            "P=$(gh api repos/a/b/collaborators/\"${WHO}\"/permission | jq -r .role_name)\nif [ \"$P\" != admin ]; then exit 1; fi",
        ),
        by_env("gh api orgs/acme/members/$WHO --silent"),
        script(format!("const {{ data }} = await {asked}({{ owner, repo, username: {code} }});\n{end}")),
        script(format!(
            "const username = {code};\nconst {{ data }} = await {asked}({{ owner, repo, username }});\n{end}"
        )),
        script(format!(
            "await github.rest.orgs.checkMembershipForUser({{ org: 'acme', username: {code} }}).catch(() => process.exit(1))"
        )),
        format!(
            "{{uses: prince-chrismc/check-actor-permissions-action@v3, with: {{permission: write, username: '{expression}'}}}}"
        ),
    ]
}

#[test]
fn attack_a_right_of_somebody_else_is_no_gate() {
    for (on, expression, code) in [
        ("issue_comment", "${{ github.event.issue.user.login }}", "context.payload.issue.user.login"),
        ("issue_comment", "${{ github.repository_owner }}", "context.repo.owner"),
        (
            "issue_comment",
            "${{github.event.repository.owner.login}}",
            "context.payload.repository.owner.login",
        ),
        ("issue_comment", "octocat", "'octocat'"),
        (
            "discussion_comment",
            "${{ github.event.discussion.user.login }}",
            "context.payload.discussion.user.login",
        ),
        (
            "pull_request_review",
            "${{ github.event.pull_request.user.login }}",
            "context.payload.pull_request?.user?.login",
        ),
        ("issues", "${{ github.event.issue.assignee.login }}", "context.payload.issue.assignee.login"),
        ("pull_request_target", "${{ github.event.pull_request.base.user.login }}", "context.repo.owner"),
    ] {
        for step in steps(expression, code) {
            assert_eq!(behind(on, &step), Gate::None, "{on} {step}");
        }
    }
}

#[test]
fn the_right_of_whoever_acts_is_a_gate() {
    for (on, expression, code) in [
        ("issue_comment", "${{ github.actor }}", "context.actor"),
        ("issue_comment", "${{ github.triggering_actor }}", "process.env.GITHUB_TRIGGERING_ACTOR"),
        ("issue_comment", "${{ github.event.comment.user.login }}", "context.payload.comment.user.login"),
        ("issue_comment", "${{ github.event.sender.login }}", "context.payload.sender.login"),
        ("issues", "${{ github.event.issue.user.login }}", "context.payload.issue.user.login"),
        ("discussion", "${{ github.event.discussion.user.login }}", "context.payload.discussion.user.login"),
        (
            "pull_request_target",
            "${{ github.event.pull_request.user.login }}",
            "context.payload.pull_request.user.login",
        ),
        ("pull_request_review", "${{ github.event.review.user.login }}", "context.payload.review.user.login"),
        // Whose it is cannot be told.
        ("issue_comment", "${{ inputs.who }}", "who()"),
        (
            "issue_comment",
            "${{ github.event.comment.user.login || github.event.issue.user.login }}",
            "a.b || c",
        ),
    ] {
        for step in steps(expression, code) {
            assert_eq!(behind(on, &step), Gate::If, "{on} {step}");
        }
    }
}

#[test]
fn attack_what_the_author_of_a_thread_is_says_nothing_of_who_answers() {
    for (on, of, gate) in [
        ("issue_comment", "issue", Gate::None),
        ("discussion_comment", "discussion", Gate::None),
        ("pull_request_review_comment", "pull_request", Gate::None),
        ("issue_comment", "comment", Gate::If),
        ("issues", "issue", Gate::If),
        ("pull_request_target", "pull_request", Gate::If),
        ("pull_request_review", "review", Gate::If),
    ] {
        let path = format!("github.event.{of}.author_association");
        for step in [
            format!("{{env: {{V: '${{{{ {path} }}}}'}}, run: '[ \"$V\" = OWNER ] || exit 1'}}"),
            format!("run: '[ \"${{{{ {path} }}}}\" = OWNER ] || exit 1'"),
            format!(
                "{{uses: actions/github-script@v7, with: {{script: \"if (context.payload.{of}.author_association !== 'OWNER') throw new Error()\"}}}}"
            ),
        ] {
            assert_eq!(behind(on, &step), gate, "{on} {step}");
        }
    }
}

#[test]
fn attack_an_answer_about_somebody_else_is_none_where_it_is_asked_for() {
    let owner = "${{ github.event.issue.user.login }}";
    for (who, gate) in [(owner, Gate::None), ("octocat", Gate::None), ("${{ github.actor }}", Gate::If)] {
        for step in [
            format!(
                "{{id: s, uses: actions-cool/check-user-permission@v2, with: {{require: write, username: '{who}'}}}}"
            ),
            format!(
                "{{id: s, env: {{WHO: '{who}'}}, run: 'if gh api orgs/acme/members/$WHO --silent; then echo ok=true >> $GITHUB_OUTPUT; fi'}}"
            ),
            format!(
                "{{id: s, continue-on-error: true, env: {{WHO: '{who}'}}, run: 'gh api orgs/acme/members/$WHO --silent'}}"
            ),
        ] {
            let condition = if step.contains("check-user") {
                "steps.s.outputs.require-result == 'true'"
            } else if step.contains("continue") {
                "steps.s.outcome == 'success'"
            } else {
                "steps.s.outputs.ok == 'true'"
            };
            assert_eq!(told_by(&step, condition), gate, "{step}");
        }
    }
}

/// One workflow with several triggers: each is asked about by itself.
#[test]
fn attack_a_gate_at_one_event_is_none_at_another() {
    let step = "run: gh api orgs/acme/members/${{ github.event.issue.user.login }} --silent";
    let text = format!(
        "on: [issues, issue_comment]\npermissions: {{}}\njobs:\n  a:\n    steps:\n      - {step}\n  b:\n    needs: a\n    steps:\n      - run: claude -p x\n        env: {{KEY: '${{{{ secrets.KEY }}}}'}}\n"
    );
    let found = of(&text);
    assert_eq!(found.agents[0].outsider_by, ["issue_comment"]);
    assert_eq!(found.gate, Gate::None);
}
