//! Grants: a yes for calls of one shape, as an amendment of one task, ended by whatever ends it first.

use std::time::Duration;

use serde_json::{Value, json};
use writ_control::api::ErrorCode;
use writ_control::api::message::*;
use writ_model::{
    ActivityEvent, ApprovalId, ApprovalLevel, CloseCause, EffectClass, GrantEnd, GrantId, Limits, Touch,
    Verdict,
};

use super::bench::{Bench, Fault, digest, human, label, me, payload, refused};

const ONE: ApprovalLevel = ApprovalLevel::OnePerson;
const WEEK: u64 = 7 * 24 * 3_600;

/// What a supervisor offers: one host, for the tool that fetches.
fn offer() -> Value {
    json!({
        "shapes": [{ "effect": "network", "on": { "kind": "host", "name": "example.org" } }],
        "line": null,
        "touched": ["untrusted"],
    })
}

fn file_offer() -> Value {
    let on = json!({ "kind": "path", "path": "/w/docs/a.md", "place": "workspace", "binding": null });
    json!({ "shapes": [{ "effect": "write-workspace", "on": on }], "line": null, "touched": [] })
}

fn ask(bench: &Bench, task: &TaskOpened, action: u8, level: ApprovalLevel, offer: &Value) -> ApprovalId {
    let shown = json!({ "v": 1, "grant": offer });
    let ask = ApprovalAsk {
        writ: task.writ.clone(),
        call: bench.call(action),
        action: digest(action),
        level,
        shown: payload(shown.to_string().as_bytes()),
    };
    bench.office.approval_ask(ask).unwrap().approval
}

fn grant(
    bench: &Bench,
    by: u32,
    approval: ApprovalId,
    action: u8,
    wish: GrantWish,
) -> Result<ApprovalView, writ_control::OfficeError> {
    let ask = Approve { approval, action: digest(action), as_grant: Some(wish) };
    bench.office.approve(&human(by), &ask)
}

fn granted(bench: &Bench, task: &TaskOpened, action: u8) -> GrantView {
    let approval = ask(bench, task, action, ONE, &offer());
    let id = grant(bench, 1000, approval, action, GrantWish::default()).unwrap().grant.unwrap();
    listed(bench, true).into_iter().find(|grant| grant.id == id).unwrap()
}

fn listed(bench: &Bench, all: bool) -> Vec<GrantView> {
    bench.office.grants_list(&GrantsList { task: None, all, at: None }).unwrap().grants
}

fn standing(bench: &Bench, task: &TaskOpened) -> Vec<GrantId> {
    let stream = bench.office.standing_watch(&task.writ).unwrap();
    let ids = stream.standings.borrow().grants.iter().map(|grant| grant.id).collect();
    drop(stream);
    ids
}

fn end(bench: &Bench, grant: GrantId) -> Result<GrantView, writ_control::OfficeError> {
    bench.office.grant_end(&me(), &EndGrant { grant })
}

#[test]
fn a_grant_is_one_use_of_its_approval_and_an_amendment_of_the_task() {
    let bench = Bench::new();
    let task = bench.task();
    let approval = ask(&bench, &task, 1, ONE, &offer());
    let waiting = bench.office.approvals_list(&ApprovalsList::default()).unwrap().approvals;
    assert_eq!(waiting[0].grantable.as_ref().unwrap().effects(), [EffectClass::Network]);
    let given = grant(&bench, 1000, approval, 1, GrantWish::default()).unwrap();
    assert!(given.answers[0].own);
    let [view] = &listed(&bench, false)[..] else { panic!("one grant") };
    assert_eq!(Some(view.id), given.grant);
    assert_eq!((view.approval, view.level, view.own), (approval, ONE, true));
    assert_eq!(
        (&view.effects[..], &view.touched[..]),
        (&[EffectClass::Network][..], &[Touch::Untrusted][..])
    );
    assert_eq!(view.expires_at, given.task_ends_at, "until the task ends, and no longer");
    assert_eq!(serde_json::to_value(view.terms.as_ref().unwrap()).unwrap(), offer());
    assert_eq!(bench.show_task(&task).grants, std::slice::from_ref(view));
    assert_eq!(standing(&bench, &task), [view.id]);
    assert!(bench.take(&task, 1).unwrap().is_some(), "the call that waited goes through");
    assert!(bench.take(&task, 1).unwrap().is_none(), "once: the next ones go by the grant");
}

