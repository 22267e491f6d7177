"""What a client asks a server to do."""

from __future__ import annotations

from typing import Any

import msgspec

from durably_tui.protocol import ReadOnly, RefusedInput, Trigger, Triggered

from .answer import Answer
from .requests import Requests, checked, read


class Acting(Requests):
    """Trigger, retry, retrigger, cancel and delete; nothing of it where ``read_only``."""

    read_only: bool

    async def trigger(self, trigger: Trigger) -> Triggered:
        """Ask for a new run.

        Raises:
            NotFound: the server has no such job.
            RefusedInput: the input does not fit the job, or cannot be written as JSON.
        """
        self._must_write("trigger a run")
        answer = await self._door.ask("POST", "/trigger", body=_trigger_body(trigger))
        return read(checked(answer), self._decoder.triggered)

    async def retry(self, run_id: str) -> None:
        """The same run goes back to pending and resumes after its last finished step.

        Raises:
            Conflict: the run is in another state than failed or cancelled, or this server has no
                ``/retry``.
        """
        await self._act("retry", run_id, "retrigger it, which makes a new run")

    async def retrigger(self, run_id: str) -> str:
        """A new run with the same input and labels; answers its id.

        Raises:
            Conflict: the run has not ended, or this server has no ``/retrigger``.
        """
        answer = await self._act("retrigger", run_id, "retry it, or trigger its job")
        return read(answer, self._decoder.triggered).run_id

    async def cancel(self, run_id: str) -> None:
        """Cancel a run that is pending or running.

        Raises:
            Conflict: the run has ended.
        """
        self._must_write("cancel a run")
        await self._ask("POST", "/cancel", run_id)

    async def delete_run(self, run_id: str) -> None:
        """Delete a run that has ended.

        Raises:
            Conflict: the run has not ended.
        """
        self._must_write("delete a run")
        await self._ask("DELETE", "/run", run_id)

    async def _act(self, word: str, run_id: str, instead: str) -> Answer:
        """``/retry`` or ``/retrigger``: no generation of Node has both."""
        self._must_write(f"{word} a run")
        answer = await self._door.ask("POST", f"/{word}", [("runId", run_id)])
        if answer.is_missing_route:
            await self._knowledge.look()  # raises where it is no Durably server at all
            raise answer.no_route(f"/{word}", instead)
        return checked(answer)

    def _must_write(self, what: str) -> None:
        if self.read_only:
            raise ReadOnly(
                f"Nothing was sent to {self._door.address.url}, which was opened read-only: "
                f"open it without read_only to {what}."
            )


def _trigger_body(trigger: Trigger) -> bytes:
    fields: dict[str, Any] = {
        "jobName": trigger.job_name,
        "input": trigger.input,
        "labels": trigger.labels or None,
        "idempotencyKey": trigger.idempotency_key,
        "concurrencyKey": trigger.concurrency_key,
        "coalesce": trigger.coalesce,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return msgspec.json.encode(given, enc_hook=_plain)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        raise RefusedInput(
            f"The input for {trigger.job_name} cannot be written as JSON ({error}): "
            "nothing was sent, give plain data."
        ) from None


def _plain(value: Any) -> Any:
    """A pydantic model, of which this package knows nothing, as plain data."""
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise TypeError(f"{type(value).__name__} is not JSON")
    return dump(mode="json", by_alias=True)
