"""``make screenshots``: pictures of the real app on the demo server, as SVG, and as PNG where
``rsvg-convert`` is installed."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from durably_tui.cli.embedded import embedded_server
from durably_tui.client import DurablyClient
from durably_tui.protocol import RunStatus
from durably_tui.state import create_durably_client
from durably_tui.tui.app import MonitorApp
from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.session import Session

FOLDER = Path(__file__).parents[2] / "screenshots"
SIZES = ((80, 24), (120, 40), (200, 60))
WARM_UP_SECONDS = 20.0

Scene = Callable[[Pilot[None]], Awaitable[None]]


async def runs(pilot: Pilot[None]) -> None:
    """The table with a running run under the cursor, its logs below."""
    await on_a_run(pilot, RunStatus.RUNNING)


async def run(pilot: Pilot[None]) -> None:
    """A run in full, on its steps."""
    await on_a_run(pilot, RunStatus.RUNNING)
    await pilot.press("enter")
    await pilot.pause(2.5)
    await pilot.press("s")


async def failed(pilot: Pilot[None]) -> None:
    """A failed run in full, on its overview."""
    await on_a_run(pilot, RunStatus.FAILED)
    await pilot.press("enter")
    await pilot.pause(1.5)


async def trigger(pilot: Pilot[None]) -> None:
    """The dialog that makes a new run."""
    await on_a_run(pilot, RunStatus.COMPLETED)
    await pilot.press("ctrl+t")


async def keys(pilot: Pilot[None]) -> None:
    """The keys of the place."""
    await pilot.press("question_mark")


SCENES: dict[str, Scene] = {
    "runs": runs,
    "run": run,
    "failed": failed,
    "trigger": trigger,
    "help": keys,
}


async def on_a_run(pilot: Pilot[None], status: RunStatus) -> None:
    """Put the cursor on the newest run of a status."""
    screen = pilot.app.screen
    assert isinstance(screen, RunsScreen)
    for _ in range(100):
        row = next((row for row in screen.table.rows if row.run.status is status), None)
        if row is not None:
            screen.table.move_cursor(row.run.id)
            break
        await pilot.pause(0.2)
    await pilot.pause(3)


async def shoot(url: str) -> None:
    """One picture of each scene at each size."""
    FOLDER.mkdir(exist_ok=True)
    for name, scene in SCENES.items():
        for size in SIZES:
            client = DurablyClient(url)
            hooks = create_durably_client(client)
            session = Session(hooks, client.url, "demo", close=client.aclose)
            app = MonitorApp(session)
            async with app.run_test(size=size) as pilot:
                await pilot.pause(1.5)
                await scene(pilot)
                await pilot.pause(0.3)
                svg = FOLDER / f"{name}-{size[0]}x{size[1]}.svg"
                svg.write_text(app.export_screenshot(title="durably-tui"))
                picture(svg)
                print(svg.name, flush=True)


def picture(svg: Path) -> None:
    """The SVG as PNG, where the converter is there.

    It drops leading spaces, hard ones too, unless told to keep them; and the font that it finds in
    place of the web font is a little narrower, so its size is set to fill the same cells.
    """
    if converter := shutil.which("rsvg-convert"):
        text = (
            svg.read_text().replace("&#160;", " ").replace("font-size: 20px", "font-size: 20.26px")
        )
        text = text.replace("<svg ", '<svg xml:space="preserve" ', 1)
        png = svg.with_suffix(".png")
        subprocess.run([converter, "-o", png, "/dev/stdin"], input=text.encode(), check=True)


async def main(url: str) -> None:
    """Let the demo get going, then shoot."""
    await asyncio.sleep(WARM_UP_SECONDS)
    await shoot(url)


if __name__ == "__main__":
    with embedded_server() as address:
        asyncio.run(main(address))
