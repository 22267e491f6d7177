"""Dated lines of one run: each once, whichever streams bring it and however often they break."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support.fake_port import FakePort
from support.manual_clock import settle

from durably_tui.protocol import LogEntry, Unreachable
from durably_tui.state import DurablyHooks, Trail
from durably_tui.state.log_dated import key_of
from durably_tui.state.log_join import (
    LogJoin,
    dating,
    from_feed,
    from_own,
    lost,
    lost_dated,
    mended,
    opened,
    waiting,
)

LIMIT = 1_000
_DAY = datetime(2026, 11, 29, tzinfo=UTC)


def line(word: str, at: int) -> LogEntry:
    """A line that was written so many ms after midnight."""
    return LogEntry(run_id="R", message=word, timestamp=_DAY + timedelta(milliseconds=at))


def lines(words: str, start: int = 0) -> list[LogEntry]:
    return [line(word, start + at) for at, word in enumerate(words)]


def shown(join: LogJoin) -> str:
    return "".join(each.message for each in join.logs)


def empty() -> LogJoin:
    return dating(LogJoin(), LIMIT)


def test_the_same_line_of_two_streams_is_one() -> None:
    feed = Trail(lines("abc"))
    join = from_own(from_feed(empty(), feed), lines("abc"), LIMIT)
    assert shown(join) == "abc"
    join = from_own(join, lines("de", 3), LIMIT)
    join = from_feed(join, feed.extended(lines("def", 3)))
    assert shown(join) == "abcdef"


def test_lines_of_one_moment_that_say_the_same_are_as_many_as_were_written() -> None:
    twice = [line("tick", 1), line("tick", 1)]
    join = from_own(from_feed(empty(), Trail(twice)), twice, LIMIT)
    assert shown(join) == "ticktick"
    join = from_own(join, [line("tick", 1)], LIMIT)
    assert shown(join) == "tick" * 3


def test_a_line_keeps_its_number_when_one_from_before_comes_late() -> None:
    join = from_own(empty(), lines("bc", 1), LIMIT)
    join = from_feed(join, Trail(lines("abc")))
    assert shown(join) == "bca"
    join = from_own(join, lines("d", 3), LIMIT)
    join = from_feed(join, Trail(lines("abcd")))
    assert shown(join) == "bcad"


def test_what_is_missing_comes_before_what_came_meanwhile() -> None:
    feed = Trail(lines("ab"))
    join = lost_dated(lost(from_feed(empty(), feed), feed))
    assert join.is_torn
    join = waiting(opened(join, feed))
    feed = feed.extended(lines("ef", 4))
    join = from_own(from_feed(join, feed), lines("ef", 4), LIMIT)
    assert shown(join) == "ab", "what comes now waits for what was missed"
    assert join.dated is not None
    join = mended(join, lines("abcde"), join.dated.losses)
    assert shown(join) == "abcdef"
    assert not join.is_torn


def test_a_line_that_was_fetched_may_still_come_by_a_stream() -> None:
    join = lost_dated(from_own(empty(), lines("a"), LIMIT))
    assert join.dated is not None
    join = mended(waiting(join), lines("abc"), join.dated.losses)
    assert shown(from_own(join, lines("bcd", 1), LIMIT)) == "abcd"


def test_where_nothing_could_be_fetched_what_came_is_told_and_more_is_wanted() -> None:
    join = waiting(lost_dated(from_own(empty(), lines("a"), LIMIT)))
    assert join.dated is not None
    join = mended(from_own(join, lines("c", 2), LIMIT), None, join.dated.losses)
    assert shown(join) == "ac"
    assert join.is_torn
    join = mended(join, lines("abc"), 1)
    assert shown(join) == "acb"
    assert not join.is_torn


def test_an_answer_from_before_another_loss_is_not_the_last() -> None:
    join = waiting(lost_dated(from_own(empty(), lines("a"), LIMIT)))
    join = mended(lost_dated(join), lines("ab"), 1)
    assert shown(join) == "ab"
    assert join.is_torn


def test_they_are_bounded() -> None:
    join = from_own(dating(LogJoin(), 3), lines("abcdef"), LIMIT)
    assert shown(join) == "def"
    join = from_feed(join, Trail(lines("abcdefg")))
    assert shown(join) == "efg"


@given(st.data())
def test_any_order_of_two_streams_that_break_ends_in_every_line_once(data: st.DataObject) -> None:
    written = [line("ab"[n % 2], n // 3) for n in range(data.draw(st.integers(0, 24)))]
    join, feed = empty(), Trail[LogEntry]()
    heard = {True: 0, False: 0}
    for _ in range(data.draw(st.integers(0, 12))):
        by_own = data.draw(st.booleans())
        end = data.draw(st.integers(heard[by_own], len(written)))
        fresh: Sequence[LogEntry] = written[heard[by_own] : end]
        heard[by_own] = end
        if data.draw(st.integers(0, 4)) == 0:
            join = lost_dated(join)  # and these are lost with it
        elif by_own:
            join = from_own(join, fresh, LIMIT)
        else:
            feed = feed.extended(fresh)
            join = from_feed(join, feed)
        if join.is_torn and data.draw(st.booleans()):
            assert join.dated is not None
            join = waiting(join)
            stored = written[: max(heard.values())]
            join = mended(join, stored, join.dated.losses if join.dated else 0)
    assert join.dated is not None
    join = mended(waiting(lost_dated(join, earlier=True)), written, join.dated.losses + 1)
    for rest in (True, False):
        if rest:
            join = from_own(join, written[heard[True] :], LIMIT)
        else:
            join = from_feed(join, feed.extended(written[heard[False] :]))
    assert Counter(map(key_of, join.logs)) == Counter(map(key_of, written))


async def test_what_a_run_wrote_while_nobody_heard_is_fetched(
    port: FakePort, hooks: DurablyHooks
) -> None:
    port.abilities = replace(port.abilities, features=frozenset({"logs"}))
    hooks.feed.open()
    run_id = port.made()
    port.started(run_id)
    job = hooks.job("job")
    async with job.use_run(run_id) as run, job.use_logs(run_id) as logs:
        await settle()
        port.logged(run_id, "before")
        await settle()
        port.cut()
        await settle()
        port.logged(run_id, "missed")
        port.gate.clear()
        port.restore()
        await settle()
        port.logged(run_id, "after")
        await settle()
        port.gate.set()
        await settle()
        assert [entry.message for entry in logs.logs] == ["before", "missed", "after"]
        assert run.state is not None
        assert run.state.gaps == (), "nothing is missing"


async def test_lines_that_cannot_be_fetched_are_told_to_be_missing(
    port: FakePort, hooks: DurablyHooks
) -> None:
    port.abilities = replace(port.abilities, features=frozenset({"logs"}))
    hooks.feed.open()
    run_id = port.made()
    port.started(run_id)
    job = hooks.job("job")
    async with job.use_run(run_id) as run, job.use_logs(run_id) as logs:
        await settle()
        port.logged(run_id, "before")
        await settle()
        port.cut()
        await settle()
        port.logged(run_id, "missed")
        port.errors["get_logs"] = Unreachable("The server is gone.")
        port.restore()
        await settle()
        port.logged(run_id, "after")
        await settle()
        assert [entry.message for entry in logs.logs] == ["before", "after"]
        assert run.state is not None
        assert run.state.gaps
