"""One picture of each scene at each size, as SVG, and as PNG where ``rsvg-convert`` is there."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from support.monitor import Monitor

from durably_tui.recording import read

from .replayed import DEMO, app_on
from .scenes import SCENES

FOLDER = Path(__file__).parents[2] / "screenshots"
SIZES = ((80, 24), (120, 40), (200, 60))
SETTLE_SECONDS = 1.5
"""Until everything that was asked for has come and a changed row has stopped to glow."""
COLOURS = 64


async def shoot(names: Sequence[str] = (), folder: Path = FOLDER) -> None:
    """Shoot the scenes of these names, or all."""
    recording = read(DEMO)
    for name, scene in SCENES.items():
        if names and name not in names:
            continue
        for size in SIZES:
            async with app_on(recording) as app, app.run_test(size=size) as pilot:
                monitor = Monitor(app, pilot)
                await monitor.until(lambda app=app: app.world is not None)
                await pilot.pause()
                await scene(monitor)
                await pilot.pause(SETTLE_SECONDS)
                svg = folder / f"{name}-{size[0]}x{size[1]}.svg"
                svg.write_text(app.export_screenshot(title="durably-tui"))
                picture(svg)
                print(svg.name, flush=True)


def picture(svg: Path) -> None:
    """The SVG as PNG, where the converter is there, in as few colours as it takes.

    It drops leading spaces, hard ones too, unless told to keep them; and the font that it finds in
    place of the web font is a little narrower, so its size is set to fill the same cells.
    """
    if converter := shutil.which("rsvg-convert"):
        text = (
            svg.read_text().replace("&#160;", " ").replace("font-size: 20px", "font-size: 20.26px")
        )
        text = text.replace("<svg ", '<svg xml:space="preserve" ', 1)
        made = subprocess.run(
            [converter, "/dev/stdin"], input=text.encode(), check=True, capture_output=True
        )
        with Image.open(io.BytesIO(made.stdout)) as image:
            # The corners of the window are see-through.
            few = image.convert("RGBA").quantize(COLOURS, method=Image.Quantize.FASTOCTREE)
            few.save(svg.with_suffix(".png"), optimize=True)
