"""The hooks of `@coji/durably-react`, as a page uses them, against our server."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from support.node_server import NODE_DIR, node_missing
from support.python_server import PythonServer

pytestmark = pytest.mark.node
TIMEOUT = 90.0
"""Seconds for all hooks together; they take about five."""


def hooks_missing() -> str | None:
    """Say why the hooks cannot run here, or None where they can."""
    if node_missing():
        return node_missing()
    if not (NODE_DIR / "node_modules" / "@coji" / "durably-react").is_dir():
        return "tests/interop/node/node_modules is old: run `make interop`"
    return None


async def used(folder: Path) -> dict[str, Any]:
    """What each hook gave."""
    async with PythonServer(folder / "hooks.db", max_concurrent_runs=1) as server:
        process = await asyncio.create_subprocess_exec(
            *("node", "hooks.mjs", f"--api={server.url}", f"--folder={folder}"),
            cwd=NODE_DIR,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(TIMEOUT):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            out, err = await process.communicate()
        told = [json.loads(line) for line in out.splitlines()]
        assert process.returncode == 0, (err.decode(), [each["hook"] for each in told])
        assert not server.stderr()
        return {each["hook"]: each for each in told}


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    missing = hooks_missing()
    if missing:
        pytest.skip(f"NOT TESTED WITH THE REACT HOOKS: {missing}")
    return asyncio.run(used(tmp_path_factory.mktemp("hooks")))


def test_use_runs_shows_a_list_that_lives(hooks: dict[str, Any]) -> None:
    told = hooks["useRuns"]
    assert told["empty"] == {"runs": [], "hasMore": False, "error": None}
    run = {
        "id": told["id"],
        "jobName": "ledger",
        "status": "leased",
        "progress": {"current": 1, "total": 2},
        "output": None,
        "error": None,
        "labels": {"env": "prod"},
        "currentStepIndex": 1,
    }
    assert told["running"] == [run]
    ended = {"status": "completed", "output": {"total": 1}, "currentStepIndex": 2}
    assert told["labelled"] == [run | ended]
    assert told["settled"] == told["echoes"][::-1]


def test_use_runs_turns_pages_filters_and_drops_what_is_deleted(hooks: dict[str, Any]) -> None:
    told = hooks["useRuns"]
    assert told["second"] == {"runs": [told["id"]], "hasMore": False}
    assert told["echoed"] == ["c", "b", "a"]
    assert told["left"] == [*told["echoes"][1::-1], told["id"]]
    assert told["wrong"] == "Failed to fetch runs: Bad Request"


def test_use_job_run_follows_a_run_to_its_end(hooks: dict[str, Any]) -> None:
    told = hooks["useJobRun"]
    assert told["nothing"] is None
    assert told["statuses"] == [None, "pending", "leased", "completed"]
    assert told["progress"] == [
        None,
        *({"current": n, "total": 3, "message": f"step {n} of 3"} for n in (1, 2, 3)),
    ]
    assert told["logs"] == [
        {"level": "info", "message": f"finished step {n}", "data": {"i": n}} for n in range(3)
    ]
    assert told["output"] == {"done": 3}
    assert told["failed"] == {"error": "disk is full", "status": "failed", "isActive": False}


def test_use_job_run_joins_late_and_midway(hooks: dict[str, Any]) -> None:
    told = hooks["useJobRun"]
    assert told["replayed"] == {"output": {"done": 3}, "status": "completed"}
    assert told["midway"] == {"status": "leased", "isActive": True}
    assert told["cancelled"] == {"status": "cancelled", "isTerminal": True}
    # One run after the other: live, failed, seen too late, cancelled.
    assert told["calls"] == ["start", "complete", "start", "fail", "start", "complete", "start"]


def test_use_job_logs_gives_every_line_or_the_last_ones(hooks: dict[str, Any]) -> None:
    told = hooks["useJobLogs"]
    assert told["lines"] == [
        {
            "level": ("info", "warn", "error")[n % 3],
            "message": f"line {n}",
            "data": {"line": n, "of": 7},
        }
        for n in range(7)
    ]
    assert told["last"] == ["line 5", "line 6"]
    assert told["cleared"] == []


def test_use_job_triggers_follows_and_waits(hooks: dict[str, Any]) -> None:
    told = hooks["useJob"]
    assert told["idle"] == {"status": None, "currentRunId": None}
    assert told["statuses"] == [None, "pending", "leased", "completed"]
    assert told["followed"] is True
    assert told["done"] == {
        "output": {"done": 2},
        "progress": {"current": 2, "total": 2, "message": "step 2 of 2"},
        "lines": 2,
    }
    assert told["reset"] == {"status": None, "output": None, "logs": []}
    assert told["waited"] == {"done": 1}


def test_use_job_tells_failures_and_takes_up_a_run_that_was_there(hooks: dict[str, Any]) -> None:
    told = hooks["useJob"]
    assert told["refused"]["error"].startswith("Invalid input: count: ")
    assert told["failure"] == "disk is full"
    assert told["failed"] == {"status": "failed", "error": "disk is full"}
    assert told["resumed"] == {"same": True, "status": "leased"}
    assert told["output"] == {"total": 1}


def test_use_run_actions_does_what_its_buttons_say(hooks: dict[str, Any]) -> None:
    told = hooks["useRunActions"]
    ids = told["ids"]
    assert (told["failed"]["status"], told["failed"]["error"]) == ("failed", "disk is full")
    assert ids["again"] != ids["runId"]
    assert told["retriggered"] == told["failed"] | {"id": ids["again"]}
    assert told["steps"] == [{"name": "boom", "status": "failed", "error": "disk is full"}]
    assert told["cancelled"] == "cancelled"
    assert told["deleted"] is None


def test_use_run_actions_tells_why_not(hooks: dict[str, Any]) -> None:
    told = hooks["useRunActions"]
    held = told["ids"]["heldId"]
    assert told["active"] == f"Cannot delete leased run: {held}"
    assert told["notYet"] == f"Cannot retrigger leased run: {held}"
    assert told["twice"] == f"Cannot cancel already cancelled run: {held}"
    assert told["gone"] == "Run not found"
