"""Text into terms. Never raises: what makes no sense is told, and searched for as a word.

::

    filter = term*                terms are separated by blanks and must all match
    term   = ["-"] key ":" value ("," value)*   any of the values; "-" negates it
           | ["-"] word                          somewhere in id, job, labels, input, error
    value  = text | '"' text with blanks '"'

Keys: ``status``, ``job`` (``*`` and ``?`` stand for anything), ``label`` (``key=value``, or a key),
``input`` (``path=value``, or text), ``error``, ``id`` (any part), ``age`` (``<1h``, ``>30m``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from durably_tui.protocol import RunStatus

KEYS: dict[str, str] = {
    "status": "pending, running, completed, failed, cancelled",
    "job": "a job's name; * and ? stand for anything",
    "label": "key=value, or only a key",
    "input": "path=value in the input, or text in it",
    "error": "text in the error",
    "id": "a part of the id",
    "age": "<1h younger, >1h older; s, m, h, d, w",
}
"""Every key with what it takes, for completion and help."""

MAX_LENGTH = 2_000
"""Characters; what is longer is cut, and that is told."""

_EQUALS = re.compile(rf"({'|'.join(KEYS)})=+([^=\s\"]+)$", re.IGNORECASE)
_WORD = re.compile(r'(?:"[^"]*"?|\S)+')
_AGE = re.compile(r"([<>])=?(\d{1,6})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_STATUSES = {status.value: status for status in RunStatus if status is not RunStatus.UNKNOWN} | {
    "leased": RunStatus.RUNNING
}


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: any of ``values``, or with ``negated`` none of them."""

    key: str
    """A key of ``KEYS``, or empty for a free word."""
    values: tuple[str, ...]
    negated: bool = False

    def __str__(self) -> str:
        text = ",".join(_quoted(value) for value in self.values)
        return f"{'-' if self.negated else ''}{self.key + ':' if self.key else ''}{text}"


@dataclass(frozen=True, slots=True)
class Filter:
    """What was understood of a text."""

    terms: tuple[Term, ...] = ()
    problems: tuple[str, ...] = ()
    """What made no sense, a sentence each."""

    def __str__(self) -> str:
        """The filter as it would be typed; parsing it gives the same terms."""
        return " ".join(str(term) for term in self.terms)

    def __bool__(self) -> bool:
        return bool(self.terms)


def parse(text: str) -> Filter:
    """The filter that a text means."""
    problems: list[str] = []
    if len(text) > MAX_LENGTH:
        text = text[:MAX_LENGTH]
        problems.append(f"The filter was cut after {MAX_LENGTH} characters.")
    terms: list[Term] = []
    for word in _WORD.findall(text):
        term, problem = _term(word)
        if problem:
            problems.append(problem)
        if term is not None:
            terms.append(term)
    return Filter(tuple(dict.fromkeys(terms)), tuple(problems))


def only_status(wanted: Filter, status: str) -> Filter:
    """The filter with one status only; where it has just that already, with any."""
    term = Term("status", (status,))
    asked = [each for each in wanted.terms if each.key == "status"]
    others = tuple(each for each in wanted.terms if each.key != "status")
    return Filter(others if asked == [term] else (term, *others))


def age_seconds(value: str) -> tuple[str, int] | None:
    """``<1h`` as its sign and seconds, or None where it is no age."""
    found = _AGE.fullmatch(value)
    return (found[1], int(found[2]) * _UNITS[found[3]]) if found else None


def _term(word: str) -> tuple[Term | None, str | None]:
    negated = word.startswith("-") and len(word) > 1
    body = word[1:] if negated else word
    key, colon, rest = body.partition(":")
    key = key.lower()
    if not colon or key not in KEYS:
        problem = None
        if colon and key.isalpha() and not body.startswith('"') and "://" not in body:
            problem = (
                f"There is no key {key!r}: keys are {', '.join(KEYS)}; "
                "put a word that has a colon in quotes."
            )
        elif found := _EQUALS.match(body):
            meant = f"{found[1].lower()}:{found[2]}"
            problem = f"{body!r} is searched for as a word: {meant} has a colon."
        plain = _unquoted(body)
        return (Term("", (plain,), negated) if plain else None), problem
    values = tuple(dict.fromkeys(value for part in _split(rest) if (value := _unquoted(part))))
    if not values:
        return None, f"{key}: needs a value: {KEYS[key]}."
    if key == "status":
        known = tuple(dict.fromkeys(_STATUSES[v.lower()] for v in values if v.lower() in _STATUSES))
        wrong = [value for value in values if value.lower() not in _STATUSES]
        problem = f"{wrong[0]!r} is not a status: {KEYS['status']}." if wrong else None
        return (Term(key, tuple(known), negated) if known else None), problem
    if key == "age":
        good = tuple(value for value in values if age_seconds(value))
        wrong = [value for value in values if not age_seconds(value)]
        problem = f"{wrong[0]!r} is not an age: {KEYS['age']}." if wrong else None
        return (Term(key, good, negated) if good else None), problem
    return Term(key, values, negated), None


def _split(text: str) -> list[str]:
    """At commas that are not quoted."""
    return re.findall(r'(?:"[^"]*"?|[^,])+', text)


def _unquoted(text: str) -> str:
    return text.replace('"', "")


def _quoted(value: str) -> str:
    plain = value and not re.search(r"[\s,:]", value) and not value.startswith("-")
    return value if plain else f'"{value}"'
