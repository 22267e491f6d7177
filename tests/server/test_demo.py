"""The demo looks alive at once, and goes on where it was."""

import asyncio
import contextlib
from collections import Counter
from pathlib import Path

from durably_server.demo import demo_jobs, feed
from durably_server.demo.customers import read_customers, write_customers
from durably_server.demonstration import create_demo
from durably_server.engine.events import Event


async def test_a_fresh_demo_shows_every_kind_of_run_soon(tmp_path: Path) -> None:
    durably = create_demo(tmp_path / "demo.db", tmp_path)
    seen: set[str] = set()
    enough = asyncio.Event()
    moving: Counter[str] = Counter()

    def listen(event: Event) -> None:
        seen.add(event.type)
        if event.type == "run:progress":
            moving[event.run_id] += 1
        if {"run:complete", "run:fail", "log:write"} <= seen and len(moving) >= 3:
            enough.set()

    durably.on(None, listen)
    async with durably:
        feeding = asyncio.create_task(feed(durably))
        try:
            async with asyncio.timeout(20):
                await enough.wait()
            statuses = Counter(run.status for run in await durably.get_runs())
        finally:
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding
    assert statuses["leased"] >= 3
    assert statuses["pending"] >= 1
    assert statuses["completed"] >= 1
    assert statuses["failed"] >= 1
    assert len({run.labels["env"] for run in await durably.get_runs()}) >= 1
    left = Counter(run.status for run in await durably.get_runs())
    assert left["leased"] == 0
    await durably.stop()


async def test_a_failed_report_gets_further_on_retry(tmp_path: Path) -> None:
    durably = create_demo(tmp_path / "demo.db", tmp_path)
    order = {"report": "retention", "month": "2026-10", "renderer": "pool-b"}
    run_id = (await durably.trigger("render-report", order)).id
    await durably.process_one()
    run = await durably.get_run(run_id)
    assert run is not None
    assert run.error == (
        "renderer pool-b closed the connection while drawing 'revenue' of retention 2026-10"
    )
    drawn = asyncio.Event()
    durably.on("step:complete", lambda event: drawn.set())
    async with durably, asyncio.timeout(10):
        await durably.retry(run_id)
        await drawn.wait()
        steps = [(step.name, step.status) for step in await durably.get_steps(run_id)]
    assert steps == [("render-revenue", "failed"), ("render-revenue", "completed")]


async def test_the_import_reads_a_real_file(tmp_path: Path) -> None:
    durably = create_demo(tmp_path / "demo.db", tmp_path)
    run_id = (await durably.trigger("import-csv", {"file": "small.csv", "rows": 3, "seed": 7})).id
    await durably.process_one()
    run = await durably.get_run(run_id)
    assert run is not None
    assert run.output["imported"] + run.output["skipped"] == 3
    assert len(read_customers(tmp_path / "small.csv")) == 3
    await durably.stop()


def test_the_same_seed_makes_the_same_file(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        write_customers(tmp_path / name, 20, seed=3)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_there_are_five_jobs_that_describe_themselves(tmp_path: Path) -> None:
    jobs = demo_jobs(tmp_path)
    assert len({each.name for each in jobs}) == 5
    assert all(each.description for each in jobs)
