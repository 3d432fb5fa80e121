//! What somebody outside does to a file that is kept from the agent takes the protection away.

use std::process::{Child, Stdio};

use super::{furnished, played};
use crate::corner::{Corner, text, until};

/// Starts a client that waits for ever, or until a file is there.
fn waiting(corner: &Corner, name: &str) -> Child {
    let play = format!("start\ntouch {name}\nuntil test -e over; do :; done\nfinish\n");
    let child = corner.play(&[], &play).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("the client waits", || corner.work().join(name).exists().then_some(()));
    child
}

/// One of the ways in which a file gets replaced, in a corner of its own.
fn ends_when(name: &str, replaced: impl Fn(&dyn Fn(&str) -> std::path::PathBuf)) {
    let corner = furnished();
    let child = waiting(&corner, "waits");
    replaced(&|name| corner.work().join(name));
    let output = child.wait_with_output().unwrap();
    let said = text(&output);
    assert!(!output.status.success(), "{name}: {said}");
    assert!(said.contains(&format!("{name} was replaced from outside")), "{name}: {said}");
    let tasks = corner.json(["task", "list", "--all", "--json"]);
    assert!(tasks.to_string().contains("torn-down"), "{tasks}");
}

#[test]
fn attack_what_is_replaced_from_outside_ends_the_run() {
    for name in [".env", "CLAUDE.md", ".git/config"] {
        ends_when(name, |at| {
            std::fs::copy(at(name), at("new")).unwrap();
            std::fs::rename(at("new"), at(name)).unwrap();
        });
    }
    ends_when(".vscode", |at| std::fs::remove_dir(at(".vscode")).unwrap());
    ends_when(".github", |at| std::fs::rename(at(".github"), at("moved")).unwrap());
}

/// What the agent tries inside, ordinary work outside, and another run in the same place end nothing.
#[test]
fn attack_an_agent_does_not_end_other_runs_by_what_it_tries() {
    let corner = furnished();
    let child = waiting(&corner, "waits");
    played(
        &corner,
        &[],
        "start\nrm -rf .vscode .git/config .env CLAUDE.md; mv CLAUDE.md x; mv .github y; git config a.b c\n\
         echo x >own; git add own; git -c user.name=a -c user.email=a@b commit -qm x; finish\n",
    );
    std::fs::write(corner.work().join("over"), "").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
}
