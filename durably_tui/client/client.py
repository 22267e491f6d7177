"""The client of one Durably server: every endpoint, every stream, one language."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from durably_tui.protocol import Abilities, Decoder, Event, Tally, UnknownEvent

from .acting import Acting
from .address import parse_address
from .door import Door, Params
from .heartbeat import KEEP_ALIVE
from .knowledge import Knowledge, forced_abilities
from .looking import Looking
from .pace import Pace
from .run_stream import RunStream
from .stream import Stream
from .tap import Tap

if TYPE_CHECKING:
    import ssl

DEFAULT_TIMEOUT = 10.0


class DurablyClient(Looking, Acting):
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
        """Find out what the server can do, without a side effect on it."""
        return await self._knowledge.look()

    # -- streams ---------------------------------------------------------------------------

    def _streams_answer_at_once(self) -> bool:
        """Durably's Python server sends the head of a stream before any event."""
        return self.abilities.has("event-ids") is True

    def _keep_alive(self) -> float | None:
        """Durably's Python server says something on a stream that is quiet."""
        return KEEP_ALIVE if self.abilities.has("event-ids") is True else None

    def subscribe(self, run_id: str) -> RunStream:
        """The events of one run; it ends when the run is over."""
        stream = RunStream(
            self._door,
            self._decoder,
            self._pace,
            run_id,
            looks_at_once=lambda: self.abilities.leased is not True,
            answers_at_once=self._streams_answer_at_once,
            keep_alive=self._keep_alive,
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
            answers_at_once=self._streams_answer_at_once,
            keep_alive=self._keep_alive,
            on_close=self._streams.discard,
        )
        self._streams.add(stream)
        return stream


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
