//! What the shipped profiles answer, and what is said of it.

use super::*;

pub(super) fn answer(kind: TaskKind, request: Request) -> String {
    let known = KnownHosts { origin: Some("github.com/acme/shop".into()), ..KnownHosts::default() };
    let judge = judge(kind, Supervision::Governed).knowing(known);
    let judgement = judge.judge(call(Operation::Request(Box::new(request))), &moment(), &Lexical);
    match (judgement.ruling().decision.approval, &judgement) {
        (Some(ApprovalLevel::OnePerson), _) => "one".to_owned(),
        (Some(ApprovalLevel::AnotherPerson), _) => "other".to_owned(),
        (Some(ApprovalLevel::TwoPeople), _) => "two".to_owned(),
        (Some(ApprovalLevel::Role), _) => "role".to_owned(),
        (None, Judgement::Permit(_)) => "allow".to_owned(),
        (None, Judgement::Denied(_) | Judgement::StepUp(_)) => "-".to_owned(),
    }
}

#[test]
fn shipped_profiles_answer_requests() {
    const KINDS: [TaskKind; 5] =
        [TaskKind::Feature, TaskKind::Docs, TaskKind::Release, TaskKind::Ops, TaskKind::Review];
    for (text, answers) in [
        ("GET https://github.com/acme/shop.git/info/refs?service=git-upload-pack", ["allow"; 5]),
        // Outside the sandbox it is a service of the machine around it, which a person names.
        ("GET http://localhost:3000/", ["one"; 5]),
        // Large files for a push to the task's own branch are part of it, and for another are not.
        (
            "POST https://github.com/acme/shop.git/info/lfs/objects/batch\n\n{\"operation\":\"upload\",\"ref\":{\"name\":\"refs/heads/writ/fix-1\"}}",
            ["allow", "allow", "allow", "allow", "-"],
        ),
        (
            "POST https://github.com/acme/shop.git/info/lfs/objects/batch\n\n{\"operation\":\"upload\",\"ref\":{\"name\":\"refs/heads/main\"}}",
            ["one", "one", "one", "one", "-"],
        ),
        ("GET https://api.github.com/repos/acme/shop/pulls", ["one"; 5]),
        ("POST https://api.github.com/repos/acme/shop/pulls\n\n{}", ["one"; 5]),
        ("PUT https://api.github.com/repos/acme/shop/pulls/1/merge", ["other", "-", "one", "other", "-"]),
        ("POST https://api.github.com/repos/acme/shop/releases\n\n{}", ["other", "-", "one", "other", "-"]),
        ("POST https://api.github.com/repos/acme/shop/dispatches\n\n{}", ["-", "-", "one", "one", "-"]),
        ("PUT https://api.github.com/repos/acme/shop/actions/secrets/A\n\n{}", ["-", "-", "-", "other", "-"]),
        (
            "DELETE https://api.github.com/repos/acme/shop/branches/main/protection",
            ["-", "-", "-", "other", "-"],
        ),
        ("POST https://api.github.com/repos/acme/shop/keys\n\n{}", ["-", "-", "-", "other", "-"]),
        ("POST https://api.github.com/repos/acme/shop/hooks\n\n{}", ["-", "-", "-", "other", "-"]),
        ("PUT https://any.example/api/v1/crates/new\n\nx", ["other", "-", "one", "other", "-"]),
        (
            "PATCH https://k.example/apis/apps/v1/namespaces/a/deployments/d\n\n{}",
            ["-", "-", "one", "one", "-"],
        ),
        ("DELETE https://k.example/api/v1/namespaces/a", ["-", "-", "-", "two", "-"]),
    ] {
        let found = KINDS.map(|kind| answer(kind, request(text)));
        assert_eq!(found, answers, "{text}");
    }
}

#[test]
fn a_credential_that_writ_did_not_place_is_refused_where_it_matters() {
    let foreign = |text: &str| Request { account: Account::Foreign, ..request(text) };
    let lent = |text: &str| Request { account: Account::Lent(Label::lossy("forge")), ..request(text) };
    for (text, answers) in [
        ("GET https://api.github.com/repos/acme/shop/pulls", ["one", "-"]),
        ("POST https://api.github.com/gists\n\n{}", ["other", "-"]),
        ("GET https://git.example/api/v4/projects/1", ["one", "-"]),
        ("GET https://github.com/acme/shop.git/info/refs?service=git-upload-pack", ["allow", "-"]),
        ("GET https://b.s3.eu-west-1.amazonaws.com/k", ["one", "-"]),
        ("PUT https://any.example/shop\n\n{\"_attachments\":{}}", ["other", "-"]),
        ("POST https://api.github.com.evil.example/x\n\nx", ["one", "one"]),
        ("GET http://localhost:3000/", ["one", "one"]),
    ] {
        let found = [answer(TaskKind::Feature, lent(text)), answer(TaskKind::Feature, foreign(text))];
        assert_eq!(found, answers, "{text}");
    }
    let judge = judge(TaskKind::Feature, Supervision::Governed);
    let request = foreign("GET https://api.github.com/user");
    let judgement = judge.judge(call(Operation::Request(Box::new(request))), &moment(), &Lexical);
    let Judgement::Denied(denial) = judgement else { panic!("not denied") };
    assert!(denial.to_agent().contains("Writ puts on the task's own"), "{}", denial.to_agent());
}

