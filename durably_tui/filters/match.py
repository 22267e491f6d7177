"""Whether a run is what a filter wants, and what of the filter a server can answer by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from durably_tui.protocol import Run, RunStatus

from .language import Filter, Term, age_seconds

_EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Needs:
    """A filter, divided between the server and this side."""

    job_names: tuple[str, ...] = ()
    statuses: tuple[RunStatus, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    here: Filter = _EVERYTHING
    """What the server cannot answer: searched here, over the runs that it gave."""


def needs(wanted: Filter) -> Needs:
    """What to ask the server for, and what is left to do here.

    A server knows exact job names (any of them), statuses (any of them) and exact labels (all).
    """
    jobs: tuple[str, ...] = ()
    statuses: tuple[RunStatus, ...] = ()
    labels: dict[str, str] = {}
    here: list[Term] = []
    for term in wanted.terms:
        if term.negated:
            here.append(term)
        elif term.key == "job" and not jobs and not any(_is_glob(value) for value in term.values):
            jobs = term.values
        elif term.key == "status" and not statuses:
            statuses = tuple(RunStatus(value) for value in term.values)
        elif term.key == "label" and len(term.values) == 1 and "=" in term.values[0]:
            key, _, value = term.values[0].partition("=")
            if labels.setdefault(key, value) != value:
                here.append(term)
        else:
            here.append(term)
    return Needs(jobs, statuses, tuple(sorted(labels.items())), Filter(tuple(here)))


def matches(wanted: Filter, run: Run, now: float) -> bool:
    """Whether every term holds for ``run`` at ``now``, in seconds since the epoch."""
    return all(
        any(_TESTS[term.key](run, value, now) for value in term.values) is not term.negated
        for term in wanted.terms
    )


def _is_glob(value: str) -> bool:
    return "*" in value or "?" in value


def _has(text: str | None, value: str) -> bool:
    return value.casefold() in (text or "").casefold()


def _status(run: Run, value: str, now: float) -> bool:
    return run.status == value


def _job(run: Run, value: str, now: float) -> bool:
    # A bracket is not a pattern here: jobs may have one in their name.
    return fnmatchcase(run.job_name, value.replace("[", "[[]"))


def _label(run: Run, value: str, now: float) -> bool:
    key, equals, wanted = value.partition("=")
    return run.labels.get(key) == wanted if equals else key in run.labels


def _input(run: Run, value: str, now: float) -> bool:
    path, equals, wanted = value.partition("=")
    if not equals:
        return _has(_written(run.input), value)
    found: Any = run.input
    for part in path.split("."):
        if isinstance(found, dict) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return False
    return (found if isinstance(found, str) else _written(found)) == wanted


def _error(run: Run, value: str, now: float) -> bool:
    return _has(run.error, value)


def _id(run: Run, value: str, now: float) -> bool:
    return _has(run.id, value)


def _age(run: Run, value: str, now: float) -> bool:
    limit = age_seconds(value)
    if limit is None or run.created_at is None:
        return False
    sign, seconds = limit
    age = now - run.created_at.timestamp()
    return age < seconds if sign == "<" else age > seconds


def _word(run: Run, value: str, now: float) -> bool:
    labels = " ".join(f"{key}={text}" for key, text in run.labels.items())
    return any(
        _has(text, value)
        for text in (run.id, run.job_name, run.status, labels, run.error, _written(run.input))
    )


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


_TESTS: dict[str, Callable[[Run, str, float], bool]] = {
    "": _word,
    "status": _status,
    "job": _job,
    "label": _label,
    "input": _input,
    "error": _error,
    "id": _id,
    "age": _age,
}
