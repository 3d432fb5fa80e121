//! What the standing of a task refuses, and what is refused when the office is broken.

use writ_gateway::port::Standing;
use writ_model::{Client, LifecycleState, TaskState, Timestamp};

use crate::office::{Mood, NOW, Scene};
use crate::say::{ALLOWED, bash, before, claude, runs};

#[tokio::test(start_paused = true)]
async fn each_way_to_stand_badly_has_its_reason() {
    type Change = fn(&mut Standing);
    let cases: [(Change, &str); 11] = [
        (|standing| standing.revoked = true, "revoked"),
        (|standing| standing.fingerprint_changed = true, "fingerprint-changed"),
        (|standing| standing.agent_state = LifecycleState::Suspended, "agent-not-active"),
        (|standing| standing.agent_state = LifecycleState::Quarantined, "agent-not-active"),
        (|standing| standing.agent_state = LifecycleState::Retired, "agent-not-active"),
        (|standing| standing.agent_state = LifecycleState::Approved, "agent-not-active"),
        (|standing| standing.task_state = TaskState::Suspended, "task-not-open"),
        (|standing| standing.task_state = TaskState::Closed, "task-not-open"),
        (|standing| standing.connected = false, "control-unreachable"),
        (|standing| standing.writ_expires_at = Timestamp::from_millis(NOW), "writ-expired"),
        (
            |standing| {
                standing.fingerprint_changed = true;
                standing.agent_state = LifecycleState::Suspended;
            },
            "fingerprint-changed",
        ),
    ];
    for (change, reason) in cases {
        for client in Client::HOOKED {
            let scene = Scene::new();
            assert!(runs(client, &scene.say(client, &before(client, ALLOWED)).await));
            scene.stand(change);
            let reply = scene.say(client, &before(client, ALLOWED)).await;
            assert!(!runs(client, &reply) && reply.stderr.contains(reason), "{client} {reason}: {reply:?}");
            assert_eq!(scene.decisions()[1], format!("deny {reason} written"));
        }
        let scene = Scene::new();
        scene.stand(change);
        let prompt = claude("UserPromptSubmit", serde_json::json!({"prompt": "go on"}));
        let reply = scene.say(Client::ClaudeCode, &prompt).await;
        assert_eq!(reply.exit, 2, "a prompt too: {reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_decision_that_is_not_on_record_is_a_denial() {
    for client in Client::HOOKED {
        for mood in [Mood::Fails, Mood::Hangs] {
            let scene = Scene::new();
            assert!(runs(client, &scene.say(client, &before(client, ALLOWED)).await));
            scene.book().record = mood;
            let reply = scene.say(client, &before(client, ALLOWED)).await;
            assert!(
                !runs(client, &reply) && reply.stderr.contains("record-failed"),
                "{client} {mood:?}: {reply:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_less_durable_than_asked_for_is_none() {
    let scene = Scene::with(|_| {}, |_| {});
    scene.book().record = Mood::Lies;
    assert!(
        runs(Client::ClaudeCode, &scene.say(Client::ClaudeCode, &bash(ALLOWED, "1")).await),
        "written was asked for"
    );
    let held = tokio::spawn({
        let door = std::sync::Arc::clone(&scene.door);
        let text = bash(crate::say::HELD, "2").to_string();
        async move {
            let frame =
                writ_gateway::hook::Frame { client: Client::ClaudeCode, event: None, payload: text.into() };
            door.handle(frame, None).await
        }
    });
    scene.asked(1).await;
    scene.answer(writ_model::ApprovalState::Approved);
    let reply = held.await.unwrap();
    assert!(!runs(Client::ClaudeCode, &reply) && reply.stderr.contains("record-failed"), "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_task_nothing_runs_and_the_next_call_tries_again() {
    for mood in [Mood::Fails, Mood::Hangs] {
        let scene = Scene::new();
        scene.book().tasks = mood;
        let reply = scene.say(Client::ClaudeCode, &bash(ALLOWED, "1")).await;
        assert!(
            !runs(Client::ClaudeCode, &reply) && reply.stderr.contains("control-unreachable"),
            "{mood:?}: {reply:?}"
        );
        scene.book().tasks = Mood::Works;
        assert!(runs(Client::ClaudeCode, &scene.say(Client::ClaudeCode, &bash(ALLOWED, "1")).await));
    }
}

#[tokio::test(start_paused = true)]
async fn a_judge_that_panics_denies() {
    for client in Client::HOOKED {
        let scene = Scene::new();
        scene.book().judge_panics = true;
        let reply = scene.say(client, &before(client, ALLOWED)).await;
        assert!(!runs(client, &reply) && reply.stderr.contains("evaluation-error"), "{client}: {reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_ready_in_time_is_a_denial() {
    for client in Client::HOOKED {
        let scene = Scene::with(|_| {}, |plan| plan.deadline = std::time::Duration::from_secs(3));
        scene.book().record = Mood::Hangs;
        let reply = scene.say(client, &before(client, ALLOWED)).await;
        assert!(!runs(client, &reply) && reply.stderr.contains("not-in-time"), "{client}: {reply:?}");
    }
}
