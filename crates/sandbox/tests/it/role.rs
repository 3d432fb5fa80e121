//! The other programs of these tests: attackers, a supervisor to be killed, a shell with a terminal.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};
use writ_sandbox::{Danger, Layer, Plan, Profile, StartError, Streams, start};

/// First argument that makes this binary one of the programs here.
pub const ROLE: &str = "role";

pub fn play(args: &[String]) -> ExitCode {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["connect", names @ ..] => connect(names),
        ["new-mount-calls", name] => new_mount_calls(&world_root().join(name)),
        ["nested-settings"] => nested_settings(),
        ["nested-settings", "inner"] => nested_settings_inner(),
        ["figures"] => figures(),
        ["supervise", root, options @ ..] => supervise(Path::new(root), options),
        ["job", root, script] => return job(Path::new(root), script),
        ["shell", rest @ ..] => crate::terminal::shell(rest),
        ["limited", root] => limited(Path::new(root)),
        ["masked-proc", root] => masked_proc(Path::new(root)),
        ["other-name", root] => other_name(Path::new(root)),
        ["peer-above", name] => peer_above(Path::new(name)),
        ["ask", name] => ask(&world_root().join(name)),
        other => panic!("no such role: {other:?}"),
    }
    ExitCode::SUCCESS
}

/// Roles that run inside learn the world from their working directory.
fn world_root() -> std::path::PathBuf {
    std::env::current_dir().unwrap().parent().unwrap().to_owned()
}

fn connect(names: &[&str]) {
    for name in names {
        let answer = UnixStream::connect(world_root().join(name)).and_then(|mut socket| {
            let mut text = String::new();
            socket.read_to_string(&mut text).map(|_| text)
        });
        println!("{name}: {}", answer.unwrap_or_else(|error| error.to_string()));
    }
}

/// Who is at the other end, where that is somebody above this process namespace.
fn peer_above(socket: &Path) {
    let socket = UnixStream::connect(socket).unwrap();
    println!("{:?}", writ_sandbox::origin_of(socket.as_fd()));
}

/// Says something on a socket that the plan left visible, and waits to be let go.
fn ask(socket: &Path) {
    let mut socket = UnixStream::connect(socket).unwrap();
    socket.write_all(b"approve").unwrap();
    let _ = socket.read(&mut [0]);
}

