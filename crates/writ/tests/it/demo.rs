//! The demo tells its whole story, and every fact of it holds; it leaves nothing behind and touches nothing of the
//! user's.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use writ_testkit::Clients;

use crate::corner::{Corner, Guest, signal, text, until};

/// A user's machine: a home with nothing in it, and a folder for temporary files.
struct Machine {
    corner: Corner,
    temporary: tempfile::TempDir,
}

// === impl Machine ===

impl Machine {
    fn new() -> Self {
        Self { corner: Corner::new(), temporary: tempfile::Builder::new().prefix("t").tempdir().unwrap() }
    }

    fn demo(&self, arguments: &[&str]) -> Command {
        let mut command = self.corner.writ(["demo"]);
        command.args(arguments).env_remove("WRIT_STATE_DIR").env("TMPDIR", self.temporary.path());
        command
    }

    fn left_behind(&self) -> Vec<String> {
        names(self.temporary.path())
    }

    /// Nothing in the user's home, nothing left in the folder for temporary files.
    fn is_untouched(&self) {
        assert_eq!(names(&self.corner.home()), [""; 0]);
        assert_eq!(self.left_behind(), [""; 0]);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn finished(mut command: Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
}

/// The one object that it prints, with every fact in it held.
fn told(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(output));
    let story: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(output)));
    assert_eq!((&story["v"], &story["ok"]), (&1.into(), &true.into()), "{story:#}");
    let facts = story["facts"].as_array().unwrap();
    assert!(facts.iter().all(|fact| fact["held"] == true && fact["expected"] == fact["seen"]), "{story:#}");
    for name in [
        "reading is allowed, and done",
        "decode-and-run is refused",
        "it left no trace",
        "a credential takes another person's yes, which nobody can give here",
        "nothing was pushed while it was held",
        "it was pushed exactly once",
        "what the agent left running is gone",
        "a writ dies with its task",
        "a call after the end is refused",
        "a changed entry is named",
    ] {
        assert!(facts.iter().any(|fact| fact["name"] == name), "`{name}` is not among the facts\n{story:#}");
    }
    let gravest =
        |call: &Value| call["effects"].as_array().unwrap().last().unwrap().as_str().unwrap().to_owned();
    let calls: Vec<_> = story["calls"].as_array().unwrap().iter().collect();
    let verdicts: Vec<_> =
        calls.iter().map(|call| (gravest(call), call["verdict"].as_str().unwrap())).collect();
    let verdicts: Vec<_> = verdicts.iter().map(|(effect, verdict)| format!("{effect} {verdict}")).collect();
    assert_eq!(
        verdicts,
        [
            "read allow",
            "write-workspace allow",
            "build-test allow",
            "read allow",
            "escape-attempt deny",
            "secret-read deny",
            "git-push step_up",
            "git-push allow",
            "git-push step_up",
            "git-push deny",
        ],
        "{story:#}"
    );
    story
}

#[test]
fn a_rehearsal_tells_the_whole_story_and_leaves_nothing_behind() {
    let machine = Machine::new();
    let story = told(&finished(machine.demo(&["--rehearsal", "--json"])));
    assert_eq!(
        (&story["rehearsal"], &story["agent"], &story["folder"]),
        (&true.into(), &"rehearsal".into(), &Value::Null)
    );
    machine.is_untouched();
}

#[test]
fn a_client_that_does_not_come_up_gives_way_to_a_rehearsal_unless_it_was_asked_for() {
    let machine = Machine::new();
    // Does as it likes and never calls a hook.
    machine.corner.script("claude", "touch ungoverned");
    let output = finished(machine.demo(&["--client", "claude-code", "--json"]));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("did not come up"), "{}", text(&output));

    let output = finished(machine.demo(&[]));
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    for line in [
        "did not come up",
        "A rehearsal, because",
        "  refused   escape-attempt",
        "where to look next",
        "It tests no real client.",
    ] {
        assert!(said.contains(line), "`{line}` is missing\n{said}");
    }
    assert!(!said.contains('\u{1b}'), "colours where there is no terminal\n{said}");
    machine.is_untouched();
}

