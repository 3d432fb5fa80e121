//! Reading back: searches, stories, proofs, and the past.

use std::time::Duration;

use writ_control::api::ErrorCode;
use writ_control::api::message::*;
use writ_ledger::note::VerifyingKey;
use writ_ledger::{Checkpoint, Hash, proof};
use writ_model::*;

use super::bench::{Bench, digest, label, me, payload, refused, session};

fn busy() -> (Bench, TaskOpened, TaskOpened) {
    let bench = Bench::new();
    let (one, two) = (bench.task(), bench.task());
    for n in 0..5 {
        bench.hands.pass(Duration::from_secs(1));
        bench.allow(&one).unwrap();
        let effects = [EffectClass::Read, EffectClass::GitPush];
        let mut denied = bench.decided(Verdict::Deny, &effects[..1 + n % 2]);
        denied.payloads.push(payload(b"rm -rf /"));
        bench.record(&two, vec![denied]).unwrap();
    }
    (bench, one, two)
}

fn search(bench: &Bench, ask: AuditSearch) -> Vec<EntryView> {
    bench.office.audit_search(&ask).unwrap().entries
}

#[test]
fn searches_find_what_fits_newest_first() {
    let (bench, one, two) = busy();
    let all = search(&bench, AuditSearch { limit: Some(1_000), ..AuditSearch::default() });
    assert!(all.is_sorted_by(|a, b| a.at >= b.at));
    let count = |ask| search(&bench, ask).len();
    let with = AuditSearch::default;
    assert_eq!(count(AuditSearch { verdict: Some(Verdict::Deny), ..with() }), 5);
    assert_eq!(count(AuditSearch { effect: Some(EffectClass::GitPush), ..with() }), 2);
    let of_one = search(&bench, AuditSearch { task: Some(one.task.id), ..with() });
    assert!(of_one.iter().all(|e| e.entry.to_string().contains(&one.task.id.to_string())));
    assert_eq!(
        count(AuditSearch { task: Some(one.task.id), event: Some(label("call-decided")), ..with() }),
        5
    );
    let mixed = AuditSearch { task: Some(two.task.id), verdict: Some(Verdict::Allow), ..with() };
    assert_eq!(count(mixed), 0);
    assert_eq!(
        count(AuditSearch { agent: Some("claude".into()), verdict: Some(Verdict::Deny), ..with() }),
        5
    );
    assert_eq!(count(AuditSearch { client: Some(Client::Codex), ..with() }), 0);
    let late = bench.hands.wall();
    assert_eq!(count(AuditSearch { since: Some(late), ..with() }), 2);
    assert_eq!(count(AuditSearch { until: Some(Timestamp::from_millis(0)), ..with() }), 0);
}

/// What was let through stands first; what brought nothing is no doubt, and what may have brought it is told as one.
#[test]
fn attack_a_commit_is_not_said_to_be_nowhere_where_a_record_is_not_whole() {
    let bench = Bench::new();
    let (one, two) = (bench.task(), bench.task());
    let push = |task: &TaskOpened, verdict: Verdict, more: bool, oid: &str| {
        bench.hands.pass(Duration::from_secs(1));
        let said = serde_json::json!({ "updates": [], "more commits": more, "commits": [oid] }).to_string();
        let text = payload(serde_json::json!({ "arguments": said }).to_string().as_bytes());
        let mut decided = bench.decided(verdict, &[EffectClass::GitPush]);
        if let ActivityEvent::CallDecided { operation, arguments, .. } = &mut decided.event {
            (*operation, *arguments) = (label("push"), text.commitment);
        }
        decided.payloads.push(text);
        bench.record(task, vec![decided]).unwrap();
    };
    let wanted = "a".repeat(40);
    push(&one, Verdict::Allow, false, &wanted);
    push(&one, Verdict::Allow, true, &"b".repeat(40));
    push(&two, Verdict::Deny, true, &"c".repeat(40));
    push(&two, Verdict::Deny, false, &wanted);
    let of = |commit: &str| {
        bench
            .office
            .audit_search(&AuditSearch { commit: Some(commit.to_owned()), ..AuditSearch::default() })
            .unwrap()
    };
    let found = of("aaaaaaaa");
    let told: Vec<_> = found
        .entries
        .iter()
        .map(|entry| {
            let event = &entry.entry["event"];
            event["decision"]["verdict"].as_str().or(event["type"].as_str()).unwrap().to_owned()
        })
        .collect();
    assert_eq!(told, ["allow", "writ-issued", "deny", "writ-issued"]);
    assert_eq!((found.unsure_pushes, &found.cursor), (1, &None));
    let none = of("dddddddd");
    assert_eq!((none.entries.len(), none.unsure_pushes), (0, 1));
    let narrow =
        AuditSearch { commit: Some("d".repeat(10)), task: Some(two.task.id), ..AuditSearch::default() };
    assert_eq!(bench.office.audit_search(&narrow).unwrap().unsure_pushes, 0);
}

