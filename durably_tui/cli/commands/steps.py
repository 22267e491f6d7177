"""``durably-tui steps``: list the steps of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from durably_tui.cli.options import ConfigOption, IdArgument, JsonOption, ServerOption, TableOption
from durably_tui.cli.running import run as run_command

if TYPE_CHECKING:
    from durably_tui.cli.grid import Col
    from durably_tui.client import DurablyClient
    from durably_tui.config import Server
    from durably_tui.protocol import Step


def command(
    run_id: IdArgument,
    output: TableOption = "table",
    as_json: JsonOption = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """List the steps that the server has of a run; a 0.15 server forgets them when it ends."""

    async def work(client: DurablyClient, chosen: Server) -> None:
        from durably_tui.cli.grid import show_as
        from durably_tui.cli.pick import found_run
        from durably_tui.cli.said import note
        from durably_tui.shapes import step_json

        run = await found_run(client, run_id)
        steps = await client.get_steps(run.id)
        if not steps and run.is_terminal:
            note("The server has no steps of this run: it may forget them when a run ends.")
        show_as("json" if as_json else output, steps, step_json, _columns())

    run_command(work, server, config)


def _columns() -> Sequence[Col[Step]]:
    from durably_tui.cli.grid import Col
    from durably_tui.shapes import iso

    return [
        Col("INDEX", lambda step: str(step.index), right=True),
        Col("NAME", lambda step: step.name, least=8),
        Col("STATUS", lambda step: step.status.value),
        Col("STARTED", lambda step: iso(step.started_at) or ""),
        Col("TOOK", _took, right=True),
        Col("ERROR", lambda step: step.error or "", least=5),
    ]


def _took(step: Step) -> str:
    from durably_tui.text import took

    if step.started_at is None or step.completed_at is None:
        return ""
    return took((step.completed_at - step.started_at).total_seconds())
