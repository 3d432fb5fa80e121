//! The activity stream's door.

use writ_control::api::message::*;
use writ_control::api::{Bytes, ErrorCode};
use writ_ledger::{Storage, Stream};
use writ_model::*;

use super::bench::{Bench, Fault, digest, label, payload, refused, session};

fn noted(text: &str) -> NewActivity {
    NewActivity {
        event: ActivityEvent::Noted { session: session(), event: label(text) },
        payloads: Vec::new(),
    }
}

fn prompt(text: &[u8]) -> NewActivity {
    let payload = payload(text);
    let event = ActivityEvent::PromptSubmitted { session: session(), prompt: payload.commitment };
    NewActivity { event, payloads: vec![payload] }
}

#[test]
fn entries_stand_in_the_order_they_were_given_with_their_texts() {
    let bench = Bench::new();
    let task = bench.task();
    let recorded = bench.record(&task, vec![prompt(b"please"), noted("a"), noted("b")]).unwrap();
    let places: Vec<_> = recorded.receipts.iter().map(|r| (r.log, r.index)).collect();
    assert_eq!(places, [(Log::Activity, 0), (Log::Activity, 1), (Log::Activity, 2)]);
    let story = bench.office.audit_show(&AuditShow { what: session().to_string() }).unwrap();
    assert_eq!(story.entries.len(), 3);
    assert_eq!(story.entries[0].texts[0].text.as_deref(), Some("please"));
    let entry = ActivityEntry::from_bytes(&bench.ledger.read(Stream::Activity, 1, 1).unwrap()[0].1).unwrap();
    assert_eq!(entry.control_size, bench.ledger.tip(Stream::Control));
}

#[test]
fn what_is_not_ordinary_is_synced_whatever_was_asked_for() {
    let bench = Bench::new();
    let task = bench.task();
    let cases = [
        (Verdict::Allow, EffectClass::Read, Keep::Written),
        (Verdict::Allow, EffectClass::GitPush, Keep::Synced),
        (Verdict::Allow, EffectClass::Unknown, Keep::Synced),
        (Verdict::Deny, EffectClass::GitPush, Keep::Written),
    ];
    for (verdict, effect, durability) in cases {
        let recorded = bench.record(&task, vec![bench.decided(verdict, &[effect])]).unwrap();
        assert_eq!(recorded.receipts[0].durability, durability, "{verdict} {effect}");
    }
}

#[test]
fn malformed_records_leave_nothing_behind() {
    let bench = Bench::new();
    let task = bench.task();
    let mut stray = noted("x");
    stray.payloads.push(payload(b"x"));
    let mut wrong = prompt(b"x");
    wrong.payloads[0].bytes = Bytes(b"y".to_vec());
    let mut short = prompt(b"x");
    short.payloads[0].salt = Bytes(vec![1; 31]);
    let mut many = prompt(b"x");
    many.payloads = vec![many.payloads[0].clone(); MAX_PAYLOADS + 1];
    let foreign = NewActivity {
        event: ActivityEvent::SessionStarted {
            session: session(),
            agent: AgentId::new(bench.hands.wall(), [9; 10]),
            client_session: digest(1),
            fingerprint: Fingerprint { client_version: None, instructions: None, model: None, tools: None },
            autonomy: None,
        },
        payloads: Vec::new(),
    };
    let unsorted = bench.decided(Verdict::Deny, &[EffectClass::Network, EffectClass::Read]);
    let cases = [
        vec![],
        vec![noted("x"); MAX_EVENTS + 1],
        vec![noted("x"), stray],
        vec![noted("x"), wrong],
        vec![short],
        vec![many],
        vec![foreign],
        vec![unsorted],
    ];
    for activity in cases {
        refused(bench.record(&task, activity), ErrorCode::BadRequest);
    }
    let ahead = Record {
        writ: task.writ.clone(),
        activity: vec![noted("x")],
        durability: Keep::Written,
        control_size: Some(1_000),
    };
    refused(bench.office.record(ahead), ErrorCode::BadRequest);
    let forged = Record {
        writ: WritToken("a.b.c".into()),
        activity: vec![noted("x")],
        durability: Keep::Written,
        control_size: None,
    };
    refused(bench.office.record(forged), ErrorCode::WritInvalid);
    assert_eq!(bench.ledger.tip(Stream::Activity), 0);
    assert_eq!(bench.show_task(&task).used, Some(Used::default()));
}

#[test]
fn a_closed_task_records_its_end_and_allows_nothing() {
    let bench = Bench::new();
    let task = bench.task();
    bench.office.task_end(&TaskEnd { writ: task.writ.clone(), cause: CloseCause::Finished }).unwrap();
    let ended = ActivityEvent::SessionEnded { session: session(), missing_outcomes: 1 };
    assert!(bench.record(&task, vec![NewActivity { event: ended, payloads: Vec::new() }]).is_ok());
    assert!(bench.record(&task, vec![bench.decided(Verdict::Deny, &[EffectClass::Read])]).is_ok());
    refused(bench.allow(&task), ErrorCode::TaskNotOpen);
}

#[test]
fn the_call_limit_closes_the_task_even_if_its_supervisor_does_not() {
    let bench = Bench::new();
    let task = bench.with_limits(Limits { calls: 2, ..Limits::default() });
    assert!(bench.allow(&task).is_ok());
    assert!(bench.allow(&task).is_ok());
    refused(bench.allow(&task), ErrorCode::LimitReached);
    let shown = bench.show_task(&task);
    assert_eq!(shown.cause, Some(CloseCause::CallLimit));
    assert_eq!(shown.used.unwrap().calls, 2);
}

#[test]
fn the_denial_limit_closes_the_task() {
    let bench = Bench::new();
    let task = bench.with_limits(Limits { denials: 1, ..Limits::default() });
    for _ in 0..2 {
        bench.record(&task, vec![bench.decided(Verdict::Deny, &[EffectClass::Read])]).unwrap();
    }
    refused(bench.allow(&task), ErrorCode::LimitReached);
    assert_eq!(bench.show_task(&task).cause, Some(CloseCause::DenialLimit));
}

#[test]
fn a_full_record_takes_refusals_and_no_allows() {
    let bench = Bench::new();
    let task = bench.with_limits(Limits { recorded_bytes: 64 << 10, ..Limits::default() });
    bench.record(&task, vec![prompt(&vec![b'x'; 63 << 10])]).unwrap();
    bench.record(&task, vec![prompt(&vec![b'y'; 63 << 10])]).expect("what is no allow has a reserve");
    refused(bench.allow(&task), ErrorCode::RecordFull);
    assert!(bench.record(&task, vec![bench.decided(Verdict::Deny, &[EffectClass::Read])]).is_ok());
    for n in 0..40 {
        if bench.record(&task, vec![prompt(&vec![n; 63 << 10])]).is_err() {
            refused(bench.record(&task, vec![prompt(&vec![b'z'; 63 << 10])]), ErrorCode::RecordFull);
            return;
        }
    }
    panic!("the reserve has no end");
}

#[test]
fn a_failed_append_is_told_and_not_counted() {
    let bench = Bench::new();
    let task = bench.task();
    bench.ledger.fail(Fault::Before);
    refused(bench.allow(&task), ErrorCode::Storage);
    bench.ledger.fail(Fault::None);
    assert_eq!(bench.show_task(&task).used, Some(Used::default()));
    assert!(bench.allow(&task).is_ok());
}
