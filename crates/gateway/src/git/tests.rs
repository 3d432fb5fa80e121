use super::*;

/// Packet lines, `0000` and `0001` as they are.
fn pkts(lines: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        match *line {
            "0000" | "0001" | "0002" => bytes.extend_from_slice(line.as_bytes()),
            line => bytes.extend_from_slice(format!("{:04x}{line}", line.len() + 4).as_bytes()),
        }
    }
    bytes
}

const A: &str = "16c7e42f292c6912e7710c838347ae178b4a0001";
const B: &str = "16c7e42f292c6912e7710c838347ae178b4a0002";
const NONE: &str = "0000000000000000000000000000000000000000";
const OFFERED: &str = "report-status report-status-v2 delete-refs side-band-64k quiet atomic ofs-delta push-options \
                       push-cert=1-x object-format=sha1 agent=git/2.47.3 made-up";

fn offered() -> Capabilities {
    advertised(&[&format!("{A} refs/heads/main\0{OFFERED}\n"), "0000"]).unwrap().1
}

fn advertised(lines: &[&str]) -> Result<(String, Capabilities), AdvertisementError> {
    let mut all = vec!["# service=git-receive-pack\n", "0000"];
    all.extend(lines);
    let bytes = pkts(&all);
    let mut reader = Advertisement::default();
    let mut out = Vec::new();
    for piece in bytes.chunks(11) {
        reader.take(piece, &mut out)?;
    }
    Ok((String::from_utf8_lossy(&out).into_owned(), reader.finish()?))
}

#[test]
fn an_advertisement_passes_without_what_nobody_here_knows() {
    let tag = format!("{B} refs/tags/v1");
    let (out, capabilities) =
        advertised(&[&format!("{A} refs/heads/main\0{OFFERED}\n"), &tag, &format!("{A} .have\n"), "0000"])
            .unwrap();
    assert!(!out.contains("push-cert") && !out.contains("made-up"), "{out}");
    assert!(out.contains("object-format=sha1") && out.contains(&tag), "{out}");
    assert!(capabilities.has("atomic") && capabilities.has("push-options"));
    // What came out is an advertisement itself.
    let mut again = Advertisement::default();
    again.take(out.as_bytes(), &mut Vec::new()).unwrap();
    assert_eq!(again.finish().unwrap(), capabilities);
    assert!(
        advertised(&["version 1\n", &format!("{NONE} capabilities^{{}}\0report-status"), "0000"]).is_ok()
    );
}

#[test]
fn an_advertisement_that_lies_is_refused() {
    use AdvertisementError as Error;
    let first = format!("{A} refs/heads/main\0report-status");
    let long = format!("{A} refs/heads/main\0{}", "a ".repeat(4_000));
    let many = format!("{A} refs/heads/main\0{}", (0..80).map(|n| format!("c{n} ")).collect::<String>());
    for (lines, expected) in [
        (vec!["0000"], Error::Line),
        (vec![first.as_str()], Error::End),
        (vec![first.as_str(), "0000", "more"], Error::End),
        (vec![first.as_str(), "0000", "0000"], Error::End),
        (vec![first.as_str(), "0001"], Error::Line),
        (vec![first.as_str(), "no ref"], Error::Line),
        (vec![first.as_str(), &format!("{A} two words")], Error::Line),
        (vec![first.as_str(), &format!("{} refs/heads/x", "a".repeat(64))], Error::Line),
        (vec![&format!("{A} refs/heads/main\n")], Error::Capabilities),
        (vec![&format!("{A} refs/heads/main\0report-status report-status")], Error::Capabilities),
        (vec![&format!("{A} refs/heads/main\0a\tb")], Error::Capabilities),
        (vec![&long], Error::Capabilities),
        (vec![&many], Error::Capabilities),
        (vec![&format!("{A} refs/heads/main\0object-format=sha3")], Error::Format),
        (vec![&format!("{A} refs/heads/main\0object-format=sha256")], Error::Line),
        (vec!["ERR go\u{1b}[31m away\n"], Error::Refused("go[31m away".to_owned())),
    ] {
        assert_eq!(advertised(&lines).unwrap_err(), expected, "{lines:?}");
    }
    let mut reader = Advertisement::default();
    let other = reader.take(&pkts(&["# service=git-upload-pack\n"]), &mut Vec::new());
    assert_eq!(other, Err(AdvertisementError::Service));
}

