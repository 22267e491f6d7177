"""The hooks run in any asyncio program: importing them loads no terminal and no HTTP."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_hooks_loads_neither_textual_nor_httpx() -> None:
    script = (
        "import sys, durably_tui.state\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(loaded & {'textual', 'rich', 'httpx', 'httpx_sse', 'typer', 'pydantic',"
        " 'starlette'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
