//! The clock: what ran out does not come back.

use std::time::Duration;

use writ_control::api::ErrorCode;
use writ_control::api::message::*;
use writ_model::*;

use super::bench::{Bench, DAY, me, refused};

#[test]
fn a_clock_set_back_revives_nothing_across_a_restart() {
    let mut bench = Bench::new();
    let task = bench.with_limits(Limits { seconds: 300, ..Limits::default() });
    bench.hands.pass(Duration::from_secs(301));
    // Something is recorded at that time.
    bench.agent("other");
    bench.hands.set_back(DAY);
    bench.restart();
    refused(bench.allow(&task), ErrorCode::WritExpired);
    bench.office.sweep().unwrap();
    assert_eq!(bench.show_task(&task).cause, Some(CloseCause::TimeLimit));
    let shown = bench.office.agent_show(&AgentShow { agent: "other".into(), at: None }).unwrap();
    assert!(bench.office.now() >= shown.registered_at);
}

#[test]
fn a_review_date_passes_though_the_clock_goes_backwards() {
    let bench = Bench::new();
    bench.agent("claude");
    let review_by = bench.hands.wall().after(Duration::from_secs(3_600));
    bench.office.agent_review(&me(), &AgentReview { agent: "claude".into(), review_by }).unwrap();
    for _ in 0..61 {
        bench.hands.pass(Duration::from_secs(60));
        bench.hands.set_back(Duration::from_secs(120));
    }
    refused(bench.office.task_open(&me(), bench.opening("claude")), ErrorCode::AgentNotActive);
}

#[test]
fn erasing_waits_for_the_end_and_is_final() {
    let bench = Bench::stored();
    let task = bench.task();
    let erase = || bench.office.audit_erase(&me(), &AuditErase { task: task.task.id });
    refused(erase(), ErrorCode::Refused);
    bench.office.task_close(&me(), &TaskClose { task: task.task.id }).unwrap();
    assert!(bench.show_task(&task).intent.is_some());
    erase().unwrap();
    assert_eq!(bench.show_task(&task).intent, None);
    erase().expect("again does no harm");
    let unknown = AuditErase { task: TaskId::new(bench.hands.wall(), [9; 10]) };
    refused(bench.office.audit_erase(&me(), &unknown), ErrorCode::NotFound);
}
