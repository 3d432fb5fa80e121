#!/usr/bin/env python3
"""One allowed call through `writ hook claude-code`, from process start to exit, beside /bin/true and beside hooks in
Python and Node that only parse the call and answer.

usage: bench/hook.py WRIT [RUNS]
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile

import processes

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    writ = os.path.abspath(sys.argv[1])
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    folder = tempfile.mkdtemp(prefix="writ-bench")
    home, repo, state = (os.path.join(folder, name) for name in ("home", "repo", "state"))
    os.makedirs(home)
    subprocess.run(["git", "init", "-q", repo], check=True)
    env = {"HOME": home, "PATH": os.environ["PATH"], "WRIT_STATE_DIR": state}
    serve = None
    try:
        # Starts the control plane as well. It is no child of ours then: what the parent of a hook process started
        # counts as the agent's, and may not speak to the control plane.
        subprocess.run(
            [writ, "agent", "register", "bench", "--client", "claude-code", "--purpose", "be timed", "--approve"],
            env=env, cwd=repo, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        with open(os.path.join(state, "serve.pid")) as file:
            serve = int(file.read().split()[0])
        common = {"session_id": "bench", "transcript_path": "/dev/null", "cwd": repo}
        start = {**common, "hook_event_name": "SessionStart", "source": "startup"}
        hook = [writ, "hook", "claude-code"]
        subprocess.run(hook, env=env, cwd=repo, input=json.dumps(start).encode(), check=True, stdout=subprocess.DEVNULL)
        call = {**common, "hook_event_name": "PreToolUse", "permission_mode": "default", "tool_name": "Bash",
                "tool_input": {"command": "echo hi"}, "tool_use_id": "toolu_1"}
        asked = os.path.join(folder, "call.json")
        with open(asked, "w") as file:
            json.dump(call, file)
        answer = subprocess.run(hook, env=env, cwd=repo, stdin=open(asked), capture_output=True)
        if answer.returncode != 0 or b"deny" in answer.stdout:
            raise SystemExit(f"the call was not allowed: {answer}")
        commands = {
            "/bin/true": (["/bin/true"], asked, env),
            "writ hook claude-code": (hook, asked, env),
            "python, parses and answers": ([shutil.which("python3"), os.path.join(HERE, "parse_and_allow.py")], asked, env),
            "node, parses and answers": ([shutil.which("node"), os.path.join(HERE, "parse_and_allow.mjs")], asked, env),
        }
        figures = processes.in_turn({k: v for k, v in commands.items() if v[0][0]}, runs)
        print(f"hook: process start to exit, an allowed call, {runs} runs in turn")
        processes.table(figures, "/bin/true")
        ours = figures["writ hook claude-code"]["p50_ms"]
        for name in figures:
            if name not in ("/bin/true", "writ hook claude-code"):
                print(f"{name}: {figures[name]['p50_ms'] / ours:.1f} times as long as ours")
    finally:
        if serve:
            ended = os.pidfd_open(serve)
            os.kill(serve, signal.SIGTERM)
            select.select([ended], [], [], 10)
        shutil.rmtree(folder)


main()
