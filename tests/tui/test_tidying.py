"""The garbage collector looks at everything while nobody types, or else seldom."""

from __future__ import annotations

import gc

import pytest

from durably_tui.tui import tidying


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
    tidier = tidying.Tidier(lambda: times[0])
    times[0] = since
    assert tidier.tidy(quiet) is looks
    assert bool(looked) is looks


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
