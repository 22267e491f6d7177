"""Textual's driver for terminals of Unix, but asleep while nobody types.

Textual's own looks ten times a second whether it is to stop; on a machine where waking up is dear
that costs more than all else that an idle monitor does. And Textual's own waits for ever with what
is left to write, once the terminal that it is meant for is gone.
"""

from __future__ import annotations

import os
import selectors
import time
from codecs import getincrementaldecoder
from collections.abc import Callable
from threading import Event
from typing import IO, Any, cast

from textual import constants
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

_LOOK_EACH = 0.025
"""Seconds between two looks whether an Esc stays alone, until Textual's patience with it ends."""
_AT_ONCE = 4096


class Doorbell(Event):
    """An event that also wakes who waits for a file to become readable."""

    def __init__(self) -> None:
        super().__init__()
        self._out, self._in = os.pipe()
        os.set_blocking(self._in, False)

    def fileno(self) -> int:
        """Readable while this is set."""
        return self._out

    def set(self) -> None:
        """Set it, and wake whoever waits."""
        if not self.is_set():
            super().set()
            os.write(self._in, b"\0")

    def clear(self) -> None:
        """Take it back."""
        if self.is_set():
            os.read(self._out, 1)
            super().clear()

    def __del__(self) -> None:
        os.close(self._in)
        os.close(self._out)


class TerminalFile:
    """Writes to a terminal for as long as that is there. Nobody reads what comes later."""

    def __init__(self, file: IO[str]) -> None:
        """Write to ``file``."""
        self._file = file
        self._is_gone = False

    def fileno(self) -> int:
        """The number of the file."""
        return self._file.fileno()

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        self._try(lambda: self._file.write(text))
        return len(text)

    def flush(self) -> None:
        """Write at once what was held back."""
        self._try(self._file.flush)

    def _try(self, write: Callable[[], object]) -> None:
        if not self._is_gone:
            try:
                write()
            except OSError:
                self._is_gone = True


class QuietDriver(LinuxDriver):
    """Reads what is typed. Where the terminal is gone the app ends."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        """Read for an app."""
        super().__init__(app, **options)
        self._file: Any = TerminalFile(cast("IO[str]", self._file))
        self.exit_event: Doorbell = Doorbell()

    def run_input_thread(self) -> None:
        """Hand on what is typed until the driver is to stop or the terminal is gone."""
        parser = XTermParser(self._debug)
        # What is no UTF-8 is a key that nobody knows, and no reason to end.
        decode = getincrementaldecoder("utf-8")("replace").decode
        look_until = 0.0
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(self.exit_event, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                restless = time.monotonic() < look_until
                ready = selector.select(_LOOK_EACH if restless else None)
                if any(key.fd == self.fileno for key, _ in ready):
                    if not (data := self._read()):
                        self._app.call_later(self._app.exit)
                        return
                    for message in parser.feed(decode(data)):
                        self.process_message(message)
                    look_until = time.monotonic() + constants.ESCAPE_DELAY + 2 * _LOOK_EACH
                for message in parser.tick():
                    self.process_message(message)

    def _read(self) -> bytes:
        """What was typed; empty where there is no terminal any more."""
        try:
            return os.read(self.fileno, _AT_ONCE)
        except OSError:
            return b""
