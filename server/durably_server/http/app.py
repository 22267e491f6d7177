"""What every route needs: the engine, the streams, the words, who asks for what."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from starlette.types import Receive, Scope, Send

from durably_server.engine.engine import Engine
from durably_server.engine.errors import NotFoundError
from durably_server.engine.model import Run
from durably_server.http.answers import Answer
from durably_server.http.auth import Guard, Operation
from durably_server.http.hub import Hub
from durably_server.http.metrics import Metrics
from durably_server.http.parameters import Query
from durably_server.http.requests import read_body
from durably_server.http.wire import Words

Streaming = Callable[[Receive, Send], Awaitable[None]]
"""Sends an answer that goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One handler's parts."""

    durably: Engine
    words: Words
    guard: Guard
    hub: Hub
    metrics: Metrics
    max_body: int
    starts_worker: bool


@dataclass(frozen=True, slots=True)
class Call:
    """One request whose route was found and whose sender was let in."""

    app: App
    query: Query
    scope: Scope
    receive: Receive
    context: Any

    async def body(self) -> bytes:
        """The request's body, at most as large as the handler allows."""
        return await read_body(self.scope, self.receive, self.app.max_body)

    async def run(self, operation: Operation) -> Run:
        """The run that ``runId`` names, if whoever asks may do this with it.

        Raises:
            NotFoundError: there is none.
        """
        run_id = self.query.run_id()
        run = await self.app.durably.get_run(run_id)
        if run is None:
            raise NotFoundError("Run not found")
        await self.app.guard.on_run_access(self.context, run, operation)
        return run


Endpoint = Callable[[Call], Awaitable[Answer | Streaming]]


@lru_cache
def server_version() -> str:
    """The version of the distribution."""
    try:
        return version("durably-tui")
    except PackageNotFoundError:
        return "unknown"
