"""Connections that only read, each used by one thread at a time; they never wait for the writer.

What follows an index is answered by one of a few that are always quick. What may have to look at
every run has a connection of its own and a time limit, so that no search is in anybody's way.
"""

import asyncio
import queue
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from durably_server.engine.errors import StoreError, TooBroadError
from durably_server.storage.sqlite.connection import connect

T = TypeVar("T")

READERS = 2
LONGEST = 5.0
"""Seconds after which a search has to be over, its wait for earlier ones included."""
_LOOK_AFTER = 20_000
"""Instructions of SQLite between two looks at the clock: well below a millisecond's worth."""


class Readers:
    """A read sees everything that was committed before it began."""

    def __init__(self, path: Path) -> None:
        self._quick = _Pool(path, READERS)
        self._slow = _Pool(path, 1)
        self._closing = False

    async def run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """The answer of a query that follows an index.

        Raises:
            StoreError: the database cannot be read.
        """
        return await self._quick.run(query)

    async def run_all(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """The answer of a query that is asked for everything, one of these at a time.

        Raises:
            StoreError: the database cannot be read.
        """
        return await self._slow.run(query)

    async def search(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """The same for a query that may find little and look at everything.

        Raises:
            TooBroadError: it takes too long.
            StoreError: the database cannot be read.
        """
        deadline = time.monotonic() + LONGEST

        def over() -> bool:
            return self._closing or time.monotonic() > deadline

        def limited(db: sqlite3.Connection) -> T:
            db.set_progress_handler(over, _LOOK_AFTER)
            try:
                if over():
                    raise TooBroadError(LONGEST)
                return query(db)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                    raise TooBroadError(LONGEST) from None
                raise
            finally:
                db.set_progress_handler(None, 0)

        return await self._slow.run(limited)

    async def close(self) -> None:
        """End the searches under way, wait for the other reads, and close."""
        self._closing = True
        await self._quick.close()
        await self._slow.close()


class _Pool:
    def __init__(self, path: Path, size: int) -> None:
        self._size = size
        self._connections: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        for _ in range(size):
            self._connections.put(connect(path, read_only=True))
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="durably-reader")

    async def run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, query)

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        for _ in range(self._size):
            self._connections.get().close()

    def _run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        db = self._connections.get()
        try:
            return query(db)
        except sqlite3.Error as error:
            raise StoreError(f"The database could not be read: {error}.") from None
        finally:
            self._connections.put(db)
