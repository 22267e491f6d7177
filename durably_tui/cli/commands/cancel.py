"""``durably-tui cancel``."""

from __future__ import annotations

from durably_tui.cli.acting import acting

command = acting("cancel", "Cancel runs that are pending or running.")
