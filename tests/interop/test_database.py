"""A database goes from the Node server to ours and back, and the other way round, both live.

Each time the server is killed with runs in every state; the other one finds every field of every
run, takes the half-done run up after its last finished step, and leaves what has ended alone.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.handover import (
    ENDED,
    HELD_AT,
    ROWS,
    Left,
    ended,
    get,
    leave_behind,
    of_run,
    tables,
)
from support.node_server import NodeServer
from support.python_server import PythonServer
from support.server_process import ServerProcess
from support.witness import listen

LEASE = 0.6
"""Seconds: a run that was left half-done is taken up soon."""


def node(db: Path) -> ServerProcess:
    return NodeServer(
        db,
        max_concurrent_runs=1,
        lease_ms=int(LEASE * 1000),
        lease_renew_interval_ms=100,
        preserve_steps=True,
    )


def ours(db: Path) -> ServerProcess:
    return PythonServer(db, max_concurrent_runs=1, lease=LEASE, lease_renewal=0.1)


async def take_up(server: ServerProcess, left: Left, tag: str) -> None:
    """Check that a server finds all that was left, and finishes what was not finished."""
    ids = left.ids
    async with server.client() as http, listen(http, "/runs/subscribe") as events:
        # The server's only place is taken by the gate, or by the half-done run first.
        left.half.until.touch()
        for name in ENDED:
            assert await get(http, "/run", runId=ids[name]) == left.runs[name], name
            assert await get(http, "/steps", runId=ids[name]) == left.steps[name], name
        listed = {run["id"]: run for run in await get(http, "/runs")}
        assert {ids[name] for name in ENDED} <= listed.keys()
        assert all(listed[ids[name]] == left.runs[name] for name in ENDED)
        labelled = await get(http, "/runs", **{"label.env": "prod", "label.by": tag})
        assert {run["id"] for run in labelled} == {
            ids[name] for name in ("completed", "failed", "half", "waiting")
        }
        waiting = await get(http, "/run", runId=ids["waiting"])
        assert waiting == left.runs["waiting"]

        # Keys hold across the servers.
        body = {"jobName": "steps", "input": {"count": 1}, "idempotencyKey": f"once {tag}"}
        answer = (await http.post("/trigger", json=body)).json()
        assert answer == {"runId": ids["completed"], "disposition": "idempotent"}
        body = {"jobName": "echo", "input": {"value": "x"}, "concurrencyKey": f"one {tag}"}
        assert (await http.post("/trigger", json=body)).status_code == 409
        answer = (await http.post("/trigger", json=body | {"coalesce": "skip"})).json()
        assert answer == {"runId": ids["waiting"], "disposition": "coalesced"}

        # What is not finished is finished, each step once, whoever executed it.
        left.gate.until.touch()
        for name in ("half", "gate", "waiting"):
            await ended(events, ids[name])
        half = await get(http, "/run", runId=ids["half"])
        assert (half["status"], half["output"]) == ("completed", {"total": sum(range(ROWS))})
        assert half["completedStepCount"] == ROWS
        assert left.half.executed() == [f"row-{n}" for n in range(ROWS)]
        for key in ("id", "jobName", "input", "labels", "createdAt", "startedAt"):
            assert half[key] == left.runs["half"][key], key
        steps = await get(http, "/steps", runId=ids["half"])
        assert [step["name"] for step in steps] == [f"row-{n}" for n in range(ROWS)]
        assert steps[:HELD_AT] == left.steps["half"]
        if isinstance(server, PythonServer):  # a Node server counts finished steps twice
            assert [step["index"] for step in steps] == list(range(ROWS))
        gate = await get(http, "/run", runId=ids["gate"])
        assert (gate["status"], gate["createdAt"]) == ("completed", left.runs["gate"]["createdAt"])
        assert left.gate.executed() == [f"row-{n}" for n in range(ROWS)]
        done = await get(http, "/run", runId=ids["waiting"])
        assert done["output"] == {"value": tag}
        changed = ("status", "currentStepIndex", "completedStepCount", "output", "startedAt")
        changed += ("completedAt", "isTerminal", "isActive")
        assert {key: value for key, value in done.items() if key not in changed} == {
            key: value for key, value in waiting.items() if key not in changed
        }

        # A run of the other server can be retriggered and deleted.
        again = (await http.post("/retrigger", params={"runId": ids["failed"]})).json()["runId"]
        await ended(events, again)
        new = await get(http, "/run", runId=again)
        assert {key: new[key] for key in ("jobName", "input", "status", "error", "labels")} == {
            key: left.runs["failed"][key]
            for key in ("jobName", "input", "status", "error", "labels")
        }
        deleted = await http.delete("/run", params={"runId": ids["gate"]})
        assert deleted.json() == {"success": True}


def check_rows(before: Left, db: Path) -> None:
    """What had ended is as it was, byte for byte; what was deleted is gone from every table."""
    found = tables(db)
    for name in ENDED:
        run_id = before.ids[name]
        assert of_run(found, run_id) == of_run(before.rows, run_id), name
    assert not any(of_run(found, before.ids["gate"]).values())
    (half,) = of_run(found, before.ids["half"])["durably_runs"]
    (was,) = of_run(before.rows, before.ids["half"])["durably_runs"]
    assert half["lease_generation"] == was["lease_generation"] + 1
    assert (half["lease_owner"], half["lease_expires_at"]) == (None, None)


@pytest.mark.parametrize(
    ("first", "second"), [(node, ours), (ours, node)], ids=["node to ours", "ours to node"]
)
async def test_a_database_goes_from_one_server_to_the_other_and_back(
    first: Callable[[Path], ServerProcess],
    second: Callable[[Path], ServerProcess],
    tmp_path: Path,
    require_node: None,
) -> None:
    db = tmp_path / "handed-over.db"
    async with first(db) as server:
        left = await leave_behind(server, tmp_path, "first")
    async with second(db) as server:
        await take_up(server, left, "first")
        left_again = await leave_behind(server, tmp_path, "second")
    check_rows(left, db)
    async with first(db) as server:
        await take_up(server, left_again, "second")
    check_rows(left_again, db)
