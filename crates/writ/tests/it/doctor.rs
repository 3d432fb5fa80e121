//! `writ doctor` and `writ run` on hosts that lack something. The lack is real: settings and filters of namespaces that
//! the test makes around both.

use std::process::{Command, Output};

use serde_json::Value;

use crate::corner::{Corner, finished, text};

/// A host, made by a program that runs its arguments there.
struct Host {
    name: &'static str,
    /// A shell script that ends with `exec "$@"`.
    made_by: &'static str,
    /// The layer that is missing there, and what both commands say of the reason.
    missing: &'static str,
    why: &'static str,
    /// What can be given up instead, by the name of the finding and of the flags.
    plan: &'static str,
    flags: &'static [&'static str],
    lost: &'static str,
}

/// Puts a filter of system calls around what follows: refuses one call with an error, by number and error.
const WITHOUT_CALL: &str = r#"
without() {
  perl -e '
    my ($call, $error, $mask, @next) = @ARGV;
    my @steps = ([0x20,0,0,0], [0x15,0,3,$call], [0x20,0,0,16], [0x45,0,1,$mask], [0x06,0,0,0x50000|$error], [0x06,0,0,0x7fff0000]);
    @steps = ([0x20,0,0,0], [0x15,0,1,$call], [0x06,0,0,0x50000|$error], [0x06,0,0,0x7fff0000]) unless $mask;
    my $program = join "", map { pack "SCCL", @$_ } @steps;
    my $whole = pack "Sx6P", scalar(@steps), $program;
    syscall(157, 38, 1, 0, 0, 0) == 0 && syscall(157, 22, 2, $whole) == 0 or die "no filter: $!";
    exec @next or die $!' "$@"
}
"#;

const HOSTS: [Host; 5] = [
    Host {
        name: "no user namespaces left",
        made_by: r#"exec unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh "$@""#,
        missing: "namespaces",
        why: "max_user_namespaces",
        plan: "plan.no-namespaces",
        flags: &["--danger-no-namespaces"],
        lost: "nothing is hidden",
    },
    Host {
        name: "a container that forbids namespaces",
        made_by: r#"without 272 1 268435456 "$@""#,
        missing: "namespaces",
        why: "a seccomp filter or a container runtime forbids namespaces here",
        plan: "plan.no-namespaces",
        flags: &["--danger-no-namespaces"],
        lost: "nothing is hidden",
    },
    Host {
        name: "no Landlock",
        made_by: r#"without 444 38 0 "$@""#,
        missing: "file-rights",
        why: "with Landlock switched on",
        plan: "plan.all-files",
        flags: &["--danger-all-files"],
        lost: "writes and runs whatever",
    },
    Host {
        name: "no filters of system calls",
        made_by: r#"without 317 38 0 "$@""#,
        missing: "system-calls",
        why: "seccomp",
        plan: "plan.all-calls",
        flags: &["--danger-all-calls"],
        lost: "no system call is refused",
    },
    Host {
        name: "a process table with holes",
        made_by: r#"exec unshare -Urm sh -c 'mount --bind /dev/null /proc/version && exec "$@"' sh "$@""#,
        missing: "process-table",
        why: "must not mask `/proc`",
        plan: "plan.no-namespaces",
        flags: &["--danger-no-namespaces"],
        lost: "nothing is hidden",
    },
];

/// Runs a command of ours on such a host.
fn there(made_by: &str, command: &Command) -> Output {
    let mut all = Command::new("bash");
    all.args(["-c", &format!("{WITHOUT_CALL}\n{made_by}"), "host"]).arg(command.get_program());
    all.args(command.get_args()).env_clear().stdin(std::process::Stdio::null());
    all.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    all.current_dir(command.get_current_dir().unwrap());
    finished(all)
}

fn findings(output: &Output) -> Vec<Value> {
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(output)));
    report["findings"].as_array().unwrap().clone()
}

fn finding<'f>(findings: &'f [Value], check: &str) -> &'f Value {
    findings
        .iter()
        .find(|finding| finding["check"] == check)
        .unwrap_or_else(|| panic!("no `{check}` in {findings:#?}"))
}

#[test]
fn a_host_that_can_enforce_all_says_so() {
    let corner = Corner::new();
    let output = corner.run(["doctor", "--json"]);
    let found = findings(&output);
    assert!(output.status.success(), "{}", text(&output));
    let layers: Vec<&Value> =
        found.iter().filter(|finding| finding["check"].as_str().unwrap().starts_with("sandbox.")).collect();
    assert_eq!(layers.len(), 18, "{found:#?}");
    assert!(layers.iter().all(|layer| layer["ok"] == true && layer["needed"] == true), "{found:#?}");
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(finding(&found, "host.kernel")["detail"], kernel.trim());
    assert!(finding(&found, "host.landlock")["detail"].as_str().unwrap().starts_with("version "));
    assert_eq!(finding(&found, "host.namespaces")["detail"], "nothing stands in the way");
    assert!(!text(&output).contains("plan."), "nothing has to be given up");
    let people = corner.run(["doctor"]);
    let lines = String::from_utf8_lossy(&people.stdout).into_owned();
    assert!(people.status.success() && !lines.contains("MISSING"), "{lines}");
    assert_eq!(lines.lines().count(), found.len(), "{lines}");
}

