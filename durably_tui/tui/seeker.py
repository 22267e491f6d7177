"""Moving a replay. Forward the hooks take in what comes; backwards they are made anew.

State is folded from events and cannot be folded back: for an earlier position everything is taken
in again from an earlier place, and only then shown, instead of what was there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .replay import JUMP, SPEEDS, Replaying, clock, next_speed, position_of

if TYPE_CHECKING:
    from .app import MonitorApp
    from .session import Session

SPEED_LEAST, SPEED_MOST = SPEEDS[0], SPEEDS[-1]


async def begin(session: Session) -> None:
    """Bring a replay to where it is to begin, and let it go."""
    if session.replaying is not None:
        session.hooks.feed.open()
        await session.replaying.replay.seek(session.replaying.at)
        session.replaying.replay.go()


class Seeker:
    """Moves the replay that is in front of an app. One move at a time; of those that are asked for
    meanwhile the last is done."""

    def __init__(self, app: MonitorApp) -> None:
        self._app = app
        self._wanted: float | None = None
        self.is_busy = False
        """Whether it is on its way to a position."""

    @property
    def _now(self) -> Replaying | None:
        return self._app.navigator.session.replaying

    def do(self, what: str) -> None:
        """One of the commands ``REPLAY``."""
        now = self._now
        if now is None:
            return
        replay = now.replay
        match what:
            case "hold":
                self.hold()
            case "step":
                self._app.run_worker(self._step(), group="replay-steps", exit_on_error=False)
            case "step_back":
                replay.hold()
                self.go_to(replay.before())
            case "rewind":
                self.go_to(self._from() - JUMP)
            case "forward":
                self.go_to(self._from() + JUMP)
            case "slower" | "faster":
                self.speed(next_speed(replay.speed, 1 if what == "faster" else -1))

    def hold(self) -> None:
        """Hold it, or let it go on; at its end, begin again."""
        if (now := self._now) is None:
            return
        if now.replay.is_over:
            now.replay.go()
            self.go_to(0.0)
        elif now.replay.held:
            now.replay.go()
        else:
            now.replay.hold()

    def speed(self, speed: float) -> None:
        """Play at another speed."""
        if (now := self._now) is not None:
            now.replay.set_speed(speed)

    def go_to(self, position: float) -> None:
        """Go to a position, as near as there is one."""
        self._wanted = max(0.0, position)
        if not self.is_busy:
            self.is_busy = True
            self._app.run_worker(self._go(), group="replay", exit_on_error=False)

    def go_to_time(self, text: str) -> None:
        """Go to where a person says; what makes no sense is told."""
        if (now := self._now) is None:
            return
        try:
            self.go_to(position_of(text, now.began, now.replay.duration))
        except ValueError as error:
            self._app.notify(str(error), severity="warning", markup=False)

    def set_speed(self, text: str) -> None:
        """Play as quickly as a person says, such as ``10x``."""
        try:
            speed = float(text.strip().lower().removesuffix("x"))
            if not SPEED_LEAST <= speed <= SPEED_MOST:
                raise ValueError
        except ValueError:
            self._app.notify(
                f"{text!r} is not a speed: write 10x or 0.5x.", severity="warning", markup=False
            )
            return
        self.speed(speed)

    def _from(self) -> float:
        assert self._now is not None
        return self._now.replay.position if self._wanted is None else self._wanted

    async def _step(self) -> None:
        if (now := self._now) is not None and not await now.replay.step():
            self._app.notify(f"This is the end of the recording, {clock(now.replay.duration)}.")

    async def _go(self) -> None:
        try:
            while (to := self._wanted) is not None:
                session = self._app.navigator.session
                if session.replaying is None:
                    break
                if to < session.replaying.replay.position:
                    await self._back(session, session.replaying, to)
                else:
                    await session.replaying.replay.seek(to)
                if self._wanted == to:
                    self._wanted = None
        finally:
            self._wanted = None
            self.is_busy = False

    async def _back(self, session: Session, now: Replaying, to: float) -> None:
        fresh = now.again(to)
        assert fresh.replaying is not None
        replay = fresh.replaying.replay
        fresh.hooks.feed.open()
        await replay.seek(to)
        replay.set_speed(now.replay.speed)
        if not now.replay.held:
            replay.go()
        now.replay.hold()
        await self._app.exchange(session, fresh)
