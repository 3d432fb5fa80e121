//! Who may approve: not somebody inside, not somebody who cannot be told.

use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};

use writ_sandbox::{Namespace, PeerOrigin, myself, origin_of, seen_from_inside};

use crate::role::ROLE;
use crate::runner::Case;
use crate::world::{World, begin, own_path};

pub const CASES: &[Case] = &[
    ("peer::inside_is_seen_through_a_socket", inside_is_seen),
    ("peer::a_child_outside_descends_from_us", child_outside),
    ("peer::who_has_ended_is_unknown", ended_is_unknown),
    ("peer::who_has_no_number_here_is_unknown", above_is_unknown),
    ("peer::a_reused_connection_does_not_change_hands", handed_on),
];

fn inside_is_seen() {
    let world = World::new();
    let listener = UnixListener::bind(world.at("home/state/run/mine/hook.sock")).unwrap();
    let (running, _reader) = begin(world.role(&["ask", "home/state/run/mine/hook.sock"]));
    let (mut socket, _) = listener.accept().unwrap();
    socket.read_exact(&mut [0; 7]).unwrap();
    match origin_of(socket.as_fd()) {
        PeerOrigin::Inside { peer, differs } => {
            assert_eq!(differs, [Namespace::Mount, Namespace::Pid, Namespace::User]);
            assert!(peer.ancestors.iter().any(|process| process.pid == running.pid()));
            assert!(peer.descends_from(myself().unwrap().process));
            assert_eq!(seen_from_inside(peer.process.pid), PeerOrigin::Inside { peer, differs });
        }
        other => panic!("{other:?}"),
    }
}

fn child_outside() {
    let world = World::new();
    let listener = UnixListener::bind(world.at("work/sock")).unwrap();
    let mut child = Command::new(own_path())
        .args([ROLE, "ask", "work/sock"])
        .current_dir(world.at("work"))
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let (socket, _) = listener.accept().unwrap();
    match origin_of(socket.as_fd()) {
        PeerOrigin::Outside(peer) => {
            assert_eq!(peer.process.pid, i32::try_from(child.id()).unwrap());
            assert_eq!(peer.uid, rustix::process::geteuid().as_raw());
            assert!(peer.descends_from(myself().unwrap().process));
            assert!(!myself().unwrap().descends_from(peer.process));
        }
        other => panic!("{other:?}"),
    }
    drop(socket);
    child.wait().unwrap();
}

fn ended_is_unknown() {
    let mut child = Command::new("true").spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    child.wait().unwrap();
    assert!(matches!(seen_from_inside(pid), PeerOrigin::Unknown { pid: Some(_), .. }));
    for pid in [0, -1, i32::MAX] {
        assert!(matches!(seen_from_inside(pid), PeerOrigin::Unknown { .. }), "{pid}");
    }
}

/// The one who connected counts, not the one who holds the socket now.
fn handed_on() {
    let world = World::new();
    let listener = UnixListener::bind(world.at("work/sock")).unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    assert!(matches!(origin_of(near.as_fd()), PeerOrigin::Outside(_)));
    drop(far);
    let mut child = Command::new(own_path())
        .args([ROLE, "ask", "work/sock"])
        .current_dir(world.at("work"))
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let (socket, _) = listener.accept().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(matches!(origin_of(socket.as_fd()), PeerOrigin::Unknown { .. }));
}

/// Whoever lives above our process namespace has no number in it.
fn above_is_unknown() {
    let world = World::new();
    let listener = UnixListener::bind(world.at("work/sock")).unwrap();
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--pid", "--fork"]).arg(own_path()).args([ROLE, "peer-above"]);
    let output = unshare.arg(world.at("work/sock")).stdin(Stdio::null()).output().unwrap();
    drop(listener);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("Unknown { pid: None") && said.contains("no process number"), "{said}");
}
