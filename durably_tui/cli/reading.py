"""Reading the standard input while an event loop runs."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def answer(question: str) -> str:
    """What a person answers, without blanks round it.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    with _interruptible():  # from when the question is there to be seen
        # input() would write it to the standard output, among the results.
        print(question, end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip()


def standard_input() -> str:
    """All of it.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        UnicodeDecodeError: it is not written in UTF-8.
    """
    with _interruptible():
        return sys.stdin.read()


@contextmanager
def _interruptible() -> Iterator[None]:
    """The loop answers Ctrl-C by cancelling its task, which a read that waits never hears of."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
