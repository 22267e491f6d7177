"""The palette's entries, made from the commands of the place in front."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from .commands import Command
from .screens.base import CommandScreen


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
            text = f"{command.label.capitalize()}: {command.help}"
            if (score := matcher.match(text)) > 0:
                yield Hit(
                    score, matcher.highlight(text), partial(self.screen.run_action, command.action)
                )
