"""``durably-tui stats``: counts, failure rates and durations of each job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from durably_tui.cli.options import ConfigOption, JsonOption, ServerOption, TableOption
from durably_tui.cli.running import run as run_command
from durably_tui.cli.running import usage

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient
    from durably_tui.config import Server


def command(
    window: Annotated[
        str, typer.Option("--window", "-w", metavar="TIME", help="How far to look back.")
    ] = "1h",
    output: TableOption = "table",
    as_json: JsonOption = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """What became of the runs of each job that ended within the window.

    Durations are those of completed runs, from their first start. Servers of Node count nothing:
    there the figures are those of the newest runs.
    """

    async def work(client: DurablyClient, chosen: Server) -> None:
        from durably_tui.cli.ending import seconds_of
        from durably_tui.cli.grid import Col, show_as
        from durably_tui.cli.summaries import stats_json, summaries_of
        from durably_tui.state import JobSummary
        from durably_tui.text import took

        seconds = seconds_of(window, "--window")
        if not seconds:
            raise usage("--window must be more than 0.")
        jobs = await summaries_of(client, seconds)

        def time(title: str, seconds: str) -> Col[JobSummary]:
            def show(job: JobSummary) -> str:
                value = getattr(job, seconds)
                return "" if value is None else took(value)

            return Col(title, show, right=True)

        def rate(job: JobSummary) -> str:
            return "" if job.failure_rate is None else f"{job.failure_rate:.1%}"

        columns = [
            Col[JobSummary]("JOB", lambda job: job.job_name, least=8),
            Col[JobSummary]("COMPLETED", lambda job: str(job.completed), right=True),
            Col[JobSummary]("FAILED", lambda job: str(job.failed), right=True),
            Col[JobSummary]("CANCELLED", lambda job: str(job.cancelled), right=True),
            Col[JobSummary]("FAILURES", rate, right=True),
            time("P50", "p50"),
            time("P95", "p95"),
        ]
        show_as("json" if as_json else output, jobs, stats_json, columns)

    run_command(work, server, config)
