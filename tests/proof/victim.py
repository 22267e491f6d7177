"""A server for ``engine``: a program that forks one each time it is asked, to be tortured.

What jobs do is written to a journal outside the database, a line in one write, which no kill can
tear apart: when (seconds of the machine's monotonic clock), the process, what, the run, the step.
``began`` is written as a step's own work, ``finished`` once the step is stored, ``ended`` once the
end of the run is; ``claimed`` and a generation once the store has given the run out; ``wrote`` or
``refused`` once it has taken or refused a holder's write: which, by which generation, and when it
was begun. The clock of the engine is the machine's and what a file says in milliseconds.

The jobs of ``LATE`` wait at their one write until a gate has come so far, which a second attempt
does a step later than the first: so that a zombie tries it while somebody else has the run.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import mmap
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from durably_server import BlockingStep, Step, job
from durably_server.engine.clock import wall_clock
from durably_server.engine.engine import Engine
from durably_server.engine.model import Run
from durably_server.http.serving import running_server
from durably_server.storage.sqlite import SqliteStore

STEPS = 4
LEASE = 0.4
LATE = {
    "late-step": "save_step",
    "late-progress": "update_progress",
    "late-log": "append_logs",
    "late-end": "complete_run",
    "late-fall": "fail_run",
    "late-hold": "renew_lease",
}
"""Jobs that wait, and the write of the store that each then tries."""
_FENCED = (*LATE.values(), "save_step_now", "release")
_NUMBER = struct.Struct("q")
_journal = Path(sys.argv[2]) if len(sys.argv) > 2 else Path()


def note(what: str, run_id: str, step: str) -> None:
    line = f"{time.monotonic():.4f} {os.getpid()} {what} {run_id} {step}\n"
    file = os.open(_journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)


@job("walk")
async def walk(step: Step, input: int) -> int:
    async def one(name: str) -> int:
        note("began", step.run_id, name)
        await asyncio.sleep(0.01)
        return 1

    total = 0
    for n in range(STEPS):
        total += await step.run(f"step-{n}", one, f"step-{n}")
        note("finished", step.run_id, f"step-{n}")
        step.progress(n + 1, STEPS)
        step.log.info(f"step {n} is done")
    return total


@job("carry")
def carry(step: BlockingStep, input: int) -> int:
    def one(name: str) -> int:
        note("began", step.run_id, name)
        time.sleep(0.01)
        return 1

    total = 0
    for n in range(STEPS):
        total += step.run(f"step-{n}", one, f"step-{n}")
        note("finished", step.run_id, f"step-{n}")
    return total


@job("fall")
async def fall(step: Step, input: int) -> None:
    await step.run("step-0", note, "began", step.run_id, "step-0")
    note("finished", step.run_id, "step-0")
    raise RuntimeError("as planned")


class Dial:
    """A number that somebody else writes into a file."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _NUMBER.size)

    def __call__(self) -> int:
        return int(_NUMBER.unpack_from(self._map)[0])


def set_dial(path: Path, number: int) -> None:
    """Write the number: for a clock, how many ms the engine's is ahead of the machine's."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.write(_NUMBER.pack(number))


@functools.cache
def _gate() -> Dial:
    return Dial(Path(sys.argv[4]))


async def _late(attempt: int, run_id: str, number: int) -> int:
    note("waits", run_id, str(attempt))
    while _gate()() < number + (attempt > 1):  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    return 1


@job("late-step")
async def late_step(step: Step, input: int) -> int:
    return await step.run("step-0", _late, step.attempt, step.run_id, input)


@job("late-progress")
async def late_progress(step: Step, input: int) -> int:
    await _late(step.attempt, step.run_id, input)
    step.progress(1, STEPS)
    return 1


@job("late-log")
async def late_log(step: Step, input: int) -> int:
    await _late(step.attempt, step.run_id, input)
    step.log.info("late")
    return 1


@job("late-end")
async def late_end(step: Step, input: int) -> int:
    return await _late(step.attempt, step.run_id, input)


@job("late-fall")
async def late_fall(step: Step, input: int) -> None:
    await _late(step.attempt, step.run_id, input)
    raise RuntimeError("as planned")


@job("late-hold")
async def late_hold(step: Step, input: int) -> int:
    return await _late(step.attempt, step.run_id, input + 1)


_LATE_JOBS = [late_step, late_progress, late_log, late_end, late_fall, late_hold]


class NotingStore(SqliteStore):
    """Notes which writes of lease holders were taken."""

    async def claim(self, **asked: Any) -> list[Run]:
        runs = await super().claim(**asked)
        for run in runs:
            note("claimed", run.id, str(run.lease_generation))
        return runs

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return _noting(name, found) if name in _FENCED else found


def _noting(name: str, write: Callable[..., Any]) -> Callable[..., Any]:
    begun = time.monotonic()

    def noted(taken: Any, subject: Any, generation: int) -> Any:
        if taken is not None:
            run_id = subject if isinstance(subject, str) else subject.run_id
            what = name.removesuffix("_now")
            note("wrote" if taken else "refused", run_id, f"{what} {generation} {begun:.4f}")
        return taken

    if not asyncio.iscoroutinefunction(write):
        return lambda subject, generation, *more, **named: noted(
            write(subject, generation, *more, **named), subject, generation
        )

    async def writing(subject: Any, generation: int, *more: Any, **named: Any) -> Any:
        taken = await write(subject, generation, *more, **named)
        return noted(taken, subject, generation)

    return writing


async def _serve(db: Path, clock: Path) -> None:
    ahead = Dial(clock)
    durably = Engine(
        NotingStore(db),
        jobs=[walk, carry, fall, *_LATE_JOBS],
        max_concurrent_runs=8,
        polling_interval=0.05,
        lease=LEASE,
        lease_renewal=LEASE / 4,
        clock=lambda: wall_clock() + ahead(),
    )
    for ending in ("run:complete", "run:fail"):
        durably.on(ending, lambda event: note("ended", event.run_id, event.type))
    async with running_server(durably) as url:
        print("listening", url, flush=True)
        await asyncio.Event().wait()


def _main() -> None:
    db, clock = Path(sys.argv[1]), Path(sys.argv[3])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that are killed
    logging.disable(logging.CRITICAL)  # a database that refuses is told of at length
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                asyncio.run(_serve(db, clock))
            except Exception as error:
                print("failed", f"{type(error).__name__}: {error}", flush=True)
            os._exit(1)
        print("born", child, flush=True)


if __name__ == "__main__":
    _main()
