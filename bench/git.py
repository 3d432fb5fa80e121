#!/usr/bin/env python3
"""Clones and pushes of 64 MiB through the door of `writ run`, in turns with the same git without it and one `git index-pack`.

usage: bench/git.py WRIT [ROUNDS]
"""

import http.server
import os
import shutil
import socketserver
import statistics
import subprocess
import sys
import tempfile
import threading
import time

MIB = 1 << 20
SIZE = 64 * MIB
PIECE = 256 << 10
SCRIPT = """#!/bin/bash
exec 2>>"$PWD/script.err"
export NO_PROXY= no_proxy=
timed() { local from=$EPOCHREALTIME; "${@:2}" && echo "$1 $from $EPOCHREALTIME" >>times || echo "$1 failed" >>times; }
# What the remote has is fetched once, for the look at pushes.
git push -q origin start:refs/heads/${WRIT_BRANCH_PREFIX}start
touch ready
for round in $(seq ROUNDS); do
  while [ ! -e go$round ]; do sleep 0.2; done
  timed clone git clone -q --no-checkout --single-branch -b main URL/door.git copy
  rm -rf copy
  timed push git push -q origin b$round:refs/heads/${WRIT_BRANCH_PREFIX}b$round
done
"""


class Backend(http.server.BaseHTTPRequestHandler):
    """`git http-backend` (RFC 3875), streaming both ways."""

    protocol_version = "HTTP/1.1"
    root = ""

    def log_message(self, *_):
        pass

    def serve(self):
        path, _, query = self.path.partition("?")
        env = {
            "PATH": os.environ["PATH"], "HOME": self.root, "GIT_PROJECT_ROOT": self.root, "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1", "REQUEST_METHOD": self.command, "PATH_INFO": path, "QUERY_STRING": query,
            "REMOTE_ADDR": "127.0.0.1", "REMOTE_USER": "dev", "CONTENT_TYPE": self.headers.get("content-type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": self.headers.get("git-protocol", ""),
        }
        git = subprocess.Popen(["git", "http-backend"], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        feeding = threading.Thread(target=self.feed, args=(git.stdin,))
        feeding.start()
        status, headers = 200, []
        while (line := git.stdout.readline().strip()):
            name, _, value = line.decode().partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            else:
                headers.append((name, value))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while (piece := git.stdout.read1(PIECE)):
            self.wfile.write(b"%x\r\n" % len(piece))
            self.wfile.write(piece)
            self.wfile.write(b"\r\n")
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        feeding.join()
        git.wait()

    def feed(self, into):
        try:
            if self.headers.get("transfer-encoding", "") == "chunked":
                while (size := int(self.rfile.readline(), 16)):
                    while size:
                        piece = self.rfile.read1(min(size, PIECE))
                        size -= len(piece)
                        into.write(piece)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                left = int(self.headers.get("content-length") or 0)
                while left:
                    piece = self.rfile.read1(min(left, PIECE))
                    left -= len(piece)
                    into.write(piece)
        finally:
            into.close()

    do_GET = do_POST = serve


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def git(folder, *arguments):
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=dev", "-c", "user.email=dev@example.org"]
    return subprocess.run(["git", *who, *arguments], cwd=folder, env=env, check=True, capture_output=True).stdout


def noise(folder, branch):
    git(folder, "checkout", "-q", "-b", branch, "main")
    for part in range(4):
        with open(os.path.join(folder, f"{branch}-{part}.bin"), "wb") as file:
            file.write(os.urandom(SIZE // 4))
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", branch)


def peak(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            found = {line.split(":")[0]: line.split()[1] for line in status if line.startswith(("VmHWM", "VmRSS"))}
        return int(found["VmHWM"]) / 1024
    except (OSError, KeyError):
        return 0.0


def private(pid):
    """MiB that are the process's own now: without the pages of its program, which the system takes back as it likes."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("RssAnon"))
    except (OSError, StopIteration):
        return 0.0


def spent(pid):
    """Seconds of processors, of a process and what it waited for."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def took(action):
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def main():
    writ, rounds = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    folder = tempfile.mkdtemp(prefix="writ-git-")
    place = {name: os.path.join(folder, name) for name in ("home", "state", "work", "bin", "server")}
    for path in place.values():
        os.mkdir(path)
    os.chmod(place["state"], 0o700)
    Backend.root = place["server"]
    server = Server(("127.0.0.1", 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    for name in ("door", "direct"):
        git(place["server"], "init", "-q", "--bare", "-b", "main", f"{name}.git")
        git(os.path.join(place["server"], f"{name}.git"), "config", "http.receivepack", "true")
    work = place["work"]
    git(work, "init", "-q", "-b", "main")
    git(work, "config", "gc.auto", "0")
    with open(os.path.join(work, ".gitignore"), "w") as file:
        file.write("/times\n/ready\n/go*\n/copy\n/script.err\n")
    git(work, "add", "--all")
    git(work, "commit", "-qm", "start")
    git(work, "remote", "add", "origin", f"{url}/door.git")
    for name in ("door", "direct"):
        git(work, "push", "-q", f"{url}/{name}.git", "main")
    for round_ in range(1, rounds + 1):
        noise(work, f"b{round_}")
    noise(work, "b0")
    for name in ("door", "direct"):
        git(work, "push", "-q", f"{url}/{name}.git", "b0:main")
    git(work, "checkout", "-q", "main")
    git(work, "branch", "start")

    copy, clone = os.path.join(folder, "copy"), ["clone", "-q", "--no-checkout", "--single-branch", "-b", "main"]
    pack = os.path.join(folder, "one.pack")
    with open(pack, "wb") as file:
        subprocess.run(["git", "pack-objects", "--revs", "--stdout", "-q"], cwd=work, input=b"b1\n^main\n", stdout=file, check=True)
    index = ["git", "index-pack", "--fsck-objects", "--threads=1", "-o", os.path.join(folder, "one.idx"), pack]
    seen = {"clone": [], "push": [], "direct clone": [], "direct push": [], "index-pack": []}

    def without(round_):
        """The same round without the door."""
        seen["direct clone"].append(took(lambda: git(folder, *clone, f"{url}/door.git", copy)))
        shutil.rmtree(copy)
        seen["direct push"].append(took(lambda: git(work, "push", "-q", f"{url}/direct.git", f"b{round_}")))
        seen["index-pack"].append(took(lambda: subprocess.run(index, cwd=work, check=True, stdout=subprocess.DEVNULL)))

    env = {"HOME": place["home"], "PATH": f"{place['bin']}:{os.environ['PATH']}", "WRIT_STATE_DIR": place["state"]}
    script = os.path.join(place["bin"], "claude")
    with open(script, "w") as file:
        file.write(SCRIPT.replace("ROUNDS", str(rounds)).replace("URL", url))
    os.chmod(script, 0o755)
    serve = subprocess.Popen([writ, "serve", "--listen", "127.0.0.1:0"], env=env, stdout=subprocess.PIPE)
    serve.stdout.readline()
    try:
        register = [writ, "agent", "register", "bench", "--client", "claude-code", "--purpose", "bench", "--approve"]
        subprocess.run(register, env=env, check=True, stdout=subprocess.DEVNULL)
        run = subprocess.Popen(
            [writ, "run", "--kind", "feature", "--task", "bench", "--", "claude"], env=env, cwd=work,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while not os.path.exists(os.path.join(work, "ready")):
            if run.poll() is not None:
                raise SystemExit(run.stderr.read().decode())
            time.sleep(0.05)
        idle = peak(run.pid)
        highest, before, after = idle, spent(run.pid), 0.0
        own_idle = own = private(run.pid)
        times = os.path.join(work, "times")
        for round_ in range(1, rounds + 1):
            open(os.path.join(work, f"go{round_}"), "w").close()
            lines = []
            while len(lines) < 2 * round_:
                lines = open(times).read().splitlines() if os.path.exists(times) else []
                highest, own = max(highest, peak(run.pid)), max(own, private(run.pid))
                try:
                    after = spent(run.pid)
                except OSError:
                    pass
                if run.poll() is not None and len(lines) < 2 * round_:
                    raise SystemExit(run.stderr.read().decode())
                time.sleep(0.02)
            without(round_)
        run.wait()
        for line in lines:
            name, *span = line.split()
            if span == ["failed"]:
                raise SystemExit(open(os.path.join(work, "script.err")).read())
            seen[name].append(float(span[1]) - float(span[0]))
    finally:
        serve.terminate()
        serve.wait()
    for name, row in seen.items():
        print(f"{name:14} least {min(row):6.3f} s   median {statistics.median(row):6.3f} s")
    told = lambda ratios: f"{statistics.median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})"
    pairs = zip(seen["push"], seen["direct push"], seen["index-pack"])
    print(f"clone: {told([one / other for one, other in zip(seen['clone'], seen['direct clone'])])} direct (aim 1.03)")
    print(f"push:  {told([one / (other + index) for one, other, index in pairs])} direct and one index-pack (aim 1.00)")
    print(f"processors' time of the supervisor and its git: {(after - before) / rounds:.2f} s for a clone and a push")
    print(f"memory of the supervisor: its own {own:.1f} MiB at most, {own - own_idle:.1f} MiB above idle (aim 32 MiB flat); "
          f"with the pages of its program {highest:.1f} MiB, {highest - idle:.1f} MiB above idle")
    server.shutdown()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
