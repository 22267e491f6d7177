"""What the bar on top tells of a replay."""

from __future__ import annotations

from dataclasses import dataclass

from durably_tui.tui.replay import Replay, clock

from .line_view import Spans


@dataclass(frozen=True, slots=True)
class ReplayMark:
    """A replay at one moment, in what is seen of it."""

    position: int
    """Whole seconds since its beginning."""
    duration: int
    speed: float
    held: bool
    is_over: bool

    @classmethod
    def of(cls, replay: Replay) -> ReplayMark:
        """How a replay is now."""
        return cls(
            position=int(replay.position + 0.0005),
            duration=int(replay.duration + 0.0005),
            speed=replay.speed,
            held=replay.held,
            is_over=replay.is_over,
        )

    def spans(self, *, full: bool) -> Spans:
        """``REPLAY 00:41``, or in full ``REPLAY 10x 00:41/01:00``, ``REPLAY held 00:41/01:00``."""
        at = clock(self.position)
        if not full:
            return (("REPLAY", "warn"), (f" {at}", "text"))
        how = "over" if self.is_over else "held" if self.held else f"{self.speed:g}x"
        return (("REPLAY", "warn"), (f" {how} {at}/{clock(self.duration)}", "text"))
