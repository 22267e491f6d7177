"""A stream that fell silent while only runs that are not the newest went on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from support import bad_servers as bad
from support.hand_clock import HandClock
from support.scripted_stream import (
    EMPTY,
    LIGHT,
    NEWEST,
    STREAM_HEAD,
    Watch,
    asked,
    json_answer,
    newest_answer,
    run_event,
    scripted,
    watched,
)

from durably_tui.client import at_work
from durably_tui.client.at_work import AtWork
from durably_tui.protocol import Phase, RunComplete, RunStart

OF_IT = "/run?runId=a"
RUN = '{"id":"a","jobName":"echo","status":"%s"}'


class Peer:
    """A server with a newest run that stands still, and one at work before it."""

    def __init__(self, *told: bytes) -> None:
        self.told = told
        self.says = json_answer((RUN % "leased").encode())
        """Of the run at work."""
        self.more = asyncio.Event()
        self.later = b""
        self.http: bad.BadServer

    async def stream(self, request: bad.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + b"".join(self.told))
        await self.more.wait()
        writer.write(self.later)
        await asyncio.Event().wait()

    async def answer(self, request: bad.Request, writer: asyncio.StreamWriter) -> None:
        if request.path.endswith(OF_IT):
            writer.write(self.says)
        else:
            writer.write(EMPTY if request.path.endswith(LIGHT) else newest_answer("run-5", 0))


@asynccontextmanager
async def silent_since(clock: HandClock, *told: bytes) -> AsyncIterator[tuple[Peer, Watch]]:
    """A stream that told this, and then nothing for two questions."""
    peer = Peer(*told)
    async with watched(scripted(peer.stream, answer=peer.answer), clock) as (peer.http, watch):
        await watch.until(lambda w: len(w.events) == len(told))
        await clock.sleep_out(1.0)
        await clock.asleep(10.0)
        yield peer, watch


async def test_that_a_run_at_work_has_ended_unsaid_shows_that_the_stream_is_gone() -> None:
    clock = HandClock()
    async with silent_since(clock, run_event("run:leased")) as (peer, watch):
        await clock.sleep_out(10.0)
        await clock.asleep(10.0)
        assert watch.phases == [Phase.LIVE], "it is at work still"
        peer.says = json_answer((RUN % "completed").encode())
        await clock.advance(10.0)
        await clock.sleep_out(clock.pace().closing_grace)
        lost = (await watch.phase(Phase.RECONNECTING)).connection
        assert "stayed silent while runs went on" in str(lost.error)
        assert asked(peer.http).count(OF_IT) == 2


async def test_an_end_that_comes_a_little_later_than_the_answer_is_believed() -> None:
    clock = HandClock()
    async with silent_since(clock, run_event("run:leased")) as (peer, watch):
        peer.says = json_answer((RUN % "failed").encode())
        await clock.advance(10.0)
        await clock.asleep(clock.pace().closing_grace)
        peer.later = run_event("run:fail", error="no")
        peer.more.set()
        await watch.until(lambda w: len(w.events) == 2)
        await clock.advance(clock.pace().closing_grace)
        await clock.sleep_out(10.0)
        await clock.asleep(10.0)
        assert watch.phases == [Phase.LIVE]
        assert asked(peer.http).count(OF_IT) == 1, "it is not at work any more"


@pytest.mark.parametrize(
    "says",
    [
        json_answer((RUN % "leased").encode()),
        json_answer((RUN % "pending").encode()),
        json_answer(b"[]"),
        bad.response_head(404, {"Content-Length": "0"}),
        bad.response_head(500, {"Content-Length": "0"}),
    ],
)
async def test_what_tells_of_no_end_is_no_reason_to_open_it_again(says: bytes) -> None:
    clock = HandClock()
    async with silent_since(clock, run_event("run:leased")) as (peer, watch):
        peer.says = says
        await clock.sleep_out(10.0, 10.0)
        await clock.asleep(10.0)
        assert watch.phases == [Phase.LIVE]
        assert asked(peer.http).count(OF_IT) == 2


@pytest.mark.parametrize(
    "told",
    [
        [],
        [run_event("run:trigger")],
        [run_event("run:leased"), run_event("run:complete")],
        [run_event("step:start", stepName="a", stepIndex=0), run_event("run:cancel")],
    ],
)
async def test_where_no_run_is_at_work_none_is_asked_after(told: list[bytes]) -> None:
    clock = HandClock()
    async with silent_since(clock, *told) as (peer, _):
        await clock.sleep_out(10.0, 10.0)
        await clock.asleep(10.0)
        assert NEWEST in asked(peer.http)
        assert OF_IT not in asked(peer.http)


def test_each_is_asked_after_in_its_turn_and_not_too_many_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(at_work, "_MOST", 3)
    runs = AtWork()
    runs.hears([RunStart(run_id=name) for name in "abcd"])
    assert [runs.next() for _ in range(4)] == ["b", "c", "d", "b"]
    runs.hears([RunComplete(run_id="c")])
    assert [runs.next() for _ in range(3)] == ["d", "b", "d"]
    runs.opened()
    assert runs.next() is None
