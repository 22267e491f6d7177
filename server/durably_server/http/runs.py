"""The routes about runs: list, look, trigger, retry, retrigger, cancel, delete."""

from dataclasses import replace

from durably_server.engine.errors import NotFoundError
from durably_server.engine.filters import RunFilters
from durably_server.engine.model import RunFilter
from durably_server.http.answers import Answer, json_answer
from durably_server.http.app import Call
from durably_server.http.parameters import TOTAL, cursor_text
from durably_server.http.wire import step_json

_SUCCESS = json_answer({"success": True})


async def get_runs(call: Call) -> Answer:
    """A page of runs, where it goes on, and on request how many there are in all."""
    app, query = call.app, call.query
    wanted = app.words.runs_wanted(query)
    counted = query.flag(TOTAL)
    if wanted is None:
        return json_answer([], headers=[("X-Total-Count", "0")] if counted else ())
    where = await app.guard.scope_runs(call.context, wanted)
    limit = where.limit
    # One more than asked for tells whether there is a next page.
    more = replace(where, limit=limit + 1) if limit else where
    runs = await app.durably.get_runs(limit=more.limit, offset=more.offset, **_filters(more))
    headers = []
    if limit and len(runs) > limit:
        runs = runs[:limit]
        headers.append(("X-Next-After", cursor_text((runs[-1].created_at, runs[-1].id))))
    if counted:
        total = await app.durably.count_runs(**_filters(where))
        headers.append(("X-Total-Count", str(total)))
    return json_answer([app.words.run(run) for run in runs], headers=headers)


async def get_run(call: Call) -> Answer:
    """One run."""
    return json_answer(call.app.words.run(await call.run("read")))


async def get_steps(call: Call) -> Answer:
    """The checkpoints of a run."""
    try:
        run_id = (await call.run("steps")).id
    except NotFoundError:
        if call.app.words.tells_state:
            raise
        return json_answer([])
    return json_answer([step_json(step) for step in await call.app.durably.get_steps(run_id)])


async def trigger(call: Call) -> Answer:
    """A new run, or the one that its keys name."""
    durably = call.app.durably
    asked = call.app.words.trigger(await call.body())
    definition = durably.get_job(asked.job_name)
    if definition is None:
        raise NotFoundError(f"Job not found: {asked.job_name}")
    await call.app.guard.on_trigger(call.context, asked)
    triggered = await durably.trigger(
        definition,
        definition.parse_input(asked.input),
        idempotency_key=asked.idempotency_key,
        concurrency_key=asked.concurrency_key,
        labels=asked.labels,
        coalesce=asked.coalesce,
    )
    return json_answer(call.app.words.triggered(triggered))


async def retry(call: Call) -> Answer:
    """The same run resumes after its last finished step."""
    run = await call.run("retry")
    await call.app.durably.retry(run.id)
    return _SUCCESS


async def retrigger(call: Call) -> Answer:
    """A new run with the same input and labels."""
    run = await call.run("retrigger")
    new = await call.app.durably.retrigger(run.id)
    return json_answer({"success": True, "runId": new.id})


async def cancel(call: Call) -> Answer:
    """No further step of the run begins."""
    run = await call.run("cancel")
    await call.app.durably.cancel(run.id)
    return _SUCCESS


async def delete(call: Call) -> Answer:
    """The run is gone, with its steps and logs."""
    run = await call.run("delete")
    await call.app.durably.delete_run(run.id)
    return _SUCCESS


def _filters(where: RunFilter) -> RunFilters:
    return RunFilters(
        job_name=where.job_names,
        status=where.statuses,
        labels=where.labels,
        created_after=where.created_after,
        created_before=where.created_before,
        text=where.text,
        after=where.after,
    )
