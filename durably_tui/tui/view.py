"""How the user looks at things, whatever they look at: the same in every place and server."""

from __future__ import annotations

from dataclasses import dataclass, field

from durably_tui.text import TimeStyle

TIME_STYLES = (TimeStyle.RELATIVE, TimeStyle.LOCAL, TimeStyle.UTC)


@dataclass(slots=True)
class Preview:
    """Where the preview of a run is, and how large."""

    beside: bool | None = None
    """Beside the table, or below it; None: as the screen is wide."""
    share: int = 40
    """Percent of the room."""
    hidden: bool = False


@dataclass(slots=True)
class View:
    """What holds for the whole screen, until the user says otherwise."""

    time_style: TimeStyle = TimeStyle.RELATIVE
    log_times: TimeStyle = TimeStyle.LOCAL
    """How the times of log lines are written; it changes with ``time_style``, and by itself."""
    plain: bool = False
    """Whether all is drawn with ASCII."""
    preview: Preview = field(default_factory=Preview)
    paused: bool = False
    """Whether the picture stands still. What happens is taken in all the same."""
    pauses: int = 0
    """How often it was paused."""

    def next_time_style(self) -> TimeStyle:
        """Go from relative times to local ones, to UTC, and round again."""
        at = TIME_STYLES.index(self.time_style) if self.time_style in TIME_STYLES else -1
        self.time_style = self.log_times = TIME_STYLES[(at + 1) % len(TIME_STYLES)]
        return self.time_style

    def pause(self) -> None:
        """Stop the picture, or let it go on."""
        self.paused = not self.paused
        self.pauses += self.paused
