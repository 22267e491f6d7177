"""A fake server and a clock that stands still, for every test of the hooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from support.fake_port import FakePort
from support.manual_clock import ManualClock

from durably_tui.state import DurablyHooks, create_durably_client


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def port() -> FakePort:
    return FakePort()


@pytest.fixture
async def hooks(port: FakePort, clock: ManualClock) -> AsyncIterator[DurablyHooks]:
    """The hooks on the fake server; afterwards no task may be left."""
    async with create_durably_client(port, clock=clock) as opened:
        yield opened
    left = [task for task in asyncio.all_tasks() if task.get_name().startswith("durably:")]
    assert not left, left
