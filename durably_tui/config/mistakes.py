"""What is wrong with a configuration, as sentences for a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class ConfigError(Exception):
    """What was asked for cannot be had from this configuration; the text is one sentence."""


class Problem(NamedTuple):
    """One mistake. The setting that it is about has its next best value."""

    where: str
    """The file, or the environment variable, or the option."""
    line: int | None
    """Counted from 1; None where there is no line to name."""
    sentence: str
    """What is wrong and what to do; a secret is never in it."""

    def __str__(self) -> str:
        at = self.where if self.line is None else f"{self.where}:{self.line}"
        return f"{at}: {self.sentence}"


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name that was probably meant, or None where none is near."""
    import difflib

    by_lower = {each.lower(): each for each in valid}
    lower = name.lower().replace("-", "_")
    if lower in by_lower:
        return by_lower[lower]
    if lower == "colour" and "color" in by_lower:  # too short to be near by difflib's measure
        return by_lower["color"]
    found = difflib.get_close_matches(lower, by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def meant(name: str, valid: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: what was meant, or what there is."""
    names = list(valid)
    near = nearest(name, names)
    if near is not None:
        return f"did you mean {near!r}?"
    return f"there are {', '.join(names)}." if names else "there are none."
