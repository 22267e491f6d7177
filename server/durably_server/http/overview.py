"""The routes that tell of the server as a whole: what it is, jobs, logs, figures, health."""

from typing import Any

from durably_server.engine.errors import DurablyError
from durably_server.engine.model import JobStats
from durably_server.http.answers import Answer, json_answer
from durably_server.http.app import App, Call, server_version
from durably_server.http.metrics import CONTENT_TYPE
from durably_server.http.parameters import AFTER_LINE, BEFORE_LINE, JOB_NAME, LEVEL, LINES, OF_RUN
from durably_server.http.wire import log_json

FEATURES = (
    *("retry", "retrigger", "labels", "cursor", "search", "total", "jobs", "logs", "stats"),
    *("health", "metrics", "openapi", "event-ids", "gap", "events"),
)
_SINCE_09 = frozenset({"retrigger", "labels"})


async def about(call: Call) -> Answer:
    """What this server is and can do."""
    words = call.app.words
    return json_answer(
        {
            "name": "durably-server",
            "version": server_version(),
            "generation": words.generation,
            "features": [
                each for each in FEATURES if words.generation != "0.8" or each not in _SINCE_09
            ],
        }
    )


async def get_jobs(call: Call) -> Answer:
    """The registered jobs, and what became of their runs."""
    app = call.app
    stats: dict[str, JobStats] = {}
    if not app.guard.restricts_runs:
        stats = {each.job_name: each for each in await app.durably.stats()}
    found: list[dict[str, Any]] = []
    for job in sorted(app.durably.jobs, key=lambda each: each.name):
        body: dict[str, Any] = {
            "name": job.name,
            "description": job.description,
            "inputSchema": job.input_schema,
            "outputSchema": job.output_schema,
        }
        if job.name in stats:
            body["counts"] = _counts(app, stats[job.name])
            body["lastRunAt"] = stats[job.name].last_run_at
        found.append(body)
    return json_answer(found)


async def get_logs(call: Call) -> Answer:
    """Stored log lines of one run or of all."""
    app, query = call.app, call.query
    run_id = query.text(OF_RUN)
    if run_id is None:
        app.guard.all_runs("This list of log lines")
    else:
        await call.run("logs")
    limit = query.number(LINES)
    logs = await app.durably.get_logs(
        run_id,
        job_name=query.every(JOB_NAME),
        level=query.choices(LEVEL),  # type: ignore[arg-type] # checked by its schema
        after=query.text(AFTER_LINE),
        before=query.text(BEFORE_LINE),
        limit=LINES.schema["default"] if limit is None else limit,
    )
    return json_answer([log_json(log) for log in logs])


async def get_stats(call: Call) -> Answer:
    """Counts, rates and durations of each job over a window."""
    app = call.app
    seconds = call.query.window()
    app.guard.all_runs("This answer")
    jobs = [
        {
            "jobName": each.job_name,
            "counts": _counts(app, each),
            "started": each.started,
            "completed": each.completed,
            "failed": each.failed,
            "cancelled": each.cancelled,
            "ratePerMinute": each.rate_per_minute,
            "durationMs": {"p50": each.p50_ms, "p95": each.p95_ms},
            "lastRunAt": each.last_run_at,
        }
        for each in await app.durably.stats(seconds)
    ]
    return json_answer({"window": seconds, "jobs": jobs})


async def get_live(call: Call) -> Answer:
    """The process answers."""
    return json_answer({"live": True})


async def get_ready(call: Call) -> Answer:
    """The database can be read, and whoever should execute runs does."""
    ready = await _readiness(call.app)
    return json_answer(ready, 200 if ready["ready"] else 503)


async def get_health(call: Call) -> Answer:
    """Both at once."""
    ready = await _readiness(call.app)
    return json_answer({"live": True} | ready, 200 if ready["ready"] else 503)


async def get_metrics(call: Call) -> Answer:
    """Everything that is counted, for Prometheus."""
    app = call.app
    app.guard.all_runs("This answer")
    stats = await app.durably.stats()
    text = app.metrics.text(stats, app.hub, server_version(), app.durably.running)
    return Answer(text, content_type=CONTENT_TYPE)


async def _readiness(app: App) -> dict[str, Any]:
    worker = "running" if app.durably.running else "stopped" if app.starts_worker else "elsewhere"
    try:
        await app.durably.get_runs(limit=1)
        database = "ok"
    except DurablyError as error:
        database = str(error)
    ready = database == "ok" and worker != "stopped" and not app.hub.closed
    return {"ready": ready, "database": database, "worker": worker}


def _counts(app: App, stats: JobStats) -> dict[str, int]:
    return {app.words.status_word(status): count for status, count in stats.counts.items()}
