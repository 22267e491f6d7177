"""Takes a leased run to its end: calls the job, and writes what came of it under the lease."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from durably_server.engine.attempt import Attempt, Interruption
from durably_server.engine.errors import RunInterrupted
from durably_server.engine.events import RunComplete, RunFail, RunLeased, of_run
from durably_server.engine.jobs import JobDefinition, JobRegistry
from durably_server.engine.reasons import reason_of
from durably_server.engine.step import BlockingStep, Step

logger = logging.getLogger("durably_server")


async def execute(
    attempt: Attempt, registry: JobRegistry, ended: Callable[[], None] = lambda: None
) -> None:
    """Execute a run that was just leased. Never raises: a job's failure is the run's failure.

    A write that touches no row means that the lease is lost or the run was cancelled; then
    nothing more is written and nothing is said. ``ended`` is called when the job itself has
    ended, so that the next claim can share the commit of this run's last write.
    """
    run, services = attempt.run, attempt.services
    services.bus.emit(
        RunLeased(
            **of_run(run),
            input=run.input,
            lease_owner=run.lease_owner or "",
            lease_expires_at=run.lease_expires_at or "",
        )
    )
    started = services.clock()
    definition = registry.get(run.job_name)
    try:
        if definition is None:
            await _fail(attempt, f"Unknown job: {run.job_name}")
            return
        task = asyncio.get_running_loop().create_task(
            _call(definition, attempt), name=f"durably run {run.id}"
        )
        attempt.bind(task)
        _, hanging = await asyncio.wait((task,), timeout=definition.timeout)
        if hanging and attempt.interruption is None:
            ended()
            await _give_up(attempt, task, definition)
            return
        if hanging:
            await asyncio.wait((task,))
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        # The next claim is asked for in the loop's next turn, right after this run's last write.
        ended()
        await attempt.flush()
        if error is None:
            text, output = task.result()
            await _complete(attempt, text, output, services.clock() - started)
        elif attempt.interruption is None:
            logger.info("Run %s of %s failed", run.id, run.job_name, exc_info=error)
            await _fail(attempt, reason_of(error))
        elif attempt.interruption is Interruption.SHUTDOWN:
            await services.store.release(run.id, run.lease_generation, now=services.now())
    except Exception:
        # The database refused. The lease runs out, and then some worker resumes the run.
        logger.exception("Run %s could not be written; its lease will run out", run.id)


async def _give_up(
    attempt: Attempt, task: "asyncio.Task[Any]", definition: JobDefinition[Any, Any]
) -> None:
    """Fail a run whose job takes too long, and leave to itself what does not stop when told."""
    task.add_done_callback(_drop)
    attempt.failed_step = next(iter(attempt.open_steps), None)
    attempt.interrupt(Interruption.TIMEOUT)
    await attempt.flush()
    await _fail(attempt, f"The job did not end within {definition.timeout:g} s")


def _drop(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()  # retrieved, so that nobody warns of it


async def _call(definition: JobDefinition[Any, Any], attempt: Attempt) -> tuple[str, Any]:
    """The job's output as JSON text and as it is."""
    try:
        value = definition.parse_input(attempt.run.input)
        if definition.is_async:
            output = await definition.function(Step(attempt), value)
        else:
            output = await attempt.services.threads.run(
                definition.function, BlockingStep(attempt), value
            )
        return definition.dump_output(output), output
    except RunInterrupted:
        raise asyncio.CancelledError from None
    except (SystemExit, KeyboardInterrupt) as error:
        # Left alone they would end the event loop, and with it every other run.
        raise RuntimeError(reason_of(error)) from error


async def _complete(attempt: Attempt, text: str, output: Any, duration: int) -> None:
    run, services = attempt.run, attempt.services
    if await services.store.complete_run(
        run.id,
        run.lease_generation,
        output=text,
        now=services.now(),
        keep_steps=services.settings.preserve_steps,
    ):
        services.bus.emit(RunComplete(**of_run(run), output=output, duration=duration))


async def _fail(attempt: Attempt, reason: str) -> None:
    run, services = attempt.run, attempt.services
    if await services.store.fail_run(
        run.id,
        run.lease_generation,
        error=reason,
        now=services.now(),
        keep_steps=services.settings.preserve_steps,
    ):
        step = attempt.failed_step or "unknown"
        services.bus.emit(RunFail(**of_run(run), error=reason, failed_step_name=step))
