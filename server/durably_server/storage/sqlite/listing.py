"""Lists of runs, newest first, each page as quick as the first on a million runs.

SQLite walks an index in the order of the list only if the filter is one value a column. So a
filter of many values is a union of walks, each of which stops at the page's end, and a filter by
labels walks either the runs of the rarest label or those of the jobs and statuses, whichever are
fewer.
"""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from durably_server.engine.model import Run, RunFilter
from durably_server.storage.sqlite.rows import RUN, run_of

_MAX_WALKS = 60
_PROBE = 5_000
_RUN = ", ".join(f"r.{column.strip()}" for column in RUN.split(","))
_SEARCHED = ("r.id", "r.job_name", "r.input", "r.error", "r.labels")
_SPECIAL = re.compile(r"[\\%_]")


@dataclass(frozen=True, slots=True)
class _Walk:
    """One way through an index: where it is, what is asked of its columns, and of each run."""

    source: str
    place: str
    conditions: tuple[str, ...]
    values: tuple[Any, ...]


def get_runs(db: sqlite3.Connection, where: RunFilter) -> list[Run]:
    """Newest first; runs of one millisecond are ordered by id, so that pages never swap them."""
    walks = [_one_walk(where)] if where.limit is None else _walks(db, where)
    limit = -1 if where.limit is None else where.limit
    if len(walks) == 1:
        (walk,) = walks
        text, values = _select(walk, where, _RUN)
        query = f"{text} LIMIT ? OFFSET ?"
        return [run_of(row) for row in db.execute(query, (*values, limit, where.offset))]
    parts: list[str] = []
    all_values: list[Any] = []
    for walk in walks:
        text, values = _select(walk, where, "r.created_at, r.id")
        parts.append(f"SELECT * FROM ({text} LIMIT ?)")
        all_values.extend((*values, limit + where.offset))
    query = (
        f"SELECT {_RUN} FROM ({' UNION ALL '.join(parts)} "
        "ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?) AS page "
        "CROSS JOIN durably_runs AS r ON r.id = page.id "
        "ORDER BY r.created_at DESC, r.id DESC"
    )
    return [run_of(row) for row in db.execute(query, (*all_values, limit, where.offset))]


def is_counted(where: RunFilter) -> bool:
    """Whether the counters know how many runs fit."""
    narrow = (where.created_after, where.created_before, where.text)
    return not where.labels and all(each is None for each in narrow)


def count_runs(db: sqlite3.Connection, where: RunFilter) -> int:
    """All of them; quick by jobs and statuses, else as long as reading an index takes."""
    if is_counted(where):
        conditions, values = _any_of("", where.job_names, where.statuses)
        query = "SELECT coalesce(sum(runs), 0) FROM durably_py_counts"
        if conditions:
            query += " WHERE " + " AND ".join(conditions)
        return int(db.execute(query, values).fetchone()[0])
    walk = _one_walk(where) if not where.labels else _label_walk(db, where)[0]
    asked, all_values = _conditions(walk, where, cursor=False)
    text = f"SELECT count(*) FROM {walk.source} WHERE " + " AND ".join(asked)
    return int(db.execute(text, all_values).fetchone()[0])


def _walks(db: sqlite3.Connection, where: RunFilter) -> list[_Walk]:
    if where.labels:
        walk, runs = _label_walk(db, where)
        if runs <= _counted(db, where):
            return [walk]
    jobs, statuses = tuple(dict.fromkeys(where.job_names)), tuple(dict.fromkeys(where.statuses))
    if jobs and statuses:
        conditions, values = _any_of("", jobs, statuses)
        pairs = db.execute(
            "SELECT job_name, status FROM durably_py_counts WHERE runs > 0 AND "
            + " AND ".join(conditions),
            values,
        ).fetchall()
        walks = [_run_walk(where, ("r.job_name = ?", "r.status = ?"), pair) for pair in pairs]
        walks = walks or [_run_walk(where, ("r.job_name = ?", "r.status = ?"), (jobs[0], ""))]
    elif jobs or statuses:
        column = "r.job_name" if jobs else "r.status"
        walks = [_run_walk(where, (f"{column} = ?",), (value,)) for value in jobs or statuses]
    else:
        walks = [_run_walk(where, (), ())]
    return walks if len(walks) <= _MAX_WALKS else [_one_walk(where)]


