"""The palette's entries: the commands of the place in front, and all that can be gone to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.system_commands import SystemCommandsProvider

from durably_tui.text import ago, safe

from .app_verbs import set_theme
from .commands import Command
from .screens.base import CommandScreen
from .screens.live import LiveScreen
from .screens.place import PlaceScreen

_MANY = 2_000
"""Runs of the page that are looked through."""
_ID_LENGTH = 16
"""What is as long as that is an id, if it is no name that is known."""


class PlaceCommands(SystemCommandsProvider):
    """Every command of the place that applies now, then those of Textual: with a provider of
    their own these would come first as often as not."""

    def _offered(self) -> list[Command]:
        screen = self.screen
        if not isinstance(screen, CommandScreen):
            return []
        return [
            command
            for command in screen.offered()
            if command.group != "Move"
            and command.action != "app.command_palette"
            and screen.refusal(command) is None
        ]

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for command in self._offered():
            yield DiscoveryHit(
                f"{command.label.capitalize()}  ({command.key_label})",
                partial(self.screen.run_action, command.action),
                help=command.help,
            )
        async for hit in super().discover():
            yield hit

    async def search(self, query: str) -> Hits:
        """Those whose label or help matches."""
        matcher = self.matcher(query)
        for command in self._offered():
            label = command.label.capitalize()
            text = f"{label}: {command.help}"
            if (score := matcher.match(text)) > 0:
                found = matcher.highlight(text)
                told = found[: len(label)] + f"  ({command.key_label})" + found[len(label) :]
                yield Hit(score, told, partial(self.screen.run_action, command.action), text=text)
        async for hit in super().search(query):
            yield hit


Thing = tuple[str, str, Callable[[], Awaitable[Any] | Any]]
"""What something is called, what is done with it, and what does that."""


class ThingsToGoTo(Provider):
    """Runs by id, jobs, saved filters, servers and themes."""

    async def search(self, query: str) -> Hits:
        """Those whose name matches. Of runs that match as well, the newest first."""
        matcher = self.matcher(query)
        for text, help_line, do in (*self._things(), *self._runs(query)):
            if (score := matcher.match(text)) > 0:
                yield Hit(score, matcher.highlight(text), do, help=help_line)

    def _things(self) -> Iterator[Thing]:
        screen = self.screen
        if not isinstance(screen, LiveScreen):
            return
        app, session = screen.monitor, screen.session
        assert app.world is not None
        for name, filter in app.world.filters.items():
            show = partial(app.navigator.go, "runs", filter=filter)
            yield f"Filter {name}", f"Show the runs of {filter}", show
        names = {*app.world.sessions, *(server.title for server in app.world.config.servers)}
        for name in sorted(names - {session.title}):
            yield f"Server {safe(name)}", "Go to this server", partial(app.go_to_server, name)
        for job in screen.seen_jobs():
            show = partial(app.navigator.go, "runs", filter=f'job:"{job}"')
            yield f"Job {safe(job)}", "Show its runs", show
        for name in sorted(app.available_themes):
            yield f"Theme {name}", "Change the colours", partial(set_theme, app, name)

    def _runs(self, query: str) -> Iterator[Thing]:
        """Runs that were told of, those that are on the page, and one whose id is typed."""
        screen = self.screen
        if not isinstance(screen, LiveScreen):
            return
        session, known = screen.session, set[str]()
        for run_id, told in reversed(tuple(session.hooks.history.runs.items())):
            known.add(run_id)
            heard = ago(max(0.0, session.clock() - told.last_seen))
            does = f"Open this run, last heard of {heard} ago"
            yield self._run(run_id, told.job_name, does)
        for run in islice(session.rows.runs if session.rows is not None else (), _MANY):
            if run.id not in known:
                known.add(run.id)
                yield self._run(run.id, run.job_name, f"Open this run, which is {run.status}")
        wanted = query.rpartition(" ")[2]
        if len(wanted) >= _ID_LENGTH and wanted not in known:
            yield self._run(wanted, "", "Ask the server for this run")

    def _run(self, run_id: str, job_name: str, does: str) -> Thing:
        assert isinstance(self.screen, LiveScreen)
        place = self.screen.monitor.navigator.in_front()
        what = f"Run {safe(run_id)}  {safe(job_name)}".rstrip()
        return what, does, partial(_open, place, run_id)


def _open(place: PlaceScreen, run_id: str) -> None:
    place.open_run_by_id(run_id)
