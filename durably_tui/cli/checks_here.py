"""The doctor on this side: the versions and the terminal."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

from durably_tui.letters import asks_for_ascii, takes_glyphs

from .checkup import Finding

LEAST = (40, 15)
"""Columns and lines that the monitor needs."""
_CLIPBOARD = {
    **dict.fromkeys(
        ("iTerm.app", "WezTerm", "ghostty", "kitty", "Alacritty", "foot", "Hyper", "rio"), True
    ),
    **dict.fromkeys(("Apple_Terminal", "vscode-legacy"), False),
    "vscode": True,
}
"""Whether a terminal takes what is copied by OSC 52, by ``TERM_PROGRAM``."""


def versions() -> Finding:
    """What is installed."""
    parts = [f"Python {platform.python_version()}"]
    for name in ("durably-tui", "textual", "httpx", "typer"):
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            parts.append(f"{name} not installed")
    parts.append(platform.platform(terse=True))
    return Finding("versions", "ok", ", ".join(parts))


def terminal(environ: Mapping[str, str]) -> Iterator[Finding]:
    """What the monitor will be drawn on."""
    stream = next((s for s in (sys.stderr, sys.stdout) if s.isatty()), None)
    if stream is None or not sys.stdin.isatty():
        yield Finding(
            "terminal",
            "skip",
            "this is not a terminal",
            "Run the doctor in a terminal to check it.",
        )
        return
    term = environ.get("TERM", "")
    program = _program(environ)
    yield Finding("terminal", "ok", f"{program or 'unknown'}, TERM={term or 'not set'}")
    yield _size(stream.fileno())
    yield _colours(environ)
    yield _letters(stream.encoding, environ)
    yield _mouse(term)
    yield _clipboard(environ, program)


def _program(environ: Mapping[str, str]) -> str:
    if environ.get("TMUX"):
        return "tmux"
    if environ.get("STY"):
        return "screen"
    if environ.get("WT_SESSION"):
        return "Windows Terminal"
    if environ.get("KITTY_WINDOW_ID"):
        return "kitty"
    return environ.get("TERM_PROGRAM", "")


def _size(number: int) -> Finding:
    try:
        columns, lines = os.get_terminal_size(number)
    except OSError:
        return Finding("size", "warn", "not known", "Resize the window, or set COLUMNS and LINES.")
    if columns < LEAST[0] or lines < LEAST[1]:
        hint = f"Make it at least {LEAST[0]} columns and {LEAST[1]} lines."
        return Finding("size", "warn", f"{columns} x {lines}", hint)
    return Finding("size", "ok", f"{columns} x {lines}")


def _colours(environ: Mapping[str, str]) -> Finding:
    term = environ.get("TERM", "")
    if environ.get("NO_COLOR"):
        return Finding("colours", "ok", "none, as NO_COLOR says")
    if environ.get("COLORTERM") in ("truecolor", "24bit"):
        return Finding("colours", "ok", "16 million")
    if "256" in term or "direct" in term:
        hint = "Set COLORTERM=truecolor if the terminal supports it (tmux and ssh often drop it)."
        return Finding("colours", "ok", "256", hint)
    if term in ("", "dumb"):
        return Finding("colours", "warn", "none", "Set TERM, such as xterm-256color.")
    return Finding("colours", "warn", "16", "Set TERM=xterm-256color if the terminal supports it.")


def _letters(encoding: str | None, environ: Mapping[str, str]) -> Finding:
    if takes_glyphs(encoding, environ):
        return Finding("UTF-8", "ok", "yes")
    why = "because the locale is C" if asks_for_ascii(environ) else encoding or "unknown"
    hint = "The monitor draws in ASCII; set LANG=C.UTF-8 if the terminal can show more."
    return Finding("UTF-8", "warn", f"no, {why}", hint)


def _mouse(term: str) -> Finding:
    if term in ("", "dumb", "linux"):
        return Finding(
            "mouse", "warn", "this terminal has none", "Everything can be done with keys."
        )
    return Finding("mouse", "ok", "yes")


def _clipboard(environ: Mapping[str, str], program: str) -> Finding:
    name = "copy (OSC 52)"
    if program == "tmux":
        hint = "In tmux: set -g set-clipboard on."
        return Finding(name, "ok", "if tmux lets it through", hint)
    if program == "screen":
        return Finding(name, "warn", "screen drops it", "Use tmux, or the mouse with shift held.")
    can = _CLIPBOARD.get(program, True if program in ("Windows Terminal", "kitty") else None)
    if can is False:
        hint = "Select with the mouse, or use another terminal."
        return Finding(name, "warn", "this terminal does not take it", hint)
    if can is None:
        return Finding(name, "ok", "not known; copy something in the monitor to try")
    return Finding(name, "ok", "yes")
