"""``Runs``: a live page of runs (useRuns)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Generic, Self

from durably_tui.protocol import DurablyError, Run, RunStatus

from .jobs import I, O
from .runs_state import RunsFilter, RunsState
from .store import Listener, Store, Unsubscribe


class Runs(Generic[I, O]):
    """A page of runs, newest first; page 0 is live, the others stand still.

    Use as ``async with``, or ``start()`` and ``await aclose()``. Everything but ``refresh`` and
    ``aclose`` answers at once; listeners are told when the state changes.
    """

    store: Store[RunsState[I, O]]

    @property
    def state(self) -> RunsState[I, O]:
        """Everything, frozen."""
        raise NotImplementedError

    @property
    def runs(self) -> tuple[Run[I, O], ...]:
        """The rows of this page, optimistic changes included."""
        raise NotImplementedError

    @property
    def is_loading(self) -> bool:
        """A request for this page is under way."""
        raise NotImplementedError

    @property
    def error(self) -> DurablyError | None:
        """Why the last request failed, or None."""
        raise NotImplementedError

    @property
    def page(self) -> int:
        """From 0."""
        raise NotImplementedError

    @property
    def has_more(self) -> bool:
        """Whether there is a page after this one."""
        raise NotImplementedError

    def subscribe(self, listener: Listener[RunsState[I, O]]) -> Unsubscribe:
        """Call ``listener(state)`` after each change."""
        raise NotImplementedError

    def start(self) -> Self:
        """Begin to fetch and to listen; harmless when already begun. Needs a running loop."""
        raise NotImplementedError

    async def refresh(self) -> None:
        """Fetch this page now; returns when an answer to a request made after the call is in.

        Never raises for what a server says: see ``error``.
        """
        raise NotImplementedError

    def next_page(self) -> None:
        """Go one page on, where ``has_more``."""
        raise NotImplementedError

    def prev_page(self) -> None:
        """Go one page back, down to 0."""
        raise NotImplementedError

    def go_to_page(self, page: int) -> None:
        """Go to a page, at least 0."""
        raise NotImplementedError

    def set_query(
        self,
        *,
        job_name: str | Iterable[str] | None = None,
        status: str | Iterable[str] | None = None,
        labels: Mapping[str, str] | None = None,
        page_size: int | None = None,
    ) -> None:
        """Replace the whole filter (what is not given is not filtered by) and go to page 0.

        The old rows stay until the new ones are there. ``page_size=None`` keeps the size.
        """
        raise NotImplementedError

    @contextmanager
    def optimistic(self, run_id: str, status: RunStatus | None) -> Iterator[None]:
        """Show a run as ``status`` (None: deleted) while the block asks the server for it::

            with runs.optimistic(run_id, RunStatus.CANCELLED):
                await actions.cancel(run_id)

        Where the block raises, the row changes back and the error goes on to the caller.
        """
        raise NotImplementedError
        yield

    async def aclose(self) -> None:
        """End every request and let the stream go."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        raise NotImplementedError

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        raise NotImplementedError


__all__ = ["Runs", "RunsFilter"]
