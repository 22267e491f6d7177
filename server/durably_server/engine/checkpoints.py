"""The steps of one execution: begun, restored, stored under the lease."""

import contextlib
import inspect
import logging
from dataclasses import dataclass
from typing import Any

from durably_server.engine import codec
from durably_server.engine.attempt import Attempt, Interruption
from durably_server.engine.clock import iso
from durably_server.engine.errors import StoreError, StoreUnavailableError
from durably_server.engine.events import StepCancel, StepComplete, StepFail, StepStart, of_run
from durably_server.engine.model import NewStep, StepRecord, StepStatus

logger = logging.getLogger("durably_server")


@dataclass(slots=True)
class OpenStep:
    """A step that has begun.

    Attributes:
        being_stored: whether a thread is about to store it, or has.
        given_up: whether the job waits for it no longer.
    """

    name: str
    index: int
    started_ms: int
    being_stored: bool = False
    given_up: bool = False

    def give_up(self) -> bool:
        """The job no longer waits for it; False: a thread stores it all the same."""
        # Either this sees what the thread has set, or the thread sees this.
        self.given_up = True
        return not self.being_stored


class Checkpoints:
    """Begins and ends steps, on the event loop's thread where nothing else is said."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._run = attempt.run
        self._services = attempt.services
        self._next_index = 0
        self._finished: set[str] | None = None

    async def begin(self, name: str) -> StepRecord | OpenStep | None:
        """The checkpoint of a finished step, the step that now begins, or None if interrupted."""
        attempt, run, services = self._attempt, self._run, self._services
        if attempt.draining:
            attempt.interrupt(Interruption.SHUTDOWN)
        if attempt.is_interrupted:
            return None
        index = self._next_index
        self._next_index += 1
        if self._finished is None:
            resumed = run.lease_generation > 1 or run.completed_step_count > 0
            self._finished = (
                await services.store.get_completed_step_names(run.id) if resumed else set()
            )
        if name in self._finished:
            done = await services.store.get_completed_step(run.id, name)
            if done is not None:
                return done
        if attempt.lease_is_over:  # then somebody else may have finished this very step
            attempt.interrupt(Interruption.LEASE_LOST)
        if attempt.interruption is not None:  # meanwhile
            return None
        if name in attempt.open_steps:
            raise RuntimeError(
                f'Step "{name}" is already running in this run: give it another name.'
            )
        attempt.open_steps[name] = None
        services.bus.emit(StepStart(**of_run(run), step_name=name, step_index=index))
        return OpenStep(name, index, services.clock())

    def store_now(self, step: OpenStep, output: Any) -> bool | None:
        """Store a checkpoint in the thread that has executed the step.

        The event loop and the thread that writes need not be woken for it. The answer is that of
        :meth:`complete`, which has to be called with it on the event loop; None if it has yet to
        be stored there.
        """
        if self._services.running > 1 or inspect.isawaitable(output):
            return None  # the steps of several runs are better committed together
        step.being_stored = True
        saved = None
        if not step.given_up and not self._attempt.is_interrupted:
            with contextlib.suppress(codec.NotJsonError, StoreError):  # said by complete
                record = self._record(step, "completed", output=codec.encode_text(output))
                saved = self._services.store.save_step_now(record, self._run.lease_generation)
        step.being_stored = saved is not None
        return saved

    async def complete(self, step: OpenStep, output: Any, saved: bool | None = None) -> bool:
        """Store a checkpoint, unless a thread has. False: it was refused, and the attempt is
        interrupted.

        Raises:
            TypeError: the output has no JSON form; the step has failed.
        """
        if saved is None:
            try:
                text = codec.encode_text(output)
            except codec.NotJsonError as error:
                reason = f'Step "{step.name}" returned a value that has no JSON form: {error}'
                await self.fail(step, reason)
                raise TypeError(reason) from None
            saved = await self._save(step, "completed", output=text)
        self._attempt.open_steps.pop(step.name, None)
        if not saved:
            await self._attempt.interrupt_if_lost()
            await self.interrupt(step)
            return False
        if self._finished is not None:
            self._finished.add(step.name)
        self._services.bus.emit(
            StepComplete(
                **of_run(self._run),
                step_name=step.name,
                step_index=step.index,
                output=output,
                duration=self._services.clock() - step.started_ms,
            )
        )
        return True

    async def fail(self, step: OpenStep, reason: str) -> None:
        """Store that a step has raised."""
        if self._attempt.is_interrupted:
            return
        if not await self._save(step, "failed", error=reason):
            await self._attempt.interrupt_if_lost()
            await self.interrupt(step)
            return
        self._attempt.failed_step = step.name
        self._services.bus.emit(
            StepFail(**of_run(self._run), step_name=step.name, step_index=step.index, error=reason)
        )

    async def interrupt(self, step: OpenStep) -> None:
        """Store that a step was under way when its run was cancelled; else nothing is said."""
        if self._attempt.interruption is Interruption.CANCELLED:
            # Told before it is stored: the task may be cancelled at the next await.
            self._services.bus.emit(
                StepCancel(**of_run(self._run), step_name=step.name, step_index=step.index)
            )
            if self._services.settings.preserve_steps:  # else the cancel has deleted the others
                await self._save(step, "cancelled", error="the run was cancelled")

    async def _save(
        self,
        step: OpenStep,
        status: StepStatus,
        output: str | None = None,
        error: str | None = None,
    ) -> bool:
        record = self._record(step, status, output, error)
        self._attempt.open_steps.pop(step.name, None)
        try:
            return await self._services.store.save_step(record, self._run.lease_generation)
        except StoreUnavailableError as refusal:
            # No fault of the job. The lease runs out, and then some worker resumes the run.
            logger.error("Run %s: step %s was not stored: %s", self._run.id, step.name, refusal)
            self._attempt.interrupt(Interruption.STORE)
            return False

    def _record(
        self,
        step: OpenStep,
        status: StepStatus,
        output: str | None = None,
        error: str | None = None,
    ) -> NewStep:
        return NewStep(
            id=self._services.ids.next(),
            run_id=self._run.id,
            name=step.name,
            index=step.index,
            status=status,
            output=output,
            error=error,
            started_at=iso(step.started_ms),
            completed_at=self._services.now(),
        )
