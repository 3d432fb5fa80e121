//! What is not there for a client of `writ run`: credentials by every name, other projects wherever they lie, sessions of
//! other projects, and who listens in the workspace.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::corner::{Corner, finished, git, text};

/// Paths that hold credentials: below the home, or below a workspace. One file stands for each pattern.
const PATHS: &str = include_str!("absent/secret-paths.txt");
/// What must not be read inside.
const SECRET: &str = "secret-of-the-house";

fn put(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn corner() -> Corner {
    let corner = Corner::with_control_plane();
    git(&corner.work());
    corner.register("claude-code");
    corner
}

fn played(corner: &Corner, options: &[&str], play: &str) -> String {
    let output = finished(corner.play(options, play));
    assert!(output.status.success(), "{}\n{}", text(&output), corner.left("script.err"));
    text(&output)
}

fn at(corner: &Corner, name: &str) -> PathBuf {
    match name.strip_prefix("~/") {
        Some(below) => corner.home().join(below),
        None => corner.work().join(name),
    }
}

#[test]
fn credentials_are_absent_by_every_name() {
    let corner = corner();
    let mut list = String::new();
    for name in PATHS.lines() {
        let path = at(&corner, name);
        put(&path, SECRET);
        list.push_str(&format!("{}\n", path.display()));
    }
    put(&corner.work().join("list"), &list);
    played(
        &corner,
        &[],
        "start\nwhile read -r f; do grep -q . \"$f\" 2>/dev/null && echo \"$f\" >>shown; done <list; touch done\nfinish\n",
    );
    assert!(corner.work().join("done").exists());
    assert_eq!(corner.left("shown"), "");
}

/// What only root may read does not show, whoever runs it.
#[test]
fn the_systems_own_secrets_are_absent_for_root_too() {
    let corner = corner();
    let closed = "find /etc -xdev \\( -type f -o -type d \\) ! -perm -004 2>/dev/null";
    let outside = std::process::Command::new("bash").args(["-c", closed]).output().unwrap();
    let outside = String::from_utf8_lossy(&outside.stdout).into_owned();
    assert!(outside.contains("/etc/shadow"), "{outside}");
    put(&corner.work().join("list"), &outside);
    played(
        &corner,
        &[],
        "start\nwhile read -r f; do { test -d \"$f\" && ls -A \"$f\" || cat \"$f\"; } 2>/dev/null | grep -q . && echo \"$f\" >>shown; done <list\nls -A / >root; ls -A /var/lib /srv /home /opt /mnt /boot >other 2>&1\nfinish\n",
    );
    assert_eq!(corner.left("shown"), "");
    assert!(corner.left("root").contains("usr"), "{}", corner.left("root"));
    assert!(!corner.left("other").contains("docker"), "{}", corner.left("other"));
}

/// Whoever writes the index in a workspace could say that a secret is everybody's.
#[test]
fn a_file_is_everybodys_only_as_version_control_has_it() {
    let corner = corner();
    for name in [".env", "config/prod.env", "tests/tls.pem", "changed.pem"] {
        put(&corner.work().join(name), if name == ".env" { SECRET } else { "everybodys" });
    }
    let run = |arguments: &[&str]| {
        let done =
            std::process::Command::new("git").args(arguments).current_dir(corner.work()).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    run(&["add", "config/prod.env", "tests/tls.pem", "changed.pem"]);
    put(&corner.work().join("changed.pem"), SECRET);
    let look = "start\ncat .env config/prod.env tests/tls.pem changed.pem >shown 2>/dev/null\n\
        git update-index --add --cacheinfo 100644,$(echo forged | git hash-object -w --stdin),.env\nfinish\n";
    // The one that was changed shows as git has it; one that an agent says is tracked, as that agent says.
    for shown in ["", "forged\n"] {
        played(&corner, &[], look);
        assert_eq!(corner.left("shown"), format!("{shown}everybodyseverybodyseverybodys"));
    }
}

/// Folders that have nothing in common with the workspace but the machine.
#[test]
fn other_projects_are_absent_wherever_they_lie() {
    let place = tempfile::Builder::new().prefix("places").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let place = place.path().canonicalize().unwrap();
    let corner = corner();
    for name in ["one/app", "other/app", "sdk/bin", "sdk/lib", "loose"] {
        std::fs::create_dir_all(place.join(name)).unwrap();
    }
    for name in ["other/app/notes", "other/top", "loose/notes", "named.txt", "sdk/lib/part"] {
        put(&place.join(name), name);
    }
    let work = place.join("one/app");
    git(&work);
    corner.cast(&format!(
        "start\ncd {work}\nls -R {root}/other {root}/loose >listed 2>&1; cat {root}/other/app/notes {root}/loose/notes >read 2>&1; \
         cat {root}/sdk/lib/part {root}/named.txt >needed 2>&1; (echo x >{root}/sdk/lib/part; echo x >{root}/named.txt) 2>refused\nfinish\n",
        work = work.display(),
        root = place.display()
    ));
    let mut command = corner.writ([
        "run",
        "--kind",
        "feature",
        "--task",
        "look around",
        "--read",
        &place.join("named.txt").display().to_string(),
        "--",
        "claude",
    ]);
    let path = format!(
        "{}:{}:/usr/local/bin:/usr/bin:/bin",
        corner.bin().display(),
        place.join("sdk/bin").display()
    );
    command.current_dir(&work).env("PATH", path);
    let output = finished(command);
    let left = |name: &str| std::fs::read_to_string(work.join(name)).unwrap_or_default();
    assert!(output.status.success(), "{}", text(&output));
    assert!(!left("listed").contains("notes") && !left("listed").contains("top"), "{}", left("listed"));
    assert_eq!(left("read").matches("No such file").count(), 2, "{}", left("read"));
    assert_eq!(left("needed"), "sdk/lib/partnamed.txt");
    assert_eq!(left("refused").matches("Read-only file system").count(), 2, "{}", left("refused"));
}

#[test]
fn sessions_of_other_projects_are_absent_and_ones_own_stay() {
    let corner = corner();
    let work = corner.work().canonicalize().unwrap();
    let own: String =
        work.to_str().unwrap().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let projects = corner.home().join(".claude/projects");
    put(&projects.join("-srv-other/talk.jsonl"), SECRET);
    put(&projects.join(format!("{own}-beside/talk.jsonl")), SECRET);
    put(&corner.home().join(".claude/history.jsonl"), SECRET);
    let play = format!(
        "start\ncat ~/.claude/projects/{own}/talk.jsonl >before 2>/dev/null; echo said >>~/.claude/projects/{own}/talk.jsonl\n\
         mkdir -p ~/.claude/projects/-srv-other && echo planted >~/.claude/projects/-srv-other/talk.jsonl\n\
         grep -rl {SECRET} ~/.claude >found 2>/dev/null\nfinish\n"
    );
    for before in ["", "said\n"] {
        played(&corner, &[], &play);
        assert_eq!(corner.left("before"), before);
        assert_eq!(corner.left("found"), "");
    }
    let kept = |name: &str| std::fs::read_to_string(projects.join(name)).unwrap();
    assert_eq!(kept(&format!("{own}/talk.jsonl")), "said\nsaid\n");
    assert_eq!(kept("-srv-other/talk.jsonl"), SECRET);
}

#[test]
fn a_word_in_the_address_of_a_remote_does_not_show() {
    let corner = corner();
    let config = corner.work().join(".git/config");
    let before = std::fs::read_to_string(&config).unwrap()
        + &format!("[remote \"origin\"]\n\turl = https://me:{SECRET}@forge.example/team/app.git\n");
    put(&config, &before);
    put(
        &corner.work().join("inner/.git/config"),
        &format!("[http]\n\textraheader = Authorization: basic {SECRET}\n"),
    );
    played(
        &corner,
        &[],
        "start\ngrep -r . .git/config inner/.git/config >shown; git remote get-url origin >url 2>&1\n(echo x >>.git/config) 2>refused; finish\n",
    );
    assert!(!corner.left("shown").contains(SECRET), "{}", corner.left("shown"));
    assert_eq!(corner.left("url"), "https://forge.example/team/app.git\n");
    assert!(corner.left("refused").contains("Read-only"), "{}", corner.left("refused"));
    assert_eq!(std::fs::read_to_string(&config).unwrap(), before);
}

#[test]
fn who_listens_in_the_workspace_does_not_answer() {
    let corner = corner();
    let socket = corner.work().join("service.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    drop(UnixListener::bind(corner.work().join("stale.sock")).unwrap());
    let reached = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reached);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // Whoever looks whether somebody is here says nothing.
            if stream.read(&mut [0; 8]).is_ok_and(|read| read > 0) {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(SECRET.as_bytes());
            }
        }
    });
    let ask = "perl -MSocket -e 'socket(S,AF_UNIX,SOCK_STREAM,0); connect(S,sockaddr_un(\"service.sock\")) and syswrite(S,\"ask\") and sysread(S,$b,99) and print $b' >answer 2>&1";
    played(&corner, &[], &format!("start\n{ask}\nrm stale.sock && touch removed\nfinish\n"));
    assert_eq!((corner.left("answer").as_str(), reached.load(Ordering::SeqCst)), ("", 0));
    assert!(corner.work().join("removed").exists(), "what nobody listens at is left alone");
    played(&corner, &["--read", "service.sock"], &format!("start\n{ask}\nfinish\n"));
    assert_eq!(corner.left("answer"), SECRET, "a person can name it");
}

