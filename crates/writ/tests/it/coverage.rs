//! `docs/coverage.md`: what each real client's hooks let us see and stop, as observed. Written anew with
//! `WRIT_UPDATE_COVERAGE=1`; otherwise the observed table must be the one that stands there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use writ_gateway::coverage::{LOGINS, Login, ROWS as CLAIMED, Row, Stops};
use writ_gateway::setup::{self, Host};
use writ_model::Client;
use writ_testkit::{Clients, Script, ScriptedModel};

use crate::corner::until;
use crate::house::{House, PATIENCE};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/coverage.md");
const ERRAND: &str = "Run the errand of the coverage test, please.";
const DENIED: &str = "echo dG91Y2ggc3RvbGVu | base64 -d | sh";

/// The rows of the table, in order: what happens, and the words for a reader.
const ROWS: [(&str, &str); 15] = [
    ("session-started", "session start"),
    ("prompt-submitted", "prompt"),
    ("shell", "before a shell command"),
    ("file", "before a file is written"),
    ("denied", "a denied command"),
    ("call-ended", "after a tool"),
    ("call-failed", "a tool that failed"),
    ("subagent-started", "subagent starts"),
    ("subagent-call", "before a subagent's tool"),
    ("subagent-ended", "subagent ends"),
    ("configuration-changed", "configuration changes while it runs"),
    ("turn-ended", "turn ends"),
    ("session-ended", "session end"),
    ("hook-missing", "hook program gone in mid-session"),
    ("hook-crashes", "hook program crashes"),
];

/// What a damaged hook program looks like.
#[derive(Clone, Copy)]
enum Damage {
    Missing,
    Crashes,
}

#[test]
fn real_clients_are_covered_as_documented() {
    let run: Vec<Client> = Client::HOOKED.into_iter().filter(|client| !client.is_windowed()).collect();
    // Two at a time: each runs three sessions, and more of them would only wait for one another.
    let mut columns: Vec<Column> = Vec::new();
    for two in run.chunks(2) {
        std::thread::scope(|scope| {
            let observers: Vec<_> =
                two.iter().map(|client| (*client, scope.spawn(move || observed(*client)))).collect();
            columns.extend(observers.into_iter().map(|(client, observer)| {
                let (seen, handed_over) = observer.join().expect("a client could be observed");
                Column { client, seen, handed_over }
            }));
        });
    }
    let text = document(&columns);
    if std::env::var_os("WRIT_UPDATE_COVERAGE").is_some() {
        std::fs::write(DOCUMENT, &text).unwrap();
    }
    let stands = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    assert_eq!(
        text, stands,
        "observed another coverage; look at it, then write it with WRIT_UPDATE_COVERAGE=1"
    );
}

/// What was observed of one client.
struct Column {
    client: Client,
    seen: BTreeMap<&'static str, &'static str>,
    /// What the record says was handed over to it, with its home as `~`.
    handed_over: Vec<String>,
}

fn observed(client: Client) -> (BTreeMap<&'static str, &'static str>, Vec<String>) {
    let (mut seen, handed_over) = healthy(client);
    seen.insert("hook-missing", damaged(client, Damage::Missing));
    seen.insert("hook-crashes", damaged(client, Damage::Crashes));
    (seen, handed_over)
}

