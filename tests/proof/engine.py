"""The second half of ``make chaos``: an engine that is killed, stopped, starved and lied to.

Every run ends once, no finished step runs twice, no acknowledged trigger is lost. A step that is
under way when its server dies is begun again elsewhere: that is not finished, so it is allowed. So
is one whose process was stopped between its last look at the lease and the step's first line, and
goes on there when it wakes up, which nothing outside of it could prevent; but it must not store it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

from tests.proof import victim
from tests.proof.report import Check, Trial, main
from tests.proof.small_disk import disk, fill, mount
from tests.proof.yard import Server, yard
from tests.proof.zombies import zombies

TITLE = "Engine chaos: killed, stopped, starved and lied to"
BUSY = 6.5
"""Seconds: longer than the server waits for a lock, and than many leases."""


async def kills(trial: Trial) -> str:
    """SIGKILL at any moment, and a new server on the same file."""
    times = trial.pick(100, 10)
    async with yard(trial) as place:
        for _ in range(times):
            server = await place.start()
            await place.answered(trial.dice.choice([0, 1, 2, 4, 8]))
            await asyncio.sleep(trial.dice.uniform(0, 0.1))
            await place.kill(server)
        await place.start()
        await place.all_ended()
        return f"{times} kills, {place.judge()}"


async def two_servers(trial: Trial) -> str:
    """Two servers on one file, one of which is always being killed."""
    times = trial.pick(50, 6)
    async with yard(trial) as place:
        await place.start()
        for _ in range(times):
            await place.start()
            await place.answered(trial.dice.randint(1, 10))
            await place.kill(trial.dice.choice(place.servers))
        await place.all_ended()
        return f"{times} kills, {place.judge()}"


async def full_disk(trial: Trial) -> str:
    """No room is left for seconds, and then there is some again."""
    times = trial.pick(5, 1)
    # More than the write-ahead log takes before it is written back.
    with disk(trial, megabytes=64) as folder:
        async with yard(trial, folder / "engine.db") as place:
            await place.start()
            for _ in range(times):
                await place.answered(10)
                refused = place.refused
                filler = fill(folder)
                await place.until_refused(refused)
                await asyncio.sleep(trial.dice.uniform(1.0, 2.0))
                filler.unlink()
                await place.answered(5)
            await place.all_ended()
            return f"{times} times full, {place.judge()}"


async def locked(trial: Trial) -> str:
    """Another process holds the database's write lock for longer than the server waits for it."""
    times = trial.pick(5, 1)
    async with yard(trial) as place:
        await place.start()
        for _ in range(times):
            await place.answered(10)
            holder = sqlite3.connect(place.db, isolation_level=None, timeout=10)
            with contextlib.closing(holder):
                holder.execute("BEGIN IMMEDIATE")
                await asyncio.sleep(BUSY)
                holder.execute("ROLLBACK")
            await place.answered(5)
        await place.all_ended()
        return f"{times} locks of {BUSY:g} s, {place.judge()}"


async def read_only(trial: Trial) -> str:
    """The file system can only be read: the server says so in a sentence, and changes nothing."""
    with disk(trial, megabytes=8) as folder:
        async with yard(trial, folder / "engine.db") as place:
            server = await place.start()
            await place.answered(20)
            await place.kill(server)
        mount(folder, "remount,ro")
        async with yard(trial, folder / "engine.db") as again:
            found = await again.try_start()
            if isinstance(found, Server):
                again.servers.append(found)
                raise AssertionError("it started on a file that it cannot write")
            sentence = found
            trial.expect(
                sentence.startswith("StoreError: The database") and "\n" not in sentence,
                f"what is said is no sentence: {sentence}",
            )
        mount(folder, "remount,rw")
        async with yard(trial, folder / "engine.db") as last:
            last.acknowledged = place.acknowledged
            await last.start()
            await last.answered(5)
            await last.all_ended()
            told = sentence.partition(": ")[2].replace(f"{folder}/", "")
            return f"it said “{told}”, {last.judge()}"


async def jumping_clock(trial: Trial) -> str:
    """The clock of the machine is set forwards and back while two servers are at work."""
    async with yard(trial) as place:
        await place.start()
        await place.start()
        ahead = 0
        for hours in [1, -1, 24, -23] * trial.pick(5, 1):
            if hours < 0:
                # A lease ends when the clock says so: that of a killed server, given by a clock
                # that is then set back, would hold its run for so long.
                await asyncio.sleep(2 * victim.LEASE)
            await place.answered(10)
            ahead += hours * 3_600_000
            victim.set_dial(place.clock, ahead)
            await asyncio.sleep(trial.dice.uniform(0.2, 0.6))
            if hours > 0:
                await place.kill(trial.dice.choice(place.servers))
                await place.start()
        await place.all_ended()
        return f"set {4 * trial.pick(5, 1)} times, {place.judge()}"


CHECKS = [
    Check("SIGKILL at any moment", kills, 600, 90),
    Check("SIGSTOP past the lease: a zombie wakes up", zombies, 600, 90),
    Check("two servers on one file, killed", two_servers, 600, 90),
    Check("a full disk", full_disk, 300, 90),
    Check("a locked database", locked, 300, 90),
    Check("a read-only disk", read_only, 120, 90),
    Check("the clock jumps", jumping_clock, 300, 90),
]

if __name__ == "__main__":
    main("engine", TITLE, CHECKS)
