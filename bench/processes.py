"""Times whole processes in turn, A B C A B C ..., with the operating system's own accounting of each."""

import os
import statistics
import time


def once(argv, stdin_path, env):
    """One run: (wall ms, cpu ms, peak KiB, exit code)."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, stdin_path or os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    began = time.perf_counter_ns()
    pid = os.posix_spawn(argv[0], argv, env, file_actions=actions)
    _, status, used = os.wait4(pid, 0)
    wall = (time.perf_counter_ns() - began) / 1e6
    return wall, (used.ru_utime + used.ru_stime) * 1e3, used.ru_maxrss, os.waitstatus_to_exitcode(status)


def in_turn(commands, runs, warm=5):
    """commands: name -> (argv, stdin file, env). Returns name -> figures; raises if an exit code is not 0."""
    seen = {name: [] for name in commands}
    for turn in range(runs + warm):
        for name, (argv, stdin_path, env) in commands.items():
            result = once(argv, stdin_path, env)
            if result[3] != 0:
                raise SystemExit(f"{name}: exit code {result[3]}")
            if turn >= warm:
                seen[name].append(result)
    figures = {}
    for name, rows in seen.items():
        walls = sorted(row[0] for row in rows)
        figures[name] = {
            "min_ms": walls[0],
            "p50_ms": statistics.median(walls),
            "p99_ms": walls[min(len(walls) - 1, int(len(walls) * 0.99))],
            "cpu_ms": statistics.mean(row[1] for row in rows),
            "peak_kib": max(row[2] for row in rows),
        }
    return figures


def table(figures, base):
    print(f"{'':32} {'min ms':>8} {'p50 ms':>8} {'p99 ms':>8} {'cpu ms':>8} {'peak MiB':>9} {'p50 / ' + base:>16}")
    for name, row in figures.items():
        ratio = row["p50_ms"] / figures[base]["p50_ms"]
        print(
            f"{name:32} {row['min_ms']:8.2f} {row['p50_ms']:8.2f} {row['p99_ms']:8.2f} "
            f"{row['cpu_ms']:8.2f} {row['peak_kib'] / 1024:9.1f} {ratio:16.2f}"
        )
