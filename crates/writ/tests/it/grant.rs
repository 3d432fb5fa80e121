//! Grants from the command line, with a scripted client: shown before they are given, in force at once, ended at once.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::pty::OpenptFlags;
use serde_json::Value;

use crate::corner::{Corner, Guest, finished, git, text, until};

/// `writ` at a terminal of its own.
struct Terminal {
    keyboard: File,
    screen: String,
    program: Guest,
}

// === impl Terminal ===

impl Terminal {
    fn start(corner: &Corner, arguments: &[&str]) -> Self {
        let keyboard = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&keyboard).unwrap();
        rustix::pty::unlockpt(&keyboard).unwrap();
        let name = rustix::pty::ptsname(&keyboard, Vec::new()).unwrap();
        let screen = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let end = || Stdio::from(OwnedFd::from(screen.try_clone().unwrap()));
        let program =
            corner.writ(arguments).stdin(end()).stdout(end()).stderr(end()).spawn().map(Guest).unwrap();
        Self { keyboard: File::from(keyboard), screen: String::new(), program }
    }

    fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads until the text shows; what came before it is forgotten, and given back.
    fn expect(&mut self, wanted: &str) -> String {
        until(wanted, || {
            let moment = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
            let poll = &mut [PollFd::new(&self.keyboard, PollFlags::IN)];
            if rustix::event::poll(poll, Some(&moment)).unwrap() > 0 {
                let mut bytes = [0; 4096];
                let count =
                    self.keyboard.read(&mut bytes).unwrap_or_else(|error| panic!("{error}\n{}", self.screen));
                self.screen.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
            let at = self.screen.find(wanted)?;
            Some(self.screen.drain(..at + wanted.len()).collect())
        })
    }
}

