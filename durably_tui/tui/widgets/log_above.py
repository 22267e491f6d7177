"""What is said above the first line of a log: why nothing stands before it."""

from __future__ import annotations

from enum import StrEnum

from durably_tui.protocol import DurablyError
from durably_tui.state import LogStore, Past

UNSEEN = "earlier lines were not seen"


class Earlier(StrEnum):
    """Whether lines stand before the first that are not here."""

    NONE = "none"
    """All that there are are here."""
    LEFT = "left"
    """There may be some, which cannot be had, or not now."""
    READY = "ready"
    """The server may have some, and gives them when asked."""


def earlier_of(past: Past, lines: LogStore) -> Earlier:
    """Whether lines may stand before the first of ``lines``."""
    if past is Past.WHOLE:
        return Earlier.NONE
    is_ready = past is Past.LOADING or (past is Past.MORE and not lines.is_full)
    return Earlier.READY if is_ready else Earlier.LEFT


def above_text(past: Past, error: DurablyError | None, lines: LogStore) -> str:
    """One line; empty where there is nothing to say.

    Args:
        past: what is known of the lines before the first.
        error: why the last request for them failed.
        lines: what is kept.
    """
    if past is Past.LOADING:
        return "fetching earlier lines…"
    if past is Past.FAILED:
        return f"earlier lines could not be fetched ({error}); scrolling up tries again"
    if past is Past.MORE and lines.is_full:
        return f"earlier lines are left on the server: {len(lines):,} are as many as are kept"
    if past is Past.MORE:
        return "scroll up for earlier lines"
    if past is Past.WHOLE:
        return "the server keeps no earlier lines" if len(lines) else ""
    return UNSEEN
