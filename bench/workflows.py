"""An audit of workflows beside zizmor's, over one tree: bench/workflows.py SCAN ZIZMOR.

SCAN is the example `scan` of writ-scan. Both are whole processes over the same repository, and take turns. Zizmor asks
nobody: `--offline`. The audits are not the same: ours is about agents and what starts them, zizmor's about workflows.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile

FILES, RUNS = 200, 5

TRIGGERS = ["push:", "pull_request:", "issue_comment:\n    types: [created]", "pull_request_target:", "workflow_dispatch:"]
STEPS = [
    "- uses: actions/checkout@v4",
    "- uses: actions/checkout@v4\n        with:\n          ref: ${{ github.event.pull_request.head.sha }}",
    "- uses: anthropics/claude-code-action@v1\n        with:\n          anthropic_api_key: ${{ secrets.ANTHROPIC_API_KEY }}",
    "- run: npx @openai/codex exec --full-auto \"fix it\"\n        env:\n          OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY }}",
    "- run: echo \"${{ github.event.issue.title }}\"",
    "- run: cargo test --workspace",
]


def workflow(number):
    lines = [f"name: w{number}", "on:", f"  {TRIGGERS[number % len(TRIGGERS)]}"]
    if number % 3:
        lines += ["permissions:", "  contents: write"]
    lines += ["jobs:"]
    for job in range(3):
        lines += [f"  j{job}:", "    runs-on: ubuntu-latest", "    steps:"]
        lines += [f"      {STEPS[(number + job + step) % len(STEPS)]}" for step in range(4)]
    return "\n".join(lines) + "\n"


def spent(command):
    """Processor time in milliseconds, of all its threads."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took * 1000, done.stdout


def main():
    scan, zizmor = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    with tempfile.TemporaryDirectory() as root:
        folder = f"{root}/.github/workflows"
        os.makedirs(folder)
        os.makedirs(f"{root}/.git")
        for number in range(FILES):
            with open(f"{folder}/w{number}.yml", "w") as file:
                file.write(workflow(number))
        times = {"writ": [], "zizmor": []}
        for _ in range(RUNS):
            took, told = spent([scan, root])
            times["writ"].append(took)
            took, other = spent([zizmor, "--offline", "--no-progress", "--format", "json", root])
            times["zizmor"].append(took)
        if "anthropics/claude-code-action" not in told and "claude" not in told:
            sys.exit("our audit found no agent: the figures would say nothing")
        if '"ident"' not in other:
            sys.exit("zizmor found nothing: the figures would say nothing")
    print(f"{FILES} workflows of three jobs, {RUNS} runs in turns, processor time of whole processes")
    middle = {name: statistics.median(runs) for name, runs in times.items()}
    for name, runs in times.items():
        print(f"  {name:<8} median {middle[name]:8.1f} ms   least {min(runs):8.1f} ms")
    print(f"  zizmor / writ   median {middle['zizmor'] / middle['writ']:8.1f}     least {min(times['zizmor']) / min(times['writ']):8.1f}")


if __name__ == "__main__":
    main()
