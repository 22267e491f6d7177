"""What is imported when, and what a user's installation brings along."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest

_LOADED = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
_HELP = """
import contextlib, io, runpy, sys
sys.argv = ["durably-tui", "--help"]
with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
    runpy.run_module("durably_tui", run_name="__main__")
assert "Usage: durably-tui" in said.getvalue()
"""

_RUNS = """
import contextlib, io, runpy, sys
sys.argv = ["durably-tui", "runs", "-o", "json", "-s", "http://127.0.0.1:9"]
with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.suppress(SystemExit):
    runpy.run_module("durably_tui", run_name="__main__")
assert "nothing listens there" in said.getvalue()
"""


def loaded_after(code: str) -> set[str]:
    """The packages that a fresh process has loaded after running ``code``."""
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}\n{_LOADED}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    return set(answer.stdout.split())


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        (_HELP, {"textual", "httpx", "starlette", "uvicorn", "durably_server"}),
        (
            _RUNS,
            {
                *("textual", "httpx_sse", "starlette", "tomlkit", "durably_server"),
                *("rich", "pygments", "click"),  # for the command of httpx
            },
        ),
        ("import durably_tui.config", {"textual", "httpx", "typer", "msgspec", "tomlkit"}),
        ("import durably_tui", {"textual", "httpx", "msgspec", "rich", "typer"}),
        ("import durably_tui.state", {"textual", "httpx", "rich", "typer"}),
        ("import durably_tui.protocol", {"textual", "httpx", "rich", "typer", "asyncio"}),
        ("import durably_tui.client", {"textual", "typer"}),
        ("import durably_tui.tui.app", {"httpx", "typer", "pydantic"}),
        ("import durably_tui.tui.screens.runs", {"httpx", "typer", "pydantic"}),
        ("import durably_tui.cli.launch", {"textual", "httpx", "typer", "pydantic"}),
        ("import durably_server", {"textual", "httpx", "durably_tui"}),
    ],
    ids=lambda value: (
        value.removeprefix("import ") if "import d" in value else "runs" if value == _RUNS else "-"
    ),
)
def test_nothing_is_loaded_before_it_is_needed(code: str, unwanted: set[str]) -> None:
    loaded = loaded_after(code)
    assert loaded, "the process has something to tell"
    assert not loaded & unwanted


def test_the_test_sees_what_is_loaded() -> None:
    assert "httpx" in loaded_after("import httpx")


def needed(distribution: str) -> set[str]:
    """What a distribution needs to be installed, and what that needs, and so on; no extras."""
    seen: set[str] = set()
    waiting = [distribution]
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            lines = requires(name) or []
        except PackageNotFoundError:  # for another platform or Python
            continue
        waiting += [
            match[0]
            for line in lines
            if "extra ==" not in line and (match := re.match(r"[A-Za-z0-9._-]+", line))
        ]
    return seen


def test_no_aiohttp_in_what_a_user_installs() -> None:
    installed = needed("durably-tui")
    assert {"textual", "httpx", "httpx-sse", "rich", "typer", "starlette", "uvicorn"} <= installed
    assert "h11" in installed, "what is needed by what is needed"
    assert "aiohttp" not in installed
    assert not {"pytest", "mypy", "ruff", "pyte"} & installed, "nor anything of the developers"


def test_every_folder_of_code_is_a_package() -> None:
    """One without an ``__init__.py`` would be left out of what is checked of imports."""
    root = Path(__file__).parent.parent
    for package in (root / "durably_tui", root / "server/durably_server"):
        folders = {each.parent for each in package.rglob("*.py")}
        assert [each for each in folders if not (each / "__init__.py").exists()] == []
