"""Where followed log lines come from: the tasks that read them end with whoever takes them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

from support.fake_stream import FakeStream

from durably_tui.cli.log_source import followed
from durably_tui.client import DurablyClient
from durably_tui.protocol import LogWrite, NotFound, Run, RunStatus

RUNS = [Run(id=f"R{n}", job_name="job", status=RunStatus.RUNNING) for n in range(3)]


class Client:
    """A server whose runs write more than anybody reads."""

    refuses: str | None = None
    """The run of which it knows no lines."""

    def subscribe(self, run_id: str) -> FakeStream:
        stream = FakeStream(run_id)
        stream.live()
        for number in range(100):
            stream.send([LogWrite(run_id=run_id, message=f"line {number}")])
        return stream

    async def get_logs(self, run_id: str, **asked: Any) -> None:
        if run_id == self.refuses:
            raise NotFound("Run not found")


def tasks() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("durably:")]


async def until_all_wait() -> None:
    for _ in range(1_000):
        await asyncio.sleep(0)


async def test_who_stops_reading_is_let_go_though_lines_wait() -> None:
    lots = followed(cast("DurablyClient", Client()), RUNS, (), 10)
    await anext(lots)
    await until_all_wait()  # for room
    assert len(tasks()) == 1 + len(RUNS)
    closing = asyncio.ensure_future(lots.aclose())
    await until_all_wait()
    ended, left = closing.done(), tasks()
    closing.cancel()
    with suppress(asyncio.CancelledError):
        await closing
    assert (ended, left) == (True, [])


async def test_an_error_of_one_run_comes_after_the_lines_that_came_before() -> None:
    client = Client()
    client.refuses = RUNS[1].id
    told = 0
    error: Exception | None = None
    try:
        async for lot in followed(cast("DurablyClient", client), RUNS, (), 10):
            told += len(lot)
    except NotFound as found:
        error = found
    assert isinstance(error, NotFound)
    assert told > 0
    assert tasks() == []
