"""``Store``: one state, and whoever wants to know."""

from __future__ import annotations

import asyncio
import logging

import pytest

from durably_tui.state import Store


def test_listeners_are_told_of_changes_and_only_of_changes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Store((0,))
    told: list[tuple[int, ...]] = []

    def broken(state: tuple[int, ...]) -> None:
        raise RuntimeError("no")

    store.subscribe(broken)
    unsubscribe = store.subscribe(told.append)
    store.update(lambda state: state)
    assert told == []
    with caplog.at_level(logging.ERROR):
        store.update(lambda state: (*state, 1))
    assert told == [(0, 1)]
    assert "listener" in caplog.text
    unsubscribe()
    unsubscribe()
    store.set((9,))
    assert told == [(0, 1)]
    assert store.state == (9,)


def test_a_listener_may_leave_while_it_is_told() -> None:
    store = Store((0,))
    told: list[str] = []

    def once(state: tuple[int, ...]) -> None:
        told.append("once")
        leave()

    leave = store.subscribe(once)
    store.subscribe(lambda state: told.append("other"))
    store.set((1,))
    store.set((2,))
    assert told == ["once", "other", "other"]


async def test_waiting_for_a_state() -> None:
    store = Store((0,))
    assert await store.wait_for(lambda state: state == (0,)) == (0,)
    waiting = asyncio.create_task(store.wait_for(lambda state: state[0] > 1))
    await asyncio.sleep(0)
    store.set((1,))
    store.set((2,))
    store.set((3,))
    assert await waiting == (2,)


async def test_a_question_that_raises_is_answered_with_its_error() -> None:
    store = Store((0,))

    def ask(state: tuple[int, ...]) -> bool:
        if state == (1,):
            raise KeyError("mine")
        return False

    waiting = asyncio.create_task(store.wait_for(ask))
    await asyncio.sleep(0)
    store.set((1,))
    with pytest.raises(KeyError):
        await waiting