/// Cline keeps the address of its model where a task can write it.
#[test]
fn a_host_that_a_task_may_have_named_is_not_reached() {
    let corner = corner();
    corner.register("cline");
    corner.script("cline", "exit 0");
    let providers = corner.home().join(".cline/data/settings/providers.json");
    let names = |hosts: &[&str]| {
        let hosts: Vec<String> =
            hosts.iter().map(|host| format!("{{\"baseUrl\": \"https://{host}/v1\"}}")).collect();
        put(&providers, &format!("[{}]", hosts.join(",")));
    };
    let hosts = |options: &[&str]| {
        let all = [&["run", "--dry-run", "--json", "--kind", "docs"], options, &["--", "cline"]].concat();
        corner.json(all)["hosts"].to_string()
    };
    let run = |options: &[&str]| {
        text(&finished(
            corner.writ([&["run", "--kind", "docs", "--task", "x"], options, &["--", "cline"]].concat()),
        ))
    };
    names(&["mine.example"]);
    run(&[]);
    names(&["mine.example", "evil.example"]);
    assert!(hosts(&[]).contains("mine.example") && !hosts(&[]).contains("evil.example"), "{}", hosts(&[]));
    let said = run(&[]);
    assert!(said.contains("names evil.example:443") && said.contains("--allow-host evil.example"), "{said}");
    run(&["--allow-host", "evil.example"]);
    assert!(hosts(&[]).contains("evil.example"), "{}", hosts(&[]));
}
