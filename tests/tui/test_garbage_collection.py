"""The garbage collector looks at everything while nobody types, or else seldom."""

from __future__ import annotations

import asyncio
import gc

import pytest

from durably_tui.tui import garbage_collection


@pytest.mark.parametrize(
    ("rounds", "quiet", "since", "looks"),
    [
        (100, 10.0, 10.0, True),
        (100, 0.5, 10.0, False),
        (100, 0.5, 90.0, True),
        (100, 0.1, 90.0, False),
        (1, 10.0, 90.0, False),
    ],
)
def test_it_looks_when_there_is_enough_and_no_key_came(
    monkeypatch: pytest.MonkeyPatch, rounds: int, quiet: float, since: float, looks: bool
) -> None:
    looked: list[int] = []
    monkeypatch.setattr(gc, "get_count", lambda: (0, 0, rounds))
    monkeypatch.setattr(gc, "collect", lambda: looked.append(1))
    times = [0.0]
    tidier = garbage_collection.Tidier(lambda: times[0])
    times[0] = since
    assert tidier.tidy(quiet) is looks
    assert bool(looked) is looks


async def test_it_is_reminded_until_it_has_tidied_and_no_timer_runs_before_or_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [False, True]
    tidied = asyncio.Event()

    def tidy() -> bool:
        if done := answers.pop(0):
            tidied.set()
        return done

    monkeypatch.setattr(garbage_collection, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(garbage_collection, "_ROUNDS", gc.get_count()[2] + 2)
    reminder = garbage_collection.Reminder(tidy)
    try:
        gc.collect(1)
        await asyncio.sleep(0)
        assert reminder._timer is None, "too little to look at"
        gc.collect(1)
        async with asyncio.timeout(10):
            await tidied.wait()
        timer = reminder._timer
        assert not answers
        await asyncio.sleep(0)
        assert reminder._timer is timer
    finally:
        reminder.close()
    assert reminder._collected not in gc.callbacks


def test_a_run_in_a_list_is_nothing_to_the_garbage_collector() -> None:
    from durably_tui.protocol import Run, RunStatus
    from durably_tui.state.run_list import RunList

    runs = RunList()
    gc.collect()
    before = len(gc.get_objects())
    runs.put_older(
        [Run(id=f"{n:05}", job_name="job", status=RunStatus.FAILED) for n in range(5_000)]
    )
    gc.collect()
    assert len(gc.get_objects()) - before < 200
