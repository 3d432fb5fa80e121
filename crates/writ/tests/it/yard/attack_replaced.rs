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

#[test]
fn attack_what_is_replaced_from_outside_ends_the_run() {
    let corner = furnished();
    let at = |name: &str| corner.work().join(name);
    let replace = |name: &str| {
        // The same bytes: other instructions would be another agent.
        std::fs::copy(at(name), at("new")).unwrap();
        std::fs::rename(at("new"), at(name)).unwrap();
    };
    let cases: [(&str, &dyn Fn()); 5] = [
        (".env", &|| replace(".env")),
        ("CLAUDE.md", &|| replace("CLAUDE.md")),
        (".vscode", &|| std::fs::remove_dir(at(".vscode")).unwrap()),
        (".github", &|| std::fs::rename(at(".github"), at("moved")).unwrap()),
        (".git/config", &|| {
            let config = std::fs::read(at(".git/config")).unwrap();
            std::fs::write(at(".git/config.lock"), config).unwrap();
            std::fs::rename(at(".git/config.lock"), at(".git/config")).unwrap();
        }),
    ];
    for (number, (name, replaced)) in cases.into_iter().enumerate() {
        let child = waiting(&corner, &format!("waits-{number}"));
        replaced();
        let output = child.wait_with_output().unwrap();
        let said = text(&output);
        assert!(!output.status.success(), "{name}: {said}");
        assert!(said.contains(&format!("{name} was replaced from outside")), "{name}: {said}");
    }
    let tasks = corner.json(["task", "list", "--all", "--json"]);
    assert!(tasks.to_string().matches("torn-down").count() >= 5, "{tasks}");
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
