"""The commands that several places share."""

from __future__ import annotations

from durably_tui.tui.commands import Command
from durably_tui.tui.places import PLACES

MOVE = (
    Command("cursor_down", "j,down", "down", "Move down", "Move", footer=False, shown="j ↓"),
    Command("cursor_up", "k,up", "up", "Move up", "Move", footer=False, shown="k ↑"),
    Command("page", "pagedown,pageup", "page", "Move by a page", "Move", footer=False),
    Command("ends", "g,G", "ends", "To the first, to the last", "Move", footer=False, shown="g G"),
    Command("focus", "tab", "pane", "To the next pane", "Move", footer=False),
)
"""What widgets bind by themselves; told in ``?`` only."""

STEER = (
    Command(
        "retry",
        "r",
        "retry",
        "Make a failed or cancelled run go again: the same run where the server can resume it",
        "Run",
        mutates=True,
    ),
    Command(
        "retrigger",
        "R",
        "new run",
        "Start a new run with the same input and labels",
        "Run",
        mutates=True,
    ),
    Command("cancel", "c", "cancel", "Cancel the run", "Run", mutates=True),
    Command("delete", "D", "delete", "Delete the run (asks first)", "Run", mutates=True),
    Command("trigger", "t", "trigger", "Trigger a new run of any job", "Run", mutates=True),
    Command(
        "trigger_like",
        "ctrl+t",
        "trigger like",
        "Trigger a new run that begins as a copy of this one",
        "Run",
        footer=False,
        mutates=True,
        shown="^t",
    ),
    Command(
        "open_new",
        "o",
        "open new",
        "Open the run that the last retry or trigger made",
        "Run",
        footer=False,
    ),
)

REPLAY = tuple(
    Command(
        f"replay('{action}')", keys, label, help, "Replay", footer=footer, replays=True, shown=shown
    )
    for action, keys, label, help, footer, shown in (
        ("step", "full_stop", "step", "Hold, and go on to the next thing that came", True, "."),
        ("step_back", "comma", "step back", "Hold, and go back to what came before", False, ","),
        (
            "rewind",
            "left_curly_bracket",
            "rewind",
            "Back by ten seconds of the recording",
            True,
            "{",
        ),
        ("forward", "right_curly_bracket", "forward", "On by ten seconds of it", True, "}"),
        ("slower", "left_parenthesis", "slower", "Play slower", False, "("),
        ("faster", "right_parenthesis", "faster", "Play faster", True, ")"),
    )
)
"""What moves a replay, and is there only in one. ``pause`` holds the replay there."""

VIEW = (
    Command("pause", "p", "pause", "Hold the picture, and let it go on", "View", footer=False),
    Command("time_format", "T", "times", "Times relative, local, UTC", "View", footer=False),
    Command(
        "refresh",
        "ctrl+r",
        "refresh",
        "Fetch from the server now",
        "View",
        footer=False,
        shown="^r",
    ),
    Command(
        "copy_run",
        "y",
        "copy",
        "Copy the run: its id, its JSON, a curl line, a command line",
        "View",
        footer=False,
    ),
)

GENERAL = (
    *(
        Command(
            f"app.place('{place.name}')",
            place.key,
            f"to {place.title.lower()}",
            place.help,
            "Places",
            footer=False,
        )
        for place in PLACES
    ),
    Command(
        "place_before",
        "minus",
        "place before",
        "Go back to the place before",
        "Places",
        footer=False,
        shown="-",
    ),
    Command(
        "command_line",
        "colon",
        "command",
        "Type a command by its name",
        "General",
        footer=False,
        shown=":",
    ),
    Command(
        "app.command_palette",
        "ctrl+p",
        "palette",
        "Find a command, a run, a job, a filter, a server or a theme",
        "General",
        footer=False,
        shown="^p",
    ),
    Command("help", "question_mark", "help", "The keys of this place", "General", shown="?"),
)

LOGS = tuple(
    Command(f"log('{action}')", keys, label, help, "Logs", footer=footer, shown=shown)
    for action, keys, label, help, footer, shown in (
        ("search", "slash", "search", "Search the log; n and N go on", True, "/"),
        ("next_match", "n", "next match", "To the next match", False, None),
        ("prev_match", "N", "match before", "To the match before", False, None),
        ("show_only", "ampersand", "show only", "Show only the lines that match", True, "&"),
        ("level", "L", "level", "All levels, warn and error, error only", True, None),
        ("follow", "F", "follow", "Follow the end, or hold the log", True, None),
        ("wrap", "w", "wrap", "Wrap long lines; < and > move them to the side", True, None),
        ("times", "t", "log times", "Times relative, local, UTC, off", False, None),
        ("open", "enter", "open line", "Open the line: its run, or its data", True, "Enter"),
        ("unfold", "space", "unfold", "The line's data over many lines", False, "Space"),
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
        ("search", "slash", "search", "Search keys and values; n and N go on", True, "/"),
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
