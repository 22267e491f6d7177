"""From a configured server to a client for it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType

from durably_tui.client import DurablyClient
from durably_tui.config import ConfigError, Server, token_of
from durably_tui.protocol import DurablyError

from .said import capital


def client_for(
    server: Server, environ: Mapping[str, str] | None = None, *, chosen: bool = True
) -> DurablyClient:
    """A client for a server; nothing is sent yet. May wait for a ``token_command``.

    Args:
        server: from ``Config.server``.
        environ: the environment; None is that of the process.
        chosen: whether the user named it, or it is the default: then ``DURABLY_TOKEN`` is for it.

    Raises:
        DurablyError: the address or the credentials cannot be used.
    """
    try:
        token = token_of(server, environ, chosen=chosen)
    except ConfigError as error:
        raise DurablyError(capital(str(error))) from None
    _do_without_command_of_httpx()
    return DurablyClient(
        server.url,
        headers=server.headers,
        token=token,
        verify=server.ca if server.verify and server.ca else server.verify,
        abilities=server.generation,
        read_only=server.read_only,
        proxy=server.proxy,
        client_cert=server.client_cert,
    )


def _do_without_command_of_httpx() -> None:
    """httpx comes with a command of its own, which it loads with itself: click, rich and pygments
    would be a good third of the time that it takes to be imported."""

    def main() -> None:
        """Stands for that command."""

    nothing = ModuleType("httpx._main")
    vars(nothing)["main"] = main
    sys.modules.setdefault(nothing.__name__, nothing)
