"""The way from a recording to a session of the monitor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from durably_tui.config import Config
from durably_tui.recording import Mark, Player, Recording, playback
from durably_tui.state import DurablyHooks, FeedMemory, create_durably_client
from durably_tui.tui.replay import Replaying
from durably_tui.tui.session import Session
from durably_tui.tui.world import World

from .launch import show_session

MOST_MARKS = 64


class Marks:
    """Where sessions on one recording can begin as well, evenly spread and not too many."""

    def __init__(self) -> None:
        self.found: dict[int, tuple[Mark, FeedMemory]] = {}
        """By the number of lines before it."""
        self._every = 1

    def leave(self, player: Player, hooks: DurablyHooks) -> None:
        """Remember where a session is, which has taken in all before it."""
        number = player.delivered
        if number in self.found or number // playback.MARK_EVERY % self._every:
            return
        self.found[number] = player.mark(), hooks.feed.memory()
        if len(self.found) > MOST_MARKS:
            self._every *= 2
            for each in [n for n in self.found if n // playback.MARK_EVERY % self._every]:
                del self.found[each]

    def last(self, at: float) -> tuple[Mark, FeedMemory] | None:
        """The last one that is not after a position."""
        passed = [mark for mark in self.found.values() if mark[0].at <= at]
        return max(passed, key=lambda each: each[0].delivered, default=None)


def session_of_replay(
    recording: Recording,
    *,
    at: float = 0.0,
    speed: float = 1.0,
    name: str = "",
    marks: Marks | None = None,
) -> Session:
    """A session on a recording, held at its beginning, or at the last of the marks before ``at``.

    Args:
        recording: what is played.
        at: where it is to begin, in seconds.
        speed: how quickly.
        name: what to call it; as the server was called by default.
        marks: those that sessions on this recording have left; this one leaves more.
    """
    kept = Marks() if marks is None else marks
    player = Player(recording)
    player.set_speed(speed)
    hooks = create_durably_client(player, clock=player.clock)
    if (last := kept.last(at)) is not None:
        mark, memory = last
        player.begin_at(mark)
        hooks.feed.recall(memory)
    player.on_mark = lambda: kept.leave(player, hooks)
    return Session(
        hooks=hooks,
        url=recording.header.server,
        name=name or recording.header.name,
        read_only=True,
        close=player.aclose,
        clock=player.now,
        replaying=Replaying(
            replay=player,
            again=lambda to: session_of_replay(recording, at=to, name=name, marks=kept),
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
