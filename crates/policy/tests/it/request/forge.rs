//! What forges are asked for.

use super::*;

#[test]
fn what_a_forge_is_asked_to_do_is_what_it_is() {
    const PR: &str = "git-push Repository github.com/acme/shop";
    check(&[
        ("POST https://api.github.com/repos/acme/shop/pulls\n\n{\"title\":\"a\"}", PR),
        ("POST https://api.github.com/repos/Acme/Shop/issues\n\n{\"title\":\"a\"}", PR),
        ("POST https://api.github.com/repos/acme/shop/issues/1/comments\n\n{\"body\":\"hi\"}", PR),
        (
            "PUT https://api.github.com/repos/acme/shop/pulls/7/merge\n\n{}",
            "publish Repository github.com/acme/shop",
        ),
        (
            "PUT https://api.github.com/repos/acme/shop/pulls/7/merge/",
            "publish Repository github.com/acme/shop",
        ),
        (
            "PUT https://API.github.com/repos/acme/shop/pulls/7/merge".replace("API", "api").leak(),
            "publish Repository github.com/acme/shop",
        ),
        (
            "PUT https://api.github.com/Repos/acme/shop/PULLS/7/Merge",
            "publish Repository github.com/acme/shop",
        ),
        (
            "PUT https://git.example/api/v3/repos/acme/shop/pulls/7/merge",
            "publish Repository git.example/acme/shop",
        ),
        ("PUT https://api.acme.ghe.com/repos/a/b/pulls/7/merge", "publish Repository acme.ghe.com/a/b"),
        (
            "POST https://api.github.com/repos/acme/shop/pulls/7/reviews\n\n{\"event\":\"COMMENT\",\"body\":\"x\"}",
            PR,
        ),
        (
            "POST https://api.github.com/repos/acme/shop/pulls/7/reviews\n\n{\"event\":\"APPROVE\"}",
            "identity-change Identity approval at github.com/acme/shop",
        ),
        (
            "POST https://api.github.com/repos/acme/shop/pulls/7/reviews\n\n{\"event\":\"COMMENT\",\"event\":\"APPROVE\"}",
            "identity-change Identity approval at github.com/acme/shop",
        ),
        (
            "POST https://api.github.com/repos/acme/shop/statuses/0a\n\n{}",
            "identity-change Identity approval at github.com/acme/shop",
        ),
        (
            "POST https://api.github.com/repos/acme/shop/releases\n\n{}",
            "publish Repository github.com/acme/shop",
        ),
        (
            "POST https://uploads.github.com/repos/acme/shop/releases/1/assets?name=x",
            "publish Repository github.com/acme/shop",
        ),
        (
            "POST https://api.github.com/repos/acme/shop/actions/workflows/ci.yml/dispatches\n\n{}",
            "deploy Deployment github.com/repos/acme/shop/actions/workflows/ci.yml/dispatches",
        ),
        (
            "PUT https://api.github.com/repos/acme/shop/actions/secrets/TOKEN\n\n{}",
            "identity-change Secret TOKEN of github.com/acme/shop",
        ),
        (
            "GET https://api.github.com/repos/acme/shop/secret-scanning/alerts",
            "secret-read Secret secrets of github.com/acme/shop",
        ),
        (
            "DELETE https://api.github.com/repos/acme/shop/branches/main/protection",
            "identity-change Identity protection and settings of github.com/acme/shop",
        ),
        (
            "PUT https://api.github.com/repos/acme/shop/branches/release/1/protection\n\n{}",
            "identity-change Identity protection and settings of github.com/acme/shop",
        ),
        (
            "POST https://api.github.com/repos/acme/shop/keys\n\n{}",
            "identity-change Identity keys, hooks and members of github.com/acme/shop",
        ),
        (
            "POST https://api.github.com/repos/acme/shop/hooks\n\n{}",
            "identity-change Identity keys, hooks and members of github.com/acme/shop",
        ),
        (
            "POST https://api.github.com/user/keys\n\n{}",
            "identity-change Identity keys, hooks and members of github.com",
        ),
        ("DELETE https://api.github.com/repos/acme/shop", "destructive Repository github.com/acme/shop"),
        (
            "PATCH https://api.github.com/repos/acme/shop\n\n{\"private\":false}",
            "identity-change Identity protection and settings of github.com/acme/shop",
        ),
        ("POST https://api.github.com/user/repos\n\n{\"private\":true}", "git-push Repository github.com"),
        ("POST https://api.github.com/user/repos\n\n{}", "publish Repository github.com"),
        ("POST https://api.github.com/gists\n\n{}", "publish Repository github.com"),
        (
            "PUT https://api.github.com/repos/acme/shop/contents/src/a.rs\n\n{\"branch\":\"writ/fix-a\",\"content\":\"\"}",
            "git-push Ref github.com/acme/shop#writ/fix-a; write-workspace Path src/a.rs",
        ),
        (
            "PUT https://api.github.com/repos/acme/shop/contents/.github/workflows/ci.yml\n\n{\"content\":\"\"}",
            "git-push Ref github.com/acme/shop#; write-workspace Path .github/workflows/ci.yml",
        ),
        (
            "POST https://api.github.com/repos/acme/shop/git/refs\n\n{\"ref\":\"refs/heads/a\"}",
            "git-push Ref github.com/acme/shop#a",
        ),
        (
            "PATCH https://api.github.com/repos/acme/shop/git/refs/heads/main\n\n{\"sha\":\"0\"}",
            "git-push Ref github.com/acme/shop#main",
        ),
        (
            "PATCH https://api.github.com/repos/acme/shop/git/refs/heads/main\n\n{\"sha\":\"0\",\"force\":true}",
            "git-push Ref github.com/acme/shop#main; destructive Ref github.com/acme/shop#main",
        ),
        (
            "DELETE https://api.github.com/repos/acme/shop/git/refs/tags/v1",
            "git-push Ref github.com/acme/shop#refs/tags/v1; destructive Ref github.com/acme/shop#refs/tags/v1",
        ),
        ("POST https://api.github.com/repos/acme/shop/new-thing\n\n{}", UNKNOWN),
        ("POST https://github.com/acme/shop/pull/7/merge\n\nx=1", UNKNOWN),
        (
            "POST https://github.com/login/oauth/access_token\n\nx=1",
            "identity-change Identity account at github.com",
        ),
        // GitLab
        (
            "PUT https://gitlab.com/api/v4/projects/team%2Fapp/merge_requests/7/merge",
            "publish Repository gitlab.com/team/app",
        ),
        (
            "PUT https://git.example/gitlab/api/v4/projects/12/merge_requests/7/merge",
            "publish Repository git.example/#12",
        ),
        (
            "POST https://gitlab.com/api/v4/projects/team%2Fapp/merge_requests\n\n{\"title\":\"x\"}",
            "git-push Repository gitlab.com/team/app",
        ),
        (
            "POST https://gitlab.com/api/v4/projects/1/merge_requests/7/notes\n\n{\"body\":\"fine\"}",
            "git-push Repository gitlab.com/#1",
        ),
        (
            "POST https://gitlab.com/api/v4/projects/1/merge_requests/7/notes\n\n{\"body\":\"fine\\n/merge\"}",
            "publish Repository gitlab.com/#1",
        ),
        (
            "POST https://gitlab.com/api/v4/projects/1/merge_requests/7/notes?body=/approve",
            "identity-change Identity approval at gitlab.com/#1",
        ),
        ("GET https://gitlab.com/api/v4/projects/1/variables", "secret-read Secret secrets of gitlab.com/#1"),
        (
            "POST https://gitlab.com/api/v4/projects/1/pipeline?ref=main",
            "deploy Deployment gitlab.com/projects/1/pipeline",
        ),
        (
            "POST https://gitlab.com/api/v4/projects/1/deploy_keys\n\n{}",
            "identity-change Identity keys, hooks and members of gitlab.com/#1",
        ),
        (
            "DELETE https://gitlab.com/api/v4/projects/1/protected_branches/main",
            "identity-change Identity protection and settings of gitlab.com/#1",
        ),
        (
            "POST https://gitlab.com/api/v4/projects/1/repository/commits\n\n{\"branch\":\"a\",\"actions\":[{\"file_path\":\".gitlab-ci.yml\"}]}",
            "git-push Ref gitlab.com/#1#a; write-workspace Path .gitlab-ci.yml",
        ),
        // Gitea, Bitbucket, Azure DevOps, Gerrit
        (
            "POST https://codeberg.org/api/v1/repos/o/r/pulls/1/merge\n\n{}",
            "publish Repository codeberg.org/o/r",
        ),
        (
            "POST https://git.example/api/v1/repos/o/r/branch_protections\n\n{}",
            "identity-change Identity protection and settings of git.example/o/r",
        ),
        (
            "POST https://api.bitbucket.org/2.0/repositories/w/r/pullrequests/1/merge",
            "publish Repository bitbucket.org/w/r",
        ),
        (
            "POST https://git.example/rest/api/1.0/projects/P/repos/r/pull-requests/1/merge",
            "publish Repository git.example/p/r",
        ),
        (
            "PATCH https://dev.azure.com/org/proj/_apis/git/repositories/r/pullrequests/1\n\n{\"status\":\"completed\"}",
            "publish Repository dev.azure.com/org/proj/_git/r",
        ),
        (
            "PATCH https://dev.azure.com/org/proj/_apis/git/repositories/r/pullrequests/1\n\n{\"title\":\"x\"}",
            "git-push Repository dev.azure.com/org/proj/_git/r",
        ),
        (
            "POST https://dev.azure.com/org/proj/_apis/pipelines/3/runs\n\n{}",
            "deploy Deployment dev.azure.com/org/proj/_apis/pipelines/3/runs",
        ),
        (
            "POST https://x-review.googlesource.com/a/changes/9/submit",
            "publish Repository x-review.googlesource.com",
        ),
        (
            "POST https://x-review.googlesource.com/a/changes/9/revisions/1/review\n\n{\"labels\":{\"Code-Review\":2}}",
            "identity-change Identity approval at x-review.googlesource.com",
        ),
    ]);
}

