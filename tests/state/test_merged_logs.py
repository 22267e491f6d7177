"""The lines of many runs in one log: live, from before, and across a lost stream."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from msgspec.structs import replace
from support.fake_port import FakePort
from support.log_entries import NOW, entry
from support.manual_clock import START, ManualClock, settle

from durably_tui.protocol import Connection, LogEntry, StreamBatch, Unreachable
from durably_tui.state import DurablyHooks, LogPast, LogStore, MergedLogs, Past
from durably_tui.state.log_gap import first_id_at


def keeps_lines(port: FakePort) -> None:
    port.abilities = replace(port.abilities, features=frozenset({"logs"}))


def messages(logs: MergedLogs) -> list[str]:
    store = logs.lines
    return [
        "GAP" if store.line(n).gap else store.line(n).message for n in range(store.first, store.end)
    ]


@contextlib.asynccontextmanager
async def lost(port: FakePort, hooks: DurablyHooks) -> AsyncIterator[tuple[MergedLogs, str]]:
    """The log of a server that keeps lines, and a run of it, since the stream was cut."""
    keeps_lines(port)
    run = port.made()
    async with hooks.use_merged_logs() as logs:
        await settle()
        port.cut()
        await settle()
        yield logs, run


async def is_back_unwell(port: FakePort) -> None:
    """The stream is there again, and lines are not told."""
    port.errors["get_logs"] = Unreachable("Nobody answers: is it running?")
    port.restore()
    await settle()


async def test_lines_of_all_runs_as_they_come(port: FakePort, hooks: DurablyHooks) -> None:
    one, two = port.made("import"), port.made("export")
    told = []
    async with hooks.use_merged_logs() as logs:
        logs.subscribe(told.append)
        await settle()
        port.logged(one, "a")
        port.logged(two, "b")
        port.logged(one, "c")
        await settle()
        assert messages(logs) == ["a", "b", "c"]
        assert [line.job_name for line in logs.lines] == ["import", "export", "import"]
        assert logs.state.past is Past.UNSEEN
        assert told[-1].end == 3


async def test_what_was_seen_before_is_there(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    hooks.feed.open()
    one, two = port.made(), port.made()
    await settle()
    for n in range(3):
        port.logged(one, f"one {n}")
        await clock.advance(1)
        port.logged(two, f"two {n}")
        await clock.advance(1)
    async with hooks.use_merged_logs() as logs:
        assert messages(logs) == ["one 0", "two 0", "one 1", "two 1", "one 2", "two 2"]
        port.logged(two, "now")
        await settle()
        assert messages(logs)[-1] == "now"


async def test_stored_lines_come_before_and_none_twice(port: FakePort, hooks: DurablyHooks) -> None:
    keeps_lines(port)
    run = port.made()
    for n in range(2_500):
        port.logged(run, f"old {n}")
    async with hooks.use_merged_logs() as logs:
        port.gate.clear()
        await settle()
        for n in range(5):
            port.logged(run, f"new {n}")
        port.gate.set()
        await settle()
        assert messages(logs) == [f"old {n}" for n in range(1_500, 2_500)] + [
            f"new {n}" for n in range(5)
        ]
        assert logs.state.past is Past.MORE
        for expected in (2_005, 2_505):
            logs.load_earlier()
            assert logs.state.past is Past.LOADING
            await settle()
            assert len(logs.lines) == expected
        assert messages(logs)[:2] == ["old 0", "old 1"]
        assert logs.state.past is Past.WHOLE
        before = port.requests["get_logs"]
        logs.load_earlier()
        await settle()
        assert port.requests["get_logs"] == before


async def test_what_is_stored_and_was_seen_as_well_is_told_once() -> None:
    """The answer is younger than the first live lines: it has them, too."""
    port, store = FakePort(), LogStore()
    keeps_lines(port)
    run = port.made()
    for n in range(1_300):
        port.logged(run, f"line {n}")
    store.extend(port.lines[100:])
    past = LogPast(port, store, on_change=lambda: None)
    past.more()
    await settle()
    assert [line.message for line in store] == [f"line {n}" for n in range(1_300)]
    await past.aclose()


async def test_a_request_that_fails_says_so_and_can_be_made_again(
    port: FakePort, hooks: DurablyHooks
) -> None:
    keeps_lines(port)
    port.logged(port.made(), "old")
    port.errors["get_logs"] = Unreachable("Nobody answers: is it running?")
    async with hooks.use_merged_logs() as logs:
        await settle()
        assert logs.state.past is Past.FAILED
        assert str(logs.state.error) == "Nobody answers: is it running?"
        del port.errors["get_logs"]
        logs.load_earlier()
        await settle()
        assert messages(logs) == ["old"]
        assert (logs.state.past, logs.state.error) == (Past.WHOLE, None)


async def test_what_was_missed_is_fetched_where_it_is_stored(
    port: FakePort, hooks: DurablyHooks
) -> None:
    keeps_lines(port)
    run = port.made()
    async with hooks.use_merged_logs() as logs:
        await settle()
        port.logged(run, "before")
        await settle()
        port.cut()
        await settle()
        port.logged(run, "missed 1")
        port.logged(run, "missed 2")
        port.gate.clear()
        port.restore()
        await settle()
        port.logged(run, "after")
        await settle()
        port.gate.set()
        await settle()
        assert messages(logs) == ["before", "missed 1", "missed 2", "after"]
        port.logged(run, "on")
        await settle()
        assert messages(logs)[-1] == "on"


async def test_a_line_that_was_fetched_and_then_comes_by_the_stream_is_told_once(
    port: FakePort, hooks: DurablyHooks
) -> None:
    async with lost(port, hooks) as (logs, run):
        port.logged(run, "missed")
        late = port.published[-1]
        port.restore()
        await settle()
        assert messages(logs) == ["missed"]
        logs._heard(StreamBatch(Connection(), (late,)))
        port.logged(run, "missed")
        await settle()
        assert messages(logs) == ["missed", "missed"], "the second was written later"


async def test_a_line_that_comes_while_it_is_fetched_is_told_once(
    port: FakePort, hooks: DurablyHooks
) -> None:
    async with lost(port, hooks) as (logs, run):
        port.logged(run, "missed")
        port.mute = True
        port.logged(run, "both")
        port.mute = False
        late = port.published[-1]
        port.gate.clear()
        port.restore()
        await settle()
        logs._heard(StreamBatch(Connection(), (late,)))
        port.gate.set()
        await settle()
        assert messages(logs) == ["missed", "both"]


async def test_a_server_that_is_not_well_at_once_is_asked_again(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    async with lost(port, hooks) as (logs, run):
        port.logged(run, "missed")
        await is_back_unwell(port)
        port.logged(run, "after")
        await settle()
        assert messages(logs) == []
        del port.errors["get_logs"]
        await clock.advance(1)
        assert messages(logs) == ["missed", "after"]


async def test_what_cannot_be_had_in_the_end_is_told_to_be_missing(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    async with lost(port, hooks) as (logs, run):
        port.logged(run, "missed")
        await is_back_unwell(port)
        port.logged(run, "after")
        await clock.advance(30)
        assert messages(logs) == ["GAP", "after"]


async def test_lost_again_while_what_was_missed_cannot_be_had(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    async with lost(port, hooks) as (logs, run):
        port.logged(run, "missed 1")
        await is_back_unwell(port)
        port.logged(run, "between")
        await settle()
        port.cut()
        await settle()
        port.logged(run, "missed 2")
        port.restore()
        await settle()
        del port.errors["get_logs"]
        await clock.advance(2)
        port.logged(run, "after")
        await settle()
        assert sorted(messages(logs)) == ["after", "between", "missed 1", "missed 2"]


async def test_the_clock_here_does_not_decide_what_was_missed(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    keeps_lines(port)
    run = port.made()
    async with hooks.use_merged_logs() as logs:
        await settle()
        port.started(run)
        await settle()
        await clock.advance(3600)  # the server's own stands still
        port.cut()
        await settle()
        port.logged(run, "missed")
        port.restore()
        await settle()
        assert messages(logs) == ["missed"]


async def test_what_was_missed_is_told_where_it_is_not(port: FakePort, hooks: DurablyHooks) -> None:
    run = port.made()
    async with hooks.use_merged_logs() as logs:
        await settle()
        port.logged(run, "before")
        await settle()
        port.cut()
        await settle()
        port.logged(run, "missed")
        port.restore()
        await settle()
        port.logged(run, "after")
        await settle()
        assert messages(logs) == ["before", "GAP", "after"]


async def test_lines_of_some_runs(port: FakePort, hooks: DurablyHooks) -> None:
    keeps_lines(port)
    runs = [port.made(), port.made(), port.made()]
    for run in runs:
        port.started(run)
    for n in range(30):
        port.logged(runs[n % 3], f"old {n}")
    async with hooks.use_merged_logs(runs[:2]) as logs:
        await settle()
        for n in range(30, 36):
            port.logged(runs[n % 3], f"new {n}")
            await settle()
        wanted = [n for n in range(36) if n % 3 < 2]
        assert messages(logs) == [f"{'old' if n < 30 else 'new'} {n}" for n in wanted]
        assert logs.state.past is Past.WHOLE


async def test_pages_of_several_runs_are_merged_by_time() -> None:
    port, store = FakePort(), LogStore()
    keeps_lines(port)
    of = {"a": 1, "b": 7, "c": 100}
    for n in range(700):
        for run_id, every in of.items():
            if n % every == 0:
                at = NOW + timedelta(milliseconds=n)
                line = entry(n, f"{run_id} {n}", run_id=run_id, timestamp=at)
                port.lines.append(replace(line, id=f"L{len(port.lines):06}"))
    past = LogPast(port, store, list(of), on_change=lambda: None, page=50)
    while past.state is not Past.WHOLE:
        past.more()
        await settle()
    assert [line.message for line in store] == [line.message for line in port.lines]
    await past.aclose()


async def test_nothing_is_left_behind(port: FakePort, hooks: DurablyHooks) -> None:
    keeps_lines(port)
    port.gate.clear()
    logs = hooks.use_merged_logs().start()
    assert logs.start() is logs
    await settle()
    await logs.aclose()
    await logs.aclose()
    assert logs.start().state == logs.state
    port.gate.set()


def test_the_first_id_of_a_time() -> None:
    assert first_id_at(1469918176.385) == "01ARYZ6S41" + "0" * 16
    assert first_id_at(0) == "0" * 26


async def test_what_was_missed_before_it_was_opened_is_told_in_its_place(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    hooks.feed.open()
    run_id = port.made()
    await settle()
    port.logged(run_id, "before")
    await clock.advance(5)
    port.cut()
    await clock.advance(10)
    port.logged(run_id, "missed")
    port.restore()
    await clock.advance(1)
    port.logged(run_id, "after")
    await settle()
    async with hooks.use_merged_logs() as logs:
        assert messages(logs) == ["before", "GAP", "after"]


async def test_a_stream_that_was_let_go_left_a_gap(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    hooks.feed.open()
    run_id = port.made()
    await settle()
    port.logged(run_id, "before")
    await clock.advance(5)
    hooks.feed.close()
    await clock.advance(10)
    port.logged(run_id, "missed")
    hooks.feed.open()
    await clock.advance(1)
    port.logged(run_id, "after")
    await settle()
    assert hooks.feed.state.away == ((START + 5, START + 15),)
    async with hooks.use_merged_logs() as logs:
        assert messages(logs) == ["before", "GAP", "after"]


async def test_a_request_that_fails_leaves_no_other_behind_that_brings_its_lines_again() -> None:
    class Port(FakePort):
        asked = 0

        async def get_logs(self, run_id: str | None = None, **_: Any) -> list[LogEntry] | None:
            self.asked += 1
            if self.asked == 1:  # of the slow one, as it is asked first
                await self.gate.wait()
            if self.asked <= 2 and run_id == "fails":
                raise Unreachable("Nobody answers: is it running?")
            return [entry(message="a", run_id="slow", id="1")] if run_id == "slow" else []

    port, store = Port(), LogStore()
    past = LogPast(port, store, ["slow", "fails"], on_change=lambda: None)
    port.gate.clear()
    past.more()
    await settle()
    past.more()
    await settle()
    port.gate.set()
    await settle()
    assert past.state is Past.FAILED
    past.more()
    await settle()
    assert past.state is Past.WHOLE
    assert [line.message for line in store] == ["a"]
    assert port.asked == 3
    await past.aclose()
