"""Takes a leased run to its end: calls the job, and writes what came of it under the lease."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from durably_server.engine import codec
from durably_server.engine.attempt import Attempt, Interruption
from durably_server.engine.errors import RunInterrupted
from durably_server.engine.events import RunComplete, RunFail, RunLeased, of_run
from durably_server.engine.jobs import JobDefinition, JobRegistry
from durably_server.engine.reasons import reason_of
from durably_server.engine.step import BlockingStep, Step

logger = logging.getLogger("durably_server")


async def execute(
    attempt: Attempt, registry: JobRegistry, ending: Callable[[], None] = lambda: None
) -> None:
    """Execute a run that was just leased. Never raises: a job's failure is the run's failure.

    A write that touches no row means that the lease is lost or the run was cancelled; then
    nothing more is written and nothing is said. ``ending`` is called right before the run's last
    write: a claim that it asks for comes after that write and shares its commit, so the end of
    this run is told before the next one begins.
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
    try:
        outcome = await _outcome(attempt, registry)
        await attempt.flush()
        ending()
        if isinstance(outcome, _Output):
            await _complete(attempt, outcome, services.clock() - started)
        elif isinstance(outcome, str):
            await _fail(attempt, outcome)
        elif attempt.interruption is Interruption.SHUTDOWN:
            await services.store.release(run.id, run.lease_generation, now=services.now())
    except Exception:
        # The database refused. The lease runs out, and then some worker resumes the run.
        logger.exception("Run %s could not be written; its lease will run out", run.id)


class _Output(NamedTuple):
    """What a job returned, as JSON text."""

    text: str


async def _outcome(attempt: Attempt, registry: JobRegistry) -> _Output | str | None:
    """The job's output, why it failed, or None for one that was interrupted."""
    run = attempt.run
    definition = registry.get(run.job_name)
    if definition is None:
        return f"Unknown job: {run.job_name}"
    task = asyncio.get_running_loop().create_task(
        _call(definition, attempt), name=f"durably run {run.id}"
    )
    attempt.bind(task)
    _, hanging = await asyncio.wait((task,), timeout=definition.timeout)
    if hanging and attempt.interruption is None:
        # What does not stop when it is told to is left to itself; it can write nothing more.
        task.add_done_callback(_drop)
        attempt.failed_step = next(iter(attempt.open_steps), None)
        attempt.interrupt(Interruption.TIMEOUT)
        return f"The job did not end within {definition.timeout:g} s"
    if hanging:
        await asyncio.wait((task,))
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    if error is None:
        return task.result()
    if attempt.interruption is None:
        logger.info("Run %s of %s failed", run.id, run.job_name, exc_info=error)
        return reason_of(error)
    return None


def _drop(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()  # retrieved, so that nobody warns of it


async def _call(definition: JobDefinition[Any, Any], attempt: Attempt) -> _Output:
    try:
        value = definition.parse_input(attempt.run.input)
        if definition.is_async:
            output = await definition.function(Step(attempt), value)
        else:
            output = await attempt.in_thread(definition.function, BlockingStep(attempt), value)
        return _Output(definition.dump_output(output))
    except RunInterrupted:
        raise asyncio.CancelledError from None
    except (SystemExit, KeyboardInterrupt) as error:
        # Left alone they would end the event loop, and with it every other run.
        raise RuntimeError(reason_of(error)) from error


async def _complete(attempt: Attempt, output: _Output, duration: int) -> None:
    run, services = attempt.run, attempt.services
    if await services.store.complete_run(
        run.id,
        run.lease_generation,
        output=output.text,
        now=services.now(),
        keep_steps=services.settings.preserve_steps,
    ):
        # As it is stored, which is what the output type has made of it.
        value = codec.decode(output.text)
        services.bus.emit(RunComplete(**of_run(run), output=value, duration=duration))


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