/// One session in which everything happens that a hook could tell of.
fn healthy(client: Client) -> (BTreeMap<&'static str, &'static str>, Vec<String>) {
    let house = House::new();
    let repo = house.stage.repo();
    let inner = Script::new().shell("echo errand > errand.txt").say("the errand is done");
    let model = ScriptedModel::start(
        Script::new()
            .shell("cat go > /dev/null; echo shell > shell.txt")
            .write(repo.join("file.txt").display().to_string(), "file\n")
            .shell("ls nothing-here")
            .spawn(ERRAND, inner)
            // Last, because a denial ends the run of some clients.
            .shell(DENIED)
            .say("all is done"),
    )
    .unwrap();
    paused(&house, client, None, &model, || {
        // A person edits the project's settings while the client runs.
        for (folder, file) in [(".claude", "settings.json"), (".gemini", "settings.json")] {
            std::fs::create_dir_all(repo.join(folder)).unwrap();
            std::fs::write(repo.join(folder).join(file), "{}\n").unwrap();
        }
        // The only client that tells of it waits until the file has been still for a while.
        if client == Client::ClaudeCode {
            until("the change to be told", || {
                house.activity().iter().any(|event| event["type"] == "configuration-changed").then_some(())
            });
        }
    });
    let activity = house.activity();
    let is = |event: &Value, kind: &str| event["type"] == kind;
    let any = |fits: &dyn Fn(&Value) -> bool| if activity.iter().any(fits) { "seen" } else { "missed" };
    let decided = |operation: &'static str| {
        move |event: &Value| {
            is(event, "call-decided") && event["operation"] == operation && event["subagent"].is_null()
        }
    };
    let mut seen = BTreeMap::new();
    for kind in [
        "session-started",
        "prompt-submitted",
        "subagent-started",
        "subagent-ended",
        "configuration-changed",
        "turn-ended",
        "session-ended",
    ] {
        seen.insert(kind, any(&|event| is(event, kind)));
    }
    seen.insert("shell", any(&decided("shell")));
    // Codex offers its file tool only to models that it knows by name.
    let file = if client == Client::Codex { patched(client) } else { any(&decided("write")) };
    seen.insert("file", file);
    seen.insert("call-ended", any(&|event| is(event, "call-ended") && event["outcome"] == "succeeded"));
    seen.insert("call-failed", any(&|event| is(event, "call-ended") && event["outcome"] == "failed"));
    let errands =
        activity.iter().filter(|event| is(event, "call-decided") && event["operation"] == "shell").count();
    seen.insert("subagent-call", if errands >= 4 { "seen" } else { "missed" });
    let left_a_trace = repo.join("stolen").exists();
    seen.insert("denied", if left_a_trace { "ran" } else { "blocked" });
    for file in ["shell.txt", "file.txt", "errand.txt"] {
        assert!(repo.join(file).exists(), "{client}: {file} was not made: {activity:#?}");
    }
    let tasks = house.json(&["task", "list", "--all"]);
    let home = house.stage.home().display().to_string();
    let names = tasks["tasks"][0]["handed_over"].as_array().unwrap();
    let handed_over = names.iter().map(|name| name.as_str().unwrap().replace(&home, "~")).collect();
    (seen, handed_over)
}

/// A session in which a file is written by the client's file tool, on a model that is offered one.
fn patched(client: Client) -> &'static str {
    let house = House::new();
    let file = house.stage.repo().join("file.txt").display().to_string();
    let script = Script::new().shell("cat go > /dev/null").write(file, "file\n").say("done");
    let model = ScriptedModel::start(script).unwrap();
    paused(&house, client, Some("gpt-5.5"), &model, || {});
    let activity = house.activity();
    let is_write = |event: &Value| event["type"] == "call-decided" && event["operation"] == "write";
    if activity.iter().any(is_write) { "seen" } else { "missed" }
}

