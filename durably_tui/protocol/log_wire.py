"""How ``GET /logs`` writes a line, and what it is read into."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from .models import LogEntry, LogLevel

_LEVELS = {level.value: level for level in LogLevel}


class WireLog(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A stored log line."""

    id: str
    run_id: str
    message: str
    level: str = "info"
    job_name: str | None = None
    step_name: str | None = None
    data: Any = None
    created_at: Any = None

    def lifted(self, when: Callable[[Any], datetime | None]) -> LogEntry:
        """In the words that are used here; ``when`` reads a time of the wire."""
        return LogEntry(
            id=self.id,
            run_id=self.run_id,
            message=self.message,
            level=_LEVELS.get(self.level, LogLevel.UNKNOWN),
            step_name=self.step_name,
            data=self.data,
            job_name=self.job_name or "",
            timestamp=when(self.created_at),
        )


many_logs = msgspec.json.Decoder(list[WireLog])
