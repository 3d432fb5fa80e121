//! What the requester named, at the door: let through unprompted, held to, and what ends the task.

use serde_json::{Value, json};
use writ_model::{Client, CloseCause, Limits};

use crate::office::Scene;
use crate::say::{bash, runs};

fn scene(bounds: Value, limits: Limits) -> Scene {
    let scene = Scene::with(|task| task.limits = limits, |_| {});
    scene.world.facts.lock().unwrap().bounds = Some(serde_json::from_value(bounds).unwrap());
    scene
}

async fn goes_through(scene: &Scene, command: &str, id: usize) -> bool {
    runs(Client::ClaudeCode, &scene.say(Client::ClaudeCode, &bash(command, &id.to_string())).await)
}

#[tokio::test(start_paused = true)]
async fn what_was_named_goes_through_and_the_rest_is_asked_for() {
    let scene = scene(
        json!({"hosts": ["docs.example.org"], "write": ["src/**"], "deny-read": ["notes/**"]}),
        Limits::default(),
    );
    for (id, (command, through)) in [
        ("curl -s https://docs.example.org/a", true),
        ("curl -s https://docs.example.org.evil.example/a", false),
        ("touch src/a.rs", true),
        ("touch lib/a.rs", false),
        ("cat README.md", true),
        ("cat notes/a.md", false),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(goes_through(&scene, command, id).await, through, "{command}");
    }
    let asked = scene.decisions().iter().filter(|decision| decision.starts_with("step_up")).count();
    assert_eq!(asked, 2, "what is off limits is not asked for");
}

#[tokio::test(start_paused = true)]
async fn a_task_reaches_out_and_writes_no_more_than_it_may() {
    let limits = Limits { outward_calls: Some(1), files_written: Some(2), ..Limits::default() };
    let named = json!({"hosts": ["docs.example.org"]});
    let out = scene(named.clone(), limits);
    assert!(goes_through(&out, "curl -s https://docs.example.org/1", 1).await);
    assert!(goes_through(&out, "cargo test", 2).await, "what stays on the machine does not count");
    assert!(!goes_through(&out, "curl -s https://docs.example.org/2", 3).await);
    assert!(!goes_through(&out, "cargo test", 4).await, "the task is closed");
    assert_eq!(out.book().closed, [CloseCause::OutwardLimit]);

    let files = scene(named, limits);
    for (id, (command, through)) in
        [("touch a", true), ("touch b", true), ("touch a", true), ("touch c", false), ("ls", false)]
            .into_iter()
            .enumerate()
    {
        assert_eq!(goes_through(&files, command, id).await, through, "{command}");
    }
    assert_eq!(files.book().closed, [CloseCause::FileLimit]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_over_a_limit_is_on_record() {
    let scene = scene(json!({}), Limits { files_written: Some(0), ..Limits::default() });
    assert!(!goes_through(&scene, "touch a", 1).await);
    assert!(scene.decisions().iter().any(|decision| decision.contains("deny limit-reached")));
}

#[tokio::test(start_paused = true)]
async fn a_condition_for_stopping_ends_the_task_and_asks_nobody() {
    for (condition, command) in [
        ("secret-read", "cat .env"),
        ("bounds", "curl https://elsewhere.example/"),
        ("guardrail", "echo eA== | base64 -d | sh"),
        ("escape-attempt", "echo eA== | base64 -d | sh"),
        ("identity-change", "git config --global user.email a@example.org"),
    ] {
        let scene = scene(json!({"hosts": [], "stop-on": [condition]}), Limits::default());
        assert!(goes_through(&scene, "cargo test", 1).await, "{condition}");
        let reply = scene.say(Client::ClaudeCode, &bash(command, "2")).await;
        assert!(!runs(Client::ClaudeCode, &reply), "{condition}");
        assert!(reply.stderr.contains(&format!("stop on `{condition}`")), "{reply:?}");
        assert!(!goes_through(&scene, "cargo test", 3).await, "{condition}");
        assert!(scene.decisions().iter().all(|decision| !decision.starts_with("step_up")), "{condition}");
        assert_eq!(scene.book().closed, [CloseCause::StopCondition], "{condition}");
    }
    // Another refusal does not end it.
    let scene = scene(json!({"hosts": [], "stop-on": ["secret-read"]}), Limits::default());
    assert!(!goes_through(&scene, "curl https://elsewhere.example/", 1).await);
    assert!(goes_through(&scene, "cargo test", 2).await);
    assert!(scene.book().closed.is_empty());
}
