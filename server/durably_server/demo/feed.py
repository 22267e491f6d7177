"""Keeps the demo's workers busy: a mix of jobs and labels, never more waiting than a few."""

import asyncio
import itertools
import random
from collections.abc import Iterator
from typing import Any

from durably_server.engine.engine import Engine

MAX_WAITING = 3
"""Runs that may be pending before the feed waits for the workers."""
_PAUSE = (1.8, 3.0)
_SHORT_PAUSE = 0.9
_TEAMS = ("growth", "ops", "billing", "data")
_SHOPS = ("shop-eu", "shop-us", "shop-apac")
_REPORTS = ("retention", "finance", "capacity")
_EVENTS = ("invoice.paid", "user.invited", "plan.changed")
_DATABASES = ("orders", "ledger", "accounts")

Order = tuple[str, dict[str, Any]]


async def feed(engine: Engine) -> None:
    """Trigger demo jobs for ever; cancel it to end.

    A fresh database shows running, pending, failed and completed runs within seconds. One that
    was kept goes on where it was: what waits there is worked off first.
    """
    chance = random.Random()
    orders = _orders(chance)
    if not await engine.get_runs(limit=1):
        for order in _first_orders():
            await _trigger(engine, order, chance)
    while True:
        waiting = len(await engine.get_runs(status="pending", limit=MAX_WAITING))
        if waiting < MAX_WAITING:
            await _trigger(engine, next(orders), chance)
        await asyncio.sleep(chance.uniform(*_PAUSE) if waiting else _SHORT_PAUSE)


async def _trigger(engine: Engine, order: Order, chance: random.Random) -> None:
    name, value = order
    labels = {
        "env": chance.choices(("prod", "staging"), (3, 1))[0],
        "team": chance.choice(_TEAMS),
    }
    if name == "sync-orders":
        labels["region"] = value["shop"].removeprefix("shop-")
    await engine.trigger(name, value, labels=labels)


def _first_orders() -> list[Order]:
    """Short ones first, so that some have ended when the first eye falls on the screen."""
    return [
        ("import-csv", {"file": "partners.csv", "rows": 6, "seed": 7}),
        (
            "render-report",
            {"report": "retention", "month": "2026-10", "renderer": "pool-b"},
        ),
        ("sync-orders", {"shop": "shop-eu", "since": "2026-11-20", "pages": 18}),
        ("back-up-database", {"database": "ledger", "tables": 30}),
        ("deliver-webhooks", {"event": "invoice.paid", "endpoints": 24}),
        ("import-csv", {"file": "customers-001.csv", "rows": 90, "seed": 1}),
        ("render-report", {"report": "finance", "month": "2026-10", "renderer": "pool-a"}),
    ]


def _orders(chance: random.Random) -> Iterator[Order]:
    """For ever, each job in its turn; every fourth report meets the bad renderer pool."""
    for number in itertools.count(2):
        yield (
            "import-csv",
            {
                "file": f"customers-{number:03d}.csv",
                "rows": chance.randint(60, 140),
                "seed": number,
            },
        )
        yield (
            "render-report",
            {
                "report": chance.choice(_REPORTS),
                "month": f"2026-{chance.randint(1, 11):02d}",
                "renderer": "pool-b" if number % 2 == 0 else "pool-a",
            },
        )
        yield (
            "sync-orders",
            {
                "shop": chance.choice(_SHOPS),
                "since": f"2026-11-{chance.randint(1, 20):02d}",
                "pages": chance.randint(15, 40),
            },
        )
        yield (
            "deliver-webhooks",
            {"event": chance.choice(_EVENTS), "endpoints": chance.randint(20, 50)},
        )
        yield (
            "render-report",
            {"report": chance.choice(_REPORTS), "month": "2026-10", "renderer": "pool-a"},
        )
        if number % 2 == 0:
            yield (
                "back-up-database",
                {"database": chance.choice(_DATABASES), "tables": chance.randint(25, 50)},
            )
