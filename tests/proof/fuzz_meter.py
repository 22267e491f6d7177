"""CPU time of each input and memory of all of them, with the bounds that a suite may fail by."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import TypeVar

from tests.proof.report import Trial

T = TypeVar("T")

SLOW_MS = 150.0
"""CPU milliseconds that no input of a few kB may take; the garbage collector is in it."""
MOST_GROWTH_MB = 64
WARM_UP = 0.2
"""The share of the inputs after which memory may no longer grow."""


def resident_mb() -> float:
    """Memory of this process, in MB."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096 / 1e6


class Meter:
    """Times every input; what raises, is slow or grows is a violation with the input in it."""

    def __init__(self, trial: Trial, count: int) -> None:
        self._trial = trial
        self._count = count
        self._warm = max(1, int(count * WARM_UP))
        self._base = 0.0
        self.done = 0
        self.longest = 0
        self.total = 0

    def take(self, input: object, work: Callable[[], T], many: int = 1) -> T | None:
        """Do the work of one input, or of so many at once."""
        began = time.process_time_ns()
        result = None
        try:
            result = work()
        except Exception as error:
            self._trial.violated(f"{type(error).__name__}: {error}"[:300], [repr(input)[:2000]])
        took = time.process_time_ns() - began
        self.total += took
        if took > self.longest:
            self.longest = took
            if took > SLOW_MS * 1e6:
                self._trial.violated(f"{took / 1e6:.0f} ms for one input", [repr(input)[:2000]])
        before, self.done = self.done, self.done + many
        if before < self._warm <= self.done:
            gc.collect()
            self._base = resident_mb()
        if len(self._trial.violations) > 50:
            raise AssertionError("more than 50 inputs failed")
        return result

    def figures(self) -> str:
        """What it came to; fails where memory grew."""
        gc.collect()
        grown = resident_mb() - self._base
        self._trial.expect(grown < MOST_GROWTH_MB, f"memory grew by {grown:.0f} MB")
        return (
            f"{self.done:,} inputs, mean {self.total / max(1, self.done) / 1e3:.0f} µs, "
            f"max {self.longest / 1e3:,.0f} µs of CPU, memory {grown:+.1f} MB"
        )