fn commands(bytes: &[u8]) -> Result<Heading, CommandError> {
    let mut reader = CommandReader::new(offered());
    for mut piece in bytes.chunks(13) {
        if reader.take(&mut piece)? {
            break;
        }
    }
    reader.finish()
}

#[test]
fn a_push_is_read_and_written_again() {
    let bytes = pkts(&[
        &format!("shallow {B}\n"),
        &format!("{NONE} {A} refs/heads/new\0 report-status-v2 side-band-64k push-options agent=git/2.47"),
        &format!("{A} {B} refs/heads/main\n"),
        &format!("{A} {NONE} refs/tags/v1"),
        "0000",
        "ci.skip",
        "merge_request.create\n",
        "0000",
    ]);
    let Heading::Push(commands) = commands(&bytes).unwrap() else { panic!("no push") };
    let names: Vec<&str> = commands.list.iter().map(|command| command.name.as_str()).collect();
    assert_eq!(names, ["refs/heads/new", "refs/heads/main", "refs/tags/v1"]);
    assert!(commands.list[0].is_create() && commands.list[2].is_delete() && commands.have_pack());
    assert_eq!(commands.options, ["ci.skip", "merge_request.create"]);
    assert_eq!(commands.shallow.len(), 1);
    let mut reader = CommandReader::new(offered());
    let again = commands.bytes();
    let mut rest = again.as_slice();
    assert!(reader.take(&mut rest).unwrap() && rest.is_empty());
    assert_eq!(reader.finish().unwrap(), Heading::Push(commands));
}

#[test]
fn the_pack_begins_where_the_commands_end() {
    let mut bytes = pkts(&[&format!("{NONE} {A} refs/heads/new\0report-status"), "0000"]);
    bytes.extend_from_slice(b"PACK0000");
    let mut reader = CommandReader::new(offered());
    let mut rest = bytes.as_slice();
    assert!(reader.take(&mut rest).unwrap());
    assert_eq!(rest, b"PACK0000");
}

#[test]
fn a_probe_is_no_push() {
    assert_eq!(commands(b"0000").unwrap(), Heading::Probe);
    assert_eq!(commands(b"0000PACK").unwrap_err(), CommandError::Empty);
    assert_eq!(commands(b"").unwrap_err(), CommandError::End);
}

