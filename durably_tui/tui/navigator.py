"""Which place of which server is in front, and the way back.

Every place of every server is a Textual mode with a stack of its own: it is made when somebody
goes there, and keeps its filter, its cursor and the run opened over it for when they come back.
"""

from __future__ import annotations

from typing import Any

from textual.app import App

from .places import PLACE, Start
from .screens.place import PlaceScreen
from .screens.run import RunScreen
from .session import Session

_MAX_HISTORY = 100


class Navigator:
    """Goes to places."""

    def __init__(self, app: App[Any], session: Session) -> None:
        self._app = app
        self.session = session
        self.place = ""
        """The name of the place in front; empty before the first."""
        self._sessions: dict[int, Session] = {}
        self._history: list[tuple[Session, str]] = []
        self._root = (session, "")
        self._last: dict[int, str] = {}

    @property
    def at_root(self) -> bool:
        """Whether this is where the monitor began."""
        return (self.session, self.place) == self._root

    @property
    def history(self) -> int:
        """How many steps there are back."""
        return len(self._history)

    async def begin(self, start: Start) -> None:
        """Show the first place."""
        self._root = (self.session, start.place)
        shown = await self._show(self.session, start.place)
        _tell(shown, start.filter)
        if start.run_id is not None:
            shown.open_run_by_id(start.run_id, pane=start.pane)

    def last_place(self, session: Session) -> str:
        """The place of a server that was in front last, Servers apart; Runs where there is none."""
        return self._last.get(id(session), "runs")

    async def go(
        self, place: str, *, filter: str | None = None, session: Session | None = None
    ) -> None:
        """Go to a place, of another server where one is given.

        Args:
            place: a key of ``PLACE``.
            filter: show this of it; None leaves it as it was.
            session: the server; the one in front by default.
        """
        session = session or self.session
        shown = self.in_front()
        if (session, place) != (self.session, self.place):
            if self.place:
                self._history = [*self._history, (self.session, self.place)][-_MAX_HISTORY:]
            shown = await self._show(session, place)
        elif isinstance(self._app.screen, RunScreen):
            # Whoever names the place that they are in wants it without the run over it.
            self._app.screen.dismiss()
        if filter is not None:
            _tell(shown, filter)

    async def exchange(self, old: Session, new: Session) -> None:
        """Put one session in the place of another, which is shown no more: the same place, with
        the same filter and the same run over it."""
        place, filter = self.in_front(), self.in_front().filter_text
        over = self._app.screen_stack[1] if len(self._app.screen_stack) > 1 else None
        run = over.current_run() if isinstance(over, RunScreen) else None
        pane = over.pane if isinstance(over, RunScreen) else ""
        cursor = place.current_run()
        self._history = [(new if at is old else at, name) for at, name in self._history]
        self._root = (new if self._root[0] is old else self._root[0], self._root[1])
        shown = await self._show(new, self.place)
        _tell(shown, filter)
        if cursor is not None:
            shown.return_to(cursor.id)
        if run is not None:
            shown.open_run_by_id(run.id, pane=pane)
        for mode in [name for name in self._app._modes if name.startswith(f"{id(old)}:")]:
            await self._app.remove_mode(mode)
        self._sessions.pop(id(old), None)
        self._last.pop(id(old), None)

    async def back(self) -> bool:
        """Go to the place before; False where there is none."""
        if not self._history:
            return False
        await self._show(*self._history.pop())
        return True

    def in_front(self) -> PlaceScreen:
        """The place in front, below whatever is open over it."""
        found = self._app.screen_stack[0]
        assert isinstance(found, PlaceScreen)
        return found

    async def _show(self, session: Session, place: str) -> PlaceScreen:
        """Bring a place to the front. Its screen is the answer: once it is mounted, another may be
        in front."""
        mode = self._mode(session, place)
        self.session, self.place = session, place
        if place != "servers":
            self._last[id(session)] = place
        mounted = self._app.switch_mode(mode)
        shown = self.in_front()
        await mounted
        return shown

    def _mode(self, session: Session, place: str) -> str:
        mode = f"{id(session)}:{place}"
        if mode not in self._app._modes:
            self._sessions[id(session)] = session
            screen = PLACE[place].load()
            self._app.add_mode(mode, lambda: screen(session))
        return mode


def _tell(place: PlaceScreen, filter: str) -> None:
    if filter:
        place.show_only(filter)
