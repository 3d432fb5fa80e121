//! Packages that are published.

use writ_model::Digest;

use super::answer::answer;
use super::*;

#[test]
fn publishing_is_publishing_at_any_host() {
    const FORM: &str = "content-type: multipart/form-data; boundary=x\n\n--x\r\nContent-Disposition: form-data; name=\":action\"\r\n\r\nfile_upload\r\n--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nShop\r\n--x--";
    check(&[
        ("PUT https://any.example/shop\n\n{\"name\":\"shop\",\"_attachments\":{}}", "publish Package shop"),
        ("PUT https://any.example/@acme%2fshop\n\n{\"_attachments\":{}}", "publish Package @acme/shop"),
        (
            "PUT https://any.example/npm/team/shop\n\n{\"name\":\"shop\",\"versions\":{},\"dist-tags\":{}}",
            "publish Package shop",
        ),
        ("DELETE https://any.example/shop/-rev/3-a", "destructive Package shop"),
        ("PUT https://any.example/shop/-rev/3-a\n\n{}", "destructive Package shop"),
        ("DELETE https://any.example/shop/-/shop-1.tgz/-rev/3-a", "destructive Package shop"),
        ("PUT https://any.example/-/package/shop/dist-tags/latest\n\n\"1\"", "publish Package shop"),
        (
            "PUT https://any.example/-/user/org.couchdb.user:a\n\n{}",
            "identity-change Identity account at any.example",
        ),
        (format!("POST https://any.example/upload\n{FORM}").leak(), "publish Package shop"),
        ("PUT https://any.example/api/v1/crates/new\n\nx", "publish Package *"),
        ("PUT http://127.0.0.1:8080/api/v1/crates/new\n\nx", "publish Package *"),
        (
            "PUT https://any.example/api/v1/crates/new\n\n\x19\0\0\0{\"name\":\"a\",\"vers\":\"1.0\"}",
            "publish Package a@1.0",
        ),
        ("DELETE https://any.example/api/v1/crates/shop/1.0.0/yank", "destructive Package shop@1.0.0"),
        (
            "PUT https://any.example/api/v1/crates/shop/owners\n\n{}",
            "identity-change Identity account at any.example",
        ),
        ("POST https://any.example/api/v1/gems\n\nx", "publish Package *"),
        ("DELETE https://any.example/api/v1/gems/yank?gem_name=x", "destructive Package *"),
        ("PUT https://any.example/api/v2/package/\n\nx", "publish Package *"),
        ("PUT https://any.example/v2/acme/shop/manifests/1.0\n\n{}", "publish Package acme/shop@1.0"),
        ("POST https://any.example/v2/acme/shop/blobs/uploads/", "publish Package acme/shop"),
        ("PATCH https://any.example/v2/acme/shop/blobs/uploads/7\n\nx", "publish Package acme/shop"),
        ("DELETE https://any.example/v2/acme/shop/manifests/1.0", "destructive Package acme/shop@1.0"),
        (
            "PUT https://any.example/maven/org/acme/shop/1.0/shop-1.0.jar\n\nx",
            "publish Package maven.org.acme:shop@1.0",
        ),
        ("POST https://any.example/api/v1/publisher/upload?name=x\n\nx", "publish Package *"),
        ("POST https://any.example/api/-/publish\n\nx", "publish Package *"),
        ("GET https://any.example/api/packages/versions/new", "publish Package *"),
    ]);
    let mut cut = request("PUT https://any.example/shop");
    cut.body = Body::Start(b"{\"_id\":\"shop\",\"dist-tags\":{".to_vec().into());
    assert_eq!(told(cut, &KnownHosts::default()), "publish Package shop");
    let mut cut = request("POST https://any.example/upload\ncontent-type: multipart/form-data; boundary=x");
    cut.body = Body::Start(b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n".to_vec().into());
    assert_eq!(told(cut, &KnownHosts::default()), UNKNOWN);
}

/// No depth of path, media type or protocol of its own hides a package that others will use.
#[test]
fn publishing_is_found_by_its_shape_alone() {
    const DOCUMENT: &str = "{\"name\":\"shop\",\"versions\":{},\"dist-tags\":{},\"_attachments\":{}}";
    let part = |name: &str, file: &str| {
        format!(
            "\ncontent-type: multipart/form-data; boundary=x\n\n--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\r\nx\r\n--x--"
        )
    };
    let cases = [
        (format!("PUT http://127.0.0.1:4873/a/b/c/d/e/f/g/h/shop\n\n{DOCUMENT}"), "publish Package shop"),
        (format!("PUT https://any.example/\n\n{DOCUMENT}"), "publish Package shop"),
        (
            format!("PUT https://any.example/shop\ncontent-type: text/plain\n\n{DOCUMENT}"),
            "publish Package shop",
        ),
        (
            "PUT https://any.example/a/b/c/d/e/f/g/shop\ncontent-encoding: gzip\n\nx".into(),
            "publish Package shop",
        ),
        (
            format!("PUT https://any.example/repository/nuget-hosted/{}", part("package", "x")),
            "publish Package *",
        ),
        ("PUT https://any.example/repository/hosted\nx-nuget-apikey: k\n\nx".into(), "publish Package *"),
        (
            format!("POST https://any.example/service/rest/v1/components?repository=r{}", part("a", "x")),
            "publish Package *",
        ),
        (
            format!("POST https://any.example/upload{}", part("file", "shop-1.gem")),
            "publish Package shop-1.gem",
        ),
        (
            format!("POST https://any.example/api/1/k/upload{}", part("rockspec_file", "x")),
            "publish Package *",
        ),
        (
            format!("POST https://any.example/x{}", part("package", "shop-1.tar.gz")),
            "publish Package shop-1.tar.gz",
        ),
        (
            "POST https://any.example/api/scopes/acme/packages/shop/versions/1.0.0\n\nx".into(),
            "publish Package shop@1.0.0",
        ),
        (
            "PUT https://any.example/acme/shop/1.0.0\naccept: application/vnd.swift.registry.v1+json\n\nx"
                .into(),
            "publish Package acme.shop.1.0.0",
        ),
        (
            "PUT https://any.example/v2/conans/shop/1.0/_/_/revisions/1/files/conanfile.py\n\nx".into(),
            "publish Package *",
        ),
        (
            "PUT https://any.example/api/packages/acme/generic/shop/1.0/tool\n\nx".into(),
            "publish Package shop/1.0/tool",
        ),
        (
            "POST https://any.example/\n\n:action=remove_pkg&name=shop&version=1".into(),
            "destructive Package *",
        ),
        ("POST https://any.example/\n\n%3Aaction=file_upload".into(), "publish Package *"),
        ("DELETE https://any.example/gems/shop-1.gem".into(), "destructive Package *"),
        ("PUT https://any.example/things/report.zip\n\nx".into(), ""),
        ("PUT https://any.example/things/1\ncontent-type: image/png\n\nx".into(), ""),
    ];
    let cases: Vec<(&str, &str)> = cases.iter().map(|(text, expected)| (text.as_str(), *expected)).collect();
    check(&cases);
    for end in ["whl", "tgz", "tar.gz", "gem", "jar", "pom", "nupkg", "crate", "deb", "rpm", "apk"] {
        let put = told(
            request(&format!("PUT https://any.example/a/b/c/d/e/f/x.{end}\n\nx")),
            &KnownHosts::default(),
        );
        assert!(put.starts_with("publish Package"), "{end}: {put}");
    }
    let mut cut = request("PUT https://any.example/a/b/c/d/e/f/g/shop\ncontent-type: text/plain");
    cut.body = Body::Start(b"{\"readme\":\"long".to_vec().into());
    assert_eq!(told(cut, &KnownHosts::default()), "publish Package shop");
    // The machine's own registry is somebody's registry too.
    let own = Request {
        account: Account::Foreign,
        ..request(&format!("PUT http://127.0.0.1:4873/a/b/c/d/e/f/shop\n\n{DOCUMENT}"))
    };
    assert_eq!(answer(TaskKind::Feature, own), "-");
}

/// No word in a body, or in a media type, turns the look away from what another reader finds there; the worst of all counts.
#[test]
fn attack_no_reading_of_a_body_hides_another() {
    const FORM: &str = "content-type: application/x-www-form-urlencoded";
    const REMOVES: &str = "destructive Package *";
    let part = |lines: &str| format!("--x\r\nContent-Disposition: form-data; {lines}\r\n");
    let of = |lines: &[&str]| {
        let parts: String = lines.iter().map(|lines| part(lines)).collect();
        format!("content-type: multipart/form-data; boundary=x\n\n{parts}--x--")
    };
    let act = |value: &str| format!("name=\":action\"\r\n\r\n{value}");
    let (adds, removes) = (act("file_upload"), act("remove_pkg"));
    let name = "name=\"name\"\r\n\r\nshop";
    let filler: String = (0..70).map(|at| format!("f{at}=x&")).collect();
    let cases = [
        (format!("{FORM}\n\n:action=remove_pkg&name=app&version=1&note=form-data;"), REMOVES),
        (format!("{FORM}; x=multipart/\n\n:action=remove_pkg&name=app"), REMOVES),
        (format!("{FORM}; x=multipart/\n\n:action=file_upload&:action=remove_pkg"), REMOVES),
        (format!("{FORM}\n\n{filler}%3Aaction=remove_pkg"), REMOVES),
        (format!("{FORM}\n\n{filler}%3Aaction=%72emove_pkg"), REMOVES),
        (format!("{FORM}\n\n{filler}a=1;+%3Aaction=remove_pkg"), REMOVES),
        (format!("{FORM}\n\na={}&%3Aaction=remove_pkg", "x".repeat(20_000)), REMOVES),
        (format!("{FORM}\n\n{filler}%3Aaction=file_upload"), "publish Package *"),
        ("x-nuget-apikey: k\n\nform-data;".to_owned(), "publish Package *"),
        (format!("x-nuget-apikey: k\n{}", of(&["name=\"a\"\r\n\r\nx"])), "publish Package *"),
        (
            format!("x-nuget-apikey: k\n{}", of(&[&removes, name])),
            "publish Package *; destructive Package shop",
        ),
        (of(&[&adds, name]), "publish Package shop"),
        (of(&[&adds, name, &removes]), "destructive Package shop"),
        (of(&[&removes, name, &adds]), "destructive Package shop"),
        (of(&[&adds, name, "name=\"name\"\r\n\r\nother"]), "publish Package *"),
        (of(&["name=x; name=\":action\"\r\n\r\nremove_pkg"]), REMOVES),
        (
            of(&["name=\":action\"\r\nContent-Transfer-Encoding: base64\r\n\r\ncmVtb3ZlX3BrZw==", name]),
            "destructive Package shop",
        ),
        (of(&[&act("=72emove_pkg"), name]), "destructive Package shop"),
        // Where readers differ over a head, they may over each name.
        (of(&["name=\":action\"\n\nfile_upload\r\n\r\nremove_pkg", name]), REMOVES),
        (of(&[&adds, "name*=utf-8''%3Aaction\r\n\r\nremove_pkg"]), REMOVES),
        (
            of(&[&adds, "name=\"=?utf-8?B?OmFjdGlvbg==?=\"\r\n\r\nremove_pkg"]),
            "destructive Package *; unknown Unknown",
        ),
        (
            of(&["name=\"a\"; filename=\"a-1.gem\"\r\n\r\nx", "name=\"b\"; filename=\"b-1.gem\"\r\n\r\nx"]),
            "publish Package a-1.gem; publish Package b-1.gem",
        ),
    ];
    let mut cases: Vec<(String, &str)> = cases
        .into_iter()
        .map(|(text, found)| (format!("POST https://any.example/\n{text}"), found))
        .collect();
    let removes = of(&[&adds, name, &removes]);
    cases.extend([
        (
            format!("POST https://any.example/legacy\n{removes}"),
            "publish Package *; destructive Package *",
        ),
        (
            format!("POST https://any.example/-/npm/v1/security/audits\n{removes}"),
            "destructive Package shop",
        ),
        ("PUT https://any.example/x\nx-nuget-apikey: k\n\nform-data;".into(), "publish Package *"),
        (
            "PUT https://any.example/acme/shop/1.0.0\naccept: application/vnd.swift.registry.v1+json\n\nform-data;".into(),
            "publish Package acme.shop.1.0.0; publish Package *",
        ),
    ]);
    let cases: Vec<(&str, &str)> = cases.iter().map(|(text, expected)| (text.as_str(), *expected)).collect();
    check(&cases);
}

/// A registry that takes the method from elsewhere has its operations behind any of them.
#[test]
fn attack_a_second_method_is_seen_where_the_first_is_nobodys() {
    const FORM: &str = "content-type: application/x-www-form-urlencoded";
    check(&[
        ("POST https://any.example/api/v1/gems/yank\n\ngem_name=x", ""),
        (
            "POST https://any.example/api/v1/gems/yank?gem_name=x\nx-http-method-override: DELETE\n\nx",
            UNKNOWN,
        ),
        ("POST https://any.example/api/v1/gems/yank?_method=delete\n\nx", UNKNOWN),
        (format!("POST https://any.example/api/v1/gems/yank\n{FORM}\n\na=b&_method=delete").leak(), UNKNOWN),
        (
            "POST https://any.example/gems/shop-1.gem\n\n_method=delete",
            "publish Package shop-1.gem; unknown Unknown",
        ),
        (format!("POST https://any.example/posts/1\n{FORM}\n\n_method=patch&title=x").leak(), ""),
        ("PUT https://any.example/posts/1?_method=delete\n\nx", ""),
    ]);
}

#[test]
fn a_file_of_folders_with_backslashes_is_a_file() {
    let upload = |file: &str| {
        let text = format!(
            "POST https://any.example/upload\ncontent-type: multipart/form-data; boundary=x\n\n--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{file}\"\r\n\r\nx\r\n--x--"
        );
        told(request(&text), &KnownHosts::default())
    };
    for (file, expected) in [
        (r"C:\docs\a.png", ""),
        (r"C:\my.docs\README", ""),
        (r"C:\pkg\shop-1.gem", r"publish Package C:\pkg\shop-1.gem"),
        (r"shop-1.ge\m", "publish Package shop-1.gem"),
        (r"shop-1.\tar.gz", "publish Package shop-1.tar.gz"),
        (r"shop-1\", UNKNOWN),
        (r#"shop-1\".gem"#, UNKNOWN),
        ("=?utf-8?Q?p=2Egem?=", UNKNOWN),
    ] {
        assert_eq!(upload(file), expected, "{file}");
    }
}

/// What everybody sends, and long at that, is no more than it was.
#[test]
fn long_uploads_to_ordinary_hosts_only_reach_them() {
    let sent = |line: &str, body: Body| {
        told(
            Request { body, ..request(&format!("POST https://any.example/upload\n{line}")) },
            &KnownHosts::default(),
        )
    };
    const FORM: &str = "content-type: application/x-www-form-urlencoded";
    const PARTS: &str = "content-type: multipart/form-data; boundary=x";
    const JSON: &str = "content-type: application/json";
    let pairs = b"field=some+text%20here&".repeat((10 << 20) / 23);
    let file = [
        b"--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\n\r\n" as &[u8],
        &b"0123456789abcde\n".repeat(10 << 16),
        b"\r\n--x--",
    ]
    .concat();
    let json =
        format!("{{\"a\":[{}0]}}", "{\"method\":\"a\",\"note\":\"x&_method=y\"},".repeat(8_000)).into_bytes();
    assert!(json.len() > 200 << 10);
    for (line, bytes) in [(FORM, &pairs), (PARTS, &file), (JSON, &json)] {
        assert_eq!(sent(line, Body::Whole(bytes.clone().into())), "", "{line}");
    }
    let start = |bytes: &[u8]| Body::Start(bytes[..256 << 10].to_vec().into());
    assert_eq!((sent(FORM, start(&pairs)), sent(JSON, start(&json))), (String::new(), String::new()));
}

/// A form that is too long for memory is what its parts say, where all of their names were seen; and nothing else is.
#[test]
fn a_long_form_is_told_by_its_names() {
    let head = |name: &str, more: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n")
    };
    let upload = |name: &str| {
        head(":action", "")
            + "file_upload\r\n"
            + &head("name", "")
            + name
            + "\r\n"
            + &head("content", "; filename=\"shop-1.whl\"")
    };
    const PARTS: &str = "content-type: multipart/form-data; boundary=x";
    const MORE: &str = "publish Package shop; unknown Unknown";
    for (line, start, has_all_names, wanted) in [
        (PARTS, upload("shop"), true, "publish Package shop"),
        (PARTS, upload("shop"), false, MORE),
        (PARTS, head("f", "; filename=\"a.bin\""), true, ""),
        (PARTS, head("f", "; filename=\"a.bin\""), false, UNKNOWN),
        // Of another kind its names say nothing.
        ("content-type: multipart/form-data, application/json", upload("shop"), true, MORE),
        (
            "content-type: multipart/form-data; boundary=x\ncontent-type: text/plain",
            upload("shop"),
            true,
            MORE,
        ),
        ("content-type: multipart/form-data; boundary=x; charset=utf-16", upload("shop"), true, MORE),
        ("content-type: multipart/form-data; boundary=x\ncontent-encoding: gzip", upload("shop"), true, MORE),
        ("content-type: application/json", "{\"a\":1".to_owned(), true, ""),
    ] {
        let body = Body::Long {
            start: (start + "PK").into(),
            bytes: 9 << 20,
            digest: Digest::new([7; 32]),
            has_all_names,
        };
        let asked = Request { body, ..request(&format!("POST https://any.example/upload\n{line}")) };
        assert_eq!(told(asked, &KnownHosts::default()), wanted, "{line} {has_all_names}");
    }
}
