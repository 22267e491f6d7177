"""Where the rows of the place Runs come from."""

from __future__ import annotations

from msgspec.structs import replace
from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.protocol import RunStatus
from durably_tui.state import AllRuns, Runs, create_durably_client
from durably_tui.tui.screens.runs_source import RunsSource


async def test_the_page_stays_while_it_shows_what_the_server_has_not_granted_yet() -> None:
    port, clock = FakePort(), ManualClock()
    made = port.made()
    async with create_durably_client(port, clock=clock) as hooks:
        source = RunsSource(hooks, clock.time, lambda: None)
        source.start()
        await settle()
        assert isinstance(source.rows, Runs)
        with source.rows.optimistic(made, RunStatus.CANCELLED):
            port.abilities = replace(port.abilities, features=frozenset(("cursor",)))
            source.look()
            await clock.advance(1)
            assert not await source.turn()
            assert [run.status for run in source.get([made])] == [RunStatus.CANCELLED]
            port.cancelled(made)
        await clock.advance(1)
        assert source.ready()
        assert await source.turn()
        assert isinstance(source.rows, AllRuns)
        assert [run.status for run in source.get([made])] == [RunStatus.CANCELLED]
        await source.aclose()
