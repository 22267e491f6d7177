"""The engine: runs over HTTP beside the Node server, and logs that must not be in the way."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import httpx

from durably_server import Durably, Step, job
from durably_server.http.serving import running_server
from tests.bench.measure import heading, row

RUNS = 1000
PRODUCERS = 32
LINES_PER_SECOND = 20_000
BURST = 40
"""Lines between two times that the job gives the loop away, as any async job has to."""
FLOOD_SECONDS = 1.5
_ROOT = Path(__file__).parents[2]


@job("echo")
async def echo(step: Step, input: dict[str, str]) -> dict[str, str]:
    return {"value": await step.run("echo", lambda: input["value"])}


@job("pace")
async def pace(step: Step, input: float) -> float:
    """Milliseconds of a step that sleeps 5 ms, over ``input`` seconds: the median."""
    took = []
    until = time.perf_counter() + input
    while time.perf_counter() < until:
        began = time.perf_counter()
        await step.run(f"step-{len(took)}", asyncio.sleep, 0.005)
        took.append((time.perf_counter() - began) * 1000)
    return median(took)


@job("flood")
async def flood(step: Step, input: float) -> int:
    """Log lines at the rate that is asked for, a burst each 5 ms; answers how many."""
    write = step.log.info
    began, lines = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - began) < input:
        due = int(elapsed * LINES_PER_SECOND)
        while lines < due:
            for _ in range(BURST):
                write("parsed a row", {"row": lines})
                lines += 1
            await asyncio.sleep(0)
        await asyncio.sleep(0.002)
    return lines


async def runs_per_second(url: str) -> float:
    """From the first trigger to the last end, asked and watched over HTTP."""
    limits = httpx.Limits(max_connections=PRODUCERS + 2)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=120) as client:
        numbers = iter(range(RUNS))

        async def produce() -> None:
            for n in numbers:
                body = {"jobName": "echo", "input": {"value": str(n)}}
                (await client.post("/trigger", json=body)).raise_for_status()

        ended = 0
        began = time.perf_counter()
        async with client.stream("GET", "/runs/subscribe") as stream:
            producers = asyncio.gather(*(produce() for _ in range(PRODUCERS)))
            async for chunk in stream.aiter_bytes():
                ended += chunk.count(b'"run:complete"')
                if ended >= RUNS:
                    break
        took = time.perf_counter() - began
        await producers
    return RUNS / took


@asynccontextmanager
async def ours(folder: Path) -> AsyncIterator[str]:
    """Our server in a process of its own, as a user would run it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.engine", str(folder / "ours.db")),
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


async def throughput() -> None:
    """The Node server of the tests, with WAL, on the same disk; both with 4 runs at once."""
    sys.path.insert(0, str(_ROOT / "tests"))
    from support.node_server import NodeServer, node_missing

    if (missing := node_missing()) is not None:
        print(f"no reference: {missing}")
        return
    for wal, what in ((True, "1,000 runs of one step, Node with WAL"),
                      (False, "1,000 runs of one step, Node as it comes")):  # fmt: skip
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            async with NodeServer(folder / "node.db", wal=wal) as node:
                theirs = await runs_per_second(str(node.url))
            rates = []
            for _ in range(3):
                async with ours(Path(tempfile.mkdtemp(dir=folder))) as url:
                    rates.append(await runs_per_second(url))
            rate = median(rates)
        row(what, f"{rate:.0f}/s", f"{theirs:.0f}/s", rate / theirs, ">= 8")


async def logs() -> None:
    """Steps of eight runs with 20,000 log lines a second beside them, and without."""
    rates: list[float] = []

    async def steps(lines: bool) -> float:
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/l.db"
            async with Durably(url, jobs=[pace, flood], max_concurrent_runs=16) as durably:
                logger = durably.trigger_and_wait(flood, FLOOD_SECONDS if lines else 0.0)
                runs = [durably.trigger_and_wait(pace, FLOOD_SECONDS) for _ in range(8)]
                logged, *done = await asyncio.gather(logger, *runs)
        if lines:
            rates.append(logged.output / FLOOD_SECONDS)
        return median([each.output for each in done])

    beside, alone, ratios = [], [], []
    for _ in range(5):
        alone.append(await steps(False))
        beside.append(await steps(True))
        ratios.append(beside[-1] / alone[-1])
    row(
        f"step of 5 ms beside {median(rates):.0f} log lines/s",
        f"{median(beside):.2f} ms",
        f"{median(alone):.2f} ms",
        median(ratios),
        "<= 1.2",
    )


def run() -> None:
    """Print all figures."""
    heading("engine: beside the Node server, and beside itself without logs")
    asyncio.run(throughput())
    asyncio.run(logs())


async def _serve(path: str) -> None:
    durably = Durably(f"sqlite:///{path}", jobs=[echo], max_concurrent_runs=4)
    async with running_server(durably) as url:
        print(url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(os.fsdecode(sys.argv[1])))