#[test]
fn a_push_that_cannot_be_judged_is_refused() {
    use CommandError as Error;
    let first = format!("{NONE} {A} refs/heads/new\0report-status push-options object-format=sha1");
    let of = |name: &str| format!("{NONE} {A} {name}\0report-status");
    let with = |list: &str| format!("{NONE} {A} refs/heads/new\0{list}");
    let mut crowd = vec![first.clone()];
    crowd.extend((0..MAX_COMMANDS).map(|n| format!("{NONE} {A} refs/heads/n{n}")));
    let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
    let long = format!("{A}0000");
    let options: Vec<String> = (0..65).map(|n| n.to_string()).collect();
    let mut optioned = vec![first.as_str(), "0000"];
    optioned.extend(options.iter().map(String::as_str));
    let shallow = vec![format!("shallow {A}"); 4_097];
    let shallow: Vec<&str> = shallow.iter().map(String::as_str).collect();
    for (lines, expected) in [
        (vec![first.as_str()], Error::End),
        (vec![first.as_str(), "0000", "opt"], Error::End),
        (vec![first.as_str(), "0001"], Error::Line),
        (vec![first.as_str(), "0000", "a\nb"], Error::Options),
        (vec![first.as_str(), "0000", "0001"], Error::Options),
        (optioned, Error::Options),
        (vec![&format!("{NONE} {A} refs/heads/new")], Error::Capabilities),
        (vec![first.as_str(), &first], Error::Capabilities),
        (vec![&with("agent=x")], Error::NoReport),
        (vec![&with("report-status side-band")], Error::NotOffered("side-band".to_owned())),
        (vec![&with("report-status made-up")], Error::NotOffered("made-up".to_owned())),
        (vec![&with("report-status push-cert=x")], Error::Signed),
        (vec!["push-cert\0 report-status\n"], Error::Signed),
        (vec![&with("report-status object-format=sha256")], Error::Format),
        (
            vec![&format!("{} {} refs/heads/new\0report-status", "0".repeat(64), "a".repeat(64))],
            Error::Format,
        ),
        (vec![first.as_str(), &format!("{NONE} {} refs/heads/x", "a".repeat(64))], Error::Format),
        (vec![&format!("{NONE} {long} refs/heads/new\0report-status")], Error::Line),
        (vec![&format!("{NONE} {} refs/heads/new\0report-status", A.to_uppercase())], Error::Line),
        (vec!["hello\0report-status"], Error::Line),
        (vec![first.as_str(), &format!("shallow {A}")], Error::Line),
        (vec![&format!("shallow {A}"), "0000"], Error::Line),
        (vec!["shallow x"], Error::Line),
        (shallow, Error::Shallow),
        (
            vec![first.as_str(), &format!("{A} {NONE} refs/heads/new")],
            Error::Twice("refs/heads/new".to_owned()),
        ),
        (
            vec![&format!("{A} {A} refs/heads/new\0report-status")],
            Error::Nothing("refs/heads/new".to_owned()),
        ),
        (vec![&of("HEAD")], Error::Ref { name: "HEAD".to_owned(), problem: "does not stand below refs/" }),
        (
            vec![&of("refs/heads/a..b")],
            Error::Ref {
                name: "refs/heads/a..b".to_owned(),
                problem: "holds what git reads as something else than a name",
            },
        ),
        (crowd, Error::TooManyCommands),
    ] {
        assert_eq!(commands(&pkts(&lines)).unwrap_err(), expected, "{:?}", lines.first());
    }
}

#[test]
fn requests_for_objects_are_of_known_kinds() {
    let check = |bytes: &[u8]| {
        let mut reader = UploadReader::default();
        for piece in bytes.chunks(9) {
            reader.take(piece)?;
        }
        reader.finish()
    };
    let want = format!("want {A}\n");
    let want_with = format!("want {A} multi_ack_detailed side-band-64k thin-pack ofs-delta agent=git/2.47\n");
    let have = format!("have {B}\n");
    for (lines, expected) in [
        (vec!["0000"], Upload::Probe),
        (
            vec![
                "command=ls-refs\n",
                "agent=git/2",
                "object-format=sha1",
                "0001",
                "peel\n",
                "ref-prefix refs/heads/",
                "0000",
            ],
            Upload::LsRefs,
        ),
        (
            vec![
                "command=fetch",
                "0001",
                "thin-pack",
                "ofs-delta",
                &want,
                &have,
                "filter blob:none",
                "done",
                "0000",
            ],
            Upload::Fetch,
        ),
        (vec!["command=object-info", "0001", "size", &format!("oid {A}"), "0000"], Upload::ObjectInfo),
        (vec!["command=bundle-uri", "0000"], Upload::BundleUri),
        (vec![&want_with, &want, "deepen 1", "0000", &have, "0000", "done"], Upload::FetchOld),
    ] {
        assert_eq!(check(&pkts(&lines)), Ok(expected), "{lines:?}");
    }
    for lines in [
        vec!["command=push", "0000"],
        vec!["command=ls-refs", "command=fetch", "0000"],
        vec!["command=ls-refs", "0001", &want, "0000"],
        vec!["command=fetch", "0001", "want main", "0000"],
        vec!["command=fetch", "0001", "something new", "0000"],
        vec!["command=fetch", "0001", "done\u{1}", "0000"],
        vec!["command=fetch", "0001", "done"],
        vec!["command=fetch", "0001", "0001", "0000"],
        vec!["command=ls-refs", "0000", "command=ls-refs", "0000"],
        vec!["0000", "0000"],
        vec!["argument git"],
        vec![],
    ] {
        assert!(check(&pkts(&lines)).is_err(), "{lines:?}");
    }
}

