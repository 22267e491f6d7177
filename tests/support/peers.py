"""Both generations of a Durably server behind one face, for scenarios that hold for either."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import httpx
from support.durably08 import Durably08
from support.jobs08 import JOBS, Job, JobFailed, Row, Step
from support.node_server import NodeServer
from support.replay08 import Replay08, replay08

from durably_tui.client import Pace

QUICK = Pace(first_delay=0.02, max_delay=0.2, closing_grace=0.1)
"""Reconnect without the pauses that a real server deserves."""
PATIENCE = 40.0
"""Seconds until something that never comes fails the test."""
_LOOK_AGAIN = 0.01

ENDED = {"completed", "failed", "cancelled"}
LONG = {"count": 1000, "delayMs": 50}
"""The input of a `steps` run that is still running when a test is over."""


async def until(condition: Callable[[], object], what: str = "") -> None:
    """Wait until `condition()` is true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what or condition} never came"
        await asyncio.sleep(_LOOK_AGAIN)


class Peer(ABC):
    """A server that is started, killed and started again on one port, with the same runs.

    What is asked here goes by plain httpx, so that the subject is never its own witness.
    """

    generation: str
    port = 0

    @property
    def url(self) -> str:
        """The base of all routes, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}/api/durably"

    @abstractmethod
    async def start(self) -> None:
        """Begin to take requests, on the same port as before."""

    @abstractmethod
    async def kill(self) -> None:
        """End as in a crash: no stream is closed in order, no run given back."""

    @abstractmethod
    async def stop(self) -> None:
        """End in order."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def ask(self, method: str, path: str, *, body: Any = None, **params: Any) -> Any:
        """The JSON of one answer.

        Raises:
            httpx.HTTPStatusError: the status is no success.
        """
        # Without this httpx reads all certificates first, for an address that needs none.
        no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        async with httpx.AsyncClient(timeout=30, verify=no_tls) as http:
            response = await http.request(
                method, f"{self.url}{path}", params=params, content=body and json.dumps(body)
            )
            response.raise_for_status()
            return response.json()

    async def runs(self, **params: Any) -> list[dict[str, Any]]:
        """`GET /runs`: all of them, or those that `params` ask for."""
        answer: list[dict[str, Any]] = await self.ask("GET", "/runs", **params)
        return answer

    async def run(self, run_id: str) -> dict[str, Any]:
        """`GET /run`."""
        answer: dict[str, Any] = await self.ask("GET", "/run", runId=run_id)
        return answer

    async def trigger(self, job_name: str, input: Any, **options: Any) -> str:
        """Trigger a run and give its id; `options` are fields of the body (`labels=…`)."""
        body = {"jobName": job_name, "input": input, **options}
        return str((await self.ask("POST", "/trigger", body=body))["runId"])

    async def until_run(self, run_id: str, condition: Callable[[dict[str, Any]], object]) -> Row:
        """Wait until the run is so, and give it."""
        deadline = time.monotonic() + PATIENCE
        while not condition(run := await self.run(run_id)):
            assert time.monotonic() < deadline, run
            await asyncio.sleep(_LOOK_AGAIN)
        return run

    async def ended(self, run_id: str) -> Row:
        """Wait for the end of a run, and give the run."""
        return await self.until_run(run_id, lambda run: run["status"] in ENDED)

    async def done(self, job_name: str, input: Any, **options: Any) -> str:
        """Trigger a run, wait for its end, give its id."""
        run_id = await self.trigger(job_name, input, **options)
        await self.ended(run_id)
        return run_id

    async def running(self, input: Any = LONG, **options: Any) -> str:
        """Trigger a `steps` run, wait until its first step is done, give its id."""
        run_id = await self.trigger("steps", input, **options)
        await self.until_run(run_id, lambda run: run["currentStepIndex"] > 0)
        return run_id


class NodePeer(Peer):
    """The real 0.15 server."""

    generation = "0.15"

    def __init__(self, folder: Path, port: int = 0) -> None:
        # With these leases a run that was interrupted by a kill goes on soon after the restart.
        self.server = NodeServer(
            folder / "node.db", port=port, lease_ms=1200, lease_renew_interval_ms=200
        )

    async def start(self) -> None:
        await self.server.start()
        self.port = self.server.port

    async def clear(self) -> None:
        """Leave a running server without runs, whatever was done to it before."""
        if not self.server.running:
            await self.start()
        for run in await self.runs():
            if run["isActive"]:
                await self.ask("POST", "/cancel", runId=run["id"])
            await self.ask("DELETE", "/run", runId=run["id"])

    async def kill(self) -> None:
        await self.server.kill()

    async def stop(self) -> None:
        # Nothing is left to be kept, and SIGTERM would wait for the steps that run.
        await self.server.kill()


class ReplayPeer(Peer):
    """The 0.8 server of the recordings, without the recorded runs."""

    generation = "0.8"

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.durably = Durably08()
        self.durably.runs.clear()
        self.durably.run_steps.clear()
        self.replay: Replay08
        self._life = AsyncExitStack()

    @property
    def requests(self) -> list[str]:
        """Every request since the last start, as `GET /runs?limit=3`."""
        return self.replay.requests

    async def start(self) -> None:
        server = replay08(durably=self.durably, port=self.port)
        self.replay = await self._life.enter_async_context(server)
        self.port = self.replay.port

    async def kill(self) -> None:
        self.replay.cut_connections()
        await self._life.aclose()

    async def stop(self) -> None:
        await self._life.aclose()


def _fail_unless_there(path: Path) -> None:
    if not path.exists():
        raise JobFailed("not this time")


async def _flaky(step: Step, payload: Row) -> Row:
    """As the Node server's job: fails for as long as the file `until` is not there."""

    async def prepare() -> None:
        pass

    async def work() -> None:
        _fail_unless_there(Path(payload["until"]))

    await step.run("prepare", prepare)
    await step.run("work", work)
    return {"ok": True}


async def _held(step: Step, payload: Row) -> Row:
    """As the Node server's job: works until the file `until` is there."""

    async def prepare() -> None:
        pass

    async def wait() -> None:
        await until(Path(payload["until"]).exists)

    await step.run("prepare", prepare)
    step.progress(1, 2, "held")
    await step.run("wait", wait)
    step.progress(2, 2, "let go")
    return {"ok": True}


async def _noisy(step: Step, payload: Row) -> Row:
    """As the Node server's job, but for the step of its lines, which 0.8 jobs do not tell here."""

    async def talk() -> None:
        for i in range(payload["lines"]):
            step.log(("info", "warn", "error")[i % 3], f"line {i}", line=i, of=payload["lines"])

    await step.run("talk", talk)
    return {"lines": payload["lines"]}


MORE_JOBS08 = {
    "flaky": Job(_flaky, {"until": "string"}),
    "held": Job(_held, {"until": "string"}),
    "noisy": Job(_noisy, {"lines": "number"}),
}
"""Jobs of the Node server that the recorded 0.8 server did not have."""
KNOWN_JOBS08 = JOBS
