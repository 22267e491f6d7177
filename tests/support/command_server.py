"""A server in a process of its own for tests that do not await: those of the command line."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from support.node_server import NodeServer
from support.plain_http import NO_TLS
from support.python_server import PythonServer
from support.server_process import ServerProcess

PATIENCE = 20.0


class CommandServer:
    """A running server; every method waits for its answer."""

    def __init__(self, url: str, *, is_node: bool = False) -> None:
        self.url = url
        self.is_node = is_node
        self._http = httpx.Client(base_url=url, timeout=20, verify=NO_TLS)

    def trigger(self, job: str, input: Any, **options: Any) -> str:
        """Trigger a run and give its id; `options` are fields of the body (`labels=…`)."""
        answer = self._http.post("/trigger", json={"jobName": job, "input": input, **options})
        answer.raise_for_status()
        return str(answer.json()["runId"])

    def run(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self._http.get("/run", params={"runId": run_id}).json()
        return found

    def until(self, run_id: str, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Ask for the run until it is as wanted."""
        deadline = time.monotonic() + PATIENCE
        while not wanted(run := self.run(run_id)):
            assert time.monotonic() < deadline, run
            time.sleep(0.02)
        return run

    def ended(self, run_id: str) -> dict[str, Any]:
        """Wait until the run has ended."""
        return self.until(run_id, lambda run: run.get("isTerminal"))

    def done(self, job: str, input: Any, **options: Any) -> str:
        """Trigger a run, wait until it has ended, and give its id."""
        run_id = self.trigger(job, input, **options)
        self.ended(run_id)
        return run_id

    def cancel(self, run_id: str) -> None:
        self._http.post("/cancel", params={"runId": run_id}).raise_for_status()

    def close(self) -> None:
        self._http.close()


@contextmanager
def python_peer(folder: Path) -> Iterator[CommandServer]:
    """Our server, with the Node server's jobs."""
    with _running(PythonServer(folder / "python.db")) as server:
        yield server


@contextmanager
def node_peer(folder: Path) -> Iterator[CommandServer]:
    """The real `@coji/durably` 0.15 server."""
    with _running(NodeServer(folder / "node.db")) as server:
        yield server


@contextmanager
def _running(process: ServerProcess) -> Iterator[CommandServer]:
    child = subprocess.Popen(
        process.command(),
        cwd=process.folder(),
        env=process.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    try:
        process.port = int(json.loads(child.stdout.readline())["port"])
        server = CommandServer(process.url, is_node=isinstance(process, NodeServer))
        try:
            yield server
        finally:
            server.close()
    finally:
        child.terminate()
        child.communicate(timeout=15)
