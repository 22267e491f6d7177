"""What this server adds to a Durably database: tables, triggers and indexes of its own.

The tables of a 0.15 server stay exactly as they are. Triggers keep what is added right whoever
writes, also a Node server on the same file, since they are part of the file and run inside the
writer's own transaction. All names begin with ``durably_py_``, and all of it can be dropped and
is built again the next time that this server opens the file.
"""

import sqlite3

VERSION = 2

_NAMES = ("durably_py_version", "durably_py_counts", "durably_py_labels", "durably_py_job_logs")
_TABLES = (
    "CREATE TABLE durably_py_version (version integer PRIMARY KEY)",
    # GROUP BY over a million runs takes 76 ms; these few rows take none.
    """
    CREATE TABLE durably_py_counts (
        job_name text NOT NULL,
        status text NOT NULL,
        runs integer NOT NULL,
        PRIMARY KEY (job_name, status)
    ) WITHOUT ROWID
    """,
    # The labels of 0.15 do not know when their run was created, so they cannot be listed in order.
    """
    CREATE TABLE durably_py_labels (
        key text NOT NULL,
        value text NOT NULL,
        created_at text NOT NULL,
        run_id text NOT NULL,
        PRIMARY KEY (key, value, created_at, run_id)
    ) WITHOUT ROWID
    """,
    # The logs of 0.15 do not know their job, so those of one job could not be found among others.
    """
    CREATE TABLE durably_py_job_logs (
        job_name text NOT NULL,
        level text NOT NULL,
        id text NOT NULL,
        PRIMARY KEY (job_name, level, id)
    ) WITHOUT ROWID
    """,
)

_ONE_MORE = """
    INSERT INTO durably_py_counts (job_name, status, runs) VALUES (NEW.job_name, NEW.status, 1)
    ON CONFLICT (job_name, status) DO UPDATE SET runs = runs + 1;
"""
_ONE_LESS = """
    UPDATE durably_py_counts SET runs = runs - 1
    WHERE job_name = OLD.job_name AND status = OLD.status;
"""
_TRIGGERS = {
    "durably_py_run_added": f"AFTER INSERT ON durably_runs BEGIN {_ONE_MORE} END",
    "durably_py_run_changed": "AFTER UPDATE OF status ON durably_runs "
    f"WHEN OLD.status <> NEW.status BEGIN {_ONE_LESS} {_ONE_MORE} END",
    # Lines and labels may go before their run or after it: here, or each by its own trigger.
    "durably_py_run_deleted": f"""
        AFTER DELETE ON durably_runs BEGIN
            {_ONE_LESS}
            DELETE FROM durably_py_labels WHERE (key, value, created_at, run_id) IN (
                SELECT key, value, OLD.created_at, OLD.id FROM durably_run_labels
                WHERE run_id = OLD.id
            );
            DELETE FROM durably_py_job_logs WHERE (job_name, level, id) IN (
                SELECT OLD.job_name, level, id FROM durably_logs WHERE run_id = OLD.id
            );
        END
    """,
    "durably_py_log_added": """
        AFTER INSERT ON durably_logs BEGIN
            INSERT OR IGNORE INTO durably_py_job_logs (job_name, level, id)
            SELECT job_name, NEW.level, NEW.id FROM durably_runs WHERE id = NEW.run_id;
        END
    """,
    "durably_py_log_deleted": """
        AFTER DELETE ON durably_logs BEGIN
            DELETE FROM durably_py_job_logs WHERE (job_name, level, id) IN (
                SELECT job_name, OLD.level, OLD.id FROM durably_runs WHERE id = OLD.run_id
            );
        END
    """,
    "durably_py_label_added": """
        AFTER INSERT ON durably_run_labels BEGIN
            INSERT OR IGNORE INTO durably_py_labels (key, value, created_at, run_id)
            SELECT NEW.key, NEW.value, created_at, id FROM durably_runs WHERE id = NEW.run_id;
        END
    """,
    "durably_py_label_deleted": """
        AFTER DELETE ON durably_run_labels BEGIN
            DELETE FROM durably_py_labels WHERE (key, value, created_at, run_id) IN (
                SELECT OLD.key, OLD.value, created_at, id FROM durably_runs WHERE id = OLD.run_id
            );
        END
    """,
}
_INDEXES = {
    "durably_py_runs_created": "durably_runs (created_at, id)",
    "durably_py_runs_job_status": "durably_runs (job_name, status, created_at, id)",
    "durably_py_runs_started": "durably_runs (job_name, started_at) WHERE started_at IS NOT NULL",
    "durably_py_runs_ended": "durably_runs (job_name, status, completed_at, started_at) "
    "WHERE completed_at IS NOT NULL",
    "durably_py_logs_run": "durably_logs (run_id, id)",
    "durably_py_logs_bad": "durably_logs (id) WHERE level <> 'info'",
}


_OURS = "SELECT type, name FROM sqlite_master WHERE name LIKE 'durably_py_%'"


def add(db: sqlite3.Connection) -> None:
    """Make what is missing, and count again if somebody wrote while it was missing."""
    db.execute("BEGIN")  # one look: what others write meanwhile is not seen in a part of it
    whole = _is_whole(db)
    db.execute("COMMIT")
    if whole:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        if _is_whole(db):  # another process has made it meanwhile
            db.execute("COMMIT")
            return
        for kind, name in db.execute(f"{_OURS} ORDER BY type DESC").fetchall():
            db.execute(f"DROP {kind} IF EXISTS {name}")  # triggers, then tables, then indexes
        for statement in _TABLES:
            db.execute(statement)
        for name, place in _INDEXES.items():
            db.execute(f"CREATE INDEX {name} ON {place}")
        db.execute(
            "INSERT INTO durably_py_counts (job_name, status, runs) "
            "SELECT job_name, status, count(*) FROM durably_runs GROUP BY job_name, status"
        )
        db.execute(
            "INSERT OR IGNORE INTO durably_py_labels (key, value, created_at, run_id) "
            "SELECT l.key, l.value, r.created_at, r.id "
            "FROM durably_run_labels AS l JOIN durably_runs AS r ON r.id = l.run_id "
            "ORDER BY l.key, l.value, r.created_at, r.id"
        )
        db.execute(
            "INSERT OR IGNORE INTO durably_py_job_logs (job_name, level, id) "
            "SELECT r.job_name, l.level, l.id "
            "FROM durably_logs AS l JOIN durably_runs AS r ON r.id = l.run_id "
            "ORDER BY r.job_name, l.level, l.id"
        )
        for name, rule in _TRIGGERS.items():
            db.execute(f"CREATE TRIGGER {name} {rule}")
        db.execute("INSERT INTO durably_py_version (version) VALUES (?)", (VERSION,))
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _is_whole(db: sqlite3.Connection) -> bool:
    names = {name for _, name in db.execute(_OURS)}
    if not {*_NAMES, *_TRIGGERS, *_INDEXES} <= names:
        return False
    (version,) = db.execute("SELECT max(version) FROM durably_py_version").fetchone()
    (counted,) = db.execute("SELECT coalesce(sum(runs), 0) FROM durably_py_counts").fetchone()
    (there,) = db.execute("SELECT count(*) FROM durably_runs").fetchone()
    return bool(version == VERSION and counted == there)