#[test]
fn what_is_kept_can_be_looked_at() {
    let machine = Machine::new();
    let story = told(&finished(machine.demo(&["--rehearsal", "--keep", "--json"])));
    let folder = Path::new(story["folder"].as_str().unwrap());
    assert_eq!(machine.left_behind(), [folder.file_name().unwrap().to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(folder.join("repo/test.log")).unwrap(), "passed\n");
    let mut verify = machine.corner.writ(["audit", "verify"]);
    verify.env("WRIT_STATE_DIR", folder.join("state"));
    assert_eq!(finished(verify).status.code(), Some(0));
}

#[test]
fn a_person_who_stops_it_finds_nothing_left_behind() {
    let machine = Machine::new();
    let mut demo =
        Guest(machine.demo(&["--rehearsal"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let is_up = |name: &String| machine.temporary.path().join(name).join("state/control.sock").exists();
    until("control plane", || machine.left_behind().iter().any(is_up).then_some(()));
    signal(&demo.0, "INT");
    assert_eq!(demo.0.wait().unwrap().code(), Some(1));
    machine.is_untouched();
}

#[test]
fn a_client_that_is_not_installed_is_a_usage_error() {
    let machine = Machine::new();
    let output = finished(machine.demo(&["--client", "codex"]));
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    machine.is_untouched();
}

/// A client that speaks its hooks' language and asks for one thing only.
#[test]
fn a_story_that_goes_otherwise_is_told_as_such() {
    let machine = Machine::new();
    let session = machine.corner.bin().join("session.ndjson");
    let call = r#"{"session_id":"s","cwd":"@REPO@","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"cat README.md"},"tool_use_id":"1"}"#;
    let start = r#"{"session_id":"s","cwd":"@REPO@","hook_event_name":"SessionStart","source":"startup"}"#;
    std::fs::write(&session, format!("{start}\n{call}\n")).unwrap();
    let program = env!("CARGO_BIN_EXE_writ");
    let play = format!(
        "sed \"s#@REPO@#$PWD#\" '{}' > \"$HOME/session\"\nexec '{program}' demo --play \"$HOME/session\" -- \"$@\"",
        session.display()
    );
    machine.corner.script("claude", &play);
    let output = finished(machine.demo(&["--json"]));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let story: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&story["ok"], &story["rehearsal"]), (&false.into(), &false.into()), "{story:#}");
    let fact = |name: &str| {
        story["facts"].as_array().unwrap().iter().find(|fact| fact["name"] == name).unwrap().clone()
    };
    assert_eq!(fact("reading is allowed, and done")["held"], true, "{story:#}");
    assert_eq!(fact("it was pushed exactly once")["seen"], "1", "{story:#}");
    assert_eq!(fact("decode-and-run is refused")["seen"], "not asked", "{story:#}");
    machine.is_untouched();
}

/// With the pinned clients on PATH. Without `named`, the first of them is taken.
fn real_client(named: Option<&str>) {
    let machine = Machine::new();
    let clients = Clients::find(env!("CARGO_MANIFEST_DIR").as_ref()).unwrap();
    let mut demo = machine.demo(&["--json"]);
    demo.args(named.into_iter().flat_map(|client| ["--client", client]));
    demo.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", clients.programs().display()));
    let story = told(&finished(demo));
    let client = named.unwrap_or("claude-code");
    assert_eq!((&story["rehearsal"], &story["client"]), (&false.into(), &client.into()), "{story:#}");
    machine.is_untouched();
}

#[test]
fn real_client_demo() {
    real_client(None);
}

#[test]
fn real_client_demo_of_codex() {
    real_client(Some("codex"));
}

#[test]
fn real_client_demo_of_gemini_cli() {
    real_client(Some("gemini-cli"));
}

#[test]
fn real_client_demo_of_opencode() {
    real_client(Some("opencode"));
}
