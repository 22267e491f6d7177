"""Connections that only read, each used by one thread at a time; they never wait for the writer."""

import asyncio
import queue
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from durably_server.engine.errors import StoreError
from durably_server.storage.sqlite.connection import connect

T = TypeVar("T")

READERS = 2


class Readers:
    """A small pool; a read sees everything that was committed before it began."""

    def __init__(self, path: Path) -> None:
        self._connections: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        for _ in range(READERS):
            self._connections.put(connect(path, read_only=True))
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="durably-reader")

    async def run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """The answer of a query.

        Raises:
            StoreError: the database cannot be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, query)

    async def close(self) -> None:
        """Wait for the reads under way, and close."""
        await asyncio.to_thread(self._threads.shutdown)
        for _ in range(READERS):
            self._connections.get().close()

    def _run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        db = self._connections.get()
        try:
            return query(db)
        except sqlite3.Error as error:
            raise StoreError(f"The database could not be read: {error}.") from None
        finally:
            self._connections.put(db)
