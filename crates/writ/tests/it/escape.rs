//! From inside a run, and from outside through the wrong door: nothing here may succeed.

use std::os::unix::net::UnixListener;
use std::process::Stdio;

use serde_json::Value;

use crate::corner::{Corner, fed, finished, git, text, until};

fn pending(corner: &Corner) -> Value {
    until("pending approval", || {
        corner.json(["approvals", "--json"])["approvals"].as_array().unwrap().first().cloned()
    })
}

/// Runs one attempt per line inside a run; each prints `FREE` to the file `free` when it got through.
fn attempted(corner: &Corner, attempts: &[(&str, &str)]) {
    let mut play = "start\n".to_owned();
    for (name, attempt) in attempts {
        play.push_str(&format!(
            "if ( {attempt} ) >>tried 2>&1; then echo '{name}' >>free; fi\necho '{name}' >>done\n"
        ));
    }
    play.push_str("finish\n");
    let output = finished(corner.play(&[], &play));
    assert!(output.status.success(), "{}\n{}", text(&output), corner.left("script.err"));
    assert_eq!(corner.left("free"), "", "{}", corner.left("tried"));
    assert_eq!(corner.left("done").lines().count(), attempts.len(), "{}", corner.left("script.err"));
}

#[test]
fn state_keys_and_ledger_are_not_there_inside() {
    let corner = Corner::with_control_plane();
    corner.register("claude-code");
    attempted(
        &corner,
        &[
            ("key", "cat $STATE/keys/checkpoint.seed"),
            ("writ key", "cat $STATE/keys/writ.pk8"),
            ("ledger", "cat $STATE/ledger/ledger.sqlite"),
            ("key by the root of another process", "cat /proc/1/root$STATE/keys/checkpoint.seed"),
            ("make a ledger", "mkdir $STATE/ledger"),
            ("write beside", "touch $STATE/x"),
            ("unmount", "umount $STATE"),
            ("unmount lazily", "umount -l $STATE"),
            (
                "unmount in a namespace of its own",
                "unshare -Urm sh -c \"umount -l $STATE && ls $STATE/keys\"",
            ),
            ("move the mask away", "mv $STATE ${STATE}2"),
            ("bind over it", "mount --bind /tmp $STATE"),
            ("other runs", "ls $STATE/run | grep -v \"$(basename $(dirname $WRIT_HOOK_SOCKET))\""),
        ],
    );
}

#[test]
fn the_control_plane_answers_nobody_inside() {
    let corner = Corner::with_control_plane();
    corner.register("claude-code");
    attempted(
        &corner,
        &[
            ("list", "WRIT_STATE_DIR=$STATE $WRIT agent list"),
            ("approvals", "WRIT_STATE_DIR=$STATE $WRIT approvals"),
            ("in a session of its own", "WRIT_STATE_DIR=$STATE setsid -w $WRIT agent list"),
            ("after a double fork", "(WRIT_STATE_DIR=$STATE setsid -w $WRIT agent list & wait $!)"),
            ("in a namespace of its own", "WRIT_STATE_DIR=$STATE unshare -Ur $WRIT agent list"),
            ("socket", "test -S $STATE/control.sock"),
            ("per-user hook socket", "test -S $STATE/hook.sock"),
            ("another control plane on the same state", "WRIT_STATE_DIR=$STATE timeout 5 $WRIT serve"),
            ("a run in the run", "WRIT_STATE_DIR=$STATE $WRIT run --kind ops --task x -- claude"),
        ],
    );
    let agents = corner.json(["agent", "list", "--json"]);
    assert_eq!(agents["agents"].as_array().unwrap().len(), 1);
}

#[test]
fn a_held_call_cannot_be_approved_from_inside() {
    let corner = Corner::with_control_plane();
    git(&corner.work());
    corner.register("claude-code");
    let play = r#"
        start
        call t1 "touch pushed; git push origin HEAD:refs/heads/elsewhere" &
        while [ ! -e id ]; do sleep 0.02; done
        WRIT_STATE_DIR=$STATE $WRIT approve --yes "$(cat id)" >>tried 2>&1 && echo free >>free
        WRIT_STATE_DIR=$STATE setsid -w $WRIT approve --yes "$(cat id)" >>tried 2>&1 && echo free >>free
        (WRIT_STATE_DIR=$STATE setsid $WRIT approve --yes "$(cat id)" >>tried 2>&1 && echo free >>free) &
        wait $!
        touch tried.done
        wait
        finish
    "#;
    let mut guest = corner.started(&["--hold", "30s"], play);
    let held = pending(&corner);
    std::fs::write(corner.work().join("id"), held["id"].as_str().unwrap()).unwrap();
    until("end of the attempts", || corner.work().join("tried.done").exists().then_some(()));
    assert_eq!(corner.left("free"), "", "{}", corner.left("tried"));
    assert_eq!(pending(&corner)["id"], held["id"]);
    assert!(!corner.work().join("pushed").exists());
    let denied = corner.run(["deny", held["id"].as_str().unwrap()]);
    assert!(denied.status.success(), "{}", text(&denied));
    guest.0.wait().unwrap();
    assert!(!corner.work().join("pushed").exists());
}

