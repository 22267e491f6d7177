"""How a state looks: word, glyph and colour together, so that losing one of them loses nothing."""

from __future__ import annotations

from dataclasses import dataclass

from durably_tui.protocol.models import LogLevel, Run, RunStatus, StepStatus
from durably_tui.text import safe


@dataclass(frozen=True, slots=True)
class Look:
    """The appearance of one state."""

    glyph: str
    plain: str
    """The glyph where only ASCII can be shown."""
    word: str
    style: str
    """A name of ``line_view.PALETTE``."""

    def label(self, *, plain: bool = False) -> str:
        """Glyph and word."""
        return f"{self.plain if plain else self.glyph} {self.word}"


RUN_LOOKS: dict[RunStatus, Look] = {
    RunStatus.PENDING: Look("○", "o", "pending", "pending"),
    RunStatus.RUNNING: Look("●", "*", "running", "running"),
    RunStatus.COMPLETED: Look("✔", "+", "completed", "completed"),
    RunStatus.FAILED: Look("✖", "x", "failed", "failed"),
    RunStatus.CANCELLED: Look("⊘", "-", "cancelled", "cancelled"),
    RunStatus.UNKNOWN: Look("?", "?", "unknown", "unknown"),
}

STEP_LOOKS: dict[StepStatus, Look] = {
    StepStatus.RUNNING: RUN_LOOKS[RunStatus.RUNNING],
    StepStatus.COMPLETED: RUN_LOOKS[RunStatus.COMPLETED],
    StepStatus.FAILED: RUN_LOOKS[RunStatus.FAILED],
    StepStatus.CANCELLED: RUN_LOOKS[RunStatus.CANCELLED],
    StepStatus.UNKNOWN: RUN_LOOKS[RunStatus.UNKNOWN],
}

LEVEL_STYLES: dict[LogLevel, str] = {
    LogLevel.INFO: "info",
    LogLevel.WARN: "warn",
    LogLevel.ERROR: "error",
    LogLevel.UNKNOWN: "unknown",
}


def run_look(run: Run) -> Look:
    """The look of a run. A status that nobody knows is shown in the server's own word."""
    look = RUN_LOOKS[run.status]
    if run.status is RunStatus.UNKNOWN and isinstance(word := run.extra.get("status"), str):
        return Look(look.glyph, look.plain, safe(word, limit=40), look.style)
    return look
