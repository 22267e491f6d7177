"""``durably-tui delete``."""

from __future__ import annotations

from durably_tui.cli.acting import acting

command = acting("delete", "Delete runs that have ended, with all that the server has of them.")
