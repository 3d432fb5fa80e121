use std::io::Write as _;

use writ_model::{FindingKind, Push, RefStep};

use super::ground::{Ground, Seen};

fn steps(seen: &Seen) -> Vec<(&str, RefStep)> {
    let push = seen.push.as_ref().unwrap();
    push.updates.iter().map(|update| (update.name.as_str(), update.step)).collect()
}

fn push_of(seen: &Seen) -> &Push {
    seen.push.as_ref().unwrap()
}

fn moved(seen: &Seen) -> bool {
    let report = seen.report.as_ref().unwrap();
    report.unpack.is_none() && report.refs.iter().all(|status| status.refused.is_none())
}

#[test]
fn a_repository_is_filled_cloned_and_fetched() {
    let ground = Ground::new();
    ground.put("README.md", "hello\n");
    let first = ground.commit("Start\n\nSigned-off-by: Ann <ann@example.org>");
    let seen = ground.push(&["origin", "main"]);
    assert_eq!(steps(&seen), [("refs/heads/main", RefStep::Create)]);
    assert_eq!(push_of(&seen).remote, "forge.example/team/app");
    assert_eq!(push_of(&seen).paths, ["README.md"]);
    assert!(!push_of(&seen).is_cut && push_of(&seen).findings.is_empty(), "{seen:?}");
    assert!(moved(&seen));
    let commit = &seen.commits.list[0];
    assert_eq!((commit.oid.to_string(), commit.author.as_str()), (first.clone(), "Ann <ann@example.org>"));
    assert_eq!(commit.trailers, ["Signed-off-by: Ann <ann@example.org>"]);
    assert_eq!(ground.on_server("refs/heads/main"), Some(first));
    ground.nothing_is_left();

    for version in ["0", "1", "2"] {
        let name = format!("clone-{version}");
        ground.git(&[
            "-c",
            &format!("protocol.version={version}"),
            "clone",
            "--quiet",
            &ground.url(),
            &format!("../{name}"),
        ]);
        let clone = ground.folder.path().join(&name);
        assert_eq!(std::fs::read_to_string(clone.join("README.md")).unwrap(), "hello\n");
        ground.put(&format!("more-{version}"), "more\n");
        let next = ground.commit("More");
        ground.push(&["origin", "main"]);
        ground.git_in(&clone, &["-c", &format!("protocol.version={version}"), "pull", "--quiet"]);
        assert_eq!(ground.git_in(&clone, &["rev-parse", "HEAD"]), next);
    }
}

#[test]
fn each_step_of_a_ref_is_told_from_the_others() {
    let ground = Ground::filled();
    ground.put("src/lib.rs", "//! Another thing.\n");
    ground.commit("Change");
    let seen = ground.push(&["origin", "main"]);
    assert_eq!(steps(&seen), [("refs/heads/main", RefStep::Forward)]);
    assert_eq!(push_of(&seen).paths, ["src/lib.rs"]);
    assert_eq!(seen.commits.list.len(), 1);

    // A branch at a commit that is there already brings nothing.
    let seen = ground.push(&["origin", "main:refs/heads/writ/task"]);
    assert_eq!(steps(&seen), [("refs/heads/writ/task", RefStep::Create)]);
    assert!(push_of(&seen).paths.is_empty() && !push_of(&seen).is_cut && seen.commits.list.is_empty());

    ground.git(&["commit", "--quiet", "--amend", "--message", "Changed again"]);
    let seen = ground.push(&["--force", "origin", "main:refs/heads/writ/task"]);
    assert_eq!(steps(&seen), [("refs/heads/writ/task", RefStep::Force)]);
    assert_eq!(push_of(&seen).paths, ["src/lib.rs"]);

    // Back to an older commit: nothing new, and yet files differ.
    let seen = ground.push(&["--force", "origin", "main~1:refs/heads/main"]);
    assert_eq!(steps(&seen), [("refs/heads/main", RefStep::Force)]);
    assert_eq!(push_of(&seen).paths, ["src/lib.rs"]);

    ground.git(&["tag", "light"]);
    ground.git(&["tag", "--annotate", "--message", "one", "heavy"]);
    let seen = ground.push(&["origin", "light", "heavy"]);
    assert_eq!(steps(&seen), [("refs/tags/light", RefStep::Create), ("refs/tags/heavy", RefStep::Create)]);
    ground.git(&["tag", "--force", "--annotate", "--message", "two", "heavy", "main~1"]);
    let seen = ground.push(&["--force", "origin", "heavy"]);
    assert_eq!(steps(&seen), [("refs/tags/heavy", RefStep::Force)]);

    let seen = ground.push(&["origin", ":refs/tags/light", ":refs/heads/writ/task"]);
    assert_eq!(
        steps(&seen),
        [("refs/heads/writ/task", RefStep::Delete), ("refs/tags/light", RefStep::Delete)]
    );
    assert!(!push_of(&seen).is_cut && moved(&seen));
    assert_eq!(ground.on_server("refs/tags/light"), None);
    ground.nothing_is_left();
}

