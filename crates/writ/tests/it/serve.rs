//! The control plane as a process: one of it, ready when it says so, gone in order, its record whole.

use std::os::unix::fs::PermissionsExt as _;

use crate::corner::{Corner, finished, text, until};

fn refused(corner: &Corner, arguments: &[&str], code: i32, told: &str) {
    let output = corner.run(arguments);
    assert_eq!(output.status.code(), Some(code), "{}", text(&output));
    assert!(text(&output).contains(told), "no `{told}` in {}", text(&output));
}

#[test]
fn there_is_one_at_a_time_and_it_leaves_nothing_behind() {
    let mut corner = Corner::with_control_plane();
    refused(&corner, &["serve"], 1, "runs already");
    corner.register("claude-code");
    assert_eq!(corner.end_serve(), Some(0));
    for name in ["control.sock", "hook.sock", "serve.pid"] {
        assert!(!corner.state().join(name).exists(), "{name}");
    }
    refused(&corner, &["agent", "list"], 1, "writ serve");
    corner.serve();
    let agents = corner.json(["agent", "list", "--json"]);
    assert_eq!(agents["agents"][0]["name"], "claude-code");
    assert_eq!(agents["v"], 1);
}

#[test]
fn what_it_acknowledged_survives_a_kill() {
    let mut corner = Corner::with_control_plane();
    for round in 0..3 {
        corner.json([
            "agent",
            "register",
            &format!("a{round}"),
            "--client",
            "codex",
            "--purpose",
            "p",
            "--json",
        ]);
        corner.kill_serve();
        let verified = corner.run(["audit", "verify"]);
        assert!(verified.status.success(), "{}", text(&verified));
        corner.serve();
        let agents = corner.json(["agent", "list", "--json"]);
        assert_eq!(agents["agents"].as_array().unwrap().len(), round + 1);
    }
}

#[test]
fn a_place_that_cannot_be_used_is_a_clear_error() {
    let corner = Corner::new();
    let open = corner.bin().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
    let file = corner.bin().join("file");
    std::fs::write(&file, "").unwrap();
    let long = corner.bin().join("x".repeat(120));
    for (place, told) in [
        (open, "open to others"),
        (file.join("below"), "could not use"),
        ("/proc/nothing".into(), "could not use"),
        (long, "too long"),
    ] {
        let mut command = corner.writ(["serve"]);
        command.env("WRIT_STATE_DIR", &place);
        let output = finished(command);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(text(&output).contains(told), "no `{told}` in {}", text(&output));
        let mut command = corner.writ(["agent", "register", "x", "--client", "codex", "--purpose", "p"]);
        command.env("WRIT_STATE_DIR", &place);
        assert_eq!(finished(command).status.code(), Some(1));
    }
    let mut homeless = corner.writ(["serve"]);
    homeless.env_remove("WRIT_STATE_DIR").env_remove("HOME");
    let output = finished(homeless);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("none of WRIT_STATE_DIR, XDG_STATE_HOME and HOME is set"),
        "{}",
        text(&output)
    );
    refused(&corner, &["serve", "--listen", "0.0.0.0:0"], 2, "loopback");
}

#[test]
fn a_changed_entry_and_a_cut_tail_are_found_offline() {
    let mut corner = Corner::with_control_plane();
    corner.register("claude-code");
    let output = finished(corner.play(&[], "start; call t1 ls; finish"));
    let said = text(&output);
    assert_eq!(corner.left("log"), "t1 allowed\n", "{said}");
    // What a person copies from the terminal, indentation and all.
    let from = said.find("checkpoint of the control log").unwrap();
    let note: String = said[from..]
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with("    ") || line.is_empty())
        .map(|line| format!("{line}\n"))
        .collect();
    let kept = corner.bin().join("kept.note");
    std::fs::write(&kept, &note).unwrap();
    corner.end_serve();
    let kept = kept.to_str().unwrap().to_owned();
    let held = corner.run(["audit", "verify", "--checkpoint", &kept]);
    assert!(held.status.success(), "{note}\n{}", text(&held));
    assert!(text(&held).contains("nothing was cut off"), "{}", text(&held));

    let garbage = corner.bin().join("garbage.note");
    std::fs::write(&garbage, "writ.local/x/control\n1\nAAAA\n").unwrap();
    assert_eq!(
        corner.run(["audit", "verify", "--checkpoint", garbage.to_str().unwrap()]).status.code(),
        Some(1)
    );

    let database = corner.state().join("ledger/ledger.sqlite");
    let mut changed = std::fs::read(&database).unwrap();
    let word = b"task-opened";
    let at = changed.windows(word.len()).position(|window| window == word).expect("an entry stands as it is");
    changed[at] ^= 0x01;
    std::fs::write(&database, &changed).unwrap();
    let output = corner.run(["audit", "verify", "--json"]);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["intact"], false);
    assert!(report["faults"][0]["what"].as_str().unwrap().contains("entry"), "{report}");
}

#[test]
fn people_are_told_what_to_do_next() {
    let corner = Corner::with_control_plane();
    refused(&corner, &["agent", "show", "nobody"], 2, "nobody");
    refused(&corner, &["approve", "apr_0000"], 2, "writ approvals");
    refused(&corner, &["task", "show", "zz"], 2, "at least four");
    refused(&corner, &["agent", "register", "x", "--client", "vim", "--purpose", "p"], 2, "claude-code");
    refused(&corner, &["agent", "register", "x y", "--client", "codex", "--purpose", "p"], 2, "label");
    refused(&corner, &["agent", "register", "x", "--client", "codex"], 2, "--purpose");
    refused(
        &corner,
        &["agent", "register", "x", "--client", "codex", "--purpose", "p", "--review-in", "9999d"],
        2,
        "",
    );
    corner.register("codex");
    refused(&corner, &["agent", "register", "codex", "--client", "codex", "--purpose", "p"], 3, "codex");
    refused(&corner, &["agent", "resume", "codex"], 3, "active");
    for arguments in
        [&["--help"][..], &["run", "--help"], &["hook", "--help"], &["audit", "verify", "--help"]]
    {
        let output = corner.run(arguments);
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("writ"));
    }
}

#[test]
fn what_waits_can_be_watched() {
    let corner = Corner::with_control_plane();
    crate::corner::git(&corner.work());
    corner.register("claude-code");
    let file = corner.bin().join("watched");
    let mut command = corner.writ(["approvals", "watch", "--json"]);
    command.stdout(std::fs::File::create(&file).unwrap());
    let _watch = crate::corner::Guest(command.spawn().unwrap());
    let mut guest = corner
        .started(&["--hold", "20s"], "start\ncall t1 'git push origin HEAD:refs/heads/elsewhere'\nfinish");
    let watched = || std::fs::read_to_string(&file).unwrap();
    let first = until("news", || watched().lines().next().map(str::to_owned));
    let first: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!((&first["v"], &first["state"]), (&1.into(), &"pending".into()));
    assert!(first["printable"].as_str().unwrap().contains("git push"), "{first}");
    corner.run(["deny", first["id"].as_str().unwrap()]);
    until("second news", || watched().lines().any(|line| line.contains("\"refused\"")).then_some(()));
    guest.0.wait().unwrap();
}
