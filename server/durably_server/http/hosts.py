"""Which names mean this machine, and which pages may speak to it."""

import ipaddress
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own: 127.0.0.0/8, ::1, localhost."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=64)
def is_loopback_host(header: str | None) -> bool:
    """The same for a Host header, with or without a port.

    A page of a foreign site that makes its own name point to 127.0.0.1 (DNS rebinding) still
    sends its own name.
    """
    if not header:
        return False
    name = header[1:].partition("]")[0] if header.startswith("[") else header.partition(":")[0]
    return is_loopback(name.lower())


def may_write_from(origin: str | None, allowed: Collection[str]) -> bool:
    """Whether a page of that origin may send what changes something, on a loopback address.

    A browser lets any page post text to any address, without asking first; it only hides the
    answer. Programs that are no browser send no Origin.
    """
    if origin is None or origin in allowed or "*" in allowed:
        return True
    try:
        return is_loopback((urlsplit(origin).hostname or "").lower())
    except ValueError:
        return False
