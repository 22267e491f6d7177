"""Log lines as text that can be kept, copied and sent on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from durably_tui.state.log_block import Line
from durably_tui.state.log_pick import Shown
from durably_tui.state.log_store import LogStore
from durably_tui.text import safe

_WHOLE = 2**32
_AT_ONCE = 2_000
"""Lines that are written between two chances for keys and frames."""


def file_name(now: float, run_id: str | None = None) -> str:
    """What a saved log is called unless somebody says otherwise."""
    what = safe(run_id or "logs", limit=60).replace("/", "-")
    return f"durably-{what}-{datetime.fromtimestamp(now):%Y%m%d-%H%M%S}.log"


def absolute(typed: str) -> Path:
    """The path that somebody typed, whole."""
    return Path(typed).expanduser().absolute()


def as_text(line: Line) -> str:
    """A line for people: inert in a terminal, as ``cat`` may show it there one day."""
    if line.gap:
        since, until = map(_moment, json.loads(line.data))
        return f"-- log lines from {since} to {until} may be lost --"
    parts = (
        _moment(line.at),
        f"{line.level.value:<5}",
        line.source.job_name,
        line.source.run_id,
        line.step_name,
        line.message,
        line.data,
    )
    return "  ".join(safe(part, limit=None) for part in parts if part)


def as_json(line: Line) -> str:
    """A line for programs: a JSON object on one line, in the words of ``GET /logs``."""
    fields: dict[str, object] = {
        "runId": line.source.run_id,
        "jobName": line.source.job_name,
        "stepName": line.step_name or None,
        "level": line.level.value,
        "message": line.message,
        "data": json.loads(line.data) if line.data else None,
        "createdAt": _moment(line.at) or None,
    }
    if line.gap:
        since, until = map(_moment, json.loads(line.data))
        fields = {"gap": {"from": since, "to": until}}
    return json.dumps(fields, ensure_ascii=False)


def chosen(store: LogStore, shown: Shown, numbers: Iterable[int]) -> Iterator[Line]:
    """The lines of these numbers that are there and shown."""
    for number in numbers:
        at = shown.index(number)
        if number >= store.first and at < len(shown) and shown[at] == number:
            yield store.line(number, _WHOLE)


async def save(store: LogStore, shown: Shown, path: Path, *, overwrite: bool) -> int:
    """Write the lines that are shown; ``.json`` and ``.jsonl`` as JSON lines, else as text.

    Lines that come or go meanwhile are none of it. Answers how many were written.

    Raises:
        FileExistsError: there is such a file, and ``overwrite`` is false.
        OSError: it cannot be written.
    """
    numbers: Sequence[int] = [shown[at] for at in range(len(shown))]
    written_as = as_json if path.suffix in {".json", ".jsonl"} else as_text
    written = 0
    mode = "w" if overwrite else "x"
    # A lone surrogate as JSON escapes it: it is none in UTF-8.
    with await asyncio.to_thread(
        path.open, mode, encoding="utf-8", errors="backslashreplace"
    ) as file:
        for at in range(0, len(numbers), _AT_ONCE):
            lines = [written_as(line) for line in chosen(store, shown, numbers[at : at + _AT_ONCE])]
            await asyncio.to_thread(file.write, "".join(f"{line}\n" for line in lines))
            written += len(lines)
    return written


def _moment(at: float | None) -> str:
    if at is None:
        return ""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
