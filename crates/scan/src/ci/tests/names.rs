//! Names and numbers of accounts, and words of rights, as conditions and scripts compare them.

use super::gates::behind;
use super::*;

#[test]
fn attack_a_part_of_a_name_is_no_name() {
    use Gate::{If, None as Open};
    for (on, condition, gate) in [
        ("  issue_comment:", "contains('alice bob', github.actor)", Open),
        ("  issue_comment:", "contains('alice,bob', github.event.comment.user.login)", Open),
        ("  issue_comment:", "contains('[\"alice\",\"bob\"]', github.actor)", Open),
        ("  issue_comment:", "contains(vars.MAINTAINERS, github.actor)", Open),
        ("  issue_comment:", "contains(toJSON(vars.MAINTAINERS), github.actor)", Open),
        ("  issue_comment:", "contains('123 456', github.event.comment.user.id)", Open),
        ("  issue_comment:", "!contains('alice bob', github.actor)", Open),
        ("  issue_comment:", "contains(fromJSON('[\"alice\",\"bob\"]'), github.actor)", If),
        ("  issue_comment:", "contains(fromJSON(vars.MAINTAINERS), github.actor)", If),
        ("  issue_comment:", "contains(fromJSON('[123, 456]'), github.event.comment.user.id)", If),
        ("  issue_comment:", "github.event.comment.user.id == 12345", If),
        ("  issue_comment:", "12345 == github.event.comment.user.id", If),
        ("  issue_comment:", "github.event.sender.id == 12345 || github.event.comment.user.id == 7", If),
        ("  issue_comment:", "github.actor_id == 12345", If),
        ("  issue_comment:", "github.actor_id == '12345'", If),
        ("  issues:", "github.event.issue.user.id == 12345", If),
        ("  issue_comment:", "github.event.comment.user.id != 12345", Open),
        ("  issue_comment:", "github.event.issue.user.id == 12345", Open),
        ("  issue_comment:", "github.event.comment.id == 12345", Open),
        // Several names are the same number.
        ("  issue_comment:", "github.actor == 1000", Open),
        ("  pull_request_target:", "github.event.pull_request.base.user.login == 'acme'", Open),
    ] {
        let workflow = one(on, &format!("    if: >-\n      {condition}"));
        assert_eq!(workflow.gate, gate, "{on} {condition}");
    }
}

#[test]
fn attack_a_script_that_looks_for_parts_of_names_stops_nobody() {
    for (script, gate) in [
        ("[[ 'alice bob' =~ $GITHUB_ACTOR ]] || exit 1", Gate::None),
        ("[[ 'alice bob' == *\"$GITHUB_ACTOR\"* ]] || exit 1", Gate::None),
        ("echo 'alice bob' | grep -q \"$GITHUB_ACTOR\" || exit 1", Gate::None),
        ("grep -q \"$GITHUB_ACTOR\" .github/allowed.txt", Gate::None),
        ("grep -q \"^$GITHUB_ACTOR\" .github/allowed.txt", Gate::None),
        ("[[ \"$GITHUB_ACTOR\" =~ alice|bob ]] || exit 1", Gate::None),
        ("[[ \"$GITHUB_ACTOR\" =~ ^alice|bob$ ]] || exit 1", Gate::None),
        ("[[ \"$GITHUB_ACTOR\" == alice* ]] || exit 1", Gate::None),
        ("echo \"$GITHUB_ACTOR\" | grep -qE 'alice|bob' || exit 1", Gate::None),
        ("[[ ',alice,bob,' == *\",$GITHUB_ACTOR,\"* ]] || exit 1", Gate::If),
        ("grep -q \"^${GITHUB_ACTOR}$\" .github/allowed.txt", Gate::If),
        ("grep -Fxq \"$GITHUB_ACTOR\" .github/allowed.txt", Gate::If),
        ("[[ \"$GITHUB_ACTOR\" =~ ^(alice|bob)$ ]] || exit 1", Gate::If),
        ("[[ \"$GITHUB_ACTOR\" =~ ^alice$ ]] || exit 1", Gate::If),
        ("echo \"$GITHUB_ACTOR\" | grep -qE '^(alice|bob)$' || exit 1", Gate::If),
        ("echo \"$GITHUB_ACTOR\" | grep -qxE 'alice|bob' || exit 1", Gate::If),
        ("[ \"${{ github.event.comment.user.id }}\" = 12345 ] || exit 1", Gate::If),
        ("[ \"${{ github.event.comment.user.id }}\" -eq 12345 ] || exit 1", Gate::If),
        ("[ \"${{ github.event.issue.user.id }}\" = 12345 ] || exit 1", Gate::None),
    ] {
        let text = serde_json::to_string(script).unwrap();
        assert_eq!(behind("issue_comment", &format!("run: {text}")), gate, "{script}");
    }
}

#[test]
fn attack_a_word_that_strangers_have_makes_a_list_none() {
    let permission = "const { data } = await github.rest.repos.getCollaboratorPermissionLevel({ owner, repo, username: context.actor });";
    let association = "const association = context.payload.comment.author_association;";
    for (asks, test, gate) in [
        (permission, "!['admin', 'write'].includes(data.permission)", Gate::If),
        (permission, "!new Set(['admin', 'maintain']).has(data.permission)", Gate::If),
        (permission, "data.permission !== 'admin'", Gate::If),
        (permission, "data.permission === 'read' || data.permission === 'none'", Gate::If),
        (permission, "!['admin', 'write', 'read'].includes(data.permission)", Gate::None),
        (permission, "['read', 'none'].includes(data.permission)", Gate::If),
        (permission, "!['read', 'none'].includes(data.permission)", Gate::None),
        (permission, "['none'].includes(data.permission)", Gate::None),
        (permission, "![\"admin\", \"read\"].some(one => one === data.permission)", Gate::None),
        (permission, "['admin','none'].indexOf(data.permission) < 0", Gate::None),
        (permission, "data.permission === 'none'", Gate::None),
        (association, "!['OWNER', 'MEMBER'].includes(association)", Gate::If),
        (association, "!['OWNER', 'MEMBER', 'NONE'].includes(association)", Gate::None),
        (association, "!['OWNER', 'CONTRIBUTOR'].includes(association)", Gate::None),
        (association, "association === 'NONE'", Gate::None),
    ] {
        let code =
            serde_json::to_string(&format!("{asks}\nif ({test}) {{ core.setFailed('no'); }}")).unwrap();
        let step = format!("{{uses: actions/github-script@v7, with: {{script: {code}}}}}");
        assert_eq!(behind("issue_comment", &step), gate, "{test}");
    }
    let apart = format!(
        "{permission}\nconst may = [\n  'admin',\n  'read',\n];\nif (!may.includes(data.permission)) throw new Error()"
    );
    let step = format!(
        "{{uses: actions/github-script@v7, with: {{script: {}}}}}",
        serde_json::to_string(&apart).unwrap()
    );
    assert_eq!(behind("issue_comment", &step), Gate::None);
}
