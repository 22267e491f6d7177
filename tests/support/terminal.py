"""A program in a real terminal: a pty, real key bytes, and the screen as pyte reads it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import pyte

PATIENCE = 30.0
"""Seconds until a screen that never shows what is waited for fails the test."""


class ScreenNeverShowed(AssertionError):
    """What was waited for never came; the text is the last screen."""


class Terminal:
    """Runs ``argv`` on a pty of ``columns`` × ``lines``; use as a context manager."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 120,
        lines: int = 40,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.written = bytearray()
        """Every byte that the program wrote."""
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._master = master
        self.process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={
                **os.environ,
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                "LC_ALL": "C.UTF-8",
                **(env or {}),
            },
        )
        os.close(slave)

    @property
    def text(self) -> str:
        """The screen as it is, a line each."""
        return "\n".join(self._screen.display)

    def send(self, keys: str) -> None:
        """Type, as the bytes that a terminal sends."""
        os.write(self._master, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Make the terminal another size, as a person drags its corner."""
        self._screen.resize(lines, columns)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        os.killpg(self.process.pid, signal.SIGWINCH)

    def wait_for(self, *wanted: str | Callable[[str], bool], patience: float = PATIENCE) -> str:
        """Read until the screen shows all of ``wanted``; return it."""
        deadline = time.monotonic() + patience
        while True:
            screen = self.text
            if all(want in screen if isinstance(want, str) else want(screen) for want in wanted):
                return screen
            if not self._read(deadline - time.monotonic()):
                raise ScreenNeverShowed(f"{wanted!r} never came; the last screen:\n{self.text}")

    def wait_exit(self, patience: float = PATIENCE) -> int:
        """Read until the program has ended; return its exit code."""
        deadline = time.monotonic() + patience
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise ScreenNeverShowed(f"it never ended; the last screen:\n{self.text}")
            self._read(0.05)
        while self._read(0.05):
            pass
        return self.process.returncode

    def _read(self, patience: float) -> bool:
        """Take in what was written within ``patience`` seconds; whether there was anything."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, patience))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the other end is closed
            return False
        self.written += data
        self._stream.feed(data)
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._master)