#[test]
fn reports_are_written_and_read() {
    let bands = "report-status-v2 side-band-64k";
    for capabilities in ["report-status", bands] {
        let bytes = pkts(&[
            &format!("{NONE} {A} refs/heads/a\0{capabilities}"),
            &format!("{A} {B} refs/heads/b"),
            "0000",
        ]);
        let Heading::Push(commands) = commands(&bytes).unwrap() else { panic!("no push") };
        let answer = refusal(
            &commands,
            &[None, Some("not yours\nng refs/heads/a".to_owned())],
            &["see\u{202e} here".to_owned()],
        );
        let mut reader = ReportReader::new(&commands);
        for piece in answer.chunks(5) {
            reader.take(piece).unwrap();
        }
        let report = reader.finish().unwrap();
        assert_eq!(report.unpack, None);
        assert!(
            report.of("refs/heads/a").unwrap().refused.as_ref().unwrap().starts_with("not pushed because")
        );
        assert_eq!(report.of("refs/heads/b").unwrap().refused.as_deref(), Some("not yours ng refs/heads/a"));
        assert_eq!(String::from_utf8_lossy(&answer).contains("see  here"), capabilities == bands);
        let answer = refused_pack(&commands, "broken");
        let mut reader = ReportReader::new(&commands);
        reader.take(&answer).unwrap();
        assert_eq!(reader.finish().unwrap().unpack.as_deref(), Some("broken"));
    }
}

#[test]
fn a_report_that_is_none_tells_nothing() {
    let check = |lines: &[&str]| {
        let mut reader = ReportReader::with(false);
        reader.take(&pkts(lines))?;
        reader.finish()
    };
    let good = check(&[
        "unpack ok\n",
        "ok refs/heads/a\n",
        "option refname refs/heads/b\n",
        "ng refs/heads/c no\n",
        "0000",
    ]);
    assert_eq!(good.unwrap().refs.len(), 2);
    for lines in [
        vec![],
        vec!["0000"],
        vec!["unpack ok"],
        vec!["ok refs/heads/a", "0000"],
        vec!["unpack ok", "unpack ok", "0000"],
        vec!["unpack ok", "option a", "0000"],
        vec!["unpack ok", "what else", "0000"],
        vec!["unpack ok", "0000", "ok refs/heads/a"],
    ] {
        assert!(check(&lines).is_err(), "{lines:?}");
    }
    let mut reader = ReportReader::with(true);
    let fatal = reader.take(&pkts(&["\u{3}disk\u{1b} full\n"]));
    assert_eq!(fatal, Err(ReportError::Fatal("disk  full".to_owned())));
}

