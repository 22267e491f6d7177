"""A small recording made by hand: three runs, a lost connection, steps, lines and answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from durably_tui.protocol import ABILITIES, Phase
from durably_tui.recording import (
    Answer,
    End,
    Fetched,
    Frames,
    Header,
    Line,
    Recording,
    Turn,
    Writer,
    read,
)
from durably_tui.recording.words import embedded

BEGAN = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
HEADER = Header(
    began=BEGAN,
    server="https://jobs.example/api/durably",
    name="prod",
    abilities=ABILITIES["0.15"],
)
DURATION = 40.0


def raw(value: Any) -> msgspec.Raw:
    return embedded(json.dumps(value).encode())


def at(seconds: float) -> str:
    return datetime.fromtimestamp(BEGAN.timestamp() + seconds, UTC).isoformat()


def run(run_id: str, created: float, status: str, **fields: Any) -> dict[str, Any]:
    """A run as a 0.15 server writes it."""
    return {
        "id": run_id,
        "jobName": "import-csv",
        "status": status,
        "input": {"path": f"{run_id}.csv"},
        "labels": {},
        "createdAt": at(created),
        "currentStepIndex": 0,
        "completedStepCount": 0,
        "progress": None,
        "output": None,
        "error": None,
        "startedAt": None,
        "completedAt": None,
        **fields,
    }


def event(kind: str, run_id: str, **fields: Any) -> dict[str, Any]:
    """An event as ``/runs/subscribe`` of a 0.15 server writes it: bare."""
    return {"type": kind, "runId": run_id, "jobName": "import-csv", "labels": {}, **fields}


def answer(second: float, path: str, body: Any, **params: str) -> Answer:
    return Answer(second, path, tuple(params.items()), raw(body))


def frames(second: float, *events: dict[str, Any]) -> Frames:
    return Frames(second, tuple(map(raw, events)))


def lines() -> list[Line]:
    """What happens: R1 runs when the recording begins and ends at 12; R2 is triggered at 4 and
    fails at 30; the stream is lost from 16 to 20, in which R3 is made and R0 deleted."""
    early = [run("R1", -10, "leased", startedAt=at(-9)), run("R0", -60, "completed", output=1)]
    late = [
        run("R3", 18, "pending"),
        run("R2", 4, "leased", startedAt=at(5)),
        run("R1", -10, "completed", startedAt=at(-9), completedAt=at(12), output={"count": 3}),
        run("R00", -90, "completed", output=1),
    ]
    failed = run("R2", 4, "failed", startedAt=at(5), completedAt=at(30), error="no such file")
    made: list[Line] = [
        Turn(0.1, Phase.LIVE, epoch=1, since=0.1),
        answer(0.3, "/runs", early, limit="500", offset="0"),
        answer(0.4, "/steps", [], runId="R1"),
        Fetched(0.4),
        frames(1, event("step:start", "R1", stepName="read", stepIndex=0)),
        frames(
            2,
            event("log:write", "R1", stepName="read", level="info", message="reading", data=None),
            event("run:progress", "R1", progress={"current": 1, "total": 3}),
        ),
        frames(3, event("step:complete", "R1", stepName="read", stepIndex=0)),
        frames(4, event("run:trigger", "R2")),
        answer(4.6, "/runs", [run("R2", 4, "pending"), *early], limit="20", offset="0"),
        frames(5, event("run:leased", "R2", leaseOwner="w", leaseExpiresAt=at(35))),
        *(
            frames(6 + n / 2, event("run:progress", "R2", progress={"current": n, "total": 9}))
            for n in range(9)
        ),
        frames(12, event("run:complete", "R1")),
        Turn(16, Phase.RECONNECTING, epoch=1, error="It is gone.", attempt=1, retry_at=17),
        Turn(20, Phase.LIVE, epoch=2, since=20),
        answer(20.2, "/runs", late, limit="500", offset="0"),
        Fetched(20.2),
        frames(25, event("log:write", "R2", stepName=None, level="warn", message="odd", data=1)),
        frames(30, event("run:fail", "R2"), event("run:leased", "R3")),
        answer(31, "/run", failed, runId="R2"),
        answer(31.1, "/steps", [], runId="R2"),
        frames(35, event("run:progress", "R3", progress={"current": 5})),
        End(DURATION),
    ]
    return made


def write(path: Path, content: list[Line] | None = None, header: Header = HEADER) -> Path:
    """The recording as a file."""
    writer = Writer.create(path, header)
    for line in lines() if content is None else content:
        writer.add(line)
    writer.close()
    return path


def recording(folder: Path) -> Recording:
    return read(write(folder / "made.ndjson"))
