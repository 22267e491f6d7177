"""The user's own keys: commands by name, each with other keys than it was declared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from textual.keys import _character_to_key

from .commands import Command


def key_name(key: str) -> str:
    """A key as Textual names it, from how a person may write it: ``?`` is ``question_mark``."""
    return _character_to_key(key) if len(key) == 1 else key.lower()


def remapped(command: Command, keys: Mapping[str, str]) -> Command:
    """The command with the user's keys, where there are some."""
    mine = keys.get(command.name)
    return command if mine is None else replace(command, keys=mine, shown=None)


def keymap(
    wanted: Mapping[str, Sequence[str]], places: Mapping[str, Iterable[Command]]
) -> tuple[dict[str, str], list[str]]:
    """What of the wished keys can be had, and why not the rest.

    Args:
        wanted: per name of a command the keys that it is to have.
        places: per place its commands.

    Returns:
        Per name of a command its keys, comma separated; and a sentence for each wish that is not
        granted. A wish that would leave two commands of one place with one key changes nothing.
    """
    names = {command.name for commands in places.values() for command in commands}
    granted: dict[str, str] = {}
    problems: list[str] = []
    for name, keys in wanted.items():
        if name not in names:
            problems.append(f"there is no command {name!r} that could have a key of yours.")
            continue
        mine = ",".join(dict.fromkeys(key_name(key) for key in keys))
        clash = _clash(name, {*mine.split(",")}, {**granted, name: mine}, places)
        if clash is None:
            granted[name] = mine
        else:
            problems.append(clash)
    return granted, problems


def _clash(
    name: str, mine: set[str], keys: Mapping[str, str], places: Mapping[str, Iterable[Command]]
) -> str | None:
    for place, commands in places.items():
        here = list(commands)
        if not any(command.name == name for command in here):
            continue
        for other in here:
            both = mine & remapped(other, keys).key_names
            if other.name != name and both:
                return (
                    f"{name!r} cannot have the key {min(both)!r}: in {place} it is that of "
                    f"{other.name!r}; give that another one first."
                )
    return None
