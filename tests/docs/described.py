"""The commands as the command line itself declares them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from typer.main import get_command

from durably_tui.cli.app import PROGRAM, app
from durably_tui.cli.commands import ENTRIES, Entry


@dataclass(frozen=True, slots=True)
class Described:
    """One command, or one below it, such as ``config show``."""

    name: str
    """The words behind ``durably-tui``."""
    panel: str
    usage: str
    help: str
    arguments: tuple[tuple[str, str], ...]
    """Each as it is written, and what it means."""
    options: tuple[tuple[str, str], ...]
    examples: tuple[str, ...]
    """Whole lines."""


def group_help() -> str:
    """What the program is, in one sentence."""
    return str(get_command(app).help)


def commands() -> Iterator[Described]:
    """All of them, in the order of the help."""
    group: Any = get_command(app)
    root = group.make_context(PROGRAM, [], resilient_parsing=True)
    for entry in ENTRIES:
        yield from _described(group.get_command(root, entry.name), entry.name, root, entry)


def _described(command: Any, name: str, parent: Any, entry: Entry) -> Iterator[Described]:
    context = type(parent)(command, info_name=command.name, parent=parent)
    below = getattr(command, "commands", {})
    for each in below.values():
        yield from _described(each, f"{name} {each.name}", context, entry)
    if below:
        return
    found: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
    for parameter in command.get_params(context):
        if (record := parameter.get_help_record(context)) is not None:
            found[parameter.param_type_name].append(record)
    examples = entry.examples if name == entry.name else ()
    yield Described(
        name=name,
        panel=entry.panel,
        usage=" ".join((context.command_path, *command.collect_usage_pieces(context))),
        help=str(command.help or entry.help),
        arguments=tuple(found["argument"]),
        options=tuple(found["option"]),
        examples=tuple(f"{PROGRAM} {example}" for example in examples),
    )
