"""A server that is made to be killed: a program that forks one each time it is asked.

All is imported before the first fork, so that a new server listens after some hundredths of a
second, and a test can afford to kill many. What jobs do is written to a journal outside the
database, whose lines survive the process that wrote them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from durably_server import BlockingStep, Durably, Step, job
from durably_server.http.serving import running_server

STEPS = 4
LEASE = 0.3
_folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()


def database(folder: Path) -> Path:
    return folder / "crash.db"


def journal(folder: Path) -> Path:
    return folder / "journal"


def note(what: str, run_id: str, step: str) -> None:
    """One line in one write, which no kill can tear apart."""
    file = os.open(journal(_folder), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{what} {run_id} {step}\n".encode())
    os.close(file)


@job("walk")
async def walk(step: Step, input: int) -> int:
    async def one(name: str) -> int:
        note("began", step.run_id, name)
        await asyncio.sleep(0.005)
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


async def _serve() -> None:
    durably = Durably(
        f"sqlite:///{database(_folder)}",
        jobs=[walk, carry, fall],
        max_concurrent_runs=8,
        polling_interval=0.05,
        lease=LEASE,
        lease_renewal=LEASE / 4,
    )
    async with running_server(durably) as url:
        print("listening", url, flush=True)
        await asyncio.Event().wait()


def _main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that are killed
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            asyncio.run(_serve())
            os._exit(0)
        print("born", child, flush=True)


if __name__ == "__main__":
    _main()
