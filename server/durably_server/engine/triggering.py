"""New runs: checked, stored, told, and waited for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypedDict, TypeVar, Unpack, overload

from durably_server.engine import codec
from durably_server.engine.clock import iso
from durably_server.engine.errors import InvalidRequestError
from durably_server.engine.events import RunCoalesced, RunTrigger, of_run
from durably_server.engine.jobs import JobDefinition
from durably_server.engine.model import Disposition, Enqueued, Labels, NewRun, Run
from durably_server.engine.watching import Watching

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")


@dataclass(frozen=True, slots=True)
class Triggered:
    """The answer to a trigger: the run, and whether it was made for it."""

    run: Run
    disposition: Disposition

    @property
    def id(self) -> str:
        """The id of the run."""
        return self.run.id


@dataclass(frozen=True, slots=True)
class Finished(Generic[OutputT]):
    """The answer to ``trigger_and_wait``: the run's id and what its job returned."""

    id: str
    output: OutputT
    disposition: Disposition


class TriggerOptions(TypedDict, total=False):
    """How a run is stored. What is None or empty asks for nothing.

    Attributes:
        idempotency_key: the same key and job again answer with the first run.
        concurrency_key: runs with the same key run one at a time, and at most one waits.
        labels: text to text.
        coalesce: ``"skip"`` answers with the run that already waits for the key.
    """

    idempotency_key: str | None
    concurrency_key: str | None
    labels: Labels | None
    coalesce: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """One run of a batch that has options of its own; see :class:`TriggerOptions`."""

    input: Any
    idempotency_key: str | None = None
    concurrency_key: str | None = None
    labels: Labels | None = None
    coalesce: str | None = None


class Triggering(Watching):
    """Makes the runs of an engine."""

    async def trigger(
        self,
        job: JobDefinition[InputT, Any] | str,
        input: Any,
        **options: Unpack[TriggerOptions],
    ) -> Triggered:
        """Store a run; when this returns, it survives a crash.

        Args:
            job: a registered job, or its name.
            input: a value that the job's input type accepts.
            options: see :class:`TriggerOptions`.

        Raises:
            NotFoundError: no such job.
            InvalidRequestError: the input, a label or an option is refused.
            ConflictError: a run with the concurrency key already waits.
        """
        definition = self._definition(job)
        run = self._new_run(definition, definition.check_input(input), **options)
        await self.migrate()
        return await self._enqueue(run)

    async def batch_trigger(
        self,
        job: JobDefinition[InputT, Any] | str,
        items: Sequence[Any],
        *,
        labels: Labels | None = None,
    ) -> list[Triggered]:
        """Store many runs of a job, all or none.

        Args:
            job: a registered job, or its name.
            items: inputs, or :class:`BatchItem` where one has options of its own.
            labels: for the items that have none of their own.

        Raises:
            NotFoundError: no such job.
            InvalidRequestError: one of the items, or a label, is refused.
            ConflictError: a run with one of the concurrency keys already waits.
        """
        definition = self._definition(job)
        runs = [self._batch_run(definition, at, item, labels) for at, item in enumerate(items)]
        if not runs:
            return []
        await self.migrate()
        self._workers.wake()
        stored = await self._store.enqueue_many(runs)
        return [self._announce(run, each) for run, each in zip(runs, stored, strict=True)]

    def _batch_run(
        self, definition: JobDefinition[Any, Any], at: int, item: Any, labels: Labels | None
    ) -> NewRun:
        found = item if isinstance(item, BatchItem) else BatchItem(input=item)
        try:
            return self._new_run(
                definition,
                definition.check_input(found.input),
                idempotency_key=found.idempotency_key,
                concurrency_key=found.concurrency_key,
                labels=labels if found.labels is None else found.labels,
                coalesce=found.coalesce,
            )
        except InvalidRequestError as error:
            raise InvalidRequestError(f"{error} (item {at} of the batch)") from None

    @overload
    async def trigger_and_wait(
        self,
        job: JobDefinition[Any, OutputT],
        input: Any,
        *,
        timeout: float | None = None,
        **options: Unpack[TriggerOptions],
    ) -> Finished[OutputT]: ...
    @overload
    async def trigger_and_wait(
        self,
        job: str,
        input: Any,
        *,
        timeout: float | None = None,
        **options: Unpack[TriggerOptions],
    ) -> Finished[Any]: ...
    async def trigger_and_wait(
        self,
        job: JobDefinition[Any, Any] | str,
        input: Any,
        *,
        timeout: float | None = None,
        **options: Unpack[TriggerOptions],
    ) -> Finished[Any]:
        """Trigger, and wait for the output, typed as the job says.

        Raises:
            RunFailedError, RunCancelledError: it did not end well.
            TimeoutError: it did not end in ``timeout`` seconds.
        """
        definition = self._definition(job)
        triggered = await self.trigger(definition, input, **options)
        run = await self.wait_for_run(triggered.id, timeout=timeout)
        return Finished(run.id, definition.parse_output(run.output), triggered.disposition)

    def _new_run(
        self,
        definition: JobDefinition[Any, Any],
        value: Any,
        *,
        idempotency_key: str | None = None,
        concurrency_key: str | None = None,
        labels: Labels | None = None,
        coalesce: str | None = None,
    ) -> NewRun:
        if coalesce is not None and coalesce != "skip":
            raise InvalidRequestError(f"Invalid coalesce value: '{coalesce}'. Valid values: 'skip'")
        if coalesce is not None and not concurrency_key:
            raise InvalidRequestError("coalesce requires concurrencyKey")
        checked = self._settings.check_labels(labels)
        run_id, ms = self._services.ids.new()
        return NewRun(
            id=run_id,
            job_name=definition.name,
            input=definition.dump_input(value),
            created_at=iso(ms),
            labels=checked,
            idempotency_key=idempotency_key or None,
            concurrency_key=concurrency_key or None,
            coalesce=coalesce == "skip",
        )

    async def _enqueue(self, run: NewRun) -> Triggered:
        # Woken first, so that the claim follows the run into the same commit.
        self._workers.wake()
        return self._announce(run, await self._store.enqueue(run))

    def _announce(self, asked: NewRun, stored: Enqueued) -> Triggered:
        run = stored.run
        if stored.disposition == "created":
            self._bus.emit(RunTrigger(**of_run(run), input=run.input))
        elif stored.disposition == "coalesced":
            skipped = codec.decode(asked.input)
            self._bus.emit(
                RunCoalesced(**of_run(run), skipped_input=skipped, skipped_labels=asked.labels)
            )
        return Triggered(run, stored.disposition)
