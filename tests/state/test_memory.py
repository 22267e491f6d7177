"""What the state holds is bounded by what it is for, not by how long it was watched."""

from __future__ import annotations

import gc
import json
import tracemalloc
import types
from collections.abc import Iterator

import pytest
from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.protocol import Decoder, SseDecoder
from durably_tui.state import (
    History,
    HistoryLimits,
    create_durably_client,
    error_groups_book,
    job_stats_records,
)
from durably_tui.state.observe import observe

_KINDS = ("run:trigger", "run:leased", "step:start", "step:complete", "log:write", "run:complete")
_OTHER = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, FakePort)
_NUMBERS = (int, float)
_ROUND = 60
"""Runs: more than any limit here lets be kept."""


def frames(runs: int) -> Iterator[bytes]:
    """The events of some runs as our server tells them."""
    for run in range(runs):
        for at, kind in enumerate(_KINDS):
            event = {
                "type": kind,
                "runId": f"01M8K22ZJZ8XBZN58G9K{run:06}",
                "jobName": "import-csv",
                "labels": {"env": "prod"},
                "timestamp": f"2026-11-29T07:07:{at:02}.979Z",
            }
            if kind == "log:write":
                event |= {"message": f"row {run}", "level": "info", "data": {"row": run}}
            elif kind.startswith("step"):
                event |= {"stepName": f"step-{run}", "stepIndex": 0}
            yield b"data: %s\n\n" % json.dumps(event, separators=(",", ":")).encode()


@pytest.mark.parametrize("together", [1, 50, 500])
def test_events_weigh_what_they_take(together: int) -> None:
    chunks = list(frames(500))
    decoder, sse = Decoder(), SseDecoder()
    history = History()
    gc.collect()
    tracemalloc.start(1)
    try:
        before, _ = tracemalloc.get_traced_memory()
        for at in range(0, len(chunks), together):
            found = sse.feed(b"".join(chunks[at : at + together]))
            history = observe(history, decoder.events(found), 100.0 + at, 1, "feed", found)
        del found
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(history.runs) == 500
    assert 0.6 * taken < history.size < 1.4 * taken, f"{history.size} for {taken} bytes"


def reachable(root: object) -> int:
    """How many objects something holds on to in the end, numbers left out."""
    seen = {id(root)}
    waiting = [root]
    for each in waiting:  # it grows meanwhile
        # The garbage collector passes some of ours by, and strings that are keys.
        ours = [getattr(each, name) for name in getattr(each, "__struct_fields__", ())]
        keys = each.keys() if isinstance(each, dict) else ()
        for held in (*gc.get_referents(each), *ours, *keys):
            if id(held) not in seen and not isinstance(held, _OTHER + _NUMBERS):
                seen.add(id(held))
                waiting.append(held)
    return len(waiting)


async def test_three_times_the_events_are_not_more_to_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in [
        (error_groups_book, "MAX_FAILURES"),
        (error_groups_book, "MAX_STEPS"),
        (error_groups_book, "MAX_INPUTS"),
        (job_stats_records, "MAX_RUNS_OF_A_JOB"),
    ]:
        monkeypatch.setattr(module, name, 20)
    monkeypatch.setattr("durably_tui.state.feed._PULSE", 10)
    port, clock = FakePort(retry=True), ManualClock()
    hooks = create_durably_client(port, clock=clock, limits=HistoryLimits(runs=20))
    hooks.feed.open()
    held: list[int] = []
    async with (
        hooks,
        hooks.use_all_runs() as everything,
        hooks.use_job_stats() as stats,
        hooks.use_error_groups() as errors,
    ):
        for _ in range(6):
            await _work(port, clock)
            gc.collect()
            held.append(reachable((hooks, everything, stats, errors)))
        assert len(hooks.history.runs) <= 20
        assert hooks.history.forgotten > _ROUND
    # The first rounds fill what is kept; after that each holds the same, but for a few.
    assert max(held[2:]) < held[1] + _ROUND // 6, held


async def _work(port: FakePort, clock: ManualClock) -> None:
    """A round of runs, each of which is deleted once it is over."""
    for number in range(_ROUND):
        run = port.made(("import", "export")[number % 2])
        port.started(run)
        port.step_started(run, "one", 0)
        port.logged(run, f"line {number}")
        if number % 3:
            port.stepped(run, "one", 0)
            port.completed(run)
        else:
            if number % 2:
                port.step_failed(run, "one", 0, f"no disk {number}")
            port.failed(run, f"no disk {number}")
        await settle()
        port.deleted(run)
        await clock.advance(5.0)
