"""Running a command against a server: from options to an exit code."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

from durably_tui.config import Config, ConfigError, Server, load

from .codes import Code, code_of
from .said import capital, flush, note, warn

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient


ValueT = TypeVar("ValueT")


class Ended(Exception):
    """A command is over early, with a code and perhaps a sentence."""

    def __init__(self, code: Code, sentence: str = "") -> None:
        super().__init__(sentence)
        self.code = code


def usage(sentence: str) -> Ended:
    """The command line is wrong."""
    return Ended(Code.USAGE, capital(sentence))


Work = Callable[["DurablyClient", Server], Awaitable["Code | None"]]
"""A command's own part; None is ``Code.DONE``."""


def run(work: Work, server: str | None, config: str | None) -> NoReturn:
    """Do ``work`` against the server that was chosen; ends the command with the code.

    Args:
        work: the command's own part.
        server: the name or the address from the command line.
        config: the configuration file from the command line.
    """
    from .reach import client_for

    async def whole() -> Code:
        chosen = configured(config).server(server)
        async with client_for(chosen) as client:
            return await work(client, chosen) or Code.DONE

    with ending():
        raise typer.Exit(finished(whole()))


def finished(work: Coroutine[Any, Any, ValueT]) -> ValueT:
    """Run to its end what asks a server.

    Raises:
        Ended: the server cannot be reached, or refused it.
    """
    from durably_tui.protocol import DurablyError

    try:
        return asyncio.run(work)
    except DurablyError as error:
        raise Ended(code_of(error), capital(str(error))) from None


@contextmanager
def ending() -> Iterator[None]:
    """Turn what ends a command into its exit code, and see that all that was said is handed over.

    Raises:
        typer.Exit: for every end that has a code.
    """
    try:
        try:
            yield
        finally:
            flush()
    except ConfigError as error:
        raise typer.Exit(_failed(Code.USAGE, capital(str(error)))) from None
    except Ended as ended:
        raise typer.Exit(_failed(ended.code, str(ended))) from None
    except BrokenPipeError:
        raise typer.Exit(_unread()) from None


def configured(
    config: str | None, flags: dict[str, object] | None = None, *, warns: bool = True
) -> Config:
    """The configuration, after telling what is wrong with it, unless the screen will.

    Raises:
        ConfigError: the file that the user named is not there.
    """
    found = load(config, flags=flags)
    if config is not None and found.file is None:
        raise ConfigError(found.broken)
    for problem in found.problems if warns else ():
        warn(str(problem))
    return found


def _failed(code: Code, sentence: str) -> Code:
    try:
        if sentence:
            note(f"Error: {sentence}")
        flush()
    except BrokenPipeError:
        _unread()
    return code


def _unread() -> Code:
    """Nobody reads the output any more, as with ``| head``: that is no failure."""
    # What is still in the buffer would be written, and fail, once more at the end of the process.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return Code.DONE
