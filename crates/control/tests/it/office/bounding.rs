//! What a requester named: committed to when the task opens, kept with the task's texts, and never lost unnoticed.

use writ_control::api::ErrorCode;
use writ_control::api::message::*;
use writ_model::*;

use super::bench::{Bench, me, refused};

fn bounds(text: &str) -> Bounds {
    serde_json::from_str(text).unwrap()
}

fn opening(bench: &Bench, named: Bounds) -> TaskOpen {
    TaskOpen { bounds: Some(Box::new(named)), ..bench.opening("claude") }
}

#[test]
fn bounds_are_committed_to_and_come_back_as_they_were() {
    let bench = Bench::new();
    bench.agent("claude");
    let named = bounds(
        r#"{"hosts":["docs.example.org"],"write":["src/**"],"mcp":{"forge":["get","send:to=a"]},
        "calls":[{"server":"bank","tool":"pay","arguments":{"amount":98.7}}],"stop-on":["guardrail"]}"#,
    );
    let opened = bench.office.task_open(&me(), opening(&bench, named.clone())).unwrap();
    assert_eq!(opened.bounds.as_ref(), Some(&named));
    assert!(opened.task.bounds.is_some());
    let shown = bench.show_task(&opened);
    assert_eq!((shown.bounds, shown.bounds_commitment), (Some(named.clone()), opened.task.bounds));
    let attached = bench.office.task_attach(&TaskAttach { writ: opened.writ }).unwrap();
    assert_eq!(attached.bounds, Some(named));
}

#[test]
fn a_task_without_bounds_is_recorded_as_before() {
    let bench = Bench::new();
    let opened = bench.task();
    assert_eq!((opened.bounds.clone(), opened.task.bounds), (None, None));
    let entry = serde_json::to_value(&opened.task).unwrap();
    assert!(entry.get("bounds").is_none() && entry["limits"].get("outward_calls").is_none());
    // Nothing named is the same as no bounds.
    let empty = bench.office.task_open(&me(), opening(&bench, Bounds::default())).unwrap();
    assert_eq!(empty.task.bounds, None);
}

#[test]
fn bounds_that_cannot_be_kept_open_no_task() {
    let bench = Bench::new();
    bench.agent("claude");
    let long = Bounds { secrets: Some(vec!["x".repeat(1 << 20)]), ..Bounds::default() };
    let nowhere = Bounds { repository: Some("no repository".into()), ..Bounds::default() };
    for named in [long, nowhere] {
        refused(bench.office.task_open(&me(), opening(&bench, named)), ErrorCode::Refused);
    }
}

#[test]
fn a_task_whose_bounds_are_erased_says_so() {
    let bench = Bench::new();
    bench.agent("claude");
    let opened = bench.office.task_open(&me(), opening(&bench, bounds(r#"{"hosts":[]}"#))).unwrap();
    bench.office.task_close(&me(), &TaskClose { task: opened.task.id }).unwrap();
    bench.office.audit_erase(&me(), &AuditErase { task: opened.task.id }).unwrap();
    let shown = bench.show_task(&opened);
    assert_eq!((shown.bounds, shown.bounds_commitment), (None, opened.task.bounds));
}
