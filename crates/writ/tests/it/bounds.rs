//! What a person names on the command line of a run, from there to the door and back to the person.

use crate::corner::{Corner, finished, git, text};

#[test]
fn a_run_is_held_to_what_was_named_for_it() {
    let corner = Corner::with_control_plane();
    git(&corner.work());
    corner.register("claude-code");
    let file = corner.home().join("bounds.toml");
    std::fs::write(&file, "write = [\"src/**\"]\nhosts = []\nstop-on = [\"escape-attempt\"]\n").unwrap();
    let play = r#"
        start
        call t1 "mkdir -p src && echo made > src/made.txt"
        call t2 "echo more > src/more.txt"
        call t3 "echo other > lib.txt"
        call t4 "echo c3RvbGVu | base64 -d | sh"
        call t5 "echo late > src/late.txt"
        finish
    "#;
    let options =
        ["--bounds", file.to_str().unwrap(), "--write", "notes/**", "--hold", "1s", "--max-files", "9"];
    let output = finished(corner.play(&options, play));
    let said = text(&output);
    let log = corner.left("log");
    assert!(log.starts_with("t1 allowed\nt2 allowed\nt3 denied\n"), "{log}{said}");
    assert!(!log.contains("t4 allowed") && !log.contains("t5 allowed"), "{log}{said}");
    assert!(!corner.work().join("src/late.txt").exists());
    let tasks = corner.json(["task", "list", "--all", "--json"])["tasks"].as_array().unwrap().clone();
    assert_eq!(tasks[0]["cause"], "stop-condition", "{said}");
    assert_eq!(tasks[0]["bounds"]["write"], serde_json::json!(["src/**", "notes/**"]));
    let id = tasks[0]["id"].as_str().unwrap();
    let shown = text(&corner.run(["task", "show", id]));
    for part in
        ["write: \"src/**\", \"notes/**\"", "hosts: none", "stop-on: \"escape-attempt\"", "9 files changed"]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    // What would be decided is asked of the same bounds.
    for (command, code) in [("touch src/x", 0), ("touch lib/x", 4), ("curl https://example.org/", 4)] {
        let asked = corner.run(["check", "--task", id, "--command", command]);
        assert_eq!(asked.status.code(), Some(code), "{command}: {}", text(&asked));
    }
}
