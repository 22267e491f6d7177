"""Clients for addresses without TLS: httpx reads all certificates for each client, 40 ms of CPU."""

import ssl
from typing import Any

import httpx

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For ``verify=``: what has no TLS needs no certificates."""


def plain_client(url: str, *, timeout: float = 20, **options: Any) -> httpx.AsyncClient:
    """A client whose base address is an ``http://`` one; it is patient, as a test may be slow."""
    return httpx.AsyncClient(base_url=url, verify=NO_TLS, timeout=timeout, **options)
