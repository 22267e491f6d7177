"""One line about a log: how much there is, what of it is shown, and what was found."""

from __future__ import annotations

from textual.content import Content

from durably_tui.protocol import LogLevel
from durably_tui.text import safe

from .log_above import Earlier
from .log_view import LogView

_LEVELS = {LogLevel.WARN: "warn and error", LogLevel.ERROR: "error"}


def status_content(view: LogView) -> Content:
    """What stands below a log."""
    looking, store = view.looking, view.store
    more = "" if looking.is_complete else "…"
    parts = [Content.styled("following" if view.following else "held", _follow_style(view))]
    if looking.wants:
        parts.append(_muted(f"{len(view):,}{more} of {len(store):,} lines"))
    else:
        parts.append(_muted(f"{len(store):,} line{'' if len(store) == 1 else 's'}"))
    if view.level is not None:
        parts.append(_marked(_LEVELS[view.level]))
    if view.only is not None:
        parts.append(_marked(f"only “{safe(view.only.pattern, limit=60)}”"))
    if looking.pattern is not None:
        total = view.count_matches()
        rank = 0 if view.cursor is None else looking.rank(view.cursor)
        parts.append(_marked(f"“{safe(looking.pattern.pattern, limit=60)}”"))
        counted = f"{rank:,}/{total:,}{more}" if rank else f"{total:,}{more} found"
        parts.append(Content.styled(counted, "bold" if total else "$text-warning"))
    if view.earlier is not Earlier.NONE and (looking.wants or looking.pattern is not None):
        parts.append(_muted(safe(view.above)))  # what is there was looked through, no more
    if view.wrap:
        parts.append(_muted("wrapped"))
    elif view.shift:
        parts.append(_muted(f"from column {view.shift + 1}"))
    return Content("  ").join(parts)


def _muted(text: str) -> Content:
    return Content.styled(text, "$text-muted")


def _marked(text: str) -> Content:
    return Content.styled(text, "$text-accent")


def _follow_style(view: LogView) -> str:
    return "$text-success" if view.following else "$text-warning"
