"""Where the client and the hooks meet: an address becomes hooks."""

from __future__ import annotations

from typing import Any

from .client import DurablyClient
from .state import DurablyHooks, DurablyPort
from .state import create_durably_client as _hooks_for


def create_durably_client(api: str | DurablyPort, **options: Any) -> DurablyHooks:
    """The hooks of one server, as ``createDurably({api})`` of ``@coji/durably-react`` gives them.

    Args:
        api: the base address, such as ``http://127.0.0.1:8080/api/durably``, or a client.
        options: what ``DurablyClient`` takes (``token``, ``headers``, ``timeout``, …), with an
            address only.
    """
    if isinstance(api, str):
        return _hooks_for(DurablyClient(api, **options))
    if options:
        raise TypeError("options belong to the client that was given; make it with them instead")
    return _hooks_for(api)
