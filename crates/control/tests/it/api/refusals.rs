//! Every operation is refused somewhere. An operation that is missing here fails this test.

use serde_json::{Value, json};
use writ_control::api::message::*;
use writ_control::api::{ErrorCode, Op};
use writ_model::{ApprovalId, Client, GrantId, SessionId, TaskId, Timestamp};

use super::server::{Served, code, refusal};

/// One refused request of every operation.
fn refused() -> Vec<(&'static str, Value, ErrorCode)> {
    use ErrorCode::{BadRequest, NotFound, Refused, WritInvalid};
    let at = Timestamp::from_millis(1_795_306_510_000);
    let (task, approval) = (TaskId::new(at, [9; 10]), ApprovalId::new(at, [9; 10]));
    let (session, grant) = (SessionId::new(at, [9; 10]), GrantId::new(at, [9; 10]));
    let digest = "00".repeat(32);
    let writ = "eyJhbGciOiJub25lIn0.e30.";
    let nobody = json!({"agent": "nobody"});
    let with = |field: &str, value: Value| {
        let mut ask = nobody.clone();
        ask[field] = value;
        ask
    };
    let fingerprint = json!({"client_version": null, "instructions": null, "model": null, "tools": null});
    let payload = json!({"commitment": digest, "salt": "", "bytes": ""});
    let call = "cal_01a2009b56b071018101010101010101";
    vec![
        ("status", json!({"extra": 1}), BadRequest),
        (
            "agent.register",
            json!({"name": "x", "client": "codex", "environment": "e", "function": "f"}),
            Refused,
        ),
        (
            "agent.discover",
            json!({"name": "x", "client": "codex", "owner": "uid:1", "evidence": "e", "environment": "e",
                "function": "f", "review_by": "2001-01-01T00:00:00Z"}),
            Refused,
        ),
        ("agent.list", json!({"state": "asleep"}), BadRequest),
        ("agent.show", nobody.clone(), NotFound),
        ("agent.activity", with("since", json!(null)), NotFound),
        ("agent.approve", nobody.clone(), NotFound),
        ("agent.suspend", nobody.clone(), NotFound),
        ("agent.resume", nobody.clone(), NotFound),
        ("agent.review", with("review_by", json!("2027-01-01T00:00:00Z")), NotFound),
        ("agent.orphan", with("deputy_gone", json!(false)), NotFound),
        ("agent.adopt", nobody.clone(), NotFound),
        ("agent.retire", nobody.clone(), NotFound),
        ("agent.quarantine", nobody.clone(), NotFound),
        ("agent.attest", with("seen", fingerprint.clone()), NotFound),
        ("task.list", nobody.clone(), NotFound),
        ("task.show", json!({"task": task}), NotFound),
        ("task.close", json!({"task": task}), NotFound),
        ("marks.list", json!({"task": task}), BadRequest),
        ("mark.clear", json!({"workspace": "/nowhere", "path": null}), NotFound),
        ("approvals.list", json!({"task": "tsk_1"}), BadRequest),
        ("approvals.watch", json!({"since": 0}), BadRequest),
        ("approve", json!({"approval": approval, "action": digest}), NotFound),
        ("deny", json!({"approval": approval}), NotFound),
        ("grants.list", json!({"task": "tsk_1"}), BadRequest),
        ("grant.end", json!({"grant": grant}), NotFound),
        ("secret.add", json!({"name": "x", "binding": {"hosts": ["*"]}, "value": "made-up"}), Refused),
        ("secret.list", json!({"name": "x"}), BadRequest),
        ("secret.rotate", json!({"name": "x", "value": "made-up"}), NotFound),
        ("secret.remove", json!({"name": "x"}), NotFound),
        ("revoke", json!({"target": {"agent": "nobody"}}), NotFound),
        ("audit.search", json!({"limit": 0}), BadRequest),
        ("audit.show", json!({"what": session}), NotFound),
        ("audit.prove", json!({"entry": "control:7"}), NotFound),
        ("audit.erase", json!({"task": task}), NotFound),
        ("policy.current", json!({"at": "yesterday"}), BadRequest),
        (
            "task.open",
            json!({"agent": "nobody", "client": "codex", "kind": "docs", "intent": "x", "workspace": "/x"}),
            NotFound,
        ),
        ("task.attach", json!({"writ": writ}), WritInvalid),
        ("session.open", json!({"client": "codex", "client_session": digest, "workspace": "/x"}), NotFound),
        ("writ.renew", json!({"writ": writ}), WritInvalid),
        (
            "record",
            json!({"writ": writ, "durability": "written",
                   "activity": [{"event": {"type": "turn-ended", "session": session}}]}),
            WritInvalid,
        ),
        (
            "approval.ask",
            json!({"writ": writ, "call": call, "action": digest, "level": "one-person", "shown": payload}),
            WritInvalid,
        ),
        ("approval.take", json!({"writ": writ, "call": call, "action": digest}), WritInvalid),
        ("approval.wait", json!({"writ": writ, "approval": approval, "patience_millis": 1}), WritInvalid),
        ("fingerprint.seen", json!({"writ": writ, "seen": fingerprint}), WritInvalid),
        ("secret.lend", json!({"writ": writ, "name": "x"}), WritInvalid),
        ("standing.watch", json!({"writ": writ}), WritInvalid),
        ("taint.recall", json!({"writ": writ, "client_session": digest}), WritInvalid),
        (
            "taint.report",
            json!({"writ": writ, "session": session, "client_session": digest, "sources": [], "marks": [], "gone": []}),
            WritInvalid,
        ),
        ("task.end", json!({"writ": writ, "cause": "finished"}), WritInvalid),
    ]
}

