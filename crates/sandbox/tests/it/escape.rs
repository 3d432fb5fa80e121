//! Ways out that are known from other sandboxes. Each must fail, and the secret must stay unread.

use std::io::Read;
use std::time::Duration;

use writ_sandbox::Ended;

use crate::runner::Case;
use crate::world::{SECRET, World, bare, begin, line, run};

pub const CASES: &[Case] = &[
    ("escape::by_unmounting", by_unmounting),
    ("escape::by_a_nested_namespace", by_a_nested_namespace),
    ("escape::by_mounting_elsewhere", by_mounting_elsewhere),
    ("escape::by_the_mount_calls_of_linux_5", by_new_mount_calls),
    ("escape::by_another_process", by_another_process),
    ("escape::by_entering_namespaces", by_entering_namespaces),
    ("escape::by_a_fresh_process_table", by_a_fresh_process_table),
    ("escape::by_set_user_id_programs", by_set_user_id_programs),
    ("escape::by_signals_to_its_group", by_signals_to_its_group),
    ("escape::by_tracing_the_first_process", by_tracing_the_first_process),
    ("root_escape::by_kernel_settings", by_kernel_settings),
    ("root_escape::by_the_disk", by_the_disk),
];

fn by_unmounting() {
    World::new().attack(
        "for flags in '' -l -f; do umount $flags \"$STATE\"; umount $flags \"$STATE/run/mine\"; umount $flags /proc; \
         umount $flags \"$HOME\"; umount $flags \"$HOME/docker.sock\"; done; cat \"$STATE/key\" \"$HOME/docker.sock\"",
    );
}

fn by_a_nested_namespace() {
    let world = World::new();
    let outcome = world.attack(
        "unshare -Urm sh -c 'id -u; grep CapEff /proc/self/status; for p in \"$STATE/run/mine\" \"$STATE\" \
         \"$HOME/docker.sock\" \"$HOME\" \"$HOME/user-runtime\" /proc; do umount \"$p\"; umount -l \"$p\"; \
         umount -R \"$p\"; done; cat \"$STATE/key\" \"$HOME/docker.sock\" \"$HOME/user-runtime/bus\"'",
    );
    if rustix::process::geteuid().is_root() {
        // There nobody may map root again; `by_new_mount_calls` attacks without a mapping.
        assert!(outcome.out.contains("uid_map: Operation not permitted"), "{}", outcome.out);
    } else {
        // The attack itself must have worked so far: it is root there, with every capability of that namespace.
        assert!(outcome.out.starts_with("0\n"), "{}", outcome.out);
        assert!(!outcome.out.contains("CapEff:\t0000000000000000"), "{}", outcome.out);
        assert!(outcome.out.matches("No such file").count() >= 2, "{}", outcome.out);
    }
}

fn by_mounting_elsewhere() {
    World::new().attack(
        "mkdir a b c; unshare -Urm sh -c '\
         mount --bind / a; cat a\"$STATE/key\"; \
         mount --rbind / b; cat b\"$STATE/key\"; umount b\"$STATE\"; umount -l b\"$STATE\"; cat b\"$STATE/key\"; \
         mount --bind \"$HOME\" c; cat c/state/key c/docker.sock; \
         mount --move \"$STATE\" c; cat \"$STATE/key\"; \
         mount -t overlay -o lowerdir=\"$HOME\":/usr over c; cat c/state/key; \
         mount -t tmpfs t \"$STATE\"; cat \"$STATE/key\"; umount \"$STATE\"; cat \"$STATE/key\"; \
         mount --make-rshared /; umount \"$STATE\"; cat \"$STATE/key\"; \
         mount --bind / a; cd a; pivot_root . . ; umount -l .; cat \"$STATE/key\"'",
    );
}

fn by_new_mount_calls() {
    let world = World::new();
    let outcome = run(bare(world.role(&["new-mount-calls", "home/state"])));
    assert!(!outcome.out.contains(SECRET), "{}", outcome.out);
    assert!(outcome.out.contains("tried 7"), "{}", outcome.out);
    assert!(!outcome.out.contains("ESCAPED"), "{}", outcome.out);
}

fn by_another_process() {
    let world = World::new();
    let me = std::process::id();
    world.attack(&format!(
        "cat /proc/1/root\"$STATE/key\" /proc/1/cwd/\"$STATE/key\" /proc/1/environ /proc/1/mem /proc/1/maps; \
         ls -l /proc/1/fd /proc/1/exe; \
         for p in $(ls /proc | grep '^[0-9]'); do cat /proc/$p/root\"$STATE/key\" /proc/$p/task/*/root\"$STATE/key\"; done; \
         cat /proc/{me}/root\"$STATE/key\"; cat /proc/self/task/*/root\"$STATE/key\""
    ));
}

