"""How runs are taken: inside one write transaction, which no other process can be in as well."""

import sqlite3
from collections.abc import Set as AbstractSet
from typing import Any

from durably_server.engine.codec import encode_text
from durably_server.engine.model import Run
from durably_server.storage.sqlite.rows import RUN, run_of

_Candidate = tuple[str, str, str | None]
"""When it was created, its id, its concurrency key."""

_FREE = (
    "(c.concurrency_key IS NULL OR NOT EXISTS (SELECT 1 FROM durably_runs AS other "
    "WHERE other.status = 'leased' AND other.concurrency_key = c.concurrency_key "
    "AND other.id <> c.id AND other.lease_expires_at > :now))"
)
# Both are walks down an index that stop at the limit, however many runs wait; and one statement, as
# each gives the interpreter away to a busy event loop. For a single run its lease is part of it.
_CANDIDATES = f"""
    SELECT * FROM (
        SELECT c.created_at, c.id, c.concurrency_key FROM durably_runs AS c
        WHERE c.status = 'pending' AND {_FREE} ORDER BY c.created_at, c.id LIMIT :limit
    )
    UNION ALL
    SELECT * FROM (
        SELECT c.created_at, c.id, c.concurrency_key FROM durably_runs AS c
        WHERE c.status = 'leased' AND c.lease_expires_at <= :now
        AND c.id NOT IN (SELECT value FROM json_each(:running)) AND {_FREE}
        ORDER BY c.created_at, c.id LIMIT :limit
    )
"""
_LEASE = """
    UPDATE durably_runs SET
        status = 'leased', lease_owner = :owner, lease_expires_at = :expires_at,
        lease_generation = lease_generation + 1,
        started_at = coalesce(started_at, :now), updated_at = :now
"""
_LEASE_CHOSEN = f"{_LEASE} WHERE id IN (SELECT value FROM json_each(:ids)) RETURNING {RUN}"
_LEASE_OLDEST = f"""
    {_LEASE} WHERE id = (SELECT id FROM ({_CANDIDATES}) ORDER BY created_at, id LIMIT 1)
    RETURNING {RUN}
"""


def claim(
    db: sqlite3.Connection,
    owner: str,
    now: str,
    expires_at: str,
    running: AbstractSet[str],
    limit: int,
) -> list[Run]:
    """The oldest first, and of each concurrency key one."""
    named: dict[str, Any] = {
        "owner": owner,
        "now": now,
        "expires_at": expires_at,
        "running": encode_text(sorted(running)),
        "limit": limit,
    }
    if limit == 1:
        rows = db.execute(_LEASE_OLDEST, named).fetchall()
    elif chosen := _chosen(db, named):
        rows = db.execute(_LEASE_CHOSEN, {**named, "ids": encode_text(chosen)}).fetchall()
    else:
        return []
    return sorted((run_of(row) for row in rows), key=lambda run: (run.created_at, run.id))


def _chosen(db: sqlite3.Connection, named: dict[str, Any]) -> list[str]:
    found: list[_Candidate] = sorted(db.execute(_CANDIDATES, named).fetchall())
    chosen: list[str] = []
    keys: set[str] = set()
    for _, run_id, key in found:
        if len(chosen) < named["limit"] and key not in keys:
            chosen.append(run_id)
            if key is not None:
                keys.add(key)
    return chosen
