"""When the garbage collector may look at everything: while nobody types.

It takes from a tenth to half a second with what a monitor has in memory, and by itself it looks
every few seconds while many events come. A key waits for it.
"""

from __future__ import annotations

import gc

LOOK_EVERY = 10.0
"""Seconds between two looks whether it is time."""
QUIET = 2.0
"""Seconds without a key after which it is."""
_YOUNG, _YOUNGER_ROUNDS, _NEVER = 10_000, 20, 1_000_000
_ROUNDS = 20
"""Rounds of the younger generations after which it is worth while."""


def begin() -> None:
    """Leave what is in memory now out of every look, and look at the rest only when told."""
    gc.freeze()
    gc.set_threshold(_YOUNG, _YOUNGER_ROUNDS, _NEVER)


def tidy(quiet_seconds: float) -> bool:
    """Look at everything that is not frozen, if there is enough of it and no key came lately.

    Answers whether it did.
    """
    if gc.get_count()[2] < _ROUNDS or quiet_seconds < QUIET:
        return False
    gc.collect()
    return True
