"""When a stream was not there, and whether anything is lost of that time."""

from __future__ import annotations

from msgspec.structs import replace

from durably_tui.protocol import Connection, Phase
from durably_tui.state.outage import Outage, outage_after

LIVE = Connection(phase=Phase.LIVE, epoch=1, since=10.0, last_seen=20.0)
AWAY = replace(LIVE, phase=Phase.RECONNECTING, since=21.0)
BACK = replace(LIVE, epoch=2, since=30.0, last_seen=30.0)


def test_it_begins_when_the_server_was_last_heard_and_ends_with_the_stream() -> None:
    gone = outage_after(None, LIVE, AWAY, 21.0)
    assert gone == Outage(since=20.0)
    assert outage_after(gone, AWAY, replace(AWAY, attempt=3), 25.0) is gone
    assert outage_after(gone, AWAY, BACK, 30.0) == Outage(since=20.0, until=30.0)


def test_nothing_is_lost_where_the_stream_went_on_after_the_last_event() -> None:
    back = replace(BACK, resumed=True)
    assert outage_after(Outage(since=20.0), AWAY, back, 30.0) == Outage(
        since=20.0, until=30.0, lossless=True
    )


def test_a_gap_in_a_live_stream_is_one_too() -> None:
    gap = replace(LIVE, epoch=2)
    assert outage_after(None, LIVE, gap, 22.0) == Outage(since=20.0, until=22.0)


def test_what_is_no_outage() -> None:
    first = Connection()
    assert outage_after(None, first, LIVE, 10.0) is None
    assert outage_after(None, first, AWAY, 10.0) is None, "it was never there"
    assert outage_after(None, LIVE, replace(LIVE, last_seen=25.0), 25.0) is None
    assert outage_after(None, LIVE, replace(LIVE, phase=Phase.ENDED), 25.0) is None


def test_it_begins_when_the_stream_last_said_something_though_a_probe_went_well_later() -> None:
    live = replace(LIVE, told_until=15.0)
    assert outage_after(None, live, AWAY, 21.0) == Outage(since=15.0)
    assert outage_after(None, live, replace(live, epoch=2), 22.0) == Outage(since=15.0, until=22.0)


def test_what_the_stream_knows_of_its_lag_once_it_broke_counts() -> None:
    live = replace(LIVE, told_until=15.0)
    assert outage_after(None, live, replace(AWAY, told_until=12.0), 21.0) == Outage(since=12.0)


def test_one_that_was_over_before_anybody_looked_is_one_too() -> None:
    """Whoever takes from a stream may be late, and is told only how it is by then."""
    live = replace(LIVE, told_until=15.0)
    again = replace(BACK, told_until=30.0)
    assert outage_after(None, live, again, 31.0) == Outage(since=15.0, until=31.0)
    went_on = outage_after(None, live, replace(again, resumed=True), 31.0)
    assert went_on == Outage(since=15.0, until=31.0, lossless=True)


def test_another_stream_is_no_outage() -> None:
    assert outage_after(None, LIVE, BACK, 31.0, is_same=False) is None
    assert outage_after(None, LIVE, replace(LIVE, epoch=2), 31.0, is_same=False) is None
