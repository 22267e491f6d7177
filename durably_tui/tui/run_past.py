"""The stored log lines of the run that a screen looks at, put before those that were seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from durably_tui.state import DurablyPort, JobRunState, LogPast, LogStore, Past
from durably_tui.tui.widgets.log_above import UNSEEN, Earlier, above_text, earlier_of


class RunPast:
    """Loads the past of at most one run; ``show`` exchanges it."""

    def __init__(self, port: DurablyPort, on_change: Callable[[], None]) -> None:
        self._port = port
        self._on_change = on_change
        self._run_id: str | None = None
        self._past: LogPast | None = None
        self._lines: LogStore | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def above(self) -> str:
        """What is said above the first line."""
        if self._past is None or self._lines is None:
            return UNSEEN
        return above_text(self._past.state, self._past.error, self._lines)

    @property
    def earlier(self) -> Earlier:
        """Whether lines may stand before the first."""
        if self._past is None or self._lines is None:
            return Earlier.LEFT
        return earlier_of(self._past.state, self._lines)

    @property
    def is_whole(self) -> bool:
        """Whether all that the server keeps is there."""
        return self._past is not None and self._past.state is Past.WHOLE

    def show(self, state: JobRunState | None, lines: LogStore) -> None:
        """Put the newest lines that are stored into ``lines``, where the run was not watched from
        its start; to be called after those that were seen are there."""
        run_id = None if state is None or state.complete else state.run_id
        if run_id != self._run_id:
            self._let_go()
            self._run_id, self._lines = run_id, lines
        if run_id is not None and self._past is None and self._port.abilities.has("logs"):
            self._past = LogPast(self._port, lines, [run_id], on_change=self._on_change)
            self._past.more()

    def more(self) -> None:
        """Load a page more."""
        if self._past is not None:
            self._past.more()

    def _let_go(self) -> None:
        if self._past is not None:
            self._past.let_go()  # at once: the lines will be those of the next run
            task = asyncio.create_task(self._past.aclose(), name="durably:log-past-close")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            self._past = None

    async def aclose(self) -> None:
        """Load nothing more."""
        self._let_go()
        await asyncio.gather(*self._closing)
