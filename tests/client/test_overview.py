"""What a server tells of its jobs as a whole: ``/jobs`` and ``/stats``."""

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support import bad_servers as bad
from support.recorded_server import recorded_server
from support.replay08 import replay08
from support.workshop import workshop

from durably_tui.client import DurablyClient
from durably_tui.protocol import (
    JobFigures,
    JobInfo,
    NotADurablyServer,
    RunStatus,
    ServerFault,
    Stats,
    Unauthorised,
)


def answering(status: int, body: Any) -> AbstractAsyncContextManager[bad.BadServer]:
    """A server that says the same to everything."""

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        text = (body if isinstance(body, str) else json.dumps(body)).encode()
        head = {"Content-Type": "application/json", "Content-Length": str(len(text))}
        writer.write(bad.response_head(status, head) + text)

    return bad.listening(respond)


async def test_the_jobs_and_figures_of_our_server(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop, DurablyClient(shop.url) as client:
        await shop.done("quick")
        await shop.done("broken")
        await shop.done("broken")

        jobs = await client.get_jobs()
        stats = await client.get_stats(window=900)

        assert jobs is not None
        assert [job.name for job in jobs] == sorted(job.name for job in shop.durably.jobs)
        broken, held = (job for job in jobs if job.name in {"broken", "held"})
        assert broken.counts is not None
        assert broken.counts[RunStatus.FAILED] == 2
        assert broken.last_run_at is not None
        assert held.last_run_at is None
        assert held.input_schema is not None
        assert held.input_schema["properties"]["steps"]["type"] == "integer"
        assert stats is not None
        assert stats.window == 900
        figures = {job.job_name: job for job in stats.jobs}
        assert (figures["broken"].failed, figures["broken"].p95_ms) == (2, None)
        assert (figures["quick"].completed, figures["quick"].counts[RunStatus.RUNNING]) == (1, 0)
        assert figures["quick"].p50_ms is not None


async def test_servers_without_these_routes_are_not_asked_for_them() -> None:
    async with recorded_server("v0.15") as peer, DurablyClient(peer.url, abilities="0.15") as new:
        assert await new.get_jobs() is None
        assert await new.get_stats() is None
        assert peer.requests == []
    async with replay08() as old, DurablyClient(old.url) as client:
        assert await client.get_jobs() is None
        assert await client.get_stats() is None
        assert not [asked for asked in old.requests if "/jobs" in asked or "/stats" in asked]


async def test_what_is_new_or_broken_costs_no_more_than_itself() -> None:
    jobs = [
        {"name": "a", "counts": {"leased": 1, "running": 2, "asleep": 3}, "colour": "red"},
        {"name": "b", "description": None, "inputSchema": [], "lastRunAt": "2026-01-01T00:00:00Z"},
        {"description": "without a name"},
        "c",
    ]
    async with answering(200, jobs) as peer, DurablyClient(peer.url, abilities="python") as client:
        assert await client.get_jobs() == [
            JobInfo(name="a", counts={RunStatus.RUNNING: 3, RunStatus.UNKNOWN: 3}),
            JobInfo(name="b", last_run_at=datetime(2026, 1, 1, tzinfo=UTC)),
        ]
        assert client.tally.unknown_fields == {"colour": 1}
        assert client.tally.malformed == 3

    stats = {
        "window": 60,
        "jobs": [
            {"jobName": "a", "failed": "many", "durationMs": {"p50": 1.5, "p99": 9}},
            {"failed": 1},
            None,
        ],
    }
    async with answering(200, stats) as peer, DurablyClient(peer.url, abilities="python") as client:
        assert await client.get_stats(window=60) == Stats(
            window=60.0, jobs=(JobFigures(job_name="a", p50_ms=1.5),)
        )


@pytest.mark.parametrize(
    ("window", "asked"), [(3600, "3600s"), (0.2, "1s"), (59.6, "60s"), (1e12, "9999999s")]
)
async def test_the_window_is_asked_in_seconds(window: float, asked: str) -> None:
    body = {"jobs": []}
    async with answering(200, body) as peer, DurablyClient(peer.url, abilities="python") as client:
        await client.get_stats(window=window)
        assert [each.path.partition("?")[2] for each in peer.requests] == [f"window={asked}"]


async def test_what_is_no_answer_is_told_in_a_sentence() -> None:
    async with (
        answering(200, {"jobs": 7}) as peer,
        DurablyClient(peer.url, abilities="python") as client,
    ):
        with pytest.raises(NotADurablyServer, match="the answer is not a list of jobs"):
            await client.get_jobs()
        with pytest.raises(NotADurablyServer, match="no figures of jobs"):
            await client.get_stats()
    async with (
        answering(200, '{"jobs": [') as peer,
        DurablyClient(peer.url, abilities="python") as client,
    ):
        with pytest.raises(ServerFault, match="cut off or broken"):
            await client.get_stats()
    async with (
        answering(403, {"error": "not all runs"}) as peer,
        DurablyClient(peer.url, abilities="python") as client,
    ):
        with pytest.raises(Unauthorised, match="not all runs"):
            await client.get_stats()
