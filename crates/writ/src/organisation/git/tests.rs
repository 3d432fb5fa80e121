use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::config::State;

const POLICY: &str = "@id(\"a\")\n@reason(\"a\")\npermit (principal, action, resource);\n";

/// A repository of policies on this machine, and a state directory beside it.
struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let ground = Self { folder: tempfile::Builder::new().prefix("g").tempdir().unwrap() };
        std::fs::create_dir(ground.work()).unwrap();
        ground.git(&["init", "--quiet", "--initial-branch=main"]);
        ground.put("policies/a.cedar", POLICY);
        ground.put("policies/a.tests.toml", "");
        ground.put("policies/teams/b.cedar", POLICY);
        ground.put("policies/README.md", "read me");
        ground.put("elsewhere/c.cedar", POLICY);
        ground.commit("Start");
        ground
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn state(&self) -> State {
        State::at(self.folder.path().join("state"))
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.work().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.work())
            .env("HOME", self.folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, subject: &str) -> Commit {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", subject]);
        self.git(&["rev-parse", "HEAD"]).parse().unwrap()
    }

    fn source(&self) -> Source {
        Source {
            url: self.work().to_str().unwrap().to_owned(),
            reference: "refs/heads/main".to_owned(),
            path: "policies".to_owned(),
            commit: None,
        }
    }

    fn mirror(&self, source: &Source) -> Mirror {
        Mirror::of(&self.state(), source).unwrap()
    }
}

fn names(found: &Found) -> Vec<&str> {
    found.policies.iter().map(|file| file.name.as_str()).collect()
}

#[test]
fn the_files_of_one_commit_are_read() {
    let ground = Ground::new();
    let mirror = ground.mirror(&ground.source());
    assert_eq!(mirror.in_force().unwrap(), None);
    let first = mirror.fetch().unwrap();
    let found = mirror.read(&first).unwrap();
    assert_eq!(names(&found), ["a.cedar", "teams/b.cedar"]);
    assert_eq!(found.policies[0].text, POLICY);
    assert_eq!(found.tests.len(), 1);
    mirror.put_in_force(&first).unwrap();

    // What lies in the folder and is in no commit does not count, and what is committed counts only when it is fetched.
    ground.put("policies/loose.cedar", POLICY);
    assert_eq!(mirror.read(&mirror.in_force().unwrap().unwrap()).unwrap(), found);
    let second = ground.commit("More");
    assert_eq!(mirror.in_force().unwrap(), Some(first.clone()));
    assert_eq!(mirror.fetch().unwrap(), second);
    assert_eq!(names(&mirror.read(&second).unwrap()), ["a.cedar", "loose.cedar", "teams/b.cedar"]);
    // The earlier one is still there.
    assert_eq!(mirror.read(&first).unwrap(), found);
}

#[test]
fn the_whole_repository_can_be_the_folder() {
    let ground = Ground::new();
    let source = Source { path: String::new(), ..ground.source() };
    let mirror = ground.mirror(&source);
    let found = mirror.read(&mirror.fetch().unwrap()).unwrap();
    assert_eq!(names(&found), ["elsewhere/c.cedar", "policies/a.cedar", "policies/teams/b.cedar"]);
}

#[test]
fn a_pinned_commit_stays_wherever_the_ref_goes() {
    let ground = Ground::new();
    let pinned: Commit = ground.git(&["rev-parse", "HEAD"]).parse().unwrap();
    ground.put("policies/a.cedar", "// changed\n");
    ground.commit("Change");
    let source = Source { commit: Some(pinned.clone()), ..ground.source() };
    let mirror = ground.mirror(&source);
    assert_eq!(mirror.in_force().unwrap(), None);
    assert_eq!(mirror.fetch().unwrap(), pinned);
    assert_eq!(mirror.in_force().unwrap(), Some(pinned.clone()));
    assert_eq!(mirror.read(&pinned).unwrap().policies[0].text, POLICY);
    drop(mirror);
    let absent: Commit = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
    let mirror = ground.mirror(&Source { commit: Some(absent), ..ground.source() });
    assert!(matches!(mirror.fetch(), Err(GitError::NotThere { .. })));
}

