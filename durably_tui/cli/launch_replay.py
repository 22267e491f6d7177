"""The way from a recording to a session of the monitor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from durably_tui.config import Config
from durably_tui.recording import Player, Recording
from durably_tui.state import create_durably_client
from durably_tui.tui.replay import Replaying
from durably_tui.tui.session import Session
from durably_tui.tui.world import World

from .launch import show_session


def session_of_replay(
    recording: Recording, *, at: float = 0.0, speed: float = 1.0, name: str = ""
) -> Session:
    """A session on a recording, held at its beginning.

    Args:
        recording: what is played.
        at: where to begin, in seconds.
        speed: how quickly.
        name: what to call it; as the server was called by default.
    """
    player = Player(recording)
    player.set_speed(speed)
    return Session(
        hooks=create_durably_client(player, clock=player.clock),
        url=recording.header.server,
        name=name or recording.header.name,
        read_only=True,
        close=player.aclose,
        clock=player.now,
        replaying=Replaying(
            replay=player,
            again=lambda: session_of_replay(recording, name=name),
            began=recording.began,
            at=at,
            notice=recording.trouble,
        ),
    )


def show_replay(
    recording: Recording,
    file: Path,
    *,
    speed: float,
    at: float,
    ascii_only: bool,
    config: Config,
) -> int:
    """Run the monitor on a recording until the user quits; its exit code, 2 where there is no
    terminal."""
    # No other server is to be watched by mistake from within a replay.
    alone = replace(config, servers=(), alerts=Config().alerts)
    return show_session(
        lambda: session_of_replay(recording, at=at, speed=speed),
        where=f"replay of {file.name}",
        ascii_only=ascii_only,
        world=lambda: World(config=alone, keeps=True),
    )
