//! Agents: nothing without owner, purpose and review date; what lapses or changes stops by itself.

use std::time::Duration;

use writ_control::api::ErrorCode;
use writ_control::api::message::*;
use writ_model::*;

use super::bench::{Bench, DAY, human, label, me, refused};

#[test]
fn a_registration_without_owner_purpose_or_review_date_is_refused() {
    let bench = Bench::new();
    let good = || bench.registration("claude");
    let now = bench.hands.wall();
    let cases = [
        ("owner", AgentRegister { owner: None, ..good() }),
        ("purpose", AgentRegister { purpose: None, ..good() }),
        ("empty purpose", AgentRegister { purpose: Some("  \n".into()), ..good() }),
        ("long purpose", AgentRegister { purpose: Some("x".repeat(MAX_PURPOSE_BYTES + 1)), ..good() }),
        ("review", AgentRegister { review_by: None, ..good() }),
        ("review today", AgentRegister { review_by: Some(now), ..good() }),
        ("review in two years", AgentRegister { review_by: Some(now.after(700 * DAY)), ..good() }),
        ("expired", AgentRegister { expires_at: Some(now), ..good() }),
        ("name like an id", AgentRegister { name: label("agt_1"), ..good() }),
    ];
    for (what, ask) in cases {
        let refused = refused(bench.office.agent_register(&me(), ask), ErrorCode::Refused);
        assert!(!refused.message.is_empty(), "{what}");
    }
    assert_eq!(bench.office.agent_list(&AgentList::default()).unwrap().agents.len(), 0);
    assert!(bench.office.agent_register(&me(), good()).is_ok());
}

#[test]
fn a_name_belongs_to_one_live_agent() {
    let bench = Bench::new();
    bench.agent("claude");
    refused(bench.office.agent_register(&me(), bench.registration("claude")), ErrorCode::Refused);
    bench.office.agent_retire(&me(), &AgentRetire { agent: "claude".into() }).unwrap();
    bench.agent("claude");
    let all = bench.office.agent_list(&AgentList::default()).unwrap().agents;
    assert_eq!(all.len(), 2);
}

#[test]
fn what_a_scan_found_is_discovered_and_waits_for_a_person() {
    let bench = Bench::new();
    let ask = AgentDiscover {
        name: label("found-claude-code"),
        client: Client::ClaudeCode,
        owner: me(),
        evidence: "found by a scan".into(),
        environment: label("local"),
        function: label("coding"),
        review_by: bench.hands.wall().after(30 * DAY),
    };
    let found = bench.office.agent_discover(&me(), ask.clone()).unwrap();
    assert_eq!(found.state, LifecycleState::Discovered);
    refused(bench.office.agent_discover(&me(), ask), ErrorCode::Refused);
    refused(bench.office.task_open(&me(), bench.opening("found-claude-code")), ErrorCode::AgentNotActive);
    let agent = AgentApprove { agent: "found-claude-code".into() };
    assert_eq!(bench.office.agent_approve(&me(), &agent).unwrap().state, LifecycleState::Active);
}

#[test]
fn what_was_found_or_asked_for_can_be_refused_and_its_name_is_free_again() {
    let bench = Bench::new();
    bench.office.agent_register(&me(), bench.registration("claude")).unwrap();
    let retired = bench.office.agent_retire(&human(7), &AgentRetire { agent: "claude".into() }).unwrap();
    assert_eq!((retired.state, retired.reason), (LifecycleState::Retired, LifecycleReason::ByPerson));
    refused(
        bench.office.agent_approve(&me(), &AgentApprove { agent: retired.id.to_string() }),
        ErrorCode::Refused,
    );
    let again = bench.office.agent_register(&me(), bench.registration("claude")).unwrap();
    assert_ne!(again.id, retired.id);
}

#[test]
fn an_agent_is_active_only_after_a_person_approved_it() {
    let bench = Bench::new();
    let registered = bench.office.agent_register(&me(), bench.registration("claude")).unwrap();
    assert_eq!(registered.state, LifecycleState::Requested);
    assert_eq!(registered.purpose.as_deref(), Some("writes code"));
    refused(bench.office.task_open(&me(), bench.opening("claude")), ErrorCode::AgentNotActive);
    let other = bench.office.agent_approve(&human(7), &AgentApprove { agent: "claude".into() }).unwrap();
    assert_eq!((other.state, other.approved_self), (LifecycleState::Active, false));
    assert!(bench.agent("codex").approved_self, "the owner's own approval is told as such");
    assert!(bench.office.task_open(&me(), bench.opening("claude")).is_ok());
    refused(bench.office.agent_approve(&me(), &AgentApprove { agent: "claude".into() }), ErrorCode::Refused);
}

