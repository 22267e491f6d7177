"""The line that tells of the last time without the stream, and what is missing of it."""

from __future__ import annotations

from datetime import UTC, datetime

from textual.content import Content
from textual.widgets import Static

from durably_tui.state import Outage
from durably_tui.text import TimeStyle, moment

TOLD_SECONDS = 120.0
"""How long it stays once the stream is back."""


def told(outage: Outage, style: TimeStyle, now: float, *, stored: bool = False) -> str:
    """What is to be known of an outage, as one sentence.

    Args:
        outage: when it was, and whether all of it was told afterwards.
        style: how times are written; relative ones are local here.
        now: seconds since the epoch.
        stored: whether the server keeps log lines, so that they can be had all the same.
    """
    if style is not TimeStyle.UTC:
        style = TimeStyle.LOCAL

    def at(seconds: float) -> str:
        return moment(datetime.fromtimestamp(seconds, UTC), style, now)

    if outage.until is None:
        return f"Not connected since {at(outage.since)}: what is shown is as it was then."
    span = f"Not connected from {at(outage.since)} to {at(outage.until)}"
    if outage.lossless:
        return f"{span}: all that happened in between was told afterwards."
    if stored:
        return f"{span}: runs and steps were fetched again, log lines from that time are in Logs."
    return f"{span}: runs and steps were fetched again, log lines from that time may be lost."


class OutageLine(Static):
    """One line, seen while there is something to tell."""

    DEFAULT_CSS = """
    OutageLine {
        display: none;
        height: auto;
        max-height: 2;
        padding: 0 1;
        color: $text-warning;
        background: $warning 10%;
    }
    """

    _said = ""

    def show(
        self, outage: Outage | None, style: TimeStyle, now: float, *, stored: bool = False
    ) -> None:
        """Tell of an outage, as long as it is news at ``now`` (seconds since the epoch)."""
        is_news = outage is not None and (outage.until is None or now - outage.until < TOLD_SECONDS)
        self.display = is_news
        if outage is not None and is_news:
            said = told(outage, style, now, stored=stored)
            if said != self._said:  # each exchange is a layout of the place
                self._said = said
                self.update(Content(said))
