"""What a list of runs asks the server for: ``Runs``, beside the real ``useRuns`` in jsdom.

Both watch the same server while the same 1,000 runs pass, each through a relay that counts.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.bench.keep_alive import KeepAlive
from tests.bench.measure import heading, row
from tests.proof.matrix.by_client import ByClient
from tests.proof.matrix.by_react import ByReact
from tests.proof.matrix.driver import Driver
from tests.proof.matrix.servers import BASE_PATH, NODE, OURS, World, serving
from tests.proof.matrix.tap import Tap
from tests.proof.report import Skipped

RUNS = {OURS: 1000, NODE: 300}
"""By the server; a Node server takes its time, and is asked by each of them for each event."""
CONNECTIONS = 8


async def _pass(world: World, runs: int) -> str:
    """All runs, from the first trigger to the last end; gives the id of one more."""
    numbers = iter(range(runs - 1))
    url = f"http://127.0.0.1:{world.port}{BASE_PATH}"

    async def some() -> None:
        async with KeepAlive(url) as http:
            for n in numbers:
                await http.post("/trigger", {"jobName": "echo", "input": {"value": str(n)}})

    await asyncio.gather(*(some() for _ in range(CONNECTIONS)))
    # One place, oldest first: when the last one has ended, all have.
    last = await world.trigger("echo", {"value": "last"})
    for _ in range(20):
        try:
            await world.until_run(last, "the last run", lambda run: run["status"] == "completed")
            break
        except AssertionError:
            continue
    return last


async def counted(server: str, runs: int) -> tuple[int, int]:
    """``GET /runs`` by ours and by theirs while the runs pass, and until both show the last."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            serving(server, Path(folder)) as world,
            Tap(world.port, BASE_PATH) as mine,
            Tap(world.port, BASE_PATH) as theirs,
            ByClient(mine.url, world) as ours,
            ByReact(theirs.url, world) as react,
        ):
            last = await _pass(world, runs)
            drivers: tuple[Driver, ...] = (ours, react)
            for driver in drivers:
                await driver.sees(last, "completed", "echo")
            return _lists(mine), _lists(theirs)


def _lists(tap: Tap) -> int:
    return sum(route == "GET /runs" for route, _ in tap.exchanges())


def run() -> None:
    """Print the figures."""
    heading("requests for a list of runs (reference: useRuns of @coji/durably-react in jsdom)")
    for server, runs in RUNS.items():
        try:
            ours, theirs = asyncio.run(counted(server, runs))
        except Skipped as why:
            print(f"not measured: {why}", flush=True)
            return
        row(
            f"GET /runs for {runs} runs of one step, server {server}",
            f"{ours}",
            f"{theirs}",
            ours / theirs,
            "a few per second",
        )
