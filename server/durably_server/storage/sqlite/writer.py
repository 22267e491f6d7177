"""One thread at a time writes: what waits is committed together, and answered after the commit.

Group commit makes ``synchronous=FULL`` as fast as NORMAL: one fsync serves up to 256 operations.
A group is first tried without savepoints, since each statement gives the interpreter away and has
to get it back from a busy event loop; only if an operation fails is the group taken back and done
again, each operation in a savepoint, so that the failing one fails alone.

What the event loop asks for in one of its turns is handed over at once, which wakes the thread once
and lets the end of one run and the claim of the next share a commit.

A thread that has something to store while nobody writes commits it itself: handing it over and
being woken again takes longer than the commit does on a good disk.

Bulk operations go one at a time, at the end of a group, and then rest for three times as long as it
took: a flood of log lines leaves most of the writer's time to others, and shares their commits.
The commit does not count, so that the few lines of a small job do not wait for a slow disk twice.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from durably_server.engine.errors import DurablyError, StoreError, StoreUnavailableError

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

GROUP = 256
"""Operations in one transaction at most."""
_BULK_REST = 3.0
"""For how many times what a bulk operation took there is no other."""


@dataclass(slots=True)
class _Job:
    operation: Operation[Any]
    bulk: bool = False
    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True, kw_only=True)
class _Asked(_Job):
    """What somebody waits for on an event loop."""

    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"


class Writer:
    """Runs write operations in order. An operation may be run twice; the last time counts."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._asked: list[_Asked] = []
        self._queue: queue.SimpleQueue[list[_Asked] | None] = queue.SimpleQueue()
        self._urgent: deque[_Asked] = deque()
        self._bulk: deque[_Asked] = deque()
        self._bulk_due = 0.0
        self._turn = threading.Lock()  # of whoever uses the connection
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="durably-writer", daemon=True)
        self._thread.start()

    def submit(self, operation: Operation[T], *, bulk: bool = False) -> "asyncio.Future[T]":
        """Queue an operation now; the future is resolved when it is committed.

        Operations are run in this order, but others overtake those that are ``bulk``.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        # A loop that has ended with something asked for will not hand it over: this one does.
        if not self._asked or self._asked[-1].loop is not loop:
            loop.call_soon(self._hand_over)
        self._asked.append(_Asked(operation, bulk, loop=loop, future=future))
        return future

    def _hand_over(self) -> None:
        if self._asked:
            asked, self._asked = self._asked, []
            self._queue.put(asked)

    def run_now(self, operation: Operation[T]) -> T | None:
        """Run an operation and commit it in this thread, which may be any but an event loop's.

        None: others are writing, or wait to; then it is better committed with theirs. Where
        nobody is, no thread has to be woken for it.
        """
        if not self._queue.empty() or not self._turn.acquire(blocking=False):
            return None
        try:
            if self._closed:
                return None
            job = _Job(operation)
            self._commit([job])
        finally:
            self._turn.release()
        if job.error is not None:
            raise job.error
        answer: T = job.result
        return answer

    async def close(self) -> None:
        """Commit what was queued, end the thread and close the connection."""
        self._hand_over()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    # --- in the thread ---

    def _work(self) -> None:
        try:
            ended = False
            while not ended or self._urgent or self._bulk:
                if not ended:
                    ended = self._take()
                group = [self._urgent.popleft() for _ in range(min(GROUP, len(self._urgent)))]
                if self._bulk and (ended or time.monotonic() >= self._bulk_due):
                    group.append(self._bulk.popleft())
                if group:
                    with self._turn:
                        self._commit(group)
                    _answer(group)
        finally:
            with self._turn:
                self._closed = True
                self._db.close()

    def _take(self) -> bool:
        """Take what was handed over, and wait for it if there is nothing else to do.

        Answers whether it was the last.
        """
        timeout: float | None = 0.0
        if not self._urgent:
            now = time.monotonic()
            timeout = max(0.0, self._bulk_due - now) if self._bulk else None
        try:
            while (jobs := self._queue.get(timeout=timeout)) is not None:
                for job in jobs:
                    (self._bulk if job.bulk else self._urgent).append(job)
                timeout = 0.0
        except queue.Empty:
            return False
        return True

    def _commit(self, group: Sequence[_Job]) -> None:
        db = self._db
        try:
            self._roll_back()  # what could not be taken back the last time
            db.execute("BEGIN IMMEDIATE")
            if not self._run_all(group):
                self._roll_back()
                db.execute("BEGIN IMMEDIATE")
                self._run_each(group)
            db.execute("COMMIT")
        except Exception as error:
            # Nothing of the group is stored: nobody may be told that it is.
            with contextlib.suppress(sqlite3.Error):  # the disk may fail for this as well
                self._roll_back()
            for job in group:
                job.error = _translate(error)

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _run_all(self, group: Sequence[_Job]) -> bool:
        try:
            for job in group:
                began = time.monotonic() if job.bulk else 0.0
                job.result = job.operation(self._db)
                if job.bulk:
                    now = time.monotonic()
                    self._bulk_due = now + _BULK_REST * (now - began)
        except Exception:
            return False
        return True

    def _run_each(self, group: Sequence[_Job]) -> None:
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
    if isinstance(error, sqlite3.OperationalError):
        return StoreUnavailableError(f"The database could not be written: {error}.")
    if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.ProgrammingError):
        return StoreError(f"The database could not be written: {error}.")
    if isinstance(error, DurablyError):
        return error.with_traceback(None)
    return error


def _answer(group: list[_Asked]) -> None:
    """Wake each loop once, however many of its operations were committed."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Asked]] = defaultdict(list)
    for job in group:
        by_loop[job.loop].append(job)
    for loop, jobs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, jobs)
        except RuntimeError:  # that loop is closed; what it asked for is stored all the same
            continue


def _resolve(jobs: list[_Asked]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error)
