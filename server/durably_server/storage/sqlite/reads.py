"""The queries about one run, and those for log lines."""

import heapq
import itertools
import sqlite3
from typing import Any

from durably_server.engine.codec import encode_text
from durably_server.engine.model import LEVELS, LogFilter, LogRecord, Run, StepRecord
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
    order = "DESC" if where.newest and where.limit is not None else "ASC"
    if where.job_names and where.run_id is None:
        rows = _logs_of_jobs(db, where, order)
    else:
        rows = _logs(db, where, order)
    return [log_of(row) for row in (reversed(rows) if order == "DESC" else rows)]


_LOG = "l.id, l.run_id, r.job_name, l.step_name, l.level, l.message, l.data, l.created_at"


def _logs(db: sqlite3.Connection, where: LogFilter, order: str) -> list[Any]:
    """Along the lines of a run, or of all."""
    conditions, values = _between("l.id", where)
    if where.run_id is not None:
        conditions.append("l.run_id = ?")
        values.append(where.run_id)
    for column, wanted in (("r.job_name", where.job_names), ("l.level", where.levels)):
        if wanted:
            conditions.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values.extend(wanted)
    if where.levels and "info" not in where.levels:
        conditions.append("l.level <> 'info'")  # names the index of such lines
    query = (
        f"SELECT {_LOG} FROM durably_logs AS l CROSS JOIN durably_runs AS r ON r.id = l.run_id "
        f"WHERE {' AND '.join(conditions)} ORDER BY l.id {order} LIMIT ?"
    )
    return db.execute(query, (*values, -1 if where.limit is None else where.limit)).fetchall()


def _logs_of_jobs(db: sqlite3.Connection, where: LogFilter, order: str) -> list[Any]:
    """Along the ids of each job and level, merged as far as the limit goes."""
    between, values = _between("id", where)
    conditions = " AND ".join(("job_name = ?", "level = ?", *between))
    walk = f"SELECT id FROM durably_py_job_logs WHERE {conditions} ORDER BY id {order}"
    walks = [
        db.execute(walk, (job_name, level, *values))
        for job_name in dict.fromkeys(where.job_names)
        for level in dict.fromkeys(where.levels or LEVELS)
    ]
    merged = heapq.merge(*walks, reverse=order == "DESC")
    ids = [row[0] for row in itertools.islice(merged, where.limit)]
    return db.execute(
        f"SELECT {_LOG} FROM json_each(?) AS found "
        "CROSS JOIN durably_logs AS l ON l.id = found.value "
        f"CROSS JOIN durably_runs AS r ON r.id = l.run_id ORDER BY l.id {order}",
        (encode_text(ids),),
    ).fetchall()


def _between(column: str, where: LogFilter) -> tuple[list[str], list[Any]]:
    conditions = [f"{column} > ?"]
    values: list[Any] = [where.after or ""]
    if where.before is not None:
        conditions.append(f"{column} < ?")
        values.append(where.before)
    return conditions, values
