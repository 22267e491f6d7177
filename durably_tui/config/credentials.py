"""Where a server's token comes from. A token is never written down, shown or logged here."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .mistakes import ConfigError
from .model import Server

TOKEN = "DURABLY_TOKEN"
COMMAND_SECONDS = 60.0
"""How long a ``token_command`` may take: it may ask the user for something."""
KEYRING_SERVICE = "durably-tui"


def token_of(
    server: Server, environ: Mapping[str, str] | None = None, *, chosen: bool = True
) -> str | None:
    """The token of a server, or None where it has none.

    What is said of the server itself comes first: ``token_env``, then ``token_command``. Then
    ``DURABLY_TOKEN``, for the server that the user chose only, so that a token never goes to a
    server that it was not meant for. Then the keyring, where the package ``keyring`` is
    installed, under the service ``durably-tui`` and the server's name. May wait for a program:
    call it in a thread.

    Args:
        environ: the environment; None is that of the process.
        chosen: whether the user named this server, or it is the default.

    Raises:
        ConfigError: the token that is configured cannot be had.
    """
    environ = os.environ if environ is None else environ
    if server.token_env is not None:
        found = environ.get(server.token_env, "").strip()
        if not found:
            raise ConfigError(
                f"the server {server.title!r} takes its token from {server.token_env}, "
                "which is not set: set it in the environment."
            )
        return found
    if server.token_command:
        return _printed(server)
    if chosen and environ.get(TOKEN):
        return environ[TOKEN]
    return _from_keyring(server.name) if server.name else None


def _printed(server: Server) -> str:
    """What the command prints; its words go to the user's terminal only as it writes them."""
    import subprocess

    program = server.token_command[0]
    said = f"the token_command of the server {server.title!r} ({program})"
    try:
        done = subprocess.run(
            server.token_command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(
            f"{said} did not end within {COMMAND_SECONDS:.0f} s: run it yourself to see why."
        ) from None
    except OSError as error:
        raise ConfigError(f"{said} cannot be run: {error.strerror or error}.") from None
    if done.returncode != 0:
        raise ConfigError(f"{said} ended with {done.returncode}: run it yourself to see why.")
    token = done.stdout.decode("utf-8", "replace").strip()
    if not token:
        raise ConfigError(f"{said} printed nothing: it has to print the token.")
    return token


def _from_keyring(name: str) -> str | None:
    from importlib import import_module
    from importlib.util import find_spec

    if find_spec("keyring") is None:
        return None
    try:
        found: str | None = import_module("keyring").get_password(KEYRING_SERVICE, name)
    except Exception as error:  # each backend has its own; without a token the server says so
        import logging

        logging.getLogger(__name__).warning("the keyring cannot be asked: %s", type(error).__name__)
        return None
    return found or None