#[test]
fn options_reach_the_decision_and_the_server() {
    let ground = Ground::filled();
    ground.commit("More");
    let seen =
        ground.push(&["-o", "merge_request.create", "-o", "ci.variable=A=b", "--atomic", "origin", "main"]);
    assert_eq!(push_of(&seen).options, ["merge_request.create", "ci.variable=A=b"]);
    assert!(moved(&seen));
}

#[test]
fn a_refused_ref_refuses_the_push_and_git_says_why() {
    for atomic in [false, true] {
        let ground = Ground::filled();
        let before = ground.on_server("refs/heads/main");
        ground.put("src/lib.rs", "//! Secretly.\n");
        let commit = ground.commit("Change");
        ground.decide(|push| {
            push.updates
                .iter()
                .map(|update| {
                    (update.name == "refs/heads/main")
                        .then(|| "only branches of the task: writ/\u{1b}[31m".to_owned())
                })
                .collect()
        });
        let mut arguments = vec!["origin", "main", "main:refs/heads/other"];
        if atomic {
            arguments.insert(0, "--atomic");
        }
        let said = ground.refused(&arguments);
        assert!(
            said.contains("! [remote rejected] main -> main (only branches of the task: writ/ [31m)"),
            "{said}"
        );
        assert!(said.contains("! [remote rejected] main -> other (not pushed because another ref"), "{said}");
        assert!(said.contains("remote: ask for it with `writ approvals`"), "{said}");
        assert_eq!(ground.on_server("refs/heads/main"), before);
        assert!(!ground.has(&ground.repository, &commit));
        assert!(!ground.has(&ground.mirror().join("mirror.git"), &commit));
        assert!(
            !ground
                .server
                .requests()
                .iter()
                .any(|line| line.starts_with("POST /team/app.git/git-receive-pack") && line.len() > 300)
        );
        // The same goes through once it may.
        ground.decide(|_| Vec::new());
        ground.push(&arguments);
        assert_eq!(ground.on_server("refs/heads/other"), Some(commit));
    }
}

#[test]
fn a_large_push_is_probed_streamed_and_looked_at() {
    let ground = Ground::filled();
    // Bytes that do not become smaller.
    let mut state = 7_u64;
    let noise: String = (0..400_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{:012x}", state >> 16)
        })
        .collect();
    ground.put("large.txt", &noise);
    ground.commit("Large");
    let before = ground.server.requests().len();
    let seen = ground.push(&["origin", "main"]);
    assert_eq!(push_of(&seen).paths, ["large.txt"]);
    assert!(!push_of(&seen).is_cut && moved(&seen));
    let posts = ground
        .server
        .requests()
        .iter()
        .skip(before)
        .filter(|line| line.contains("POST") && line.contains("receive"))
        .count();
    assert_eq!(posts, 1, "the probe is answered at the door");
}

#[test]
fn a_thin_pack_is_completed_from_the_mirror() {
    let ground = Ground::filled();
    // One line of many: git sends what differs, and not the file.
    ground.put("README.md", &format!("{}another line\n", "a line of text\n".repeat(200)));
    ground.commit("Change");
    let seen = ground.push(&["--thin", "origin", "main"]);
    assert_eq!(steps(&seen), [("refs/heads/main", RefStep::Forward)]);
    assert!(!push_of(&seen).is_cut);
    // Fetched for the push before, and again for this one.
    assert!(ground.server.requests().iter().filter(|line| line.contains("git-upload-pack")).count() > 2);
}

#[test]
fn without_a_mirror_everything_counts_as_the_worst() {
    let ground = Ground::with("sha1", false);
    ground.put("README.md", &"a line of text\n".repeat(200));
    ground.commit("Start");
    let seen = ground.push(&["origin", "main"]);
    assert!(!push_of(&seen).is_cut, "all of it came with the push");
    std::fs::remove_dir_all(ground.mirror()).unwrap();
    ground.put("README.md", &format!("{}another line\n", "a line of text\n".repeat(200)));
    ground.commit("Change");
    let seen = ground.push(&["--thin", "origin", "main"]);
    assert_eq!(steps(&seen), [("refs/heads/main", RefStep::Force)]);
    assert!(push_of(&seen).is_cut);
    ground.nothing_is_left();
}

