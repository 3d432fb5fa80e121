//! What is seen and not seen inside, and what a client gets and does not get.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixListener;

use rustix::fs::{Mode, OFlags};
use writ_sandbox::{Danger, Ended, Layer, Plan, StartError, Streams, start, ways_out};

use crate::runner::Case;
use crate::world::{SECRET, World, own_path, piped, read, run};

pub const CASES: &[Case] = &[
    ("hide::state_shows_only_what_is_kept", state_shows_only_what_is_kept),
    ("hide::control_socket_is_out_of_reach_and_run_socket_is_not", sockets),
    ("hide::run_socket_cannot_be_replaced", run_socket_cannot_be_replaced),
    ("hide::files_are_empty_and_cannot_be_replaced", files_are_empty),
    ("hide::a_write_to_a_hidden_file_is_an_error", a_write_to_a_hidden_file_is_an_error),
    ("hide::a_hidden_file_does_not_stop_git", a_hidden_file_does_not_stop_git),
    ("hide::work_is_shared_and_masks_are_not_writable", work_is_shared),
    ("hide::read_only_is_read_only", read_only_is_read_only),
    ("hide::parents_cannot_be_moved_away", parents_cannot_be_moved_away),
    ("hide::links_lead_nowhere", links_lead_nowhere),
    ("hide::known_ways_out_are_closed", known_ways_out),
    ("hide::client_gets_exactly_its_environment", exact_environment),
    ("hide::no_descriptor_is_inherited", no_descriptor_is_inherited),
    ("hide::directory_as_stream_is_refused", directory_as_stream_is_refused),
    ("hide::processes_outside_do_not_exist", processes_outside_do_not_exist),
    ("hide::no_privilege_is_left", no_privilege_is_left),
    ("hide::ordinary_devices_work", ordinary_devices_work),
];

fn state_shows_only_what_is_kept() {
    let world = World::new();
    let outcome =
        world.attack("cd \"$STATE\" && find . | sort; cat key run/other/writ; ls -A ../user-runtime");
    let seen: Vec<&str> = outcome.out.lines().filter(|line| line.starts_with('.')).collect();
    assert_eq!(seen, [".", "./run", "./run/mine", "./run/mine/config", "./run/mine/config/settings"]);
    assert!(!outcome.out.contains("bus"), "{}", outcome.out);
    assert_eq!(read(&world.at("home/state/key")), SECRET);
}

fn sockets() {
    let world = World::new();
    let hook = UnixListener::bind(world.at("home/state/run/mine/hook.sock")).unwrap();
    let answer = std::thread::spawn(move || hook.accept().unwrap().0.write_all(b"answered").unwrap());
    let outcome = run(world.role(&["connect", "home/state/run/mine/hook.sock", "home/state/control.sock"]));
    assert!(outcome.out.contains("home/state/run/mine/hook.sock: answered"), "{}", outcome.out);
    assert!(outcome.out.contains("home/state/control.sock: No such file"), "{}", outcome.out);
    answer.join().unwrap();
    drop(world.listener);
}

/// Whoever can put a socket of his own there answers his own hooks.
fn run_socket_cannot_be_replaced() {
    let world = World::new();
    let socket = world.at("home/state/run/mine/hook.sock");
    let hook = UnixListener::bind(&socket).unwrap();
    let script = format!(
        "cd $STATE/run/mine; rm -f hook.sock; mv hook.sock x; mv config/settings hook.sock; cd ..; mv mine m; cd $WORK; \
         exec {} role connect home/state/run/mine/hook.sock",
        own_path().display()
    );
    let mut profile = world.script(&script);
    profile.read_only.push(world.at("home/state/run/mine"));
    let answer = std::thread::spawn(move || hook.accept().unwrap().0.write_all(b"answered").unwrap());
    let outcome = run(profile);
    assert!(outcome.out.contains("hook.sock: answered"), "{}", outcome.out);
    answer.join().unwrap();
    assert!(socket.exists());
}

fn files_are_empty() {
    let world = World::new();
    let outcome = world.attack(
        "cd \"$HOME\"; wc -c < docker.sock; rm -f docker.sock && echo removed; mv docker.sock x && echo moved; \
         echo x > new && mv new docker.sock && echo replaced; ln docker.sock hard && cat hard",
    );
    assert!(outcome.out.starts_with("0\n"), "{}", outcome.out);
    for done in ["removed", "moved\n", "replaced"] {
        assert!(!outcome.out.contains(done), "{done}: {}", outcome.out);
    }
    assert_eq!(read(&world.at("home/docker.sock")), SECRET);
}

