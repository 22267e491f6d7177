"""``durably-tui retrigger``."""

from __future__ import annotations

from durably_tui.cli.acting import acting

command = acting("retrigger", "Make new runs with the same input and labels, from the first step.")