fn pending(corner: &Corner) -> Value {
    until("pending approval", || {
        corner.json(["approvals", "--json"])["approvals"].as_array().unwrap().first().cloned()
    })
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

const PUSH: &str = "git push origin HEAD:refs/heads/elsewhere";

fn corner() -> Corner {
    let corner = Corner::with_control_plane();
    git(&corner.work());
    corner.register("claude-code");
    corner
}

/// The play goes on past this line once the test says so.
fn gate(name: &str) -> String {
    format!("touch at-{name}; while [ ! -e {name} ]; do sleep 0.02; done")
}

fn reached(corner: &Corner, name: &str) {
    until(name, || corner.work().join(format!("at-{name}")).exists().then_some(()));
}

fn open(corner: &Corner, name: &str) {
    std::fs::write(corner.work().join(name), "").unwrap();
}

#[test]
fn a_grant_is_shown_given_used_and_ended_with_a_scripted_client() {
    let corner = corner();
    let play = format!(
        r#"
        start
        call t1 "{PUSH}"
        {}
        call t2 "git commit -m more && {PUSH}"
        call t3 "git push origin HEAD:refs/heads/other"
        {}
        call t4 "{PUSH}"
        finish
        "#,
        gate("first"),
        gate("second")
    );
    let mut guest = corner.started(&["--hold", "60s"], &play);
    let asked = pending(&corner);
    let request = id(&asked);
    let effects: Vec<&str> = asked["grantable"]["shapes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["effect"].as_str().unwrap())
        .collect();
    assert_eq!(effects, ["git-push"], "{asked:#}");
    let listed = text(&corner.run(["approvals"]));
    assert!(listed.contains(&format!("--grant   would allow every \"{PUSH}\" (git-push)")), "{listed}");

    // Nobody to show it to, and nobody said that they mean it.
    for arguments in [&["approve", &request, "--grant"][..], &["approve", &request, "--grant", "--json"]] {
        let output = corner.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains("--yes"), "{}", text(&output));
    }
    for arguments in [
        &["approve", &request, "--for", "5m"][..],
        &["approve", &request, "--folder"],
        &["approve", &request, "--grant", "--folder", "--yes"],
        &["approve", &request, "--grant", "--for", "0s", "--yes"],
    ] {
        let output = corner.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output));
    }
    assert_eq!(id(&pending(&corner)), request, "it still waits");

    let given = corner.run(["approve", &request, "--grant", "--for", "20m", "--yes"]);
    let said = text(&given);
    assert!(given.status.success(), "{said}");
    for word in [
        "a grant would allow, without asking",
        &format!("every     \"{PUSH}\" (git-push)"),
        "to        git-push to \"refs/heads/elsewhere\" of \"origin\", without force",
        "ends if   the session touches private data or a secret or text that strangers wrote",
        "never     publishing",
        "recorded as `self`",
        "writ grant end grt_",
    ] {
        assert!(said.contains(word), "no `{word}` in {said}");
    }
    reached(&corner, "first");
    let listed = corner.json(["grant", "list", "--json"]);
    let grant = listed["grants"][0].clone();
    assert_eq!(grant["approval"], request.as_str(), "{listed:#}");
    assert_eq!(grant["own"], true);
    let task = corner.json(["task", "show", grant["task"].as_str().unwrap(), "--json"]);
    assert_eq!(task["grants"][0]["id"], grant["id"], "{task:#}");
    let shown = text(&corner.run(["task", "show", grant["task"].as_str().unwrap()]));
    assert!(shown.contains(&format!("granted      \"{PUSH}\" (git-push), until ")), "{shown}");

    open(&corner, "first");
    let other = pending(&corner);
    assert_ne!(id(&other), request, "another ref is asked about");
    assert_eq!(corner.left("log"), "t1 allowed\nt2 allowed\n", "{}", corner.left("replies"));
    corner.json(["deny", &id(&other), "--json"]);
    reached(&corner, "second");
    let ended = corner.json(["grant", "end", grant["id"].as_str().unwrap(), "--json"]);
    assert_eq!(ended["ended"], "by-person", "{ended:#}");
    open(&corner, "second");
    let again = pending(&corner);
    corner.json(["deny", &id(&again), "--json"]);
    assert_eq!(guest.0.wait().unwrap().code(), Some(0));
    assert_eq!(
        corner.left("log"),
        "t1 allowed\nt2 allowed\nt3 denied\nt4 denied\n",
        "{}",
        corner.left("replies")
    );

    let told = std::fs::read_to_string(corner.bin().join("run.err")).unwrap();
    assert!(told.contains("2 allowed (1 by a human's approval, 1 by a grant)"), "{told}");
    let story = text(&corner.run(["audit", "show", grant["id"].as_str().unwrap()]));
    for word in ["grant-given", "allow  granted", "grant-ended  by-person"] {
        assert!(story.contains(word), "no `{word}` in {story}");
    }
    let verified = corner.run(["audit", "verify"]);
    assert!(verified.status.success(), "{}", text(&verified));
    assert_eq!(corner.json(["grant", "list", "--all", "--json"])["grants"], serde_json::json!([]));
}

#[test]
fn a_grant_of_one_task_serves_no_other_with_a_scripted_client() {
    let corner = corner();
    let play = format!("start\ncall t1 \"{PUSH}\"\n{}\nfinish", gate("first"));
    let mut one = corner.started(&["--hold", "60s"], &play);
    let request = id(&pending(&corner));
    corner.json(["approve", &request, "--grant", "--yes", "--json"]);
    reached(&corner, "first");
    // The other task starts while the grant counts.
    let log = std::fs::read_to_string(corner.work().join("log")).unwrap();
    assert_eq!(log, "t1 allowed\n", "{}", corner.left("replies"));
    let mut other = corner.started(&["--hold", "60s"], &format!("start\ncall u1 \"{PUSH}\"\nfinish"));
    let asked = pending(&corner);
    assert_ne!(id(&asked), request);
    corner.json(["deny", &id(&asked), "--json"]);
    assert_eq!(other.0.wait().unwrap().code(), Some(0));
    open(&corner, "first");
    assert_eq!(one.0.wait().unwrap().code(), Some(0));
    assert!(corner.left("log").contains("u1 denied"), "{}", corner.left("log"));
}

