"""The file that a crash and other trouble go to, since the screen belongs to the monitor."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

_SECRET = re.compile(
    r"(?i)(authorization['\"]?\s*[:=]\s*['\"]?(?:bearer|basic)?\s*|token['\"]?\s*[:=]\s*['\"]?"
    r"|bearer\s+|://[^/\s:@]*:)[^\s'\"@,)]+"
)


class _NoSecrets(logging.Formatter):
    """Formats a record, traceback included, and blots out what looks like a credential."""

    def format(self, record: logging.LogRecord) -> str:
        return _SECRET.sub(r"\1***", super().format(record))


def path() -> Path:
    """Where the log file is: ``DURABLY_LOG``, else the platform's place for logs."""
    chosen = os.environ.get("DURABLY_LOG")
    if chosen:
        return Path(chosen)
    from platformdirs import user_log_path

    return user_log_path("durably-tui") / "durably-tui.log"


def start() -> None:
    """Send the log of this process to the file; where it cannot be written, to nowhere.

    The file is kept under 1 MB, with one older one beside it, readable by its owner only.
    """
    from logging.handlers import RotatingFileHandler

    root = logging.getLogger()
    root.handlers.clear()
    file = path()
    handler: logging.Handler
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(file, maxBytes=1_000_000, backupCount=1, delay=True)
        file.touch(mode=0o600)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(_NoSecrets("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
