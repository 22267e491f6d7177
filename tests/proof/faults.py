"""What a network does to a connection, each for some seconds, by the proxy between."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from tests.proof.proxy import Proxy

Fault = Callable[[Proxy, random.Random, float], Awaitable[None]]


async def _again_and_again(
    do: Callable[[], object], dice: random.Random, seconds: float, most: float = 0.4
) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        do()
        await asyncio.sleep(dice.uniform(0.05, most))


async def cut(between: Proxy, dice: random.Random, seconds: float) -> None:
    await _again_and_again(between.cut, dice, seconds)


async def stall(between: Proxy, dice: random.Random, seconds: float) -> None:
    between.stall()
    await asyncio.sleep(seconds)


async def short_stalls(between: Proxy, dice: random.Random, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        between.stall()
        await asyncio.sleep(dice.uniform(0.05, 0.5))
        between.heal()
        await asyncio.sleep(dice.uniform(0.02, 0.1))


async def partition(between: Proxy, dice: random.Random, seconds: float) -> None:
    between.half_open()
    between.swallow_new = True
    await asyncio.sleep(seconds)
    between.half_open()


async def half_open(between: Proxy, dice: random.Random, seconds: float) -> None:
    between.half_open()
    await asyncio.sleep(seconds)


async def single_bytes(between: Proxy, dice: random.Random, seconds: float) -> None:
    between.bite = 1
    between.cut()  # so that whole streams come that way, their heads as well
    await asyncio.sleep(seconds)


async def reordered(between: Proxy, dice: random.Random, seconds: float) -> None:
    between.late = 0.5
    between.doubled = True
    await _again_and_again(between.cut, dice, seconds)


async def reset(between: Proxy, dice: random.Random, seconds: float) -> None:
    await _again_and_again(between.reset_within_frame, dice, seconds)


async def slow(between: Proxy, dice: random.Random, seconds: float) -> None:
    between.rate = 3_000
    between.cut()
    await asyncio.sleep(seconds)


async def bad_gateway(between: Proxy, dice: random.Random, seconds: float) -> None:
    between.bad_gateway = True
    await _again_and_again(between.cut, dice, seconds)


FAULTS: dict[str, Fault] = {
    "cut": cut,
    "RST within a frame": reset,
    "stall": stall,
    "many short stalls": short_stalls,
    "nothing passes, and nobody is told": partition,
    "half-open streams": half_open,
    "one byte at a time": single_bytes,
    "reconnects doubled and reordered": reordered,
    "slow drain, 3 kB/s": slow,
    "502 from a proxy": bad_gateway,
}
