"""The columns of runs on the command line."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from durably_tui.protocol import Run
from durably_tui.shapes import iso, status_word
from durably_tui.text import ago, compact_json, took

from .grid import Col


def run_columns(*, wide: bool) -> Sequence[Col[Run]]:
    """For people: times are ages."""
    now = time.time()
    columns = [
        Col("ID", lambda run: run.id),
        Col("JOB", lambda run: run.job_name, least=8),
        Col("STATUS", status_word),
        Col("PROGRESS", progress),
        Col("AGE", lambda run: _age(run.created_at, now), right=True),
        Col("TOOK", lambda run: _took(run, now), right=True),
        Col("LABELS", labels, least=6),
    ]
    if wide:
        columns += [
            Col("STEPS", lambda run: str(run.completed_step_count), right=True),
            Col("CREATED", lambda run: iso(run.created_at) or ""),
            Col("MESSAGE", _message, least=7),
            Col("INPUT", lambda run: compact_json(run.input), least=5),
        ]
    return columns


def exact_columns() -> Sequence[Col[Run]]:
    """For programs: times and durations as they are."""
    return [
        Col("id", lambda run: run.id),
        Col("job", lambda run: run.job_name),
        Col("status", status_word),
        Col("progress", lambda run: _number(run.progress.current) if run.progress else ""),
        Col("total", lambda run: _number(run.progress.total) if run.progress else ""),
        Col("created", lambda run: iso(run.created_at) or ""),
        Col("started", lambda run: iso(run.started_at) or ""),
        Col("completed", lambda run: iso(run.completed_at) or ""),
        Col("labels", labels),
        Col("error", lambda run: run.error or ""),
    ]


def seconds_taken(run: Run, now: float) -> float | None:
    """From its start to its end, or to ``now``; None where it has not started, or nobody says."""
    if run.started_at is None:
        return None
    if run.is_terminal and run.completed_at is None:
        return None
    end = run.completed_at.timestamp() if run.completed_at else now
    return max(0.0, end - run.started_at.timestamp())


def _age(at: datetime | None, now: float) -> str:
    return "" if at is None else ago(max(0.0, now - at.timestamp()))


def _took(run: Run, now: float) -> str:
    seconds = seconds_taken(run, now)
    return "" if seconds is None else took(seconds)


def progress(run: Run) -> str:
    """How far it is: ``67/100``, or ``67`` where no total is known."""
    if run.progress is None:
        return ""
    if run.progress.total:
        return f"{_number(run.progress.current)}/{_number(run.progress.total)}"
    return _number(run.progress.current)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.15g}"


def labels(run: Run) -> str:
    """``key=value`` of each."""
    return " ".join(f"{key}={value}" for key, value in sorted(run.labels.items()))


def _message(run: Run) -> str:
    return run.error or (run.progress.message if run.progress and run.progress.message else "")
