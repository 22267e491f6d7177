"""The queries."""

import sqlite3
from typing import Any

from durably_server.engine.model import LogRecord, Run, RunFilter, StepRecord
from durably_server.storage.sqlite.rows import LOG, RUN, STEP, log_of, run_of, step_of


def get_run(db: sqlite3.Connection, run_id: str) -> Run | None:
    """One run."""
    row = db.execute(f"SELECT {RUN} FROM durably_runs WHERE id = ?", (run_id,)).fetchone()
    return None if row is None else run_of(row)


def get_runs(db: sqlite3.Connection, where: RunFilter) -> list[Run]:
    """Newest first; runs of one millisecond are ordered by id, so that pages never swap them."""
    conditions: list[str] = []
    values: list[Any] = []
    for column, wanted in (("job_name", where.job_names), ("status", where.statuses)):
        if wanted:
            conditions.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values.extend(wanted)
    for key, value in where.labels.items():
        conditions.append(
            "EXISTS (SELECT 1 FROM durably_run_labels AS l "
            "WHERE l.run_id = durably_runs.id AND l.key = ? AND l.value = ?)"
        )
        values.extend((key, value))
    query = f"SELECT {RUN} FROM durably_runs"
    if conditions:
        query += " WHERE " + " AND ".join(conditions)
    query += " ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?"
    values.extend((-1 if where.limit is None else where.limit, where.offset))
    return [run_of(row) for row in db.execute(query, values)]


def get_steps(db: sqlite3.Connection, run_id: str) -> list[StepRecord]:
    """By index; attempts at the same index by start."""
    rows = db.execute(
        f'SELECT {STEP} FROM durably_steps WHERE run_id = ? ORDER BY "index", started_at, id',
        (run_id,),
    )
    return [step_of(row) for row in rows]


def get_completed_step(db: sqlite3.Connection, run_id: str, name: str) -> StepRecord | None:
    """The checkpoint of a finished step."""
    row = db.execute(
        f"SELECT {STEP} FROM durably_steps WHERE run_id = ? AND name = ? AND status = 'completed'",
        (run_id, name),
    ).fetchone()
    return None if row is None else step_of(row)


def get_completed_step_names(db: sqlite3.Connection, run_id: str) -> set[str]:
    """The names of all finished steps."""
    rows = db.execute(
        "SELECT name FROM durably_steps WHERE run_id = ? AND status = 'completed'", (run_id,)
    )
    return {row[0] for row in rows}


def get_logs(db: sqlite3.Connection, run_id: str, limit: int | None) -> list[LogRecord]:
    """The newest lines, oldest of them first."""
    rows = db.execute(
        f"SELECT {LOG} FROM durably_logs WHERE run_id = ? "
        "ORDER BY created_at DESC, id DESC LIMIT ?",
        (run_id, -1 if limit is None else limit),
    ).fetchall()
    return [log_of(row) for row in reversed(rows)]