/// A session whose hook program is damaged while a command runs: does the next command run unjudged?
fn damaged(client: Client, damage: Damage) -> &'static str {
    let house = House::with_own_copy();
    let model =
        ScriptedModel::start(Script::new().shell("cat go > /dev/null").shell("touch unguarded").say("done"))
            .unwrap();
    paused(&house, client, None, &model, || {
        std::fs::remove_file(house.program()).unwrap();
        if let Damage::Crashes = damage {
            let mut file = std::fs::File::create_new(house.program()).unwrap();
            file.write_all(b"#!/bin/sh\nexit 1\n").unwrap();
            use std::os::unix::fs::PermissionsExt;
            file.set_permissions(std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    });
    let decided = |event: &&Value| event["type"] == "call-decided" && event["operation"] == "shell";
    // A run may keep the program that it started with.
    let is_judged = house.activity().iter().filter(decided).count() >= 2;
    if house.stage.repo().join("unguarded").exists() && !is_judged { "runs unjudged" } else { "held" }
}

/// Runs the client, on a model by that name; `meanwhile` happens while its first command waits for the pipe `go`.
fn paused(
    house: &House,
    client: Client,
    known_as: Option<&str>,
    model: &ScriptedModel,
    meanwhile: impl FnOnce(),
) {
    let name = client.name();
    house.register(name, name);
    let pipe = house.stage.repo().join("go");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let clients = Clients::find(env!("CARGO_MANIFEST_DIR").as_ref()).unwrap();
    let run = ["run", "--agent", name, "--kind", "feature", "--task", "be observed"];
    let prompt = "Do as the script says.";
    let client_alone = match known_as {
        Some(name) => clients.headless_as(client, name, model, &house.stage, prompt),
        None => clients.headless(client, model, &house.stage, prompt),
    };
    let running = client_alone
        .unwrap()
        .env("WRIT_STATE_DIR", house.state())
        .behind(house.program(), run)
        .start()
        .unwrap();
    let (sender, opened) = std::sync::mpsc::channel();
    // Opening waits for the reader, which may never come: so it does not happen on this thread.
    std::thread::spawn(move || sender.send(std::fs::OpenOptions::new().write(true).open(pipe)));
    let writer = opened.recv_timeout(PATIENCE);
    meanwhile();
    drop(writer);
    let ended = running.wait(PATIENCE);
    assert!(ended.is_ok(), "{client}: {ended:?}, {}", json!(house.activity()));
}

fn document(columns: &[Column]) -> String {
    let mut text = String::from(INTRODUCTION);
    text.push_str("| what happens |");
    for Column { client, .. } in columns {
        let _ = write!(text, " {client} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(columns.len()));
    text.push('\n');
    for (key, words) in ROWS {
        let _ = write!(text, "| {words} |");
        for Column { seen, .. } in columns {
            let _ = write!(text, " {} |", seen.get(key).copied().unwrap_or("missed"));
        }
        text.push('\n');
    }
    text.push_str(&versions());
    text.push_str(&logins(columns));
    text.push_str(&claims());
    text
}

/// How each client's login reaches its model: as observed, as shown by the tests of sealed logins, and by the lists that a
/// run goes by.
fn logins(columns: &[Column]) -> String {
    let mut text = String::from(LOGINS_TOLD);
    text.push_str("| client | put on by the proxy, where sealed | handed over else | in these runs | |\n|---|---|---|---|---|\n");
    let none = |_: &str| None;
    let host = Host { home: "~".as_ref(), workspace: "~/project".as_ref(), variable: &none, read: &|_| None };
    for Column { client, handed_over, .. } in columns {
        let Login { sealed, note, .. } = LOGINS.iter().find(|login| login.client == *client).unwrap();
        let login = setup::login(*client, &host, &[]);
        let names = login.variables.into_iter().filter(|name| is_secret(name));
        let files = login.files.iter().map(|file| file.display().to_string());
        let listed: Vec<String> = names.chain(files).map(|name| format!("`{name}`")).collect();
        let seen: Vec<String> = handed_over.iter().map(|name| format!("`{name}`")).collect();
        let seen = if seen.is_empty() { "nothing".to_owned() } else { seen.join(", ") };
        let sealed = sealed.map_or("no".to_owned(), |name| format!("yes (`{name}`)"));
        let _ = writeln!(text, "| {client} | {sealed} | {} | {seen} | {note} |", listed.join(", "));
    }
    text
}

/// Whether a name says that it is a credential's.
fn is_secret(name: &str) -> bool {
    ["KEY", "TOKEN", "HEADERS"].iter().any(|word| name.ends_with(word)) || name.contains("BEARER")
}

const LOGINS_TOLD: &str = "
## How each client's login reaches its model

*Put on by the proxy*: a login that `writ secret add … --env NAME` sealed is a placeholder inside, and the value takes its
place outside, on the way to the model; shown with the real client by `real_client::*_works_with_a_sealed_login`. *Handed
over else*: what of these is there goes into the sandbox as it is, and its name is on record; files are handed over whatever is
sealed. *In these runs*: what the record of the observed run says was handed over. The scripted model asks for no login, so
these are made up, or there is none. A login that its client keeps in the keyring of the desktop is out of reach.

";

/// What holds at each event, client by client.
fn claims() -> String {
    let mut text = String::from(CLAIMS);
    text.push_str("| client | event | told | a refusal holds | |\n|---|---|---|---|---|\n");
    for Row { client, event, seen, stops, note } in CLAIMED {
        let source = if client.is_windowed() { " (by documentation, not run)" } else { "" };
        let told = if *seen { "yes" } else { "no" };
        let holds = match stops {
            Stops::Always => "yes".to_owned(),
            Stops::Unless(but) => format!("yes, but for {but}"),
            Stops::Never => "no".to_owned(),
        };
        let _ = writeln!(text, "| {client}{source} | {event} | {told} | {holds} | {note} |");
    }
    text
}

const CLAIMS: &str = "
## What holds at each event

A refusal *holds* where the client honours it and goes on for no failure of our hook: a crash, a kill, a missing program,
an answer that makes no sense. What is said of Cursor, Kiro, VS Code and Windsurf is taken from their documentation: they
are programs with a window, which cannot be run in these tests.

";

/// The versions that were observed, from the pinned set.
fn versions() -> String {
    let set = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/package.json");
    let set: Value = serde_json::from_slice(&std::fs::read(set).unwrap()).unwrap();
    let mut text = String::from("\nObserved with");
    let dependencies = set["dependencies"].as_object().or(set["devDependencies"].as_object()).unwrap();
    let pinned: Vec<String> =
        dependencies.iter().map(|(name, version)| format!(" {name} {}", version.as_str().unwrap())).collect();
    text.push_str(&pinned.join(","));
    text.push_str(".\n");
    text
}

const INTRODUCTION: &str = "\
# What each client's hooks let us see and stop

Tests with the real clients, headless under `writ run`, write this table; it is what was observed, not what is hoped.
*seen*: the client tells us, and it is recorded. *missed*: the client has no such event or does not tell; the fact is
then unobserved, never unchanged. *blocked*: the command left no trace. *held*: blocked, or decided
by the program that the run started with. *runs unjudged*: the client goes on without us.

A hook is cooperative: a script that the agent starts makes no tool call, and none of this stops it. What a client does
when a hook is still silent at the client's own timeout is not in the table: our hook answers well before it.

";
