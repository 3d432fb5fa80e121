//! Everything ends: by the client's end, by revocation, by the supervisor's death.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use writ_sandbox::{Ended, Plan, StartError, start};

use crate::role::ROLE;
use crate::runner::Case;
use crate::world::{World, begin, line, own_path, piped, run};

pub const CASES: &[Case] = &[
    ("end::codes_and_signals_come_through", codes_and_signals),
    ("end::daemons_die_with_the_client", daemons_die_with_the_client),
    ("end::kill_tree_reaches_daemons_in_time", kill_tree_reaches_daemons),
    ("end::dropping_the_handle_ends_the_tree", dropping_ends_the_tree),
    ("end::killed_supervisor_takes_the_tree_along", killed_supervisor),
    ("end::thread_that_started_it_may_end", thread_may_end),
    ("end::forwarded_signals_reach_the_client", forwarded_signals),
    ("end::orphans_are_reaped", orphans_are_reaped),
    ("end::missing_program_is_told", missing_program),
    ("end::a_fork_bomb_dies_too", fork_bomb),
];

/// What a revocation may take (promise 9).
const REVOCATION: Duration = Duration::from_millis(100);

/// Leaves a daemon in a session of its own, twice forked, deaf to what can be ignored.
pub const DAEMON: &str = "(setsid sh -c \"trap '' HUP TERM INT; (while :; do read x < /dev/zero; done) & \
     (sleep 1000) & exec sleep 1000\" </dev/null &) ; echo daemon;";

fn codes_and_signals() {
    let world = World::new();
    for (script, ended, code) in [
        ("exit 0", Ended::Exited(0), 0),
        ("exit 7", Ended::Exited(7), 7),
        ("exit 255", Ended::Exited(255), 255),
        ("kill -TERM $$", Ended::Signalled(15), 143),
        ("kill -KILL $$", Ended::Signalled(9), 137),
        ("kill -SEGV $$", Ended::Signalled(11), 139),
    ] {
        let outcome = world.run(script);
        assert_eq!((outcome.ended, outcome.ended.exit_code()), (ended, code), "{script}");
    }
}

fn daemons_die_with_the_client() {
    let world = World::new();
    // The pipe ends only when nobody holds it any more, so `run` returning is the proof.
    let outcome = world.run(&format!("{DAEMON} exit 3"));
    assert_eq!(outcome.ended, Ended::Exited(3));
    assert!(outcome.out.contains("daemon"));
}

fn kill_tree_reaches_daemons() {
    let world = World::new();
    let (running, mut reader) =
        begin(world.script(&format!("trap '' TERM INT HUP; {DAEMON} echo up; sleep 1000")));
    while line(&reader) != "up" {}
    let started = Instant::now();
    running.kill_tree().unwrap();
    let took = started.elapsed();
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!(running.wait(), Ended::TornDown);
    assert!(took < REVOCATION, "{took:?}");
    running.kill_tree().unwrap();
    assert!(running.signal(15).is_err());
}

fn dropping_ends_the_tree() {
    let world = World::new();
    let (running, mut reader) = begin(world.script(&format!("{DAEMON} echo up; sleep 1000")));
    while line(&reader) != "up" {}
    drop(running);
    reader.read_to_end(&mut Vec::new()).unwrap();
}

fn killed_supervisor() {
    killed_supervisor_with(&[], REVOCATION);
}

pub fn killed_supervisor_with(options: &[&str], bound: Duration) {
    let world = World::new();
    let (mut reader, streams) = piped();
    let mut supervisor = Command::new(own_path())
        .args([ROLE, "supervise", world.root.to_str().unwrap()])
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::from(streams.stdout))
        .stderr(Stdio::from(streams.stderr))
        .spawn()
        .unwrap();
    while line(&reader) != "up" {}
    let started = Instant::now();
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    reader.read_to_end(&mut Vec::new()).unwrap();
    let took = started.elapsed();
    assert!(took < bound, "{took:?}");
}

fn thread_may_end() {
    let world = World::new();
    let profile = world.script("read x; echo \"got $x\"");
    let (there, here) = std::os::unix::net::UnixStream::pair().unwrap();
    let (mut reader, mut streams) = piped();
    streams.stdin = OwnedFd::from(there);
    let running =
        std::thread::spawn(move || start(&Plan::draw(profile).unwrap(), streams).unwrap()).join().unwrap();
    std::io::Write::write_all(&mut &here, b"word\n").unwrap();
    let mut out = String::new();
    reader.read_to_string(&mut out).unwrap();
    assert_eq!((running.wait(), out.as_str()), (Ended::Exited(0), "got word\n"));
}

fn forwarded_signals() {
    let world = World::new();
    for (number, name) in [(15, "TERM"), (2, "INT"), (1, "HUP"), (10, "USR1")] {
        let (running, reader) = begin(world.script(&format!(
            "trap 'echo got; exit 5' {name}; echo up; while :; do sleep 1000 & wait $!; done"
        )));
        assert_eq!(line(&reader), "up");
        running.signal(number).unwrap();
        // The shell may first say what became of its `sleep`, which is in the same group.
        while line(&reader) != "got" {}
        assert_eq!(running.wait(), Ended::Exited(5), "{name}");
    }
}

fn orphans_are_reaped() {
    let outcome = World::new().run(
        "i=0; while [ $i -lt 20 ]; do (true &) ; i=$((i+1)); done; n=1; \
         while grep -l '^State:.Z' /proc/[0-9]*/status >/dev/null 2>&1; do n=$((n+1)); [ $n -gt 2000 ] && exit 1; done; exit 0",
    );
    assert_eq!(outcome.ended, Ended::Exited(0), "{}", outcome.out);
}

fn missing_program() {
    let world = World::new();
    let hidden = world.at("home/state/key");
    for command in ["no-such-program", "/no/such/program", hidden.to_str().unwrap()] {
        let plan = Plan::draw(world.profile(command, &[])).unwrap();
        let (_reader, streams) = piped();
        match start(&plan, streams) {
            Err(StartError::Client(reason)) => assert!(reason.contains(command), "{reason}"),
            other => panic!("{command}: {other:?}"),
        }
    }
    let _ = run(world.script("true"));
}

fn fork_bomb() {
    let world = World::new();
    let (running, mut reader) = begin(world.script(
        "ulimit -u 400 2>/dev/null; echo up; i=0; while [ $i -lt 60 ]; do (setsid sh -c 'while :; do (:); done' &) ; i=$((i+1)); done; wait",
    ));
    while line(&reader) != "up" {}
    running.kill_tree().unwrap();
    reader.read_to_end(&mut Vec::new()).unwrap();
}