#[test]
fn pages_give_everything_once() {
    let (bench, ..) = busy();
    let all = search(&bench, AuditSearch { limit: Some(1_000), ..AuditSearch::default() });
    let mut cursor = None;
    let mut paged = Vec::new();
    loop {
        let ask = AuditSearch { limit: Some(3), cursor, ..AuditSearch::default() };
        let page = bench.office.audit_search(&ask).unwrap();
        paged.extend(page.entries.into_iter().map(|e| e.id));
        match page.cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(paged, all.into_iter().map(|e| e.id).collect::<Vec<_>>());
}

#[test]
fn senseless_questions_are_refused() {
    let bench = Bench::new();
    bench.agent("claude");
    let ask = |ask: AuditSearch| bench.office.audit_search(&ask);
    for cursor in ["", "x", "1", "1-", "-1-2"] {
        let with = AuditSearch { cursor: Some(cursor.into()), ..AuditSearch::default() };
        refused(ask(with), ErrorCode::BadRequest);
    }
    refused(ask(AuditSearch { limit: Some(0), ..AuditSearch::default() }), ErrorCode::BadRequest);
    refused(ask(AuditSearch { limit: Some(1_000_000), ..AuditSearch::default() }), ErrorCode::BadRequest);
    refused(ask(AuditSearch { agent: Some("nobody".into()), ..AuditSearch::default() }), ErrorCode::NotFound);
    assert!(ask(AuditSearch { cursor: Some("999-999".into()), ..AuditSearch::default() }).is_ok());
    let show = |id: &str| bench.office.audit_show(&AuditShow { what: id.into() });
    refused(show("what"), ErrorCode::BadRequest);
    refused(show("log:1"), ErrorCode::BadRequest);
    refused(show("control:99"), ErrorCode::NotFound);
    refused(show("tsk_01a2009b56b071018101010101010101"), ErrorCode::NotFound);
    let prove = |id: &str| bench.office.audit_prove(&AuditProve { entry: id.into() });
    refused(prove("control:99"), ErrorCode::NotFound);
    refused(prove("control"), ErrorCode::BadRequest);
}

#[test]
fn the_story_of_a_task_is_whole() {
    let (bench, one, two) = busy();
    let approval = bench.ask(&two, 1, ApprovalLevel::OnePerson);
    bench.approve(1000, approval, 1).unwrap();
    bench.take(&two, 1).unwrap().unwrap();
    let story = bench.office.audit_show(&AuditShow { what: two.task.id.to_string() }).unwrap();
    let types: Vec<&str> = story.entries.iter().map(|e| e.entry["event"]["type"].as_str().unwrap()).collect();
    let expected = [
        "task-opened",
        "credential-handed-over",
        "task-attached",
        "writ-issued",
        "call-decided",
        "call-decided",
        "call-decided",
        "call-decided",
        "approval-requested",
        "approval-given",
        "approval-consumed",
        "call-decided",
    ];
    assert_eq!(types, expected);
    assert_eq!(story.entries[0].texts[0].text.as_deref(), Some("mend the fence"));
    assert_eq!(story.entries[4].texts[0].text.as_deref(), Some("rm -rf /"));
    assert!(!story.more);
    let of_approval = bench.office.audit_show(&AuditShow { what: approval.to_string() }).unwrap();
    assert_eq!(of_approval.entries.len(), 3);
    let of_session = bench.office.audit_show(&AuditShow { what: session().to_string() }).unwrap();
    assert_eq!(of_session.entries.len(), 10);
    assert!(of_session.entries.iter().any(|e| e.entry["task"] == one.task.id.to_string()));
    let of_entry = bench.office.audit_show(&AuditShow { what: "control:0".into() }).unwrap();
    assert_eq!(of_entry.entries[0].texts[0].text.as_deref(), Some("writes code"));
}

#[test]
fn an_id_in_a_label_puts_nobody_into_anothers_story() {
    let (bench, one, two) = busy();
    let event = ActivityEvent::Noted { session: session(), event: label(&two.task.id.to_string()) };
    bench.record(&one, vec![NewActivity { event, payloads: Vec::new() }]).unwrap();
    let story = bench.office.audit_show(&AuditShow { what: two.task.id.to_string() }).unwrap();
    assert!(story.entries.iter().all(|e| e.entry["event"]["type"] != "noted"));
}

#[test]
fn a_proof_convinces_a_stranger() {
    let (bench, ..) = busy();
    for id in ["activity:3", "control:0"] {
        let AuditProof { proof: text, entry, vkey } =
            bench.office.audit_prove(&AuditProve { entry: id.into() }).unwrap();
        let key = VerifyingKey::parse(&vkey).unwrap();
        let (head, note) = text.split_once("\n\n").unwrap();
        let checkpoint = Checkpoint::verify(note.as_bytes(), key.name(), &key).unwrap();
        let mut lines = head.lines();
        assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
        let index: u64 = lines.next().unwrap().strip_prefix("index ").unwrap().parse().unwrap();
        let decode = |line: &str| {
            use base64::Engine;
            Hash::from_slice(&base64::engine::general_purpose::STANDARD.decode(line).unwrap()).unwrap()
        };
        let path: Vec<Hash> = lines.map(decode).collect();
        let (size, root) = (checkpoint.size(), checkpoint.root());
        assert_eq!(proof::verify_inclusion(index, size, Hash::leaf(entry.as_bytes()), &path, root), Ok(()));
        assert!(proof::verify_inclusion(index, size, Hash::leaf(b"other"), &path, root).is_err());
    }
}

#[test]
fn the_past_is_the_same_fold_stopped_earlier() {
    let bench = Bench::new();
    bench.office.agent_register(&me(), bench.registration("claude")).unwrap();
    let then = bench.hands.wall();
    bench.hands.pass(Duration::from_secs(10));
    bench.office.agent_approve(&me(), &AgentApprove { agent: "claude".into() }).unwrap();
    bench.office.policy_loaded(digest(5), None).unwrap();
    let task = bench.task();
    let approval = bench.ask(&task, 1, ApprovalLevel::OnePerson);
    let open = bench.hands.wall();
    bench.hands.pass(Duration::from_secs(10));
    bench.approve(1000, approval, 1).unwrap();
    bench.office.task_close(&me(), &TaskClose { task: task.task.id }).unwrap();

    let agent = |at| bench.office.agent_show(&AgentShow { agent: "claude".into(), at }).unwrap().state;
    assert_eq!(agent(Some(then)), LifecycleState::Requested);
    assert_eq!(agent(Some(open)), LifecycleState::Active);
    assert_eq!(agent(None), LifecycleState::Active);
    let at = |at| bench.office.task_show(&TaskShow { task: task.task.id, at }).map(|t| t.state);
    refused(at(Some(then)), ErrorCode::NotFound);
    assert_eq!(at(Some(open)).unwrap(), TaskState::Open);
    assert_eq!(at(None).unwrap(), TaskState::Closed);
    let waiting = |at| bench.office.approvals_list(&ApprovalsList { at, ..Default::default() }).unwrap();
    assert_eq!(waiting(Some(open)).approvals.len(), 1);
    assert_eq!(waiting(None).approvals.len(), 0);
    let tasks = |at| bench.office.task_list(&TaskList { at, ..Default::default() }).unwrap().tasks.len();
    assert_eq!((tasks(Some(then)), tasks(Some(open))), (0, 1));
}

#[test]
fn what_an_agent_did_is_counted_by_effect() {
    let bench = Bench::new();
    let task = bench.task();
    let mut approved = bench.decided(Verdict::Allow, &[EffectClass::Network, EffectClass::GitPush]);
    if let ActivityEvent::CallDecided { decision, .. } = &mut approved.event {
        decision.reason = ReasonCode::Approved;
    }
    let reads = bench.decided(Verdict::Allow, &[EffectClass::Read]);
    bench.record(&task, vec![reads.clone()]).unwrap();
    bench.hands.pass(Duration::from_secs(60));
    let later = bench.hands.wall();
    let refused = bench.decided(Verdict::Deny, &[EffectClass::Deploy]);
    bench.record(&task, vec![reads, approved, refused]).unwrap();
    let count = |since| {
        let ask = AgentActivityAsk { agent: "claude".into(), since };
        let did = bench.office.agent_activity(&ask).unwrap();
        let effects: Vec<_> =
            did.effects.iter().map(|of| (of.effect.name(), of.unasked, of.approved, of.refused)).collect();
        assert!(!did.cut);
        (effects, did.tools)
    };
    let (effects, tools) = count(None);
    assert_eq!(
        effects,
        [("read", 2, 0, 0), ("network", 0, 1, 0), ("git-push", 0, 1, 0), ("deploy", 0, 0, 1)]
    );
    assert_eq!(tools, [(label("Bash"), 4)]);
    assert_eq!(count(Some(later)).0[0], ("read", 1, 0, 0));
    bench.agent("codex");
    let other = AgentActivityAsk { agent: "codex".into(), since: None };
    assert_eq!(bench.office.agent_activity(&other).unwrap().effects, []);
}
