"""``durably-tui retry``."""

from __future__ import annotations

from durably_tui.cli.acting import acting

command = acting(
    "retry",
    "Make failed or cancelled runs go on after their last finished step.\n\n"
    "Where the server cannot do that, as 0.12 to 0.15, a new run with the same input is made.",
)
