#!/usr/bin/env python3
"""Small answers over one kept connection, one request after another: straight from the origin, through nginx that puts a
header on, through mitmproxy that does, through the proxy of the gateway alone, and from inside `writ run`, where each
request is decided and its decision is on the disk before it goes.

usage: bench/egress.py WRIT GATEWAY_TESTS [--requests N] [--rounds N] [--mitmdump PATH]

The client is the same few lines of Python everywhere, so that what it costs itself is in every row. Origin and peers are
started here, on loopback, and ended here. nginx is needed; mitmproxy is left out, and said so, where it is not given.
"""

import argparse
import json
import os
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENT = os.path.join(HERE, "kept_connection.py")
BODIES = os.path.join(HERE, "held_bodies.py")
ADDON = """
class Inject:
    def request(self, flow):
        flow.request.headers["x-writ-bench"] = "made-up"
addons = [Inject()]
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ready(process, port):
    """Waits until something listens at the port; a process that ended before is an error."""
    ended = os.pidfd_open(process.pid)
    while not select.select([ended], [], [], 0.05)[0]:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                os.close(ended)
                return
    raise SystemExit(f"{process.args[0]} did not start")


def nginx(folder, origin, secure, reverse):
    """The origin, in the clear and over TLS, and a proxy before it that puts a header on. One worker each, and not the same:
    who is both has no way to go from one to the other."""
    run = lambda *argv: subprocess.run(argv, check=True, cwd=folder, capture_output=True)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost", "-addext", "basicConstraints=critical,CA:FALSE",
        "-addext", "subjectAltName=IP:127.0.0.1,DNS:origin.test")
    return [start_nginx(folder, "origin", origin, f"""
  server {{ listen 127.0.0.1:{origin}; client_max_body_size 0; location / {{ return 200 "hello"; }} }}
  server {{ listen 127.0.0.1:{secure} ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
            location / {{ return 200 "hello"; }} }}"""), start_nginx(folder, "peer", reverse, f"""
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 16; keepalive_requests 10000000; }}
  server {{ listen 127.0.0.1:{reverse}; location / {{ proxy_pass http://origin; proxy_http_version 1.1;
            proxy_set_header Connection ""; proxy_set_header X-Writ-Bench made-up; }} }}""")]


def start_nginx(folder, name, port, servers):
    folder = os.path.join(folder, name)
    os.mkdir(folder)
    conf = os.path.join(folder, "nginx.conf")
    with open(conf, "w") as file:
        file.write(f"""
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr;
events {{ worker_connections 256; }}
http {{
  access_log off; keepalive_requests 10000000; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
  fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;{servers}
}}""")
    process = subprocess.Popen(["nginx", "-p", folder, "-c", conf], stderr=subprocess.DEVNULL)
    ready(process, port)
    return process


def measured(argv, env=None):
    done = subprocess.run(argv, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: {done.stderr}{done.stdout}")
    return json.loads(done.stdout)


def spent(pid):
    """Seconds that a process had of the processors (proc_pid_stat(5))."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:13]) / os.sysconf("SC_CLK_TCK")


def middle(rounds):
    return {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}


