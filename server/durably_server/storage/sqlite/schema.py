"""The tables and indexes of a Durably 0.15 server (protocol.md, "The database"), schema version 1.

A database that a Node server made has exactly these, and is opened as it is; a database made
here opens there. Nothing may be added to these tables: what this server adds gets its own.
"""

import sqlite3

from durably_server.engine.errors import StoreError

SCHEMA_VERSION = 1

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS durably_runs (
        id text PRIMARY KEY,
        job_name text NOT NULL,
        input text NOT NULL,
        status text NOT NULL,
        idempotency_key text,
        concurrency_key text,
        labels text DEFAULT '{}' NOT NULL,
        current_step_index integer DEFAULT 0 NOT NULL,
        completed_step_count integer DEFAULT 0 NOT NULL,
        progress text,
        output text,
        error text,
        lease_owner text,
        lease_expires_at text,
        lease_generation integer DEFAULT 0 NOT NULL,
        started_at text,
        completed_at text,
        created_at text NOT NULL,
        updated_at text NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS durably_run_labels (
        run_id text NOT NULL,
        key text NOT NULL,
        value text NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS durably_steps (
        id text PRIMARY KEY,
        run_id text NOT NULL,
        name text NOT NULL,
        "index" integer NOT NULL,
        status text NOT NULL,
        output text,
        error text,
        started_at text NOT NULL,
        completed_at text
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS durably_logs (
        id text PRIMARY KEY,
        run_id text NOT NULL,
        step_name text,
        level text NOT NULL,
        message text NOT NULL,
        data text,
        created_at text NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS durably_schema_versions (
        version integer PRIMARY KEY,
        applied_at text NOT NULL
    )
    """,
)

_UNIQUE = "CREATE UNIQUE INDEX IF NOT EXISTS"
_INDEX = "CREATE INDEX IF NOT EXISTS"
_INDEXES = (
    f"{_UNIQUE} idx_durably_runs_job_idempotency ON durably_runs (job_name, idempotency_key)",
    f"{_INDEX} idx_durably_runs_status_concurrency ON durably_runs (status, concurrency_key)",
    f"{_INDEX} idx_durably_runs_status_created ON durably_runs (status, created_at)",
    f"{_INDEX} idx_durably_runs_status_lease_expires ON durably_runs (status, lease_expires_at)",
    f"{_INDEX} idx_durably_runs_job_created ON durably_runs (job_name, created_at)",
    f"{_INDEX} idx_durably_runs_status_completed ON durably_runs (status, completed_at)",
    f"{_UNIQUE} idx_durably_run_labels_pk ON durably_run_labels (run_id, key)",
    f"{_INDEX} idx_durably_run_labels_key_value ON durably_run_labels (key, value)",
    f'{_INDEX} idx_durably_steps_run_index ON durably_steps (run_id, "index")',
    f"{_UNIQUE} idx_durably_steps_completed_unique ON durably_steps (run_id, name) "
    "WHERE status = 'completed'",
    f"{_INDEX} idx_durably_logs_run_created ON durably_logs (run_id, created_at)",
    f"{_UNIQUE} idx_durably_runs_pending_concurrency ON durably_runs (job_name, concurrency_key) "
    "WHERE status = 'pending' AND concurrency_key IS NOT NULL",
)


def migrate(db: sqlite3.Connection, now: str) -> None:
    """Bring a database to version 1, in one transaction.

    Raises:
        StoreError: a newer version of Durably has been here.
    """
    version = _version(db)
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"The database has schema version {version}, this server knows {SCHEMA_VERSION}: "
            "use a newer server for it."
        )
    if version == SCHEMA_VERSION:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in (*_TABLES, *_INDEXES):
            db.execute(statement)
        db.execute(
            "INSERT OR IGNORE INTO durably_schema_versions (version, applied_at) VALUES (?, ?)",
            (SCHEMA_VERSION, now),
        )
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _version(db: sqlite3.Connection) -> int:
    known = db.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'durably_schema_versions'"
    ).fetchone()
    if known is None:
        return 0
    return int(
        db.execute("SELECT coalesce(max(version), 0) FROM durably_schema_versions").fetchone()[0]
    )
