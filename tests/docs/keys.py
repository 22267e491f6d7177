"""``keys.md``, from the commands of every place."""

from __future__ import annotations

from collections.abc import Iterable

from durably_tui.tui.commands import Command
from durably_tui.tui.pane_keys import LOGS, PANES
from durably_tui.tui.places import PLACES
from durably_tui.tui.screens.run import RunScreen

from .markdown import code, document, table


def page() -> str:
    """The commands of each place by group, and those of each pane."""
    places = commands_by_place()
    shared = set.intersection(*({*keys} for _, keys in places))
    everywhere = [command for command in places[0][1] if command in shared]
    return document(
        "Keys",
        "the KEYS of the places in durably_tui/tui",
        "`?` shows the keys of the place in front. Each command has a name: it can be typed after "
        "`:`, and given another key under `[keys]` in the configuration; only those that move keep "
        "theirs. Commands marked ✎ change something on the server: they are not there with "
        "`--read-only`.",
        "## Everywhere",
        _table(everywhere),
        *(
            part
            for place, keys in places
            for part in (
                f"## {place}",
                _table(c for c in keys if c not in shared and c not in LOGS),
            )
        ),
        *(
            part
            for pane, keys in PANES.items()
            for part in (
                f"## In {pane}",
                f"{'In the place Logs, and where' if keys is LOGS else 'Where'} the pane has the "
                "focus (`Tab`).",
                _table(keys),
            )
        ),
    )


def commands_by_place() -> list[tuple[str, tuple[Command, ...]]]:
    """Every place, and a run in full."""
    places = [(place.load().PLACE, place.load().KEYS) for place in PLACES]
    return [*places, (RunScreen.PLACE, RunScreen.KEYS)]


def _table(commands: Iterable[Command]) -> str:
    return table(
        ("key", "name", "what it does"),
        [
            (
                " ".join(code(key) for key in keys_of(command)),
                command.name,
                command.help + (" ✎" if command.mutates else ""),
            )
            for command in commands
        ],
    )


def keys_of(command: Command) -> list[str]:
    """Its keys as people write them."""
    keys = command.key_labels.split()
    return [key.replace("^", "ctrl+") if len(key) > 1 else key for key in keys]
