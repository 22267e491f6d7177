"""What every suite of proof shares: named checks, a table of what they found, an exit code.

A suite is a list of checks and a call of ``main``. A check is a function that takes a ``Trial``
and answers its figures in a few words; it fails by raising, or by ``Trial.violated``, which goes on
and keeps the history of each violation. It may be async. One that has many cells answers ``Row``s.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import inspect
import random
import shlex
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TypeVar

from tests.proof import page

PASSED, FAILED, SKIPPED = "pass", "FAIL", "skipped"
_MOST_HISTORIES = 20
_GRACE = 15.0
"""Seconds that an async check may take to clean up before it is broken off."""

T = TypeVar("T")


class Skipped(Exception):
    """The check cannot run here; the reason is in the table."""


class TookTooLong(BaseException):
    """A check was not over in its time; no ``except Exception`` of a check may swallow it."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    result: str
    figures: str = ""
    seconds: float | None = None


@dataclass
class Trial:
    """What a check is given."""

    short: bool
    dice: random.Random
    """Seeded by the seed of the suite and the name of the check, so that one alone is the same."""
    folder: Path
    """An empty folder, which goes with the check."""
    options: argparse.Namespace
    violations: list[str] = field(default_factory=list)

    def pick(self, full: T, short: T) -> T:
        """One of two by the form of the suite."""
        return short if self.short else full

    def violated(self, what: str, history: Sequence[str] = ()) -> None:
        """Something was not as promised; the check goes on, fails, and prints the history."""
        self.violations.append("\n      ".join([what, *history]))

    def expect(self, holds: object, what: str, history: Sequence[str] = ()) -> None:
        """Violated where it does not hold."""
        if not holds:
            self.violated(what, history)


Found = str | list[Row]


@dataclass(frozen=True)
class Check:
    """One promise, and what tries it. ``within`` is seconds until it counts as failed."""

    name: str
    run: Callable[[Trial], Found | Awaitable[Found]]
    within: float = 120.0
    within_short: float | None = None


def main(
    suite: str,
    title: str,
    checks: Sequence[Check],
    *,
    options: Callable[[argparse.ArgumentParser], object] = lambda parser: None,
) -> None:
    """Run the checks of a suite that the command line asks for; exits with 1 where one fails.

    ``options`` may add options of the suite's own, which a check finds in ``Trial.options``.
    """
    parser = argparse.ArgumentParser(prog=f"python -m tests.proof.{suite}", description=title)
    parser.add_argument("only", nargs="*", help="parts of the names of checks; all without one")
    parser.add_argument("--short", action="store_true", help="the form for CI")
    parser.add_argument("--seed", type=int, help="where a run before has printed one")
    parser.add_argument("--write", action="store_true", help="keep the table in docs/proof.md")
    parser.add_argument("--list", action="store_true", help="the names of the checks")
    options(parser)
    asked = parser.parse_args()
    wanted = [
        each for each in checks if not asked.only or any(part in each.name for part in asked.only)
    ]
    if asked.list or not wanted:
        print("\n".join(each.name for each in checks))
        sys.exit(0 if asked.list else 2)
    if asked.write and len(wanted) < len(checks):
        parser.error("a table with some of the checks is not kept: leave out --write or the names")
    seed = random.randrange(1 << 32) if asked.seed is None else asked.seed
    command = shlex.join(["python", "-m", f"tests.proof.{suite}", *sys.argv[1:]])
    print(f"{title}\n{command}, seed {seed}", flush=True)
    rows: list[Row] = []
    histories: list[str] = []
    began = time.monotonic()
    for check in wanted:
        found, said = _try(check, asked, seed)
        for row in found:
            print(_line(row), flush=True)
        rows += found
        histories += said
    for history in histories[:_MOST_HISTORIES]:
        print(f"\n--- {history}", flush=True)
    if len(histories) > _MOST_HISTORIES:
        print(f"\n{len(histories) - _MOST_HISTORIES} more violations are not shown")
    print(_sum(rows, time.monotonic() - began), flush=True)
    if asked.write:
        page.write(suite, title, command, seed, rows_of(rows), time.monotonic() - began)
    sys.exit(1 if any(row.result == FAILED for row in rows) else 0)


def rows_of(rows: Sequence[Row]) -> list[tuple[str, str, str, str]]:
    """The cells of a table: check, result, figures, seconds."""
    return [
        (row.name, row.result, row.figures, "" if row.seconds is None else f"{row.seconds:.1f}")
        for row in rows
    ]


def _try(check: Check, asked: argparse.Namespace, seed: int) -> tuple[list[Row], list[str]]:
    """The rows of one check, and the history of each violation."""
    limit = check.within
    if asked.short and check.within_short is not None:
        limit = check.within_short
    with tempfile.TemporaryDirectory(prefix="proof-", ignore_cleanup_errors=True) as folder:
        dice = random.Random(f"{seed} {check.name}")
        trial = Trial(asked.short, dice, Path(folder), asked)
        began = time.monotonic()
        found: Found = ""
        result = PASSED
        try:
            found = _run(check, trial, limit)
        except Skipped as why:
            result, found = SKIPPED, f"NOT CHECKED HERE: {why}"
        except (Exception, TookTooLong) as error:
            told = str(error).partition("\n")[0][:200] or type(error).__name__
            trial.violations.append(f"{told}\n{traceback.format_exc()}")
        took = time.monotonic() - began
    if isinstance(found, list):
        rows = list(found)
        if not trial.violations:
            return rows, []
        found = ""
    else:
        rows = []
    if trial.violations:
        result = FAILED
        first = trial.violations[0].partition("\n")[0]
        many = f"{len(trial.violations)} violations, first: " if len(trial.violations) > 1 else ""
        found = "; ".join(each for each in (many + first, found) if each)
    rows.append(Row(check.name, result, found, took))
    return rows, [f"{check.name}: {each}" for each in trial.violations]


def _run(check: Check, trial: Trial, limit: float) -> Found:
    if not inspect.iscoroutinefunction(check.run):
        with _no_longer_than(limit):
            found = check.run(trial)
        assert not isinstance(found, Awaitable)
        return found
    run = check.run

    async def whole() -> Found:
        try:
            async with asyncio.timeout(limit) as time_left:
                return await run(trial)
        except TimeoutError as where:
            if not time_left.expired():
                raise
            raise TookTooLong(f"not over after {limit:.0f} s") from where

    with _no_longer_than(limit + _GRACE):
        return asyncio.run(whole())


@contextlib.contextmanager
def _no_longer_than(seconds: float) -> Iterator[None]:
    """Raise TookTooLong in the middle of what is done, once its time is over."""

    def over(_number: int, _frame: FrameType | None) -> None:
        raise TookTooLong(f"not over after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _line(row: Row) -> str:
    took = "" if row.seconds is None else f"{row.seconds:6.1f} s"
    return f"  {row.name:<52} {row.result:<7} {took:>8}  {row.figures}".rstrip()


def _sum(rows: Sequence[Row], took: float) -> str:
    counted = {each: sum(row.result == each for row in rows) for each in (PASSED, FAILED, SKIPPED)}
    told = ", ".join(f"{number} {each}" for each, number in counted.items() if number)
    return f"\n{told} in {took:.1f} s"
