"""Lines kept in blocks, beside a plain list that keeps the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.hostile import HOSTILE

from durably_tui.protocol import LogEntry, LogLevel
from durably_tui.state.log_block import LogBlock
from durably_tui.state.log_pattern import LogPattern
from durably_tui.state.log_pick import AllLines, LogFinds, LogPick, LogWants
from durably_tui.state.log_store import LogStore

NOW = datetime(2026, 5, 14, 12, 1, 3, 412_000, tzinfo=UTC)
LEVELS = list(LogLevel)


def entry(number: int = 0, message: str | None = None, **fields) -> LogEntry:
    given = {
        "run_id": f"run-{number % 3}",
        "job_name": "import",
        "step_name": f"row-{number % 5}",
        "timestamp": NOW + timedelta(milliseconds=number),
    }
    return LogEntry(message=f"line {number}" if message is None else message, **(given | fields))


def entries(count: int, start: int = 0) -> list[LogEntry]:
    return [entry(number) for number in range(start, start + count)]


TEXT = st.text(st.sampled_from("abAB \n.é✓\U0001f600\ud800(["), max_size=12)
LINES = st.lists(
    st.builds(
        LogEntry,
        run_id=st.sampled_from(["r1", "r2"]),
        message=TEXT,
        level=st.sampled_from(LEVELS),
        step_name=st.none() | st.sampled_from(["step", "A b"]),
        data=st.none() | st.dictionaries(TEXT, st.integers() | TEXT, max_size=2),
        job_name=st.just("job"),
        timestamp=st.none() | st.just(NOW),
    ),
    max_size=12,
)


@given(LINES, LINES)
def test_what_comes_out_is_what_went_in(older: list[LogEntry], newer: list[LogEntry]):
    store = LogStore()
    store.extend(newer)
    store.prepend(older)
    assert list(store) == older + newer
    assert (store.first, store.end) == (-len(older), len(newer))
    assert [store.entry(n) for n in range(store.first, store.end)] == older + newer


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_kept_as_it_is(text: str):
    store = LogStore()
    store.extend([entry(1, text, step_name=text or None, job_name=text, data={"it": text})])
    assert store.entry(0) == entry(
        1, text, step_name=text or None, job_name=text, data={"it": text}
    )


def test_a_line_to_show_is_cut_between_characters():
    store = LogStore()
    store.extend([entry(1, "\N{CHECK MARK}" * 10_000, data=["x" * 10_000])])
    line = store.line(0, 100)
    assert set(line.message) == {"\N{CHECK MARK}"}
    assert 100 <= len(line.message) <= 400
    assert len(line.data) <= 400


def test_it_is_bounded_in_lines_and_in_bytes():
    store = LogStore(capacity=5_000)
    for start in range(0, 50_000, 700):
        store.extend(entries(700, start))
    assert 5_000 <= len(store) <= 5_500
    assert store.dropped == store.first
    assert store.entry(store.first).message == f"line {store.first}"
    assert store.is_full
    store = LogStore(most_bytes=1_000_000)
    for _ in range(100):
        store.extend([entry(0, "x" * 100_000)])
    assert store.size <= 1_300_000
    assert len(store) >= 5


def test_cleared_it_goes_on_with_new_numbers():
    store = LogStore()
    store.extend(entries(10))
    store.clear()
    assert len(store) == 0
    store.extend(entries(2, 10))
    assert [store.entry(n).message for n in range(store.first, store.end)] == ["line 10", "line 11"]
    with pytest.raises(IndexError):
        store.entry(store.end)


def test_a_line_costs_little_beyond_what_it_says():
    store = LogStore()
    text = 0
    for start in range(0, 40_000, 1_000):
        some = entries(1_000, start)
        text += sum(len(e.message) for e in some)
        store.extend(some)
    assert (store.size - text) / len(store) < 30


# -- searching -----------------------------------------------------------------------------


def naive(pattern: str, e: LogEntry, shown: str) -> bool:
    found = LogPattern(pattern).regex
    return bool(found.search(shown)) or bool(e.step_name and found.search(e.step_name))


PATTERNS = st.one_of(
    TEXT.filter(lambda text: text and "\n" not in text),
    st.sampled_from([".", "^a", "a$", "[^a]b", "a.b", "a.*b", r"\S+", r"\s", "é", "(a|b)", "A"]),
    st.sampled_from(["b+$", r"\w\W", r"a\Z", r"\Aa", "(?i)A", "a[^x]*b"]),
)


@given(LINES.filter(bool), PATTERNS)
def test_a_search_finds_what_looking_at_each_line_finds(lines: list[LogEntry], pattern: str):
    block = LogBlock()
    block.take(iter(lines))
    shown = []
    for at in range(len(block)):
        line = block.line(at, 10_000)
        shown.append(line.message + (f"\n{line.data}" if line.data else ""))
    expected = [
        at for at, (e, text) in enumerate(zip(lines, shown, strict=True)) if naive(pattern, e, text)
    ]
    assert list(LogPattern(pattern).found(block)) == expected
    half = len(lines) // 2
    assert list(LogPattern(pattern).found(block, half)) == [at for at in expected if at >= half]


def test_case_matters_where_the_pattern_has_a_capital():
    block = LogBlock()
    block.take(iter([entry(0, "Timeout"), entry(1, "timeout"), entry(2, "ÄRGER")]))
    assert list(LogPattern("timeout").found(block)) == [0, 1]
    assert list(LogPattern("Timeout").found(block)) == [0]
    assert list(LogPattern("ärger").found(block)) == [2]
    assert list(LogPattern(r"time\S").found(block)) == [0, 1]


def test_what_is_no_expression_is_a_text():
    block = LogBlock()
    block.take(iter([entry(0, "a(b"), entry(1, "ab")]))
    assert list(LogPattern("a(b").found(block)) == [0]


def test_a_level_is_found_by_its_name():
    block = LogBlock()
    block.take(
        iter(
            [
                entry(0),
                entry(1, level=LogLevel.WARN),
                entry(2, level=LogLevel.ERROR),
                entry(3, "an error that came through"),
            ]
        )
    )
    assert list(LogPattern("error").found(block)) == [2, 3]
    assert list(LogPattern("err").found(block, 2)) == [2, 3]
    assert list(LogPattern("warn|error").found(block)) == [1, 2, 3]
    assert list(LogPattern("in").found(block)) == [0, 1, 2], "in what they say"
    assert list(LogPattern("ror").found(block)) == [3]


def test_jobs_and_runs_are_searched_where_they_are_shown():
    block = LogBlock()
    block.take(iter([entry(0), entry(1)]))
    assert list(LogPattern("import").found(block)) == []
    assert list(LogPattern("import", in_source=True).found(block)) == [0, 1]
    assert list(LogPattern("run-1", in_source=True).found(block)) == [1]


# -- choosing ------------------------------------------------------------------------------


def numbers(pick: LogPick | AllLines) -> list[int]:
    return [pick[at] for at in range(len(pick))]


def test_a_pick_keeps_up_at_both_ends():
    store = LogStore(capacity=4_096)
    store.extend(entries(3_000))
    pick = LogPick(store, LogWants(only=LogPattern("7$")))
    assert not pick.is_complete
    while not pick.step(0.0):
        pass
    store.prepend(entries(2_500, -2_500))
    store.extend(entries(10, 3_000))
    while not pick.step(0.0):
        pass
    wanted = [n for n in range(store.first, store.end) if store.entry(n).message.endswith("7")]
    assert numbers(pick) == wanted
    for start in range(3_010, 12_000, 999):
        store.extend(entries(999, start))
        while not pick.step(0.0):
            pass
        wanted = [n for n in range(store.first, store.end) if store.entry(n).message.endswith("7")]
        assert numbers(pick) == wanted
        for n in range(store.first - 2, store.end + 2, 501):
            assert pick.index(n) == sum(1 for w in wanted if w < n)
    store.clear()
    assert pick.step(0.0)
    assert numbers(pick) == []


def test_the_newest_are_looked_at_first_and_in_turns():
    store = LogStore()
    store.extend(entries(10_000))
    ticks = iter(range(1_000))
    pick = LogPick(store, LogWants(only=LogPattern("line .*0$")), clock=lambda: next(ticks))
    assert not pick.step(0.5)
    assert numbers(pick)[-1] == 9_990
    assert numbers(pick)[0] > 0


def test_levels_and_gaps():
    store = LogStore()
    store.extend([entry(0), entry(1, level=LogLevel.UNKNOWN), entry(2, level=LogLevel.WARN)])
    store.extend_gap(1.0, 2.0)
    store.extend([entry(4, level=LogLevel.ERROR), entry(5)])

    def chosen(chooser) -> list[int]:
        pick = LogPick(store, chooser)
        assert pick.step(10.0)
        return numbers(pick)

    assert chosen(LogWants(LogLevel.WARN)) == [1, 2, 3, 4]
    assert chosen(LogWants(LogLevel.ERROR)) == [3, 4]
    assert chosen(LogWants(only=LogPattern("line 5"))) == [3, 5], "a gap is never hidden"
    assert chosen(LogFinds(LogPattern("[12]"))) == [1, 2], "nor is it found"
    assert chosen(LogFinds(LogPattern("line"), LogWants(LogLevel.ERROR))) == [4]
    assert store.line(3).gap
    assert re.fullmatch(r"\[1\.0, 2\.0\]", store.line(3).data)
    assert numbers(AllLines(store)) == list(range(6))
