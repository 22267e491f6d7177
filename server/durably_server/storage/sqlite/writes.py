"""The write operations. Each runs in a savepoint; a lease holder's write names its generation."""

import sqlite3
from collections.abc import Sequence

from durably_server.engine.codec import encode_text
from durably_server.engine.errors import ConflictError
from durably_server.engine.model import Enqueued, NewLog, NewRun, NewStep
from durably_server.storage.sqlite.rows import RUN, run_of

_MINE = "id = ? AND status = 'leased' AND lease_generation = ?"


def enqueue(db: sqlite3.Connection, run: NewRun) -> Enqueued:
    """Store a pending run with its labels, or find the one that its keys name."""
    if run.idempotency_key is not None:
        found = db.execute(
            f"SELECT {RUN} FROM durably_runs WHERE job_name = ? AND idempotency_key = ?",
            (run.job_name, run.idempotency_key),
        ).fetchone()
        if found is not None:
            return Enqueued(run_of(found), "idempotent")
    if run.concurrency_key is not None:
        waiting = db.execute(
            f"SELECT {RUN} FROM durably_runs "
            "WHERE status = 'pending' AND concurrency_key = ? AND job_name = ? "
            "ORDER BY created_at, id LIMIT 1",
            (run.concurrency_key, run.job_name),
        ).fetchone()
        if waiting is not None:
            if run.coalesce:
                return Enqueued(run_of(waiting), "coalesced")
            raise ConflictError(
                f'A pending run already exists for concurrency key "{run.concurrency_key}" in job '
                f"\"{run.job_name}\". Use coalesce: 'skip' to return the existing run instead."
            )
    labels = dict(run.labels)
    db.execute(
        "INSERT INTO durably_runs (id, job_name, input, status, idempotency_key, concurrency_key, "
        "labels, created_at, updated_at) VALUES (?, ?, ?, 'pending', ?, ?, ?, ?, ?)",
        (
            run.id,
            run.job_name,
            run.input,
            run.idempotency_key,
            run.concurrency_key,
            encode_text(labels),
            run.created_at,
            run.created_at,
        ),
    )
    if labels:
        db.executemany(
            "INSERT INTO durably_run_labels (run_id, key, value) VALUES (?, ?, ?)",
            [(run.id, key, value) for key, value in labels.items()],
        )
    return Enqueued(run.as_stored(), "created")


def renew_lease(
    db: sqlite3.Connection, run_id: str, generation: int, now: str, expires_at: str
) -> bool:
    """Nobody else has it as long as the generation is the same, however late the renewal is."""
    return _touched(
        db.execute(
            f"UPDATE durably_runs SET lease_expires_at = ?, updated_at = ? WHERE {_MINE}",
            (expires_at, now, run_id, generation),
        )
    )


def release(db: sqlite3.Connection, run_id: str, generation: int, now: str) -> bool:
    """Back to pending; where its concurrency key already has a waiting run, the lease is ended.

    Only one run of a key may be pending. A run whose lease is over is claimed like a pending one.
    """
    try:
        return _touched(
            db.execute(
                "UPDATE durably_runs SET status = 'pending', lease_owner = NULL, "
                f"lease_expires_at = NULL, updated_at = ? WHERE {_MINE}",
                (now, run_id, generation),
            )
        )
    except sqlite3.IntegrityError:
        return renew_lease(db, run_id, generation, now, now)


def end_run(
    db: sqlite3.Connection,
    run_id: str,
    generation: int,
    status: str,
    output: str | None,
    error: str | None,
    now: str,
    keep_steps: bool,
) -> bool:
    """Completed or failed."""
    ended = _touched(
        db.execute(
            "UPDATE durably_runs SET status = ?, output = ?, error = ?, lease_owner = NULL, "
            f"lease_expires_at = NULL, completed_at = ?, updated_at = ? WHERE {_MINE}",
            (status, output, error, now, now, run_id, generation),
        )
    )
    if ended and not keep_steps:
        db.execute("DELETE FROM durably_steps WHERE run_id = ?", (run_id,))
    return ended


def cancel_run(db: sqlite3.Connection, run_id: str, now: str, keep_steps: bool) -> bool:
    """Whoever holds it; its holder finds out by its next write."""
    cancelled = _touched(
        db.execute(
            "UPDATE durably_runs SET status = 'cancelled', lease_owner = NULL, "
            "lease_expires_at = NULL, completed_at = ?, updated_at = ? "
            "WHERE id = ? AND status IN ('pending', 'leased')",
            (now, now, run_id),
        )
    )
    if cancelled and not keep_steps:
        db.execute("DELETE FROM durably_steps WHERE run_id = ?", (run_id,))
    return cancelled


