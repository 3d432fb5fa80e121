//! Git by HTTP.

use super::*;

#[test]
fn git_is_named_and_its_pushes_are_handed_on() {
    for (text, step, repository) in [
        (
            "GET https://github.com/o/r.git/info/refs?service=git-upload-pack",
            GitStep::FetchRefs,
            "github.com/o/r",
        ),
        ("POST https://github.com/o/r/git-upload-pack\n\nx", GitStep::Fetch, "github.com/o/r"),
        (
            "GET https://github.com/o/r/info/refs?service=git-receive-pack",
            GitStep::PushRefs,
            "github.com/o/r",
        ),
        (
            "POST https://forge.example:8443/t/a.git/git-receive-pack\n\nx",
            GitStep::Push,
            "forge.example:8443/t/a",
        ),
        (
            "POST https://github.com/o/r.git/info/lfs/objects/batch\n\n{}",
            GitStep::LargeFiles,
            "github.com/o/r",
        ),
        ("GET https://github.com/o/r/info/refs", GitStep::Dumb, "github.com/o/r"),
        (
            "GET https://github.com/o/r/info/refs?service=git-upload-pack&service=git-receive-pack",
            GitStep::Dumb,
            "github.com/o/r",
        ),
        ("GET https://github.com/o/r.git/objects/info/packs", GitStep::Dumb, "github.com/o/r"),
    ] {
        let found = git_service(&request(text)).unwrap();
        assert_eq!(
            (found.step, found.repository.as_str(), found.is_plain),
            (step, repository, true),
            "{text}"
        );
    }
    for text in [
        "GET https://github.com/o/r",
        "GET https://x.example/info",
        "POST https://x.example/upload-pack\n\nx",
    ] {
        assert_eq!(git_service(&request(text)), None, "{text}");
    }
    let odd = git_service(&request("POST https://github.com/o/x/../r/git-receive-pack\n\nx")).unwrap();
    assert!(!odd.is_plain && odd.step == GitStep::Push);
    let hidden = git_service(&request("POST https://github.com/o/r%2Fgit-receive-pack\n\nx")).unwrap();
    assert!(!hidden.is_plain);
    check(&[
        ("GET https://github.com/o/r/info/refs?service=git-upload-pack", "network Ref github.com/o/r#"),
        ("POST https://github.com/o/r/git-receive-pack\n\nx", "git-push Unknown"),
        // A tunnel that nobody looks into.
        ("CONNECT https://github.com/", UNKNOWN),
        ("CONNECT https://files.example/", ""),
        (
            "POST https://github.com/o/r.git/info/lfs/objects/batch\n\n{\"operation\":\"upload\"}",
            "git-push Ref github.com/o/r#",
        ),
        (
            "POST https://github.com/o/r.git/info/lfs/objects/batch\n\n{\"operation\":\"upload\",\"ref\":{\"name\":\"refs/heads/fix\"}}",
            "git-push Ref github.com/o/r#fix",
        ),
        // What is no branch is named by nobody.
        (
            "POST https://github.com/o/r.git/info/lfs/objects/batch\n\n{\"operation\":\"upload\",\"ref\":{\"name\":\"refs/tags/v1\"}}",
            "git-push Ref github.com/o/r#",
        ),
        (
            "POST https://github.com/o/r.git/info/lfs/objects/batch\n\n{\"operation\":\"download\"}",
            "network Ref github.com/o/r#",
        ),
        ("POST https://github.com/o/r.git/info/lfs/objects/batch\n\n[]", UNKNOWN),
        ("GET https://github.com/o/r.git/objects/info/packs", UNKNOWN),
        (
            "POST https://github.com/o/r/git-upload-pack\ncontent-type: application/x-git-upload-pack-request\n\nx",
            "network Ref github.com/o/r#",
        ),
        (
            "POST https://github.com/o/x/../r/git-upload-pack\ncontent-type: application/x-git-upload-pack-request\n\nx",
            "network Ref github.com/o/r#; unknown Unknown",
        ),
    ]);
}

/// An operation of a forge, or anything else, under an address that ends like git's is no fetch.
#[test]
fn what_only_ends_like_git_is_what_it_is() {
    const OWN: &str = "content-type: application/x-git-upload-pack-request";
    let mut wrong = Vec::new();
    for (address, head, expected) in [
        ("POST https://github.com/o/r.git/git-upload-pack", "", UNKNOWN),
        ("POST https://github.com/o/r.git/git-upload-pack", "content-type: application/json", UNKNOWN),
        (
            "POST https://github.com/o/r.git/git-upload-pack",
            "content-type: application/x-git-upload-pack-request; charset=utf-8",
            UNKNOWN,
        ),
        (
            "POST https://github.com/o/r.git/git-upload-pack",
            "content-type: application/x-git-upload-pack-request\ncontent-type: application/json",
            UNKNOWN,
        ),
        (
            "POST https://github.com/o/r.git/git-upload-pack",
            "content-type: application/x-git-receive-pack-request",
            UNKNOWN,
        ),
        (
            "POST https://github.com/o/r/releases/git-upload-pack",
            OWN,
            "network Ref github.com/o/r/releases#; unknown Unknown",
        ),
        (
            "POST https://api.github.com/repos/o/r/git-upload-pack",
            OWN,
            "network Ref api.github.com/repos/o/r#; unknown Unknown",
        ),
        (
            "PUT https://api.github.com/repos/o/r/contents/git-upload-pack",
            OWN,
            "unknown Unknown ; git-push Ref github.com/o/r#; write-workspace Path git-upload-pack",
        ),
        (
            "PUT https://api.github.com/repos/o/r/actions/secrets/git-receive-pack",
            "",
            "unknown Unknown ; identity-change Secret",
        ),
        (
            "POST https://gitlab.com/api/v4/projects/1/repository/tags/git-upload-pack",
            OWN,
            "network Ref gitlab.com/api/v4/projects/1/repository/tags#; unknown Unknown",
        ),
        (
            "DELETE https://registry.example/v2/library/app/manifests/git-upload-pack",
            OWN,
            "unknown Unknown ; destructive Package",
        ),
        ("POST https://git.example/team/app.git/git-upload-pack", OWN, "network Ref git.example/team/app#"),
    ] {
        let text = format!("{address}\n{head}\n\nx").replace("\n\n\n", "\n\n");
        let found = told(request(&text), &KnownHosts::default());
        let is_same = found == expected || (expected != UNKNOWN && found.starts_with(expected));
        if !is_same {
            wrong.push(format!("{address} {head}\n  {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
