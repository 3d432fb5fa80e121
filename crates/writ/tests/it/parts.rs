//! Each part of a run is killed, or stopped, under the agent: it has less then, never more.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde_json::Value;

use crate::corner::{Corner, Guest, text, until};

/// What a revocation may take (promise 9).
const REVOCATION: Duration = Duration::from_millis(100);
/// On a machine that is busy with other tests, one of so many must be in time.
const TRIES: usize = 5;

/// A run with a daemon that is found by its name.
struct Run {
    corner: Corner,
    guest: Guest,
    /// The daemon, seen from outside.
    daemon: Pid,
}

/// The processes between the control plane and the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Supervisor,
    /// Stands outside the agent's process table and holds its namespaces.
    OuterStage,
    /// The first process inside.
    Init,
}

const PARTS: [Part; 3] = [Part::Supervisor, Part::OuterStage, Part::Init];

// === impl Run ===

impl Run {
    fn start(name: &str, play: &str) -> Self {
        let corner = Corner::with_control_plane();
        corner.register("claude-code");
        let mark = format!("writ-part-{name}-{}", std::process::id());
        let play =
            format!("start\n(setsid bash -c 'trap \"\" HUP TERM; exec -a {mark} sleep 1000' &)\n{play}");
        let guest = corner.started(&[], &play);
        let daemon = until("daemon", || named(&mark));
        Self { corner, guest, daemon }
    }

    fn pid(&self, part: Part) -> Pid {
        let supervisor = Pid::from_child(&self.guest.0);
        let outer = || until("outer stage", || child_of(supervisor));
        match part {
            Part::Supervisor => supervisor,
            Part::OuterStage => outer(),
            Part::Init => until("first process", || child_of(outer())),
        }
    }

    fn task(&self) -> Value {
        self.corner.json(["task", "list", "--all", "--json"])["tasks"][0].clone()
    }

    fn revoke(&self) {
        let task = self.task()["id"].as_str().unwrap().to_owned();
        let revoked = self.corner.run(["revoke", "task", &task]);
        assert!(revoked.status.success(), "{}", text(&revoked));
    }

    fn closed(&self) -> Value {
        until("end of the task", || Some(self.task()).filter(|task| task["state"] == "closed"))
    }
}

/// The process whose command line begins with this word.
fn named(word: &str) -> Option<Pid> {
    processes().find(|pid| {
        std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero()))
            .is_ok_and(|line| line.split(|byte| *byte == 0).next() == Some(word.as_bytes()))
    })
}

fn child_of(parent: Pid) -> Option<Pid> {
    processes().find(|pid| {
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        after_name.split(' ').nth(1) == Some(parent.as_raw_nonzero().to_string().as_str())
    })
}

fn processes() -> impl Iterator<Item = Pid> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw))
}

/// When a process ended, at the latest.
fn end_of(pid: Pid) -> std::thread::JoinHandle<Option<Instant>> {
    let handle = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    std::thread::spawn(move || {
        let patience = Timespec { tv_sec: 20, tv_nsec: 0 };
        let ended = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&patience)).unwrap();
        (ended == 1).then(Instant::now)
    })
}

/// Returns when every thread is stopped: each does so at its next turn.
fn stop(process: Pid) {
    kill_process(process, Signal::STOP).unwrap();
    until("every thread is stopped", || {
        let threads = std::fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())).ok()?;
        let is_stopped = |thread: std::fs::DirEntry| {
            let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
        };
        threads.flatten().all(is_stopped).then_some(())
    });
}

#[test]
fn whatever_part_is_killed_the_agent_is_gone_with_a_scripted_client() {
    for part in PARTS {
        let mut run = Run::start(&format!("{part:?}"), "sleep 1000");
        let gone = end_of(run.daemon);
        kill_process(run.pid(part), Signal::KILL).unwrap();
        assert!(gone.join().unwrap().is_some(), "{part:?}: the daemon is left");
        let ended = run.guest.0.wait().unwrap();
        assert!(!ended.success(), "{part:?}: {ended:?}");
        // The record says what happened, and not that the client was done.
        let cause = match part {
            Part::Supervisor => "supervisor-lost",
            Part::OuterStage | Part::Init => "torn-down",
        };
        assert_eq!(run.closed()["cause"], cause, "{part:?}");
        assert!(run.corner.run(["audit", "verify"]).status.success());
    }
}

