"""What a check of ``durably-tui doctor`` found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail", "skip"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor."""

    name: str
    """What was looked at, in a word or two."""
    state: State
    text: str
    """What was seen."""
    hint: str = ""
    """What to do, where something is wrong."""
