"""``LogJoin``: two streams tell the same lines, none is shown twice and none is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from durably_tui.protocol import LogEntry
from durably_tui.state import Trail
from durably_tui.state.log_join import LogJoin, asking, from_feed, from_own, lost, opened

LIMIT = 1_000


def entries(*words: str) -> list[LogEntry]:
    return [LogEntry(run_id="R", message=word) for word in words]


def shown(join: LogJoin) -> list[str]:
    return [line.message for line in join.logs]


def test_what_passed_before_is_kept_though_it_says_the_same() -> None:
    feed = Trail(entries("tick", "tick"))
    join = opened(asking(LogJoin(), feed), feed)
    join = from_own(join, entries("tick"), LIMIT)
    assert shown(join) == ["tick", "tick", "tick"]


def test_the_quicker_feed_is_not_shown_twice() -> None:
    join = opened(LogJoin(), Trail())
    join = from_feed(join, Trail(entries("a", "b", "c")))
    join = from_own(join, entries("b"), LIMIT)
    join = from_own(join, entries("c", "d"), LIMIT)
    assert shown(join) == ["a", "b", "c", "d"]


def test_what_the_feed_brought_before_word_of_the_own_stream_came_is_not_shown_twice() -> None:
    join, feed = asking(LogJoin(), Trail()), Trail(entries("a", "b", "c"))
    join = opened(from_feed(join, feed), feed)
    # Some servers send the head of an answer with its first event: it is opened once more.
    join = opened(join, feed)
    join = from_own(join, entries("b", "c"), LIMIT)
    assert shown(join) == ["a", "b", "c"]


def test_the_slower_feed_still_gives_what_only_it_has() -> None:
    join = opened(LogJoin(), Trail())
    join = from_own(join, entries("b", "c"), LIMIT)
    feed = Trail(entries("a"))
    join = from_feed(join, feed)
    feed = feed.extended(entries("b", "c", "d"))
    join = from_feed(join, feed)
    assert shown(join) == ["a", "b", "c"]
    join = from_own(join, entries("d"), LIMIT)
    assert shown(join) == ["a", "b", "c", "d"]
    assert from_feed(join, feed) is join


def test_a_history_that_began_anew_is_taken_from_its_beginning() -> None:
    join = from_feed(LogJoin(), Trail(entries("a", "b")))
    join = from_feed(join, Trail(entries("c")))
    assert shown(join) == ["a", "b", "c"]


def test_it_is_bounded() -> None:
    join = from_own(LogJoin(), entries(*"abcdef"), 3)
    assert shown(join) == ["d", "e", "f"]
    assert join.logs.total == 6


@given(data=st.data(), total=st.integers(0, 12))
def test_any_timing_of_the_two_shows_each_line_once(data: st.DataObject, total: int) -> None:
    words = [f"line {n}" for n in range(total)]
    asked = data.draw(st.integers(0, total), label="lines before the stream was asked for")
    live = data.draw(st.integers(asked, total), label="lines before it was open")
    told = data.draw(st.integers(asked, total), label="lines before word of that came")
    feed = Trail(entries(*words[:asked]))
    join = asking(from_feed(LogJoin(), feed), feed)
    feed = feed.extended(entries(*words[asked:told]))
    join = opened(from_feed(join, feed), feed)
    by_feed, by_own = told, live
    while by_feed < total or by_own < total:
        if by_own == total or (by_feed < total and data.draw(st.booleans())):
            step = data.draw(st.integers(1, total - by_feed))
            feed = feed.extended(entries(*words[by_feed : by_feed + step]))
            by_feed += step
            join = from_feed(join, feed)
        else:
            step = data.draw(st.integers(1, total - by_own))
            join = from_own(join, entries(*words[by_own : by_own + step]), LIMIT)
            by_own += step
    assert shown(join) == words


@given(data=st.data(), total=st.integers(1, 12), resumes=st.booleans())
def test_an_own_stream_that_is_lost_and_comes_back_shows_each_line_once(
    data: st.DataObject, total: int, resumes: bool
) -> None:
    """It goes on where it was lost, or with what is written from then on."""
    words = [f"line {n}" for n in range(total)]
    join, feed = opened(LogJoin(), Trail()), Trail[LogEntry]()
    by_feed = by_own = 0
    live, asked = True, False
    for _ in range(data.draw(st.integers(0, 12))):
        action = data.draw(st.sampled_from(["feed", "own", "lose, ask or open"]))
        if action == "feed" and by_feed < total:
            step = data.draw(st.integers(1, total - by_feed))
            feed = feed.extended(entries(*words[by_feed : by_feed + step]))
            by_feed += step
            join = from_feed(join, feed)
        elif action == "own" and live and by_own < total:
            step = data.draw(st.integers(1, total - by_own))
            join = from_own(join, entries(*words[by_own : by_own + step]), LIMIT)
            by_own += step
        elif action == "lose, ask or open" and live:
            join, live = lost(join, feed), False
        elif action == "lose, ask or open" and asked:
            join, live, asked = opened(join, feed, resumed=resumes), True, False
        elif action == "lose, ask or open":
            if not resumes:
                # Two losses that the feed has heard nothing of yet are more than can be told apart.
                late, by_feed = words[by_feed:by_own], max(by_feed, by_own)
                feed = feed.extended(entries(*late))
                join = from_feed(join, feed)
                by_own = data.draw(st.integers(max(by_own, by_feed), total))
            join, asked = asking(join, feed), True
    if not live:
        join = opened(join, feed, resumed=resumes or not asked)
    if by_own < total:
        join = from_own(join, entries(*words[by_own:]), LIMIT)
    join = from_feed(join, feed.extended(entries(*words[by_feed:])))
    assert shown(join) == words