#[test]
fn addresses_of_git_are_told_from_others() {
    let call = |service, step, path: &str| {
        Recognised::Git(GitCall { service, step, remote: format!("forge.example/{path}") })
    };
    let refused = Recognised::Refused;
    for (method, path, query, expected) in [
        (
            "GET",
            "/team/app.git/info/refs",
            Some("service=git-upload-pack"),
            call(Service::UploadPack, Step::Advertise, "team/app"),
        ),
        (
            "GET",
            "/team/app/info/refs",
            Some("service=git-receive-pack"),
            call(Service::ReceivePack, Step::Advertise, "team/app"),
        ),
        ("POST", "/team/app.git/git-receive-pack", None, call(Service::ReceivePack, Step::Call, "team/app")),
        ("POST", "/a/b/c/d/git-upload-pack", None, call(Service::UploadPack, Step::Call, "a/b/c/d")),
        ("POST", "/te%61m/app.git/git-upload-pack", None, call(Service::UploadPack, Step::Call, "team/app")),
        ("POST", "/team/app/git-receive-p%61ck", None, call(Service::ReceivePack, Step::Call, "team/app")),
        (
            "POST",
            "/team/app.git/info/lfs/objects/batch",
            None,
            Recognised::Lfs { remote: "forge.example/team/app".to_owned() },
        ),
        ("GET", "/team/app", None, Recognised::Other),
        ("POST", "/api/v4/projects", None, Recognised::Other),
        ("GET", "/", None, Recognised::Other),
        ("GET", "/team/app.git/blob", None, Recognised::Other),
        ("GET", "/team/app.git/info/refs", None, refused(AddressError::Dumb)),
        ("GET", "/team/app.git/HEAD", None, refused(AddressError::Dumb)),
        ("GET", "/team/app.git/objects/info/packs", None, refused(AddressError::Dumb)),
        ("GET", "/team/app.git/objects/16/c7e4", None, refused(AddressError::Dumb)),
        ("PUT", "/team/app.git/refs/heads/main", None, refused(AddressError::Dumb)),
        // A bare folder without the usual ending, as WebDAV serves it.
        ("PUT", "/team/app/refs/heads/main", None, refused(AddressError::Written)),
        ("MOVE", "/team/app/refs/t%61gs/v1", None, refused(AddressError::Written)),
        ("COPY", "/team/app/objects/pack/pack-1.pack", None, refused(AddressError::Written)),
        (
            "PUT",
            "/team/app/objects/16/c7e4000000000000000000000000000000000000",
            None,
            refused(AddressError::Written),
        ),
        ("PUT", "/team/app/HEAD", None, refused(AddressError::Written)),
        ("GET", "/team/app/refs/heads/main", None, Recognised::Other),
        ("PUT", "/bucket/objects/16/file", None, Recognised::Other),
        ("DELETE", "/2.0/repositories/team/app/refs/branches/x", None, Recognised::Other),
        (
            "GET",
            "/team/app.git/info/refs",
            Some("service=git-upload-archive"),
            refused(AddressError::Archive),
        ),
        ("POST", "/team/app.git/git-upload-archive", None, refused(AddressError::Archive)),
        ("GET", "/team/app.git/info/refs", Some("service=git-other"), refused(AddressError::Service)),
        (
            "GET",
            "/team/app.git/info/refs",
            Some("service=git-upload-pack&service=git-receive-pack"),
            refused(AddressError::Service),
        ),
        (
            "GET",
            "/team/app.git/info/refs",
            Some("x=1&service=git-upload-pack"),
            refused(AddressError::Service),
        ),
        ("POST", "/team/app.git/info/refs", Some("service=git-upload-pack"), refused(AddressError::Method)),
        ("GET", "/team/app.git/git-receive-pack", None, refused(AddressError::Method)),
        ("POST", "/team/app.git/git-receive-pack", Some("a=b"), refused(AddressError::Path)),
        ("POST", "/team/app.git/GIT-RECEIVE-PACK", None, refused(AddressError::Path)),
        ("POST", "/team/app.git/git-receive-pack%20", None, refused(AddressError::Path)),
        ("POST", "/team/app.git/git-receive-pack;x", None, refused(AddressError::Path)),
        ("POST", "/team/app.git/git-receive-pack.", None, refused(AddressError::Path)),
        ("POST", "/team/../other/git-receive-pack", None, refused(AddressError::Path)),
        ("POST", "/team/%2e%2e/other/git-receive-pack", None, refused(AddressError::Path)),
        ("POST", "/team/./app/git-receive-pack", None, refused(AddressError::Path)),
        ("POST", "/team//app/git-receive-pack", None, refused(AddressError::Path)),
        ("POST", "//git-receive-pack", None, refused(AddressError::Path)),
        ("POST", "/git-receive-pack", None, refused(AddressError::Path)),
        ("POST", "/team%2fapp/git-receive-pack", None, refused(AddressError::Path)),
        ("POST", "/team/app%252e/git-receive-pack", None, refused(AddressError::Path)),
        ("POST", "/team/app%0a/git-receive-pack", None, refused(AddressError::Path)),
        ("POST", "/team/app%zz/git-receive-pack", None, refused(AddressError::Path)),
        ("POST", "/team/app%ff/git-receive-pack", None, refused(AddressError::Path)),
        ("POST", "/team/a\\b/git-receive-pack", None, refused(AddressError::Path)),
        ("POST", "/team/app;x/git-receive-pack", None, refused(AddressError::Path)),
        ("POST", "/team/app/.git/git-receive-pack", None, refused(AddressError::Path)),
    ] {
        assert_eq!(recognise("forge.example", method, path, query), expected, "{method} {path} {query:?}");
    }
}

