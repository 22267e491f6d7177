"""A program in a real terminal: a pty, real key bytes, and the screen as pyte reads it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte
from wcwidth import wcwidth

PATIENCE = 30.0
"""Seconds until a screen that never shows what is waited for fails the test."""


_MODE = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
_KEYBOARD_PUSH = re.compile(rb"\x1b\[>\d*u")
_KEYBOARD_POP = re.compile(rb"\x1b\[<\d*u")
_ON_AT_FIRST = {7, 25}
"""Wrapping at the margin, and the cursor."""


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
        cwd: Path | None = None,
    ) -> None:
        self.written = bytearray()
        """Every byte that the program wrote."""
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._master = master
        self._attributes = termios.tcgetattr(slave)
        # A size in the environment (a parallel test runner sets one) would win over the pty's.
        given = dict(os.environ if env is None else env)
        given.pop("COLUMNS", None)
        given.pop("LINES", None)
        self.process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            cwd=cwd,
            env={
                **given,
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                "LC_ALL": "C.UTF-8",
            },
        )
        os.close(slave)

    @property
    def modes(self) -> dict[int, bool]:
        """The private modes that the program switched, and whether each is on by now.

        Such as 25: the cursor is shown, 1049: the alternate screen, 1000 to 1015: the mouse.
        """
        modes: dict[int, bool] = {}
        for numbers, switch in _MODE.findall(self.written):
            modes |= {int(number): switch == b"h" for number in numbers.split(b";")}
        return modes

    @property
    def is_restored(self) -> bool:
        """Whether the terminal is as it was: modes, keyboard protocol and line discipline."""
        switched = {number for number, is_on in self.modes.items() if is_on}
        pushed = len(_KEYBOARD_PUSH.findall(self.written))
        popped = len(_KEYBOARD_POP.findall(self.written))
        return (
            switched <= _ON_AT_FIRST
            and not any(not is_on for n, is_on in self.modes.items() if n in _ON_AT_FIRST)
            and pushed == popped
            and termios.tcgetattr(self._master) == self._attributes
        )

    @property
    def text(self) -> str:
        """The screen as it is, a line each."""
        return "\n".join(map(self._line, range(self._screen.lines)))

    def _line(self, y: int) -> str:
        # pyte's own `display` fails where half of a wide character was written over.
        row = self._screen.buffer[y]
        text = ""
        for x in range(self._screen.columns):
            data = row[x].data
            is_second_half = x > 0 and wcwidth(row[x - 1].data[:1] or " ") == 2
            text += data if data or is_second_half else " "
        return text

    def send(self, keys: str) -> None:
        """Type, as the bytes that a terminal sends."""
        os.write(self._master, keys.encode())

    def hang_up(self) -> None:
        """Take the terminal away, as a connection that is lost or a window that is closed does."""
        os.close(self._master)
        self._master = os.open(os.devnull, os.O_RDWR)

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

    def until(self, condition: Callable[[], object], patience: float = PATIENCE) -> None:
        """Read until ``condition()``, which looks at something else than the screen, is true."""
        deadline = time.monotonic() + patience
        while not condition():
            if time.monotonic() > deadline:
                raise ScreenNeverShowed(f"{condition} never came; the last screen:\n{self.text}")
            self._read(0.01)

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
