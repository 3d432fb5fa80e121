//! Held calls: asked for, approved, spent once, or denied with an id.

use std::sync::Arc;
use std::time::Duration;

use writ_gateway::hook::HookReply;
use writ_model::{ApprovalState, Client};

use crate::office::{Mood, Scene, WORKSPACE, digest};
use crate::say::{HELD, bash, before, runs};

fn spawn(scene: &Scene, client: Client, command: &str) -> tokio::task::JoinHandle<HookReply> {
    let (door, text) = (Arc::clone(&scene.door), before(client, command).to_string());
    tokio::spawn(async move {
        let frame = writ_gateway::hook::Frame { client, event: None, payload: text.into() };
        door.handle(frame, None).await
    })
}

#[tokio::test(start_paused = true)]
async fn a_held_call_waits_is_approved_and_runs_once() {
    for client in Client::HOOKED {
        let scene = Scene::new();
        let held = spawn(&scene, client, HELD);
        scene.asked(1).await;
        assert!(!held.is_finished());
        scene.answer(ApprovalState::Approved);
        let reply = held.await.unwrap();
        assert!(runs(client, &reply), "{client}: {reply:?}");
        assert_eq!(scene.decisions(), ["step_up step-up written", "allow approved synced"], "{client}");
        assert_eq!(scene.book().approvals[0].2, ApprovalState::Consumed);
        // The same again needs a new yes.
        let again = spawn(&scene, client, HELD);
        scene.asked(2).await;
        scene.answer(ApprovalState::Refused);
        let reply = again.await.unwrap();
        assert!(!runs(client, &reply), "{client}: {reply:?}");
        assert!(reply.stderr.contains("approval-refused"), "{}", reply.stderr);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_answers_and_a_later_call_spends_the_yes() {
    let scene = Scene::new();
    let start = tokio::time::Instant::now();
    let reply = scene.say(Client::Codex, &before(Client::Codex, HELD)).await;
    assert!(!runs(Client::Codex, &reply));
    let waited = start.elapsed();
    assert!(waited >= Duration::from_secs(570) && waited < Duration::from_secs(588), "{waited:?}");
    let id = scene.book().approvals[0].0;
    assert!(
        reply.stderr.contains(&id.to_string()) && reply.stderr.contains("approval-pending"),
        "{}",
        reply.stderr
    );
    scene.answer(ApprovalState::Approved);
    assert!(runs(Client::Codex, &scene.say(Client::Codex, &before(Client::Codex, HELD)).await));
    assert_eq!(scene.book().approvals.len(), 1);
    assert_eq!(
        scene.decisions(),
        ["step_up step-up written", "deny approval-pending written", "allow approved synced"]
    );
}

#[tokio::test(start_paused = true)]
async fn of_two_identical_calls_at_once_one_yes_lets_one_through() {
    let scene = Scene::new();
    let (one, two) = (spawn(&scene, Client::ClaudeCode, HELD), spawn(&scene, Client::ClaudeCode, HELD));
    scene.asked(1).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(scene.book().approvals.len(), 1, "both wait for the same request");
    scene.answer(ApprovalState::Approved);
    let replies = [one.await.unwrap(), two.await.unwrap()];
    let let_through = replies.iter().filter(|reply| runs(Client::ClaudeCode, reply)).count();
    assert_eq!(let_through, 1, "{replies:?}");
    assert_eq!(
        scene.book().approvals.iter().filter(|(_, _, state, _)| *state == ApprovalState::Consumed).count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_yes_is_for_the_files_as_they_were() {
    let scene = Scene::new();
    let script = std::path::Path::new(WORKSPACE).join("deploy.sh");
    scene.world.files.lock().unwrap().insert(script.clone(), digest(1));
    let command = "git push origin main && ./deploy.sh";
    let held = spawn(&scene, Client::ClaudeCode, command);
    scene.asked(1).await;
    assert!(scene.book().shown[0].contains(&digest(1).to_string()), "{}", scene.book().shown[0]);
    scene.world.files.lock().unwrap().insert(script, digest(2));
    scene.answer(ApprovalState::Approved);
    scene.asked(2).await;
    assert!(!held.is_finished());
    let book = scene.book();
    assert_ne!(book.approvals[0].1, book.approvals[1].1, "another action");
    assert_eq!(book.approvals[0].2, ApprovalState::Approved, "not spent");
}

#[tokio::test(start_paused = true)]
async fn another_argument_folder_or_task_is_another_action() {
    let scene = Scene::with(|_| {}, |plan| plan.hold = Duration::ZERO);
    let mut elsewhere = bash(HELD, "1");
    elsewhere["cwd"] = format!("{WORKSPACE}/sub").into();
    let mut described = bash(HELD, "1");
    described["tool_input"]["description"] = "harmless".into();
    let mut large = bash(HELD, "1");
    large["tool_input"]["timeout"] = 9_007_199_254_740_993_u64.into();
    let mut larger = large.clone();
    larger["tool_input"]["timeout"] = 9_007_199_254_740_992_u64.into();
    for message in [bash(HELD, "1"), elsewhere, described, large, larger] {
        scene.say(Client::ClaudeCode, &message).await;
    }
    let mut actions: Vec<_> = scene.book().approvals.iter().map(|(_, action, ..)| *action).collect();
    actions.sort();
    actions.dedup();
    assert_eq!(actions.len(), 5);
    // The order in which a client writes its arguments is no difference.
    scene.book().approvals.clear();
    for text in [
        r#"{"command":"git push origin main","timeout":1}"#,
        r#"{"timeout":1,"command":"git push origin main"}"#,
    ] {
        let mut message = bash(HELD, "1");
        message["tool_input"] = serde_json::from_str(text).unwrap();
        scene.say(Client::ClaudeCode, &message).await;
    }
    assert_eq!(scene.book().approvals.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_ends_the_waiting() {
    let scene = Scene::new();
    let held = spawn(&scene, Client::GeminiCli, HELD);
    scene.asked(1).await;
    scene.stand(|standing| standing.revoked = true);
    // The office expires what waits when it revokes.
    scene.answer(ApprovalState::Expired);
    let reply = held.await.unwrap();
    assert!(!runs(Client::GeminiCli, &reply));
    assert!(reply.stderr.contains("revoked"), "{}", reply.stderr);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_spends_nothing() {
    let scene = Scene::new();
    let held = spawn(&scene, Client::ClaudeCode, HELD);
    scene.asked(1).await;
    held.abort();
    assert!(held.await.unwrap_err().is_cancelled());
    scene.answer(ApprovalState::Approved);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(scene.book().approvals[0].2, ApprovalState::Approved);
}

#[tokio::test(start_paused = true)]
async fn when_approvals_cannot_be_asked_for_the_call_is_denied() {
    for (mood, count) in [(Mood::Fails, 0), (Mood::Hangs, 0), (Mood::Works, 6)] {
        let scene = Scene::with(|_| {}, |plan| plan.hold = Duration::ZERO);
        scene.book().approving = mood;
        let mut last = None;
        for number in 0..=count {
            last = Some(scene.say(Client::ClaudeCode, &bash(&format!("{HELD}{number}"), "1")).await);
        }
        let reply = last.unwrap();
        assert!(!runs(Client::ClaudeCode, &reply));
        let reason = if mood == Mood::Works { "approvals-full" } else { "control-unreachable" };
        assert!(reply.stderr.contains(reason), "{mood:?}: {}", reply.stderr);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_hides_from_the_approver() {
    let scene = Scene::with(|_| {}, |plan| plan.hold = Duration::ZERO);
    let command = "git push origin main # \u{202e}\u{1b}[8m\u{200b} harmless";
    scene.say(Client::ClaudeCode, &bash(command, "1")).await;
    let book = scene.book();
    let shown = &book.shown[0];
    assert!(!shown.contains(['\u{202e}', '\u{200b}', '\u{1b}']), "{shown}");
    assert!(shown.contains("\\\\u{202e}"), "{shown}");
    let value: serde_json::Value = serde_json::from_str(shown).unwrap();
    assert_eq!(value["agent"], "claude");
    assert_eq!(value["intent"], "add a button");
    assert_eq!(value["claims"]["tool"], "Bash");
    assert!(value["would"].as_array().unwrap().iter().any(|action| action["effect"] == "git-push"));
    let why = &value["why"][0];
    assert_eq!((&why["text"], &why["start"]), (&"git push origin main".into(), &0.into()), "{value}");
    assert_eq!(why["rule"], "git.push");
}
