"""The line over the table of runs: what is shown, whether it is live, what was searched here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from textual.content import Content

from durably_tui.filters import Filter, needs
from durably_tui.protocol import Phase
from durably_tui.state import AllRunsState, RunsState
from durably_tui.text import ago, safe
from durably_tui.tui.widgets.run_sort import Sort


class PageKeys(NamedTuple):
    """Keys that are told of, as people write them."""

    older: str
    live: str


_USUAL = PageKeys("]", "0")


def scope(
    wanted: Filter,
    state: RunsState[Any, Any] | AllRunsState,
    *,
    shown: int,
    marked: int,
    gathered: int | None = None,
    of_before: bool = False,
    phase: Phase,
    now: float,
    sort: Sort | None = None,
    keys: PageKeys = _USUAL,
) -> Content:
    """What the table shows.

    Args:
        wanted: the filter.
        state: of the page, or of the list of all runs.
        shown: how many rows match.
        marked: how many runs are marked, on whatever page.
        gathered: how many of those that match were found, while all are to be marked.
        of_before: whether the rows are still those of the filter before.
        phase: how the stream is doing.
        now: seconds since the epoch.
        sort: the order of the rows; None: newest first.
        keys: those that lead to other runs.
    """
    sort = sort or Sort()
    parts = [safe(str(wanted), limit=200) if wanted else "all runs"]
    if of_before:
        parts.append("still the rows of before")
    elif isinstance(state, AllRunsState):
        parts += _all(wanted, state, shown, phase, now, keys)
    else:
        parts += _page(wanted, state, shown, phase, now, keys)
    if not sort.is_default:
        way = "up" if sort.rising else "down"
        of = ", of those loaded" if state.has_more else ""
        parts.insert(1, f"by {sort.column or 'age'} {way}{of}")
    if state.is_loading and state.fetched_at is not None:
        parts.append("fetching…")
    line = Content(" · ".join(parts))
    if gathered is not None:
        line = Content.styled(f"marking {gathered:,}… · ", "$text-accent") + line
    elif marked:
        line = Content.styled(f"{marked:,} marked · ", "$text-accent") + line
    if wanted.problems:
        line = Content.styled(f"{said(wanted.problems)}  ", "$text-warning") + line
    return line


def none_matches(
    wanted: Filter, state: RunsState[Any, Any] | AllRunsState, older: str, back: str
) -> str:
    """What stands in the place of the rows where no run matches: of all, or of those looked at."""
    clears = f"{back} clears the filter."
    if not needs(wanted).here:
        return f"No run matches. {clears}"
    if isinstance(state, AllRunsState):
        some = f"None of the newest {state.loaded:,} matches" if state.has_more else ""
    else:
        some = "No run on this page matches" if state.has_more or state.page else ""
    if not some:
        return f"No run matches. {clears}"
    return f"{some}. {older} shows older ones, {clears}" if state.has_more else f"{some}. {clears}"


def said(problems: Sequence[str]) -> str:
    """What of a filter made no sense, safe to be drawn: the first of it, and how much more."""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return safe(problems[0], limit=200) + more


def _searched(here: Filter, wanted: Filter) -> str:
    """Which part of a filter the server left to be searched for here."""
    words = "" if here.terms == wanted.terms else f" for {safe(str(here), limit=80)}"
    return f"searched here{words}"


def _page(
    wanted: Filter, state: RunsState[Any, Any], shown: int, phase: Phase, now: float, keys: PageKeys
) -> list[str]:
    still = f"still ({keys.live} goes back to the live page)"
    parts = [f"page {state.page + 1}", still if state.page else _live(state, phase, now)]
    here = needs(wanted).here
    if here:
        match = f"{shown} of {len(state.runs)} on this page, {_searched(here, wanted)}"
        parts.append(_count(state, match))
    else:
        parts.append(_count(state, f"{shown} shown"))
    return [*parts, f"{keys.older} older"] if state.has_more else parts


def _all(
    wanted: Filter, state: AllRunsState, shown: int, phase: Phase, now: float, keys: PageKeys
) -> list[str]:
    parts = [_live(state, phase, now)]
    here = needs(wanted).here
    loaded = f"{state.loaded:,}"
    if state.has_more and state.total is not None:
        loaded += f" of {state.total:,}"
    if state.arranging:
        parts.append(f"looking through {loaded}…")
    elif here:
        match = f"{shown:,} match of {loaded}, {_searched(here, wanted)}"
        parts.append(_count(state, match))
    else:
        parts.append(_count(state, loaded if state.has_more else f"{loaded} shown"))
    if state.is_full:
        parts.append("no more are kept, a filter leads to older ones")
    elif state.is_loading_older:
        parts.append("fetching older…")
    elif state.has_more:
        parts.append(f"{keys.older} older" if here or state.arranged else "scroll for older")
    if state.checking:
        parts.append("comparing with the server…")
    return parts


def _count(state: RunsState[Any, Any] | AllRunsState, counted: str) -> str:
    """How many there are, once the server has told of any."""
    if state.fetched_at is not None:
        return counted
    return "fetching…" if state.is_loading else "none fetched yet"


def _live(state: RunsState[Any, Any] | AllRunsState, phase: Phase, now: float) -> str:
    if state.stale_since is not None and state.fetched_at is not None:
        return f"not live, as it was {ago(now - state.stale_since)} ago"
    return "live" if phase is Phase.LIVE else "not live"
