//! What a client of `writ run` sees, writes and reaches.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::corner::{Corner, finished, git, text};

mod attack_binding;
mod attack_closed;
mod attack_led;
mod attack_list;
mod attack_memory;
mod attack_replaced;
mod attack_repositories;
mod attack_secrets;
mod empty;
mod git_inside;
mod starts;

/// What must not be read inside.
const SECRET: &str = "secret-of-the-house";

/// A corner with something to steal beside the workspace and in it.
fn furnished() -> Corner {
    let corner = Corner::with_control_plane();
    git(&corner.work());
    corner.register("claude-code");
    let put = |path: std::path::PathBuf, text: &str| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for name in [
        ".ssh/id_rsa",
        ".aws/credentials",
        ".config/gcloud/credentials.db",
        ".kube/config",
        ".netrc",
        ".bash_history",
        ".cargo/credentials.toml",
        ".claude/settings.json",
        ".docker/config.json",
        "other/notes",
        ".mozilla/x",
    ] {
        put(corner.home().join(name), SECRET);
    }
    put(corner.home().join(".claude/settings.json"), "{}");
    put(corner.home().join(".cargo/registry/cached"), "cached");
    put(corner.home().parent().unwrap().join("neighbour/notes"), SECRET);
    for name in [".env", "deploy/prod.tfvars"] {
        put(corner.work().join(name), SECRET);
    }
    for name in [".github/workflows/ci.yml", ".claude/settings.json", "CLAUDE.md"] {
        put(corner.work().join(name), "{}");
    }
    corner
}

fn played(corner: &Corner, options: &[&str], play: &str) -> String {
    let output = finished(corner.play(options, play));
    assert!(output.status.success(), "{}\n{}", text(&output), corner.left("script.err"));
    text(&output)
}

/// Writes of an agent that must fail, each a line of shell; the workspace is furnished first.
fn none_gets_through(corner: &Corner, options: &[&str], attempts: &[&str]) -> String {
    let mut play = "start\n".to_owned();
    for (number, attempt) in attempts.iter().enumerate() {
        play.push_str(&format!("if ({attempt}) 2>>tried; then echo {number} >>free; fi\n"));
    }
    play.push_str("git status --short >status 2>&1\nfinish\n");
    let said = played(corner, options, &play);
    let free: Vec<&str> =
        corner.left("free").lines().map(|number| attempts[number.parse::<usize>().unwrap()]).collect();
    assert!(free.is_empty(), "{free:#?}\n{}", corner.left("tried"));
    assert!(!corner.left("status").contains("fatal"), "{}", corner.left("status"));
    said
}

fn put(corner: &Corner, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = corner.work().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// One service is reached and says so; the other is a secret.
#[test]
fn the_network_leads_where_a_person_said() {
    let corner = furnished();
    let (named, other) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let (wanted, unwanted) = (port(&named), port(&other));
    std::thread::spawn(move || {
        for stream in named.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 16]);
            let _ = stream.write_all(b"reached\n");
        }
    });
    let play = format!(
        "start\n(exec 3<>/dev/tcp/127.0.0.1/{wanted}; echo x >&3; cat <&3) >named 2>&1\n\
         (exec 3<>/dev/tcp/127.0.0.1/{unwanted} && echo free) >other 2>&1\n\
         curl -sSi https://evil.example/x >proxy 2>&1\n\
         curl -sSi http://evil.example/x >plain 2>&1\n\
         curl -sSi --noproxy '' http://127.0.0.1:{unwanted}/ >around 2>&1\n\
         getent ahosts example.org >dns 2>&1 || echo none >>dns\nfinish\n"
    );
    played(&corner, &["--allow-host", &format!("127.0.0.1:{wanted}")], &play);
    assert_eq!(corner.left("named"), "reached\n");
    assert!(!corner.left("other").contains("free"), "{}", corner.left("other"));
    for refused in ["proxy", "plain"] {
        let said = corner.left(refused);
        assert!(said.contains(" 403 ") && said.contains("--allow-host"), "{refused}: {said}");
    }
    assert!(corner.left("around").contains("writ-reason: "), "{}", corner.left("around"));
    assert_eq!(corner.left("dns"), "none\n");
}

#[test]
fn what_is_given_up_is_open_and_on_record() {
    let corner = furnished();
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = service.local_addr().unwrap().port();
    let play = format!(
        "start\n(exec 3<>/dev/tcp/127.0.0.1/{port} && echo free) >open 2>&1\nunshare -U true && echo free >>open\nfinish\n"
    );
    played(&corner, &["--danger-open-network", "--danger-all-calls"], &play);
    assert_eq!(corner.left("open"), "free\nfree\n");
    let task = corner.json(["task", "list", "--all", "--json"]);
    let weakened = &task["tasks"][0]["weakened"];
    assert_eq!(*weakened, serde_json::json!(["all-calls", "open-network"]), "{task}");
}

#[test]
fn a_rehearsal_shows_every_step_and_leaves_nothing() {
    let corner = furnished();
    corner.cast("start\n");
    let shown = corner.json(["run", "--dry-run", "--json", "--kind", "bugfix", "--", "claude"]);
    let steps = format!("{}", shown["steps"]);
    for wanted in
        ["private ", "keep ", "copy, changes end with the task,", "may write below", "refuse ", "read-only "]
    {
        assert!(steps.contains(wanted), "{wanted}: {steps}");
    }
    assert!(shown["hosts"].as_array().unwrap().iter().any(|host| host == "api.anthropic.com:443"), "{shown}");
    let layers = shown["layers"].as_array().unwrap();
    assert!(layers.len() > 15 && layers.iter().all(|layer| layer["enforced"] == true), "{shown}");
    assert!(shown["refused_calls"].as_array().unwrap().len() > 50);
    assert_eq!(corner.json(["task", "list", "--all", "--json"])["tasks"], serde_json::json!([]));
    assert_eq!(std::fs::read_dir(corner.state().join("run")).unwrap().count(), 0);
    let people = corner.run(["run", "--dry-run", "--kind", "docs", "--", "claude"]);
    assert!(people.status.success() && text(&people).contains("enforced system-calls"), "{}", text(&people));
}
