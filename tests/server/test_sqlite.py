"""The SQLite file: a Node server's opens here, ours is the same; writers commit together."""

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest
from support.server import RECORDED_JOBS, echo, make_durably

from durably_server import Durably, StoreError
from durably_server.storage.sqlite.connection import connect
from durably_server.storage.sqlite.schema import migrate
from durably_server.storage.sqlite.writer import Writer

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


async def test_a_file_that_is_no_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "test.db").write_bytes(b"not a database, by far not one" * 100)
    with pytest.raises(StoreError, match=r"test\.db cannot be used: file is not a database\."):
        await make_durably(tmp_path).init()
    with pytest.raises(StoreError, match="cannot be opened"):
        await Durably(f"sqlite:///{tmp_path / 'no' / 'folder.db'}").init()


async def test_answered_writes_are_synced(tmp_path: Path) -> None:
    db = connect(tmp_path / "x.db", read_only=False)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    db.close()


async def test_waiting_writes_share_a_commit_and_a_failing_one_fails_alone(tmp_path: Path) -> None:
    db = connect(tmp_path / "x.db", read_only=False)
    migrate(db, "now")
    commits: list[str] = []
    db.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    writer = Writer(db)
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(db: sqlite3.Connection) -> None:
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()

    def put(n: int) -> "asyncio.Future[int]":
        def operation(db: sqlite3.Connection) -> int:
            db.execute("INSERT INTO durably_schema_versions VALUES (?, 'x')", (n,))
            if n == 50:
                raise ValueError("refused")
            return n

        return writer.submit(operation)

    held = writer.submit(hold)
    futures = [put(n) for n in range(10, 110)]
    gate.set()
    results = await asyncio.gather(held, *futures, return_exceptions=True)
    assert [r for r in results if not isinstance(r, int) and r is not None] == [results[41]]
    assert str(results[41]) == "refused"
    assert len(commits) <= 2
    reader = connect(tmp_path / "x.db", read_only=True)
    assert reader.execute("SELECT count(*) FROM durably_schema_versions").fetchone() == (100,)
    assert (
        reader.execute("SELECT 1 FROM durably_schema_versions WHERE version = 50").fetchall() == []
    )
    reader.close()
    await writer.close()


async def test_ids_and_times_order_runs_of_one_millisecond(tmp_path: Path) -> None:
    now = 1_800_000_000_000
    durably = make_durably(tmp_path, *RECORDED_JOBS, clock=lambda: now)
    made = [(await durably.trigger(echo, {"value": str(n)})).id for n in range(20)]
    now -= 5000  # a clock that steps back does not reorder
    made += [(await durably.trigger(echo, {"value": "later"})).id]
    assert [run.id for run in await durably.get_runs()] == made[::-1]
    await durably.stop()
