"""``make bench-compare OLD=REV``: suites of the bench at an older commit and now, in turns.

The older commit is checked out beside, into a worktree of its own that goes again; both run with
this environment and in turns, so that a drifting machine hits both. What is compared is what
either prints about us, figure by figure: the last column is now over then.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

HERE = Path(__file__).parents[2]
_ROW = re.compile(r"^(?P<what>\S.{57}) *(?P<ours>.*?)   x(?P<ratio>[\d.]+) ")
"""As ``measure.row`` prints it."""
_NUMBER = re.compile(r"-?[\d,]+(?:\.\d+)?")
DEFAULT = ("wire", "paint", "start")


def figures(tree: Path, suites: list[str]) -> dict[str, tuple[float, float]]:
    """Our figure and its ratio to the reference, by what was measured, of one run in a tree."""
    path = [str(tree), str(tree / "server"), str(tree / "tests")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"}
    answer = subprocess.run(
        [sys.executable, "-m", "tests.bench", *suites],
        cwd=tree,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if answer.returncode:
        sys.exit(f"the bench failed in {tree.name}: {answer.stdout[-500:]}")
    found = {}
    for line in answer.stdout.splitlines():
        match = _ROW.match(f"{line} ")
        number = _NUMBER.search(match["ours"]) if match else None
        if match and number:
            found[match["what"].strip()] = (
                float(number[0].replace(",", "")),
                float(match["ratio"]),
            )
    return found


def compared(old: Path, suites: list[str], rounds: int) -> None:
    """Print then, now, and now over then, medians of some rounds."""
    then: dict[str, list[tuple[float, float]]] = {}
    now: dict[str, list[tuple[float, float]]] = {}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for tree, into in ((old, then), (HERE, now)):
            for what, figure in figures(tree, suites).items():
                into.setdefault(what, []).append(figure)
    print(f"{'':<58} {'then':>12} {'now':>12}   now/then   x reference then, now")
    for what, measured in now.items():
        if what not in then:
            print(f"{what:<58} {'-':>12} {median(figure for figure, _ in measured):>12g}")
            continue
        a, b = (median(figure for figure, _ in each[what]) for each in (then, now))
        x, y = (median(ratio for _, ratio in each[what]) for each in (then, now))
        change = f"{b / a:.2f}" if a else "-"
        print(f"{what:<58} {a:>12g} {b:>12g}   {change:>8}   {x:g}, {y:g}", flush=True)
    for what in then.keys() - now.keys():
        print(f"{what:<58} is no longer measured")


def main() -> None:
    """Make the worktree, compare, and take it away."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.compare")
    parser.add_argument("old", help="a commit, a tag or a branch")
    parser.add_argument("suites", nargs="*", help=f"suites of the bench; else {DEFAULT}")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-compare-") as folder:
        old = Path(folder, "old")
        added = subprocess.run(
            ["git", "worktree", "add", "--detach", "--quiet", str(old), asked.old],
            cwd=HERE,
            check=False,
        )
        if added.returncode:
            sys.exit(f"{asked.old} cannot be checked out: name a commit of this repository.")
        try:
            compared(old, asked.suites or list(DEFAULT), asked.rounds)
        finally:
            subprocess.run(
                ["git", "worktree", "remove", "--force", str(old)], cwd=HERE, check=False
            )


if __name__ == "__main__":
    main()
