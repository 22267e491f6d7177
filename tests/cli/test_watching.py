"""News of runs that are watched: of all that are not over, however often each is not."""

from __future__ import annotations

import asyncio

from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.cli.watching import news_of_all
from durably_tui.protocol import RunStatus
from durably_tui.state import create_durably_client


async def test_a_run_that_goes_again_is_watched_again() -> None:
    port, clock = FakePort(retry=True), ManualClock()
    told: list[RunStatus] = []

    async with create_durably_client(port, clock=clock) as hooks:

        async def watch() -> None:
            async for state in news_of_all(hooks):
                if not told or told[-1] is not state.status:
                    told.append(state.status)

        watching = asyncio.create_task(watch())
        await settle()
        run_id = port.made()
        await clock.advance(2)
        port.started(run_id)
        await clock.advance(2)
        port.failed(run_id, "no")
        await clock.advance(2)
        assert told[-1] is RunStatus.FAILED
        told.clear()
        port.retried(run_id)
        await clock.advance(2)
        port.started(run_id)
        await clock.advance(2)
        port.completed(run_id)
        await clock.advance(2)
        assert told[-2:] == [RunStatus.RUNNING, RunStatus.COMPLETED]
        watching.cancel()
        await asyncio.wait([watching])
