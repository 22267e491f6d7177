"""``durably-tui run``: show one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from durably_tui.cli.options import ConfigOption, IdArgument, JsonOption, ServerOption
from durably_tui.cli.running import run as run_command

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient
    from durably_tui.config import Server
    from durably_tui.protocol import Run


def command(
    run_id: IdArgument,
    output: Annotated[
        Literal["text", "json", "output"],
        typer.Option("--output", "-o", help="How to print it; output is what the run returned."),
    ] = "text",
    as_json: JsonOption = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Show one run: its state, times, labels, input, output and error."""

    async def work(client: DurablyClient, chosen: Server) -> None:
        from durably_tui.cli.pick import found_run
        from durably_tui.cli.said import json_text, out
        from durably_tui.shapes import run_json

        run = await found_run(client, run_id)
        if as_json or output == "json":
            out(json_text(run_json(run)))
        elif output == "output":
            out(json_text(run.output))
        else:
            _print(run)

    run_command(work, server, config)


def _print(run: Run) -> None:
    import sys
    import time

    from durably_tui.cli.grid import coloured
    from durably_tui.cli.run_columns import labels, progress, seconds_taken
    from durably_tui.cli.said import has_colours, out
    from durably_tui.shapes import iso, status_word
    from durably_tui.text import pretty_json, safe, took

    seconds = seconds_taken(run, time.time())
    word = safe(status_word(run))
    facts = {
        "id": run.id,
        "job": run.job_name,
        "status": coloured(word) if has_colours(sys.stdout) else word,
        "progress": progress(run),
        "message": run.progress.message if run.progress else None,
        "steps": str(run.completed_step_count),
        "labels": labels(run),
        "created": iso(run.created_at),
        "started": iso(run.started_at),
        "completed": iso(run.completed_at),
        "took": None if seconds is None else took(seconds),
        "idempotency key": run.idempotency_key,
        "concurrency key": run.concurrency_key,
    }
    width = max(map(len, facts)) + 2
    for name, value in facts.items():
        if value:
            out(f"{name + ':':<{width}}{value if name == 'status' else safe(value)}")
    for name, value in (("error", run.error), ("input", run.input), ("output", run.output)):
        if value is not None:
            text = value if name == "error" else pretty_json(value)
            out(f"\n{name}:")
            for line in safe(text, keep_newlines=True, limit=None).splitlines():
                out(f"  {line}")
