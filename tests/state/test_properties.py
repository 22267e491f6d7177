"""Whatever a stream does to its events, the hooks end where the server is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.protocol import Event, Run, RunsQuery, RunStatus
from durably_tui.state import History, HistoryLimits, RunsState, create_durably_client
from durably_tui.state.advance import advance
from durably_tui.state.observe import observe
from durably_tui.state.runs_reducer import answered, reduce

JOBS = ("a", "b")


class Story:
    """What happens on a server, one choice after the other."""

    def __init__(self, port: FakePort) -> None:
        self.port = port

    def go_on(self, choice: int, which: int) -> None:
        port = self.port
        ids = sorted(port.runs)
        if choice == 0 or not ids:
            port.made(JOBS[which % 2], labels={"env": "prod"} if which % 3 else {})
            return
        run_id = ids[which % len(ids)]
        run = port.runs[run_id]
        if run.status is RunStatus.PENDING:
            (port.cancelled if choice == 1 else port.started)(run_id)
        elif run.status is RunStatus.RUNNING:
            index = run.current_step_index
            moves: list[Callable[[], Any]] = [
                lambda: port.step_started(run_id, f"step-{index}", index),
                lambda: port.stepped(run_id, f"step-{index}", index),
                lambda: port.progressed(run_id, index, 10),
                lambda: port.logged(run_id, "line"),
                lambda: port.completed(run_id, {"n": index}),
                lambda: port.failed(run_id, "boom"),
                lambda: port.cancelled(run_id),
            ]
            moves[choice % len(moves)]()
        elif choice == 1:
            port.deleted(run_id)
        elif choice == 2 and run.status is not RunStatus.COMPLETED:
            port.retried(run_id)


moves = st.tuples(st.integers(0, 6), st.integers(0, 40))
stories = st.lists(moves, max_size=40)
filters = st.fixed_dictionaries(
    {},
    optional={
        "job_name": st.sampled_from(["a", ["a"], ["a", "b"]]),
        "status": st.sampled_from(["running", ["failed", "completed"], ["pending"]]),
        "labels": st.just({"env": "prod"}),
    },
)


def mangled(draw: st.DataObject, events: Sequence[Event]) -> list[Event]:
    """Some twice, some lost, some late, in any order."""
    if not events:
        return []
    return draw.draw(st.lists(st.sampled_from(list(events)), max_size=2 * len(events)))


def wanted(port: FakePort, state: RunsState) -> list[Run]:
    query = state.filter.query(state.page_size, 0)
    return sorted(port.listed(query), key=lambda run: (run.created_at or 0, run.id), reverse=True)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), before=stories, during=stories, asked=filters)
def test_any_mess_and_then_a_request_ends_in_what_the_server_has(
    data: st.DataObject, before: list[Any], during: list[Any], asked: dict[str, Any]
) -> None:
    async def play() -> None:
        port, clock = FakePort(retry=True), ManualClock()
        story = Story(port)
        for move in before:
            story.go_on(*move)
        async with (
            create_durably_client(port, clock=clock) as hooks,
            hooks.use_runs(page_size=4, **asked) as runs,
        ):
            await clock.advance(1)
            port.mute = True
            for move in during:
                story.go_on(*move)
            port.deliver(mangled(data, port.published))
            await clock.advance(data.draw(st.sampled_from([0.0, 0.1, 1.0])))
            port.deliver(mangled(data, port.published))
            await clock.advance(1)
            await runs.refresh()
            assert list(runs.runs) == wanted(port, runs.state)
            assert runs.has_more == (len(port.listed(runs.state.filter.query(5, 0))) > 4)
            # Nothing more is wanted, and the same again changes nothing.
            port.requests.clear()
            await clock.advance(10)
            assert port.requests.total() == 0

    asyncio.run(play())


@settings(max_examples=60, deadline=None)
@given(before=stories, during=stories, after=stories, asked=filters)
def test_a_true_stream_alone_ends_in_what_the_server_has(
    before: list[Any], during: list[Any], after: list[Any], asked: dict[str, Any]
) -> None:
    """In order, with a dropped connection in the middle, and nobody asking for a refresh."""

    async def play() -> None:
        port, clock = FakePort(retry=True), ManualClock()
        story = Story(port)
        async with (
            create_durably_client(port, clock=clock) as hooks,
            hooks.use_runs(page_size=4, **asked) as runs,
        ):
            for move in before:
                story.go_on(*move)
                await asyncio.sleep(0)
            await clock.advance(0.05)
            port.cut()
            for move in during:
                story.go_on(*move)
            await clock.advance(3)
            port.restore()
            await settle()
            for move in after:
                story.go_on(*move)
                await asyncio.sleep(0)
            await clock.advance(2)
            seen = [(run.id, run.status, run.output, run.error) for run in runs.runs]
            assert seen == [
                (run.id, run.status, run.output, run.error) for run in wanted(port, runs.state)
            ]
            assert [run.current_step_index for run in runs.runs] == [
                run.current_step_index for run in wanted(port, runs.state)
            ]

    asyncio.run(play())


@settings(max_examples=60, deadline=None)
@given(data=st.data(), moves=stories)
def test_a_watched_run_ends_in_what_the_server_has(data: st.DataObject, moves: list[Any]) -> None:
    async def play() -> None:
        port, clock = FakePort(retry=True), ManualClock()
        run_id = port.made("a")
        story = Story(port)
        async with create_durably_client(port, clock=clock) as hooks:
            hooks.feed.open()
            async with hooks.job("a").use_run(run_id) as run:
                await settle()
                for move in moves:
                    story.go_on(move[0] or 1, 0)
                    if run_id not in port.runs:
                        break
                    if data.draw(st.booleans()):
                        await settle()
                await clock.advance(70)
                state = run.state
                assert state is not None
                if run_id not in port.runs:
                    assert state.is_gone
                    return
                true = port.runs[run_id]
                assert (state.status, state.output, state.error) == (
                    true.status,
                    true.output,
                    true.error,
                )
                assert state.settled == true.is_terminal
                lines = sum(event.type == "log:write" for event in port.published)
                assert len(state.logs) == lines
            assert not [s for s in port.run_streams if not s.closed]

    asyncio.run(play())


@settings(max_examples=100, deadline=None)
@given(data=st.data(), moves=stories)
def test_reducers_never_raise_and_never_change_what_they_were_given(
    data: st.DataObject, moves: list[Any]
) -> None:
    port = FakePort(retry=True)
    story = Story(port)
    for move in moves:
        story.go_on(*move)
    events = mangled(data, port.published)
    state = answered(RunsState(page_size=3), port.listed(RunsQuery(limit=4)), (), 1.0)
    rows, index = state.base, dict(state.index)
    history = History(limits=HistoryLimits(runs=3, lines=4, events=5, steps=2))
    kept: list[tuple[History, int, int]] = []
    at = 0
    while at < len(events):
        size = data.draw(st.integers(1, 8))
        batch = events[at : at + size]
        at += size
        reduce(state, batch, 2.0)
        for event in batch:
            for run in rows:
                after, _ = advance(run, event)
                assert not (run.is_terminal and after.status is RunStatus.RUNNING)
        history = observe(history, batch, 2.0, 1)
        assert len(history.runs) <= 3
        for run_history in history.runs.values():
            assert len(run_history.logs) <= 4
            assert len(run_history.events) <= 5
            assert len(run_history.ended_steps) <= 2
        assert history.size == sum(run.size for run in history.runs.values())
        kept.append((history, history.size, len(history.runs)))
    assert state.base is rows
    assert state.index == index
    for old, size, count in kept:
        assert (old.size, len(old.runs)) == (size, count)
    # One batch or many: the rows end the same.
    one = reduce(state, events, 2.0)
    many = state
    for event in events:
        many = reduce(many, [event], 2.0)
    assert one.base == many.base
    assert one.needs_fetch == many.needs_fetch
