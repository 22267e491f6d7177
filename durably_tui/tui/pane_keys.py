"""The keys of the panes: what each does while it has the focus, in whatever place it is."""

from __future__ import annotations

from .commands import Command

LOGS = tuple(
    Command(f"log('{action}')", keys, label, help, "Logs", footer=footer, shown=shown)
    for action, keys, label, help, footer, shown in (
        ("search", "slash", "search", "Search the log", True, "/"),
        ("next_match", "n", "next match", "To the next match", False, None),
        ("prev_match", "N", "match before", "To the match before", False, None),
        ("show_only", "ampersand", "show only", "Show only the lines that match", True, "&"),
        ("level", "L", "level", "All levels, warn and error, error only", True, None),
        ("follow", "F", "follow", "Follow the end, or hold the log still", True, None),
        ("wrap", "w", "wrap", "Wrap long lines; < and > move them to the side", True, None),
        ("times", "t", "log times", "Times relative, local, UTC, off", False, None),
        ("open", "enter", "open line", "Open the line: its run, or its data", True, "Enter"),
        ("unfold", "space", "unfold", "Show the line's data over many lines", False, "Space"),
        ("copy", "y", "copy line", "Copy the line", False, None),
        ("copy_screen", "Y", "copy lines", "Copy the lines in sight", False, None),
        ("save", "ctrl+s", "save log", "Save what is shown to a file", False, "^s"),
        ("clear", "escape", "clear log", "Clear the search, then the filter", False, "Esc"),
    )
)
"""What a ``LogPane`` does while the keys are in it."""

JSON = tuple(
    Command(f"json('{action}')", keys, label, help, "JSON", footer=footer, shown=shown)
    for action, keys, label, help, footer, shown in (
        ("fold", "enter,space", "fold", "Fold or unfold what the cursor is in", True, "Enter"),
        ("fold_all", "z", "fold all", "Fold everything, or unfold it", False, None),
        ("search", "slash", "search", "Search keys and values", True, "/"),
        ("next_match", "n", "next match", "To the next match", False, None),
        ("prev_match", "N", "match before", "To the match before", False, None),
        ("copy_value", "y", "copy value", "Copy the value", True, None),
        ("copy_path", "Y", "copy path", "Copy the path to it, as jq writes it", False, None),
        ("clear", "escape", "clear search", "Clear the search", False, "Esc"),
    )
)
"""What a ``JsonPane`` does while the keys are in it."""

EVENTS = tuple(
    Command(f"event('{action}')", keys, label, help, "Events", footer=footer, shown=shown)
    for action, keys, label, help, footer, shown in (
        ("unfold", "enter", "unfold", "Show the event as JSON, or hide it", True, "Enter"),
        ("copy", "y", "copy event", "Copy the event as JSON", True, None),
    )
)
"""What an ``EventPane`` does while the keys are in it."""

STEPS = tuple(
    # ``-`` goes to the place before, everywhere: the other key of ``+`` is that with shift.
    Command(f"axis('{action}')", keys, label, help, "Steps", footer=footer, shown=shown)
    for action, keys, label, help, footer, shown in (
        ("zoom_in", "plus,equals_sign", "zoom in", "A shorter time, wider", True, "+"),
        ("zoom_out", "underscore", "zoom out", "A longer time, narrower", False, "_"),
        ("whole", "0", "whole axis", "The whole time of the run", False, None),
        ("earlier", "less_than_sign", "earlier", "To an earlier time", False, "<"),
        ("later", "greater_than_sign", "later", "To a later time", False, ">"),
    )
)
"""What a ``Waterfall`` does while the keys are in it."""

PANES = {"a log": LOGS, "JSON": JSON, "the events of a run": EVENTS, "the steps of a run": STEPS}
"""All of them, by what they are keys in."""