fn line(op: &str, ask: &Value) -> Vec<u8> {
    let mut request = ask.clone();
    request["id"] = json!(1);
    request["op"] = json!(op);
    let mut line = serde_json::to_vec(&request).unwrap();
    line.push(b'\n');
    line
}

#[tokio::test]
async fn every_operation_is_refused_somewhere() {
    let served = Served::new().await;
    let cases = refused();
    let named: Vec<_> = cases.iter().map(|(op, ..)| *op).collect();
    let all: Vec<_> = Op::ALL.iter().map(|(op, ..)| *op).collect();
    assert_eq!(named, all, "each operation has its refusal here, in the order of the list");
    for (op, ask, expected) in cases {
        let answer = served.say(&line(op, &ask)).await;
        assert_eq!(code(answer.as_ref()), expected, "{op}: {answer:?}");
    }
}

#[tokio::test]
async fn no_operation_answers_a_process_inside_a_sandbox() {
    let served = Served::new().await;
    let size = served.bench.office.ledger().tip(writ_ledger::Stream::Control);
    served.peers_are_inside();
    for (op, ask, _) in refused() {
        let answer = served.say(&line(op, &ask)).await;
        assert_eq!(code(answer.as_ref()), ErrorCode::Forbidden, "{op}: {answer:?}");
    }
    let client = served.client().await;
    let register = served.bench.registration("claude");
    let error = refusal(client.call(register).await);
    assert_eq!(error.code, ErrorCode::Forbidden);
    assert_eq!(served.bench.office.ledger().tip(writ_ledger::Stream::Control), size, "nothing was done");
}

#[tokio::test]
async fn a_writ_opens_no_door_for_people_and_a_person_none_for_supervisors() {
    let served = Served::new().await;
    let task = served.bench.task();
    // The operations of people have no place for a writ.
    let ask = json!({"approval": "apr_01a2009b56b071018101010101010101", "action": "00".repeat(32),
                     "writ": task.writ});
    assert_eq!(code(served.say(&line("approve", &ask)).await.as_ref()), ErrorCode::BadRequest);
    // Those of supervisors do not work without one.
    let ask = json!({"call": "cal_01a2009b56b071018101010101010101", "action": "00".repeat(32)});
    assert_eq!(code(served.say(&line("approval.take", &ask)).await.as_ref()), ErrorCode::BadRequest);
    let client = served.client().await;
    let opened = TaskOpen { client: Client::Codex, ..served.bench.opening("claude") };
    assert_eq!(refusal(client.call(opened).await).code, ErrorCode::Refused);
}