#[test]
fn moves_that_do_not_exist_are_refused() {
    let bench = Bench::new();
    bench.agent("claude");
    let agent = || "claude".to_owned();
    refused(bench.office.agent_resume(&me(), &AgentResume { agent: agent() }), ErrorCode::Refused);
    bench.office.agent_suspend(&me(), &AgentSuspend { agent: agent() }).unwrap();
    refused(bench.office.agent_suspend(&me(), &AgentSuspend { agent: agent() }), ErrorCode::Refused);
    bench.office.agent_quarantine(&me(), &AgentQuarantine { agent: agent() }).unwrap();
    refused(bench.office.agent_resume(&me(), &AgentResume { agent: agent() }), ErrorCode::Refused);
    refused(bench.office.agent_quarantine(&me(), &AgentQuarantine { agent: agent() }), ErrorCode::Refused);
    let id = bench.office.agent_retire(&me(), &AgentRetire { agent: agent() }).unwrap().id.to_string();
    refused(bench.office.agent_retire(&me(), &AgentRetire { agent: id }), ErrorCode::Refused);
    refused(bench.office.agent_show(&AgentShow { agent: agent(), at: None }), ErrorCode::NotFound);
}

#[test]
fn a_lapsed_review_stops_the_agent_when_it_is_used_and_when_it_is_swept() {
    let bench = Bench::new();
    let task = bench.with_limits(Limits { seconds: 24 * 3_600, ..Limits::default() });
    bench.hands.pass(Duration::from_secs(600));
    let review_by = bench.hands.wall().after(Duration::from_secs(60));
    bench.office.agent_review(&me(), &AgentReview { agent: "claude".into(), review_by }).unwrap();
    assert!(bench.allow(&task).is_ok());
    bench.hands.pass(Duration::from_secs(61));
    // Nobody has swept yet: the date counts all the same.
    refused(bench.allow(&task), ErrorCode::AgentNotActive);
    refused(bench.office.task_open(&me(), bench.opening("claude")), ErrorCode::AgentNotActive);
    bench.office.sweep().unwrap();
    let shown = bench.office.agent_show(&AgentShow { agent: "claude".into(), at: None }).unwrap();
    assert_eq!((shown.state, shown.reason), (LifecycleState::Suspended, LifecycleReason::ReviewLapsed));
    assert_eq!(bench.show_task(&task).cause, Some(CloseCause::AgentSuspended));
    let refused = refused(
        bench.office.agent_resume(&me(), &AgentResume { agent: "claude".into() }),
        ErrorCode::Refused,
    );
    assert_eq!(refused.hint.as_deref(), Some("run `writ agent review claude`"));
    let review_by = bench.review_by();
    let reviewed =
        bench.office.agent_review(&me(), &AgentReview { agent: "claude".into(), review_by }).unwrap();
    assert_eq!((reviewed.state, reviewed.reason), (LifecycleState::Active, LifecycleReason::Reviewed));
}

/// An agent of this owner and deputy, active.
fn owned(bench: &Bench, name: &str, owner: u32, deputy: Option<u32>) {
    let ask =
        AgentRegister { owner: Some(human(owner)), deputy: deputy.map(human), ..bench.registration(name) };
    bench.office.agent_register(&me(), ask).unwrap();
    bench.office.agent_approve(&me(), &AgentApprove { agent: name.into() }).unwrap();
}

#[test]
fn an_orphan_is_its_deputys_or_stops() {
    let bench = Bench::new();
    let orphan = |name: &str, deputy_gone| {
        bench.office.agent_orphan(&me(), &AgentOrphan { agent: name.into(), deputy_gone }).unwrap()
    };
    let adopt =
        |name: &str, by: u32| bench.office.agent_adopt(&human(by), &AgentAdopt { agent: name.into() });
    let show = |name: &str| bench.office.agent_show(&AgentShow { agent: name.into(), at: None }).unwrap();
    owned(&bench, "claude", 7, Some(8));
    refused(adopt("claude", 8), ErrorCode::Refused);
    let asked = orphan("claude", false);
    assert_eq!(asked.state, LifecycleState::Active, "the deputy has time to answer");
    bench.hands.pass(DAY);
    assert_eq!(orphan("claude", false).orphan_until, asked.orphan_until, "asking again gives no more time");
    refused(adopt("claude", 9), ErrorCode::Refused);
    let taken = adopt("claude", 8).unwrap();
    assert_eq!((taken.owner, taken.deputy, taken.orphan_until), (human(8), None, None));

    owned(&bench, "codex", 7, Some(8));
    orphan("codex", false);
    bench.hands.pass(7 * DAY);
    // Nobody has swept yet: the date counts all the same.
    refused(bench.office.task_open(&me(), bench.opening("codex")), ErrorCode::AgentNotActive);
    bench.office.sweep().unwrap();
    assert_eq!(show("codex").reason, LifecycleReason::Orphaned);
    refused(bench.office.agent_resume(&me(), &AgentResume { agent: "codex".into() }), ErrorCode::Refused);
    let review_by = bench.review_by();
    let reviewed =
        bench.office.agent_review(&me(), &AgentReview { agent: "codex".into(), review_by }).unwrap();
    assert_eq!(reviewed.state, LifecycleState::Suspended, "a review finds no owner");
    let taken = adopt("codex", 8).unwrap();
    assert_eq!((taken.state, taken.reason), (LifecycleState::Active, LifecycleReason::TakenOver));

    for (name, deputy, gone) in [("gemini", None, false), ("qwen", Some(8), true), ("cline", Some(7), false)]
    {
        owned(&bench, name, 7, deputy);
        let stopped = orphan(name, gone);
        assert_eq!((stopped.state, stopped.reason), (LifecycleState::Suspended, LifecycleReason::Orphaned));
    }
    // Who was called gone by mistake is there again.
    assert_eq!(adopt("gemini", 7).unwrap().state, LifecycleState::Active);
}

