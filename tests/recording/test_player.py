"""A recording as a server: what it had at a time, and that it is the same however one got there."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.made_recording import (
    BEGAN,
    DURATION,
    HEADER,
    answer,
    at,
    event,
    frames,
    lines,
    recording,
    run,
    write,
)
from support.manual_clock import settle

from durably_tui.cli.launch_replay import Marks, session_of_replay
from durably_tui.protocol import ABILITIES, DurablyError, Phase, ReadOnly, RunsQuery, RunStatus
from durably_tui.recording import Fetched, Player, Recording, Turn, read
from durably_tui.recording.archive import _ulid_time
from durably_tui.state import DurablyHooks, create_durably_client
from durably_tui.tui.session import Session

with tempfile.TemporaryDirectory() as _folder:
    MADE = recording(Path(_folder))
POSITIONS = st.floats(0, DURATION)


class Clock:
    """Real seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Watching:
    """A player and hooks on it that keep what passes."""

    def __init__(self, made: Recording = MADE) -> None:
        self.clock = Clock()
        self.player = Player(made, monotonic=self.clock)
        self.hooks: DurablyHooks = create_durably_client(self.player, clock=self.player.clock)

    async def __aenter__(self) -> Watching:
        self.hooks.feed.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.hooks.aclose()
        await self.player.aclose()

    async def play_to(self, position: float, speed: float) -> None:
        """Play in steps of real time, as a slow machine does."""
        self.player.set_speed(speed)
        self.player.go()
        while self.player.position < position:
            self.clock.now += (position - self.player.position) / speed / 3 + 1e-3
            self.player._changed.set()
            await settle()
        self.player.hold()

    def state(self) -> dict[str, Any]:
        return state_of(self.player, self.hooks)


async def sought_in(session: Session, to: float) -> Session:
    """A session of the monitor, at a position."""
    assert session.replaying is not None
    session.hooks.feed.open()
    await session.replaying.replay.seek(to)
    return session


def state_of(player: Player, hooks: DurablyHooks) -> dict[str, Any]:
    """All that the state is made of."""
    history, feed = hooks.history, hooks.feed.state
    return {
        "position": player.position,
        "now": player.clock.time(),
        "archive": player.archive,
        "history": {
            run_id: (seen.first_seen, seen.last_seen, seen.ended, seen.gaps, *seen.bursts)
            for run_id, seen in history.runs.items()
        },
        "lines": {run_id: list(seen.logs) for run_id, seen in history.runs.items()},
        "phase": feed.connection.phase,
        "epoch": feed.connection.epoch,
        "last_seen": feed.connection.last_seen,
        "outage": feed.outage,
        "events": feed.events,
        "last_event_at": feed.last_event_at,
        "pulse": hooks.feed.per_second(60),
    }


@settings(max_examples=40, deadline=None)
@given(POSITIONS, st.sampled_from([0.5, 1.0, 30.0, 1000.0]))
async def test_a_state_that_was_sought_is_the_one_that_was_played_to(
    position: float, speed: float
) -> None:
    async with Watching() as played, Watching() as sought, Watching() as hopped:
        await played.play_to(position, speed)
        there = played.player.position
        await sought.player.seek(there)
        assert sought.state() == played.state()
        for part in (there / 3, there / 2, there):
            await hopped.player.seek(part)
        assert hopped.state() == played.state()


@settings(max_examples=25, deadline=None)
@given(POSITIONS, st.integers(1, 9))
async def test_a_state_from_a_mark_is_the_one_from_the_beginning(
    position: float, every: int
) -> None:
    """A replay that goes back begins at the last place before that it remembers."""
    marks = Marks()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("durably_tui.recording.playback.MARK_EVERY", every)
        first = await sought_in(session_of_replay(MADE, marks=marks), DURATION)
        again = session_of_replay(MADE, at=position, marks=marks)
        await sought_in(again, position)
    assert len(marks.found) == len(MADE) // every
    begun = again.hooks.port
    assert isinstance(begun, Player)
    async with Watching() as sought:
        await sought.player.seek(position)
        assert state_of(begun, again.hooks) == sought.state()
    await first.aclose()
    await again.aclose()


async def test_there_are_never_too_many_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("durably_tui.recording.playback.MARK_EVERY", 1)
    monkeypatch.setattr("durably_tui.cli.launch_replay.MOST_MARKS", 6)
    marks = Marks()
    session = await sought_in(session_of_replay(MADE, marks=marks), DURATION)
    assert sorted(marks.found) == list(range(8, len(MADE) + 1, 8))[:6]
    await session.aclose()


async def test_every_step_is_a_state_that_can_be_sought() -> None:
    async with Watching() as stepping:
        while await stepping.player.step():
            async with Watching() as sought:
                await sought.player.seek(stepping.player.position)
                assert sought.state() == stepping.state()
            here = stepping.player.position
            assert stepping.player.before() < here
        assert stepping.player.delivered == len(MADE)