def _one_walk(where: RunFilter) -> _Walk:
    """Whatever the planner makes of it: for lists that have no end."""
    conditions, values = _any_of("r.", where.job_names, where.statuses)
    return _run_walk(where, tuple(conditions), tuple(values))


def _run_walk(where: RunFilter, conditions: tuple[str, ...], values: tuple[Any, ...]) -> _Walk:
    for key, value in where.labels.items():
        conditions += (_HAS_LABEL,)
        values += (key, value)
    return _Walk("durably_runs AS r", "(r.created_at, r.id)", conditions, values)


_HAS_LABEL = (
    "EXISTS (SELECT 1 FROM durably_run_labels AS o "
    "WHERE o.run_id = r.id AND o.key = ? AND o.value = ?)"
)


# Asked of the walk's own table, so that a run is read only if it has all of the labels.
_ALSO_LABELLED = (
    "EXISTS (SELECT 1 FROM durably_py_labels AS o WHERE o.key = ? AND o.value = ? "
    "AND o.created_at = l.created_at AND o.run_id = l.run_id)"
)


def _label_walk(db: sqlite3.Connection, where: RunFilter) -> tuple[_Walk, int]:
    """Through the runs of the rarest label, and how many they are, counted up to a bound."""
    conditions, values = _any_of("r.", where.job_names, where.statuses)
    if not conditions and len(where.labels) == 1:
        return _labelled(where, next(iter(where.labels.items())), (), ()), 0
    probe = (
        "SELECT count(*) FROM (SELECT 1 FROM durably_py_labels WHERE key = ? AND value = ? LIMIT ?)"
    )
    rarest, fewest = None, 0
    for label in where.labels.items():
        (runs,) = db.execute(probe, (*label, _PROBE)).fetchone()
        if rarest is None or runs < fewest:
            rarest, fewest = label, runs
    assert rarest is not None
    return _labelled(where, rarest, tuple(conditions), tuple(values)), fewest


def _labelled(
    where: RunFilter,
    label: tuple[str, str],
    conditions: tuple[str, ...],
    values: tuple[Any, ...],
) -> _Walk:
    others = [each for each in where.labels.items() if each != label]
    return _Walk(
        "durably_py_labels AS l CROSS JOIN durably_runs AS r ON r.id = l.run_id",
        "(l.created_at, l.run_id)",
        ("l.key = ?", "l.value = ?", *[_ALSO_LABELLED] * len(others), *conditions),
        (*label, *(part for each in others for part in each), *values),
    )


def _counted(db: sqlite3.Connection, where: RunFilter) -> int:
    """How many runs the jobs and statuses have, whatever their labels."""
    return count_runs(db, RunFilter(job_names=where.job_names, statuses=where.statuses))


def _select(walk: _Walk, where: RunFilter, columns: str) -> tuple[str, tuple[Any, ...]]:
    conditions, values = _conditions(walk, where, cursor=True)
    created_at, run_id = walk.place.strip("()").split(", ")
    text = f"SELECT {columns} FROM {walk.source}"
    if conditions:
        text += " WHERE " + " AND ".join(conditions)
    return f"{text} ORDER BY {created_at} DESC, {run_id} DESC", values


def _conditions(
    walk: _Walk, where: RunFilter, *, cursor: bool
) -> tuple[list[str], tuple[Any, ...]]:
    conditions, values = list(walk.conditions), list(walk.values)
    created_at = walk.place.strip("()").split(", ")[0]
    if where.created_after is not None:
        conditions.append(f"{created_at} >= ?")
        values.append(where.created_after)
    if where.created_before is not None:
        conditions.append(f"{created_at} < ?")
        values.append(where.created_before)
    if cursor and where.after is not None:
        conditions.append(f"{walk.place} < (?, ?)")
        values.extend(where.after)
    if where.text is not None:
        # LIKE takes either case of ASCII letters, in half the time of instr and lower.
        pattern = "%" + _SPECIAL.sub(r"\\\g<0>", where.text) + "%"
        found = " OR ".join(f"{place} LIKE ? ESCAPE '\\'" for place in _SEARCHED)
        conditions.append(f"({found})")
        values.extend([pattern] * len(_SEARCHED))
    return conditions, tuple(values)


def _any_of(
    alias: str, jobs: Sequence[str], statuses: Sequence[str]
) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for column, wanted in (("job_name", jobs), ("status", statuses)):
        if wanted:
            conditions.append(f"{alias}{column} IN ({', '.join('?' * len(wanted))})")
            values.extend(wanted)
    return conditions, values
