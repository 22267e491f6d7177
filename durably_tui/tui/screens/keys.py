"""The commands that several places share."""

from __future__ import annotations

from durably_tui.tui.commands import Command
from durably_tui.tui.places import PLACES

MOVE = (
    Command("cursor_down", "j,down", "down", "Move down", "Move", footer=False, shown="j ↓"),
    Command("cursor_up", "k,up", "up", "Move up", "Move", footer=False, shown="k ↑"),
    Command(
        "page",
        "pagedown,pageup,ctrl+f,ctrl+b",
        "page",
        "Move by a page",
        "Move",
        footer=False,
        shown="PgDn PgUp ^f ^b",
    ),
    Command("ends", "g,G", "ends", "To the first, to the last", "Move", footer=False, shown="g G"),
    Command("focus", "tab", "pane", "To the next pane", "Move", footer=False),
)
"""What widgets bind by themselves; told in ``?`` only."""
MOVE_IN_ONE = tuple(command for command in MOVE if command.name != "pane")
"""The same where there is one pane only."""

STEER = (
    Command(
        "retry",
        "r",
        "retry",
        "Retry a failed or cancelled run: the same run where the server can resume it",
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
        ("step", "full_stop", "step", "Pause, and step on to the next thing that came", True, "."),
        ("step_back", "comma", "step back", "Pause, and step back to the one before", False, ","),
        (
            "rewind",
            "left_curly_bracket",
            "rewind",
            "Ten seconds back in the recording",
            True,
            "{",
        ),
        ("forward", "right_curly_bracket", "forward", "Ten seconds forward in it", True, "}"),
        ("slower", "left_parenthesis", "slower", "Play slower", False, "("),
        ("faster", "right_parenthesis", "faster", "Play faster", True, ")"),
    )
)
"""What moves a replay, and is there only in one. ``pause`` holds the replay there."""

VIEW = (
    Command("pause", "p", "pause", "Pause the picture, or let it go on", "View", footer=False),
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
