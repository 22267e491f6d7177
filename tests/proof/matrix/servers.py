"""The four servers of the matrix behind one face: the same jobs, one run at a time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
from support.node_server import NodeServer
from support.peers import KNOWN_JOBS08, MORE_JOBS08, ReplayPeer
from support.python_server import PythonServer

PATIENCE = 30.0
"""Seconds until something that never comes fails the cell."""
BASE_PATH = "/api/durably"
OURS, OURS_08, NODE, REPLAY = "ours 0.15", "ours 0.8", "Node 0.15", "replayed 0.8"
SERVERS = (OURS, OURS_08, NODE, REPLAY)


async def until(what: str, condition: Callable[[], object]) -> None:
    """Wait until a condition in this process is true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} never came")
        await asyncio.sleep(0.01)


class World:
    """A server, and what others than the client under test do to it, by plain httpx."""

    def __init__(self, name: str, server: PythonServer | NodeServer | ReplayPeer, folder: Path):
        self.name = name
        self.is_08 = name in (OURS_08, REPLAY)
        self.is_ours = name in (OURS, OURS_08)
        self.has_retry = name != NODE
        self.server = server
        self._folder = folder
        self._gates = 0
        self._http: httpx.AsyncClient

    @property
    def port(self) -> int:
        """The same over a restart."""
        return self.server.port

    async def ask(self, method: str, path: str, body: Any = None, **params: str) -> httpx.Response:
        """One answer, whatever its status."""
        url = f"http://127.0.0.1:{self.port}{BASE_PATH}{path}"
        return await self._http.request(method, url, json=body, params=params)

    async def run(self, run_id: str) -> dict[str, Any] | None:
        """``GET /run``; None where there is none."""
        answer = await self.ask("GET", "/run", runId=run_id)
        found: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
        return found

    async def trigger(self, job: str, input: Any, **options: Any) -> str:
        """A run that somebody else asks for."""
        body = {"jobName": job, "input": input, **options}
        answer = await self.ask("POST", "/trigger", body)
        answer.raise_for_status()
        return str(answer.json()["runId"])

    async def until_run(self, run_id: str, what: str, fits: Callable[[dict[str, Any]], object]):
        """Wait until the server itself says so."""
        deadline = time.monotonic() + PATIENCE
        while (run := await self.run(run_id)) is None or not fits(run):
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} never came: {run}")
            await asyncio.sleep(0.02)

    async def until_a_step_begins(self, run_id: str) -> None:
        """Wait for the next ``step:start`` of a run, by a stream of one's own."""
        url = f"http://127.0.0.1:{self.port}{BASE_PATH}/subscribe"
        async with (
            asyncio.timeout(PATIENCE),
            self._http.stream("GET", url, params={"runId": run_id}) as stream,
        ):
            async for line in stream.aiter_lines():
                if '"step:start"' in line:
                    return
        raise AssertionError(f"no step of {run_id} began")

    @contextlib.asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """The one place of the server is taken while the block runs: other runs stay pending."""
        self._gates += 1
        gate = self._folder / f"gate-{self._gates}"
        run_id = await self.trigger("held", {"until": str(gate)})
        await self.until_run(run_id, "its progress", lambda run: run["progress"] is not None)
        try:
            yield
        finally:
            gate.touch()

    async def restart(self) -> None:
        """Kill it and start it again, on its port and with its runs."""
        await self.server.kill()
        await self.server.start()


@contextlib.asynccontextmanager
async def serving(name: str, folder: Path) -> AsyncIterator[World]:
    """A new server of that name while the block runs."""
    server: PythonServer | NodeServer | ReplayPeer
    if name in (OURS, OURS_08):
        server = PythonServer(
            folder / "ours.db",
            max_concurrent_runs=1,
            generation=name.removeprefix("ours "),
            lease=1.2,
            lease_renewal=0.2,
        )
    elif name == NODE:
        server = NodeServer(
            folder / "node.db", max_concurrent_runs=1, lease_ms=1200, lease_renew_interval_ms=200
        )
    else:
        KNOWN_JOBS08.update(MORE_JOBS08)
        server = ReplayPeer()
    async with server, httpx.AsyncClient(timeout=10) as http:
        world = World(name, server, folder)
        world._http = http
        yield world
