//! The socket file: private, and taken over only from the dead.

use std::os::unix::fs::PermissionsExt;

use writ_control::api::client::{Client, ClientError};
use writ_control::api::message::StatusAsk;
use writ_control::api::server::{BindError, bind};

use super::server::Served;

#[tokio::test]
async fn the_socket_is_for_its_user_alone() {
    let served = Served::new().await;
    let mode = std::fs::metadata(&served.socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_living_server_keeps_its_socket_and_a_dead_one_loses_it() {
    let served = Served::new().await;
    assert!(matches!(bind(&served.socket), Err(BindError::InUse(_))));
    assert!(served.client().await.call(StatusAsk {}).await.is_ok());
    let socket = served.socket.clone();
    let bench = served.stop().await;
    assert!(socket.exists(), "stale");
    assert!(matches!(Client::connect(&socket).await, Err(ClientError::Connect(_))));
    let served = Served::on(bench).await;
    assert!(served.client().await.call(StatusAsk {}).await.is_ok());
}

#[tokio::test]
async fn what_is_no_socket_stays() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("control.sock");
    std::fs::write(&path, "mine").unwrap();
    assert!(matches!(bind(&path), Err(BindError::InTheWay(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    assert!(matches!(bind(&home.path().join("no/where")), Err(BindError::Io { .. })));
}

#[tokio::test]
async fn a_connection_that_ends_tells_its_callers() {
    let served = Served::new().await;
    let client = served.client().await;
    client.call(StatusAsk {}).await.unwrap();
    let mut watch = client.watch(writ_control::api::message::ApprovalsWatch {}).await.unwrap();
    served.stop().await;
    assert!(watch.next().await.is_none());
    assert!(matches!(client.call(StatusAsk {}).await, Err(ClientError::Gone)));
    assert!(client.is_closed());
}
