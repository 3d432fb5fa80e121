//! Subscriptions, waiting, and what a broken connection means.

use std::time::{Duration, Instant};

use writ_control::api::ErrorCode;
use writ_control::api::message::*;
use writ_model::*;

use super::server::{Served, refusal};
use crate::office::bench::{Bench, digest, me, payload};

#[tokio::test]
async fn a_revocation_reaches_the_supervisor_at_once() {
    let served = Served::new().await;
    let (supervisor, person) = (served.client().await, served.client().await);
    served.bench.agent("claude");
    let task = supervisor.call(served.bench.opening("claude")).await.unwrap();
    let mut standing = supervisor.watch(StandingWatch { writ: task.writ.clone() }).await.unwrap();
    assert!(!standing.next().await.unwrap().unwrap().revoked);
    let error = refusal(person.watch(StandingWatch { writ: task.writ.clone() }).await.map(drop));
    assert_eq!(error.code, ErrorCode::Conflict);

    let asked = Instant::now();
    person.call(Revoke { target: RevokeTarget::Agent("claude".into()) }).await.unwrap();
    let news = standing.next().await.unwrap().unwrap();
    assert!(news.revoked);
    assert!(asked.elapsed() < Duration::from_millis(100), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_supervisor_lives_as_long_as_its_connection() {
    let served = Served::new().await;
    let first = served.client().await;
    served.bench.agent("claude");
    let task = first.call(served.bench.opening("claude")).await.unwrap();
    let watch = || StandingWatch { writ: task.writ.clone() };
    let mut standing = first.watch(watch()).await.unwrap();
    standing.next().await.unwrap().unwrap();
    drop((standing, first));
    // The server hears of it when the connection breaks; until then the place is taken.
    let second = served.client().await;
    let mut again = second.watch(watch()).await;
    while again.is_err() {
        again = second.watch(watch()).await;
    }
    served.bench.hands.pass(Duration::from_secs(60));
    served.bench.office.sweep().unwrap();
    assert_eq!(served.bench.show_task(&task).state, TaskState::Open);
    drop((again, second));
    let mut changes = served.bench.office.changes();
    loop {
        served.bench.hands.pass(Duration::from_secs(11));
        served.bench.office.sweep().unwrap();
        if served.bench.show_task(&task).state == TaskState::Closed {
            break;
        }
        let _ = tokio::time::timeout(Duration::from_millis(5), changes.changed()).await;
    }
    assert_eq!(served.bench.show_task(&task).cause, Some(CloseCause::SupervisorLost));
}

#[tokio::test]
async fn a_wait_ends_with_the_answer_or_the_patience() {
    let served = Served::new().await;
    let (supervisor, person) = (served.client().await, served.client().await);
    served.bench.agent("claude");
    let task = supervisor.call(served.bench.opening("claude")).await.unwrap();
    let ask = |n| ApprovalAsk {
        writ: task.writ.clone(),
        call: served.bench.call(n),
        action: digest(n),
        level: ApprovalLevel::OnePerson,
        shown: payload(b"{\"command\":\"git push\"}"),
    };
    let mut watch = person.watch(ApprovalsWatch {}).await.unwrap();
    let asked = supervisor.call(ask(1)).await.unwrap();
    let wait =
        |approval, patience_millis| ApprovalWait { writ: task.writ.clone(), approval, patience_millis };
    let early = supervisor.call(wait(asked.approval, 1)).await.unwrap();
    assert_eq!(early.state, ApprovalState::Pending);

    let shown = watch.next().await.unwrap().unwrap();
    assert_eq!((shown.id, shown.state), (asked.approval, ApprovalState::Pending));
    assert_eq!(shown.shown.as_deref(), Some("{\"command\":\"git push\"}"));
    let waiting = supervisor.call(wait(asked.approval, 600_000));
    let answering = person.call(Approve { approval: shown.id, action: shown.action, as_grant: None });
    let (waited, answered) = tokio::join!(waiting, answering);
    answered.unwrap();
    assert_eq!(waited.unwrap().state, ApprovalState::Approved);
    assert_eq!(watch.next().await.unwrap().unwrap().state, ApprovalState::Approved);
    let take = ApprovalTake { writ: task.writ.clone(), call: served.bench.call(1), action: digest(1) };
    assert!(supervisor.call(take).await.unwrap().taken.is_some());
    assert_eq!(watch.next().await.unwrap().unwrap().state, ApprovalState::Consumed);

    let pending = supervisor.call(ask(2)).await.unwrap();
    watch.next().await.unwrap().unwrap();
    let waiting = supervisor.call(wait(pending.approval, 600_000));
    let ending = person.call(TaskClose { task: task.task.id });
    let (waited, _) = tokio::join!(waiting, ending);
    assert_eq!(waited.unwrap().state, ApprovalState::Expired);
    assert_eq!(watch.next().await.unwrap().unwrap().state, ApprovalState::Expired);
    let other = ApprovalId::new(served.bench.hands.wall(), [9; 10]);
    assert_eq!(refusal(supervisor.call(wait(other, 1)).await).code, ErrorCode::NotFound);
}

#[tokio::test]
async fn a_whole_task_over_the_socket() {
    let served = Served::on(Bench::stored()).await;
    let client = served.client().await;
    client.call(served.bench.registration("claude")).await.unwrap();
    client.call(AgentApprove { agent: "claude".into() }).await.unwrap();
    let task = client.call(served.bench.opening("claude")).await.unwrap();
    let activity = vec![served.bench.decided(Verdict::Allow, &[EffectClass::GitPush])];
    let record = Record { writ: task.writ.clone(), activity, durability: Keep::Written, control_size: None };
    let recorded = client.call(record).await.unwrap();
    assert_eq!(recorded.receipts[0].durability, Keep::Synced);
    assert_eq!(recorded.receipts[0].receipt().index(), 0);
    let status = client.call(StatusAsk {}).await.unwrap();
    assert_eq!((status.open_tasks, status.activity_size, status.unrecorded), (1, 1, 0));
    let end = client.call(TaskEnd { writ: task.writ, cause: CloseCause::Finished }).await.unwrap();
    assert_eq!(end.checkpoints.len(), 2);
    let bench = served.stop().await;
    assert_eq!(bench.office.agent_list(&AgentList::default()).unwrap().agents[0].owner, me());
}