/// As root of a nested namespace, with the calls that work on descriptors and not on paths.
fn new_mount_calls(hidden: &Path) {
    nest(UnshareFlags::NEWUSER | UnshareFlags::NEWNS);
    let parent = hidden.parent().unwrap();
    let key = Path::new(hidden.file_name().unwrap()).join("key");
    let mut tried = 0;
    let mut attempt = |name: &str, root: rustix::io::Result<OwnedFd>, below: &Path| {
        tried += 1;
        let found = root.and_then(|root| {
            rustix::fs::openat(&root, below, OFlags::RDONLY, Mode::empty()).map(|file| (root, file))
        });
        match found {
            Ok((_root, file)) => println!(
                "{name} ESCAPED {}",
                fs::read_to_string(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap()
            ),
            Err(error) => println!("{name}: {error}"),
        }
    };
    let clone = OpenTreeFlags::OPEN_TREE_CLONE;
    attempt("clone", rustix::mount::open_tree(CWD, parent, clone), &key);
    attempt(
        "clone of the root",
        rustix::mount::open_tree(CWD, "/", clone),
        hidden.strip_prefix("/").unwrap(),
    );
    let whole = rustix::mount::open_tree(CWD, parent, clone | OpenTreeFlags::AT_RECURSIVE);
    let inner = whole.and_then(|whole| {
        let mask =
            format!("/proc/self/fd/{}/{}", whole.as_raw_fd(), hidden.file_name().unwrap().to_str().unwrap());
        rustix::mount::unmount(mask, UnmountFlags::DETACH)?;
        Ok(whole)
    });
    attempt("clone and unmount", inner, &key);
    let moved = rustix::mount::open_tree(CWD, hidden, OpenTreeFlags::empty()).and_then(|mask| {
        rustix::mount::move_mount(mask.as_fd(), "", CWD, "/tmp", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
        rustix::fs::open(parent, OFlags::PATH, Mode::empty())
    });
    attempt("move the mask", moved, &key);
    let covered = fresh_file_system().and_then(|fresh| {
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        rustix::mount::move_mount(fresh.as_fd(), "", CWD, hidden, flags)?;
        rustix::mount::unmount(hidden, UnmountFlags::DETACH)?;
        rustix::mount::unmount(hidden, UnmountFlags::DETACH)?;
        rustix::fs::open(parent, OFlags::PATH, Mode::empty())
    });
    attempt("cover and uncover", covered, &key);
    let uncovered = rustix::mount::unmount(hidden, UnmountFlags::DETACH)
        .or_else(|_| rustix::mount::unmount(hidden.join("run/mine"), UnmountFlags::DETACH))
        .or_else(|_| rustix::mount::unmount(parent, UnmountFlags::DETACH))
        .and_then(|()| rustix::fs::open(parent, OFlags::PATH, Mode::empty()));
    attempt("unmount", uncovered, &key);
    let walked = rustix::fs::open(hidden.join("run/mine"), OFlags::PATH, Mode::empty());
    attempt("walk up from what is kept", walked, Path::new("../../key"));
    println!("tried {tried}");
}

fn fresh_file_system() -> rustix::io::Result<OwnedFd> {
    let context = rustix::mount::fsopen("tmpfs", FsOpenFlags::empty())?;
    rustix::mount::fsconfig_create(context.as_fd())?;
    rustix::mount::fsmount(context.as_fd(), FsMountFlags::empty(), MountAttrFlags::empty())
}

/// Takes its capabilities along into a nested process namespace, where a fresh process table may be asked for.
fn nested_settings() {
    nest(UnshareFlags::NEWUSER | UnshareFlags::NEWNS | UnshareFlags::NEWPID | UnshareFlags::NEWNET);
    let sets = rustix::thread::capabilities(None).unwrap();
    let all = CapabilitySets { inheritable: sets.permitted, ..sets };
    rustix::thread::set_capabilities(None, all).unwrap();
    rustix::thread::configure_capability_in_ambient_set(CapabilitySet::SYS_ADMIN, true).unwrap();
    Command::new("/proc/self/exe").args([ROLE, "nested-settings", "inner"]).status().unwrap();
}

fn nested_settings_inner() {
    let write = |path: &str| match fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|mut file| file.write_all(b"core\n"))
    {
        Ok(()) => println!("WRITTEN {path}"),
        Err(error) => println!("{path}: {error}"),
    };
    fs::create_dir_all("fresh").unwrap();
    for kind in ["proc", "sysfs"] {
        let mounted = rustix::mount::mount(kind, "fresh", kind, MountFlags::empty(), None);
        println!("fresh {kind}: {mounted:?}");
        write("fresh/sys/kernel/core_pattern");
        write("fresh/sysrq-trigger");
        write("fresh/kernel/uevent_helper");
        if mounted.is_ok() {
            rustix::mount::unmount("fresh", UnmountFlags::DETACH).unwrap();
        }
    }
    for path in ["/proc/sys", "/proc/sysrq-trigger", "/sys", "/proc"] {
        println!("unmount {path}: {:?}", rustix::mount::unmount(path, UnmountFlags::DETACH));
        println!("remount {path}: {:?}", rustix::mount::mount_remount(path, MountFlags::BIND, c""));
    }
    write("/proc/sys/kernel/core_pattern");
    write("/proc/sysrq-trigger");
    write("/sys/kernel/uevent_helper");
    println!("tried all");
}

/// What the yard costs: medians of starting and reaping `true`.
fn figures() {
    let place = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(place.path()).unwrap();
    for name in ["work", "home/state/run/mine"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    let profile = |danger| Profile {
        command: "/bin/true".into(),
        args: Vec::new(),
        keep: vec![root.join("home/state/run/mine")],
        danger: weak(danger),
        ..shell_profile(&root, "")
    };
    let median = |what: &str, run: &dyn Fn()| {
        let mut took: Vec<_> = (0..200)
            .map(|_| {
                let started = Instant::now();
                run();
                started.elapsed()
            })
            .collect();
        took.sort_unstable();
        println!("{what}: median {:?}, p99 {:?}", took[100], took[198]);
    };
    median("plain", &|| assert!(Command::new("/bin/true").status().unwrap().success()));
    median("plan only", &|| drop(Plan::draw(profile(false)).unwrap()));
    median("weak", &|| {
        let plan = Plan::draw(profile(true)).unwrap();
        assert_eq!(start(&plan, Streams::inherit().unwrap()).unwrap().wait().exit_code(), 0);
    });
    let plan = Plan::draw(profile(false)).unwrap();
    median("yard until started", &|| std::mem::forget(start(&plan, Streams::inherit().unwrap()).unwrap()));
    median("yard", &|| assert_eq!(start(&plan, Streams::inherit().unwrap()).unwrap().wait().exit_code(), 0));
    let long = Profile { command: "sleep".into(), args: vec!["1000".into()], ..profile(false) };
    let long = Plan::draw(long).unwrap();
    let running: Vec<_> = (0..50).map(|_| start(&long, Streams::inherit().unwrap()).unwrap()).collect();
    let mut took: Vec<_> = running
        .iter()
        .map(|running| {
            let started = Instant::now();
            running.kill_tree().unwrap();
            started.elapsed()
        })
        .collect();
    took.sort_unstable();
    println!("kill_tree: median {:?}, worst {:?}", took[25], took[49]);
    println!("{long}");
}

/// Becomes root of new namespaces, as any user may.
#[expect(deprecated, reason = "the safe form; this process has one thread and shares no descriptor table")]
fn nest(flags: UnshareFlags) {
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    rustix::thread::unshare(flags).unwrap();
    if flags.contains(UnshareFlags::NEWUSER) {
        // Inside a yard that root started nobody may map root again; the capabilities are there all the same.
        fs::write("/proc/self/setgroups", "deny").unwrap();
        let mapped = fs::write("/proc/self/uid_map", format!("0 {uid} 1"))
            .and_then(|()| fs::write("/proc/self/gid_map", format!("0 {gid} 1")));
        println!("nested, mapped: {mapped:?}");
        let capabilities = rustix::thread::capabilities(None).unwrap().effective;
        assert!(capabilities.contains(CapabilitySet::SYS_ADMIN));
    }
}

fn shell_profile(root: &Path, script: &str) -> Profile {
    Profile {
        command: "sh".into(),
        args: vec!["-c".into(), script.into()],
        env: vec![
            ("PATH".into(), "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".into()),
            ("ROOT".into(), root.into()),
        ],
        cwd: root.join("work"),
        hide: vec![root.join("home/state")],
        write: vec![root.to_owned()],
        run: vec!["/".into()],
        ..Profile::default()
    }
}

fn weak(wanted: bool) -> BTreeSet<Danger> {
    wanted.then_some(Danger::NoNamespaces).into_iter().collect()
}

/// Runs a client with daemons until it is killed.
fn supervise(root: &Path, options: &[&str]) {
    let script = format!("{} echo up; exec sleep 1000", crate::end::DAEMON);
    let profile = Profile { danger: weak(options.contains(&"danger")), ..shell_profile(root, &script) };
    let running = start(&Plan::draw(profile).unwrap(), Streams::inherit().unwrap()).unwrap();
    let _ = running.wait();
}

/// Runs a script in a yard, in this process's own terminal, as `writ run` does.
fn job(root: &Path, script: &str) -> ExitCode {
    let running =
        start(&Plan::draw(shell_profile(root, script)).unwrap(), Streams::inherit().unwrap()).unwrap();
    println!("supervisor started");
    let ended = running.wait();
    println!("supervisor saw {ended:?}");
    ExitCode::from(ended.exit_code())
}

fn refused(root: &Path, layer: Layer, hint: &str) {
    match start(&Plan::draw(shell_profile(root, "echo RAN")).unwrap(), Streams::inherit().unwrap()) {
        Err(StartError::Layer(refusal)) => {
            assert_eq!(refusal.layer, layer, "{refusal}");
            assert!(refusal.reason.contains(hint), "{refusal}");
        }
        Ok(_) => panic!("it started"),
        Err(other) => panic!("{other:?}"),
    }
    let finding = writ_sandbox::probe().into_iter().find(|finding| finding.available.is_err()).unwrap();
    assert_eq!(finding.layer, layer);
    println!("refused as it should be");
}

/// A host where nobody may make namespaces any more.
fn limited(root: &Path) {
    nest(UnshareFlags::NEWUSER);
    fs::write("/proc/sys/user/max_user_namespaces", "0").unwrap();
    refused(root, Layer::Namespaces, "max_user_namespaces");
}

/// A container whose runtime hides parts of the process table.
fn masked_proc(root: &Path) {
    nest(UnshareFlags::NEWUSER | UnshareFlags::NEWNS);
    rustix::mount::mount_bind("/dev/null", "/proc/version").unwrap();
    refused(root, Layer::ProcessTable, "container");
}

/// A host where the state directory has a second and a third name.
fn other_name(root: &Path) {
    nest(UnshareFlags::NEWUSER | UnshareFlags::NEWNS);
    fs::create_dir_all(root.join("alias")).unwrap();
    fs::create_dir_all(root.join("deep")).unwrap();
    rustix::mount::mount_bind_recursive(root.join("home"), root.join("alias")).unwrap();
    rustix::mount::mount_bind_recursive(root.join("home/state/run"), root.join("deep")).unwrap();
    let script =
        "ls -A $ROOT/alias/state $ROOT/deep; cat $ROOT/alias/state/key $ROOT/deep/other/writ; echo end";
    let plan = Plan::draw(shell_profile(root, script)).unwrap();
    let running = start(&plan, Streams::inherit().unwrap()).unwrap();
    let _ = running.wait();
}