#[test]
fn the_supervisor_cannot_be_touched_from_inside() {
    let corner = Corner::with_control_plane();
    corner.register("claude-code");
    let play = r#"
        start
        while [ ! -e pid ]; do sleep 0.02; done
        P=$(cat pid)
        try() { if ( "$@" ) >>tried 2>&1; then echo "$*" >>free; fi; }
        try grep -q "" /proc/$P/environ
        try cat /proc/$P/mem
        try ls /proc/$P/root/
        try kill -0 $P
        try kill -TERM $P
        try nsenter -t $P -m true
        try unshare -Ur nsenter -t $P -m true
        try sh -c "command -v gdb >/dev/null && gdb -p $P -batch -ex 'info proc' | grep -q exe"
        try sh -c "kill -TERM 1 && sleep 0.2 && ! kill -0 1"
        touch tried.done
        finish
    "#;
    let mut guest = corner.started(&[], play);
    std::fs::write(corner.work().join("pid"), guest.0.id().to_string()).unwrap();
    assert_eq!(guest.0.wait().unwrap().code(), Some(0));
    assert!(corner.work().join("tried.done").exists(), "{}", corner.left("script.err"));
    assert_eq!(corner.left("free"), "", "{}", corner.left("tried"));
}

#[test]
fn our_program_and_the_runs_settings_cannot_be_changed_from_inside() {
    let corner = Corner::with_control_plane();
    corner.register("claude-code");
    attempted(
        &corner,
        &[
            ("open the program for writing", ": >>$WRIT"),
            ("remove the program", "rm -f $WRIT"),
            ("replace the program", "cp /bin/true other && mv -f other $WRIT"),
            ("write the settings", "echo {} >$(dirname $WRIT_HOOK_SOCKET)/claude-settings.json"),
            ("remove the settings", "rm -f $(dirname $WRIT_HOOK_SOCKET)/claude-settings.json"),
            ("remove the socket", "rm -f $WRIT_HOOK_SOCKET"),
            ("replace the socket", "mv $WRIT_HOOK_SOCKET moved"),
            ("move the folder", "mv $(dirname $WRIT_HOOK_SOCKET) elsewhere"),
        ],
    );
}

#[test]
fn the_users_other_hands_are_hidden_inside() {
    let corner = Corner::with_control_plane();
    corner.register("claude-code");
    let runtime = corner.bin().join("runtime");
    std::fs::create_dir(&runtime).unwrap();
    let _bus = UnixListener::bind(runtime.join("bus")).unwrap();
    let agent = corner.bin().join("agent.sock");
    let _agent = UnixListener::bind(&agent).unwrap();
    let play = format!(
        "start\ntest -S {0}/bus && echo bus >>free\ntest -S {1} && echo agent >>free\nenv | grep -E '^(DBUS|XDG_RUNTIME|SSH_|DISPLAY)' >>free\nfinish",
        runtime.display(),
        agent.display()
    );
    let mut command = corner.play(&[], &play);
    command
        .env("XDG_RUNTIME_DIR", &runtime)
        .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}/bus", runtime.display()))
        .env("SSH_AUTH_SOCK", &agent)
        .env("DISPLAY", ":0");
    let output = finished(command);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(corner.left("free"), "");
}

#[test]
fn the_hook_socket_of_a_run_answers_only_its_own_processes() {
    let corner = Corner::with_control_plane();
    corner.register("claude-code");
    let mut guest = corner.started(&[], "start; touch ready; while [ ! -e go ]; do sleep 0.02; done; finish");
    until("client", || corner.work().join("ready").exists().then_some(()));
    let run = std::fs::read_dir(corner.state().join("run")).unwrap().next().unwrap().unwrap().path();
    let input = format!(
        r#"{{"session_id":"s1","cwd":"{}","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{{"command":"ls"}},"tool_use_id":"x"}}"#,
        corner.work().display()
    );
    let socket = run.join("hook.sock");
    let arguments =
        ["hook", "claude-code", "PreToolUse", "--socket", socket.to_str().unwrap(), "--deadline", "20"];
    let output = fed(corner.writ(arguments), input.as_bytes());
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("control-unreachable"), "{}", text(&output));
    std::fs::write(corner.work().join("go"), "").unwrap();
    guest.0.wait().unwrap();
}

