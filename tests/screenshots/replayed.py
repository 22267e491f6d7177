"""The app on the recording of the demo server, held at one moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from durably_tui.config import Config, Server
from durably_tui.recording import Player, Recording
from durably_tui.state import create_durably_client
from durably_tui.tui.app import MonitorApp
from durably_tui.tui.session import Session
from durably_tui.tui.world import World

DEMO = Path(__file__).parent / "demo.ndjson.zst"
MOMENT = 30.0
"""Seconds after the beginning of the recording."""
SERVERS = (
    Server("demo", "http://127.0.0.1:8080/api/durably"),
    Server("staging", "https://staging.example/api/durably", color="blue"),
    Server("prod", "https://jobs.example/api/durably", color="red", production=True),
)


@asynccontextmanager
async def app_on(recording: Recording, moment: float = MOMENT) -> AsyncIterator[MonitorApp]:
    """The app as on a live server: what was seen until then has been taken in."""
    players = {server.title: Player(recording) for server in SERVERS}
    sessions = {server.title: _session(players[server.title], server) for server in SERVERS}
    # The others are the same server at other moments.
    for number, (title, player) in enumerate(players.items()):
        sessions[title].hooks.feed.open()
        await player.seek(moment - 7 * number)
    first = next(iter(sessions.values()))
    world = World(config=Config(servers=SERVERS), connect=lambda server: sessions[server.title])
    yield MonitorApp(first, world=lambda: world)
    for title, session in sessions.items():
        if title not in world.sessions:  # those are closed with the app
            await session.aclose()


def _session(player: Player, server: Server) -> Session:
    return Session(
        hooks=create_durably_client(player, clock=player.clock),
        url=server.url,
        name=server.name,
        production=server.production,
        color=server.color or "",
        close=player.aclose,
        clock=player.now,
    )
