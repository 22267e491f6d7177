"""The palette's entries: the commands of the place in front, and all that can be gone to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider

from durably_tui.text import ago, safe

from .commands import Command
from .screens.base import CommandScreen
from .screens.live import LiveScreen
from .screens.place import PlaceScreen


class PlaceCommands(Provider):
    """Every command of the place that applies now."""

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


class ThingsToGoTo(Provider):
    """Runs by id, jobs, saved filters and servers."""

    def _things(self) -> Iterator[tuple[str, str, Callable[[], Awaitable[Any] | Any]]]:
        """What it is called, what is done, and what does it."""
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
        # Of those that match as well, the newest first.
        for run_id, told in reversed(tuple(session.hooks.history.runs.items())):
            place = app.navigator.in_front()
            what = f"Run {safe(run_id)}  {safe(told.job_name)}"
            heard = ago(max(0.0, session.clock() - told.last_seen))
            yield what, f"Open this run, last heard of {heard} ago", partial(_open, place, run_id)

    async def search(self, query: str) -> Hits:
        """Those whose name matches."""
        matcher = self.matcher(query)
        for text, help_line, run in self._things():
            if (score := matcher.match(text)) > 0:
                yield Hit(score, matcher.highlight(text), run, help=help_line)


def _open(place: PlaceScreen, run_id: str) -> None:
    place.open_run_by_id(run_id)
