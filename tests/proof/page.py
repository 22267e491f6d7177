"""The tables of the suites in ``docs/proof.md``, each between markers of its own."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "proof.md"
_MODEL = re.compile(r"^model name\s*:\s*(.+)$", re.MULTILINE)


def write(
    suite: str,
    title: str,
    command: str,
    seed: int,
    rows: Sequence[tuple[str, str, str, str]],
    seconds: float,
) -> None:
    """Put a table in the place of the one that the page has of this suite, or at its end."""
    text = PAGE.read_text("utf-8")
    PAGE.write_text(replaced(text, suite, section(title, command, seed, rows, seconds)), "utf-8")


def section(
    title: str,
    command: str,
    seed: int,
    rows: Sequence[tuple[str, str, str, str]],
    seconds: float,
) -> str:
    """One suite: what was run, when, on what, and what came out."""
    now = datetime.now(UTC)
    lines = [
        f"## {title}",
        "",
        f"`{command}`, seed {seed}, {now:%Y-%m-%d %H:%M} UTC, {seconds:.0f} s, on {machine()}.",
        "",
        "| check | result | figures | s |",
        "| --- | --- | --- | ---: |",
        *("| " + " | ".join(each.replace("|", "\\|") for each in row) + " |" for row in rows),
    ]
    return "\n".join(line.rstrip() for line in lines)


def replaced(text: str, suite: str, content: str) -> str:
    """The page with another content between the markers of a suite."""
    head, tail = f"<!-- {suite}: made by its suite -->", f"<!-- end of {suite} -->"
    whole = f"{head}\n{content}\n{tail}"
    before, found, rest = text.partition(head)
    if not found:
        return f"{text.rstrip()}\n\n{whole}\n"
    _, found, after = rest.partition(tail)
    if not found:
        raise ValueError(f"docs/proof.md has a {head!r} and no {tail!r} after it: put it there")
    return before + whole + after


def machine() -> str:
    """What the figures were made on."""
    model = ""
    if os.path.exists("/proc/cpuinfo"):
        found = _MODEL.search(Path("/proc/cpuinfo").read_text())
        model = f" ({found[1]})" if found else ""
    system = f"{platform.system()} {platform.release()}"
    return f"{os.cpu_count()} cores{model}, {system}, Python {platform.python_version()}"