def inside(writ, folder, options, script):
    """Runs a script as a registered client would run it, below `writ run`, and gives what it wrote to `out`, and the memory of its
    own that the run had at its start and at most, in bytes."""
    home, repo, state, programs = (os.path.join(folder, name) for name in ("home", "repo", "state", "bin"))
    env = {"HOME": home, "PATH": f"{programs}:{os.environ['PATH']}", "WRIT_STATE_DIR": state,
           "SSL_CERT_FILE": os.path.join(folder, "cert.pem")}
    if not os.path.exists(repo):
        os.makedirs(home)
        os.makedirs(programs)
        os.makedirs(state, mode=0o700)
        subprocess.run(["git", "init", "-q", repo], check=True)
    shutil.copy(CLIENT, repo)
    shutil.copy(BODIES, repo)
    client = os.path.join(programs, "claude")
    start = json.dumps({"session_id": "b", "hook_event_name": "SessionStart", "source": "startup", "cwd": repo})
    with open(client, "w") as file:
        file.write(f"#!/bin/sh\nexec >out 2>err\n"
                   f"printf '%s' '{start}' | {writ} hook claude-code SessionStart --socket \"$WRIT_HOOK_SOCKET\" >/dev/null\n"
                   f"{script}\n")
    os.chmod(client, 0o755)
    quiet = {"env": env, "cwd": repo, "stdin": subprocess.DEVNULL, "text": True}
    if not os.path.exists(os.path.join(state, "serve.pid")):
        subprocess.run([writ, "agent", "register", "bench", "--client", "claude-code", "--purpose", "be timed", "--approve"],
                       check=True, capture_output=True, **quiet)
    out = os.path.join(repo, "out")
    if os.path.exists(out):
        os.remove(out)
    with tempfile.TemporaryFile("w+") as said:
        run = subprocess.Popen([writ, "run", "--kind", "feature", "--task", "be timed", *options, "--", "claude"],
                               stdout=said, stderr=said, **quiet)
        memory = own_memory(run, out)
        said.seek(0)
        told = said.read()
    with open(out) as file:
        text = file.read()
    if not text:
        with open(os.path.join(repo, "err")) as file:
            raise SystemExit(f"`writ run` gave no figures: {told}{file.read()}")
    return [json.loads(line) for line in text.splitlines()], memory, state


