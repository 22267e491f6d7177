"""One declaration for one command: key, label, help line and palette entry come from it.

A screen lists its commands in ``KEYS``; ``bindings`` turns them into Textual's bindings, ``?`` and
the palette read the same list. Whether a command is allowed now is the screen's to say
(``CommandScreen.refusal``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType
from textual.keys import format_key

_WRITTEN = {
    "escape": "Esc",
    "enter": "Enter",
    "tab": "Tab",
    "space": "Space",
    "pagedown": "PageDown",
    "pageup": "PageUp",
    "home": "Home",
    "end": "End",
    "delete": "Delete",
    "insert": "Insert",
    "backspace": "Backspace",
}


def written(key: str) -> str:
    """A key of Textual's as people write it: ``?`` for ``question_mark``, ``^r`` for ``ctrl+r``."""
    held, plus, last = key.rpartition("+")
    text = _WRITTEN.get(last) or format_key(last)
    if len(text) > 1 and text[0] == "f" and text[1:].isdigit():
        text = text.upper()
    return f"^{text}" if held == "ctrl" else f"{held}{plus}{text}"


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that a key does in a place."""

    action: str
    """The Textual action, such as ``retry`` for ``action_retry``."""
    keys: str
    """Keys as Textual writes them, comma separated; the first is the one that is shown."""
    label: str
    """One or two words for the footer."""
    help: str
    """One line for ``?`` and the palette: what it does, in the imperative."""
    group: str
    """The heading in ``?``."""
    footer: bool = True
    """Whether the footer shows it."""
    mutates: bool = False
    """Whether it changes something on the server: not bound where the monitor is read-only."""
    replays: bool = False
    """Whether it moves a replay: there only where what is watched is one."""
    shown: str | None = None
    """How the key is written for people, where Textual's name for it is not readable."""

    @property
    def name(self) -> str:
        """The word for it after ``:`` and in the configuration."""
        return self.label.replace(" ", "-")

    @property
    def key_label(self) -> str:
        """The key as people write it."""
        return self.shown or written(self.keys.split(",")[0].strip())

    @property
    def key_labels(self) -> str:
        """All its keys as people write them."""
        return self.shown or " ".join(written(key.strip()) for key in self.keys.split(","))

    @property
    def key_names(self) -> frozenset[str]:
        """Every key, as Textual's key events name it."""
        return frozenset(name.strip() for name in self.keys.split(","))

    def binding(self) -> Binding:
        """The Textual binding of this command."""
        return Binding(
            self.keys,
            self.action,
            self.label,
            show=self.footer,
            key_display=self.key_label,
            tooltip=self.help,
            id=self.name,
        )


def bindings(commands: Iterable[Command]) -> list[BindingType]:
    """The ``BINDINGS`` of a screen or app with these commands."""
    return [command.binding() for command in commands]