#[test]
fn a_mirror_does_not_fall_into_pieces() {
    let ground = Ground::filled();
    let packs = || {
        let names = std::fs::read_dir(ground.mirror().join("mirror.git/objects/pack")).unwrap();
        names
            .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "pack"))
            .count()
    };
    ground.commit("More");
    ground.push(&["origin", "main"]);
    // As many as that many fetches would leave.
    let mirror = ground.mirror().join("mirror.git");
    let feed = |arguments: &[&str], input: &str| {
        let mut child = ground
            .command(&mirror)
            .args(arguments)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    for number in 0..60 {
        let blob = feed(&["hash-object", "-w", "--stdin"], &number.to_string());
        feed(&["pack-objects", "--quiet", "objects/pack/pack"], &blob);
    }
    let before = packs();
    ground.commit("Again");
    let seen = ground.push(&["origin", "main"]);
    assert!(!push_of(&seen).is_cut);
    assert!(before > 50 && packs() < before / 2, "{before} packs before, {} after", packs());
}

/// What the server takes is not fetched back, and what it refuses does not stay.
#[test]
fn the_mirror_keeps_what_the_server_took() {
    let ground = Ground::filled();
    let mirror = ground.mirror().join("mirror.git");
    ground.put("a.txt", "a\n");
    let taken = ground.commit("Taken");
    ground.push(&["origin", "main"]);
    assert!(ground.has(&mirror, &taken));
    // A hook of the server says no, which the door cannot know before.
    let hook = ground.repository.join("hooks/update");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho never >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    ground.put("a.txt", "b\n");
    let refused = ground.commit("Refused");
    let said = ground.refused(&["origin", "main"]);
    assert!(said.contains("remote: never") && said.contains("(hook declined)"), "{said}");
    let report = ground.last().report.unwrap();
    assert_eq!(report.of("refs/heads/main").unwrap().refused.as_deref(), Some("hook declined"));
    assert!(!ground.has(&mirror, &refused));
}

#[test]
fn a_shallow_clone_pushes() {
    let ground = Ground::filled();
    ground.git(&["clone", "--quiet", "--depth=1", &ground.url(), "../shallow"]);
    let shallow = ground.folder.path().join("shallow");
    std::fs::write(shallow.join("new.txt"), "new\n").unwrap();
    ground.git_in(&shallow, &["add", "--all"]);
    ground.git_in(&shallow, &["commit", "--quiet", "--message", "New"]);
    ground.git_in(&shallow, &["push", "--quiet", "origin", "main"]);
    let seen = ground.last();
    assert_eq!(steps(&seen), [("refs/heads/main", RefStep::Forward)]);
    assert_eq!(push_of(&seen).paths, ["new.txt"]);
    assert!(!push_of(&seen).is_cut && moved(&seen));
}

#[test]
fn the_longer_hash_works_too() {
    let ground = Ground::with("sha256", true);
    ground.put("a.txt", "a\n");
    ground.commit("Start");
    assert_eq!(steps(&ground.push(&["origin", "main"])), [("refs/heads/main", RefStep::Create)]);
    ground.put("a.txt", "b\n");
    let commit = ground.commit("Next");
    assert_eq!(commit.len(), 64);
    let seen = ground.push(&["origin", "main"]);
    assert_eq!(steps(&seen), [("refs/heads/main", RefStep::Forward)]);
    assert!(!push_of(&seen).is_cut && moved(&seen));
}

#[test]
fn signed_pushes_are_not_offered() {
    let ground = Ground::filled();
    ground.commit("More");
    let said = ground.refused(&["--signed", "origin", "main"]);
    assert!(said.contains("does not support --signed"), "{said}");
    ground.push(&["--signed=if-asked", "origin", "main"]);
}