def own_memory(run, out):
    """Waits for a process to end. Its anonymous memory (proc_pid_status(5)) once its client began, and at most, in bytes."""
    ended, first, most = os.pidfd_open(run.pid), 0, 0
    while not select.select([ended], [], [], 0.005)[0]:
        with open(f"/proc/{run.pid}/status") as status:
            now = next((int(line.split()[1]) << 10 for line in status if line.startswith("RssAnon")), 0)
        most = max(most, now)
        first = first or (now if os.path.exists(out) else 0)
    os.close(ended)
    run.wait()
    return first, most


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("writ")
    parser.add_argument("gateway_tests", help="the test program of the gateway, in which the proxy alone is served")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mitmdump")
    asked = parser.parse_args()
    if not shutil.which("nginx"):
        raise SystemExit("nginx is the origin and a peer here: install it (Debian: nginx-light)")
    folder = tempfile.mkdtemp(prefix="writ-bench")
    origin, secure, reverse, mitm = (free_port() for _ in range(4))
    started, serve = [], None
    count = str(asked.requests)
    python = sys.executable
    try:
        started += nginx(folder, origin, secure, reverse)
        clear, tls = f"http://127.0.0.1:{origin}/", f"https://127.0.0.1:{secure}/"
        ways = {
            "direct": [clear, count],
            "nginx, header put on": [f"http://127.0.0.1:{reverse}/", count],
        }
        # Who works for a way alone, and what it took of the processors for how many requests.
        servers, work = {}, {}
        if asked.mitmdump:
            addon = os.path.join(folder, "inject.py")
            with open(addon, "w") as file:
                file.write(ADDON)
            started.append(mitmproxy := subprocess.Popen(
                [asked.mitmdump, "-q", "--listen-host", "127.0.0.1", "-p", str(mitm), "-s", addon,
                 "--set", f"confdir={folder}/mitm", "--ssl-insecure"], stdout=subprocess.DEVNULL))
            ready(started[-1], mitm)
            fewer = str(min(asked.requests, 500))
            servers["mitmproxy, header put on"] = mitmproxy.pid
            ways["mitmproxy, header put on"] = [clear, fewer, "--proxy", f"127.0.0.1:{mitm}"]
        alone = subprocess.Popen(
            [asked.gateway_tests, "--ignored", "--exact", "--nocapture", "http::tests::speed::serves_until_its_input_ends"],
            env={**os.environ, "WRIT_BENCH_TRUST": os.path.join(folder, "cert.pem")},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(alone)
        told = next((line.split() for line in alone.stdout if line.startswith("ready ")), None)
        if not told:
            raise SystemExit("the proxy alone did not start")
        for name, url in (("proxy alone", f"http://origin.test:{origin}/"),
                          ("proxy alone, TLS read", f"https://origin.test:{secure}/")):
            servers[name] = alone.pid
            ways[name] = [url, count, "--proxy", told[1], "--ca", told[2]]

        def turn_of(name, way):
            before = spent(servers[name]) if name in servers else 0
            figures = measured([python, CLIENT, *way])
            if name in servers:
                took, requests = work.get(name, (0, 0))
                # The client sends 50 before it begins to count.
                work[name] = (took + spent(servers[name]) - before, requests + int(way[1]) + 50)
            return figures

        # In turns: what else the machine does, and where it puts the processes, changes from one second to the next.
        rounds = [{name: turn_of(name, way) for name, way in ways.items()} for _ in range(asked.rounds)]
        rows = {name: middle([one[name] for one in rounds]) for name in ways}
        writ = os.path.abspath(asked.writ)
        options = [part for port in (origin, secure) for part in ("--allow-host", f"127.0.0.1:{port}")]
        script = f'proxy=${{HTTP_PROXY#http://}}\n{python} kept_connection.py {clear} {count} --proxy "${{proxy%/}}"'
        figures, _, state = inside(writ, folder, options, script)
        with open(os.path.join(state, "serve.pid")) as file:
            serve = int(file.read().split()[0])
        script = f'proxy=${{HTTP_PROXY#http://}}\n{python} held_bodies.py {clear} --proxy "${{proxy%/}}"'
        bodies, (idle, most), _ = inside(writ, folder, options, script)
        rows["writ run"] = figures[0]
        print(f"egress: {count} small answers over one kept connection, microseconds, the middle of {asked.rounds} rounds in turns")
        for name, row in rows.items():
            print(f"  {name:26} p50 {row['p50']:8.1f}   p99 {row['p99']:8.1f}   {row['per_second']:9.0f} a second")

        def told_of(says, one, other, aim):
            """The ratio of each round, so that both sides of it had the same second."""
            ratios = sorted(turn[one]["p50"] / turn[other]["p50"] for turn in rounds)
            print(f"{says}: {statistics.median(ratios):.2f} x ({ratios[0]:.2f} to {ratios[-1]:.2f}; aim {aim})")

        told_of("proxy alone beside nginx", "proxy alone", "nginx, header put on", "at most 1.5")
        told_of("TLS read beside the clear", "proxy alone, TLS read", "proxy alone", "at most 1.5")
        if "mitmproxy, header put on" in rows:
            told_of("mitmproxy beside the proxy alone", "mitmproxy, header put on", "proxy alone", "at least 30")
            # No proxy can be faster than none.
            theirs, ours = (took / requests for took, requests in
                            (work["mitmproxy, header put on"], work["proxy alone"]))
            print(f"processors' time a request: mitmproxy {theirs * 1e6:.0f} us, the proxy alone {ours * 1e6:.0f} us: "
                  f"{theirs / ours:.1f} x")
            told_of("mitmproxy beside no proxy at all", "mitmproxy, header put on", "direct", "none: the bound of the last")
        else:
            print("mitmproxy: not given, not compared")
        whole = rows["writ run"]["p50"] / rows["nginx, header put on"]["p50"]
        print(f"writ run: {whole:.1f} x nginx, which decides and records nothing")
        print(f"memory of writ run: {idle / 2**20:.1f} MiB of its own once its client began, at most {most / 2**20:.1f} (aim 32) with 24 "
              f"bodies of 4 MiB at once, of five kinds; {bodies[0]['answered']} of {bodies[0]['of']} answered")
    finally:
        for process in started:
            process.terminate()
            process.wait()
        if serve:
            ended = os.pidfd_open(serve)
            os.kill(serve, signal.SIGTERM)
            select.select([ended], [], [], 10)
        shutil.rmtree(folder)


main()