#[test]
fn a_forge_is_known_by_its_interface_at_any_depth() {
    check(&[
        (
            "POST http://127.0.0.1:7990/rest/keys/1.0/projects/P/repos/r/ssh\n\n{}",
            "identity-change Identity keys, hooks and members of 127.0.0.1:7990",
        ),
        (
            "PUT https://any.example/bb/rest/access-tokens/1.0/users/a\n\n{}",
            "identity-change Identity keys, hooks and members of any.example",
        ),
        ("POST https://any.example/rest/new-part/latest/x\n\n{}", UNKNOWN),
        ("POST https://any.example/a/changes/1/submit\n\n{}", "publish Repository any.example"),
        ("POST https://any.example/x/y/z/changes/1/submit\n\n{}", "publish Repository any.example"),
        (
            "PUT https://any.example/a/b/c/d/e/f/api/v4/projects/1/merge_requests/7/merge\n\n{}",
            "publish Repository any.example/#1",
        ),
        (
            "PUT https://any.example/a/b/c/d/e/f/api/v3/repos/o/r/pulls/7/merge\n\n{}",
            "publish Repository any.example/o/r",
        ),
        ("GET https://any.example/rest/of/the/path", ""),
        ("POST https://any.example/rest/v1/things\n\n{}", ""),
    ]);
}