#[test]
fn an_expired_agent_does_not_come_back() {
    let bench = Bench::new();
    let expires_at = Some(bench.hands.wall().after(DAY));
    let ask = AgentRegister { expires_at, ..bench.registration("claude") };
    bench.office.agent_register(&me(), ask).unwrap();
    bench.office.agent_approve(&me(), &AgentApprove { agent: "claude".into() }).unwrap();
    bench.hands.pass(DAY);
    refused(bench.office.task_open(&me(), bench.opening("claude")), ErrorCode::AgentNotActive);
    let shown = bench.office.agent_show(&AgentShow { agent: "claude".into(), at: None }).unwrap();
    assert_eq!((shown.state, shown.reason), (LifecycleState::Suspended, LifecycleReason::Expired));
    refused(bench.office.agent_resume(&me(), &AgentResume { agent: "claude".into() }), ErrorCode::Refused);
    let review_by = bench.review_by();
    refused(
        bench
            .office
            .agent_review(&me(), &AgentReview { agent: "claude".into(), review_by: bench.hands.wall() }),
        ErrorCode::Refused,
    );
    let reviewed =
        bench.office.agent_review(&me(), &AgentReview { agent: "claude".into(), review_by }).unwrap();
    assert_eq!(reviewed.state, LifecycleState::Suspended);
}

fn fingerprint(model: &str, instructions: Option<u8>) -> Fingerprint {
    Fingerprint {
        client_version: None,
        instructions: instructions.map(|n| Digest::new([n; 32])),
        model: Some(label(model)),
        tools: None,
    }
}

#[test]
fn a_changed_fingerprint_stops_the_agent_until_a_person_accepts_exactly_that() {
    let bench = Bench::new();
    let task = bench.task();
    let see = |model: &str, instructions| {
        let seen = fingerprint(model, instructions);
        bench.office.fingerprint_seen(FingerprintSeen { writ: task.writ.clone(), seen }).unwrap()
    };
    assert!(!see("m1", None).fingerprint_changed, "the first sight is adopted");
    assert!(!see("m1", Some(1)).fingerprint_changed, "what was not seen before is filled in");
    assert!(see("m2", Some(1)).fingerprint_changed);
    refused(bench.allow(&task), ErrorCode::FingerprintChanged);
    refused(bench.office.writ_renew(&WritRenew { writ: task.writ.clone() }), ErrorCode::FingerprintChanged);
    refused(bench.office.task_open(&me(), bench.opening("claude")), ErrorCode::FingerprintChanged);
    assert!(see("m1", Some(1)).fingerprint_changed, "going back to the old form does not put it right");
    refused(bench.office.agent_resume(&me(), &AgentResume { agent: "claude".into() }), ErrorCode::Refused);

    let attest = |seen| bench.office.agent_attest(&me(), &AgentAttest { agent: "claude".into(), seen });
    refused(attest(fingerprint("m3", None)), ErrorCode::Conflict);
    let shown = bench.office.agent_show(&AgentShow { agent: "claude".into(), at: None }).unwrap();
    let changed = shown.changed.unwrap();
    assert_eq!(changed.parts, [FingerprintPart::Model]);
    let accepted = attest(changed.seen).unwrap();
    assert_eq!((accepted.state, accepted.changed), (LifecycleState::Active, None));
    assert_eq!(accepted.fingerprint, Some(fingerprint("m2", Some(1))));
    assert!(bench.allow(&task).is_ok(), "the task goes on");
    refused(attest(fingerprint("m2", Some(1))), ErrorCode::Refused);
}
