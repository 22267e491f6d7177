"""The queries."""

import sqlite3
from typing import Any

from durably_server.engine.model import LogFilter, LogRecord, Run, StepRecord
from durably_server.storage.sqlite.rows import RUN, STEP, log_of, run_of, step_of


def get_run(db: sqlite3.Connection, run_id: str) -> Run | None:
    """One run."""
    row = db.execute(f"SELECT {RUN} FROM durably_runs WHERE id = ?", (run_id,)).fetchone()
    return None if row is None else run_of(row)


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


def get_logs(db: sqlite3.Connection, where: LogFilter) -> list[LogRecord]:
    """Oldest first."""
    conditions: list[str] = []
    values: list[Any] = []
    for condition, value in (
        ("l.run_id = ?", where.run_id),
        ("l.id > ?", where.after),
        ("l.id < ?", where.before),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    for column, wanted in (("r.job_name", where.job_names), ("l.level", where.levels)):
        if wanted:
            conditions.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values.extend(wanted)
    if where.levels and "info" not in where.levels:
        conditions.append("l.level <> 'info'")  # names the index of such lines
    query = f"SELECT {_LOG} FROM durably_logs AS l CROSS JOIN durably_runs AS r ON r.id = l.run_id"
    if conditions:
        query += " WHERE " + " AND ".join(conditions)
    backwards = where.newest and where.limit is not None
    query += f" ORDER BY l.id {'DESC' if backwards else 'ASC'} LIMIT ?"
    rows = db.execute(query, (*values, -1 if where.limit is None else where.limit)).fetchall()
    return [log_of(row) for row in (reversed(rows) if backwards else rows)]


_LOG = "l.id, l.run_id, r.job_name, l.step_name, l.level, l.message, l.data, l.created_at"