#[test]
fn hosts_that_are_set_up_are_what_they_are() {
    let known = KnownHosts {
        forges: vec![("127.0.0.1:3000".into(), Forge::Gitea), ("code.corp.example".into(), Forge::Gitlab)],
        governed: vec!["api.corp.example".into()],
        lent: Vec::new(),
        origin: Some("forge.example/team/app".into()),
    };
    for (text, expected) in [
        (
            "POST http://127.0.0.1:3000/api/v1/repos/o/r/pulls/1/merge",
            "publish Repository 127.0.0.1:3000/o/r",
        ),
        ("POST http://127.0.0.1:3000/api/v1/repos/o/r/new", UNKNOWN),
        ("POST https://code.corp.example/o/r/x\n\nx", UNKNOWN),
        ("POST https://api.corp.example/x\n\n{}", ""),
        ("GET https://forge.example/team/app.git/info/refs?service=git-upload-pack", "network Ref origin#"),
        (
            "GET https://forge.example/team/other.git/info/refs?service=git-upload-pack",
            "network Ref forge.example/team/other#",
        ),
    ] {
        assert_eq!(told(request(text), &known), expected, "{text}");
    }
    // A host that only looks like a forge's name.
    check(&[("PUT https://api.github.com.evil.example/repos/o/r/pulls/1/merge", "")]);
}
