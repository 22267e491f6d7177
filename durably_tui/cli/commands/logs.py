"""``durably-tui logs``: print log lines of runs."""

from __future__ import annotations

import re
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from durably_tui.cli.codes import Code
from durably_tui.cli.options import ConfigOption, IdsArgument, ServerOption
from durably_tui.cli.running import Ended, usage
from durably_tui.cli.running import run as run_command

if TYPE_CHECKING:
    from durably_tui.cli.log_output import Printer, Wanted
    from durably_tui.client import DurablyClient
    from durably_tui.config import Server
    from durably_tui.protocol import Run


def command(
    ids: IdsArgument = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep printing new lines until the runs end.")
    ] = False,
    level: Annotated[
        Literal["info", "warn", "error"] | None,
        typer.Option(help="Only lines of this level and above.", show_default=False),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Only lines since a time: 10m (ago), or 2026-01-31T12:00:00Z.",
            show_default=False,
        ),
    ] = None,
    grep: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help="Only lines that match this regular expression.",
            show_default=False,
        ),
    ] = None,
    tail: Annotated[
        int | None,
        typer.Option(
            "--tail",
            "-n",
            min=0,
            help="Only this many of the last stored lines of each run.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Literal["text", "json", "ndjson"],
        typer.Option("--output", "-o", help="How to print them."),
    ] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as -o ndjson.")] = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Print log lines of runs, oldest first.

    Servers of Node store none: there they can be followed only, while the run works.
    """
    kind = "ndjson" if as_json else output

    async def work(client: DurablyClient, chosen: Server) -> None:
        from durably_tui.cli.log_output import Printer, Wanted, levels_from
        from durably_tui.cli.pick import found_runs, ids_given

        wanted = Wanted(levels_from(level), _moment(since), _pattern(grep))
        runs = await found_runs(client, ids_given(ids))
        printer = Printer(kind, of_many=len(runs) > 1)
        if follow:
            await _follow(client, runs, wanted, tail, printer)
        else:
            await _print(client, runs, wanted, tail, printer)
        printer.end()

    run_command(work, server, config)


async def _print(
    client: DurablyClient, runs: list[Run], wanted: Wanted, tail: int | None, printer: Printer
) -> None:
    from durably_tui.cli.log_source import MOST_LINES, stored

    entries = []
    for run in runs:
        of_run = await stored(client, run.id, wanted.levels, MOST_LINES)
        if of_run is None:
            raise Ended(
                Code.REFUSED,
                "This server stores no log lines: follow a run with -f while it works.",
            )
        found = [entry for entry in of_run if wanted(entry)]
        entries += found if tail is None else found[len(found) - min(tail, len(found)) :]
    if len(runs) > 1:
        dawn = datetime.min.replace(tzinfo=UTC)
        entries.sort(key=lambda entry: entry.timestamp or dawn)
    printer.print(entries)


async def _follow(
    client: DurablyClient, runs: list[Run], wanted: Wanted, tail: int | None, printer: Printer
) -> None:
    from durably_tui.cli.log_source import MOST_LINES, followed
    from durably_tui.cli.said import flush, note

    limit = MOST_LINES if tail is None else tail
    came = False
    async with aclosing(followed(client, runs, wanted.levels, limit)) as lots:
        async for lot in lots:
            printer.print([entry for entry in lot if wanted(entry)])
            flush()
            came = came or bool(lot)
    if not came and limit and not client.abilities.has("logs"):
        note("No line came before the runs ended, and this server stores none.")


def _moment(text: str | None) -> datetime | None:
    """``10m`` ago, or a time as ISO 8601 writes it; one without a zone is local."""
    if text is None:
        return None
    from durably_tui.cli.ending import seconds_of

    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        seconds = seconds_of(text, "--since")
    try:
        return datetime.now(UTC) - timedelta(seconds=seconds or 0)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise usage(f"--grep {text!r} is not a regular expression: {error}.") from None
