"""What Textual would keep of widgets that are gone, let go of.

Textual remembers the two backgrounds of a line by the widget's own cache besides the colours they
are worked out from, which have nothing to do with it: so the last 1,024 caches stay, with all that
was drawn of their widgets, some kilobytes for a key of the footer and much more for a pane.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from textual._styles_cache import StylesCache

_NAME = "get_inner_outer"


def cache_backgrounds_by_colour() -> None:
    """Have Textual remember backgrounds by their colours alone. Again is harmless."""
    remembered = vars(StylesCache).get(_NAME)
    work_out = getattr(remembered, "__wrapped__", None)
    if work_out is None or isinstance(remembered, staticmethod):
        return

    @lru_cache(1024)
    def backgrounds(*colours: Any) -> Any:
        return work_out(None, *colours)

    setattr(StylesCache, _NAME, staticmethod(backgrounds))
