"""One database, handed from one server to another in the middle of its work."""

import shutil
import sqlite3
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from support.server_process import ServerProcess
from support.witness import Stream, listen

Row = dict[str, Any]
TABLES = {
    "durably_runs": "id",
    "durably_run_labels": "run_id, key",
    "durably_steps": "id",
    "durably_logs": "id",
}
"""The tables that both servers know, and what orders their rows."""
ROWS = 4
HELD_AT = 2


def tables(db_path: Path) -> dict[str, list[Row]]:
    """All rows of a database, read from a copy, so that the file stays as the kill left it."""
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-wal", "-journal"):
            file = db_path.with_name(db_path.name + suffix)
            if file.exists():
                shutil.copy(file, folder)
        db = sqlite3.connect(Path(folder, db_path.name))
        try:
            db.row_factory = sqlite3.Row
            return {
                table: [dict(row) for row in db.execute(f"SELECT * FROM {table} ORDER BY {order}")]
                for table, order in TABLES.items()
            }
        finally:
            db.close()


def of_run(found: dict[str, list[Row]], run_id: str) -> dict[str, list[Row]]:
    """The rows that belong to one run."""
    return {
        table: [row for row in rows if row["id" if table == "durably_runs" else "run_id"] == run_id]
        for table, rows in found.items()
    }


@dataclass
class Ledger:
    """A run of the job `ledger`: what it wrote, and the file that lets it go on."""

    file: Path
    until: Path

    def input(self, held_at: int) -> Row:
        return {
            "file": str(self.file),
            "count": ROWS,
            "holdAt": held_at,
            "until": str(self.until),
        }

    def executed(self) -> list[str]:
        """The steps that were executed, in order, by whichever server."""
        return self.file.read_text().split() if self.file.exists() else []


@dataclass
class Left:
    """What a server leaves behind when it is killed, as it answered itself just before."""

    ids: dict[str, str]
    half: Ledger
    gate: Ledger
    runs: dict[str, Row] = field(default_factory=dict)
    steps: dict[str, list[Row]] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)


ENDED = ("completed", "failed", "cancelled", "recovered")


async def leave_behind(server: ServerProcess, folder: Path, tag: str) -> Left:
    """Have a server run a few runs, and kill it while one is half-done and two are waiting.

    The server runs one run at a time.
    """
    ids: dict[str, str] = {}
    half = Ledger(folder / f"{tag}.half", folder / f"{tag}.half.go")
    gate = Ledger(folder / f"{tag}.gate", folder / f"{tag}.gate.go")
    labels = {"env": "prod", "by": tag, "a/b.c-d_E": "漢字 & 'quotes' \"\\"}
    async with server.client() as http, listen(http, "/runs/subscribe") as events:
        ids["completed"] = await server.trigger(
            *("steps", {"count": 3}), labels=labels, idempotencyKey=f"once {tag}"
        )
        ids["failed"] = await server.trigger("fails", {"message": f"no {tag}"}, labels=labels)
        ids["recovered"] = await server.trigger("recovers", {"message": "later"})
        await ended(events, ids["recovered"])
        ids["half"] = await server.trigger("ledger", half.input(HELD_AT), labels=labels)
        await until_step(events, ids["half"], f"row-{HELD_AT}")
        ids["gate"] = await server.trigger("ledger", gate.input(0))
        ids["waiting"] = await server.trigger(
            *("echo", {"value": tag}), labels=labels, concurrencyKey=f"one {tag}"
        )
        ids["cancelled"] = await server.trigger("echo", {"value": "never"}, labels={"by": tag})
        (await http.post("/cancel", params={"runId": ids["cancelled"]})).raise_for_status()
        await ended(events, ids["cancelled"])
        left = Left(ids, half, gate)
        for name, run_id in ids.items():
            left.runs[name] = await get(http, "/run", runId=run_id)
            left.steps[name] = await get(http, "/steps", runId=run_id)
        await server.kill()
    left.rows = tables(server.db_path)
    return left


async def get(http: httpx.AsyncClient, path: str, **params: Any) -> Any:
    """The JSON of a good answer."""
    answer = await http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ended(events: Stream, run_id: str) -> None:
    """Wait until a run has ended."""
    ends = ("run:complete", "run:fail", "run:cancel")
    await events.until(
        f"the end of {run_id}",
        lambda seen: any(e["runId"] == run_id and e["type"] in ends for e in seen),
    )


async def until_step(events: Stream, run_id: str, step: str) -> None:
    """Wait until a run has begun a step."""
    await events.until(
        f"{step} of {run_id}",
        lambda seen: any(
            (e["type"], e["runId"], e.get("stepName")) == ("step:start", run_id, step) for e in seen
        ),
    )