/// A command that writes a request out asks for what the request asks for.
#[test]
fn a_command_and_the_request_it_sends_are_one_thing() {
    let of_command = |command: &str| {
        let operation = Operation::Shell { command: command.to_owned() };
        writ_policy::actions_of(&call(operation), &workspace(), &Lexical)
    };
    for (command, sent) in [
        ("gh api -X PUT repos/o/r/pulls/1/merge", "PUT https://api.github.com/repos/o/r/pulls/1/merge"),
        (
            "gh api --method=PUT /repos/o/r/pulls/1/merge",
            "PUT https://api.github.com/repos/o/r/pulls/1/merge",
        ),
        (
            "curl -X PUT https://api.github.com/repos/o/r/pulls/1/merge",
            "PUT https://api.github.com/repos/o/r/pulls/1/merge",
        ),
        (
            "curl -sXPUT -H 'Accept: x' https://api.github.com/repos/o/r/pulls/1/merge -d '{}'",
            "PUT https://api.github.com/repos/o/r/pulls/1/merge\n\n{}",
        ),
        (
            "gh api repos/o/r/releases -f tag_name=v1",
            "POST https://api.github.com/repos/o/r/releases\n\n{\"tag_name\":\"v1\"}",
        ),
        (
            "gh api repos/o/r/pulls/1/reviews -f event=APPROVE",
            "POST https://api.github.com/repos/o/r/pulls/1/reviews\n\n{\"event\":\"APPROVE\"}",
        ),
        (
            "gh api repos/o/r/secret-scanning/alerts",
            "GET https://api.github.com/repos/o/r/secret-scanning/alerts",
        ),
        ("gh api --hostname git.example -X DELETE repos/o/r", "DELETE https://git.example/api/v3/repos/o/r"),
        (
            "gh api graphql -f query='mutation { mergePullRequest(input: {}) { x } }'",
            "POST https://api.github.com/graphql\n\n{\"query\":\"mutation { mergePullRequest(input: {}) { x } }\"}",
        ),
        (
            "glab api -X PUT projects/1/merge_requests/7/merge",
            "PUT https://gitlab.com/api/v4/projects/1/merge_requests/7/merge",
        ),
        (
            "curl -X POST https://gitlab.com/api/v4/projects/1/pipeline?ref=main",
            "POST https://gitlab.com/api/v4/projects/1/pipeline?ref=main",
        ),
        (
            "curl -T app-1.0.jar https://any.example/org/acme/app/1.0/app-1.0.jar",
            "PUT https://any.example/org/acme/app/1.0/app-1.0.jar\n\nx",
        ),
        (
            "curl -F ':action=file_upload' -F name=shop https://any.example/",
            "POST https://any.example/\ncontent-type: multipart/form-data\n\nform-data; name=\":action\"\n\nx\nform-data; name=\"name\"\n\nshop\n",
        ),
        (
            "curl https://k.example/api/v1/namespaces/a/secrets",
            "GET https://k.example/api/v1/namespaces/a/secrets",
        ),
        (
            "curl -d 'Action=CreateUser' https://iam.amazonaws.com/",
            "POST https://iam.amazonaws.com/\ncontent-type: application/x-www-form-urlencoded\n\nAction=CreateUser",
        ),
    ] {
        let by_command = of_command(command);
        for action in actions(request(sent), &KnownHosts::default()) {
            if action.resource.kind() == "Host" {
                continue;
            }
            let has =
                by_command.iter().any(|own| own.effect == action.effect && own.resource == action.resource);
            assert!(has, "{command} is not {action:?}: {by_command:#?}");
        }
    }
    // What only a run tells is left to the program's own row.
    for command in [
        "gh api -X DELETE \"repos/$REPO\"",
        "gh api -X DELETE \"repos/o/$NAME\"",
        "curl -X DELETE https://api.github.com/repos/o/$NAME",
    ] {
        let found = of_command(command);
        assert!(found.iter().any(|own| own.effect.name() == "git-push"), "{command}");
        assert!(!found.iter().any(|own| own.effect.name() == "destructive"), "{command}");
    }
}

#[test]
fn a_hint_fits_the_request_that_was_refused() {
    for (kind, text, said) in [
        (
            TaskKind::Feature,
            "POST https://api.github.com/repos/acme/shop/pulls\n\n{}",
            "let the person send it",
        ),
        (
            TaskKind::Feature,
            "POST https://api.github.com/graphql\n\n{\"query\":\"mutation{addComment(input:{}){clientMutationId}}\"}",
            "let the person send it",
        ),
        (
            TaskKind::Feature,
            "POST https://api.github.com/repos/acme/shop/pulls/7/reviews\ncontent-type: application/json\n\n{\"event\":\"APPROVE\"}",
            "leave",
        ),
        (TaskKind::Feature, "PUT https://api.github.com/repos/acme/shop/pulls/1/merge", "what is ready"),
        (TaskKind::Feature, "POST https://api.github.com/repos/acme/shop/releases\n\n{}", "what is ready"),
        (
            TaskKind::Feature,
            "POST https://api.github.com/graphql\n\n{\"query\":\"mutation{anything}\"}",
            "one plain request",
        ),
        (TaskKind::Feature, "FROB https://api.github.com/repos/acme/shop", "one plain request"),
        (
            TaskKind::Feature,
            "PATCH https://api.github.com/repos/acme/shop/git/refs/heads/main\n\n{\"sha\":\"a\"}",
            "Push to a branch",
        ),
    ] {
        let known = KnownHosts { origin: Some("github.com/acme/shop".into()), ..KnownHosts::default() };
        let judge = judge(kind, Supervision::Governed).knowing(known);
        let told = match judge.judge(call(Operation::Request(Box::new(request(text)))), &moment(), &Lexical) {
            Judgement::Denied(denial) => denial.to_agent().to_owned(),
            Judgement::StepUp(held) => held.to_agent().to_owned(),
            Judgement::Permit(_) => "allowed".to_owned(),
        };
        assert!(told.contains(said) && !told.contains("generated code"), "{text}\n{told}");
        assert!(said == "Push to a branch" || !told.contains("Push to a branch"), "{text}\n{told}");
    }
}
