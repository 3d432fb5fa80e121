//! What real clients keep of their sessions: those of the workspace outlive the task, so that they can be resumed; those of
//! other projects are absent.

use std::path::{Path, PathBuf};

use writ_model::Client;
use writ_testkit::Script;

use super::{PATIENCE, PROMPT, Play};
use crate::house::House;

/// What another project's session holds.
const SECRET: &str = "secret-of-the-house";

/// The client's folder, and a session of another project in it.
fn other(client: Client) -> (&'static str, &'static str, String) {
    let said = |place: &str| {
        format!("{{\"type\":\"session_meta\",\"payload\":{{\"cwd\":\"{place}\",\"said\":\"{SECRET}\"}}}}\n")
    };
    match client {
        Client::ClaudeCode => (".claude", "projects/-srv-other/1.jsonl", SECRET.into()),
        Client::Codex => {
            (".codex", "sessions/2025/01/02/rollout-2025-01-02T03-04-05-1.jsonl", said("/srv/other"))
        }
        Client::CopilotCli => {
            (".copilot", "session-state/1/workspace.yaml", format!("cwd: /srv/other\nname: {SECRET}\n"))
        }
        Client::GeminiCli => (".gemini", "tmp/other/chats/session-1.json", SECRET.into()),
        Client::QwenCode => (".qwen", "projects/-srv-other/chats/1.jsonl", SECRET.into()),
        client => panic!("{client} is not among the clients here"),
    }
}

/// Files below a folder that hold a word.
fn holding(folder: &Path, word: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if std::fs::read(entry.path())
                .is_ok_and(|bytes| bytes.windows(word.len()).any(|part| part == word.as_bytes()))
            {
                found.push(entry.path());
            }
        }
    }
    found
}

fn sessions_stay_with_their_project(client: Client) {
    let (folder, other, text) = other(client);
    let house = House::new();
    // The judge reads what a rule says, and the client's own record what was asked for: neither names anything.
    let repo = house.stage.repo();
    let look = format!(
        "use File::Find;\nmy @found;\nfind(sub {{ open my $f, '<', $_ or return; local $/; my $t = <$f>; \
         push @found, $File::Find::name if -f $_ && index($t, '{SECRET}') >= 0 }}, '{}');\n\
         open my $out, '>', 'found.txt'; print $out \"@found\"; close $out;\n",
        house.stage.home().display()
    );
    std::fs::write(repo.join("look.pl"), look).unwrap();
    std::fs::write(repo.join("Makefile"), "look:\n\t@perl look.pl\n").unwrap();
    let play = Play::new(house, Script::new().shell("make look").say("done"));
    let root = play.house.stage.home().join(folder);
    let other = root.join(other);
    std::fs::create_dir_all(other.parent().unwrap()).unwrap();
    std::fs::write(&other, &text).unwrap();
    let ended = play.run(client, &["--hold", "1s"]).run(PATIENCE).unwrap();
    let story = play.story(&ended);
    assert!(ended.status.success(), "{story}");
    assert_eq!(play.made("found.txt").as_deref(), Some(""), "{story}");
    assert_eq!(std::fs::read_to_string(&other).unwrap(), text);
    assert!(!holding(&root, PROMPT).is_empty(), "the session is gone\n{story}");
}

macro_rules! clients {
    ($($name:ident $client:ident)*) => {$(
        #[test]
        fn $name() {
            sessions_stay_with_their_project(Client::$client);
        }
    )*};
}

clients! {
    claude_code ClaudeCode
    codex Codex
    copilot_cli CopilotCli
    gemini_cli GeminiCli
    qwen_code QwenCode
}
