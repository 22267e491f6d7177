"""``durably-tui jobs``: list jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durably_tui.cli.options import ConfigOption, JsonOption, ServerOption, TableOption
from durably_tui.cli.running import run as run_command

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient
    from durably_tui.config import Server


def command(
    output: TableOption = "table",
    as_json: JsonOption = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """List jobs with their runs by status. As JSON with the schema of their input.

    Servers of Node list no jobs: there they are those of the newest runs.
    """

    async def work(client: DurablyClient, chosen: Server) -> None:
        from durably_tui.cli.grid import Col, show_as
        from durably_tui.cli.summaries import job_json, last_run, summaries_of
        from durably_tui.protocol import RunStatus
        from durably_tui.state import JobSummary

        def counted(status: RunStatus) -> Col[JobSummary]:
            return Col(status.value.upper(), lambda job: str(job.counts.get(status, 0)), right=True)

        jobs = await summaries_of(client)
        columns = [
            Col[JobSummary]("NAME", lambda job: job.job_name, least=8),
            *(counted(status) for status in RunStatus if status is not RunStatus.UNKNOWN),
            Col[JobSummary]("LAST RUN", lambda job: last_run(job) or "never"),
            Col[JobSummary]("DESCRIPTION", lambda job: job.description, least=11),
        ]
        show_as("json" if as_json else output, jobs, job_json, columns)

    run_command(work, server, config)
