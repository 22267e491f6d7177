"""Where two answers, or two streams, differ: as short words that a list can declare."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from typing import Any

Words = frozenset[str]


@dataclass(frozen=True)
class Declared:
    """Differences that are meant, and why.

    `where` maps the name of an answer or a stream to the words of :func:`of_answers` or
    :func:`of_streams`; `anywhere` has patterns of words that may stand in any of them.
    """

    reason: str
    where: Mapping[str, Words] = field(default_factory=dict)
    anywhere: Words = frozenset()


def judge(found: Mapping[str, set[str]], declared: list[Declared]) -> tuple[list[str], list[str]]:
    """Differences that nobody declared, and declared ones that are none (any more)."""
    anywhere = {word for each in declared for word in each.anywhere}
    where = {(name, word) for each in declared for name in each.where for word in each.where[name]}
    unused, undeclared = set(where) | {("anywhere", word) for word in anywhere}, []
    for name, words in found.items():
        for word in sorted(words):
            if (name, word) in where:
                unused.discard((name, word))
            elif matching := {each for each in anywhere if fnmatchcase(word, each)}:
                unused -= {("anywhere", each) for each in matching}
            else:
                undeclared.append(f"{name}: {word}")
    return undeclared, sorted(f"{name}: {word}" for name, word in unused)


def of_answers(theirs: Any, ours: Any) -> set[str]:
    """The places where an answer of ours differs: `status`, `body.error`, `<run>.labels`."""
    return _places("", theirs, ours)


def of_streams(theirs: Any, ours: Any) -> set[str]:
    """What is missing or added on a stream of ours, and the fields that differ in the rest.

    The order is that of each run's events: two runs that follow each other in one place may
    overlap by an event, as the end of one and the claim of the next are one commit here.
    """
    found = _places("ended", theirs["ended"], ours["ended"])
    found |= _places("fields", theirs["fields"], ours["fields"])
    found |= _places("progress", theirs["progress"], ours["progress"])
    for run in {event["runId"]: None for side in (theirs, ours) for event in side["events"]}:
        before, after = (
            [event for event in side["events"] if event["runId"] == run] for side in (theirs, ours)
        )
        words, other_words = [_who(event) for event in before], [_who(event) for event in after]
        matcher = SequenceMatcher(None, words, other_words, autojunk=False)
        for kind, i, j, first, last in matcher.get_opcodes():
            if kind == "equal":
                for one, other in zip(before[i:j], after[first:last], strict=True):
                    found |= _places(f"{one['type']} {run}", one, other)
            else:
                found |= {f"{each} missing" for each in words[i:j]}
                found |= {f"{each} added" for each in other_words[first:last]}
    return found


def _who(event: dict[str, Any]) -> str:
    return " ".join(str(event[key]) for key in ("type", "runId", "stepName") if event.get(key))


def _places(path: str, theirs: Any, ours: Any) -> set[str]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        found: set[str] = set()
        if "createdAt" in theirs and theirs.get("id") == ours.get("id"):
            path = theirs["id"]  # a run is told by its name, wherever it stands
        for key in theirs | ours:
            inner = f"{path}.{key}" if path else str(key)
            if key not in ours:
                found.add(f"{inner} missing")
            elif key not in theirs:
                found.add(f"{inner} added")
            else:
                found |= _places(inner, theirs[key], ours[key])
        return found
    if isinstance(theirs, list) and isinstance(ours, list):
        found = {f"{path} length"} if len(theirs) != len(ours) else set()
        for one, other in zip(theirs, ours, strict=False):
            found |= _places(f"{path}[]", one, other)
        return found
    return set() if type(theirs) is type(ours) and theirs == ours else {path}
