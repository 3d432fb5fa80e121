"""A scan of a large tree beside `find` over it, and again after one change: bench/tree.py SCAN.

SCAN is the example `scan` of writ-scan: SCAN FOLDER [CACHE]. The runs take turns, so that both meet the same machine.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

FOLDERS, FILES, RUNS = 4_000, 20, 9


def plant(root):
    for number in range(FOLDERS):
        folder = f"{root}/r{number // 10:03}/src/m{number % 10}"
        os.makedirs(folder)
        for name in range(FILES):
            open(f"{folder}/f{name}.rs", "w").close()
        if number % 10 == 0:
            top = f"{root}/r{number // 10:03}"
            os.makedirs(f"{top}/.git")
            os.makedirs(f"{top}/.claude")
            with open(f"{top}/.claude/settings.json", "w") as file:
                file.write('{"permissions": {"allow": ["Bash(git status)"]}}')
            with open(f"{top}/AGENTS.md", "w") as file:
                file.write("be kind\n")


def took(command):
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


def main():
    scan = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        root, cache = f"{folder}/tree", f"{folder}/cache"
        plant(root)
        entries = sum(1 + len(files) for _, _, files in os.walk(root))
        times = {"find": [], "scan": [], "again": []}
        took([scan, root, cache])
        for run in range(RUNS):
            times["find"].append(took(["find", root]))
            times["scan"].append(took([scan, root]))
            open(f"{root}/r001/src/m1/new{run}.rs", "w").close()
            times["again"].append(took([scan, root, cache]))
        middle = {name: statistics.median(runs) for name, runs in times.items()}
        least = {name: min(runs) for name, runs in times.items()}
    print(f"a tree of {entries} entries, {RUNS} runs in turns, whole processes")
    for name, says in (("find", "find"), ("scan", "scan, nothing remembered"), ("again", "scan again after one change")):
        print(f"  {says:<28} median {middle[name]:8.1f} ms   least {least[name]:8.1f} ms")
    print(f"  scan / find                  median {middle['scan'] / middle['find']:8.2f}      least {least['scan'] / least['find']:8.2f}")


if __name__ == "__main__":
    main()
