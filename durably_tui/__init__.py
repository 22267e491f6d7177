"""Watch and steer Durably jobs from the terminal and from Python.

The names below are loaded when they are first used, so that ``import durably_tui`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import DurablyClient
    from .connect import create_durably_client
    from .state import DurablyHooks, JobDefinition

__all__ = ["DurablyClient", "DurablyHooks", "JobDefinition", "create_durably_client"]

_HOMES = {
    "DurablyClient": ".client",
    "DurablyHooks": ".state",
    "JobDefinition": ".state",
    "create_durably_client": ".connect",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home, __name__), name)
