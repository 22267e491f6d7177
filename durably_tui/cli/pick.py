"""Which runs are meant: by options and filters, and by ids that may be short."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from durably_tui.protocol import NotFound, Run, RunsQuery

from .codes import Code
from .running import Ended, usage
from .said import note

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient
    from durably_tui.filters import Filter, Needs

PAGE = 500
"""Runs that are asked for in one request where all are searched."""
SEARCHED = 20_000
"""How many of the newest runs are searched at most for what a server cannot search for."""
ID_LENGTH = 26
"""Characters of a whole id (a ULID)."""


def filter_of(
    words: Sequence[str] | None,
    *,
    jobs: Sequence[str] | None = None,
    statuses: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
) -> Filter | None:
    """One filter out of what was typed in the filter language and of options; None for all runs.

    Raises:
        Ended: something of it makes no sense; unlike on the screen, nobody would see it.
    """
    if not (words or jobs or statuses or labels):
        return None
    from durably_tui.filters import Filter, Term, parse

    typed = parse(" ".join(words or ()))
    terms = list(typed.terms)
    if jobs:
        terms.append(Term("job", tuple(jobs)))
    if statuses:
        of_options = parse("status:" + ",".join(statuses))
        terms += of_options.terms
        _refuse(of_options)
    for label in labels or ():
        terms.append(Term("label", (label,)))
    _refuse(typed)
    return Filter(tuple(terms))


def _refuse(found: Filter) -> None:
    if found.problems:
        raise usage(found.problems[0])


async def runs_of(client: DurablyClient, wanted: Filter | None, limit: int | None) -> list[Run]:
    """The newest ``limit`` runs that match, or all: what the server cannot search for is searched
    here, and where that had to end early it is said."""
    if wanted is None and limit is not None and limit <= PAGE:
        return await client.get_runs(RunsQuery(limit=limit))
    from durably_tui.filters import Filter, matches, needs

    asked = needs(wanted or Filter())
    if not asked.here and limit is not None and limit <= PAGE:
        return await client.get_runs(_query(asked, limit, 0))
    found: list[Run] = []
    now = time.time()
    offset = 0
    seen: set[str] = set()
    while limit is None or len(found) < limit:
        page = await client.get_runs(_query(asked, PAGE, offset))
        fresh = [run for run in page if run.id not in seen]
        seen.update(run.id for run in fresh)
        found += [run for run in fresh if matches(asked.here, run, now)]
        offset += len(page)
        if len(page) < PAGE:
            break
        if offset >= SEARCHED:
            note(f"Only the newest {offset} runs were searched for {str(asked.here) or 'all'}.")
            break
    return found if limit is None else found[:limit]


def _query(asked: Needs, limit: int, offset: int) -> RunsQuery:
    return RunsQuery(
        job_names=asked.job_names,
        statuses=asked.statuses,
        labels=asked.labels,
        limit=limit,
        offset=offset,
    )


def ids_given(ids: Sequence[str] | None) -> list[str]:
    """Ids of arguments, each once; without any, the first word of each line of the standard input.

    Raises:
        Ended: there are none, and the standard input is a terminal.
    """
    given = list(ids or ())
    if not given or given == ["-"]:
        if sys.stdin is None or (sys.stdin.isatty() and not given):
            raise usage("no run was named: give ids, or pipe them in.")
        from .reading import standard_input

        given = [words[0] for line in standard_input().splitlines() if (words := line.split())]
        if not given:
            note("No ids came from the standard input.")
    return list(dict.fromkeys(given))


async def found_runs(client: DurablyClient, ids: Sequence[str]) -> list[Run]:
    """The runs of these ids, each once, in this order; a short id is completed.

    Raises:
        NotFound: an id fits no run.
        Ended: an id fits several.
    """
    found: dict[str, Run] = {}
    newest: list[Run] | None = None
    for given in ids:
        run = await client.get_run(given) if _may_be_whole(given) else None
        if run is None:
            if newest is None:
                newest = await _newest(client)
            run = _completed(given, newest)
        found.setdefault(run.id, run)
    return list(found.values())


async def found_run(client: DurablyClient, given: str) -> Run:
    """The run of one id, which may be short, or ``-`` for the standard input.

    Raises:
        NotFound: it fits no run.
        Ended: it fits several, or the standard input gave not just one.
    """
    if given == "-":
        ids = ids_given(["-"])
        if len(ids) != 1:
            raise usage(f"the standard input gave {len(ids)} ids: one is wanted.")
        given = ids[0]
    return (await found_runs(client, [given]))[0]


def _may_be_whole(given: str) -> bool:
    return len(given) >= ID_LENGTH or not given.isalnum()


async def _newest(client: DurablyClient) -> list[Run]:
    """The runs that a short id is looked for in."""
    found: list[Run] = []
    while len(found) < SEARCHED:
        page = await client.get_runs(RunsQuery(limit=PAGE, offset=len(found)))
        found += page
        if len(page) < PAGE:
            break
    return found


def _completed(given: str, newest: Sequence[Run]) -> Run:
    part = given.lstrip("…").upper()
    fits = {run.id: run for run in newest if run.id == given}
    fits = fits or {run.id: run for run in newest if part and part in run.id.upper()}
    if not fits:
        raise NotFound(f"No run has the id {given!r}: list them with `durably-tui runs`.")
    if len(fits) > 1:
        some = ", ".join(sorted(fits)[:4]) + (", …" if len(fits) > 4 else "")
        raise Ended(Code.USAGE, f"{given!r} fits {len(fits)} runs: {some}; give more of it.")
    return next(iter(fits.values()))
