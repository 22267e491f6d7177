"""What a line can be completed to, and which of it is in the line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content

from durably_tui.text import cells


class Offers:
    """Goes through the completions of a line, round and round, until something else is typed."""

    def __init__(self, completions: Callable[[str], list[str]]) -> None:
        """``completions`` are the whole lines that a line can become."""
        self._completions = completions
        self._offered: list[str] = []
        self._taken = 0

    def of(self, line: str) -> tuple[list[str], int]:
        """What can be taken, and which of it is in the line already; none is -1."""
        if len(self._offered) > 1 and self._is_taken(line):
            return self._offered, self._taken
        if line not in self._offered:  # else it may be told of late that one was taken
            self.forget()
        return self._completions(line), -1

    def take(self, line: str, by: int) -> str | None:
        """The line with the first of what is offered; of what was taken before the next (1), or
        the one before (-1). None where nothing is offered."""
        if self._is_taken(line) and len(self._offered) > 1:
            self._taken = (self._taken + by) % len(self._offered)
        elif found := self._completions(line):
            self._offered, self._taken = found, 0 if by > 0 else len(found) - 1
        else:
            return None
        return self._offered[self._taken]

    def forget(self) -> None:
        """Begin anew with the line as it is."""
        self._offered, self._taken = [], 0

    def _is_taken(self, line: str) -> bool:
        return self._taken < len(self._offered) and self._offered[self._taken] == line


def in_a_line(words: Sequence[str], at: int, width: int) -> Content:
    """As many of some words as ``width`` cells have room for, the one ``at`` among them and lit;
    none is where that is below 0."""
    first = room = 0
    for number, word in enumerate(words):
        room += cells(word) + 2
        if room - 2 > width:
            if number > max(0, at):
                words = words[:number]
                break
            first, room = number, cells(word) + 2
    shown = [Content(word) for word in words[first:]]
    if at >= first:
        shown[at - first] = shown[at - first].stylize("$text bold reverse")
    return Content("  ").join(shown)