/// Git and editors obey what a run puts into a workspace: after a supervisor that was killed, the next run takes it away.
#[test]
fn what_a_killed_supervisor_left_is_gone_with_the_next_run_with_a_scripted_client() {
    let corner = Corner::with_control_plane();
    crate::corner::git(&corner.work());
    corner.register("claude-code");
    let at = |name: &str| corner.work().join(name);
    let left = [".vscode", ".idea", ".git/commondir", ".git/config.worktree", ".git/remotes"];
    let before: Vec<_> = left.iter().filter(|name| at(name).exists()).collect();
    assert!(before.is_empty(), "{before:?}");
    let mut guest = corner.started(&[], "start\necho >ready\nsleep 1000");
    until("client", || at("ready").exists().then_some(()));
    kill_process(Pid::from_child(&guest.0), Signal::KILL).unwrap();
    guest.0.wait().unwrap();
    assert!(left.iter().all(|name| at(name).exists()), "nothing is left to take away");
    // Taken up by a person meanwhile.
    std::fs::write(at(".idea/workspace.xml"), "mine").unwrap();
    std::fs::write(at(".git/commondir"), "/elsewhere\n").unwrap();
    // In another workspace of the same person.
    let other = corner.home().join("other");
    std::fs::create_dir(&other).unwrap();
    let mut next = corner.play(&[], "start\nfinish");
    next.current_dir(&other);
    let said = text(&crate::corner::finished(next));
    for name in [".vscode", ".git/config.worktree", ".git/remotes"] {
        assert!(!at(name).exists(), "{name}: {said}");
    }
    assert_eq!(corner.left(".idea/workspace.xml"), "mine");
    assert_eq!(corner.left(".git/commondir"), "/elsewhere\n");
    let runs: Vec<_> = std::fs::read_dir(corner.state().join("run")).unwrap().flatten().collect();
    assert!(runs.is_empty(), "{runs:?}");
}

/// A supervisor that is stopped hears of nothing: the control plane ends it, and the agent with it. Until then nothing
/// starts inside, no call is let through and no host is reached.
#[test]
fn whatever_part_is_stopped_a_revocation_ends_the_agent_with_a_scripted_client() {
    for part in PARTS {
        let run = Run::start(&format!("stopped-{part:?}"), "sleep 1000");
        let gone = end_of(run.daemon);
        let stopped = run.pid(part);
        kill_process(stopped, Signal::STOP).unwrap();
        run.revoke();
        let ended = gone.join().unwrap();
        // Whatever the outcome, nothing stays stopped.
        let _gone = kill_process(stopped, Signal::CONT);
        assert!(ended.is_some(), "{part:?}: the daemon is left");
        assert_eq!(run.closed()["cause"], "revoked", "{part:?}");
    }
}

/// No program starts inside unless the supervisor has taken note of it.
#[test]
fn nothing_starts_while_the_supervisor_is_stopped_with_a_scripted_client() {
    let play = r#"
        echo >ready
        while [ ! -e stopped ]; do :; done
        echo >tried
        /bin/true
        echo >started
        finish
    "#;
    let mut run = Run::start("notes", play);
    let at = |name: &str| run.corner.work().join(name);
    until("client", || at("ready").exists().then_some(()));
    let supervisor = run.pid(Part::Supervisor);
    stop(supervisor);
    std::fs::write(at("stopped"), "").unwrap();
    until("attempt", || at("tried").exists().then_some(()));
    // Long enough for a program to start, if it could.
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(300) && !at("started").exists() {
        std::thread::park_timeout(Duration::from_millis(10));
    }
    let started = at("started").exists();
    kill_process(supervisor, Signal::CONT).unwrap();
    assert!(!started, "a program started and nobody took note");
    assert_eq!(run.guest.0.wait().unwrap().code(), Some(0));
    assert!(run.corner.work().join("started").exists());
}