#[test]
fn attack_a_header_that_names_a_ref_is_known() {
    for (url, wanted) in [
        ("http://forge.test/team/app.git/refs/heads/main", true),
        ("/team/app/refs/heads/main", true),
        ("http://forge.test:81/team/app.git/HEAD?x", true),
        ("http://forge.test/team/app/git-receive-pack", true),
        ("http://forge.test/files/a.txt", false),
        ("http://forge.test", false),
    ] {
        assert_eq!(crate::git::leads_to_git(url), wanted, "{url}");
    }
}

#[test]
fn compressed_bodies_are_bounded() {
    use std::io::Write as _;
    let pressed = |bytes: &[u8]| {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    };
    let taken = |bytes: &[u8], cut: usize| {
        let mut inflater = Inflater::default();
        let (mut total, mut piece) = (0, Vec::new());
        for mut part in bytes.chunks(cut) {
            while inflater.next(&mut part, &mut piece)? {
                assert!(piece.len() <= 1 << 20);
                total += piece.len();
            }
            assert!(part.is_empty());
        }
        inflater.finish().map(|()| total)
    };
    for size in [0, 1, 100_000, 1 << 20] {
        for cut in [1_000, 1 << 20] {
            assert_eq!(taken(&pressed(&vec![b'a'; size]), cut), Ok(size));
        }
    }
    let bomb = pressed(&vec![0; usize::try_from(MAX_INFLATED_BYTES).unwrap() + 1]);
    assert!(bomb.len() < 100_000);
    assert_eq!(taken(&bomb, 1_000), Err(InflateError::TooMuch));
    let mut more = pressed(b"a");
    more.extend_from_slice(&pressed(b"b"));
    assert_eq!(taken(&more, 1_000), Err(InflateError::Broken));
    assert_eq!(taken(b"no member of any kind", 4), Err(InflateError::Broken));
    let half = pressed(&[7; 50_000]);
    assert_eq!(taken(&half[..half.len() / 2], 10), Err(InflateError::End));
}

proptest::proptest! {
    /// Whatever comes, each reader ends in an answer, and what is taken is bounded.
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), cut in 1_usize..40) {
        let mut advertisement = Advertisement::default();
        let mut upload = UploadReader::default();
        let mut report = ReportReader::with(true);
        let _ = bytes.chunks(cut).try_for_each(|piece| advertisement.take(piece, &mut Vec::new()));
        let _ = bytes.chunks(cut).try_for_each(|piece| upload.take(piece));
        let _ = bytes.chunks(cut).try_for_each(|piece| report.take(piece));
        let _ = (advertisement.finish(), upload.finish(), report.finish());
        let _ = commands(&bytes);
    }

    /// A push that is read says the same once it is written again, however its bytes are cut.
    #[test]
    fn pushes_survive_being_written(
        names in proptest::collection::btree_set("[a-z]{1,8}(/[a-z0-9-]{1,8}){0,2}", 1..12),
        options in proptest::collection::vec("[ -~]{0,20}", 0..4),
        cut in 1_usize..60,
    ) {
        let mut lines: Vec<String> =
            names.iter().map(|name| format!("{A} {B} refs/heads/{name}")).collect();
        lines[0].push_str("\0report-status push-options");
        lines.push("0000".to_owned());
        lines.extend(options.iter().map(|option| format!("{option}\n")));
        lines.push("0000".to_owned());
        let bytes = pkts(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let mut reader = CommandReader::new(offered());
        for mut piece in bytes.chunks(cut) {
            reader.take(&mut piece).unwrap();
        }
        let Heading::Push(read) = reader.finish().unwrap() else { panic!("no push") };
        assert_eq!(read.list.len(), names.len());
        assert_eq!(read.options, options);
        assert_eq!(commands(&read.bytes()).unwrap(), Heading::Push(read));
    }

    #[test]
    fn any_address_is_answered(path in "(/|%|\\.git|info|refs|objects|git-receive-pack|[a-z.%0-9]){0,12}", query in "(service=|git-upload-pack|&|x){0,4}") {
        if let Recognised::Git(call) = recognise("h", "POST", &path, Some(&query)) {
            assert!(!call.remote.contains("//") && !call.remote.contains("/../"));
        }
    }
}
