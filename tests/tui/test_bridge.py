import asyncio
from queue import Queue
from types import SimpleNamespace

import pytest
from textual.app import App

from durably_tui.tui.bridge import PaintBridge, terminal_is_ready


class Painted:
    """A bridge on a running app, whose paints can be counted and waited for."""

    def __init__(self, app: App[None], *, sees: bool = True, **options) -> None:
        self.sees = sees
        self.count = 0
        self.event = asyncio.Event()
        self.bridge = PaintBridge(app, self._paint, **options)

    def _paint(self) -> bool:
        self.count += 1
        self.event.set()
        return self.sees

    async def next(self) -> None:
        await asyncio.wait_for(self.event.wait(), 5)
        self.event.clear()


async def test_the_first_change_is_painted_at_once_and_a_burst_as_one():
    async with App[None]().run_test() as pilot:
        painted = Painted(pilot.app, per_second=0.001)
        for _ in range(1000):
            painted.bridge.poke()
        await painted.next()
        await pilot.pause()
        assert painted.count == 1
        painted.bridge.close()


async def test_what_changes_after_a_paint_is_painted_too():
    async with App[None]().run_test() as pilot:
        painted = Painted(pilot.app, per_second=200)
        painted.bridge.poke()
        await painted.next()
        painted.bridge.poke()
        assert painted.count == 1, "not before it is due"
        await painted.next()
        assert painted.count == 2
        painted.bridge.close()


async def test_the_rate_is_bounded():
    async with App[None]().run_test() as pilot:
        painted = Painted(pilot.app, per_second=12)
        loop = asyncio.get_running_loop()
        start = loop.time()
        while painted.count < 4:
            painted.bridge.poke()
            await asyncio.sleep(0)
        assert loop.time() - start >= 3 / 12 * 0.95
        painted.bridge.close()


async def test_no_timer_runs_when_nothing_changes():
    async with App[None]().run_test() as pilot:
        painted = Painted(pilot.app, per_second=1000)
        painted.bridge.poke()
        await painted.next()
        await pilot.pause()
        assert painted.bridge._timer is None
        assert painted.count == 1
        painted.bridge.close()


class Ticking(Painted):
    """A bridge that would paint by itself after ``wait`` seconds, which pass when one says so."""

    def __init__(self, app: App[None], patch: pytest.MonkeyPatch) -> None:
        self.frames = 0
        self.wait = 0.0
        self.changes = False
        super().__init__(app, per_second=1000, frames=lambda: self.frames, ticks=True)
        loop = asyncio.get_running_loop()
        later = loop.call_later

        def call_later(seconds: float, callback, *args, **options):
            if getattr(callback, "__self__", None) is self.bridge and seconds >= 1.0:
                self.wait, seconds = seconds, 3600.0
            return later(seconds, callback, *args, **options)

        patch.setattr(loop, "call_later", call_later)

    def _paint(self) -> bool:
        self.frames += self.changes
        return super()._paint()

    async def poked(self, *, stirs: bool = True) -> float:
        """After a poke: how long it waits then, and 0 where it did not begin to wait anew."""
        self.wait = 0.0
        self.bridge.poke(stirs=stirs)
        await self.next()
        return self.wait

    async def waited(self) -> float:
        """The wait is over: how long the next one is."""
        self.bridge._pass()
        await self.next()
        return self.wait


async def test_it_paints_by_itself_ever_less_often_once_a_second_changes_nothing(monkeypatch):
    async with App[None]().run_test() as pilot:
        painted = Ticking(pilot.app, monkeypatch)
        painted.changes = True
        waits = [await painted.poked(), *[await painted.waited() for _ in range(3)]]
        assert waits == [1.0] * 4, "seconds are counted on the screen"
        painted.changes = False
        await painted.waited()
        assert [await painted.waited() for _ in range(6)] == [2.0, 4.0, 8.0, 16.0, 16.0, 16.0]
        painted.changes = True
        assert [await painted.waited() for _ in range(3)] == [16.0] * 3, "ages in minutes went on"
        assert await painted.poked() == 1.0
        painted.bridge.close()


async def test_that_a_server_still_answers_is_painted_in_the_place_of_the_next_tick(monkeypatch):
    async with App[None]().run_test() as pilot:
        painted = Ticking(pilot.app, monkeypatch)
        await painted.poked()
        assert [await painted.waited() for _ in range(3)] == [1.0, 2.0, 4.0]
        painted.changes = True
        assert [await painted.poked(stirs=False) for _ in range(3)] == [4.0] * 3
        painted.bridge.close()


@pytest.mark.parametrize("stirs", [False, True])
async def test_what_comes_between_two_seconds_does_not_end_their_count(monkeypatch, stirs):
    async with App[None]().run_test() as pilot:
        painted = Ticking(pilot.app, monkeypatch)
        painted.changes = True
        await painted.poked()
        await painted.waited()
        painted.changes = False  # it comes at once after a tick, and shows the same second
        assert await painted.poked(stirs=stirs) == 1.0
        painted.changes = True
        assert [await painted.waited() for _ in range(2)] == [1.0, 1.0]
        painted.bridge.close()


async def test_it_does_not_paint_by_itself_what_nobody_can_see():
    async with App[None]().run_test() as pilot:
        painted = Painted(pilot.app, sees=False, ticks=True)
        painted.bridge.poke()
        await painted.next()
        assert painted.bridge._ticker is None
        painted.bridge.close()


async def test_a_frame_waits_until_the_terminal_has_taken_the_last():
    ready = False
    asked = asyncio.Event()

    def is_ready() -> bool:
        asked.set()
        return ready

    async with App[None]().run_test() as pilot:
        painted = Painted(pilot.app, ready=is_ready)
        painted.bridge.poke()
        for _ in range(2):
            await asyncio.wait_for(asked.wait(), 5)
            asked.clear()
        assert painted.count == 0
        ready = True
        await painted.next()
        assert painted.count == 1
        painted.bridge.close()


async def test_a_closed_bridge_paints_nothing():
    async with App[None]().run_test() as pilot:
        painted = Painted(pilot.app)
        painted.bridge.poke()
        painted.bridge.close()
        painted.bridge.poke()
        await pilot.pause()
        assert painted.count == 0


async def test_an_error_while_painting_is_the_app_s():
    def fail() -> None:
        raise ZeroDivisionError

    async def paint() -> None:
        async with App[None]().run_test() as pilot:
            PaintBridge(pilot.app, fail).poke()
            await pilot.pause(0.1)

    with pytest.raises(ZeroDivisionError):
        await paint()


def test_the_writer_s_queue_tells_whether_the_terminal_is_ready():
    queue: Queue[str] = Queue()
    app = SimpleNamespace(_driver=SimpleNamespace(_writer_thread=SimpleNamespace(_queue=queue)))
    assert terminal_is_ready(app)
    queue.put("frame")
    assert not terminal_is_ready(app)
    assert terminal_is_ready(SimpleNamespace(_driver=None))
