"""What a watcher holds, with everything still open and after everything was closed.

It lives in one process with the proxy, and only its own sockets are counted: a connection through
the proxy is one of the watcher's, and two of the proxy's.
"""

from __future__ import annotations

import asyncio
import time

from tests.proof.proxy import Proxy
from tests.proof.report import FAILED, PASSED, Row, Trial
from tests.proof.vitals import Vitals, vitals

MORE_MEMORY, MORE_IN_SHORT = 15.0, 6.0
"""MB by which this process may be bigger at the end than once it had done everything in calm: of
each run that is painted some kilobytes are kept, until there are 1,024 rows a table, and its log
lines. The full form has 500 runs; to keep their events without a bound takes 20 MB more."""
IDLE = 6.0
"""Seconds after which no connection is left but the streams and one for the next request: a client
closes one that it has no use for after 4, at the request after that, of which there are two a
second."""
SETTLES = 20.0
"""Seconds that a machine that has much else to do may take for the same."""


async def at_rest(between: Proxy | None = None, before: Vitals | None = None) -> Vitals:
    """This process, the proxy's sockets left out, once there is no request under way.

    Args:
        between: the proxy of this process.
        before: how it was at rest; as many sockets are waited for, and not for ever.
    """
    least = _without(between)
    end = time.monotonic() + (IDLE if before is None else SETTLES)
    while time.monotonic() < end and (before is None or least.sockets > before.sockets):
        await asyncio.sleep(0.5)
        least = min(least, _without(between), key=lambda found: found.sockets)
    return least


def _without(between: Proxy | None) -> Vitals:
    found = vitals()
    others = 0 if between is None else between.sockets
    return Vitals(found.megabytes, found.files - others, found.sockets - others)


def held(name: str, warm: Vitals, now: Vitals, trial: Trial) -> Row:
    """With everything still open: as many sockets, as much memory."""
    grown = now.megabytes - warm.megabytes
    bad = grown > trial.pick(MORE_MEMORY, MORE_IN_SHORT) or now.sockets > warm.sockets
    figures = f"after the start {warm}; at the end {now}"
    if bad:
        trial.violated(f"{name}: {figures}")
    return Row(name, FAILED if bad else PASSED, figures)


def left(name: str, before: Vitals, now: Vitals, trial: Trial) -> Row:
    """After everything was closed."""
    tasks = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
    bad = now.sockets > before.sockets or now.files > before.files or tasks
    figures = (
        f"closed: {now.files - before.files:+} files, {now.sockets - before.sockets:+} sockets"
    )
    if bad:
        trial.violated(f"{name}: {figures}, tasks {tasks[:3]}")
    return Row(name, FAILED if bad else PASSED, figures)
