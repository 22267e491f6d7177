"""``GET /runs`` for any server: which requests answer a query, and one list out of their answers.

A 0.8 server reads one job name and one status in a request, and its runs have no labels; there
every combination is asked for, and the answers are merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import product

from durably_tui.protocol import Abilities, Run, RunsQuery, RunStatus
from durably_tui.protocol.times import DAWN

Params = list[tuple[str, str]]

_ALL_STATUSES = frozenset(RunStatus) - {RunStatus.UNKNOWN}


def needed_abilities(query: RunsQuery) -> tuple[str, ...]:
    """What has to be known of the server before this can be asked in its words."""
    needed = []
    if RunStatus.RUNNING in query.statuses:
        needed.append("leased")
    if len(query.job_names) > 1 or len(query.statuses) > 1:
        needed.append("many")
    if query.labels:
        needed.append("labels")
    return tuple(needed)


def requests_for(query: RunsQuery, abilities: Abilities) -> list[Params]:
    """The parameters of each request that is needed; none where nothing can match."""
    if query.limit <= 0 or (query.labels and abilities.labels is False):
        return []
    names = list(dict.fromkeys(query.job_names))
    known = [s for s in dict.fromkeys(query.statuses) if s is not RunStatus.UNKNOWN]
    if query.statuses and not known:
        return []
    words = [] if set(known) >= _ALL_STATUSES else [_word(s, abilities) for s in known]
    labels = [(f"label.{key}", value) for key, value in query.labels]
    if query.after is not None:
        labels.append(("after", _cursor(*query.after)))
    offset = max(0, query.offset)
    if abilities.many is not False or (len(names) <= 1 and len(words) <= 1):
        params = [("jobName", name) for name in names] + [("status", word) for word in words]
        return [[*params, *labels, ("limit", str(query.limit)), ("offset", str(offset))]]
    page = [("limit", str(offset + query.limit)), ("offset", "0")]
    pairs = product(
        [[("jobName", name)] for name in names] or [[]],
        [[("status", word)] for word in words] or [[]],
    )
    return [[*name, *word, *labels, *page] for name, word in pairs]


def merged(lists: Sequence[Iterable[Run]], query: RunsQuery) -> list[Run]:
    """The page that ``query`` asks for, out of answers that each begin with the newest."""
    if len(lists) == 1:
        return list(lists[0])
    by_id = {run.id: run for runs in lists for run in runs}
    newest = sorted(by_id.values(), key=lambda r: (r.created_at or DAWN, r.id), reverse=True)
    offset = max(0, query.offset)
    return newest[offset : offset + query.limit]


def _cursor(created_at: datetime, run_id: str) -> str:
    """A place in the list, as the Python server writes it into ``X-Next-After``."""
    at = created_at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z,{run_id}"


def _word(status: RunStatus, abilities: Abilities) -> str:
    return "leased" if status is RunStatus.RUNNING and abilities.leased else status.value
