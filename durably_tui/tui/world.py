"""What the monitor knows besides the server in front: the configuration, and the way to others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from durably_tui.config import Config, ConfigError, Server, keep, save_filter
from durably_tui.protocol import DurablyError
from durably_tui.state import GiveWay

from .alerts import Alarm
from .session import Session
from .view import View


@dataclass(slots=True)
class World:
    """The configuration as it is now, and the servers that were opened.

    ``remember`` and ``save`` write to the user's file: call them in a thread.
    """

    config: Config = field(default_factory=Config)
    connect: Callable[[Server], Session] | None = None
    """Opens a configured server; may wait for a ``token_command``: call it in a thread."""
    view: View = field(default_factory=View)
    sessions: dict[str, Session] = field(default_factory=dict)
    """Those that are open, by the name of their server, or by their address."""
    filters: dict[str, str] = field(default_factory=dict)
    """Saved filters by name."""
    alarms: dict[str, Alarm] = field(default_factory=dict)
    """By session, where the user wants to be told of failures."""
    keeps: bool = False
    """Whether choices are written to the user's file."""
    give_way: GiveWay | None = None
    """Awaited by every server's streams before events are taken in, so that keys go first."""

    def __post_init__(self) -> None:
        self.filters = {**self.config.filters, **self.filters}

    def take(self, session: Session) -> Session:
        """Count a session as open; it is looked at as the others are."""
        session.view = self.view
        if self.give_way is not None:
            session.hooks.take_turns(self.give_way)
        self.sessions[session.title] = session
        return session

    def watch(
        self, session: Session, write: Callable[[str], None], complain: Callable[[str], None]
    ) -> None:
        """Tell of what fails on a server as it is configured. To be called in the event loop, once
        is enough.

        Args:
            session: the server.
            write: writes to the terminal.
            complain: tells in a sentence that what is configured does not do.
        """
        alarm = Alarm(
            self.config.alerts,
            title=session.title,
            write=write,
            watched=lambda: session.watched,
            why=partial(_error_of, session),
            complain=complain,
        )
        if alarm.is_wanted and session.title not in self.alarms:
            self.alarms[session.title] = alarm
            session.hooks.feed.tap(alarm.take)

    def open(self, name: str) -> Session:
        """The session of a configured server, opened where it is not yet.

        Raises:
            DurablyError: there is no such server, or it cannot be used as it is configured.
        """
        if name in self.sessions:
            return self.sessions[name]
        try:
            server = self.config.server(name)
        except ConfigError as error:
            raise DurablyError(str(error)) from None
        if self.connect is None:
            raise DurablyError(f"{server.title} cannot be reached from here.")
        return self.take(self.connect(server))

    def remember(self, setting: str, value: str) -> None:
        """Keep a choice in the user's file.

        Raises:
            ConfigError: it cannot be written.
        """
        if self.keeps:
            keep(setting, value, file=self.config.file)

    def save(self, name: str, filter: str) -> None:
        """Keep a filter under a name, here and in the user's file.

        Raises:
            ConfigError: it cannot be written; it is kept here all the same.
        """
        self.filters[name] = filter
        if self.keeps:
            save_filter(name, filter, file=self.config.file)

    async def aclose(self) -> None:
        """Let every server go."""
        for alarm in self.alarms.values():
            await alarm.aclose()
        for session in self.sessions.values():
            await session.aclose()


async def _error_of(session: Session, run_id: str) -> str | None:
    """Why a run failed, as far as its server says so."""
    try:
        run = await session.hooks.port.get_run(run_id)
    except DurablyError:
        return None
    return None if run is None else run.error
