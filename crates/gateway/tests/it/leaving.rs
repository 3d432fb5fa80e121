//! Requests that leave a run: a yes is for one request, all of it.

use std::sync::Arc;
use std::time::Duration;

use writ_gateway::http::port::Refusal;
use writ_gateway::{WayOut, WaysOut};
use writ_model::{Account, ApprovalState, Body, Client, Operation, Request, Scheme};

use crate::office::{Scene, WORKSPACE};
use crate::say::{before, runs};

fn request() -> Request {
    Request {
        method: "POST".to_owned(),
        scheme: Scheme::Https,
        host: "files.example".to_owned(),
        port: 443,
        path: "/up".to_owned(),
        query: Some("access_token=sesame&a=b".to_owned()),
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            (":others".to_owned(), "x-op".to_owned()),
            (":others-hmac".to_owned(), "11".to_owned()),
        ],
        body: Body::Whole(br#"{"password":"sesame","a":1}"#.to_vec()),
        account: Account::Nobody,
    }
}

fn leave(scene: &Scene, way: &Arc<WayOut>, request: Request) -> tokio::task::JoinHandle<Result<(), Refusal>> {
    let (door, way) = (Arc::clone(&scene.door), Arc::clone(way));
    tokio::spawn(async move { door.leave(&way, Operation::Request(Box::new(request))).await.map(drop) })
}

async fn scene() -> (Scene, Arc<WayOut>) {
    let scene = Scene::new();
    let way = scene.door.way_out(Client::Codex, WORKSPACE.into()).await.unwrap();
    way.tried();
    (scene, Arc::new(way))
}

#[tokio::test(start_paused = true)]
async fn attack_a_yes_for_one_request_lets_no_other_through() {
    let (scene, way) = scene().await;
    let first = leave(&scene, &way, request());
    scene.asked(1).await;
    let mut other_header = request();
    other_header.headers[2].1 = "12".to_owned();
    let mut other_body = request();
    other_body.body = Body::Whole(br#"{"password":"other!","a":1}"#.to_vec());
    let mut other_query = request();
    other_query.query = Some("access_token=other!&a=b".to_owned());
    scene.answer(ApprovalState::Approved);
    first.await.unwrap().unwrap();
    // Each of them asks anew, though people are shown the same of some.
    for (count, other) in [other_header, other_body, other_query].into_iter().enumerate() {
        let waits = leave(&scene, &way, request());
        scene.asked(2 + 2 * count).await;
        let also = leave(&scene, &way, other);
        scene.asked(3 + 2 * count).await;
        scene.answer(ApprovalState::Approved);
        waits.await.unwrap().unwrap();
        assert!(!also.is_finished());
        scene.answer(ApprovalState::Refused);
        also.await.unwrap().unwrap_err();
    }
    let book = scene.book();
    assert!(
        book.shown.iter().all(|shown| !shown.contains("sesame") && !shown.contains("other!")),
        "{:?}",
        book.shown
    );
    assert!(book.shown[0].contains("x-op") && book.shown[0].contains("sha256"), "{}", book.shown[0]);
}

#[tokio::test(start_paused = true)]
async fn attack_a_body_that_nobody_saw_whole_is_not_approved() {
    for body in [Body::Start(b"{}".to_vec()), Body::Unread] {
        let (scene, way) = scene().await;
        let refused = leave(&scene, &way, Request { body, ..request() }).await.unwrap().unwrap_err();
        assert!(refused.text.contains("4 MiB"), "{}", refused.text);
        assert!(scene.book().approvals.is_empty());
    }
    // Bytes that are no HTTP are allowed by where they go.
    let (scene, way) = scene().await;
    let waits =
        leave(&scene, &way, Request { method: "CONNECT".to_owned(), body: Body::Unread, ..request() });
    tokio::time::timeout(Duration::from_secs(5), scene.asked(1)).await.unwrap();
    scene.answer(ApprovalState::Approved);
    waits.await.unwrap().unwrap();
}

/// A person who allowed a call that names a repository is not asked about its requests; about the neighbour they are, and
/// about a push there.
#[tokio::test(start_paused = true)]
async fn a_call_that_names_a_repository_is_asked_about_once() {
    let scene = Scene::with(|_| {}, |plan| plan.ways_out = Some(WaysOut::default()));
    let way = scene.door.way_out(Client::Codex, WORKSPACE.into()).await.unwrap();
    way.tried();
    let way = Arc::new(way);
    let of = |repository: &str, service: &str| Request {
        method: "GET".to_owned(),
        path: format!("/{repository}.git/info/refs"),
        query: Some(format!("service={service}")),
        headers: Vec::new(),
        body: Body::None,
        ..request()
    };
    // Clients look for news of their own: nobody is asked where no call could want it.
    let refused = leave(&scene, &way, of("team/lib", "git-upload-pack")).await.unwrap().unwrap_err();
    assert!(refused.text.contains("files.example/team/lib"), "{refused:?}");
    assert_eq!(scene.book().approvals.len(), 0);
    let call = {
        let (door, client) = (Arc::clone(&scene.door), Client::Codex);
        let text = before(client, "git clone https://files.example/team/lib.git src/lib").to_string();
        tokio::spawn(async move {
            let frame = writ_gateway::hook::Frame { client, event: None, payload: text.into() };
            door.handle(frame, None).await
        })
    };
    scene.asked(1).await;
    scene.answer(ApprovalState::Approved);
    assert!(runs(Client::Codex, &call.await.unwrap()));
    for _ in 0..2 {
        leave(&scene, &way, of("team/lib", "git-upload-pack")).await.unwrap().unwrap();
    }
    assert_eq!(scene.book().approvals.len(), 1);
    let neighbour = leave(&scene, &way, of("team/other", "git-upload-pack"));
    scene.asked(2).await;
    scene.answer(ApprovalState::Approved);
    neighbour.await.unwrap().unwrap();
    // One yes at the door, for each request of that fetch; what pushes there is a request of its own.
    leave(&scene, &way, of("team/other", "git-upload-pack")).await.unwrap().unwrap();
    let push = Request {
        method: "POST".to_owned(),
        path: "/team/other.git/git-receive-pack".to_owned(),
        query: None,
        ..of("", "")
    };
    let push = leave(&scene, &way, push);
    scene.asked(3).await;
    scene.answer(ApprovalState::Refused);
    push.await.unwrap().unwrap_err();
    assert_eq!(scene.book().approvals.len(), 3);
}
