"""The client of one Durably server: every endpoint, every stream, one language."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec

from durably_tui.protocol import (
    Abilities,
    Decoder,
    Event,
    JobInfo,
    LogEntry,
    Malformed,
    NotFound,
    ReadOnly,
    RefusedInput,
    Run,
    RunsQuery,
    Stats,
    Step,
    Tally,
    Trigger,
    Triggered,
    UnknownEvent,
)

from .address import parse_address
from .answer import Answer
from .door import Door, Params
from .knowledge import Knowledge, forced_abilities
from .listing import merged, needed_abilities, requests_for
from .pace import Pace
from .run_stream import RunStream
from .stream import Stream
from .tap import Tap
from .together import together

if TYPE_CHECKING:
    import ssl

ValueT = TypeVar("ValueT")

DEFAULT_TIMEOUT = 10.0
_LONGEST_WINDOW = 9_999_999
"""Seconds that the Python server reads as such."""


class Pong(msgspec.Struct, frozen=True):
    """What a server answered to a ``ping``."""

    took_ms: float
    """From the request to the end of the answer; connecting is no part of it."""
    server_time: datetime | None
    """The server's clock, cut to seconds; None where it does not say."""


class DurablyClient:
    """A Durably server of any generation, over HTTP.

    Nothing is sent before the first call. Every method raises a ``DurablyError`` whose text is one
    sentence for a person: what was tried, what came back, what to do.

    Args:
        url: the base address, such as ``http://127.0.0.1:8080/api/durably``; a user and a
            password in it are sent as basic authorisation and never shown.
        headers: sent with every request; they win over ``token``.
        token: sent as ``Authorization: Bearer``.
        timeout: seconds for a connection to be made, and for each part of an answer to come.
            Streams may be quiet for ever.
        verify: whether to check TLS certificates, or the path of a CA file or folder, or a context.
        abilities: what the server can do, instead of looking: ``"0.8"``, ``"0.15"``, ``"python"``,
            or ``Abilities``, of which what is None is still looked up.
        read_only: refuse to send whatever would change something.
        pace: the times of streams, and the clock.
        proxy: the address of the proxy to go through; None leaves it to the environment.
        client_cert: the path of a PEM file that the server wants to see, or of a certificate and
            of its key.

    Raises:
        DurablyError: the address, a header or the name of a generation cannot be right.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        verify: bool | str | ssl.SSLContext = True,
        abilities: str | Abilities | None = None,
        read_only: bool = False,
        pace: Pace | None = None,
        proxy: str | None = None,
        client_cert: Sequence[str] = (),
    ) -> None:
        self._address = parse_address(url, headers, token)
        self._door = Door(
            self._address, timeout=timeout, verify=verify, proxy=proxy, client_cert=client_cert
        )
        self._knowledge = Knowledge(self._door, forced_abilities(abilities))
        self._decoder = Decoder()
        self._pace = pace or Pace()
        self._streams: set[Stream] = set()
        self.read_only = read_only

    def __repr__(self) -> str:
        return f"DurablyClient({self.url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every stream and every connection."""
        await asyncio.gather(*(stream.aclose() for stream in list(self._streams)))
        await self._door.aclose()

    # -- what is known ---------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The base address, without credentials."""
        return self._address.url

    @property
    def abilities(self) -> Abilities:
        """What is known of the server by now."""
        return self._knowledge.abilities

    @property
    def tally(self) -> Tally:
        """What the server said that nobody here knows, counted."""
        return self._decoder.tally

    def tap(self, tap: Tap | None) -> None:
        """Tell ``tap`` from now on of what comes, as it came; None: nobody."""
        self._door.tap = tap

    async def probe(self) -> Abilities:
        """Look what the server can do, without a side effect on it."""
        return await self._knowledge.look()

    async def ping(self) -> Pong:
        """Ask for next to nothing: whether the server answers, how quickly, and what its clock
        says.

        Raises:
            DurablyError: it does not answer as a Durably server does.
        """
        answer = _checked(await self._door.ask("GET", "/runs", [("limit", "1")]))
        _read(answer, self._decoder.runs)
        return Pong(answer.took_ms, _http_date(answer.date))

    # -- looking ---------------------------------------------------------------------------

    async def get_runs(self, query: RunsQuery | None = None) -> list[Run]:
        """The runs that match, newest first."""
        query = query or RunsQuery()
        abilities = await self._knowledge.needing(*needed_abilities(query))
        lists = await together(*(self._runs(params) for params in requests_for(query, abilities)))
        return merged(lists, query)

    async def count_runs(self, query: RunsQuery | None = None) -> int | None:
        """How many runs match on all pages.

        None, with no request for it, where the server does not count, as those of Node.
        """
        if not (await self._knowledge.needing("features")).has("total"):
            return None
        query = msgspec.structs.replace(query or RunsQuery(), limit=1, offset=0, after=None)
        asked = requests_for(query, self.abilities)
        if not asked:
            return 0
        answer = _checked(await self._door.ask("GET", "/runs", [*asked[0], ("total", "true")]))
        return int(answer.total) if answer.total.isdecimal() else None

    async def get_run(self, run_id: str) -> Run | None:
        """One run, or None where the server has none of that id."""
        try:
            answer = await self._ask("GET", "/run", run_id)
        except NotFound:
            return None
        return _read(answer, self._decoder.run)

    async def get_steps(self, run_id: str) -> list[Step]:
        """The steps that the server still has of a run, by index; 0.15 forgets them at its end.

        Raises:
            NotFound: the server has no such run; a 0.8 server answers no steps instead.
        """
        return _read(await self._ask("GET", "/steps", run_id), self._decoder.steps)

    async def get_jobs(self) -> list[JobInfo] | None:
        """The registered jobs, with the schemas of their inputs, by name.

        None, with no request for them, where the server has no such list, as those of Node.

        Raises:
            Unauthorised: the server does not let this client see it.
        """
        if not (await self._knowledge.needing("features")).has("jobs"):
            return None
        return _read(_checked(await self._door.ask("GET", "/jobs")), self._decoder.jobs)

    async def get_logs(
        self,
        run_id: str | None = None,
        *,
        levels: Sequence[str] = (),
        after: str | None = None,
        before: str | None = None,
        limit: int = 1000,
    ) -> list[LogEntry] | None:
        """Stored log lines of one run, or of all, oldest first.

        None, with no request for them, where the server stores none, as those of Node.

        Args:
            run_id: only lines of this run.
            levels: only these.
            after: the id of a line: only what was written after it.
            before: the id of a line: only what was written before it.
            limit: at most so many, the newest; with ``after`` alone the oldest.

        Raises:
            NotFound: the server has no such run.
            Unauthorised: the server does not let this client see them.
        """
        if not (await self._knowledge.needing("features")).has("logs"):
            return None
        params = [("level", level) for level in levels] + [("limit", str(limit))]
        if run_id is not None:
            params.append(("runId", run_id))
        if after is not None:
            params.append(("after", after))
        if before is not None:
            params.append(("before", before))
        return _read(_checked(await self._door.ask("GET", "/logs", params)), self._decoder.logs)

    async def get_stats(self, *, window: float = 3600) -> Stats | None:
        """Counts, rates and durations of each job over the last ``window`` seconds.

        None, with no request for them, where the server counts nothing, as those of Node.

        Args:
            window: seconds, at most about 115 days.

        Raises:
            Unauthorised: the server does not let this client see it.
        """
        if not (await self._knowledge.needing("features")).has("stats"):
            return None
        params = [("window", f"{min(max(1, round(window)), _LONGEST_WINDOW)}s")]
        return _read(_checked(await self._door.ask("GET", "/stats", params)), self._decoder.stats)

    def subscribe(self, run_id: str) -> RunStream:
        """The events of one run; it ends when the run is over."""
        stream = RunStream(
            self._door,
            self._decoder,
            self._pace,
            run_id,
            looks_at_once=lambda: self.abilities.leased is not True,
            on_close=self._streams.discard,
        )
        self._streams.add(stream)
        return stream

    def subscribe_runs(
        self,
        job_name: str | Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Stream:
        """The events of all runs that match; it never ends by itself.

        Args:
            job_name: only runs of this job, or of any of these.
            labels: only runs that have all of these; where runs have no labels, none.
        """
        names = (job_name,) if isinstance(job_name, str) else tuple(job_name or ())
        pairs = dict(labels or {})

        async def params() -> Params:
            asked = [(f"label.{key}", value) for key, value in pairs.items()]
            if len(names) > 1:
                abilities = await self._knowledge.needing("many")
                if not abilities.many:
                    return asked  # it would read the first name only: all come, some are kept
            return [("jobName", name) for name in names] + asked

        stream = Stream(
            self._door,
            self._decoder,
            self._pace,
            params=params,
            wanted=_wanted(names, pairs),
            on_close=self._streams.discard,
        )
        self._streams.add(stream)
        return stream

    # -- acting ----------------------------------------------------------------------------

    async def trigger(self, trigger: Trigger) -> Triggered:
        """Ask for a new run.

        Raises:
            NotFound: the server has no such job.
            RefusedInput: the input does not fit the job, or cannot be written as JSON.
        """
        self._must_write("trigger a run")
        answer = await self._door.ask("POST", "/trigger", body=_trigger_body(trigger))
        return _read(_checked(answer), self._decoder.triggered)

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
        return _read(answer, self._decoder.triggered).run_id

    async def cancel(self, run_id: str) -> None:
        """Cancel a run that waits or works.

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

    # -- inside ----------------------------------------------------------------------------

    async def _ask(self, method: str, path: str, run_id: str) -> Answer:
        return _checked(await self._door.ask(method, path, [("runId", run_id)]))

    async def _runs(self, params: Params) -> list[Run]:
        answer = _checked(await self._door.ask("GET", "/runs", params))
        before = self._decoder.tally.malformed
        runs = _read(answer, self._decoder.runs)
        if not runs and self._decoder.tally.malformed > before:
            raise answer.strange("a list of something else than runs")
        return runs

    async def _act(self, word: str, run_id: str, instead: str) -> Answer:
        """``/retry`` or ``/retrigger``: no generation of Node has both."""
        self._must_write(f"{word} a run")
        answer = await self._door.ask("POST", f"/{word}", [("runId", run_id)])
        if answer.is_missing_route:
            await self._knowledge.look()  # raises where it is no Durably server at all
            raise answer.no_route(f"/{word}", instead)
        return _checked(answer)

    def _must_write(self, what: str) -> None:
        if self.read_only:
            raise ReadOnly(
                f"Nothing was sent to {self.url}, since it was opened read-only: "
                f"open it without that to {what}."
            )


def _http_date(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text) if text else None
    except ValueError:
        return None


def _checked(answer: Answer) -> Answer:
    if (error := answer.error()) is not None:
        raise error
    return answer


def _read(answer: Answer, decode: Callable[[bytes], ValueT]) -> ValueT:
    try:
        return decode(answer.body)
    except Malformed as malformed:
        if "json" in answer.content_type and "not JSON" in str(malformed):
            raise answer.garbled("JSON that is cut off or broken") from None
        raise answer.strange(f"but {malformed}") from None


def _wanted(names: tuple[str, ...], labels: Mapping[str, str]) -> Callable[[Event], bool] | None:
    """What a server that filters by one name, or by no label, sends all the same."""
    if len(names) <= 1 and not labels:
        return None

    def wanted(event: Event) -> bool:
        if isinstance(event, UnknownEvent):
            return True  # it may be about the stream itself
        of_job = len(names) <= 1 or event.job_name in names
        return of_job and labels.items() <= event.labels.items()

    return wanted


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
        raise TypeError(f"{type(value).__name__} is no JSON")
    return dump(mode="json", by_alias=True)
