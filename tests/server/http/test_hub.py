"""The hub by itself: which streams are told of an event, and for how long it is kept."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.server import RECORDED_JOBS

from durably_server import Durably
from durably_server.engine.events import RunComplete, RunTrigger, StepStart
from durably_server.http import hub as hub_module
from durably_server.http.hub import Hub
from durably_server.http.journal import Journal
from durably_server.http.subscriber import Interest, Published
from durably_server.http.wire import Words


class Bench:
    """A hub on an engine that runs nothing; the test says what happens."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.durably = Durably("memory:", jobs=RECORDED_JOBS)
        self.hub = Hub(self.durably, Words(), journal)

    def emit(self, run_id: str = "r") -> None:
        self.durably._bus.emit(RunTrigger(run_id=run_id, job_name="j", labels={}, input=None))

    def step(self, run_id: str) -> None:
        self.durably._bus.emit(
            StepStart(run_id=run_id, job_name="j", labels={}, step_name="s", step_index=0)
        )


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    made.hub.close()


def event_id(chunk: bytes | None) -> str:
    assert chunk is not None
    return chunk.rpartition(b"id: ")[2].partition(b"\n")[0].decode()


async def test_nothing_is_kept_while_nobody_listens(bench: Bench) -> None:
    first = bench.hub.subscribe_runs(Interest())
    bench.emit()
    last = event_id(await first.next())
    bench.hub.remove(first)
    bench.emit("missed")
    back = bench.hub.subscribe_runs(Interest(), last)
    assert b'"missed"' in (await back.next() or b"")


async def test_who_comes_back_too_late_is_told_of_a_gap(bench: Bench, monkeypatch: Any) -> None:
    monkeypatch.setattr(hub_module, "LINGER", -1.0)
    first = bench.hub.subscribe_runs(Interest())
    bench.emit()
    last = event_id(await first.next())
    bench.hub.remove(first)
    bench.emit("missed")
    back = bench.hub.subscribe_runs(Interest(), last)
    assert b'"reason":"expired"' in (await back.next() or b"")
    assert bench.hub.gaps == 1


async def test_who_comes_back_when_nothing_happened_has_missed_nothing(bench: Bench) -> None:
    first = bench.hub.subscribe_runs(Interest())
    bench.emit()
    last = event_id(await first.next())
    bench.hub.remove(first)
    back = bench.hub.subscribe_runs(Interest(), last)
    bench.emit("next")
    chunk = await back.next() or b""
    assert b'"next"' in chunk
    assert b"gap" not in chunk


@pytest.mark.parametrize("journal", [Journal(max_entries=3), Journal(max_bytes=2000)])
async def test_the_journal_forgets_the_oldest(journal: Journal) -> None:
    bench = Bench(journal)
    first = bench.hub.subscribe_runs(Interest())
    ids = []
    for n in range(6):
        bench.emit(str(n))
        ids.append(event_id(await first.next()))
    for after, chunks in ((ids[1], [b"expired"]), (ids[2], [b'"3"', b'"4"', b'"5"'])):
        back = bench.hub.subscribe_runs(Interest(), after)
        chunk = await back.next() or b""
        assert [each in chunk for each in chunks] == [True] * len(chunks)
    bench.hub.close()


async def test_an_id_of_one_stream_does_not_promise_another(bench: Bench) -> None:
    every = bench.hub.subscribe_runs(Interest())
    bench.step("a")
    before = event_id(await every.next())
    bench.step("a")
    # Nobody listened to this run, so its own events were not written for anybody.
    stream, goes_on = bench.hub.subscribe_run("a", Interest(), before)
    assert not goes_on
    assert b'"reason":"expired"' in (await stream.next() or b"")


async def test_an_encoded_event_is_one_for_all(bench: Bench) -> None:
    streams = [bench.hub.subscribe_runs(Interest()) for _ in range(3)]
    bench.emit()
    frames = [next(iter(stream._frames.values())) for stream in streams]
    assert frames[0] is frames[1] is frames[2]


async def test_streams_of_runs_are_forgotten(bench: Bench, monkeypatch: Any) -> None:
    monkeypatch.setattr(hub_module, "LINGER", -1.0)
    monkeypatch.setattr(hub_module, "_MANY_AUDIENCES", 10)
    bench.hub._many = 10
    for n in range(50):
        stream, _ = bench.hub.subscribe_run(str(n), Interest())
        bench.hub.remove(stream, str(n))
    assert len(bench.hub._of_run) <= 10
    stream, _ = bench.hub.subscribe_run("refused", Interest())
    bench.hub.remove(stream, "refused", forget=True)
    assert "refused" not in bench.hub._of_run


async def test_the_last_event_of_a_run_ends_its_streams(bench: Bench) -> None:
    stream, _ = bench.hub.subscribe_run("a", Interest())
    bench.durably._bus.emit(
        RunComplete(run_id="a", job_name="j", labels={}, output=None, duration=1)
    )
    assert await stream.next() is not None
    assert await stream.next() is None


def test_ids_are_read_back() -> None:
    journal = Journal()
    number = journal.next_number()
    assert journal.number_of(journal.id_of(number)) == number
    assert Journal().number_of(journal.id_of(number)) is None
    assert journal.number_of(journal.id_of(number + 1)) is None


def test_interest() -> None:
    event = Published(1, "run:trigger", "r", "j", {"a": "1", "b": "2"}, b"", b"")
    assert Interest().takes(event)
    assert Interest(
        frozenset({"j", "k"}), frozenset({("a", "1")}), frozenset({"run:trigger"})
    ).takes(event)
    assert not Interest(frozenset({"k"})).takes(event)
    assert not Interest(labels=frozenset({("a", "2")})).takes(event)
    assert not Interest(types=frozenset({"run:fail"})).takes(event)


async def test_a_stream_that_is_asked_for_as_the_server_stops_ends_at_once(bench: Bench) -> None:
    bench.hub.close()  # while somebody was still asked whether it may be opened
    of_all = bench.hub.subscribe_runs(Interest())
    of_run, _ = bench.hub.subscribe_run("r", Interest())
    async with asyncio.timeout(5):
        assert (await of_all.next(), await of_run.next()) == (None, None)
    assert bench.hub._keep_alive is None