#[test]
fn a_configuration_in_the_workspace_is_refused() {
    let corner = Corner::with_control_plane();
    corner.register("claude-code");
    let folder = corner.work().join("conf/writ");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), "[limits]\ncalls = 1000000\n").unwrap();
    let mut command = corner.play(&[], "touch ran");
    command.env("XDG_CONFIG_HOME", corner.work().join("conf"));
    let output = finished(command);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("inside the workspace"), "{}", text(&output));
    assert!(!corner.work().join("ran").exists());
}

/// A client without a sandbox cannot be kept from its user's socket, but what it starts is known by its ancestors.
#[test]
fn a_hooked_client_does_not_approve_its_own_call_with_a_scripted_client() {
    let corner = Corner::with_control_plane();
    corner.register("claude-code");
    let play = r#"
        export WRIT_HOOK_SOCKET=$STATE/hook.sock WRIT_STATE_DIR=$STATE
        start
        $WRIT agent list >>tried 2>&1 && echo list >>free
        bash -c "$WRIT approvals" >>tried 2>&1 && echo approvals >>free
        $WRIT revoke agent claude-code >>tried 2>&1 && echo revoke >>free
        cp reply started
        finish
    "#;
    let client = corner.cast(play);
    let mut command = std::process::Command::new(client);
    command.current_dir(corner.work()).env_clear().env("HOME", corner.home()).env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::null());
    let output = finished(command);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(corner.left("free"), "", "{}", corner.left("tried"));
    assert!(corner.left("tried").contains("agent"), "{}", corner.left("tried"));
    let tasks = corner.json(["task", "list", "--all", "--json"]);
    assert_eq!(tasks["tasks"][0]["supervision"], "hooked", "{}\n{tasks}", corner.left("replies"));
}

/// However a client starts its hook: either what it starts afterwards is known by it, or its hook is refused.
#[test]
fn attack_a_hooked_client_that_starts_its_hooks_elsewhere_does_not_speak_for_a_person() {
    for (name, start, is_answered) in [
        ("claude", "sh -c", true),
        ("claude", "setsid sh -c", true),
        ("claude", "setsid -w sh -c", true),
        ("claude", "sh -c 'setsid -w sh -c \"$0\"'", true),
        // What leads a session with a terminal of its own may be a person's shell.
        ("claude", "terminal", false),
        // And what is called so may keep all that a person runs.
        ("tmux: server", "setsid sh -c", false),
    ] {
        let corner = Corner::with_control_plane();
        corner.register("claude-code");
        let message = serde_json::json!({
            "session_id": "s1", "cwd": corner.work(), "hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_input": {"command": "ls"}, "tool_use_id": "t1",
        });
        let file = corner.bin().join("message");
        std::fs::write(&file, message.to_string()).unwrap();
        let writ = env!("CARGO_BIN_EXE_writ");
        let body = format!(
            "terminal() {{ script -qec \"sh -c '$1'\" /dev/null </dev/null; }}\n\
             {start} '{writ} hook claude-code <{} >reply 2>&1; echo $? >code'\n\
             {writ} agent list >tried 2>&1 && echo list >free\ntrue",
            file.display()
        );
        let mut client = std::process::Command::new(corner.script(name, &body));
        client.current_dir(corner.work()).env_clear().env("HOME", corner.home()).env("PATH", "/usr/bin:/bin");
        client.env("WRIT_STATE_DIR", corner.state()).stdin(Stdio::null());
        let output = finished(client);
        assert!(output.status.success(), "{start}: {}", text(&output));
        let (reply, code) = (corner.left("reply"), corner.left("code"));
        if is_answered {
            assert_eq!((code.as_str(), corner.left("free").as_str()), ("0\n", ""), "{start}: {reply}");
            assert!(corner.left("tried").contains("an agent started"), "{start}: {}", corner.left("tried"));
        } else {
            assert_eq!(code, "2\n", "{start}: {reply}");
            assert!(reply.contains("what client this hook belongs to"), "{start}: {reply}");
            // Nothing came of it, and whoever has no session here is a person.
            assert_eq!(corner.json(["task", "list", "--all", "--json"])["tasks"], serde_json::json!([]));
            assert_eq!(corner.left("free"), "list\n", "{}", corner.left("tried"));
        }
    }
}
