"""The line over the table of runs: what is shown, whether it is live, what was searched here."""

from __future__ import annotations

from typing import Any

from textual.content import Content

from durably_tui.filters import Filter, needs
from durably_tui.protocol import Phase
from durably_tui.state import RunsState
from durably_tui.text import ago, safe


def scope(
    wanted: Filter, state: RunsState[Any, Any], *, shown: int, marked: int, phase: Phase, now: float
) -> Content:
    """What the table shows.

    Args:
        wanted: the filter.
        state: the page that it is shown of.
        shown: how many rows of the page match.
        marked: how many runs are marked, on whatever page.
        phase: how the stream is doing.
        now: seconds since the epoch.
    """
    parts = [safe(str(wanted), limit=200) if wanted else "all runs", f"page {state.page + 1}"]
    parts.append(_live(state, phase, now))
    here = needs(wanted).here
    if here:
        words = safe(str(here), limit=80)
        parts.append(f"{shown} of {len(state.runs)} on this page, searched for {words}")
    else:
        parts.append(f"{shown} shown")
    if state.has_more:
        parts.append("] older")
    if state.is_loading and state.fetched_at is not None:
        parts.append("fetching…")
    line = Content.styled(" · ".join(parts), "$text-muted")
    if marked:
        line = Content.styled(f"{marked} marked · ", "$text-accent") + line
    if wanted.problems:
        problem = safe(wanted.problems[0], limit=200)
        line = Content.styled(f"{problem}  ", "$text-warning") + line
    return line


def _live(state: RunsState[Any, Any], phase: Phase, now: float) -> str:
    if state.page:
        return "still (0 goes back to the live page)"
    if state.stale_since is not None and state.fetched_at is not None:
        return f"not live, as it was {ago(now - state.stale_since)} ago"
    return "live" if phase is Phase.LIVE else "not live"
