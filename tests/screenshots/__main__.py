"""``make screenshots``: pictures of the real app on a recording of the demo server.

The recording is replayed to one moment and held there, so the same app gives the same pictures.
``python -m tests.screenshots record`` makes another recording, for pictures of another moment.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from durably_tui.cli.embedded import embedded_server

from .pictures import shoot
from .replayed import DEMO

WARM_UP_SECONDS = 90.0
RECORDED = "40s"


def record(path: Path = DEMO) -> None:
    """Let a demo server work for a while, then record it."""
    with embedded_server() as url:
        time.sleep(WARM_UP_SECONDS)
        words = ("record", str(path), "--force", "--for", RECORDED, "--server", url)
        subprocess.run([sys.executable, "-m", "durably_tui", *words], check=True)


def main(arguments: list[str]) -> None:
    """Shoot all pictures, or those whose names are given; or record."""
    if arguments == ["record"]:
        record()
        return
    # The pictures are those of no particular terminal and place.
    os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", TZ="UTC")
    os.environ.pop("NO_COLOR", None)
    time.tzset()
    asyncio.run(shoot(arguments))


if __name__ == "__main__":
    main(sys.argv[1:])
