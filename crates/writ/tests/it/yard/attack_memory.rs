//! What a client remembers of other projects does not show, and of this one it does.

use super::furnished;

#[test]
fn attack_what_a_client_remembers_of_other_projects_is_absent() {
    let corner = furnished();
    let work = corner.work();
    let text = serde_json::json!({
        "numStartups": 7,
        "projects": {
            work.to_str().unwrap(): {"history": ["of this one"]},
            "/srv/neighbour": {"history": ["of another one"]},
        },
    })
    .to_string();
    let (plain, moved) = (corner.home().join(".claude.json"), corner.home().join("elsewhere/.claude.json"));
    std::fs::create_dir(moved.parent().unwrap()).unwrap();
    for path in [&plain, &moved] {
        std::fs::write(path, &text).unwrap();
        // The client makes copies, one of each day.
        for ending in ["backup", "backup.1763800000000"] {
            std::fs::write(path.with_extension(format!("json.{ending}")), &text).unwrap();
        }
    }
    // Written at every start of the client: that goes on, and ends with the task.
    let play = format!(
        "start\nfor f in {} {}; do cat $f; echo '{{}}' >$f && cat $f; done >shown 2>&1\ngrep -rl 'of [a]nother' ~ /tmp >found 2>/dev/null\nfinish\n",
        plain.display(),
        moved.display()
    );
    let run = |folder: Option<&std::path::Path>| {
        let mut command = corner.play(&[], &play);
        if let Some(folder) = folder {
            command.env("CLAUDE_CONFIG_DIR", folder);
        }
        let said = crate::corner::text(&crate::corner::finished(command));
        (corner.left("shown"), corner.left("found"), said)
    };
    let (shown, found, said) = run(None);
    assert!(shown.contains("of this one") && shown.contains("numStartups"), "{shown}{said}");
    assert!(shown.contains("\n{}\n") || shown.contains("}{}\n"), "{shown}{said}");
    assert!(!shown.contains("of another one") && found.is_empty(), "{shown}{found}");
    let (shown, found, said) = run(moved.parent());
    assert_eq!(shown.matches("of this one").count(), 2, "{shown}{said}");
    assert!(!shown.contains("of another one") && !shown.contains("Read-only"), "{shown}");
    assert!(found.is_empty(), "{found}");
    for path in [&plain, &moved] {
        assert_eq!(std::fs::read_to_string(path).unwrap(), text);
    }
}

#[test]
fn attack_settings_of_codex_name_no_other_project() {
    let corner = furnished();
    corner.register("codex");
    let work = corner.work();
    let path = corner.home().join(".codex/config.toml");
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let text = format!(
        "model = \"m\"\n[projects.\"{}\"]\ntrust_level = \"trusted\"\n[projects.\"/srv/neighbour\"]\ntrust_level = \"trusted\"\n",
        work.display()
    );
    std::fs::write(&path, &text).unwrap();
    corner.script(
        "codex",
        "cat ~/.codex/config.toml >shown 2>&1; echo evil >>~/.codex/config.toml && echo wrote >>shown\n\
         grep -rl srv/[n]eighbour ~ /tmp >found 2>/dev/null",
    );
    let said = crate::corner::text(&corner.run(["run", "--kind", "feature", "--task", "t", "--", "codex"]));
    let shown = corner.left("shown");
    assert!(shown.contains("model = \"m\"") && shown.contains(work.to_str().unwrap()), "{shown}{said}");
    assert!(!shown.contains("neighbour") && !shown.contains("wrote"), "{shown}{said}");
    assert_eq!(corner.left("found"), "", "{said}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}