#[test]
fn what_should_not_leave_is_found_wherever_it_stands() {
    let ground = Ground::filled();
    let token = format!("ghp_{}", "q7Rk2ZpL9wXc4VbN8mTd5YfH3gJsEaU6q7Rk");
    ground.put("deploy.env", &format!("TOKEN={token}\n"));
    ground.commit("With");
    // Taken away again, and yet it would leave.
    std::fs::remove_file(ground.work().join("deploy.env")).unwrap();
    ground.commit(&format!("Without {token}"));
    ground.put(".github/workflows/ci.yml", "on: push\npermissions:\n  id-token: write\n");
    ground.put("infra/authorized_keys", "ssh-ed25519 AAAAC3 ann\n");
    ground.commit("More");
    let seen = ground.push(&["origin", "main"]);
    let found: Vec<(FindingKind, &str)> =
        push_of(&seen).findings.iter().map(|finding| (finding.kind, finding.path.as_str())).collect();
    for expected in [
        (FindingKind::Secret, "deploy.env"),
        (FindingKind::Secret, ""),
        (FindingKind::Identity, ".github/workflows/ci.yml"),
        (FindingKind::Identity, "infra/authorized_keys"),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    assert!(push_of(&seen).findings.iter().all(|finding| !finding.says.contains(&token)));
    assert_eq!(push_of(&seen).paths, [".github/workflows/ci.yml", "deploy.env", "infra/authorized_keys"]);

    // A file without a branch: a tag names it, and no commit does.
    ground.put("loose", &format!("again {token}\n"));
    let blob = ground.git(&["hash-object", "-w", "loose"]);
    let seen = ground.push(&["origin", &format!("{blob}:refs/tags/loose")]);
    assert!(push_of(&seen).findings.iter().any(|finding| finding.kind == FindingKind::Secret), "{seen:?}");
}

#[test]
fn taking_up_the_default_branch_changes_nothing_else() {
    let ground = Ground::filled();
    ground.git(&["checkout", "--quiet", "-b", "task"]);
    ground.put("docs/a.md", "a\n");
    ground.commit("Docs");
    ground.push(&["origin", "task"]);
    // Meanwhile somebody else changes a workflow on main.
    ground.git(&["checkout", "--quiet", "main"]);
    ground.put(".github/workflows/ci.yml", "on: push\npermissions: write-all\n");
    ground.commit("Workflow");
    ground.push(&["origin", "main"]);
    ground.git(&["checkout", "--quiet", "task"]);
    ground.git(&["merge", "--quiet", "--no-edit", "main"]);
    ground.put("docs/b.md", "b\n");
    ground.commit("More docs");
    let seen = ground.push(&["origin", "task"]);
    assert_eq!(push_of(&seen).paths, ["docs/b.md"]);
    assert!(push_of(&seen).findings.is_empty(), "{seen:?}");
}

/// Most memory of this process so far, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1_024
}

#[test]
fn memory_stays_flat_whatever_is_pushed() {
    const PUSHED: usize = 64 << 20;
    let ground = Ground::filled();
    let mut state = 7_u64;
    for part in 0..4 {
        let path = ground.work().join(format!("noise-{part}.bin"));
        let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
        for _ in 0..PUSHED / 24 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            file.write_all(&(state >> 16).to_le_bytes()[..6]).unwrap();
        }
    }
    ground.commit("Noise");
    let before = peak();
    let start = std::time::Instant::now();
    let seen = ground.push(&["origin", "main"]);
    let door = start.elapsed();
    let grown = peak() - before;
    assert!(!push_of(&seen).is_cut && moved(&seen));

    // The same to the server itself, and one run of index-pack.
    let start = std::time::Instant::now();
    ground.server.create("team/other.git", "sha1").unwrap();
    ground.git(&["push", "--quiet", &ground.server.url("team/other.git"), "main"]);
    let direct = start.elapsed();
    let start = std::time::Instant::now();
    ground.git(&["pack-objects", "--all", "--quiet", "../packed"]);
    let packed = std::fs::read_dir(ground.folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let pack = packed.into_iter().find(|path| path.extension().is_some_and(|end| end == "pack")).unwrap();
    let packing = start.elapsed();
    let start = std::time::Instant::now();
    ground.git(&[
        "index-pack",
        "--fsck-objects",
        "--threads=1",
        "-o",
        "../again.idx",
        pack.to_str().unwrap(),
    ]);
    let index = start.elapsed();
    let small = |remote: &str| {
        let start = std::time::Instant::now();
        for _ in 0..5 {
            ground.commit("Small");
            ground.git(&["push", "--quiet", remote, "main"]);
        }
        start.elapsed() / 5
    };
    let (small_door, small_direct) = (small("origin"), small(&ground.server.url("team/other.git")));
    eprintln!("small: through the door {small_door:?}, direct {small_direct:?}");
    eprintln!(
        "through the door {door:?}, direct {direct:?}, packing {packing:?}, one index-pack {index:?}, memory grew by {} KiB",
        grown >> 10
    );
    assert!(grown < 16 << 20, "grew by {grown} bytes");
}
