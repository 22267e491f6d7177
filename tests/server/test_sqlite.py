"""The SQLite file: a Node server's opens here, ours is the same."""

import asyncio
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from support.server import RECORDED_JOBS, echo, make_durably

from durably_server import Durably, StoreError
from durably_server.engine.errors import TooBroadError
from durably_server.storage.sqlite import additions, readers
from durably_server.storage.sqlite.connection import check_writable, connect
from durably_server.storage.sqlite.readers import Readers

NODE_DB = Path(__file__).parents[1] / "wire" / "v0.15.db"


def tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Columns of each table and of each index, as SQLite itself tells them."""
    db = sqlite3.connect(path)
    found: dict[str, list[tuple[object, ...]]] = {}
    names = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql NOT NULL")
    for kind, name, table, sql in names.fetchall():
        if name.startswith("durably_py_"):
            continue
        if kind == "table":
            found[name] = [
                (column[1], column[2].lower(), column[3], column[4], column[5])
                for column in db.execute(f"PRAGMA table_info({name})")
            ]
        else:
            flags = next(
                (row[2], row[4])
                for row in db.execute(f"PRAGMA index_list({table})")
                if row[1] == name
            )
            where = " ".join(sql.lower().partition(" where ")[2].split())
            found[name] = [
                (table, *flags, where),
                *((column[2],) for column in db.execute(f"PRAGMA index_info({name})")),
            ]
    db.close()
    return found


async def test_our_tables_and_indexes_are_those_of_the_node_server(tmp_path: Path) -> None:
    durably = make_durably(tmp_path)
    await durably.migrate()
    await durably.stop()
    shutil.copy(NODE_DB, tmp_path / "node.db")
    assert tables(tmp_path / "test.db") == tables(tmp_path / "node.db")


async def test_a_database_of_the_node_server_opens_and_goes_on(tmp_path: Path) -> None:
    shutil.copy(NODE_DB, tmp_path / "test.db")
    before = tables(tmp_path / "test.db")
    async with make_durably(tmp_path) as durably:
        runs = await durably.get_runs()
        assert len(runs) == 15
        assert [run.created_at for run in runs] == sorted(
            (r.created_at for r in runs), reverse=True
        )
        (labelled,) = await durably.get_runs(labels={"team/owner": "a.b"})
        assert labelled.labels == {"env": "prod", "team/owner": "a.b"}
        failed = await durably.get_runs(status="failed", limit=1)
        assert failed[0].error
        again = await durably.retrigger(labelled.id)
        assert (await durably.wait_for_run(again.id, timeout=5)).output == labelled.output
        await durably.delete_run(labelled.id)
        assert len(await durably.get_runs()) == 15
    assert tables(tmp_path / "test.db") == before


AS_NODE_INSERTS = (
    "INSERT INTO durably_runs (id, job_name, input, status, labels, created_at, updated_at) "
    'VALUES (?, \'echo\', \'{"value":"n"}\', ?, \'{"env":"node"}\', ?, ?)'
)


async def test_what_others_write_is_counted_and_listed(tmp_path: Path) -> None:
    durably = make_durably(tmp_path)
    await durably.migrate()
    with sqlite3.connect(tmp_path / "test.db") as other:
        for n in range(3):
            other.execute(AS_NODE_INSERTS, (f"n{n}", "pending", "2026-01-01", "x"))
            other.execute("INSERT INTO durably_run_labels VALUES (?, 'env', 'node')", (f"n{n}",))
        other.execute("UPDATE durably_runs SET status = 'failed' WHERE id = 'n1'")
        other.execute("DELETE FROM durably_runs WHERE id = 'n2'")
    other.close()
    assert await durably.count_runs() == 2
    assert await durably.count_runs(status="failed") == 1
    assert [run.id for run in await durably.get_runs(labels={"env": "node"}, limit=9)] == [
        "n1",
        "n0",
    ]
    (stats, *_) = await durably.stats()
    assert (stats.counts["pending"], stats.counts["failed"]) == (1, 1)
    await durably.stop()


async def test_nothing_of_ours_outlives_a_run_whatever_goes_first(tmp_path: Path) -> None:
    durably = make_durably(tmp_path)
    await durably.migrate()
    with sqlite3.connect(tmp_path / "test.db") as other:
        for n in range(2):
            other.execute(AS_NODE_INSERTS, (f"n{n}", "completed", "2026-01-01", "x"))
            other.execute("INSERT INTO durably_run_labels VALUES (?, 'env', 'node')", (f"n{n}",))
        assert other.execute("SELECT count(*) FROM durably_py_labels").fetchone() == (2,)
        other.execute("DELETE FROM durably_runs WHERE id = 'n0'")
        other.execute("DELETE FROM durably_run_labels")
        other.execute("DELETE FROM durably_runs")
        assert other.execute("SELECT * FROM durably_py_labels").fetchall() == []
        assert other.execute("SELECT runs FROM durably_py_counts").fetchall() == [(0,)]
    other.close()
    await durably.stop()


async def test_lines_of_a_job_are_found_by_an_index_whoever_wrote_them(tmp_path: Path) -> None:
    durably = make_durably(tmp_path)
    await durably.migrate()
    line = "INSERT INTO durably_logs VALUES (?, ?, NULL, 'warn', ?, NULL, 'x')"
    with sqlite3.connect(tmp_path / "test.db") as other:
        for n in range(2):
            other.execute(AS_NODE_INSERTS, (f"n{n}", "completed", "2026-01-01", "x"))
            other.execute(line, (f"l{n}", f"n{n}", f"line {n}"))
    other.close()
    warn = {"level": ["warn"], "job_name": "echo"}
    assert [log.message for log in await durably.get_logs(limit=9, **warn)] == ["line 0", "line 1"]
    with sqlite3.connect(tmp_path / "test.db") as other:
        other.execute("DELETE FROM durably_runs WHERE id = 'n0'")
        other.execute("DELETE FROM durably_logs WHERE run_id = 'n0'")
        other.execute("DELETE FROM durably_logs WHERE run_id = 'n1'")
        assert other.execute("SELECT * FROM durably_py_job_logs").fetchall() == []
        plan = other.execute(
            "EXPLAIN QUERY PLAN SELECT id FROM durably_py_job_logs "
            "WHERE job_name = '' AND level = '' AND id > '' ORDER BY id DESC"
        ).fetchall()
    other.close()
    assert [step[3] for step in plan] == [
        "SEARCH durably_py_job_logs USING PRIMARY KEY (job_name=? AND level=? AND id>?)"
    ]
    await durably.stop()


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE durably_py_counts",
        "DROP TABLE durably_py_job_logs",
        "CREATE INDEX durably_py_older ON durably_runs (id); DROP TABLE durably_py_version",
        "DROP TRIGGER durably_py_log_added",
        "DROP TRIGGER durably_py_run_changed",
        "DROP INDEX durably_py_runs_created",
        "UPDATE durably_py_version SET version = 0",
        "UPDATE durably_py_counts SET runs = 7",
    ],
)
async def test_what_we_add_is_made_again_when_it_is_not_whole(tmp_path: Path, damage: str) -> None:
    async with make_durably(tmp_path) as durably:
        await durably.trigger_and_wait(echo, {"value": "x"}, labels={"a": "b"})
    with sqlite3.connect(tmp_path / "test.db") as db:
        db.execute("DROP TRIGGER IF EXISTS durably_py_run_added")
        db.executescript(damage)
        db.execute(AS_NODE_INSERTS, ("n1", "pending", "2026-01-01", "x"))
        db.execute("INSERT INTO durably_run_labels VALUES ('n1', 'env', 'node')")
    db.close()
    again = make_durably(tmp_path)
    assert await again.count_runs() == 2
    with sqlite3.connect(tmp_path / "test.db") as db:
        assert not db.execute("SELECT 1 FROM sqlite_master WHERE name LIKE '%older'").fetchall()
    db.close()
    assert await again.count_runs(status="completed", job_name="echo") == 1
    (stats, *_) = await again.stats()
    assert stats.counts["pending"] == 1
    assert [run.id for run in await again.get_runs(labels={"env": "node"}, limit=1)] == ["n1"]
    await again.stop()


async def test_the_node_server_finds_its_runs_as_before(tmp_path: Path) -> None:
    """Its claim walks the same indexes: one of ours, in order of creation, would read it all."""
    durably = make_durably(tmp_path)
    await durably.migrate()
    await durably.stop()
    db = sqlite3.connect(tmp_path / "test.db")
    plan = db.execute(
        "EXPLAIN QUERY PLAN SELECT id FROM durably_runs WHERE (status = 'pending' OR ("
        "status = 'leased' AND lease_expires_at IS NOT NULL AND lease_expires_at <= 'x')) AND ("
        "concurrency_key IS NULL OR NOT EXISTS (SELECT 1 FROM durably_runs AS active "
        "WHERE active.concurrency_key = durably_runs.concurrency_key AND active.id <> "
        "durably_runs.id AND active.status = 'leased' AND active.lease_expires_at IS NOT NULL "
        "AND active.lease_expires_at > 'x')) ORDER BY created_at ASC, id ASC LIMIT 1"
    ).fetchall()
    db.close()
    assert not [row for row in plan if "durably_py" in row[3]]


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    durably = make_durably(tmp_path)
    await durably.migrate()
    await durably.stop()
    db = sqlite3.connect(tmp_path / "test.db")
    db.execute("INSERT INTO durably_schema_versions VALUES (2, 'x')")
    db.commit()
    db.close()
    with pytest.raises(StoreError, match="schema version 2"):
        await durably.migrate()


def test_a_file_that_can_only_be_read_is_told_from_one_that_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    writer = connect(path, read_only=False)
    writer.execute("CREATE TABLE a (b)")
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        check_writable(reader)
    assert not reader.in_transaction
    reader.close()
    writer.execute("BEGIN IMMEDIATE")
    connect(path, read_only=False).close()
    writer.close()


async def test_a_file_that_is_no_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "test.db").write_bytes(b"not a database, by far not one" * 100)
    with pytest.raises(StoreError, match=r"test\.db cannot be used: file is not a database\."):
        await make_durably(tmp_path).init()
    with pytest.raises(StoreError, match="cannot be opened"):
        await Durably(f"sqlite:///{tmp_path / 'no' / 'folder.db'}").init()


async def test_ids_and_times_order_runs_of_one_millisecond(tmp_path: Path) -> None:
    now = 1_800_000_000_000
    durably = make_durably(tmp_path, *RECORDED_JOBS, clock=lambda: now)
    made = [(await durably.trigger(echo, {"value": str(n)})).id for n in range(20)]
    now -= 5000  # a clock that steps back does not reorder
    made += [(await durably.trigger(echo, {"value": "later"})).id]
    assert [run.id for run in await durably.get_runs()] == made[::-1]
    await durably.stop()


ENDLESS = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT max(n) FROM n"


async def test_a_search_without_end_is_in_nobodys_way_and_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(tmp_path / "x.db", read_only=False).close()
    pool = Readers(tmp_path / "x.db")
    monkeypatch.setattr(readers, "LONGEST", 0.5)
    searches = [
        asyncio.create_task(pool.search(lambda db: db.execute(ENDLESS).fetchone()))
        for _ in range(3)
    ]
    others = (pool.run(lambda db: db.execute("SELECT 7").fetchone()) for _ in range(50))
    assert set(await asyncio.gather(*others)) == {(7,)}
    assert not any(search.done() for search in searches)
    began = time.monotonic()
    for ended in await asyncio.gather(*searches, return_exceptions=True):
        assert isinstance(ended, TooBroadError)
    assert time.monotonic() - began < 3, "the wait for the others counts"
    assert await pool.search(lambda db: db.execute("SELECT 8").fetchone()) == (8,)
    assert await pool.run_all(lambda db: db.execute("SELECT 9").fetchone()) == (9,)
    monkeypatch.setattr(readers, "LONGEST", 60.0)
    last = asyncio.create_task(pool.search(lambda db: db.execute(ENDLESS).fetchone()))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await pool.close()
    with pytest.raises(TooBroadError):
        await last


async def test_what_another_process_writes_meanwhile_is_no_reason_to_count_again(
    tmp_path: Path,
) -> None:
    async with make_durably(tmp_path, echo) as durably:
        await durably.trigger(echo, {"value": "a"})
    path = tmp_path / "test.db"
    with closing(connect(path, read_only=False)) as db, closing(sqlite3.connect(path)) as other:
        statements: list[str] = []

        def told(statement: str) -> None:
            if "FROM durably_runs" in statement and not other.total_changes:
                other.execute(AS_NODE_INSERTS, ("n1", "pending", "2026-01-01", "x"))
                other.commit()
            statements.append(statement)

        db.set_trace_callback(told)
        additions.add(db)
        db.set_trace_callback(None)
        assert other.total_changes
        assert not [each for each in statements if each.startswith(("DROP", "CREATE"))]
        assert db.execute("SELECT sum(runs) FROM durably_py_counts").fetchone() == (2,)
        assert not db.in_transaction


async def test_of_two_processes_that_open_a_file_at_once_one_makes_what_is_missing(
    tmp_path: Path,
) -> None:
    async with make_durably(tmp_path, echo) as durably:
        await durably.trigger(echo, {"value": "a"})
    path = tmp_path / "test.db"
    with (
        closing(connect(path, read_only=False)) as db,
        closing(connect(path, read_only=False)) as other,
    ):
        db.execute("DROP INDEX durably_py_runs_created")
        made: list[str] = []

        def told(statement: str) -> None:
            if statement == "BEGIN IMMEDIATE" and not made:
                made.append("by the other")
                additions.add(other)
            elif made and statement.startswith(("DROP", "CREATE")):
                made.append(statement)

        db.set_trace_callback(told)
        additions.add(db)
        db.set_trace_callback(None)
        assert made == ["by the other"]
        assert not db.in_transaction
