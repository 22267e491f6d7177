"""Options, old runs, lists and figures of an engine."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from support.server import echo, make_durably

from durably_server import Durably, InvalidRequestError, Step, job
from durably_server.engine import maintenance


async def test_old_runs_are_purged(tmp_path: Path) -> None:
    now = 1_800_000_000_000
    async with make_durably(tmp_path, echo, clock=lambda: now) as durably:
        done = await durably.trigger_and_wait(echo, {"value": "x"})
        now += 60_000
        assert await durably.purge_runs(older_than=60) == 0
        assert await durably.purge_runs(older_than=59) == 1
        assert await durably.get_run(done.id) is None
        with pytest.raises(InvalidRequestError, match="not negative"):
            await durably.purge_runs(older_than=-1)


async def test_runs_are_kept_for_as_long_as_the_option_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "BATCH", 2)
    now = 1_800_000_000_000
    durably = make_durably(tmp_path, echo, clock=lambda: now)
    old = [await durably.trigger(echo, {"value": str(n)}) for n in range(5)]
    await durably.process_until_idle()
    await durably.stop()
    now += 3_600_001
    young = make_durably(tmp_path, echo, clock=lambda: now, retain_runs="1h")
    new = await young.trigger(echo, {"value": "new"})
    async with young, asyncio.timeout(5):
        while await young.count_runs() > 1:  # noqa: ASYNC110 - a purge tells nobody
            await asyncio.sleep(0.01)
        assert [run.id for run in await young.get_runs()] == [new.id]
        assert await young.get_run(old[0].id) is None
    with pytest.raises(InvalidRequestError, match="retain_runs"):
        make_durably(tmp_path, echo, retain_runs="1 month")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_concurent_runs": 4}, 'There is no option "max_concurent_runs": the options are max'),
        ({"max_concurrent_runs": 0}, "max_concurrent_runs must be between 1 and 1000"),
        ({"lease": 1.0, "lease_renewal": 0.6}, "lease_renewal at most half of lease"),
        ({"polling_interval": 0}, "polling_interval and lease must be positive"),
        ({"stop_grace": -1.0}, "stop_grace must not be negative"),
        ({"max_logs_per_run": 0}, "max_logs_per_run at least 1"),
    ],
)
def test_options_that_cannot_work_are_refused(options: Any, message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        Durably("memory:", **options)


async def test_lists_are_asked_for_by_time_text_and_cursor(tmp_path: Path) -> None:
    now = 1_800_000_000_000
    durably = make_durably(tmp_path, echo, clock=lambda: now)
    made = []
    for value in "abc":
        made.append((await durably.trigger(echo, {"value": f"word-{value}"})).run)
        now += 1000
    second = datetime.fromtimestamp(1_800_000_001, UTC)
    later = await durably.get_runs(created_after=second)
    assert [run.id for run in later] == [made[2].id, made[1].id]
    with_zone = second.astimezone(timezone(timedelta(hours=2))).isoformat()
    assert [run.id for run in await durably.get_runs(created_before=with_zone)] == [made[0].id]
    assert [run.id for run in await durably.get_runs(text="WORD-B")] == [made[1].id]
    cursor = (made[1].created_at, made[1].id)
    assert [run.id for run in await durably.get_runs(after=cursor, limit=5)] == [made[0].id]
    assert await durably.count_runs(after=cursor, status=["pending"]) == 3
    for wrong in ("yesterday", "2026-13-01", "9999-12-31T23:59:59-23:00"):
        with pytest.raises(InvalidRequestError, match="Invalid createdAfter"):
            await durably.get_runs(created_after=wrong)
    with pytest.raises(InvalidRequestError, match="Invalid level"):
        await durably.get_logs(level="debug")  # type: ignore[arg-type]
    await durably.stop()


async def test_stats_tell_of_jobs_that_ran_and_of_those_that_did_not(durably: Durably) -> None:
    @job
    async def never(step: Step, input: None) -> None:
        """Not triggered."""

    durably.register(never)
    await durably.trigger_and_wait(echo, {"value": "x"})
    ran, idle = await durably.stats(60)
    assert (ran.job_name, ran.counts["completed"], ran.completed) == ("echo", 1, 1)
    assert ran.rate_per_minute == 1.0
    assert ran.p50_ms is not None
    assert ran.last_run_at is not None
    assert (idle.job_name, sum(idle.counts.values()), idle.last_run_at) == ("never", 0, None)
    with pytest.raises(InvalidRequestError, match="window"):
        await durably.stats(0)
