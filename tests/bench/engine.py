"""The engine: a flood of log lines that must not be in the way of other runs' steps."""

from __future__ import annotations

import asyncio
import tempfile
import time
from statistics import median

from durably_server import Durably, Step, job
from tests.bench.measure import heading, row

LINES_PER_SECOND = 20_000
BURST = 40
"""Lines between two times that the job gives the loop away, as any async job has to."""
FLOOD_SECONDS = 1.5


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
    heading("engine: steps beside a flood of log lines, and alone")
    asyncio.run(logs())
