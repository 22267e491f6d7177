"""A flood of events is taken in by turns, and nothing of it is lost."""

from __future__ import annotations

import asyncio

from support.fake_port import FakePort
from support.manual_clock import settle

from durably_tui.protocol import StreamBatch
from durably_tui.state import DurablyHooks
from durably_tui.state.turns import EVENTS_OF_A_TURN


async def test_a_flood_is_taken_in_by_turns_and_in_order(
    port: FakePort, hooks: DurablyHooks
) -> None:
    heard: list[StreamBatch] = []
    rounds, whole = 0, asyncio.Event()

    def hear(batch: StreamBatch) -> None:
        heard.append(batch)
        if sum(len(batch.events) for batch in heard) == 1_000:
            whole.set()

    async def count_rounds() -> None:
        nonlocal rounds
        while not whole.is_set():
            rounds += 1
            await asyncio.sleep(0)

    hooks.feed.open()
    run_id = port.made()
    await settle()
    hooks.feed.tap(hear)
    port.mute = True
    for number in range(1_000):
        port.step_started(run_id, f"step-{number}", number)
    port.mute = False
    counting = asyncio.create_task(count_rounds())
    port.deliver(port.published[-1_000:])
    async with asyncio.timeout(5):
        await whole.wait()
    await counting
    names = [getattr(event, "step_name", "") for batch in heard for event in batch.events]
    assert names == [f"step-{number}" for number in range(1_000)]
    assert max(len(batch.events) for batch in heard) <= EVENTS_OF_A_TURN
    assert rounds >= len(heard) - 1, "everything else ran in between"


async def test_events_wait_for_what_goes_first(port: FakePort, hooks: DurablyHooks) -> None:
    free = asyncio.Event()

    async def wait() -> None:
        await free.wait()

    hooks.feed.open()
    await settle()
    hooks.take_turns(wait)
    before = hooks.feed.state.events
    for _ in range(3):
        port.made()
    await settle()
    assert hooks.feed.state.events == before
    free.set()
    await settle()
    assert hooks.feed.state.events == before + 3