#[test]
fn links_other_repositories_and_what_is_not_there_are_refused() {
    let ground = Ground::new();
    std::os::unix::fs::symlink("a.cedar", ground.work().join("policies/z.cedar")).unwrap();
    let commit = ground.commit("Link");
    let mirror = ground.mirror(&ground.source());
    mirror.fetch().unwrap();
    let refused = mirror.read(&commit);
    assert!(matches!(refused, Err(OrganisationError::Git(GitError::NoFile(_)))), "{refused:?}");
    drop(mirror);
    for source in [
        Source { path: "nowhere".to_owned(), ..ground.source() },
        Source { path: "policies/README.md".to_owned(), ..ground.source() },
    ] {
        let mirror = ground.mirror(&source);
        let commit = mirror.fetch().unwrap();
        assert!(mirror.read(&commit).is_err(), "{source:?}");
    }
    let source = Source { reference: "refs/heads/none".to_owned(), ..ground.source() };
    assert!(matches!(ground.mirror(&source).fetch(), Err(GitError::Failed { .. })));
    let source = Source { url: "/nowhere/at/all".to_owned(), ..ground.source() };
    assert!(matches!(ground.mirror(&source).fetch(), Err(GitError::Failed { .. })));
}

/// Whatever the repository, or the user, has set up to be run, nothing of it runs.
#[test]
fn nothing_of_the_repository_or_the_user_is_run() {
    let ground = Ground::new();
    let proof = ground.folder.path().join("it-ran");
    let script = ground.folder.path().join("script");
    std::fs::write(&script, format!("#!/bin/sh\ntouch {}\n", proof.display())).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = script.to_str().unwrap();
    for hook in ["post-checkout", "post-update", "reference-transaction", "post-merge", "pre-auto-gc"] {
        std::fs::copy(&script, ground.work().join(".git/hooks").join(hook)).unwrap();
    }
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "uploadpack.packObjectsHook",
        "filter.x.smudge",
        "filter.x.clean",
    ] {
        ground.git(&["config", key, program]);
    }
    ground.put(".gitattributes", "* filter=x\n");
    std::fs::write(ground.work().join(".git/info/attributes"), "* filter=x\n").unwrap();
    let _ = std::fs::remove_file(&proof);
    let mirror = ground.mirror(&ground.source());
    let commit = mirror.fetch().unwrap();
    mirror.read(&commit).unwrap();
    mirror.put_in_force(&commit).unwrap();
    assert!(!proof.exists());
    assert!(!mirror.folder.join("hooks").exists());
}

#[test]
fn a_mirror_is_private_and_used_by_one_at_a_time() {
    let ground = Ground::new();
    let mirror = ground.mirror(&ground.source());
    let mode = std::fs::metadata(ground.state().policies()).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
    let lock = Path::new(&mirror.folder).with_extension("lock");
    let other = File::options().write(true).open(lock).unwrap();
    assert!(flock(&other, FlockOperation::NonBlockingLockExclusive).is_err());
    drop(mirror);
    assert!(flock(&other, FlockOperation::NonBlockingLockExclusive).is_ok());
}

#[test]
fn what_takes_too_long_or_too_much_is_ended() {
    let ground = Ground::new();
    let mirror = ground.mirror(&ground.source());
    let bounds = Bounds::within(Duration::from_millis(300));
    // A read of standard input that nobody ends would wait for ever; here the input ends, so it is made to wait.
    let slow = mirror.git.run("slow", &["-c", "alias.slow=!sleep 30", "slow"], Vec::new(), &bounds);
    assert!(matches!(slow, Err(GitError::Late { .. })), "{slow:?}");
    mirror.fetch().unwrap();
    let bounds = Bounds { bytes: 4, ..Bounds::within(LOOK_WITHIN) };
    let much = mirror.git.run("rev-parse", &["rev-parse", FETCHED], Vec::new(), &bounds);
    assert!(matches!(much, Err(GitError::TooMuch { .. })), "{much:?}");
    let bounds = Bounds { folder: Some((&mirror.folder, 0)), ..Bounds::within(LOOK_WITHIN) };
    let large = mirror.git.run("slow", &["-c", "alias.slow=!sleep 30", "slow"], Vec::new(), &bounds);
    assert!(matches!(large, Err(GitError::TooMuch { .. })), "{large:?}");
}
