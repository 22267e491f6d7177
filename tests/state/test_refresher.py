"""``Refresher``: many wishes, few requests, none forgotten."""

from __future__ import annotations

import asyncio

from support.manual_clock import ManualClock, settle

from durably_tui.state.refresher import Refresher


class Fetch:
    """Counts, can be held back, and can want another try."""

    def __init__(self) -> None:
        self.began = 0
        self.flying = 0
        self.again = False
        self.broken = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> bool:
        self.began += 1
        self.flying += 1
        assert self.flying == 1, "one at a time"
        try:
            await self.gate.wait()
            if self.broken:
                raise RuntimeError("a bug")
            return self.again
        finally:
            self.flying -= 1


async def test_the_first_wish_is_granted_at_once_and_the_last_is_not_forgotten(
    clock: ManualClock,
) -> None:
    fetch = Fetch()
    refresher = Refresher(fetch, clock, min_interval=0.3)
    for _ in range(1_000):
        refresher.wish()
    await settle()
    assert fetch.began == 1
    for _ in range(1_000):
        refresher.wish()
    await settle()
    assert fetch.began == 1
    await clock.advance(0.3)
    assert fetch.began == 2
    await clock.advance(100)
    assert fetch.began == 2
    await refresher.aclose()


async def test_a_wish_during_a_request_leads_to_one_more(clock: ManualClock) -> None:
    fetch = Fetch()
    fetch.gate.clear()
    refresher = Refresher(fetch, clock)
    refresher.wish()
    await settle()
    refresher.wish()
    refresher.wish()
    fetch.gate.set()
    await clock.advance(1)
    assert fetch.began == 2
    await refresher.aclose()


async def test_failures_are_tried_again_later_and_later(clock: ManualClock) -> None:
    fetch = Fetch()
    fetch.again = True
    refresher = Refresher(fetch, clock, jitter=lambda: 1.0)
    refresher.wish()
    began = []
    for _ in range(200):
        await clock.advance(1)
        began.append(fetch.began)
    assert began[0] == 2
    assert began[2] == 3
    assert began[6] == 4
    assert fetch.began == 11, "1, 2, 4, 8, 16, then every 30 s"
    await refresher.finished()
    assert fetch.began == 12, "a person does not wait"
    await refresher.aclose()


async def test_a_bug_in_the_request_does_not_end_all_refreshing(clock: ManualClock) -> None:
    fetch = Fetch()
    fetch.broken = True
    refresher = Refresher(fetch, clock)
    await refresher.finished()
    fetch.broken = False
    await clock.advance(2)
    assert fetch.began == 2
    await refresher.aclose()


async def test_a_newer_question_gives_up_the_older(clock: ManualClock) -> None:
    fetch = Fetch()
    fetch.gate.clear()
    refresher = Refresher(fetch, clock)
    refresher.wish()
    await settle()
    refresher.at_once(restart=True)
    await settle()
    assert fetch.began == 2
    fetch.gate.set()
    await settle()
    assert fetch.flying == 0
    await refresher.aclose()


async def test_closing_lets_everybody_go(clock: ManualClock) -> None:
    fetch = Fetch()
    fetch.gate.clear()
    refresher = Refresher(fetch, clock)
    waiting = asyncio.create_task(refresher.finished())
    await settle()
    await refresher.aclose()
    await waiting
    assert fetch.flying == 0
    refresher.wish()
    await refresher.finished()
    await settle()
    assert fetch.began == 1
