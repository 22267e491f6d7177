"""``durably-tui events``: the stream of events, a JSON object a line."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from durably_tui.cli.codes import Code
from durably_tui.cli.options import ConfigOption, JobsOption, LabelOption, ServerOption
from durably_tui.cli.running import run as run_command
from durably_tui.cli.running import usage

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient
    from durably_tui.config import Server


def _doubt(wanted: set[str]) -> None:
    """Say of a type that no server known here sends that it may never come."""
    from difflib import get_close_matches

    from durably_tui.cli.said import warn
    from durably_tui.protocol.events import KNOWN, RunStart08

    # What 0.8 calls run:start is printed by its later name.
    known = [str(each.__struct_config__.tag) for each in KNOWN if each is not RunStart08]
    for kind in sorted(wanted.difference(known)):
        near = get_close_matches(kind, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}."
        warn(f"No event of the type {kind!r} is known: {hint}")


def command(
    run_id: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="Only those of this run, until it ends; they say more than those of all runs.",
            show_default=False,
        ),
    ] = None,
    job: JobsOption = None,
    label: LabelOption = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="Only events of this type, such as run:fail; repeatable.",
            show_default=False,
        ),
    ] = None,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Print events as they come, one JSON object per line, until Ctrl-C.

    What may have been lost while the connection was down is told on the standard error.
    """

    async def work(client: DurablyClient, chosen: Server) -> Code | None:
        from durably_tui.cli.commands.trigger import read_labels
        from durably_tui.cli.pick import found_run
        from durably_tui.cli.said import flush, json_line, out
        from durably_tui.cli.stream_notes import Witness
        from durably_tui.shapes import event_json

        labels = read_labels(label or [])
        if run_id is None:
            stream = client.subscribe_runs(job or None, labels)
        elif job or labels:
            raise usage("--job and --label go with all runs, not with one.")
        else:
            stream = client.subscribe((await found_run(client, run_id)).id)
        wanted = set(kinds or ())
        _doubt(wanted)
        witness = Witness("events")
        async with aclosing(stream.batches()) as batches:
            async for batch in batches:
                witness.see(batch.connection)
                for event in batch.events:
                    if not wanted or event.type in wanted:
                        out(json_line(event_json(event)))
                if batch.events:
                    flush()
        return None

    run_command(work, server, config)
