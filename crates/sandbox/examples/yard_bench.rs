//! What the yard costs, beside a bare C program with the same system calls and other sandboxes, in one run.
//!
//! `yard_bench FLOOR [NAME=PROGRAM …]`, where FLOOR is the compiled `bench/yard_floor.c` and the others are sandboxes
//! that are started as `PROGRAM … /bin/true`, words parted by commas. `cargo xtask bench sandbox` makes and finds all.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a program for figures, which ends at the first problem"
)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use writ_sandbox::{Plan, Profile, Streams, start};

/// Starts of each kind, one of each after the other, so that a busy moment meets all.
const STARTS: usize = 200;
/// Starts of what takes more than [`SLOW`] for one.
const SLOW_STARTS: usize = 20;
const SLOW: Duration = Duration::from_millis(30);
/// Runs of each kind of work, inside and outside in turn.
const WORKS: usize = 40;
/// Files of the project that is worked on, a hundred a folder.
const FILES: usize = 20_000;
/// Tools that may be there.
const PEERS: [(&str, &[&str]); 3] = [
    (
        "bwrap",
        &[
            "--unshare-all",
            "--ro-bind",
            "/",
            "/",
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "--tmpfs",
            "/tmp",
            "--tmpfs",
            "/mnt",
        ],
    ),
    ("firejail", &["--noprofile", "--quiet", "--net=none", "--private-tmp"]),
    ("unshare", &["-Urmpfniu", "--mount-proc"]),
];

/// One way of starting something, by its name.
struct Kind<'a>(&'a str, Box<dyn Fn() + 'a>);

fn main() -> ExitCode {
    if let Some(code) = writ_sandbox::dispatch(std::env::args_os()) {
        return code;
    }
    let mut arguments = std::env::args_os().skip(1);
    let floor = arguments.next().map(PathBuf::from);
    let others: Vec<String> = arguments.map(|other| other.into_string().unwrap()).collect();
    let place = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(place.path()).unwrap();
    if floor.as_deref() == Some(Path::new("once")) {
        yard(&Plan::draw(profile(&root, "/bin/true", &[])).unwrap());
        return ExitCode::SUCCESS;
    }
    starts(&root, floor.as_deref(), &others);
    work(&root);
    ExitCode::SUCCESS
}

fn profile(root: &Path, command: &str, args: &[&str]) -> Profile {
    let work = root.join("work");
    fs::create_dir_all(&work).unwrap();
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap();
    Profile {
        command: command.into(),
        args: args.iter().map(OsString::from).collect(),
        env: ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME"]
            .into_iter()
            .filter_map(|name| Some((name.into(), std::env::var_os(name)?)))
            .collect(),
        cwd: work.clone(),
        hide_if_present: vec!["/mnt".into()],
        private: vec!["/tmp".into(), home.clone()],
        show: vec![work.clone()],
        copies: vec![home.join(".cargo"), home.join(".rustup")],
        write: vec![work],
        run: vec!["/".into()],
        recorded: true,
        ..Profile::default()
    }
}

fn yard(plan: &Plan) {
    let null = || fs::File::options().read(true).write(true).open("/dev/null").unwrap().into();
    let running = start(plan, Streams { stdin: null(), stdout: null(), stderr: null() }).unwrap();
    // Somebody must take the starts of programs, or none starts.
    let recorder = running.take_recorder().unwrap();
    let clerk = std::thread::spawn(move || while recorder.next().is_some() {});
    assert_eq!(running.wait().exit_code(), 0);
    clerk.join().unwrap();
}

fn quietly(program: &str, args: &[&str]) -> bool {
    let command = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    command.is_ok_and(|status| status.success())
}

