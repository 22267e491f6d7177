"""A bad network between the server and whoever watches it, one fault after the other."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from support.server_process import ServerProcess

from tests.proof import likeness
from tests.proof.faults import FAULTS, Fault
from tests.proof.held import at_rest, held, left
from tests.proof.proxy import Proxy
from tests.proof.report import FAILED, PASSED, Row, Trial
from tests.proof.stage import CALM, Stage, through_a_proxy
from tests.proof.vitals import vitals

LAG = 0.5
"""Seconds that an event may take to where it is read, on a machine that has more to do."""


async def network(make: Callable[[Path], ServerProcess], trial: Trial) -> list[Row]:
    """Every fault in turn, the same hooks and monitor open all the time."""
    rows: list[Row] = []
    seconds = trial.pick(4.0, 1.2)
    wanted = trial.options.fault
    faults = [each for each in FAULTS.items() if not wanted or wanted in each[0]]
    faults *= trial.pick(2, 1)
    trial.dice.shuffle(faults)
    before = vitals()
    async with through_a_proxy(make, trial.folder, trial.dice) as (server, between, watched):
        await watched.warm_up()
        warm = await at_rest(between)
        for name, fault in faults:
            row = await _try(watched, between, name, fault, seconds, server, trial)
            rows.append(row)
            print(f"    {row.name}: {row.result} {row.figures}", flush=True)
        now = await at_rest(between, warm)
        rows.append(held(f"memory and sockets, {server.name}", warm, now, trial))
    rows.append(left(f"left open, {server.name}", before, vitals(), trial))
    return _by_name(rows)


async def _try(
    watched: Stage,
    between: Proxy,
    name: str,
    fault: Fault,
    seconds: float,
    server: ServerProcess,
    trial: Trial,
) -> Row:
    began = time.monotonic()
    first_gap = len(likeness.gaps_of(watched.log.lines))
    taken, epoch = between.connections, watched.hooks.feed.connection.epoch
    triggered = watched.load.triggered
    await watched.follow(2)
    watched.load.start()
    await fault(between, trial.dice, seconds / 2)
    await asyncio.sleep(0)
    with contextlib.suppress(Exception):
        await watched.follow(1)
    await fault(between, trial.dice, seconds / 2)
    between.heal()
    other = await watched.calm()
    if not watched.stores_lines:
        deadline = time.monotonic() + CALM
        while not other and (lost := await _unannounced(watched, first_gap)):
            if time.monotonic() > deadline:
                other = lost
            await asyncio.sleep(0.2)  # an event may be on its way still
    if other:
        trial.violated(f"{name}, {server.name}: {other}")
    opened = watched.hooks.feed.connection.epoch - epoch
    figures = (
        f"{watched.load.triggered - triggered} runs, {between.connections - taken} connections, "
        f"{opened} times a new stream, {len(watched.lines)} lines"
    )
    await watched.rest()
    took = time.monotonic() - began
    return Row(f"{name}, {server.name}", FAILED if other else PASSED, other or figures, took)


async def _unannounced(watched: Stage, first_gap: int) -> str:
    """A line that is missing and of whose time no gap was told; for a server that stores none."""
    gaps = likeness.gaps_of(watched.log.lines)[first_gap:]
    seen = {(line.run_id, line.message) for line in watched.lines}
    if len(seen) != len(watched.lines):
        return f"{len(watched.lines) - len(seen)} log lines are doubled"
    for run in await watched.hand.runs():
        if run["status"] != "completed" or run["jobName"] not in {"steps", "noisy"}:
            continue
        word = "finished step" if run["jobName"] == "steps" else "line"
        count = run["input"].get("count", run["input"].get("lines"))
        began, ended = _seconds(run["startedAt"]), _seconds(run["completedAt"])
        for number in range(count):
            if (run["id"], f"{word} {number}") in seen:
                continue
            # What was on its way is lost with the line: a gap may begin a little late.
            if not any(since - LAG <= ended and began <= until for since, until in gaps):
                told = ", ".join(f"{since:.1f} to {until:.1f}" for since, until in gaps)
                return (
                    f"{word} {number} of {run['id']}, written {began:.1f} to {ended:.1f}, is "
                    f"missing and no gap was told; those told: {told or 'none'}"
                )
    return ""


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _by_name(rows: list[Row]) -> list[Row]:
    """One row a name: the worst, with the figures of the last."""
    found: dict[str, Row] = {}
    for row in rows:
        if found.get(row.name, row).result != FAILED:
            found[row.name] = row
    return list(found.values())
