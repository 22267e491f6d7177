"""What the configuration says of the look and the keys, put on the app."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from textual.theme import Theme

from durably_tui.config.mistakes import Problem, meant
from durably_tui.text import TimeStyle

from .keymap import keymap
from .pane_keys import PANES
from .places import PLACES
from .screens.run import RunScreen
from .world import World

if TYPE_CHECKING:
    from .app import MonitorApp

HIGH_CONTRAST = (
    Theme(
        name="high-contrast",
        primary="#5fd7ff",
        secondary="#ffff00",
        accent="#ffff00",
        warning="#ffd700",
        error="#ff5f5f",
        success="#5fff5f",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1c1c1c",
        dark=True,
        text_alpha=1.0,
    ),
    Theme(
        name="high-contrast-light",
        primary="#00429d",
        secondary="#5a005a",
        accent="#5a005a",
        warning="#7a4b00",
        error="#a00000",
        success="#005a00",
        foreground="#000000",
        background="#ffffff",
        surface="#ffffff",
        panel="#e6e6e6",
        dark=False,
        text_alpha=1.0,
    ),
)
"""Black and white with full colours; ``readable`` sees to a contrast of at least 7 to 1."""


_MOST_TOLD = 4


def few_colors() -> bool:
    """Whether the terminal says that it has no more than its own sixteen colours."""
    return Console(force_terminal=True).color_system == "standard"


def dress(app: MonitorApp, world: World) -> None:
    """Theme, density, times and keys as configured; what cannot be had is told in a toast."""
    config, problems = world.config, list(world.config.problems)
    for theme in HIGH_CONTRAST:
        app.register_theme(theme)
    if config.theme is not None:
        if config.theme in app.available_themes:
            app.theme = config.theme
        else:
            known = sorted(app.available_themes)
            sentence = f"there is no theme {config.theme!r}: {meant(config.theme, known)}"
            problems.append(config.problem("theme", sentence))
    elif not app.is_headless and few_colors():
        app.theme = "ansi-dark"
    if config.time_format in set(TimeStyle):
        world.view.time_style = TimeStyle(config.time_format)
    app.set_class(config.density == "compact", "-compact")
    if config.keys:
        places = {place.title: place.load().KEYS for place in PLACES}
        places |= {RunScreen.PLACE: RunScreen.KEYS, **PANES}
        app.user_keys, refused = keymap(config.keys, places)
        app.set_keymap(app.user_keys)
        problems += [config.problem(f"keys.{name}", why) for name, why in refused.items()]
    if problems:
        app.notify(
            told_together(problems),
            title="Configuration",
            severity="warning",
            markup=False,
            timeout=12,
        )


def told_together(problems: Sequence[Problem]) -> str:
    """All mistakes in one toast, that leaves room for what one came for: each file once, then a
    line each, of the first few."""
    lines: list[str] = []
    where = ""
    for problem in problems[:_MOST_TOLD]:
        if problem.line is None:
            lines.append(str(problem))
            continue
        if problem.where != where:
            where = problem.where
            lines.append(f"{where}:")
        lines.append(f"line {problem.line}: {problem.sentence}")
    if len(problems) > _MOST_TOLD:
        lines.append(f"and {len(problems) - _MOST_TOLD} more.")
    return "\n".join(lines)