/// The trials of a run, on demand: each was refused at its door, and nothing of it stays behind.
#[test]
fn the_ways_out_are_tried_on_demand() {
    let corner = Corner::new();
    let temporary = corner.home().join("t");
    std::fs::create_dir(&temporary).unwrap();
    let mut doctor = corner.writ(["doctor", "--ways-out", "--json"]);
    doctor.env("TMPDIR", &temporary);
    let output = finished(doctor);
    assert!(output.status.success(), "{}", text(&output));
    let found = findings(&output);
    for (check, door) in [
        ("way-out.name", "egress proxy"),
        ("way-out.address", "egress proxy"),
        ("way-out.push-asked", "git door"),
        ("way-out.push", "git door"),
    ] {
        let finding = finding(&found, check);
        assert!(finding["ok"] == true && finding["needed"] == true, "{finding}");
        assert!(finding["detail"].as_str().unwrap().contains(door), "{finding}");
    }
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn a_host_that_lacks_a_layer_is_told_which_and_why_and_what_is_left() {
    for Host { name, made_by, missing, why, plan, lost, flags, .. } in HOSTS {
        let corner = Corner::new();
        let output = there(made_by, &corner.writ(["doctor", "--json"]));
        assert_eq!(output.status.code(), Some(1), "{name}: {}", text(&output));
        let found = findings(&output);
        let layer = finding(&found, &format!("sandbox.{missing}"));
        assert!(layer["ok"] == false && layer["detail"].as_str().unwrap().contains(why), "{name}: {layer}");
        let later = found.iter().filter(|finding| finding["check"].as_str().unwrap().starts_with("sandbox."));
        for later in later.filter(|finding| finding["ok"] == false && *finding != layer) {
            let detail = later["detail"].as_str().unwrap();
            assert!(detail.contains("not reached") && detail.contains(missing), "{name}: {later}");
        }
        let plan = finding(&found, plan);
        let detail = plan["detail"].as_str().unwrap();
        assert!(detail.contains(lost) && detail.contains("Left: descriptors, liveness"), "{name}: {plan}");
        let people = text(&there(made_by, &corner.writ(["doctor"])));
        let line = people.lines().find(|line| line.contains(&format!("sandbox.{missing} "))).unwrap();
        assert!(line.starts_with("MISSING ") && line.contains(why), "{name}: {people}");
        assert!(line.contains(&format!("`writ run {}` starts", flags.join(" "))), "{name}: {people}");
    }
}

/// The control plane lives on that host too: it speaks to nobody in another namespace of users.
#[test]
fn a_run_is_refused_where_a_layer_is_missing_until_a_person_gives_it_up() {
    for Host { name, made_by, missing, why, flags, .. } in HOSTS {
        let corner = Corner::new();
        corner.cast("touch ran-$(ls | wc -l)");
        let run = "run --kind feature --task play";
        let story = format!(
            "$0 agent register claude-code --client claude-code --purpose tests --approve >/dev/null || exit\n\
             $0 {run} -- claude 2>refused; echo $? >code; ls ran* 2>/dev/null\n\
             $0 {run} {} -- claude 2>started || cat started; ls ran*\n$0 task list --all --json",
            flags.join(" ")
        );
        let mut command = corner.writ(["-c", &story, env!("CARGO_BIN_EXE_writ")]);
        command = like(&command, "bash");
        let output = there(made_by, &command);
        let said = text(&output);
        assert!(output.status.success(), "{name}: {said}");
        let refused = corner.left("refused");
        assert_ne!(corner.left("code"), "0\n", "{name}: {refused}");
        for word in [missing, why, "writ doctor"] {
            assert!(refused.contains(word), "{name}: no `{word}` in {refused}");
        }
        assert_eq!(said.matches("ran-").count(), 1, "{name}: {said}");
        let tasks = said.lines().find(|line| line.starts_with('{')).unwrap();
        let tasks: Value = serde_json::from_str(tasks).unwrap();
        let given_up: Vec<&Value> =
            tasks["tasks"].as_array().unwrap().iter().map(|task| &task["weakened"]).collect();
        let wanted = serde_json::json!([flags[0].trim_start_matches("--danger-")]);
        assert!(given_up.contains(&&wanted), "{name}: {tasks}");
    }
}

/// The same arguments and environment for another program.
fn like(command: &Command, program: &str) -> Command {
    let mut other = Command::new(program);
    other.args(command.get_args()).current_dir(command.get_current_dir().unwrap());
    other.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    other
}

/// Settings that this kernel may not have, put where `doctor` looks.
#[test]
fn settings_of_the_host_and_a_container_are_told() {
    let setting = |name: &str, value: &str| {
        format!(
            r#"exec unshare -Urm sh -c 'mount -t tmpfs t /proc/sys/kernel && echo {value} >/proc/sys/kernel/{name} && exec "$@"' sh "$@""#
        )
    };
    let container = r#"exec unshare -Urm sh -c 'mount -t tmpfs t /run && mkdir /run/systemd && echo lxc-test >/run/systemd/container && exec "$@"' sh "$@""#;
    for (made_by, check, told) in [
        (
            setting("apparmor_restrict_unprivileged_userns", "1"),
            "host.namespaces",
            "profile with the `userns,` rule",
        ),
        (
            setting("unprivileged_userns_clone", "0"),
            "host.namespaces",
            "sysctl kernel.unprivileged_userns_clone=1",
        ),
        (container.to_owned(), "host.container", "must not mask `/proc`"),
    ] {
        let corner = Corner::new();
        let output = there(&made_by, &corner.writ(["doctor", "--json"]));
        let found = findings(&output);
        let detail = finding(&found, check)["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(told), "{detail}\n{}", text(&output));
    }
}
