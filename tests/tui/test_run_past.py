"""The stored lines of the run that is looked at, and of no other."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace
from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.state import JobRunState, LogStore, create_durably_client
from durably_tui.tui.run_past import RunPast


async def _watched(port: FakePort, run_id: str) -> JobRunState:
    async with (
        create_durably_client(port, clock=ManualClock()) as hooks,
        hooks.job("import-csv").use_run(run_id) as run,
    ):
        await settle()
        assert run.state is not None
        return run.state


@pytest.mark.parametrize("turns", range(10))
async def test_an_answer_on_its_way_is_not_put_among_the_lines_of_the_next_run(turns: int) -> None:
    port, lines = FakePort(), LogStore()
    port.abilities = replace(port.abilities, features=frozenset(("logs",)))
    run_id = port.made()
    port.logged(run_id, "of the run before")
    state = await _watched(port, run_id)
    past = RunPast(port, lambda: None)
    port.gate.clear()
    past.show(state, lines)
    await settle()
    port.gate.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    lines.clear()
    past.show(None, lines)
    await settle()
    assert not list(lines)
    await past.aclose()
