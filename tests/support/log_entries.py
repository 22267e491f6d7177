"""Log lines for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from durably_tui.protocol.models import LogEntry

NOW = datetime(2026, 5, 14, 12, 1, 3, 412_000, tzinfo=UTC)
T = NOW.timestamp()


def entry(number: int = 0, message: str | None = None, **fields: object) -> LogEntry:
    """A line of one run, each of a step of its own."""
    given = {"run_id": "01HZR5GRKXM7", "step_name": f"row-{number}", "timestamp": NOW}
    return LogEntry(message=f"line {number}" if message is None else message, **(given | fields))


def entries(count: int, start: int = 0) -> list[LogEntry]:
    """Lines with numbers one after the other."""
    return [entry(number) for number in range(start, start + count)]
