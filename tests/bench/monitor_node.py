"""The monitor in a real terminal on the Node server, which tells 1,000 events a second."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.keep_alive import KeepAlive
from tests.bench.measure import heading
from tests.bench.watched import Watched, figures, keys_of

RATE, SECONDS = 1_000, 60
ENDED = 60
"""Runs in the table before, so that there is something to move in."""


def run() -> None:
    """Print the figures."""
    heading("Monitor in a terminal, on the Node server")
    # The servers of the tests are found from their folder, as pytest does.
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from support.node_server import node_missing

    if (missing := node_missing()) is not None:
        print(f"no server: {missing}")
    else:
        asyncio.run(_on_node())


async def _on_node() -> None:
    from support.node_server import NodeServer

    with tempfile.TemporaryDirectory() as folder:
        async with NodeServer(Path(folder, "bench.db")) as server, KeepAlive(server.url) as http:
            for number in range(ENDED):
                await _trigger(http, "echo", {"value": str(number)})
            with Watched(server.url) as watched:
                await asyncio.to_thread(_settle, watched)
                still = await asyncio.to_thread(keys_of, watched, 4)
                run_id = await _trigger(
                    http, "chatter", {"perSecond": RATE, "seconds": SECONDS + 10}
                )
                await asyncio.to_thread(_settle, watched)
                began, before = time.perf_counter(), await _told(http, run_id)
                busy = await asyncio.to_thread(keys_of, watched, SECONDS)
                rate = (await _told(http, run_id) - before) / (time.perf_counter() - began)
    figures(f"key answer, {rate:,.0f} events/s; none", busy, "p95 <= 50 ms", still)


def _settle(watched: Watched) -> None:
    watched.until("completed")
    watched.send("G" + "k" * 4)  # off the last line, where the cursor would stay
    watched.pump(3)


async def _trigger(http: KeepAlive, name: str, input: object) -> str:
    answer = await http.post("/trigger", {"jobName": name, "input": input})
    run_id: str = json.loads(answer)["runId"]
    return run_id


async def _told(http: KeepAlive, run_id: str) -> int:
    """How many events a run has told; every hundredth tells that."""
    progress = json.loads(await http.get(f"/run?runId={run_id}"))["progress"]
    return int(progress["current"]) if progress else 0
