"""What the system watches on a connection by itself: whether the other side still takes and sends.

The network may drop a connection without a word, as when a machine changes its network or a
firewall forgets. The other side's system confirms what it got however slow its server is, so
nothing here makes a slow server fail.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

UNCONFIRMED = 5.0
"""Seconds after which a connection is gone whose other side has confirmed nothing of what was sent
again and again; else a request would wait as long as it has patience."""
IDLE, BETWEEN, MOST = 15, 5, 3
"""Seconds of silence after which the other side is asked whether it is there, seconds between two
such questions, and how many may stay without an answer. They cost a packet each, no server sees
them, and a firewall on the way learns that the connection is in use."""

Option = tuple[int, int, int]


def of_requests() -> list[Option]:
    """The options of connections that requests go over; none where the system has none."""
    found = getattr(socket, "TCP_USER_TIMEOUT", None)  # of Linux
    return [] if found is None else [(socket.IPPROTO_TCP, found, int(UNCONFIRMED * 1000))]


def of_streams() -> list[Option]:
    """The options of connections that may be silent for hours."""
    idle = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
    named = [
        (idle, IDLE),
        (getattr(socket, "TCP_KEEPINTVL", None), BETWEEN),
        (getattr(socket, "TCP_KEEPCNT", None), MOST),
    ]
    times = [(socket.IPPROTO_TCP, name, value) for name, value in named if name is not None]
    return [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *times]


def set_on(connection: Any, options: list[Option]) -> None:
    """Set options on a socket, or on what stands for it; what it refuses is left as it is."""
    for option in options:
        with suppress(OSError, AttributeError, TypeError):
            connection.setsockopt(*option)