async def test_it_answers_as_the_server_did_then() -> None:
    async def statuses(position: float) -> dict[str, str]:
        async with Watching() as watching:
            await watching.player.seek(position)
            return {run.id: run.status for run in await watching.player.get_runs()}

    assert await statuses(0) == {}
    assert await statuses(0.2) == {"R1": "running", "R0": "completed"}
    assert await statuses(4) == {"R2": "pending", "R1": "running", "R0": "completed"}
    assert (await statuses(5))["R2"] == "running"
    assert (await statuses(12))["R1"] == "completed"
    lost = {"R2": "running", "R1": "completed", "R0": "completed"}
    assert await statuses(19) == lost
    found = {"R3": "pending", "R2": "running", "R1": "completed", "R00": "completed"}
    assert await statuses(20) == found, "R0 was deleted while nobody listened"
    assert await statuses(DURATION) == {**found, "R2": "failed", "R3": "running"}


async def test_what_an_event_leaves_out_is_there_at_once() -> None:
    """The recorder asked a little later than the event came."""
    async with Watching() as watching:
        player = watching.player
        await player.seek(4)
        triggered = await player.get_run("R2")
        assert triggered is not None
        assert triggered.input == {"path": "R2.csv"}
        await player.seek(12)
        ended = await player.get_run("R1")
        assert ended is not None
        assert (ended.output, ended.status) == ({"count": 3}, RunStatus.COMPLETED)
        await player.seek(30)
        failed = await player.get_run("R2")
        assert failed is not None
        assert (failed.status, failed.error) == (RunStatus.FAILED, "no such file")
        assert await player.get_run("none") is None


async def test_pages_filters_and_steps_are_those_of_the_recording() -> None:
    async with Watching() as watching:
        player = watching.player
        await player.seek(20)

        async def ids(query: RunsQuery) -> list[str]:
            return [found.id for found in await player.get_runs(query)]

        assert await ids(RunsQuery(limit=2)) == ["R3", "R2"]
        assert await ids(RunsQuery(limit=2, offset=2)) == ["R1", "R00"]
        assert await ids(RunsQuery(statuses=(RunStatus.COMPLETED,))) == ["R1", "R00"]
        assert await ids(RunsQuery(job_names=("other",))) == []
        assert await ids(RunsQuery(labels=(("env", "prod"),))) == []
        last = await player.get_run("R2")
        assert last is not None
        assert last.created_at is not None
        assert await ids(RunsQuery(after=(last.created_at, "R2"))) == ["R1", "R00"]
        assert [(step.name, step.status) for step in await player.get_steps("R1")] == [
            ("read", "completed")
        ]
        with pytest.raises(DurablyError, match="no run none"):
            await player.get_steps("none")
        assert await player.count_runs() is None
        assert (await player.get_jobs(), await player.get_stats(), await player.get_logs()) == (
            None,
            None,
            None,
        )


async def test_figures_go_on_with_the_runs(tmp_path: Path) -> None:
    """A server was asked for them now and then only: what the events told since is in them."""
    counts = {"pending": 0, "leased": 1, "completed": 7, "failed": 2, "cancelled": 0}
    told = {"window": 3600, "jobs": [{"jobName": "import-csv", "counts": counts}]}
    content = [
        Turn(0, Phase.LIVE, epoch=1),
        answer(0.1, "/runs", [run("R1", -5, "leased")], limit="500", offset="0"),
        answer(0.2, "/stats", told),
        Fetched(0.3),
        frames(1, event("run:trigger", "R2")),
        frames(2, event("run:complete", "R1"), event("run:leased", "R2")),
        frames(3, event("run:fail", "R2")),
        frames(4, event("run:delete", "R1")),
    ]
    header = replace(HEADER, abilities=ABILITIES["python"])
    player = Player(read(write(tmp_path / "figures.ndjson", content, header)))
    pending, running = RunStatus.PENDING, RunStatus.RUNNING
    completed, failed = RunStatus.COMPLETED, RunStatus.FAILED
    for second, wanted in {
        0.5: {running: 1, completed: 7, failed: 2},
        1.5: {running: 1, completed: 7, failed: 2, pending: 1},
        2.5: {running: 1, completed: 8, failed: 2},
        3.5: {completed: 8, failed: 3},
        4.5: {completed: 7, failed: 3},
    }.items():
        await player.seek(second)
        again = Player(player.recording)
        again.begin_at(player.mark())
        for each in (player, again):
            stats = await each.get_stats()
            assert stats is not None
            assert +Counter(stats.jobs[0].counts) == wanted, second


