"""Secrets in a labelled tree: ours on one core, beside gitleaks and kingfisher.

usage: secrets.py PROGRAM [--gitleaks PROGRAM] [--kingfisher PROGRAM]

PROGRAM: the built example `secrets` of the crate `writ-scan`; the others as their packages install them.

The tree is the sources of this project, many times over, with made-up secrets planted in some copies. It is drawn anew each
time: other figures of recall than in the last run are other draws, not other programs.

Each program has one thread, and the least time of the processor of some rounds counts, its start included: with more threads
some of them spend more of it on the same work.
"""
import os, random, re, resource, string, subprocess, sys, tempfile, time

COPIES, PLANTED = 24, 400
ROUNDS = 3
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
    """What it printed, and the least of some rounds: seconds, and seconds of the processor."""
    rounds = []
    for _ in range(ROUNDS):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        # gitleaks is a Go program and has no option for its threads.
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "GOMAXPROCS": "1"})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        rounds.append((time.monotonic() - began, spent))
    return done, min(took for took, _ in rounds), min(spent for _, spent in rounds)


def main():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    others = {name.lstrip("-"): program for name, program in zip(sys.argv[2::2], sys.argv[3::2])}
    with tempfile.TemporaryDirectory() as root:
        planted, size = tree(root, here)
        print(f"{size / 1e6:.0f} MB, {len(planted)} files with a secret")
        print(f"{'program':<12}{'MB/s of a core':>16}{'MB/s':>8}{'recall':>9}{'other files':>13}")

        def tell(name, found, took, spent):
            right = len(planted & found) / len(planted)
            print(f"{name:<12}{size / 1e6 / spent:>16.0f}{size / 1e6 / took:>8.0f}{right:>9.3f}{len(found - planted):>13}")

        done, took, spent = timed([os.path.abspath(sys.argv[1]), root, "1"])
        tell("writ", {line.split(":")[0] for line in done.stdout.splitlines() if line.startswith(root)}, took, spent)
        for name in ("gitleaks", "kingfisher"):
            program = others.get(name)
            if not program:
                print(f"{name:<12}not given")
                continue
            if name == "gitleaks":
                command = [program, "dir", root, "--no-banner", "--exit-code", "0", "-l", "error", "-f", "json", "-r", "-"]
            else:
                command = [program, "scan", root, "--no-validate", "--no-update-check", "--format", "jsonl", "--jobs", "1"]
            done, took, spent = timed(command)
            # Whatever form a report has, it names the file as a text of its own.
            told = re.findall(r'"(' + re.escape(root) + r'/[0-9]+/[0-9]+\.txt)"', done.stdout)
            tell(name, set(told), took, spent)


if __name__ == "__main__":
    main()
