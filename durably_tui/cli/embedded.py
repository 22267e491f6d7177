"""A demo server inside this process, for ``durably-tui demo`` and for pictures of the app."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path


class CannotServe(Exception):
    """The embedded server could not start; the text says why."""


@contextlib.contextmanager
def embedded_server(db: Path | None = None) -> Iterator[str]:
    """A demo server in a thread of its own, on a free loopback port; yields its base address.

    Without ``db`` the runs live in a temporary folder that goes with the server.

    Raises:
        CannotServe: the server could not start, such as for a file that is no database.
    """
    with tempfile.TemporaryDirectory(prefix="durably-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        server = _ServerThread(db or folder / "demo.db", folder)
        try:
            server.start()
            yield server.wait_until_ready()
        finally:
            server.stop()


class _ServerThread(threading.Thread):
    """Runs the server's event loop beside the monitor's, so that neither waits for the other."""

    def __init__(self, db: Path, folder: Path) -> None:
        super().__init__(name="demo-server", daemon=True)
        self._db = db
        self._folder = folder
        self._settled = threading.Event()
        self._url = ""
        self._error: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._told = threading.Event()

    def wait_until_ready(self) -> str:
        """The address once it answers."""
        self._settled.wait()
        if self._error is not None:
            raise CannotServe(f"the demo server cannot use {self._db}: {self._error}")
        return self._url

    def stop(self) -> None:
        """Stop the jobs and the server, and wait until they have stopped."""
        self._told.set()  # for a thread that has no event to set yet
        if self._loop is not None and self._stopping is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed by itself
                self._loop.call_soon_threadsafe(self._stopping.set)
        if self.ident is not None:
            self.join(timeout=10)

    def run(self) -> None:
        """The thread's work."""
        try:
            asyncio.run(self._serve())
        except Exception as error:
            self._error = error
        finally:
            self._settled.set()

    async def _serve(self) -> None:
        from durably_server.demo import feed
        from durably_server.demonstration import create_demo
        from durably_server.http.serving import running_server

        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        if self._told.is_set():
            return
        durably = create_demo(self._db, self._folder)
        async with running_server(durably) as url:
            feeding = asyncio.create_task(feed(durably), name="demo-feed")
            self._url = url
            self._settled.set()
            await self._stopping.wait()
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding
