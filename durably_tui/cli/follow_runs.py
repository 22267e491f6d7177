"""``runs --watch``: the runs, and then each change of one, as ``kubectl get --watch`` does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from durably_tui.filters import Filter, matches, needs
from durably_tui.protocol import Run
from durably_tui.state import create_durably_client

from .run_columns import run_columns
from .run_output import Output, print_runs
from .said import flush

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient


async def follow_runs(
    client: DurablyClient, wanted: Filter | None, limit: int, kind: Output
) -> None:
    """Print the newest ``limit`` runs, then every run that came or changed, until cancelled.

    Raises:
        DurablyError: the first answer was an error; later ones are waited out.
    """
    lines: Output = "ndjson" if kind == "json" else kind
    asked = needs(wanted or Filter())
    told: dict[str, tuple[Any, ...]] = {}
    told_of = _seen_of(wide=kind == "wide") if kind in ("table", "wide") else _known_of
    async with create_durably_client(client) as hooks:
        runs = hooks.use_runs(
            job_name=asked.job_names or None,
            status=[str(status) for status in asked.statuses] or None,
            labels=dict(asked.labels) or None,
            page_size=limit,
        )
        news = asyncio.Event()
        runs.subscribe(lambda state: news.set())
        async with runs:
            await runs.refresh()
            if runs.error is not None:
                raise runs.error
            heading = True
            while True:
                now = time.time()
                shown = [run for run in reversed(runs.runs) if matches(asked.here, run, now)]
                # Of those that are shown now, and of no others: one that comes back is told again.
                before, told = told, {run.id: told_of(run) for run in shown}
                changed = [run for run in shown if before.get(run.id) != told[run.id]]
                if changed or heading:
                    print_runs(changed[::-1] if heading else changed, lines, heading=heading)
                    flush()
                heading = False
                await news.wait()
                news.clear()


def _seen_of(*, wide: bool) -> Callable[[Run], tuple[Any, ...]]:
    """What a person sees of a run, but for the time that goes by."""
    columns = [each for each in run_columns(wide=wide) if each.title not in ("AGE", "TOOK")]
    return lambda run: tuple(column.show(run) for column in columns)


def _known_of(run: Run) -> tuple[Any, ...]:
    """What a program gets to know of a run."""
    return (run.status, run.progress, run.completed_step_count, run.error)
