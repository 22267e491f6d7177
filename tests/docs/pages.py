"""Every page of ``docs/`` that is made from declarations, and what makes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.docs import architecture, commands, config, filters, keys, man, protocol, python

DOCS = Path(__file__).parents[2] / "docs"

PAGES: dict[str, Callable[[], str]] = {
    "architecture.md": architecture.page,
    "commands.md": commands.page,
    "configuration.md": config.page,
    "durably-tui.1": man.page,
    "exit-codes.md": commands.exit_codes_page,
    "filters.md": filters.page,
    "keys.md": keys.page,
    "protocol.md": protocol.page,
    "python.md": python.page,
}
