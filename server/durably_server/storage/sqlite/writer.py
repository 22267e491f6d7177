"""One thread that writes: what waits is committed together, and answered after the commit.

Group commit makes ``synchronous=FULL`` as fast as NORMAL: one fsync serves up to 256 operations.
A group is first tried without savepoints, since each statement gives the interpreter away and has
to get it back from a busy event loop; only if an operation fails is the group taken back and done
again, each operation in a savepoint, so that the failing one fails alone.

Bulk operations go one at a time, at the end of a group, and then rest for twice as long as it took:
a flood of log lines leaves most of the writer's time to others, and shares their commits.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from durably_server.engine.errors import DurablyError, StoreError

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

GROUP = 256
"""Operations in one transaction at most."""
_BULK_REST = 2.0
"""For how many times what a bulk operation took there is no other."""


@dataclass(slots=True)
class _Job:
    operation: Operation[Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    bulk: bool = False
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Runs write operations in order. An operation may be run twice; the last time counts."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="durably-writer", daemon=True)
        self._thread.start()

    def submit(self, operation: Operation[T], *, bulk: bool = False) -> "asyncio.Future[T]":
        """Queue an operation now; the future is resolved when it is committed.

        Operations are run in this order, but others overtake those that are ``bulk``.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Job(operation, loop, future, bulk))
        return future

    async def close(self) -> None:
        """Commit what was queued, end the thread and close the connection."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        bulk: deque[_Job] = deque()
        due = 0.0
        try:
            ended = False
            while not ended or bulk:
                group: list[_Job] = []
                if not ended:
                    group, ended = self._next(bulk, due)
                began = time.monotonic()
                if bulk and (ended or began >= due):
                    group.append(bulk.popleft())
                if group:
                    self._commit(group)
                    _answer(group)
                    if group[-1].bulk:
                        now = time.monotonic()
                        due = now + _BULK_REST * (now - began)
        finally:
            self._db.close()

    def _next(self, bulk: deque[_Job], due: float) -> tuple[list[_Job], bool]:
        """What waits, the bulk of it put aside; waits itself until there is something to do."""
        group: list[_Job] = []
        timeout = max(0.0, due - time.monotonic()) if bulk else None
        try:
            while len(group) < GROUP:
                job = self._queue.get(timeout=timeout)
                if job is None:
                    return group, True
                timeout = 0.0
                (bulk if job.bulk else group).append(job)
        except queue.Empty:
            pass
        return group, False

    def _commit(self, group: list[_Job]) -> None:
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            if not self._run_all(group):
                db.execute("ROLLBACK")
                db.execute("BEGIN IMMEDIATE")
                self._run_each(group)
            db.execute("COMMIT")
        except Exception as error:
            # Nothing of the group is stored: nobody may be told that it is.
            if db.in_transaction:
                db.execute("ROLLBACK")
            for job in group:
                job.error = _translate(error)

    def _run_all(self, group: list[_Job]) -> bool:
        try:
            for job in group:
                job.result = job.operation(self._db)
        except Exception:
            return False
        return True

    def _run_each(self, group: list[_Job]) -> None:
        db = self._db
        for job in group:
            db.execute("SAVEPOINT operation")
            try:
                job.result = job.operation(db)
            except Exception as error:
                job.error = _translate(error)
                db.execute("ROLLBACK TO operation")
            db.execute("RELEASE operation")


def _translate(error: Exception) -> Exception:
    if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.ProgrammingError):
        return StoreError(f"The database could not be written: {error}.")
    if isinstance(error, DurablyError):
        return error.with_traceback(None)
    return error


def _answer(group: list[_Job]) -> None:
    """Wake each loop once, however many of its operations were committed."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = defaultdict(list)
    for job in group:
        by_loop[job.loop].append(job)
    for loop, jobs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, jobs)
        except RuntimeError:  # that loop is closed; what it asked for is stored all the same
            continue


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error)
