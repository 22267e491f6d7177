"""What a program has of a server beside what the server says, field by field, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from support.as_wire import as_wire

from durably_tui.protocol import LogEntry, Run, Step
from durably_tui.state.log_store import LogStore

Row = dict[str, Any]
Line = tuple[str, str, str, str, str | None]
"""Run, step, level, message, and when, to the millisecond, where that is known."""

_STEP = {
    "id": "id",
    "runId": "run_id",
    "name": "name",
    "index": "index",
    "output": "output",
    "error": "error",
    "startedAt": "started_at",
    "completedAt": "completed_at",
}


def newest_first(wire: Iterable[Row]) -> list[Row]:
    """Runs in the one order that both sides can have: those of one millisecond by their ids."""
    return sorted(wire, key=lambda run: (run["createdAt"], run["id"]), reverse=True)


def other_runs(runs: Sequence[Run], wire: Sequence[Row]) -> str:
    """How a list of runs differs from the server's; empty where it does not."""
    ours, theirs = [run.id for run in runs], [run["id"] for run in wire]
    if ours != theirs:
        missing = [each for each in theirs if each not in ours]
        extra = [each for each in ours if each not in theirs]
        if missing or extra:
            return (
                f"{len(missing)} runs are missing {missing[:3]}, {len(extra)} too many {extra[:3]}"
            )
        return "the order is another"
    return next(filter(None, map(other_run, runs, wire)), "")


def other_run(run: Run, wire: Row) -> str:
    """How a run differs from the server's."""
    return _other(run.id, as_wire(run, "0.15"), wire)


def other_steps(steps: Sequence[Step], wire: Sequence[Row]) -> str:
    """How the steps of a run differ from the server's."""
    theirs = sorted(wire, key=lambda step: (step["index"], step["startedAt"] or ""))
    if [step.name for step in steps] != [step["name"] for step in theirs]:
        names = [step["name"] for step in theirs]
        return f"steps {[step.name for step in steps]} instead of {names}"
    for step, said in zip(steps, theirs, strict=True):
        ours = {word: _json(getattr(step, name)) for word, name in _STEP.items()}
        ours["status"] = str(step.status)
        if other := _other(f"step {step.name}", ours, said):
            return other
    return ""


def other_lines(seen: Counter[Line], stored: Counter[Line], *, may_have_more: bool = False) -> str:
    """Log lines that were lost, and lines that came twice or from nowhere.

    Args:
        seen: what the program has.
        stored: what the server has.
        may_have_more: lines count that the server told, and died before it stored them.
    """
    lost = stored - seen
    if lost:
        return f"{lost.total()} of {stored.total()} log lines are lost, first {min(lost)}"
    more = seen - stored
    doubled = Counter({line: count for line, count in more.items() if seen[line] > 1})
    if doubled:
        return f"{doubled.total()} log lines are doubled, first {min(doubled)}"
    if more and not may_have_more:
        return f"{more.total()} log lines are from nowhere, first {min(more)}"
    return ""


def lines_of(entries: Iterable[LogEntry]) -> Counter[Line]:
    """Lines as a program has them."""
    return Counter(
        (each.run_id, each.step_name or "", str(each.level), each.message, _json(each.timestamp))
        for each in entries
    )


def stored_lines(wire: Iterable[Row]) -> Counter[Line]:
    """Lines as ``GET /logs`` tells them."""
    return Counter(
        (each["runId"], each["stepName"] or "", each["level"], each["message"], each["createdAt"])
        for each in wire
    )


def gaps_of(lines: LogStore) -> list[tuple[float, float]]:
    """The times between which a log says that lines may be missing, in seconds since the epoch."""
    gaps = []
    for number in range(lines.first, lines.end):
        if lines.line(number).gap:
            since, until = lines.entry(number).data
            gaps.append((float(since), float(until)))
    return gaps


def without_gaps(lines: LogStore) -> list[LogEntry]:
    """The lines that some run has written."""
    numbers = range(lines.first, lines.end)
    return [lines.entry(number) for number in numbers if not lines.line(number).gap]


def _other(what: str, ours: Row, theirs: Row) -> str:
    for word, value in ours.items():
        if word in theirs and theirs[word] != value:
            return f"{what}: {word} is {value!r}, the server says {theirs[word]!r}"
        if word not in theirs and value not in (None, {}):
            return f"{what}: {word} is {value!r}, the server says nothing of it"
    return ""


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value
