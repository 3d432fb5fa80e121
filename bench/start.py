#!/usr/bin/env python3
"""Start of `writ serve` over a ledger of a million events, from process start to ready.

usage: bench/start.py WRIT LEDGER-MAKER [EVENTS]
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


def main():
    writ, maker = (os.path.abspath(path) for path in sys.argv[1:3])
    events = sys.argv[3] if len(sys.argv) > 3 else "1000000"
    folder = tempfile.mkdtemp(prefix="writ-bench")
    state = os.path.join(folder, "state")
    env = {"HOME": folder, "PATH": os.environ["PATH"], "WRIT_STATE_DIR": state}

    def start():
        began = time.perf_counter()
        serve = subprocess.Popen([writ, "serve", "--listen", "127.0.0.1:0"], env=env, stdout=subprocess.PIPE)
        serve.stdout.readline()
        took = time.perf_counter() - began
        with open(f"/proc/{serve.pid}/status") as status:
            peak = next(line for line in status if line.startswith("VmHWM")).split()[1]
        serve.terminate()
        serve.wait()
        return took, int(peak)

    try:
        empty = statistics.median(start()[0] for _ in range(3))
        subprocess.run([maker, state, events], env=env, check=True)
        rows = [start() for _ in range(5)]
        took = statistics.median(row[0] for row in rows)
        print(f"start: `writ serve` ready over {events} events: {took:.3f} s median of {len(rows)}, "
              f"an empty ledger {empty:.3f} s ({took / empty:.1f} times), peak {max(row[1] for row in rows) / 1024:.0f} MiB")
    finally:
        shutil.rmtree(folder)


main()