def retry_run(db: sqlite3.Connection, run_id: str, now: str) -> bool:
    """Back to pending; what is counted is what is still there to resume from."""
    done = "FROM durably_steps AS s WHERE s.run_id = durably_runs.id AND s.status = 'completed'"
    try:
        return _touched(
            db.execute(
                "UPDATE durably_runs SET status = 'pending', error = NULL, output = NULL, "
                "completed_at = NULL, updated_at = ?, "
                f"completed_step_count = (SELECT count(*) {done}), "
                f'current_step_index = (SELECT coalesce(max(s."index") + 1, 0) {done}) '
                "WHERE id = ? AND status IN ('failed', 'cancelled')",
                (now, run_id),
            )
        )
    except sqlite3.IntegrityError:
        raise ConflictError(
            f"Cannot retry run {run_id}: another run with its concurrency key is waiting"
        ) from None


def delete_run(db: sqlite3.Connection, run_id: str) -> bool:
    """With everything that belongs to it, if it has ended."""
    deleted = _touched(
        db.execute(
            "DELETE FROM durably_runs "
            "WHERE id = ? AND status IN ('completed', 'failed', 'cancelled')",
            (run_id,),
        )
    )
    if deleted:
        _delete_rest(db, run_id)
    return deleted


def purge_runs(db: sqlite3.Connection, completed_before: str, limit: int) -> list[str]:
    """The oldest first."""
    rows = db.execute(
        "SELECT id FROM durably_runs WHERE status IN ('completed', 'failed', 'cancelled') "
        "AND completed_at < ? ORDER BY completed_at, id LIMIT ?",
        (completed_before, limit),
    ).fetchall()
    purged = [row[0] for row in rows]
    for run_id in purged:
        db.execute("DELETE FROM durably_runs WHERE id = ?", (run_id,))
        _delete_rest(db, run_id)
    return purged


def save_step(db: sqlite3.Connection, step: NewStep, generation: int) -> bool:
    """The checkpoint and its count on the run."""
    # A cancelled run has no holder, but its generation says whose last word this is.
    allowed = "('leased', 'cancelled')" if step.status == "cancelled" else "('leased')"
    saved = _touched(
        db.execute(
            'INSERT INTO durably_steps (id, run_id, name, "index", status, output, error, '
            "started_at, completed_at) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? FROM durably_runs "
            f"WHERE id = ? AND lease_generation = ? AND status IN {allowed}",
            (
                step.id,
                step.run_id,
                step.name,
                step.index,
                step.status,
                step.output,
                step.error,
                step.started_at,
                step.completed_at,
                step.run_id,
                generation,
            ),
        )
    )
    if saved and step.status == "completed":
        db.execute(
            "UPDATE durably_runs SET current_step_index = max(current_step_index, ?), "
            "completed_step_count = completed_step_count + 1, updated_at = ? WHERE id = ?",
            (step.index + 1, step.completed_at, step.run_id),
        )
    return saved


def update_progress(
    db: sqlite3.Connection, run_id: str, generation: int, progress: str, now: str
) -> bool:
    """The newest progress of a leased run."""
    return _touched(
        db.execute(
            f"UPDATE durably_runs SET progress = ?, updated_at = ? WHERE {_MINE}",
            (progress, now, run_id, generation),
        )
    )


def append_logs(
    db: sqlite3.Connection, run_id: str, generation: int, logs: Sequence[NewLog], keep: int | None
) -> bool:
    """Lines of this generation; the oldest beyond ``keep`` go."""
    mine = db.execute(
        "SELECT 1 FROM durably_runs WHERE id = ? AND lease_generation = ?", (run_id, generation)
    ).fetchone()
    if mine is None:
        return False
    columns = "id, run_id, step_name, level, message, data, created_at"
    lines = encode_text(logs)
    if "\\u0000" in lines:  # SQLite's JSON ends a text there
        db.executemany(
            f"INSERT INTO durably_logs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(log.id, run_id, *log[1:]) for log in logs],
        )
    else:
        # One statement for all of them: each gives the interpreter away to a busy event loop.
        db.execute(
            f"INSERT INTO durably_logs ({columns}) SELECT value ->> 0, ?, value ->> 1, "
            "value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?)",
            (run_id, lines),
        )
    if keep is not None:
        db.execute(
            "DELETE FROM durably_logs WHERE run_id = ? AND id <= ("
            "SELECT id FROM durably_logs WHERE run_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (run_id, run_id, keep),
        )
    return True


def _delete_rest(db: sqlite3.Connection, run_id: str) -> None:
    for table in ("durably_steps", "durably_logs", "durably_run_labels"):
        db.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id,))


def _touched(cursor: sqlite3.Cursor) -> bool:
    return cursor.rowcount > 0
