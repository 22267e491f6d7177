"""What every client of the matrix has to be able to do, in words that are the same for all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Self

from tests.proof.matrix.servers import World

CLIENT, APP, REACT, CURL = "client", "app", "react", "curl"


@dataclass
class Followed:
    """What a client shows of a run that it follows; ``status`` in today's words."""

    status: str
    lines: list[str] = field(default_factory=list)
    current: int | None = None
    """Of its progress."""
    output: Any = None
    error: str | None = None


class Driver(ABC):
    """One client, opened on one server: ``async with``."""

    name: str
    has_retry = True
    """Whether it can ask for ``/retry`` at all."""
    asks_extras = True
    """Whether it has calls for the routes that only our server has."""

    def __init__(self, url: str, world: World) -> None:
        self.url = url
        self.world = world
        self._life = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._life.aclose()

    @abstractmethod
    async def open(self) -> None:
        """Begin, and listen to all runs."""

    @abstractmethod
    async def runs(self, status: str) -> list[str]:
        """The ids of the runs in a state, newest first, as the server lists them."""

    @abstractmethod
    async def trigger(self, job: str, input: Any) -> str:
        """Ask for a run; gives its id."""

    @abstractmethod
    async def sees(self, run_id: str, status: str | None, job: str = "steps") -> None:
        """Wait until its list shows the run in that state, or no longer."""

    @abstractmethod
    async def follow(self, run_id: str, job: str) -> None:
        """Listen to one run as well."""

    @abstractmethod
    async def followed(self, run_id: str, wanted: Followed) -> None:
        """Wait until what it shows of the run that it follows is that."""

    @abstractmethod
    async def run(self, run_id: str) -> str | None:
        """The state of a run by ``GET /run``, or None where there is none."""

    @abstractmethod
    async def steps(self, run_id: str) -> list[tuple[str, str]]:
        """Name and state of each step that the server has."""

    @abstractmethod
    async def cancel(self, run_id: str) -> None: ...

    @abstractmethod
    async def delete(self, run_id: str) -> None: ...

    @abstractmethod
    async def retry(self, run_id: str) -> None:
        """The same run again."""

    @abstractmethod
    async def retrigger(self, run_id: str) -> str:
        """A new run like it; gives its id."""

    async def extras(self, run_id: str) -> None:  # noqa: B027 - most have nothing to do
        """Whatever it asks of the routes that only our server has, about a run that failed."""

    async def heard(self, run_id: str, *events: str) -> None:  # noqa: B027 - most have nothing to do
        """Wait until it shows that these events came, where it shows every event."""

    async def goes_away(self) -> None:  # noqa: B027 - most have nothing to do
        """The server will be restarted."""

    async def comes_back(self) -> None:  # noqa: B027 - most have nothing to do
        """The server was restarted: whatever a person would do, if that needs anything."""
