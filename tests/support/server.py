"""A Python Durably server for tests: the jobs of the recordings, and a way to reach it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel
from support.plain_http import plain_client

from durably_server import Durably, JobDefinition, Step, job
from durably_server.engine.engine import Engine
from durably_server.http.serving import running_server


class Echo(BaseModel):
    value: str


class Count(BaseModel):
    count: int
    delayMs: int = 0  # noqa: N815 - as the recordings say it


class Done(BaseModel):
    done: int


class Fails(BaseModel):
    message: str


@job("echo")
async def echo(step: Step, input: Echo) -> Echo:
    return Echo(value=await step.run("echo", lambda: input.value))


@job("steps")
async def steps(step: Step, input: Count) -> Done:
    for i in range(input.count):

        async def one(i: int = i) -> int:
            await asyncio.sleep(input.delayMs / 1000)
            return i

        await step.run(f"step-{i}", one)
        step.progress(i + 1, input.count, f"step {i + 1} of {input.count}")
        step.log.info(f"finished step {i}", {"i": i})
    return Done(done=input.count)


@job("fails")
async def fails(step: Step, input: Fails) -> None:
    step.log.warn("about to fail")

    def boom() -> None:
        raise RuntimeError(input.message)

    await step.run("boom", boom)


RECORDED_JOBS: tuple[JobDefinition[Any, Any], ...] = (echo, steps, fails)


def make_durably(folder: Path, *jobs: JobDefinition[Any, Any], **options: Any) -> Durably:
    """A server on a new file (or the same again), quick to poll and quick to stop."""
    options = {"polling_interval": 0.05, "max_concurrent_runs": 4, "stop_grace": 0.2} | options
    return Durably(f"sqlite:///{folder / 'test.db'}", jobs=jobs or RECORDED_JOBS, **options)


@contextlib.asynccontextmanager
async def reachable(durably: Engine, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose base address is the base path of a server with these options."""
    async with running_server(durably, **options) as url, plain_client(url) as client:
        yield client


class Frames:
    """The events of one open stream and their ids, read in the background."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.ids: list[str | None] = []
        self.marks: list[str] = []
        """Ids that came without an event, which say how far the stream is."""
        self.ended = False
        self._changed = asyncio.Event()

    async def until(self, condition: Callable[[list[dict[str, Any]]], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition(self.events):
                if self.ended:
                    raise AssertionError(f"the stream ended with {self.events}")
                self._changed.clear()
                await self._changed.wait()

    async def until_type(self, event_type: str, count: int = 1) -> None:
        await self.until(lambda events: types(events).count(event_type) >= count)

    async def until_step(self, index: int) -> None:
        await self.until(lambda events: any(event.get("stepIndex") == index for event in events))

    async def until_mark(self, count: int = 1) -> None:
        await self.until(lambda _: len(self.marks) >= count)

    async def until_end(self) -> None:
        async with asyncio.timeout(10):
            while not self.ended:
                self._changed.clear()
                await self._changed.wait()

    def _take(self, text: str) -> None:
        text = text.removeprefix(": keep-alive\n")
        if "\ndata: " not in f"\n{text}":
            assert text.startswith("id: "), text
            assert "\n" not in text, text
            self.marks.append(text.removeprefix("id: "))
            self._changed.set()
            return
        *head, data = text.split("\n")
        assert data.startswith("data: "), text
        assert [line.startswith("id: ") for line in head] in ([], [True]), text
        self.ids.append(head[0].removeprefix("id: ") if head else None)
        self.events.append(json.loads(data.removeprefix("data: ")))
        self._changed.set()

    def _end(self) -> None:
        self.ended = True
        self._changed.set()


@contextlib.asynccontextmanager
async def listening(
    client: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None
) -> AsyncIterator[Frames]:
    """An open stream; the block begins when the server has accepted it."""
    frames = Frames()
    timeout = httpx.Timeout(5, read=None)
    async with client.stream("GET", path, timeout=timeout, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"] == "text/event-stream"

        async def read() -> None:
            rest = ""
            async for text in response.aiter_text():
                *blocks, rest = (rest + text).split("\n\n")
                for block in blocks:
                    frames._take(block)
            frames._end()

        task = asyncio.create_task(read())
        try:
            yield frames
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


async def triggered(client: httpx.AsyncClient, body: dict[str, Any]) -> str:
    """The id of a run that was asked for with this body."""
    answer = await client.post("/trigger", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["runId"])
