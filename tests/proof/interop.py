"""``make interop``: every client on every server, every route and every event, as one table.

A cell is ``+`` (the story went well, and the wire carried it), ``!`` (it did not), ``?`` (not run
here, and the check says why), or a letter that names the reason why there can be no such cell. A
reason is tried as well: a cell that has one and was carried all the same is a failure, and so is
a route or an event without a cell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.proof.matrix.by_app import ByApp
from tests.proof.matrix.by_client import ByClient
from tests.proof.matrix.by_curl import ByCurl
from tests.proof.matrix.by_react import ByReact
from tests.proof.matrix.cells import reason, reasons_used, row_names
from tests.proof.matrix.driver import Driver
from tests.proof.matrix.servers import BASE_PATH, NODE, OURS, SERVERS, serving
from tests.proof.matrix.story import Story
from tests.proof.matrix.tap import Tap
from tests.proof.report import Check, Row, Skipped, Trial, main

DRIVERS: tuple[type[Driver], ...] = (ByClient, ByApp, ByReact, ByCurl)
_table: dict[tuple[str, str], dict[str, str]] = {}
"""By client and server: the mark of each row."""


async def _told(driver_type: type[Driver], server: str, trial: Trial) -> str:
    async with serving(server, trial.folder) as world, Tap(world.port, BASE_PATH) as tap:
        story = None
        try:
            async with driver_type(tap.url, world) as driver:
                story = Story(driver, world)
                try:
                    await story.tell()
                except (Exception, asyncio.CancelledError) as error:
                    error.add_note(f"in the story: {story.at}")
                    raise
        except Skipped as why:
            _table[driver_type.name, server] = dict.fromkeys(row_names(), f"?{why}")
            raise
        finally:
            if (driver_type.name, server) not in _table:
                carried = _carried(tap)
                proved = story.proved if story else set()
                _table[driver_type.name, server] = marks = {}
                for row in row_names():
                    why = reason(driver_type.name, server, row)
                    marks[row] = _mark(row in carried, row in proved, why)
                    if why and why.never and row in carried:
                        trial.violated(f"{row}: carried, although {why.text}")
        bad = [row for row, mark in marks.items() if mark == "!"]
        trial.expect(not bad, f"not proved: {', '.join(bad)}")
        return f"{sum(mark == '+' for mark in marks.values())} cells"


def _carried(tap: Tap) -> set[str]:
    routes = {route for route, status in tap.exchanges() if status == 200}
    words = {"run:leased": "run:leased | run:start", "run:start": "run:leased | run:start"}
    return routes | {f"{words.get(word, word)} on {path}" for path, word in tap.events()}


def _mark(carried: bool, proved: bool, why: object) -> str:
    if why:
        return getattr(why, "letter", "?")
    return "+" if carried and proved else "!"


def _check(driver_type: type[Driver], server: str) -> Check:
    async def run(trial: Trial) -> str:
        if trial.short and driver_type is ByApp and server != OURS:
            _table[driver_type.name, server] = dict.fromkeys(row_names(), "?full form only")
            raise Skipped("full form; make test drives the app on Node and 0.8: tests/interop")
        if server == NODE:
            from support.node_server import node_missing

            if missing := node_missing():
                _table[driver_type.name, server] = dict.fromkeys(row_names(), f"?{missing}")
                raise Skipped(missing)
        return await _told(driver_type, server, trial)

    told: Callable[[Trial], Awaitable[str]] = run
    return Check(f"{driver_type.name} on {server}", told, within=400)


def _matrix(trial: Trial) -> list[Row]:
    """The table of cells; one that nobody filled is a failure."""
    rows = []
    for name in row_names():
        groups, missing = [], []
        for driver_type in DRIVERS:
            marks = []
            for server in SERVERS:
                mark = _table.get((driver_type.name, server), {}).get(name, "!")
                marks.append("?" if mark.startswith("?") else mark)
                if mark == "!":
                    missing.append(f"{driver_type.name} on {server}")
            groups.append(f"{driver_type.name} {''.join(marks)}")
        rows.append(Row(name, "FAIL" if missing else "pass", "  ".join(groups)))
    rows += [Row(f"reason {why.letter}", "pass", why.text) for why in reasons_used()]
    done = sum(mark == "+" for marks in _table.values() for mark in marks.values())
    whole = len(row_names()) * len(DRIVERS) * len(SERVERS)
    order = ", ".join(SERVERS)
    rows.append(Row("cells", "pass", f"{done} proved of {whole}; in each group: {order}"))
    return rows


CHECKS = [
    *(_check(driver_type, server) for server in SERVERS for driver_type in DRIVERS),
    Check("matrix", _matrix),
]

if __name__ == "__main__":
    main("interop", "Interop matrix", CHECKS)
