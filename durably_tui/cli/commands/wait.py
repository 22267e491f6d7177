"""``durably-tui wait``: wait until runs have ended."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from durably_tui.cli.codes import Code
from durably_tui.cli.options import ConfigOption, IdsArgument, JsonOption, ServerOption
from durably_tui.cli.running import run as run_command

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient
    from durably_tui.config import Server
    from durably_tui.state import JobRunState

Output = Literal["text", "ndjson", "id"]


def command(
    ids: IdsArgument = None,
    timeout: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Wait at most this long, such as 10m.", show_default=False
        ),
    ] = None,
    any_of_them: Annotated[
        bool, typer.Option("--any", help="Wait only until the first of them has ended.")
    ] = False,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="How to print those that ended.")
    ] = "text",
    as_json: JsonOption = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Wait until runs have ended, and print each as it does.

    The exit code is 1 if one of them failed or was cancelled, and 124 if the time is over.
    """

    async def work(client: DurablyClient, chosen: Server) -> Code:
        from durably_tui.cli.ending import code_for, ends_of, seconds_of, worse
        from durably_tui.cli.pick import found_runs, ids_given
        from durably_tui.cli.said import flush

        seconds = seconds_of(timeout, "--timeout")
        runs = await found_runs(client, ids_given(ids))
        code = Code.DONE
        async with aclosing(ends_of(client, runs, seconds)) as ends:
            async for state in ends:
                show_end(state, "ndjson" if as_json else output)
                flush()
                code = worse(code, code_for(state))
                if any_of_them:
                    break
        return code

    run_command(work, server, config)


def show_end(state: JobRunState, kind: Output) -> None:
    """Print how a run ended."""
    from durably_tui.cli.said import json_line, note, out
    from durably_tui.shapes import run_json, status_word
    from durably_tui.text import safe

    if state.is_gone:
        note(f"{state.run_id} no longer exists.")
        return
    match kind:
        case "id":
            out(safe(state.run_id))
        case "ndjson":
            out(json_line(run_json(state.current)))
        case _:
            why = f": {state.error}" if state.error else ""
            line = f"{state.run_id} {state.current.job_name} {status_word(state.current)}{why}"
            out(safe(line))
