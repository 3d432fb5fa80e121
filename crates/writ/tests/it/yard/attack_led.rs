//! What kept settings, hooks and instructions lead to is kept as well, or told.

use super::{furnished, put};
use crate::corner::{finished, text};

/// What lies deeper than is looked can be written, and that is no secret.
#[test]
fn bounds_that_are_reached_are_told_and_recorded() {
    let corner = furnished();
    let deep = ["d"; 17].join("/");
    for (name, is_told) in [("d/CLAUDE.md", false), (format!("{deep}/x/CLAUDE.md").as_str(), true)] {
        put(&corner, &[(name, "")]);
        let said = text(&finished(corner.play(&[], "start\nfinish\n")));
        assert_eq!(said.contains("the agent can write the rest"), is_told, "{name}: {said}");
        let tasks = corner.json(["task", "list", "--all", "--json"])["tasks"].clone();
        let weakened = |task: &serde_json::Value| task["weakened"] == serde_json::json!(["keeping-all"]);
        assert_eq!(tasks.as_array().unwrap().iter().any(weakened), is_told, "{tasks}");
    }
}

#[test]
fn attack_what_programs_of_git_start_is_kept() {
    let corner = furnished();
    let kept = ["scripts/check.sh", "scripts/lib.sh", "watch/lib.sh"];
    for name in kept {
        put(&corner, &[(name, "mine")]);
    }
    put(
        &corner,
        &[
            ("ci/hooks/pre-commit", "#!/bin/sh\nexec scripts/check.sh\n"),
            ("scripts/check.sh", "#!/bin/sh\n. scripts/lib.sh\n"),
            ("watch/all", "#!/bin/sh\n. watch/lib.sh\n"),
        ],
    );
    for (key, value) in [("core.hooksPath", "ci/hooks"), ("filter.x.clean", "sh watch/all")] {
        let mut git = std::process::Command::new("git");
        assert!(git.args(["config", key, value]).current_dir(corner.work()).status().unwrap().success());
    }
    let list = kept.join(" ");
    let play = format!(
        "start\n(for f in {list}; do echo evil >$f && echo $f >>free; rm -f $f && echo $f >>free; done) 2>>tried\nfinish\n"
    );
    let said = text(&finished(corner.play(&[], &play)));
    assert_eq!(corner.left("free"), "", "{}{said}", corner.left("tried"));
    assert!(!corner.left("tried").is_empty(), "{said}");
}

#[test]
fn attack_what_settings_lead_to_is_kept_and_what_appears_is_told() {
    let corner = furnished();
    let kept =
        ["scripts/hook.sh", "scripts/lib.sh", "scripts/mcp.js", "env/all.sh", "docs/rules.md", "tools/check"];
    for name in kept {
        put(&corner, &[(name, "mine")]);
    }
    put(
        &corner,
        &[
            (
                ".claude/settings.json",
                r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"./scripts/hook.sh"}]}]},"apiKeyHelper":"bin/new"}"#,
            ),
            ("scripts/hook.sh", "#!/bin/sh\n. scripts/lib.sh\n"),
            (".mcp.json", r#"{"mcpServers":{"x":{"command":"node","args":["scripts/mcp.js"]}}}"#),
            (".envrc", ". ./env/all.sh\n"),
            ("CLAUDE.md", "@docs/rules.md\n"),
            (".husky/pre-commit", "tools/check\n"),
            ("src/main.rs", "fn main() {}"),
        ],
    );
    let list = kept.join(" ");
    let play = format!(
        "start\n(for f in {list}; do echo evil >$f && echo $f >>free; rm -f $f && echo $f >>gone; done; \
         mv scripts s2 && mv s2 scripts && echo moved >>free; \
         echo work >src/main.rs || echo main >>shut; mkdir bin; echo evil >bin/new || echo new >>shut) 2>>tried\nfinish\n"
    );
    let output = finished(corner.play(&[], &play));
    let said = text(&output);
    assert_eq!(corner.left("free"), "", "{}{said}", corner.left("tried"));
    assert_eq!(corner.left("gone"), "", "{said}");
    assert_eq!(corner.left("shut"), "", "{}{said}", corner.left("tried"));
    assert!(said.contains("a coding agent, as settings:\n    bin/new"), "{said}");
    // What a task is about is open with all that belongs to it.
    let play = "start\necho better >docs/rules.md && echo done >written\nfinish\n";
    let command = corner.play(&["--write", "docs/rules.md"], play);
    let said = text(&finished(command));
    assert_eq!(corner.left("written"), "done\n", "{said}");
    assert!(said.contains("docs/rules.md"), "{said}");
}
