"""After a dropped stream the screen says from when to when, and what may be lost."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from support.fake_port import FakePort
from support.monitor import Monitor, monitor, watching
from support.workshop import Workshop, workshop

from durably_tui.client import Pace
from durably_tui.state import Outage, create_durably_client
from durably_tui.text import TimeStyle
from durably_tui.tui.places import PLACES
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.outage_line import told
from tests.proof.proxy import proxy

QUICK = Pace(first_delay=0.05, max_delay=0.1)


def test_what_is_lost_is_said_and_what_is_not() -> None:
    outage = Outage(since=1_790_000_000.0, until=1_790_000_060.0)
    text = told(outage, TimeStyle.UTC, 1_790_000_100.0)
    assert text.startswith("Not connected from ")
    assert "log lines from that time may be lost" in text
    stored = told(outage, TimeStyle.UTC, 1_790_000_100.0, stored=True)
    assert "log lines from that time are in Logs" in stored
    kept = told(Outage(since=1.0, until=2.0, lossless=True), TimeStyle.UTC, 3.0)
    assert "all that happened in between was told afterwards" in kept
    assert "as it was then" in told(Outage(since=1.0), TimeStyle.UTC, 3.0)


async def in_every_place(shown: Monitor, *texts: str) -> None:
    """The five places and a run in full all tell the same."""
    for key, place in zip("2345", PLACES[1:], strict=True):
        await shown.press(key)
        await shown.front(place.load())
        await shown.shows(*texts)
    await shown.press("1")
    await shown.shows("STATUS", *texts)
    await shown.press("enter")
    await shown.shows("steps done", *texts)


def port_of(url: str) -> int:
    return int(url.split(":")[2].split("/", maxsplit=1)[0])


@pytest.mark.parametrize(
    ("abilities", "told_of_logs"),
    [
        (None, "log lines from that time are in Logs"),
        ("0.15", "log lines from that time may be lost"),
    ],
    ids=["stores lines", "does not"],
)
async def test_a_server_that_goes_and_comes_again(
    tmp_path: Path, abilities: str | None, told_of_logs: str
) -> None:
    async with AsyncExitStack() as before:
        shop = await before.enter_async_context(workshop(tmp_path))
        await shop.done("quick")
        port, size = port_of(shop.url), (200, 40)
        async with monitor(shop.url, pace=QUICK, size=size, abilities=abilities) as shown:
            await shown.shows("● live")
            await before.aclose()
            await shown.shows("Not connected since")
            async with workshop(tmp_path, port=port):
                again = ("● live", "Not connected from", "runs and steps were fetched again")
                await in_every_place(shown, *again, told_of_logs)


async def test_a_stream_that_goes_on_where_it_was_cut_lost_nothing(shop: Workshop) -> None:
    await shop.done("quick")
    async with proxy(port_of(shop.url), random.Random(1)) as between:
        url = shop.url.replace(str(port_of(shop.url)), str(between.port))
        async with monitor(url, pace=QUICK, size=(200, 40)) as shown:
            await shown.shows("● live", "✔ completed")
            await shop.done("quick")  # it goes on after the last event that it heard
            await shown.until(lambda: len(shown.ids) == 2)
            between.bad_gateway = True
            between.cut()
            await shown.shows("Not connected since")
            made = await shop.done("chatty")
            between.heal()
            kept = "all that happened in between was told afterwards"
            await shown.shows("● live", "Not connected from", kept)
            await shown.until(lambda: made in shown.ids)
            await in_every_place(shown, kept)
            assert "may be lost" not in shown.text


async def test_the_log_of_a_run_tells_where_lines_may_be_missing() -> None:
    port = FakePort()
    run_id = port.made()
    port.started(run_id)
    session = Session(create_durably_client(port), "http://jobs.example")
    async with watching(session) as shown:
        await shown.on(run_id)
        await shown.until(lambda: port.run_streams)
        port.logged(run_id, "heard before")
        await shown.shows("heard before")
        port.cut()
        await shown.shows("Not connected since")
        port.logged(run_id, "not heard")
        port.restore()
        await shown.shows("Not connected from")
        port.logged(run_id, "heard after")
        await shown.shows("heard after")
        await shown.until(lambda: shown.text.count("may be lost") == 2)
        said = shown.text
        assert said.index("heard before") < said.rindex("may be lost") < said.index("heard after")
        assert said.count("may be lost") == 2, "once in the bar, once in the log"
