"""How this server opens a SQLite file."""

import sqlite3
from pathlib import Path

from durably_server.engine.errors import StoreError

CHECKPOINT_PAGES = 1000
"""Pages of the WAL after which a commit also brings the file up to date (4 MB). A commit that
writes over what was there is on the disk sooner than one that makes the file longer."""
WAL_BYTES = 64 << 20
"""What the WAL keeps on disk once it has been bigger."""
CACHE_KIB = 32 << 10
"""Pages that the writer keeps in memory, so that a large database is not read for each write."""
BUSY_TIMEOUT = 5.0
"""Seconds to wait for another process that writes."""


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """A connection in autocommit mode, usable from any one thread at a time.

    WAL lets readers go on beside the writer; FULL makes an answered write survive a power cut.

    Raises:
        StoreError: the file cannot be opened, or is no database.
    """
    try:
        db = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise StoreError(f"The database {path} cannot be opened: {error}.") from None
    try:
        if read_only:
            db.execute("PRAGMA query_only = ON")
        else:
            check_writable(db)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            db.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
            db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        db.close()
        raise StoreError(f"The database {path} cannot be used: {error}.") from None
    return db


def check_writable(db: sqlite3.Connection) -> None:
    """SQLite opens a file that it may only read without a word, and refuses each write later.

    Raises:
        sqlite3.OperationalError: it can only be read.
    """
    db.execute("PRAGMA busy_timeout = 0")
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        db.execute("BEGIN IMMEDIATE")  # which is granted all the same
        db.execute(f"PRAGMA user_version = {version}")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY:
            raise
        # Locked: another server is writing, so it can be written.
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
        db.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")
