"""A server for ``engine``: a program that forks one each time it is asked, to be tortured.

What jobs do is written to a journal outside the database, a line in one write, which no kill can
tear apart: when (seconds of the machine's monotonic clock), the process, what, the run, the step.
``began`` is written as a step's own work, ``finished`` once the step is stored, ``ended`` once the
end of the run is. The clock of the engine is the machine's and what a file says in milliseconds.
"""

from __future__ import annotations

import asyncio
import logging
import mmap
import os
import signal
import struct
import sys
import time
from pathlib import Path

from durably_server import BlockingStep, Durably, Step, job
from durably_server.engine.clock import wall_clock
from durably_server.http.serving import running_server

STEPS = 4
LEASE = 0.4
_OFFSET = struct.Struct("q")
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


class FileClock:
    """The machine's clock and an offset that somebody else writes into a file."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _OFFSET.size)

    def __call__(self) -> int:
        return wall_clock() + int(_OFFSET.unpack_from(self._map)[0])


def set_clock(path: Path, milliseconds: int) -> None:
    """Set how far the engine's clock is ahead of the machine's."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.write(_OFFSET.pack(milliseconds))


async def _serve(db: Path, clock: Path) -> None:
    durably = Durably(
        f"sqlite:///{db}",
        jobs=[walk, carry, fall],
        max_concurrent_runs=8,
        polling_interval=0.05,
        lease=LEASE,
        lease_renewal=LEASE / 4,
        clock=FileClock(clock),
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
