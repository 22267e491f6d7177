"""``commands.md`` and ``exit-codes.md``, from the command line's declarations."""

from __future__ import annotations

from durably_tui.cli.codes import MEANING

from .described import Described, commands, group_help
from .markdown import block, code, document, table


def page() -> str:
    """Every command with its arguments, options and examples."""
    parts = [
        group_help(),
        "Results go to the standard output, everything else to the standard error. There are no "
        "colours and no bars in a pipe. The end of an id is enough where no other run has the "
        "same, and commands that take several ids read them from the standard input where none is "
        "given.",
    ]
    panel = ""
    for command in commands():
        if command.panel != panel:
            panel = command.panel
            parts.append(f"## {panel}")
        parts += _parts(command)
    return document("Commands", "the declarations in durably_tui/cli/commands", *parts)


def _parts(command: Described) -> list[str]:
    rows = [(code(written), about) for written, about in (*command.arguments, *command.options)]
    return [
        f"### {command.name}",
        " ".join(command.help.split()),
        block(command.usage, "text"),
        table(("", ""), rows),
        *([block("\n".join(command.examples), "text")] if command.examples else []),
    ]


def exit_codes_page() -> str:
    """What each exit code says."""
    return document(
        "Exit codes",
        "durably_tui/cli/codes.py",
        "Every command ends with one of these, so that a script can rely on it.",
        table(("code", "means"), [(str(int(each)), about) for each, about in MEANING.items()]),
        "Of several runs, one that failed counts before one that is gone. A closed pipe "
        "(`| head`) ends a command quietly.",
    )