async def test_a_server_that_stores_lines_has_those_of_events_too(tmp_path: Path) -> None:
    def stored(second: float, line_id: str, message: str) -> dict[str, Any]:
        made = f"{_ulid_time(BEGAN.timestamp() + second)}{line_id}"
        return {"id": made, "runId": "R1", "message": message, "createdAt": at(second)}

    def said(second: float, message: str) -> dict[str, Any]:
        return event("log:write", "R1", level="info", message=message, timestamp=at(second))

    old = stored(-5, "OLD", "old")
    content = [
        Turn(0, Phase.LIVE, epoch=1),
        answer(0.1, "/logs", [old], limit="1000"),
        Fetched(0.2),
        frames(1, said(1, "one"), said(1.5, "two")),
        frames(3, said(3, "three")),
        answer(5, "/logs", [old, stored(1, "A", "one"), stored(1.5, "B", "two")]),
    ]
    header = replace(HEADER, abilities=ABILITIES["python"])
    made = read(write(tmp_path / "lines.ndjson", content, header))
    async with Watching(made) as watching:
        player = watching.player
        for moment, wanted in ((2, ["old", "one", "two"]), (5, ["old", "one", "two", "three"])):
            await player.seek(moment)
            found = await player.get_logs()
            assert found is not None
            assert [line.message for line in found] == wanted
        assert [line.id[10:] for line in found[:3] if line.id] == ["OLD", "A", "B"]
        before = await player.get_logs(before=found[2].id, limit=1)
        assert [line.message for line in before or ()] == ["one"]


async def test_nothing_can_be_changed() -> None:
    player = Player(MADE)
    for act in (player.retry, player.retrigger, player.cancel, player.delete_run):
        with pytest.raises(ReadOnly, match="replay"):
            await act("R1")


async def test_the_stream_of_one_run_ends_with_it() -> None:
    async with Watching() as watching:
        await watching.player.seek(4)
        run_hook = watching.hooks.job("import-csv").use_run("R2").start()
        await settle()
        await watching.player.seek(DURATION)
        assert (await run_hook.wait()).status is RunStatus.FAILED
        assert [line.message for line in run_hook.state.logs] == ["odd"]  # type: ignore[union-attr]
        await run_hook.aclose()


async def test_time_stands_still_while_it_is_held_and_ends_with_the_recording() -> None:
    async with Watching() as watching:
        player, clock = watching.player, watching.clock
        clock.now += 50
        assert (player.position, player.held) == (0, True)
        player.set_speed(10)
        player.go()
        await settle()
        await watching.play_to(15, 10)
        assert 15 <= player.position < 16
        clock.now += 100
        assert player.position < 16
        player.go()
        await watching.play_to(DURATION, 10)
        clock.now += 100
        assert (player.position, player.is_over) == (DURATION, True)
        assert player.clock.time() == BEGAN.timestamp() + DURATION
        assert not await player.step()
        player.set_speed(1e9)
        assert player.speed == 1000


async def test_a_slow_listener_makes_time_late_not_wrong() -> None:
    async with Watching() as watching:
        times = []
        watching.hooks.feed.tap(lambda batch: times.append(watching.player.clock.time()))
        watching.player.go()
        watching.clock.now += 13
        assert watching.player.position < 0.1, "nothing was delivered yet"
        await settle()
        assert times == [
            BEGAN.timestamp() + line.at for line in lines() if line.at <= 13 and _is_heard(line)
        ]


def _is_heard(line: object) -> bool:
    return type(line).__name__ in {"Frames", "Turn"}


async def test_a_run_that_is_older_than_the_first_pages_is_found_by_its_events(
    tmp_path: Path,
) -> None:
    content = [
        Turn(0, Phase.LIVE, epoch=1),
        frames(1, event("run:progress", "OLD", progress={"current": 1})),
        frames(2, event("log:write", "LOST", level="info", message="whose?")),
        answer(3, "/run", run("OLD", -900, "leased"), runId="OLD"),
    ]
    async with Watching(read(write(tmp_path / "old.ndjson", content))) as watching:
        await watching.player.seek(2)
        assert [found.id for found in await watching.player.get_runs()] == ["OLD"]


@pytest.mark.parametrize("turns", range(5))
async def test_it_can_be_closed_in_the_moment_in_which_it_is_told_something(turns: int) -> None:
    player = Player(MADE)
    player.set_speed(0.1)
    player.go()
    await settle()  # until it waits for a line that is far off
    player.set_speed(0.2)  # which wakes it
    for _ in range(turns):
        await asyncio.sleep(0)
    _, left = await asyncio.wait([asyncio.ensure_future(player.aclose())], timeout=5)
    assert not left


async def test_a_line_comes_at_its_time_though_nothing_wakes_the_player() -> None:
    player = Player(MADE)
    moment = next(at for at in player.recording.times if at > 0)
    came = asyncio.Event()
    deliver = player.deliver

    async def delivered(at: int) -> None:
        await deliver(at)
        if player.recording.times[at] >= moment:
            came.set()

    player.deliver = delivered  # type: ignore[method-assign]
    player.set_speed(100)
    began = time.monotonic()
    player.go()
    async with asyncio.timeout(10):
        await came.wait()
    assert time.monotonic() - began >= moment / 100
    await player.aclose()
