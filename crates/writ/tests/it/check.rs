//! Questions to the judge from the command line.

use serde_json::Value;

use crate::corner::{Corner, text};
use crate::policy::now;

fn ask(corner: &Corner, arguments: &[&str]) -> Value {
    let output = corner.run([&["check"], arguments, &["--json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)))
}

#[test]
fn every_sort_of_call_can_be_asked_about() {
    let corner = Corner::new();
    for (arguments, code) in [
        (["--kind", "feature", "--command", "cargo test"].as_slice(), 0),
        (&["--kind", "feature", "--command", "git push origin main"], 4),
        (&["--kind", "docs", "--command", "npm publish"], 3),
        (&["--kind", "feature", "--read", "src/lib.rs"], 0),
        (&["--kind", "feature", "--write", "src/lib.rs"], 0),
        (&["--kind", "docs", "--write", "src/lib.rs"], 4),
        (&["--kind", "docs", "--write", ".github/workflows/ci.yml"], 3),
        (&["--kind", "feature", "--fetch", "https://example.org/"], 4),
        (
            &[
                "--kind",
                "feature",
                "--fetch",
                "https://example.org/",
                "--bounds",
                "{\"hosts\":[\"example.org\"]}",
            ],
            0,
        ),
        (&["--kind", "feature", "--mcp", "forge/merge", "--arguments", "{\"number\": 7}"], 4),
        (&["--kind", "feature", "--action", "deploy", "--resource", "deployment:shop"], 3),
        (&["--kind", "release", "--command", "cargo publish"], 4),
        (&["--hooked", "--command", "git push origin writ/check/x"], 4),
        (&["--kind", "feature", "--command", "git push origin writ/check/x"], 0),
        (&["--kind", "feature", "--command", "git push origin writ/check/x", "--taint", "secret"], 4),
        (&["--kind", "feature", "--read", "src/lib.rs", "--fingerprint", "changed"], 3),
        (&["--kind", "feature", "--command", "x", "--read", "y"], 2),
        (&["--kind", "feature"], 2),
        (&["--command", "x"], 2),
        (&["--kind", "feature", "--mcp", "merge"], 2),
        (&["--kind", "feature", "--action", "deploy"], 2),
    ] {
        let output = corner.run([&["check"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output));
    }
}

#[test]
fn an_explanation_names_policies_facts_and_what_would_change_it() {
    let corner = Corner::new();
    let answer = ask(&corner, &["--kind", "docs", "--write", ".github/workflows/ci.yml", "--explain"]);
    let explained = &answer["actions"][0]["explained"];
    let policy = &explained["policies"][0];
    assert_eq!(
        (&policy["id"], &policy["file"]),
        (&"organisation:docs.no-workflows".into(), &"profiles/docs.cedar".into())
    );
    assert!(
        policy["line"].as_u64().is_some() && policy["text"].as_str().unwrap().contains("@id"),
        "{policy}"
    );
    let fact = |name: &str| {
        let facts = explained["facts"].as_array().unwrap();
        facts.iter().find(|fact| fact["name"] == name).map(|fact| fact["value"].clone())
    };
    assert_eq!(fact("resource.binding"), Some("\"ci\"".into()), "{explained}");
    assert_eq!(fact("resource.named"), Some("false".into()), "{explained}");
    let change = |what: &str| -> Vec<&Value> {
        explained["changes"].as_array().unwrap().iter().filter(|change| change["what"] == what).collect()
    };
    assert!(change("kind").iter().any(|change| change["how"] == "a task of kind feature"), "{explained}");
    assert_eq!(
        change("bounds").first().map(|change| &change["verdict"]),
        Some(&"allow".into()),
        "{explained}"
    );

    let answer = ask(&corner, &["--kind", "feature", "--fetch", "https://example.org/", "--explain"]);
    let changes = answer["actions"][0]["explained"]["changes"].to_string();
    assert!(changes.contains("--allow-host example.org") && changes.contains("writ approvals"), "{changes}");

    let push = ["--kind", "feature", "--command", "git push origin writ/check/x", "--explain"];
    let answer = ask(&corner, &[&push[..], &["--taint", "secret"]].concat());
    let changes = answer["actions"][0]["explained"]["changes"].to_string();
    assert!(changes.contains("\"taint\""), "{changes}");

    let said = text(&corner.run([&["check"], &push[..]].concat()));
    for part in ["decided by", "work.cedar:", "| @id(\"work.push\")", "resource.own is true"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_refusal_tells_the_person_what_the_agent_would_be_told() {
    let corner = Corner::new();
    let answer = ask(&corner, &["--kind", "docs", "--action", "deploy", "--resource", "deployment:shop"]);
    let told = answer["told"].as_str().unwrap();
    assert!(told.contains("writ run --kind release") || told.contains("writ run --kind ops"), "{told}");
}

#[test]
fn the_past_is_answered_as_far_as_it_is_kept() {
    let mut corner = Corner::new();
    corner.serve();
    let question = ["--kind", "feature", "--read", "src/lib.rs", "--at"];
    let at = |time: &str| ask(&corner, &[&question[..], &[time]].concat())["policies"].clone();
    let before = ask(&corner, &[&question[..], &["2001-01-01T00:00:00Z"]].concat());
    assert_eq!(before["policies"]["then"], "nothing", "{before}");
    assert_eq!(before["decision"]["verdict"], "deny", "{before}");
    let output = corner.run([&["check"], &question[..], &["3650d ago"]].concat());
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("no policies were loaded then"), "{}", text(&output));
    let output = corner.run([&["check"], &question[..], &["2999-01-01T00:00:00Z"]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("still to come") && output.stdout.is_empty(), "{}", text(&output));
    let then = now();
    assert_eq!(at(&then)["then"], "these");
    // Other policies are in force since, and a folder keeps no history.
    let folder = corner.home().join("policies");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(
        folder.join("a.cedar"),
        "@id(\"a\")\n@reason(\"a\")\npermit (principal, action, resource);\n",
    )
    .unwrap();
    let config = corner.home().join(".config/writ");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(
        config.join("config.toml"),
        format!("[policy]\norganisation = \"{}\"\n", folder.display()),
    )
    .unwrap();
    for path in [&folder, &folder.join("a.cedar"), &config.join("config.toml")] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let other = at(&then);
    assert_eq!(other["then"], "not-kept", "{other}");
    assert!(other["note"].as_str().unwrap().contains("not kept"), "{other}");
}

#[test]
fn an_explanation_shows_the_part_of_the_command_that_waits() {
    let corner = Corner::new();
    let question = ["--kind", "feature", "--command", "ls && npm publish --otp 1", "--explain"];
    let answer = ask(&corner, &question);
    let waits =
        answer["actions"].as_array().unwrap().iter().find(|action| action["verdict"] == "step_up").unwrap();
    let part = &waits["part"];
    assert_eq!((&part["start"], &part["end"]), (&6.into(), &25.into()), "{waits}");
    assert_eq!(
        (&part["text"], &part["rule"]),
        (&"npm publish --otp 1".into(), &"command.npm".into()),
        "{waits}"
    );
    let said = text(&corner.run([&["check"], &question[..]].concat()));
    assert!(said.contains("seen in     \"npm publish --otp 1\" by the rule command.npm"), "{said}");
}

#[test]
fn what_nobody_here_can_approve_is_answered_as_the_door_does() {
    let mut corner = Corner::new();
    let question = ["--kind", "feature", "--command", "npm publish", "--explain"];
    for runs in [false, true] {
        if runs {
            corner.serve();
        }
        let answer = ask(&corner, &question);
        let decision = &answer["decision"];
        assert_eq!(
            (&decision["verdict"], &decision["reason"]),
            (&"deny".into(), &"no-approver".into()),
            "{answer}"
        );
        let said = &answer["policy_said"];
        assert_eq!(
            (&said["verdict"], &said["approval"]),
            (&"step_up".into(), &"another-person".into()),
            "{answer}"
        );
        let told = answer["told"].as_str().unwrap();
        assert!(told.contains("nobody was asked") && told.ends_with("[no-approver]"), "{told}");
        assert_eq!(told.matches("step out").count(), 1, "said once: {told}");
        let output = corner.run([&["check"], &question[..]].concat());
        let said = text(&output);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("policy says step_up by another-person"), "{said}");
        assert!(said.contains("nobody here can give it"), "{said}");
    }
    let held = ask(&corner, &["--kind", "feature", "--command", "git push origin main"]);
    assert_eq!(
        (&held["decision"]["verdict"], &held["policy_said"]),
        (&"step_up".into(), &Value::Null),
        "{held}"
    );
}

#[test]
fn who_asks_a_control_plane_that_does_not_run_is_told_what_starts_it() {
    let corner = Corner::new();
    for command in [
        &["approvals"][..],
        &["approvals", "watch"],
        &["approvals", "--json"],
        &["approve", "4f2a"],
        &["deny", "4f2a"],
        &["grant", "list"],
        &["task", "list"],
        &["task", "show", "4f2a"],
        &["agent", "list", "--json"],
        &["agent", "show", "x"],
        &["audit", "search"],
        &["revoke", "agent", "x"],
        &["check", "--kind", "docs", "--read", "x", "--at", "1h ago"],
    ] {
        let output = corner.run(command);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {said}");
        assert!(
            said.contains("no control plane runs") && said.contains("`writ serve`"),
            "{command:?}: {said}"
        );
        assert!(!said.contains("os error") && output.stdout.is_empty(), "{command:?}: {said}");
    }
}

/// What a person mistypes is answered with what helps next.
#[test]
fn a_slip_of_the_pen_is_told_from_what_is_done() {
    let corner = Corner::with_control_plane();
    for (command, code, hint) in [
        (&["agent", "list"][..], 0, "`writ run` registers one"),
        (&["task", "list"], 0, "`writ run` opens one"),
        (&["task", "show", "zz"], 2, "`writ task list --all` lists them"),
        (&["task", "show", "4f2a"], 2, "nothing is there under `4f2a`"),
        (&["approve", "zzzzz"], 2, "`zzzzz` is no id"),
        (&["approvals", "--all"], 0, "no open task has asked for anything"),
        (&["revoke", "owner", "ann"], 0, "nothing of `ann` was left to end"),
        (&["revoke", "owner", "ann"], 0, "`writ agent list` shows who owns what"),
        (&["audit", "show", "4f2a"], 2, "with all its digits"),
        (&["check", "--kind", "docs", "--action", "git-push", "--resource", "ref:main"], 2, "ref:REMOTE#REF"),
        (&["classify", "--workspace", "nowhere", "make"], 2, "could not open the workspace `nowhere`"),
    ] {
        let output = corner.run(command);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(code), "{command:?}: {said}");
        assert!(said.contains(hint), "{command:?}: {said}");
    }
    let facts = ["check", "--kind", "docs", "--command", "rm -rf /", "--explain"];
    let said = text(&corner.run(facts));
    assert!(said.contains("resource.path is \"/\"\n"), "{said}");
}
