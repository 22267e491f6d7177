"""Closing hooks: nothing is left, and whoever closes them can be given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from support.fake_port import FakePort
from support.manual_clock import settle

from durably_tui import create_durably_client
from durably_tui.client import DurablyClient
from durably_tui.state import DurablyHooks


def page(hooks: DurablyHooks, run_id: str) -> Callable[[], Awaitable[None]]:
    return hooks.use_runs().start().aclose


def one_run(hooks: DurablyHooks, run_id: str) -> Callable[[], Awaitable[None]]:
    return hooks.job("job").use_run(run_id).start().aclose


def job(hooks: DurablyHooks, run_id: str) -> Callable[[], Awaitable[None]]:
    return hooks.job("job").use_job().start().aclose


def logs(hooks: DurablyHooks, run_id: str) -> Callable[[], Awaitable[None]]:
    return hooks.use_merged_logs().start().aclose


def figures(hooks: DurablyHooks, run_id: str) -> Callable[[], Awaitable[None]]:
    stats = hooks.use_job_stats()
    stats.focus("job")
    return stats.start().aclose


def resumed(hooks: DurablyHooks, run_id: str) -> Callable[[], Awaitable[None]]:
    return hooks.job("job").use_job(initial_run_id=run_id).start().aclose


def stream(hooks: DurablyHooks, run_id: str) -> Callable[[], Awaitable[None]]:
    hooks.feed.open()
    return hooks._hub.pool.aclose


@pytest.mark.parametrize("turns", range(5))
@pytest.mark.parametrize("opened", [page, one_run, job, resumed, logs, figures, stream])
async def test_a_cancel_of_whoever_closes_a_hook_is_not_lost(
    port: FakePort,
    hooks: DurablyHooks,
    opened: Callable[[DurablyHooks, str], Callable[[], Awaitable[None]]],
    turns: int,
) -> None:
    run_id = port.made()
    port.gate.clear()  # a request is under way
    close = opened(hooks, run_id)
    await settle()
    closed = False

    async def closing() -> None:
        nonlocal closed
        await close()
        closed = True
        await asyncio.sleep(0)  # where a cancel has to be felt at the latest

    task = asyncio.create_task(closing())
    for _ in range(turns):
        await asyncio.sleep(0)
    if not closed:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
    port.gate.set()
    await settle()


async def test_who_waits_for_an_answer_is_let_go_though_the_closing_is_given_up(
    port: FakePort, hooks: DurablyHooks
) -> None:
    port.gate.clear()
    runs = hooks.use_runs().start()
    await settle()
    waiting = asyncio.create_task(runs.refresh())
    await settle()
    closing = asyncio.create_task(runs.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    await settle()
    assert closing.cancelled()
    assert waiting.done()


async def test_hooks_of_an_address_close_its_client_though_they_are_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closing, closed = asyncio.Event(), []

    async def never_ends(hooks: DurablyHooks) -> None:
        closing.set()
        await asyncio.Event().wait()

    async def close(client: DurablyClient) -> None:
        closed.append(client)

    monkeypatch.setattr(DurablyHooks, "aclose", never_ends)
    monkeypatch.setattr(DurablyClient, "aclose", close)
    hooks = create_durably_client("http://127.0.0.1:8080/api/durably")
    task = asyncio.create_task(hooks.aclose())
    await closing.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert len(closed) == 1
