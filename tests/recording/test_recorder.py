"""What a recorder asks for and when, and how a recording ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from support.fake_port import FakePort

from durably_tui.protocol import Connection, Phase, Run, Step, Unauthorised, Unreachable
from durably_tui.recording import (
    Header,
    Recorder,
    Recording,
    RecordingError,
    Writer,
    read,
    recorder,
)


class Source(FakePort):
    """A server in memory that tells of its connection and answers as a client does."""

    told: Recorder | None = None

    def __init__(self) -> None:
        super().__init__()
        self.looked_at: list[str] = []
        """The runs that were asked for one by one."""
        self.steps_of: list[str] = []

        self.answers_left: int | None = None
        """After so many answers the next are held back until ``gate`` is set."""

    async def get_run(self, run_id: str) -> Run | None:
        found = await super().get_run(run_id)
        self.looked_at.append(run_id)
        return found

    async def get_steps(self, run_id: str) -> list[Step]:
        found = await super().get_steps(run_id)
        self.steps_of.append(run_id)
        return found

    def tap(self, tap: Recorder | None, /) -> None:
        self.told = tap

    async def _answer(self, what: str) -> None:
        if self.answers_left is not None:
            if self.answers_left == 0:
                self.gate.clear()
            self.answers_left -= 1
        await super()._answer(what)
        if self.told is not None and what == "get_runs":
            self.told.answered("/runs", [("limit", "500")], b"[]")


class Recorded:
    """A recording under way."""

    def __init__(
        self,
        source: Source,
        made: Recorder,
        stop: asyncio.Event,
        path: Path,
        done: asyncio.Task[Any],
    ) -> None:
        self.done = done
        self.source = source
        self.recorder = made
        self.stop = stop
        self.path = path

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    def read(self) -> Recording:
        return read(self.path)


@asynccontextmanager
async def recording(folder: Path, **options: Any) -> AsyncIterator[Recorded]:
    source, stop, path = Source(), asyncio.Event(), folder / "it.ndjson"
    made = Recorder(source, server="http://it/api", **options)

    def create(header: Header) -> Writer:
        return Writer.create(path, header)

    task = asyncio.create_task(made.record(create, stop))
    try:
        yield Recorded(source, made, stop, path, task)
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "EVERY", 0.02)


async def test_many_events_cost_few_requests_and_the_steps_of_what_ended(tmp_path: Path) -> None:
    async with recording(tmp_path) as it:
        source = it.source
        await it.until(lambda: source.requests["get_stats"])
        before = source.requests["get_runs"]
        for run_id in [source.made() for _ in range(20)]:
            source.started(run_id)
            source.completed(run_id)
        await it.until(lambda: source.requests["get_steps"] == 20)
        assert source.requests["get_runs"] <= before + 3
        it.stop.set()
        await it.until(lambda: source.told is None)
    assert it.read().whole
    assert it.read().header.abilities.generation == "fake"


async def test_after_a_lost_connection_everything_is_fetched_again_and_the_gap_is_kept(
    tmp_path: Path,
) -> None:
    async with recording(tmp_path) as it:
        source = it.source
        await it.until(lambda: source.requests["get_stats"])
        it.recorder.turned(source.feeds[0].connection)
        source.cut()
        source.errors["get_runs"] = Unreachable("It is gone.")
        it.recorder.turned(source.feeds[0].connection)
        source.restore()
        back = source.feeds[0].connection
        now = time.time()
        it.recorder.turned(replace(back, since=now))
        # A server that could not resume says so at once: that is no second gap.
        it.recorder.turned(replace(back, since=now, epoch=back.epoch + 1))
        await it.until(lambda: source.requests["get_runs"] > 2)
        assert source.requests["get_stats"] == 1, "what failed is tried again"
        del source.errors["get_runs"]
        await it.until(lambda: source.requests["get_stats"] == 2)
    found = it.read()
    turns = [line for at in range(len(found)) if (line := found.line(at)) is not None]
    assert [turn.phase for turn in turns if hasattr(turn, "phase")] == [
        Phase.LIVE,
        Phase.RECONNECTING,
        Phase.LIVE,
        Phase.LIVE,
    ]
    assert it.recorder.so_far().gaps == 1
    assert "fetched" in found.kinds


async def test_a_server_that_cannot_be_watched_leaves_no_file(tmp_path: Path) -> None:
    source = Source()
    source.errors["probe"] = Unauthorised("Give a token.")
    made = Recorder(source, server="http://it/api")

    def create(header: Header) -> Writer:
        raise AssertionError("no file is to be made")

    with pytest.raises(Unauthorised):
        await made.record(create, asyncio.Event())


async def test_what_the_listener_raises_ends_it_and_leaves_what_can_be_played(
    tmp_path: Path,
) -> None:
    def refuse(connection: Connection) -> None:
        if connection.phase is not Phase.LIVE:
            raise Unauthorised("The token has expired.")

    async with recording(tmp_path, on_turn=refuse) as it:
        await it.until(lambda: it.source.requests["get_stats"])
        it.recorder.turned(it.source.feeds[0].connection)
        it.source.cut()
        await it.until(lambda: it.source.told is None)
    assert not it.read().whole
    assert "fetched" in it.read().kinds


async def test_a_stream_that_never_came_about_leaves_no_file(tmp_path: Path) -> None:
    def refuse(connection: object) -> None:
        raise Unauthorised("Give a token.")

    source, path = Source(), tmp_path / "it.zst"
    made = Recorder(source, server="http://it/api", on_turn=refuse)
    with pytest.raises(Unauthorised):
        await made.record(lambda header: Writer.create(path, header), asyncio.Event())
    assert not path.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full")
async def test_a_disk_that_becomes_full_ends_it_with_a_sentence() -> None:
    source = Source()
    made = Recorder(source, server="http://it/api")
    with pytest.raises(RecordingError, match="cannot be written any more"):
        await made.record(
            lambda header: Writer.create(Path("/dev/full"), header, force=True), asyncio.Event()
        )
    assert source.told is None


async def test_only_some_jobs_are_recorded_where_that_is_wanted(tmp_path: Path) -> None:
    async with recording(tmp_path, jobs=["one", "two"]) as it:
        await it.until(lambda: it.source.requests["get_stats"])
        assert it.source.queries[0].job_names == ("one", "two")
        assert it.source.feeds[0].wants[0] == ("one", "two")
        it.stop.set()
        await it.until(lambda: it.source.told is None)
    assert json.loads(it.path.read_bytes().splitlines()[0])["jobs"] == ["one", "two"]


async def test_a_recording_ends_though_something_happens_in_the_same_moment(
    tmp_path: Path,
) -> None:
    async with recording(tmp_path) as one:
        await one.until(lambda: one.source.requests["get_runs"])
        await asyncio.sleep(0)
        one.stop.set()
        one.recorder._wake.set()
        async with asyncio.timeout(10):
            await one.done
    assert one.read().whole


def changed_far_back(source: Source, count: int) -> list[str]:
    """So many runs that go on, with more above them than one page tells of."""
    old = [source.made() for _ in range(count)]
    for run_id in old:
        source.started(run_id)
    for _ in range(2 * count + 20):
        source.made()
    return old


async def test_of_many_old_runs_that_change_at_once_each_is_described(tmp_path: Path) -> None:
    async with recording(tmp_path) as it:
        source = it.source
        await it.until(lambda: source.requests["get_stats"])
        source.mute = True
        old = changed_far_back(source, 60)
        source.mute = False
        for run_id in old:
            source.completed(run_id)
        await it.until(lambda: set(source.looked_at) >= set(old))
        await it.until(lambda: set(source.steps_of) >= set(old))
        it.stop.set()
        await it.until(lambda: source.told is None)


@pytest.mark.parametrize("answers", [0, 1, 2])
async def test_what_was_being_asked_when_it_ends_is_asked_once_more(
    tmp_path: Path, answers: int
) -> None:
    async with recording(tmp_path) as it:
        source = it.source
        await it.until(lambda: source.requests["get_stats"])
        source.mute = True
        (old,) = changed_far_back(source, 1)
        source.mute = False
        source.requests.clear()
        source.answers_left = answers
        source.completed(old)
        await it.until(lambda: source.requests.total() > answers)  # the page, it, its steps
        it.stop.set()
        await it.until(lambda: source.requests["get_runs"] == 2)
        source.answers_left = None
        source.gate.set()
        async with asyncio.timeout(10):
            await it.done
        assert (old in source.looked_at, old in source.steps_of) == (True, True)