fn by_entering_namespaces() {
    let world = World::new();
    let me = std::process::id();
    let outcome = world.attack(&format!(
        "nsenter -t 1 -a cat \"$STATE/key\"; nsenter -t 1 -m cat \"$STATE/key\"; nsenter -t 1 -U id; \
         nsenter -t {me} -m cat \"$STATE/key\"; \
         unshare -Urmpf sh -c 'nsenter -t 1 -m cat \"$STATE/key\"'; \
         unshare -Ur nsenter -t 1 -m -U cat \"$STATE/key\"; unshare -Ur nsenter -t 1 -U grep CapEff /proc/self/status"
    ));
    assert!(!outcome.out.contains("CapEff:\t000001"), "{}", outcome.out);
}

fn by_a_fresh_process_table() {
    let world = World::new();
    world.attack(
        "mkdir p; unshare -Urm sh -c 'mount -t proc proc p; cat p/1/root\"$STATE/key\"; ls -d p/[0-9]* | wc -l'; \
         unshare -Urmpf sh -c 'mount -t proc proc /proc; cat /proc/1/root\"$STATE/key\"; umount /proc; \
         cat /proc/1/root\"$STATE/key\"'",
    );
}

fn by_set_user_id_programs() {
    let outcome = World::new().attack(
        "su -c 'cat \"$STATE/key\"' </dev/null; sudo -n cat \"$STATE/key\"; mount; \
         cp \"$(command -v id)\" mine; chmod 6755 mine; ./mine; grep NoNewPrivs /proc/self/status",
    );
    assert!(outcome.out.contains("NoNewPrivs:\t1"), "{}", outcome.out);
}

/// In the supervisor's process group `kill 0` would reach the supervisor, and stop what revokes.
fn by_signals_to_its_group() {
    let world = World::new();
    let (running, mut reader) = begin(world.script(
        "trap '' TERM INT HUP; kill -TERM 0; kill -HUP -1; kill -INT 0; kill -KILL 1; kill -STOP 1; \
         echo alive; kill -STOP $$; kill -KILL 0",
    ));
    while line(&reader) != "alive" {}
    // Without a terminal nobody could resume a stopped job, so only the client is stopped.
    while running.wait_for(Duration::from_millis(5)).is_none() {
        // Fails when the yard has just ended.
        let _ = running.signal(rustix::process::Signal::CONT.as_raw());
    }
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert_eq!(running.wait(), Ended::Signalled(9), "{rest}");
}

fn by_tracing_the_first_process() {
    let world = World::new();
    let outcome = world.attack(
        "cat /proc/1/status | grep -i tracer; head -c 1 /proc/1/mem && echo READ; cat /proc/1/stack /proc/1/syscall && echo READ; \
         readlink /proc/1/exe /proc/1/root /proc/1/ns/mnt && echo READ; \
         unshare -Ur sh -c 'head -c 1 /proc/1/environ && echo READ; readlink /proc/1/ns/mnt && echo READ'; true",
    );
    assert!(!outcome.out.contains("READ"), "{}", outcome.out);
}

/// These belong to the system's root user, with or without capabilities; a core pattern runs outside every sandbox.
fn by_kernel_settings() {
    let world = World::new();
    let before = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    let outcome = world.attack(
        "w() { echo \"$2\" > \"$1\" && echo WRITTEN \"$1\"; }; \
         w /proc/sys/kernel/core_pattern core; w /proc/sys/kernel/modprobe /bin/false; w /proc/sysrq-trigger h; \
         w /sys/kernel/uevent_helper /bin/false; \
         for d in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir $d/mine && echo WRITTEN $d; done; true",
    );
    assert!(!outcome.out.contains("WRITTEN"), "{}", outcome.out);
    let outcome = run(bare(world.role(&["nested-settings"])));
    assert!(outcome.out.contains("tried all"), "{}", outcome.out);
    assert!(!outcome.out.contains("WRITTEN"), "{}", outcome.out);
    assert_eq!(std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap(), before);
}

fn by_the_disk() {
    let outcome = World::new().run(
        "for d in $(find /dev -type b) /dev/mem /dev/kmsg /dev/port; do head -c 1 $d 2>/dev/null | wc -c; done | sort -u; \
         mknod disk b 254 0 && head -c 1 disk && echo READ; for d in $(find /dev -type b); do test -b $d && echo BLOCK; done; true",
    );
    assert!(!outcome.out.contains("READ"), "{}", outcome.out);
    assert!(!outcome.out.contains("BLOCK"), "{}", outcome.out);
    assert!(!outcome.out.lines().any(|line| line.trim() == "1"), "{}", outcome.out);
}
