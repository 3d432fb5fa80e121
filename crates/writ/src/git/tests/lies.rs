//! Packs and requests that git's client does not make.

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use writ_gateway::git::Encoding;
use writ_model::Account;
use writ_testkit::Head;

use super::ground::Ground;

fn line(text: &str) -> Vec<u8> {
    format!("{:04x}{text}", text.len() + 4).into_bytes()
}

/// Commands for one new ref, with a pack.
fn body(new: &str, pack: &[u8]) -> Vec<u8> {
    let command = format!("{} {new} refs/heads/lie\0 report-status side-band-64k", "0".repeat(40));
    [line(&command), b"0000".to_vec(), pack.to_vec()].concat()
}

/// Sends a body to receive-pack at the door as a client would, and gives what it answers.
fn send(ground: &Ground, body: &[u8], headers: &str) -> (String, String) {
    let ask = |request: String, body: &[u8]| {
        let mut stream = TcpStream::connect(ground.proxy.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut reader = BufReader::new(stream);
        let head = Head::read(&mut reader).unwrap().unwrap();
        let mut answer = Vec::new();
        head.body(&mut reader).read_to_end(&mut answer).unwrap();
        (head.first, String::from_utf8_lossy(&answer).into_owned())
    };
    ask("GET /team/app.git/info/refs?service=git-receive-pack HTTP/1.1\r\n\r\n".to_owned(), b"");
    let length = body.len();
    let head = format!(
        "POST /team/app.git/git-receive-pack HTTP/1.1\r\nContent-Length: {length}\r\n\
         Content-Type: application/x-git-receive-pack-request\r\n{headers}\r\n"
    );
    let answer = ask(head, body);
    ground.nothing_is_left();
    answer
}

/// A pack of objects that git's own programs made, the way it would be sent.
fn pack(ground: &Ground, objects: &[&str]) -> Vec<u8> {
    let mut child = ground
        .command(&ground.work())
        .args(["pack-objects", "--stdout", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(objects.join("\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// Everything that a commit needs.
fn all_of(ground: &Ground, commit: &str) -> Vec<u8> {
    let listed = ground.git(&["rev-list", "--objects", commit]);
    let names: Vec<&str> = listed.lines().map(|line| line.split(' ').next().unwrap()).collect();
    pack(ground, &names)
}

fn with_checksum(mut pack: Vec<u8>) -> Vec<u8> {
    pack.truncate(pack.len() - 20);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &pack);
    pack.extend_from_slice(digest.as_ref());
    pack
}

/// Writes an object that git itself would not.
fn object(ground: &Ground, kind: &str, bytes: &[u8]) -> String {
    let mut child = ground
        .command(&ground.work())
        .args(["hash-object", "-w", "--stdin", "--literally", "-t", kind])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit_of(ground: &Ground, tree: &str) -> String {
    let text =
        format!("tree {tree}\nauthor A <a@example.org> 1 +0000\ncommitter A <a@example.org> 1 +0000\n\nx\n");
    object(ground, "commit", text.as_bytes())
}

fn tree_of(ground: &Ground, mode: &str, name: &str, oid: &str) -> String {
    let mut bytes = format!("{mode} {name}\0").into_bytes();
    for digits in oid.as_bytes().chunks(2) {
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
    }
    object(ground, "tree", &bytes)
}

#[test]
fn a_pack_that_is_not_what_it_says_goes_nowhere() {
    let ground = Ground::new();
    ground.put("a.txt", &"a line\n".repeat(100));
    let commit = ground.commit("Start");
    let good = all_of(&ground, &commit);
    let mut more = good.clone();
    more[11] += 1;
    let mut fewer = good.clone();
    fewer[11] -= 1;
    let mut version = good.clone();
    version[7] = 9;
    let mut bent = good.clone();
    bent[40] ^= 0xff;
    let mut checksum = good.clone();
    *checksum.last_mut().unwrap() ^= 1;
    let noise = vec![b'x'; 3 << 20];
    let longer = [good.as_slice(), b"and more"].concat();
    for (what, pack) in [
        ("one object too few", with_checksum(more)),
        ("one object too many", with_checksum(fewer)),
        ("another version", with_checksum(version)),
        ("bent bytes", with_checksum(bent)),
        ("a wrong checksum", checksum),
        ("more behind it", longer),
        ("a byte behind it", [good.as_slice(), b"P"].concat()),
        ("its checksum again behind it", [good.as_slice(), &good[good.len() - 20..]].concat()),
        ("itself behind it", good.repeat(2)),
        ("more than a pipe holds behind it", [good.as_slice(), &noise].concat()),
        ("half of it", good[..good.len() / 2].to_vec()),
        ("its heading alone", good[..12].to_vec()),
        ("part of its heading", good[..6].to_vec()),
        ("nothing", Vec::new()),
        ("something else", b"GIF89a and so on, and so on".to_vec()),
    ] {
        let (status, answer) = send(&ground, &body(&commit, &pack), "");
        assert!(status.contains("200"), "{what}: {status}");
        assert!(answer.contains("ng refs/heads/lie"), "{what}: {answer}");
        assert!(ground.last().error.is_some() && ground.last().push.is_none(), "{what}: {:?}", ground.last());
        assert!(!ground.has(&ground.repository, &commit), "{what}");
    }
    let (_, answer) = send(&ground, &body(&commit, &good), "");
    assert!(answer.contains("ok refs/heads/lie"), "{answer}");
}

#[test]
fn objects_that_git_forbids_go_nowhere() {
    let ground = Ground::new();
    let blob = object(&ground, "blob", b"x\n");
    let sub = tree_of(&ground, "100644", "config", &blob);
    let modules = object(&ground, "blob", b"[submodule \"a\"]\n\tpath = a\n\turl = -u./payload\n");
    let update = object(
        &ground,
        "blob",
        b"[submodule \"a\"]\n\tpath = a\n\turl = https://a.example/b\n\tupdate = !sh\n",
    );
    for (what, mode, name, held) in [
        ("a folder of git's own", "40000", ".git", &sub),
        ("the same in another case", "40000", ".GiT", &sub),
        ("the same as one system reads it", "40000", "git~1", &sub),
        ("the same as another reads it", "40000", ".g\u{200c}it", &sub),
        ("a way up", "40000", "..", &sub),
        ("a name with a slash", "100644", "a/b", &blob),
        ("no name", "100644", "", &blob),
        ("a module whose address is an option", "100644", ".gitmodules", &modules),
        ("a module that runs a command", "100644", ".gitmodules", &update),
        ("modules behind a link", "120000", ".gitmodules", &modules),
    ] {
        let tree = tree_of(&ground, mode, name, held);
        let commit = commit_of(&ground, &tree);
        let pack = pack(&ground, &[&commit, &tree, held, &blob]);
        let (_, answer) = send(&ground, &body(&commit, &pack), "");
        assert!(answer.contains("ng refs/heads/lie"), "{what}: {answer}");
        assert!(!ground.has(&ground.repository, &commit), "{what}");
    }
}

#[test]
fn objects_that_no_ref_reaches_do_not_ride_along() {
    let ground = Ground::new();
    ground.put("a.txt", "a\n");
    let commit = ground.commit("Start");
    let hidden = object(&ground, "blob", b"what should not leave\n");
    let listed = ground.git(&["rev-list", "--objects", &commit]);
    let mut names: Vec<&str> = listed.lines().map(|line| line.split(' ').next().unwrap()).collect();
    names.push(&hidden);
    let (_, answer) = send(&ground, &body(&commit, &pack(&ground, &names)), "");
    assert!(answer.contains("ng refs/heads/lie"), "{answer}");
    assert_eq!(ground.last().error.unwrap(), "the pack holds 1 objects that no pushed ref reaches");
    assert!(!ground.has(&ground.repository, &hidden));
}

#[test]
fn a_delta_that_promises_too_much_is_not_unfolded() {
    let ground = Ground::new();
    // A delta against an object of the same pack, whose result is said to have two gigabytes.
    let base = b"base";
    let mut delta = vec![4];
    let mut size = 2_u64 << 30;
    while size >= 0x80 {
        delta.push(u8::try_from(size & 0x7f).unwrap() | 0x80);
        size >>= 7;
    }
    delta.push(u8::try_from(size).unwrap());
    delta.extend_from_slice(&[0x90, 4]);
    let oid = object(&ground, "blob", base);
    let raw: Vec<u8> = oid
        .as_bytes()
        .chunks(2)
        .map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap())
        .collect();
    // `zlib` without compression: one stored block and its checksum.
    let stored = |bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).unwrap();
        let (mut a, mut b) = (1_u32, 0_u32);
        for byte in bytes {
            a = (a + u32::from(*byte)) % 65_521;
            b = (b + a) % 65_521;
        }
        [
            &[0x78, 0x01, 0x01],
            length.to_le_bytes().as_slice(),
            (!length).to_le_bytes().as_slice(),
            bytes,
            ((b << 16) | a).to_be_bytes().as_slice(),
        ]
        .concat()
    };
    let pack = [
        b"PACK\0\0\0\x02\0\0\0\x02".as_slice(),
        &[0x34],
        &stored(base),
        &[0x70 | u8::try_from(delta.len()).unwrap()],
        &raw,
        &stored(&delta),
        &[0; 20],
    ]
    .concat();
    let pack = with_checksum(pack);
    let (_, answer) = send(&ground, &body(&oid, &pack), "");
    assert!(answer.contains("ng refs/heads/lie"), "{answer}");
    let error = ground.last().error.unwrap();
    assert!(error.contains("allocate") || error.contains("delta"), "{error}");
}

/// A pack gets into its room while it arrives. A client that goes away in the middle of it leaves neither the room nor a git.
#[test]
fn attack_a_push_that_is_broken_off_leaves_nothing() {
    let ground = Ground::new();
    let noise: String = (0_u32..400_000)
        .map(|at| char::from(b'a' + (at.wrapping_mul(2_654_435_761) >> 27) as u8 % 26))
        .collect();
    ground.put("a.txt", &noise);
    let commit = ground.commit("Start");
    let pack = all_of(&ground, &commit);
    let body = body(&commit, &pack);
    assert_eq!(send(&ground, b"0000", "").0, "HTTP/1.1 200 OK");
    ground.proxy.runtime.block_on(async {
        let mut intake =
            ground.proxy.door.receive("forge.example/team/app", Account::Nobody, Encoding::Plain);
        intake.take(&body[..body.len() - 1]).await.unwrap();
        let begun = || {
            ground.rooms().iter().any(|room| {
                std::fs::read_dir(room.join("objects/pack")).is_ok_and(|mut files| files.next().is_some())
            })
        };
        let within = Duration::from_secs(30);
        tokio::time::timeout(within, async {
            while !begun() {
                tokio::task::yield_now().await
            }
        })
        .await
        .expect("git has begun");
        drop(intake);
        tokio::time::timeout(within, async {
            while !ground.rooms().is_empty() {
                tokio::task::yield_now().await
            }
        })
        .await
        .expect("the room is gone");
    });
    ground.nothing_is_left();
    assert!(!ground.has(&ground.repository, &commit));
}

#[test]
fn a_body_that_lies_of_its_encoding_goes_nowhere() {
    let ground = Ground::new();
    ground.put("a.txt", "a\n");
    let commit = ground.commit("Start");
    let (status, _) = send(&ground, &body(&commit, &all_of(&ground, &commit)), "Content-Encoding: gzip\r\n");
    assert!(status.contains("403"), "{status}");
    assert!(!ground.has(&ground.repository, &commit));
}

/// Whatever the pushed files would have git run, nothing of it runs.
#[test]
fn nothing_that_is_pushed_is_run() {
    let ground = Ground::filled();
    let proof = ground.folder.path().join("it-ran");
    let program = format!("touch {}", proof.display());
    ground.put(".gitattributes", "* filter=x diff=x merge=x export-subst\n");
    ground.put(
        ".gitconfig",
        &format!("[filter \"x\"]\n\tclean = {program}\n[diff \"x\"]\n\ttextconv = {program}\n"),
    );
    ground.put("hooks/post-update", &format!("#!/bin/sh\n{program}\n"));
    ground.commit("Set up");
    let seen = ground.push(&["origin", "main"]);
    assert!(!seen.push.unwrap().is_cut);
    assert!(!proof.exists());
    assert!(!ground.mirror().join("mirror.git/hooks").exists());
}
