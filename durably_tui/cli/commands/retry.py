"""``durably-tui retry``."""

from __future__ import annotations

from durably_tui.cli.acting import acting

command = acting(
    "retry",
    "Resume failed or cancelled runs after their last finished step.\n\n"
    "Where the server cannot do that (0.12 to 0.15), a new run with the same input is made.",
)
