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


async def test_it_paints_by_itself_ever_less_often_while_nothing_changes(monkeypatch):
    waits: list[float] = []
    loop = asyncio.get_running_loop()
    later = loop.call_later
    frames = 0

    def call_later(seconds: float, callback, *args, **options):
        if getattr(callback, "__self__", None) is painted.bridge and seconds >= 1.0:
            waits.append(seconds)
            seconds = 0.0
        return later(seconds, callback, *args, **options)

    async with App[None]().run_test() as pilot:
        painted = Painted(pilot.app, per_second=1000, frames=lambda: frames, ticks=True)
        monkeypatch.setattr(loop, "call_later", call_later)
        painted.bridge.poke()
        while len(waits) < 6:
            await painted.next()
        assert waits[:6] == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
        frames += 1  # an age on the screen became another
        seen = len(waits)
        while len(waits) < seen + 3:
            await painted.next()
        assert 1.0 in waits[seen:]
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
