"""A server that is killed and started again while it is watched, under load."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from support.python_server import PythonServer
from support.server_process import ServerProcess

from tests.proof import likeness
from tests.proof.held import at_rest, held, left
from tests.proof.report import Trial
from tests.proof.stage import CALM, Stage, stage
from tests.proof.vitals import vitals


async def kills(make: Callable[[Path], ServerProcess], trial: Trial) -> str:
    """SIGKILL and a new start under load; compared after each."""
    times = trial.options.kills or trial.pick(100, 3)
    before = vitals()
    fallen: list[str] = []
    async with contextlib.AsyncExitStack() as life:
        server = await life.enter_async_context(make(trial.folder))
        stores = isinstance(server, PythonServer)
        watched = await life.enter_async_context(
            stage(server.url, server.url, trial.dice, stores_lines=stores)
        )
        await watched.warm_up()
        warm = await at_rest()
        for number in range(times):
            first_gap = len(likeness.gaps_of(watched.log.lines))
            await watched.follow(2, delayMs=150)
            watched.load.start()
            await asyncio.sleep(trial.dice.uniform(0.05, 0.6))
            await server.kill()
            await asyncio.sleep(trial.dice.uniform(0, 0.3))
            await server.start()
            await asyncio.sleep(trial.dice.uniform(0, 0.5))
            other = await _calm_again(watched, server, fallen)
            if not other and not await _outage_is_told(watched):
                other = f"the outage was not told: {watched.hooks.feed.state.outage}"
            if not other and not stores and not likeness.gaps_of(watched.log.lines)[first_gap:]:
                other = "the log has no line that says that lines may be missing"
            if other:
                trial.violated(f"kill {number + 1}, {server.name}: {other}")
            await watched.rest()
        kept = held("", warm, await at_rest(before=warm), trial)
        triggered = watched.load.triggered
    closed = left("", before, vitals(), trial)
    told = f", fell by itself {len(fallen)} times ({fallen[0]})" if fallen else ""
    return f"{times} kills{told}, {triggered} runs; {kept.figures}; {closed.figures}"


async def _calm_again(watched: Stage, server: ServerProcess, fallen: list[str]) -> str:
    """Compare; a server that is not ours may fall by itself, and is started again."""
    while True:
        try:
            return await watched.calm(killed=True)
        except httpx.TransportError:
            await asyncio.sleep(0.5)  # its end is told a little later than it is seen
            if server.has_ended is None or isinstance(server, PythonServer):
                raise
            fallen.append(server.stderr().strip().rpartition("\n")[2] or server.has_ended)
            await server.restart()


async def _outage_is_told(watched: Stage) -> bool:
    """Whether it is said from when to when the stream was not there. Requests are answered before
    it is open again, so that the rest can be right by then."""
    deadline = time.monotonic() + CALM
    while (outage := watched.hooks.feed.state.outage) is None or outage.until is None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True
