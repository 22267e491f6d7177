"""Writes to the SQLite file: they share commits, and a failing one fails alone."""

import asyncio
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.server import echo, make_durably

from durably_server import StoreError
from durably_server.engine.errors import StoreUnavailableError
from durably_server.storage.sqlite.connection import connect
from durably_server.storage.sqlite.schema import migrate
from durably_server.storage.sqlite.writer import Writer


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


async def test_a_run_costs_three_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[int] = []
    commit = Writer._commit

    def counted(writer: Writer, group: list[Any]) -> None:
        groups.append(len(group))
        commit(writer, group)

    async with make_durably(tmp_path, echo, max_concurrent_runs=1, polling_interval=60) as durably:
        await durably.trigger_and_wait(echo, {"value": "warm"})
        await durably.process_until_idle()  # after what the worker still had to claim
        monkeypatch.setattr(Writer, "_commit", counted)
        await durably.trigger_and_wait(echo, {"value": "x"})
        # The trigger and the claim, the step, the end and the next claim.
        assert groups == [2, 1, 2]


async def test_a_thread_commits_itself_what_nobody_else_would_commit_with_it(
    tmp_path: Path,
) -> None:
    db = connect(tmp_path / "x.db", read_only=False)
    migrate(db, "now")
    writer = Writer(db)
    threads: list[str] = []
    writing, gate = threading.Event(), threading.Event()

    def put(db: sqlite3.Connection) -> bool:
        threads.append(threading.current_thread().name)
        return db.execute("INSERT INTO durably_schema_versions VALUES (7, 'x')").rowcount == 1

    def hold(db: sqlite3.Connection) -> None:
        writing.set()
        gate.wait(10)

    assert await asyncio.to_thread(writer.run_now, put)
    assert threads[0].startswith("asyncio_")
    with pytest.raises(StoreError, match="UNIQUE"):
        await asyncio.to_thread(writer.run_now, put)
    held = writer.submit(hold)
    assert await asyncio.to_thread(writing.wait, 10)
    assert await asyncio.to_thread(writer.run_now, put) is None, "somebody writes"
    gate.set()
    await held
    await writer.close()
    assert await asyncio.to_thread(writer.run_now, put) is None, "it is closed"
    reader = connect(tmp_path / "x.db", read_only=True)
    assert reader.execute("SELECT version FROM durably_schema_versions").fetchall() == [(1,), (7,)]
    reader.close()


async def test_bulk_writes_are_overtaken_one_at_a_time_and_none_is_lost(tmp_path: Path) -> None:
    db = connect(tmp_path / "x.db", read_only=False)
    migrate(db, "now")
    writer, done = Writer(db), list[str]()

    def put(name: str, *, bulk: bool = False) -> "asyncio.Future[None]":
        return writer.submit(lambda db: done.append(name), bulk=bulk)

    bulk = [put(f"bulk-{n}", bulk=True) for n in range(3)]
    others = [put(f"other-{n}") for n in range(3)]
    await asyncio.gather(*others, bulk[0])
    assert done[:4] == ["other-0", "other-1", "other-2", "bulk-0"]
    last = put("last")
    await writer.close()
    await asyncio.gather(last, *bulk)
    assert sorted(done) == ["bulk-0", "bulk-1", "bulk-2", "last", "other-0", "other-1", "other-2"]
    assert done.index("bulk-1") < done.index("bulk-2")


async def test_a_disk_that_takes_nothing_back_either_leaves_nobody_waiting(tmp_path: Path) -> None:
    class Broken:
        """A connection to a file whose disk fails, until it is mended."""

        def __init__(self, db: sqlite3.Connection) -> None:
            self.db = db
            self.fails = True

        def __getattr__(self, name: str) -> Any:
            return getattr(self.db, name)

        def execute(self, statement: str, *values: Any) -> Any:
            if self.fails and statement in ("COMMIT", "ROLLBACK"):
                raise sqlite3.OperationalError("disk I/O error")
            return self.db.execute(statement, *values)

    db = Broken(connect(tmp_path / "it.db", read_only=False))
    writer = Writer(db)  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        for _ in range(2):
            with pytest.raises(StoreUnavailableError):
                await writer.submit(lambda db: db.execute("CREATE TABLE a (b)"))
        db.fails = False
        for _ in range(2):
            with suppress(StoreError):  # what is left of the transaction goes first
                await writer.submit(lambda db: db.execute("CREATE TABLE IF NOT EXISTS c (d)"))
        assert await writer.submit(lambda db: db.execute("SELECT * FROM c").fetchall()) == []
        await writer.close()