/// Several hidden files, of the client's own user: no way to write or change one is silent.
fn a_write_to_a_hidden_file_is_an_error() {
    let world = World::new();
    for name in ["work/.env", "work/two words.pem"] {
        fs::write(world.at(name), SECRET).unwrap();
    }
    let script = "cd \"$WORK\"; for f in .env 'two words.pem'; do cat \"$f\"; stat -c '%F %s' \"$f\"; \
        (echo mine >\"$f\") 2>&1 && echo WRITTEN; (echo mine >>\"$f\") 2>&1 && echo WRITTEN; \
        cp /etc/hostname \"$f\" && echo WRITTEN; chmod 777 \"$f\" && echo CHANGED; touch -d @0 \"$f\" && echo CHANGED; \
        truncate -s 9 \"$f\" && echo WRITTEN; mount -o remount,rw,bind \"$f\" && echo mine >\"$f\" && echo WRITTEN; \
        umount \"$f\" && cat \"$f\"; unshare -Urm sh -c 'umount \"$1\"; cat \"$1\"; mount -o remount,rw,bind \"$1\"; echo mine >\"$1\"' - \"$f\"; \
        done; true";
    for danger in [Vec::new(), vec![Danger::AllCalls, Danger::AllFiles]] {
        let mut profile = world.script(script);
        profile.hide_if_present = vec![world.at("work/.env"), world.at("work/two words.pem")];
        profile.danger = danger.into_iter().collect();
        let outcome = run(profile);
        assert!(!outcome.out.contains(SECRET), "{}", outcome.out);
        assert!(!outcome.out.contains("WRITTEN") && !outcome.out.contains("CHANGED"), "{}", outcome.out);
        assert_eq!(outcome.out.matches("regular empty file 0").count(), 2, "{}", outcome.out);
        assert!(outcome.out.matches("Read-only file system").count() >= 8, "{}", outcome.out);
    }
    for name in ["work/.env", "work/two words.pem"] {
        assert_eq!(read(&world.at(name)), SECRET);
    }
}

fn a_hidden_file_does_not_stop_git() {
    let world = World::new();
    fs::write(world.at("work/.env"), SECRET).unwrap();
    let mut profile = world.script(
        "export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a \
         GIT_COMMITTER_EMAIL=a@example.org; cd \"$WORK\"; git init -q . && echo x >x && git add -A && git commit -qm x && \
         git show --stat HEAD && git cat-file -s HEAD:.env && git log -p | cat && echo done",
    );
    profile.hide_if_present = vec![world.at("work/.env")];
    let outcome = run(profile);
    assert!(outcome.out.ends_with("done\n") && !outcome.out.contains(SECRET), "{}", outcome.out);
    assert!(outcome.out.contains("\n0\n"), "{}", outcome.out);
}

fn work_is_shared() {
    let world = World::new();
    let outcome = world.run(
        "echo made > made; echo run > \"$STATE/run/mine/out\"; echo x > \"$STATE/x\" || echo refused; \
         mkdir \"$STATE/run/new\" || echo refused; echo x > \"$HOME/user-runtime/x\" || echo refused",
    );
    assert_eq!(outcome.out.lines().filter(|line| *line == "refused").count(), 3, "{}", outcome.out);
    assert_eq!(read(&world.at("work/made")), "made\n");
    assert_eq!(read(&world.at("home/state/run/mine/out")), "run\n");
    assert!(!world.at("home/state/x").exists());
}

fn read_only_is_read_only() {
    let world = World::new();
    let outcome = world.run(
        "cd \"$STATE/run/mine\"; cat config/settings; echo mine > config/settings; rm -rf config; mv config c; \
         echo mine > \"$HOME/hooks.json\"; chmod 777 \"$HOME/hooks.json\"; rm -f \"$HOME/hooks.json\"; \
         mount -o remount,rw,bind \"$HOME/hooks.json\"; echo mine > \"$HOME/hooks.json\"; \
         unshare -Urm sh -c 'mount -o remount,rw,bind \"$HOME/hooks.json\"; umount \"$HOME/hooks.json\"; \
         echo mine > \"$HOME/hooks.json\"; echo mine > \"$STATE/run/mine/config/settings\"'; true",
    );
    assert_eq!(outcome.ended, Ended::Exited(0), "{}", outcome.out);
    assert!(outcome.out.starts_with("shipped"), "{}", outcome.out);
    assert_eq!(read(&world.at("home/hooks.json")), "shipped");
    assert_eq!(read(&world.at("home/state/run/mine/config/settings")), "shipped");
}

/// A new directory under the old name would be the state of the next control plane, with the agent's own keys.
fn parents_cannot_be_moved_away() {
    let world = World::new();
    let outcome = world.attack(
        "cd \"$WORK/..\"; mv home gone && echo moved; mv home/state home/gone && echo moved; rm -rf home/state; \
         mv home/state/run/mine home/state/run/gone && echo moved; \
         unshare -Urm sh -c 'cd \"$WORK/..\"; umount home; mv home gone && echo moved; umount home/state; \
         mv home/state gone && echo moved'",
    );
    assert!(!outcome.out.contains("moved"), "{}", outcome.out);
    assert_eq!(read(&world.at("home/state/key")), SECRET);
}

fn links_lead_nowhere() {
    let world = World::new();
    std::os::unix::fs::symlink(world.state(), world.at("work/link")).unwrap();
    let mut profile = world.script("cat link/key; ln \"$STATE/key\" hard; cat hard; ls link");
    profile.hide[0] = world.at("work/link");
    let outcome = run(profile);
    assert!(!outcome.out.contains(SECRET), "{}", outcome.out);
    assert!(outcome.out.ends_with("run\n"), "{}", outcome.out);
}

