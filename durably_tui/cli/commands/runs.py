"""``durably-tui runs``: list runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from durably_tui.cli.options import (
    ConfigOption,
    JobsOption,
    JsonOption,
    LabelOption,
    ServerOption,
    StatusOption,
)
from durably_tui.cli.run_output import Output, print_runs
from durably_tui.cli.running import run as run_command
from durably_tui.cli.running import usage

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient
    from durably_tui.config import Server
    from durably_tui.protocol import Run

SORTS = ("created", "started", "completed", "status", "job", "took", "id")


def command(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILTER",
            help="Which runs, in the filter language: status:failed job:import* label:env=prod "
            "input:customer=42 error:timeout age:<1h words. After --, a term may begin with -, "
            "which negates it.",
            show_default=False,
        ),
    ] = None,
    job: JobsOption = None,
    status: StatusOption = None,
    label: LabelOption = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, help="At most this many; 0 for all.")
    ] = 50,
    sort: Annotated[
        str,
        typer.Option(
            metavar="FIELD",
            help=f"Sort those that are listed by {', '.join(SORTS)}; a leading - reverses it.",
            autocompletion=lambda: list(SORTS),
        ),
    ] = "-created",
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print them.")] = "table",
    as_json: JsonOption = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Keep going, and print each change until Ctrl-C.")
    ] = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """List runs, newest first.

    What the server cannot search for is searched here, in as many runs as it takes.
    """
    kind: Output = "json" if as_json else output

    async def work(client: DurablyClient, chosen: Server) -> None:
        from durably_tui.cli.pick import filter_of, runs_of

        ordered = _ordered(sort)
        wanted = filter_of(words, jobs=job, statuses=status, labels=label)
        if watch:
            from durably_tui.cli.follow_runs import follow_runs

            await follow_runs(client, wanted, limit or 50, kind)
        else:
            print_runs(ordered(await runs_of(client, wanted, limit or None)), kind)

    run_command(work, server, config)


def _ordered(sort: str) -> Callable[[list[Run]], list[Run]]:
    """What puts runs into the order that is wanted; those that lack the field come last."""
    name, turned = sort.removeprefix("-"), sort.startswith("-")
    if name not in SORTS:
        from durably_tui.config.mistakes import meant

        raise usage(f"runs cannot be sorted by {name!r}: {meant(name, SORTS)}")
    if sort == "-created":
        return lambda runs: runs  # as the server gives them
    now = time.time()

    def field(run: Run) -> Any:
        from durably_tui.cli.run_columns import seconds_taken

        match name:
            case "took":
                return seconds_taken(run, now)
            case "job":
                return run.job_name
            case "status" | "id":
                return str(getattr(run, name))
            case _:
                return getattr(run, f"{name}_at")

    def order(runs: list[Run]) -> list[Run]:
        having = [run for run in runs if field(run) is not None]
        lacking = [run for run in runs if field(run) is None]
        return sorted(having, key=field, reverse=turned) + lacking

    return order
