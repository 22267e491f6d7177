"""``durably-tui doctor``: find out why a server cannot be watched."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

import typer

from durably_tui.cli.codes import Code
from durably_tui.cli.options import ConfigOption, JsonOption, ServerOption
from durably_tui.cli.running import ending

if TYPE_CHECKING:
    from durably_tui.cli.checkup import Finding

_CODES = {"configuration": Code.USAGE, "server": Code.USAGE, "credentials": Code.NOT_AUTHORISED}
"""What the exit code says of a check that fails; of any other, that the server is not reached."""
_COLOURS = {"ok": "32", "warn": "33", "fail": "31", "skip": "2"}


def command(
    as_json: JsonOption = False, server: ServerOption = None, config: ConfigOption = None
) -> None:
    """Look at everything between here and a server, a line each, with a hint for what is wrong.

    The name, the address, TLS, credentials, base path (the usual ones are tried), generation and
    abilities, clocks, the stream and its first byte, the terminal, and the versions.
    """
    with ending():
        raise typer.Exit(asyncio.run(_examine(server, config, as_json=as_json)))


async def _examine(server: str | None, config: str | None, *, as_json: bool) -> Code:
    from durably_tui.cli.said import flush, json_text, out

    code = Code.DONE
    found = []
    async with aclosing(_findings(server, config)) as findings:
        async for finding in findings:
            found.append(finding)
            if finding.state == "fail":
                code = code or _CODES.get(finding.name, Code.UNREACHABLE)
            if not as_json:
                _print(finding)
                flush()
    if as_json:
        out(json_text([_shape(finding) for finding in found]))
    return code


async def _findings(server: str | None, config: str | None) -> AsyncGenerator[Finding, None]:
    from durably_tui.cli.checks_here import terminal, versions
    from durably_tui.cli.checks_server import check_server
    from durably_tui.cli.checkup import Finding
    from durably_tui.config import ConfigError, load

    yield versions()
    settings = load(config)
    file = settings.file or "there is none"
    if settings.problems:
        for problem in settings.problems:
            yield Finding("configuration", "fail", file, str(problem))
    else:
        yield Finding("configuration", "ok", file)
    try:
        chosen = settings.server(server)
    except ConfigError as error:
        yield Finding("server", "fail", "none to look at", str(error))
    else:
        origin = "--server" if server else settings.origin("default")
        named = f"{chosen.name}, " if chosen.name else ""
        yield Finding("server", "ok", f"{named}{chosen.shown} (from {origin})")
        async with aclosing(check_server(chosen)) as findings:
            async for finding in findings:
                yield finding
    for finding in terminal(os.environ):
        yield finding


def _print(finding: Finding) -> None:
    from durably_tui.cli.said import has_colours, out
    from durably_tui.text import safe

    word = f"{finding.state:<4}"
    if has_colours(sys.stdout):
        word = f"\x1b[{_COLOURS[finding.state]}m{word}\x1b[0m"
    out(f"{word}  {finding.name:<14} {safe(finding.text)}")
    if finding.hint:
        out(f"{'':<21}{safe(finding.hint)}")


def _shape(finding: Finding) -> dict[str, str]:
    return {
        "name": finding.name,
        "state": finding.state,
        "text": finding.text,
        "hint": finding.hint,
    }
