"""Servers that stand still for longer than their leases, and wake up while others have their runs.

Beside whatever they happen to be at, some runs wait in front of each kind of write until the
server that has them was stopped, has lost them to the other, and is awake again; the other one goes
on with them only after that. So each write is tried by a zombie, and must be refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import Counter
from collections.abc import Mapping

from tests.proof import victim
from tests.proof.report import Trial
from tests.proof.verdict import Stop, late_writes, write_of
from tests.proof.yard import Server, Yard, yard

_PATIENCE = 20.0
"""Seconds that servers may take to begin runs."""
_TAKEN_OVER_WITHIN = 3.0
"""Seconds that a server is stopped for at most. One that is stopped within a transaction keeps the
other from every write, until it wakes up."""
_RECENT = 2000
"""Notes of the journal among which those of runs under way are."""
_TRIES_WITHIN = 1.0
"""Seconds after it woke up in which a zombie tries what it was about to do."""


async def zombies(trial: Trial) -> str:
    """SIGSTOP for longer than the lease while another server is at work, and then SIGCONT."""
    times = trial.pick(60, 8)
    async with yard(trial) as place:
        both = [await place.start(), await place.start()]
        for number in range(times):
            await asyncio.sleep(trial.dice.uniform(0.05, 0.2))
            await _take_over(place, both, 3 * number + 1)
            zombie = trial.dice.choice(both)
            await place.stop_for(zombie, victim.LEASE * trial.dice.uniform(1.2, 2.5))
        await place.all_ended()
        figures = place.judge()
    tried = Counter(write.what for note, write in late_writes(place.journal.notes))
    for what in victim.LATE.values():
        trial.expect(tried[what], f"no zombie tried {what}")
    told = ", ".join(f"{count} x {what}" for what, count in sorted(tried.items()))
    return f"{2 * times} stops, {figures}; refused to zombies: {told}"


async def _take_over(place: Yard, both: list[Server], gate: int) -> None:
    """Stop whoever has most of some runs that wait, and wake it once the other one has them."""
    runs = {await place.trigger(both[0], name, gate): name for name in victim.LATE}
    waits = await _waiting(place, dict.fromkeys(runs))
    counted = Counter(waits.values())
    zombie = max(both, key=lambda server: counted[server.pid])
    theirs = {run_id: zombie.pid for run_id, pid in waits.items() if pid == zombie.pid}
    zombie.signal(signal.SIGSTOP)
    stopped = time.monotonic()
    try:
        with contextlib.suppress(TimeoutError):
            await _waiting(place, theirs, _TAKEN_OVER_WITHIN)
        victim.set_dial(place.gate, gate)
    finally:
        woken = time.monotonic()
        zombie.signal(signal.SIGCONT)
    place.stops.append(Stop(zombie.pid, stopped, woken))
    wanted = {(run_id, victim.LATE[runs[run_id]]) for run_id in theirs}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_TRIES_WITHIN):
            while wanted:
                for note in place.journal.read():
                    if note.pid == zombie.pid and note.what in {"wrote", "refused"}:
                        wanted.discard((note.run_id, write_of(note).what))
                await asyncio.sleep(0.005)
    victim.set_dial(place.gate, gate + 2)  # a third attempt waits for the second one's gate


async def _waiting(
    place: Yard, runs: Mapping[str, int | None], within: float = _PATIENCE
) -> dict[str, int]:
    """Wait until each run waits in a process other than the one that is named; answers which."""
    found: dict[str, int] = {}
    async with asyncio.timeout(within):
        while len(found) < len(runs):
            place.journal.read()
            for note in place.journal.notes[-_RECENT:]:
                if note.what == "waits" and runs.get(note.run_id, note.pid) != note.pid:
                    found[note.run_id] = note.pid
            await asyncio.sleep(0.005)
    return found
