"""The user's own keys: commands by name, each with other keys than it was declared with."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from textual.app import App
from textual.keys import Keys, _character_to_key

from .commands import Command

_ALIASES = {
    "esc": "escape",
    "return": "enter",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "del": "delete",
}
_MODIFIERS = frozenset({"ctrl", "alt", "shift", "meta", "super", "hyper"})
_NAMES = frozenset(
    {key.value.rpartition("+")[2] for key in Keys}
    | {_character_to_key(chr(code)) for code in range(33, 127)}
)
"""Every key with a name of its own, without what is held down with it."""


def key_name(key: str) -> str:
    """A key as Textual names it, from how a person may write it: ``?`` is ``question_mark``,
    ``^R`` is ``ctrl+r``."""
    if len(key) == 1:
        return _character_to_key(key)
    key = key.lower()
    if key[0] == "^":
        key = f"ctrl+{key[1:]}"
    held, plus, last = key.rpartition("+") if key[-1] != "+" else (key[:-2], "+", "+")
    last = _character_to_key(last) if len(last) == 1 else _ALIASES.get(last, last)
    return f"{held}{plus}{last}"


def is_key(name: str) -> bool:
    """Whether there is a key of this name, as ``key_name`` makes it."""
    *held, last = name.split("+")
    return _MODIFIERS.issuperset(held) and (len(last) == 1 or last in _NAMES or _is_letter(last))


def _is_letter(name: str) -> bool:
    """Whether it is how Textual names some character."""
    try:
        unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return False
    return True


def remapped(command: Command, keys: Mapping[str, str]) -> Command:
    """The command with the user's keys, where there are some."""
    mine = keys.get(command.name)
    return command if mine is None else replace(command, keys=mine, shown=None)


def user_keys(app: App[Any]) -> Mapping[str, str]:
    """The user's keys: per name of a command those that it has, comma separated."""
    keys: Mapping[str, str] = getattr(app, "user_keys", {})
    return keys


def key_of(app: App[Any], commands: Iterable[Command], action: str) -> str:
    """The key of the command that does ``action``, as people write it; empty where none of these
    does."""
    found = (each for each in commands if each.action == action)
    return next((remapped(each, user_keys(app)).key_label for each in found), "")


def keymap(
    wanted: Mapping[str, Sequence[str]], places: Mapping[str, Iterable[Command]]
) -> tuple[dict[str, str], dict[str, str]]:
    """What of the wished keys can be had, and why not the rest.

    Args:
        wanted: per name of a command the keys that it is to have. All of them are wished at once:
            a key that one gives up, another can have, in whichever order they are written.
        places: per place or pane its commands.

    Returns:
        Per name of a command its keys, comma separated; and per name whose wish is not granted a
        sentence why. A wish that would leave two commands of one place with one key changes
        nothing; of two wishes for one key, the first is granted. What moves is bound by whatever
        it moves in, and keeps its keys.
    """
    names = {command.name for commands in places.values() for command in commands}
    moving = {c.name for commands in places.values() for c in commands if c.group == "Move"}
    granted: dict[str, str] = {}
    problems: dict[str, str] = {}
    for name, keys in wanted.items():
        strange = next((key for key in keys if not is_key(key_name(key))), None)
        if name not in names:
            problems[name] = f"there is no command {name!r} that could have another key."
        elif name in moving:
            problems[name] = f"{name!r} keeps its keys: those that move are the same everywhere."
        elif strange is not None:
            problems[name] = f"{name!r} cannot have the key {strange!r}: there is no such key."
        else:
            granted[name] = ",".join(dict.fromkeys(key_name(key) for key in keys))
    # A wish that is refused leaves its command with the key that it has, which may be in the way
    # of another: so until nothing is.
    while clash := _last_clash(granted, places):
        name, key, place, other = clash
        written = next(each for each in wanted[name] if key_name(each) == key)
        problems[name] = (
            f"{name!r} cannot have the key {written!r}: in {place} it belongs to {other!r}; "
            "give that one another key."
        )
        del granted[name]
    return granted, {name: problems[name] for name in wanted if name in problems}


def _last_clash(
    keys: Mapping[str, str], places: Mapping[str, Iterable[Command]]
) -> tuple[str, str, str, str] | None:
    """The last wish for a key that another command has: its name, the key, where, and whose."""
    for name, wish in reversed(tuple(keys.items())):
        mine = {*wish.split(",")}
        for place, commands in places.items():
            here = [remapped(command, keys) for command in commands]
            if any(command.name == name for command in here):
                for other in here:
                    both = mine & other.key_names
                    if other.name != name and both:
                        return name, min(both), place, other.name
    return None
