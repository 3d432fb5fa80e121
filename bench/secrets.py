"""Secrets in a labelled tree: ours on one core, beside gitleaks and kingfisher.

usage: secrets.py PROGRAM [--gitleaks PROGRAM] [--kingfisher PROGRAM]

PROGRAM: the built example `secrets` of the crate `writ-scan`; the others as their packages install them.

The tree is the sources of this project, many times over, with made-up secrets planted in some copies. It is drawn anew each
time: other figures of recall than in the last run are other draws, not other programs.

Each program has one thread, and the least time of the processor of some rounds counts, its start included: with more threads
some of them spend more of it on the same work. The programs take turns, so that all meet the same machine.
"""
import os, random, re, resource, string, subprocess, sys, tempfile, time

COPIES, PLANTED = 24, 400
ROUNDS = 5
HEX, ALL = string.hexdigits.lower()[:16], string.ascii_letters + string.digits


def draw(rng, letters, length):
    return "".join(rng.choice(letters) for _ in range(length))


def lines(rng):
    """One line with a secret of a kind that every scanner knows."""
    a, h = lambda n: draw(rng, ALL, n), lambda n: draw(rng, HEX, n)
    return rng.choice([
        lambda: f"SLACK=xoxb-{draw(rng, string.digits[1:], 12)}-{draw(rng, string.digits[1:], 12)}-{a(24)}",
        lambda: f"stripe = sk_live_{a(24)}",
        lambda: f"token: glpat-{a(20)}",
        lambda: f"aws_access_key_id = AKIA{draw(rng, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)}",
        lambda: f"do = dop_v1_{h(64)}",
        lambda: f"SENDGRID=SG.{a(22)}.{a(43)}",
        lambda: f"shopify shpat_{h(32)}",
        lambda: f'api_key = "{a(32)}"',
        lambda: f"const datadogApiKey = '{h(32)}'",
    ])()


def tree(root, here):
    rng, planted, size = random.Random(), set(), 0
    texts = []
    for folder in ("crates", "docs", "policies", "xtask"):
        for at, _, names in os.walk(os.path.join(here, folder)):
            for name in names:
                with open(os.path.join(at, name), "rb") as file:
                    texts.append(file.read())
    for copy in range(COPIES):
        os.makedirs(os.path.join(root, str(copy)))
        for number, text in enumerate(texts):
            path = os.path.join(root, str(copy), f"{number}.txt")
            # No two files are the same: scanners that remember contents would look at one copy only.
            text = f"{copy}\n".encode() + text
            if rng.random() < PLANTED / (COPIES * len(texts)):
                text += b"\n" + lines(rng).encode() + b"\n"
                planted.add(path)
            size += len(text)
            with open(path, "wb") as file:
                file.write(text)
    return planted, size


def timed(command):
    """What it printed, with its seconds and those of the processor."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    # gitleaks is a Go program and has no option for its threads.
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "GOMAXPROCS": "1"})
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    others = {name.lstrip("-"): program for name, program in zip(sys.argv[2::2], sys.argv[3::2])}
    with tempfile.TemporaryDirectory() as root:
        planted, size = tree(root, here)
        print(f"{size / 1e6:.0f} MB, {len(planted)} files with a secret, the least of {ROUNDS} rounds in turns")
        commands = {"writ": [os.path.abspath(sys.argv[1]), root, "1"]}
        if program := others.get("gitleaks"):
            commands["gitleaks"] = [program, "dir", root, "--no-banner", "--exit-code", "0", "-l", "error", "-f", "json", "-r", "-"]
        if program := others.get("kingfisher"):
            commands["kingfisher"] = [program, "scan", root, "--no-validate", "--no-update-check", "--format", "jsonl", "--jobs", "1"]
        rounds = [{name: timed(command) for name, command in commands.items()} for _ in range(ROUNDS)]

        print(f"{'program':<12}{'MB/s of a core':>16}{'MB/s':>8}{'recall':>9}{'other files':>13}")
        speed = {}
        for name in commands:
            printed = rounds[0][name][0]
            # Whatever form a report has, it names the file.
            found = set(re.findall(re.escape(root) + r"/[0-9]+/[0-9]+\.txt", printed))
            took, spent = (min(one[name][at] for one in rounds) for at in (1, 2))
            speed[name] = size / 1e6 / spent
            right = len(planted & found) / len(planted)
            print(f"{name:<12}{speed[name]:>16.1f}{size / 1e6 / took:>8.1f}{right:>9.3f}{len(found - planted):>13}")
        for name, aim in (("gitleaks", 40), ("kingfisher", 8)):
            if name in speed:
                print(f"writ beside {name}: {speed['writ'] / speed[name]:.1f} x (aim at least {aim})")
            else:
                print(f"{name}: not given, not compared")


if __name__ == "__main__":
    main()