fn starts(root: &Path, floor: Option<&Path>, others: &[String]) {
    let plan = Plan::draw(profile(root, "/bin/true", &[])).unwrap();
    let printed = root.join("plan").display().to_string();
    fs::write(&printed, plan.to_string()).unwrap();
    let floor = floor.and_then(Path::to_str);
    let mut kinds: Vec<Kind<'_>> = vec![
        Kind("a plain start", Box::new(|| assert!(quietly("/bin/true", &[])))),
        Kind("the yard", Box::new(|| yard(&plan))),
        Kind(
            "the yard and its plan",
            Box::new(|| yard(&Plan::draw(profile(root, "/bin/true", &[])).unwrap())),
        ),
    ];
    if let Some(floor) = floor {
        let printed = printed.clone();
        kinds.push(Kind(
            "bare C, same calls",
            Box::new(move || assert!(quietly(floor, &[&printed, "/bin/true"]))),
        ));
    }
    let others = others.iter().filter_map(|other| other.split_once('='));
    let others = others.map(|(name, words)| (name, words.split(',').collect::<Vec<_>>()));
    let peers = PEERS.into_iter().map(|(name, args)| (name, [&[name], args].concat())).chain(others);
    for (name, mut words) in peers {
        words.push("/bin/true");
        if quietly(words[0], &words[1..]) {
            kinds.push(Kind(name, Box::new(move || assert!(quietly(words[0], &words[1..])))));
        } else {
            println!("{name}: not here, or does not start");
        }
    }
    let mut took: Vec<Vec<Duration>> = vec![Vec::new(); kinds.len()];
    for round in 0..STARTS {
        for (kind, took) in kinds.iter().zip(&mut took) {
            if round >= SLOW_STARTS && took.iter().min().is_some_and(|least| *least > SLOW) {
                continue;
            }
            let started = Instant::now();
            (kind.1)();
            took.push(started.elapsed());
        }
    }
    println!("start and end of `true`, {STARTS} of each    min      median   p95 (slow ones {SLOW_STARTS})");
    for (Kind(name, _), took) in kinds.iter().zip(&mut took) {
        took.sort_unstable();
        let at = |part: usize| millis(took[took.len() * part / 100]);
        println!("  {name:<36} {:>7} {:>9} {:>7}", at(0), at(50), at(95));
    }
}

/// The same work inside and outside, in turns.
fn work(root: &Path) {
    let repo = root.join("work");
    let made = format!(
        "cd {} && git init -q . && cargo init -q --name probe . && for i in $(seq {FILES}); do \
         d=d/$((i / 100)); test -d $d || mkdir -p $d; echo $i > $d/f$i; done && \
         git add . && git -c user.name=x -c user.email=x@x commit -qm x && cargo build -q --offline",
        repo.display()
    );
    assert!(quietly("sh", &["-c", &made]), "a project can be made");
    let build = "touch src/main.rs; cargo build -q --offline";
    for (name, command) in [("cargo build", build), ("git status", "git status --porcelain")] {
        // What the kernel counted for the command itself: the start of the yard is measured above.
        let script = format!(
            "cd {}; TIMEFORMAT='%3R %3U %3S'; exec 2>took; time {{ {command}; }} >/dev/null",
            repo.display()
        );
        let inside = Plan::draw(profile(root, "bash", &["-c", &script])).unwrap();
        let read = || {
            let text = fs::read_to_string(repo.join("took")).unwrap();
            let parts: Vec<f64> = text.split_whitespace().map(|part| part.parse().unwrap()).collect();
            [parts[0], parts[1] + parts[2]]
        };
        let (mut without, mut within) = (Vec::new(), Vec::new());
        for _ in 0..WORKS {
            assert!(quietly("bash", &["-c", &script]));
            without.push(read());
            yard(&inside);
            within.push(read());
        }
        for (what, kind) in [("time on the clock", 0), ("time of processors", 1)] {
            let sorted = |all: &[[f64; 2]]| {
                let mut all: Vec<f64> = all.iter().map(|run| run[kind] * 1000.0).collect();
                all.sort_unstable_by(f64::total_cmp);
                all
            };
            let (without, within) = (sorted(&without), sorted(&within));
            for (which, at) in [("least", 0), ("median", WORKS / 2)] {
                let (without, within) = (without[at], within[at]);
                let more = (within / without - 1.0) * 100.0;
                println!(
                    "{name:<12} {what:<18} outside {without:>5.0} ms, inside {within:>5.0} ms ({which} of {WORKS}): {more:+.1} %"
                );
            }
        }
    }
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