#[test]
fn what_an_entry_says_of_a_grant_are_words_and_commitments() {
    let bench = Bench::new();
    let task = bench.task();
    let view = granted(&bench, &task, 1);
    end(&bench, view.id).unwrap();
    let story = bench.office.audit_show(&AuditShow { what: view.id.to_string() }).unwrap();
    let types: Vec<_> = story.entries.iter().map(|e| e.entry["event"]["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["grant-given", "grant-ended"]);
    let given = &story.entries[0];
    assert!(!given.entry.to_string().contains("example.org"), "{}", given.entry);
    assert_eq!(given.entry["by"]["human"], "uid:1000");
    assert_eq!(story.entries[1].entry["event"]["cause"], "by-person");
    let [terms] = &given.texts[..] else { panic!("the terms are opened") };
    assert_eq!(serde_json::from_str::<Value>(terms.text.as_ref().unwrap()).unwrap(), offer());
}

#[test]
fn only_what_may_be_granted_is() {
    let bench = Bench::new();
    let task = bench.task();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut offer = offer();
        change(&mut offer);
        offer
    };
    let two = ApprovalLevel::TwoPeople;
    for (n, level, offer) in [
        (1, ONE, Value::Null),
        (2, ONE, with(&|offer| offer["shapes"] = json!([]))),
        (3, ONE, with(&|offer| offer["shapes"][0]["effect"] = "publish".into())),
        (4, ONE, with(&|offer| offer["shapes"][0]["effect"] = "secret-read".into())),
        (5, ONE, with(&|offer| offer["shapes"][0]["effect"] = "unknown".into())),
        (6, ONE, with(&|offer| offer["shapes"][0]["on"]["name"] = "".into())),
        (7, ONE, with(&|offer| offer["more"] = "x".into())),
        (8, ONE, with(&|offer| offer["touched"] = json!(["untrusted", "secret"]))),
        (9, two, offer()),
        (10, ApprovalLevel::AnotherPerson, json!("all")),
    ] {
        let limits = bench.office.approvals_list(&ApprovalsList::default()).unwrap();
        for waiting in limits.approvals {
            bench.office.deny(&me(), &Deny { approval: waiting.id }).unwrap();
        }
        let approval = ask(&bench, &task, n, level, &offer);
        let waiting = bench.office.approvals_list(&ApprovalsList::default()).unwrap().approvals;
        assert_eq!(waiting[0].grantable, None, "{offer}");
        refused(grant(&bench, 7, approval, n, GrantWish::default()), ErrorCode::Refused);
        assert!(bench.take(&task, n).unwrap().is_none(), "a grant that cannot be given is no yes either");
    }
    assert!(listed(&bench, true).is_empty());
    let other = ask(&bench, &task, 20, ONE, &offer());
    refused(grant(&bench, 1000, other, 21, GrantWish::default()), ErrorCode::Conflict);
}

#[test]
fn the_requester_grants_only_what_one_person_may() {
    let bench = Bench::new();
    let task = bench.task();
    let approval = ask(&bench, &task, 1, ApprovalLevel::AnotherPerson, &offer());
    refused(grant(&bench, 1000, approval, 1, GrantWish::default()), ErrorCode::Refused);
    assert!(listed(&bench, true).is_empty());
    grant(&bench, 7, approval, 1, GrantWish::default()).unwrap();
    let [view] = &listed(&bench, false)[..] else { panic!("one grant") };
    assert_eq!((view.level, view.own, &view.by), (ApprovalLevel::AnotherPerson, false, &human(7)));
}

#[test]
fn a_grant_lasts_as_long_as_was_said_and_never_longer_than_its_task() {
    let bench = Bench::new();
    let task = bench.task();
    let wish = |seconds| GrantWish { seconds: Some(seconds), folders: false };
    let approval = ask(&bench, &task, 1, ONE, &offer());
    refused(grant(&bench, 1000, approval, 1, wish(0)), ErrorCode::BadRequest);
    let view = grant(&bench, 1000, approval, 1, wish(60)).unwrap();
    let long = ask(&bench, &task, 2, ONE, &offer());
    grant(&bench, 1000, long, 2, wish(WEEK)).unwrap();
    let [short, long] = &listed(&bench, false)[..] else { panic!("two grants") };
    assert_eq!(long.expires_at, view.task_ends_at);
    bench.hands.pass(Duration::from_secs(60));
    assert_eq!(standing(&bench, &task), [long.id], "it has ended before anybody has swept");
    bench.hands.set_back(Duration::from_secs(600));
    assert_eq!(standing(&bench, &task), [long.id], "a clock set back revives nothing");
    bench.office.sweep().unwrap();
    let ended: Vec<_> = listed(&bench, true).iter().map(|grant| grant.ended).collect();
    assert_eq!(ended, [Some(GrantEnd::Expired), None]);
    refused(end(&bench, short.id), ErrorCode::Conflict);
}

#[test]
fn a_grant_of_a_file_can_be_made_one_of_its_folder() {
    let bench = Bench::new();
    let task = bench.task();
    let folders = GrantWish { seconds: None, folders: true };
    let host = ask(&bench, &task, 1, ONE, &offer());
    refused(grant(&bench, 1000, host, 1, folders), ErrorCode::Refused);
    let file = ask(&bench, &task, 2, ONE, &file_offer());
    grant(&bench, 1000, file, 2, folders).unwrap();
    let terms = listed(&bench, false).pop().unwrap().terms.unwrap();
    let on = serde_json::to_value(&terms.shapes[0].on).unwrap();
    assert_eq!(on, json!({ "kind": "folder", "path": "/w/docs" }));
}

#[test]
fn whatever_ends_the_task_ends_its_grants() {
    type EndTask = fn(&Bench, &TaskOpened);
    let ends: [(&str, EndTask); 4] = [
        ("task-closed", |bench, task| {
            let cause = CloseCause::Finished;
            bench.office.task_end(&TaskEnd { writ: task.writ.clone(), cause }).unwrap();
        }),
        ("task-closed", |bench, task| {
            let target = RevokeTarget::Task(task.task.id);
            bench.office.revoke(&me(), &Revoke { target }).unwrap();
        }),
        ("task-closed", |bench, _| {
            let suspend = AgentSuspend { agent: "claude".into() };
            bench.office.agent_suspend(&me(), &suspend).unwrap();
        }),
        ("expired", |bench, _| {
            bench.hands.pass(Duration::from_secs(3_600));
            bench.office.sweep().unwrap();
        }),
    ];
    for (cause, end_task) in ends {
        let bench = Bench::new();
        let task = bench.task();
        let view = granted(&bench, &task, 1);
        end_task(&bench, &task);
        assert!(listed(&bench, true).is_empty());
        assert!(bench.show_task(&task).grants.is_empty());
        refused(end(&bench, view.id), ErrorCode::NotFound);
        let story = bench.office.audit_show(&AuditShow { what: view.id.to_string() }).unwrap();
        let causes: Vec<_> = story.entries.iter().map(|e| e.entry["event"]["cause"].clone()).collect();
        assert_eq!(causes, [Value::Null, cause.into()]);
    }
}

#[test]
fn a_grant_is_of_one_task() {
    let bench = Bench::new();
    let (mine, other) = (bench.task(), bench.task());
    let view = granted(&bench, &mine, 1);
    assert_eq!(standing(&bench, &mine), [view.id]);
    assert!(standing(&bench, &other).is_empty());
    let only = GrantsList { task: Some(other.task.id), all: true, at: None };
    assert!(bench.office.grants_list(&only).unwrap().grants.is_empty());
}

#[test]
fn a_grant_and_its_end_reach_the_supervisor_at_once() {
    let bench = Bench::new();
    let task = bench.task();
    let stream = bench.office.standing_watch(&task.writ).unwrap();
    let mut standings = stream.standings.clone();
    standings.mark_unchanged();
    let view = granted(&bench, &task, 1);
    assert!(standings.has_changed().unwrap());
    let told = standings.borrow_and_update().grants.clone();
    assert_eq!(*told, *std::slice::from_ref(&view), "with its terms");
    end(&bench, view.id).unwrap();
    assert!(standings.has_changed().unwrap());
    assert!(standings.borrow_and_update().grants.is_empty());
    refused(end(&bench, view.id), ErrorCode::Conflict);
    let nobody = GrantId::new(bench.hands.wall(), [9; 10]);
    refused(end(&bench, nobody), ErrorCode::NotFound);
}

#[test]
fn grants_come_back_after_a_restart() {
    let mut bench = Bench::new();
    let task = bench.task();
    let (ended, kept) = (granted(&bench, &task, 1), granted(&bench, &task, 2));
    end(&bench, ended.id).unwrap();
    bench.restart();
    assert_eq!(standing(&bench, &task), [kept.id]);
    let terms = listed(&bench, false).pop().unwrap().terms.unwrap();
    assert_eq!(serde_json::to_value(&terms).unwrap(), offer());
    let at = Some(kept.given_at);
    let then = bench.office.grants_list(&GrantsList { task: None, all: false, at }).unwrap().grants;
    assert!(then.iter().any(|grant| grant.id == kept.id));
}

#[test]
fn a_grant_that_could_not_be_recorded_is_none() {
    for fault in [Fault::Before, Fault::After] {
        let mut bench = Bench::new();
        let task = bench.task();
        let approval = ask(&bench, &task, 1, ONE, &offer());
        bench.ledger.fail(fault);
        refused(grant(&bench, 1000, approval, 1, GrantWish::default()), ErrorCode::Storage);
        bench.ledger.fail(Fault::None);
        let expected = usize::from(fault == Fault::After);
        assert_eq!(standing(&bench, &task).len(), expected, "what is in the log counts");
        bench.restart();
        assert_eq!(standing(&bench, &task).len(), expected);
    }
}

#[test]
fn a_task_has_a_bounded_number_of_grants() {
    let bench = Bench::new();
    let task = bench.with_limits(Limits { pending_approvals: 100, ..Limits::default() });
    let grants: Vec<_> = (1..=32).map(|n| granted(&bench, &task, n)).collect();
    let more = ask(&bench, &task, 33, ONE, &offer());
    refused(grant(&bench, 1000, more, 33, GrantWish::default()), ErrorCode::Refused);
    end(&bench, grants[0].id).unwrap();
    grant(&bench, 1000, more, 33, GrantWish::default()).unwrap();
}

#[test]
fn a_granted_call_is_found_by_its_grant() {
    let bench = Bench::new();
    let task = bench.task();
    let view = granted(&bench, &task, 1);
    let mut decided = bench.decided(Verdict::Allow, &[EffectClass::Network]);
    if let ActivityEvent::CallDecided { decision, tool, .. } = &mut decided.event {
        decision.grants = vec![view.id];
        *tool = label("WebFetch");
    }
    bench.record(&task, vec![decided]).unwrap();
    let story = bench.office.audit_show(&AuditShow { what: view.id.to_string() }).unwrap();
    let tools: Vec<_> = story.entries.iter().filter_map(|e| e.entry["event"]["tool"].as_str()).collect();
    assert_eq!(tools, ["WebFetch"]);
}
