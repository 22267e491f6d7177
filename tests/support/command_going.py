"""A command that goes on, such as `events`, as a process that a test reads from and interrupts."""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from support.command import COMMAND, Home
from support.command_server import CommandServer

PATIENCE = 30.0


class Going:
    """A command that goes on, and the lines that it has printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, wanted: str, patience: float = PATIENCE) -> list[str]:
        """Lines up to the first that has ``wanted`` in it.

        Raises:
            queue.Empty: it did not come.
        """
        lines = []
        while not lines or wanted not in lines[-1]:
            lines.append(self._lines.get(timeout=patience))
        return lines

    def opened(self, server: CommandServer) -> None:
        """Wait until the stream is open: until a run is seen on it to its end."""
        while True:
            run_id = server.done("quiet", {})
            with contextlib.suppress(queue.Empty):
                self.until(f'"type":"run:complete","runId":"{run_id}"', patience=0.5)
                return

    def interrupted(self) -> tuple[int, str]:
        """Ctrl-C: the exit code, and what was said beside the results."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=PATIENCE)
        assert self.process.stderr is not None
        return code, self.process.stderr.read()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)


@contextmanager
def going(home: Home, *arguments: str) -> Iterator[Going]:
    """A command that goes on; it is ended at the latest with the test."""
    command = Going(
        subprocess.Popen(
            [*COMMAND, *arguments],
            env=home.env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    try:
        yield command
    finally:
        command.close()