/// Stops a process between the first and the second step of a play, and sees the second one through: whether it came, and
/// what `look` saw before the process goes on.
fn while_stopped<T>(work: &std::path::Path, process: Pid, look: impl FnOnce() -> T) -> (bool, T) {
    let at = |name: &str| work.join(name);
    until("first step", || at("first").exists().then_some(()));
    stop(process);
    std::fs::write(at("stopped"), "").unwrap();
    // Whatever the outcome, nothing stays stopped.
    let second = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        until("second step", || at("second").exists().then_some(()));
    }));
    let seen = look();
    kill_process(process, Signal::CONT).unwrap();
    (second.is_ok(), seen)
}

/// While the control plane does not answer, a call is refused in time; afterwards calls go on.
#[test]
fn a_stopped_control_plane_lets_no_call_through_with_a_scripted_client() {
    let play = r#"
        call t1 "ls"
        touch first
        while [ ! -e stopped ]; do sleep 0.02; done
        ask='{"session_id":"s1","cwd":"'"$PWD"'","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"ls"},"tool_use_id":"t2"}'
        printf '%s' "$ask" | "$WRIT" hook claude-code PreToolUse --socket "$WRIT_HOOK_SOCKET" --deadline 1 >answer 2>reason
        echo $? >code
        touch second
        while [ ! -e back ]; do sleep 0.02; done
        for n in $(seq 200); do call t3 "ls"; grep -q "t3 allowed" log && break; sleep 0.05; done
        finish
    "#;
    let mut run = Run::start("decider", play);
    let (is_through, ()) = while_stopped(&run.corner.work(), run.corner.serving(), || ());
    let (answer, code) = (run.corner.left("answer"), run.corner.left("code"));
    assert!(is_through && !answer.contains(r#""permissionDecision":"allow""#), "{answer}");
    assert!(code == "2\n" || answer.contains(r#""deny""#), "{code}{answer}");
    std::fs::write(run.corner.work().join("back"), "").unwrap();
    assert_eq!(run.guest.0.wait().unwrap().code(), Some(0));
    assert!(run.corner.left("log").ends_with("t3 allowed\n"), "{}", run.corner.left("log"));
}

/// From the answer to the person until the last process of the agent is gone.
#[test]
fn a_revocation_is_over_in_a_tenth_of_a_second_with_a_scripted_client() {
    let mut best = Duration::MAX;
    for n in 0..TRIES {
        let run = Run::start(&format!("timed-{n}"), "sleep 1000");
        let gone = end_of(run.daemon);
        run.revoke();
        let answered = Instant::now();
        let took = gone.join().unwrap().expect("the daemon ends").saturating_duration_since(answered);
        best = best.min(took);
        if best < REVOCATION {
            return;
        }
    }
    panic!("it took {best:?} at best");
}

/// A host that begins an answer and never ends it. It tells what it was asked, and when who asked was gone.
struct Endless {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
    gone: mpsc::Receiver<Instant>,
}

impl Endless {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (tell, gone) = mpsc::channel();
        let heads = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (heads, tell) = (Arc::clone(&heads), tell.clone());
                std::thread::spawn(move || Self::answer(stream, &heads, &tell));
            }
        });
        Self { address, asked, gone }
    }

    fn answer(mut stream: TcpStream, heads: &Mutex<Vec<String>>, gone: &mpsc::Sender<Instant>) {
        let mut head = Vec::new();
        let mut piece = [0; 1024];
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut piece) {
                Ok(0) | Err(_) => return,
                Ok(count) => head.extend_from_slice(&piece[..count]),
            }
        }
        let path = String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned();
        heads.lock().unwrap().push(path.clone());
        if path != "/endless" {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nyes");
            return;
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
        // Nothing more is said inside, so this returns when the way is cut.
        while matches!(stream.read(&mut piece), Ok(count) if count > 0) {}
        let _ = gone.send(Instant::now());
    }

    fn was_asked(&self, path: &str) -> bool {
        self.asked.lock().unwrap().iter().any(|asked| asked == path)
    }
}

const BY_PROXY: &str = "export NO_PROXY= no_proxy=";

