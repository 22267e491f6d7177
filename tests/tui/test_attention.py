"""Keys first, and the rest not never."""

from __future__ import annotations

import asyncio

import pytest
from textual import events
from textual.app import App

from durably_tui.tui.attention import MOST, OWED, Attention
from durably_tui.tui.bridge import PaintBridge
from durably_tui.tui.drawing import DrawingApp


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def passes(attention: Attention) -> bool:
    """Whether nobody has to wait now."""
    task = asyncio.create_task(attention.give_way())
    for _ in range(3):
        await asyncio.sleep(0)
    done = task.done()
    task.cancel()
    return done


async def test_a_key_holds_the_rest_back_until_its_picture_is_out() -> None:
    attention = Attention(most=60, clock=Clock())
    assert await passes(attention)
    attention.call()
    assert not await passes(attention)
    attention.shown()  # a frame that was on its way
    assert attention.is_called
    attention.acted()
    assert not await passes(attention)
    attention.shown()
    assert not attention.is_called
    assert await passes(attention)


async def test_where_nobody_says_that_it_was_acted_on_the_second_frame_answers() -> None:
    attention = Attention(most=60, clock=Clock())
    attention.call()
    attention.shown()
    attention.shown()
    assert not attention.is_called


async def test_who_waited_has_some_time_before_it_waits_again() -> None:
    clock = Clock()
    attention = Attention(most=60, clock=clock)
    attention.call()
    waiting = asyncio.create_task(attention.give_way())
    await asyncio.sleep(0)
    clock.now += MOST
    attention.acted()
    attention.shown()
    await waiting
    attention.call()
    assert await passes(attention), "a key that is held down does not stop the streams"
    clock.now += OWED
    assert not await passes(attention)


async def test_a_key_without_an_effect_holds_nobody_for_long() -> None:
    attention = Attention(most=0.01)
    attention.call()
    async with asyncio.timeout(5):
        await attention.give_way()


async def test_the_app_takes_note_of_keys() -> None:
    async with DrawingApp().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, DrawingApp)
        app.attention._clock = Clock()
        app.post_message(events.Key("j", "j"))
        assert app.attention.is_called
        app.post_message(events.Key("j", "j"))
        await pilot.pause()
        assert app.attention._frames <= 1, "it was acted on"


async def test_what_was_laid_out_anew_where_nobody_sees_it_is_no_frame() -> None:
    async with DrawingApp().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, DrawingApp)
        await pilot.pause()
        before = app.frames_written
        app._display(app.screen, None)  # what Textual's compositor makes of it
        assert app.frames_written == before


@pytest.mark.parametrize("patient", [True, False])
async def test_a_paint_waits_for_a_key_but_not_for_ever(patient: bool) -> None:
    async with App[None]().run_test() as pilot:
        asked, painted = asyncio.Event(), asyncio.Event()
        clock = Clock()

        def free() -> bool:
            asked.set()
            return False

        bridge = PaintBridge(pilot.app, painted.set, clock=clock, free=free)
        bridge.poke()
        async with asyncio.timeout(5):
            await asked.wait()
            assert not painted.is_set()
            if not patient:
                clock.now += 1.0
                await painted.wait()
        bridge.close()