fn known_ways_out() {
    let world = World::new();
    let uid = rustix::process::geteuid().as_raw();
    let paths = ways_out(uid);
    assert!(paths.contains(&format!("/tmp/tmux-{uid}").into()));
    let list: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let script = format!(
        "for p in {}; do test -S $p && echo OPEN $p; ls -A $p/ 2>/dev/null; done; true",
        list.join(" ")
    );
    let mut profile = world.script(&script);
    profile.hide_if_present = paths;
    let outcome = run(profile);
    assert_eq!((outcome.ended, outcome.out.as_str()), (Ended::Exited(0), ""));
}

fn exact_environment() {
    let world = World::new();
    let odd = std::ffi::OsString::from_vec(b"a\xff\nb".to_vec());
    let mut profile = world.profile("env", &["-0"]);
    profile.env = vec![("PATH".into(), "/usr/bin:/bin".into()), ("ODD".into(), odd.clone())];
    let (running, mut reader) = crate::world::begin(profile);
    let mut out = Vec::new();
    reader.read_to_end(&mut out).unwrap();
    assert_eq!(running.wait(), Ended::Exited(0));
    let mut wanted = b"PATH=/usr/bin:/bin\0ODD=".to_vec();
    wanted.extend_from_slice(odd.as_bytes());
    wanted.push(0);
    let mut seen: Vec<&[u8]> = out.split(|byte| *byte == 0).collect();
    let mut wanted: Vec<&[u8]> = wanted.split(|byte| *byte == 0).collect();
    seen.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(seen, wanted);
}

fn no_descriptor_is_inherited() {
    let world = World::new();
    // Without close-on-exec, as a careless program leaves them: the key, the state directory, the socket.
    let open = |name: &str, flags| rustix::fs::open(world.at(name), flags, Mode::empty()).unwrap();
    let left = [
        open("home/state/key", OFlags::RDONLY),
        open("home/state", OFlags::RDONLY | OFlags::DIRECTORY),
        open("home/state", OFlags::PATH | OFlags::DIRECTORY),
    ];
    let outcome = world.attack(
        "ls /proc/self/fd | tr '\\n' ' '; for n in 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do \
         cat /proc/self/fd/$n /proc/self/fd/$n/key <&$n; done 2>/dev/null; true",
    );
    // Descriptor 3 is the listing of `ls` itself.
    assert_eq!(outcome.out.trim(), "0 1 2 3");
    drop(left);
}

fn directory_as_stream_is_refused() {
    let world = World::new();
    for stream in 0..3 {
        let directory = || OwnedFd::from(File::open(world.at("home")).unwrap());
        let (_reader, Streams { mut stdin, mut stdout, mut stderr }) = piped();
        *[&mut stdin, &mut stdout, &mut stderr][stream] = directory();
        let plan = Plan::draw(world.script("true")).unwrap();
        match start(&plan, Streams { stdin, stdout, stderr }) {
            Err(StartError::Layer(refusal)) => assert_eq!(refusal.layer, Layer::Descriptors),
            other => panic!("stream {stream}: {other:?}"),
        }
    }
}

fn processes_outside_do_not_exist() {
    let world = World::new();
    let me = std::process::id();
    let outcome = world.run(&format!(
        "echo $$; ls -d /proc/[0-9]* | wc -l; kill -0 {me} && echo reached; cat /proc/{me}/cmdline && echo reached; \
         readlink /proc/self/ns/pid"
    ));
    let lines: Vec<&str> = outcome.out.lines().collect();
    assert!(lines[0].parse::<u32>().unwrap() < 10, "{}", outcome.out);
    assert!(lines[1].trim().parse::<u32>().unwrap() < 10, "{}", outcome.out);
    assert!(!outcome.out.contains("reached"), "{}", outcome.out);
    let own = fs::read_link("/proc/self/ns/pid").unwrap();
    assert!(!outcome.out.contains(own.to_str().unwrap()));
}

fn no_privilege_is_left() {
    let world = World::new();
    let outcome = world.run("cat /proc/self/status; mount -t tmpfs none \"$WORK\" && echo mounted");
    for wanted in [
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "NoNewPrivs:\t1",
        "SigBlk:\t0000000000000000",
    ] {
        assert!(outcome.out.contains(wanted), "{wanted} in {}", outcome.out);
    }
    assert!(!outcome.out.contains("mounted"));
}

fn ordinary_devices_work() {
    let world = World::new();
    let outcome = world.run(
        "echo x > /dev/null && head -c 4 /dev/urandom | wc -c && head -c 1 /dev/zero | wc -c && \
         script -qec 'tty' /dev/null </dev/null",
    );
    assert_eq!(outcome.ended, Ended::Exited(0), "{}", outcome.out);
    assert!(outcome.out.contains("/dev/pts/"), "{}", outcome.out);
}
