"""What is typed comes through, and between two keys nothing runs."""

import asyncio
import contextlib
import os
import pty
import selectors
import sys
import tty
from collections.abc import AsyncIterator
from threading import Thread

import pytest
from textual.app import App
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread
from textual.events import Event, Key

from durably_tui.tui.keyboard import Doorbell, QuietDriver

PATIENCE = 10


def quiet_driver(app: App[None], monkeypatch: pytest.MonkeyPatch) -> QuietDriver:
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "__stdin__", nothing)
        return QuietDriver(app)


class Keyboard:
    """A driver on a terminal of its own, and what it was told."""

    def __init__(self, app: App[None], monkeypatch: pytest.MonkeyPatch) -> None:
        self.hand, self.terminal = pty.openpty()
        tty.setraw(self.terminal)
        self.waits: list[float | None] = []
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        waits = self.waits
        looks = self.looks = asyncio.Event()

        class Selector(selectors.SelectSelector):
            def select(self, timeout: float | None = None) -> list:
                waits.append(timeout)
                loop.call_soon_threadsafe(looks.set)
                return super().select(timeout)

        loop = self._loop
        monkeypatch.setattr(selectors, "SelectSelector", Selector)
        self.driver = quiet_driver(app, monkeypatch)
        self.driver.fileno = self.terminal
        monkeypatch.setattr(self.driver, "process_message", self._told)
        self.thread = Thread(target=self.driver.run_input_thread, daemon=True)
        self.thread.start()

    def _told(self, event: Event) -> None:
        if isinstance(event, Key):
            self._loop.call_soon_threadsafe(self.keys.put_nowait, event.key)

    async def key(self, typed: bytes) -> str:
        os.write(self.hand, typed)
        return await asyncio.wait_for(self.keys.get(), PATIENCE)

    async def sleeps(self) -> None:
        """Wait until nothing but a key wakes it."""
        async with asyncio.timeout(PATIENCE):
            while self.waits[-1] is not None:
                self.looks.clear()
                await self.looks.wait()

    async def ended(self) -> None:
        await asyncio.to_thread(self.thread.join, PATIENCE)
        assert not self.thread.is_alive()


@pytest.fixture
async def app() -> AsyncIterator[App[None]]:
    async with App[None]().run_test() as pilot:
        yield pilot.app


async def test_keys_come_through_and_then_the_thread_sleeps(
    app: App[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard = Keyboard(app, monkeypatch)
    assert await keyboard.key(b"j") == "j"
    assert await keyboard.key(b"\x1b[A") == "up"
    assert await keyboard.key(b"\x1b") == "escape"
    assert await keyboard.key("é".encode()) == "é"
    await keyboard.sleeps()
    assert keyboard.waits[0] is None
    keyboard.driver.exit_event.set()
    await keyboard.ended()


async def test_what_is_no_utf_8_ends_nothing(
    app: App[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard = Keyboard(app, monkeypatch)
    os.write(keyboard.hand, b"\xff\xfe")
    while await keyboard.key(b"q") != "q":
        pass
    keyboard.driver.exit_event.set()
    await keyboard.ended()


async def test_a_terminal_that_is_gone_ends_the_app(
    app: App[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard = Keyboard(app, monkeypatch)
    left = asyncio.Event()
    monkeypatch.setattr(app, "exit", left.set)
    os.close(keyboard.hand)
    await keyboard.ended()
    await asyncio.wait_for(left.wait(), PATIENCE)


def test_a_doorbell_rings_once_until_it_is_taken_back() -> None:
    bell = Doorbell()
    with selectors.SelectSelector() as selector:
        selector.register(bell, selectors.EVENT_READ)
        assert not selector.select(0)
        bell.set()
        bell.set()
        assert selector.select(0)
        bell.clear()
        assert not bell.is_set()
        assert not selector.select(0)


async def test_what_is_left_to_write_keeps_nobody_once_the_terminal_is_gone(
    app: App[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    hand, terminal = pty.openpty()
    file = os.fdopen(terminal, "w")
    monkeypatch.setattr(sys, "__stderr__", file)
    writer = WriterThread(quiet_driver(app, monkeypatch)._file)
    writer.start()
    os.close(hand)

    def write() -> None:
        for _ in range(3 * MAX_QUEUED_WRITES):
            writer.write("a frame")
        writer.stop()

    # A thread that nobody waits for: where this fails it stays for ever.
    written = Thread(target=write, daemon=True)
    written.start()
    await asyncio.to_thread(written.join, PATIENCE)
    assert not written.is_alive()
    with contextlib.suppress(OSError):
        file.close()
