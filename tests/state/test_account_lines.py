"""Lines that nobody has read yet count, are bounded and are numbered as those that were read."""

from __future__ import annotations

import json

import pytest

from durably_tui.protocol import Event, LogWrite, RunProgress, RunStart
from durably_tui.state import HistoryLimits
from durably_tui.state.account_lines import Lines, lines_of
from durably_tui.state.burst import Burst, put_away
from durably_tui.state.history import History
from durably_tui.state.observe import observe

R = "run-1"


def frame(number: int, **more: object) -> bytes:
    """The data of a line as a server writes it."""
    told = {"type": "log:write", "runId": R, "jobName": "j", "message": f"line {number}"}
    return json.dumps(told | more).encode()


def line(number: int) -> LogWrite:
    """The same line, decoded."""
    return LogWrite(run_id=R, job_name="j", message=f"line {number}")


def burst(first: int, count: int) -> Burst:
    """Lines that came together."""
    numbers = range(first, first + count)
    made = lines_of([line(n) for n in numbers], [frame(n) for n in numbers], 1.0)
    assert made is not None
    return made


def messages(lines: Lines, limit: int | None = None) -> list[str]:
    """What they say, read."""
    return [entry.message for entry in lines.read(limit).told]


def test_only_lines_are_taken_out_of_a_burst() -> None:
    events: list[Event] = [RunStart(run_id=R), line(1), RunProgress(run_id=R), line(2)]
    made = lines_of(events, [b"{}", frame(1), b"{}", frame(2)], 1.0)
    assert made is not None
    assert made.frames == [frame(1), frame(2)]
    assert lines_of([RunStart(run_id=R)], [b"{}"], 1.0) is None


def test_what_is_over_the_limit_is_forgotten_by_bursts_and_exactly_when_read() -> None:
    lines = Lines().more([burst(0, 4)], 10).more([burst(4, 4)], 10).more([burst(8, 4)], 10)
    assert len(lines) == 12  # none can go whole without going below the limit
    assert messages(lines, 10) == [f"line {n}" for n in range(2, 12)]
    lines = lines.more([burst(12, 4)], 10)
    assert len(lines) == 12
    assert lines.told.total == 4  # so many were forgotten, and the next is the fifth
    read = lines.read(10)
    assert (read.told.dropped, len(read.told), read.waiting) == (6, 10, 0)


def test_what_was_read_goes_first() -> None:
    lines = Lines().more([burst(0, 4)], 10).read().more([burst(4, 8)], 10)
    assert [entry.message for entry in lines.told] == ["line 2", "line 3"]
    assert messages(lines) == [f"line {n}" for n in range(2, 12)]
    assert lines.read().told.dropped == 2


@pytest.mark.parametrize("parts", [(20,), (3, 17), (10, 10), (1,) * 20])
def test_a_quarter_goes_at_a_time_down_to_nothing(parts: tuple[int, ...]) -> None:
    lines, first = Lines(), 0
    for count in parts:
        lines = lines.more([burst(first, count)], 1_000)
        first += count
    while len(lines):
        before = len(lines)
        lines = lines.shortened(len(lines) // 4 + 1)
        assert before - (before // 4 + 1) <= len(lines) < before
        assert messages(lines) == [f"line {n}" for n in range(20 - len(lines), 20)]
        assert lines.read().told.total == 20
    assert lines.size == 0


def test_a_flood_of_one_run_keeps_the_newest_lines_within_its_bytes() -> None:
    limits = HistoryLimits(events=40, run_bytes=40_000)
    history = History(limits=limits)
    for first in range(0, 2_000, 50):
        numbers = range(first, first + 50)
        frames = [frame(n, data={"text": "x" * 50}) for n in numbers]
        events: list[Event] = [
            LogWrite(run_id=R, message=f"line {n}", data={"text": "x" * 50}) for n in numbers
        ]
        history = observe(history, events, 1.0, 1, "", frames)
        assert history.runs[R].size <= limits.run_bytes
    logs = history.runs[R].logs
    assert len(logs) > 40
    assert [entry.message for entry in logs] == [
        f"line {n}" for n in range(2_000 - len(logs), 2_000)
    ]
    assert logs.total == 2_000


def test_json_in_several_lines_is_kept_decoded() -> None:
    pretty = json.dumps(json.loads(frame(1)), indent=1).encode()
    made = put_away([line(1), line(2)], [pretty, frame(2)], 1.0)
    assert made.frames == []
    assert made.events == (line(1), line(2))
