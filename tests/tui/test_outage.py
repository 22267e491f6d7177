"""After a dropped stream the screen says from when to when, and what may be lost."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from support.monitor import monitor
from support.workshop import workshop

from durably_tui.client import Pace
from durably_tui.state import Outage
from durably_tui.text import TimeStyle
from durably_tui.tui.widgets.outage_line import told

QUICK = Pace(first_delay=0.05, max_delay=0.1)


def test_what_is_lost_is_said_and_what_is_not() -> None:
    outage = Outage(since=1_790_000_000.0, until=1_790_000_060.0)
    text = told(outage, TimeStyle.UTC, 1_790_000_100.0)
    assert text.startswith("Not connected from ")
    assert "log lines of that time may be lost" in text
    kept = told(Outage(since=1.0, until=2.0, lossless=True), TimeStyle.UTC, 3.0)
    assert "all that happened meanwhile was told afterwards" in kept
    assert "as it was then" in told(Outage(since=1.0), TimeStyle.UTC, 3.0)


async def test_a_server_that_goes_and_comes_again(tmp_path: Path) -> None:
    async with AsyncExitStack() as before:
        shop = await before.enter_async_context(workshop(tmp_path))
        await shop.done("quick")
        port = int(shop.url.split(":")[2].split("/")[0])
        async with monitor(shop.url, pace=QUICK, size=(200, 40)) as shown:
            await shown.shows("● live")
            await before.aclose()
            await shown.shows("Not connected since")
            async with workshop(tmp_path, port=port):
                await shown.shows("● live", "Not connected from", "log lines of that time may be")
