"""``runs --watch``: what is told again, and what is not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import cast

import pytest
from support.fake_port import FakePort

from durably_tui.cli.follow_runs import follow_runs
from durably_tui.client import DurablyClient
from durably_tui.filters import parse


class Told:
    """The lines that were printed by now."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.lines: list[str] = []

    async def until(self, met: Callable[[list[str]], bool]) -> list[str]:
        async with asyncio.timeout(10):
            while not met(self.lines):
                await asyncio.sleep(0.01)
                self.lines += self._capsys.readouterr().out.splitlines()
        return self.lines


async def test_a_run_that_comes_back_as_it_was_is_told_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    port, told = FakePort(retry=True), Told(capsys)
    run_id = port.made()
    port.started(run_id)
    wanted = parse("status:running")
    following = asyncio.create_task(follow_runs(cast("DurablyClient", port), wanted, 10, "ndjson"))
    await told.until(lambda lines: len(lines) == 1)
    port.failed(run_id, "no")
    other = port.made()
    port.started(other)
    await told.until(lambda lines: len(lines) == 2)
    port.retried(run_id)
    port.started(run_id)
    last = port.made()
    port.started(last)
    lines = await told.until(lambda lines: any(last in line for line in lines))
    following.cancel()
    await asyncio.wait([following])
    found = [json.loads(line)["id"] for line in lines]
    assert found.count(run_id) == 2, found
    assert found.count(other) == found.count(last) == 1
