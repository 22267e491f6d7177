"""By when what a server had published is here, as far as a stream shows it."""

import asyncio
from datetime import UTC, datetime

from support import bad_servers as bad
from support.hand_clock import HandClock
from support.scripted_stream import STREAM_HEAD, good, ids, scripted, watching

from durably_tui.client import DurablyClient
from durably_tui.client.lag import Lag
from durably_tui.protocol import Decoder, Event, LogWrite, Phase, RunTrigger
from durably_tui.state.log_gap import first_id_at
from durably_tui.state.outage import outage_after

LINE = LogWrite(run_id="a", job_name="echo", message="hello")


def trigger(made: float) -> Event:
    return RunTrigger(run_id=first_id_at(made), job_name="echo")


def test_what_comes_after_a_lull_and_whole_is_here_once_it_is_silent_again() -> None:
    lag = Lag()
    lag.opened(1000.0)
    lag.brought(1005.0, [LINE], whole=True)
    assert lag.told_until(1005.1) == 1000.0, "more may be under way"
    assert lag.told_until(1006.0) == 1005.0


def test_a_stream_that_is_never_silent_is_as_late_as_since_when_it_is_not() -> None:
    lag = Lag()
    lag.opened(1000.0)
    for tick in range(1, 40):
        lag.brought(1000.0 + tick / 20, [LINE] if tick % 3 == 0 else [], whole=False)
    assert lag.told_until(1002.0) == 1000.0
    assert lag.told_until(1009.0) == 1000.0, "it stopped within an event: that was on its way"


def test_a_lull_within_an_event_is_a_slow_network() -> None:
    lag = Lag()
    lag.opened(1000.0)
    for second in range(1, 5):
        lag.brought(1000.0 + second, [LINE], whole=False)
    assert lag.told_until(1004.0) == 1000.0


def test_a_busy_stream_whose_reads_all_end_with_an_event_is_not_late() -> None:
    lag = Lag()
    lag.opened(1000.0)
    for tick in range(1, 20):
        lag.brought(1000.0 + tick / 20, [LINE], whole=True)
    assert lag.told_until(1000.95) == 1000.95


def test_it_is_not_late_for_ever() -> None:
    lag = Lag()
    lag.opened(1000.0)
    for tick in range(2000):
        lag.brought(1000.0 + tick / 10, [LINE], whole=False)
    assert lag.told_until(1199.9) == 1199.9 - 30.0


def test_an_event_that_is_dated_tells_how_late_it_is_whatever_the_clocks_say() -> None:
    for ahead in (-500.0, 0.0, 500.0):
        for event in (trigger, dated):
            lag = Lag()
            lag.opened(1000.0)
            lag.brought(1000.1, [event(1000.1 + ahead)], whole=False)
            lag.brought(1002.0, [event(1001.0 + ahead), LINE], whole=False)
            assert abs(lag.told_until(1002.0) - 1001.0) < 0.002


def test_a_clock_that_is_set_back_is_followed() -> None:
    lag = Lag()
    lag.opened(5000.0)
    lag.brought(5001.0, [LINE], whole=True)
    lag.brought(1000.0, [LINE], whole=True)
    assert lag.told_until(1001.0) == 1000.0


def test_ids_that_are_no_ulids_tell_nothing() -> None:
    lag = Lag()
    lag.opened(1000.0)
    for run_id in ("a", "!" * 26, "é" * 26, ""):
        lag.brought(1001.0, [RunTrigger(run_id=run_id, job_name="echo")], whole=False)
    assert lag.told_until(1001.0) == 1000.0


async def test_what_was_on_its_way_when_a_slow_stream_broke_is_in_its_outage() -> None:
    """A queue was on its way: its last bytes had been published long before they came."""
    clock = HandClock()
    more, cut = asyncio.Event(), asyncio.Event()

    async def slow(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + good(0)[:-7])
        await more.wait()
        writer.write(good(0)[-7:] + good(1)[:-7])
        await cut.wait()

    async with (
        scripted(slow) as peer,
        DurablyClient(peer.url, pace=clock.pace(), abilities="0.15") as client,
        watching(client.subscribe_runs()) as watch,
    ):
        opened = await watch.phase(Phase.LIVE)
        clock.now += 0.8
        more.set()
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        live = watch.batches[-1].connection
        clock.now += 0.1
        cut.set()
        lost = (await watch.phase(Phase.RECONNECTING)).connection

    assert opened.connection.told_until == 1000.0
    assert lost.last_seen == 1000.8
    assert lost.told_until == 1000.0
    outage = outage_after(None, live, lost, clock.now)
    assert outage is not None
    assert outage.since == 1000.0


async def test_an_outage_begins_with_the_last_event_of_a_stream_that_was_quiet() -> None:
    clock = HandClock()
    more, cut = asyncio.Event(), asyncio.Event()

    async def quiet(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD)
        await more.wait()
        writer.write(good(0))
        await cut.wait()

    async with (
        scripted(quiet) as peer,
        DurablyClient(peer.url, pace=clock.pace(), abilities="0.15") as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.phase(Phase.LIVE)
        clock.now += 0.5
        more.set()
        await watch.until(lambda w: ids(w) == ["GOOD-0"])
        clock.now += 0.4
        cut.set()
        lost = (await watch.phase(Phase.RECONNECTING)).connection

    assert lost.told_until == 1000.5


def dated(published: float) -> Event:
    at = datetime.fromtimestamp(published, UTC).isoformat()
    frame = f'{{"type":"run:leased","runId":"a","jobName":"echo","timestamp":"{at}"}}'
    event = Decoder().event(frame.encode())
    assert event is not None
    return event