#[test]
fn an_agent_gives_itself_no_grant_with_a_scripted_client() {
    let corner = corner();
    let play = format!(
        r#"
        start
        call t1 "{PUSH}" &
        while [ ! -e id ]; do sleep 0.02; done
        for words in "approve $(cat id) --grant --yes" "approve $(cat id) --grant --yes --json" "grant list" "grant end grt_0000"; do
            WRIT_STATE_DIR=$STATE $WRIT $words >>tried 2>&1 && echo "$words" >>free
            WRIT_STATE_DIR=$STATE setsid -w $WRIT $words >>tried 2>&1 && echo "$words" >>free
        done
        touch tried-all
        wait
        call t2 "writ approve $(cat id) --grant --yes"
        call t3 "writ grant list"
        finish
        "#
    );
    let mut guest = corner.started(&["--hold", "60s"], &play);
    let request = id(&pending(&corner));
    std::fs::write(corner.work().join("id"), &request).unwrap();
    until("all tries", || corner.work().join("tried-all").exists().then_some(()));
    assert_eq!(corner.left("free"), "", "{}", corner.left("tried"));
    assert_eq!(corner.json(["grant", "list", "--json"])["grants"], serde_json::json!([]));
    corner.json(["deny", &request, "--json"]);
    assert_eq!(guest.0.wait().unwrap().code(), Some(0));
    let log = corner.left("log");
    assert_eq!(log.lines().filter(|line| line.ends_with("denied")).count(), 3, "{log}");
}

#[test]
fn what_needs_another_person_is_refused_at_once_where_there_is_none_with_a_scripted_client() {
    let corner = corner();
    let output = finished(corner.play(&["--hold", "60s"], "start\ncall t1 \"npm publish\"\nfinish"));
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(corner.left("log"), "t1 denied\n");
    let replies = corner.left("replies");
    assert!(
        replies.contains("no-approver") && replies.contains("another") || replies.contains("other than"),
        "{replies}"
    );
    assert_eq!(corner.json(["approvals", "--all", "--json"])["approvals"], serde_json::json!([]));
    let found = corner.json(["audit", "search", "--denied", "--json"]);
    assert_eq!(found["entries"][0]["entry"]["event"]["decision"]["reason"], "no-approver", "{found:#}");
}

#[test]
fn a_person_at_a_terminal_answers_what_is_shown_with_a_scripted_client() {
    let corner = corner();
    let other = "git push origin HEAD:refs/heads/other";
    let third = "git push origin HEAD:refs/heads/third";
    let play = format!(
        "start\ncall t1 \"{PUSH}\"\ncall t2 \"{PUSH}\"\ncall t3 \"{other}\"\ncall t4 \"{third}\"\nfinish"
    );
    let mut desk = Terminal::start(&corner, &["approvals", "watch"]);
    desk.expect("waiting for requests");
    let mut guest = corner.started(&["--hold", "60s"], &play);
    let shown = desk.expect("[y]es, once  [g]rant  [n]o  [l]ater: ");
    assert!(shown.contains("HEAD:refs/heads/elsewhere"), "{shown}");
    desk.types("what?\n");
    desk.expect("[y]es, once  [g]rant  [n]o  [l]ater: ");
    desk.types("g\n");
    let shown = desk.expect("Grant this? [y/N] ");
    assert!(shown.contains("a grant would allow, without asking"), "{shown}");
    desk.types("\n");
    desk.expect("[y]es, once  [g]rant  [n]o  [l]ater: ");
    desk.types("g\n");
    desk.expect("Grant this? [y/N] ");
    desk.types("y\n");
    desk.expect(" granted; ");
    // The second push runs by the grant; the third is another shape.
    let shown = desk.expect("[l]ater: ");
    assert!(shown.contains("refs/heads/other"), "{shown}");
    desk.types("n\n");
    desk.expect("refused");
    let shown = desk.expect("[l]ater: ");
    assert!(shown.contains("refs/heads/third"), "{shown}");
    desk.types("l\n");

    // Another terminal answers that one.
    let request = id(&pending(&corner));
    let mut answer = Terminal::start(&corner, &["approve", &request]);
    answer.expect("Approve? [y]es, once  [g]rant  [N]o: ");
    answer.types("y\n");
    answer.expect("approved");
    assert_eq!(answer.program.0.wait().unwrap().code(), Some(0));
    desk.expect("approved");
    assert_eq!(guest.0.wait().unwrap().code(), Some(0));
    let log = "t1 allowed\nt2 allowed\nt3 denied\nt4 allowed\n";
    assert_eq!(corner.left("log"), log, "{}", corner.left("replies"));
}
