"""What can be typed after ``:``, each with what completes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


def _nothing() -> Iterable[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Verb:
    """One word after ``:``."""

    word: str
    help: str
    run: Callable[[str], object]
    """Does it; is given what stands behind the word."""
    takes: Callable[[], Iterable[str]] = _nothing
    """What can stand behind the word, for completion."""


def find(verbs: Sequence[Verb], text: str, *, help_key: str = "?") -> tuple[Verb, str] | str:
    """The verb that a text means and what stands behind it, or a sentence why there is none.

    A word may be cut short where it is plain which one is meant. ``help_key`` is what lists the
    commands.
    """
    word, _, rest = text.strip().partition(" ")
    word = word.lower()
    exact = [verb for verb in verbs if verb.word == word]
    found = exact or [verb for verb in verbs if verb.word.startswith(word)]
    if len({verb.word for verb in found}) == 1:
        return found[0], rest.strip()
    if found:
        return f"{word!r} may be {', '.join(sorted({verb.word for verb in found}))}: type more."
    near = get_close_matches(word, {verb.word for verb in verbs}, n=1)
    lists = f"{help_key} lists the commands of this place."
    return f"There is no command {word!r}: {f'did you mean {near[0]!r}?' if near else lists}"


def completions(verbs: Sequence[Verb], text: str) -> list[str]:
    """What a text can be completed to, the whole line each.

    What stands behind a word is completed once the word is whole, or cut short so that it is plain
    which one is meant.
    """
    word, blank, rest = text.partition(" ")
    words = dict.fromkeys(verb.word for verb in verbs if verb.word.startswith(word))
    longer = [each for each in words if each != word]
    if not blank and longer:
        return longer
    meant = word if word in words else longer[0] if len(longer) == 1 else None
    verb = next((verb for verb in verbs if verb.word == meant), None)
    choices = verb.takes() if verb is not None else ()
    return [f"{meant} {each}" for each in choices if each.startswith(rest) and each != rest]
