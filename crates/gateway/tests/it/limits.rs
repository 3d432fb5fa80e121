//! Stop conditions and bounds.

use std::sync::atomic::Ordering;

use serde_json::json;
use writ_model::{ActivityEvent, Client, CloseCause};

use crate::office::{NOW, Scene};
use crate::say::{ALLOWED, DENIED, bash, bash_done, before, claude, runs};

#[tokio::test(start_paused = true)]
async fn the_last_call_that_a_task_has_closes_it() {
    let scene = Scene::with(|task| task.limits.calls = 2, |_| {});
    for (number, through) in [(1, true), (2, true), (3, false), (4, false)] {
        let reply = scene.say(Client::ClaudeCode, &bash(ALLOWED, &number.to_string())).await;
        assert_eq!(runs(Client::ClaudeCode, &reply), through, "{number}: {reply:?}");
        assert!(through || reply.stderr.contains("limit-reached"));
    }
    assert_eq!(scene.book().closed, [CloseCause::CallLimit], "closed once");
}

#[tokio::test(start_paused = true)]
async fn too_many_denials_close_the_task() {
    let scene = Scene::with(|task| task.limits.denials = 3, |_| {});
    for number in 0..3 {
        let reply = scene.say(Client::ClaudeCode, &bash(DENIED, &number.to_string())).await;
        assert!(!reply.stderr.contains("limit-reached"), "{reply:?}");
    }
    assert_eq!(scene.book().closed, [CloseCause::DenialLimit]);
    let reply = scene.say(Client::ClaudeCode, &bash(ALLOWED, "4")).await;
    assert!(!runs(Client::ClaudeCode, &reply) && reply.stderr.contains("limit-reached"), "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn time_ends_a_task_even_when_the_office_cannot_be_told() {
    let scene = Scene::with(|task| task.limits.seconds = 60, |_| {});
    assert!(runs(Client::ClaudeCode, &scene.say(Client::ClaudeCode, &bash(ALLOWED, "1")).await));
    scene.world.now.store(NOW + 60_000, Ordering::SeqCst);
    scene.book().tasks = crate::office::Mood::Fails;
    for _ in 0..2 {
        let reply = scene.say(Client::ClaudeCode, &bash(ALLOWED, "2")).await;
        assert!(!runs(Client::ClaudeCode, &reply) && reply.stderr.contains("limit-reached"), "{reply:?}");
    }
    // A clock that is set back revives nothing.
    scene.world.now.store(NOW, Ordering::SeqCst);
    assert!(!runs(Client::ClaudeCode, &scene.say(Client::ClaudeCode, &bash(ALLOWED, "3")).await));
}

#[tokio::test(start_paused = true)]
async fn a_session_records_no_more_than_its_task_may() {
    let scene = Scene::with(|task| task.limits.recorded_bytes = 20_000, |_| {});
    let mut denied = 0;
    for number in 0..40 {
        let id = number.to_string();
        let reply = scene.say(Client::ClaudeCode, &bash(&format!("echo {}", "x".repeat(1_000)), &id)).await;
        if runs(Client::ClaudeCode, &reply) {
            assert_eq!(denied, 0, "once full it stays full");
            scene.say(Client::ClaudeCode, &bash_done(&format!("echo {}", "x".repeat(1_000)), &id)).await;
        } else {
            assert!(reply.stderr.contains("record-full"), "{reply:?}");
            denied += 1;
        }
    }
    assert!(denied > 20, "{denied}");
    let bytes: usize = scene
        .book()
        .entries
        .iter()
        .flat_map(|(_, payloads, _)| payloads)
        .map(|payload| payload.bytes.len())
        .sum();
    assert!(bytes <= 20_000, "{bytes}");
    // Every denial is on record all the same, with nothing beside it.
    let denials = scene.decisions().iter().filter(|word| word.contains("record-full")).count();
    assert_eq!(denials, denied);
}

#[tokio::test(start_paused = true)]
async fn sessions_are_bounded() {
    let scene = Scene::new();
    for number in 0..300 {
        let mut message = before(Client::GeminiCli, ALLOWED);
        message["session_id"] = format!("s{number}").into();
        let reply = scene.say(Client::GeminiCli, &message).await;
        assert_eq!(runs(Client::GeminiCli, &reply), number < 256, "{number}: {reply:?}");
    }
    let started =
        scene.events().iter().filter(|event| matches!(event, ActivityEvent::SessionStarted { .. })).count();
    assert_eq!(started, 256);
}

#[tokio::test(start_paused = true)]
async fn claims_cannot_fill_the_record() {
    let scene = Scene::with(|task| task.limits.recorded_bytes = 10_000, |_| {});
    for number in 0..2_000 {
        let id = number.to_string();
        scene.say(Client::ClaudeCode, &bash_done(ALLOWED, &id)).await;
        scene.say(Client::ClaudeCode, &claude("Notification", json!({}))).await;
        scene.say_text(Client::ClaudeCode, Some("PreToolUse"), "{").await;
        // A session that comes and goes.
        let mut start = claude("SessionStart", json!({}));
        start["session_id"] = format!("s{number}").into();
        let mut end = claude("SessionEnd", json!({}));
        end["session_id"] = format!("s{number}").into();
        scene.say(Client::ClaudeCode, &start).await;
        scene.say(Client::ClaudeCode, &end).await;
    }
    let entries = scene.events().len();
    assert!(entries < 4_000, "{entries}");
    let reply = scene.say(Client::ClaudeCode, &bash(ALLOWED, "x")).await;
    assert!(!runs(Client::ClaudeCode, &reply), "{reply:?}");
}