/// From the answer to the person until the host sees the end of what it was sending.
#[test]
fn a_revocation_cuts_a_download_in_a_tenth_of_a_second() {
    let mut best = Duration::MAX;
    for _ in 0..TRIES {
        let host = Endless::start();
        let corner = Corner::with_control_plane();
        corner.register("claude-code");
        let play = format!("start\n{BY_PROXY}\ncurl -sN http://{}/endless >got", host.address);
        let guest = corner.started(&["--allow-host", &host.address], &play);
        until("first piece", || {
            (std::fs::read_to_string(corner.work().join("got")).is_ok_and(|got| got == "first")).then_some(())
        });
        let task = corner.json(["task", "list", "--all", "--json"])["tasks"][0]["id"].clone();
        assert!(corner.run(["revoke", "task", task.as_str().unwrap()]).status.success());
        let answered = Instant::now();
        let gone = host.gone.recv_timeout(Duration::from_secs(20)).expect("the way is cut");
        best = best.min(gone.saturating_duration_since(answered));
        drop(guest);
        if best < REVOCATION {
            return;
        }
    }
    panic!("it took {best:?} at best");
}

/// Nothing leaves by the proxy while nobody can take note of it.
#[test]
fn a_stopped_control_plane_lets_no_request_out() {
    let host = Endless::start();
    let corner = Corner::with_control_plane();
    corner.register("claude-code");
    let play = format!(
        r#"
        start
        {BY_PROXY}
        curl -sS http://{0}/one >one
        touch first
        while [ ! -e stopped ]; do sleep 0.02; done
        curl -sS -m 3 http://{0}/two >two 2>&1
        touch second
        while [ ! -e back ]; do sleep 0.02; done
        for n in $(seq 100); do curl -sS -m 5 http://{0}/three >three; grep -q yes three && break; sleep 0.1; done
        finish
    "#,
        host.address
    );
    let mut guest = corner.started(&["--allow-host", &host.address], &play);
    let (is_through, was_asked) = while_stopped(&corner.work(), corner.serving(), || host.was_asked("/two"));
    std::fs::write(corner.work().join("back"), "").unwrap();
    assert_eq!(guest.0.wait().unwrap().code(), Some(0));
    assert!(is_through);
    assert_eq!((corner.left("one"), corner.left("three")), ("yes".to_owned(), "yes".to_owned()));
    assert!(!corner.left("two").contains("yes") && !was_asked, "{}", corner.left("two"));
}

/// A supervisor that is stopped passes nothing on: what is sent to its proxy lies there, and names have no answer.
#[test]
fn a_stopped_supervisor_lets_no_request_out() {
    let host = Endless::start();
    let corner = Corner::with_control_plane();
    corner.register("claude-code");
    let play = format!(
        r#"
        start
        proxy=${{http_proxy##*:}}
        ask() {{ exec 3<>/dev/tcp/127.0.0.1/$proxy && printf 'GET http://{0}/%s HTTP/1.1\r\nHost: {0}\r\n\r\n' "$1" >&3; }}
        name() {{ exec 4<>/dev/udp/127.0.0.1/53 && printf 'WR\x01\0\0\x01\0\0\0\0\0\0\x04'"$1"'\x04test\0\0\x01\0\x01' >&4; }}
        ask one; read -t 10 line <&3; echo "$line" >one; exec 3>&-
        name some; read -t 10 -N 1 start <&4; echo "$start" >named; exec 4>&-
        echo >first
        while [ ! -e stopped ]; do :; done
        ask two; read -t 1 line <&3 && echo "$line" >two
        name more; read -t 1 -N 1 start <&4 && echo "$start" >two
        echo >second
        while [ ! -e back ]; do :; done
        finish
    "#,
        host.address
    );
    let mut guest = corner.started(&["--allow-host", &host.address], &play);
    let supervisor = Pid::from_child(&guest.0);
    let (is_through, was_asked) = while_stopped(&corner.work(), supervisor, || host.was_asked("/two"));
    std::fs::write(corner.work().join("back"), "").unwrap();
    assert_eq!(guest.0.wait().unwrap().code(), Some(0));
    assert!(is_through && !was_asked && !corner.work().join("two").exists());
    assert!(corner.left("one").contains("200"), "{}", corner.left("one"));
    assert_eq!(corner.left("named"), "W\n", "a name has an answer where somebody is there to say no");
}
