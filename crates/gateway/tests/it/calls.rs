//! Plain calls: allowed, denied, recorded, ended.

use serde_json::json;
use writ_gateway::hook::Manner;
use writ_model::{ActivityEvent, Client, Label, Outcome};

use crate::office::Scene;
use crate::say::{ALLOWED, DENIED, HELD, bash, bash_done, before, claude, runs};

#[tokio::test(start_paused = true)]
async fn every_client_is_answered_in_its_own_form() {
    for client in Client::HOOKED {
        let scene = Scene::new();
        let reply = scene.say(client, &before(client, ALLOWED)).await;
        assert!(runs(client, &reply), "{client}: {reply:?}");
        let reply = scene.say(client, &before(client, DENIED)).await;
        assert!(!runs(client, &reply), "{client}: {reply:?}");
        assert_eq!(scene.decisions()[0], "allow allowed written", "{client}");
        assert!(scene.decisions()[1].starts_with("deny "), "{client}");
        assert_eq!(scene.decisions().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn the_words_of_an_allow_depend_on_who_watches() {
    for (client, governed, hooked) in [
        (
            Client::ClaudeCode,
            r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow"}}"#,
            "{}",
        ),
        (Client::Codex, "{}", "{}"),
        (Client::GeminiCli, r#"{"decision":"allow"}"#, "{}"),
        (Client::OpenCode, r#"{"decision":"allow"}"#, r#"{"decision":"allow"}"#),
    ] {
        for (manner, expected) in [(Manner::Decide, governed), (Manner::Abstain, hooked)] {
            let scene = Scene::with(|_| {}, |plan| plan.manner = manner);
            assert_eq!(
                scene.say(client, &before(client, ALLOWED)).await.stdout,
                expected,
                "{client} {manner:?}"
            );
        }
    }
}

/// Told once, when the session starts, to clients that were shown to pass it on.
#[tokio::test(start_paused = true)]
async fn an_agent_is_told_at_its_start_what_is_kept() {
    for (client, wanted) in [(Client::ClaudeCode, true), (Client::OpenCode, false)] {
        let scene = Scene::with(|_| {}, |plan| plan.greeting = Some("kept: 'a'".to_owned()));
        let start = if wanted {
            claude("SessionStart", json!({"source": "startup"}))
        } else {
            before(client, ALLOWED)
        };
        let reply = scene.say(client, &start).await;
        assert_eq!(reply.exit, 0);
        assert_eq!(reply.stdout.contains("additionalContext\":\"kept: 'a'"), wanted, "{client} {reply:?}");
        if wanted {
            assert!(!scene.say(client, &bash(ALLOWED, "1")).await.stdout.contains("kept"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_record_of_a_session_is_complete() {
    let scene = Scene::new();
    for message in [
        claude("SessionStart", json!({"source": "startup"})),
        claude("UserPromptSubmit", json!({"prompt": "add a button"})),
        bash(ALLOWED, "1"),
        bash_done(ALLOWED, "1"),
        bash("ls", "2"),
        claude(
            "PostToolUseFailure",
            json!({"tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_use_id": "2", "error": "no"}),
        ),
        claude("SubagentStart", json!({"agent_id": "a1", "agent_type": "explore"})),
        claude("SubagentStop", json!({"agent_id": "a1"})),
        claude("PreCompact", json!({})),
        bash("pwd", "3"),
        claude("Stop", json!({})),
        claude("SessionEnd", json!({"reason": "other"})),
    ] {
        let reply = scene.say(Client::ClaudeCode, &message).await;
        assert_eq!(reply.exit, 0, "{message}: {reply:?}");
    }
    let told: Vec<String> = scene
        .events()
        .iter()
        .map(|event| match event {
            ActivityEvent::CallDecided { decision, .. } => format!("decided {}", decision.verdict),
            ActivityEvent::CallEnded { outcome, .. } => format!("ended {outcome:?}"),
            ActivityEvent::SessionEnded { missing_outcomes, .. } => {
                format!("session ended, {missing_outcomes} missing")
            }
            ActivityEvent::Noted { event, .. } => format!("noted {event}"),
            other => serde_json::to_value(other).unwrap()["type"].as_str().unwrap().to_owned(),
        })
        .collect();
    assert_eq!(
        told,
        [
            "session-started",
            "prompt-submitted",
            "decided allow",
            "ended Succeeded",
            "decided allow",
            "ended Failed",
            "subagent-started",
            "subagent-ended",
            "noted PreCompact",
            "decided allow",
            "turn-ended",
            "ended Missing",
            "session ended, 1 missing",
        ]
    );
    // Each commitment that stands in an entry lies in the vault, and each opens to what it says.
    for (event, payloads, _) in &scene.book().entries {
        let entry = serde_json::to_string(event).unwrap();
        for payload in payloads {
            let mut salted = payload.salt.to_vec();
            salted.extend_from_slice(&payload.bytes);
            let commitment: String = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &salted)
                .as_ref()
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            assert_eq!(payload.commitment.to_string(), commitment);
            assert!(entry.contains(&commitment));
        }
        assert!(!entry.contains("add a button") && !entry.contains(ALLOWED), "a leaf holds no text: {entry}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_end_is_made_up_for_when_the_client_has_gone() {
    let scene = Scene::new();
    scene.say(Client::Codex, &before(Client::Codex, ALLOWED)).await;
    scene.door.end_sessions().await;
    let ended = scene.events();
    assert!(
        matches!(ended.last(), Some(ActivityEvent::SessionEnded { missing_outcomes: 1, .. })),
        "{ended:?}"
    );
    assert!(
        ended.iter().any(|event| matches!(event, ActivityEvent::CallEnded { outcome: Outcome::Missing, .. }))
    );
}

#[tokio::test(start_paused = true)]
async fn calls_without_ids_are_paired_first_come_first_served() {
    let scene = Scene::new();
    let before = before(Client::GeminiCli, ALLOWED);
    let mut after = before.clone();
    after["hook_event_name"] = "AfterTool".into();
    after["tool_response"] = json!({"llmContent": "ok"});
    for message in [&before, &before, &after, &after, &after] {
        scene.say(Client::GeminiCli, message).await;
    }
    let calls: Vec<_> = scene
        .events()
        .into_iter()
        .filter_map(|event| match event {
            ActivityEvent::CallDecided { call, .. } => Some(format!("decided {call}")),
            ActivityEvent::CallEnded { call, .. } => Some(format!("ended {call}")),
            ActivityEvent::OutcomeUnmatched { .. } => Some("unmatched".to_owned()),
            _ => None,
        })
        .collect();
    let ids: Vec<&str> = calls.iter().map(|call| call.split(' ').next_back().unwrap()).collect();
    assert_eq!(ids[0], ids[2]);
    assert_eq!(ids[1], ids[3]);
    assert_eq!(ids[4], "unmatched");
}

#[tokio::test(start_paused = true)]
async fn a_permission_question_is_answered_for_the_call_that_was_decided() {
    let scene = Scene::new();
    let question = |command: &str| {
        claude(
            "PermissionRequest",
            json!({"tool_name": "Bash", "tool_input": {"command": command, "description": "x"}}),
        )
    };
    let reply = scene.say(Client::ClaudeCode, &question(ALLOWED)).await;
    assert!(reply.stdout.contains(r#""behavior":"deny""#), "nobody asked before: {reply:?}");
    scene.say(Client::ClaudeCode, &bash(ALLOWED, "1")).await;
    let reply = scene.say(Client::ClaudeCode, &question(ALLOWED)).await;
    assert_eq!((reply.exit, reply.stdout.contains(r#""behavior":"allow""#)), (0, true), "{reply:?}");
    let reply = scene.say(Client::ClaudeCode, &question(HELD)).await;
    assert!(reply.stdout.contains(r#""behavior":"deny""#), "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn a_changed_configuration_is_refused_and_recorded() {
    let scene = Scene::new();
    let change = claude("ConfigChange", json!({"source": "project_settings", "file_path": "/x"}));
    let reply = scene.say(Client::ClaudeCode, &change).await;
    assert_eq!(reply.exit, 2, "{reply:?}");
    assert!(reply.stdout.contains(r#""decision":"block""#));
    assert!(scene.events().iter().any(|event| matches!(event, ActivityEvent::ConfigurationChanged { .. })));
}

#[tokio::test(start_paused = true)]
async fn the_fingerprint_is_reported_at_the_start_and_when_the_model_changes() {
    let scene = Scene::new();
    let mut message = before(Client::Codex, ALLOWED);
    scene.say(Client::Codex, &message).await;
    scene.say(Client::Codex, &message).await;
    message["model"] = "other".into();
    scene.say(Client::Codex, &message).await;
    let models: Vec<_> = scene.book().seen.iter().map(|seen| seen.model.clone()).collect();
    assert_eq!(models, [Some(Label::lossy("m")), Some(Label::lossy("other"))]);
}

#[tokio::test(start_paused = true)]
async fn a_long_output_is_kept_in_part_with_the_digest_of_the_whole() {
    let scene = Scene::new();
    scene.say(Client::ClaudeCode, &bash(ALLOWED, "1")).await;
    let mut done = bash_done(ALLOWED, "1");
    done["tool_response"] = "é".repeat(200_000).into();
    scene.say(Client::ClaudeCode, &done).await;
    let book = scene.book();
    let (_, payloads, _) = book.entries.last().unwrap();
    assert!(payloads[0].bytes.len() < 70_000);
    let kept: serde_json::Value = serde_json::from_slice(&payloads[0].bytes).unwrap();
    assert_eq!(kept["bytes"], 400_002);
    assert_eq!(kept["sha256"].as_str().unwrap().len(), 64);
}
